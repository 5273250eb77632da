"""How `<identifier>-snapshot` is brought up to date, for instances and clusters alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trapheus.execution import lock
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    NameTaken,
    SnapshotFailed,
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
    from collections.abc import Callable

    from trapheus.rds.access import Description, Tags
    from trapheus.rds.waiters import Wait


@dataclass(frozen=True)
class Calls:
    """The calls and waits of one kind of snapshot; `database` tells who has a name now.

    arn: the attribute that holds a snapshot's ARN.
    """

    database: Callable[[str], str]
    find: Callable[[list[str]], dict[str, Description]]
    create: Callable[[str, str, Tags], object]
    delete: Callable[[str], object]
    available: Callable[[str], Wait]
    deleted: Callable[[str], Wait]
    arn: str


def refresh(calls: Calls, event: dict[str, Any]) -> dict[str, str]:
    """Take the snapshot; an older one goes only once its successor is available.

    At every moment one good snapshot exists. What this execution has already taken counts as
    done, so a repeat never deletes it. Returns its name and the moment of its data, ISO 8601.
    """
    plan, since = event["plan"], event["entered"]
    execution = plan["execution"]
    identifier, name, successor = plan["identifier"], plan["snapshot"], plan["successor"]

    def take(name: str, found: Description | None) -> None:
        if found is None:
            lock.require(event)
            resource_id = calls.database(identifier)
            if resource_id != plan["resourceId"]:
                # It may only not be shown for a moment.
                kind = SnapshotFailed if resource_id else StillInProgress
                raise kind(f"{identifier} is {resource_id or 'nothing'} now", identifier=identifier)
            calls.create(name, identifier, [*plan["tags"], in_progress_tag(execution)])
        elif not (is_tagged(found, execution) or is_own(name, found, plan)):
            raise NameTaken(f"The snapshot {name} is not of this execution.", identifier=identifier)
        until(calls.available(name), name, found)

    def remove(name: str, found: Description) -> None:
        if found["Status"] != "deleting":
            lock.require(event)
            calls.delete(name)
            until(calls.deleted(name), name)
        else:
            until(calls.deleted(name), name, found)

    def until(what: Wait, name: str, seen: Description | None = None) -> None:
        wait(what, otherwise=SnapshotFailed, identifier=name, since=since, seen=seen)

    # The database may be backing up for hours, and a failure half-way leaves only the successor.
    with failing_as(SnapshotFailed, identifier, conflict=StillInProgress, exists=StillInProgress):
        found = calls.find([name, successor])
        old = found.get(name)
        if old and not (is_tagged(old, execution) or is_own(name, old, plan)):
            take(successor, found.get(successor))
            remove(name, old)
            found = calls.find([name, successor])
        take(name, found.get(name))
        spare = found.get(successor)
        if spare and is_tagged(spare, execution):
            remove(successor, spare)
        taken = calls.find([name]).get(name)
        lock.require(event)
        untag([(calls.arn, taken)], execution)
    return {"name": name, "dataAsOf": moment_of(taken)}


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


def is_another(source: Description | None, restored: dict[str, str]) -> bool:
    """Whether the snapshot that has the name now is not the one that was restored.

    A copy of that one has its data too.
    """
    return source is not None and restored["dataAsOf"] not in (moments_of(source) or [""])


def warnings_of(plan: dict[str, Any], source: Description | None) -> list[str]:
    """A sentence if the snapshot is gone, which anybody may delete once it is restored."""
    return [] if source else [f"The snapshot {plan['snapshot']}, which was restored, is gone."]
