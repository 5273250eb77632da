"""The restored database differs in nothing that a call can set.

What is compared is read from botocore's model; the lists below name only what no call sets.
"""

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from local.commands.app import App
from tests.pipeline.observed import KINDS, Kind, run

# Attributes that come with the new database itself: identity, times, statuses.
DERIVED_INSTANCE = {
    "AutomaticRestartTime",
    "CertificateDetails",
    "DBInstanceStatus",
    "DbiResourceId",
    "EnhancedMonitoringResourceArn",
    "InstanceCreateTime",
    "LatestRestorableTime",
    "PendingModifiedValues",
    "PercentProgress",
    "StatusInfos",
    "SecondaryAvailabilityZone",
}
DERIVED_CLUSTER = {
    "AutomaticRestartTime",
    "CloneGroupId",
    "ClusterCreateTime",
    "DbClusterResourceId",
    "EarliestRestorableTime",
    "LatestRestorableTime",
    "PendingModifiedValues",
    "PercentProgress",
    "Status",
    "StatusInfos",
}

SERVICE = ServiceModel(Loader().load_service_model("rds", "service-2"))


def attributes(operation: str, group: str, derived: set[str]) -> list[str]:
    """Every attribute that the Describe returns, without the derived ones."""
    shape = SERVICE.operation_model(operation).output_shape
    assert shape is not None
    known = set(shape.members[group].member.members)
    assert derived <= known, derived - known
    return sorted(known - derived)


def described(cloud: App, kind: str, name: str) -> dict[str, object]:
    """The settings of a database as a real client reads them."""
    client = cloud.client("rds")
    if kind == "cluster":
        (found,) = client.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        names = attributes("DescribeDBClusters", "DBClusters", DERIVED_CLUSTER)
    else:
        (found,) = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        names = attributes("DescribeDBInstances", "DBInstances", DERIVED_INSTANCE)
    return {name: comparable(name, found.get(name)) for name in names}


def comparable(name: str, value: Any) -> object:
    """A value without its order and without what RDS makes anew."""
    if name == "MasterUserSecret" and value:
        return value["KmsKeyId"]  # RDS makes a new secret with an ARN of its own
    return sorted(value, key=repr) if isinstance(value, list) else value


def everything(cloud: App, kind: Kind) -> dict[str, dict[str, object]]:
    return {
        kind.identifier: described(cloud, kind.name, kind.identifier),
        **{name: described(cloud, "instance", name) for name in kind.members},
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("task", ["create_snapshot", "db_restore"])
def test_the_restored_database_is_configured_as_the_original_was(
    cloud: App, kind: Kind, task: str
) -> None:
    before = everything(cloud, kind)

    execution = run(cloud, kind.request(task))

    assert execution.status == "SUCCEEDED", execution.cause
    after = everything(cloud, kind)
    for name, settings in before.items():
        differing = {key for key in settings if settings[key] != after[name][key]}
        assert differing == set(), name


# What the original and a bare restore share, and why.
IN_THE_SNAPSHOT = {"Engine", "KmsKeyId", "MasterUsername", "StorageEncrypted"}
# The last is the organization's.
SAME_IN_EVERY_DATABASE = {"ActivityStreamStatus", "UpgradeRolloutOrder"}
KEPT = {
    "instance": {
        *IN_THE_SNAPSHOT,
        *SAME_IN_EVERY_DATABASE,
        "DBName",
        "EngineVersion",
        "LicenseModel",  # PostgreSQL has one
        "BackupTarget",  # of Outposts
        "CustomerOwnedIpEnabled",  # of Outposts
        "DBSecurityGroups",  # of EC2-Classic
        "DbInstancePort",  # always 0
        "IsStorageConfigUpgradeAvailable",
        "ReadReplicaDBInstanceIdentifiers",  # a database with replicas is refused
        "AvailabilityZone",  # RDS chooses one, and takes none for Multi-AZ
        "StorageType",  # with throughput only gp3, the default
    },
    "cluster": {
        *IN_THE_SNAPSHOT,
        *SAME_IN_EVERY_DATABASE,
        "DatabaseName",
        "EngineMode",  # only provisioned ones are restored
        "AllocatedStorage",  # always 1 in Aurora
        "AvailabilityZones",  # Aurora shows three, whatever it is told
        "CrossAccountClone",
        "HostedZoneId",
        "HttpEndpointEnabled",  # set by a call of its own, tested on its own
        "ReadReplicaIdentifiers",  # a cluster with replicas is refused
    },
}


def bare_restore(cloud: App, kind: Kind) -> dict[str, object]:
    """The settings after a restore call with identifier and snapshot alone."""
    name = f"bare-{kind.identifier}"
    with cloud.rds.instantly():
        if kind.is_cluster:
            snapshot = {"SnapshotIdentifier": kind.snapshot, "Engine": "aurora-postgresql"}
            cloud.rds.call(
                "RestoreDBClusterFromSnapshot", {"DBClusterIdentifier": name, **snapshot}
            )
        else:
            snapshot = {"DBSnapshotIdentifier": kind.snapshot}
            cloud.rds.call(
                "RestoreDBInstanceFromDBSnapshot", {"DBInstanceIdentifier": name, **snapshot}
            )
    return described(cloud, kind.name, name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_bare_restore_loses_everything_that_the_snapshot_does_not_carry(
    cloud: App, kind: Kind
) -> None:
    """The positive control of the comparison above."""
    original = described(cloud, kind.name, kind.identifier)
    bare = bare_restore(cloud, kind)

    kept = {key for key, value in original.items() if value is not None and bare[key] == value}

    assert kept == KEPT[kind.name]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_a_database_of_a_stack_is_restored_and_its_tags_are_told(
    cloud: App, kind: Kind, strategy: str
) -> None:
    held = cloud.rds.clusters if kind.is_cluster else cloud.rds.instances
    stack = {"Key": "aws:cloudformation:stack-name", "Value": "data"}
    held[kind.identifier]["TagList"].append(stack)

    execution = run(cloud, kind.request("create_snapshot", strategy=strategy, **(
        {"acceptWriteLoss": True} if strategy == "restore-first" else {}
    )))  # fmt: skip

    assert execution.status == "SUCCEEDED", execution.cause
    (lost,) = [
        entry
        for entry in execution.output["report"]["cannotKeep"]
        if entry["attribute"] == "TagList"
    ]
    assert (lost["was"], lost["now"]) == ([stack], [])
    assert "stack data" in " ".join(execution.output["warnings"])
