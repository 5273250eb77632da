"""The configure step: what restore and create calls do not take."""

from contextlib import suppress

import pytest

from tests.unit.conftest import INSTANCE, Aws, Kind, of_clusters, of_instances
from trapheus.execution import exceptions

READER = "prod-cluster-reader"
SETTINGS = {
    "instance": [
        "DatabaseInsightsMode", "DeletionProtection", "MaxAllocatedStorage", "MonitoringInterval",
        "MonitoringRoleArn", "PerformanceInsightsEnabled", "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod", "PreferredMaintenanceWindow",
    ],
    "cluster": [
        "DatabaseInsightsMode", "DeletionProtection", "LocalWriteForwardingStatus",
        "MonitoringInterval", "MonitoringRoleArn", "PerformanceInsightsEnabled",
        "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
        "PreferredMaintenanceWindow",
    ],
}  # fmt: skip
WATCHING = [name for name in SETTINGS["instance"] if name.startswith(("Monitoring", "Perf"))]


def roles_of(found: dict) -> list[tuple[str, str]]:
    return [(role["RoleArn"], role["FeatureName"]) for role in found["AssociatedRoles"]]


def test_the_restored_database_gets_the_rest_of_its_configuration(
    aws: Aws, kind: Kind, replaced: dict
):
    before = aws.found(f"{kind.identifier}-temp")
    bare = aws.found()
    wanted = {key: before[key] for key in SETTINGS[kind.name]}
    assert {key: bare.get(key) for key in wanted} != wanted

    aws.until_done("configure", plan=replaced)
    aws.settle()

    after = aws.found()
    assert {key: after.get(key) for key in wanted} == wanted
    assert after["MasterUserSecret"]["KmsKeyId"] == before["MasterUserSecret"]["KmsKeyId"]
    assert roles_of(after) == roles_of(before)
    assert not after.get("PendingModifiedValues")


def watched(aws: Aws, name: str, kind: str = "instance") -> dict:
    found = aws.found(name, kind) or {}
    return {key: found[key] for key in WATCHING if found.get(key)}


def restored_and_passed(aws: Aws, plan: dict) -> dict:
    """The report on a database that was restored by a plan and passed."""
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)
    told: dict = aws.run("verify", plan=plan)["report"]
    return told


@of_clusters
def test_what_a_cluster_has_for_all_members_each_has_again(aws: Aws, replaced: dict):
    before = watched(aws, "prod-cluster-temp", "cluster")
    assert set(before) == set(WATCHING)

    aws.finish(replaced)
    # One that is asked for when the cluster has it all already.
    with aws.rds.instantly():
        aws.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": READER})
    aws.finish(replaced)

    for name in (READER, "prod-cluster-writer"):
        assert watched(aws, f"{name}-temp") == watched(aws, name) == before
    assert aws.run("verify", plan=replaced)["report"]["differs"] == []


@of_clusters
def test_what_only_a_member_has_it_alone_has_again(aws: Aws, kind: Kind):
    of_one = {"MonitoringInterval": 60, "MonitoringRoleArn": "arn:aws:iam::1:role/r"}
    with aws.rds.instantly():
        aws.rds.call("ModifyDBCluster", {
            "DBClusterIdentifier": "prod-cluster", "ApplyImmediately": True,
            "MonitoringInterval": 0, "EnablePerformanceInsights": False,
            "DatabaseInsightsMode": "standard",
        })  # fmt: skip
        aws.rds.call("ModifyDBInstance", {
            "DBInstanceIdentifier": READER, "ApplyImmediately": True,
            "EnablePerformanceInsights": True, **of_one,
        })  # fmt: skip
    before = watched(aws, READER)

    assert restored_and_passed(aws, aws.plan())["differs"] == []

    assert watched(aws, READER) == before
    assert before.items() >= {**of_one, "PerformanceInsightsEnabled": True}.items()
    assert watched(aws, "prod-cluster-writer") == watched(aws, "prod-cluster", "cluster") == {}


@of_clusters
def test_a_member_that_shows_otherwise_than_its_cluster_is_told(aws: Aws, kind: Kind):
    aws.found(READER, "instance").update(MonitoringInterval=10, PerformanceInsightsEnabled=False)

    told = restored_and_passed(aws, aws.plan())["differs"]

    assert {(one["member"], one["attribute"], one["was"], one["now"]) for one in told} == {
        (READER, "MonitoringInterval", 10, 30), (READER, "PerformanceInsightsEnabled", False, True),
    }  # fmt: skip


@of_clusters
def test_an_interval_that_is_asked_for_is_the_cluster_s_and_so_its_members(aws: Aws, kind: Kind):
    plan = aws.plan(overrides={"MonitoringInterval": 60, "EnablePerformanceInsights": False,
                               "DatabaseInsightsMode": "standard"})  # fmt: skip

    restored_and_passed(aws, plan)

    for name, of in (("prod-cluster", "cluster"), (READER, "instance")):
        assert watched(aws, name, of) == {
            "MonitoringInterval": 60,
            "MonitoringRoleArn": "arn:aws:iam::123456789012:role/rds-monitoring",
        }


def test_the_original_is_left_alone(aws: Aws, kind: Kind, replaced: dict):
    before = str(aws.found(f"{kind.identifier}-temp"))

    aws.until_done("configure", plan=replaced)
    aws.settle()

    assert str(aws.found(f"{kind.identifier}-temp")) == before


@pytest.mark.parametrize("pause", [0, 20, 60, 200, 7200])
def test_configuring_may_be_repeated_at_any_moment(
    aws: Aws, kind: Kind, replaced: dict, pause: float
):
    with suppress(exceptions.StillInProgress):  # of the change that it has asked for
        aws.run("configure", plan=replaced)
    aws.clock.sleep(pause)

    aws.until_done("configure", plan=replaced)
    aws.settle()
    aws.calls.clear()
    aws.run("configure", plan=replaced)

    assert all(call.startswith("Describe") for call in aws.calls)
    assert aws.found()["DeletionProtection"] is True


def test_a_database_without_anything_special_is_not_modified(aws: Aws, kind: Kind):
    name = kind.identifier.replace("prod", "protected")
    aws.found(name)["TagList"] = []
    plan = aws.plan(identifier=name)
    aws.rename_original(plan)
    aws.replace(plan)
    aws.until_done("configure", plan=plan)
    aws.settle()
    aws.calls.clear()

    aws.run("configure", plan=plan)

    assert all(call.startswith("Describe") for call in aws.calls)


def test_a_database_that_is_still_backing_up_is_waited_for(aws: Aws, kind: Kind, replaced: dict):
    aws.force("backing-up")

    with pytest.raises(exceptions.StillInProgress, match="backing-up"):
        aws.run("configure", plan=replaced)

    assert all(call.startswith("Describe") for call in aws.calls)


@of_clusters
def test_a_missing_reader_is_asked_for_again(aws: Aws, renamed: dict):
    aws.fail("CreateDBInstance", "InsufficientDBInstanceCapacity", about=READER)
    aws.until_done("restore", plan=renamed)
    aws.settle()
    assert aws.found(READER, "instance") is None
    aws.faults.clear()

    aws.until_done("configure", plan=renamed)
    aws.settle()

    assert aws.found(READER, "instance")["DBInstanceStatus"] == "available"
    assert aws.is_tagged(READER, "instance")


@of_clusters
def test_another_s_instance_under_a_reader_s_name_is_left_alone(aws: Aws, renamed: dict):
    aws.fail("CreateDBInstance", "InsufficientDBInstanceCapacity", about=READER)
    aws.until_done("restore", plan=renamed)
    aws.settle()
    foreign = aws.foreign(READER, "instance")

    with pytest.raises(exceptions.NameTaken):
        aws.until_done("configure", plan=renamed)

    assert aws.id_of(READER, "instance") == foreign


@of_instances
def test_a_role_for_two_features_is_given_for_both(aws: Aws, replaced: dict):
    features = ["s3Import", "s3Export"]
    role = "arn:aws:iam::123456789012:role/both"
    replaced["roles"] = [{"RoleArn": role, "FeatureName": feature} for feature in features]
    # The second call is refused for a while, as RDS does when it is busy with the first.
    aws.fail("AddRoleToDBInstance", "InvalidDBInstanceState", after=1, times=1)

    aws.until_done("configure", plan=replaced)
    aws.settle()

    assert roles_of(aws.found()) == [(role, feature) for feature in features]


@pytest.mark.parametrize("call", ["AddRoleTo{}", "Modify{}"])
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.ConfigureFailed),
        ("InvalidParameterCombination", 400, exceptions.ConfigureFailed),
        ("{conflict}", 400, exceptions.StillInProgress),
        ("InsufficientDBInstanceCapacity", 400, exceptions.InsufficientCapacity),
    ],
)
def test_an_error_of_aws_becomes_the_right_one_and_both_databases_stay(
    aws: Aws,
    kind: Kind,
    replaced: dict,
    *,
    call: str,
    code: str,
    status: int,
    error: type[Exception],
):
    aws.fail(call.format(kind.operation), code.format(conflict=kind.conflict), status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("configure", plan=replaced)

    assert type(raised.value) is error
    assert aws.names()[replaced["resourceId"]] == replaced["renamedTo"]
    assert aws.id_of()


@pytest.mark.parametrize("status", ["failed", "incompatible-parameters", "stopped"])
def test_a_database_gone_bad_ends_the_step(aws: Aws, kind: Kind, replaced: dict, status: str):
    aws.force(status)

    with pytest.raises(exceptions.ConfigureFailed, match=status):
        aws.run("configure", plan=replaced)


@pytest.mark.parametrize("call", ["AddRoleTo{}", "Modify{}"])
def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, replaced: dict, call: str):
    operation = call.format(kind.operation)
    aws.fail(operation, "InternalFailure", status=500, times=1, lost=True)
    role = "orders-import" if kind is INSTANCE else "ledger-import"

    aws.until_done("configure", plan=replaced)
    aws.settle()

    assert aws.found()["DeletionProtection"] is True
    assert [arn.rsplit("/")[-1] for arn, _ in roles_of(aws.found())] == [role]


# Parameter groups


def part_that_reboots(aws: Aws, kind: Kind) -> dict:
    name = "prod-db" if kind is INSTANCE else READER
    found = aws.found(name, "instance")
    assert found is not None
    return found


def test_a_parameter_group_that_waits_for_a_reboot_gets_it(aws: Aws, kind: Kind, finished: dict):
    found = part_that_reboots(aws, kind)
    found["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"

    aws.until_done("configure", plan=finished)
    aws.settle()

    assert aws.calls.count("RebootDBInstance") == 1
    group = part_that_reboots(aws, kind)["DBParameterGroups"][0]
    assert group["ParameterApplyStatus"] == "in-sync"
    aws.run("verify", plan=finished)


@of_clusters
def test_a_cluster_s_parameter_group_that_waits_for_a_member_s_reboot_gets_it(
    aws: Aws, finished: dict
):
    for member in aws.found()["DBClusterMembers"]:
        if member["DBInstanceIdentifier"] == READER:
            member["DBClusterParameterGroupStatus"] = "pending-reboot"

    aws.until_done("configure", plan=finished)
    aws.settle()

    assert aws.calls.count("RebootDBInstance") == 1
    statuses = [one["DBClusterParameterGroupStatus"] for one in aws.found()["DBClusterMembers"]]
    assert statuses == ["in-sync", "in-sync"]


def test_the_reboot_comes_after_the_changes(aws: Aws, kind: Kind, replaced: dict):
    found = part_that_reboots(aws, kind) if kind is INSTANCE else None
    if found is None:
        aws.until_done("configure", plan=replaced)
        aws.settle()
        found = part_that_reboots(aws, kind)
        aws.found()["PreferredMaintenanceWindow"] = "sun:06:00-sun:06:30"
        aws.calls.clear()
    found["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"

    aws.until_done("configure", plan=replaced)

    changes = [call for call in aws.calls if call.startswith(("Modify", "Reboot"))]
    assert changes == [f"Modify{kind.operation}", "RebootDBInstance"]


def test_nothing_is_rebooted_that_waits_for_none(aws: Aws, kind: Kind, replaced: dict):
    aws.until_done("configure", plan=replaced)

    assert "RebootDBInstance" not in aws.calls
