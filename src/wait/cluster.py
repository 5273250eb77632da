"""Wait step: waits until a cluster and its members are what the state machine asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.waiters import (
    TRIED,
    cluster_deleted,
    cluster_renamed,
    cluster_settled,
    instance_settled,
    wait_until,
)

if TYPE_CHECKING:
    from trapheus.rds.waiters import Wait


def renamed(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The original is online under its temporary name; its members follow meanwhile."""
    return [(plan["identifier"], cluster_renamed(plan["resourceId"], plan["renamedTo"]))]


def copied(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """What is restored beside the original, and each of its members, takes changes."""
    cluster = cluster_settled(plan["restoredAs"], other_than=plan["resourceId"], statuses=TRIED)
    return [
        (plan["restoredAs"], cluster),
        *(
            (
                member["restoredAs"],
                instance_settled(
                    member["restoredAs"], other_than=member["resourceId"], statuses=TRIED
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


WAITS = {"copied": copied, "renamed": renamed, "restored": restored, "deleted": deleted}


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Wait for the event's `until`; the state machine asks again when time is up."""
    return wait_until(event, WAITS)
