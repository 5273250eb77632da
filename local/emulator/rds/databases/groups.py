"""Parameter, option and subnet groups: a name, a description and what they fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.emulator.rds.defaults import VPC
from local.emulator.rds.protocol.paging import page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds


@dataclass(frozen=True)
class GroupKind:
    """What RDS calls the parts of one kind of group."""

    name_key: str
    arn_part: str
    missing: str
    exists: str
    in_use: str
    list_key: str


KINDS = {
    "parameter": GroupKind(
        "DBParameterGroupName", "pg", "DBParameterGroupNotFound",
        "DBParameterGroupAlreadyExists", "InvalidDBParameterGroupState", "DBParameterGroups",
    ),
    "cluster-parameter": GroupKind(
        "DBClusterParameterGroupName", "cluster-pg", "DBClusterParameterGroupNotFound",
        "DBParameterGroupAlreadyExists", "InvalidDBParameterGroupState",
        "DBClusterParameterGroups",
    ),
    "option": GroupKind(
        "OptionGroupName", "og", "OptionGroupNotFoundFault",
        "OptionGroupAlreadyExistsFault", "InvalidOptionGroupStateFault", "OptionGroupsList",
    ),
    "subnet": GroupKind(
        "DBSubnetGroupName", "subgrp", "DBSubnetGroupNotFoundFault",
        "DBSubnetGroupAlreadyExists", "InvalidDBSubnetGroupStateFault", "DBSubnetGroups",
    ),
}  # fmt: skip


def major(engine: str, version: str) -> str:
    """The major version that names a family: 16 of 16.4, but 8.0 of MySQL's 8.0.40."""
    parts = version.split(".")
    # [fact: major-of-old-versions]
    short = ("postgres" in engine and int(parts[0]) >= 10) or (
        "oracle" in engine and int(parts[0]) >= 18
    )
    return parts[0] if short else ".".join(parts[:2])


def family(engine: str, version: str) -> str:
    """The parameter group family of an engine version, such as postgres16, or oracle-ee-19."""
    if engine.startswith(("oracle", "sqlserver", "db2")):
        return f"{engine}-{major(engine, version).replace('.00', '.0')}"
    return f"{engine}{major(engine, version)}"


def default_option_group(engine: str, version: str) -> str:
    """The default option group of an engine version, such as default:postgres-16."""
    return f"default:{engine}-{major(engine, version).replace('.', '-')}"


def group(rds: Rds, kind: str, given: str) -> dict[str, Any]:
    """A group by name; the default groups always exist.

    [fact: named-errors]
    """
    name = given.lower()
    held = rds.groups[kind]
    if name not in held and name.startswith("default"):
        held[name] = make_default(rds, kind, name)
    if name not in held:
        raise RdsError(KINDS[kind].missing, f"{KINDS[kind].name_key} not found: {name}")
    return held[name]


def nested(rds: Rds, given: str) -> dict[str, Any]:
    """A subnet group as an instance shows it: less than the group's own Describe does.

    [fact: nested-subnet-group]
    """
    whole = group(rds, "subnet", given)
    own = ("DBSubnetGroupArn", "SupportedNetworkTypes")
    return {name: value for name, value in whole.items() if name not in own}


def looked_up(rds: Rds, kind: str, given: str) -> dict[str, Any]:
    """A group by name, for the operations on groups.

    [fact: missing-cluster-parameter-group]
    """
    try:
        return group(rds, kind, given)
    except RdsError as error:
        if kind == "cluster-parameter":
            raise RdsError(KINDS["parameter"].missing, error.message) from error
        raise


def arn(rds: Rds, kind: str, held: dict[str, Any]) -> str:
    """The ARN of a group."""
    return rds.arn(KINDS[kind].arn_part, held[KINDS[kind].name_key])


def make_default(rds: Rds, kind: str, name: str) -> dict[str, Any]:
    """A default group, as RDS makes it when it is first needed."""
    if kind == "subnet":
        return subnet_group(rds, name, "default", ("subnet-0default0a", "subnet-0default0b"), ())
    arn = rds.arn(KINDS[kind].arn_part, name)
    if kind == "option":
        engine, version = re.findall(r"default:(.+?)-([\d-]+)$", name)[0]
        return {
            "OptionGroupName": name,
            "OptionGroupDescription": f"Default option group for {engine} {version}",
            "EngineName": engine,
            "MajorEngineVersion": version.replace("-", "."),
            "OptionGroupArn": arn,
        }
    words = {"parameter": "DBParameterGroup", "cluster-parameter": "DBClusterParameterGroup"}[kind]
    of = name.removeprefix("default.")
    return {
        f"{words}Name": name,
        "DBParameterGroupFamily": of,
        "Description": f"Default parameter group for {of}",
        f"{words}Arn": arn,
    }


def subnet_group(
    rds: Rds, name: str, description: str, subnets: tuple[str, ...], networks: tuple[str, ...]
) -> dict[str, Any]:
    """A subnet group; its subnets lie in the region's first zones, one each."""
    return {
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": description,
        "VpcId": VPC,
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": zone},
                "SubnetStatus": "Active",
            }
            for subnet, zone in zip(subnets, (f"{rds.region}{c}" for c in "abcdef"), strict=False)
        ],
        "DBSubnetGroupArn": rds.arn("subgrp", name),
        "SupportedNetworkTypes": ["IPV4", *networks],
    }


@operation("CreateDBParameterGroup", kind="parameter", shape="DBParameterGroup")
@operation("CreateDBClusterParameterGroup", kind="cluster-parameter",
           shape="DBClusterParameterGroup")  # fmt: skip
@operation("CreateOptionGroup", kind="option", shape="OptionGroup")
@operation("CreateDBSubnetGroup", kind="subnet", shape="DBSubnetGroup")
def create(rds: Rds, parameters: dict[str, Any], kind: str, shape: str) -> dict[str, Any]:
    """Make a group; every one made here takes part in dual-stack networks.

    [fact: named-errors]
    """
    words = KINDS[kind]
    name = parameters[words.name_key].lower()
    if name in rds.groups[kind]:
        raise RdsError(words.exists, f"{words.name_key} {name} already exists.")
    given = parameters.pop("Tags", [])
    arn = rds.arn(words.arn_part, name)
    if kind == "subnet":
        made = subnet_group(
            rds, name, parameters["DBSubnetGroupDescription"], tuple(parameters["SubnetIds"]),
            ("DUAL",),
        )  # fmt: skip
    else:
        made = {**parameters, words.name_key: name, f"{shape}Arn": arn}
    rds.groups[kind][name] = made
    rds.group_tags[arn] = given
    return {shape: made}


@operation("DescribeDBParameterGroups", kind="parameter")
@operation("DescribeDBClusterParameterGroups", kind="cluster-parameter")
@operation("DescribeOptionGroups", kind="option")
@operation("DescribeDBSubnetGroups", kind="subnet")
def describe(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """One group by name, or all."""
    words = KINDS[kind]
    name = parameters.get(words.name_key)
    found = [looked_up(rds, kind, name)] if name else list(rds.groups[kind].values())
    return page(found, parameters, words.list_key)


@operation("DeleteDBParameterGroup", kind="parameter")
@operation("DeleteDBClusterParameterGroup", kind="cluster-parameter")
@operation("DeleteOptionGroup", kind="option")
@operation("DeleteDBSubnetGroup", kind="subnet")
def delete(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """Delete a group that nothing is in; the default ones stay.

    [fact: default-groups-are-not-deleted] [fact: groups-in-use]
    """
    words = KINDS[kind]
    name = looked_up(rds, kind, parameters[words.name_key])[words.name_key]
    if name.startswith("default"):
        code = words.in_use if "parameter" in kind else "InvalidParameterValue"
        raise RdsError(code, f"The default group {name} cannot be deleted.")
    if name in used(rds, kind):
        raise RdsError(words.in_use, f"{name} is in use.")
    del rds.groups[kind][name]
    return {}


def used(rds: Rds, kind: str) -> set[str]:
    """The groups of a kind that databases are in, or snapshots of an option group's."""
    found = set()
    for thing in rds.things.values():
        shown = thing.shown
        if kind == "parameter":
            found |= {one["DBParameterGroupName"] for one in shown.get("DBParameterGroups", [])}
        elif kind == "cluster-parameter":
            found.add(shown.get("DBClusterParameterGroup"))
        elif kind == "option":
            found |= {one["OptionGroupName"] for one in shown.get("OptionGroupMemberships", [])}
            found.add(shown.get("OptionGroupName"))
        else:
            of = shown.get("DBSubnetGroup")
            found.add(of["DBSubnetGroupName"] if isinstance(of, dict) else of)
    return found
