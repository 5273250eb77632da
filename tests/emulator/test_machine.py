"""State machines on the embedded AWS: virtual time, and what moto alone gets wrong."""

import time
from contextlib import ExitStack

import pytest

from local.emulator.clock import START
from local.emulator.cloud import Fault


def spent(execution):
    return round(execution.stopped - execution.started, 2)


def entered(execution):
    events = [event.get("stateEnteredEventDetails") for event in execution.history]
    return [details["name"] for details in events if details]


def test_a_wait_of_days_takes_no_real_time(cloud, machine):
    run = cloud.run(machine({"Rest": {"Type": "Wait", "Seconds": 300_000}}), {})
    assert (run.status, spent(run)) == ("SUCCEEDED", 300_000)


def test_retries_wait_in_virtual_time_with_backoff(cloud, machine, task):
    retry = [{"ErrorEquals": ["Rejected"], "IntervalSeconds": 10, "BackoffRate": 2,
              "MaxAttempts": 3}]  # fmt: skip
    run = cloud.run(machine({"Try": task("FailFunction", Retry=retry)}), {"why": "because"})
    assert (run.status, run.error) == ("FAILED", "Rejected")
    assert "because" in run.cause
    assert spent(run) == 10 + 20 + 40 + 0.8 + 3 * 0.02


def test_a_path_with_a_literal_index_gives_the_value_and_one_with_a_filter_a_list(cloud, machine):
    asked = {
        "index.$": "$.list[0].name",
        "last.$": "$.list[1]",
        "filter.$": "$.list[?(@.name=='a')].name",
    }
    run = cloud.run(
        machine({"Pass": {"Type": "Pass", "Parameters": asked}}),
        {"list": [{"name": "a"}, {"name": "b"}]},
    )
    assert run.output == {"index": "a", "last": {"name": "b"}, "filter": ["a"]}


def test_jitter_is_the_same_in_every_run(cloud, machine, task):
    retry = [{"ErrorEquals": ["Rejected"], "IntervalSeconds": 100, "JitterStrategy": "FULL",
              "BackoffRate": 1, "MaxAttempts": 3}]  # fmt: skip
    arn = machine({"Try": task("FailFunction", Retry=retry)})
    first = spent(cloud.run(arn, {}))
    cloud.reset()
    assert spent(cloud.run(arn, {})) == first
    assert 1 < first < 301


def test_a_task_that_takes_too_long_fails_with_states_timeout(cloud, machine, task):
    arn = machine({"Sleep": task("SleepFunction", TimeoutSeconds=5)})
    run = cloud.run(arn, {"seconds": 8})
    assert (run.status, run.error, spent(run)) == ("FAILED", "States.Timeout", 5)


def test_a_machine_that_takes_too_long_is_timed_out_at_once(cloud, machine):
    arn = machine({"Rest": {"Type": "Wait", "Seconds": 1000}}, TimeoutSeconds=60)
    run = cloud.run(arn, {})
    assert (run.status, spent(run)) == ("TIMED_OUT", 60)
    assert run.history[-1]["type"] == "ExecutionTimedOut"


def test_a_machine_is_timed_out_while_a_task_still_works(cloud, machine, task):
    arn = machine({"Sleep": task("SleepFunction")}, TimeoutSeconds=3)
    run = cloud.run(arn, {"seconds": 8})
    assert (run.status, spent(run)) == ("TIMED_OUT", 3)
    cloud.clock.settle()
    assert cloud.describe(run.arn) == run


def test_a_stopped_execution_ends_at_once_and_says_why(cloud, machine, task):
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600}]
    inner = {"StartAt": "Try", "States": {"Try": task("FailFunction", Retry=retry, End=True)}}
    arn = machine({"Both": {"Type": "Parallel", "Branches": [inner]}})
    started = cloud.clock.advance(100, lambda: cloud.start(arn, {}))
    cloud.client("stepfunctions").stop_execution(
        executionArn=started, error="Enough", cause="It is late"
    )
    run = cloud.wait(started)
    assert (run.status, run.error, run.cause) == ("ABORTED", "Enough", "It is late")
    assert spent(run) == 100
    assert run.history[-1]["type"] == "ExecutionAborted"


def test_an_execution_that_is_stopped_before_its_first_state_enters_none(cloud, machine):
    arn = machine({"Rest": {"Type": "Wait", "Seconds": 50}})
    with cloud.clock.held():
        started = cloud.start(arn, {})
        cloud.client("stepfunctions").stop_execution(executionArn=started, cause="It is early")
    run = cloud.wait(started)
    assert (run.status, run.cause, spent(run)) == ("ABORTED", "It is early", 0)
    assert [one["type"] for one in run.history] == ["ExecutionStarted", "ExecutionAborted"]


def test_two_executions_share_one_clock(cloud, machine):
    arn = machine({"Rest": {"Type": "Wait", "Seconds": 50}})
    with cloud.clock.held():
        both = [cloud.start(arn, {}, name) for name in ("one", "two")]
    runs = [cloud.wait(started) for started in both]
    assert runs[0].started == runs[1].started
    assert [spent(run) for run in runs] == [50, 50]


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_a_states_error_that_leaves_a_block_can_be_caught(cloud, machine, task, kind):
    inner = {
        "StartAt": "Sleep",
        "States": {"Sleep": task("SleepFunction", TimeoutSeconds=2, End=True)},
    }
    block = {"Parallel": {"Branches": [inner]}, "Map": {"ItemsPath": "$.items", "Iterator": inner}}
    catch = [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Caught"}]
    arn = machine(
        {
            "Try": {"Type": kind, **block[kind], "Catch": catch, "End": True},
            "Caught": {"Type": "Pass"},
        }
    )
    run = cloud.run(arn, {"seconds": 9, "items": [{"seconds": 9}]})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["error"]["Error"] == "States.Timeout"
    assert "Caught" in entered(run)


def test_an_error_of_a_parallel_branch_keeps_its_name_and_cause(cloud, machine, task):
    inner = {"StartAt": "Fail", "States": {"Fail": task("FailFunction", End=True)}}
    run = cloud.run(machine({"Try": {"Type": "Parallel", "Branches": [inner]}}), {"why": "rain"})
    assert (run.status, run.error) == ("FAILED", "Rejected")
    assert "rain" in run.cause


def choice(variable, comparison=None):
    rule = {"Variable": variable, "Next": "Yes", **(comparison or {"StringEquals": "x"})}
    return {
        "Ask": {"Type": "Choice", "Choices": [rule], "Default": "No"},
        "Yes": {"Type": "Pass"},
        "No": {"Type": "Pass"},
    }


def test_a_choice_on_a_missing_path_fails_the_execution(cloud, machine):
    run = cloud.run(machine(choice("$.missing")), {"there": "x"})
    assert (run.status, run.error) == ("FAILED", "States.Runtime")
    assert "$.missing" in run.cause


@pytest.mark.parametrize(("path", "expected"), [("$.there", "Yes"), ("$.missing", "No")])
def test_a_choice_may_ask_whether_a_path_is_there(cloud, machine, path, expected):
    run = cloud.run(machine(choice(path, {"IsPresent": True})), {"there": "x"})
    assert entered(run)[-1] == expected


def test_a_choice_that_asks_for_presence_first_does_not_look_further(cloud, machine):
    both = {"And": [{"Variable": "$.missing", "IsPresent": True},
                    {"Variable": "$.missing", "StringEquals": "x"}], "Next": "Yes"}  # fmt: skip
    states = choice("$.missing")
    states["Ask"]["Choices"] = [both]
    assert entered(cloud.run(machine(states), {}))[-1] == "No"


def test_a_runtime_error_is_not_caught_by_a_catch_of_all(cloud, machine):
    states = {"StartAt": "Ask", "States": choice("$.missing")}
    for name in ("Yes", "No"):
        states["States"][name]["End"] = True
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    arn = machine(
        {
            "Try": {"Type": "Parallel", "Branches": [states], "Catch": catch, "End": True},
            "Caught": {"Type": "Pass"},
        }
    )
    run = cloud.run(arn, {})
    assert (run.status, run.error) == ("FAILED", "States.Runtime")
    assert "Caught" not in entered(run)


def test_an_execution_without_a_name_gets_one_of_its_own(cloud, machine):
    arn = machine({"Pass": {"Type": "Pass"}})
    client = cloud.client("stepfunctions")
    names = [
        client.describe_execution(
            executionArn=client.start_execution(stateMachineArn=arn)["executionArn"]
        )["name"]
        for _ in range(2)
    ]
    assert len(set(names)) == 2
    assert "None" not in names


@pytest.mark.parametrize("resource", ["function", "service"])
def test_an_error_of_lambda_itself_is_named_after_lambda(cloud, machine, task, resource):
    state = task("EchoFunction")
    if resource == "service":
        state["Parameters"] = {"FunctionName": state["Resource"], "Payload": {}}
        state["Resource"] = "arn:aws:states:::lambda:invoke"
    cloud.faults.append(
        lambda call: (
            Fault("TooManyRequestsException", "slow down", 429)
            if call.operation == "Invoke"
            else None
        )
    )
    run = cloud.run(machine({"Echo": state}), {})
    assert (run.status, run.error) == ("FAILED", "Lambda.TooManyRequestsException")


def test_the_machine_sends_mail_through_ses(cloud, machine):
    cloud.verify("from@example.com")
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sesv2:sendEmail",
        "Parameters": {
            "FromEmailAddress": "from@example.com",
            "Destination": {"ToAddresses": ["a@example.com", "b@example.com"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "News"},
                    "Body": {"Text": {"Data.$": "$.text"}},
                }
            },
        },
    }
    run = cloud.run(machine({"Send": send}), {"text": "It is over"})
    assert run.status == "SUCCEEDED", run.cause
    (mail,) = cloud.mails
    assert (mail.sender, mail.recipients) == (
        "from@example.com",
        ["a@example.com", "b@example.com"],
    )
    assert (mail.subject, mail.text, mail.html) == ("News", "It is over", "")


def test_mail_from_an_address_that_nobody_verified_is_refused(cloud, machine):
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sesv2:sendEmail",
        "Parameters": {
            "FromEmailAddress": "stranger@example.org",
            "Destination": {"ToAddresses": ["a@example.com"]},
            "Content": {"Simple": {"Subject": {"Data": "?"}, "Body": {"Text": {"Data": "?"}}}},
        },
    }
    run = cloud.run(machine({"Send": send}), {})
    assert (run.status, run.error) == ("FAILED", "SesV2.MessageRejectedException")
    assert not cloud.mails


def test_the_machines_own_calls_are_recorded_and_cost_time(cloud, machine):
    describe = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:rds:describeDBInstances",
        "Parameters": {},
    }
    run = cloud.run(machine({"Look": describe}), {})
    assert run.status == "SUCCEEDED", run.cause
    (call,) = [call for call in cloud.calls if call.service == "rds"]
    assert (call.caller, call.operation) == ("states", "DescribeDBInstances")
    assert spent(run) == 0.1


def test_listeners_hear_of_every_state(cloud, machine, task):
    heard = []
    cloud.listeners.append(lambda notice: heard.append((notice.kind, notice.name)))
    retry = [{"ErrorEquals": ["Rejected"], "MaxAttempts": 1}]
    catch = [{"ErrorEquals": ["Rejected"], "Next": "After"}]
    arn = machine(
        {"Try": task("FailFunction", Retry=retry, Catch=catch), "After": {"Type": "Pass"}}
    )
    cloud.run(arn, {})
    states = [(kind, name) for kind, name in heard if kind.startswith("state")]
    assert states == [
        ("state entered", "Try"),
        ("state failed", "Try"),
        ("state retried", "Try"),
        ("state failed", "Try"),
        ("state exited", "Try"),
        ("state entered", "After"),
        ("state exited", "After"),
    ]
    assert [kind for kind, _ in heard if kind.startswith("execution")] == [
        "execution started",
        "execution ended",
    ]
    assert [name for kind, name in heard if kind == "function answered"] == ["FailFunction"] * 2


def test_after_a_reset_the_same_run_makes_the_same_calls_at_the_same_times(cloud, machine, task):
    branch = {"StartAt": "Look", "States": {"Look": task("LookFunction", End=True)}}
    arn = machine({"Both": {"Type": "Parallel", "Branches": [branch] * 3}})
    seen = []
    for _ in range(2):
        cloud.reset()
        run = cloud.run(arn, {"times": 4})
        seen.append((run, list(cloud.calls)))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 1 + 3 + 3 * 4  # the start, the invocations, what these ask


def test_a_reset_ends_what_still_runs(cloud, machine, task):
    arn = machine(
        {"Sleep": task("SleepFunction", Next="Rest"), "Rest": {"Type": "Wait", "Seconds": 9}}
    )
    cloud.clock.advance(3, lambda: cloud.start(arn, {"seconds": 5}))
    cloud.reset()
    assert cloud.run(arn, {"seconds": 5}).status == "SUCCEEDED"
    cloud.reset()
    assert (cloud.calls, cloud.mails, cloud.clock.now()) == ([], [], START)


def test_time_stands_still_once_the_awaited_execution_has_ended(cloud, machine, monkeypatch):
    short = machine({"Rest": {"Type": "Wait", "Seconds": 5}})
    long = machine({"Rest": {"Type": "Wait", "Seconds": 500}})
    look, held = cloud._status, ExitStack()

    def look_before_it_ends(arn):
        status = look(arn)
        held.close()
        time.sleep(0.2)  # it ends between this look and the wait
        return status

    monkeypatch.setattr(cloud, "_status", look_before_it_ends)
    held.enter_context(cloud.clock.held())
    other = cloud.start(long, {})
    ended = cloud.start(short, {})
    cloud.wait(ended)
    assert cloud.clock.now() == START + 5
    assert cloud.describe(other).status == "RUNNING"
    assert spent(cloud.wait(other)) == 500


def test_a_random_number_leaves_its_end_out(cloud, machine):
    numbers = {f"n{n}.$": "States.MathRandom(0, 2)" for n in range(20)}
    one = {"none.$": "States.MathRandom(0, 1)"}
    output = cloud.run(machine({"Draw": {"Type": "Pass", "Parameters": numbers | one}}), {}).output
    assert output.pop("none") == 0
    assert set(output.values()) == {0, 1}
