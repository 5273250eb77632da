"""Tags and associated roles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups, parts
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.emulator.rds.service import Rds

# [fact: tag-limits]
ALLOWED = re.compile(r"^[\w\s.:/=+\-@]*$")
MOST = 50


def checked(
    given: list[dict[str, str]], held: Sequence[dict[str, str]] = ()
) -> list[dict[str, str]]:
    """Tags as RDS keeps them; refused when a key or value of those given is not allowed.

    held: those that are there already. AWS's own among them are neither judged nor counted.
    [fact: aws-tags-reserved] [fact: tag-limits] [fact: most-tags]
    """
    for tag in given:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise RdsError("InvalidParameterValue", f"Tag key or value has a bad length: {key}")
        if key.lower().startswith(("aws:", "rds:")):
            raise RdsError("InvalidParameterValue", f"Tag keys may not begin with aws: {key}")
        if not ALLOWED.match(key) or not ALLOWED.match(value):
            raise RdsError("InvalidParameterValue", f"Tag {key} has characters not allowed")
    kept: dict[str, str] = {tag["Key"]: tag.get("Value", "") for tag in (*held, *given)}
    if sum(not key.startswith("aws:") for key in kept) > MOST:
        raise RdsError("InvalidParameterValue", f"A resource may have at most {MOST} tags")
    return [{"Key": key, "Value": value} for key, value in kept.items()]


def tag_list(rds: Rds, arn: str, *, looks: bool = False) -> list[dict[str, str]]:
    """The tags of what an ARN names, to be changed in place; `looks`: only to be looked at.

    [fact: resource-names-of-tags]
    """
    part, _, name = arn.removeprefix("arn:aws:rds:").split(":", 2)[-1].partition(":")
    for kind, words in KINDS.items():
        if words.arn_part == part:
            of = rds.seen(kind, name) if looks else rds.find(kind, name)
            found: list[dict[str, str]] = of.shown.setdefault("TagList", [])
            return found
    for kind, group_words in groups.KINDS.items():
        if group_words.arn_part == part:
            groups.group(rds, kind, name)
            return rds.group_tags.setdefault(arn, [])
    if part == "cluster-endpoint" and name in rds.custom_endpoints:
        return rds.group_tags.setdefault(arn, [])
    raise RdsError("InvalidParameterValue", f"Invalid resource name:  {arn}")


@operation("AddTagsToResource")
def add_tags(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give those of the same key a new value."""
    held = tag_list(rds, parameters["ResourceName"])
    held[:] = checked(parameters["Tags"], held)
    return {}


@operation("RemoveTagsFromResource")
def remove_tags(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove tags by key.

    [fact: aws-tags-reserved]
    """
    held = tag_list(rds, parameters["ResourceName"])
    if any(key.lower().startswith("aws:") for key in parameters["TagKeys"]):
        raise RdsError("InvalidParameterValue", "Tags of AWS's own cannot be removed")
    held[:] = [tag for tag in held if tag["Key"] not in parameters["TagKeys"]]
    return {}


def own(held: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Those that are not AWS's, which alone are copied with what carries them (likely)."""
    return [tag for tag in held if not tag["Key"].startswith("aws:")]


@operation("ListTagsForResource")
def list_tags(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The tags of a resource."""
    return {"TagList": tag_list(rds, parameters["ResourceName"], looks=True)}


@operation("AddRoleToDBInstance", kind="instance", call="AddRoleToDBInstance")
@operation("AddRoleToDBCluster", kind="cluster", call="AddRoleToDBCluster")
def add_role(rds: Rds, parameters: dict[str, Any], kind: str, call: str) -> dict[str, Any]:
    """Let a database use a role for a feature."""
    database = rds.find(kind, parameters[KINDS[kind].name_key])
    rds.require(database, call)
    held: list[dict[str, Any]] = database.shown.setdefault("AssociatedRoles", [])
    wanted = ("RoleArn", "FeatureName")
    role: dict[str, Any] = {key: parameters[key] for key in wanted if key in parameters}
    # An instance has one role for a feature, a cluster each role once [fact: one-role-a-feature].
    unique = {"instance": "FeatureName", "cluster": "RoleArn"}[kind]
    if any(role.get(unique) == other.get(unique) for other in held):
        raise RdsError(
            f"{KINDS[kind].word}RoleAlreadyExists",
            f"Role {role['RoleArn']} is already associated with {database.name}.",
        )
    held.append({**role, "Status": "PENDING"})
    parts.settle(rds, database, lambda: None, live=True)
    return {}


@operation("RemoveRoleFromDBInstance", kind="instance", call="RemoveRoleFromDBInstance")
@operation("RemoveRoleFromDBCluster", kind="cluster", call="RemoveRoleFromDBCluster")
def remove_role(rds: Rds, parameters: dict[str, Any], kind: str, call: str) -> dict[str, Any]:
    """Take a role away.

    [fact: named-errors]
    """
    database = rds.find(kind, parameters[KINDS[kind].name_key])
    rds.require(database, call)
    held = database.shown.get("AssociatedRoles", [])
    for role in held:
        if role["RoleArn"] == parameters["RoleArn"] and role.get("FeatureName") in (
            parameters.get("FeatureName"), None,
        ):  # fmt: skip
            held.remove(role)
            return {}
    raise RdsError(
        f"{KINDS[kind].word}RoleNotFound",
        f"Role {parameters['RoleArn']} is not associated with {database.name}.",
    )
