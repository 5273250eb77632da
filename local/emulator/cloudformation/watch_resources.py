"""Resources of CloudWatch that moto does not make from a template."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from typing import Any
from unittest.mock import patch

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.core.common_models import CloudFormationModel

from local.emulator.cloudwatch.alarm_states import INSUFFICIENT_DATA, check


def repair(repairs: ExitStack) -> None:
    """Let alarms be judged, and begin and stay in their states, as by CloudWatch.

    [fact: states-of-an-alarm]
    """
    put = CloudWatchBackend.put_metric_alarm

    def put_judged(self: Any, name: str, **asked: Any) -> Any:
        check(asked)
        before = self.alarms.get(name)
        alarm = put(self, name=name, **asked)
        alarm.state_value = before.state_value if before else INSUFFICIENT_DATA
        alarm.evaluated = datetime.now().timestamp()
        return alarm

    repairs.enter_context(patch.object(CloudWatchBackend, "put_metric_alarm", put_judged))


class MetricAlarm(CloudFormationModel):  # type: ignore[misc]
    """AWS::CloudWatch::Alarm: moto has the service, but not in templates."""

    def __init__(self, name: str, arn: str) -> None:
        self.physical_resource_id, self.arn = name, arn

    @staticmethod
    def cloudformation_type() -> str:
        """Tell the type in a template."""
        return "AWS::CloudWatch::Alarm"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Tell the property that names it."""
        return "AlarmName"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Tell whether Fn::GetAtt knows an attribute."""
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Answer Fn::GetAtt."""
        if attribute_name != "Arn":
            raise NotImplementedError(f"an alarm has no attribute {attribute_name}")
        return self.arn

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, template: Any, account_id: str, region_name: str, **_: Any
    ) -> MetricAlarm:
        """Put the alarm."""
        asked = template["Properties"]
        alarm = cloudwatch_backends[account_id][region_name].put_metric_alarm(
            name=resource_name,
            namespace=asked["Namespace"],
            metric_name=asked["MetricName"],
            comparison_operator=asked["ComparisonOperator"],
            evaluation_periods=int(asked["EvaluationPeriods"]),
            datapoints_to_alarm=int(asked.get("DatapointsToAlarm", 0)) or None,
            period=int(asked["Period"]),
            threshold=float(asked["Threshold"]),
            statistic=asked["Statistic"],
            description=asked.get("AlarmDescription", ""),
            dimensions=asked.get("Dimensions", []),
            alarm_actions=asked.get("AlarmActions", []),
            ok_actions=asked.get("OKActions", []),
            treat_missing_data=asked.get("TreatMissingData"),
        )
        return cls(alarm.name, alarm.alarm_arn)

    @classmethod
    def update_from_cloudformation_json(
        cls, *, original_resource: MetricAlarm, cloudformation_json: Any, account_id: str,
        region_name: str, **_: Any,
    ) -> MetricAlarm:  # fmt: skip
        """Put it again under its name."""
        name = original_resource.physical_resource_id
        return cls.create_from_cloudformation_json(
            name, cloudformation_json, account_id, region_name
        )

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the alarm."""
        cloudwatch_backends[account_id][region_name].delete_alarms([self.physical_resource_id])


class QueryDefinition(CloudFormationModel):  # type: ignore[misc]
    """AWS::Logs::QueryDefinition, of which moto knows nothing; it is kept and asked nothing."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """Tell the type in a template."""
        return "AWS::Logs::QueryDefinition"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Tell the property that names it: none, since its id is its own."""
        return ""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, _: Any, __: str, ___: str, **____: Any
    ) -> QueryDefinition:
        """Keep the query."""
        return cls(resource_name)

    @classmethod
    def update_from_cloudformation_json(
        cls, *, original_resource: QueryDefinition, **_: Any
    ) -> QueryDefinition:
        """Keep another text under the same id."""
        return original_resource

    def delete(self, _: str, __: str) -> None:
        """Forget the query."""
