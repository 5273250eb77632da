"""Which state a failure has left the database in, judged by what RDS shows at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.constants import COPY, FINISH, REPLACE, ROLLBACK
from trapheus.messages import message
from trapheus.messages.databases import CLUSTER
from trapheus.messages.facts import is_finishing, plan_of
from trapheus.rds.waiters import ONLINE

if TYPE_CHECKING:
    from trapheus.messages.databases import Look
    from trapheus.messages.facts import State

# How a subject says the state of the database.
TAGS = {
    message.STARTED: "STARTED",
    message.RESTORED: "OK",
    message.SNAPSHOT_TAKEN: "OK",
    message.DRY_RUN: "OK",
    message.NOT_TOUCHED: "NOT TOUCHED",
    message.PUT_BACK: "SERVING, put back",
    message.DELAYED: "DOWN, being put back",
    message.DECIDE: "DECIDE",
    message.DOWN: "DOWN",
    message.RECOVERED: "SERVING, recovered",
    message.EXPORT_FAILED: "NOT EXPORTED",
    message.SCHEDULE_MISSED: "MISSED",
}

# The phases in which an interrupted execution may have left the names half-way.
CHANGING = (REPLACE, ROLLBACK, FINISH)


def kind_of(about: str, state: State, found: Look | None) -> str:
    """The kind of a message about a restore that did not simply succeed."""
    if is_down(state, found):
        return message.DELAYED if about == "delay" else message.DOWN
    if about == "delay":
        return message.DELAYED
    if about == "recovery":
        return message.RECOVERED
    if is_finishing(state) or "rollbackError" in state:
        return message.DECIDE
    return message.PUT_BACK if "rolledBack" in state else message.NOT_TOUCHED


def tag_of(kind: str, state: State, found: Look | None) -> str:
    """The state of the database, as a subject begins with it."""
    if kind == message.DELAYED and not is_down(state, found):
        return "SERVING, tidying up"
    return TAGS[kind]


def is_down(state: State, found: Look | None) -> bool:
    """Whether nothing serves under the identifier, after names began to change hands.

    Where RDS does not say, that is assumed until the rollback or the end says otherwise.
    """
    plan = plan_of(state)
    changing = "replacing" in state or state.get("lock", {}).get("phase") in CHANGING
    if not plan or plan["strategy"] == COPY or not changing:
        return False
    if found is None:
        return "rolledBack" not in state and "served" not in state
    held = found.named.get(plan["identifier"])
    if held is None or held.status not in ONLINE:
        return True
    return held.words is CLUSTER and not any(one.status in ONLINE for one in held.members)
