"""EventBridge as the app needs it: an execution's end, and the rules that start another for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.events.models import events_backends

# The longest input and output together that an event carries (Step Functions Developer Guide,
# "Automating Step Functions event delivery with EventBridge").
LONGEST = 248 * 1024
PLACEHOLDER = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Start:
    """A state machine that a rule starts, in which role and with which input."""

    machine: str
    role: str
    input: str


def status_change(execution: Any, account: str, region: str, now: float) -> dict[str, Any]:
    """The event of an execution of moto that has just ended."""
    texts = {"input": execution.execution_input, "output": execution.output}
    given = {name: as_text(value) for name, value in texts.items() if value is not None}
    included = sum(map(len, given.values())) <= LONGEST
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": round(execution.start_date.timestamp() * 1000),
        "stopDate": round(now * 1000),
        **(given if included else {}),
        "error": execution.error,
        "cause": execution.cause,
        **{f"{name}Details": {"included": included} for name in given},
    }
    return {
        "version": "0",
        "id": f"{execution.name}-{execution.status}",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": account,
        "time": round(now),
        "region": region,
        "resources": [execution.exec_arn],
        "detail": {name: value for name, value in detail.items() if value is not None},
    }


def as_text(value: Any) -> str:
    """JSON, which moto holds parsed or as text."""
    return value if isinstance(value, str) else json.dumps(value)


def starts(event: dict[str, Any]) -> Iterator[Start]:
    """What the rules of the default bus start for an event."""
    backend = events_backends[event["account"]][event["region"]]
    for rule in backend.event_buses["default"].rules.values():
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            continue
        for target in rule.targets:
            if ":stateMachine:" in target["Arn"]:
                yield Start(target["Arn"], target.get("RoleArn", ""), input_of(target, event))


def input_of(target: Mapping[str, Any], event: dict[str, Any]) -> str:
    """The input that a target gets: its own, a part of the event, a text made of parts, or all."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(part(event, target["InputPath"]))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    paths = transformer.get("InputPathsMap", {})

    def insert(match: re.Match[str]) -> str:
        return json.dumps(part(event, paths[match.group(1)]))

    return PLACEHOLDER.sub(insert, transformer["InputTemplate"])


def part(event: dict[str, Any], path: str) -> Any:
    """What a path such as `$.detail.status` finds; None for nothing."""
    found: Any = event
    for key in path.split(".")[1:]:
        found = found.get(key) if isinstance(found, dict) else None
    return found
