"""How long an execution took, its parts and the outage, from the state machine's data alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from trapheus.messages.facts import is_unrenamed, plan_of
from trapheus.messages.message import RESTORED

if TYPE_CHECKING:
    from trapheus.messages.message import Message

AN_HOUR = 3600


def figures(event: dict[str, Any], message: Message, now: float) -> dict[str, float]:
    """The figures of a message that an execution ends with, by the names of their metrics.

    What the state machine's data does not tell is left out: where a copy is made first, that is
    part of what comes before the original is replaced.
    """
    state = event["state"]
    plan = plan_of(state)
    # Of any other message the execution goes on, or was another one's.
    if plan.get("execution") != event["execution"] or event.get("about") not in (None, "success"):
        return {}
    began = seconds(plan["started"])
    replacing = seconds(state.get("replacing", {}).get("since"))
    out = None if "error" in state and is_unrenamed(state) else replacing
    served = seconds(state.get("served", {}).get("at"))
    back = seconds(state.get("rolledBack", {}).get("at"))
    data = seconds(state.get("restored", {}).get("dataAsOf")) if message.kind == RESTORED else None
    found = {
        "DurationSeconds": between(began, now),
        "PrepareSeconds": between(began, replacing),
        "ReplaceSeconds": between(replacing, served),
        "FinishSeconds": between(served, now),
        "OutageSeconds": between(out, served or back),
        "DataAgeHours": between(data, now, AN_HOUR),
    }
    return {name: value for name, value in found.items() if value is not None}


def seconds(moment: str | None) -> float | None:
    """A moment in ISO 8601 as seconds since the epoch; None for none."""
    return datetime.fromisoformat(moment).timestamp() if moment else None


def between(start: float | None, end: float | None, unit: int = 1) -> float | None:
    """The time from one moment to another, where both are known."""
    return None if start is None or end is None else round((end - start) / unit, 1)
