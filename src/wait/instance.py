"""Wait step: waits until an instance is what the state machine asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.constants import RESTORE_FIRST
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.waiters import (
    TRIED,
    instance_deleted,
    instance_named,
    instance_renamed,
    instance_settled,
    wait_until,
)

if TYPE_CHECKING:
    from trapheus.rds.waiters import Wait


def renamed(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The original is online under its temporary name; its own is free before that."""
    given = instance_named if plan["strategy"] == RESTORE_FIRST else instance_renamed
    return [(plan["identifier"], given(plan["resourceId"], plan["renamedTo"]))]


def copied(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """What is restored beside the original takes changes, and so a rename."""
    copy = instance_settled(plan["restoredAs"], other_than=plan["resourceId"], statuses=TRIED)
    return [(plan["restoredAs"], copy)]


def restored(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The identifier is another instance, online and settled."""
    return [
        (plan["identifier"], instance_settled(plan["identifier"], other_than=plan["resourceId"]))
    ]


def deleted(plan: dict[str, Any]) -> list[tuple[str, Wait]]:
    """The original is gone."""
    return [(plan["identifier"], instance_deleted(plan["resourceId"]))]


WAITS = {"copied": copied, "renamed": renamed, "restored": restored, "deleted": deleted}


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Wait for the event's `until`; the state machine asks again when time is up."""
    return wait_until(event, WAITS)
