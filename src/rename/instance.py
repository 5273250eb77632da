"""Rename step: renames the original instance, and gives what was restored beside it its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution import lock
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    RenameFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import in_progress_tag, instance_with, is_tagged, rds
from trapheus.rds.waiters import BAD_INSTANCE, TRIED, not_ready

if TYPE_CHECKING:
    from trapheus.rds.access import Description


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Ask for the new name of the `original`, tagging it, or of the `copy`; `renames` says.

    What is asked for counts as done.
    """
    plan = event["plan"]
    names = plan["identifier"], plan["renamedTo"]
    resource_id = plan["resourceId"]
    if event["renames"] == "copy":
        names, resource_id = (
            (plan["restoredAs"], plan["identifier"]),
            event["restored"]["resourceId"],
        )
    # The original's name shows as taken for a moment after it has been left.
    exists = StateConflict if event["renames"] == "copy" else None
    with failing_as(RenameFailed, names[0], exists=exists):
        found = instance_with(resource_id)
        if found is None:
            raise StillInProgress(f"The {event['renames']} is not visible", identifier=names[0])
        if is_to_be_asked(found, *names, plan["execution"]):
            lock.require(event)
            if event["renames"] == "original":
                mine = [in_progress_tag(plan["execution"])]
                rds().add_tags_to_resource(ResourceName=plan["arn"], Tags=mine)
                # That call may hang for longer than a recovery looks, which has ended by then.
                lock.require(event)
            rds().modify_db_instance(
                DBInstanceIdentifier=names[0],
                NewDBInstanceIdentifier=names[1],
                # Otherwise RDS waits for the maintenance window.
                ApplyImmediately=True,
            )
    return {"name": names[1]}


def is_to_be_asked(found: Description, name: str, new_name: str, execution: str) -> bool:
    """Whether the instance still has its old name and nothing is under way."""
    # This execution tags it before it asks: without the tag somebody else has given it that name.
    if found["DBInstanceIdentifier"] == new_name and is_tagged(found, execution):
        return False
    if found["DBInstanceIdentifier"] != name:
        raise RenameFailed(
            f"Somebody has renamed it to {found['DBInstanceIdentifier']}", identifier=name
        )
    if found["DBInstanceStatus"] == "renaming":
        return False
    if found["DBInstanceStatus"] not in TRIED:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RenameFailed, name, unrenamed=name)
    return True
