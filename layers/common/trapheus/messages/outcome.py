"""Which state a failure has left the database in, judged by what RDS shows at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.constants import COPY, FINISH, REPLACE, RESTORE_FIRST, ROLLBACK
from trapheus.messages import message
from trapheus.messages.facts import (
    ending,
    is_finishing,
    is_unrenamed,
    is_unserved,
    outage,
    plan_of,
)
from trapheus.messages.moments import since_when, span
from trapheus.messages.ways_out.databases import CLUSTER
from trapheus.rds.waiters import ONLINE

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan, State
    from trapheus.messages.ways_out.databases import Database, Look

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
# What an execution's data have once they may have.
CHANGED = {"replacing", "rolledBack", "rollbackError", "delayError", "served"}
# Nothing but its tag, or a deletion that has begun, is left of a restore.
RESTORED = "SERVING, restored"
# A database serves in these too, while it is being changed.
SERVING = (*ONLINE, "modifying", "resetting-master-credentials")


def kind_of(about: str, state: State, found: Look | None) -> str:
    """The kind of a message about a restore that did not simply succeed."""
    if about == "delay":
        return message.DELAYED
    if resting(state, found):
        return message.NOT_TOUCHED
    if is_down(state, found):
        return message.DOWN
    if about == "recovery":
        return message.RECOVERED
    if is_finishing(state) or "rollbackError" in state:
        return message.DECIDE
    # A copy that was removed has never touched the original's names.
    is_back = "rolledBack" in state and "replacing" in state and not is_unrenamed(state)
    return message.PUT_BACK if is_back else message.NOT_TOUCHED


def tag_of(kind: str, state: State, found: Look | None) -> str:
    """The state of the database, as a subject begins with it."""
    if kind == message.DELAYED and not is_down(state, found):
        return "SERVING, tidying up"
    if kind == message.DECIDE and is_finishing(state) and is_only_tagged(state, found):
        return RESTORED
    return TAGS[kind]


def is_only_tagged(state: State, found: Look | None) -> bool:
    """Whether nothing is left to decide: only a tag to be taken off, or a deletion that goes on."""
    if state["error"]["Error"] == "UntagFailed":
        return True
    return bool(found and plan_of(state)["strategy"] != COPY and is_gone(found.original))


def is_gone(found: Database | None) -> bool:
    """Whether a database is deleted, or will be."""
    return found is None or found.is_going


def is_down(state: State, found: Look | None) -> bool:
    """Whether nothing serves under the identifier, after names began to change hands.

    Where RDS does not say, that is assumed until the rollback or the end says otherwise.
    """
    plan = plan_of(state)
    changing = CHANGED & state.keys() or state.get("lock", {}).get("phase") in CHANGING
    if not plan or plan["strategy"] == COPY or not changing or resting(state, found):
        return False
    if found is None:
        return "rolledBack" not in state and (not is_finishing(state) or is_unserved(state))
    held = found.named.get(plan["identifier"])
    return held is None or not is_reached(held)


def resting(state: State, found: Look | None) -> Database | None:
    """The original, where it has kept its name and does not serve: this execution is not the cause.

    So it is when somebody stops it before its turn to be renamed has come.
    """
    plan = plan_of(state)
    if not found or not plan or plan["strategy"] == COPY:
        return None
    held = found.named.get(plan["identifier"])
    if not held or held.resource_id != plan["resourceId"] or held.is_going or is_reached(held):
        return None
    return held if "rolledBack" in state and is_unrenamed(state) else None


def is_reached(held: Database) -> bool:
    """Whether clients are served by a database, a cluster by one of its members."""
    return is_serving(held) and (held.words is not CLUSTER or any(map(is_serving, held.members)))


def is_serving(found: Database) -> bool:
    """Whether clients are served, as far as a status says it."""
    return found.status in SERVING or found.status.startswith("configuring-")


def outcome_of(state: State, found: Look | None) -> str:
    """What state the database is in, for how long, and what has been done, in sentences."""
    is_unreachable = is_down(state, found)
    times = outage(state)
    said = [
        down(state, found) if is_unreachable else "",
        done(state, found, is_unreachable=is_unreachable),
        "" if is_unreachable or not times else unreachable(plan_of(state)["identifier"], *times),
    ]
    return " ".join(filter(None, said))


def unreachable(name: str, since: str, until: str) -> str:
    """For how long clients had nothing at the identifier."""
    return f"{name} was unreachable for at most {span(since, until)}."


def down(state: State, found: Look | None) -> str:
    """That nothing serves, and since when."""
    name = plan_of(state)["identifier"]
    if found is None:
        return f"RDS did not say whether {name} serves: take it as down until you have looked."
    held = found.named.get(name)
    is_out = "replacing" in state and not outage(state) and not is_unrenamed(state)
    since = f" {since_when(state['replacing']['since'])}" if is_out else ""
    why = f" {name} is {held.status}." if held and not is_serving(held) else ""
    serves = "has served" if since else "serves"
    return f"Nothing {serves} as {name}{since}.{why}"


def done(state: State, found: Look | None, *, is_unreachable: bool) -> str:
    """What has been done, and what not."""
    if is_finishing(state):
        return both_stand(state, found, serves=not is_unreachable)
    if held := resting(state, found):
        return left(plan_of(state), held)
    if "rollbackError" in state or ("delayError" in state and "rolledBack" not in state):
        serves = f"{plan_of(state)['identifier']} serves. "
        return ("" if is_unreachable or found is None else serves) + ending(state)
    # What was put back, and does not serve, has been changed by somebody since.
    return "" if is_unreachable and "delayError" not in state else ending(state)


def left(plan: Plan, held: Database) -> str:
    """That the original is as somebody has left it, and what has been removed beside it."""
    how = "without a member that serves" if is_serving(held) else held.status
    beside = [plan["restoredAs"]] if plan["strategy"] == RESTORE_FIRST else []
    if "copiedTo" in plan:
        beside.append(f"the copy {plan['copiedTo']} of the snapshot")
    removed = f" What was made beside it was removed: {' and '.join(beside)}." if beside else ""
    return (
        f"{held.name} is {how}, which was left so: it is the original, under all of its own names,"
        f" and was not renamed.{removed}"
    )


def both_stand(state: State, found: Look | None, *, serves: bool) -> str:
    """What has been left of both past the point of no return."""
    plan = plan_of(state)
    if plan["strategy"] == COPY:
        return (
            f"The restored database stands as {plan['restoredAs']}; {plan['identifier']} was not"
            " touched."
        )
    name, original = plan["identifier"], found.original if found else None
    held = found.named.get(name) if found else None
    restored = f"The restored database serves as {name}"
    if held and found and serves and not found.is_restored(held):
        restored = f"{held.name} is {found.who(held)} now"
    elif not serves or is_unserved(state):
        restored = f"What was restored does not serve as {name}"
    if found is None:
        kept = f"the original is kept as {plan['renamedTo']}, unless its deletion had begun"
    elif original is None:
        kept = "the original is gone"
    elif original.is_going:
        kept = f"the original, {original.name}, is being deleted"
    else:
        kept = f"the original is kept as {original.name}"
    return f"{restored}; {kept}."
