"""Verify step: the last look at both clusters, before anything is deleted."""

from typing import Any

from trapheus.configuration import CLUSTER, MEMBER, differences
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigurationDiffers
from trapheus.rds import Description, cluster, cluster_with, instance
from trapheus.waiters import ONLINE


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Pass only a restored cluster as planned, beside the original under its planned name."""
    plan = event["plan"]
    with failing_as(ConfigurationDiffers, plan["identifier"]):
        found = cluster(plan["identifier"])
        if found is None or found["DbClusterResourceId"] == plan["resourceId"]:
            raise ConfigurationDiffers(
                "The identifier is not the restored cluster", identifier=plan["identifier"]
            )
        lines = deviations(plan, found)
    if lines:
        raise ConfigurationDiffers("; ".join(lines), identifier=plan["identifier"])
    return {"resourceId": found["DbClusterResourceId"]}


def deviations(plan: dict[str, Any], found: Description) -> list[str]:
    """One line for each thing that is not as planned."""
    original = cluster_with(plan["resourceId"])
    lines = []
    if found["Status"] not in ONLINE:
        lines.append(f"{plan['identifier']} is {found['Status']}")
    if original is None or original["DBClusterIdentifier"] != plan["aside"]:
        lines.append(f"the original is not called {plan['aside']}")
    lines += differences(CLUSTER, plan, found)
    for index, member in enumerate(plan["members"]):
        # The plan names the writer first.
        lines += member_deviations(member, index == 0, found)
    return lines


def member_deviations(planned: dict[str, Any], writer: bool, found: Description) -> list[str]:
    """One line for each thing in which a member is not as planned."""
    name = planned["identifier"]
    listed = {m["DBInstanceIdentifier"]: m["IsClusterWriter"] for m in found["DBClusterMembers"]}
    member = instance(name)
    if name not in listed or member is None or member["DbiResourceId"] == planned["resourceId"]:
        return [f"{name} is not a member of the restored cluster"]
    lines = [f"{name}: {line}" for line in differences(MEMBER, planned, member)]
    if member["DBInstanceStatus"] not in ONLINE:
        lines.append(f"{name} is {member['DBInstanceStatus']}")
    if listed[name] != writer:
        lines.append(f"{name} is {'the writer' if listed[name] else 'a reader'}, and was not")
    return lines
