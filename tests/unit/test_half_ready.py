"""A database that serves while RDS is at its storage: what is asked of it, and what waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.emulator.rds import RdsError
from tests.unit.conftest import CLUSTER, INSTANCE, Aws, Kind
from trapheus.execution import exceptions
from trapheus.rds import waiters

# RDS User Guide, "Viewing DB instance status", and its twin for clusters.
ONLINE = ("available", "backing-up", "storage-full", "storage-initialization",
          "storage-optimization")  # fmt: skip
ENDS_BY_ITSELF = ("creating", "maintenance", "modifying", "rebooting", "renaming", "starting",
                  "stopping", "storage-config-upgrade", "upgrading")  # fmt: skip
FINAL = {
    INSTANCE: ("failed", "incompatible-network", "incompatible-restore", "insufficient-capacity",
               "restore-error", "stopped", "upgrade-failed"),
    CLUSTER: ("failed", "cloning-failed", "incompatible-restore", "migration-failed",
              "restore-failed", "stopped", "upgrade-failed"),
}  # fmt: skip


def settled(kind: Kind, status: str) -> None:
    shown = {kind.status_key: status, kind.id_key: "another", "PendingModifiedValues": {}}
    of = waiters.instance_settled if kind is INSTANCE else waiters.cluster_settled
    waiters.wait(
        of("shop", other_than="old"), otherwise=exceptions.RestoreFailed, identifier="shop",
        since="2099-01-01T00:00:00+00:00", seen=shown,
    )  # fmt: skip


@pytest.mark.parametrize("status", ONLINE)
def test_what_serves_is_waited_for_no_longer(kind: Kind, status: str):
    settled(kind, status)


@pytest.mark.parametrize("status", ENDS_BY_ITSELF)
def test_what_ends_by_itself_is_waited_for(kind: Kind, status: str):
    with pytest.raises(exceptions.StillInProgress):
        settled(kind, status)


def test_what_does_not_end_by_itself_ends_the_wait(kind: Kind):
    for status in FINAL[kind]:
        with pytest.raises(exceptions.RestoreFailed, match=f"is {status}"):
            settled(kind, status)


# storage-initialization


def initializing(aws: Aws, *, takes_changes: bool) -> None:
    aws.rds.initializes = True
    # One hour is enough to see who waits for it.
    aws.rds.longer["initialize storage", "storage-initialization"] = -3 * 3600.0
    aws.rds.changes_while_initializing = takes_changes


def until_status(aws: Aws, name: str, status: str) -> None:
    for _ in range(400):
        if (aws.found(name) or {}).get("DBInstanceStatus") == status:
            return
        aws.clock.sleep(15)
    raise AssertionError(f"{name} does not become {status}")


@pytest.mark.parametrize("takes_changes", [True, False])
def test_what_loads_its_storage_is_configured_and_verified(aws: Aws, *, takes_changes: bool):
    initializing(aws, takes_changes=takes_changes)
    plan = aws.plan()
    aws.rename_original(plan)
    aws.until_done("restore", plan=plan)
    began = aws.clock.time

    aws.until_done("wait", plan=plan, until="restored")
    assert aws.found()["DBInstanceStatus"] in ("backing-up", "storage-initialization")
    aws.until_done("configure", plan=plan)
    aws.until_done("verify", plan=plan)

    # The hour that it takes is only waited for where RDS has it so.
    assert (aws.clock.time - began < 1800) == takes_changes
    if takes_changes:
        assert aws.found()["DBInstanceStatus"] == "storage-initialization"


@pytest.mark.parametrize("takes_changes", [True, False])
@pytest.mark.parametrize("has_nothing_to_set", [True, False])
def test_the_original_keeps_its_name_until_the_copy_takes_a_rename(
    aws: Aws, *, takes_changes: bool, has_nothing_to_set: bool
):
    initializing(aws, takes_changes=takes_changes)
    plan = aws.plan(strategy="restore-first")
    if has_nothing_to_set:
        plan |= {"modify": {}, "roles": []}
    aws.until_done("restore", plan=plan, phase="copy")
    aws.until_done("wait", plan=plan, phase="copy", until="copied")
    until_status(aws, "prod-db-copy", "storage-initialization")
    began = aws.clock.time

    aws.until_done("configure", plan=plan, phase="copy")

    assert (aws.clock.time - began < 1800) == takes_changes
    aws.rename_original(plan)
    began = aws.clock.time
    restored = aws.restored(plan)
    aws.until_done("rename", plan=plan, phase="replace", renames="copy", restored=restored)
    assert aws.clock.time - began < 300


@pytest.mark.parametrize("takes_changes", [True, False])
def test_a_rollback_removes_what_may_not_take_a_rename(aws: Aws, *, takes_changes: bool):
    initializing(aws, takes_changes=True)
    plan = aws.plan(strategy="restore-first")
    aws.make_copy(plan)
    aws.rename_original(plan)
    aws.give_names(plan)
    aws.rds.changes_while_initializing = takes_changes
    aws.force("storage-initialization")

    aws.until_done("roll_back", plan=plan)

    assert aws.id_of() == plan["resourceId"]


@pytest.mark.parametrize("status", ["storage-initialization", "storage-optimization"])
def test_an_original_that_serves_is_restored(aws: Aws, status: str):
    aws.force(status)

    assert aws.check(dryRun=True)["findings"] == []


# storage-optimization, and SQL Server, whose storage is modified

MIRRORED = {"Engine": "sqlserver-se", "DBInstanceClass": "db.r6g.large", "MasterUsername": "sa",
            "ManageMasterUserPassword": True, "BackupRetentionPeriod": 3, "AllocatedStorage": 200,
            "MonitoringInterval": 15, "MonitoringRoleArn": "arn:aws:iam::1:role/r"}  # fmt: skip
GP3 = {"StorageType": "gp3", "Iops": 6000, "StorageThroughput": 300}
SORTS = {
    "gp3 as it comes": {"StorageType": "gp3"},
    "gp3": GP3,
    "io1": {"StorageType": "io1", "Iops": 4000},
    "io2": {"StorageType": "io2", "Iops": 4000},
    "gp2": {"StorageType": "gp2"},
}
STORED = ("AllocatedStorage", "Iops", "StorageThroughput", "StorageType")


def crm(aws: Aws, **of_storage: Any) -> None:
    """A database of SQL Server, with its snapshot."""
    aws.kind = replace(INSTANCE, identifier="crm-db")
    with aws.rds.instantly():
        aws.rds.call(
            "CreateDBInstance", {"DBInstanceIdentifier": "crm-db", **MIRRORED, **of_storage}
        )
        aws.rds.call(
            "CreateDBSnapshot",
            {"DBInstanceIdentifier": "crm-db", "DBSnapshotIdentifier": "crm-db-snapshot"},
        )


def stored(aws: Aws, name: str = "") -> dict[str, Any]:
    return {key: (aws.found(name) or {}).get(key) for key in STORED}


def restored(aws: Aws) -> dict[str, Any]:
    """Restore it; the report."""
    plan = aws.plan()
    aws.rename_original(plan)
    made = aws.until_done("restore", plan=plan)
    aws.settle()
    aws.until_done("configure", plan=plan, restored=made)
    told: dict[str, Any] = aws.until_done("verify", plan=plan, restored=made)["report"]
    return told


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("grows", [True, False])
def test_storage_of_sql_server_is_as_it_was(aws: Aws, sort: str, *, grows: bool):
    crm(aws, **SORTS[sort])
    if grows:
        with aws.rds.instantly():
            more = {"AllocatedStorage": 400, "Iops": 8000}
            if sort == "gp2":
                del more["Iops"]
            aws.rds.call(
                "ModifyDBInstance",
                {"DBInstanceIdentifier": "crm-db", "ApplyImmediately": True, **more},
            )
    before = stored(aws)

    assert restored(aws)["differs"] == []

    assert stored(aws) == before == stored(aws, "crm-db-temp")


def test_what_is_not_of_storage_is_set_while_storage_is_optimized(aws: Aws):
    crm(aws, **GP3)
    plan = aws.plan()
    aws.rename_original(plan)
    aws.replace(plan)
    aws.rds.become("instance", "crm-db", "storage-optimization")

    for _ in range(30):
        if aws.found()["DBInstanceStatus"] == "available":
            aws.rds.become("instance", "crm-db", "storage-optimization")
        aws.run_once("configure", plan=plan)
        aws.clock.sleep(15)
    assert aws.found()["MonitoringInterval"] == 15
    assert stored(aws) != stored(aws, "crm-db-temp")

    aws.rds.become("instance", "crm-db", "available")
    aws.until_done("configure", plan=plan)
    assert stored(aws) == stored(aws, "crm-db-temp")


@pytest.mark.parametrize("asked", [{"Iops": 7000}, {"AllocatedStorage": 300}])
def test_rds_wants_size_and_iops_together(aws: Aws, asked: dict[str, int]):
    crm(aws, **GP3)

    with pytest.raises(RdsError, match="both the storage size and iops"):
        aws.rds.call("ModifyDBInstance", {"DBInstanceIdentifier": "crm-db", **asked})


def test_rds_takes_nothing_of_storage_while_it_optimizes_it(aws: Aws):
    crm(aws, **GP3)
    grown = {"AllocatedStorage": 300, "Iops": 7000}
    change = {"DBInstanceIdentifier": "crm-db", "ApplyImmediately": True}
    aws.rds.call("ModifyDBInstance", {**change, **grown})
    until_status(aws, "crm-db", "storage-optimization")

    with pytest.raises(RdsError, match="is being optimized"):
        aws.rds.call("ModifyDBInstance", {**change, **grown})
    aws.rds.call("ModifyDBInstance", {**change, "MonitoringInterval": 30})
