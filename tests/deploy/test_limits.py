"""The limits of Step Functions and Lambda, computed from what is deployed."""

from collections.abc import Callable

import pytest

from tests.deploy.definition import (
    DEFINITIONS,
    RESTORE,
    Definition,
    State,
    targets,
    tasks,
)
from tests.deploy.test_definition import functions, invokes, is_of_a_kind, template
from trapheus.execution.clients import PATIENT
from trapheus.rds.waiters import PATIENCE

HOUR = 3600
# Of the 25,000 that Step Functions keeps of an execution: a state can be added without fear.
MOST_EVENTS = 15_000
# A try of a Task: scheduled, started, failed. A state: entered, exited. An execution: its start and
# its end. A Parallel or a Map: its own start and end, and an iteration's.
EVENTS_A_TRY, EVENTS_A_STATE, EVENTS_OF_THE_EXECUTION, EVENTS_INSIDE = 3, 2, 2, 2


def retrier(task: State, error: str) -> State:
    (found,) = (each for each in task["Retry"] if error in each["ErrorEquals"])
    return dict(found)


def looks(task: State) -> list[float]:
    """The seconds before each look of a Task whose work may still be in progress; [] for others."""
    found = [each for each in task["Retry"] if "StillInProgress" in each["ErrorEquals"]]
    return pauses(found[0]) if found else []


def tries(task: State) -> int:
    """The most tries of a Task: every retrier used up."""
    return 1 + sum(each["MaxAttempts"] for each in task["Retry"])


def pauses(retry: State) -> list[float]:
    """The seconds before each retry; without jitter, the most of each."""
    longest = retry.get("MaxDelaySeconds", float("inf"))
    return [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, longest)
        for n in range(retry["MaxAttempts"])
    ]


def longest(task: State) -> float:
    """The longest that a Task can last, in seconds."""
    return float(task["TimeoutSeconds"] * tries(task)) + sum(
        sum(pauses(each)) for each in task["Retry"]
    )


def events(state: State) -> int:
    """The most events that a state leaves in the history, without those of its inside."""
    of_tries = EVENTS_A_TRY * tries(state) if state["Type"] == "Task" else 0
    return EVENTS_A_STATE + of_tries + (EVENTS_INSIDE if state["Type"] == "Parallel" else 0)


def most(machine: Definition, weigh: Callable[[State], float]) -> float:
    """The greatest sum of weights on any path through a machine, each state at most once.

    Whatever can follow one another counts: a Catch comes after all tries of its state, and what is
    inside of a Parallel after all that is outside.
    """

    def from_state(name: str, passed: frozenset[str]) -> float:
        state = machine["States"][name]
        inside = sum(most(branch, weigh) for branch in state.get("Branches", []))
        later = [
            from_state(target, passed | {name})
            for target in set(targets(state))
            if target not in passed | {name}
        ]
        return weigh(state) + inside + max(later, default=0)

    return from_state(machine["StartAt"], frozenset())


# Of two tasks: what takes its own snapshot restores no other, which might have to be copied.
NEVER_BOTH = {"Take the snapshot", "Copy the snapshot"}


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
@pytest.mark.parametrize("never", sorted(NEVER_BOTH))
def test_the_longest_history_leaves_room_for_more_states(
    definition: Definition, never: str
) -> None:
    left_out = [task for name, task in tasks(definition) if name == never]

    def unless_left_out(state: State) -> int:
        return 0 if state in left_out else events(state)

    assert EVENTS_OF_THE_EXECUTION + most(definition, unless_left_out) <= MOST_EVENTS


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_the_machine_may_last_longer_than_all_its_phases(definition: Definition) -> None:
    def seconds(state: State) -> float:
        return longest(state) if state["Type"] == "Task" else 0.0

    assert definition["TimeoutSeconds"] > most(definition, seconds)


# What RDS may need days for, and how long all else is asked for again.
DAYS = {
    "Take the snapshot", "Wait until the copy is made", "Configure the copy", "Verify the copy",
    "Wait until the database is restored", "Configure the database", "Delete the original",
    "Wait until the original is deleted", "Put the original back",
    "Go on putting the original back", "Copy the snapshot",
}  # fmt: skip


def test_what_may_take_two_days_is_waited_for_and_all_else_for_an_hour() -> None:
    for name, task in tasks(RESTORE):
        if name in DAYS:
            hours = 1 if name == "Put the original back" else PATIENCE  # before it is told
            assert sum(looks(task)) > hours * HOUR, name
        elif is_of_a_kind(task):
            assert HOUR <= sum(looks(task)) < 2 * HOUR, (
                f"{name}: use ${{RetryStep}}; or ${{RetryWait}}, and name it in DAYS, if RDS may"
                " need days for it. ${RetryQuick} is for the functions of no kind"
            )
        else:
            assert not looks(task), f"{name} does its work at once"
    assert PATIENCE == 48


def test_rds_is_asked_at_most_four_times_a_minute_and_seen_soon() -> None:
    """A look comes at most a fifty-eighth of the time waited late, and a quarter of a minute."""
    for definition in DEFINITIONS.values():
        for name, task in tasks(definition):
            waited = 0.0
            for pause in looks(task):
                assert pause >= 15, name
                assert pause <= 15.01 + waited / 58, name
                waited += pause
            if waited:
                assert "JitterStrategy" not in retrier(task, "StillInProgress"), "it halves them"


def test_capacity_is_waited_for_at_most_half_an_hour() -> None:
    """The original has no name meanwhile."""
    for name, task in tasks(RESTORE):
        if invokes(task) and "rollBack" not in str(task["Parameters"]):
            again = retrier(task, "InsufficientCapacity")
            # A refusal comes at once: each try lasts seconds.
            assert 20 * 60 < sum(pauses(again)) + 10 * again["MaxAttempts"] <= 30 * 60, name


def rollback() -> State:
    """The Task that puts the original back."""
    return dict(tasks(RESTORE))["Put the original back"]


def test_a_rollback_outlasts_hours_of_a_busy_aws() -> None:
    assert sum(pauses(retrier(rollback(), "Throttled"))) > 3 * HOUR


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
