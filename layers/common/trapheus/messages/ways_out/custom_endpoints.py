"""What a way out does with the custom endpoints of the plan, each of which one cluster has."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from trapheus.messages.ways_out.commands import BETWEEN_LOOKS, LOOKS, aws, repeated, require
from trapheus.rds.endpoints import possible

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan
    from trapheus.messages.ways_out.databases import Database, Look


def made_again(look: Look, stays: Database) -> tuple[list[str], list[str], list[str]]:
    """Sentences, and the commands before and after the names change hands.

    stays: the cluster that has the identifier by then.
    """
    plan, held = look.plan, look.endpoints
    if not plan.get("endpoints"):
        return [], [], []
    names = [endpoint["identifier"] for endpoint in plan["endpoints"]]
    if held is None:
        return [f"RDS did not say what has its custom endpoints: {', '.join(names)}."], [], []
    other = look.restored if stays is look.original else look.original
    ours = (stays.name, *([other.name] if other else []))
    foreign = [name for name in names if name in held and held[name][0] not in ours]
    lines = [f"The custom endpoint {name} is another cluster's: {held[name][0]}."
             for name in foreign]  # fmt: skip
    lacking = [
        endpoint
        for endpoint in possible(plan["endpoints"], stays.shown)
        if endpoint["identifier"] not in foreign
        and held.get(endpoint["identifier"]) != (stays.name, False)
    ]
    again = [endpoint["identifier"] for endpoint in lacking]
    if again:
        lines.append(f"Its custom endpoints are made again: {', '.join(again)}.")
    leaving = [deletion(name) for name in again if name in held and not held[name][1]]
    if leaving and other:
        leaving.insert(0, require(other))
    coming = [
        command
        for endpoint in lacking
        for command in (
            *([until_free(endpoint["identifier"])] if endpoint["identifier"] in held else []),
            creation(endpoint, plan),
        )
    ]
    return lines, leaving, coming


def deletion(name: str) -> str:
    """Ask for the deletion of an endpoint."""
    return aws("rds delete-db-cluster-endpoint", f"--db-cluster-endpoint-identifier {name}")


def until_free(name: str) -> str:
    """Wait until no endpoint has a name."""
    asked = aws(
        "rds describe-db-cluster-endpoints",
        f"--filters Name=db-cluster-endpoint-id,Values={name}"
        " --query 'length(DBClusterEndpoints)' --output text",
    )
    return repeated(LOOKS, f'test "$({asked})" = 0', f"sleep {BETWEEN_LOOKS}; ")


def creation(endpoint: Plan, plan: Plan) -> str:
    """Make an endpoint of what has the identifier."""
    options = [
        f"--db-cluster-identifier {plan['identifier']}",
        f"--db-cluster-endpoint-identifier {endpoint['identifier']}",
        f"--endpoint-type {endpoint['type']}",
    ]
    for key in ("static", "excluded"):
        if endpoint[key]:
            options.append(f"--{key}-members {' '.join(endpoint[key])}")
    if endpoint["tags"]:
        options.append(f"--tags {shlex.quote(json.dumps(endpoint['tags']))}")
    return aws("rds create-db-cluster-endpoint", " ".join(options))
