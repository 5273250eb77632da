"""The message about a schedule whose database has had no success for too long."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

from trapheus.messages.facts import name_of
from trapheus.messages.message import SCHEDULE_MISSED, Message, Section
from trapheus.messages.moments import lasted, on
from trapheus.messages.outcome import TAGS
from trapheus.messages.ways_out.commands import aws

NOTHING_TOUCHED = "Nothing was touched; whatever serves, serves."
ADVICE = [
    "If none has started since, see whether the schedule is enabled; the stack's dead-letter queue"
    " has what AWS could not start. One that has failed has sent a message of its own.",
]


def compose(event: dict[str, Any]) -> Message:
    """The message. `since` of the state: the last success, or when the schedule was first seen.

    hours: how long that is ago. machine, given: what the schedule starts, and with which input.
    """
    state = event["state"]
    name = name_of(state) or "the schedule's input"
    since = datetime.fromtimestamp(state["since"], UTC).isoformat(timespec="seconds")
    ago = lasted(float(state["hours"]) * 3600)
    what = "the last success was at" if state["succeeded"] else "none since it was first seen,"
    of_machine = f"--state-machine-arn {shlex.quote(state['machine'])}"
    return Message(
        kind=SCHEDULE_MISSED,
        tag=TAGS[SCHEDULE_MISSED],
        identifier=name_of(state),
        title=f"{name}: no success for {ago}",
        outcome=f"No execution for {name} has succeeded for {ago}: {what} {on(since)}.",
        sections=[
            Section("What stands now", [NOTHING_TOUCHED]),
            Section(
                "What has become of the schedule's executions",
                ADVICE,
                [aws("stepfunctions list-executions", f"{of_machine} --max-results 10")],
            ),
            Section(
                "To start one by hand",
                [],
                [
                    aws(
                        "stepfunctions start-execution",
                        f"{of_machine} --input {shlex.quote(state['given'])}",
                    )
                ],
            ),
            Section("Request", [state["given"]]),
        ],
        execution="",
        facts={"hours": state["hours"], "since": since},
    )
