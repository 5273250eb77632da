"""A copy that is swapped, or stays under a target: what AWS holds afterwards, end to end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.commands import report
from local.emulator.cloud import Fault
from local.emulator.rds.databases import windows
from local.emulator.rds.operations import db_snapshots
from tests.mailed import flowing
from tests.pipeline.observed import (
    CLUSTER,
    INSTANCE,
    KINDS,
    Kind,
    On,
    OnceReplaced,
    as_plain,
    databases,
    run,
    tagged,
)

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Execution

DENIED = Fault("AccessDenied", "User is not authorized", 403)
CUSTOM = {
    "DBClusterEndpointIdentifier": "reports",
    "EndpointType": "READER",
    "StaticMembers": ["prod-cluster-reader"],
}

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def parts(kind: Kind, rename: tuple[str, str] = ("", "")) -> list[tuple[str, str]]:
    """Kind and name of the database and its members, or those that they have at a target."""
    names = [(kind.name, kind.identifier), *(("instance", name) for name in kind.members)]
    return [(of, name.replace(*rename, 1) if rename[0] else name) for of, name in names]


def shown(cloud: App, of: str, name: str) -> dict[str, Any]:
    """A database as RDS holds it; that at a target under the original's name."""
    cloud.rds.settle()
    found = (cloud.rds.instances if of == "instance" else cloud.rds.clusters)[name]
    return as_plain(found, "drill", "prod")


def first(cloud: App, kind: Kind, **more: Any) -> Execution:
    return run(cloud, kind.request("db_restore", strategy="restore-first", **more))


def target(kind: Kind) -> str:
    return kind.identifier.replace("prod", "drill")


@each_kind
def test_restored_first_the_identifier_is_the_copy_as_it_was_configured(
    cloud: App, kind: Kind
) -> None:
    before = {part: shown(cloud, *part) for part in parts(kind)}
    names = set(databases(cloud))
    data = cloud.rds.data(kind.snapshot_kind, kind.snapshot)

    execution = first(cloud, kind)

    assert (execution.status, execution.error) == ("SUCCEEDED", "")
    assert cloud.rds.data(kind.name, kind.identifier) == data
    assert set(databases(cloud)) == names
    for part, was in before.items():
        now = shown(cloud, *part)
        _, lines = report.differences(part[0], was, now)
        assert lines == []
        key = "DbiResourceId" if part[0] == "instance" else "DbClusterResourceId"
        assert now[key] != was[key]
    assert (tagged(cloud), cloud.alerts) == ([], [])


@each_kind
def test_restored_first_the_original_serves_until_the_swap(cloud: App, kind: Kind) -> None:
    reachable: dict[str, bool] = {}

    def note(notice: Any) -> None:
        if notice.kind == "state entered":
            reachable[notice.name] = cloud.rds.reachable(kind.name, kind.identifier)

    cloud.listeners.append(note)

    execution = first(cloud, kind)

    swap = list(reachable).index("Rename the original")
    assert all(list(reachable.values())[: swap + 1])
    assert reachable["Finish"]
    # Of the swap alone, minutes: a restore of this RDS takes longer than that.
    minutes = (
        cloud.clock.now()
        and _seconds(execution.output["unreachableTo"])
        - _seconds(execution.output["unreachableFrom"])
    ) / 60
    assert 0 < minutes < 8


@each_kind
def test_the_names_are_not_swapped_while_a_backup_may_come_between(cloud: App, kind: Kind) -> None:
    swaps: list[float] = []

    def note(notice: Any) -> None:
        if notice.kind == "state entered" and notice.name == "Rename the original":
            swaps.append(cloud.clock.now())

    cloud.listeners.append(note)
    began = cloud.clock.now()
    assert first(cloud, kind).status == "SUCCEEDED"
    # The same once more, with a window that begins a minute after the swap would, and a long
    # backup in it.
    again = cloud.clock.now() + swaps[0] - began + 60
    begins = datetime.fromtimestamp(again, UTC)
    window = f"{begins:%H:%M}-{begins + timedelta(minutes=30):%H:%M}"
    cloud.rds.find(kind.name, kind.identifier).shown["PreferredBackupWindow"] = window
    cloud.rds.longer[f"back up {kind.name}", "backing-up"] = 2 * 3600.0
    windows.keep(cloud.rds)

    execution = run(
        cloud, kind.request("db_restore", strategy="restore-first"), "in-its-backup-window"
    )

    assert execution.status == "SUCCEEDED", execution.cause
    outage = _seconds(execution.output["unreachableTo"]) - _seconds(
        execution.output["unreachableFrom"]
    )
    assert outage < 8 * 60
    # Behind the backup, which begins with the minute.
    assert swaps[1] > again - again % 60 + 2 * 3600


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@each_kind
def test_a_new_snapshot_can_be_restored_first(cloud: App, kind: Kind) -> None:
    data = cloud.rds.data(kind.name, kind.identifier)
    request = kind.request("create_snapshot", strategy="restore-first", acceptWriteLoss=True)

    execution = run(cloud, request)

    assert execution.status == "SUCCEEDED", execution.cause
    assert cloud.rds.data(kind.name, kind.identifier) == data
    assert cloud.rds.data(kind.snapshot_kind, kind.snapshot) == data
    assert any("acceptWriteLoss" in line for line in execution.output["warnings"])


@each_kind
def test_restored_first_the_original_may_be_kept(cloud: App, kind: Kind) -> None:
    before = {name: found[0] for name, found in databases(cloud).items()}

    execution = first(cloud, kind, keepOriginal=True)

    assert execution.status == "SUCCEEDED", execution.cause
    after = {name: found[0] for name, found in databases(cloud).items()}
    for of, name in parts(kind):
        assert after[f"{of} {name}-temp"] == before[f"{of} {name}"]
        assert f"{of} {name}-copy" not in after
    assert tagged(cloud) == []


@pytest.mark.parametrize("strategy", ["restore-first", "rename-first"])
def test_custom_endpoints_follow_the_names(cloud: App, strategy: str) -> None:
    with cloud.rds.instantly():
        cloud.rds.call(
            "CreateDBClusterEndpoint", {"DBClusterIdentifier": CLUSTER.identifier, **CUSTOM}
        )

    execution = run(cloud, CLUSTER.request("db_restore", strategy=strategy))

    assert execution.status == "SUCCEEDED", execution.cause
    cloud.rds.settle()
    (endpoint,) = cloud.rds.custom_endpoints.values()
    assert endpoint["DBClusterIdentifier"] == CLUSTER.identifier
    assert endpoint["StaticMembers"] == CUSTOM["StaticMembers"]


FAILING = {
    "the restore is refused": ("Restore", "RestoreDB*", "RestoreFailed"),
    "the configuration is refused": ("Configure", "AddRoleToDB*", "ConfigureFailed"),
    "the look is refused": ("Verify", "DescribeDB*s", "ConfigurationDiffers"),
    "the rename is refused": ("Rename", "ModifyDB*", "RenameFailed"),
}


@each_kind
@pytest.mark.parametrize("name", FAILING)
def test_restored_first_a_failure_leaves_the_account_as_it_was(
    cloud: App, kind: Kind, name: str
) -> None:
    before = databases(cloud)
    function, operation, error = FAILING[name]
    operation = kind.operation(operation)
    if operation.startswith("Restore"):
        operation += "FromSnapshot" if kind.is_cluster else "FromDBSnapshot"
    cloud.faults.append(On(f"{function}{kind.name.capitalize()}", operation, DENIED))

    execution = first(cloud, kind)

    assert (execution.status, execution.error) == ("FAILED", error)
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert f"The original serves as {kind.identifier}" in flowing(mail.text)


@each_kind
def test_a_swap_that_fails_at_its_end_is_undone(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    cloud.faults.append(OnceReplaced(cloud, kind))

    execution = first(cloud, kind)

    assert execution.status == "FAILED"
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert f"what was restored as {kind.identifier}-copy was removed" in flowing(mail.text)


@each_kind
def test_a_rollback_of_a_swap_that_is_denied_is_told_and_recovered(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    cloud.faults.append(OnceReplaced(cloud, kind))
    cloud.faults.append(On("RollBack", kind.operation("ModifyDB*"), DENIED))

    failed = first(cloud, kind)
    (mail,) = cloud.alerts
    cloud.faults.clear()
    recovery = run(cloud, kind.request("recover"), "recovery")

    assert failed.status == "FAILED"
    for word in (f"{kind.identifier}-temp", "the original", "recover"):
        assert word in flowing(mail.text)
    assert recovery.status == "SUCCEEDED", recovery.cause
    assert databases(cloud) == before
    assert tagged(cloud) == []


@each_kind
def test_a_reader_that_could_not_be_renamed_at_once_has_its_name_in_the_end(
    cloud: App, kind: Kind
) -> None:
    """The point of no return waits for the writer alone."""
    copy = (*kind.members, kind.identifier)[-1 if not kind.members else 1] + "-copy"

    def refuse(call: Call) -> Fault | None:
        renames = call.caller.startswith("Rename") and call.operation == "ModifyDBInstance"
        if not renames or call.parameters["DBInstanceIdentifier"] != copy:
            return None
        cloud.faults.remove(refuse)
        return Fault("InvalidDBInstanceState", "It is busy")

    cloud.faults.append(refuse)
    names = set(databases(cloud))

    execution = first(cloud, kind)

    assert execution.status == "SUCCEEDED", execution.cause
    assert refuse not in cloud.faults
    assert set(databases(cloud)) == names


@each_kind
def test_a_copy_s_name_that_is_taken_is_refused(cloud: App, kind: Kind) -> None:
    with cloud.rds.instantly():
        cloud.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": f"{(*kind.members, kind.identifier)[0]}-copy",
            "DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "AllocatedStorage": 20,
            "MasterUsername": "someone", "ManageMasterUserPassword": True,
        })  # fmt: skip
    before = databases(cloud)

    execution = first(cloud, kind)

    assert (execution.status, execution.error) == ("FAILED", "NameTaken")
    assert "-copy" in execution.cause
    assert databases(cloud) == before


# Under a target


@each_kind
def test_a_target_is_a_whole_copy_beside_an_original_that_nothing_happens_to(
    cloud: App, kind: Kind
) -> None:
    before, originals = databases(cloud), {part: shown(cloud, *part) for part in parts(kind)}

    execution = run(cloud, kind.request("db_restore", targetIdentifier=target(kind)))

    assert (execution.status, execution.error) == ("SUCCEEDED", "")
    copies = parts(kind, ("prod", "drill"))
    after = databases(cloud)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f"{of} {name}" for of, name in copies}
    for part, copy in zip(originals, copies, strict=True):
        _, lines = report.differences(part[0], originals[part], shown(cloud, *copy))
        assert lines == []
    data = cloud.rds.data(kind.snapshot_kind, kind.snapshot)
    assert cloud.rds.data(kind.name, target(kind)) == data
    assert execution.output["target"] == target(kind)
    assert execution.output["resourceId"] == after[f"{kind.name} {target(kind)}"][0]
    assert (tagged(cloud), cloud.alerts) == ([], [])


@each_kind
def test_a_target_of_a_new_snapshot_holds_what_the_original_does(cloud: App, kind: Kind) -> None:
    execution = run(cloud, kind.request("create_snapshot", targetIdentifier=target(kind)))

    assert execution.status == "SUCCEEDED", execution.cause
    data = cloud.rds.data(kind.name, kind.identifier)
    assert cloud.rds.data(kind.name, target(kind)) == data
    assert cloud.rds.data(kind.snapshot_kind, kind.snapshot) == data


@each_kind
@pytest.mark.parametrize("function", ["Restore", "Configure"])
def test_a_target_that_fails_is_removed(cloud: App, kind: Kind, function: str) -> None:
    before = databases(cloud)
    operation = "CreateDBInstance" if kind.is_cluster else "RestoreDBInstanceFromDBSnapshot"
    if function == "Configure":
        operation = kind.operation("AddRoleToDB*")
    cloud.faults.append(On(function, operation, DENIED))

    execution = run(cloud, kind.request("db_restore", targetIdentifier=target(kind)))

    assert execution.status == "FAILED"
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert f"What was restored as {target(kind)} was removed" in flowing(mail.text)
    assert f"{kind.identifier} was not touched" in flowing(mail.text)


@each_kind
def test_a_target_that_could_not_be_finished_is_told_and_stays(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    cloud.faults.append(On("Untag", "RemoveTagsFromResource", DENIED))

    execution = run(cloud, kind.request("db_restore", targetIdentifier=target(kind)))

    assert (execution.status, execution.error) == ("FAILED", "UntagFailed")
    after = databases(cloud)
    assert {name: after[name] for name in before} == before
    assert f"{kind.name} {target(kind)}" in after
    (mail,) = cloud.alerts
    assert f"The restored database stands as {target(kind)}" in flowing(mail.text)
    assert (
        "remove-tags-from-resource --region us-east-1 --tag-keys trapheus:in-progress"
        in flowing(mail.text)
    )


@each_kind
def test_a_target_that_is_taken_is_refused(cloud: App, kind: Kind) -> None:
    request = kind.request("db_restore", targetIdentifier=target(kind))
    first_run = run(cloud, request)
    before = databases(cloud)

    again = run(cloud, request, "again")

    assert first_run.status == "SUCCEEDED", first_run.cause
    assert (again.status, again.error) == ("FAILED", "NameTaken")
    assert databases(cloud) == before


# Another snapshot, other parameters


def take(cloud: App, kind: Kind, name: str) -> str:
    """Take a snapshot of what the database holds now; its data."""
    call = "CreateDBClusterSnapshot" if kind.is_cluster else "CreateDBSnapshot"
    database = "DBClusterIdentifier" if kind.is_cluster else "DBInstanceIdentifier"
    snapshot = "DBClusterSnapshotIdentifier" if kind.is_cluster else "DBSnapshotIdentifier"
    with cloud.rds.instantly():
        cloud.rds.call(call, {database: kind.identifier, snapshot: name})
    return str(cloud.rds.data(kind.snapshot_kind, name))


@each_kind
@pytest.mark.parametrize("snapshot_type", ["manual", "automated"])
@pytest.mark.parametrize("asked", ["named", "latest"])
def test_another_snapshot_can_be_restored(
    cloud: App, kind: Kind, snapshot_type: str, asked: str
) -> None:
    name = "before-the-release"
    if snapshot_type == "automated":
        with cloud.rds.instantly():
            name = db_snapshots.back_up(cloud.rds, kind.name, kind.identifier)
        data = str(cloud.rds.data(kind.snapshot_kind, name))
    else:
        data = take(cloud, kind, name)
    assert data != cloud.rds.data(kind.snapshot_kind, kind.snapshot)
    wanted = name if asked == "named" else "latest"

    execution = run(cloud, kind.request("db_restore", snapshotIdentifier=wanted))

    assert execution.status == "SUCCEEDED", execution.cause
    assert cloud.rds.data(kind.name, kind.identifier) == data
    assert execution.output["restoredFrom"] == name


@pytest.mark.usefixtures("any_override")
@each_kind
def test_what_the_original_has_may_be_switched_off(cloud: App, kind: Kind) -> None:
    overrides = {"ManageMasterUserPassword": False}
    if kind is CLUSTER:
        overrides["EnableLocalWriteForwarding"] = False
    request = kind.request("db_restore", targetIdentifier=target(kind), overrides=overrides)

    execution = run(cloud, request)

    assert execution.status == "SUCCEEDED", execution.cause
    copy = shown(cloud, kind.name, target(kind))
    assert "MasterUserSecret" not in copy
    assert copy.get("LocalWriteForwardingStatus", "disabled") == "disabled"
    told = {one["attribute"] for one in execution.output["report"]["differs"]}
    assert "MasterUserSecret" in told


@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_storage_near_its_ceiling_is_restored_without_the_ceiling(
    cloud: App, strategy: str
) -> None:
    cloud.rds.instances["prod-db"]["MaxAllocatedStorage"] = 510

    execution = run(cloud, INSTANCE.request("create_snapshot", strategy=strategy, **(
        {"acceptWriteLoss": True} if strategy == "restore-first" else {}
    )))  # fmt: skip

    assert execution.status == "SUCCEEDED", execution.cause
    assert "MaxAllocatedStorage" not in cloud.rds.instances["prod-db"]
    (told,) = execution.output["report"]["differs"]
    assert (told["attribute"], told["was"], told["now"]) == ("MaxAllocatedStorage", 510, None)


@pytest.mark.parametrize(("size", "asked"), [(100, 500), (500, 100)])
def test_storage_may_cross_the_size_from_which_iops_can_be_asked_for(
    cloud: App, size: int, asked: int
) -> None:
    speed = {100: (3000, 125), 500: (12000, 500)}
    snapshot = cloud.rds.find("snapshot", "prod-db-snapshot")
    sizes = ((cloud.rds.instances["prod-db"], size), (snapshot.shown, 100))
    for found, gigabytes in (*sizes, (snapshot.source["settings"], 100)):
        iops, throughput = speed[gigabytes]
        found |= {"AllocatedStorage": gigabytes, "Iops": iops, "StorageThroughput": throughput}
    overrides = {"AllocatedStorage": asked}

    execution = run(
        cloud, INSTANCE.request("db_restore", targetIdentifier="drill-db", overrides=overrides)
    )

    assert execution.status == "SUCCEEDED", execution.cause
    copy = shown(cloud, "instance", "drill-db")
    assert copy["AllocatedStorage"] == asked
    assert (copy["Iops"], copy["StorageThroughput"]) == speed[asked]
    told = {one["attribute"] for one in execution.output["report"]["differs"]}
    assert {"AllocatedStorage", "Iops", "StorageThroughput"} <= told


@each_kind
def test_parameters_are_overridden_and_the_rest_is_as_it_was(cloud: App, kind: Kind) -> None:
    originals = {part: shown(cloud, *part) for part in parts(kind)}
    overrides = {
        "DBInstanceClass": "db.t4g.medium",
        "BackupRetentionPeriod": 1,
        "MonitoringInterval": 0,
    }
    request = kind.request("db_restore", targetIdentifier=target(kind), overrides=overrides)

    execution = run(cloud, request)

    assert execution.status == "SUCCEEDED", execution.cause
    for (of, name), copy in zip(originals, parts(kind, ("prod", "drill")), strict=True):
        was, now = originals[of, name], shown(cloud, *copy)
        asked = {key: value for key, value in overrides.items() if key in was}
        # An Aurora cluster shows no interval where there is none.
        assert {key: now.get(key, 0) for key in asked} == asked
        _, lines = report.differences(of, {**was, **asked}, {"MonitoringInterval": 0, **now})
        # What follows from the class and the interval.
        following = ("ProcessorFeatures", "MonitoringRoleArn", "EnhancedMonitoringResourceArn")
        assert [line for line in lines if not str(line).startswith(following)] == []
    told = [one for one in execution.output["report"]["differs"] if "member" not in one]
    assert {one["attribute"] for one in told if one["done"] == "overridden by the request"} <= {
        "BackupRetentionPeriod", "DBInstanceClass", "DeletionProtection", "MonitoringInterval"
    }  # fmt: skip
    assert "BackupRetentionPeriod" in {one["attribute"] for one in told}
    assert execution.output["report"]["cannotKeep"] == []
