"""Verify step: compares both clusters with the plan, before a swap and before a deletion."""

from __future__ import annotations

from typing import Any

from trapheus.configuration.attributes import CLUSTER, MEMBER
from trapheus.configuration.by_phase import plan_in_phase
from trapheus.configuration.comparison import (
    Comparison,
    compared,
    lines_on,
    require_as_planned,
)
from trapheus.execution.constants import COPY, FINISH
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import ConfigurationDiffers
from trapheus.execution.logs import logged
from trapheus.hooks import cluster_connection, require_ready
from trapheus.last_events import naming_events
from trapheus.rds.access import (
    Description,
    cluster,
    cluster_snapshot,
    cluster_with,
    instance,
)
from trapheus.rds.endpoints import lacking, possible
from trapheus.rds.multi_az import is_multi_az
from trapheus.rds.proxies import unreached
from trapheus.rds.snapshots import is_replaced, warnings_of
from trapheus.rds.waiters import (
    ONLINE,
    TRIED,
    cluster_settled,
    instance_settled,
    wait,
)


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Pass only a restored cluster as planned, beside the original under its planned name.

    Returns the report, old and new compared, attribute by attribute, and of a copy what hooks are
    told of it.
    """
    plan, since = plan_in_phase(event["plan"], event["phase"]), event["entered"]
    identifier = plan["identifier"]
    # What is to be renamed next must take a change.
    statuses = TRIED if event["phase"] == COPY else ONLINE
    ready = cluster_settled(
        identifier, other_than=plan["resourceId"], statuses=statuses, parts=False
    )
    wait(ready, otherwise=ConfigurationDiffers, identifier=identifier, since=since)
    for member in plan["members"]:
        name, before = member["identifier"], member["resourceId"]
        ready = instance_settled(name, other_than=before, statuses=statuses, parts=False)
        wait(
            ready,
            otherwise=ConfigurationDiffers,
            identifier=member["identifier"],
            since=since,
        )
    with failing_as(ConfigurationDiffers, identifier):
        found = cluster(identifier) or {}
        comparison = compared(CLUSTER, plan, found)
        source = cluster_snapshot(plan["snapshot"])
        comparison.warnings += warnings_of(plan, source)
        lines = [*deviations(event, found, source), *stands(event)]
        lines += lacking(plan["endpoints"], found)
        if event["phase"] == FINISH:
            lines += unreached(plan)
        for index, member in enumerate(plan["members"]):
            # The plan names the writer first.
            lines += compare_member(comparison, member, index == 0, found)
        if is_multi_az(found):
            lines += lines_on(found)
        tell_of_others(comparison, plan, found)
    require_as_planned(comparison, lines, identifier=identifier, since=since)
    answer = {"resourceId": found["DbClusterResourceId"], "report": comparison.report()}
    if event["phase"] == COPY:
        require_ready(event, found)
        answer["database"] = cluster_connection(found, event.get("request", {}))
    return answer


def deviations(event: dict[str, Any], found: Description, source: Description | None) -> list[str]:
    """One line for each thing beside the attributes that is not as planned.

    source: the snapshot as it is now.
    """
    restored = event["restored"]
    lines = []
    if found.get("DbClusterResourceId") != restored["resourceId"]:
        lines.append(
            f"the resource id is {found.get('DbClusterResourceId')}, not {restored['resourceId']}"
        )
    if is_replaced(event["plan"], source, restored):
        lines.append(f"the snapshot {restored['snapshot']} is not the one that was restored")
    return lines


def stands(event: dict[str, Any]) -> list[str]:
    """A line if the original has not the name that it is to have by now; a target needs none."""
    plan = event["plan"]
    name = plan["identifier"] if event["phase"] == COPY else plan["renamedTo"]
    original = cluster_with(plan["resourceId"])
    if plan["strategy"] == COPY or (original and original["DBClusterIdentifier"] == name):
        return []
    return [f"the original is not called {name}"]


def compare_member(
    comparison: Comparison, planned: dict[str, Any], writer: bool, found: Description
) -> list[str]:
    """Compare a member; one line for each thing beside its attributes that is not as planned."""
    name = planned["identifier"]
    listed = {m["DBInstanceIdentifier"]: m["IsClusterWriter"] for m in found["DBClusterMembers"]}
    member = instance(name)
    if name not in listed or member is None:
        return [f"{name} is not a member of the restored cluster"]
    comparison.add(compared(MEMBER, planned, member), name)
    if listed[name] == writer:
        return []
    return [f"{name} is {'the writer' if listed[name] else 'a reader'}, and was not"]


def tell_of_others(comparison: Comparison, plan: dict[str, Any], found: Description) -> None:
    """Report the custom endpoints and the members, among them those that are left to others."""
    if plan["endpoints"]:
        now = possible(plan["endpoints"], found)
        if now == plan["endpoints"]:
            comparison.kept.append("CustomEndpoints")
        else:
            done = "made without the replicas of Application Auto Scaling"
            entry = {"attribute": "CustomEndpoints", "was": plan["endpoints"], "now": now}
            comparison.differs.append(entry | {"done": done})
    names = sorted(member["identifier"] for member in plan["members"])
    if plan["autoscaled"]:
        now = sorted(member["DBInstanceIdentifier"] for member in found["DBClusterMembers"])
        was = sorted([*names, *plan["autoscaled"]])
        done = (
            "Application Auto Scaling makes replicas for the original only"
            if plan["strategy"] == COPY
            else "Application Auto Scaling makes its replicas again"
        )
        entry = {"attribute": "DBClusterMembers", "was": was, "now": now, "done": done}
        comparison.differs.append(entry)
    else:
        comparison.kept.append("DBClusterMembers")
