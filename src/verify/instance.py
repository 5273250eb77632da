"""Verify step: the last look at both instances, before a swap and before a deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.beside import standing
from trapheus.configuration import INSTANCE, differences
from trapheus.constants import BESIDE
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigurationDiffers
from trapheus.logs import logged
from trapheus.rds import Description, instance, instance_with, moment_of, snapshot
from trapheus.waiters import AVAILABLE, ONLINE, instance_settled, wait

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Pass only a restored instance as planned, beside the original under its planned name."""
    plan, since = standing(event["plan"], event["phase"]), event["entered"]
    identifier = plan["identifier"]
    # What is to be renamed next must take a change.
    statuses = AVAILABLE if event["phase"] == BESIDE else ONLINE
    ready = instance_settled(identifier, other_than=plan["resourceId"], statuses=statuses)
    wait(ready, context, otherwise=ConfigurationDiffers, identifier=identifier, since=since)
    with failing_as(ConfigurationDiffers, identifier):
        found = instance(identifier) or {}
        lines = [*deviations(plan, found, event["restored"]), *stands(event)]
    if lines:
        raise ConfigurationDiffers("; ".join(lines), identifier=identifier)
    return {"resourceId": found["DbiResourceId"]}


def deviations(plan: dict[str, Any], found: Description, restored: dict[str, str]) -> list[str]:
    """One line for each thing that is not as planned; `restored` is what the restore has made."""
    lines = differences(INSTANCE, plan, found)
    if found.get("DbiResourceId") != restored["resourceId"]:
        lines.append(
            f"the resource id is {found.get('DbiResourceId')}, not {restored['resourceId']}"
        )
    source = snapshot(plan["snapshot"])
    if moment_of(source) != restored["dataAsOf"]:
        lines.append(f"the snapshot {plan['snapshot']} is not the one that was restored")
    return lines


def stands(event: dict[str, Any]) -> list[str]:
    """A line if the original has not the name that it is to have by now; a target needs none."""
    plan = event["plan"]
    name = plan["identifier"] if event["phase"] == BESIDE else plan["aside"]
    original = instance_with(plan["resourceId"])
    if plan["strategy"] == BESIDE or (original and original["DBInstanceIdentifier"] == name):
        return []
    return [f"the original is not called {name}"]
