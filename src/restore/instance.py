"""Restore step: makes the instance again from its snapshot, under the planned name."""

from typing import Any

from trapheus.execution import lock
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    NameTaken,
    RestoreFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import in_progress_tag, instance, is_tagged, rds, snapshot
from trapheus.rds.source.copies import require_unchanged


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Ask for the restore with all the configuration that the call takes.

    A restore that this execution has already asked for counts as done. Returns the snapshot, the
    moment of its data, ISO 8601, and the new resource id.
    """
    plan = event["plan"]
    identifier = plan["restoredAs"]
    with failing_as(RestoreFailed, identifier, exists=StateConflict):
        found = instance(identifier)
        if found is None:
            lock.require(event)
            require_unchanged(snapshot, plan)
            answer = rds().restore_db_instance_from_db_snapshot(
                DBInstanceIdentifier=identifier,
                DBSnapshotIdentifier=plan.get("copiedTo", plan["snapshot"]),
                Tags=[*plan["tags"], in_progress_tag(plan["execution"])],
                # Set at the very end: a failed restore must stay removable.
                DeletionProtection=False,
                **plan["restore"],
            )
            resource_id = answer["DBInstance"]["DbiResourceId"]
        elif found["DbiResourceId"] == plan["resourceId"]:
            raise StillInProgress("The old name is still shown", identifier=identifier)
        elif not is_tagged(found, plan["execution"]):
            raise NameTaken(f"{identifier} is not of this execution.", identifier=identifier)
        else:
            resource_id = found["DbiResourceId"]
    return {
        "snapshot": event["snapshot"]["name"],
        "dataAsOf": event["snapshot"]["dataAsOf"],
        "resourceId": resource_id,
    }
