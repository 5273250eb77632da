"""Sharing: what is taken with the accounts that the stack names, as it is or under another key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from trapheus.execution import exceptions
from trapheus.execution.constants import SHARED_SUFFIX, SHARING_SUFFIX, SNAPSHOT_SUFFIX

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look

MOST = 20


def planned(look: Look) -> dict[str, Any]:
    """What the plan says of it, if anything: with whom, the name that is shared, and the key.

    The key is empty where the snapshot itself is shared, not a copy of it.
    """
    if not look.shares:
        return {}
    suffix = SHARED_SUFFIX if look.shares_copy else SNAPSHOT_SUFFIX
    return {
        "sharing": {
            "accounts": look.shared_with,
            "name": look.identifier + suffix,
            "key": os.environ["SHARE_KEY"] if look.shares_copy else "",
        }
    }


def shareable(look: Look, findings: Findings) -> None:
    """It can be shared: with 20 accounts at most; under `aws/rds` only with `ShareKmsKey`.

    No other account can use that key, and RDS shares nothing under it.
    """
    # [fact: shared-with-twenty-accounts]
    if len(look.shared_with) > MOST:
        findings.add(
            exceptions.InvalidRequest,
            f"The stack's ShareSnapshotsWith names {len(look.shared_with)} other accounts, and RDS"
            f" shares a snapshot with {MOST} at most: leave some out.",
        )
    if look.shares_copy and not os.environ["SHARE_KEY"]:
        findings.add(
            exceptions.KeyNotAccessible,
            f"{look.identifier} is encrypted under {look.found['KmsKeyId']}, the default key of"
            " RDS, whose snapshots cannot be shared: give the stack a key that the accounts of"
            " ShareSnapshotsWith may use as ShareKmsKey (docs/sharing.md), or leave those out.",
        )


def renewable_copy(look: Look, findings: Findings) -> None:
    """`<identifier>-shared` can be made anew: it is available, of this engine; its successor free.

    The successor is `<identifier>-sharing`.
    """
    name, spare = look.identifier + SHARED_SUFFIX, look.identifier + SHARING_SUFFIX
    found, engine = look.shared_copy, look.found["Engine"]
    if found and found["Status"] != "available":
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {name} is {found['Status']}: wait until it is available, or delete it if"
            " it has failed.",
        )
    elif found and found["Engine"] != engine:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {name} is of {found['Engine']}, the database of {engine}: copy it under"
            " another name if anything needs it, and delete it.",
        )
    if look.kind.find_snapshot(spare):
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {spare} exists, probably left over from an earlier run: delete it if"
            " nothing needs it.",
        )
