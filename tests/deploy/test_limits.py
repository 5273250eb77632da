"""The limits of Step Functions and Lambda, computed from what is deployed."""

from collections.abc import Iterator

import pytest

from tests.deploy.definition import DEFINITIONS, RESTORE, Definition, State, states, tasks
from tests.deploy.test_definition import functions, template
from trapheus.rds import PATIENT
from trapheus.waiters import DELAY, PATIENCE

HOUR = 3600
# Step Functions' quota for the history of an execution.
MOST_EVENTS = 25_000
# A try of a Task: scheduled, started, failed. A state: entered, exited.
EVENTS_A_TRY, EVENTS_A_STATE = 3, 2
# Who answers at once, and never with StillInProgress.
QUICK = ("ReadRequest", "TakeLock", "Check", "SendEmail")


def retrier(task: State, error: str) -> State:
    (found,) = (each for each in task["Retry"] if error in each["ErrorEquals"])
    return dict(found)


def waits(task: State) -> bool:
    """Whether a Task can be told that its work is still in progress."""
    function = task["Resource"].removeprefix("${")
    return function.endswith("FunctionArn}") and not function.startswith(QUICK)


def tries(task: State) -> int:
    """The most tries of a Task: every retrier used up."""
    return 1 + sum(
        each["MaxAttempts"]
        for each in task["Retry"]
        if waits(task) or "StillInProgress" not in each["ErrorEquals"]
    )


def pauses(retry: State) -> list[float]:
    """The seconds before each retry; without jitter, the most of each."""
    return [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"])
        for n in range(retry["MaxAttempts"])
    ]


def longest(task: State) -> float:
    """The longest that a Task can last, in seconds."""
    return task["TimeoutSeconds"] + sum(
        sum(pauses(each)) + each["MaxAttempts"] * task["TimeoutSeconds"]
        for each in task["Retry"]
        if waits(task) or "StillInProgress" not in each["ErrorEquals"]
    )


def within(own: list[tuple[str, State]], beginning: str, end: str = "") -> set[str]:
    """The names of the states in a phase."""
    return {
        inner
        for name, state in own
        if name.startswith(beginning) and name.endswith(end) and state["Type"] == "Parallel"
        for branch in state["Branches"]
        for inner in branch["States"]
    }


def paths(definition: Definition) -> Iterator[list[tuple[str, State]]]:
    """What an execution may pass: one kind, one strategy; after a failure not the later phases."""
    for kind in ("instance", "cluster"):
        other = "cluster" if kind == "instance" else "instance"
        own = [(name, state) for name, state in states(definition) if other not in name]
        rollback, finish = within(own, "Roll the "), within(own, "Finish the ")
        beside = within(own, "Restore the ", " beside")
        rename_first = {*beside, f"Give the {kind} its name"}
        restore_first = {f"Restore the {kind}"}
        for after in (rollback, finish) if finish else (set(),):
            for left_out in (rename_first, restore_first):
                yield [(name, state) for name, state in own if name not in after | left_out]


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_the_longest_history_stays_under_the_quota(definition: Definition) -> None:
    for path in paths(definition):
        events = EVENTS_A_STATE * len(path)
        events += sum(EVENTS_A_TRY * tries(state) for _, state in path if state["Type"] == "Task")
        assert events < MOST_EVENTS


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_the_machine_may_last_longer_than_all_its_phases(definition: Definition) -> None:
    for path in paths(definition):
        total = sum(longest(state) for _, state in path if state["Type"] == "Task")
        assert definition["TimeoutSeconds"] > total


def test_a_restore_of_a_day_is_waited_for_even_when_a_try_is_only_a_look() -> None:
    for name, task in tasks(RESTORE):
        if waits(task):
            assert sum(pauses(retrier(task, "StillInProgress"))) > 24 * HOUR, name
    assert PATIENCE > 24


def test_rds_is_asked_at_most_four_times_a_minute_and_seen_soon() -> None:
    """A look comes at most a ninetieth of the time waited late, and a quarter of a minute."""
    for definition in DEFINITIONS.values():
        for name, task in tasks(definition):
            waited = 0.0
            for pause in pauses(retrier(task, "StillInProgress")):
                assert pause >= DELAY >= 15, name
                assert pause <= 15.01 + waited / 90, name
                waited += pause
            assert "JitterStrategy" not in retrier(task, "StillInProgress"), "it would halve them"


def test_capacity_is_waited_for_at_most_half_an_hour() -> None:
    """The original is set aside meanwhile."""
    for name, task in tasks(RESTORE):
        again = retrier(task, "InsufficientCapacity")
        # A refusal comes at once: each try lasts seconds.
        assert 20 * 60 < sum(pauses(again)) + 10 * again["MaxAttempts"] <= 30 * 60, name


def worst_call() -> float:
    """The longest that one call can last, in seconds: each try runs into both time-outs."""
    attempts = PATIENT.retries["total_max_attempts"]
    # botocore's standard mode waits at most 20 seconds between two tries.
    backoff = sum(min(2**n, 20) for n in range(attempts - 1))
    return float(attempts * (PATIENT.connect_timeout + PATIENT.read_timeout) + backoff)


def test_a_call_is_tried_at_most_three_times_by_the_client() -> None:
    assert PATIENT.retries == {"mode": "standard", "total_max_attempts": 3}


def test_a_function_s_time_exceeds_the_worst_time_of_its_call() -> None:
    """Of a look and of the call behind it; what needs more calls is begun again by a retry."""
    usual = template()["Globals"]["Function"]["Timeout"]
    for name, properties in functions().items():
        timeout = properties.get("Timeout", usual)
        assert timeout > worst_call(), name
    # A rollback's two looks, the minute between them, the lock and the call.
    assert usual > 60 + 3 * worst_call()
