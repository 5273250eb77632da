"""The message about an execution that has started, or has done what it was asked for."""

from __future__ import annotations

import json
from typing import Any

from trapheus.messages.facts import name_of, request_of, requester_of
from trapheus.messages.message import DRY_RUN, RESTORED, SNAPSHOT_TAKEN, STARTED, Message
from trapheus.messages.outcome import TAGS
from trapheus.messages.sections import Section

# Of the output, what a program may want to know; the sentences are for people.
FACTS = (
    "target", "restoredFrom", "snapshot", "dataAsOf", "writesSince", "unreachableFrom",
    "unreachableTo", "resourceId", "resourceIdBefore", "resourceIdNow",
)  # fmt: skip


def compose(event: dict[str, Any]) -> Message:
    """The message. `output` of the state is the execution's own; none has only started."""
    state = event["state"]
    output = state.get("output")
    kind, outcome = of(state, output)
    name = name_of(state)
    sections = [
        Section("What was done", [outcome, *told(output or {})]),
        Section("Request", request_of(state)),
        Section("Execution", [event["execution"]]),
    ]
    return Message(
        kind=kind,
        tag=TAGS[kind],
        identifier=name,
        title=f"{name}: {outcome.rstrip('.')}",
        outcome=outcome,
        sections=sections,
        execution=event["execution"],
        requester=requester_of(state),
        facts={key: output[key] for key in FACTS if output and key in output},
    )


def of(state: dict[str, Any], output: dict[str, Any] | None) -> tuple[str, str]:
    """The kind, and what was done in one sentence."""
    if output is None:
        return STARTED, f"{state['request']['task']} has begun."
    if "findings" in output:
        count = len(output["findings"])
        return DRY_RUN, f"the dry run has {count or 'no'} finding{'' if count == 1 else 's'}."
    if "snapshot" in output:
        return SNAPSHOT_TAKEN, f"{output['snapshot']} was taken, data as of {output['dataAsOf']}."
    name = output.get("target", output["identifier"])
    return RESTORED, f"{name} was restored, data as of {output['dataAsOf']}."


def told(output: dict[str, Any]) -> list[str]:
    """The output in lines."""
    lines = [f"{key}: {output[key]}" for key in FACTS if key in output]
    for key in ("findings", "report", "warnings"):
        lines += [one if isinstance(one, str) else json.dumps(one) for one in output.get(key, [])]
    return lines
