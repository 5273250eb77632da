"""What happened, from the state machine's data alone."""

from __future__ import annotations

import json
from typing import Any

from trapheus.execution.constants import (
    COPY,
    FINISH,
    RENAME_FIRST,
    RESTORE_FIRST,
)
from trapheus.messages.message import plain
from trapheus.messages.moments import on, span

# Of an error's fields, those that a person needs beside its message.
FACTS = ("operation", "code", "step")
State = dict[str, Any]
Plan = dict[str, Any]


def cause_of(error: dict[str, str]) -> dict[str, Any]:
    """The fields of an error as a Catch hands it over; a time-out's Cause is no JSON."""
    cause = error.get("Cause") or "no reason was given"
    told = json_object(cause)
    raised = told.get("errorMessage") or (ended(told) if "ExecutionArn" in told else cause)
    fields = json_object(raised)
    return {**fields, "message": plain(fields.get("message", raised))}


def ended(execution: dict[str, Any]) -> str:
    """How an execution that was waited for has ended, as Step Functions tells it, in a sentence."""
    said = [str(execution[key]) for key in ("Status", "Error", "Cause") if execution.get(key)]
    return f"The execution {execution['ExecutionArn']} has ended: {': '.join(said)}"


def json_object(text: Any) -> dict[str, Any]:
    """The JSON object that a text is; empty when it is none."""
    try:
        parsed = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def sentence_of(error: dict[str, str]) -> str:
    """The message of an error, as one sentence among others, and the last event of RDS."""
    sentence = f"{cause_of(error)['message'].rstrip('.')}."
    said = events_of(error)[-1:]
    return " ".join([sentence, *(f"RDS says: {one.rstrip('.')}." for one in said)])


def events_of(error: dict[str, str]) -> list[str]:
    """The last events of RDS that an error carries, a line each."""
    said = str(cause_of(error).get("events", "")).splitlines()
    return [line for line in map(plain, said) if line]


def failure(state: State) -> list[str]:
    """The error with its message and the facts that it carries, then that of the rollback."""
    lines = []
    for error in (state[key] for key in ("error", "rollbackError") if key in state):
        cause = cause_of(error)
        facts = (f"{name}: {cause[name]}" for name in FACTS if name in cause)
        lines += [f"{error['Error']}: {cause['message']}", *facts]
    return lines


def name_of(state: State) -> str:
    """The identifier of the request, or what stood in its place."""
    request = state.get("request") or state.get("input")
    return plain(request.get("identifier", ""))[:100] if isinstance(request, dict) else ""


def requester_of(state: State) -> str:
    """Who has asked for it, as far as the request says."""
    return str((state.get("request") or {}).get("requester", ""))


def request_of(state: State) -> list[str]:
    """Who has asked, and the input as it came."""
    requester = requester_of(state)
    by = [f"Requested by: {requester}."] if requester else []
    return [*by, json.dumps(state.get("input"), default=str)]


def plan_of(state: State) -> Plan:
    """The plan, empty when none was made."""
    plan: Plan | None = state.get("check", {}).get("plan")
    return plan or {}


def is_finishing(state: State) -> bool:
    """Whether it failed, or was interrupted, past the point of no return."""
    # What is restored first does not serve yet.
    passed = "served" if plan_of(state).get("strategy") == RESTORE_FIRST else "restored"
    return passed in state or state.get("lock", {}).get("phase") == FINISH


def is_unserved(state: State) -> bool:
    """Whether what was restored had lost the identifier, or did not serve, at the very end."""
    return is_finishing(state) and "unserved" in cause_of(state["error"])


def ending(state: State) -> str:
    """What a failure before the point of no return has left: untouched, put back, half put back."""
    plan = plan_of(state)
    if "rollbackError" in state:
        failed = state["rollbackError"]
        return f"The rollback failed too ({failed['Error']}): {sentence_of(failed)}"
    if "rolledBack" in state:
        return rolled_back(state)
    if "delayError" in state:
        what = f"What was restored as {plan['restoredAs']} is being removed"
        if is_only_copied(state):
            what = f"The copy {plan['copiedTo']} of the snapshot is being removed"
        elif plan["strategy"] == RENAME_FIRST:
            what = "The original is being put back"
        return f"{what}, which takes long; another mail tells the end."
    return "The database was not touched."


def is_only_copied(state: State) -> bool:
    """Whether no more was begun than the copy of the snapshot, the original to be renamed after."""
    plan = plan_of(state)
    return is_before(state) and plan["strategy"] == RENAME_FIRST and "copiedTo" in plan


def is_before(state: State) -> bool:
    """Whether the phase in which names change hands had not begun."""
    return "replacing" not in state and state.get("lock", {}).get("phase", "") in ("", COPY)


def is_unrenamed(state: State) -> bool:
    """Whether the original has kept its name all the time."""
    return is_before(state) or is_unrenameable(state)


def is_unrenameable(state: State) -> bool:
    """Whether it failed since RDS renames no original in its status: somebody has stopped it."""
    kept = cause_of(state["error"]).get("unrenamed")
    return bool(kept) and kept == plan_of(state).get("identifier")


def rolled_back(state: State) -> str:
    """What a rollback has done."""
    plan = plan_of(state)
    if is_only_copied(state):
        return (
            f"The copy {plan['copiedTo']} of the snapshot was removed; {plan['identifier']} was not"
            " touched."
        )
    if plan["strategy"] == COPY:
        return (
            f"What was restored as {plan['restoredAs']} was removed; {plan['identifier']} was not"
            " touched."
        )
    if plan["strategy"] == RESTORE_FIRST:
        return (
            f"The original serves as {plan['identifier']} under all of its names, and what was"
            f" restored as {plan['restoredAs']} was removed."
        )
    how = "was not renamed" if is_unrenameable(state) else "was put back"
    return f"The original {how} and serves as {plan['identifier']}."


def outage(state: State) -> list[str]:
    """From when to when the identifier was unreachable; nothing where that is not known to end.

    Its end is seen by a look, and its beginning is that of the rename's state.
    """
    if is_unrenamed(state):
        return []
    since = state.get("replacing", {}).get("since")
    until = state.get("rolledBack" if not is_finishing(state) else "served", {}).get("at")
    return [since, until] if since and until else []


def effects(state: State, plan: Plan, *, is_gone: bool) -> list[str]:
    """What a restore that had begun means for the data and for the database's clients.

    is_gone: whether the original is deleted, or will be.
    """
    if plan and plan["strategy"] == COPY and "restored" in state:
        restored = state["restored"]
        return [
            f"Data as of: {on(restored['dataAsOf'])}.",
            f"Resource id: {restored['resourceId']}.",
        ]
    if not plan or "replacing" not in state:
        return []
    restored, times = state.get("restored"), outage(state)
    unreachable = [f"Unreachable: at most {span(*times)}."] if times else []
    if not restored or not is_finishing(state):
        return [
            *unreachable,
            f"Resource id: {plan['resourceId']}, as before.",
            f"Writes to the original: all of them are in {plan['identifier']}."
            if "rolledBack" in state
            else "Writes to the original: all of them are in it.",
        ]
    kept = "the original's retained backups or its final snapshot, if it has any"
    writes = kept if is_gone else f"the original, {plan['renamedTo']}"
    return [
        f"Data as of: {on(restored['dataAsOf'])}.",
        *unreachable,
        f"Resource id: {plan['resourceId']} before, {restored['resourceId']} now.",
        f"Writes after the moment of the data: in {writes}.",
    ]


def configuration(state: State, plan: Plan) -> list[str]:
    """Old and new of a restored database: what differs, is kept, cannot be kept and why."""
    if not plan or not is_finishing(state):
        return []
    cause = cause_of(state["error"])
    differing = state["error"]["Error"] == "ConfigurationDiffers"
    parts = [("", plan), *((f"{one['identifier']}: ", one) for one in plan.get("members", []))]
    return [
        *(f"Differs: {line}." for line in cause["message"].split("; ") if differing),
        *([f"Kept: {cause['kept']}."] if "kept" in cause else []),
        *(
            f"Cannot be kept: {prefix}{entry['attribute']}, was {said(entry['was'])}."
            f" {entry['why']}"
            for prefix, part in parts
            for entry in part.get("cannotKeep", [])
        ),
        *plan["warnings"],
    ]


def said(value: Any) -> str:
    """A value in words: a list of words by its commas, other ones as JSON has them."""
    if value in (None, []):
        return "nothing"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)
