"""What becomes of the original once the restored database serves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trapheus.constants import COPY, PROTECT_TAG
from trapheus.exceptions import DeleteFailed
from trapheus.rds import mark
from trapheus.rollback import BETWEEN_LOOKS
from trapheus.waiters import ONLINE, not_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trapheus.rds import Description

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
            f"{name} {what}: nothing was deleted.", identifier=plan["aside"], unserved=name
        )
    if found[status] not in ONLINE:
        raise not_ready(found[status], bad, DeleteFailed, name)


def require_unprotected(plan: Plan, original: Description, members: Iterable[Description]) -> None:
    """Pass only an original that nobody has protected since it was set aside."""
    was = original_value(plan, "modify", "DeletionProtection")
    tags = [tag["Key"] for one in (original, *members) for tag in one.get("TagList", [])]
    if PROTECT_TAG in tags or (original["DeletionProtection"] and not was):
        raise DeleteFailed(
            f"{plan['aside']} has been protected since it was set aside: nothing was deleted.",
            identifier=plan["aside"],
        )


def original_value(plan: Plan, call: str, name: str) -> Any:
    """What the original had, whatever the request has overridden; name: attribute, parameter."""
    changed = plan.get("changed", {})
    return changed[name]["was"] if name in changed else plan[call].get(name)


def final_snapshot(plan: Plan) -> str:
    """The name of the original's last snapshot: the same in every try, another in every execution.

    Cluster snapshot ids end at 63 characters, so a cluster's identifier leaves nine.
    """
    return f"{plan['identifier']}-{mark(plan['execution'])['Value'][:8]}"


def writes_since(plan: Plan, request: dict[str, Any]) -> str:
    """Where the writes are that came after the moment of the snapshot."""
    if plan["strategy"] == COPY:
        return f"in {plan['identifier']}, which serves as before"
    if request["keepOriginal"]:
        return f"in {plan['aside']}, which was kept"
    places = []
    if request["finalSnapshot"]:
        places.append(f"in the snapshot {final_snapshot(plan)}")
    retained = original_value(plan, "restore", "BackupRetentionPeriod")
    if retained and not request["deleteAutomatedBackups"]:
        places.append(f"in the retained automated backups of {plan['resourceId']}")
    return " and ".join(places) or "nowhere"


def summary(state: dict[str, Any]) -> dict[str, Any]:
    """The output of an execution that has restored its database, from the state machine's data."""
    plan, request = state["check"]["plan"], state["request"]
    restored, verified = state["restored"], state["verified"]
    begun = {"identifier": plan["identifier"], "task": request["task"]}
    data = {
        "restoredFrom": restored["snapshot"],
        "dataAsOf": restored["dataAsOf"],
        "writesSince": writes_since(plan, request),
    }
    report = {"report": verified["report"], "warnings": plan["warnings"]}
    if plan["strategy"] == COPY:
        own = {"target": plan["made"], **data, "resourceId": verified["resourceId"]}
        return {**begun, **own, **report}
    return {
        **begun,
        **data,
        "unreachableFrom": state["replacing"]["since"],
        "unreachableTo": state["served"]["at"],
        "resourceIdBefore": plan["resourceId"],
        "resourceIdNow": verified["resourceId"],
        **report,
    }
