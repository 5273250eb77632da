"""What the statuses of a database's parts say: data, beside its own status, which may be fine.

RDS calls a database `available` while a part of it still goes on, or has failed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trapheus.rds.access import Description


@dataclass(frozen=True)
class Part:
    """An attribute whose parts have a status each, and what their statuses say.

    name: the keys of which one names a part, () where there is one without a name. right: it is
    as asked for. going_on: it ends by itself; so is one that nobody knows yet. wrong: it stays so.
    waiting: for what a database gets by a start. leaving: it is, or soon will be, none of its own.
    """

    what: str
    name: tuple[str, ...]
    right: tuple[str, ...]
    going_on: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    status: str = "Status"


_REMOVAL = ("pending-removal", "pending-maintenance-removal", "removing")
_DOMAIN_REMOVAL = (
    *_REMOVAL,
    "pending-disable-kerberos",
    "pending-maintenance-disable-kerberos",
    "disabling-kerberos",
)


def _parameter_group(what: str, name: str, status: str, leaving: tuple[str, ...]) -> Part:
    """[fact: parameter-group-statuses]."""
    return Part(
        what,
        (name,),
        status=status,
        right=("in-sync",),
        going_on=("applying", "removing"),
        wrong=("failed-to-apply",),
        waiting=("pending-reboot", "pending-database-upgrade"),
        leaving=leaving,
    )


def _option_group(name: str) -> Part:
    """[fact: option-group-statuses]."""
    return Part(
        "option group",
        (name,),
        right=("in-sync",),
        going_on=("pending-apply", "pending-maintenance-apply", "applying", *_REMOVAL),
        wrong=("failed",),
        leaving=_REMOVAL,
    )


PARTS: Mapping[str, Part] = {
    "VpcSecurityGroups": Part(
        "security group",
        ("VpcSecurityGroupId",),
        right=("active",),  # [fact: security-group-statuses]
        going_on=("adding", "removing"),
        leaving=("removing",),
    ),
    "DBParameterGroups": _parameter_group(
        "parameter group", "DBParameterGroupName", "ParameterApplyStatus", ("removing",)
    ),
    # A member does not leave with its parameter group.
    "DBClusterMembers": _parameter_group(
        "cluster's parameter group of", "DBInstanceIdentifier", "DBClusterParameterGroupStatus", ()
    ),
    "OptionGroupMemberships": _option_group("OptionGroupName"),
    "DBClusterOptionGroupMemberships": _option_group("DBClusterOptionGroupName"),
    "DomainMemberships": Part(
        "membership in the domain",
        ("Domain", "FQDN"),
        right=("joined", "kerberos-enabled"),  # [fact: domain-statuses]
        going_on=(
            "joining",
            "pending-join",
            "pending-maintenance-join",
            "enabling-kerberos",
            "pending-enable-kerberos",
            "pending-maintenance-enable-kerberos",
            *_DOMAIN_REMOVAL,
        ),
        wrong=("failed", "enable-kerberos-failed", "removed"),
        leaving=(*_DOMAIN_REMOVAL, "removed"),
    ),
    "AssociatedRoles": Part(
        "role",
        ("RoleArn",),
        right=("ACTIVE",),  # [fact: role-statuses]
        going_on=("PENDING",),
        wrong=("INVALID",),
    ),
    "MasterUserSecret": Part(
        "secret of the master password",
        (),
        status="SecretStatus",
        right=("active", "rotating"),  # [fact: secret-statuses]
        going_on=("creating",),
        wrong=("impaired",),
    ),
}
# What is added to a status that does not say it.
_MEANING = {
    "pending-reboot": ", and so takes effect only after a reboot",
    "pending-database-upgrade": ", and so takes effect only after an upgrade",
}


def staying(attribute: str) -> str:
    """JMESPath: the parts of an attribute that are not on their way out."""
    part = PARTS[attribute]
    return f"{attribute}[?!contains(`{json.dumps(part.leaving)}`, {part.status} || '')]"


def lines(found: Description, *says: str) -> list[str]:
    """A line for each part whose status says one of these: "wrong", "waiting", "leaving"."""
    return [
        _line(part, name, status)
        for part, name, status in _each(found)
        if any(status in getattr(part, said) for said in says)
    ]


def going_on(found: Description) -> list[str]:
    """A line for each part that is not right yet, or in a status that nobody knows."""
    return [
        _line(part, name, status)
        for part, name, status in _each(found)
        if status not in (*part.right, *part.wrong, *part.waiting)
    ]


def ailing(found: Description) -> list[str]:
    """A line for each part of an original that has failed, and is not on its way out."""
    gone = lines(found, "leaving")
    return [line for line in lines(found, "wrong") if line not in gone]


def failed_domains(found: Description) -> list[str]:
    """The domains that have not let the database in."""
    return ailing({"DomainMemberships": found.get("DomainMemberships")})


def _line(part: Part, name: str, status: str) -> str:
    return f"the {part.what}{' ' if name else ''}{name} is {status}{_MEANING.get(status, '')}"


def _each(found: Description) -> Iterator[tuple[Part, str, str]]:
    """Each part with its name and status; one that shows no status says nothing."""
    for attribute, part in PARTS.items():
        held: Any = found.get(attribute) or []
        for one in [held] if isinstance(held, dict) else held:
            name = next((one[key] for key in part.name if one.get(key)), "")
            if one.get(part.status):
                yield part, name, one[part.status]
