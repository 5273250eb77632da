"""The operations on clusters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import (
    available,
    groups,
    lifecycle,
    multi_az_clusters,
    settings,
    windows,
)
from local.emulator.rds.defaults import REFUSED_IN_A_CLUSTER_RESTORE
from local.emulator.rds.operations import db_snapshots, engine_versions, snapshot_sharing
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.timing import BROKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds


@operation("DescribeDBClusters")
def describe(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """One cluster by name or ARN, those that fit the filters, or all."""
    name = parameters.get("DBClusterIdentifier")
    found = [rds.seen("cluster", name).shown] if name else list(rds.clusters.values())
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "db-cluster-id": lambda shown: str(shown["DBClusterIdentifier"]),
            "db-cluster-resource-id": lambda shown: str(shown["DbClusterResourceId"]),
            "engine": lambda shown: str(shown["Engine"]),
            "domain": settings.domain_of,
            "clone-group-id": lambda shown: str(shown.get("CloneGroupId", "")),
        },
    )
    return page([described(rds, shown) for shown in found], parameters, "DBClusters")


def described(rds: Rds, shown: dict[str, Any]) -> dict[str, Any]:
    """The description with what is worked out when asked: restorable time, custom endpoints."""
    own = [
        endpoint["Endpoint"]
        for endpoint in rds.custom_endpoints.values()
        if endpoint["DBClusterIdentifier"] == shown["DBClusterIdentifier"]
    ]
    extra: dict[str, Any] = {"CustomEndpoints": own} if own else {}
    if shown["Status"] != "creating":
        if "ClusterCreateTime" in shown:
            extra["EarliestRestorableTime"] = shown["ClusterCreateTime"]
        extra["LatestRestorableTime"] = rds.when(seconds_ago=300)
    return {**shown, **extra}


@operation("CreateDBCluster")
def create(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """An Aurora cluster, without members, or a Multi-AZ DB cluster with them."""
    name, engine = rds.free("cluster", parameters["DBClusterIdentifier"]), parameters["Engine"]
    own = multi_az_clusters.check_birth(parameters, engine)
    available.name_version(rds, engine, parameters)
    settings.check_password("cluster", {}, parameters)
    shown = lifecycle.blank(rds, "cluster", name, engine, parameters.get("EngineVersion")) | own
    if parameters.get("WithExpressConfiguration"):
        # model: internet access gateway, no network of a VPC, IAM authentication
        shown |= {
            "InternetAccessGatewayEnabled": True,
            "VPCNetworkingEnabled": False,
            "IAMDatabaseAuthenticationEnabled": True,
        }
    cluster = settle_in(rds, shown, parameters, f"{name} as created")
    rds.volumes.set_password(cluster, parameters.get("MasterUserPassword"))
    begin(rds, cluster, "create cluster", lambda: rds.done(cluster))
    return {"DBCluster": shown}


def settle_in(
    rds: Rds, shown: dict[str, Any], parameters: dict[str, Any], data: str | Resource
) -> Resource:
    """A new cluster with what was asked for."""
    settings.apply(rds, "cluster", shown, parameters)
    windows.make_room(shown, parameters)
    settings.check(rds, "cluster", shown)
    if not multi_az_clusters.is_one(shown):
        shown["AvailabilityZones"] = zones(rds, shown, parameters.get("AvailabilityZones", []))
    cluster = rds.add("cluster", shown, data)
    lifecycle.give_addresses(rds, cluster)
    return cluster


def zones(rds: Rds, shown: dict[str, Any], asked: list[str]) -> list[str]:
    """The three zones that an Aurora cluster shows, whatever its subnet group covers.

    [fact: three-zones]
    """
    subnets = groups.group(rds, "subnet", shown["DBSubnetGroup"])["Subnets"]
    covered = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets}
    for zone in asked:
        if zone not in covered:
            raise RdsError(
                "InvalidVPCNetworkStateFault",
                f"Availability zone '[{zone}]' is unavailable in this region, please choose another"
                " zone set.",
            )
    more = [f"{rds.region}{letter}" for letter in "abc" if f"{rds.region}{letter}" not in asked]
    return sorted([*asked, *more][: max(3, len(asked))])


def begin(rds: Rds, cluster: Resource, what: str, end: Callable[[], None]) -> None:
    """Let a new cluster come up, with its members if RDS makes them."""
    populated = (
        multi_az_clusters.populate(rds, cluster)
        if multi_az_clusters.is_one(cluster.shown)
        else lambda: True
    )

    def up() -> None:
        end()
        lifecycle.settle_parts(rds, cluster)

    rds.play(cluster, what, end=lambda: rds.wait(cluster, populated, up))


@operation("RestoreDBClusterFromSnapshot")
def restore(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """A new cluster out of a snapshot, without members but those of a Multi-AZ DB cluster.

    [fact: engine-of-a-restore] [fact: key-of-a-restored-cluster]
    [fact: no-copy-of-a-multi-az-snapshot]
    """
    given = parameters["SnapshotIdentifier"]
    snapshot = snapshot_sharing.restorable(rds, "cluster-snapshot", given)
    name = rds.free("cluster", parameters["DBClusterIdentifier"])
    rds.require(snapshot, "RestoreDBClusterFromSnapshot")
    kept = snapshot.source["settings"]
    if parameters["Engine"] != kept["Engine"]:
        raise settings.combination("The engine is not the snapshot's.")
    if "KmsKeyId" in parameters:
        multi_az_clusters.refuse_encryption(snapshot.shown)
        if not rds.other_services.usable_key(parameters["KmsKeyId"], rds.region):
            raise settings.inaccessible(f"KMS key [{parameters['KmsKeyId']}]")
        kept = {**kept, "StorageEncrypted": True}
    return {"DBCluster": revive(rds, name, kept, parameters, snapshot).shown}


def revive(
    rds: Rds, name: str, kept: dict[str, Any], parameters: dict[str, Any], source: Resource
) -> Resource:
    """A new cluster with what was kept of an old one and what is asked for."""
    if REFUSED_IN_A_CLUSTER_RESTORE & parameters.keys():
        # [fact: no-monitoring-in-a-restore]
        raise settings.combination(
            "You can enable Performance Insights or set the Enhanced Monitoring interval only when"
            " restoring from a source Aurora Limitless DB cluster"
        )
    if "EngineVersion" in parameters:
        engine_versions.refuse_withdrawn(rds, kept["Engine"], parameters["EngineVersion"])
    own = multi_az_clusters.check_birth(parameters, kept["Engine"])
    # [fact: version-of-a-restored-cluster]
    shown = lifecycle.blank(rds, "cluster", name, kept["Engine"], parameters.get("EngineVersion"))
    cluster = settle_in(rds, shown | own | kept, parameters, source)
    cluster.poison = source.poison
    begin(rds, cluster, "restore cluster", lambda: rds.restored(cluster))
    return cluster


@operation("ModifyDBCluster")
def modify(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change settings or the name of a cluster."""
    cluster = rds.find("cluster", parameters["DBClusterIdentifier"])
    rds.require(cluster, "ModifyDBCluster")
    multi_az_clusters.check(parameters, cluster.shown["Engine"])
    multi_az_clusters.check_storage(cluster.shown, parameters)
    lifecycle.modify(rds, cluster, parameters)
    return {"DBCluster": cluster.shown}


@operation("StopDBCluster", call="StopDBCluster", what="stop", end="stopped")
@operation("StartDBCluster", call="StartDBCluster", what="start", end="available")
def stop_or_start(
    rds: Rds, parameters: dict[str, Any], call: str, what: str, end: str
) -> dict[str, Any]:
    """Stop or start a cluster with its members."""
    cluster = rds.find("cluster", parameters["DBClusterIdentifier"])
    rds.require(cluster, call)
    for member in rds.members(cluster):
        rds.play(member, f"{what} instance", end=partial(rds.done, member, end))
    rds.play(cluster, f"{what} cluster", end=lambda: rds.done(cluster, end))
    return {"DBCluster": cluster.shown}


@operation("DeleteDBCluster")
def delete(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a cluster whose members are gone or going.

    [fact: clusters-with-members-stay] [fact: no-final-snapshot-of-the-broken]
    """
    cluster = rds.find("cluster", parameters["DBClusterIdentifier"])
    lifecycle.refuse_protected(cluster, "Cluster")
    rds.require(cluster, "DeleteDBCluster")
    own = multi_az_clusters.is_one(cluster.shown)
    if not own and any(member.true_status != "deleting" for member in rds.members(cluster)):
        raise RdsError(
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        )
    final = lifecycle.require_final_snapshot(rds, cluster, parameters)
    if final and cluster.true_status in BROKEN:
        raise RdsError("InvalidDBClusterStateFault", f"{cluster.name} is {cluster.status}.")
    lifecycle.refuse_backups(rds, cluster, parameters)
    if final:
        db_snapshots.take(rds, "cluster-snapshot", cluster, final, [])
    lifecycle.keep_backups(rds, cluster, parameters)
    if own:
        multi_az_clusters.leave(rds, cluster)

    def ends() -> None:
        rds.wait(cluster, lambda: not rds.members(cluster), lambda: rds.gone(cluster))

    rds.play(cluster, "delete cluster", end=ends)
    return {"DBCluster": cluster.shown}
