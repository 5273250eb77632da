"""The verify step: only a restored database as planned, beside its original, passes."""

from typing import Any

import pytest

from tests.unit.conftest import (
    CLUSTER,
    EXECUTION,
    INSTANCE,
    Aws,
    Kind,
    delete_snapshot,
    of_clusters,
    of_instances,
    take_snapshot,
)
from trapheus.execution import exceptions

HOOKED = {"beforeSwap": [{"run": "mask"}]}
READER, WRITER = "prod-cluster-reader", "prod-cluster-writer"


def differing(aws: Aws, plan: dict) -> str:
    """What the verification says is different."""
    with pytest.raises(exceptions.ConfigurationDiffers) as raised:
        aws.run("verify", plan=plan)
    return str(raised.value)


def test_a_restored_database_passes_and_is_named_by_its_resource_id(
    aws: Aws, kind: Kind, finished: dict
):
    assert aws.run("verify", plan=finished)["resourceId"] == aws.id_of()
    assert all(call.startswith("Describe") for call in aws.calls)


INSTANCE_CHANGES: list[tuple[str, Any]] = [
    ("AllocatedStorage", 400), ("AutoMinorVersionUpgrade", True), ("BackupRetentionPeriod", 1),
    ("CACertificateIdentifier", "rds-ca-rsa2048-g1"), ("CopyTagsToSnapshot", False),
    ("DBInstanceClass", "db.t4g.micro"), ("DedicatedLogVolume", False),
    ("DeletionProtection", False), ("DatabaseInsightsMode", "standard"),
    ("EnabledCloudwatchLogsExports", ["postgresql"]), ("EnabledCloudwatchLogsExports", []),
    ("IAMDatabaseAuthenticationEnabled", False), ("Iops", 3000), ("MaxAllocatedStorage", 1000),
    ("MonitoringInterval", 0), ("MultiAZ", False), ("NetworkType", "IPV4"),
    ("PerformanceInsightsEnabled", False), ("PerformanceInsightsRetentionPeriod", 7),
    ("PreferredBackupWindow", "03:00-03:30"), ("PreferredMaintenanceWindow", "sun:06:00-sun:06:30"),
    ("ProcessorFeatures", []), ("PubliclyAccessible", False), ("StorageThroughput", 125),
    ("StorageType", "io1"), ("AssociatedRoles", []), ("DomainMemberships", []),
    ("TagList", [{"Key": "team", "Value": "orders"}]),
    ("DBParameterGroups", [{"DBParameterGroupName": "default.postgres16"}]),
    ("OptionGroupMemberships", [{"OptionGroupName": "default:postgres-16"}]),
    ("VpcSecurityGroups", [{"VpcSecurityGroupId": "sg-default", "Status": "active"}]),
    ("Endpoint", {"Address": "x", "Port": 5432}), ("MasterUserSecret", {}),
]  # fmt: skip
CLUSTER_CHANGES: list[tuple[str, Any]] = [
    ("BackupRetentionPeriod", 1), ("CopyTagsToSnapshot", False),
    ("DBClusterParameterGroup", "default.aurora-postgresql16"), ("DBSubnetGroup", "default"),
    ("DatabaseInsightsMode", "standard"), ("DeletionProtection", False),
    ("EnabledCloudwatchLogsExports", []), ("EngineVersion", "16.6"),
    ("IAMDatabaseAuthenticationEnabled", False), ("LocalWriteForwardingStatus", "disabled"),
    ("MonitoringInterval", 0), ("NetworkType", "IPV4"), ("PerformanceInsightsEnabled", False),
    ("Port", 5432), ("PreferredBackupWindow", "03:00-03:30"),
    ("PreferredMaintenanceWindow", "sun:06:00-sun:06:30"),
    ("ServerlessV2ScalingConfiguration", {"MinCapacity": 0.5, "MaxCapacity": 16.0}),
    ("StorageType", "aurora"), ("AssociatedRoles", []), ("DomainMemberships", []),
    ("TagList", []), ("MasterUserSecret", {}),
    ("VpcSecurityGroups", [{"VpcSecurityGroupId": "sg-default", "Status": "active"}]),
]  # fmt: skip
MEMBER_CHANGES: list[tuple[str, Any]] = [
    ("AutoMinorVersionUpgrade", True), ("AvailabilityZone", "us-east-1d"),
    ("CACertificateIdentifier", "rds-ca-rsa2048-g1"), ("DBInstanceClass", "db.t4g.medium"),
    ("DBParameterGroups", [{"DBParameterGroupName": "default.aurora-postgresql16"}]),
    ("MonitoringInterval", 0), ("PerformanceInsightsEnabled", False),
    ("PreferredMaintenanceWindow", "sun:06:00-sun:06:30"), ("PromotionTier", 1),
    ("PubliclyAccessible", False), ("TagList", []),
]  # fmt: skip


def assert_each_change_is_told(
    aws: Aws, plan: dict, name: str, of: str, changes: list[tuple[str, Any]]
) -> None:
    """Change one attribute after the other; the verification must refuse each."""
    found = aws.found(name, of)
    passed = []
    told: list[str] = []
    for attribute, value in changes:
        before = found.get(attribute)
        assert before != value, f"{attribute} is not changed by this test"
        found[attribute] = value
        try:
            aws.run("verify", plan=plan)
            passed.append(attribute)
        except exceptions.ConfigurationDiffers as error:
            told.append(str(error))
        found[attribute] = before
    assert not passed
    assert all(name in error for error in told)
    aws.run("verify", plan=plan)


@of_instances
def test_every_setting_of_the_instance_that_differs_is_refused(aws: Aws, finished: dict):

    assert_each_change_is_told(aws, finished, "prod-db", "instance", INSTANCE_CHANGES)


@of_clusters
def test_every_setting_of_the_cluster_that_differs_is_refused(aws: Aws, finished: dict):

    assert_each_change_is_told(aws, finished, "prod-cluster", "cluster", CLUSTER_CHANGES)


@of_clusters
def test_every_setting_of_a_member_that_differs_is_refused(aws: Aws, finished: dict):

    assert_each_change_is_told(aws, finished, READER, "instance", MEMBER_CHANGES)


def test_a_difference_is_told_with_both_values(aws: Aws, kind: Kind, finished: dict):
    aws.found()["BackupRetentionPeriod"] = 3

    told = differing(aws, finished)

    assert f"BackupRetentionPeriod is 3, was {14 if kind is INSTANCE else 21}" in told


def test_all_differences_are_told_at_once(aws: Aws, kind: Kind, finished: dict):
    aws.found()["BackupRetentionPeriod"] = 3
    aws.found()["NetworkType"] = "IPV4"

    told = differing(aws, finished)

    assert "BackupRetentionPeriod" in told
    assert "NetworkType" in told


def test_the_order_of_lists_does_not_matter(aws: Aws, kind: Kind, finished: dict):
    found = aws.found()
    for key in ("VpcSecurityGroups", "EnabledCloudwatchLogsExports", "TagList"):
        found[key].reverse()

    aws.run("verify", plan=finished)


def test_an_original_under_another_name_is_told(aws: Aws, kind: Kind, finished: dict):
    word = kind.operation
    with aws.rds.instantly():
        aws.rds.call(
            f"Modify{word}",
            {
                f"{word}Identifier": finished["renamedTo"],
                f"New{word}Identifier": "elsewhere",
                "ApplyImmediately": True,
            },
        )

    assert finished["renamedTo"] in differing(aws, finished)


def test_a_database_that_its_domain_has_not_let_in_does_not_pass(
    aws: Aws, kind: Kind, finished: dict
):
    aws.found()["DomainMemberships"][0]["Status"] = "failed"

    assert "membership in the domain d-9067001122 is failed" in differing(aws, finished)


def test_a_snapshot_that_goes_meanwhile_is_a_warning(aws: Aws, kind: Kind, finished: dict):
    restored = aws.restored(finished)
    assert aws.run("verify", plan=finished, restored=restored)["report"]["warnings"] == []
    delete_snapshot(aws, finished["snapshot"])

    told = aws.run("verify", plan=finished, restored=restored)["report"]["warnings"]

    assert told == [f"The snapshot {finished['snapshot']}, which was restored, is gone."]


def test_a_snapshot_that_another_has_replaced_does_not_pass(aws: Aws, kind: Kind, finished: dict):
    name, restored = finished["snapshot"], aws.restored(finished)
    delete_snapshot(aws, name)
    take_snapshot(aws, name)
    aws.settle()

    with pytest.raises(exceptions.ConfigurationDiffers, match=f"{name} is not the one"):
        aws.run("verify", plan=finished, restored=restored)


def test_the_original_itself_does_not_pass_for_the_restored_one(aws: Aws, kind: Kind, plan: dict):
    with pytest.raises(exceptions.TrapheusError):
        aws.run("verify", plan=plan)


def test_a_missing_restored_database_does_not_pass(aws: Aws, kind: Kind, renamed: dict):

    with pytest.raises(exceptions.TrapheusError):
        aws.run("verify", plan=renamed)


@pytest.mark.parametrize("status", ["modifying", "creating", "rebooting"])
def test_a_busy_database_is_waited_for(aws: Aws, kind: Kind, finished: dict, status: str):
    aws.force(status)

    with pytest.raises(exceptions.StillInProgress, match=status):
        aws.run("verify", plan=finished)


@pytest.mark.parametrize("status", ["failed", "incompatible-parameters", "stopped"])
def test_a_database_gone_bad_does_not_pass(aws: Aws, kind: Kind, finished: dict, status: str):
    aws.force(status)

    assert status in differing(aws, finished)


@of_clusters
def test_a_reader_gone_bad_does_not_pass(aws: Aws, finished: dict):
    aws.force("incompatible-network", READER, "instance")

    assert READER in differing(aws, finished)


@of_clusters
def test_a_reader_that_is_not_in_the_cluster_does_not_pass(aws: Aws, finished: dict):
    members = aws.found()["DBClusterMembers"]
    members[:] = [member for member in members if member["DBInstanceIdentifier"] != READER]

    assert READER in differing(aws, finished)


@of_clusters
def test_another_writer_does_not_pass(aws: Aws, finished: dict):
    for member in aws.found()["DBClusterMembers"]:
        member["IsClusterWriter"] = not member["IsClusterWriter"]

    told = differing(aws, finished)

    assert WRITER in told
    assert READER in told


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.ConfigurationDiffers),
    ],
)
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, finished: dict, *, code: str, status: int, error: type[Exception]
):
    aws.fail(f"Describe{kind.operation}s", code, status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("verify", plan=finished)

    assert type(raised.value) is error


def test_a_parameter_group_that_waits_for_a_reboot_does_not_pass(
    aws: Aws, kind: Kind, finished: dict
):
    name = "prod-db" if kind is INSTANCE else READER
    found = aws.found(name, "instance")
    found["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"

    assert "only after a reboot" in differing(aws, finished)


# The report


def report(aws: Aws, plan: dict) -> dict[str, Any]:
    told: dict[str, Any] = aws.run("verify", plan=plan)["report"]
    return told


def test_the_report_names_what_cannot_be_kept_and_why(aws: Aws, kind: Kind, finished: dict):
    entries = {
        (entry.get("member", ""), entry["attribute"]): entry
        for entry in report(aws, finished)["cannotKeep"]
    }

    key = "DbiResourceId" if kind is INSTANCE else "DbClusterResourceId"
    assert (entries["", key]["was"], entries["", key]["now"]) == (
        finished["resourceId"], aws.id_of(),
    )  # fmt: skip
    secret = entries["", "MasterUserSecret"]
    assert secret["was"] != secret["now"] == aws.found()["MasterUserSecret"]["SecretArn"]
    if kind is not INSTANCE:
        assert entries[READER, "DbiResourceId"]["now"] == aws.id_of(READER, "instance")
    assert all(entry["why"].endswith(".") for entry in entries.values())


def test_the_report_counts_what_is_kept_and_nothing_differs(aws: Aws, kind: Kind, finished: dict):
    told = report(aws, finished)

    assert told["differs"] == []
    assert told["kept"] >= (40 if kind is INSTANCE else 55)


@of_clusters
def test_other_zones_of_a_cluster_are_told_and_pass(aws: Aws, kind: Kind, finished: dict):
    shown = aws.found()["AvailabilityZones"]
    zones = [entry for entry in finished["cannotKeep"] if entry["attribute"] == "AvailabilityZones"]
    assert zones[0]["was"] == shown

    shown.reverse()
    assert "AvailabilityZones" not in str(report(aws, finished)["cannotKeep"])
    shown[0] = "us-east-1f"
    told = report(aws, finished)["cannotKeep"]

    assert [one["now"][-1] for one in told if one["attribute"] == "AvailabilityZones"] == [
        "us-east-1f"
    ]


@of_clusters
def test_the_report_tells_of_replicas_that_auto_scaling_makes_again(aws: Aws, finished: dict):
    replica = "application-autoscaling-6c2e7c1f"
    (entry,) = report(aws, {**finished, "autoscaled": [replica]})["differs"]

    assert entry["attribute"] == "DBClusterMembers"
    assert entry["was"] == sorted([READER, WRITER, replica])
    assert entry["now"] == [READER, WRITER]
    assert "Auto Scaling" in entry["done"]


def test_a_verified_copy_under_a_target_is_past_the_point_of_no_return(
    aws: Aws, kind: Kind, target: dict
):
    aws.lock = {"holder": EXECUTION, "phase": "copy"}

    aws.run("verify", plan=target, phase="copy")

    assert aws.lock["phase"] == "finish"


def test_ahead_of_hooks_a_copy_is_described_for_them_and_can_still_be_removed(
    aws: Aws, kind: Kind, target: dict
):
    aws.lock = {"holder": EXECUTION, "phase": "copy"}

    told = aws.run("verify", plan=target, phase="copy", request=HOOKED)

    assert aws.lock["phase"] == "copy"
    aws.run("verify", plan=target, phase="copy")
    assert aws.lock["phase"] == "finish"
    found = aws.rds.find(kind.name, target["restoredAs"]).shown
    assert told["database"] == {
        "identifier": target["restoredAs"],
        "kind": kind.name,
        "engine": found["Engine"],
        "engineVersion": found["EngineVersion"],
        "endpoint": found["Endpoint"] if kind is CLUSTER else found["Endpoint"]["Address"],
        "port": found["Port"] if kind is CLUSTER else found["Endpoint"]["Port"],
        "databaseName": found["DatabaseName" if kind is CLUSTER else "DBName"],
        "masterUsername": found["MasterUsername"],
        "masterUserSecret": found["MasterUserSecret"]["SecretArn"],
        "resourceId": found["DbClusterResourceId" if kind is CLUSTER else "DbiResourceId"],
    }


def test_hooks_do_not_run_for_an_execution_that_has_lost_its_lock(
    aws: Aws, kind: Kind, target: dict
):
    aws.lock = {"holder": "another", "phase": "copy"}
    with pytest.raises(exceptions.LockLost):
        aws.run("verify", plan=target, phase="copy", request=HOOKED)


def test_a_verified_copy_that_is_to_be_swapped_can_still_be_removed(
    aws: Aws, kind: Kind, copied: dict
):
    aws.lock = {"holder": EXECUTION, "phase": "copy"}

    aws.until_done("verify", plan=copied, phase="copy")

    assert aws.lock["phase"] == "copy"


def at(aws: Aws, moment: str) -> None:
    """Let it be this time of the next day."""
    day = 24 * 3600
    hours, minutes = map(int, moment.split(":"))
    aws.clock.time += day - aws.clock.time % day + hours * 3600 + minutes * 60


@pytest.mark.parametrize(
    ("window", "moment", "waits"),
    [
        ("03:00-03:30", "02:39", False),
        ("03:00-03:30", "02:40", True),
        ("03:00-03:30", "03:29", True),
        ("03:00-03:30", "03:30", False),
        ("00:05-00:35", "23:50", True),
        ("23:50-00:20", "00:10", True),
        ("23:50-00:20", "00:20", False),
        ("03:00-09:00", "03:59", True),
        ("03:00-09:00", "04:00", False),
        ("03:00-03:00", "02:50", True),
    ],
)
def test_a_swap_waits_until_its_copy_s_backup_window_is_over(
    aws: Aws, kind: Kind, copied: dict, *, window: str, moment: str, waits: bool
):
    copied["restore"]["PreferredBackupWindow"] = window
    found = aws.found(copied["restoredAs"])
    found["PreferredBackupWindow"] = window
    at(aws, moment)

    if waits:
        with pytest.raises(exceptions.StillInProgress, match="backup window"):
            aws.run("verify", plan=copied, phase="copy")
        found["BackupRetentionPeriod"] = copied["restore"]["BackupRetentionPeriod"] = 0
    aws.run("verify", plan=copied, phase="copy")


def test_a_target_does_not_wait_for_its_backup_window(aws: Aws, kind: Kind, target: dict):
    at(aws, aws.found(target["restoredAs"])["PreferredBackupWindow"][:5])

    aws.run("verify", plan=target, phase="copy")
