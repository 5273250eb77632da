"""Metrics and alarms in virtual time: brought up to the present when somebody looks.

Nobody looks by itself, since virtual time would go on for ever.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from moto.cloudwatch.models import cloudwatch_backends
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

from local.emulator.authorization.policies import compiled, fitting
from local.emulator.awslambda.functions import Functions
from local.emulator.cloudwatch import observations
from local.emulator.cloudwatch.alarm_states import (
    ALARM,
    INSUFFICIENT_DATA,
    MORE_POINTS,
    STATISTICS,
    state_of,
)
from local.emulator.cloudwatch.embedded_format import Point, points

SERVICE = "cloudwatch.amazonaws.com"


class AlarmChange(NamedTuple):
    """An alarm that has come into another state; `told` are the topics that have taken it."""

    time: float
    alarm: str
    state: str
    told: list[str]


class Watch:
    """The CloudWatch of one account and region."""

    def __init__(
        self, now: Callable[[], float], functions: Functions, account: str, region: str
    ) -> None:
        self._now, self._functions, self._account, self._region = now, functions, account, region
        self.reset()

    def reset(self) -> None:
        """Forget all metrics; every alarm is as it was made."""
        self.points: list[Point] = []
        # Lines that CloudWatch would leave out without a word.
        self.refused: list[str] = []
        self.changes: list[AlarmChange] = []
        self._since = self._now()
        self._read, self._counted = 0, 0
        self._ended: set[str] = set()
        backend = cloudwatch_backends[self._account][self._region]
        backend.metric_data.clear()
        for alarm in backend.alarms.values():
            alarm.state_value, alarm.evaluated = INSUFFICIENT_DATA, self._since

    def look(self) -> list[AlarmChange]:
        """Measure and evaluate up to now; all changes of alarms so far, in their order."""
        self._measure()
        changes: list[AlarmChange] = []
        for alarm in cloudwatch_backends[self._account][self._region].alarms.values():
            changes += self._evaluated(alarm)
        self.changes += sorted(changes, key=lambda change: change.time)
        return self.changes

    def ringing(self) -> set[str]:
        """The names of all alarms that have been in ALARM, up to now."""
        return {change.alarm for change in self.look() if change.state == ALARM}

    def _measure(self) -> None:
        now = self._now()
        new = [*self._out_of_logs(), *observations.of_functions(self._invocations())]
        new += observations.of_queues(self._account, self._region, self._since, now)
        for arn, point in observations.of_executions(self._account, self._region):
            if arn not in self._ended:
                self._ended.add(arn)
                new.append(point)
        self._since = now
        self.points += new
        # Where the API looks for them.
        backend = cloudwatch_backends[self._account][self._region]
        for point in new:
            dimensions = [{"Name": name, "Value": value} for name, value in point.dimensions]
            backend.put_metric_data(
                point.namespace,
                [{"MetricName": point.name, "Dimensions": dimensions, "Value": point.value,
                  "Unit": point.unit, "Timestamp": datetime.fromtimestamp(point.time, UTC)}],
            )  # fmt: skip

    def _out_of_logs(self) -> list[Point]:
        new, self._read = self._functions.logs[self._read :], len(self._functions.logs)
        found = []
        for line in (line for log in new for line in log.text.splitlines()):
            try:
                found += points(line)
            except (ValueError, KeyError) as error:
                self.refused.append(f"{error}: {line}")
        return found

    def _invocations(self) -> list[tuple[float, str, bool]]:
        ends = self._functions.ends
        new, self._counted = ends[self._counted :], len(ends)
        return new

    def _evaluated(self, alarm: Any) -> list[AlarmChange]:
        """Evaluate an alarm at the end of each of its periods, where AWS does it every minute."""
        dimensions = frozenset((one.name, one.value) for one in alarm.dimensions)
        metric = (alarm.namespace, alarm.metric_name, dimensions)
        by_period: dict[int, list[float]] = defaultdict(list)
        for point in self.points:
            if point[1:4] == metric:
                by_period[int(point.time // alarm.period)].append(point.value)
        statistic = STATISTICS[alarm.statistic]
        changes = []
        for at in observations.multiples(alarm.period, alarm.evaluated, self._now()):
            last = at // alarm.period
            seen = range(last - alarm.evaluation_periods - MORE_POINTS, last)
            given = [statistic(by_period[one]) if one in by_period else None for one in seen]
            state = state_of(alarm, given)
            if state != alarm.state_value:
                alarm.update_state(f"{given}", "{}", state)
                changes.append(AlarmChange(at, alarm.name, state, self._tell(alarm)))
        alarm.evaluated = self._now()
        return changes

    def _tell(self, alarm: Any) -> list[str]:
        """Publish the state to the alarm's topics; those that take it."""
        asked = alarm.alarm_actions if alarm.state_value == ALARM else alarm.ok_actions
        taken = [arn for arn in asked or [] if alarm.actions_enabled and self._may(alarm, arn)]
        for arn in taken:
            text = {"AlarmName": alarm.name, "AlarmDescription": alarm.description,
                    "NewStateValue": alarm.state_value}  # fmt: skip
            subject = f'{alarm.state_value}: "{alarm.name}"'
            sns_backends[self._account][self._region].topics[arn].publish(json.dumps(text), subject)
        return taken

    def _may(self, alarm: Any, arn: str) -> bool:
        """Whether the topic's policy, and that of its key, let CloudWatch publish for the alarm.

        Where one does not, nobody hears of it. [fact: key-of-a-topic]
        """
        topic = sns_backends[self._account][self._region].topics.get(arn)
        if topic is None:
            return False
        said = {"aws:sourceaccount": (self._account,), "aws:sourceowner": (self._account,),
                "aws:sourcearn": (alarm.alarm_arn,)}  # fmt: skip

        def allows(policy: str, action: str, resource: str) -> bool:
            fit = [
                part
                for part in compiled(policy)
                if {SERVICE, "*"} & part.principals and fitting(part, action, resource, said.get)
            ]
            return bool(fit) and all(part.allows for part in fit)

        if not topic.kms_master_key_id:
            return allows(topic.policy, "sns:Publish", arn)
        keys = kms_backends[self._account][self._region].keys
        key = keys.get(topic.kms_master_key_id.rpartition("/")[2])
        return (
            allows(topic.policy, "sns:Publish", arn)
            and key is not None
            and all(
                allows(key.policy, action, key.arn)
                for action in ("kms:Decrypt", "kms:GenerateDataKey")
            )
        )
