"""CloudWatch in the local AWS: which metrics and alarms it takes, and what state an alarm is in."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from moto.cloudwatch.exceptions import ValidationError

from local.emulator.cloudwatch.alarm_states import check, state_of
from local.emulator.cloudwatch.embedded_format import points

DAY = 86400


def document(**more: Any) -> dict[str, Any]:
    directive = {"Namespace": "App", "Dimensions": [["stack"]], "Metrics": [{"Name": "Takes"}]}
    return {
        "_aws": {"Timestamp": 1000, "CloudWatchMetrics": [directive | more.pop("directive", {})]},
        "stack": "one", "Takes": 3, **more,
    }  # fmt: skip


def test_a_line_in_the_embedded_format_is_points_and_any_other_is_none():
    (point,) = points(json.dumps(document(id="x")))

    assert point == (1.0, "App", "Takes", frozenset([("stack", "one")]), 3.0, "None")
    both = document(directive={"Dimensions": [["stack"], []]}, Takes=[1, 2])
    assert [(one.value, len(one.dimensions)) for one in points(json.dumps(both))] == [
        (1, 1), (2, 1), (1, 0), (2, 0),
    ]  # fmt: skip
    for line in ("START RequestId", '{"level": "INFO", "Takes": 3}'):
        assert points(line) == []


MANY = [f"d{number}" for number in range(31)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"Takes": "3"},
        {"Takes": True},
        {"Takes": [1.0] * 101},
        {"stack": 7},
        {"stack": ""},
        {"stack": "Ü"},
        {"stack": "x" * 1025},
        {"directive": {"Dimensions": [["missing"]]}},
        {"directive": {"Dimensions": [MANY]}, **dict.fromkeys(MANY, "x")},
        {"directive": {"Metrics": [{"Name": "Takes"}] * 101}},
        {"directive": {"Metrics": [{"Name": "Takes", "Unit": "Hours"}]}},
        {"directive": {"Metrics": [{"Name": "Other"}]}},
    ],
    ids=str,
)
def test_a_document_against_the_specification_gives_nothing(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="not in the embedded metric format"):
        points(json.dumps(document(**wrong)))


GOOD = {
    "period": "300", "evaluation_periods": 1, "statistic": "Sum", "treat_missing_data": "breaching",
    "comparison_operator": "GreaterThanThreshold",
}  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"period": 10},
        {"period": 60, "evaluation_periods": 1440},
        {"period": 3600, "evaluation_periods": 168},
        {"period": DAY, "evaluation_periods": 7, "datapoints_to_alarm": 7},
    ],
    ids=str,
)
def test_an_alarm_may_see_a_day_and_by_the_hour_a_week(more: dict[str, Any]):
    check(GOOD | more)


@pytest.mark.parametrize(
    "more",
    [
        {"period": 45},
        {"period": 0},
        {"period": 60, "evaluation_periods": 1441},
        {"period": 3600, "evaluation_periods": 169},
        {"period": DAY, "evaluation_periods": 8},
        {"evaluation_periods": 0},
        {"evaluation_periods": 2, "datapoints_to_alarm": 3},
        {"statistic": "p99"},
        {"treat_missing_data": "missing"},
        {"comparison_operator": "LessThanLowerOrGreaterThanUpperThreshold"},
    ],
    ids=str,
)
def test_an_alarm_that_sees_too_much_or_is_not_known_is_refused(more: dict[str, Any]):
    with pytest.raises(ValidationError):
        check(GOOD | more)


@pytest.mark.parametrize(
    ("given", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK"),
        ("0----", "OK", "OK"),
        ("-----", "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM"),
        ("--X--", "ALARM", "OK"),
    ],
)
def test_missing_points_are_treated_as_in_the_table_of_the_user_guide(
    given: str, breaching: str, not_breaching: str
):
    """X breaches the threshold, 0 does not, - is missing; three of three are to breach it."""
    seen = [{"0": 0.0, "X": 2.0, "-": None}[one] for one in given]
    for treated, wanted in (("breaching", breaching), ("notBreaching", not_breaching)):
        alarm = SimpleNamespace(
            evaluation_periods=3, datapoints_to_alarm=None, threshold=1.0,
            comparison_operator="GreaterThanThreshold", treat_missing_data=treated,
        )  # fmt: skip
        assert state_of(alarm, seen) == wanted
