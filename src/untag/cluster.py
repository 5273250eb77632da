"""Untag step: takes this execution's tag off what stays."""

from typing import Any

from trapheus.configuration.by_phase import plan_in_phase
from trapheus.execution import lock
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import StillInProgress, UntagFailed
from trapheus.execution.logs import logged
from trapheus.rds.access import (
    cluster,
    cluster_snapshot,
    cluster_with,
    instance,
    members,
    rds,
    untag,
)
from trapheus.rds.deletion import final_snapshot
from trapheus.rds.multi_az import is_multi_az
from trapheus.rds.source.copies import remove_for_good
from trapheus.summary import summary


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Untag the cluster, its snapshots and a kept original, if they are this execution's.

    A copy of the snapshot, made for the restore, is deleted. Returns the output of the execution.
    """
    state = event["state"]
    event = event | {"plan": state["check"]["plan"]}
    plan = plan_in_phase(event["plan"], event["phase"])
    with failing_as(UntagFailed, plan["identifier"]):
        restored = cluster(plan["identifier"])
        stays = [("DBClusterArn", restored)]
        if restored and is_multi_az(restored):
            stays += [("DBInstanceArn", member) for member in members(restored)]
        # RDS copies the original's tags onto it, if the original is set so.
        if final := cluster_snapshot(final_snapshot(plan)):
            stays.append(("DBClusterSnapshotArn", final))
        stays += [("DBInstanceArn", instance(member["identifier"])) for member in plan["members"]]
        if original := cluster_with(plan["resourceId"]):
            stays.append(("DBClusterArn", original))
            stays += [("DBInstanceArn", member) for member in members(original)]
        lock.require(event)
        untag(stays, plan["execution"])
    # Only now: whatever becomes of it, what is restored is to be as it stays.
    with failing_as(UntagFailed, plan["identifier"], conflict=StillInProgress):
        remove_for_good(cluster_snapshot, delete, plan)
    return summary(state)


def delete(name: str) -> None:
    """Ask for the deletion of the snapshot's copy."""
    rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
