"""What stands around databases: automated backups, quotas, and things this account has none of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.rds import databases
from local.rds.paging import filtered, page
from local.rds.registry import operation

if TYPE_CHECKING:
    from local.rds.service import Rds


@operation("DescribeDBInstanceAutomatedBackups")
def automated_backups(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The backups of instances that exist, and those kept of deleted ones."""
    active = [
        databases.backup_of(rds, thing)
        for thing in rds.things.values()
        if thing.kind == "instance"
        and not thing.hidden
        and not rds.cluster_of(thing)
        and thing.shown["BackupRetentionPeriod"]
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


@operation("DescribeAccountAttributes")
def account_attributes(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The quotas, with what is used of them."""
    kinds = [thing.kind for thing in rds.things.values()]
    storage = sum(
        thing.shown.get("AllocatedStorage", 0)
        for thing in rds.things.values()
        if thing.kind == "instance"
    )
    quotas = [
        ("DBInstances", kinds.count("instance"), rds.quotas["instance"]),
        ("DBClusters", kinds.count("cluster"), rds.quotas["cluster"]),
        ("ManualSnapshots", kinds.count("snapshot"), rds.quotas["snapshot"]),
        ("ManualClusterSnapshots", kinds.count("cluster-snapshot"),
         rds.quotas["cluster-snapshot"]),
        ("AllocatedStorage", storage, 100_000),
    ]  # fmt: skip
    return {
        "AccountQuotas": [
            {"AccountQuotaName": name, "Used": used, "Max": most} for name, used, most in quotas
        ]
    }


@operation("DescribeGlobalClusters", list_key="GlobalClusters")
@operation("DescribeBlueGreenDeployments", list_key="BlueGreenDeployments")
@operation("DescribeIntegrations", list_key="Integrations")
@operation("DescribeDBProxies", list_key="DBProxies")
def none_here(rds: Rds, parameters: dict[str, Any], list_key: str) -> dict[str, Any]:
    """Of these the account has none."""
    return {list_key: []}
