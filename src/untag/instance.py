"""Untag step: takes this execution's tag off what stays."""

from typing import Any

from trapheus.configuration.by_phase import plan_in_phase
from trapheus.execution import lock
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import StillInProgress, UntagFailed
from trapheus.execution.logs import logged
from trapheus.rds.access import instance, instance_with, rds, snapshot, untag
from trapheus.rds.deletion import final_snapshot
from trapheus.rds.source.copies import remove_for_good
from trapheus.summary import summary


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Untag the instance, its snapshots and a kept original, if they are this execution's.

    A copy of the snapshot, made for the restore, is deleted. Returns the output of the execution.
    """
    state = event["state"]
    event = event | {"plan": state["check"]["plan"]}
    plan = plan_in_phase(event["plan"], event["phase"])
    with failing_as(UntagFailed, plan["identifier"]):
        stays = [("DBInstanceArn", instance(plan["identifier"]))]
        # RDS copies the original's tags onto it, if the original is set so.
        if final := snapshot(final_snapshot(plan)):
            stays.append(("DBSnapshotArn", final))
        if original := instance_with(plan["resourceId"]):
            stays.append(("DBInstanceArn", original))
        lock.require(event)
        untag(stays, plan["execution"])
    # Only now: whatever becomes of it, what is restored is to be as it stays.
    with failing_as(UntagFailed, plan["identifier"], conflict=StillInProgress):
        remove_for_good(snapshot, delete, plan)
    return summary(state)


def delete(name: str) -> None:
    """Ask for the deletion of the snapshot's copy."""
    rds().delete_db_snapshot(DBSnapshotIdentifier=name)
