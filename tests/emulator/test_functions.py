"""Functions on the embedded AWS: the real runtime, in virtual time, alive and dead."""

import json
import time

import pytest

from local.emulator.clock import START
from local.emulator.cloud import Cloud, Fault, hung, killed, lost


@pytest.fixture
def invoke(cloud):
    def invoke(function, event=None):
        answer = cloud.client("lambda").invoke(
            FunctionName=cloud.physical_id(function), Payload=json.dumps(event or {})
        )
        return json.load(answer["Payload"]), answer.get("FunctionError")

    return invoke


def of(cloud, function):
    return [call for call in cloud.calls if call.caller == function]


def test_a_handler_sees_its_variables_its_layer_and_virtual_time(invoke):
    answer, error = invoke("EchoFunction", {"a": [1]})
    assert error is None
    assert answer["event"] == {"a": [1]}
    assert (answer["greeting"], answer["shared"]) == ("good day", "from the layer")
    assert answer["now"] == START + 0.8
    assert answer["left"] == 10_000


def test_a_second_invocation_is_a_warm_one(cloud, invoke):
    first, second = invoke("EchoFunction")[0], invoke("EchoFunction")[0]
    assert second["now"] - first["now"] == pytest.approx(0.02)
    assert second["process"] == first["process"]


def test_a_cloud_without_warm_environments_starts_each_one_cold(small_cloud, invoke):
    small_cloud.functions._warm = False
    try:
        first, second = invoke("EchoFunction")[0], invoke("EchoFunction")[0]
    finally:
        small_cloud.functions._warm = True
    assert second["now"] - first["now"] == pytest.approx(0.8)
    assert second["process"] != first["process"]


def test_invocations_at_the_same_time_have_environments_of_their_own(cloud, machine, task):
    branch = {"StartAt": "Echo", "States": {"Echo": task("EchoFunction", End=True)}}
    arn = machine({"Both": {"Type": "Parallel", "Branches": [branch, branch]}})
    processes = {answer["process"] for answer in cloud.run(arn, {}).output}
    assert len(processes) == 2


def test_an_exception_keeps_its_name_and_message(invoke):
    answer, error = invoke("FailFunction", {"why": "no ink"})
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("Rejected", "no ink")
    assert answer["stackTrace"]


def test_a_sleep_passes_in_virtual_time(cloud, invoke):
    answer, _ = invoke("SleepFunction", {"seconds": 7})
    assert answer["now"] == pytest.approx(START + 7.8)
    assert answer["left"] == 3_000
    assert cloud.clock.now() == pytest.approx(START + 7.8)


def test_a_function_past_its_timeout_is_killed_at_its_deadline(cloud, invoke):
    answer, error = invoke("SleepFunction", {"seconds": 11})
    assert error == "Unhandled"
    assert answer["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith("Error: Task timed out after 10.00 seconds")
    assert cloud.clock.now() == pytest.approx(START + 10.8)
    later, error = invoke("SleepFunction", {"seconds": 1})
    assert error is None
    assert later["now"] == pytest.approx(START + 10.8 + 0.8 + 1)  # a new, cold environment


def test_aws_calls_use_the_time_up_to_the_deadline_too(cloud, invoke):
    answer, _ = invoke("LookFunction", {"times": 500})
    assert answer["errorType"] == "Sandbox.Timedout"
    assert cloud.clock.now() == pytest.approx(START + 10.8)
    assert len(of(cloud, "LookFunction")) == 99


def test_a_process_that_ends_itself_is_a_runtime_exit_error(invoke):
    answer, error = invoke("DieFunction")
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert "exit status 3" in answer["errorMessage"]
    assert invoke("DieFunction")[0]["errorType"] == "Runtime.ExitError"


def test_a_process_that_has_ended_before_it_is_given_work_says_why(cloud, invoke, monkeypatch):
    take = cloud.functions._take

    def take_late(*given):
        environment = take(*given)
        while environment.alive:
            time.sleep(0.01)
        return environment

    monkeypatch.setattr(cloud.functions, "_take", take_late)
    answer, error = invoke("BrokenFunction")
    assert (answer["errorType"], error) == ("Runtime.ImportModuleError", "Unhandled")


def test_a_handler_that_cannot_be_imported_is_named(invoke):
    answer, error = invoke("BrokenFunction")
    assert (answer["errorType"], error) == ("Runtime.ImportModuleError", "Unhandled")
    assert "nowhere" in answer["errorMessage"]


def test_calls_are_recorded_with_their_caller_and_cost_time(cloud, invoke):
    answer, _ = invoke("LookFunction", {"times": 3})
    calls = of(cloud, "LookFunction")
    made = [(call.service, call.operation) for call in calls]
    assert made == [("rds", "DescribeDBInstances")] * 3
    assert answer["now"] == pytest.approx(START + 0.8 + 0.3)
    assert [call.time for call in calls] == pytest.approx(
        [START + 0.8 + tenth / 10 for tenth in (1, 2, 3)]
    )


def fail_once(cloud, fault, operation="DescribeDBInstances"):
    """Let the next such call of a function go wrong in the way of `fault`."""
    left = [fault]

    def ask(call):
        if call.operation == operation and call.caller != "outside" and left:
            return left.pop()
        return None

    cloud.faults.append(ask)


def test_a_fault_answers_with_its_error(cloud, invoke):
    fail_once(cloud, Fault("AccessDenied", "not you", 403))
    answer, error = invoke("LookFunction")
    assert (answer["errorType"], error) == ("ClientError", "Unhandled")
    assert "AccessDenied" in answer["errorMessage"]
    assert [call.error for call in of(cloud, "LookFunction")] == ["AccessDenied"]


def test_a_throttled_call_is_repeated_by_botocore_in_virtual_time(cloud, invoke):
    fail_once(cloud, Fault("Throttling", "slow down"))
    answer, error = invoke("LookFunction")
    assert error is None
    assert [call.error for call in of(cloud, "LookFunction")] == ["Throttling", ""]
    assert START + 1.0 < answer["now"] < START + 3


def test_a_lost_answer_makes_botocore_ask_again(cloud, invoke):
    fail_once(cloud, lost())
    assert invoke("LookFunction")[1] is None
    assert [call.error for call in of(cloud, "LookFunction")] == ["lost", ""]


def served_by(cloud) -> list[bytes]:
    served: list[bytes] = []
    answer_rds = cloud.rds.answer
    cloud.rds.answer = lambda body, *write: served.append(body) or answer_rds(body, *write)
    return served


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_function_killed_at_a_call_has_made_it_or_not(cloud, invoke, carried_out):
    served = served_by(cloud)
    fail_once(cloud, killed(carried_out=carried_out))
    answer, error = invoke("LookFunction", {"times": 2})
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert len(served) == int(carried_out)


def test_a_function_that_hangs_behind_its_call_is_ended_by_its_timeout(cloud, invoke):
    served, begins = served_by(cloud), cloud.clock.now()
    fail_once(cloud, hung())
    answer, error = invoke("LookFunction", {"times": 2})
    assert (answer["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert len(served) == 1
    timeout = float(answer["errorMessage"].split()[-2])
    assert cloud.clock.now() - begins >= timeout


def test_what_a_function_prints_is_kept_and_not_shown(cloud, invoke, capfd):
    invoke("EchoFunction")
    assert [(log.function, log.text) for log in cloud.logs] == [
        ("EchoFunction", "echo writes a line\n")
    ]
    assert "echo writes" not in capfd.readouterr().out


def test_an_asynchronous_invocation_returns_before_the_handler_has_run(cloud):
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.physical_id("EchoFunction"), InvocationType="Event"
    )
    assert answer["StatusCode"] == 202
    cloud.clock.settle()
    assert [log.function for log in cloud.logs] == ["EchoFunction"]


def test_a_second_cloud_in_the_same_process_is_refused(cloud):
    with pytest.raises(RuntimeError, match="another Cloud"), Cloud():
        pass


def test_an_inactive_function_is_set_up_again_by_its_first_invocation(cloud, machine, task):
    cloud.functions.idle = ""
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 20, "MaxAttempts": 9}
    arn = machine({"Echo": task("EchoFunction", Retry=[{**retry, "BackoffRate": 1}], End=True)})

    ended = cloud.run(arn, {})

    assert ended.status == "SUCCEEDED"
    errors = [call.error for call in cloud.calls if call.operation == "Invoke"]
    assert errors == ["ResourceNotReadyException", *["ENINotReadyException"] * 5, ""]
    # One that was called meanwhile is ready.
    assert cloud.run(arn, {}, "again").status == "SUCCEEDED"


def test_an_inactive_function_without_a_retrier_fails_its_task(cloud, machine, task):
    cloud.functions.idle = ""
    ended = cloud.run(machine({"Echo": task("EchoFunction", End=True)}), {})
    assert (ended.status, ended.error) == ("FAILED", "Lambda.ResourceNotReadyException")
