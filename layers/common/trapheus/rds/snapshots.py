"""How `<identifier>-snapshot` is brought up to date and shared, of instances and clusters alike."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trapheus.execution import lock
from trapheus.execution.constants import SHARING_SUFFIX
from trapheus.execution.errors import NOT_FOUND, failing_as
from trapheus.execution.exceptions import (
    KeyNotAccessible,
    NameTaken,
    SnapshotFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.rds.access import (
    in_progress_tag,
    is_tagged,
    moment_of,
    moments_of,
    untag,
)
from trapheus.rds.waiters import wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trapheus.rds.access import Description, Tags
    from trapheus.rds.waiters import Wait


# RDS may show for a minute what has gone: it is looked at again.
GONE = dict.fromkeys(NOT_FOUND, (StillInProgress, "What was shown is gone"))


@dataclass(frozen=True)
class Calls:
    """The calls and waits of one kind of snapshot; `database` tells who has a name now.

    copy: from a snapshot to a name, under a key. share: a snapshot with accounts. arn: the
    attribute that holds a snapshot's ARN.
    """

    database: Callable[[str], str]
    find: Callable[[list[str]], dict[str, Description]]
    create: Callable[[str, str, Tags], object]
    copy: Callable[[str, str, str, Tags], object]
    share: Callable[[str, list[str]], object]
    delete: Callable[[str], object]
    available: Callable[[str], Wait]
    deleted: Callable[[str], Wait]
    arn: str


@dataclass(frozen=True)
class Renewal:
    """Two names, that of a snapshot and that of its successor, and how it is made anew.

    make: under one of the names, given what has them now. is_own: whether this execution has made
    what carries no tag of it. accounts: with whom both are shared, none for nobody.
    """

    name: str
    successor: str
    make: Callable[[str, dict[str, Description]], None]
    is_own: Callable[[str, Description], bool]
    accounts: list[str]


def refresh(calls: Calls, event: dict[str, Any]) -> dict[str, str]:
    """Take the snapshot, and share it if the plan says so.

    Returns its name and the moment of its data, ISO 8601.
    """
    plan = event["plan"]
    identifier, sharing = plan["identifier"], plan.get("sharing")
    by_copy = bool(sharing and sharing["key"])

    def take(name: str, _: dict[str, Description]) -> None:
        resource_id = calls.database(identifier)
        if resource_id != plan["resourceId"]:
            # It may only not be shown for a moment.
            kind = SnapshotFailed if resource_id else StillInProgress
            raise kind(f"{identifier} is {resource_id or 'nothing'} now", identifier=identifier)
        calls.create(name, identifier, tags_of(plan))

    # The database may be backing up for hours, and a failure half-way leaves only the successor.
    with failing_as(SnapshotFailed, identifier, conflict=StillInProgress, exists=StillInProgress):
        taken = renew(
            calls,
            event,
            Renewal(
                plan["snapshot"],
                plan["successor"],
                take,
                lambda name, found: is_own(name, found, plan),
                sharing["accounts"] if sharing and not by_copy else [],
            ),
        )
    if by_copy:
        share_copy(calls, event, taken)
    return {"name": plan["snapshot"], "dataAsOf": moment_of(taken)}


def renew(calls: Calls, event: dict[str, Any], renewal: Renewal) -> Description | None:
    """Make a snapshot anew; an older one goes only once its successor is available.

    At every moment one good snapshot exists, and those that it is shared with find one: each is
    shared before the other goes. What this execution has already made counts as done, so a repeat
    never deletes it. Returns what RDS shows of it in the end.
    """
    execution, identifier = event["plan"]["execution"], event["plan"]["identifier"]
    name, successor = renewal.name, renewal.successor

    def make(name: str, found: dict[str, Description]) -> None:
        seen = found.get(name)
        if seen is None:
            lock.require(event)
            renewal.make(name, found)
        elif not (is_tagged(seen, execution) or renewal.is_own(name, seen)):
            raise NameTaken(f"The snapshot {name} is not of this execution.", identifier=identifier)
        until(calls.available(name), name, seen)

    def remove(name: str, found: Description) -> None:
        if found["Status"] != "deleting":
            lock.require(event)
            with failing_as(SnapshotFailed, identifier, conflict=StillInProgress, refusals=GONE):
                calls.delete(name)
            until(calls.deleted(name), name)
        else:
            until(calls.deleted(name), name, found)

    def share(name: str) -> None:
        if renewal.accounts:
            lock.require(event)
            with refusing_to_share(name, identifier):
                calls.share(name, renewal.accounts)

    def until(what: Wait, name: str, seen: Description | None = None) -> None:
        wait(what, otherwise=SnapshotFailed, identifier=name, since=event["entered"], seen=seen)

    found = calls.find([name, successor])
    old = found.get(name)
    if old and not (is_tagged(old, execution) or renewal.is_own(name, old)):
        make(successor, found)
        if old["Status"] != "deleting":
            share(successor)
        remove(name, old)
        found = calls.find([name, successor])
    make(name, found)
    spare = found.get(successor)
    if spare and is_tagged(spare, execution):
        if spare["Status"] != "deleting":
            share(name)
        remove(successor, spare)
    # To share again what is shared changes nothing, and there may have been no successor.
    share(name)
    made = calls.find([name]).get(name)
    lock.require(event)
    untag([(calls.arn, made)], execution)
    return made


@contextmanager
def refusing_to_share(name: str, identifier: str) -> Iterator[None]:
    """Turn a refusal to share a snapshot into the app's own error.

    It has been seen available, so that a refusal for its state lasts no two days: it is tried again
    for some minutes, and then tells what may be the cause [fact: sharing-a-snapshot].
    """
    try:
        with failing_as(SnapshotFailed, identifier, refusals=GONE):
            yield
    except StateConflict as error:
        error.add(
            message=f"RDS does not share {name}, though it is available: {error.fields['message']}"
            " If the option group has permanent or persistent options, such as TDE, RDS never"
            f" does: take them out, or {identifier} out of what the stack shares."
        )
        raise


def share_copy(calls: Calls, event: dict[str, Any], taken: Description | None) -> None:
    """Let other accounts restore a copy of what was taken, under a key that they may use.

    The copy is renewed as the snapshot is.
    """
    plan, sharing = event["plan"], event["plan"]["sharing"]
    name, successor, key = sharing["name"], plan["identifier"] + SHARING_SUFFIX, sharing["key"]

    def copy(target: str, found: dict[str, Description]) -> None:
        # Its successor has the key already, so that RDS has less to do.
        ready = target == name and is_tagged(found.get(successor, {}), plan["execution"])
        calls.copy(successor if ready else plan["snapshot"], target, key, tags_of(plan))

    def is_own_copy(target: str, found: Description) -> bool:
        return target == name and is_copied(found, taken or {}, plan)

    refusals = {"KMSKeyNotAccessibleFault": (KeyNotAccessible, cannot_use(key))}
    with failing_as(
        SnapshotFailed,
        plan["identifier"],
        conflict=StillInProgress,
        exists=StillInProgress,
        refusals=refusals,
    ):
        renew(calls, event, Renewal(name, successor, copy, is_own_copy, sharing["accounts"]))


def cannot_use(key: str) -> str:
    """The sentence about a key that RDS refuses for the copy."""
    return (
        f"RDS cannot use the key {key}, under which the snapshot is copied to be shared: enable it,"
        " or give the stack another one as ShareKmsKey, with the key policy of docs/sharing.md."
    )


def tags_of(plan: dict[str, Any]) -> Tags:
    """The tags of what an execution makes: the database's own, and its mark."""
    return [*plan["tags"], in_progress_tag(plan["execution"])]


def is_copied(found: Description, taken: Description, plan: dict[str, Any]) -> bool:
    """Whether a snapshot is the copy of what this execution has taken, under the planned key.

    An instance's shows the moment of its data, a cluster's only of what it is a copy
    [fact: moment-of-a-copy]; what has that name since the moment of the copy is known.
    """
    made, since = found.get("SnapshotCreateTime"), taken.get("SnapshotCreateTime")
    key = "OriginalSnapshotCreateTime"
    if source := found.get("SourceDBClusterSnapshotArn"):
        names = (plan["snapshot"], plan["identifier"] + SHARING_SUFFIX)
        same = source.rpartition(":")[2] in names
    else:
        same = found.get(key) == taken.get(key)
    under_key = found.get("KmsKeyId") == plan["sharing"]["key"]
    return bool(under_key and same and made and since and made > since)


def is_own(name: str, found: Description, plan: dict[str, Any]) -> bool:
    """Whether this execution has taken a snapshot and untagged it, which is its last act.

    While the lock is held no other execution takes one of this database. What somebody has copied
    to the name meanwhile has older data: an instance's copy shows their moment, a cluster's only
    that it is a copy (botocore's model).
    """
    if found.get("SourceDBClusterSnapshotArn"):
        return False
    began = datetime.fromisoformat(plan["started"])
    taken = found.get("OriginalSnapshotCreateTime", found.get("SnapshotCreateTime"))
    of_it = plan["resourceId"] in (found.get("DbiResourceId"), found.get("DbClusterResourceId"))
    return bool(name == plan["snapshot"] and of_it and taken and taken > began)


def is_another(source: Description | None, restored: dict[str, Any]) -> bool:
    """Whether the snapshot that has the name now is not the one that was, or is to be, restored.

    A copy of that one has its data too.
    """
    return source is not None and restored["dataAsOf"] not in (moments_of(source) or [""])


def is_replaced(plan: dict[str, Any], source: Description | None, restored: dict[str, str]) -> bool:
    """Whether a database's own snapshot is not the one any more that was restored.

    Another database's, and what was copied, is compared before the call that reads it: its owner
    may replace it by name at any time afterwards.
    """
    return not {"source", "copiedTo"} & plan.keys() and is_another(source, restored)


def warnings_of(plan: dict[str, Any], source: Description | None) -> list[str]:
    """A sentence if the snapshot is gone, which anybody may delete once it is restored."""
    return [] if source else [f"The snapshot {plan['snapshot']}, which was restored, is gone."]
