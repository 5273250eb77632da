"""The lock: who gets it, who is refused, and what is found of an interrupted execution."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.stepfunctions.models import stepfunctions_backends

from src.lock import take
from trapheus import exceptions, lock, turns

TABLE, TURNS = "locks", "turns"
ACCOUNT = "123456789012"
PLAN = {"execution": "", "identifier": "prod-db"}
# A client costs a tenth of a second, and moto answers one that an earlier test has made as well.
client = functools.cache(boto3.client)
KINDS = pytest.mark.parametrize("is_cluster", [False, True], ids=["instance", "cluster"])


@dataclass
class Table:
    """The table of the locks, and a state machine whose executions hold them."""

    machine: str
    started: int = 0

    def execution(self, status: str = "RUNNING") -> str:
        """The ARN of an execution that stands so."""
        self.started += 1
        arn = client("stepfunctions").start_execution(
            stateMachineArn=self.machine, name=f"run-{self.started}"
        )
        backend = stepfunctions_backends[ACCOUNT]["us-east-1"]
        backend.describe_execution(arn["executionArn"]).status = status
        return str(arn["executionArn"])

    def hold(self, is_cluster: bool, **item: str) -> None:
        """Let the item be as an execution has left it."""
        whole = {"database": database(is_cluster), **item}
        client("dynamodb").put_item(
            TableName=TABLE, Item={name: {"S": value} for name, value in whole.items()}
        )

    def item(self, is_cluster: bool) -> lock.Item:
        return lock.read(database(is_cluster))


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "dummy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "dummy")
    monkeypatch.setenv("LOCK_TABLE", TABLE)
    monkeypatch.setenv("TURN_TABLE", TURNS)
    monkeypatch.setenv("START_INTERVAL_SECONDS", "10")
    monkeypatch.setattr(boto3, "client", client)
    with mock_aws():
        lock.dynamodb.cache_clear()
        take.stepfunctions.cache_clear()
        for name, key in ((TABLE, "database"), (TURNS, "turn")):
            client("dynamodb").create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            )
        machine = client("stepfunctions").create_state_machine(
            name="restore",
            definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/states",
        )
        yield Table(machine["stateMachineArn"])
    lock.dynamodb.cache_clear()
    take.stepfunctions.cache_clear()


def database(is_cluster: bool) -> str:
    return lock.name_of("prod-db", is_cluster=is_cluster)


def ask(
    execution: str,
    is_cluster: bool,
    task: str = "db_restore",
    of: str = "",
    urgent: bool = False,
) -> dict[str, Any]:
    request = {
        "identifier": "prod-db",
        "task": task,
        "isCluster": is_cluster,
        "urgent": urgent,
        "interrupted": of,
        "lock": database(is_cluster),
    }
    return take.handler({"execution": execution, "request": request}, None)


def refusal(error: type[Exception], *asked: Any, **more: Any) -> str:
    with pytest.raises(exceptions.TrapheusError) as raised:
        ask(*asked, **more)
    assert type(raised.value) is error
    return json.loads(str(raised.value))["message"]


@KINDS
def test_a_free_lock_is_taken_for_its_first_phase(table: Table, is_cluster: bool):
    me = table.execution()

    assert ask(me, is_cluster) == {"phase": "", "interrupted": "", "plan": {}, "wait": 0}
    assert table.item(is_cluster) == {
        "database": database(is_cluster), "holder": me, "phase": "prepare",
    }  # fmt: skip


def test_an_instance_and_a_cluster_of_one_name_do_not_lock_each_other(table: Table):
    for is_cluster in (False, True):
        assert ask(table.execution(), is_cluster)["phase"] == ""


@KINDS
def test_taking_it_twice_is_taking_it_once(table: Table, is_cluster: bool):
    me = table.execution()
    assert ask(me, is_cluster) == ask(me, is_cluster)


@KINDS
@pytest.mark.parametrize("task", ["db_restore", "create_snapshot_only", "recover"])
def test_while_its_holder_runs_everybody_else_is_refused_by_name(
    table: Table, is_cluster: bool, task: str
):
    holder = table.execution()
    ask(holder, is_cluster)

    assert holder in refusal(exceptions.LockHeld, table.execution(), is_cluster, task)
    assert table.item(is_cluster)["holder"] == holder


@KINDS
@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
@pytest.mark.parametrize("phase", ["prepare", "replace", "rollback", "finish"])
@pytest.mark.parametrize("task", ["db_restore", "recover"])
def test_from_a_holder_that_has_ended_it_is_taken_over_with_what_was_left(
    table: Table, *, is_cluster: bool, status: str, phase: str, task: str
):
    ended, me = table.execution(status), table.execution()
    plan = {} if phase == "prepare" else PLAN
    table.hold(
        is_cluster, holder=ended, phase=phase, **({"planned": json.dumps(plan)} if plan else {})
    )

    expected = {"phase": phase, "interrupted": ended, "plan": plan, "wait": 0}
    assert ask(me, is_cluster, task) == expected
    # Also when the answer was lost.
    assert ask(me, is_cluster, task) == expected
    assert table.item(is_cluster)["holder"] == me


@KINDS
def test_a_holder_that_has_succeeded_leaves_nothing_to_recover(table: Table, is_cluster: bool):
    table.hold(is_cluster, holder=table.execution("SUCCEEDED"), phase="finish", planned="{}")
    me = table.execution()

    assert ask(me, is_cluster)["phase"] == ""
    assert table.item(is_cluster) == {
        "database": database(is_cluster), "holder": me, "phase": "prepare",
    }  # fmt: skip


@KINDS
def test_what_a_failed_rollback_has_left_is_for_a_recovery_only(table: Table, is_cluster: bool):
    plan = {**PLAN, "execution": "arn:failed"}
    table.hold(is_cluster, phase="rollback", planned=json.dumps(plan))

    said = refusal(exceptions.NotRecovered, table.execution(), is_cluster)
    assert '"task": "recover"' in said
    assert json.dumps(is_cluster) in said
    recovered = ask(table.execution(), is_cluster, "recover")
    assert recovered == {
        "phase": "rollback", "interrupted": "arn:failed", "plan": plan, "wait": 0,
    }  # fmt: skip


@KINDS
def test_a_recovery_of_nothing_takes_no_lock(table: Table, is_cluster: bool):
    assert ask(table.execution(), is_cluster, "recover")["phase"] == ""
    assert table.item(is_cluster) == {}


@KINDS
def test_the_rule_recovers_only_what_the_ended_execution_holds(table: Table, is_cluster: bool):
    ended, other = table.execution("FAILED"), table.execution("ABORTED")
    assert ask(table.execution(), is_cluster, "recover", of=ended)["phase"] == ""
    for left in ({"holder": other, "phase": "replace"}, {"phase": "rollback"}):
        table.hold(is_cluster, planned=json.dumps(PLAN), **left)
        assert ask(table.execution(), is_cluster, "recover", of=ended)["phase"] == ""
        assert table.item(is_cluster).get("holder") == left.get("holder")

    table.hold(is_cluster, holder=ended, phase="replace", planned=json.dumps(PLAN))
    assert ask(table.execution(), is_cluster, "recover", of=ended)["interrupted"] == ended


@KINDS
def test_whoever_says_so_a_holder_that_is_shown_to_run_keeps_its_lock(
    table: Table, is_cluster: bool
):
    """What is shown may lag behind the event of an end, so the rule's recovery asks again."""
    running = table.execution("RUNNING")
    ask(running, is_cluster)

    refusal(exceptions.StateConflict, table.execution(), is_cluster, "recover", of=running)
    assert table.item(is_cluster)["holder"] == running


@KINDS
def test_a_holder_that_aws_does_not_know_is_only_recovered_on_request(
    table: Table, is_cluster: bool
):
    unknown = table.execution().replace("run-1", "forgotten")
    table.hold(is_cluster, holder=unknown, phase="replace", planned=json.dumps(PLAN))

    assert unknown in refusal(exceptions.NotRecovered, table.execution(), is_cluster)
    assert ask(table.execution(), is_cluster, "recover")["interrupted"] == unknown


@KINDS
def test_of_two_that_take_it_at_once_one_is_told_to_look_again(
    table: Table, is_cluster: bool, monkeypatch: pytest.MonkeyPatch
):
    faster, slower = table.execution(), table.execution()
    monkeypatch.setattr(take, "read", lambda _: {})
    ask(faster, is_cluster)

    refusal(exceptions.StateConflict, slower, is_cluster)
    assert table.item(is_cluster)["holder"] == faster


@KINDS
def test_a_table_that_may_not_be_read_is_named(table: Table, is_cluster: bool):
    client("dynamodb").delete_table(TableName=TABLE)

    refusal(exceptions.LockFailed, table.execution(), is_cluster)


# Turns


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the turns go by; what is put into it is the time from then on."""
    now = [1_000_000.2]
    monkeypatch.setattr(turns.time, "time", lambda: now[0])
    return now


@KINDS
def test_ten_begin_at_once_and_the_next_ones_ten_seconds_apart(
    table: Table, moment: list[float], is_cluster: bool
):
    waits = []
    for _ in range(13):
        table.hold(is_cluster, phase="prepare", holder=(me := table.execution()))
        waits.append(ask(me, is_cluster)["wait"])

    assert waits == [0] * 10 + [10, 20, 30]


def test_turns_that_have_passed_leave_room_for_ten_again(table: Table, moment: list[float]):
    assert [turns.seconds_until_turn() for _ in range(12)][-2:] == [10, 20]
    moment[0] += 50  # five more turns
    assert [turns.seconds_until_turn() for _ in range(5)] == [0, 0, 0, 10, 20]
    moment[0] += 10_000
    assert [turns.seconds_until_turn() for _ in range(11)] == [0] * 10 + [10]


def test_who_loses_the_race_to_begin_anew_comes_after_the_winner(
    table: Table, moment: list[float], monkeypatch: pytest.MonkeyPatch
):
    """The winner writes between the two tries of the loser."""
    take_one, tried = turns.take, []

    def beaten(update: str, *more: Any) -> int:
        tried.append(update)
        if len(tried) == 2:
            take_one(*turns.ANEW, *more[1:])
        return take_one(update, *more)

    monkeypatch.setattr(turns, "take", beaten)
    assert turns.seconds_until_turn() == 0
    assert tried == [turns.AHEAD[0], turns.ANEW[0], turns.AHEAD[0]]
    assert [turns.seconds_until_turn() for _ in range(9)] == [0] * 8 + [10]


def test_without_an_interval_nobody_waits_whatever_was_taken_before(
    table: Table, moment: list[float], monkeypatch: pytest.MonkeyPatch
):
    assert [turns.seconds_until_turn() for _ in range(12)][-1] == 20
    monkeypatch.setenv("START_INTERVAL_SECONDS", "0")
    assert turns.seconds_until_turn() == 0


@KINDS
def test_what_is_urgent_or_has_to_be_recovered_takes_no_turn(
    table: Table, moment: list[float], is_cluster: bool
):
    for _ in range(20):
        turns.seconds_until_turn()
    assert ask(table.execution(), is_cluster, urgent=True)["wait"] == 0

    ended = table.execution("ABORTED")
    table.hold(is_cluster, holder=ended, phase="replace", planned=json.dumps(PLAN))
    found = ask(table.execution(), is_cluster, "recover", ended)
    assert (found["phase"], found["wait"]) == ("replace", 0)

    table.hold(is_cluster, holder=ended, phase="replace", planned=json.dumps(PLAN))
    found = ask(table.execution(), is_cluster)
    assert (found["phase"], found["wait"]) == ("replace", 0)
    assert turns.seconds_until_turn() == 110, "the twenty and this one"


def test_turns_that_cannot_be_taken_fail_as_the_lock_does(
    table: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TURN_TABLE", "gone")
    assert "not found" in refusal(exceptions.LockFailed, table.execution(), False)
