"""What the members of a cluster have from it, and so must not be given of their own."""

from __future__ import annotations

from typing import Any

from trapheus.configuration.attributes import MEMBER
from trapheus.configuration.comparison import note_change

# What a cluster that has it has for all of its members: the parameter that says so, and what none
# of them may be given of its own then, not even the same [fact: monitoring-of-all-members].
FOR_ALL: dict[str, tuple[str, ...]] = {
    "MonitoringInterval": ("MonitoringInterval", "MonitoringRoleArn"),
    "EnablePerformanceInsights": (
        "EnablePerformanceInsights",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
    ),
}
INHERITED = "its cluster has it for all of its members"


def leave_to_cluster(plan: dict[str, Any]) -> None:
    """Take out of the members' calls what their cluster is to have for all of them.

    `inherited` becomes what each is to show all the same. What one shows otherwise now is told.
    """
    of_cluster = plan["modify"]
    attributes = {name: key for key, row in MEMBER.items() for name in row.restore}
    names = [
        name
        for switch, names in FOR_ALL.items()
        if of_cluster.get(switch)
        for name in names
        if name in attributes
    ]
    for member in plan["members"] if names else []:
        own = {name: member["restore"].pop(name, None) for name in names}
        others = {name: was for name, was in own.items() if was != of_cluster.get(name)}
        member["inherited"] = {n: was for n, was in own.items() if was and n not in others}
        member["open"] = sorted({*member.get("open", ()), *others})
        for name, was in others.items():
            if attributes[name] not in member.get("changed", {}):
                note_change(member, attributes[name], was, INHERITED)
