"""Restores and creations in the local RDS: what comes back, what is forgotten, what is refused."""

import pytest

from local.emulator.rds import RdsError
from tests.emulator.rds_world import CLASS, NAMES, START, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])


def refused(code, act):
    with pytest.raises(RdsError) as raised:
        act()
    assert raised.value.code == code


@KINDS
def test_what_is_hidden_at_first_can_be_worked_with(kind):
    world, words = World(), NAMES[kind]
    world.rds.hides = True
    arn = next(iter(world.restore(kind, "new").values()))[f"DB{kind.capitalize()}Arn"]
    refused(words["missing"], lambda: world.shown(kind, "new"))
    refused(words["missing"], lambda: world.rds.call("ListTagsForResource", {"ResourceName": arn}))
    tags = [{"Key": "made", "Value": "now"}]
    world.rds.call("AddTagsToResource", {"ResourceName": arn, "Tags": tags})
    refused(words["state"], lambda: world.modify(kind, "new", BackupRetentionPeriod=3))
    refused(words["exists"], lambda: world.restore(kind, "new"))
    if kind == "cluster":
        world.add_member("new", "m1")
    world.wait()
    shown = world.shown(kind, "new")
    assert (shown[words["status"]], shown["TagList"]) == ("available", tags)


@KINDS
def test_a_restored_database_is_creating_at_once_then_available(kind):
    world, words = World(), NAMES[kind]
    answered = world.restore(kind, "new")
    resource_id = next(iter(answered.values()))[words["resource"]]
    assert world.status(kind, "new") == "creating"
    world.wait()
    assert world.status(kind, "new") == "available"
    expected = {
        "instance": ["creating", "backing-up", "modifying", "available"],
        "cluster": ["creating", "available"],
    }
    assert world.course(kind, resource_id) == expected[kind]


def test_a_restore_with_retention_zero_is_never_backing_up():
    world = World()
    resource_id = world.restore("instance", "new", BackupRetentionPeriod=0)["DBInstance"][
        "DbiResourceId"
    ]
    world.wait()
    world.rds.settle()
    assert world.course("instance", resource_id) == ["creating", "modifying", "available"]


@KINDS
def test_a_restored_database_has_another_resource_id_and_is_younger(kind):
    world, words = World(), NAMES[kind]
    old = world.shown(kind, words["name"])
    world.wait()
    world.restore(kind, "new")
    world.wait()
    new = world.shown(kind, "new")
    created = "InstanceCreateTime" if kind == "instance" else "ClusterCreateTime"
    assert new[words["resource"]] != old[words["resource"]]
    assert new[created] > old[created]


@KINDS
def test_a_restore_brings_back_the_data_of_the_snapshot(kind):
    world, words = World(), NAMES[kind]
    world.rds.write(kind, words["name"], "newer")
    world.restore(kind, "new")
    world.wait()
    assert world.rds.data(kind, "new") == f"{words['name']} as created"
    assert world.rds.data(kind, words["name"]) == "newer"


@KINDS
def test_a_restore_onto_an_existing_name_is_refused(kind):
    world, words = World(), NAMES[kind]
    refused(words["exists"], lambda: world.restore(kind, words["name"]))
    world.restore(kind, "new")
    refused(words["exists"], lambda: world.restore(kind, "new"))


@KINDS
def test_a_restore_from_a_missing_or_unready_snapshot_is_refused(kind):
    world, words = World(), NAMES[kind]
    refused(words["snap_missing"], lambda: world.restore(kind, "new", **{words["from"]: "none"}))
    world.snapshot(kind, words["name"], "fresh")
    world.wait(1)
    refused(words["snap_state"], lambda: world.restore(kind, "new", **{words["from"]: "fresh"}))


@KINDS
@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ("DBSubnetGroupName", "DBSubnetGroupNotFoundFault"),
        ("OptionGroupName", "OptionGroupNotFoundFault"),
    ],
)
def test_a_restore_with_a_group_that_does_not_exist_is_refused(kind, parameter, code):
    world = World()
    refused(code, lambda: world.restore(kind, "new", **{parameter: "nowhere"}))
    assert world.rds.call(NAMES[kind]["describe"], {})[NAMES[kind]["list"]] != []
    world.restore(kind, "new")


def test_a_parameter_group_must_exist_and_fit_the_engine():
    world = World()
    refused("DBParameterGroupNotFound",
            lambda: world.restore("instance", "new", DBParameterGroupName="nowhere"))  # fmt: skip
    refused(
        "DBClusterParameterGroupNotFound",
        lambda: world.restore("cluster", "new", DBClusterParameterGroupName="nowhere"),
    )
    world.rds.call("CreateDBParameterGroup", {
        "DBParameterGroupName": "old", "DBParameterGroupFamily": "postgres12", "Description": "d",
    })  # fmt: skip
    refused("InvalidParameterCombination",
            lambda: world.restore("instance", "new", DBParameterGroupName="old"))  # fmt: skip


@KINDS
def test_the_tags_of_the_call_are_there_as_soon_as_the_database_is(kind):
    world = World()
    tags = [{"Key": "trapheus:in-progress", "Value": "abc"}]
    world.restore(kind, "new", Tags=tags)
    world.wait(0.5)
    assert world.shown(kind, "new")["TagList"] == tags


def test_a_restored_instance_without_tags_in_the_call_gets_the_sources_own():
    world = World()
    arn = world.shown("instance", "db")["DBInstanceArn"]
    world.rds.call("AddTagsToResource", {"ResourceName": arn, "Tags": [{"Key": "a", "Value": "1"}]})
    world.snapshot("instance", "db", "tagged")
    world.wait()
    world.restore("instance", "new", DBSnapshotIdentifier="tagged")
    world.restore("instance", "new2", DBSnapshotIdentifier="tagged", Tags=[])
    world.wait()
    assert world.shown("instance", "new")["TagList"] == [{"Key": "a", "Value": "1"}]
    assert world.shown("instance", "new2")["TagList"] == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MultiAZ": True, "AvailabilityZone": "us-east-1a"}, "InvalidParameterCombination"),
        ({"AllocatedStorage": 10}, "InvalidParameterCombination"),
        ({"AllocatedStorage": 21}, "InvalidParameterCombination"),
        ({"StorageType": "io2"}, "InvalidParameterCombination"),
        ({"StorageThroughput": 500}, "InvalidParameterCombination"),
        ({"DBName": "orders"}, "InvalidParameterValue"),
        ({"Engine": "mysql"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "huge"}, "InvalidParameterValue"),
        ({"NetworkType": "DUAL"}, "NetworkTypeNotSupported"),
        ({"Port": 80}, "InvalidParameterValue"),
        ({"CACertificateIdentifier": "mine"}, "CertificateNotFound"),
        ({"Domain": "d-1", "DomainFqdn": "x.example.com"}, "InvalidParameterCombination"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "InvalidParameterValue"),
        ({"Tags": [{"Key": "x", "Value": "a;b"}]}, "InvalidParameterValue"),
    ],
)
def test_an_instance_restore_that_rds_would_refuse_is_refused(parameters, code):
    world = World()
    refused(code, lambda: world.restore("instance", "new", **parameters))
    assert list(world.rds.things.values())[-1].name != "new"


def test_what_a_restore_asks_for_is_what_it_gets():
    world = World()
    world.rds.call("CreateDBSubnetGroup", {
        "DBSubnetGroupName": "mine", "DBSubnetGroupDescription": "d", "SubnetIds": ["subnet-1"],
    })  # fmt: skip
    world.restore(
        "instance", "new", DBInstanceClass="db.r6g.2xlarge", Port=6000, MultiAZ=True,
        DBSubnetGroupName="mine", VpcSecurityGroupIds=["sg-9"], NetworkType="DUAL",
        EnableIAMDatabaseAuthentication=True, AllocatedStorage=400, StorageThroughput=600,
        Iops=13000, StorageType="gp3", DeletionProtection=True,
        EnableCloudwatchLogsExports=["postgresql"],
    )  # fmt: skip
    world.wait()
    shown = world.shown("instance", "new")
    assert shown["Endpoint"]["Port"] == 6000
    assert (shown["DBInstanceClass"], shown["MultiAZ"]) == ("db.r6g.2xlarge", True)
    assert shown["SecondaryAvailabilityZone"] != shown["AvailabilityZone"]
    assert shown["DBSubnetGroup"]["DBSubnetGroupName"] == "mine"
    assert shown["VpcSecurityGroups"] == [{"VpcSecurityGroupId": "sg-9", "Status": "active"}]
    assert (shown["StorageThroughput"], shown["Iops"], shown["AllocatedStorage"]) == (
        600,
        13000,
        400,
    )
    assert shown["IAMDatabaseAuthenticationEnabled"] is True
    assert shown["DeletionProtection"] is True
    assert shown["EnabledCloudwatchLogsExports"] == ["postgresql"]


@KINDS
def test_a_restore_from_a_poisoned_database_ends_badly_and_can_be_deleted(kind):
    world, words = World(), NAMES[kind]
    world.rds.poison(kind, words["name"])
    world.restore(kind, "new")
    world.wait()
    assert world.status(kind, "new") == "incompatible-restore"
    assert not world.rds.reachable(kind, "new")
    refused(words["state"], lambda: world.rename(kind, "new", "newer"))
    world.delete(kind, "new")
    world.wait()
    assert world.status(kind, "new") == ""
    assert world.status(kind, words["name"]) == "available"


def test_a_poisoned_restore_may_end_in_another_bad_status():
    world = World()
    world.rds.poison("instance", "db", restores_end_in="restore-error")
    world.restore("instance", "new")
    world.wait()
    assert world.status("instance", "new") == "restore-error"


def test_a_restored_cluster_has_no_members():
    world = World()
    world.restore("cluster", "new")
    world.wait()
    assert world.shown("cluster", "new")["DBClusterMembers"] == []
    assert not world.rds.reachable("cluster", "new")


def test_the_first_member_writes_and_is_available_only_after_its_cluster():
    world = World()
    world.restore("cluster", "new")
    world.add_member("new", "m1", PromotionTier=5)
    world.add_member("new", "m2")
    world.wait(12)
    assert world.status("cluster", "new") == "creating"
    assert world.status("instance", "m1") == "creating"
    world.wait()
    members = world.shown("cluster", "new")["DBClusterMembers"]
    keys = ("DBInstanceIdentifier", "IsClusterWriter", "PromotionTier")
    assert [tuple(m[key] for key in keys) for m in members] == [("m1", True, 5), ("m2", False, 1)]
    ended = {c.name: c.time for c in world.changes if c.after == "available"}
    assert ended["m1"] >= ended["new"]
    assert world.rds.reachable("cluster", "new")


def test_members_can_be_refused_until_the_cluster_is_available():
    world = World()
    world.rds.members_while_creating = False
    world.restore("cluster", "new")
    world.wait(0.5)
    refused("InvalidDBClusterStateFault", lambda: world.add_member("new", "m1"))
    world.wait()
    world.add_member("new", "m1")


def test_a_member_of_a_cluster_that_breaks_is_broken_too():
    world = World()
    world.rds.poison("cluster", "cl")
    world.restore("cluster", "new")
    world.wait(0.5)
    world.add_member("new", "m1")
    world.wait()
    assert world.status("instance", "m1") == "failed"
    world.delete("instance", "m1")
    world.delete("cluster", "new")
    world.wait()
    assert world.status("cluster", "new") == ""


def test_a_member_shows_what_is_its_clusters():
    world = World()
    world.modify("cluster", "cl", Port=6000, VpcSecurityGroupIds=["sg-7"], BackupRetentionPeriod=9)
    world.wait()
    for name in ("cl-writer", "cl-reader"):
        shown = world.shown("instance", name)
        assert shown["Endpoint"]["Port"] == 6000
        assert shown["VpcSecurityGroups"][0]["VpcSecurityGroupId"] == "sg-7"
        assert shown["BackupRetentionPeriod"] == 9


@pytest.mark.parametrize(
    "parameter",
    [{"Port": 6000}, {"BackupRetentionPeriod": 3}, {"VpcSecurityGroupIds": ["sg-1"]},
     {"AllocatedStorage": 100}, {"DeletionProtection": True}, {"MasterUsername": "x"},
     {"DBSubnetGroupName": "default"}, {"EnableIAMDatabaseAuthentication": True}],
)  # fmt: skip
def test_what_is_the_clusters_is_refused_for_a_member(parameter):
    world = World()
    refused("InvalidParameterCombination", lambda: world.add_member("cl", "third", **parameter))


def test_a_member_of_another_engine_is_refused():
    world = World()
    refused("InvalidParameterCombination",
            lambda: world.add_member("cl", "third", Engine="aurora-mysql"))  # fmt: skip


def test_a_cluster_restored_without_a_version_takes_the_regions_default():
    world = World(empty=True)
    with world.rds.instantly():
        world.rds.call("CreateDBCluster", {"DBClusterIdentifier": "cl", "EngineVersion": "16.2",
                                           "Engine": "aurora-postgresql"})  # fmt: skip
        world.snapshot("cluster", "cl", "cl-snapshot")
        world.restore("cluster", "bare")
        world.restore("cluster", "told", EngineVersion="16.2")
    assert world.rds.clusters["bare"]["EngineVersion"] == "16.6"
    assert world.rds.clusters["told"]["EngineVersion"] == "16.2"


def test_quotas_are_kept():
    world = World()
    world.rds.quotas["instance"] = 3
    refused("InstanceQuotaExceeded", lambda: world.restore("instance", "new"))
    world.rds.quotas["cluster"] = 1
    refused("DBClusterQuotaExceededFault", lambda: world.restore("cluster", "new"))
    quotas = world.rds.call("DescribeAccountAttributes", {})["AccountQuotas"]
    assert {"AccountQuotaName": "DBInstances", "Used": 3, "Max": 3} in quotas


@pytest.mark.parametrize("timing", ["least", "typical", "most"])
def test_the_times_follow_the_timing(timing):
    world = World(timing=timing)
    world.restore("instance", "new")
    world.wait(600)
    world.rds.settle()
    ended = [c.time for c in world.changes if c.after == "available" and c.name == "new"]
    assert ended == [START + {"least": 300, "typical": 720, "most": 2400}[timing]]


def test_a_new_instance_has_no_address_until_it_is_created():
    world = World()
    answered = world.rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": "new", "DBInstanceClass": CLASS, "Engine": "postgres",
    })["DBInstance"]  # fmt: skip
    assert "Endpoint" not in answered
    world.wait()
    assert world.shown("instance", "new")["Endpoint"]["Port"] == 5432


@KINDS
def test_a_restore_may_flap_once(kind):
    world, words = World(), NAMES[kind]
    world.rds.flaps = True
    answered = world.restore(kind, "new", BackupRetentionPeriod=0 if kind == "instance" else 1)
    world.wait()
    world.rds.settle()
    course = world.course(kind, next(iter(answered.values()))[words["resource"]])
    assert course[-3:] == ["available", "modifying", "available"]


def test_a_phase_can_be_made_longer():
    world = World()
    world.rds.longer["restore instance", "backing-up"] = 3 * 3600.0
    world.restore("instance", "new")
    world.wait(120)
    assert world.status("instance", "new") == "backing-up"
    assert world.rds.reachable("instance", "new")
    refused("InvalidDBInstanceState", lambda: world.modify("instance", "new", MultiAZ=True))
    world.wait(120)
    assert world.status("instance", "new") == "available"


# What an engine takes otherwise


def small(world, engine, **parameters):
    """An instance of an engine with a snapshot, as old as can be."""
    with world.rds.instantly():
        world.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": "other", "Engine": engine, "DBInstanceClass": CLASS,
            "AllocatedStorage": 100, "MasterUsername": "owner", "MasterUserPassword": "password1",
            **parameters,
        })  # fmt: skip
        world.rds.call("CreateDBSnapshot", {
            "DBInstanceIdentifier": "other", "DBSnapshotIdentifier": "other-1",
        })  # fmt: skip


def restore(world, **parameters):
    with world.rds.instantly():
        return world.rds.call("RestoreDBInstanceFromDBSnapshot", {
            "DBInstanceIdentifier": "new", "DBSnapshotIdentifier": "other-1", **parameters,
        })["DBInstance"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("AllocatedStorage", 200), ("Iops", 16000), ("MultiAZ", True), ("StorageThroughput", 500),
     ("StorageType", "io2")],
)  # fmt: skip
def test_a_restore_of_sql_server_takes_neither_storage_nor_mirroring(name, value):
    world = World()
    small(world, "sqlserver-se")

    refused("InvalidParameterCombination", lambda: restore(world, **{name: value}))
    restore(world)
    with world.rds.instantly():
        world.rds.call("ModifyDBInstance", {
            "DBInstanceIdentifier": "new", "ApplyImmediately": True, "Iops": 16000,
            "AllocatedStorage": world.rds.instances["new"]["AllocatedStorage"], name: value,
        })  # fmt: skip

    assert world.rds.instances["new"][name] == value


def test_a_restore_of_oracle_has_to_be_told_the_database_s_name():
    world = World()
    small(world, "oracle-ee", DBName="LEDGER")

    assert restore(world)["DBName"] == "ORCL"
    world.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": "new", "SkipFinalSnapshot": True})
    world.wait()
    assert restore(world, DBName="LEDGER")["DBName"] == "LEDGER"


@pytest.mark.parametrize(
    ("engine", "family"), [("oracle-ee", "oracle-ee-19"), ("sqlserver-se", "sqlserver-se-15.0")]
)
def test_the_families_of_other_engines_have_hyphens(engine, family):
    world = World()
    small(world, engine)

    (group,) = world.rds.instances["other"]["DBParameterGroups"]
    assert group["DBParameterGroupName"] == f"default.{family}"


def test_an_internet_access_gateway_wants_no_network_and_iam():
    world = World()
    gateway = {"EnableInternetAccessGateway": True, "EnableVPCNetworking": False}
    iam = {"EnableIAMDatabaseAuthentication": True}
    for given in (gateway, {**iam, "EnableInternetAccessGateway": True},
                  {**iam, "EnableVPCNetworking": False}):  # fmt: skip
        refused(
            "InvalidParameterCombination",
            lambda given=given: world.restore("cluster", "n", **given),
        )

    world.restore("cluster", "new", **gateway, **iam)
    world.wait()

    assert world.shown("cluster", "new")["InternetAccessGatewayEnabled"] is True


def test_more_volumes_show_a_status_and_are_forgotten_by_a_restore():
    world = World()
    small(world, "oracle-ee", AdditionalStorageVolumes=[{"VolumeName": "rdsdbdata2"}])

    (volume,) = world.rds.instances["other"]["AdditionalStorageVolumes"]
    assert volume == {"VolumeName": "rdsdbdata2", "StorageVolumeStatus": "available"}
    assert "AdditionalStorageVolumes" not in restore(world)


# Monitoring and insights of a cluster

WATCHED = {"MonitoringInterval": 15, "MonitoringRoleArn": "arn:aws:iam::123456789012:role/w"}
INSIGHTS = {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 93}
SHOWN = {**WATCHED, "PerformanceInsightsEnabled": True, "PerformanceInsightsRetentionPeriod": 93}


@pytest.mark.parametrize(
    "asked",
    [{"MonitoringInterval": 0}, {"MonitoringRoleArn": "arn"}, {"EnablePerformanceInsights": False},
     {"PerformanceInsightsRetentionPeriod": 7}, {"PerformanceInsightsKMSKeyId": "key"}],
    ids=lambda asked: next(iter(asked)),
)  # fmt: skip
def test_a_restore_of_a_cluster_takes_neither_monitoring_nor_insights(asked):
    world = World()
    with pytest.raises(RdsError, match="Limitless") as raised:
        world.restore("cluster", "new", **asked)
    assert raised.value.code == "InvalidParameterCombination"


def showing(world, name):
    return {key: value for key, value in world.shown("instance", name).items() if key in SHOWN}


def test_what_a_cluster_has_for_all_members_none_may_be_given_of_its_own():
    world = World()
    world.modify("cluster", "cl", **WATCHED, **INSIGHTS)
    world.wait()
    assert showing(world, "cl-writer") == showing(world, "cl-reader") == SHOWN

    for asked in ({"MonitoringInterval": 15}, {"EnablePerformanceInsights": True}):
        with pytest.raises(RdsError, match="conflicts with cluster level parameter"):
            world.add_member("cl", "third", **asked)
        refused("InvalidParameterCombination",
                lambda asked=asked: world.modify("instance", "cl-writer", **asked))  # fmt: skip

    world.add_member("cl", "third")
    world.wait()
    assert showing(world, "third") == SHOWN


def test_a_cluster_that_is_told_to_have_none_takes_them_from_its_members():
    world = World()
    world.modify("instance", "cl-writer", **WATCHED, **INSIGHTS)
    world.wait()
    assert showing(world, "cl-writer") == SHOWN

    world.modify("cluster", "cl", Port=6000)
    world.wait()
    assert showing(world, "cl-writer") == SHOWN
    off = {"MonitoringInterval": 0, "EnablePerformanceInsights": False}
    world.modify("cluster", "cl", Port=6001, **off)
    world.wait()
    assert showing(world, "cl-writer") == {
        "MonitoringInterval": 0, "PerformanceInsightsEnabled": False,
    }  # fmt: skip


# The zones of a cluster


@pytest.mark.parametrize(
    ("asked", "shown"),
    [([], "abc"), (["us-east-1b"], "abc"), (["us-east-1b", "us-east-1a"], "abc")],
)
def test_a_cluster_of_a_group_with_two_zones_shows_three(asked, shown):
    world = World()
    (group,) = world.rds.call("DescribeDBSubnetGroups", {"DBSubnetGroupName": "default"})[
        "DBSubnetGroups"
    ]
    assert len(group["Subnets"]) == 2
    world.restore("cluster", "new", **({"AvailabilityZones": asked} if asked else {}))
    world.wait()
    zones = world.shown("cluster", "new")["AvailabilityZones"]
    assert zones == [f"us-east-1{letter}" for letter in "abc"]


def test_what_a_cluster_shows_is_not_what_its_group_of_two_zones_takes():
    world = World()
    zones = world.shown("cluster", "cl")["AvailabilityZones"]
    refused("InvalidVPCNetworkStateFault",
            lambda: world.restore("cluster", "new", AvailabilityZones=zones))  # fmt: skip
    world.rds.call("CreateDBSubnetGroup", {
        "DBSubnetGroupName": "wide", "DBSubnetGroupDescription": "d",
        "SubnetIds": ["subnet-1", "subnet-2", "subnet-3"],
    })  # fmt: skip
    world.restore("cluster", "new", AvailabilityZones=zones, DBSubnetGroupName="wide")
