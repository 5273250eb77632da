"""Seen from outside: every alarm goes off by what it is for, and none in a week of successes."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local.commands.app import ROOT
from local.emulator.cloud import Fault
from local.emulator.cloudformation.templates import read_template
from tests.mailed import Shell, blocks, flowing
from tests.pipeline.observed import KINDS, Kind, On, run
from tests.pipeline.scenarios import DENIED, interrupt
from tests.pipeline.test_recovery import look
from tests.pipeline.test_stack import second_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.commands.app import App

HOUR = 3600.0
WAYS = ("SendEmail", "Publish", "PutEvents")
RESOURCES = read_template(ROOT / "template.yaml")["Resources"]
ALARMS = {name for name, one in RESOURCES.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def ringing(cloud: App) -> set[str]:
    """The logical ids of the alarms that have gone off."""
    return {name.split("-")[1] for name in cloud.watch.ringing()}


def lets_fail(cloud: App, kind: Kind) -> None:
    """The database is not touched."""
    operation = "CreateDBClusterSnapshot" if kind.is_cluster else "CreateDBSnapshot"
    cloud.faults.append(On("Snapshot", operation, DENIED))
    assert run(cloud, kind.request("create_snapshot")).status == "FAILED"
    cloud.clock.advance(600)


def lets_both_stand(cloud: App, kind: Kind) -> None:
    cloud.faults.append(On("Delete", kind.operation("DeleteDB*"), DENIED))
    assert run(cloud, kind.request("db_restore")).error == "DeleteFailed"
    cloud.clock.advance(600)


def lets_nothing_serve(cloud: App, kind: Kind) -> None:
    restore = kind.operation("RestoreDB*From") + ("Snapshot" if kind.is_cluster else "DBSnapshot")
    cloud.faults.append(On("Restore", restore, DENIED))
    cloud.faults.append(On("RollBack", kind.operation("ModifyDB*"), DENIED))
    assert run(cloud, kind.request("db_restore")).status == "FAILED"
    cloud.clock.advance(600)


def leaves_a_lock(cloud: App, kind: Kind) -> None:
    """The event of an end is lost, and the recovery cannot be started either."""
    cloud.loses_events = True
    interrupt(kind, cloud)
    cloud.faults.append(On("LookAtLocks", "StartExecution", DENIED))
    look(cloud)
    cloud.clock.advance(HOUR)


def gives_a_start_up(cloud: App, kind: Kind) -> None:
    denied = Fault("AccessDeniedException", status=403)
    cloud.faults.append(lambda call: denied if call.caller == "events" else None)
    interrupt(kind, cloud)
    cloud.clock.advance(600)


def sends_nothing(cloud: App, kind: Kind) -> None:
    for way in WAYS:
        cloud.faults.append(On("SendEmail", way, Fault("AccessDeniedException", status=403)))
    assert run(cloud, kind.request("create_snapshot_only")).status == "SUCCEEDED"
    cloud.clock.advance(600)


def is_silent(cloud: App, kind: Kind) -> None:
    """The looks end after the first one."""
    look(cloud)
    cloud.clock.advance(7 * HOUR)


GOES_OFF: dict[str, Callable[[App, Kind], None]] = {
    "FailedAlarm": lets_fail,
    "DecideAlarm": lets_both_stand,
    "DownAlarm": lets_nothing_serve,
    "LocksLeftAlarm": leaves_a_lock,
    "DeadLettersAlarm": gives_a_start_up,
    "NotSentAlarm": sends_nothing,
    "NoLookAlarm": is_silent,
}
# What goes off besides.
TOO = {"DecideAlarm": {"FailedAlarm"}, "DownAlarm": {"FailedAlarm"}}


def test_every_alarm_has_its_test() -> None:
    assert set(GOES_OFF) | {"SuccessOverdueAlarm"} == ALARMS


@each_kind
@pytest.mark.parametrize("alarm", GOES_OFF)
def test_an_alarm_goes_off_and_the_topic_takes_it(cloud: App, kind: Kind, alarm: str) -> None:
    look(cloud, 0)
    GOES_OFF[alarm](cloud, kind)

    assert ringing(cloud) - {"NoLookAlarm"} | {alarm} == {alarm} | TOO.get(alarm, set())
    (change,) = [one for one in cloud.watch.changes
                 if one.alarm == cloud.physical_id(alarm) and one.state == "ALARM"]  # fmt: skip
    assert change.told == [cloud.physical_id("NotificationTopic")]
    assert cloud.watch.refused == []


@each_kind
def test_an_alarm_is_over_some_time_after_its_cause(cloud: App, kind: Kind) -> None:
    lets_fail(cloud, kind)
    cloud.clock.advance(HOUR)

    states = [one.state for one in cloud.watch.look() if "FailedAlarm" in one.alarm]
    assert states == ["ALARM", "OK"]


def test_a_key_that_cloudwatch_may_not_use_keeps_every_alarm_silent(cloud: App) -> None:
    """Which AWS tells nobody; so the key's policy has to be right."""
    keys, key = cloud.client("kms"), cloud.physical_id("NotificationKey")
    usual = keys.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    only_ours = json.loads(usual)
    only_ours["Statement"] = only_ours["Statement"][:1]
    keys.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(only_ours))
    try:
        lets_fail(cloud, KINDS[0])
        assert [one.told for one in cloud.watch.look() if one.state == "ALARM"] == [[]]
    finally:
        keys.put_key_policy(KeyId=key, PolicyName="default", Policy=usual)


@each_kind
def test_a_success_that_cannot_be_noted_is_told_all_the_same(cloud: App, kind: Kind) -> None:
    cloud.faults.append(On("SendEmail", "UpdateItem", DENIED))
    assert run(cloud, kind.request("create_snapshot_only")).status == "SUCCEEDED"

    (mail,) = cloud.mails
    assert mail.subject.startswith(f"[OK] {kind.identifier}")
    warned = [line for line in lines(cloud) if line.get("message") == "success not noted"]
    assert [line["error.type"] for line in warned] == ["AlertFailed"]


def scheduled(kind: Kind, hours: int) -> dict[str, str]:
    """The parameters of a stack that takes a snapshot of a database every day."""
    return {
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleInput": json.dumps(kind.request("create_snapshot_only")),
        "SuccessWithinHours": str(hours),
        "ExportSnapshots": "false",
    }


@pytest.mark.thorough
def test_a_week_of_successes_raises_nothing(cloud: App) -> None:
    """Looked at every hour; every day a snapshot by the schedule, and a restore.

    And every alarm has seen its metric, as far as there is one without a failure.
    """
    instance, cluster = KINDS
    with second_stack(cloud, **scheduled(instance, 26)) as outputs:
        for hour in range(7 * 24):
            look(cloud, HOUR if hour else 0)
            if hour % 24 == 3:
                cloud.tick("Schedule")
                cloud.settle()
                execution = cloud.run(
                    outputs["DBRestoreStateMachineArn"],
                    cluster.request("db_restore"),
                    f"run-{hour}",
                )
                assert execution.status == "SUCCEEDED", execution.cause
        changes = [one for one in cloud.watch.look() if one.alarm.startswith("second-")]
        assert {one.alarm.split("-")[1] for one in changes} == ALARMS
        assert {one.state for one in changes} == {"OK"}
        assert {mail.subject.partition("]")[0] for mail in cloud.mails} == {"[OK"}
        assert cloud.watch.refused == []


def look_for(cloud: App, hours: int) -> None:
    """Let the look come every hour."""
    for _ in range(hours):
        look(cloud)


@each_kind
def test_a_schedule_without_a_success_is_told_once_a_day_and_raises_its_alarm(
    cloud: App, kind: Kind
) -> None:
    """It never had one, and then one that is too old."""
    with second_stack(cloud, **scheduled(kind, 26)):
        look(cloud, 0)
        look_for(cloud, 25)
        assert cloud.alerts == []
        look_for(cloud, 23)
        (mail,) = cloud.alerts
        assert mail.subject == f"[MISSED] {kind.identifier}: no success for 1 day and 2 hours"
        assert "none since it was first seen" in flowing(mail.text)
        overdue = cloud.physical_id("SuccessOverdueAlarm")
        assert overdue in cloud.watch.ringing()
        look_for(cloud, 3)
        assert len(cloud.alerts) == 2

        cloud.tick("Schedule")
        cloud.settle()
        look_for(cloud, 5)
        states = [one.state for one in cloud.watch.look() if one.alarm == overdue]
        assert states == ["OK", "ALARM", "OK"]
        look_for(cloud, 22)
        assert len(cloud.alerts) == 3
        assert "the last success was at 2026-" in flowing(cloud.alerts[-1].text)
        shown, started = blocks(cloud.alerts[-1].text)
        shell = Shell({"stepfunctions": cloud.client("stepfunctions")})
        machine = cloud.physical_id("DBRestoreStateMachine")
        before = cloud.executions(machine)
        assert [shell.paste(block) for block in (shown, started)] == [None, None]
        cloud.settle()
        (more,) = set(cloud.executions(machine)) - set(before)
        assert cloud.describe(more).status == "SUCCEEDED"


def test_a_schedule_whose_input_is_no_json_is_told_too(cloud: App) -> None:
    parameters = scheduled(KINDS[0], 1) | {"ScheduleInput": "prod-db"}
    with second_stack(cloud, **parameters):
        look(cloud, 0)
        look(cloud, 2 * HOUR)
        (mail,) = cloud.alerts
        assert mail.subject.startswith("[MISSED] the schedule's input")


def test_the_age_of_a_success_is_measured_of_so_many_databases_and_for_so_long(
    cloud: App,
) -> None:
    """A metric of each costs; what is left out is in the table still."""
    put = partial(cloud.client("dynamodb").put_item, TableName=cloud.physical_id("SuccessTable"))
    now = cloud.clock.now()
    ages = {"instance#a-old": 91 * 24, **{f"cluster#b-{number:02}": 5 for number in range(60)}}
    for database, hours in ages.items():
        moment = {"N": str(now - hours * HOUR)}
        put(Item={"database": {"S": database}, "snapshot-taken": moment})
    look(cloud, 0)
    cloud.watch.look()

    found = [point for point in cloud.watch.points if point.name == "HoursSinceSuccess"]
    assert {dict(point.dimensions)["database"] for point in found} == {
        f"cluster#b-{number:02}" for number in range(50)
    }
    assert {point.value for point in found} == {5.0}


def test_an_alarm_of_somebody_s_own_is_judged_and_rings_too(cloud: App) -> None:
    """As an operator may put one, on a database's own age."""
    client = cloud.client("cloudwatch")
    dimensions = {"stack": "trapheus", "database": "instance#prod-db", "kind": "snapshot-taken"}
    asked: dict[str, Any] = {
        "AlarmName": "mine", "Namespace": "Trapheus", "MetricName": "HoursSinceSuccess",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Maximum", "Period": 3600, "Threshold": 24, "TreatMissingData": "notBreaching",
        "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    with pytest.raises(ClientError, match="604800"):
        client.put_metric_alarm(**asked, EvaluationPeriods=169)
    client.put_metric_alarm(**asked, EvaluationPeriods=1)
    try:
        assert run(cloud, KINDS[0].request("create_snapshot_only")).status == "SUCCEEDED"
        look(cloud, 26 * HOUR)
        cloud.clock.advance(HOUR)
        assert "mine" in cloud.watch.ringing()
        (shown,) = client.describe_alarms(AlarmNames=["mine"])["MetricAlarms"]
        assert shown["StateValue"] == "ALARM"
    finally:
        client.delete_alarms(AlarmNames=["mine"])


# What the dashboard and the saved queries name.


def lines(cloud: App) -> list[dict[str, Any]]:
    """All lines that functions have written, as Logs Insights knows their fields."""
    written = (line for log in cloud.logs for line in log.text.splitlines())
    return [flat(json.loads(line)) for line in written if line.startswith("{")]


def flat(value: dict[str, Any], start: str = "") -> dict[str, Any]:
    """Fields with dots for what is nested. [fact: fields-of-logs-insights]"""
    found: dict[str, Any] = {}
    for name, one in value.items():
        inner = flat(one, f"{start}{name}.") if isinstance(one, dict) else {f"{start}{name}": one}
        found |= inner
    return found


def everything(cloud: App) -> None:
    """A success and failures, a busy AWS, a way that is closed, and looks."""
    for kind in KINDS:
        busy = Fault("ThrottlingException", status=400)
        cloud.faults.append(On("Restore", kind.operation("RestoreDB*FromSnapshot"), busy, 1))
        cloud.faults.append(On("Rename", kind.operation("ModifyDB*"), busy, 8))
        assert run(cloud, kind.request("db_restore"), f"good-{kind.name}").status == "SUCCEEDED"
        cloud.faults.append(On("SendEmail", "SendEmail", DENIED))
        cloud.faults.append(On("Delete", kind.operation("DeleteDB*"), DENIED))
        assert run(cloud, kind.request("db_restore"), f"bad-{kind.name}").status == "FAILED"
        cloud.faults.clear()
    look(cloud)
    cloud.watch.look()


def test_all_that_the_dashboard_and_the_queries_name_is_written(cloud: App) -> None:
    everything(cloud)
    metrics = {
        (point.name, frozenset(name for name, _ in point.dimensions))
        for point in cloud.watch.points
        if point.namespace == "Trapheus"
    }
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    searches = re.findall(r"SEARCH\('\{Trapheus,([\w,]+)\} ([^']+)'", json.dumps(body))
    assert len(searches) >= 5
    for dimensions, wanted in searches:
        for name in re.findall(r'\\"(\w+)\\"', wanted.partition("MetricName=")[2]):
            assert (name, frozenset(dimensions.split(","))) in metrics, name

    written = lines(cloud)
    of_logs = [one["properties"]["query"] for one in body["widgets"] if one["type"] == "log"]
    saved = [one["Properties"]["QueryString"] for one in RESOURCES.values()
             if one["Type"] == "AWS::Logs::QueryDefinition"]  # fmt: skip
    assert len(saved) == 2
    for query in [*of_logs, *saved]:
        fields = re.search(r"fields ([^|]+)", query)
        assert fields
        marker = "level" if "ispresent(level)" in query else "Messages"
        there = {name for line in written if marker in line for name in line}
        assert {name.strip() for name in fields[1].split(",")} - {"@timestamp"} <= there
        assert "identifier" in there
