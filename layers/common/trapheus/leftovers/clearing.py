"""What clears each leftover, or why nothing should: a sentence and its commands.

What an execution is at work on has none, and what a recovery sees to only that. A deletion wants
the database to serve without it.
"""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

from trapheus.execution.constants import (
    FINISH,
    IN_PROGRESS_TAG,
    RECOVER,
    RENAMED_SUFFIX,
    SHARING_SUFFIX,
    SNAPSHOT_SUFFIX,
    SOURCE_SUFFIX,
    SUCCEEDED,
)
from trapheus.leftovers.standing import OF_CLUSTER, Snapshot, tag_of
from trapheus.messages.ways_out.commands import (
    WAITS,
    aws,
    deletion,
    named,
    ready,
    rename,
    repeated,
    require,
    require_free,
    untag,
    until_available,
)
from trapheus.messages.ways_out.databases import CLUSTER, Database
from trapheus.messages.ways_out.ways import protected, unmovable
from trapheus.rds.waiters import DELETING, ONLINE

if TYPE_CHECKING:
    from trapheus.leftovers.holders import Lock
    from trapheus.leftovers.standing import Leftover

Clearing = tuple[str, list[str]]
# Of a snapshot.
GOOD, FAILED = "available", "failed"
# Of a cluster's snapshot and of an instance's, in the words of the AWS CLI.
NOUNS = {True: "db-cluster-snapshot", False: "db-snapshot"}


def of_lock(lock: Lock, machine: str) -> Clearing:
    """What a lock needs. machine: the ARN of the state machine."""
    if lock.is_running:
        return f"Nothing: {lock.holder} is at work on {lock.identifier}.", []
    if not lock.is_to_be_recovered:
        return "Nothing is left, and the next execution takes it over: this releases it.", [
            release(lock)
        ]
    asked = {"identifier": lock.identifier, "task": RECOVER, "isCluster": lock.is_cluster}
    start = aws(
        "stepfunctions start-execution",
        f"--state-machine-arn {machine} --input {shlex.quote(json.dumps(asked))}",
    )
    told = "puts back what an execution has left"
    if lock.item["phase"] == FINISH:
        told = "tells by mail what an execution has left, and the ways out"
    return f"A recovery of {lock.identifier} {told}: this starts it.", [start]


def release(lock: Lock) -> str:
    """Delete the item of a lock, if it is still as it was."""
    key = json.dumps({"database": {"S": lock.item["database"]}})
    holder = json.dumps({":holder": {"S": lock.holder}})
    condition = (
        f"'holder = :holder' --expression-attribute-values '{holder}'"
        if lock.holder
        else "'attribute_not_exists(holder)'"
    )
    return aws(
        "dynamodb delete-item",
        f"--table-name {os.environ['LOCK_TABLE']} --key '{key}' --condition-expression {condition}",
    )


def of_leftover(
    left: Leftover, lock: Lock | None, names: dict[str, Database | Snapshot], machine: str
) -> Clearing:
    """What clears a leftover. lock: its own; names: what RDS shows of its kind, by name."""
    if lock and (lock.is_running or lock.is_to_be_recovered):
        return of_lock(lock, machine)
    if isinstance(left.found, Snapshot):
        return of_snapshot(left, left.found, names)
    base = names.get(left.identifier)
    return of_database(left, left.found, base if isinstance(base, Database) else None)


def of_snapshot(left: Leftover, found: Snapshot, names: dict[str, Database | Snapshot]) -> Clearing:
    """What clears a snapshot."""
    if left.suffix == SOURCE_SUFFIX and found.status not in DELETING:
        return "It was made for a restore that has ended: this deletes it.", deletion_of(found)
    if found.status not in (GOOD, FAILED):
        return f"It is {found.status}: look again later.", []
    if found.status == FAILED:
        return "It has failed, and nothing can be restored from it: this deletes it.", deletion_of(
            found
        )
    if left.suffix in SUCCEEDED:
        return of_successor(left, found, names)
    if left.tag:
        arn = str(found.shown[found.words.arn])
        return "It stays: this takes the tag off.", [require_snapshot(found), untag(arn)]
    return (
        "It was asked for, and has the last writes of an original: this deletes it once nobody"
        " wants to go back.",
        deletion_of(found),
    )


def of_sharing(found: Snapshot, good: Snapshot, *, is_only: bool) -> Clearing:
    """What clears the successor of a copy that is shared. good: of what it is a copy.

    is_only: there is no older copy. One that is made by hand of this would be shared with nobody.
    """
    told = f"{good.name} is available: this deletes the copy of it that was to be shared."
    if is_only:
        told += " Other accounts find none then, until the next execution shares one."
    return told, [require_snapshot(good), *deletion_of(found)]


def of_successor(
    left: Leftover, found: Snapshot, names: dict[str, Database | Snapshot]
) -> Clearing:
    """What clears the successor of a snapshot, or of a copy that is shared."""
    name = left.identifier + SUCCEEDED[left.suffix]
    known, good = names.get(name), names.get(left.identifier + SNAPSHOT_SUFFIX)
    if left.suffix == SHARING_SUFFIX and isinstance(good, Snapshot) and good.status == GOOD:
        return of_sharing(found, good, is_only=known is None)
    if not isinstance(known, Snapshot):
        return (
            f"There is no {name}, so this is the only good one: this copies it to that name.",
            [require_snapshot(found), *copy(found, name)],
        )
    if known.status != GOOD:
        return f"{name} is {known.status}: keep its successor until it is available.", []
    return (
        f"{name} is available: this deletes its successor.",
        [require_snapshot(known), *deletion_of(found)],
    )


def require_snapshot(found: Snapshot) -> str:
    """Go on only if the snapshot is of the same database, and its status and tag are as they were.

    Another one may have its name by then, and snapshots have no ids of their own.
    """
    # Literals in backticks, as the AWS CLI User Guide writes them ("Filtering output"), since the
    # whole is in quotes of both sorts; and no exclamation mark, which an interactive shell takes
    # for its history.
    tag, noun, words = tag_of(found.shown), NOUNS[found.words is OF_CLUSTER], found.words
    tagged = f"TagList[?Key==`{IN_PROGRESS_TAG}`"
    conditions = [
        *([f"{words.resource_id}==`{found.resource_id}`"] if found.resource_id else []),
        f"Status==`{found.status}`",
        f"{tagged}&&Value==`{tag}`]" if tag else f"length({tagged}] || `[]`)==`0`",
    ]
    listed = words.name.removesuffix("Identifier") + "s"
    query = f"--query '{listed}[?{'&&'.join(conditions)}].{words.name}' --output text"
    asked = aws(f"rds describe-{noun}s", f"--{noun}-identifier {found.name} {query}")
    return f'test "$({asked})" = {found.name}'


def deletion_of(found: Snapshot) -> list[str]:
    """Delete a snapshot."""
    noun = NOUNS[found.words is OF_CLUSTER]
    return [
        require_snapshot(found),
        aws(f"rds delete-{noun}", f"--{noun}-identifier {found.name}"),
    ]


def copy(found: Snapshot, name: str) -> list[str]:
    """Copy a snapshot, without its tags, and wait for that."""
    noun = NOUNS[found.words is OF_CLUSTER]
    names = f"--source-{noun}-identifier {found.name} --target-{noun}-identifier {name}"
    return [
        aws(f"rds copy-{noun}", names),
        repeated(WAITS, aws(f"rds wait {noun}-available", f"--{noun}-identifier {name}")),
    ]


def of_database(left: Leftover, found: Database, base: Database | None) -> Clearing:
    """What clears a database. base: what has its identifier."""
    if found.is_going:
        return "Nothing: it is being deleted.", []
    if not left.suffix:
        tagged = [part for part in found.parts if tag_of(part.shown)]
        return (
            "It stays: this takes the tag off.",
            [
                *map(require, tagged),
                *(untag(part.shown[part.words.arn]) for part in tagged),
            ],
        )
    if base is None:
        return without_base(left, found)
    if refusal := against(left, found, base):
        return refusal, []
    told = "This deletes it once nothing needs it, without a final snapshot; its backups stay."
    if left.tag and left.suffix == RENAMED_SUFFIX:
        told += f" To go back to it instead, see the mail of its execution about {base.name}."
    if found.is_deletion_protected:
        told += " It is protected from deletion, as it was: this takes its protection off."
    return told, [require(base), *deletion(found, options=" --no-delete-automated-backups")]


def without_base(left: Leftover, found: Database) -> Clearing:
    """What clears a database whose identifier nothing has: perhaps nothing else is left of it."""
    told = f"Nothing is called {left.identifier}, so that this may be all that is left of it"
    if left.suffix != RENAMED_SUFFIX or any(part.is_bad for part in found.parts):
        why = f"; {unmovable(found)}" if found.is_bad else ": look before you delete or rename it."
        return f"{told}{why}", []
    moves = [(part, part.name.removesuffix(left.suffix)) for part in (*found.own_members, found)]
    renamed = [(part, name) for part, name in moves if part.name != name]
    return f"{told}: this gives it that name back.", [
        *ready([part for part, _ in moves]),
        *(require_free(part.words, name) for part, name in renamed),
        *(rename(part, name) for part, name in renamed),
        *(until_available(part, name) for part, name in renamed),
        *(
            untag(named(part.shown[part.words.arn], name))
            for part, name in moves
            if tag_of(part.shown)
        ),
    ]


def against(left: Leftover, found: Database, base: Database) -> str:
    """Why a database should not be deleted now; empty when nothing speaks against it."""
    serving = base.members if base.words is CLUSTER else [base]
    if base.status not in ONLINE or not any(one.status in ONLINE for one in serving):
        return f"{base.name} does not serve now: keep this until it does."
    if found.is_untouchable:
        return protected(found)
    if found.is_deletion_protected and not left.tag:
        return (
            "Somebody keeps it, protected from deletion: take that off first if nothing needs it."
        )
    return ""
