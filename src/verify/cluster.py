"""Verify step: the last look at both clusters, before a swap and before a deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.beside import standing
from trapheus.configuration import CLUSTER, MEMBER, differences
from trapheus.constants import BESIDE
from trapheus.endpoints import lacking
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigurationDiffers
from trapheus.logs import logged
from trapheus.rds import (
    Description,
    cluster,
    cluster_snapshot,
    cluster_with,
    instance,
    moment_of,
)
from trapheus.waiters import AVAILABLE, ONLINE, cluster_settled, instance_settled, wait

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Pass only a restored cluster as planned, beside the original under its planned name."""
    plan, since = standing(event["plan"], event["phase"]), event["entered"]
    identifier = plan["identifier"]
    # What is to be renamed next must take a change.
    statuses = AVAILABLE if event["phase"] == BESIDE else ONLINE
    ready = cluster_settled(identifier, other_than=plan["resourceId"], statuses=statuses)
    wait(ready, context, otherwise=ConfigurationDiffers, identifier=identifier, since=since)
    for member in plan["members"]:
        name, before = member["identifier"], member["resourceId"]
        ready = instance_settled(name, other_than=before, statuses=statuses)
        wait(
            ready,
            context,
            otherwise=ConfigurationDiffers,
            identifier=member["identifier"],
            since=since,
        )
    with failing_as(ConfigurationDiffers, identifier):
        found = cluster(identifier) or {}
        lines = [*deviations(plan, found, event["restored"]), *stands(event)]
    if lines:
        raise ConfigurationDiffers("; ".join(lines), identifier=identifier)
    return {"resourceId": found["DbClusterResourceId"]}


def deviations(plan: dict[str, Any], found: Description, restored: dict[str, str]) -> list[str]:
    """One line for each thing that is not as planned; `restored` is what the restore has made."""
    lines = differences(CLUSTER, plan, found)
    if found.get("DbClusterResourceId") != restored["resourceId"]:
        lines.append(
            f"the resource id is {found.get('DbClusterResourceId')}, not {restored['resourceId']}"
        )
    source = cluster_snapshot(plan["snapshot"])
    if moment_of(source) != restored["dataAsOf"]:
        lines.append(f"the snapshot {plan['snapshot']} is not the one that was restored")
    if plan["httpEndpoint"] and not found.get("HttpEndpointEnabled"):
        lines.append("the HTTP endpoint is not enabled, and was")
    lines += lacking(plan["endpoints"], plan["identifier"])
    for index, member in enumerate(plan["members"]):
        # The plan names the writer first.
        lines += member_deviations(member, index == 0, found)
    return lines


def stands(event: dict[str, Any]) -> list[str]:
    """A line if the original has not the name that it is to have by now; a target needs none."""
    plan = event["plan"]
    name = plan["identifier"] if event["phase"] == BESIDE else plan["aside"]
    original = cluster_with(plan["resourceId"])
    if plan["strategy"] == BESIDE or (original and original["DBClusterIdentifier"] == name):
        return []
    return [f"the original is not called {name}"]


def member_deviations(planned: dict[str, Any], writer: bool, found: Description) -> list[str]:
    """One line for each thing in which a member is not as planned."""
    name = planned["identifier"]
    listed = {m["DBInstanceIdentifier"]: m["IsClusterWriter"] for m in found["DBClusterMembers"]}
    member = instance(name)
    if name not in listed or member is None:
        return [f"{name} is not a member of the restored cluster"]
    lines = [f"{name}: {line}" for line in differences(MEMBER, planned, member)]
    if listed[name] != writer:
        lines.append(f"{name} is {'the writer' if listed[name] else 'a reader'}, and was not")
    return lines
