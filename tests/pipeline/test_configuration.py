"""The restored database differs in nothing that a call can set.

What is compared is read from botocore's model; the lists below name only what no call sets.
"""

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from local.app import App
from tests.pipeline.facts import CLUSTER, INSTANCE, KINDS, Kind, run

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
    return {name: in_any_order(found.get(name)) for name in names}


def in_any_order(value: object) -> object:
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


# Carried in the snapshot, or following from the name, the account or the engine.
CARRIED_INSTANCE = {
    "DBInstanceIdentifier",
    "DBInstanceArn",
}
CARRIED_CLUSTER = {"DBClusterIdentifier", "DBClusterArn"}


def bare_restore(cloud: App, kind: Kind) -> dict[str, object]:
    """The settings after a restore call with identifier and snapshot alone."""
    name = f"bare-{kind.identifier}"
    with cloud.rds.instantly():
        if kind.is_cluster:
            cloud.rds.call(
                "RestoreDBClusterFromSnapshot",
                {
                    "DBClusterIdentifier": name,
                    "SnapshotIdentifier": kind.snapshot,
                    "Engine": "aurora-postgresql",
                },
            )
        else:
            cloud.rds.call(
                "RestoreDBInstanceFromDBSnapshot",
                {"DBInstanceIdentifier": name, "DBSnapshotIdentifier": kind.snapshot},
            )
    return described(cloud, kind.name, name)


def settable(kind: Kind) -> set[str]:
    """The attributes of which a restore or a modify call takes a parameter, by botocore's model."""
    other_names = RENAMED_CLUSTER if kind.is_cluster else RENAMED_INSTANCE
    operations = (
        ("RestoreDBClusterFromSnapshot", "ModifyDBCluster")
        if kind.is_cluster
        else ("RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance")
    )
    parameters: set[str] = set()
    for operation in operations:
        shape = SERVICE.operation_model(operation).input_shape
        assert shape is not None
        parameters |= set(shape.members)
    group = "DBClusters" if kind.is_cluster else "DBInstances"
    derived = DERIVED_CLUSTER if kind.is_cluster else DERIVED_INSTANCE
    return {
        name
        for name in attributes(f"Describe{group}", group, derived)
        if other_names.get(name, name) in parameters
    }


# Attributes whose parameter has another name.
RENAMED_INSTANCE = {
    "CustomerOwnedIpEnabled": "EnableCustomerOwnedIp",
    "DBParameterGroups": "DBParameterGroupName",
    "DBSubnetGroup": "DBSubnetGroupName",
    "EnabledAppwatchLogsExports": "EnableAppwatchLogsExports",
    "Endpoint": "Port",
    "IAMDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "OptionGroupMemberships": "OptionGroupName",
    "PerformanceInsightsEnabled": "EnablePerformanceInsights",
    "TagList": "Tags",
    "VpcSecurityGroups": "VpcSecurityGroupIds",
}
RENAMED_CLUSTER = {
    "DBClusterParameterGroup": "DBClusterParameterGroupName",
    "DBSubnetGroup": "DBSubnetGroupName",
    "EnabledAppwatchLogsExports": "EnableAppwatchLogsExports",
    "IAMDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "PerformanceInsightsEnabled": "EnablePerformanceInsights",
    "TagList": "Tags",
    "VpcSecurityGroups": "VpcSecurityGroupIds",
}
