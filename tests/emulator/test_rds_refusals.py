"""Values that RDS refuses, and the words in which it does so where they are known."""

import pytest

from local.emulator.rds import RdsError
from tests.emulator.rds_world import CLASS, NAMES, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])
VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"


def refusal(work, *given, **more):
    with pytest.raises(RdsError) as caught:
        work(*given, **more)
    return caught.value.code, caught.value.message


def created(world, **more):
    return world.rds.call(
        "CreateDBInstance",
        {"DBInstanceIdentifier": "new", "Engine": "postgres", "DBInstanceClass": CLASS, **more},
    )["DBInstance"]


@KINDS
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"PreferredBackupWindow": "06:10-06:40"},
            "The backup window and maintenance window must not overlap.",
        ),
        (
            {"PreferredBackupWindow": "23:50-00:20", "PreferredMaintenanceWindow":
             "mon:00:00-mon:01:00"},
            "The backup window and maintenance window must not overlap.",
        ),
        ({"PreferredBackupWindow": "02:00-02:10"}, "Backup window must be at least 30 minutes."),
        (
            {"PreferredBackupWindow": "25:00-26:00"},
            "Invalid backup window time '25:00' specified. Should be specified as a time hh24:mi "
            "(24H Clock UTC). Example: 03:15",
        ),
        (
            {"PreferredMaintenanceWindow": "xxx:00:00-xxx:01:00"},
            "Invalid maintenance window time 'xxx:00:00' specified. Should be specified as a time "
            "ddd:hh24:mi (24H Clock UTC). Example: Mon:00:15",
        ),
        (
            {"BackupRetentionPeriod": 99},
            "Invalid backup retention period: 99. Retention period must be between {least} and 35.",
        ),
    ],
)  # fmt: skip
def test_windows_and_retentions_out_of_bounds_are_refused(kind, given, words):
    world = World()
    least = {"instance": 0, "cluster": 1}[kind]
    found = refusal(world.modify, kind, NAMES[kind]["name"], **given)
    assert found == (VALUE, words.format(least=least))


@KINDS
@pytest.mark.parametrize(
    "given",
    [
        {"PreferredBackupWindow": "06:30-07:00"},
        {"PreferredBackupWindow": "23:30-00:30"},
        {"PreferredMaintenanceWindow": "sun:23:30-mon:00:30"},
        {"PreferredMaintenanceWindow": "Tue:04:00-Tue:05:00"},
        {"BackupRetentionPeriod": 35},
    ],
)
def test_windows_that_only_touch_and_the_longest_retention_are_taken(kind, given):
    World().modify(kind, NAMES[kind]["name"], **given)


def test_a_cluster_has_a_retention_and_an_instance_may_have_none():
    world = World()
    assert refusal(world.modify, "cluster", "cl", BackupRetentionPeriod=0)[0] == VALUE
    world.modify("instance", "db", BackupRetentionPeriod=0)


def test_a_create_with_one_window_gets_another_one_that_does_not_overlap():
    made = created(World(), PreferredBackupWindow="06:00-06:30")
    assert made["PreferredBackupWindow"] == "06:00-06:30"
    assert made["PreferredMaintenanceWindow"] != "sun:06:00-sun:06:30"


@KINDS
def test_an_interval_of_monitoring_that_there_is_not_is_refused(kind):
    more = {"MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring"}
    found = refusal(World().modify, kind, NAMES[kind]["name"], MonitoringInterval=7, **more)
    assert found[0] == VALUE


def test_a_version_that_rds_does_not_know_is_refused():
    words = "Cannot find version 13.7 for postgres"
    assert refusal(created, World(), EngineVersion="13.7") == (COMBINATION, words)
    words = "Cannot find version 99.9 for aurora-postgresql"
    asked = {"DBClusterIdentifier": "new", "Engine": "aurora-postgresql", "EngineVersion": "99.9"}
    assert refusal(World().rds.call, "CreateDBCluster", asked) == (COMBINATION, words)


def test_a_major_version_is_the_latest_of_it():
    assert created(World(), EngineVersion="16")["EngineVersion"] == "16.10"


def test_what_was_made_in_the_past_may_be_of_any_version_and_class():
    world = World()
    with world.rds.instantly():
        made = created(world, EngineVersion="9.6.1", DBInstanceClass="db.m1.small")
    assert (made["EngineVersion"], made["DBInstanceClass"]) == ("9.6.1", "db.m1.small")


@pytest.mark.parametrize(
    ("given", "code"), [("t4g.micro", VALUE), ("db.m1.small", COMBINATION)]
)  # fmt: skip
def test_a_class_that_rds_does_not_have_is_refused(given, code):
    world = World()
    assert refusal(created, world, DBInstanceClass=given)[0] == code
    assert refusal(world.restore, "instance", "new", DBInstanceClass=given)[0] == code
    assert refusal(world.modify, "instance", "db", DBInstanceClass=given)[0] == code
    asked = {"DBClusterIdentifier": "cl", "DBInstanceIdentifier": "new", "DBInstanceClass": given}
    more = {"Engine": "aurora-postgresql"}
    assert refusal(world.rds.call, "CreateDBInstance", asked | more)[0] == code


@KINDS
def test_there_is_no_way_down_and_a_major_upgrade_has_to_be_allowed(kind):
    world, name = World(), NAMES[kind]["name"]
    engine = {"instance": "postgres", "cluster": "aurora-postgresql"}[kind]
    found = refusal(world.modify, kind, name, EngineVersion="16.1")
    assert found == (COMBINATION, f"Cannot upgrade {engine} from 16.6 to 16.1")
    newer = {"instance": "17.2", "cluster": "17.4"}[kind]
    world.rds.available_versions[engine].append(newer)
    found = refusal(world.modify, kind, name, EngineVersion=newer)
    assert found[0] == COMBINATION
    world.modify(kind, name, EngineVersion=newer, AllowMajorVersionUpgrade=True)
    world.wait()
    assert world.shown(kind, name)["EngineVersion"] == newer


def test_an_instance_has_one_role_a_feature_and_a_cluster_each_role_once():
    world = World()
    first, second = (f"arn:aws:iam::123456789012:role/{name}" for name in ("first", "second"))
    call = world.rds.call

    def to_instance(role, feature):
        asked = {"DBInstanceIdentifier": "db", "RoleArn": role, "FeatureName": feature}
        call("AddRoleToDBInstance", asked)

    def to_cluster(role, feature):
        asked = {"DBClusterIdentifier": "cl", "RoleArn": role, "FeatureName": feature}
        call("AddRoleToDBCluster", asked)

    to_instance(first, "s3Import")
    assert refusal(to_instance, second, "s3Import")[0] == "DBInstanceRoleAlreadyExists"
    to_instance(first, "s3Export")
    to_cluster(first, "s3Import")
    assert refusal(to_cluster, first, "s3Export")[0] == "DBClusterRoleAlreadyExists"
    to_cluster(second, "s3Import")
