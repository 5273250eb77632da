"""Changes of executions on EventBridge, the rules that start others for them, and their ends."""

import json
import re
from collections import Counter

import pytest
from botocore.exceptions import ClientError

from local.emulator.clock import START
from local.emulator.cloud import COSTS, Fault, lost
from local.emulator.event_patterns import fits
from local.emulator.status_events import LONGEST, transformed

CHANGE = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}
ENDS = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def role(cloud):
    """Make roles that a service may assume, with one statement each; removed afterwards."""
    client, made = cloud.client("iam"), []

    def make(resource="*", service="events.amazonaws.com", action="states:StartExecution"):
        name = f"events-{len(made)}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        allow = {"Effect": "Allow", "Action": action, "Resource": resource}
        arn = client.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"][
            "Arn"
        ]
        client.put_role_policy(RoleName=name, PolicyName="start", PolicyDocument=policy(allow))
        made.append(name)
        return arn

    yield make
    for name in made:
        client.delete_role_policy(RoleName=name, PolicyName="start")
        client.delete_role(RoleName=name)


@pytest.fixture
def rule(cloud, role, echo):
    """Put a rule for changes of some statuses of a machine's executions; removed afterwards."""
    client, made = cloud.client("events"), []

    def make(of, target=echo, statuses=ENDS, own_role=None, **more):
        name = f"rule-{len(made)}"
        detail = {"stateMachineArn": [of], "status": list(statuses)}
        client.put_rule(Name=name, EventPattern=json.dumps({**CHANGE, "detail": detail}))
        made.append(name)
        given = own_role or role()
        client.put_targets(
            Rule=name, Targets=[{"Id": "one", "Arn": target, "RoleArn": given, **more}]
        )
        return name

    yield make
    for name in made:
        client.remove_targets(Rule=name, Ids=["one"])
        client.delete_rule(Name=name)


@pytest.fixture
def echo(machine):
    """A machine that answers with what it was given."""
    return machine({"Say": {"Type": "Pass"}})


def resting(machine, **more):
    return machine({"Rest": {"Type": "Wait", "Seconds": 600}}, **more)


def started(cloud, machine):
    return [cloud.describe(arn) for arn in cloud.executions(machine)]


def others(cloud, machine):
    """The executions of other machines."""
    own = cloud.executions(machine)
    return [cloud.describe(arn) for arn in cloud.executions() if arn not in own]


def events_calls(cloud):
    return [call for call in cloud.calls if call.caller == "events"]


def test_an_execution_that_succeeds_starts_another_with_the_whole_event(cloud, machine, rule, echo):
    first = resting(machine)
    rule(first, echo)
    ended = cloud.run(first, '{"a":  "ü"}')
    assert started(cloud, echo) == []
    cloud.settle()

    (other,) = started(cloud, echo)
    assert other.status == "SUCCEEDED"
    assert other.started == round(ended.stopped + COSTS["event"], 3)
    event = other.output
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": "123456789012",
        "time": "2026-03-02T09:10:00Z",
        "region": "us-east-1",
        "resources": [ended.arn],
        "detail": {
            "executionArn": ended.arn,
            "stateMachineArn": first,
            "name": "run",
            "status": "SUCCEEDED",
            "startDate": int(START * 1000),
            "stopDate": int(START * 1000) + 600_000,
            "input": '{"a":  "ü"}',
            "inputDetails": {"included": True},
            "output": '{"a": "\\u00fc"}',
            "outputDetails": {"included": True},
            "error": None,
            "cause": None,
        },
    }
    (call,) = events_calls(cloud)
    assert (call.service, call.operation, call.error) == ("stepfunctions", "StartExecution", "")
    assert call.grants == [("states:StartExecution", echo)]


def test_a_start_is_an_event_too_that_has_no_end_yet(cloud, machine, rule, echo):
    first = resting(machine)
    rule(first, echo, ["RUNNING"], InputPath="$.detail")
    ended = cloud.run(first, {})
    (other,) = started(cloud, echo)
    assert other.started == round(ended.started + COSTS["event"], 3)
    told = {name: other.output[name] for name in ("status", "stopDate", "output", "outputDetails")}
    assert told == {"status": "RUNNING", "stopDate": None, "output": None, "outputDetails": None}


def test_an_execution_that_fails_is_told_with_its_error(cloud, machine, rule, echo):
    first = machine({"Fail": {"Type": "Fail", "Error": "Rejected", "Cause": "rain"}})
    rule(first, echo, ["FAILED"], InputPath="$.detail")
    cloud.run(first, {})
    cloud.settle()
    (other,) = started(cloud, echo)
    detail = other.output
    assert (detail["status"], detail["error"], detail["cause"]) == ("FAILED", "Rejected", "rain")
    assert (detail["output"], detail["outputDetails"]) == (None, None)


def test_a_text_as_output_is_told_as_json(cloud, machine, rule, echo):
    first = machine({"Say": {"Type": "Pass", "Result": "done"}})
    rule(first, echo, InputPath="$.detail.output")
    cloud.run(first, {})
    cloud.settle()
    (other,) = started(cloud, echo)
    assert other.output == '"done"'


def test_only_what_the_pattern_asks_for_starts_something(cloud, machine, rule, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo, ["FAILED", "ABORTED"])
    rule(resting(machine), echo)
    cloud.run(first, {})
    cloud.settle()
    assert started(cloud, echo) == events_calls(cloud) == []


def test_a_disabled_rule_and_one_of_a_schedule_start_nothing(cloud, machine, rule, role, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    client = cloud.client("events")
    client.disable_rule(Name=rule(first, echo))
    client.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    client.put_targets(Rule="nightly", Targets=[{"Id": "one", "Arn": echo, "RoleArn": role()}])
    try:
        cloud.run(first, {})
        cloud.settle()
    finally:
        client.remove_targets(Rule="nightly", Ids=["one"])
        client.delete_rule(Name="nightly")
    assert started(cloud, echo) == []


def test_input_and_output_together_too_long_are_left_out(cloud, machine, rule, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo, InputPath="$.detail")
    # Each of them alone would fit.
    cloud.run(first, {"a": "b" * (LONGEST // 2)})
    cloud.settle()
    (other,) = started(cloud, echo)
    said = {name: value for name, value in other.output.items() if name.startswith(("in", "out"))}
    left_out = {"included": False}
    assert said == {
        "input": None, "inputDetails": left_out, "output": None, "outputDetails": left_out,
    }  # fmt: skip


# Which event a pattern fits


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ({"a": ["x"]}, True),
        ({"a": ["y", "x"]}, True),
        ({"a": ["y"]}, False),
        ({"a": ["X"]}, False),
        ({"none": [None]}, True),
        ({"missing": [None]}, False),
        ({"none": [{"prefix": ""}]}, False),
        ({"a": [{"prefix": "x"}], "none": [None]}, True),
        ({"inner": {"error": [{"prefix": "States."}]}}, True),
        ({"inner": {"error": [{"prefix": "states."}]}}, False),
        ({"inner": {"error": [{"anything-but": "Rejected"}]}}, True),
        ({"inner": {"error": [{"anything-but": {"prefix": "States."}}]}}, False),
        ({"inner": {"error": [{"anything-but": ["a", {"prefix": "States."}]}]}}, False),
        ({"missing": [{"anything-but": "x"}]}, False),
        ({"missing": [{"exists": False}]}, True),
        ({"none": [{"exists": True}]}, True),
        ({"a": [{"exists": False}]}, False),
        ({"$or": [{"a": ["y"]}, {"none": [None]}]}, True),
        ({"$or": [{"a": ["y"]}, {"a": ["z"]}]}, False),
        ({"a": ["x"], "$or": [{"missing": ["z"]}]}, False),
    ],
)
def test_an_event_fits_a_pattern_or_not(pattern, wanted):
    event = {"a": "x", "none": None, "inner": {"error": "States.Runtime"}}
    assert fits(pattern, event) is wanted


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ({"a": [{"wildcard": "x*"}]}, "wildcard"),
        ({"inner": {"a": [{"numeric": [">", 1]}]}}, "numeric"),
        ({"$or": [{"a": ["x"]}, {"b": [{"anything-but": {"suffix": "x"}}]}]}, "suffix"),
        ({"a": "x"}, "must be an object or an array"),
        ({"a": []}, "Empty arrays"),
    ],
)
def test_a_rule_with_a_pattern_that_is_not_known_here_is_refused(cloud, pattern, word):
    with pytest.raises(ClientError, match=word) as refused:
        cloud.client("events").put_rule(Name="odd", EventPattern=json.dumps(pattern))
    assert refused.value.response["Error"]["Code"] == "InvalidEventPatternException"


def test_a_rule_for_errors_past_every_catch_is_told_of_no_other(cloud, machine, rule, echo):
    client = cloud.client("events")
    ends = {
        "Fail": {"Type": "Fail", "Error": "Rejected", "Cause": "rain"},
        "Look": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.no", "StringEquals": "", "Next": "Done"}],
        },
        "Silent": {"Type": "Fail"},
    }
    for name, state in ends.items():
        first = machine({name: state} | ({"Done": {"Type": "Succeed"}} if name == "Look" else {}))
        known = rule(first, echo)
        detail = {"stateMachineArn": [first], "error": [{"prefix": "States."}]}
        client.put_rule(Name=known, EventPattern=json.dumps({**CHANGE, "detail": detail}))
        cloud.run(first, {}, name)
    cloud.settle()

    (other,) = started(cloud, echo)
    assert other.output["detail"]["error"] == "States.Runtime"


# What the target is given


@pytest.mark.parametrize(
    ("more", "given"),
    [
        ({"Input": '{"a": [1, 2]}'}, {"a": [1, 2]}),
        ({"InputPath": "$.detail.status"}, "SUCCEEDED"),
        ({"InputPath": "$.resources[0]"}, "arn:aws:states:us-east-1:123456789012:execution:"),
        ({"InputPath": "$.detail-type"}, CHANGE["detail-type"][0]),
        ({"InputPath": "$.nowhere"}, None),
    ],
)
def test_a_target_is_given_its_own_input_or_a_part_of_the_event(cloud, machine, rule, more, given):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, **more)
    cloud.run(first, {})
    cloud.settle()
    (other,) = others(cloud, first)
    assert other.output == given or other.output.startswith(given)


def test_a_template_takes_parts_of_the_event_in(cloud, machine, rule, echo):
    first = machine({"Fail": {"Type": "Fail", "Error": "Rejected", "Cause": 'a "quoted" word'}})
    paths = {
        "ended": "$.detail", "status": "$.detail.status", "why": "$.detail.cause",
        "input": "$.detail.input", "stopped": "$.detail.stopDate", "output": "$.detail.output",
    }  # fmt: skip
    template = (
        '{"task": "recover", "ended": <ended>, "status": <status>, "at": <stopped>,'
        ' "output": <output>, "text": "it <status>: <why>", "input": "<input>",'
        ' "rule": "<aws.events.rule-name>"}'
    )
    name = rule(first, echo, InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    ended = cloud.run(first, {"identifier": "prod"})
    cloud.settle()
    (other,) = started(cloud, echo)
    said = other.output
    detail = said.pop("ended")
    assert detail["executionArn"] == ended.arn
    assert json.loads(detail["input"]) == {"identifier": "prod"}
    assert said == {
        "task": "recover", "status": "FAILED", "at": detail["stopDate"], "output": None,
        "text": 'it FAILED: a "quoted" word', "input": '{"identifier": "prod"}', "rule": name,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ('{"a": <one>}', '{"a": "x"}'),
        ('{"a": "<one>-<two>"}', '{"a": "x-2"}'),
        ('{"a": <two>, "b": [<two>]}', '{"a": 2, "b": [2]}'),
        ('"the <one>"', '"the x"'),
        ('{"a": "<three>"}', '{"a": "{\\"b\\": null}"}'),
        ('{"a\\"<one>": <three>}', '{"a\\"x": {"b": null}}'),
        ('{"a": "<gone>", "b": "<b>"}', '{"a": "", "b": "<b>"}'),
    ],
)
def test_a_placeholder_is_json_by_itself_and_text_within_quotes(template, filled):
    values = {"one": "x", "two": 2, "three": {"b": None}}
    assert transformed(template, values, {*values, "gone"}) == filled
    json.loads(filled)


# Who may start it


def test_a_role_that_may_not_start_the_target_starts_nothing(cloud, machine, rule, role, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo, own_role=role(resource=first))
    rule(first, echo, own_role=role(service="scheduler.amazonaws.com"))
    rule(first, echo, own_role=role(action="states:StopExecution"))
    rule(first, echo, own_role="arn:aws:iam::123456789012:role/nobody")
    cloud.run(first, {})
    cloud.settle()
    assert started(cloud, echo) == []
    assert [call.error for call in events_calls(cloud)] == ["AccessDeniedException"] * 4


def test_a_target_that_is_gone_or_an_input_that_is_no_json_is_recorded(cloud, machine, rule, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo.replace("machine-", "gone-"))
    rule(first, echo, InputTransformer={"InputTemplate": '{"a": <nobody>}'})
    cloud.run(first, {})
    cloud.settle()
    errors = [call.error for call in events_calls(cloud)]
    assert errors == ["StateMachineDoesNotExist", "InvalidExecutionInput"]


@pytest.mark.parametrize("fault", [Fault("ThrottlingException"), lost(), lost(carried_out=False)])
def test_a_start_that_fails_is_tried_again_and_starts_one(cloud, machine, rule, echo, fault):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo)
    faults = [fault, fault]
    cloud.faults.append(lambda call: faults.pop() if call.caller == "events" and faults else None)
    cloud.run(first, {})
    cloud.settle()
    assert [other.status for other in started(cloud, echo)] == ["SUCCEEDED"]
    calls = events_calls(cloud)
    # Once it has ended, its name is taken: so a lost answer makes no second one.
    last = "ExecutionAlreadyExists" if fault.carried_out else ""
    assert calls[-1].error == last
    assert len({call.parameters["name"] for call in calls}) == 1


# Time


def test_one_that_an_event_started_may_start_another(cloud, machine, rule, echo):
    first, second = machine({"Pass": {"Type": "Pass"}}), resting(machine)
    rule(first, second)
    rule(second, echo)
    cloud.run(first, {})
    cloud.settle()
    assert cloud.executions() == [
        *cloud.executions(first), *cloud.executions(second), *cloud.executions(echo),
    ]  # fmt: skip
    assert [cloud.describe(arn).status for arn in cloud.executions()] == ["SUCCEEDED"] * 3


def test_two_runs_start_the_same_at_the_same_times(cloud, machine, rule, echo, task):
    retry = [{"ErrorEquals": ["Rejected"], "JitterStrategy": "FULL", "MaxAttempts": 3}]
    first = machine({"Try": task("FailFunction", Retry=retry)})
    rule(first, echo)
    rule(first, resting(machine), ["RUNNING", "FAILED"])
    seen = []
    for _ in range(2):
        cloud.reset()
        cloud.run(first, {})
        cloud.settle()
        seen.append(([cloud.describe(arn) for arn in cloud.executions()], list(cloud.calls)))
    assert seen[0] == seen[1]
    assert len(seen[0][0]) == 4


def test_settling_goes_on_past_the_end_of_what_was_started(cloud, machine, rule, echo):
    first = resting(machine)
    rule(first, echo)
    arn = cloud.start(first, {})
    cloud.settle()
    assert cloud.describe(arn).status == "SUCCEEDED"
    assert len(started(cloud, echo)) == 1


def test_what_waits_for_nobody_is_told_when_settling(cloud, machine):
    looping = {"Rest": {"Type": "Wait", "Seconds": 1, "Next": "Rest"}}
    looping["Rest"]["Next"] = "Again"
    cloud.start(machine(looping | {"Again": {"Type": "Pass", "Next": "Rest"}}), {})
    with pytest.raises(TimeoutError):
        cloud.settle(real_timeout=0.5)


# Ends from outside


def stop(cloud, arn):
    cloud.client("stepfunctions").stop_execution(
        executionArn=arn, error="Enough", cause="It is late"
    )


def time_out(cloud, arn):
    cloud.time_out(arn)


@pytest.mark.parametrize(
    ("end", "told"),
    [(stop, ("ABORTED", "Enough", "It is late")), (time_out, ("TIMED_OUT", None, None))],
)
def test_an_end_from_outside_is_an_event(cloud, machine, rule, end, told):
    first = resting(machine)
    rule(first, InputPath="$.detail")
    arn = cloud.clock.advance(100, lambda: cloud.start(first, {"a": 1}))
    end(cloud, arn)
    run = cloud.wait(arn)
    cloud.settle()
    assert (run.status, run.stopped - run.started) == (told[0], 100)
    (other,) = others(cloud, first)
    detail = other.output
    assert (detail["status"], detail["error"], detail["cause"]) == told
    assert (detail["input"], detail["output"]) == ('{"a": 1}', None)
    assert detail["stopDate"] - detail["startDate"] == 100_000


def test_the_machines_own_limit_is_an_event(cloud, machine, rule, echo):
    first = resting(machine, TimeoutSeconds=60)
    rule(first, echo, ["TIMED_OUT"])
    run = cloud.run(first, {})
    cloud.settle()
    assert (run.status, run.stopped - run.started) == ("TIMED_OUT", 60)
    assert [other.status for other in started(cloud, echo)] == ["SUCCEEDED"]


@pytest.fixture(params=["alone", "in branches"])
def working(request, machine, task):
    """A machine whose function works when it is ended, and how many such functions there are."""
    states = {
        "Work": task("WorkFunction", Retry=[{"ErrorEquals": ["States.ALL"]}], Next="After"),
        "After": task("EchoFunction", End=True),
    }
    if request.param == "alone":
        return machine(states), 1
    branch = {"StartAt": "Work", "States": states}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    both = {"Type": "Parallel", "Branches": [branch, branch], "Catch": catch}
    return machine({"Both": both, "Caught": task("EchoFunction")}), 2


@pytest.mark.parametrize("end", [stop, time_out])
def test_a_function_that_runs_when_its_execution_ends_runs_on_to_its_end(cloud, rule, working, end):
    """Its calls after that go through; but nothing that would come after it is begun."""
    first, runs = working
    rule(first)
    answered = []
    cloud.listeners.append(
        lambda notice: answered.append(notice.detail) if notice.kind == "function answered" else 0
    )
    arn = cloud.clock.advance(2, lambda: cloud.start(first, {"seconds": 4, "times": 2}))
    end(cloud, arn)
    run = cloud.wait(arn)
    assert run.history  # as it is now
    before = Counter(call.caller for call in cloud.calls)
    cloud.settle()

    assert run.stopped - run.started == 2
    assert cloud.describe(arn) == run
    assert cloud.describe(arn).history == run.history
    assert before["WorkFunction"] == runs
    assert [(one.function, one.error) for one in answered] == [("WorkFunction", "")] * runs
    later = Counter(call.caller for call in cloud.calls) - before
    assert later == {"WorkFunction": runs, "events": 1}
    assert len(others(cloud, first)) == 1


def test_an_execution_that_has_ended_stays_as_it_is(cloud, machine, rule, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo)
    run = cloud.run(first, {})
    cloud.time_out(run.arn)
    stop(cloud, run.arn)
    cloud.settle()
    assert cloud.describe(run.arn) == run
    assert len(started(cloud, echo)) == 1


def test_an_event_that_is_lost_starts_nothing(cloud, machine, rule, echo):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, echo)
    cloud.loses_events = True
    cloud.run(first, {})
    cloud.settle()
    assert started(cloud, echo) == events_calls(cloud) == []


# What cannot be handed over


@pytest.fixture
def queue(cloud):
    """A queue, as its ARN, with a policy that lets a rule of this name send; removed afterwards."""
    client = cloud.client("sqs")
    url = client.create_queue(QueueName="dead")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:dead"

    def allow(rule, service="events.amazonaws.com"):
        source = f"arn:aws:events:us-east-1:123456789012:rule/{rule}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
        return arn

    yield allow
    client.delete_queue(QueueUrl=url)


GONE = "arn:aws:states:us-east-1:123456789012:stateMachine:gone"


@pytest.mark.parametrize("allowed", ["rule-0", "another"])
def test_what_a_rule_cannot_start_goes_to_its_queue_if_that_takes_it(
    cloud, machine, rule, queue, allowed
):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(first, GONE, DeadLetterConfig={"Arn": queue(allowed)})
    ended = cloud.run(first, {})
    cloud.settle()

    letters = cloud.dead_letters()
    assert [one["body"]["detail"]["executionArn"] for one in letters] == (
        [ended.arn] if allowed == "rule-0" else []
    )
    assert {one["ERROR_CODE"] for one in letters} <= {"StateMachineDoesNotExist"}
    cloud.reset()
    assert cloud.dead_letters() == []


@pytest.mark.parametrize(("attempts", "ends"), [(1, "dead"), (4, "started")])
def test_a_target_is_tried_as_often_as_its_policy_says(  # noqa: PLR0917
    cloud, machine, rule, queue, echo, attempts, ends
):
    first = machine({"Pass": {"Type": "Pass"}})
    rule(
        first, echo, DeadLetterConfig={"Arn": queue("rule-0")},
        RetryPolicy={"MaximumRetryAttempts": attempts, "MaximumEventAgeInSeconds": 3600},
    )  # fmt: skip
    faults = [Fault("ThrottlingException")] * 3
    cloud.faults.append(lambda call: faults.pop() if call.caller == "events" and faults else None)
    cloud.run(first, {})
    cloud.settle()
    assert (len(cloud.dead_letters()), len(started(cloud, echo))) == (
        (1, 0) if ends == "dead" else (0, 1)
    )


# Schedules


@pytest.fixture
def schedule(cloud, role, monkeypatch):
    """Make a schedule for a target, which a test lets be due; removed afterwards."""
    client, made = cloud.client("scheduler"), []
    monkeypatch.setattr(cloud, "physical_id", lambda name: name)

    def make(target, own_role=None, **more):
        name = f"schedule-{len(made)}"
        given = own_role or role(service="scheduler.amazonaws.com")
        client.create_schedule(
            Name=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": target, "RoleArn": given, "Input": '{"a": 1}', **more},
        )  # fmt: skip
        made.append(name)
        return name

    yield make
    for name in made:
        client.delete_schedule(Name=name)


def test_a_schedule_starts_its_target_when_it_is_due_and_not_by_itself(cloud, schedule, echo):
    name = schedule(echo)
    cloud.clock.advance(7200)
    assert started(cloud, echo) == []
    cloud.tick(name)
    cloud.settle()
    assert [one.output for one in started(cloud, echo)] == [{"a": 1}]


def test_a_schedule_invokes_a_function_again_that_fails(cloud, schedule, role):
    (function,) = (
        one["FunctionArn"]
        for one in cloud.client("lambda").list_functions()["Functions"]
        if "FailFunction" in one["FunctionName"]
    )
    given = role(service="scheduler.amazonaws.com", action="lambda:InvokeFunction")
    answered = []
    cloud.listeners.append(
        lambda notice: answered.append(notice.detail) if notice.kind == "function answered" else 0
    )
    cloud.tick(schedule(function, given))
    cloud.settle()
    assert [bool(one.error) for one in answered] == [True] * 3
    assert answered[0].event == {"a": 1}
    (call,) = (call for call in cloud.calls if call.caller == "scheduler")
    assert call.grants == [("lambda:InvokeFunction", function)]


@pytest.mark.parametrize("action", ["sqs:SendMessage", "states:StopExecution"])
def test_what_a_schedule_may_not_start_goes_to_its_queue_by_the_role_s_right(  # noqa: PLR0917
    cloud, schedule, role, queue, echo, action
):
    """The queue's policy does not matter."""
    given = role(service="scheduler.amazonaws.com", action=action)
    cloud.tick(schedule(echo, given, DeadLetterConfig={"Arn": queue("nobody")}))
    cloud.settle()
    assert started(cloud, echo) == []
    letters = [one["ERROR_CODE"] for one in cloud.dead_letters()]
    assert letters == (["AccessDeniedException"] if action.startswith("sqs") else [])


# A schedule that makes a call with parameters, so that it names what it starts

STARTS = "arn:aws:scheduler:::aws-sdk:sfn:startExecution"


def starting(machine, name="db-<aws.scheduler.execution-id>", **given):
    """The Input of a universal target."""
    return json.dumps({"StateMachineArn": machine, "Name": name, **given})


def test_a_call_of_a_schedule_has_its_keywords_replaced(cloud, schedule, echo):
    given = {
        "by": "<aws.scheduler.schedule-arn>", "at": "<aws.scheduler.scheduled-time>",
        "attempt": "<aws.scheduler.attempt-number>", "other": "<aws.scheduler.nothing>",
    }  # fmt: skip
    name = schedule(STARTS, Input=starting(echo, Input=json.dumps(given)))
    cloud.tick(name)
    cloud.settle()

    (one,) = started(cloud, echo)
    assert re.fullmatch(r"db-[0-9a-f]{16}", one.arn.rpartition(":")[2])
    assert one.output == {
        "by": f"arn:aws:scheduler:us-east-1:123456789012:schedule/default/{name}",
        "at": "2026-03-02T09:00:00Z", "attempt": "1", "other": "<aws.scheduler.nothing>",
    }  # fmt: skip


@pytest.mark.parametrize(("renews", "count"), [(False, 1), (True, 2)])
def test_a_repetition_that_keeps_its_id_starts_nothing_twice(cloud, schedule, echo, renews, count):
    faults = [lost(carried_out=True)]
    cloud.faults.append(
        lambda call: faults.pop() if call.caller == "scheduler" and faults else None
    )
    cloud.renews_ids = renews
    cloud.tick(schedule(STARTS, Input=starting(echo)))
    cloud.settle()
    assert len(started(cloud, echo)) == count


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("a b", "InvalidName"),
        ("<aws.scheduler.scheduled-time>", "InvalidName"),
        ("a" * 81, "ValidationException"),
    ],
)
def test_a_name_that_no_execution_can_have_goes_to_the_queue(  # noqa: PLR0917
    cloud, schedule, role, queue, echo, name, error
):
    given = role(service="scheduler.amazonaws.com", action=["states:StartExecution", "sqs:*"])
    target = {"Input": starting(echo, name), "DeadLetterConfig": {"Arn": queue("nobody")}}
    cloud.tick(schedule(STARTS, given, **target))
    cloud.settle()
    assert started(cloud, echo) == []
    (letter,) = cloud.dead_letters()
    assert (letter["ERROR_CODE"], letter["TARGET_ARN"]) == (error, STARTS)
    assert letter["body"]["StateMachineArn"] == echo


def test_a_call_of_a_schedule_is_judged_by_the_machine_that_it_names(cloud, schedule, role, echo):
    cloud.tick(
        schedule(STARTS, role(echo + "-other", "scheduler.amazonaws.com"), Input=starting(echo))
    )
    cloud.settle()
    assert started(cloud, echo) == []
    (call,) = (call for call in cloud.calls if call.caller == "scheduler")
    assert call.error == "AccessDeniedException"


@pytest.mark.parametrize(
    ("target", "given", "words"),
    [
        ("states:startExecution", "{}", "The api startExecution is not valid for the service"),
        ("sfn:startExecution", '{"stateMachineArn": "a"}', "missing the following field(s): State"),
    ],
)
def test_a_call_that_scheduler_does_not_know_is_refused(cloud, schedule, target, given, words):
    with pytest.raises(ClientError, match="ValidationException") as refused:
        schedule(f"arn:aws:scheduler:::aws-sdk:{target}", Input=given)
    assert words in str(refused.value)
