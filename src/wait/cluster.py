"""Status step: waits until a cluster and its members are what the state machine asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trapheus.execution import exceptions, lock
from trapheus.execution.logs import logged
from trapheus.rds.waiters import (
    AVAILABLE,
    cluster_deleted,
    cluster_renamed,
    cluster_settled,
    instance_settled,
    wait,
)

if TYPE_CHECKING:
    from trapheus.rds.waiters import Wait


def renamed(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The original is online under its temporary name; its members follow meanwhile."""
    return [(plan["identifier"], cluster_renamed(plan["resourceId"], plan["renamedTo"]))]


def copied(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """What is restored beside the original, and each of its members, takes changes."""
    cluster = cluster_settled(plan["restoredAs"], other_than=plan["resourceId"], statuses=AVAILABLE)
    return [
        (plan["restoredAs"], cluster),
        *(
            (
                member["restoredAs"],
                instance_settled(
                    member["restoredAs"], other_than=member["resourceId"], statuses=AVAILABLE
                ),
            )
            for member in plan["members"]
        ),
    ]


def restored(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The identifier is another cluster, and its writer serves."""
    writer = plan["members"][0]
    return [
        (plan["identifier"], cluster_settled(plan["identifier"], other_than=plan["resourceId"])),
        (
            writer["identifier"],
            instance_settled(writer["identifier"], other_than=writer["resourceId"]),
        ),
    ]


def deleted(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The original is gone."""
    return [(plan["identifier"], cluster_deleted(plan["resourceId"]))]


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
    until, since = event["until"], event["entered"]
    waits, otherwise = WAITS[until]
    for identifier, what in waits(event["plan"]):
        wait(what, otherwise=otherwise, identifier=identifier, since=since)
    if "phase" in event:
        lock.require(event)
    return {"until": until, "at": datetime.now(UTC).isoformat(timespec="seconds")}
