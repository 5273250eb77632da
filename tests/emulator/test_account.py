"""The sample account: what it holds, and that a bare restore loses all of it that can be lost."""

import pytest
from botocore.session import get_session

from local.commands.account import INSIGHTS_KEY_ID, KEY_ID, build
from local.emulator.rds import Rds

NOW = 1_700_000_000.0
DAY = 86_400
MODEL = get_session().get_service_model("rds")

# Attributes that a restore or modify call can set, of which the bare restore (or the bare
# member) gives what the sample has, with the reason why the sample cannot do otherwise.
SAME_INSTANCE = {
    "Engine": "a restore into another engine is another database",
    "EngineVersion": "the snapshot's: an instance restore has no such parameter",
    "LicenseModel": "PostgreSQL has one",
    "StorageType": "gp3 is both the default and what throughput needs",
    "AvailabilityZone": "cannot be chosen for Multi-AZ",
    "BackupTarget": "the others need Outposts or a local zone",
    "CustomerOwnedIpEnabled": "Outposts",
    "DBName": "Oracle and SQL Server; PostgreSQL's is in the snapshot",
    "DBSecurityGroups": "EC2-Classic, retired",
}
SAME_CLUSTER = {
    "Engine": "a restore into another engine is another database",
    "KmsKeyId": "the snapshot's: nobody re-keys by accident",
    "DatabaseName": "in the snapshot",
    "EngineMode": "the others are retired",
    "AvailabilityZones": "Aurora shows three, whatever it is told",
    "HttpEndpointEnabled": "ModifyDBCluster sets it for Serverless v1 only (model)",
    "AllocatedStorage": "Multi-AZ DB clusters only (model)",
}
SAME_MEMBER = {
    "StorageThroughput": "0, since Aurora has no such storage",
    "Engine": "the cluster's",
    "EngineVersion": "the cluster's",
    "LicenseModel": "the engine's",
    "OptionGroupMemberships": "clusters have the default only",
    "MultiAZ": "managed by the cluster",
    "NetworkType": "the cluster's",
    "VpcSecurityGroups": "the cluster's",
    "DBSubnetGroup": "the cluster's",
    "DBName": "the cluster's",
    "KmsKeyId": "the cluster's",
    "StorageEncrypted": "the cluster's",
    "StorageType": "the cluster's",
    "AllocatedStorage": "the cluster's",
    "BackupRetentionPeriod": "the cluster's",
    "PreferredBackupWindow": "the cluster's",
    "IAMDatabaseAuthenticationEnabled": "the cluster's",
    "DatabaseInsightsMode": "the cluster's",
    "EnabledCloudwatchLogsExports": "the cluster's",
    "EngineLifecycleSupport": "the cluster's",
    "CopyTagsToSnapshot": "the cluster's",
    "DeletionProtection": "the cluster's",
    "DedicatedLogVolume": "Aurora has none",
    "DomainMemberships": "the cluster's",
    "BackupTarget": "the cluster's",
    "CustomerOwnedIpEnabled": "Outposts",
    "DBSecurityGroups": "EC2-Classic, retired",
    "MasterUsername": "the cluster's",
    "MonitoringInterval": "the cluster's",
    "MonitoringRoleArn": "the cluster's",
    "PerformanceInsightsEnabled": "the cluster's",
    "PerformanceInsightsKMSKeyId": "the cluster's",
    "PerformanceInsightsRetentionPeriod": "the cluster's",
}

# Which attribute a parameter shows in, where the names differ: read off botocore's documentation.
SHOWS_AS = {
    "Port": "Endpoint", "DBPortNumber": "Endpoint", "VpcSecurityGroupIds": "VpcSecurityGroups",
    "DBParameterGroupName": "DBParameterGroups", "OptionGroupName": "OptionGroupMemberships",
    "DBSubnetGroupName": "DBSubnetGroup", "Tags": "TagList", "Domain": "DomainMemberships",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableCustomerOwnedIp": "CustomerOwnedIpEnabled",
    "ManageMasterUserPassword": "MasterUserSecret",
}  # fmt: skip
SHOWS_AS_CLUSTER = {
    **SHOWS_AS, "Port": "Port", "DBClusterParameterGroupName": "DBClusterParameterGroup",
    "OptionGroupName": "DBClusterOptionGroupMemberships",
    "EnableLocalWriteForwarding": "LocalWriteForwardingStatus",
    "EnableHttpEndpoint": "HttpEndpointEnabled",
}  # fmt: skip
# Settable attributes that the samples do not show at all.
UNSET_INSTANCE = {
    "MultiTenant": "Oracle",
    "TdeCredentialArn": "Oracle",
    "ReplicaMode": "replicas",
    "AutomationMode": "RDS Custom",
    "CustomIamInstanceProfile": "RDS Custom",
    "AwsBackupRecoveryPointArn": "AWS Backup's own",
    "AdditionalStorageVolumes": "Oracle and SQL Server",
    "DBCapacityReservationIdentifier": "wants a reservation",
    "PromotionTier": "Aurora members",
}
UNSET_CLUSTER = {
    "DBClusterOptionGroupMemberships": "Aurora shows none",
    "BacktrackWindow": "Aurora MySQL",
    "DBClusterInstanceClass": "Multi-AZ DB clusters",
    "Iops": "Multi-AZ DB clusters",
    "PubliclyAccessible": "Multi-AZ DB clusters; Aurora sets it per member",
    "RdsCustomClusterConfiguration": "reserved",
    "AwsBackupRecoveryPointArn": "AWS Backup's own",
}
UNSET_MEMBER = {
    **{name: why for name, why in UNSET_INSTANCE.items() if name != "PromotionTier"},
    "Iops": "Aurora has no such storage",
    "MaxAllocatedStorage": "Aurora grows by itself",
    "ProcessorFeatures": "not for Aurora (model)",
    "MasterUserSecret": "the cluster's",
    "CharacterSetName": "Oracle and SQL Server",
    "NcharCharacterSetName": "Oracle",
    "Timezone": "SQL Server and Db2",
    "DBSystemId": "Oracle",
}
# Names and questions, not settings.
IDENTITY = {"DBInstanceIdentifier", "DBClusterIdentifier"}


@pytest.fixture
def account():
    rds = Rds(lambda: NOW)
    build(rds)
    return rds


def compared(attributes, sample, other):
    """The settable attributes that are the same in both, and those that the sample lacks."""
    unset = {name for name in attributes if name not in sample}
    same = {name for name in attributes - unset if sample[name] == other.get(name)}
    return same - IDENTITY, unset


def settable(operations, shape, shows_as):
    members = MODEL.shape_for(shape).members
    inputs = {name for op in operations for name in MODEL.operation_model(op).input_shape.members}
    return {shows_as.get(name, name) for name in inputs if shows_as.get(name, name) in members}


def bare(rds):
    with rds.instantly():
        rds.call(
            "RestoreDBInstanceFromDBSnapshot",
            {"DBInstanceIdentifier": "bare-db", "DBSnapshotIdentifier": "prod-db-snapshot"},
        )
        rds.call("RestoreDBClusterFromSnapshot",
                 {"DBClusterIdentifier": "bare-cluster", "Engine": "aurora-postgresql",
                  "SnapshotIdentifier": "prod-cluster-snapshot"})  # fmt: skip
        rds.call(
            "CreateDBInstance",
            {
                "DBInstanceIdentifier": "bare-member",
                "DBInstanceClass": "db.r6g.4xlarge",
                "Engine": "aurora-postgresql",
                "DBClusterIdentifier": "prod-cluster",
            },
        )


def test_a_bare_instance_restore_loses_all_that_a_call_can_set(account):
    bare(account)
    sample, restored = account.instances["prod-db"], account.instances["bare-db"]
    attributes = settable(
        ["RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance"], "DBInstance", SHOWS_AS
    )
    assert compared(attributes, sample, restored) == (set(SAME_INSTANCE), set(UNSET_INSTANCE))
    assert sample["Endpoint"]["Port"] != restored["Endpoint"]["Port"]
    assert sample["Iops"] != restored["Iops"]


def test_a_bare_cluster_restore_loses_all_that_a_call_can_set(account):
    bare(account)
    sample, restored = account.clusters["prod-cluster"], account.clusters["bare-cluster"]
    attributes = settable(
        ["RestoreDBClusterFromSnapshot", "ModifyDBCluster"], "DBCluster", SHOWS_AS_CLUSTER
    )
    assert compared(attributes, sample, restored) == (set(SAME_CLUSTER), set(UNSET_CLUSTER))
    assert sample["AssociatedRoles"] != restored["AssociatedRoles"]


@pytest.mark.parametrize("name", ["prod-cluster-writer", "prod-cluster-reader"])
def test_a_bare_member_has_nothing_of_what_the_sample_members_have(account, name):
    bare(account)
    sample, made = account.instances[name], account.instances["bare-member"]
    attributes = settable(["CreateDBInstance", "ModifyDBInstance"], "DBInstance", SHOWS_AS)
    assert compared(attributes, sample, made) == (set(SAME_MEMBER), set(UNSET_MEMBER))
    for attribute in ("PromotionTier", "PubliclyAccessible", "DBInstanceClass", "TagList"):
        assert sample[attribute] != made[attribute]


def test_the_writer_and_the_reader_differ(account):
    writer, reader = (account.instances[f"prod-cluster-{part}"] for part in ("writer", "reader"))
    for attribute in (
        "DBInstanceClass", "PromotionTier", "AvailabilityZone", "DBParameterGroups",
        "PreferredMaintenanceWindow", "CACertificateIdentifier", "TagList",
    ):  # fmt: skip
        assert writer[attribute] != reader[attribute]
    assert account.clusters["prod-cluster"]["DBClusterMembers"][0]["IsClusterWriter"] is True


def test_the_account_holds_these_databases_in_these_statuses(account):
    natures = ["prod", "staging", "new", "broken", "protected", "stopped", "left", "tied"]
    assert list(account.clusters) == [
        *(f"{nature}-cluster" for nature in natures),
        "left-cluster-temp",
    ]
    for nature in natures:
        expected = "stopped" if nature == "stopped" else "available"
        assert account.instances[f"{nature}-db"]["DBInstanceStatus"] == expected
        assert account.clusters[f"{nature}-cluster"]["Status"] == expected
        assert account.instances[f"{nature}-cluster-writer"]["DBInstanceStatus"] == expected
        assert account.reachable("cluster", f"{nature}-cluster") is (expected == "available")


def test_each_but_the_new_ones_has_an_available_snapshot_of_seven_days_ago(account):
    natures = ["prod", "staging", "broken", "protected", "stopped", "left", "tied"]
    assert list(account.snapshots) == [f"{nature}-db-snapshot" for nature in natures]
    assert list(account.cluster_snapshots) == [f"{nature}-cluster-snapshot" for nature in natures]
    for shown in (*account.snapshots.values(), *account.cluster_snapshots.values()):
        assert shown["Status"] == "available"
        assert shown["SnapshotCreateTime"].timestamp() == NOW - 7 * DAY


@pytest.mark.parametrize(
    ("kind", "name"), [("instance", "prod-db"), ("cluster", "prod-cluster")]
)  # fmt: skip
def test_newer_data_was_written_since_the_snapshot(account, kind, name):
    of = "snapshot" if kind == "instance" else "cluster-snapshot"
    assert account.data(of, f"{name}-snapshot") == f"{name}: written seven days ago"
    assert account.data(kind, name) == f"{name}: written today"


def test_a_restore_of_the_broken_ones_ends_in_incompatible_restore(account):
    with account.instantly():
        account.call(
            "RestoreDBInstanceFromDBSnapshot",
            {"DBInstanceIdentifier": "x", "DBSnapshotIdentifier": "broken-db-snapshot"},
        )
        account.call("RestoreDBClusterFromSnapshot",
                     {"DBClusterIdentifier": "x", "Engine": "aurora-postgresql",
                      "SnapshotIdentifier": "broken-cluster-snapshot"})  # fmt: skip
    assert account.instances["x"]["DBInstanceStatus"] == "incompatible-restore"
    assert account.clusters["x"]["Status"] == "incompatible-restore"


def test_the_protected_ones_are_tagged_and_only_they(account):
    tag = {"Key": "trapheus:protect", "Value": "true"}
    tagged = [
        name
        for name, shown in (*account.instances.items(), *account.clusters.items())
        if tag in shown["TagList"]
    ]
    assert tagged == ["protected-db", "protected-cluster"]


def test_nothing_is_pending_and_all_groups_are_in_sync(account):
    for shown in account.instances.values():
        assert shown["PendingModifiedValues"] == {}
        assert shown["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    for shown in account.clusters.values():
        assert "PendingModifiedValues" not in shown


def test_the_keys_named_are_those_used(account):
    assert account.instances["prod-db"]["KmsKeyId"].endswith(KEY_ID)
    assert account.instances["prod-db"]["PerformanceInsightsKMSKeyId"].endswith(INSIGHTS_KEY_ID)


def test_building_tells_no_changes_and_leaves_no_outage_behind():
    changes = []
    rds = Rds(lambda: NOW, on_change=changes.append)
    build(rds)
    assert changes == []
    assert rds.outages("instance", "prod-db") == []
    assert rds.outages("cluster", "prod-cluster") == []
