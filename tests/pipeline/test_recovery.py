"""What executions leave that end without a Catch: by their event, by the look, and by nobody."""

import json
from typing import Any

import pytest

from local.commands.app import App
from local.emulator.cloud import Fault, Notice
from tests.mailed import flowing
from tests.pipeline.observed import KINDS, Kind, databases, run, tagged
from tests.pipeline.scenarios import interrupt

HOUR = 3600.0
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
both_ways = pytest.mark.parametrize(
    ("strategy", "state"),
    [
        ("rename-first", "Restore the database"),
        ("restore-first", "Configure the copy"),
        ("restore-first", "Rename the copy"),
    ],
)


def look(cloud: App, after: float = HOUR) -> None:
    """Let time pass, and the hourly look come."""
    cloud.clock.advance(after)
    cloud.tick("HourlyLook")
    cloud.settle()


def restores(cloud: App) -> list[Any]:
    return [cloud.describe(arn) for arn in cloud.executions(cloud.machine)]


def locks(cloud: App) -> list[dict[str, Any]]:
    table = cloud.physical_id("LockTable")
    return list(cloud.client("dynamodb").scan(TableName=table)["Items"])


def hold(cloud: App, database: str, **item: Any) -> None:
    """Let a lock stand as somebody has left it."""
    values = {name: {"S": value} for name, value in {"database": database, **item}.items()}
    cloud.client("dynamodb").put_item(TableName=cloud.physical_id("LockTable"), Item=values)


@each_kind
@both_ways
def test_an_end_whose_event_is_lost_is_recovered_by_the_look(
    cloud: App, kind: Kind, strategy: str, state: str
) -> None:
    before = databases(cloud)
    cloud.loses_events = True
    interrupt(kind, cloud, state, settles=False, strategy=strategy)
    look(cloud, 60)
    assert databases(cloud) != before
    assert len(restores(cloud)) == 1, "it is left to its event for some minutes"
    look(cloud)

    assert databases(cloud) == before
    assert (tagged(cloud), locks(cloud)) == ([], [])
    assert [one.status for one in restores(cloud)] == ["TIMED_OUT", "SUCCEEDED"]
    (mail,) = cloud.alerts
    assert "recovered" in mail.subject
    look(cloud)
    assert len(restores(cloud)) == 2


@each_kind
def test_what_the_rule_may_not_start_is_a_dead_letter_and_recovered_by_the_look(
    cloud: App, kind: Kind
) -> None:
    before = databases(cloud)
    denied = Fault("AccessDeniedException", status=403)
    cloud.faults.append(lambda call: denied if call.caller == "events" else None)
    arn = interrupt(kind, cloud)

    (letter,) = cloud.dead_letters()
    assert letter["body"]["detail"]["executionArn"] == arn
    assert letter["ERROR_CODE"] == "AccessDeniedException"
    look(cloud)
    assert databases(cloud) == before


@each_kind
def test_a_failure_that_was_told_starts_nothing(cloud: App, kind: Kind) -> None:
    cloud.rds.poison(kind.name, kind.identifier)
    assert run(cloud, kind.request("db_restore")).status == "FAILED"
    cloud.settle()
    look(cloud)

    assert len(restores(cloud)) == 1
    assert len(cloud.alerts) == 1


@each_kind
def test_a_recovery_that_ends_past_every_catch_is_told_and_not_started_again(
    cloud: App, kind: Kind
) -> None:
    """What it finds in the lock is too long for an execution to carry."""
    cloud.loses_events = True
    arn = interrupt(kind, cloud)
    cloud.loses_events = False
    (item,) = locks(cloud)
    plan = json.loads(item["planned"]["S"]) | {"warnings": ["x" * 270_000]}
    hold(cloud, item["database"]["S"], holder=arn, phase="replace", planned=json.dumps(plan))

    look(cloud)
    _, recovery, none = restores(cloud)
    assert (recovery.status, recovery.error.partition(".")[0]) == ("FAILED", "States")
    # That one the rule has started, and it leaves it at that.
    assert none.status == "SUCCEEDED"
    # Whatever it could tell by itself.
    cloud.mails.clear()
    look(cloud)
    assert ["left" in mail.subject for mail in cloud.alerts] == [True]
    assert recovery.arn in flowing(cloud.alerts[0].text)
    look(cloud)
    assert (len(restores(cloud)), len(cloud.alerts)) == (3, 1)
    look(cloud, 24 * HOUR)
    assert (len(restores(cloud)), len(cloud.alerts)) == (3, 2)


@each_kind
@pytest.mark.parametrize("lost", [True, False], ids=["event lost", "event comes"])
def test_a_recovery_that_is_stopped_before_it_has_the_lock_is_started_again(
    cloud: App, kind: Kind, lost: bool
) -> None:
    before = databases(cloud)
    cloud.loses_events = lost
    stopped: list[str] = []

    def stop(notice: Notice) -> None:
        if notice.name == "Read the request" and notice.kind == "state entered":
            arn = notice.execution
            if arn != cloud.executions(cloud.machine)[0] and len(stopped) < 2:
                stopped.append(arn)
                cloud.clock.Thread(target=cloud.time_out, args=(arn,)).start()

    cloud.listeners.append(stop)
    interrupt(kind, cloud)
    for _ in range(3):
        look(cloud)

    assert len(stopped) == 2
    assert databases(cloud) == before
    assert locks(cloud) == []
    # Nothing grows with each: an event carries a quarter of a megabyte.
    inputs = [len(json.dumps(call.parameters)) for call in cloud.calls if call.caller == "events"]
    assert max(inputs, default=0) < 1000


@each_kind
def test_a_lock_that_only_people_can_recover_is_told_once_a_day(cloud: App, kind: Kind) -> None:
    plan = {"execution": "arn:old", "identifier": kind.identifier}
    unknown = f"{cloud.machine.replace(':stateMachine:', ':execution:')}:forgotten"
    cloud.loses_events = True
    interrupt(kind, cloud)
    (item,) = locks(cloud)
    plan = json.loads(item["planned"]["S"])
    database = item["database"]["S"]
    for left in ({}, {"holder": unknown}):
        cloud.mails.clear()
        hold(cloud, database, phase="rollback", planned=json.dumps(plan), **left)
        look(cloud)
        assert cloud.alerts == [], "its execution has told it"
        for _ in range(2):
            look(cloud, 25 * HOUR)
            look(cloud)
        assert len(cloud.alerts) == 2
        assert f'"identifier": "{kind.identifier}", "task": "recover"' in flowing(
            cloud.alerts[0].text
        )
        assert kind.identifier in cloud.alerts[0].subject
    assert len(restores(cloud)) == 1


def test_a_lock_that_nobody_can_read_does_not_stop_the_others(cloud: App) -> None:
    before = databases(cloud)
    cloud.loses_events = True
    for kind in KINDS:
        arn = interrupt(kind, cloud, name=f"run-{kind.name}")
        hold(cloud, f"instance#bad-{kind.name}", holder="no ARN", phase="replace")
        hold(cloud, f"cluster#bad-{kind.name}", holder=arn, phase="odd", planned="no JSON")
    look(cloud)

    assert databases(cloud) == before
    assert {item["database"]["S"].partition("#")[2] for item in locks(cloud)} <= {
        "bad-instance", "bad-cluster",
    }  # fmt: skip


@each_kind
def test_two_looks_at_once_start_one_recovery(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    cloud.loses_events = True
    interrupt(kind, cloud)
    cloud.clock.advance(HOUR)
    with cloud.clock.held():
        for _ in range(2):
            cloud.tick("HourlyLook")
    cloud.settle()

    assert len(restores(cloud)) == 2
    assert databases(cloud) == before


@each_kind
def test_a_lock_that_somebody_takes_behind_the_look_is_his(cloud: App, kind: Kind) -> None:
    """The recovery is started for a holder that has the lock no more."""
    cloud.loses_events = True
    interrupt(kind, cloud)
    taken = []

    def take(call: Any) -> None:
        if (call.caller, call.operation) == ("LookAtLocksFunction", "StartExecution"):
            taken.append(call)
            (item,) = locks(cloud)
            hold(cloud, item["database"]["S"], holder="another", phase="replace")

    cloud.faults.append(take)
    look(cloud)

    assert taken
    assert [item["holder"]["S"] for item in locks(cloud)] == ["another"]
    assert restores(cloud)[-1].status == "SUCCEEDED"
