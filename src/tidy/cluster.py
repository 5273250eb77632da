"""Tidy step: takes this execution's mark off what stays."""

from typing import Any

from trapheus import lock
from trapheus.beside import standing
from trapheus.errors import failing_as
from trapheus.exceptions import TidyFailed
from trapheus.logs import logged
from trapheus.multi_az import is_multi_az
from trapheus.originals import final_snapshot
from trapheus.rds import cluster, cluster_snapshot, cluster_with, instance, members, unmark


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Unmark the cluster, its snapshots and a kept original, if they are this execution's."""
    plan = standing(event["plan"], event["phase"])
    with failing_as(TidyFailed, plan["identifier"]):
        restored = cluster(plan["identifier"])
        stays = [("DBClusterArn", restored)]
        if restored and is_multi_az(restored):
            stays += [("DBInstanceArn", member) for member in members(restored)]
        taken = cluster_snapshot(plan["snapshot"])
        if taken or event["phase"] == "prepare":
            stays.append(("DBClusterSnapshotArn", taken))
        # RDS copies the original's tags onto it, if the original is set so.
        if final := cluster_snapshot(final_snapshot(plan)):
            stays.append(("DBClusterSnapshotArn", final))
        stays += [("DBInstanceArn", instance(member["identifier"])) for member in plan["members"]]
        if original := cluster_with(plan["resourceId"]):
            stays.append(("DBClusterArn", original))
            stays += [("DBInstanceArn", member) for member in members(original)]
        lock.require(event)
        unmark(stays, plan["execution"])
    return {"name": plan["identifier"]}
