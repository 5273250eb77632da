"""Tidy step: takes this execution's mark off what stays."""

from typing import Any

from trapheus import lock
from trapheus.beside import standing
from trapheus.errors import failing_as
from trapheus.exceptions import TidyFailed
from trapheus.logs import logged
from trapheus.multi_az import is_multi_az
from trapheus.originals import final_snapshot, summary
from trapheus.rds import cluster, cluster_snapshot, cluster_with, instance, members, unmark


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Unmark the cluster, its snapshots and a kept original, if they are this execution's.

    Returns the output of the execution.
    """
    state = event["state"]
    event = event | {"plan": state["check"]["plan"]}
    plan = standing(event["plan"], event["phase"])
    with failing_as(TidyFailed, plan["identifier"]):
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
        unmark(stays, plan["execution"])
    return summary(state)
