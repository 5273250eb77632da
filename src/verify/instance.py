"""Verify step: the last look at both instances, before anything is deleted."""

from typing import Any

from trapheus.configuration import INSTANCE, differences
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigurationDiffers
from trapheus.rds import Description, instance, instance_with
from trapheus.waiters import ONLINE


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Pass only a restored instance as planned, beside the original under its planned name."""
    plan = event["plan"]
    with failing_as(ConfigurationDiffers, plan["identifier"]):
        found = instance(plan["identifier"])
        if found is None or found["DbiResourceId"] == plan["resourceId"]:
            raise ConfigurationDiffers(
                "The identifier is not the restored instance", identifier=plan["identifier"]
            )
        lines = deviations(plan, found)
    if lines:
        raise ConfigurationDiffers("; ".join(lines), identifier=plan["identifier"])
    return {"resourceId": found["DbiResourceId"]}


def deviations(plan: dict[str, Any], found: Description) -> list[str]:
    """One line for each thing that is not as planned."""
    original = instance_with(plan["resourceId"])
    lines = []
    if found["DBInstanceStatus"] not in ONLINE:
        lines.append(f"{plan['identifier']} is {found['DBInstanceStatus']}")
    if original is None or original["DBInstanceIdentifier"] != plan["aside"]:
        lines.append(f"the original is not called {plan['aside']}")
    return lines + differences(INSTANCE, plan, found)
