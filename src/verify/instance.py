"""Verify step: compares both instances with the plan, before a swap and before a deletion."""

from __future__ import annotations

from typing import Any

from trapheus.configuration.attributes import INSTANCE
from trapheus.configuration.by_phase import plan_in_phase
from trapheus.configuration.comparison import compared, require_as_planned
from trapheus.execution.constants import COPY, FINISH
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import ConfigurationDiffers
from trapheus.execution.logs import logged
from trapheus.hooks import instance_connection, require_ready
from trapheus.last_events import naming_events
from trapheus.rds.access import Description, instance, instance_with, snapshot
from trapheus.rds.proxies import unreached
from trapheus.rds.snapshots import is_replaced, warnings_of
from trapheus.rds.waiters import ONLINE, TRIED, instance_settled, wait


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Pass only a restored instance as planned, beside the original under its planned name.

    Returns the report, old and new compared, attribute by attribute, and of a copy what hooks are
    told of it.
    """
    plan, since = plan_in_phase(event["plan"], event["phase"]), event["entered"]
    identifier = plan["identifier"]
    # What is to be renamed next must take a change.
    statuses = TRIED if event["phase"] == COPY else ONLINE
    ready = instance_settled(
        identifier, other_than=plan["resourceId"], statuses=statuses, parts=False
    )
    wait(ready, otherwise=ConfigurationDiffers, identifier=identifier, since=since)
    with failing_as(ConfigurationDiffers, identifier):
        found = instance(identifier) or {}
        comparison = compared(INSTANCE, plan, found)
        source = snapshot(plan["snapshot"])
        comparison.warnings += warnings_of(plan, source)
        lines = [*deviations(event, found, source), *stands(event)]
        if event["phase"] == FINISH:
            lines += unreached(plan)
    require_as_planned(comparison, lines, identifier=identifier, since=since)
    answer = {"resourceId": found["DbiResourceId"], "report": comparison.report()}
    if event["phase"] == COPY:
        require_ready(event, found)
        answer["database"] = instance_connection(found, event.get("request", {}))
    return answer


def deviations(event: dict[str, Any], found: Description, source: Description | None) -> list[str]:
    """One line for each thing beside the attributes that is not as planned.

    source: the snapshot as it is now.
    """
    restored = event["restored"]
    lines = []
    if found.get("DbiResourceId") != restored["resourceId"]:
        lines.append(
            f"the resource id is {found.get('DbiResourceId')}, not {restored['resourceId']}"
        )
    if is_replaced(event["plan"], source, restored):
        lines.append(f"the snapshot {restored['snapshot']} is not the one that was restored")
    return lines


def stands(event: dict[str, Any]) -> list[str]:
    """A line if the original has not the name that it is to have by now; a target needs none."""
    plan = event["plan"]
    name = plan["identifier"] if event["phase"] == COPY else plan["renamedTo"]
    original = instance_with(plan["resourceId"])
    if plan["strategy"] == COPY or (original and original["DBInstanceIdentifier"] == name):
        return []
    return [f"the original is not called {name}"]
