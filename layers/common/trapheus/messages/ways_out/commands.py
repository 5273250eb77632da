"""The commands of a mail, each for the one database that it names by its resource id.

A shell takes them whichever of sh, bash and zsh it is.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trapheus.execution import lock
from trapheus.execution.constants import IN_PROGRESS_TAG, RECOVER
from trapheus.messages.ways_out.databases import (
    CLUSTER,
    INSTANCE,
    Database,
    Words,
    carries_tag,
    names_of,
)
from trapheus.rds.access import rds

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan

# Version 2 of the AWS CLI shows what is longer than the screen in a pager, which would wait for a
# key in the middle of a block (AWS CLI User Guide, "Client-side pager").
WITHOUT_PAGER = 'export AWS_PAGER=""'
LIST = {INSTANCE: "DBInstances", CLUSTER: "DBClusters"}
ID_FILTER = {INSTANCE: "dbi-resource-id", CLUSTER: "db-cluster-resource-id"}
# A wait of the AWS CLI gives up after 30 minutes (AWS CLI reference, "rds wait"), and a final
# snapshot or a backup may last longer. It ends a wait at once that can come to nothing.
WAITS = 8
# Deleting a custom endpoint has no wait of its own.
LOOKS, BETWEEN_LOOKS = 20, 30


def aws(call: str, options: str) -> str:
    """A command in the stack's own region, wherever it is pasted. call: service and operation."""
    return f"aws {call} --region {rds().meta.region_name} {options}"


def repeated(times: int, command: str, pause: str = "") -> str:
    """Try a command so often; it ends as the last try did, so that a failure stops the block."""
    numbers = " ".join(map(str, range(1, times + 1)))
    return f"for n in {numbers}; do {pause}{command} && break; done"


def start(execution: str, given: dict[str, Any]) -> str:
    """Start an execution of the state machine of another one, with this input."""
    machine = execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")
    machine = machine or "<DBRestoreStateMachineArn>"
    return aws(
        "stepfunctions start-execution",
        f"--state-machine-arn {shlex.quote(machine)} --input {shlex.quote(json.dumps(given))}",
    )


def recover(plan: Plan) -> str:
    """Let an execution finish the rollback, which also releases the lock."""
    given = {
        "identifier": plan["identifier"], "task": RECOVER, "isCluster": "members" in plan,
    }  # fmt: skip
    return start(plan["execution"], given)


def release_lock(plan: Plan) -> str:
    """Delete the item of the lock, if it is still what the plan's execution has left."""
    name = lock.name_of(plan["identifier"], is_cluster="members" in plan)
    key, values = {"database": {"S": name}}, {":plan": {"S": plan["execution"]}}
    condition = "attribute_not_exists(holder) AND contains(planned, :plan)"
    return aws(
        "dynamodb delete-item",
        f"--table-name {shlex.quote(os.environ['LOCK_TABLE'])}"
        f" --key {shlex.quote(json.dumps(key))} --condition-expression '{condition}'"
        f" --expression-attribute-values {shlex.quote(json.dumps(values))}",
    )


def require(found: Database, name: str = "") -> str:
    """Go on only if the resource id has this name still, or another one, when it is pasted.

    RDS renames and deletes by name only.
    """
    words = found.words
    names = f"{LIST[words]}[].{words.name}"
    asked = f"{describe(words, ids=[found.resource_id])} --query '{names}' --output text"
    return f'test "$({asked})" = {shlex.quote(name or found.name)}'


def require_free(words: Words, name: str) -> str:
    """Go on only if nothing has a name; a look that fails prints no number."""
    asked = describe(words, names=[name])
    return f"test \"$({asked} --query 'length({LIST[words]})' --output text)\" = 0"


def describe(words: Words, *, ids: list[str] | None = None, names: list[str] | None = None) -> str:
    """Look at those with these resource ids, or these names; there may be none."""
    return aws(f"rds describe-db-{words.kind}s", f"--filters {filters(words, ids, names)}")


def filters(words: Words, ids: list[str] | None, names: list[str] | None = None) -> str:
    """Filters by resource id and by name. All of them must fit."""
    given = {ID_FILTER[words]: ids, f"db-{words.kind}-id": names}
    return " ".join(
        shlex.quote(f"Name={name},Values={','.join(values)}")
        for name, values in given.items()
        if values
    )


def wait(words: Words, until: str, ids: list[str] | None, names: list[str] | None = None) -> str:
    """Wait for hours, if need be, for those with this resource id, this name, or both."""
    chosen = filters(words, ids, names)
    return repeated(WAITS, aws(f"rds wait db-{words.kind}-{until}", f"--filters {chosen}"))


def until_available(found: Database, name: str = "") -> str:
    """Wait until it is available, under a new name if one is given."""
    return wait(found.words, "available", [found.resource_id], [name] if name else None)


def until_free(words: Words, name: str) -> str:
    """Wait until nothing has a name, whatever keeps what had it busy by then."""
    return wait(words, "deleted", None, [name])


def until_gone(found: Database) -> str:
    """Wait until it is deleted."""
    return wait(found.words, "deleted", [found.resource_id])


def modify(found: Database, what: str) -> str:
    """Change it at once."""
    kind = found.words.kind
    return aws(
        f"rds modify-db-{kind}", f"--db-{kind}-identifier {found.name} {what} --apply-immediately"
    )


def rename(found: Database, name: str) -> str:
    """Ask for a new name, unless it has that: a change that is under way may not show yet."""
    asked = modify(found, f"--new-db-{found.words.kind}-identifier {shlex.quote(name)}")
    return f"{{ {require(found, name)} || {asked}; }}"


def ready_to_rename(renames: list[tuple[Database, str]]) -> list[str]:
    """The same as `ready` for what gets these names next, or has them by then."""
    found = [one for one, _ in renames]
    return [
        *woken(found),
        *(f"{{ {require(one)} || {require(one, name)}; }}" for one, name in renames),
    ]


def ready(found: list[Database]) -> list[str]:
    """Let those be available that can be, then see that each has its name still."""
    return [*woken(found), *map(require, found)]


def woken(found: list[Database]) -> list[str]:
    """Start what is stopped, and wait for what is busy."""
    return [
        *(command for one in found if one.is_stopped for command in started(one)),
        *(until_available(one) for one in found if one.is_busy or one.is_stopped),
    ]


def started(found: Database) -> list[str]:
    """Start one that is stopped; a member is started with its cluster."""
    kind = found.words.kind
    if kind == "instance" and found.shown.get("DBClusterIdentifier"):
        return []
    return [require(found), aws(f"rds start-db-{kind}", f"--db-{kind}-identifier {found.name}")]


def deletion(
    found: Database, final: str = "", options: str = "", first: Iterable[str] = ()
) -> list[str]:
    """Delete it, with its members: RDS wants those deleted first.

    final: the name of its final snapshot, if it is to have one. first: what is to be changed
    before, once each has its name still.
    """
    members = [one for one in found.own_members if not one.is_going]
    commands = [*ready([*members, found]), *first]
    if found.is_deletion_protected:
        commands += [modify(found, "--no-deletion-protection"), until_available(found)]
    commands += [delete(one, "--skip-final-snapshot") for one in members]
    last = f"--final-db-snapshot-identifier {final}" if final else "--skip-final-snapshot"
    return [*commands, delete(found, f"{last}{options}"), until_gone(found)]


def delete(found: Database, options: str) -> str:
    """Ask for a deletion."""
    kind = found.words.kind
    return aws(f"rds delete-db-{kind}", f"--db-{kind}-identifier {found.name} {options}")


def untag(arn: str) -> str:
    """Take the tag off what stays."""
    return aws(
        "rds remove-tags-from-resource",
        f"--tag-keys {IN_PROGRESS_TAG} --resource-name {shlex.quote(arn)}",
    )


def untagging(found: Database | None, plan: Plan, names: dict[str, str] | None = None) -> list[str]:
    """Take the execution's tag off a database and its members, where they carry it and stay.

    names: those that they have by then, by resource id, where they are other ones than now.
    """
    return [
        untag(named(str(one.shown[one.words.arn]), (names or {}).get(one.resource_id, one.name)))
        for one in (found.parts if found else [])
        if carries_tag(one, plan) and not one.is_going
    ]


def named(arn: str, name: str) -> str:
    """The ARN under another name, of which it is made."""
    return f"{arn.rpartition(':')[0]}:{name}"


def look_again(plan: Plan, restored_id: str) -> list[str]:
    """Show what has which name and which resource id; nothing is changed."""
    words = CLUSTER if "members" in plan else INSTANCE
    ids = [plan["resourceId"], *([restored_id] if restored_id else [])]
    commands = [WITHOUT_PAGER, *shown(words, ids, names_of(plan, plan))]
    members = plan.get("members", [])
    if members:
        names = [name for member in members for name in names_of(member, plan)]
        commands += shown(INSTANCE, [member["resourceId"] for member in members], names)
    return commands


def shown(words: Words, ids: list[str], names: list[str]) -> list[str]:
    """Show those with these resource ids, and those with these names."""
    keys = ",".join((words.name, words.status, words.resource_id))
    output = f"--query '{LIST[words]}[].[{keys}]' --output table"
    return [
        f"{asked} {output}" for asked in (describe(words, ids=ids), describe(words, names=names))
    ]
