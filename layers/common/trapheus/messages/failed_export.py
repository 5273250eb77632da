"""The mail about an export."""

from __future__ import annotations

import json
import shlex
from typing import Any

from trapheus.messages.facts import (
    failure,
    name_of,
    request_of,
    requester_of,
    sentence_of,
)
from trapheus.messages.message import EXPORT_FAILED, Message, Section
from trapheus.messages.outcome import TAGS
from trapheus.messages.ways_out.commands import aws

ADVICE = {
    "BucketMissing": "Make the bucket, then export the snapshot:",
    "KeyNotAccessible": "Give RDS a key that it can use, then export the snapshot:",
    "ExportNotSupported": "Update the stack, then export the snapshot:",
    "Throttled": "RDS was too busy: export the snapshot at another time of the day:",
}
AGAIN = "Remove the cause, then export the snapshot:"
UNTOUCHED = "the snapshot itself is whole, and no restore depends on its export."


def compose(event: dict[str, Any]) -> Message:
    """The message."""
    state = event["state"]
    error = str(state["error"]["Error"])
    lines = exported(state.get("export", {}))
    return Message(
        kind=EXPORT_FAILED,
        tag=TAGS[EXPORT_FAILED],
        identifier=name_of(state),
        title=f"{state['snapshot']}: {error}",
        outcome=outcome(state["snapshot"], error),
        sections=[
            Section("What failed", failure(state)),
            advice(event),
            *([Section("What stands now", lines)] if lines else []),
            Section("Request", request_of(state)),
        ],
        execution=event["execution"],
        requester=requester_of(state),
        error=error,
        cause=sentence_of(state["error"]),
        facts={"snapshot": state["snapshot"]},
    )


def outcome(snapshot: str, error: str) -> str:
    """What of it was exported, and that nothing else has suffered."""
    how = " whole" if error == "ExportIncomplete" else ""
    return f"{snapshot} was not exported{how}; {UNTOUCHED}"


def exported(plan: dict[str, Any]) -> list[str]:
    """Where the objects of an export are or would be, and the copy that it needed."""
    if "task" not in plan:
        return []
    objects = f"s3://{plan['bucket']}/{plan['identifier']}/{plan['task']}"
    lines = [f"{objects}: what was exported, if anything"]
    if plan["isCopied"]:
        lines.append(f"{plan['task']}: the snapshot's copy in {plan['region']}, unless removed")
    return lines


def advice(event: dict[str, Any]) -> Section:
    """What to do, in a sentence and in commands."""
    state = event["state"]
    plan = state.get("export", {})
    commands = []
    if state["error"]["Error"] == "BucketMissing":
        commands.append(f"aws s3 mb s3://{plan['bucket']} --region {plan['region']}")
    again = {name: state.get(name) for name in ("input", "request", "snapshot")}
    # An export that could not even be started is told by the restore, which is another machine.
    machine = event.get("machine", "<ExportStateMachineArn>")
    commands.append(
        aws(
            "stepfunctions start-execution",
            f"--state-machine-arn {shlex.quote(machine)} --input {shlex.quote(json.dumps(again))}",
        )
    )
    return Section("What to do", [ADVICE.get(state["error"]["Error"], AGAIN)], commands)
