"""Restores without a snapshot, to a moment; nothing here keeps what was: it is as of now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import lifecycle, settings
from local.emulator.rds.operations import db_clusters, db_instances
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds


def find(rds: Rds, kind: str, name: str | None, resource_id: str | None) -> Resource:
    """The database that is named by its identifier or its resource id.

    [fact: source-of-a-point-in-time]
    """
    if name:
        return rds.find(kind, name)
    thing = rds.things.get(resource_id or "")
    if thing is None or thing.kind != kind:
        raise settings.combination("A source identifier or resource id must be specified.")
    return thing


def check_moment(rds: Rds, born: Any, moment: Any, latest: bool | None) -> None:
    """Refuse none or two moments, and one at which there is nothing to restore.

    [fact: moment-of-a-restore]
    """
    if bool(latest) == bool(moment):
        raise settings.combination(
            "Either a time or UseLatestRestorableTime must be specified, and not both."
        )
    if moment and not born <= moment <= rds.when(seconds_ago=300):
        raise RdsError("InvalidRestoreFault", f"It cannot be restored to {moment:%Y-%m-%d %H:%M}.")


@operation("RestoreDBInstanceToPointInTime")
def restore_instance(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """A new instance out of the backups of another one.

    [fact: no-point-in-time-without-backups] [fact: no-point-in-time-of-a-member]
    """
    source = find(
        rds, "instance", parameters.pop("SourceDBInstanceIdentifier", None),
        parameters.pop("SourceDbiResourceId", None),
    )  # fmt: skip
    name = rds.free("instance", parameters.pop("TargetDBInstanceIdentifier"))
    rds.require(source, "RestoreDBInstanceToPointInTime")
    if rds.cluster_of(source):
        raise settings.combination("Restore the cluster to a point in time, not its member.")
    if not source.shown["BackupRetentionPeriod"]:
        raise RdsError("PointInTimeRestoreNotEnabled", f"{source.name} has no automated backups.")
    moment = parameters.pop("RestoreTime", None)
    latest = parameters.pop("UseLatestRestorableTime", None)
    check_moment(rds, source.shown["InstanceCreateTime"], moment, latest)
    kept = lifecycle.carried("instance", {"Endpoint": source.endpoint, **source.shown})
    kept["StorageType"] = source.shown["StorageType"]
    return {"DBInstance": db_instances.revive(rds, name, kept, parameters, source).shown}


@operation("RestoreDBClusterToPointInTime")
def restore_cluster(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """A new cluster out of the backups, or the volume, of another one.

    [fact: clones-are-of-now]
    """
    source = find(
        rds, "cluster", parameters.pop("SourceDBClusterIdentifier", None),
        parameters.pop("SourceDbClusterResourceId", None),
    )  # fmt: skip
    name = rds.free("cluster", parameters["DBClusterIdentifier"])
    rds.require(source, "RestoreDBClusterToPointInTime")
    moment = parameters.pop("RestoreToTime", None)
    latest = parameters.pop("UseLatestRestorableTime", None)
    check_moment(rds, source.shown["ClusterCreateTime"], moment, latest)
    clone = parameters.pop("RestoreType", "full-copy") == "copy-on-write"
    if clone and moment:
        raise settings.combination("A clone is of the latest restorable time.")
    kept = lifecycle.carried("cluster", source.shown)
    kept["EngineVersion"] = source.shown["EngineVersion"]
    return {"DBCluster": db_clusters.revive(rds, name, kept, parameters, source).shown}
