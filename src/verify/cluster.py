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
        lines = deviations(plan)
    if lines:
        raise ConfigurationDiffers("; ".join(lines), identifier=plan["identifier"])
    return {"name": plan["identifier"]}


def deviations(plan: dict[str, Any]) -> list[str]:
    """One line for each thing that is not as planned."""
    found, original = cluster(plan["identifier"]), cluster_with(plan["resourceId"])
    lines = []
    if found is None or found["DbClusterResourceId"] == plan["resourceId"]:
        return [f"{plan['identifier']} is not the restored cluster"]
    if found["Status"] not in ONLINE:
        lines.append(f"{plan['identifier']} is {found['Status']}")
    if original is None or original["DBClusterIdentifier"] != plan["aside"]:
        lines.append(f"the original is not called {plan['aside']}")
    lines += differences(CLUSTER, plan, found)
    for member, role in zip(plan["members"], roles(plan), strict=True):
        lines += member_deviations(member, role, found)
    return lines


def roles(plan: dict[str, Any]) -> list[bool]:
    """Whether each planned member is to be the writer: the first one is."""
    return [index == 0 for index in range(len(plan["members"]))]


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
