"""A cluster's reader takes the writer's place because somebody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import cluster_members
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds


@operation("FailoverDBCluster")
def fail_over(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let a reader write: the one that is named, or that of the lowest tier.

    [fact: failover-wants-a-reader]
    """
    cluster = rds.find("cluster", parameters["DBClusterIdentifier"])
    rds.require(cluster, "FailoverDBCluster")
    entries = cluster.shown["DBClusterMembers"]
    readers = {one["DBInstanceIdentifier"]: one for one in entries if not one["IsClusterWriter"]}
    if not readers:
        raise RdsError(
            "InvalidDBClusterStateFault", f"DBCluster {cluster.name} has no reader to fail over to."
        )
    target = parameters.get("TargetDBInstanceIdentifier", "").lower()
    if target and target not in readers:
        raise RdsError("InvalidDBInstanceState", f"{target} is no reader of {cluster.name}.")

    def take_over() -> None:
        if target:
            for entry in entries:
                entry["IsClusterWriter"] = entry["DBInstanceIdentifier"] == target
        else:
            writer = next(one for one in entries if one["IsClusterWriter"])
            cluster_members.hand_over(cluster, writer["DBInstanceIdentifier"])

    rds.play(cluster, "fail over cluster", on={"failing-over": take_over})
    return {"DBCluster": cluster.shown}
