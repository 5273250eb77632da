"""What the local RDS shows, and takes, of what recorded accounts show."""

import copy

import pytest

from local.emulator.rds import RdsError, plant
from tests.emulator.rds_world import CLASS, NAMES, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])
# engine, version -> parameter group, option group: names of AWS's own, read off its user guides
GROUPS = {
    ("postgres", "9.6.24"): ("default.postgres9.6", "default:postgres-9-6"),
    ("postgres", "16.6"): ("default.postgres16", "default:postgres-16"),
    ("mysql", "8.0.40"): ("default.mysql8.0", "default:mysql-8-0"),
    ("oracle-se2", "19.0.0.0.ru-2024-10.rur-2024-10.r1"): (
        "default.oracle-se2-19",
        "default:oracle-se2-19",
    ),
    ("oracle-se2", "12.1.0.2.v28"): ("default.oracle-se2-12.1", "default:oracle-se2-12-1"),
    ("oracle-ee-cdb", "19.0.0.0.ru-2024-10.rur-2024-10.r1"): (
        "default.oracle-ee-cdb-19",
        "default:oracle-ee-cdb-19",
    ),
    ("sqlserver-ex", "15.00.4410.1.v1"): (
        "default.sqlserver-ex-15.0",
        "default:sqlserver-ex-15-00",
    ),
    ("sqlserver-web", "15.00.4410.1.v1"): (
        "default.sqlserver-web-15.0",
        "default:sqlserver-web-15-00",
    ),
    ("sqlserver-ee", "15.00.4410.1.v1"): (
        "default.sqlserver-ee-15.0",
        "default:sqlserver-ee-15-00",
    ),
    ("db2-se", "11.5.9.0.sb00046748.r1"): ("default.db2-se-11.5", "default:db2-se-11-5"),
    ("db2-ae", "11.5.9.0.sb00046748.r1"): ("default.db2-ae-11.5", "default:db2-ae-11-5"),
}


def made(world: World, engine: str, name: str = "one", **more) -> dict:
    """A new instance, once it is available."""
    given = {"DBInstanceIdentifier": name, "Engine": engine, "DBInstanceClass": CLASS, **more}
    world.rds.call("CreateDBInstance", given)
    world.wait()
    return world.shown("instance", name)


@pytest.mark.parametrize(("engine", "version"), GROUPS)
def test_an_instance_of_each_engine_has_its_groups(engine, version):
    world = World(empty=True)
    world.rds.available_versions[engine] = [version]
    shown = made(world, engine, EngineVersion=version)
    groups = (
        shown["DBParameterGroups"][0]["DBParameterGroupName"],
        shown["OptionGroupMemberships"][0]["OptionGroupName"],
    )
    assert groups == GROUPS[engine, version]


def test_only_some_engines_show_some_attributes():
    world = World(empty=True)
    for engine, name in (("mariadb", "m"), ("oracle-se2-cdb", "o"), ("sqlserver-ex", "s"),
                         ("postgres", "p")):  # fmt: skip
        made(world, engine, name)
    shown = world.rds.instances
    with_support = {name for name, one in shown.items() if "EngineLifecycleSupport" in one}
    assert with_support == {"p"}
    assert {name for name, one in shown.items() if "MultiTenant" in one} == {"o"}
    assert (shown["o"]["CharacterSetName"], shown["o"]["NcharCharacterSetName"]) == (
        "AL32UTF8",
        "AL16UTF16",
    )
    assert shown["s"]["CharacterSetName"] == "SQL_Latin1_General_CP1_CI_AS"
    assert "CharacterSetName" not in shown["p"]


def test_a_member_has_no_stream_and_its_own_copying_of_tags():
    world = World()
    world.modify("cluster", "cl", CopyTagsToSnapshot=True)
    world.wait()
    member = world.shown("instance", "cl-writer")
    assert {"ActivityStreamStatus", "IsStorageConfigUpgradeAvailable"} & member.keys() == set()
    assert (member["CopyTagsToSnapshot"], member["StorageThroughput"]) == (False, 0)


def test_an_aurora_cluster_shows_neither_an_interval_nor_options_nor_what_does_not_wait():
    shown = World().shown("cluster", "cl")
    assert {
        "MonitoringInterval", "DBClusterOptionGroupMemberships", "PendingModifiedValues",
    } & shown.keys() == set()  # fmt: skip
    assert shown["UpgradeRolloutOrder"] == "second"
    assert shown["LocalWriteForwardingStatus"] == "disabled"


def test_a_multi_az_cluster_shows_its_iops_in_its_members_and_no_write_forwarding():
    world = World(empty=True)
    given = {"DBClusterIdentifier": "az", "Engine": "postgres", "Iops": 1000, "StorageType": "io1",
             "DBClusterInstanceClass": CLASS, "AllocatedStorage": 100}  # fmt: skip
    world.rds.call("CreateDBCluster", given)
    world.wait()
    assert {one["Iops"] for one in world.rds.instances.values()} == {1000}
    assert "LocalWriteForwardingStatus" not in world.shown("cluster", "az")
    zones = [one["AvailabilityZone"] for one in world.rds.instances.values()]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]


@pytest.mark.parametrize("kind_of_storage", ["gp2", "io1"])
def test_storage_other_than_gp3_shows_a_throughput_of_0_and_takes_a_change(kind_of_storage):
    world = World(empty=True)
    more = {"Iops": 1000, "AllocatedStorage": 100} if kind_of_storage == "io1" else {}
    shown = made(world, "mysql", StorageType=kind_of_storage, **more)
    assert shown["StorageThroughput"] == 0
    world.modify("instance", "one", BackupRetentionPeriod=3)
    world.wait()
    world.modify("instance", "one", StorageType="gp3")
    world.wait()
    assert world.shown("instance", "one")["StorageThroughput"] == 125


def test_a_nested_subnet_group_shows_less_than_its_own_describe():
    world = World()
    nested = world.shown("instance", "db")["DBSubnetGroup"]
    (whole,) = world.rds.call("DescribeDBSubnetGroups", {"DBSubnetGroupName": "default"})[
        "DBSubnetGroups"
    ]
    assert whole.keys() - nested.keys() == {"DBSubnetGroupArn", "SupportedNetworkTypes"}
    with pytest.raises(RdsError) as error:
        world.modify("instance", "db", NetworkType="DUAL")
    assert error.value.code == "NetworkTypeNotSupported"


@pytest.mark.parametrize("zone", [{}, {"AvailabilityZone": "us-east-1c"}])
def test_an_instance_that_is_being_made_shows_no_moment_and_no_zone_but_the_asked(zone):
    world = World()
    for call, more in (
        ("CreateDBInstance", {"Engine": "postgres", "DBInstanceClass": CLASS}),
        ("RestoreDBInstanceFromDBSnapshot", {"DBSnapshotIdentifier": "db-snapshot"}),
    ):
        answer = world.rds.call(call, {"DBInstanceIdentifier": call, **more, **zone})["DBInstance"]
        assert "InstanceCreateTime" not in answer
        assert {"AvailabilityZone"} & answer.keys() == zone.keys()
        world.wait()
        shown = world.shown("instance", call)
        assert shown["InstanceCreateTime"]
        assert shown["AvailabilityZone"] == zone.get("AvailabilityZone", "us-east-1a")


def test_the_password_of_a_create_waits_until_it_is_made():
    world = World()
    given = {"DBInstanceIdentifier": "one", "Engine": "postgres", "DBInstanceClass": CLASS,
             "MasterUsername": "me", "MasterUserPassword": "secret-of-mine"}  # fmt: skip
    answer = world.rds.call("CreateDBInstance", given)["DBInstance"]
    assert answer["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    world.wait()
    assert world.shown("instance", "one")["PendingModifiedValues"] == {}


@KINDS
def test_a_snapshot_shows_its_moment_only_once_it_is_available(kind):
    world, words = World(), NAMES[kind]
    moments = {"SnapshotCreateTime", "OriginalSnapshotCreateTime", "SnapshotDatabaseTime"}
    answer = world.snapshot(kind, words["name"], "fresh")
    asked_at = world.rds.when()
    assert moments & answer[words["snapshot_word"]].keys() == set()
    world.wait()
    (shown,) = world.rds.call(words["describe_snap"], {words["snapshot_id"]: "fresh"})[
        words["snapshots"]
    ]
    assert {shown[name] for name in moments & shown.keys()} == {asked_at}
    assert "SnapshotCreateTime" in shown
    if kind == "instance":
        assert shown["ProcessorFeatures"] == []


def test_the_secret_has_a_suffix_as_secrets_manager_gives_it():
    shown = made(World(), "postgres", ManageMasterUserPassword=True, MasterUsername="me")
    name = shown["MasterUserSecret"]["SecretArn"].rpartition(":")[2]
    assert name.startswith(f"rds!{shown['DbiResourceId'].lower()}-")
    assert len(name.rpartition("-")[2]) == 6


def test_a_certificate_has_an_end():
    assert World().shown("instance", "db")["CertificateDetails"]["ValidTill"]


# Answers


@pytest.mark.parametrize(
    ("operation", "status"), [("Delete", "deleting"), ("Stop", "stopping"), ("Reboot", "rebooting")]
)
def test_an_instances_call_answers_with_the_new_status(operation, status):
    world = World()
    more = {"SkipFinalSnapshot": True} if operation == "Delete" else {}
    answer = world.rds.call(f"{operation}DBInstance", {"DBInstanceIdentifier": "db", **more})
    assert answer["DBInstance"]["DBInstanceStatus"] == status


def test_the_stop_and_start_of_a_cluster_answer_with_the_old_status():
    world = World()
    for operation, old, new in (
        ("Stop", "available", "stopped"),
        ("Start", "stopped", "available"),
    ):
        answer = world.rds.call(f"{operation}DBCluster", {"DBClusterIdentifier": "cl"})
        assert answer["DBCluster"]["Status"] == old
        world.wait()
        assert world.status("cluster", "cl") == new


@KINDS
def test_the_deletion_of_a_snapshot_answers_deleted_for_an_instance_only(kind):
    world, words = World(), NAMES[kind]
    name = f"{words['name']}-snapshot"
    answer = world.rds.call(words["delete_snap"], {words["snapshot_id"]: name})
    status = answer[words["snapshot_word"]]["Status"]
    assert status == {"instance": "deleted", "cluster": "available"}[kind]
    world.wait()
    with pytest.raises(RdsError):
        world.rds.call(words["describe_snap"], {words["snapshot_id"]: name})


def test_a_member_is_taken_right_after_its_cluster():
    world = World()
    world.rds.call("CreateDBCluster", {"DBClusterIdentifier": "new", "Engine": "aurora-postgresql"})
    assert world.add_member("new", "new-one")["DBInstanceStatus"] == "creating"


@pytest.mark.parametrize("takes", [False, True])
def test_whether_an_instance_is_changed_while_it_is_made_can_be_either(takes):
    world = World()
    world.rds.changes_while_creating = takes
    world.restore("instance", "copy")
    if takes:
        world.modify("instance", "copy", BackupRetentionPeriod=5)
    else:
        with pytest.raises(RdsError, match="not in a fitting state"):
            world.modify("instance", "copy", BackupRetentionPeriod=5)
    world.wait()
    wanted = 5 if takes else 1
    assert world.shown("instance", "copy")["BackupRetentionPeriod"] == wanted


# Planted


def described(world: World, kind: str) -> tuple[dict, list[dict]]:
    """A description of this world's, as another account would show it."""
    names = ("cl-writer", "cl-reader") if kind == "cluster" else ()
    shown = world.shown(kind, NAMES[kind]["name"])
    members = [world.shown("instance", name) for name in names]
    # Ids that this world gives nothing of its own.
    for number, one in enumerate([*members, shown]):
        one[NAMES[kind if one is shown else "instance"]["resource"]] = f"db-PLANTED{number}"
    return shown, members


@KINDS
def test_whatever_a_description_lacks_its_database_is_backed_up_and_restored(kind):
    words = NAMES[kind]
    needed = {words["id"], words["resource"], words["status"], "Engine", "EngineVersion",
              "AllocatedStorage", "DBClusterMembers", "Port", "MasterUsername", "Endpoint",
              "DBSubnetGroup" if kind == "cluster" else ""}  # fmt: skip
    whole, members = described(World(), kind)
    for name in [*sorted(whole.keys() - needed), ""]:
        world = World(empty=True)
        shown = copy.deepcopy({key: value for key, value in whole.items() if key != name})
        plant(world.rds, kind, shown, members)
        world.rds.write(kind, words["name"], name)
        world.snapshot(kind, words["name"], f"{words['name']}-snapshot")
        world.wait()
        world.rename(kind, words["name"], "other")
        world.restore(kind, "copy")
        world.wait()
        assert (world.status(kind, "copy"), world.status(kind, "other")) == ("available",) * 2
        assert world.rds.data(kind, "copy") == name
