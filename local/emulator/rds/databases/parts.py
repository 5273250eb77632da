"""The statuses of a database's parts: each goes on for a while, and then ends as told.

The words are those of the API's model and of the user guides. That a database is `available`
meanwhile is what makes them worth a look. [fact: option-group-pending-after-restore]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.emulator.rds.timing import PHASES

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds


@dataclass(frozen=True)
class Part:
    """Under which key a part has its status, in which it begins, and in which it ends."""

    status: str
    first: str
    last: str


PARTS: dict[str, Part] = {
    # [fact: security-group-statuses]
    "VpcSecurityGroups": Part("Status", "adding", "active"),
    # [fact: parameter-group-statuses]; of a database that runs it ends as pending-reboot
    "DBParameterGroups": Part("ParameterApplyStatus", "applying", "in-sync"),
    "DBClusterMembers": Part("DBClusterParameterGroupStatus", "applying", "in-sync"),
    # [fact: option-group-statuses]
    "OptionGroupMemberships": Part("Status", "pending-apply", "in-sync"),
    "DBClusterOptionGroupMemberships": Part("Status", "pending-apply", "in-sync"),
    # [fact: domain-statuses]; of SQL Server it ends as joined
    "DomainMemberships": Part("Status", "joining", "kerberos-enabled"),
    # [fact: role-statuses]
    "AssociatedRoles": Part("Status", "PENDING", "ACTIVE"),
    # [fact: secret-statuses]
    "MasterUserSecret": Part("SecretStatus", "creating", "active"),
}


def begun(
    held: list[dict[str, Any]], attribute: str, wanted: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The wanted parts as they show: those that are held already as they are, others as begun."""
    part = PARTS[attribute]
    known = {str(without(one, part.status)): one for one in held}
    return [known.get(str(one), {**one, part.status: part.first}) for one in wanted]


def without(one: dict[str, Any], key: str) -> dict[str, Any]:
    """A part without its status."""
    return {name: value for name, value in one.items() if name != key}


def settle(rds: Rds, resource: Resource, then: Callable[[], None], *, live: bool = False) -> None:
    """Let the parts that have begun come to their ends, and `then` be told.

    live: the database runs already, so that a parameter group waits for its reboot.
    """
    due = [(one, attribute) for attribute in PARTS for one in going_on(resource, attribute)]
    if not due:
        return

    def end() -> None:
        for one, attribute in due:
            part = PARTS[attribute]
            if one[part.status] == part.first:
                one[part.status] = ending(rds, resource, attribute, live=live)
        then()

    rds.note(
        resource, "settle parts", ends := rds.after(PHASES["settle parts"][0], what="settle parts")
    )
    rds.later(ends, end)


def going_on(resource: Resource, attribute: str) -> list[dict[str, Any]]:
    """The parts of an attribute that have begun."""
    held = resource.shown.get(attribute) or []
    part = PARTS[attribute]
    return [
        one
        for one in ([held] if isinstance(held, dict) else held)
        if one.get(part.status) == part.first
    ]


def ending(rds: Rds, resource: Resource, attribute: str, *, live: bool = False) -> str:
    """The status in which a part ends: as the test wants it, or well."""
    if attribute in rds.part_endings:
        return rds.part_endings[attribute]
    if attribute == "DBParameterGroups" and live:
        return "pending-reboot"
    if attribute == "DomainMemberships" and resource.shown["Engine"].startswith("sqlserver"):
        return "joined"
    return PARTS[attribute].last
