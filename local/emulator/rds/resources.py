"""One database, snapshot or export as RDS holds it, and how ids, ARNs and addresses are made."""

import hashlib
import re
from base64 import b32encode
from dataclasses import dataclass, field
from typing import Any

from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.rds_error import RdsError

IDENTIFIER = re.compile(r"^[A-Za-z](?:-?[A-Za-z0-9])*$")


@dataclass(eq=False)
class Resource:
    """`shown` is what Describe returns; the rest is what RDS knows and does not show."""

    kind: str
    key: str
    shown: dict[str, Any]
    data: str = ""
    poison: str = ""
    hidden: bool = True
    claims: str = ""
    was: str = ""
    doing: str = ""
    truth: str = ""
    turn: int = 0
    # Until when its storage is loaded from the snapshot.
    initialized_at: float = 0.0
    endpoint: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    # Of a snapshot: the accounts that may restore it, or "all".
    shared: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The identifier at this moment."""
        return str(self.shown[KINDS[self.kind].name_key])

    @property
    def status(self) -> str:
        """The status that Describe shows."""
        return str(self.shown[KINDS[self.kind].status_key])

    @property
    def true_status(self) -> str:
        """The status that decides which calls are accepted, ahead of a stale one."""
        return self.truth or self.status


@dataclass
class Export:
    """An export task; `shown` is what Describe returns, and the rest it does not show."""

    shown: dict[str, Any]
    ending: dict[str, str]
    data: str
    hidden: bool = True

    @property
    def running(self) -> bool:
        """Whether it still goes on, and has not been cancelled."""
        return self.shown["Status"] in ("STARTING", "IN_PROGRESS")


def identifier(kind: str, given: str) -> str:
    """The identifier in lower case, as RDS stores it; InvalidParameterValue when it is none.

    [fact: identifiers]
    """
    longest = KINDS[kind].longest
    if not IDENTIFIER.match(given) or len(given) > longest:
        raise RdsError(
            "InvalidParameterValue",
            f"The parameter {KINDS[kind].name_key} is not a valid identifier. Identifiers must "
            "begin with a letter; must contain only ASCII letters, digits, and hyphens; must not "
            "end with a hyphen or contain two consecutive hyphens; "
            f"and must have at most {longest} characters.",
        )
    return given.lower()


def name_of(given: str) -> str:
    """The name in an identifier or an ARN: Describe and Restore take either."""
    return given.split(":", 6)[-1].lower() if given.startswith("arn:") else given.lower()


def arn_parts(arn: str) -> tuple[str, str, str, str]:
    """The region, account, type and name of an ARN of RDS; "" for what it does not have."""
    _, _, _, region, account, part, name = (arn.split(":", 6) + [""] * 7)[:7]
    return region, account, part, name


def resource_id(prefix: str, count: int) -> str:
    """An id that looks like AWS's and is the same in every run."""
    digest = hashlib.sha256(f"{prefix}{count}".encode()).digest()
    return f"{prefix}-{b32encode(digest).decode()[:26]}"


def short_hash(*parts: str) -> str:
    """Twelve lower-case characters, as in an endpoint's address."""
    return b32encode(hashlib.sha256("/".join(parts).encode()).digest()).decode()[:12].lower()
