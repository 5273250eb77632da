"""The state machine of the hooks, and the parameters that say what it may run."""

import re
from collections.abc import Iterator

import pytest

from tests.deploy.definition import HOOKS, RESTORE, State, states, targets, tasks
from tests.deploy.test_definition import template
from tests.deploy.test_limits import EVENTS_A_STATE, EVENTS_A_TRY, MOST_EVENTS
from trapheus.hooks import MOST_HOOKS, MOST_MINUTES

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"
STATES = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:"
# What says that the function has not been run, by Lambda's API reference.
NOT_RUN = {
    "Lambda.TooManyRequestsException", "Lambda.ResourceNotReadyException",
    "Lambda.ENINotReadyException", "Lambda.ResourceConflictException",
    "Lambda.CodeArtifactUserPendingException", "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException", "Lambda.SubnetIPAddressLimitReachedException",
}  # fmt: skip


def of(name: str) -> State:
    """A state of the hooks' machine."""
    return dict(states(HOOKS))[name]


def ways(start: str, end: str) -> Iterator[list[str]]:
    """The ways from one state to another that pass none twice."""

    def onward(path: list[str]) -> Iterator[list[str]]:
        for target in set(targets(of(path[-1]))) - set(path):
            if target == end:
                yield [*path, end]
            yield from onward([*path, target])

    return onward([start])


def test_a_function_that_is_called_every_minute_of_a_day_fits_into_the_history() -> None:
    loop = min(ways("Call the function", "Wait a minute"), key=len)
    events = EVENTS_A_TRY + EVENTS_A_STATE * len(loop)
    beside = MOST_HOOKS * EVENTS_A_STATE * len(HOOKS["States"])
    assert of("Wait a minute")["Seconds"] == 60
    assert MOST_MINUTES * events + beside <= MOST_EVENTS


def test_no_hook_has_a_retrier_that_could_run_it_twice() -> None:
    assert "Retry" not in of("Call the function")
    # Under its own name nothing is started twice.
    (retrier,) = of("Run the state machine")["Retry"]
    assert all(error.startswith("StepFunctions.") for error in retrier["ErrorEquals"])
    assert of("Run the state machine")["Arguments"]["Name"] == "{% $name %}"


def test_only_what_was_not_run_is_called_again_without_a_question() -> None:
    catchers = of("Call the function")["Catch"]
    again = [each["ErrorEquals"] for each in catchers if each["Next"] == "Is its time over?"]
    asked = [each["ErrorEquals"] for each in catchers if each["Next"] == "May it be run again?"]
    assert set(*again) == {"StillInProgress"} | NOT_RUN
    assert not set(*asked) & NOT_RUN
    assert {"Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown"} <= set(*asked)
    assert catchers[-1] == {
        "ErrorEquals": ["States.ALL"], "Assign": catchers[-1]["Assign"], "Next": "Not passed"
    }  # fmt: skip


def test_every_task_of_the_hooks_ends_in_time_and_whatever_fails_it_is_answered() -> None:
    for name, task in tasks(HOOKS):
        assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert task["TimeoutSeconds"], name
    ends = [name for name, state in states(HOOKS) if state["Type"] in ("Succeed", "Fail")]
    assert ends == ["All have passed", "Not passed"]
    for name in ends:
        assert of(name)["Output"].keys() == {"passed", "hooks", "cause"}, name


def test_the_machine_lasts_longer_than_its_hooks_and_the_restore_waits_longer_than_that() -> None:
    # A minute more for each hook, and what starts them.
    assert HOOKS["TimeoutSeconds"] >= (MOST_MINUTES + MOST_HOOKS) * 60 + 600
    assert dict(tasks(RESTORE))["Run the hooks"]["TimeoutSeconds"] > HOOKS["TimeoutSeconds"] + 600


@pytest.mark.parametrize(
    ("parameter", "given", "taken"),
    [
        ("HookFunctions", "", True),
        ("HookFunctions", f"{LAMBDA}mask", True),
        ("HookFunctions", f"{LAMBDA}mask,{LAMBDA}check:live", True),
        ("HookFunctions", f"{LAMBDA}mask, {LAMBDA}check", False),
        ("HookFunctions", f"{LAMBDA}mask,", False),
        ("HookFunctions", f",{LAMBDA}mask", False),
        ("HookFunctions", f"{LAMBDA}*", False),
        ("HookFunctions", "mask", False),
        ("HookFunctions", f"{STATES}audit", False),
        ("HookStateMachines", "", True),
        ("HookStateMachines", f"{STATES}audit,{STATES}other", True),
        ("HookStateMachines", f"{STATES}audit:live", False),
        ("HookStateMachines", f"{STATES}*", False),
        ("HookStateMachines", f"{LAMBDA}mask", False),
    ],
)
def test_the_parameters_take_lists_of_arns_and_no_patterns(
    parameter: str, given: str, *, taken: bool
) -> None:
    pattern = template()["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, given)) == taken
