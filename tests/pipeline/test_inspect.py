"""What an inspection tells of what executions have left, and that it changes nothing."""

import json
import shlex
from typing import Any
from unittest.mock import patch

import pytest

from local.commands.app import App
from tests.mailed import Block, paste, split
from tests.pipeline.observed import KINDS, Kind, On, databases, run, snapshots, tagged
from tests.pipeline.scenarios import DENIED, ended, interrupt, resource_ids

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
Answer = dict[str, Any]


def locks(cloud: App) -> list[Any]:
    table = cloud.physical_id("LockTable")
    return list(cloud.client("dynamodb").scan(TableName=table)["Items"])


def inspect(cloud: App, request: dict[str, Any], name: str = "inspection") -> Answer:
    """The answer to a request, which has changed nothing and told nobody."""
    before = (databases(cloud), snapshots(cloud), tagged(cloud), locks(cloud), len(cloud.mails))
    since = len(cloud.calls)

    execution = run(cloud, {**request, "task": "inspect"}, name)

    ended(execution, "SUCCEEDED")
    called = {call.operation for call in cloud.calls[since:] if call.caller != "outside"}
    assert {one for one in called if not one.startswith(("Describe", "Invoke", "Scan"))} == set()
    cloud.settle()
    after = (databases(cloud), snapshots(cloud), tagged(cloud), locks(cloud), len(cloud.mails))
    assert after == before
    return dict(execution.output)


def of(kind: Kind) -> dict[str, Any]:
    """The request about the sample database of a kind."""
    return {"identifier": kind.identifier, "isCluster": kind.is_cluster}


def pasted(cloud: App, command: str) -> None:
    """Paste a command of RDS that goes through; its waits pass in virtual time."""
    with patch("botocore.waiter.time.sleep", cloud.clock.advance):
        assert paste(Block("", [], split(command)), cloud.client("rds")) is None


@each_kind
def test_what_an_interrupted_run_has_left_is_its_recovery_s(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    cloud.loses_events = True
    arn = interrupt(kind, cloud, settles=False)
    # What RDS was asked for goes on.
    cloud.clock.advance(3600)

    found = inspect(cloud, of(kind))

    (lock,) = found["locks"]
    assert (lock["execution"], lock["phase"]) == (arn, "replace")
    assert "TIMED_OUT" in lock["whose"]
    assert lock["since"].startswith("20")
    assert f"{kind.identifier}-temp" in {one["name"] for one in found["leftovers"]}
    for one in found["leftovers"]:
        assert one["execution"] == arn
        assert one["command"] == lock["command"]
    assert inspect(cloud, {}, "of-all")["locks"] == [lock]

    words = shlex.split(lock["command"].partition(" && ")[2])
    assert words[:3] == ["aws", "stepfunctions", "start-execution"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given["--state-machine-arn"] == cloud.machine
    ended(cloud.run(cloud.machine, given["--input"], "recovery"), "SUCCEEDED")
    cloud.settle()
    assert databases(cloud) == before
    again = inspect(cloud, of(kind), "again")
    assert (again["leftovers"], again["locks"]) == ([], [])


@each_kind
def test_what_a_failed_run_has_left_goes_by_its_commands(cloud: App, kind: Kind) -> None:
    names = set(databases(cloud))
    operation = kind.operation("DeleteDB*")
    cloud.faults.append(On(f"Delete{kind.name.capitalize()}Function", operation, DENIED))
    ended(run(cloud, kind.request("db_restore")), "FAILED", "DeleteFailed")
    cloud.faults.clear()
    restored = resource_ids(cloud)[f"{kind.name} {kind.identifier}"]

    found = inspect(cloud, of(kind))

    assert found["locks"] == []
    commands = {one["name"]: one["command"] for one in found["leftovers"]}
    assert set(commands) == {kind.identifier, f"{kind.identifier}-temp"}
    assert {one["execution"] for one in found["leftovers"]} == {"unknown"}
    assert isinstance(found["dollarsAMonth"], int)

    for name in sorted(commands):
        pasted(cloud, commands[name])
    assert set(databases(cloud)) == names
    assert resource_ids(cloud)[f"{kind.name} {kind.identifier}"] == restored
    assert tagged(cloud) == []
    assert inspect(cloud, of(kind), "again")["leftovers"] == []


@each_kind
def test_while_an_execution_works_nothing_of_it_is_to_be_cleared(cloud: App, kind: Kind) -> None:
    asked = json.dumps({**of(kind), "task": "inspect"})
    client, started = cloud.client("stepfunctions"), []

    def look(notice: Any) -> None:
        if (notice.kind, notice.name) == ("state entered", "Verify the database"):
            started.append(f"inspection-{len(started)}")
            start = {"stateMachineArn": cloud.machine, "name": started[-1], "input": asked}
            cloud.clock.Thread(target=client.start_execution, kwargs=start).start()

    cloud.listeners.append(look)
    execution = run(cloud, kind.request("db_restore"))
    cloud.settle()

    ended(execution, "SUCCEEDED")
    inspection = cloud.describe(execution.arn.rpartition(":")[0] + ":inspection-0")
    ended(inspection, "SUCCEEDED")
    (lock,) = inspection.output["locks"]
    assert lock["execution"] == execution.arn
    left = inspection.output["leftovers"]
    assert {one["name"] for one in left} == {kind.identifier, f"{kind.identifier}-temp"}
    for one in (lock, *left):
        assert (one["whose"], one["command"]) == ("of an execution that runs", "")


def test_all_that_the_stack_may_touch_is_looked_at_without_an_identifier(cloud: App) -> None:
    left = {"left-db-temp", "left-cluster-temp"}
    assert {one["name"] for one in inspect(cloud, {})["leftovers"]} == left
    every = inspect(cloud, {"identifier": "*", "isCluster": True}, "of-clusters")
    assert [one["name"] for one in every["leftovers"]] == ["left-cluster-temp"]


def test_a_look_that_is_denied_is_told(cloud: App) -> None:
    cloud.faults.append(On("InspectFunction", "DescribeDBInstances", DENIED))

    execution = run(cloud, {"task": "inspect"})

    ended(execution, "FAILED", "CheckFailed")
    (mail,) = cloud.alerts
    assert "CheckFailed" in mail.subject


def test_an_inspection_that_is_stopped_needs_no_recovery(cloud: App) -> None:
    def stop(notice: Any) -> None:
        if (notice.kind, notice.name) == ("state entered", "Look at what is left"):
            cloud.clock.Thread(target=cloud.time_out, args=(notice.execution,)).start()

    cloud.listeners.append(stop)
    execution = run(cloud, {"task": "inspect"})
    cloud.settle()

    ended(execution, "TIMED_OUT")
    _, recovery = (cloud.describe(arn) for arn in cloud.executions(cloud.machine))
    ended(recovery, "SUCCEEDED")
    assert cloud.mails == []
