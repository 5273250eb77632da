"""Verify step: the last look at both instances, before anything is deleted."""

from typing import Any

from trapheus.configuration import INSTANCE, differences
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigurationDiffers
from trapheus.rds import instance, instance_with
from trapheus.waiters import ONLINE


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Pass only a restored instance as planned, beside the original under its planned name."""
    plan = event["plan"]
    with failing_as(ConfigurationDiffers, plan["identifier"]):
        lines = deviations(plan)
    if lines:
        raise ConfigurationDiffers("; ".join(lines), identifier=plan["identifier"])
    return {"name": plan["identifier"]}


def deviations(plan: dict[str, Any]) -> list[str]:
    """One line for each thing that is not as planned."""
    found, original = instance(plan["identifier"]), instance_with(plan["resourceId"])
    lines = []
    if found is None or found["DbiResourceId"] == plan["resourceId"]:
        return [f"{plan['identifier']} is not the restored instance"]
    if found["DBInstanceStatus"] not in ONLINE:
        lines.append(f"{plan['identifier']} is {found['DBInstanceStatus']}")
    if original is None or original["DBInstanceIdentifier"] != plan["aside"]:
        lines.append(f"the original is not called {plan['aside']}")
    return lines + differences(INSTANCE, plan, found)
