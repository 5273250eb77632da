"""Each single failing step: status, error, databases afterwards, mail."""

import json
from dataclasses import dataclass

import pytest

from local.commands.app import App
from local.emulator.cloud import Call, Fault, killed, lost
from tests.mailed import blocks, flowing
from tests.pipeline.observed import (
    CLUSTER,
    INSTANCE,
    KINDS,
    Kind,
    On,
    databases,
    run,
    snapshots,
    tagged,
)

DENIED = Fault("AccessDenied", "User is not authorized", 403)

# All ways of a message.
WAYS = ("SendEmail", "Publish", "PutEvents")
# A little less than a function's time.
HANGING = 280

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@dataclass(frozen=True)
class Step:
    """A step, the operation that fails in it, and the error that must name it.

    In the operation * stands for Instance or Cluster.
    """

    function: str
    operation: str
    error: str

    def __str__(self) -> str:
        return f"{self.function}-{self.operation}"


PREPARE = [
    Step("Check", "DescribeDB*s", "CheckFailed"),
    Step("Snapshot", "Create", "SnapshotFailed"),
    Step("Snapshot", "Delete", "SnapshotFailed"),
    Step("Snapshot", "RemoveTagsFromResource", "SnapshotFailed"),
]
REPLACE = [
    Step("Rename", "DescribeDB*s", "RenameFailed"),
    Step("Rename", "AddTagsToResource", "RenameFailed"),
    Step("Rename", "ModifyDB*", "RenameFailed"),
    Step("Wait", "DescribeDB*s", "RenameFailed"),
    Step("Restore", "DescribeDB*s", "RestoreFailed"),
    Step("Restore", "RestoreDB*", "RestoreFailed"),
]
FINISH = [
    Step("Configure", "DescribeDB*s", "ConfigureFailed"),
    Step("Configure", "AddRoleToDB*", "ConfigureFailed"),
    Step("Configure", "ModifyDB*", "ConfigureFailed"),
    Step("Verify", "DescribeDB*s", "ConfigurationDiffers"),
    Step("Delete", "DescribeDB*s", "DeleteFailed"),
    Step("Delete", "ModifyDB*", "DeleteFailed"),
    Step("Delete", "DeleteDB*", "DeleteFailed"),
]


def failing(step: Step, kind: Kind, fault: Fault = DENIED, times: int = 10**6) -> On:
    """The step's fault, its operation spelled for the kind."""
    operation = kind.operation(step.operation)
    if step.operation in ("Create", "Delete"):
        operation += "DBClusterSnapshot" if kind.is_cluster else "DBSnapshot"
    if step.operation == "RestoreDB*":
        operation += "FromSnapshot" if kind.is_cluster else "FromDBSnapshot"
    return On(f"{step.function}{kind.name.capitalize()}Function", operation, fault, times)


def originals(cloud: App, kind: Kind) -> dict[str, str]:
    """The resource id under each name of the sample database."""
    names = [f"{kind.name} {kind.identifier}", *(f"instance {name}" for name in kind.members)]
    now = databases(cloud)
    return {name: now[name][0] for name in names}


@each_kind
@pytest.mark.parametrize("step", PREPARE, ids=str)
def test_a_failure_in_prepare_leaves_the_database_untouched(
    cloud: App, kind: Kind, step: Step
) -> None:
    before = databases(cloud)
    fault = failing(step, kind)
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("create_snapshot"))

    assert fault.fired
    assert (execution.status, execution.error) == ("FAILED", step.error)
    assert databases(cloud) == before
    assert snapshots(cloud)[kind.snapshot] == "available"
    (mail,) = cloud.alerts
    assert "The database was not touched." in flowing(mail.text)
    assert "AccessDenied" in flowing(mail.text)


@each_kind
@pytest.mark.parametrize("step", REPLACE, ids=str)
def test_a_failure_in_replace_puts_the_original_back_and_fails_the_execution(
    cloud: App, kind: Kind, step: Step
) -> None:
    before = databases(cloud)
    fault = failing(step, kind)
    if step.function == "Wait":
        # The rollback waits with the same function.
        fault.times = 1
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore"))

    assert fault.fired
    assert (execution.status, execution.error) == ("FAILED", step.error)
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert f"The original was put back and serves as {kind.identifier}." in flowing(mail.text)


WORDS = {
    "instance": "Database instance put into incompatible-restore. The instance has 76 databases,"
    " but after conversion it would only support 75.",
    "cluster": "You can't create the DB cluster because of incompatible resources.",
}


@each_kind
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
@pytest.mark.parametrize("is_denied", [False, True], ids=["told", "denied"])
def test_a_restore_that_rds_fails_is_told_in_its_words_unless_it_denies_them(
    cloud: App, kind: Kind, strategy: str, *, is_denied: bool
) -> None:
    """They were asked for before what has failed was deleted; nothing else depends on them."""
    before = databases(cloud)
    cloud.rds.poison(kind.name, kind.identifier)
    fault = On("", "DescribeEvents", DENIED)
    if is_denied:
        cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore", strategy=strategy))

    assert bool(fault.fired) == is_denied
    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    swapped = strategy == "rename-first"
    assert mail.subject.startswith("[SERVING, put back]" if swapped else "[NOT TOUCHED]")
    failed = kind.identifier + ("-copy" if strategy == "restore-first" else "")
    for text in (flowing(mail.text), execution.cause):
        assert (f"{failed}: {WORDS[kind.name]}" in text) is not is_denied
        assert f"{failed} is incompatible-restore" in text
    assert ("WHAT RDS SAYS" in mail.text) is not is_denied


@each_kind
@pytest.mark.parametrize("step", FINISH, ids=str)
def test_a_failure_in_finish_keeps_both_databases_and_tells_the_two_ways_out(
    cloud: App, kind: Kind, step: Step
) -> None:
    before = originals(cloud, kind)
    old_data = cloud.rds.data(kind.snapshot_kind, kind.snapshot)
    fault = failing(step, kind)
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore"))

    assert fault.fired
    assert (execution.status, execution.error) == ("FAILED", step.error)
    cloud.clock.advance(600)  # the reboots of the members that were renamed
    now = databases(cloud)
    for name, resource_id in before.items():
        assert now[name][0] != resource_id
        assert now[name][1] in ("available", "backing-up")
    if (step.function, step.operation, kind.name) != ("Delete", "DeleteDB*", "cluster"):
        # There the members have gone before the cluster's own deletion is refused.
        assert all(now[f"{name}-temp"] == (id_, "available") for name, id_ in before.items())
    assert now[f"{kind.name} {kind.identifier}-temp"][0] in before.values()
    assert cloud.rds.data(kind.name, kind.identifier) == old_data
    (mail,) = cloud.alerts
    *back, forward = [block.commands for block in blocks(mail.text)]
    deleted = f"--db-{kind.name}-identifier {kind.identifier}-temp"
    assert f"delete-db-{kind.name} --region us-east-1 {deleted}" in str(forward)
    if (step.function, step.operation, kind.name) != ("Delete", "DeleteDB*", "cluster"):
        assert f"identifier {kind.identifier}-temp --new-db-{kind.name}-identifier" in str(back)


@each_kind
def test_a_failing_untag_tells_that_the_restored_database_serves(cloud: App, kind: Kind) -> None:
    before = set(databases(cloud))
    fault = failing(Step("Untag", "RemoveTagsFromResource", "UntagFailed"), kind)
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore"))

    assert fault.fired
    assert (execution.status, execution.error) == ("FAILED", "UntagFailed")
    assert set(databases(cloud)) == before
    (mail,) = cloud.alerts
    assert f"The restored database serves as {kind.identifier}" in flowing(mail.text)


@each_kind
def test_a_failing_rollback_is_told_with_the_commands_that_finish_it(
    cloud: App, kind: Kind
) -> None:
    before = originals(cloud, kind)
    restore = failing(Step("Restore", "RestoreDB*", "RestoreFailed"), kind)
    back = failing(Step("RollBack", "ModifyDB*", "RollbackFailed"), kind)
    cloud.faults += [restore, back]

    execution = run(cloud, kind.request("db_restore"))

    assert restore.fired
    assert back.fired
    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    cloud.clock.advance(600)  # the renames of the members that were under way
    now = databases(cloud)
    originals_now = {found[0] for name, found in now.items() if kind.identifier in name}
    assert set(before.values()) <= originals_now
    # A cluster's members have their names again, since these renames are asked for first.
    assert now[f"{kind.name} {kind.identifier}-temp"][0] in before.values()
    (mail,) = cloud.alerts
    assert '"task": "recover"' in flowing(mail.text)
    assert "The rollback failed too (RollbackFailed)" in flowing(mail.text)
    assert f"{kind.identifier}-temp --new-db-{kind.name}-identifier {kind.identifier}" in flowing(
        mail.text
    )


@each_kind
def test_a_rollback_that_is_stopped_before_anything_was_renamed_is_recovered(
    cloud: App, kind: Kind
) -> None:
    """The rename could not note its phase, so that the rollback is the first that is noted."""
    before = databases(cloud)
    cloud.faults.append(On("Rename", "UpdateItem", DENIED))

    def stop(call: Call) -> None:
        if call.caller.startswith("RollBack") and call.operation.startswith("Describe"):
            cloud.faults.remove(stop)
            cloud.time_out(cloud.executions()[0])

    cloud.faults.append(stop)

    execution = run(cloud, kind.request("db_restore"))
    cloud.settle()

    assert execution.status == "TIMED_OUT"
    (mail,) = cloud.alerts
    assert "recovered" in mail.subject
    assert databases(cloud) == before
    assert locks(cloud) == []


@each_kind
def test_a_lock_that_could_not_be_written_does_not_stay_for_ever(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    cloud.faults += [On("Rename", "UpdateItem", DENIED), On("RollBack", "UpdateItem", DENIED)]
    execution = run(cloud, kind.request("db_restore"))
    assert (execution.status, execution.error) == ("FAILED", "LockFailed")
    assert databases(cloud) == before
    cloud.faults.clear()

    assert run(cloud, kind.request("recover"), "recovery").status == "SUCCEEDED"
    assert run(cloud, kind.request("db_restore"), "again").status == "SUCCEEDED"
    assert locks(cloud) == []


@each_kind
def test_what_was_left_outlives_an_execution_that_fails_to_take_the_lock(
    cloud: App, kind: Kind
) -> None:
    """It has the lock, without knowing it: the answer was lost, and the next try is denied."""
    before = databases(cloud)
    write, read = (
        On("TakeLock", "PutItem", killed(carried_out=True)),
        On("TakeLock", "GetItem", DENIED),
    )

    def stop(call: Call) -> None:
        if call.caller.startswith("Restore"):
            cloud.faults[:] = [write, lambda call: read(call) if write.fired else None]
            cloud.time_out(cloud.executions()[0])

    cloud.faults.append(stop)
    run(cloud, kind.request("db_restore"))
    cloud.settle()
    assert read.fired
    cloud.faults.clear()

    assert run(cloud, kind.request("recover"), "recovery").status == "SUCCEEDED"
    assert databases(cloud) == before
    assert locks(cloud) == []


@each_kind
def test_a_rename_that_hangs_behind_the_look_at_its_lock_comes_too_late(
    cloud: App, kind: Kind
) -> None:
    """Its execution is stopped meanwhile, and the recovery has ended before it goes on."""
    before = databases(cloud)

    def hang(call: Call) -> None:
        tags = call.caller.startswith("Rename") and call.operation == "AddTagsToResource"
        if tags and str(call.parameters["ResourceName"]).endswith(f":{kind.identifier}"):
            cloud.faults.remove(hang)
            arn = cloud.executions()[0]
            cloud.clock.Thread(target=lambda: cloud.time_out(arn), name="stop").start()
            cloud.clock.sleep(HANGING)

    cloud.faults.append(hang)

    run(cloud, kind.request("db_restore"))
    cloud.settle()
    cloud.clock.advance(900)  # what was renamed too late would have another name by then

    assert databases(cloud) == before
    assert locks(cloud) == []


def locks(cloud: App) -> list[dict]:
    table = cloud.physical_id("LockTable")
    return cloud.client("dynamodb").scan(TableName=table)["Items"]


def test_a_writer_that_cannot_be_made_rolls_the_cluster_back(cloud: App) -> None:
    before = databases(cloud)
    fault = On("RestoreClusterFunction", "CreateDBInstance", Fault("InvalidSubnet"))
    cloud.faults.append(fault)

    execution = run(cloud, CLUSTER.request("db_restore"))

    assert fault.fired
    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert databases(cloud) == before
    assert tagged(cloud) == []


def test_a_reader_that_cannot_be_made_never_rolls_back_a_writer_that_serves(cloud: App) -> None:
    before = originals(cloud, CLUSTER)

    def refuse(call: object) -> Fault | None:
        parameters = getattr(call, "parameters", {})
        is_reader = parameters.get("DBInstanceIdentifier") == "prod-cluster-reader"
        return (
            Fault("InvalidSubnet") if is_reader and call.operation == "CreateDBInstance" else None
        )

    cloud.faults.append(refuse)

    execution = run(cloud, CLUSTER.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "ConfigureFailed")
    cloud.clock.advance(600)  # the reboots of the members that were renamed
    now = databases(cloud)
    assert now["cluster prod-cluster"][1] == "available"
    assert now["instance prod-cluster-writer"][1] == "available"
    assert "instance prod-cluster-reader" not in now
    assert all(now[f"{name}-temp"] == (id_, "available") for name, id_ in before.items())


@each_kind
@pytest.mark.parametrize(
    "code", ["InsufficientDBInstanceCapacity", "InsufficientDBClusterCapacityFault"]
)
def test_capacity_is_waited_for_and_then_the_original_is_put_back(
    cloud: App, kind: Kind, code: str
) -> None:
    before = databases(cloud)
    fault = failing(Step("Restore", "RestoreDB*", ""), kind, Fault(code))
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore"))

    assert fault.fired > 5
    assert (execution.status, execution.error) == ("FAILED", "InsufficientCapacity")
    assert 600 < execution.stopped - execution.started < 45 * 60
    assert databases(cloud) == before
    (mail,) = cloud.alerts
    assert "no capacity" in flowing(mail.text)


@each_kind
def test_capacity_that_comes_back_is_used(cloud: App, kind: Kind) -> None:
    fault = failing(
        Step("Restore", "RestoreDB*", ""), kind, Fault("InsufficientDBInstanceCapacity"), times=2
    )
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore"))

    assert fault.fired == 2
    assert execution.status == "SUCCEEDED", execution.cause


@each_kind
def test_the_state_machine_sends_the_bare_facts_when_the_mail_function_fails(
    cloud: App, kind: Kind
) -> None:
    cloud.faults += [On("SendEmailFunction", name, DENIED) for name in WAYS]

    execution = run(cloud, {**kind.request("db_restore"), "task": "restore"})

    assert (execution.status, execution.error) == ("FAILED", "InvalidRequest")
    (mail,) = cloud.alerts
    assert mail.recipients == ["dba@example.com", "oncall@example.com"]
    assert mail.subject.startswith(f"[UNKNOWN] {kind.identifier}: ")
    assert execution.arn in flowing(mail.text)
    assert "\nInvalidRequest: The task 'restore' is unknown" in flowing(mail.text)
    assert f"RDS whether {kind.identifier}\n is available" in mail.text
    assert "\\" not in flowing(mail.text)


@pytest.mark.parametrize("given", [["a", {"b": '"'}], "prod-db", 3, {"identifier": ["<x>\n"]}, {}])
def test_the_bare_facts_are_told_of_any_input(cloud: App, given: object) -> None:
    cloud.faults += [On("SendEmailFunction", name, DENIED) for name in WAYS]

    execution = run(cloud, given)

    assert execution.error == "InvalidRequest"
    (mail,) = cloud.alerts
    assert "\n" not in mail.subject
    shown = mail.text.partition("REQUEST\n")[2].partition("\n\nEXECUTION")[0]
    assert (shown if isinstance(given, str) else json.loads(shown)) == given


def test_an_execution_fails_truthfully_even_when_no_message_can_be_sent(cloud: App) -> None:
    fault = On("", "SendEmail", DENIED)
    cloud.faults += [fault, *(On("SendEmailFunction", name, DENIED) for name in WAYS[1:])]

    execution = run(cloud, {**INSTANCE.request("db_restore"), "task": "restore"})

    assert fault.fired >= 2
    assert (execution.status, execution.error) == ("FAILED", "InvalidRequest")
    assert "unknown" in execution.cause
    assert cloud.alerts == []


@each_kind
def test_a_rollback_survives_lost_answers_and_half_an_hour_of_throttling(
    cloud: App, kind: Kind
) -> None:
    before = databases(cloud)
    restore = failing(Step("Restore", "RestoreDB*", ""), kind)
    gone = failing(Step("RollBack", "ModifyDB*", ""), kind, lost(carried_out=False), times=3)
    busy = failing(Step("RollBack", "ModifyDB*", ""), kind, Fault("Throttling"), times=60)
    cloud.faults += [restore, gone, busy]

    execution = run(cloud, kind.request("db_restore"))

    assert (restore.fired > 0, gone.fired, busy.fired) == (True, 3, 60)
    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert databases(cloud) == before
    assert tagged(cloud) == []


@each_kind
def test_a_function_that_always_dies_is_tried_six_times_more_and_the_original_put_back(
    cloud: App, kind: Kind
) -> None:
    before = databases(cloud)
    dying = failing(Step("Restore", "RestoreDB*", ""), kind, killed(carried_out=False))
    cloud.faults.append(dying)

    execution = run(cloud, kind.request("db_restore"))

    assert dying.fired == 7
    assert (execution.status, execution.error) == ("FAILED", "Runtime.ExitError")
    assert execution.stopped - execution.started < 30 * 60
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert f"The original was put back and serves as {kind.identifier}." in flowing(mail.text)


@each_kind
def test_a_database_that_is_not_shown_once_is_looked_for_again(cloud: App, kind: Kind) -> None:
    missing = "DBClusterNotFoundFault" if kind.is_cluster else "DBInstanceNotFound"
    fault = failing(Step("Rename", "DescribeDB*s", ""), kind, Fault(missing, "", 404), times=1)
    cloud.faults.append(fault)

    execution = run(cloud, kind.request("db_restore"))

    assert fault.fired == 1
    assert execution.status == "SUCCEEDED", execution.cause


@each_kind
def test_three_hours_of_backing_up_are_waited_for(cloud: App, kind: Kind) -> None:
    what = "restore cluster" if kind.is_cluster else "restore instance"
    cloud.rds.longer[what, "backing-up"] = 3 * 3600.0

    execution = run(cloud, kind.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause
    if not kind.is_cluster:
        assert execution.stopped - execution.started > 3 * 3600


def test_members_that_rds_takes_only_late_are_asked_for_again(cloud: App) -> None:
    cloud.rds.members_while_creating = False

    execution = run(cloud, CLUSTER.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert {f"instance {name}" for name in CLUSTER.members} <= set(databases(cloud))


@each_kind
def test_a_status_that_flaps_after_the_restore_is_survived(cloud: App, kind: Kind) -> None:
    cloud.rds.flaps = True

    execution = run(cloud, kind.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause


def test_an_old_snapshot_of_an_instance_is_brought_to_its_minor_version(cloud: App) -> None:
    cloud.rds.snapshots[INSTANCE.snapshot]["EngineVersion"] = "16.1"
    cloud.rds.find("snapshot", INSTANCE.snapshot).source["settings"]["EngineVersion"] = "16.1"

    execution = run(cloud, INSTANCE.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert cloud.rds.instances[INSTANCE.identifier]["EngineVersion"] == "16.4"
