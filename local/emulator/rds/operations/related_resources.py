"""What stands around databases: automated backups, quotas, and what is tied to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import lifecycle
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.resources import arn_parts

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds


@operation("DescribeDBInstanceAutomatedBackups")
def automated_backups(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The backups of instances that exist, and those kept of deleted ones."""
    active = [
        lifecycle.backup_of(rds, thing)
        for thing in rds.things.values()
        if thing.kind == "instance"
        and not thing.hidden
        and not rds.cluster_of(thing)
        and thing.shown.get("BackupRetentionPeriod")
    ]
    found = [*active, *rds.retained_backups]
    for asked in ("DbiResourceId", "DBInstanceIdentifier", "DBInstanceAutomatedBackupsArn"):
        if asked in parameters:
            found = [backup for backup in found if backup[asked] == parameters[asked]]
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "status": lambda backup: str(backup["Status"]),
            "db-instance-id": lambda backup: str(backup["DBInstanceIdentifier"]),
            "dbi-resource-id": lambda backup: str(backup["DbiResourceId"]),
        },
    )
    return page(found, parameters, "DBInstanceAutomatedBackups")


@operation("DescribeDBClusterAutomatedBackups")
def cluster_automated_backups(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The backups of clusters that exist, and those kept of deleted ones."""
    active = [
        lifecycle.cluster_backup_of(rds, thing)
        for thing in rds.things.values()
        if thing.kind == "cluster" and not thing.hidden
    ]
    found = [*active, *rds.retained_cluster_backups]
    for asked in ("DbClusterResourceId", "DBClusterIdentifier"):
        if asked in parameters:
            found = [backup for backup in found if backup[asked] == parameters[asked]]
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "status": lambda backup: str(backup["Status"]),
            "db-cluster-id": lambda backup: str(backup["DBClusterIdentifier"]),
            "db-cluster-resource-id": lambda backup: str(backup["DbClusterResourceId"]),
        },
    )
    return page(found, parameters, "DBClusterAutomatedBackups")


@operation("DescribeAccountAttributes")
def account_attributes(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The quotas, with what is used of them.

    [fact: quota-of-storage]
    """
    storage = sum(
        thing.shown.get("AllocatedStorage", 0)
        for thing in rds.things.values()
        if thing.kind == "instance" and not rds.cluster_of(thing)
    )
    quotas = [
        ("DBInstances", rds.count("instance"), rds.quotas["instance"]),
        ("DBClusters", rds.count("cluster"), rds.quotas["cluster"]),
        ("ManualSnapshots", rds.count("snapshot"), rds.quotas["snapshot"]),
        ("ManualClusterSnapshots", rds.count("cluster-snapshot"),
         rds.quotas["cluster-snapshot"]),
        ("AllocatedStorage", storage, rds.quotas["storage"]),
    ]  # fmt: skip
    return {
        "AccountQuotas": [
            {"AccountQuotaName": name, "Used": used, "Max": most} for name, used, most in quotas
        ]
    }


@operation("DescribeGlobalClusters")
def global_clusters(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The global clusters; by the filter `region` those with a member there.

    [fact: filter-of-global-clusters] [fact: named-errors]
    """

    def regions(found: dict[str, Any]) -> set[str]:
        return {arn_parts(one["DBClusterArn"])[0] for one in found["GlobalClusterMembers"]}

    name = parameters.get("GlobalClusterIdentifier", "").rpartition(":")[2]
    found = [one for one in rds.global_clusters if name in ("", one["GlobalClusterIdentifier"])]
    if name and not found:
        raise RdsError("GlobalClusterNotFoundFault", f"GlobalCluster {name} not found.")
    for one in parameters.get("Filters", []):
        if one["Name"] != "region":
            raise RdsError("InvalidParameterValue", f"Unrecognized filter name: {one['Name']}")
        found = [owner for owner in found if regions(owner) & set(one["Values"])]
    return page(found, parameters, "GlobalClusters")


@operation("DescribeBlueGreenDeployments")
def blue_green_deployments(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The blue/green deployments, by their names or sides if asked so.

    [fact: named-errors]
    """
    identifier = "BlueGreenDeploymentIdentifier"
    name, found = parameters.get(identifier), rds.blue_green_deployments
    if name:
        found = [deployment for deployment in found if deployment[identifier] == name]
        if not found:
            raise RdsError("BlueGreenDeploymentNotFoundFault", f"{identifier} {name} not found.")
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "blue-green-deployment-identifier": lambda deployment: str(deployment[identifier]),
            "blue-green-deployment-name": lambda deployment: str(
                deployment.get("BlueGreenDeploymentName", "")
            ),
            "source": lambda deployment: str(deployment["Source"]),
            "target": lambda deployment: str(deployment["Target"]),
        },
        exactly=True,
    )
    return page(found, parameters, "BlueGreenDeployments")


@operation("DescribeIntegrations")
def integrations(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The zero-ETL integrations."""
    return page(rds.integrations, parameters, "Integrations")
