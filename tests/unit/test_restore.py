"""The restore step: the database again, from its snapshot, under the original's names."""

import pytest

from tests.unit.conftest import (
    ANOTHER,
    CLUSTER,
    INSTANCE,
    Aws,
    Kind,
    delete_snapshot,
    of_clusters,
)
from trapheus.execution import exceptions

OLD = "{}: written seven days ago"
MEMBERS = ["prod-cluster-writer", "prod-cluster-reader"]


def create_call(aws: Aws) -> str:
    if aws.kind is INSTANCE:
        return "RestoreDBInstanceFromDBSnapshot"
    return "RestoreDBClusterFromSnapshot"


def test_the_snapshot_s_data_come_back_under_the_identifier(aws: Aws, kind: Kind, renamed: dict):
    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert aws.found()["Status" if kind is CLUSTER else "DBInstanceStatus"] == "available"
    assert aws.id_of() != renamed["resourceId"]
    assert aws.rds.data(kind.name, kind.identifier) == OLD.format(kind.identifier)


def test_what_is_made_carries_the_tag_and_the_original_s_tags(aws: Aws, kind: Kind, renamed: dict):
    tags = {name: aws.tags(f"{name}-temp", of) for of, name in aws.parts()}

    aws.until_done("restore", plan=renamed)
    aws.settle()

    for of, name in aws.parts():
        assert aws.is_tagged(name, of)
        assert aws.tags(name, of) == tags[name]


def test_what_is_made_can_still_be_deleted(aws: Aws, kind: Kind, renamed: dict):
    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert aws.found(f"{kind.identifier}-temp")["DeletionProtection"] is True
    assert aws.found()["DeletionProtection"] is False


def test_the_original_is_not_touched(aws: Aws, kind: Kind, renamed: dict):
    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert aws.names()[renamed["resourceId"]] == renamed["renamedTo"]
    assert aws.rds.data(kind.name, renamed["renamedTo"]).endswith("today")


# What the sample instance has, and a restore with only identifier and snapshot would lose.
INSTANCE_SETTINGS = [
    "AllocatedStorage", "AutoMinorVersionUpgrade", "BackupRetentionPeriod",
    "CACertificateIdentifier", "CopyTagsToSnapshot", "DBInstanceClass", "DedicatedLogVolume",
    "EnabledCloudwatchLogsExports", "EngineLifecycleSupport", "EngineVersion",
    "IAMDatabaseAuthenticationEnabled", "Iops", "LicenseModel", "MultiAZ", "NetworkType",
    "PreferredBackupWindow", "ProcessorFeatures", "PubliclyAccessible", "StorageThroughput",
    "StorageType",
]  # fmt: skip
CLUSTER_SETTINGS = [
    "BackupRetentionPeriod", "CopyTagsToSnapshot", "DBClusterParameterGroup",
    "DBSubnetGroup", "EnabledCloudwatchLogsExports", "EngineLifecycleSupport", "EngineMode",
    "EngineVersion", "IAMDatabaseAuthenticationEnabled", "KmsKeyId", "NetworkType", "Port",
    "PreferredBackupWindow", "ServerlessV2ScalingConfiguration", "StorageType",
]  # fmt: skip
MEMBER_SETTINGS = [
    "AutoMinorVersionUpgrade", "AvailabilityZone", "CACertificateIdentifier", "DBInstanceClass",
    "PreferredMaintenanceWindow", "PromotionTier", "PubliclyAccessible",
]  # fmt: skip


def of_groups(found: dict) -> dict:
    """The names of the groups that a description shows within structures."""
    return {
        "parameter group": [g["DBParameterGroupName"] for g in found.get("DBParameterGroups", [])],
        "option group": [g["OptionGroupName"] for g in found.get("OptionGroupMemberships", [])],
        "security groups": [g["VpcSecurityGroupId"] for g in found["VpcSecurityGroups"]],
        "domain": [d.get("Domain") for d in found.get("DomainMemberships", [])],
    }


def test_the_call_carries_the_configuration(aws: Aws, kind: Kind, renamed: dict):
    aws.until_done("restore", plan=renamed)
    aws.settle()

    before, after = aws.found(f"{kind.identifier}-temp"), aws.found()
    settings = INSTANCE_SETTINGS if kind is INSTANCE else CLUSTER_SETTINGS
    assert {key: after.get(key) for key in settings} == {key: before[key] for key in settings}
    assert of_groups(after) == of_groups(before)
    if kind is INSTANCE:
        assert after["Endpoint"]["Port"] == 5433
        assert after["DBSubnetGroup"]["DBSubnetGroupName"] == "prod-subnets"


@of_clusters
def test_the_members_come_back_as_they_were_the_old_writer_as_the_writer(aws: Aws, renamed: dict):
    aws.until_done("restore", plan=renamed)
    aws.settle()

    for name in MEMBERS:
        before, after = aws.found(f"{name}-temp", "instance"), aws.found(name, "instance")
        assert after["DBInstanceStatus"] == "available"
        assert after["DbiResourceId"] != before["DbiResourceId"]
        assert {k: after.get(k) for k in MEMBER_SETTINGS} == {k: before[k] for k in MEMBER_SETTINGS}
        assert of_groups(after)["parameter group"] == of_groups(before)["parameter group"]
    members = {
        m["DBInstanceIdentifier"]: m["IsClusterWriter"] for m in aws.found()["DBClusterMembers"]
    }
    assert members == {MEMBERS[0]: True, MEMBERS[1]: False}


@pytest.mark.parametrize("pause", [0, 10, 20, 120, 450, 700, 7200])
def test_a_restore_may_be_repeated_at_any_moment(aws: Aws, kind: Kind, renamed: dict, pause: float):
    aws.run_once("restore", plan=renamed)
    aws.clock.sleep(pause)

    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert aws.calls.count(create_call(aws)) <= 2
    assert len([n for n in aws.names().values() if n.startswith(kind.identifier)]) == (
        2 if kind is INSTANCE else 6
    )


def test_a_restore_that_is_done_asks_for_nothing_more(aws: Aws, kind: Kind, renamed: dict):
    aws.until_done("restore", plan=renamed)
    aws.settle()
    aws.calls.clear()

    aws.run("restore", plan=renamed)

    assert all(call.startswith("Describe") for call in aws.calls)


def test_a_restore_while_the_old_name_is_still_shown_is_still_in_progress(
    aws: Aws, kind: Kind, plan: dict
):
    with pytest.raises(exceptions.StillInProgress):
        aws.run("restore", plan=plan)

    assert all(call.startswith("Describe") for call in aws.calls)
    assert aws.id_of() == plan["resourceId"]


@of_clusters
def test_a_member_s_name_that_is_still_shown_is_waited_for(aws: Aws, plan: dict):
    with pytest.raises(exceptions.StillInProgress):
        aws.run("rename", plan=plan)
    # The cluster has its new name, the members have not.
    aws.clock.sleep(600)

    with pytest.raises(exceptions.StillInProgress):
        aws.run("restore", plan=plan)
    aws.until_done("rename", plan=plan)
    aws.until_done("restore", plan=plan)
    aws.settle()

    assert all(aws.is_tagged(name, "instance") for name in MEMBERS)


@pytest.mark.parametrize("owner", ["", ANOTHER])
def test_another_s_database_under_the_name_is_left_alone(
    aws: Aws, kind: Kind, renamed: dict, owner: str
):
    foreign = aws.foreign(kind.identifier)
    if owner:
        aws.stamp(execution=owner)
    tags = aws.tags()

    with pytest.raises(exceptions.NameTaken):
        aws.until_done("restore", plan=renamed)

    assert aws.id_of() == foreign
    assert aws.tags() == tags
    assert all(call.startswith("Describe") for call in aws.calls)


@of_clusters
def test_another_s_instance_under_the_writer_s_name_is_left_alone(aws: Aws, renamed: dict):
    foreign = aws.foreign(MEMBERS[0], "instance")

    with pytest.raises(exceptions.NameTaken):
        aws.until_done("restore", plan=renamed)

    assert aws.id_of(MEMBERS[0], "instance") == foreign


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("InternalFailure", 500, exceptions.Throttled),
        ("InsufficientDBInstanceCapacity", 400, exceptions.InsufficientCapacity),
        ("InsufficientDBClusterCapacityFault", 403, exceptions.InsufficientCapacity),
        ("AccessDenied", 403, exceptions.RestoreFailed),
        ("InstanceQuotaExceeded", 400, exceptions.RestoreFailed),
        ("DBParameterGroupNotFound", 404, exceptions.RestoreFailed),
        ("KMSKeyNotAccessibleFault", 400, exceptions.RestoreFailed),
        ("InvalidRestoreFault", 400, exceptions.RestoreFailed),
        ("DBSnapshotNotFound", 404, exceptions.RestoreFailed),
        ("DBClusterSnapshotNotFoundFault", 404, exceptions.RestoreFailed),
    ],
)
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, renamed: dict, *, code: str, status: int, error: type[Exception]
):
    aws.fail(create_call(aws), code, status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("restore", plan=renamed)

    assert type(raised.value) is error
    assert aws.found() is None


@of_clusters
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("InsufficientDBInstanceCapacity", 400, exceptions.InsufficientCapacity),
        ("InvalidDBClusterStateFault", 400, exceptions.StillInProgress),
        ("AccessDenied", 403, exceptions.RestoreFailed),
        ("StorageTypeNotSupported", 400, exceptions.RestoreFailed),
    ],
)
def test_a_writer_that_rds_refuses_fails_the_step(
    aws: Aws, renamed: dict, code: str, status: int, error: type[Exception]
):
    aws.fail("CreateDBInstance", code, status=status)

    aws.run_once("restore", plan=renamed)
    aws.clock.sleep(30)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("restore", plan=renamed)

    assert type(raised.value) is error


@of_clusters
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("InsufficientDBInstanceCapacity", 400),
        ("InvalidDBClusterStateFault", 400),
        ("AccessDenied", 403),
    ],
)
def test_a_reader_that_rds_refuses_does_not_fail_the_step(
    aws: Aws, renamed: dict, code: str, status: int
):
    aws.fail("CreateDBInstance", code, status=status, about=MEMBERS[1])

    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert aws.found(MEMBERS[0], "instance")["DBInstanceStatus"] == "available"
    assert aws.found(MEMBERS[1], "instance") is None


@of_clusters
@pytest.mark.parametrize("status", ["incompatible-restore", "failed", "restore-failed"])
def test_a_cluster_that_came_out_bad_fails_at_once(aws: Aws, renamed: dict, status: str):
    aws.run_once("restore", plan=renamed)
    aws.settle()
    aws.force(status)

    with pytest.raises(exceptions.RestoreFailed, match=status):
        aws.run("restore", plan=renamed)


def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, renamed: dict):
    aws.fail(create_call(aws), "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert aws.is_tagged()
    assert aws.rds.data(kind.name, kind.identifier) == OLD.format(kind.identifier)


@of_clusters
def test_a_member_s_lost_answer_is_made_up_for(aws: Aws, renamed: dict):
    aws.fail("CreateDBInstance", "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("restore", plan=renamed)
    aws.settle()

    assert all(aws.is_tagged(name, "instance") for name in MEMBERS)


def test_the_newly_taken_snapshot_is_restored(aws: Aws, kind: Kind):
    plan = aws.plan(task="create_snapshot")
    aws.until_done("snapshot", plan=plan)
    aws.settle()
    aws.rename_original(plan)

    aws.until_done("restore", plan=plan)
    aws.settle()

    assert aws.rds.data(kind.name, kind.identifier).endswith("today")
    if kind is INSTANCE:
        assert aws.found()["AllocatedStorage"] == 500


# The snapshot goes once the restore has been asked for


def begun(aws: Aws, plan: dict, **event: str) -> None:
    """Ask for a restore, and lose the step's answer, and the snapshot."""
    aws.run_once("restore", plan=plan, **event)
    assert create_call(aws) in aws.calls
    delete_snapshot(aws, plan["snapshot"])
    aws.clock.sleep(15)


def test_a_snapshot_that_goes_after_the_call_is_not_waited_for(aws: Aws, kind: Kind, renamed: dict):
    moment = aws.restored(renamed)["dataAsOf"]
    begun(aws, renamed)

    answer = aws.until_done("restore", plan=renamed)
    aws.settle()

    assert (answer["dataAsOf"], answer["resourceId"]) == (moment, aws.id_of())
    assert moment
    assert aws.rds.data(kind.name, kind.identifier) == OLD.format(kind.identifier)
    aws.finish(renamed)
    aws.run("verify", plan=renamed, restored=answer)


def test_a_new_snapshot_that_goes_after_the_call_is_not_waited_for(aws: Aws, kind: Kind):
    plan = aws.plan(task="create_snapshot")
    taken = aws.until_done("snapshot", plan=plan)
    aws.settle()
    aws.rename_original(plan)
    begun(aws, plan, snapshot=taken)

    answer = aws.until_done("restore", plan=plan, snapshot=taken)

    assert taken["dataAsOf"]
    assert answer["dataAsOf"] == taken["dataAsOf"]
    assert answer["resourceId"] == aws.id_of()


def test_a_snapshot_is_not_looked_up_where_the_plan_knows_its_moment(
    aws: Aws, kind: Kind, renamed: dict
):
    aws.until_done("restore", plan=renamed)

    assert not [call for call in aws.calls if "Snapshots" in call]
