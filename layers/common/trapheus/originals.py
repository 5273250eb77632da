"""What becomes of the original once the restored database serves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trapheus.rds import mark
from trapheus.rollback import BETWEEN_LOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.rds import Description

Plan = dict[str, Any]


def seen(look: Callable[[], Description | None]) -> Description | None:
    """What a look shows; nothing only if a minute later there is still nothing."""
    found = look()
    if found is None:
        time.sleep(BETWEEN_LOOKS)
        found = look()
    return found


def final_snapshot(plan: Plan) -> str:
    """The name of the original's last snapshot: the same in every try, another in every execution.

    Cluster snapshot ids end at 63 characters, so a cluster's identifier leaves nine.
    """
    return f"{plan['identifier']}-{mark(plan['execution'])['Value'][:8]}"


def writes_since(plan: Plan, request: dict[str, Any]) -> str:
    """Where the writes are that came after the moment of the snapshot."""
    places = []
    if request["finalSnapshot"]:
        places.append(f"in the snapshot {final_snapshot(plan)}")
    if plan["restore"].get("BackupRetentionPeriod") and not request["deleteAutomatedBackups"]:
        places.append(f"in the retained automated backups of {plan['resourceId']}")
    return " and ".join(places) or "nowhere"
