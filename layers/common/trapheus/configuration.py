"""How a database's configuration gets onto its restored copy, as data.

Each table maps a parameter of an RDS call to the JMESPath expression that finds its value in a
Describe answer. The calls are built from the tables, and so is the comparison afterwards; the same
expressions read the original and the restored database. Which attribute needs which call is in
the RDS API reference, and in botocore's model of it.
"""

from dataclasses import dataclass
from typing import Any

import jmespath

from trapheus.rds import Description, own_tags

Parameters = dict[str, Any]

_DOMAIN = {
    # A domain is AWS's managed directory or a self-managed one, never both.
    "Domain": "DomainMemberships[0].Domain",
    "DomainIAMRoleName": "DomainMemberships[0].IAMRoleName",
}
_SELF_MANAGED_DOMAIN = {
    "DomainFqdn": "DomainMemberships[?!Domain] | [0].FQDN",
    "DomainOu": "DomainMemberships[?!Domain] | [0].OU",
    "DomainAuthSecretArn": "DomainMemberships[?!Domain] | [0].AuthSecretArn",
    "DomainDnsIps": "DomainMemberships[?!Domain] | [0].DnsIps",
}
_INSIGHTS = {
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
}
_MONITORING = {
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
}
# RDS makes a new secret; its ARN is another one.
_MANAGED_PASSWORD = {
    "ManageMasterUserPassword": "MasterUserSecret && `true`",
    "MasterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
}
# Describe shows IOPS and throughput of every gp3 volume, but RDS takes them only from a size on
# (User Guide, "gp3 storage"): 200 GiB for Oracle, any for SQL Server, 400 GiB for the others.
_TUNED_GP3 = (
    "StorageType == 'gp3' && (AllocatedStorage >= `400` || starts_with(Engine, 'sqlserver')"
    " || AllocatedStorage >= `200` && starts_with(Engine, 'oracle'))"
)
_STORAGE = {
    "Iops": f"StorageType == 'io1' || StorageType == 'io2' || {_TUNED_GP3}",
    "StorageThroughput": _TUNED_GP3,
    "StorageType": "Engine",
}


def _storage(of_sql_server: bool) -> dict[str, str]:
    """SQL Server takes its storage with a Modify only, the others with the restore."""
    here = f"starts_with(Engine, 'sqlserver') == `{str(of_sql_server).lower()}`"
    return {
        name: f"[@][?{here} && ({condition})].{name} | [0]" for name, condition in _STORAGE.items()
    }


def _only_true(attribute: str) -> str:
    """Most engines refuse even a false for a feature that they do not have."""
    return f"[@][?{attribute}].{attribute} | [0]"


@dataclass(frozen=True)
class Table:
    """Where the parameters of the call that makes a copy, and of a Modify after it, come from."""

    restore: dict[str, str]
    modify: dict[str, str]


INSTANCE = Table(
    restore={
        "AdditionalStorageVolumes": (
            "AdditionalStorageVolumes[].{VolumeName: VolumeName,"
            " AllocatedStorage: AllocatedStorage, IOPS: IOPS,"
            " MaxAllocatedStorage: MaxAllocatedStorage,"
            " StorageThroughput: StorageThroughput, StorageType: StorageType}"
        ),
        "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
        # RDS refuses a zone for a Multi-AZ instance.
        "AvailabilityZone": "[@][?!MultiAZ].AvailabilityZone | [0]",
        "BackupRetentionPeriod": "BackupRetentionPeriod",
        "BackupTarget": "BackupTarget",
        "CACertificateIdentifier": "CACertificateIdentifier",
        "CopyTagsToSnapshot": "CopyTagsToSnapshot",
        "DBInstanceClass": "DBInstanceClass",
        # Only Oracle and SQL Server take a name here; the others carry it in the snapshot.
        "DBName": "[@][?starts_with(Engine, 'oracle')].DBName | [0]",
        "DBParameterGroupName": "DBParameterGroups[0].DBParameterGroupName",
        "DBSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
        "DedicatedLogVolume": _only_true("DedicatedLogVolume"),
        "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "EnableCustomerOwnedIp": _only_true("CustomerOwnedIpEnabled"),
        "EnableIAMDatabaseAuthentication": _only_true("IAMDatabaseAuthenticationEnabled"),
        "EngineLifecycleSupport": (
            "[@][?Engine == 'mysql' || Engine == 'postgres'].EngineLifecycleSupport | [0]"
        ),
        "LicenseModel": "LicenseModel",
        "MultiAZ": "MultiAZ",
        "NetworkType": "NetworkType",
        "OptionGroupName": "OptionGroupMemberships[0].OptionGroupName",
        "Port": "Endpoint.Port",
        "PreferredBackupWindow": "PreferredBackupWindow",
        "ProcessorFeatures": "ProcessorFeatures",
        "PubliclyAccessible": "PubliclyAccessible",
        "TdeCredentialArn": "TdeCredentialArn",
        "VpcSecurityGroupIds": "VpcSecurityGroups[].VpcSecurityGroupId",
        **_DOMAIN,
        **_SELF_MANAGED_DOMAIN,
        **_storage(of_sql_server=False),
    },
    modify={
        "DatabaseInsightsMode": "DatabaseInsightsMode",
        "DeletionProtection": "DeletionProtection",
        # An instance is restored at its snapshot's version.
        "EngineVersion": "EngineVersion",
        "MaxAllocatedStorage": "MaxAllocatedStorage",
        "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
        **_INSIGHTS,
        **_MANAGED_PASSWORD,
        **_MONITORING,
        **_storage(of_sql_server=True),
    },
)

CLUSTER = Table(
    restore={
        "AvailabilityZones": "AvailabilityZones",
        "BackupRetentionPeriod": "BackupRetentionPeriod",
        "BacktrackWindow": "[@][?BacktrackWindow > `0`].BacktrackWindow | [0]",
        "CopyTagsToSnapshot": "CopyTagsToSnapshot",
        "DBClusterParameterGroupName": "DBClusterParameterGroup",
        "DBSubnetGroupName": "DBSubnetGroup",
        "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "Engine": "Engine",
        "EngineLifecycleSupport": "EngineLifecycleSupport",
        "EngineMode": "EngineMode",
        # Without it RDS takes the engine's default version.
        "EngineVersion": "EngineVersion",
        "KmsKeyId": "KmsKeyId",
        "NetworkType": "NetworkType",
        "Port": "Port",
        "PreferredBackupWindow": "PreferredBackupWindow",
        "ServerlessV2ScalingConfiguration": "ServerlessV2ScalingConfiguration",
        "StorageType": "StorageType",
        "VpcSecurityGroupIds": "VpcSecurityGroups[].VpcSecurityGroupId",
        **_DOMAIN,
        **_INSIGHTS,
        **_MONITORING,
    },
    modify={
        "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
        "DatabaseInsightsMode": "DatabaseInsightsMode",
        "DeletionProtection": "DeletionProtection",
        "EnableLocalWriteForwarding": (
            "([@][?LocalWriteForwardingStatus == 'enabled'] | [0]) && `true`"
        ),
        "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
        # The mode of Database Insights is only taken together with these.
        **_INSIGHTS,
        **_MANAGED_PASSWORD,
    },
)

# A member takes storage, backups, network, port and authentication from its cluster.
MEMBER = Table(
    restore={
        "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
        "AvailabilityZone": "AvailabilityZone",
        "CACertificateIdentifier": "CACertificateIdentifier",
        "CopyTagsToSnapshot": "CopyTagsToSnapshot",
        "DBInstanceClass": "DBInstanceClass",
        "DBParameterGroupName": "DBParameterGroups[0].DBParameterGroupName",
        "Engine": "Engine",
        "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
        "PromotionTier": "PromotionTier",
        "PubliclyAccessible": "PubliclyAccessible",
        **_INSIGHTS,
        **_MONITORING,
    },
    modify={},
)


def _read(expressions: dict[str, str], found: Description) -> Parameters:
    read = {name: jmespath.search(path, found) for name, path in expressions.items()}
    return dict(_without_gaps(read))


def _without_gaps(value: Any) -> Any:
    """A value without what Describe did not show; RDS takes no parameter that is null or empty."""
    if isinstance(value, list):
        return [_without_gaps(item) for item in value]
    if isinstance(value, dict):
        pruned = {name: _without_gaps(item) for name, item in value.items()}
        return {name: item for name, item in pruned.items() if item not in (None, [], {}, "")}
    return value


def configuration(table: Table, found: Description) -> dict[str, Any]:
    """What a copy of `found` needs: parameters of the two calls, tags and roles."""
    return {
        "restore": _read(table.restore, found),
        "modify": _read(table.modify, found),
        "tags": own_tags(found),
        "roles": _roles(found),
    }


def _roles(found: Description) -> list[dict[str, str]]:
    """Its IAM roles; one role may serve several features."""
    return [
        {"RoleArn": role["RoleArn"], "FeatureName": role.get("FeatureName", "")}
        for role in found.get("AssociatedRoles", [])
    ]


def _comparable(value: Any) -> Any:
    if value is False:
        # Which the tables do not read for every feature.
        return None
    return sorted(value, key=repr) if isinstance(value, list) else value


def modifications(table: Table, planned: dict[str, Any], found: Description) -> Parameters:
    """The parameters of the Modify that `found` still needs; empty when it needs none.

    All or none: some are only taken together (an interval with its role), and a Modify with
    nothing to do is refused. Only the engine's version is left out when it is right, as RDS takes
    it for an upgrade.
    """
    now, wanted = _read(table.modify, found), dict(planned["modify"])
    if now == wanted:
        return {}
    if now.get("EngineVersion") == wanted.get("EngineVersion"):
        wanted.pop("EngineVersion", None)
    return wanted


def missing_roles(planned: dict[str, Any], found: Description) -> list[dict[str, str]]:
    """The IAM roles that `found` still lacks."""
    present = _roles(found)
    return [role for role in planned["roles"] if role not in present]


def differences(table: Table, planned: dict[str, Any], found: Description) -> list[str]:
    """One line for each setting in which `found` is not as planned."""
    actual = configuration(table, found)
    lines = []
    for call in ("restore", "modify"):
        # Both ways: what the copy has and the original had not is a difference too.
        for name in sorted(planned[call].keys() | actual[call].keys()):
            was = planned[call].get(name)
            # The allocated storage is planned by a rule, not by the table.
            now = actual[call].get(name, found.get(name))
            if name in planned.get("open", ()):
                # It follows from what the request has overridden.
                continue
            if _comparable(now) != _comparable(was):
                lines.append(f"{name} is {now!r}, was {was!r}")
    for name in ("tags", "roles"):
        if _comparable(actual[name]) != _comparable(planned[name]):
            lines.append(f"{name} are {actual[name]!r}, were {planned[name]!r}")
    return lines
