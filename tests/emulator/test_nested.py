"""State machines that start state machines, on the embedded AWS."""

import json

import pytest

from local.emulator.cloud import Fault, lost

START = "arn:aws:states:::states:startExecution"
BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def starting(inner, how="", given=None, **more):
    """A Task that starts the machine `inner` under the name `inside`."""
    return {
        "Type": "Task",
        "Resource": START + how,
        "Parameters": {
            "StateMachineArn": inner,
            "Name": "inside",
            "Input": {BY + ".$": "$$.Execution.Id", "value.$": "$.value", **(given or {})},
        },
        **more,
    }


def inside(inner):
    return f"{inner.replace(':stateMachine:', ':execution:')}:inside"


@pytest.fixture
def resting(machine):
    """A machine that rests for an hour and answers with what it was given."""
    return machine({"Rest": {"Type": "Wait", "Seconds": 3600}})


@pytest.fixture
def failing(machine):
    return machine({"Rest": {"Type": "Wait", "Seconds": 60, "Next": "Fail"},
                    "Fail": {"Type": "Fail", "Error": "Rejected", "Cause": "rain"}})  # fmt: skip


def spent(execution):
    return round(execution.stopped - execution.started, 2)


def test_an_execution_that_is_not_waited_for_outlives_the_one_that_started_it(
    cloud, machine, resting
):
    outer = cloud.run(machine({"Start": starting(resting)}), {"value": 7})
    assert (outer.status, spent(outer)) == ("SUCCEEDED", 0.1), outer.cause
    assert outer.output["ExecutionArn"] == inside(resting)
    assert outer.output["StartDate"] == int(outer.stopped * 1000)
    assert cloud.describe(inside(resting)).status == "RUNNING"

    inner = cloud.wait(inside(resting))

    assert (inner.status, spent(inner)) == ("SUCCEEDED", 3600)
    assert inner.output == {BY: outer.arn, "value": 7}
    assert cloud.clock.now() == inner.stopped


def test_the_stop_of_an_execution_stops_the_one_that_it_waits_for(cloud, machine, resting):
    arn = machine({"Start": starting(resting, ".sync:2")})
    outer = cloud.clock.advance(100, lambda: cloud.start(arn, {"value": 7}))

    cloud.client("stepfunctions").stop_execution(executionArn=outer)

    assert cloud.wait(outer).status == "ABORTED"
    inner = cloud.wait(inside(resting))
    assert (inner.status, round(spent(inner))) == ("ABORTED", 100)


def test_a_task_that_runs_out_of_its_time_leaves_the_execution_that_it_waits_for(
    cloud, machine, resting
):
    catch = [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Caught"}]
    states = {
        "Start": starting(resting, ".sync:2", TimeoutSeconds=60, Catch=catch),
        "Caught": {"Type": "Pass"},
    }
    outer = cloud.run(machine(states), {"value": 7})

    assert (outer.status, spent(outer)) == ("SUCCEEDED", 60), outer.cause
    assert cloud.wait(inside(resting)).status == "SUCCEEDED"


def test_an_execution_that_has_ended_already_can_be_waited_for(cloud, machine):
    inner = machine({"Pass": {"Type": "Pass"}})
    arn = machine({"Start": starting(inner, Next="Rest"), "Rest": {"Type": "Wait", "Seconds": 9}})
    outer = cloud.run(arn, {"value": 7})
    assert cloud.wait(inside(inner)).status == "SUCCEEDED"
    assert cloud.clock.now() == outer.stopped


@pytest.mark.parametrize(("how", "read"), [(".sync", json.loads), (".sync:2", dict)])
def test_a_task_waits_for_the_execution_it_has_started(cloud, machine, resting, how, read):
    outer = cloud.run(machine({"Start": starting(resting, how)}), {"value": 7})
    assert outer.status == "SUCCEEDED", outer.cause
    assert 3600 < spent(outer) < 3601
    said = outer.output
    assert (said["ExecutionArn"], said["Status"]) == (inside(resting), "SUCCEEDED")
    assert read(said["Output"]) == {BY: outer.arn, "value": 7}
    assert said["OutputDetails"] == {"Included": True}
    assert said["StopDate"] - said["StartDate"] == 3_600_000
    looks = [call for call in cloud.calls if call.operation == "DescribeExecution"]
    assert len(looks) < 100


@pytest.mark.parametrize("how", [".sync", ".sync:2"])
def test_a_failure_of_the_execution_waited_for_fails_the_task(cloud, machine, failing, how):
    catch = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Caught"}]
    states = {"Start": starting(failing, how, Catch=catch), "Caught": {"Type": "Pass"}}
    outer = cloud.run(machine(states), {"value": 7})
    assert outer.status == "SUCCEEDED", outer.cause
    assert outer.output["error"]["Error"] == "States.TaskFailed"
    cause = json.loads(outer.output["error"]["Cause"])
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "Rejected", "rain")
    assert cause["ExecutionArn"] == inside(failing)


def test_a_failure_of_an_execution_not_waited_for_is_none_of_the_task(cloud, machine, failing):
    outer = cloud.run(machine({"Start": starting(failing)}), {"value": 7})
    assert outer.status == "SUCCEEDED"
    assert cloud.wait(inside(failing)).error == "Rejected"


def test_a_name_with_the_same_input_is_the_same_execution_while_it_runs(cloud, machine, resting):
    again = starting(resting, ResultPath="$.again", Next="Done")
    states = {
        "Start": starting(resting, ResultPath="$.first", Next="Again"),
        "Again": again,
        "Done": {"Type": "Pass"},
    }
    outer = cloud.run(machine(states), {"value": 7})
    assert outer.status == "SUCCEEDED", outer.cause
    assert outer.output["first"]["ExecutionArn"] == inside(resting)
    assert outer.output["again"] == outer.output["first"]
    found = cloud.client("stepfunctions").list_executions(stateMachineArn=resting)["executions"]
    assert len(found) == 1


@pytest.mark.parametrize("reason", ["another input", "it has ended"])
def test_a_name_in_use_is_refused_by_an_error_that_can_be_caught(cloud, machine, resting, reason):
    given = {"more": 1} if reason == "another input" else {}
    how = "" if reason == "another input" else ".sync"
    catch = [{"ErrorEquals": ["StepFunctions.ExecutionAlreadyExistsException"],
              "ResultPath": "$.error", "Next": "Caught"}]  # fmt: skip
    states = {
        "Start": starting(resting, how, ResultPath="$.first", Next="Again"),
        "Again": starting(resting, given=given, Catch=catch),
        "Caught": {"Type": "Pass"},
    }
    outer = cloud.run(machine(states), {"value": 7})
    assert outer.status == "SUCCEEDED", outer.cause
    assert inside(resting) in outer.output["error"]["Cause"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("ThrottlingException", "slow", 400), "StepFunctions.ThrottlingException"),
        (
            Fault("ExecutionLimitExceeded", "full", 400),
            "StepFunctions.ExecutionLimitExceededException",
        ),
        (lost(carried_out=False), "StepFunctions.SdkClientException"),
    ],
)
def test_a_start_that_fails_is_named_after_step_functions_and_tried_again(
    cloud, machine, resting, fault, error
):
    faults = [fault]

    def once(call):
        return faults.pop() if call.caller == "states" and faults else None

    cloud.faults.append(once)
    retry = [{"ErrorEquals": [error], "IntervalSeconds": 5, "MaxAttempts": 1}]
    outer = cloud.run(machine({"Start": starting(resting, Retry=retry)}), {"value": 7})
    assert outer.status == "SUCCEEDED", outer.cause
    failed = [event for event in outer.history if event["type"] == "TaskFailed"]
    assert [event["taskFailedEventDetails"]["error"] for event in failed] == [error]
    assert cloud.describe(inside(resting)).status == "RUNNING"


def test_a_reset_ends_an_execution_that_was_left_running(cloud, machine, resting):
    arn = machine({"Start": starting(resting)})
    cloud.run(arn, {"value": 7})
    cloud.reset()
    cloud.run(arn, {"value": 7})
    assert cloud.wait(inside(resting)).status == "SUCCEEDED"


def test_listeners_can_tell_the_two_executions_apart(cloud, machine):
    heard = []
    cloud.listeners.append(lambda notice: heard.append((notice.kind, notice.execution)))
    inner = machine({"Pass": {"Type": "Pass"}})
    outer = cloud.run(machine({"Start": starting(inner, ".sync:2")}), {"value": 7})
    assert [who for kind, who in heard if kind == "state entered"] == [outer.arn, inside(inner)]
    assert [who for kind, who in heard if kind == "execution ended"] == [inside(inner), outer.arn]
