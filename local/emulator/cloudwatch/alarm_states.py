"""Which alarms there may be, and which state each is in, as the user guide says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from moto.cloudwatch.exceptions import ValidationError

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
A_DAY = 86400
# So many points more than EvaluationPeriods are looked at: two in the examples of the user guide,
# which does not say how many there are otherwise. [fact: missing-data-of-an-alarm]
MORE_POINTS = 2
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def check(asked: dict[str, Any]) -> None:
    """Refuse an alarm that PutMetricAlarm refuses, or that is not evaluated here.

    asked: as moto's backend is asked.
    The words are not AWS's. [fact: range-of-an-alarm] [fact: left-out-of-the-local-aws]
    """
    period, periods = int(asked["period"]), int(asked["evaluation_periods"])
    if period not in (10, 20, 30) and (period < 1 or period % 60):
        raise ValidationError("Period must be 10, 20, 30 or a multiple of 60")
    longest = 7 * A_DAY if period >= 3600 else A_DAY
    if periods < 1 or period * periods > longest:
        raise ValidationError(f"Period times EvaluationPeriods must be at most {longest} seconds")
    if (asked.get("datapoints_to_alarm") or periods) not in range(1, periods + 1):
        raise ValidationError("DatapointsToAlarm must be at most EvaluationPeriods")
    known: dict[str, Collection[str]] = {
        "statistic": STATISTICS, "comparison_operator": COMPARE,
        "treat_missing_data": ("breaching", "notBreaching"),
    }  # fmt: skip
    for name, ones in known.items():
        if asked.get(name) not in ones:
            raise ValidationError(f"The local AWS evaluates no alarm with {name} {asked.get(name)}")


def state_of(alarm: Any, points: Sequence[float | None]) -> str:
    """The state by the newest points, oldest first, None for a missing one.

    As many as EvaluationPeriods are judged: those that are there, the newest of them, and only as
    many missing ones as those leave open. [fact: missing-data-of-an-alarm]
    """
    periods = alarm.evaluation_periods
    there = [point for point in points if point is not None][-periods:]
    breaching = sum(COMPARE[alarm.comparison_operator](one, alarm.threshold) for one in there)
    if alarm.treat_missing_data == "breaching":
        breaching += periods - len(there)
    return ALARM if breaching >= (alarm.datapoints_to_alarm or periods) else OK
