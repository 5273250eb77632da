"""The format of a plan: an update of the stack gives old plans to new functions, and the reverse.

An execution keeps the definition that it began with, and calls the functions as they are (Step
Functions Developer Guide, "UpdateStateMachine"). [fact: executions-keep-their-definition]
"""

from __future__ import annotations

from typing import Any

from trapheus.execution.constants import ROLLBACK
from trapheus.execution.exceptions import FormatNotKnown

# Raised when a key of the plan gets another meaning, or another key; a plan without it is of
# format 0. The functions take a plan of the format before with what the missing keys meant then.
# `source`, `copiedTo`, `copying` and `masterUserSecret` are in no plan that does without them, and
# only a definition that can copy gets one with `copiedTo`.
FORMAT = 1
OLDEST = max(0, FORMAT - 1)


def require_known(event: dict[str, Any]) -> None:
    """Pass if the plan of this event is of a format that these functions read.

    A rollback takes every one that was ever released: what it undoes may be months old.
    """
    plan = plan_of(event)
    if not plan:
        return
    number = plan.get("format", 0)
    oldest = 0 if event.get("phase") == ROLLBACK else OLDEST
    if number > FORMAT or number < oldest:
        raise FormatNotKnown(
            f"The plan has the format {number}, and these functions read {oldest} to {FORMAT}:"
            " deploy the release that has begun the execution, or a newer one, then recover.",
            identifier=str(plan.get("identifier", "")),
        )


def plan_of(event: dict[str, Any]) -> dict[str, Any]:
    """The plan by which a step works; empty for one that has none, or only tells of it."""
    if "phase" in event and "state" in event:
        plan = event["state"]["check"]["plan"]
    else:
        plan = event.get("plan")
    return plan if isinstance(plan, dict) else {}
