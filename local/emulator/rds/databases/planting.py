"""A database put into the account exactly as a description shows it: a case to test with.

What accounts show lacks keys that a new database has, or has values that no call can ask for.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups
from local.emulator.rds.protocol.model import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

Shown = dict[str, Any]


def plant(
    rds: Rds, kind: str, shown: Mapping[str, Any], members: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Put a database there with its members, and the groups that they name.

    Its version and its classes can be ordered from now on.
    """
    planted = put(rds, kind, shown)
    for member in members:
        put(rds, "instance", member).source["cluster"] = planted.key
    rds.settle()


def put(rds: Rds, kind: str, described: Mapping[str, Any]) -> Resource:
    """Put one instance or cluster there, which is shown as it is described."""
    shown = copy.deepcopy(dict(described))
    make_groups(rds, shown)
    offer(rds, shown)
    name = shown[KINDS[kind].name_key]
    made = rds.add(kind, shown, f"{name} as planted")
    made.endpoint = copy.deepcopy(shown.get("Endpoint", {})) if kind == "instance" else {}
    rds.show(made, shown[KINDS[kind].status_key])
    return made


def make_groups(rds: Rds, shown: Shown) -> None:
    """Make the groups that a description names, unless they are there or AWS's own."""
    engine, version = shown["Engine"], shown["EngineVersion"]
    subnets = shown.get("DBSubnetGroup")
    if isinstance(subnets, dict):
        name = subnets["DBSubnetGroupName"]
        whole = {"DBSubnetGroupArn": rds.arn("subgrp", name), "SupportedNetworkTypes": ["IPV4"]}
        rds.groups["subnet"].setdefault(name, copy.deepcopy(subnets) | whole)
    named = {
        "parameter": [one["DBParameterGroupName"] for one in shown.get("DBParameterGroups", [])],
        "cluster-parameter": [shown.get("DBClusterParameterGroup", "default")],
        "option": [one["OptionGroupName"] for one in shown.get("OptionGroupMemberships", [])],
    }
    of = {
        "parameter": {"DBParameterGroupFamily": groups.family(engine, version)},
        "cluster-parameter": {"DBParameterGroupFamily": groups.family(engine, version)},
        "option": {"EngineName": engine, "MajorEngineVersion": groups.major(engine, version)},
    }
    for kind, names in named.items():
        for name in names:
            if not name.startswith("default"):
                key = groups.KINDS[kind].name_key
                rds.groups[kind].setdefault(name, {key: name, **of[kind]})


def offer(rds: Rds, shown: Shown) -> None:
    """Let the version and the class of a description be ordered."""
    engine = shown["Engine"]
    sort = "aurora" if engine.startswith("aurora") else "standalone"
    held = [
        (rds.available_versions.setdefault(engine, []), shown["EngineVersion"]),
        (rds.available_classes[sort], shown.get("DBInstanceClass")),
        (rds.available_classes[sort], shown.get("DBClusterInstanceClass")),
    ]
    for offered, one in held:
        if one and one not in offered:
            offered.append(one)
