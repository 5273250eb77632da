"""Modify, delete, snapshot, stop, tags, roles, groups and endpoints in the local RDS."""

import pytest

from local.emulator.rds import RdsError
from tests.emulator.rds_world import NAMES, START, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])


def refused(code, act):
    with pytest.raises(RdsError) as raised:
        act()
    assert raised.value.code == code


def without_members(world):
    for name in ("cl-writer", "cl-reader"):
        world.delete("instance", name)
    world.wait()


# Modify

# What a database shows for which nothing waits.
NOTHING_PENDING = {"instance": {}, "cluster": None}


@KINDS
def test_a_change_is_stale_then_modifying_then_there(kind):
    world, words = World(), NAMES[kind]
    world.modify(kind, words["name"], BackupRetentionPeriod=9)
    assert world.status(kind, words["name"]) == "available"
    assert world.shown(kind, words["name"])["BackupRetentionPeriod"] == 1
    assert world.shown(kind, words["name"])["PendingModifiedValues"] == {"BackupRetentionPeriod": 9}
    world.wait(0.6)
    assert world.status(kind, words["name"]) == "modifying"
    world.wait()
    shown = world.shown(kind, words["name"])
    assert shown["BackupRetentionPeriod"] == 9
    assert shown.get("PendingModifiedValues") == NOTHING_PENDING[kind]
    assert shown[words["status"]] == "available"


@KINDS
def test_a_change_of_nothing_is_refused(kind):
    world, words = World(), NAMES[kind]
    refused("InvalidParameterCombination", lambda: world.modify(kind, words["name"]))
    refused("InvalidParameterCombination",
            lambda: world.modify(kind, words["name"], AllowMajorVersionUpgrade=True))  # fmt: skip
    refused("InvalidParameterCombination",
            lambda: world.rename(kind, words["name"], words["name"]))  # fmt: skip


@KINDS
def test_a_change_to_what_is_so_already_is_taken_and_nothing_happens(kind):
    world, words = World(), NAMES[kind]
    before = world.shown(kind, words["name"])
    world.modify(kind, words["name"], DeletionProtection=False, BackupRetentionPeriod=1)
    for minutes in (1, 60):
        assert world.status(kind, words["name"]) == "available"
        world.wait(minutes)
    moved = ("LatestRestorableTime",)
    after = world.shown(kind, words["name"])
    assert {k: v for k, v in after.items() if k not in moved} == {
        k: v for k, v in before.items() if k not in moved
    }


@KINDS
def test_without_apply_immediately_a_change_stays_pending(kind):
    world, words = World(), NAMES[kind]
    asked, shows = {
        "instance": ({"DBInstanceClass": "db.r6g.xlarge"}, "DBInstanceClass"),
        "cluster": ({"EnableIAMDatabaseAuthentication": True}, "IAMDatabaseAuthenticationEnabled"),
    }[kind]
    before = world.shown(kind, words["name"])[shows]
    world.rds.call(words["modify"], {words["id"]: words["name"], **asked})
    world.wait()
    shown = world.shown(kind, words["name"])
    assert shown[shows] == before
    assert shown["PendingModifiedValues"] == {shows: next(iter(asked.values()))}


@KINDS
def test_a_retention_changes_without_apply_immediately_unless_it_was_none(kind):
    world, words = World(), NAMES[kind]
    world.rds.call(words["modify"], {words["id"]: words["name"], "BackupRetentionPeriod": 9})
    world.wait()
    assert world.shown(kind, words["name"])["BackupRetentionPeriod"] == 9
    if kind == "instance":
        world.rds.call("ModifyDBInstance", {words["id"]: "db", "BackupRetentionPeriod": 0})
        world.wait()
        assert world.shown(kind, "db")["BackupRetentionPeriod"] == 9


@KINDS
def test_deletion_protection_changes_at_the_call(kind):
    world, words = World(), NAMES[kind]
    world.modify(kind, words["name"], DeletionProtection=True)
    assert world.shown(kind, words["name"])["DeletionProtection"] is True
    world.modify(kind, words["name"], DeletionProtection=False)
    assert world.shown(kind, words["name"])["DeletionProtection"] is False
    assert world.changes == []


@KINDS
def test_a_managed_password_gives_a_secret(kind):
    world, words = World(), NAMES[kind]
    world.modify(kind, words["name"], ManageMasterUserPassword=True, MasterUserSecretKmsKeyId="k1")
    world.wait()
    secret = world.shown(kind, words["name"])["MasterUserSecret"]
    assert secret["SecretStatus"] == "active"
    assert secret["KmsKeyId"].endswith(":key/k1")


@KINDS
def test_log_exports_are_switched_on_and_off(kind):
    world, words = World(), NAMES[kind]
    for change, expected in (
        ({"EnableLogTypes": ["postgresql", "upgrade"]}, ["postgresql", "upgrade"]),
        ({"DisableLogTypes": ["upgrade"]}, ["postgresql"]),
        ({"DisableLogTypes": ["postgresql"]}, None),
    ):
        world.modify(kind, words["name"], CloudwatchLogsExportConfiguration=change)
        world.wait()
        assert world.shown(kind, words["name"]).get("EnabledCloudwatchLogsExports") == expected


@KINDS
def test_monitoring_needs_a_role(kind):
    world, words = World(), NAMES[kind]
    refused("InvalidParameterCombination",
            lambda: world.modify(kind, words["name"], MonitoringInterval=15))  # fmt: skip


@KINDS
def test_advanced_insights_need_a_long_retention(kind):
    world, words = World(), NAMES[kind]
    refused("InvalidParameterCombination",
            lambda: world.modify(kind, words["name"], DatabaseInsightsMode="advanced"))  # fmt: skip
    world.modify(
        kind,
        words["name"],
        DatabaseInsightsMode="advanced",
        EnablePerformanceInsights=True,
        PerformanceInsightsRetentionPeriod=465,
    )


def test_turning_multi_az_on_takes_ten_minutes_more():
    def minutes(**changes):
        world = World()
        world.modify("instance", "db", MultiAZ=False)
        world.wait()
        world.rds.settle()
        world.changes.clear()
        world.modify("instance", "db", **changes)
        world.wait()
        world.rds.settle()
        return (world.changes[-1].time - START - 3600) / 60

    assert minutes(MultiAZ=True) == minutes(BackupRetentionPeriod=9) + 10


def test_another_parameter_group_waits_for_a_reboot():
    world = World()
    world.rds.call("CreateDBParameterGroup", {
        "DBParameterGroupName": "mine", "DBParameterGroupFamily": "postgres16", "Description": "d",
    })  # fmt: skip
    world.modify("instance", "db", DBParameterGroupName="mine")
    world.wait()
    group = world.shown("instance", "db")["DBParameterGroups"]
    assert group == [{"DBParameterGroupName": "mine", "ParameterApplyStatus": "pending-reboot"}]
    world.rds.call("RebootDBInstance", {"DBInstanceIdentifier": "db"})
    world.wait(0.5)
    assert world.status("instance", "db") == "rebooting"
    world.wait()
    group = world.shown("instance", "db")["DBParameterGroups"]
    assert group == [{"DBParameterGroupName": "mine", "ParameterApplyStatus": "in-sync"}]


def test_storage_does_not_shrink():
    world = World()
    refused("InvalidParameterCombination",
            lambda: world.modify("instance", "db", AllocatedStorage=10))  # fmt: skip


# Delete


@KINDS
def test_a_deletion_is_deleting_at_once_then_not_found(kind):
    world, words = World(), NAMES[kind]
    without_members(world)
    answer = world.delete(kind, words["name"])
    assert answer[words["word"]][words["status"]] == "deleting"
    assert world.status(kind, words["name"]) == "deleting"
    refused(words["state"], lambda: world.delete(kind, words["name"]))
    world.wait()
    refused(words["missing"], lambda: world.shown(kind, words["name"]))
    assert world.changes[-1].after == "gone"


@KINDS
def test_deletion_protection_blocks_a_deletion(kind):
    world, words = World(), NAMES[kind]
    without_members(world)
    world.modify(kind, words["name"], DeletionProtection=True)
    refused("InvalidParameterCombination", lambda: world.delete(kind, words["name"]))
    assert world.status(kind, words["name"]) == "available"


@KINDS
@pytest.mark.parametrize("status", ["creating", "modifying", "renaming", "rebooting"])
def test_a_busy_database_is_not_deleted(kind, status):
    world, words = World(), NAMES[kind]
    without_members(world)
    world.rds.become(kind, words["name"], status)
    refused(words["state"], lambda: world.delete(kind, words["name"]))


@KINDS
@pytest.mark.parametrize("status", ["failed", "incompatible-restore", "stopped"])
def test_a_broken_database_is_deleted(kind, status):
    world, words = World(), NAMES[kind]
    without_members(world)
    world.rds.become(kind, words["name"], status)
    world.delete(kind, words["name"])
    world.wait()
    assert world.status(kind, words["name"]) == ""


@KINDS
def test_a_deletion_says_whether_a_final_snapshot_is_wanted(kind):
    world, words = World(), NAMES[kind]
    without_members(world)
    named = {words["id"]: words["name"]}
    final = {"FinalDBSnapshotIdentifier": "the-end"}
    refused("InvalidParameterCombination", lambda: world.rds.call(words["delete"], named))
    refused(
        "InvalidParameterCombination",
        lambda: world.rds.call(words["delete"], {**named, **final, "SkipFinalSnapshot": True}),
    )
    world.rds.write(kind, words["name"], "last words")
    world.rds.call(words["delete"], {**named, **final})
    world.wait()
    snapshot_kind = "snapshot" if kind == "instance" else "cluster-snapshot"
    assert world.rds.data(snapshot_kind, "the-end") == "last words"
    assert world.status(kind, words["name"]) == ""


@KINDS
def test_the_snapshots_outlive_their_database(kind):
    world, words = World(), NAMES[kind]
    without_members(world)
    world.delete(kind, words["name"])
    world.wait()
    world.restore(kind, words["name"])
    world.wait()
    assert world.status(kind, words["name"]) == "available"


def test_a_cluster_with_members_is_not_deleted_but_one_whose_members_go_is():
    world = World()
    refused("InvalidDBClusterStateFault", lambda: world.delete("cluster", "cl"))
    world.delete("instance", "cl-reader")
    refused("InvalidDBClusterStateFault", lambda: world.delete("cluster", "cl"))
    world.delete("instance", "cl-writer")
    world.delete("cluster", "cl")
    world.wait()
    assert world.rds.clusters == {}
    assert list(world.rds.instances) == ["db"]


def test_a_cluster_is_gone_only_after_its_members():
    world = World()
    for name in ("cl-reader", "cl-writer"):
        world.delete("instance", name)
    world.delete("cluster", "cl")
    world.wait(1)
    # A deletion that hangs: forcing a status ends what was under way.
    world.rds.become("instance", "cl-writer", "deleting")
    world.wait(60)
    assert world.status("cluster", "cl") == "deleting"
    world.rds.become("instance", "cl-writer", "failed")
    world.delete("instance", "cl-writer")
    world.wait(60)
    assert world.status("cluster", "cl") == ""


def test_when_the_writer_goes_the_reader_of_the_lowest_tier_writes():
    world = World()
    world.add_member("cl", "cl-heir", PromotionTier=0)
    world.wait()
    world.delete("instance", "cl-writer")
    world.wait()
    members = world.shown("cluster", "cl")["DBClusterMembers"]
    assert [(m["DBInstanceIdentifier"], m["IsClusterWriter"]) for m in members] == [
        ("cl-reader", False),
        ("cl-heir", True),
    ]


def test_a_member_has_no_final_snapshot():
    world = World()
    refused("InvalidParameterCombination", lambda: world.rds.call("DeleteDBInstance", {
        "DBInstanceIdentifier": "cl-reader", "FinalDBSnapshotIdentifier": "x",
    }))  # fmt: skip
    world.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": "cl-reader"})


def test_automated_backups_outlive_the_instance_only_when_asked():
    def left(**more):
        world = World()
        world.rds.call("DeleteDBInstance", {
            "DBInstanceIdentifier": "db", "SkipFinalSnapshot": True, **more,
        })  # fmt: skip
        world.wait()
        found = world.rds.call("DescribeDBInstanceAutomatedBackups", {})
        return [
            (b["DBInstanceIdentifier"], b["Status"]) for b in found["DBInstanceAutomatedBackups"]
        ]

    assert left() == []
    assert left(DeleteAutomatedBackups=False) == [("db", "retained")]


# Snapshots


@KINDS
def test_a_snapshot_is_creating_then_available(kind):
    world, words = World(), NAMES[kind]
    world.snapshot(kind, words["name"], "fresh")
    for minutes, expected in ((0, ("creating", 0)), (60, ("available", 100))):
        world.wait(minutes)
        found = world.rds.call(words["describe_snap"], {words["snapshot_id"]: "fresh"})
        snapshot = found[words["snapshots"]][0]
        assert (snapshot["Status"], snapshot["PercentProgress"]) == expected


def test_an_instance_is_backing_up_and_serves_while_its_snapshot_is_made():
    world = World()
    world.snapshot("instance", "db", "fresh")
    assert world.status("instance", "db") == "backing-up"
    assert world.rds.reachable("instance", "db")
    refused("InvalidDBInstanceState", lambda: world.rename("instance", "db", "other"))
    refused("InvalidDBInstanceState", lambda: world.snapshot("instance", "db", "another"))
    world.wait()
    assert world.status("instance", "db") == "available"


@KINDS
def test_a_taken_snapshot_name_is_refused(kind):
    world, words = World(), NAMES[kind]
    taken = f"{words['name']}-snapshot"
    refused(words["snap_exists"], lambda: world.snapshot(kind, words["name"], taken))


@KINDS
@pytest.mark.parametrize("status", ["creating", "modifying", "renaming", "deleting", "failed"])
def test_a_database_that_is_not_available_has_no_snapshot_taken(kind, status):
    world, words = World(), NAMES[kind]
    world.rds.become(kind, words["name"], status)
    refused(words["state"], lambda: world.snapshot(kind, words["name"], "fresh"))


def test_a_member_has_no_snapshot_of_its_own():
    world = World()
    refused("InvalidParameterValue", lambda: world.snapshot("instance", "cl-writer", "fresh"))


@KINDS
def test_a_deleted_snapshot_is_stale_then_deleting_then_not_found(kind):
    world, words = World(), NAMES[kind]
    name = {words["snapshot_id"]: f"{words['name']}-snapshot"}
    seen = []
    world.rds.call(words["delete_snap"], name)
    for minutes in (0, 0.5, 60):
        world.wait(minutes)
        found = world.rds.call(words["describe_snap"], {})[words["snapshots"]]
        seen.append([snapshot["Status"] for snapshot in found])
    assert seen == [["available"], ["deleting"], []]
    refused(words["snap_missing"], lambda: world.rds.call(words["delete_snap"], name))


@KINDS
def test_a_snapshot_in_the_making_is_not_deleted(kind):
    world, words = World(), NAMES[kind]
    world.snapshot(kind, words["name"], "fresh")
    world.wait(0.5)
    refused(
        words["snap_state"],
        lambda: world.rds.call(words["delete_snap"], {words["snapshot_id"]: "fresh"}),
    )


@KINDS
def test_tags_are_copied_to_a_snapshot_only_when_set(kind):
    world, words = World(), NAMES[kind]
    arn = world.rds.arn(kind, words["name"])
    world.rds.call("AddTagsToResource", {"ResourceName": arn, "Tags": [{"Key": "a", "Value": "1"}]})
    mine = [{"Key": "mine", "Value": "2"}]
    plain = world.snapshot(kind, words["name"], "plain")
    world.wait()
    world.modify(kind, words["name"], CopyTagsToSnapshot=True)
    copied = world.snapshot(kind, words["name"], "copied")
    world.wait()
    given = world.snapshot(kind, words["name"], "given", Tags=mine)
    assert next(iter(plain.values()))["TagList"] == []
    assert next(iter(copied.values()))["TagList"] == [{"Key": "a", "Value": "1"}]
    assert next(iter(given.values()))["TagList"] == mine


@KINDS
def test_snapshots_are_found_by_database_resource_id_and_type(kind):
    world, words = World(), NAMES[kind]
    resource_id = world.shown(kind, words["name"])[words["resource"]]
    for asked, count in (
        ({words["id"]: words["name"]}, 1),
        ({words["id"]: "another"}, 0),
        ({words["resource"]: resource_id}, 1),
        ({"SnapshotType": "automated"}, 0),
        ({"Filters": [{"Name": "snapshot-type", "Values": ["manual"]}]}, 1),
        ({words["snapshot_id"]: world.rds.arn(
            "snapshot" if kind == "instance" else "cluster-snapshot",
            f"{words['name']}-snapshot")}, 1),
    ):  # fmt: skip
        assert len(world.rds.call(words["describe_snap"], asked)[words["snapshots"]]) == count


# Stopping


def test_a_stopped_instance_is_started_again():
    world = World()
    world.rds.call("StopDBInstance", {"DBInstanceIdentifier": "db"})
    world.wait()
    assert world.status("instance", "db") == "stopped"
    assert not world.rds.reachable("instance", "db")
    world.rds.call("StartDBInstance", {"DBInstanceIdentifier": "db"})
    world.wait()
    assert world.rds.reachable("instance", "db")


def test_a_cluster_stops_with_its_members():
    world = World()
    world.rds.call("StopDBCluster", {"DBClusterIdentifier": "cl"})
    world.wait()
    assert world.status("cluster", "cl") == "stopped"
    assert world.status("instance", "cl-writer") == "stopped"
    refused(
        "InvalidParameterCombination",
        lambda: world.rds.call("StopDBInstance", {"DBInstanceIdentifier": "cl-reader"}),
    )


# Tags, roles, groups, endpoints


@pytest.mark.parametrize("kind", ["instance", "cluster", "snapshot", "cluster-snapshot"])
def test_tags_are_added_replaced_listed_and_removed(kind):
    world = World()
    name = {"instance": "db", "cluster": "cl", "snapshot": "db-snapshot",
            "cluster-snapshot": "cl-snapshot"}[kind]  # fmt: skip
    arn = {"ResourceName": world.rds.arn(kind, name)}
    for value in ("1", "2"):
        world.rds.call("AddTagsToResource", {**arn, "Tags": [{"Key": "a", "Value": value}]})
    assert world.rds.call("ListTagsForResource", arn)["TagList"] == [{"Key": "a", "Value": "2"}]
    refused("InvalidParameterValue", lambda: world.rds.call(
        "AddTagsToResource", {**arn, "Tags": [{"Key": "aws:a", "Value": "1"}]}))  # fmt: skip
    world.rds.call("RemoveTagsFromResource", {**arn, "TagKeys": ["a", "b"]})
    assert world.rds.call("ListTagsForResource", arn)["TagList"] == []


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:rds:us-east-1:123456789012:db:none", "DBInstanceNotFound"),
        ("arn:aws:rds:us-east-1:123456789012:cluster:none", "DBClusterNotFoundFault"),
        ("arn:aws:rds:us-east-1:123456789012:thing:none", "InvalidParameterValue"),
    ],
)
def test_tags_of_what_does_not_exist_are_refused(arn, code):
    refused(code, lambda: World().rds.call("ListTagsForResource", {"ResourceName": arn}))


@KINDS
def test_a_role_is_added_once_and_removed_once(kind):
    world, words = World(), NAMES[kind]
    word = "DBInstance" if kind == "instance" else "DBCluster"
    role = {words["id"]: words["name"], "RoleArn": "arn:r", "FeatureName": "s3Import"}
    world.rds.call(words["add_role"], role)
    for status in ("PENDING", "ACTIVE"):
        assert world.shown(kind, words["name"])["AssociatedRoles"] == [
            {"RoleArn": "arn:r", "FeatureName": "s3Import", "Status": status}
        ]
        world.wait()
    refused(f"{word}RoleAlreadyExists", lambda: world.rds.call(words["add_role"], role))
    world.rds.call(words["remove_role"], role)
    assert world.shown(kind, words["name"])["AssociatedRoles"] == []
    refused(f"{word}RoleNotFound", lambda: world.rds.call(words["remove_role"], role))


@KINDS
def test_a_role_is_not_added_to_a_busy_database(kind):
    world, words = World(), NAMES[kind]
    world.rds.become(kind, words["name"], "modifying")
    role = {words["id"]: words["name"], "RoleArn": "arn:r", "FeatureName": "s3Import"}
    refused(words["state"], lambda: world.rds.call(words["add_role"], role))


def test_groups_are_made_and_described():
    world = World()
    client = world.client()
    client.create_db_subnet_group(
        DBSubnetGroupName="Mine", DBSubnetGroupDescription="d", SubnetIds=["subnet-1", "subnet-2"]
    )
    client.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="mine", DBParameterGroupFamily="aurora-postgresql16",
        Description="d",
    )  # fmt: skip
    client.create_option_group(OptionGroupName="mine", EngineName="postgres",
                               MajorEngineVersion="16", OptionGroupDescription="d")  # fmt: skip
    found = client.describe_db_subnet_groups(DBSubnetGroupName="mine")["DBSubnetGroups"]
    assert [s["SubnetIdentifier"] for s in found[0]["Subnets"]] == ["subnet-1", "subnet-2"]
    assert client.describe_option_groups(OptionGroupName="mine")["OptionGroupsList"]
    family = client.describe_db_parameter_groups(DBParameterGroupName="default.postgres16")
    assert family["DBParameterGroups"][0]["DBParameterGroupFamily"] == "postgres16"
    with pytest.raises(client.exceptions.DBSubnetGroupNotFoundFault):
        client.describe_db_subnet_groups(DBSubnetGroupName="none")
    with pytest.raises(client.exceptions.DBSubnetGroupAlreadyExistsFault):
        client.create_db_subnet_group(
            DBSubnetGroupName="mine", DBSubnetGroupDescription="d", SubnetIds=["subnet-1"]
        )


def test_custom_endpoints_come_go_and_follow_their_cluster():
    world = World()
    client = world.client()
    client.create_db_cluster_endpoint(
        DBClusterIdentifier="cl", DBClusterEndpointIdentifier="reports", EndpointType="READER",
        StaticMembers=["cl-reader"],
    )  # fmt: skip
    with pytest.raises(client.exceptions.DBClusterEndpointAlreadyExistsFault):
        client.create_db_cluster_endpoint(
            DBClusterIdentifier="cl", DBClusterEndpointIdentifier="reports", EndpointType="ANY"
        )
    refused("InvalidDBClusterEndpointStateFault", lambda: world.rds.call(
        "DeleteDBClusterEndpoint", {"DBClusterEndpointIdentifier": "reports"}))  # fmt: skip
    world.wait(1)
    assert len(world.shown("cluster", "cl")["CustomEndpoints"]) == 1
    world.rename("cluster", "cl", "cl-temp")
    world.wait()
    found = client.describe_db_cluster_endpoints(DBClusterIdentifier="cl-temp")[
        "DBClusterEndpoints"
    ]
    assert [e["EndpointType"] for e in found] == ["WRITER", "READER", "CUSTOM"]
    assert found[2]["StaticMembers"] == ["cl-reader"]
    client.delete_db_cluster_endpoint(DBClusterEndpointIdentifier="reports")
    world.wait(1)
    assert "CustomEndpoints" not in world.shown("cluster", "cl-temp")


@pytest.mark.parametrize(
    ("operation", "key"),
    [("DescribeGlobalClusters", "GlobalClusters"), ("DescribeIntegrations", "Integrations"),
     ("DescribeBlueGreenDeployments", "BlueGreenDeployments"), ("DescribeDBProxies", "DBProxies")],
)  # fmt: skip
def test_the_account_has_none_of_these(operation, key):
    assert World().rds.call(operation, {}) == {key: []}


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_aws_s_own_tags_are_neither_given_nor_taken_nor_counted(kind: str):
    world, name = World(), NAMES[kind]["name"]
    call, arn = world.rds.call, world.rds.arn(kind, NAMES[kind]["name"])
    held = (world.rds.instances if kind == "instance" else world.rds.clusters)[name]["TagList"]
    held.append({"Key": "aws:cloudformation:stack-name", "Value": "data"})
    fifty = [{"Key": f"key-{number}", "Value": ""} for number in range(50)]

    call("AddTagsToResource", {"ResourceName": arn, "Tags": fifty})
    world.rename(kind, name, f"{name}-temp")
    world.wait()

    shown = world.shown(kind, f"{name}-temp")["TagList"]
    assert len(shown) == 51
    arn = world.rds.arn(kind, f"{name}-temp")
    for operation, given in (
        ("AddTagsToResource", {"Tags": [{"Key": "aws:x", "Value": "1"}]}),
        ("AddTagsToResource", {"Tags": [{"Key": "one-more", "Value": "1"}]}),
        ("RemoveTagsFromResource", {"TagKeys": ["aws:cloudformation:stack-name"]}),
    ):
        with pytest.raises(RdsError) as raised:
            call(operation, {"ResourceName": arn, **given})
        assert raised.value.code == "InvalidParameterValue"
