"""What RDS says of a database in a bad status: carried by the error of the step that sees it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.emulator.rds import Change
from tests.unit.conftest import Aws, Kind, of_clusters
from trapheus.execution import exceptions

WORDS = {
    "instance": "Database instance put into incompatible-restore. The instance has 76 databases,"
    " but after conversion it would only support 75.",
    "cluster": "You can't create the DB cluster because of incompatible resources.",
}


def carried(error: exceptions.TrapheusError) -> list[str]:
    """The events of an error."""
    return json.loads(str(error)).get("events", "").splitlines()


def failing(aws: Aws, plan: dict[str, Any], **event: Any) -> exceptions.TrapheusError:
    """Let a restore end in a bad status, and wait for it; the error."""
    aws.rds.find(aws.snapshot_kind, plan["snapshot"]).poison = "incompatible-restore"
    event = {"until": "restored", "phase": "finish", **event}
    # The step itself waits for a cluster, which gets its members from it.
    for step, more in (("restore", {}), ("wait", event)):
        try:
            aws.until_done(step, plan=plan, **more)
        except exceptions.RestoreFailed as error:
            return error
        aws.settle()
    raise AssertionError("the restore has not failed")


def note(aws: Aws, name: str, after: str, times: int = 1, ago: float = 0) -> None:
    """Let RDS have told something of a database, a second apart."""
    for n in range(times):
        at = aws.clock.time - ago - times + n
        aws.rds.changes.append(Change(at, aws.kind.name, name, "", "available", after))


def test_a_failed_restore_carries_what_rds_says_of_it(aws: Aws, kind: Kind, renamed: dict):
    last = carried(failing(aws, renamed))[-1]

    at, utc, said = last.partition(" UTC ")
    assert utc
    assert said == f"{renamed['identifier']}: {WORDS[kind.name]}"
    happened = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert datetime.fromisoformat(renamed["started"]) < happened <= datetime.now(UTC)


def test_so_does_one_beside_the_original(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="restore-first")

    last = carried(failing(aws, plan, until="copied"))[-1]

    assert last.endswith(f"{plan['restoredAs']}: {WORDS[kind.name]}")


def test_the_original_is_asked_for_under_both_of_its_names(aws: Aws, kind: Kind, renamed: dict):
    note(aws, renamed["renamedTo"], "failed")
    aws.force("failed", renamed["renamedTo"])

    with pytest.raises(exceptions.RenameFailed) as raised:
        aws.run("wait", plan=renamed, until="renamed")

    assert f"{renamed['renamedTo']}: " in carried(raised.value)[-1]


def test_a_rollback_that_cannot_go_on_carries_them_too(aws: Aws, kind: Kind, renamed: dict):
    note(aws, renamed["renamedTo"], "failed")
    aws.force("failed", renamed["renamedTo"])

    with pytest.raises(exceptions.RollbackFailed, match="The original of") as raised:
        aws.until_done("roll_back", plan=renamed)

    assert f"{renamed['renamedTo']}: " in carried(raised.value)[-1]


@of_clusters
def test_a_member_is_asked_for_as_an_instance(aws: Aws, replaced: dict):
    writer = replaced["members"][0]["identifier"]
    at = aws.clock.time - 1
    aws.rds.changes.append(Change(at, "instance", writer, "", "available", "incompatible-network"))
    aws.force("incompatible-network", writer, "instance")

    with pytest.raises(exceptions.RestoreFailed) as raised:
        aws.run("wait", plan=replaced, until="restored")

    assert f"{writer}: Database instance put into" in carried(raised.value)[-1]


def test_a_snapshot_is_asked_for_as_one(aws: Aws, kind: Kind):
    plan = aws.plan("create_snapshot")
    aws.run_once("snapshot", plan=plan)
    taken = aws.rds.find(aws.snapshot_kind, plan["successor"])
    aws.clock.sleep(60)
    taken.shown["Status"] = "failed"

    with pytest.raises(exceptions.SnapshotFailed) as raised:
        aws.until_done("snapshot", plan=plan)

    assert any(f"{plan['successor']}: Creating manual" in one for one in carried(raised.value))


def test_what_is_older_than_the_execution_is_left_out(aws: Aws, kind: Kind, renamed: dict):
    began = datetime.fromisoformat(renamed["started"]).timestamp()
    note(aws, renamed["identifier"], "stopped", ago=aws.clock.time - began + 60)

    assert not [one for one in carried(failing(aws, renamed)) if "stopped" in one]


def test_five_events_of_three_hundred_characters_are_carried_at_most(
    aws: Aws, kind: Kind, renamed: dict
):
    note(aws, renamed["identifier"], "renamed from " + "x" * 1000 + "\n", times=120)
    note(aws, renamed["identifier"], "stopped")
    aws.until_done("restore", plan=renamed)
    aws.settle()
    aws.force("failed")

    with pytest.raises(exceptions.RestoreFailed) as raised:
        aws.run("wait", plan=renamed, until="restored", phase="finish")

    found = carried(raised.value)
    assert len(found) == 5
    assert max(map(len, found)) < 400


@pytest.mark.parametrize("status", [403, 500])
def test_where_rds_refuses_its_events_the_error_is_the_same_without_them(
    aws: Aws, kind: Kind, renamed: dict, status: int
):
    aws.fail(
        "DescribeEvents", "AccessDenied" if status == 403 else "InternalFailure", status=status
    )

    error = failing(aws, renamed)

    assert aws.calls.count("DescribeEvents")
    fields = json.loads(str(error))
    assert fields["message"] == f"{renamed['identifier']} is incompatible-restore"
    assert "events" not in fields


def test_an_error_that_rds_has_answered_with_asks_for_no_events(
    aws: Aws, kind: Kind, renamed: dict
):
    operation = f"Restore{aws.kind.operation}From" + ("DB" if kind.name == "instance" else "")
    aws.fail(f"{operation}Snapshot", "InvalidSubnet")

    with pytest.raises(exceptions.RestoreFailed, match="InvalidSubnet"):
        aws.run("restore", plan=renamed)

    assert "DescribeEvents" not in aws.calls
