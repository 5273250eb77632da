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
from trapheus.execution import exceptions, executions, lock

TABLE = "locks"
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
    monkeypatch.setattr(boto3, "client", client)
    with mock_aws():
        lock.dynamodb.cache_clear()
        executions.stepfunctions.cache_clear()
        client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "database", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "database", "KeyType": "HASH"}],
        )
        machine = client("stepfunctions").create_state_machine(
            name="restore",
            definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/states",
        )
        yield Table(machine["stateMachineArn"])
    lock.dynamodb.cache_clear()
    executions.stepfunctions.cache_clear()


def database(is_cluster: bool) -> str:
    return lock.name_of("prod-db", is_cluster=is_cluster)


def ask(
    execution: str,
    is_cluster: bool,
    task: str = "db_restore",
    of: str = "",
) -> dict[str, Any]:
    request = {
        "identifier": "prod-db",
        "task": task,
        "isCluster": is_cluster,
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

    assert ask(me, is_cluster) == {"phase": "", "interrupted": "", "plan": {}}
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

    expected = {"phase": phase, "interrupted": ended, "plan": plan}
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
        "phase": "rollback", "interrupted": "arn:failed", "plan": plan,
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


@KINDS
def test_a_phase_that_begins_while_the_lock_is_taken_over_is_not_written_over(
    table: Table, is_cluster: bool, monkeypatch: pytest.MonkeyPatch
):
    """A function of the ended execution is at work still, and renames the original next."""
    ended, me = table.execution("ABORTED"), table.execution()
    plan = PLAN | {"execution": ended} | ({"members": []} if is_cluster else {})
    table.hold(is_cluster, holder=ended, phase="prepare")
    seen = lock.read(database(is_cluster))
    lock.require({"execution": ended, "plan": plan, "phase": "replace"})
    with monkeypatch.context() as stale:
        stale.setattr(take, "read", lambda _: seen)
        refusal(exceptions.StateConflict, me, is_cluster)

    assert ask(me, is_cluster) == {"phase": "replace", "interrupted": ended, "plan": plan}


@KINDS
def test_what_is_left_while_the_lock_is_taken_is_not_written_over(
    table: Table, is_cluster: bool, monkeypatch: pytest.MonkeyPatch
):
    table.hold(is_cluster, phase="rollback", planned=json.dumps(PLAN))
    monkeypatch.setattr(take, "read", lambda _: {})

    refusal(exceptions.StateConflict, table.execution(), is_cluster)
    assert table.item(is_cluster)["phase"] == "rollback"


@KINDS
@pytest.mark.parametrize("task", ["db_restore", "recover"])
def test_what_was_left_before_anything_began_is_taken_as_if_released(
    table: Table, is_cluster: bool, task: str
):
    """Neither the phase nor its rollback could be noted, and the holder has left it then."""
    table.hold(is_cluster, phase="prepare")
    me = table.execution()

    assert ask(me, is_cluster, task) == {"phase": "", "interrupted": "", "plan": {}}
    assert table.item(is_cluster) == {
        "database": database(is_cluster), "holder": me, "phase": "prepare",
    }  # fmt: skip


@KINDS
def test_a_rollback_is_noted_with_its_plan(table: Table, is_cluster: bool):
    """It is the first phase of all where the one that has failed could not be noted."""
    ended, me = table.execution("ABORTED"), table.execution()
    plan = PLAN | {"execution": ended} | ({"members": []} if is_cluster else {})
    table.hold(is_cluster, holder=ended, phase="prepare")
    lock.require({"execution": ended, "plan": plan, "phase": "rollback"})

    assert ask(me, is_cluster) == {"phase": "rollback", "interrupted": ended, "plan": plan}
