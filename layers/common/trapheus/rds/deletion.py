"""What becomes of the original once the restored database serves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trapheus.execution.constants import AUTOSCALED, PROTECT_TAG
from trapheus.execution.exceptions import DeleteFailed
from trapheus.rds.access import in_progress_tag
from trapheus.rds.rollback import BETWEEN_LOOKS
from trapheus.rds.waiters import ONLINE, not_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trapheus.rds.access import Description

Plan = dict[str, Any]


def seen(look: Callable[[], Description | None]) -> Description | None:
    """What a look shows; nothing only if a minute later there is still nothing."""
    found = look()
    if found is None:
        time.sleep(BETWEEN_LOOKS)
        found = look()
    return found


def require_serving(
    event: dict[str, Any],
    found: Description | None,
    resource_id: str,
    status: str,
    bad: tuple[str, ...],
) -> None:
    """Pass only while what was restored has the identifier and serves.

    found: what has the identifier. resource_id, status: its attributes with these.
    """
    plan = event["plan"]
    name = plan["identifier"]
    stands = found is not None and found[resource_id] == event["restored"]["resourceId"]
    if not found or not stands or found[status] in bad:
        what = f"is {found[status]}" if found and stands else "is not what was restored any more"
        raise DeleteFailed(
            f"{name} {what}: nothing was deleted.", identifier=plan["renamedTo"], unserved=name
        )
    if found[status] not in ONLINE:
        raise not_ready(found[status], bad, DeleteFailed, name)


def require_unprotected(plan: Plan, original: Description, members: Iterable[Description]) -> None:
    """Pass only an original that nobody has protected since it was renamed."""
    was = original_value(plan, "modify", "DeletionProtection")
    tags = [tag["Key"] for one in (original, *members) for tag in one.get("TagList", [])]
    if PROTECT_TAG in tags or (original.get("DeletionProtection") and not was):
        raise DeleteFailed(
            f"{plan['renamedTo']} has been protected since it was renamed: nothing was deleted.",
            identifier=plan["renamedTo"],
        )


def require_known(plan: Plan, members: Iterable[Description]) -> None:
    """Pass only an original to which nobody has added a member since its own were renamed."""
    known = {one["renamedTo"] for one in plan["members"]}
    for member in members:
        added = member["DBInstanceIdentifier"]
        # Of another cluster its list lags behind a rename, for which the deletion waits.
        is_own = member.get("DBClusterIdentifier") == plan["renamedTo"]
        if is_own and added not in known and not added.startswith(AUTOSCALED):
            raise DeleteFailed(
                f"{plan['renamedTo']} has the member {added}, which this execution has not renamed:"
                " nothing was deleted.",
                identifier=plan["renamedTo"],
                added=added,
            )


def original_value(plan: Plan, call: str, name: str) -> Any:
    """What the original had, whatever the request has overridden; name: attribute, parameter."""
    changed = plan.get("changed", {})
    return changed[name]["was"] if name in changed else plan[call].get(name)


def final_snapshot(plan: Plan) -> str:
    """The name of the original's last snapshot: the same in every try, another in every execution.

    Cluster snapshot ids end at 63 characters, so a cluster's identifier leaves nine.
    """
    return f"{plan['identifier']}-{in_progress_tag(plan['execution'])['Value'][:8]}"
