"""Hooks on a copy before it is swapped, or stays under a target: what AWS holds afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.emulator.cloud import Fault
from tests import hooking
from tests.hooking import FUNCTION, MACHINE, hook
from tests.mailed import flowing
from tests.pipeline.observed import KINDS, Kind, as_plain, databases, run, stop_at, tagged

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Execution

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
HOUR = 3600.0
# Both ways in which a copy is made first, and the name that it has meanwhile.
WAYS: dict[str, tuple[dict[str, str], str]] = {
    "restore-first": ({"strategy": "restore-first"}, "-copy"),
    "target": ({}, ""),
}
each_way = pytest.mark.parametrize("way", WAYS)


def target(kind: Kind) -> str:
    return kind.identifier.replace("prod", "staging2")


def copy_of(kind: Kind, way: str) -> str:
    return target(kind) if way == "target" else f"{kind.identifier}-copy"


def restore(cloud: App, kind: Kind, way: str, *hooks: dict[str, Any], **more: Any) -> Execution:
    how = {"targetIdentifier": target(kind)} if way == "target" else {"strategy": way}
    return run(cloud, kind.request("db_restore", beforeSwap=list(hooks), **how, **more))


def untouched(cloud: App, kind: Kind, before: dict[str, tuple[str, str]]) -> None:
    """Nothing but the original is left, as it was, without a lock."""
    assert databases(cloud) == before
    assert tagged(cloud) == []
    items = cloud.client("dynamodb").scan(TableName=cloud.physical_id("LockTable"))["Items"]
    assert items == []


@each_way
@each_kind
def test_hooks_run_one_after_another_on_the_copy_and_their_answers_are_in_the_output(
    cloud: App, kind: Kind, way: str
) -> None:
    original = databases(cloud)[f"{kind.name} {kind.identifier}"][0]

    execution = restore(cloud, kind, way, hook(rules="strict"), hook(MACHINE))

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")
    first, second = execution.output["hooks"]
    assert [first["run"], second["run"]] == [FUNCTION, MACHINE]
    saw = first["answer"]["saw"]
    restored = cloud.rds.find(kind.name, target(kind) if way == "target" else kind.identifier).shown
    assert saw == {
        "execution": execution.arn,
        "database": {
            "identifier": copy_of(kind, way),
            "kind": kind.name,
            "engine": restored["Engine"],
            "engineVersion": restored["EngineVersion"],
            "endpoint": saw["database"]["endpoint"],
            "port": restored["Port"] if kind.is_cluster else restored["Endpoint"]["Port"],
            "databaseName": restored["DatabaseName" if kind.is_cluster else "DBName"],
            "masterUsername": restored["MasterUsername"],
            "masterUserSecret": restored["MasterUserSecret"]["SecretArn"],
            "resourceId": restored["DbClusterResourceId" if kind.is_cluster else "DbiResourceId"],
        },
        "snapshot": kind.snapshot,
        "dataAsOf": execution.output["dataAsOf"],
        "with": {"rules": "strict"},
    }
    assert saw["database"]["endpoint"].startswith(copy_of(kind, way))
    assert saw["database"]["resourceId"] != original
    assert second["answer"]["saw"]["database"] == saw["database"]
    assert len(hooking.runs(cloud)) == 2
    assert (tagged(cloud), cloud.alerts) == ([], [])
    (mail,) = [mail for mail in cloud.mails if mail.subject.startswith("[OK]")]
    assert f"what has passed on it: {FUNCTION}, {MACHINE}." in flowing(mail.text)
    warned = "from before the end of this execution hold the data as the hooks have found them"
    assert warned in flowing(mail.text)
    assert "Its data is 7 days" in flowing(mail.text)


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        (None, True),
        ("no row is left", True),
        (0, True),
        ([], True),
        ({"rows": 0}, True),
        ({"passed": True}, True),
        (False, False),
        ({"passed": False}, False),
        ({"passed": "false"}, False),
        ({"passed": 0}, False),
        ({"passed": None}, False),
        ([{"passed": False}, {"passed": True}], False),
    ],
    ids=str,
)
def test_a_refusal_in_any_form_is_one(cloud: App, answer: Any, passes: bool) -> None:
    one = {"run": FUNCTION, "function": hooking.PARAMETERS["HookFunctions"], "repeatable": False,
           "with": {"do": "give", "answer": answer}, "timeoutMinutes": 5}  # fmt: skip
    told = {"execution": "arn:one", "database": {}, "snapshot": "one", "dataAsOf": "now"}

    ran = cloud.run(cloud.physical_id("HooksStateMachine"), {**told, "hooks": [one]}, "run")

    assert (ran.status, ran.output["passed"]) == ("SUCCEEDED", passes)
    expected = [{"run": FUNCTION, "answer": answer}] if passes else []
    assert ran.output["hooks"] == expected


@each_kind
def test_the_secret_of_a_managed_password_is_there_before_the_hooks_run(
    cloud: App, kind: Kind
) -> None:
    statuses: list[str] = []

    def note(call: Call) -> None:
        if hooking.is_run(call):
            shown = cloud.rds.find(kind.name, f"{kind.identifier}-copy").shown
            statuses.append(shown["MasterUserSecret"]["SecretStatus"])

    cloud.faults.append(note)

    assert restore(cloud, kind, "restore-first", hook()).status == "SUCCEEDED"
    assert statuses == ["active"]


@each_way
@each_kind
@pytest.mark.parametrize(
    ("given", "why"),
    [
        (hook(do="refuse"), "The hook mask has not passed: customers has 0 rows."),
        (hook(do="raise"), 'mask has not passed: ValueError: the table "customers" is not there.'),
        (hook(do="die"), "The hook mask has not passed: Runtime.ExitError: "),
        (hook(do="hang"), "Task timed out after 300.00 seconds."),
        (hook(do="hang", timeoutMinutes=2), "mask has not passed: it was not done within 2 min"),
        (hook(do="go on", timeoutMinutes=30), "it was not done within 30 minutes (StillInPr"),
        (hook(do="answer", length=8193), "its answer has more than 8 KB."),
        (hook(do="answer", length=300_000), "States.DataLimitExceeded: "),
        (hook(MACHINE, do="refuse"), "The hook inspect-data has not passed: customers has 0 rows."),
        (hook(MACHINE, do="raise"), "inspect-data has not passed: States.TaskFailed: the audit is"),
        (hook(MACHINE, do="rest", seconds=2 * HOUR), "it was not done within 60 minutes."),
    ],
    ids=lambda value: str(value.get("with")) if isinstance(value, dict) else "",
)
def test_a_hook_that_does_not_pass_removes_the_copy_and_touches_nothing(
    cloud: App, kind: Kind, way: str, given: dict[str, Any], why: str
) -> None:
    before = databases(cloud)
    shown = as_plain(cloud.rds.find(kind.name, kind.identifier).shown)

    execution = restore(cloud, kind, way, given, hook())
    cloud.settle()

    assert (execution.status, execution.error) == ("FAILED", "HookFailed")
    assert why in execution.cause
    untouched(cloud, kind, before)
    assert as_plain(cloud.rds.find(kind.name, kind.identifier).shown) == shown
    assert not cloud.rds.outages(kind.name, kind.identifier)
    (mail,) = cloud.alerts
    assert mail.subject.startswith("[NOT TOUCHED]")
    assert why.rstrip(".") in flowing(mail.text)
    # The one behind it has not been run, nor has the first one been run again.
    if given["with"].get("do") != "go on":
        assert len(hooking.runs(cloud)) == 1


@pytest.mark.thorough
@each_kind
def test_a_function_that_goes_on_is_called_again_for_hours(cloud: App, kind: Kind) -> None:
    begins = cloud.clock.now()
    given = hook(do="go on", until=begins + 2 * HOUR, timeoutMinutes=240)

    execution = restore(cloud, kind, "restore-first", given)

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")
    assert 2 * HOUR < execution.stopped - begins < 3 * HOUR
    assert 60 < len(hooking.runs(cloud)) < 120


@pytest.mark.thorough
@each_kind
def test_a_function_that_goes_on_for_a_day_fits_into_its_history(cloud: App, kind: Kind) -> None:
    execution = restore(cloud, kind, "restore-first", hook(do="go on", timeoutMinutes=1440))

    assert execution.error == "HookFailed"
    assert len(hooking.history(cloud).history) < 15_000
    assert len(execution.history) < 1_000


@pytest.mark.thorough
@each_kind
@pytest.mark.parametrize("how", ["killed", "a fault of Lambda"])
def test_what_may_have_run_is_run_again_only_where_the_request_says_so(
    cloud: App, kind: Kind, how: str
) -> None:
    before = databases(cloud)
    broken = Fault("ServiceException", "Lambda has failed", 500)

    def break_once(call: Call) -> Fault | None:
        return broken if hooking.is_run(call) and len(hooking.runs(cloud)) == 1 else None

    def given(**more: Any) -> dict[str, Any]:
        if how == "killed":
            return hook(do="die", until=cloud.clock.now() + HOUR, timeoutMinutes=240, **more)
        return hook(**more)

    if how != "killed":
        cloud.faults.append(break_once)

    once = restore(cloud, kind, "restore-first", given())

    assert once.error == "HookFailed"
    assert len(hooking.runs(cloud)) == 1
    untouched(cloud, kind, before)
    cloud.calls.clear()

    again = run(cloud, kind.request(
        "db_restore", strategy="restore-first", beforeSwap=[given(repeatable=True)]), "again"
    )  # fmt: skip

    assert (again.status, again.cause) == ("SUCCEEDED", "")
    assert len(hooking.runs(cloud)) > 1


@each_kind
def test_what_was_not_run_is_run_later_without_more_ado(cloud: App, kind: Kind) -> None:
    cloud.functions.idle = FUNCTION

    execution = restore(cloud, kind, "restore-first", hook())

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")


@each_way
@each_kind
@pytest.mark.parametrize("run_by", [FUNCTION, MACHINE])
def test_an_execution_that_is_stopped_while_a_hook_runs_ends_the_hook_and_removes_the_copy(
    cloud: App, kind: Kind, way: str, run_by: str
) -> None:
    before = databases(cloud)
    does = {"do": "rest", "seconds": 50 * 60} if run_by == MACHINE else {"do": "go on"}

    def stop(call: Call) -> None:
        if hooking.is_run(call) and len(hooking.runs(cloud)) == 1:
            stopping.start()

    def stop_soon() -> None:
        cloud.clock.sleep(300)
        machine = cloud.machine.replace(":stateMachine:", ":execution:")
        cloud.client("stepfunctions").stop_execution(executionArn=f"{machine}:run")

    stopping = cloud.clock.Thread(target=stop_soon)
    cloud.faults.append(stop)

    execution = restore(cloud, kind, way, hook(run_by, **does))
    cloud.settle()

    assert execution.status == "ABORTED"
    assert hooking.history(cloud).status == "ABORTED"
    if run_by == MACHINE:
        assert hooking.of_the_machine(cloud).status == "ABORTED"
    untouched(cloud, kind, before)


@each_way
@each_kind
def test_a_copy_is_none_to_keep_before_its_hooks_have_passed(
    cloud: App, kind: Kind, way: str
) -> None:
    before = databases(cloud)
    stop_at(cloud, "Run the hooks")

    assert restore(cloud, kind, way, hook()).status == "ABORTED"
    cloud.settle()

    untouched(cloud, kind, before)


@each_kind
def test_what_a_hook_has_changed_of_the_copy_is_seen_before_the_swap(
    cloud: App, kind: Kind
) -> None:
    before = databases(cloud)

    def change(call: Call) -> None:
        if hooking.is_run(call):
            cloud.rds.find(kind.name, f"{kind.identifier}-copy").shown["BackupRetentionPeriod"] = 1

    cloud.faults.append(change)

    execution = restore(cloud, kind, "restore-first", hook())

    assert execution.error == "ConfigurationDiffers"
    assert "BackupRetentionPeriod" in execution.cause
    untouched(cloud, kind, before)


@each_kind
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"beforeSwap": [{"run": "drop-all"}], "strategy": "restore-first"}, "HookNotAllowed"),
        ({"beforeSwap": [hook()] * 6, "strategy": "restore-first"}, "InvalidRequest"),
        ({"beforeSwap": [hook(text="x" * 9_000)], "strategy": "restore-first"}, "InvalidRequest"),
        ({"beforeSwap": [hook()]}, "InvalidRequest"),
    ],
    ids=["not listed", "six", "9 KB", "wrong strategy"],
)
def test_hooks_that_cannot_be_are_refused_before_anything_is_touched(
    cloud: App, kind: Kind, given: dict[str, Any], error: str
) -> None:
    before = databases(cloud)

    execution = run(cloud, kind.request("db_restore", **given))

    assert (execution.status, execution.error) == ("FAILED", error)
    assert hooking.runs(cloud) == []
    untouched(cloud, kind, before)


@each_kind
def test_a_machine_of_the_hooks_that_does_not_answer_is_told_with_its_execution(
    cloud: App, kind: Kind
) -> None:
    before = databases(cloud)

    def stop(call: Call) -> None:
        if hooking.is_run(call):
            name = cloud.physical_id("HooksStateMachine").replace(":stateMachine:", ":execution:")
            client = cloud.client("stepfunctions")
            cloud.clock.Thread(
                target=lambda: client.stop_execution(executionArn=f"{name}:run", cause="A mistake")
            ).start()

    cloud.faults.append(stop)

    execution = restore(cloud, kind, "restore-first", hook(do="hang"))

    assert execution.error == "HookFailed"
    assert "run has ended: ABORTED: A mistake." in execution.cause
    untouched(cloud, kind, before)


@each_kind
@pytest.mark.parametrize("carried_out", [True, False])
def test_hooks_are_started_once_though_the_answer_is_lost(
    cloud: App, kind: Kind, carried_out: bool
) -> None:
    from local.emulator.cloud import lost

    faults = [lost(carried_out=carried_out)]

    def lose(call: Call) -> Fault | None:
        to_hooks = "HooksStateMachine" in str(call.parameters.get("stateMachineArn"))
        return faults.pop() if call.operation == "StartExecution" and to_hooks and faults else None

    cloud.faults.append(lose)

    execution = restore(cloud, kind, "restore-first", hook(MACHINE, do="rest", seconds=600))

    assert (execution.status, execution.cause, faults) == ("SUCCEEDED", "", [])
    assert len(hooking.runs(cloud)) == 1
