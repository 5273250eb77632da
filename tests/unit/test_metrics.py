"""The metrics that functions write, as CloudWatch and Logs Insights read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.emulator.cloudwatch.embedded_format import points
from src.notify import send
from tests.unit.conftest import ANOTHER, EXECUTION, Aws, Post
from tests.unit.mails import a_state, error
from trapheus.execution import exceptions
from trapheus.execution.logs import logged
from trapheus.execution.metrics import emit

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def lines(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[dict[str, Any]]]:
    """The lines with metrics that have been written since the last look, each a valid one."""
    monkeypatch.setenv("STACK", "trapheus")

    def read() -> list[dict[str, Any]]:
        written = capfd.readouterr().out.splitlines()
        assert all(points(line) for line in written if '"_aws"' in line)
        return [json.loads(line) for line in written if '"_aws"' in line]

    return read


def moment(minutes: float) -> str:
    """So long after the present, in which the execution starts."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def ended(plan: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The state machine's data of an execution that has made this plan."""
    plan = {**plan, "execution": EXECUTION, "started": moment(0), "format": 1}
    return {
        **a_state(plan, error()),
        "replacing": {"since": moment(10)},
        **more,
    }


def test_a_value_is_a_number_of_its_own_in_a_line_with_its_dimensions(lines):
    emit({"Messages": 1, "OutageSeconds": 2.5, "DataAgeHours": 3}, {"kind": "down"}, error="Odd")

    (line,) = lines()
    assert (line["Messages"], line["OutageSeconds"], line["error"]) == (1, 2.5, "Odd")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Trapheus"
    assert directive["Dimensions"] == [["stack", "kind"]]
    assert {one["Name"]: one["Unit"] for one in directive["Metrics"]} == {
        "Messages": "Count", "OutageSeconds": "Seconds", "DataAgeHours": "None",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["Throttled", "StateConflict", "RenameFailed"])
def test_a_busy_aws_is_counted_and_no_other_error(lines, name: str):
    @logged
    def handler(event: dict[str, Any], context: object) -> None:
        raise getattr(exceptions, name)("So.")

    with pytest.raises(exceptions.TrapheusError):
        handler({"execution": "arn:one", "plan": {"identifier": "prod-db"}}, None)

    counted = [(line["Throttled"], line["identifier"], line["execution"]) for line in lines()]
    assert counted == ([(1, "prod-db", "arn:one")] if name == "Throttled" else [])


def test_a_message_has_the_figures_that_its_state_tells(aws: Aws, post: Post, plan: dict, lines):
    state = ended(plan, rolledBack={"at": moment(25)})
    aws.clock.sleep(90 * 60)
    send.handler({"execution": EXECUTION, "state": state}, None)

    (line,) = lines()
    assert (line["identifier"], line["execution"]) == (plan["identifier"], EXECUTION)
    assert (line["kind"], line["error"]) == ("put-back", "RestoreFailed")
    assert line["Messages"] == 1
    assert (line["DurationSeconds"], line["PrepareSeconds"]) == (5400, 600)
    assert line["OutageSeconds"] == 900
    assert {"ReplaceSeconds", "FinishSeconds", "DataAgeHours"} & set(line) == set()


def test_a_success_has_the_age_of_its_data_and_is_noted(aws: Aws, post: Post, plan: dict, lines):
    data = {"resourceId": "db-1", "dataAsOf": moment(-60)}
    times = {"unreachableFrom": moment(10), "unreachableTo": moment(40)}
    output = {"identifier": plan["identifier"], "dataAsOf": moment(-60), **times}
    state = ended(plan, restored=data, served={"at": moment(40)}, output=output)
    aws.clock.sleep(60 * 60)
    send.handler({"execution": EXECUTION, "about": "success", "state": state}, None)

    (line,) = lines()
    assert line["kind"] == "restored"
    assert line["DataAgeHours"] == 2
    assert (line["ReplaceSeconds"], line["FinishSeconds"]) == (1800, 1200)
    assert line["OutageSeconds"] == 1800


@pytest.mark.parametrize("about", ["delay", "recovery", "lock"])
def test_a_message_of_another_or_before_the_end_has_no_figures(
    aws: Aws, post: Post, plan: dict, lines, about: str
):
    event = {
        "execution": EXECUTION,
        "about": about,
        "state": ended(plan, lock={"phase": "replace"}),
    }
    send.handler(event, None)
    send.handler({"execution": ANOTHER, "state": ended(plan)}, None)

    for line in lines():
        assert line["Messages"] == 1
        assert "DurationSeconds" not in line


@pytest.mark.parametrize("started", ["never", None, 7])
def test_figures_that_cannot_be_read_do_not_fail_a_message_that_is_sent(
    aws: Aws, post: Post, plan: dict, lines, started: Any
):
    state = ended(plan)
    state["check"]["plan"]["started"] = started
    assert send.handler({"execution": EXECUTION, "state": state}, None)["cause"]

    (line,) = lines()
    assert line["Messages"] == 1
    assert len(post.sent) == 1


@pytest.mark.parametrize("refused", [("sesv2", "mail"), ("sns", "topic"), ("events", "event")])
def test_a_way_that_does_not_take_a_message_is_counted(
    aws: Aws, post: Post, plan: dict, lines, refused: tuple[str, str]
):
    service, way = refused
    post.refusals[service] = ("AuthorizationError", 403)
    send.handler({"execution": EXECUTION, "state": ended(plan)}, None)

    found = [line for line in lines() if "NotSent" in line]
    assert [(line["way"], line["identifier"]) for line in found] == [(way, plan["identifier"])]


def test_a_message_that_no_way_takes_is_measured_once_it_is_lost(
    aws: Aws, post: Post, plan: dict, lines
):
    for service in ("sesv2", "sns", "events"):
        post.refusals[service] = ("AuthorizationError", 403)
    with pytest.raises(exceptions.AlertFailed):
        send.handler({"execution": EXECUTION, "state": ended(plan)}, None)

    assert [line["kind"] for line in lines() if "Messages" in line] != []
