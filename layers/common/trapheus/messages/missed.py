"""The message about a schedule that has not started, or whose executions all fail."""

from __future__ import annotations

from typing import Any

from trapheus.messages.facts import name_of
from trapheus.messages.message import SCHEDULE_MISSED, Message
from trapheus.messages.moments import lasted, on
from trapheus.messages.outcome import TAGS
from trapheus.messages.sections import Section

ADVICE = [
    "See in the console of Step Functions whether executions of this database have started since.",
    "If none has, look whether the schedule is enabled, and into the stack's dead-letter queue.",
    "If they have failed, each has sent a message of its own, which says what to do.",
]


def compose(event: dict[str, Any]) -> Message:
    """The message. Of the state: `request`, `hours` since the last success, `since`, its moment."""
    state = event["state"]
    name, since = name_of(state), state.get("since")
    ago = lasted(float(state["hours"]) * 3600)
    last = f"the last one was at {on(since)}" if since else "none is known"
    return Message(
        kind=SCHEDULE_MISSED,
        tag=TAGS[SCHEDULE_MISSED],
        identifier=name,
        title=f"{name}: no success for {ago}",
        outcome=f"No execution for {name} has succeeded for {ago}: {last}.",
        sections=[Section("What to do", ADVICE)],
        execution=event.get("execution", ""),
        facts={"hours": state["hours"]} | ({"since": since} if since else {}),
    )
