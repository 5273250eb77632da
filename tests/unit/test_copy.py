"""The steps of a copy, of a swap, and of a target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.conftest import (
    ANOTHER,
    CLUSTER,
    INSTANCE,
    Aws,
    Kind,
    of_clusters,
    of_instances,
)
from trapheus.execution import exceptions

WRITER, READER = "prod-cluster-writer", "prod-cluster-reader"


def refusal(aws: Aws, error: type[Exception], **request: Any) -> str:
    """What a check says that refuses."""
    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.check(**request)
    assert type(raised.value) is error
    return str(json.loads(str(raised.value))["message"])


def names(part: dict) -> set[str]:
    """The names under which a plan restores."""
    return {part["restoredAs"], *(member["restoredAs"] for member in part.get("members", []))}


def take(aws: Aws, kind: Kind, name: str, snapshot_type: str = "manual", **shown: Any) -> None:
    """Let there be one more snapshot of the sample database."""
    call = "CreateDBClusterSnapshot" if kind is CLUSTER else "CreateDBSnapshot"
    snapshot = "DBClusterSnapshotIdentifier" if kind is CLUSTER else "DBSnapshotIdentifier"
    aws.clock.sleep(3600)
    with aws.rds.instantly():
        aws.rds.call(call, {f"{kind.operation}Identifier": kind.identifier, snapshot: name})
    aws.found(name, aws.snapshot_kind).update(SnapshotType=snapshot_type, **shown)


# The plan


def test_by_default_the_database_is_made_under_its_own_names(aws: Aws, kind: Kind, plan: dict):
    assert names(plan) == {name for _, name in aws.parts()}
    assert plan["snapshot"] == f"{kind.identifier}-snapshot"


def test_restored_first_everything_is_restored_as_a_copy(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="restore-first")

    assert names(plan) == {f"{name}-copy" for _, name in aws.parts()}


def test_a_target_takes_the_identifier_s_place_in_the_members_names(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="copy", targetIdentifier="drill")

    members = {"drill-writer", "drill-reader"} if kind is CLUSTER else set()
    assert names(plan) == {"drill"} | members


@of_clusters
def test_a_member_of_another_name_is_numbered_at_a_target(aws: Aws, kind: Kind):
    with aws.rds.instantly():
        aws.rds.call(
            "ModifyDBInstance",
            {
                "DBInstanceIdentifier": READER,
                "NewDBInstanceIdentifier": "production",
                "ApplyImmediately": True,
            },
        )

    plan = aws.plan(strategy="copy", targetIdentifier="drill")

    assert names(plan) == {"drill", "drill-writer", "drill-1"}


def test_a_copy_s_name_that_is_taken_is_refused_with_what_clears_it(aws: Aws, kind: Kind):
    aws.foreign(f"{kind.identifier}-copy")

    said = refusal(aws, exceptions.NameTaken, strategy="restore-first")

    assert f"{kind.identifier}-copy" in said
    assert f"modify-db-{kind.name}" in said


@of_clusters
def test_a_copy_s_member_s_name_that_is_left_over_is_refused(aws: Aws, kind: Kind):
    aws.foreign(f"{READER}-copy", "instance")
    aws.stamp(f"{READER}-copy", "instance", ANOTHER)

    said = refusal(aws, exceptions.NameTaken, strategy="restore-first")

    assert f"{READER}-copy is taken by what an earlier execution has left" in said


@pytest.mark.parametrize("member", [False, True])
def test_a_target_that_is_taken_is_refused(aws: Aws, kind: Kind, member: bool):
    taken = "drill-reader" if member and kind is CLUSTER else "drill"
    aws.foreign(taken, "instance" if member else "")

    said = refusal(aws, exceptions.NameTaken, strategy="copy", targetIdentifier="drill")

    assert f"The name {taken} is taken" in said


@of_clusters
def test_a_target_that_leaves_no_room_for_its_members_is_refused(aws: Aws, kind: Kind):
    request = {"strategy": "copy", "targetIdentifier": "d" * 60}

    said = refusal(aws, exceptions.DatabaseNotSupported, **request)

    assert "63" in said


def test_what_only_a_replacement_would_break_does_not_keep_a_target_from_being_made(
    aws: Aws, kind: Kind
):
    aws.foreign(f"{kind.identifier}-temp")
    aws.found()["ActivityStreamStatus"] = "started"

    assert aws.check(strategy="copy", targetIdentifier="drill")["findings"] == []
    refusal(aws, exceptions.NameTaken, strategy="restore-first")


# The snapshot


def test_a_named_snapshot_is_the_one_that_is_planned(aws: Aws, kind: Kind):
    take(aws, kind, "release-1")

    plan = aws.plan(snapshotIdentifier="release-1")

    assert plan["snapshot"] == "release-1"
    assert plan["dataAsOf"] == aws.restored(plan)["dataAsOf"]


def test_the_latest_is_the_newest_that_is_available(aws: Aws, kind: Kind):
    take(aws, kind, "release-1")
    take(aws, kind, "release-2", "automated")
    take(aws, kind, "release-3", Status="creating")
    take(aws, kind, "release-4", "shared")

    assert aws.plan(snapshotIdentifier="latest")["snapshot"] == "release-2"


def test_a_snapshot_that_shows_no_moment_is_not_the_latest(aws: Aws, kind: Kind):
    take(aws, kind, "release-1")
    take(aws, kind, "release-2")
    found = aws.found("release-2", aws.snapshot_kind)
    for moment in ("SnapshotCreateTime", "OriginalSnapshotCreateTime"):
        found.pop(moment, None)

    assert aws.plan(snapshotIdentifier="latest")["snapshot"] == "release-1"
    assert aws.plan(snapshotIdentifier="release-2")["dataAsOf"] == ""


@of_instances
def test_a_copy_is_as_old_as_its_data(aws: Aws, kind: Kind):
    take(aws, kind, "release-1")
    of_old = aws.found("prod-db-snapshot", "snapshot")["SnapshotCreateTime"]
    with aws.rds.instantly():
        aws.rds.call("CopyDBSnapshot", {
            "SourceDBSnapshotIdentifier": "prod-db-snapshot",
            "TargetDBSnapshotIdentifier": "release-2",
        })  # fmt: skip

    assert aws.plan(snapshotIdentifier="latest")["snapshot"] == "release-1"
    assert aws.plan(snapshotIdentifier="release-2")["dataAsOf"] == of_old.isoformat()


def test_without_any_there_is_no_latest(aws: Aws, kind: Kind):
    aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)["Status"] = "failed"

    said = refusal(aws, exceptions.SnapshotMissing, snapshotIdentifier="latest")

    assert "no snapshot that is available" in said


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"Status": "creating"}, "is creating"),
        ({"Engine": "mysql"}, "is of mysql"),
        ({"EngineVersion": "17.1"}, "of version 17.1"),
    ],
)
def test_a_named_snapshot_that_does_not_fit_is_refused(
    aws: Aws, kind: Kind, shown: dict[str, str], words: str
):
    take(aws, kind, "release-1")
    aws.found("release-1", aws.snapshot_kind).update(shown)

    assert words in refusal(aws, exceptions.SnapshotMissing, snapshotIdentifier="release-1")


def test_a_named_snapshot_that_is_not_there_is_refused(aws: Aws, kind: Kind):
    assert "no-such" in refusal(aws, exceptions.SnapshotMissing, snapshotIdentifier="no-such")


# Overrides


def test_an_override_takes_the_place_of_the_original_s(aws: Aws, kind: Kind):
    plan = aws.plan(overrides={"DBInstanceClass": "db.t4g.medium", "BackupRetentionPeriod": 1})

    assert plan["restore"]["BackupRetentionPeriod"] == 1
    for part in plan.get("members", [plan]):
        assert part["restore"]["DBInstanceClass"] == "db.t4g.medium"
        assert "ProcessorFeatures" not in part["restore"]


def test_what_a_cluster_and_its_members_both_have_goes_to_both(aws: Aws, kind: Kind):
    plan = aws.plan(overrides={"MonitoringInterval": 0})

    for part in (plan, *plan.get("members", [])):
        both = part["restore"] | part["modify"]
        assert both["MonitoringInterval"] == 0
        assert "MonitoringRoleArn" not in both


def test_an_interval_that_stays_on_keeps_its_role(aws: Aws, kind: Kind):
    plan = aws.plan(overrides={"MonitoringInterval": 60})

    both = plan["restore"] | plan["modify"]
    assert (both["MonitoringInterval"], "MonitoringRoleArn" in both) == (60, True)


def test_an_empty_override_leaves_its_parameter_out(aws: Aws, kind: Kind):
    assert "EnableCloudwatchLogsExports" in aws.plan()["restore"]

    plan = aws.plan(overrides={"EnableCloudwatchLogsExports": []})

    assert "EnableCloudwatchLogsExports" not in plan["restore"]


def test_a_class_that_aws_does_not_offer_is_refused_before_anything_happens(aws: Aws, kind: Kind):
    overrides = {"DBInstanceClass": "db.x99.huge"}

    assert "db.x99.huge" in refusal(aws, exceptions.VersionOrClassUnavailable, overrides=overrides)


def test_a_group_that_is_not_there_is_refused_before_anything_happens(aws: Aws, kind: Kind):
    name = "DBClusterParameterGroupName" if kind is CLUSTER else "DBParameterGroupName"

    said = refusal(aws, exceptions.GroupNotUsable, overrides={name: "no-such-group"})

    assert "no-such-group" in said


# Beside the original


def test_the_copy_stands_beside_an_original_that_is_as_it_was(aws: Aws, kind: Kind, copied: dict):
    found = aws.found(copied["restoredAs"])

    assert aws.id_of() == copied["resourceId"]
    assert not aws.is_tagged()
    assert aws.is_tagged(copied["restoredAs"])
    assert found["DeletionProtection"] is False
    assert aws.found()["DeletionProtection"] is True
    aws.until_done("verify", plan=copied, phase="copy")


def test_the_copy_is_waited_for_with_all_of_its_members(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="restore-first")
    aws.until_done("restore", plan=plan, phase="copy")

    with pytest.raises(exceptions.StillInProgress):
        aws.run("wait", seconds=0, plan=plan, until="copied")
    aws.until_done("wait", plan=plan, until="copied")

    for of in {"instance", kind.name}:
        for name in names(plan):
            if found := aws.found(name, of):
                assert found["DBInstanceStatus" if of == "instance" else "Status"] == "available"


@of_clusters
def test_a_reader_of_a_copy_that_is_refused_is_a_failure(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="restore-first")
    aws.fail("CreateDBInstance", "InvalidSubnet", about=f"{READER}-copy")

    with pytest.raises(exceptions.RestoreFailed):
        aws.until_done("restore", plan=plan, phase="copy")


def test_the_verification_of_a_copy_sees_a_difference(aws: Aws, kind: Kind, copied: dict):
    aws.found(copied["restoredAs"])["BackupRetentionPeriod"] = 1

    with pytest.raises(exceptions.ConfigurationDiffers, match="BackupRetentionPeriod"):
        aws.run("verify", plan=copied, phase="copy")


def test_the_verification_of_a_copy_wants_the_original_under_its_name(
    aws: Aws, kind: Kind, copied: dict
):
    aws.rename_original(copied)

    with pytest.raises(exceptions.ConfigurationDiffers, match="original is not called"):
        aws.run("verify", plan=copied, phase="copy")


# The swap


def test_the_copy_takes_the_names_and_keeps_its_resource_id(aws: Aws, kind: Kind, copied: dict):
    copies = {part["restoredAs"]: aws.restored(copied)["resourceId"] for part in (copied,)}
    aws.rename_original(copied)

    aws.give_names(copied)

    assert aws.id_of() == copies[copied["restoredAs"]]
    assert names(copied).isdisjoint(aws.names().values())
    for of, name in aws.parts():
        assert aws.is_tagged(name, of)
        assert aws.id_of(f"{name}-temp", of)
    assert aws.rds.reachable(kind.name, kind.identifier)


def test_the_original_s_name_is_free_before_it_is_online_again(aws: Aws, kind: Kind, copied: dict):
    aws.run_once("rename", plan=copied)

    aws.until_done("wait", plan=copied, until="renamed")

    assert aws.names()[copied["resourceId"]] == copied["renamedTo"]
    if kind is INSTANCE:
        assert aws.found(copied["renamedTo"])["DBInstanceStatus"] == "rebooting"


@pytest.mark.parametrize("pause", [0, 20, 60, 120, 200, 7200])
def test_the_names_may_be_asked_for_again_at_any_moment(
    aws: Aws, kind: Kind, copied: dict, pause: float
):
    restored = aws.restored(copied)
    aws.rename_original(copied)
    asked: dict[str, Any] = {
        "plan": copied, "phase": "replace", "renames": "copy", "restored": restored,
    }  # fmt: skip
    aws.run_once("rename", seconds=0, **asked)
    aws.clock.sleep(pause)

    aws.until_done("rename", **asked)
    aws.settle()

    assert aws.id_of() == restored["resourceId"]
    assert names(copied).isdisjoint(aws.names().values())


def test_a_copy_that_somebody_has_renamed_is_not_given_the_name(aws: Aws, kind: Kind, copied: dict):
    restored = aws.restored(copied)
    aws.rename_original(copied)
    with aws.rds.instantly():
        aws.rds.call(
            f"Modify{kind.operation}",
            {
                f"{kind.operation}Identifier": copied["restoredAs"],
                f"New{kind.operation}Identifier": "mine-now",
                "ApplyImmediately": True,
            },
        )

    with pytest.raises(exceptions.RenameFailed, match="mine-now"):
        aws.run("rename", plan=copied, phase="replace", renames="copy", restored=restored)


def test_without_the_lock_no_name_is_given(aws: Aws, kind: Kind, copied: dict):
    restored = aws.restored(copied)
    aws.rename_original(copied)
    aws.lock = {"holder": ANOTHER, "phase": "replace"}
    before = aws.names()

    with pytest.raises(exceptions.LockLost):
        aws.run("rename", plan=copied, phase="replace", renames="copy", restored=restored)
    aws.settle()

    assert aws.names() == before


@of_clusters
def test_a_reader_that_was_not_renamed_in_the_swap_is_renamed_in_finish(
    aws: Aws, kind: Kind, copied: dict
):
    restored = aws.restored(copied)
    aws.rename_original(copied)
    aws.fail("ModifyDBInstance", "InvalidDBInstanceState", about=f"{READER}-copy", times=9)
    aws.give_names(copied)
    assert aws.id_of(f"{READER}-copy", "instance")
    aws.faults.clear()

    aws.until_done("configure", plan=copied, restored=restored)
    aws.settle()

    listed = {m["DBInstanceIdentifier"] for m in aws.found()["DBClusterMembers"]}
    assert listed == {WRITER, READER}


def test_in_finish_only_the_protection_is_asked_for(aws: Aws, kind: Kind, swapped: dict):
    aws.calls.clear()

    aws.finish(swapped)

    assert aws.found()["DeletionProtection"] is True
    changes = [call for call in aws.calls if not call.startswith("Describe")]
    assert changes == [f"Modify{kind.operation}"]
    aws.run("verify", plan=swapped)


def test_the_tags_are_taken_off_what_was_swapped(aws: Aws, kind: Kind, swapped: dict):
    aws.finish(swapped)

    aws.until_done("untag", plan=swapped)

    assert not any(aws.is_tagged(name, of) for of, name in aws.parts())


# A target


def test_a_target_is_protected_last_and_untagged(aws: Aws, kind: Kind, target: dict):
    assert aws.found(target["restoredAs"])["DeletionProtection"] is False

    aws.finish(target)
    aws.run("verify", plan=target)
    aws.until_done("untag", plan=target)

    assert aws.found(target["restoredAs"])["DeletionProtection"] is True
    assert not aws.is_tagged(target["restoredAs"])
    assert aws.id_of() == target["resourceId"]


def test_a_snapshot_taken_for_a_target_is_untagged_before_there_is_one(aws: Aws, kind: Kind):
    plan = aws.plan(task="create_snapshot", strategy="copy", targetIdentifier="drill")
    aws.until_done("snapshot", plan=plan)

    aws.run("untag", plan=plan, phase="prepare")

    assert not aws.is_tagged(plan["snapshot"], aws.snapshot_kind)


@of_clusters
def test_custom_endpoints_stay_with_the_original_of_a_target(aws: Aws, kind: Kind):
    with aws.rds.instantly():
        aws.rds.call(
            "CreateDBClusterEndpoint",
            {
                "DBClusterIdentifier": "prod-cluster",
                "DBClusterEndpointIdentifier": "reports",
                "EndpointType": "READER",
            },
        )

    plan = aws.plan(strategy="copy", targetIdentifier="drill")

    assert plan["endpoints"] == []
    assert any("reports" in warning for warning in plan["warnings"])


def test_with_a_target_the_original_loses_nothing(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="copy", targetIdentifier="drill")

    assert aws.plan()["cannotKeep"]
    assert [part["cannotKeep"] for part in (plan, *plan.get("members", []))] == [
        [] for _ in names(plan)
    ]


@pytest.mark.parametrize("strategy", ["restore-first", "copy"])
def test_what_no_copy_can_be_given_is_refused_wherever_it_is_made(
    aws: Aws, kind: Kind, strategy: str
):
    cannot = {"TdeCredentialArn": "arn:hsm", "ClusterScalabilityType": "limitless"}
    aws.found().update(cannot)

    request = {"strategy": strategy, "targetIdentifier": "drill" if strategy == "copy" else ""}
    said = refusal(aws, exceptions.DatabaseNotSupported, **request)

    assert "arn:hsm" in said or "Limitless" in said


def test_the_report_on_a_target_tells_what_was_overridden(aws: Aws, kind: Kind):
    request = {"strategy": "copy", "targetIdentifier": "drill"}
    plan = aws.plan(**request, overrides={"BackupRetentionPeriod": 1})
    aws.make_copy(plan)
    aws.finish(plan)

    report = aws.run("verify", plan=plan)["report"]

    was = aws.found()["BackupRetentionPeriod"]
    assert report["cannotKeep"] == []
    assert [one for one in report["differs"] if one["attribute"] == "BackupRetentionPeriod"] == [
        {
            "attribute": "BackupRetentionPeriod",
            "was": was,
            "done": "overridden by the request",
            "now": 1,
        }
    ]
    assert aws.found("drill")["BackupRetentionPeriod"] == 1


# Parameter groups


def let_wait(aws: Aws, name: str) -> None:
    """Let a parameter group wait for a reboot."""
    group = aws.found(name, "instance")["DBParameterGroups"][0]
    group["ParameterApplyStatus"] = "pending-reboot"


def test_a_group_that_waits_has_its_reboot_before_the_swap(aws: Aws, kind: Kind, copied: dict):
    name = f"{'prod-db' if kind is INSTANCE else READER}-copy"
    let_wait(aws, name)
    with pytest.raises(exceptions.ConfigurationDiffers, match="only after a reboot"):
        aws.run("verify", plan=copied, phase="copy")

    aws.until_done("configure", plan=copied, phase="copy")
    aws.settle()

    assert aws.calls.count("RebootDBInstance") == 1
    (group,) = aws.found(name, "instance")["DBParameterGroups"]
    assert group["ParameterApplyStatus"] == "in-sync"
    assert aws.rds.reachable(kind.name, kind.identifier)
    aws.run("verify", plan=copied, phase="copy")


def test_after_the_swap_nothing_is_rebooted_and_the_last_look_tells(
    aws: Aws, kind: Kind, swapped: dict
):
    let_wait(aws, "prod-db" if kind is INSTANCE else READER)

    aws.finish(swapped)

    assert "RebootDBInstance" not in aws.calls
    with pytest.raises(exceptions.ConfigurationDiffers, match="only after a reboot"):
        aws.run("verify", plan=swapped)
