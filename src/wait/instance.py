"""Status step: waits until an instance is what the state machine asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trapheus.execution import exceptions, lock
from trapheus.execution.constants import RESTORE_FIRST
from trapheus.execution.logs import logged
from trapheus.rds.waiters import (
    AVAILABLE,
    instance_deleted,
    instance_named,
    instance_renamed,
    instance_settled,
    wait,
)

if TYPE_CHECKING:
    from trapheus.rds.waiters import Wait


def renamed(plan: dict[str, Any]) -> Wait:
    """The original is online under its temporary name; its own is free before that."""
    if plan["strategy"] == RESTORE_FIRST:
        return instance_named(plan["resourceId"], plan["renamedTo"])
    return instance_renamed(plan["resourceId"], plan["renamedTo"])


def copied(plan: dict[str, Any]) -> Wait:
    """What is restored beside the original takes changes, and so a rename."""
    return instance_settled(plan["restoredAs"], other_than=plan["resourceId"], statuses=AVAILABLE)


def restored(plan: dict[str, Any]) -> Wait:
    """The identifier is another instance, online and settled."""
    return instance_settled(plan["identifier"], other_than=plan["resourceId"])


def deleted(plan: dict[str, Any]) -> Wait:
    """The original is gone."""
    return instance_deleted(plan["resourceId"])


WAITS = {
    "copied": (copied, exceptions.RestoreFailed),
    "renamed": (renamed, exceptions.RenameFailed),
    "restored": (restored, exceptions.RestoreFailed),
    "deleted": (deleted, exceptions.DeleteFailed),
}


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Wait for the event's `until`; the state machine asks again when time is up.

    What it waits for may begin a `phase`, which is noted at once: clients may write from here on.
    Returns `until`, and the moment `at` which it was seen, ISO 8601.
    """
    plan, until, since = event["plan"], event["until"], event["entered"]
    waiting, otherwise = WAITS[until]
    wait(waiting(plan), otherwise=otherwise, identifier=plan["identifier"], since=since)
    if "phase" in event:
        lock.require(event)
    return {"until": until, "at": datetime.now(UTC).isoformat(timespec="seconds")}
