"""The CA of a copy: one that AWS has retired is still shown, and taken by no call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.configuration.attributes import CLUSTER, INSTANCE, MEMBER
from trapheus.configuration.comparison import note_change

if TYPE_CHECKING:
    from collections.abc import Collection

    from trapheus.rds.access import Description

PARAMETER = "CACertificateIdentifier"
RETIRED = "AWS has retired this CA: RDS gives the copy the account's default one"


def certificate_of(found: Description) -> str:
    """The CA of an instance, a member or a Multi-AZ DB cluster; empty of any other cluster."""
    of_cluster = found.get("CertificateDetails", {}).get("CAIdentifier", "")
    return str(found.get(PARAMETER) or of_cluster)


def leave_out_retired(plan: dict[str, Any], known: Collection[str]) -> None:
    """Ask for no CA that is not known any more, and tell it [fact: retired-ca].

    known: the CAs that RDS has here; nothing where it does not tell. What a request asks for is
    refused before.
    """
    own = CLUSTER if "members" in plan else INSTANCE
    for part, table in ((plan, own), *((one, MEMBER) for one in plan.get("members", []))):
        for call in ("restore", "modify"):
            was = part[call].get(PARAMETER)
            if known and was and was not in known:
                del part[call][PARAMETER]
                name = next(key for key, row in table.items() if PARAMETER in getattr(row, call))
                note_change(part, name, was, RETIRED)
                part["open"] = [*part.get("open", []), PARAMETER]
