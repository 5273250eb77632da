"""The message about a schedule whose database has had no success for too long."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

from trapheus.messages.facts import name_of
from trapheus.messages.message import SCHEDULE_MISSED, Message
from trapheus.messages.outcome import TAGS
from trapheus.messages.sections import Section


def compose(event: dict[str, Any]) -> Message:
    """The message. `since` of the state: the last success, or when the schedule was first seen."""
    state = event["state"]
    name = name_of(state) or "the schedule's input"
    since = datetime.fromtimestamp(state["since"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    had = "Its last success was" if state["succeeded"] else "It has had none since it was set up,"
    outcome = f"{name} has had no success for {state['hours']:g} hours. {had} {since}."
    machine = shlex.quote(state["machine"])
    return Message(
        kind=SCHEDULE_MISSED,
        tag=TAGS[SCHEDULE_MISSED],
        identifier=name_of(state),
        title=f"{name}: no success for {state['hours']:g} hours",
        outcome=outcome,
        sections=[
            Section("What is missing", [outcome, "Nothing was touched; whatever serves, serves."]),
            Section(
                "What has become of the schedule's executions",
                ["None may have been started: then the dead-letter queue of the stack says why."],
                [f"aws stepfunctions list-executions --state-machine-arn {machine} --max-items 10"],
            ),
            Section(
                "To start one by hand",
                [],
                [
                    f"aws stepfunctions start-execution --state-machine-arn {machine}"
                    f" --input {shlex.quote(state['given'])}"
                ],
            ),
            Section("Request", [state["given"]]),
        ],
        execution="",
        facts={"since": datetime.fromtimestamp(state["since"], UTC).isoformat()},
    )
