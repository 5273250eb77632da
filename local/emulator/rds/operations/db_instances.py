"""The operations on instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import (
    available,
    cluster_members,
    lifecycle,
    multi_az_clusters,
    settings,
    windows,
)
from local.emulator.rds.defaults import FORGOTTEN, REFUSED_IN_A_RESTORE
from local.emulator.rds.operations import db_snapshots, engine_versions, snapshot_sharing
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.timing import BROKEN, READY

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds


@operation("DescribeDBInstances")
def describe(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """One instance by name or ARN, those that fit the filters, or all."""
    name = parameters.get("DBInstanceIdentifier")
    found = [rds.seen("instance", name).shown] if name else list(rds.instances.values())
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "db-instance-id": lambda shown: str(shown["DBInstanceIdentifier"]),
            "dbi-resource-id": lambda shown: str(shown["DbiResourceId"]),
            "db-cluster-id": lambda shown: str(shown.get("DBClusterIdentifier", "")),
            "engine": lambda shown: str(shown["Engine"]),
            "domain": settings.domain_of,
        },
    )
    return page([with_restorable(rds, shown) for shown in found], parameters, "DBInstances")


def with_restorable(rds: Rds, shown: dict[str, Any]) -> dict[str, Any]:
    """The description with the moment up to which it can be restored.

    [fact: latest-restorable-time]
    """
    if shown.get("BackupRetentionPeriod") and "Endpoint" in shown:
        return {**shown, "LatestRestorableTime": rds.when(seconds_ago=300)}
    return shown


@operation("CreateDBInstance")
def create(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """A standalone instance, or a member of a cluster."""
    if "DBClusterIdentifier" in parameters:
        return {"DBInstance": cluster_members.create(rds, parameters).shown}
    available.name_version(rds, parameters["Engine"], parameters)
    name = rds.free("instance", parameters["DBInstanceIdentifier"])
    shown = lifecycle.blank(
        rds, "instance", name, parameters["Engine"], parameters.get("EngineVersion")
    )
    available.check_class(rds, parameters["DBInstanceClass"], shown)
    shown["AllocatedStorage"] = 20
    check_zone(parameters)
    settings.check_password("instance", {}, parameters)
    settings.apply(rds, "instance", shown, parameters)
    windows.make_room(shown, parameters)
    settings.check(rds, "instance", shown)
    if "MasterUserPassword" in parameters:  # [fact: password-pends-after-create]
        shown["PendingModifiedValues"] = settings.pending_view("instance", {
            "MasterUserPassword": parameters["MasterUserPassword"],
        })  # fmt: skip
    instance = rds.add("instance", shown, f"{name} as created")
    rds.volumes.set_password(instance, parameters.get("MasterUserPassword"))
    begin(rds, instance, "create instance")
    return {"DBInstance": shown}


def begin(rds: Rds, instance: Resource, what: str) -> None:
    """Let a new instance come up; it has an endpoint from when it is created."""
    instance.endpoint = rds.endpoint(instance, instance.shown.pop("Endpoint")["Port"])

    def connect() -> None:
        instance.shown.setdefault("Endpoint", instance.endpoint)
        lifecycle.come_up(rds, instance)

    def finish() -> None:
        if not instance.poison:
            connect()
        if what == "restore instance":
            rds.restored(instance)
        else:
            rds.done(instance)
        lifecycle.settle_parts(rds, instance)

    skip: tuple[str, ...] = ()
    if not instance.shown.get("BackupRetentionPeriod"):
        skip = ("backing-up",)
    if instance.poison:
        skip = ("backing-up", "modifying")
    rds.play(
        instance, what, skip=skip, on={"backing-up": connect, "modifying": connect}, end=finish
    )


def check_zone(parameters: dict[str, Any]) -> None:
    """A zone cannot be chosen for a Multi-AZ instance.

    [fact: no-zone-of-multi-az]
    """
    if parameters.get("MultiAZ") and "AvailabilityZone" in parameters:
        raise settings.combination(
            "Requesting a specific availability zone is not valid for Multi-AZ instances."
        )


@operation("RestoreDBInstanceFromDBSnapshot")
def restore(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """A new instance out of a snapshot, with what the snapshot carries and what is asked for.

    [fact: restore-of-which-snapshot]
    """
    if "DBSnapshotIdentifier" not in parameters:
        raise settings.combination("DBSnapshotIdentifier must be specified.")
    snapshot = snapshot_sharing.restorable(rds, "snapshot", parameters["DBSnapshotIdentifier"])
    name = rds.free("instance", parameters["DBInstanceIdentifier"])
    rds.require(snapshot, "RestoreDBInstanceFromDBSnapshot")
    kept = snapshot.source["settings"] | {"StorageType": snapshot.shown.get("StorageType")}
    return {"DBInstance": revive(rds, name, kept, parameters, snapshot).shown}


def revive(
    rds: Rds, name: str, kept: dict[str, Any], parameters: dict[str, Any], source: Resource
) -> Resource:
    """A new instance with what was kept of an old one and what is asked for."""
    storage = kept.pop("StorageType")
    available.check_class(rds, parameters.get("DBInstanceClass"), kept)
    check_restore(parameters, kept)
    version = engine_versions.supported(rds, kept["Engine"], kept["EngineVersion"])
    shown = lifecycle.blank(rds, "instance", name, kept["Engine"], version)
    shown |= {**kept, "EngineVersion": version}
    for beginning, forgotten in FORGOTTEN.items():
        if kept["Engine"].startswith(beginning):
            shown |= {name: value for name, (value, _) in forgotten.items()}
    if settings.is_small_gp3("instance", kept | {"StorageType": storage}):
        # The baseline's, which nobody has asked for.
        shown.pop("Iops", None)
    shown["StorageType"] = parameters.get("StorageType", shown["StorageType"])
    if "StorageType" not in parameters and "Iops" in parameters:
        shown["StorageType"] = "io1"  # [fact: iops-mean-io1]
    shown["Endpoint"] = {"Port": kept["Endpoint"]["Port"]}
    settings.apply(rds, "instance", shown, parameters)
    settings.check(rds, "instance", shown)
    instance = rds.add("instance", shown, source)
    instance.poison = source.poison
    begin(rds, instance, "restore instance")
    return instance


def check_restore(parameters: dict[str, Any], kept: dict[str, Any]) -> None:
    """Refuse what an instance restore cannot do.

    [fact: engine-of-a-restore] [fact: no-database-name-in-a-restore] [fact: size-of-a-restore]
    """
    check_zone(parameters)
    if parameters.get("Engine", kept["Engine"]) != kept["Engine"]:
        raise settings.combination("The engine is not the snapshot's.")
    refuse_of_engine(parameters, kept["Engine"])
    if "DBName" in parameters and not kept["Engine"].startswith(("oracle", "sqlserver")):
        raise RdsError(
            "InvalidParameterValue", "DBName must be null when Restoring for this Engine."
        )
    asked, floor = parameters.get("AllocatedStorage"), kept["AllocatedStorage"]
    if asked is not None and (asked < floor or floor < asked < floor * 1.1):
        raise settings.combination(
            f"AllocatedStorage {asked} must be {floor}, the snapshot's, or at least a tenth more."
        )


def refuse_of_engine(parameters: dict[str, Any], engine: str) -> None:
    """Refuse what an engine takes with a Modify only.

    [fact: sql-server-restores-plainly]
    """
    for beginning, refused in REFUSED_IN_A_RESTORE.items():
        for name in refused if engine.startswith(beginning) else ():
            if parameters.get(name):
                raise settings.combination(f"{name} is not valid for a restore of {engine}.")


@operation("ModifyDBInstance")
def modify(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change settings or the name of an instance.

    [fact: storage-never-shrinks] [fact: tiers-are-of-members]
    [fact: members-wait-for-their-cluster]
    """
    instance = rds.find("instance", parameters["DBInstanceIdentifier"])
    if instance.true_status != "creating" or not rds.changes_while_creating:
        rds.require(instance, "ModifyDBInstance")
    cluster = rds.cluster_of(instance)
    multi_az_clusters.refuse_member(cluster)
    if cluster:
        cluster_members.refuse_cluster_settings(parameters)
        cluster_members.refuse_for_one(cluster, parameters)
        if cluster.true_status not in READY | {"backing-up"}:
            raise RdsError(
                "InvalidDBClusterStateFault",
                f"DBCluster {cluster.name} is not available: {cluster.true_status}.",
            )
    elif "PromotionTier" in parameters:
        raise settings.combination("PromotionTier is for members of a DB cluster.")
    if parameters.get("DBInstanceClass", "") not in ("", instance.shown.get("DBInstanceClass")):
        available.check_class(rds, parameters.get("DBInstanceClass"), instance.shown)
    held = instance.shown.get("AllocatedStorage", 0)
    if parameters.get("AllocatedStorage", held) < held:
        raise settings.combination("Requested size cannot be less than the current size.")
    lifecycle.modify(rds, instance, parameters)
    return {"DBInstance": instance.shown}


@operation("RebootDBInstance")
def reboot(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Restart an instance; a pending parameter group takes effect."""
    instance = rds.find("instance", parameters["DBInstanceIdentifier"])
    rds.require(instance, "RebootDBInstance")
    rds.play(instance, "reboot instance", end=lambda: lifecycle.rebooted(rds, instance))
    return {"DBInstance": instance.shown}


@operation("StopDBInstance", call="StopDBInstance", what="stop instance", end="stopped")
@operation("StartDBInstance", call="StartDBInstance", what="start instance", end="available")
def stop_or_start(
    rds: Rds, parameters: dict[str, Any], call: str, what: str, end: str
) -> dict[str, Any]:
    """Stop or start a standalone instance.

    [fact: members-stop-with-their-cluster]
    """
    instance = rds.find("instance", parameters["DBInstanceIdentifier"])
    if rds.cluster_of(instance):
        engine = instance.shown["Engine"]
        raise settings.combination(
            f"{engine} DB instances are not eligible for stopping and starting."
        )
    rds.require(instance, call)
    rds.play(instance, what, end=lambda: rds.done(instance, end))
    return {"DBInstance": instance.shown}


@operation("DeleteDBInstance")
def delete(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete an instance; a broken one has no final snapshot.

    [fact: no-final-snapshot-of-a-member] [fact: no-final-snapshot-of-the-broken]
    """
    instance = rds.find("instance", parameters["DBInstanceIdentifier"])
    lifecycle.refuse_protected(instance, "DB Instance")
    rds.require(instance, "DeleteDBInstance")
    cluster = rds.cluster_of(instance)
    multi_az_clusters.refuse_member(cluster)
    if cluster:
        if "FinalDBSnapshotIdentifier" in parameters:
            raise settings.combination(
                "FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance."
            )
    else:
        final = lifecycle.require_final_snapshot(rds, instance, parameters)
        if final and instance.true_status in BROKEN:
            raise RdsError("InvalidDBInstanceState", f"{instance.name} is {instance.status}.")
        lifecycle.refuse_backups(rds, instance, parameters)
        if final:
            db_snapshots.take(rds, "snapshot", instance, final, [])
        lifecycle.keep_backups(rds, instance, parameters)

    def begins() -> None:
        if cluster:
            cluster_members.hand_over(cluster, instance.name)

    def ends() -> None:
        if cluster:
            cluster_members.leave(cluster, instance.name)
        rds.gone(instance)

    rds.play(instance, "delete instance", on={"deleting": begins}, end=ends)
    return {"DBInstance": instance.shown}
