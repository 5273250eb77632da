"""What RDS has besides databases: quotas, backups, what is available, groups, dependencies."""

import pytest
from botocore.exceptions import ClientError

from local.emulator.rds import RdsError
from tests.emulator.rds_world import NAMES, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])
BACKUPS = {
    "instance": ("DescribeDBInstanceAutomatedBackups", "DBInstanceAutomatedBackups"),
    "cluster": ("DescribeDBClusterAutomatedBackups", "DBClusterAutomatedBackups"),
}
FULL = {
    "instance": "DBInstanceAutomatedBackupQuotaExceeded",
    "cluster": "DBClusterAutomatedBackupQuotaExceededFault",
}


def refused(code, call):
    with pytest.raises(RdsError) as raised:
        call()
    assert raised.value.code == code
    return raised.value


def delete(world, kind, **more):
    """Delete the database, a cluster with its members before it."""
    words = NAMES[kind]
    if kind == "cluster":
        for name in ("cl-writer", "cl-reader"):
            if name in world.rds.instances:
                world.delete("instance", name)
    if "FinalDBSnapshotIdentifier" not in more:
        more["SkipFinalSnapshot"] = True
    world.rds.call(words["delete"], {words["id"]: words["name"], **more})
    world.wait(240)


def kept(world, kind):
    operation, key = BACKUPS[kind]
    filters = [{"Name": "status", "Values": ["retained"]}]
    return world.rds.call(operation, {"Filters": filters})[key]


@KINDS
def test_automated_backups_are_kept_when_asked(kind):
    world, words = World(), NAMES[kind]
    resource_id = world.shown(kind, words["name"])[words["resource"]]
    assert kept(world, kind) == []

    delete(world, kind, DeleteAutomatedBackups=False)

    (backup,) = kept(world, kind)
    assert backup[words["resource"]] == resource_id
    assert backup[words["id"]] == words["name"]


@KINDS
def test_automated_backups_go_with_their_database_when_asked(kind):
    world = World()
    delete(world, kind, DeleteAutomatedBackups=True)

    assert kept(world, kind) == []


@KINDS
def test_a_full_quota_of_kept_backups_refuses_the_deletion_and_nothing_happens(kind):
    world, words = World(), NAMES[kind]
    world.rds.quotas[kind] = 0
    final = {"FinalDBSnapshotIdentifier": "the-end", "DeleteAutomatedBackups": False}

    error = refused(FULL[kind], lambda: delete(world, kind, **final))

    assert error.status == 400
    world.wait()
    assert world.status(kind, words["name"]) == "available"
    snapshots = world.rds.snapshots if kind == "instance" else world.rds.cluster_snapshots
    assert "the-end" not in snapshots
    assert kept(world, kind) == []
    delete(world, kind, DeleteAutomatedBackups=True)
    assert world.status(kind, words["name"]) == ""


def test_a_database_without_backups_leaves_none():
    world = World()
    with world.rds.instantly():
        world.modify("instance", "db", BackupRetentionPeriod=0)
    world.rds.quotas["instance"] = 0

    delete(world, "instance", DeleteAutomatedBackups=False)

    assert kept(world, "instance") == []


@KINDS
@pytest.mark.parametrize("copied", [True, False])
def test_a_final_snapshot_holds_the_data_and_tags_only_when_they_are_copied(kind, copied):
    world, words = World(), NAMES[kind]
    world.rds.write(kind, words["name"], "the last words")
    arn = world.rds.arn(kind, words["name"])
    world.rds.call(
        "AddTagsToResource", {"ResourceName": arn, "Tags": [{"Key": "team", "Value": "a"}]}
    )
    world.modify(kind, words["name"], CopyTagsToSnapshot=copied) if copied else None
    world.wait()

    delete(world, kind, FinalDBSnapshotIdentifier="the-end")

    snapshots = world.rds.snapshots if kind == "instance" else world.rds.cluster_snapshots
    assert snapshots["the-end"]["SnapshotType"] == "manual"
    assert snapshots["the-end"]["Status"] == "available"
    assert [tag["Key"] for tag in snapshots["the-end"]["TagList"]] == (["team"] if copied else [])
    assert world.rds.data(words["snapshot_kind"], "the-end") == "the last words"


@KINDS
def test_a_final_snapshot_needs_room_and_its_name(kind):
    world, words = World(), NAMES[kind]
    taken = {"FinalDBSnapshotIdentifier": f"{words['name']}-snapshot"}
    refused(words["snap_exists"], lambda: delete(world, kind, **taken))
    world = World()
    world.rds.quotas[words["snapshot_kind"]] = 1
    final = {"FinalDBSnapshotIdentifier": "the-end"}
    refused("SnapshotQuotaExceeded", lambda: delete(world, kind, **final))
    assert world.status(kind, words["name"])


def test_quotas_count_what_there_is():
    world = World()
    world.rds.quotas["storage"] = 123
    found = {
        quota["AccountQuotaName"]: (quota["Used"], quota["Max"])
        for quota in world.rds.call("DescribeAccountAttributes", {})["AccountQuotas"]
    }

    assert found == {
        "DBInstances": (3, 40),
        "DBClusters": (1, 40),
        "ManualSnapshots": (1, 100),
        "ManualClusterSnapshots": (1, 100),
        "AllocatedStorage": (20, 123),
    }


# What is available


def test_a_version_and_a_class_are_available_until_they_are_withdrawn():
    world = World()
    client = world.client()
    wanted = {"Engine": "postgres", "EngineVersion": "16.4"}
    sold = {**wanted, "DBInstanceClass": "db.r6g.large", "MaxRecords": 20}

    (version,) = client.describe_db_engine_versions(**wanted)["DBEngineVersions"]
    assert version["DBParameterGroupFamily"] == "postgres16"
    (option,) = client.describe_orderable_db_instance_options(**sold)["OrderableDBInstanceOptions"]
    assert option["DBInstanceClass"] == "db.r6g.large"

    world.rds.available_classes["standalone"].remove("db.r6g.large")
    assert not client.describe_orderable_db_instance_options(**sold)["OrderableDBInstanceOptions"]
    assert client.describe_db_engine_versions(**wanted)["DBEngineVersions"]
    world.rds.available_versions["postgres"].remove("16.4")
    assert not client.describe_db_engine_versions(**wanted)["DBEngineVersions"]


def test_what_is_available_in_one_account_is_not_another_s():
    World().rds.available_classes["aurora"].clear()

    assert World().rds.available_classes["aurora"]


def test_a_class_is_of_an_engine():
    sold = {"Engine": "postgres", "DBInstanceClass": "db.serverless"}
    client = World().client()

    assert not client.describe_orderable_db_instance_options(**sold)["OrderableDBInstanceOptions"]
    sold["Engine"] = "aurora-postgresql"
    assert client.describe_orderable_db_instance_options(**sold)["OrderableDBInstanceOptions"]


# Groups

GROUPS = {
    "parameter": (
        "DBParameterGroup", {"DBParameterGroupFamily": "postgres16", "Description": "x"},
        "DBParameterGroupNotFound", "InvalidDBParameterGroupState",
        {"DBParameterGroupName": "mine"}, "instance",
    ),
    "cluster-parameter": (
        "DBClusterParameterGroup",
        {"DBParameterGroupFamily": "aurora-postgresql16", "Description": "x"},
        "DBParameterGroupNotFound", "InvalidDBParameterGroupState",
        {"DBClusterParameterGroupName": "mine"}, "cluster",
    ),
    "option": (
        "OptionGroup",
        {"EngineName": "postgres", "MajorEngineVersion": "16", "OptionGroupDescription": "x"},
        "OptionGroupNotFoundFault", "InvalidOptionGroupStateFault",
        {"OptionGroupName": "mine"}, "instance",
    ),
    "subnet": (
        "DBSubnetGroup",
        {"DBSubnetGroupDescription": "x", "SubnetIds": ["subnet-1", "subnet-2"]},
        "DBSubnetGroupNotFoundFault", "InvalidDBSubnetGroupStateFault", None, "instance",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", GROUPS)
def test_a_group_can_be_deleted_once_nothing_is_in_it(kind):
    word, given, missing, in_use, change, of = GROUPS[kind]
    world = World()
    name = {f"{word}Name": "mine"}
    with world.rds.instantly():
        world.rds.call(f"Create{word}", {**name, **given})
        if change:
            world.modify(of, NAMES[of]["name"], **change)
        else:
            world.restore("instance", "another", DBSubnetGroupName="mine")

    refused(in_use, lambda: world.rds.call(f"Delete{word}", name))
    with world.rds.instantly():
        world.delete("instance", "db" if change else "another")
        if of == "cluster":
            for member in ("cl-writer", "cl-reader"):
                world.delete("instance", member)
            world.delete("cluster", "cl")
    client = world.client()
    snake = {"DBParameterGroup": "db_parameter_group", "OptionGroup": "option_group",
             "DBClusterParameterGroup": "db_cluster_parameter_group",
             "DBSubnetGroup": "db_subnet_group"}[word]  # fmt: skip
    getattr(client, f"delete_{snake}")(**name)

    with pytest.raises(ClientError) as raised:
        getattr(client, f"describe_{snake}s")(**name)
    assert raised.value.response["Error"]["Code"] == missing


def test_a_snapshot_holds_its_option_group():
    world = World()
    word, given, _, in_use, change, _ = GROUPS["option"]
    with world.rds.instantly():
        world.rds.call(f"Create{word}", {"OptionGroupName": "mine", **given})
        world.modify("instance", "db", **change)
        world.snapshot("instance", "db", "another-snapshot")
        world.delete("instance", "db")

    refused(in_use, lambda: world.rds.call(f"Delete{word}", {"OptionGroupName": "mine"}))


def test_a_default_group_stays():
    refused(
        "InvalidDBParameterGroupState",
        lambda: World().rds.call(
            "DeleteDBParameterGroup", {"DBParameterGroupName": "default.postgres16"}
        ),
    )


def test_a_default_option_group_is_of_its_engine_s_major_version():
    client = World().client()
    for name, engine, major in (
        ("default:postgres-16", "postgres", "16"),
        ("default:mysql-8-0", "mysql", "8.0"),
        ("default:aurora-mysql-8-0", "aurora-mysql", "8.0"),
    ):
        (found,) = client.describe_option_groups(OptionGroupName=name)["OptionGroupsList"]
        assert (found["EngineName"], found["MajorEngineVersion"]) == (engine, major)


# Dependencies


def test_a_deployment_is_found_by_either_side():
    world = World()
    world.rds.blue_green_deployments += [
        {"BlueGreenDeploymentIdentifier": f"bgd-{n}", "BlueGreenDeploymentName": f"b{n}",
         "Source": f"arn:aws:rds:us-east-1:1:db:blue-{n}",
         "Target": f"arn:aws:rds:us-east-1:1:db:green-{n}"}
        for n in range(3)
    ]  # fmt: skip
    client = world.client()

    def found(*filters):
        answer = client.describe_blue_green_deployments(
            Filters=[{"Name": side, "Values": [arn]} for side, arn in filters]
        )
        return [one["BlueGreenDeploymentName"] for one in answer["BlueGreenDeployments"]]

    blue, green = "arn:aws:rds:us-east-1:1:db:blue-1", "arn:aws:rds:us-east-1:1:db:green-2"
    assert found() == ["b0", "b1", "b2"]
    assert found(("source", blue)) == ["b1"]
    assert found(("target", green)) == ["b2"]
    assert found(("source", blue), ("target", green)) == []


def test_a_global_cluster_is_found_by_the_region_of_a_member():
    world = World()
    world.rds.global_clusters += [
        {"GlobalClusterIdentifier": name,
         "GlobalClusterMembers": [{"DBClusterArn": f"arn:aws:rds:{region}:1:cluster:x"}]}
        for name, region in (("here", "us-east-1"), ("there", "eu-west-1"))
    ]  # fmt: skip
    client = world.client()
    only = [{"Name": "region", "Values": ["us-east-1"]}]

    found = client.describe_global_clusters(Filters=only)["GlobalClusters"]

    assert [owner["GlobalClusterIdentifier"] for owner in found] == ["here"]
    refused(
        "InvalidParameterValue",
        lambda: world.rds.call(
            "DescribeGlobalClusters", {"Filters": [{"Name": "db-cluster-id", "Values": ["x"]}]}
        ),
    )
