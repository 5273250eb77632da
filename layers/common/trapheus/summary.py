"""The output of an execution that has restored its database."""

from __future__ import annotations

from typing import Any

from trapheus.execution.constants import COPY
from trapheus.rds.deletion import final_snapshot, original_value

Plan = dict[str, Any]


def writes_since(plan: Plan, request: dict[str, Any]) -> str:
    """Where the writes are that came after the moment of the snapshot."""
    if plan["strategy"] == COPY:
        return f"in {plan['identifier']}, which serves as before"
    if request["keepOriginal"]:
        return f"in {plan['renamedTo']}, which was kept"
    places = []
    if request["finalSnapshot"]:
        places.append(f"in the snapshot {final_snapshot(plan)}")
    retained = original_value(plan, "restore", "BackupRetentionPeriod")
    if retained and not request["deleteAutomatedBackups"]:
        places.append(f"in the retained automated backups of {plan['resourceId']}")
    return " and ".join(places) or "nowhere"


def backed_up_before_hooks(plan: Plan) -> list[str]:
    """That automated backups hold the data as the hooks have found them, where there are any.

    RDS begins with them as soon as a database is restored [fact: backup-after-a-restore].
    """
    if not plan["restore"].get("BackupRetentionPeriod", 1):
        return []
    name = plan["restoredAs"] if plan["strategy"] == COPY else plan["identifier"]
    return [
        f"Automated backups of {name} from before the end of this execution hold the data as the"
        " hooks have found them: restore none of them, be it by latest or to a moment."
    ]


def summary(state: dict[str, Any]) -> dict[str, Any]:
    """The output of an execution that has restored its database, from the state machine's data."""
    plan, request = state["check"]["plan"], state["request"]
    restored, verified = state["restored"], state["verified"]
    begun = {
        "identifier": plan["identifier"],
        "task": request["task"],
        # An execution from before there was one has none.
        "requester": request.get("requester", ""),
    }
    data = {
        # Of another database's data only.
        **({"source": plan["source"]} if "source" in plan else {}),
        "restoredFrom": restored["snapshot"],
        "dataAsOf": restored["dataAsOf"],
        "writesSince": writes_since(plan, request),
    }
    warnings = list(plan["warnings"])
    if "hooked" in state:
        data["hooks"] = state["hooked"]["hooks"]
        warnings += backed_up_before_hooks(plan)
    report = {"report": verified["report"], "warnings": warnings}
    if plan["strategy"] == COPY:
        own = {"target": plan["restoredAs"], **data, "resourceId": verified["resourceId"]}
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
