"""The sample account: databases with everything set that is not a default, and bad natures."""

from __future__ import annotations

from typing import Any

from local.emulator.rds import Rds

DAY = 86_400.0
SNAPSHOT_AGE = 7 * DAY

KEY_ID = "5f0c1b9a-2d3e-4f56-8a7b-9c0d1e2f3a4b"
INSIGHTS_KEY_ID = "6a1d2c8b-3e4f-4a67-9b8c-0d1e2f3a4b5c"
STAGING_KEY_ID = "7b2e3d9c-4f50-4b78-8c9d-1e2f3a4b5c6d"

# What is written when: a restore shows which it brought back.
EARLIER = "{name}: written seven days ago"
NEWER = "{name}: written today"

SCALED = {"MinCapacity": 1.0, "MaxCapacity": 24.0}


def build(rds: Rds) -> None:
    """Make the whole account at once: it was created, then snapshotted, then lived on."""
    now = rds.time
    with rds.instantly(at=now - 30 * DAY):
        make_groups(rds)
        make_prod_db(rds)
        make_prod_cluster(rds)
        make_staging_db(rds)
        make_staging_cluster(rds)
        for name in ("new", "broken", "protected", "stopped", "left", "tied"):
            make_plain(rds, name)
        protect(rds)
        leave_names(rds)
        add_dependencies(rds)
        rds.poison("instance", "broken-db")
        rds.poison("cluster", "broken-cluster")
    with rds.instantly(at=now - SNAPSHOT_AGE):
        write(rds, EARLIER)
        take_snapshots(rds)
    with rds.instantly(at=now - DAY):
        change_prod_db(rds)
        change_prod_cluster(rds)
        write(rds, NEWER)
        rds.call("StopDBInstance", {"DBInstanceIdentifier": "stopped-db"})
        rds.call("StopDBCluster", {"DBClusterIdentifier": "stopped-cluster"})
    rds.settle()


def tags(**given: str) -> list[dict[str, str]]:
    """Tags as the API takes them; the key `a__b` stands for `a:b`."""
    return [{"Key": key.replace("__", ":"), "Value": value} for key, value in given.items()]


def role(rds: Rds, name: str) -> str:
    """The ARN of a role of this account."""
    return f"arn:aws:iam::{rds.account}:role/{name}"


def key(rds: Rds, key_id: str) -> str:
    """The ARN of a KMS key of this account."""
    return f"arn:aws:kms:{rds.region}:{rds.account}:key/{key_id}"


def make_groups(rds: Rds) -> None:
    """The groups that the databases of production and of staging use."""
    for name, family in (("prod-postgres16", "postgres16"), ("prod-writer", "aurora-postgresql16"),
                         ("prod-reader", "aurora-postgresql16"),
                         ("staging-postgres16", "postgres16")):  # fmt: skip
        rds.call("CreateDBParameterGroup", {
            "DBParameterGroupName": name, "DBParameterGroupFamily": family,
            "Description": f"Parameters of {name}",
        })  # fmt: skip
    for name in ("prod-aurora16", "staging-aurora16"):
        rds.call("CreateDBClusterParameterGroup", {
            "DBClusterParameterGroupName": name,
            "DBParameterGroupFamily": "aurora-postgresql16", "Description": "Cluster parameters",
        })  # fmt: skip
    rds.call("CreateOptionGroup", {
        "OptionGroupName": "prod-options", "EngineName": "postgres", "MajorEngineVersion": "16",
        "OptionGroupDescription": "Options of prod-db",
    })  # fmt: skip
    rds.call("CreateDBSubnetGroup", {
        "DBSubnetGroupName": "prod-subnets", "DBSubnetGroupDescription": "Private, dual-stack",
        "SubnetIds": [f"subnet-0prod000{zone}" for zone in "abcd"],
    })  # fmt: skip


def make_prod_db(rds: Rds) -> None:
    """The production instance as it was made, smaller than it is today."""
    rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": "prod-db", "Engine": "postgres", "EngineVersion": "16.4",
        "DBInstanceClass": "db.r6g.large", "DBName": "orders", "MasterUsername": "orders_admin",
        "ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": key(rds, KEY_ID),
        "AllocatedStorage": 400, "StorageType": "gp3", "Iops": 12000, "StorageThroughput": 500,
        "StorageEncrypted": True, "KmsKeyId": key(rds, KEY_ID), "BackupRetentionPeriod": 7,
        "MultiAZ": True, "DBSubnetGroupName": "prod-subnets", "NetworkType": "DUAL",
        "DBParameterGroupName": "prod-postgres16", "OptionGroupName": "prod-options",
        "VpcSecurityGroupIds": ["sg-0prod00000000db01", "sg-0prod00000000db02"],
        "PubliclyAccessible": True, "PreferredBackupWindow": "01:15-02:00",
        "PreferredMaintenanceWindow": "tue:04:00-tue:05:00", "AutoMinorVersionUpgrade": False,
        "CACertificateIdentifier": "rds-ca-ecc384-g1", "CopyTagsToSnapshot": True,
        "MonitoringInterval": 15, "MonitoringRoleArn": role(rds, "rds-monitoring"),
        "EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 465,
        "PerformanceInsightsKMSKeyId": key(rds, INSIGHTS_KEY_ID),
        "DatabaseInsightsMode": "advanced", "DedicatedLogVolume": True,
        "EnableCloudwatchLogsExports": ["postgresql", "upgrade"],
        "EnableIAMDatabaseAuthentication": True, "DeletionProtection": True,
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "ProcessorFeatures": [{"Name": "coreCount", "Value": "2"},
                              {"Name": "threadsPerCore", "Value": "1"}],
        "Domain": "d-9067001122", "DomainIAMRoleName": "rds-directory",
        "Tags": tags(team="orders", env="production"),
    })  # fmt: skip
    rds.call("AddRoleToDBInstance", {
        "DBInstanceIdentifier": "prod-db", "RoleArn": role(rds, "orders-import"),
        "FeatureName": "s3Import",
    })  # fmt: skip


def change_prod_db(rds: Rds) -> None:
    """What was changed after the snapshot: so a restore brings back none of it by itself."""
    rds.call("ModifyDBInstance", {
        "DBInstanceIdentifier": "prod-db", "ApplyImmediately": True,
        "DBInstanceClass": "db.r6g.xlarge", "DBPortNumber": 5433, "AllocatedStorage": 500,
        "Iops": 14000, "StorageThroughput": 750, "MaxAllocatedStorage": 2000,
        "BackupRetentionPeriod": 14,
    })  # fmt: skip
    rds.call("AddTagsToResource", {
        "ResourceName": rds.arn("instance", "prod-db"),
        "Tags": tags(env="production-eu", cost__center="4711"),
    })  # fmt: skip


def make_prod_cluster(rds: Rds) -> None:
    """The production cluster as it was made, with a writer and a reader that differ."""
    rds.call("CreateDBCluster", {
        "DBClusterIdentifier": "prod-cluster", "Engine": "aurora-postgresql",
        "EngineVersion": "16.4", "DatabaseName": "ledger", "MasterUsername": "ledger_admin",
        "ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": key(rds, KEY_ID),
        "StorageEncrypted": True, "KmsKeyId": key(rds, KEY_ID), "StorageType": "aurora-iopt1",
        "BackupRetentionPeriod": 7, "PreferredBackupWindow": "02:15-03:00",
        "PreferredMaintenanceWindow": "wed:04:00-wed:05:00", "AutoMinorVersionUpgrade": False,
        "DBSubnetGroupName": "prod-subnets", "NetworkType": "DUAL",
        "DBClusterParameterGroupName": "prod-aurora16",
        "VpcSecurityGroupIds": ["sg-0prod00000000cl01", "sg-0prod00000000cl02"],
        "CopyTagsToSnapshot": True, "DeletionProtection": True,
        "EnableIAMDatabaseAuthentication": True,
        "EnableCloudwatchLogsExports": ["postgresql", "instance"],
        "MonitoringInterval": 30, "MonitoringRoleArn": role(rds, "rds-monitoring"),
        "EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 465,
        "PerformanceInsightsKMSKeyId": key(rds, INSIGHTS_KEY_ID),
        "DatabaseInsightsMode": "advanced", "EnableLocalWriteForwarding": True,
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 16.0},
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "Domain": "d-9067001122", "DomainIAMRoleName": "rds-directory",
        "Tags": tags(team="ledger", env="production"),
    })  # fmt: skip
    shared = {
        "DBClusterIdentifier": "prod-cluster", "Engine": "aurora-postgresql",
        "AutoMinorVersionUpgrade": False,
        "PubliclyAccessible": True,
    }  # fmt: skip
    rds.call("CreateDBInstance", shared | {
        "DBInstanceIdentifier": "prod-cluster-writer", "DBInstanceClass": "db.r6g.xlarge",
        "PromotionTier": 0, "AvailabilityZone": f"{rds.region}b",
        "DBParameterGroupName": "prod-writer",
        "PreferredMaintenanceWindow": "thu:04:00-thu:05:00",
        "CACertificateIdentifier": "rds-ca-ecc384-g1", "Tags": tags(part="writer"),
    })  # fmt: skip
    rds.call("CreateDBInstance", shared | {
        "DBInstanceIdentifier": "prod-cluster-reader", "DBInstanceClass": "db.r6g.large",
        "PromotionTier": 3, "AvailabilityZone": f"{rds.region}c",
        "DBParameterGroupName": "prod-reader",
        "PreferredMaintenanceWindow": "fri:04:00-fri:05:00",
        "CACertificateIdentifier": "rds-ca-rsa4096-g1", "Tags": tags(part="reader"),
    })  # fmt: skip
    rds.call("AddRoleToDBCluster", {
        "DBClusterIdentifier": "prod-cluster", "RoleArn": role(rds, "ledger-import"),
        "FeatureName": "s3Import",
    })  # fmt: skip


def change_prod_cluster(rds: Rds) -> None:
    """What was changed after the snapshot."""
    rds.call("ModifyDBCluster", {
        "DBClusterIdentifier": "prod-cluster", "ApplyImmediately": True, "Port": 5434,
        "BackupRetentionPeriod": 21, "ServerlessV2ScalingConfiguration": SCALED,
    })  # fmt: skip
    rds.call("AddTagsToResource", {
        "ResourceName": rds.arn("cluster", "prod-cluster"), "Tags": tags(cost__center="4712"),
    })  # fmt: skip


def make_staging_db(rds: Rds) -> None:
    """Staging's own: smaller than production's, under another key, on another port."""
    rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": "staging-db", "Engine": "postgres", "EngineVersion": "16.4",
        "DBInstanceClass": "db.t4g.medium", "DBName": "orders", "MasterUsername": "orders_admin",
        "ManageMasterUserPassword": True, "AllocatedStorage": 100, "Port": 5442,
        "StorageEncrypted": True, "KmsKeyId": key(rds, STAGING_KEY_ID),
        "BackupRetentionPeriod": 1, "DBSubnetGroupName": "prod-subnets",
        "DBParameterGroupName": "staging-postgres16",
        "VpcSecurityGroupIds": ["sg-0staging000000db1"], "CopyTagsToSnapshot": True,
        "Tags": tags(team="orders", env="staging"),
    })  # fmt: skip


def make_staging_cluster(rds: Rds) -> None:
    """The same as a cluster."""
    rds.call("CreateDBCluster", {
        "DBClusterIdentifier": "staging-cluster", "Engine": "aurora-postgresql",
        "EngineVersion": "16.4", "DatabaseName": "ledger", "MasterUsername": "ledger_admin",
        "ManageMasterUserPassword": True, "Port": 5443, "StorageEncrypted": True,
        "KmsKeyId": key(rds, STAGING_KEY_ID), "BackupRetentionPeriod": 1,
        "DBSubnetGroupName": "prod-subnets", "DBClusterParameterGroupName": "staging-aurora16",
        "VpcSecurityGroupIds": ["sg-0staging000000cl1"], "CopyTagsToSnapshot": True,
        "Tags": tags(team="ledger", env="staging"),
    })  # fmt: skip
    for part, tier in (("writer", 0), ("reader", 1)):
        rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": f"staging-cluster-{part}", "Engine": "aurora-postgresql",
            "DBClusterIdentifier": "staging-cluster", "DBInstanceClass": "db.t4g.medium",
            "PromotionTier": tier,
        })  # fmt: skip


def make_plain(rds: Rds, name: str) -> None:
    """An instance and a cluster of one nature, otherwise as RDS makes them."""
    rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": f"{name}-db", "Engine": "postgres", "AllocatedStorage": 50,
        "DBInstanceClass": "db.t4g.medium", "MasterUsername": "admin_user",
        "ManageMasterUserPassword": True, "Tags": tags(nature=name),
    })  # fmt: skip
    rds.call("CreateDBCluster", {
        "DBClusterIdentifier": f"{name}-cluster", "Engine": "aurora-postgresql",
        "MasterUsername": "admin_user", "ManageMasterUserPassword": True,
        "Tags": tags(nature=name),
    })  # fmt: skip
    rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": f"{name}-cluster-writer", "Engine": "aurora-postgresql",
        "DBClusterIdentifier": f"{name}-cluster", "DBInstanceClass": "db.t4g.medium",
    })  # fmt: skip


def protect(rds: Rds) -> None:
    """The tag that keeps the app away."""
    for kind, name in (("instance", "protected-db"), ("cluster", "protected-cluster")):
        rds.call("AddTagsToResource", {
            "ResourceName": rds.arn(kind, name), "Tags": tags(trapheus__protect="true"),
        })  # fmt: skip


def leave_names(rds: Rds) -> None:
    """Somebody has kept what an earlier restore had renamed."""
    rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": "left-db-temp", "Engine": "postgres", "AllocatedStorage": 50,
        "DBInstanceClass": "db.t4g.medium", "MasterUsername": "admin_user",
        "ManageMasterUserPassword": True,
    })  # fmt: skip
    rds.call("CreateDBCluster", {
        "DBClusterIdentifier": "left-cluster-temp", "Engine": "aurora-postgresql",
        "MasterUsername": "admin_user", "ManageMasterUserPassword": True,
    })  # fmt: skip


def add_dependencies(rds: Rds) -> None:
    """Somebody prepares an upgrade of these with a blue/green deployment."""
    for kind, name in (("instance", "tied-db"), ("cluster", "tied-cluster")):
        rds.blue_green_deployments.append({
            "BlueGreenDeploymentIdentifier": f"bgd-{name}",
            "BlueGreenDeploymentName": f"{name}-to-17",
            "Source": rds.arn(kind, name),
            "Target": rds.arn(kind, f"{name}-green-ab12cd"),
            "Status": "AVAILABLE",
        })  # fmt: skip


def natures() -> list[str]:
    """The names of all databases but the new ones, without `-db` and `-cluster`."""
    return ["prod", "staging", "broken", "protected", "stopped", "left", "tied"]


def write(rds: Rds, words: str) -> None:
    """Give every database contents that say when they were written."""
    for name in [*natures(), "new"]:
        rds.write("instance", f"{name}-db", words.format(name=f"{name}-db"))
        rds.write("cluster", f"{name}-cluster", words.format(name=f"{name}-cluster"))


def take_snapshots(rds: Rds) -> None:
    """One snapshot of each, under the name that the app looks for."""
    calls: list[tuple[str, dict[str, Any]]] = []
    for name in natures():
        instance, cluster = f"{name}-db", f"{name}-cluster"
        calls.append(("CreateDBSnapshot", {
            "DBInstanceIdentifier": instance, "DBSnapshotIdentifier": f"{instance}-snapshot",
        }))  # fmt: skip
        calls.append(("CreateDBClusterSnapshot", {
            "DBClusterIdentifier": cluster, "DBClusterSnapshotIdentifier": f"{cluster}-snapshot",
        }))  # fmt: skip
    for operation, parameters in calls:
        rds.call(operation, parameters)
