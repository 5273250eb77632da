"""What is in parameter groups: a few parameters of each engine, and what somebody has set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups
from local.emulator.rds.protocol.paging import page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds

# family's beginning -> parameter -> (value, type, whether it takes effect at once); memory
KNOWN: dict[str, dict[str, tuple[str, str, bool]]] = {
    "postgres": {
        "max_connections": ("LEAST({DBInstanceClassMemory/9531392},5000)", "integer", False),
        "log_min_duration_statement": ("-1", "integer", True),
        "rds.force_ssl": ("1", "integer", True),
        "rds.logical_replication": ("0", "boolean", False),
    },
    "mysql": {
        "max_connections": ("{DBInstanceClassMemory/12582880}", "integer", True),
        "long_query_time": ("10", "float", True),
        "require_secure_transport": ("0", "boolean", True),
        "character_set_server": ("utf8mb4", "string", True),
    },
    "oracle": {"open_cursors": ("300", "integer", True)},
    "sqlserver": {"rds.force_ssl": ("0", "integer", False)},
}
LIKE = {"aurora-postgresql": "postgres", "aurora-mysql": "mysql", "mariadb": "mysql"}


def known(family: str) -> dict[str, tuple[str, str, bool]]:
    """The parameters of a family, none of one that is not known here."""
    for beginning, name in LIKE.items():
        if family.startswith(beginning):
            return KNOWN[name]
    return next((held for name, held in KNOWN.items() if family.startswith(name)), {})


@operation("DescribeDBParameters", kind="parameter")
@operation("DescribeDBClusterParameters", kind="cluster-parameter")
def describe(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """The parameters of a group, all or those of a source."""
    group = groups.looked_up(rds, kind, parameters[groups.KINDS[kind].name_key])
    own = rds.parameters[groups.arn(rds, kind, group)]
    found = [
        {
            "ParameterName": name,
            "ParameterValue": value,
            "Source": "engine-default",
            "ApplyType": "dynamic" if at_once else "static",
            "DataType": data_type,
            "IsModifiable": True,
            "ApplyMethod": "pending-reboot",
            **own.get(name, {}),
        }
        for name, (value, data_type, at_once) in known(group["DBParameterGroupFamily"]).items()
    ]
    if "Source" in parameters:
        found = [one for one in found if one["Source"] == parameters["Source"]]
    return page(found, parameters, "Parameters")


@operation("ModifyDBParameterGroup", kind="parameter")
@operation("ModifyDBClusterParameterGroup", kind="cluster-parameter")
def modify(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """Set parameters of a group that is no default one.

    [fact: parameters-that-are-not-there] [fact: static-parameters-wait]
    """
    name_key = groups.KINDS[kind].name_key
    group = changeable(rds, kind, parameters[name_key])
    own, there = (
        rds.parameters[groups.arn(rds, kind, group)],
        known(group["DBParameterGroupFamily"]),
    )
    for one in parameters["Parameters"]:
        name = one.get("ParameterName", "")
        if name not in there:
            raise RdsError("InvalidParameterValue", f"Could not find parameter with name: {name}")
        if one.get("ApplyMethod") == "immediate" and not there[name][2]:
            raise RdsError(
                "InvalidParameterCombination",
                "cannot use immediate apply method for static parameter",
            )
    for one in parameters["Parameters"]:
        own[one["ParameterName"]] = {
            "ParameterValue": one.get("ParameterValue", ""),
            "ApplyMethod": one.get("ApplyMethod", "pending-reboot"),
            "Source": "user",
        }
    return {name_key: group[name_key]}


@operation("ResetDBParameterGroup", kind="parameter")
@operation("ResetDBClusterParameterGroup", kind="cluster-parameter")
def reset(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """Give parameters of a group their default again: all, or those that are named."""
    name_key = groups.KINDS[kind].name_key
    group = changeable(rds, kind, parameters[name_key])
    own = rds.parameters[groups.arn(rds, kind, group)]
    named = {one["ParameterName"] for one in parameters.get("Parameters", [])}
    for name in list(own):
        if parameters.get("ResetAllParameters") or name in named:
            del own[name]
    return {name_key: group[name_key]}


def changeable(rds: Rds, kind: str, given: str) -> dict[str, Any]:
    """A group; refused when it is a default one, which nobody can change.

    [fact: default-groups-stay]
    """
    if given.lower().startswith("default."):
        raise RdsError("InvalidParameterValue", "Cannot modify a default parameter group.")
    return groups.looked_up(rds, kind, given)
