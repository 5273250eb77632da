"""A Multi-AZ DB cluster, whose members are RDS's own: restored as a copy, and never replaced."""

from __future__ import annotations

from typing import Any

import pytest

from local.commands.account import KEY_ID, key
from local.commands.app import App
from local.emulator.cloud import Call, Fault
from tests import sources
from tests.mailed import flowing
from tests.pipeline.observed import CLUSTER, Kind, On, databases, run, tagged
from tests.pipeline.scenarios import COPY_OF_ZONES as COPY
from tests.pipeline.scenarios import ZONES as NAME
from tests.pipeline.scenarios import make_multi_az

DENIED = Fault("AccessDenied", "User is not authorized", 403)


@pytest.fixture
def zones(cloud: App) -> App:
    """The sample account with a Multi-AZ DB cluster in it, written to since its snapshot."""
    make_multi_az(cloud)
    return cloud


def asked(task: str = "db_restore", **more: Any) -> dict[str, Any]:
    return {"identifier": NAME, "task": task, "isCluster": True, **more}


@pytest.mark.parametrize("task", ["db_restore", "create_snapshot"])
def test_it_is_restored_as_a_copy_with_the_members_that_rds_makes(zones: App, task: str) -> None:
    before = databases(zones)

    execution = run(zones, asked(task, targetIdentifier=COPY))

    assert execution.status == "SUCCEEDED", execution.cause
    after = databases(zones)
    assert {name: after[name] for name in before} == before
    members = {f"instance {COPY}-instance-{n}" for n in (1, 2, 3)}
    assert set(after) - set(before) == {f"cluster {COPY}", *members}
    copy, original = zones.rds.clusters[COPY], zones.rds.clusters[NAME]
    for name in ("DBClusterInstanceClass", "AllocatedStorage", "Iops", "StorageType",
                 "DeletionProtection", "PreferredMaintenanceWindow"):  # fmt: skip
        assert copy[name] == original[name], name
    assert zones.rds.data("cluster", COPY) == zones.rds.data("cluster", NAME)
    assert execution.output["report"]["cannotKeep"] == execution.output["report"]["differs"] == []
    assert (tagged(zones), zones.alerts) == ([], [])


def test_its_snapshot_alone_is_taken_too(zones: App) -> None:
    before = databases(zones)

    execution = run(zones, asked("create_snapshot_only"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert databases(zones) == before


@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_it_is_not_replaced(zones: App, strategy: str) -> None:
    before = databases(zones)

    execution = run(zones, asked(strategy=strategy))

    assert (execution.status, execution.error) == ("FAILED", "WrongKind")
    assert "with a targetIdentifier" in execution.cause
    assert databases(zones) == before


@pytest.mark.parametrize(
    ("function", "operation"),
    [("Configure", "ModifyDBCluster"), ("Verify", "DescribeDBClusterSnapshots")],
)
def test_a_copy_that_fails_is_removed_with_its_members(
    zones: App, function: str, operation: str
) -> None:
    before = databases(zones)
    zones.faults.append(On(function, operation, DENIED))

    execution = run(zones, asked(targetIdentifier=COPY))

    assert execution.status == "FAILED"
    zones.rds.settle()
    assert databases(zones) == before
    assert len(zones.alerts) == 1


def test_a_copy_that_ends_in_a_bad_status_is_removed(zones: App) -> None:
    zones.rds.poison("cluster", NAME, restores_end_in="incompatible-restore")
    before = databases(zones)

    execution = run(zones, asked(targetIdentifier=COPY))

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    zones.rds.settle()
    assert databases(zones) == before
    (mail,) = zones.alerts
    assert "The rollback failed" not in flowing(mail.text)


def test_a_new_snapshot_has_the_storage_of_now(zones: App) -> None:
    zones.rds.clusters[NAME] |= {"AllocatedStorage": 200, "Iops": 3000}

    execution = run(zones, asked("create_snapshot", targetIdentifier=COPY))

    assert execution.status == "SUCCEEDED", execution.cause
    copy = zones.rds.clusters[COPY]
    assert (copy["AllocatedStorage"], copy["Iops"]) == (200, 3000)
    assert execution.output["report"]["differs"] == []


@pytest.mark.usefixtures("any_override")
def test_a_copy_may_be_of_another_class_and_open(zones: App) -> None:
    overrides = {"DBClusterInstanceClass": "db.r6gd.xlarge", "PubliclyAccessible": True}

    execution = run(zones, asked(targetIdentifier=COPY, overrides=overrides))

    assert execution.status == "SUCCEEDED", execution.cause
    copy = zones.rds.clusters[COPY]
    assert {name: copy[name] for name in overrides} == overrides
    differs = {entry["attribute"] for entry in execution.output["report"]["differs"]}
    assert differs == set(overrides)


@pytest.mark.usefixtures("any_override")
@pytest.mark.parametrize("name", ["DBInstanceClass", "PromotionTier", "NetworkType"])
def test_what_only_aurora_takes_is_refused_of_it(zones: App, name: str) -> None:
    value: Any = {"PromotionTier": 1, "NetworkType": "DUAL"}.get(name, "db.r6g.large")

    execution = run(zones, asked(targetIdentifier=COPY, overrides={name: value}))

    assert (execution.status, execution.error) == ("FAILED", "InvalidRequest")
    assert f"a Multi-AZ DB cluster, whose restore takes no {name}" in execution.cause


@pytest.mark.parametrize("name", ["AllocatedStorage", "DBClusterInstanceClass", "Iops"])
def test_what_only_it_takes_is_refused_of_aurora(cloud: App, name: str) -> None:
    value: Any = "db.r6gd.large" if name == "DBClusterInstanceClass" else 2000

    execution = run(cloud, CLUSTER.request("db_restore", overrides={name: value}))

    assert (execution.status, execution.error) == ("FAILED", "InvalidRequest")
    assert f"an Aurora cluster, whose restore takes no {name}" in execution.cause


@pytest.mark.parametrize("grown", [200, 105])
def test_storage_that_has_grown_since_the_snapshot_comes_back_as_rds_lets_it(
    zones: App, grown: int
) -> None:
    zones.rds.clusters[NAME] |= {"AllocatedStorage": grown, "Iops": 3000}

    execution = run(zones, asked(targetIdentifier=COPY))

    assert execution.status == "SUCCEEDED", execution.cause
    copy = zones.rds.clusters[COPY]
    assert copy["Iops"] == 3000
    # RDS makes storage larger only by a tenth or more.
    assert copy["AllocatedStorage"] == (200 if grown == 200 else 100)


def test_a_parameter_group_that_awaits_a_reboot_is_told(zones: App) -> None:
    def waits(call: Call) -> None:
        if call.caller.startswith("Verify") and COPY in zones.rds.clusters:
            for member in zones.rds.clusters[COPY]["DBClusterMembers"]:
                member["DBClusterParameterGroupStatus"] = "pending-reboot"

    zones.faults.append(waits)

    execution = run(zones, asked(targetIdentifier=COPY))

    assert (execution.status, execution.error) == ("FAILED", "ConfigurationDiffers")
    assert "takes effect only after a reboot" in execution.cause


@pytest.mark.parametrize("target", ["x" * 45 + "-cluster", COPY], ids=["too long", "taken"])
def test_the_names_that_rds_gives_the_members_must_be_possible_and_free(
    zones: App, target: str
) -> None:
    if target == COPY:
        with zones.rds.instantly():
            zones.rds.call("CreateDBInstance", {
                "DBInstanceIdentifier": f"{COPY}-instance-2", "DBInstanceClass": "db.t4g.micro",
                "Engine": "postgres", "AllocatedStorage": 20, "MasterUsername": "someone",
                "ManageMasterUserPassword": True,
            })  # fmt: skip
    before = databases(zones)

    execution = run(zones, asked(targetIdentifier=target))

    assert execution.status == "FAILED"
    assert execution.error == ("NameTaken" if target == COPY else "DatabaseNotSupported")
    assert f"{target}-instance-" in execution.cause
    assert databases(zones) == before


def test_without_room_for_its_members_it_is_not_restored(zones: App) -> None:
    zones.rds.quotas["instance"] = len(zones.rds.instances) + 2

    execution = run(zones, asked(targetIdentifier=COPY))

    assert (execution.status, execution.error) == ("FAILED", "QuotaExceeded")


# No snapshot of it is copied, and nothing of it is encrypted by a restore.

SOURCE = Kind("cluster", "live-zones")


def make_source(zones: App, key: str) -> None:
    """Another Multi-AZ DB cluster and its snapshot, under a key or not encrypted."""
    with zones.rds.instantly(at=zones.rds.time - 3600):
        zones.rds.call("CreateDBCluster", {
            "DBClusterIdentifier": SOURCE.identifier, "Engine": "postgres",
            "EngineVersion": "16.4", "DBClusterInstanceClass": "db.r6gd.large",
            "AllocatedStorage": 100, "Iops": 1000, "StorageType": "io1",
            "MasterUsername": "owner", "MasterUserPassword": "not-told-anybody",
            **({"StorageEncrypted": True, "KmsKeyId": key} if key else {}),
        })  # fmt: skip
        zones.rds.call("CreateDBClusterSnapshot", {
            "DBClusterIdentifier": SOURCE.identifier,
            "DBClusterSnapshotIdentifier": SOURCE.snapshot,
        })  # fmt: skip
        zones.rds.write("cluster", SOURCE.identifier, "live data")
    zones.rds.settle()


def encrypt(zones: App) -> None:
    """Let the cluster be encrypted, and its own snapshot."""
    held = {"StorageEncrypted": True, "KmsKeyId": key(zones.rds, KEY_ID)}
    zones.rds.clusters[NAME] |= held
    zones.rds.cluster_snapshots[f"{NAME}-snapshot"] |= held


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("another key", "RDS copies no snapshot of a Multi-AZ DB cluster"),
        ("no key", "encrypts none that is not encrypted"),
    ],
)
def test_data_that_would_have_to_be_copied_or_encrypted_are_refused(
    zones: App, words: str, sentence: str
) -> None:
    encrypt(zones)
    make_source(zones, sources.key(zones.rds) if words == "another key" else "")
    before = databases(zones)

    execution = run(zones, asked(targetIdentifier=COPY, sourceIdentifier=SOURCE.identifier))

    assert (execution.status, execution.error) == ("FAILED", "DatabaseNotSupported")
    assert sentence in execution.cause
    assert databases(zones) == before
    assert tagged(zones) == []


def test_the_data_of_another_one_under_the_same_key_are_restored(zones: App) -> None:
    encrypt(zones)
    make_source(zones, key(zones.rds, KEY_ID))

    execution = run(zones, asked(targetIdentifier=COPY, sourceIdentifier=SOURCE.identifier))

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")
