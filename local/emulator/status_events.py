"""EventBridge as the app needs it: changes of executions, rules for them, and schedules."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends
from moto.scheduler.models import scheduler_backends

from local.emulator.deliveries import RULES, SCHEDULES, Delivery, patience
from local.emulator.event_patterns import fits

# The longest input and output together that an event carries, in bytes (Step Functions Developer
# Guide, "Automating Step Functions event delivery with EventBridge").
LONGEST = 248 * 1024
IDS = uuid.UUID("5f0d1cb3-6f4e-4a8c-9d4e-0f8f6b1c2a77")
STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
PLACEHOLDER = re.compile(r"<([\w.-]+)>")
# What stands in quotes in a template, or a placeholder that stands by itself.
QUOTED_OR_PLACEHOLDER = re.compile(r'"(?:[^"\\]|\\.)*"|<[\w.-]+>')


def status_change(execution: Any, account: str, region: str) -> dict[str, Any]:
    """The event of an execution of moto's whose status is new.

    What an execution does not have is null: so in the examples of the Developer Guide, and error
    and cause in a recorded event. [fact: status-event-error] Too long together, input and output
    are left out. [fact: status-event-without-input]
    """
    status = execution.status
    output = json.dumps(execution.output) if status == "SUCCEEDED" else None
    texts = {"input": execution.execution_input, "output": output}
    given = {name: text for name, text in texts.items() if text is not None}
    included = sum(len(text.encode()) for text in given.values()) <= LONGEST
    changed = execution.start_date if status == "RUNNING" else execution.stop_date
    return {
        "version": "0",
        "id": str(uuid.uuid5(IDS, f"{execution.exec_arn} {status} {execution.start_date}")),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": account,
        "time": datetime.fromtimestamp(changed.timestamp(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [execution.exec_arn],
        "detail": {
            "executionArn": execution.exec_arn,
            "stateMachineArn": execution.state_machine.arn,
            "name": execution.name,
            "status": status,
            "startDate": milliseconds(execution.start_date),
            "stopDate": None if status == "RUNNING" else milliseconds(changed),
            **{name: text if included else None for name, text in texts.items()},
            **{
                f"{name}Details": {"included": included} if name in given else None
                for name in texts
            },
            "error": execution.error,
            "cause": execution.cause,
        },
    }


def milliseconds(time: datetime) -> int:
    """A time as events have it, since the epoch."""
    return round(time.timestamp() * 1000)


def deliveries(event: dict[str, Any]) -> Iterator[Delivery]:
    """What the rules of the default bus hand to whom for an event."""
    backend = events_backends[event["account"]][event["region"]]
    for rule in list(backend.event_buses["default"].rules.values()):
        pattern = rule.event_pattern.get_pattern()
        # A rule without a pattern is one of a schedule.
        if rule.state != "ENABLED" or not pattern or not fits(pattern, event):
            continue
        for target in rule.targets:
            yield Delivery(
                service=RULES,
                source=rule.arn,
                target=target["Arn"],
                role=target.get("RoleArn", ""),
                # Named after the event, so that one delivered twice starts one execution.
                name=f"{event['id']}_{uuid.uuid5(IDS, rule.arn + target['Id'])}",
                input=input_of(target, event, rule.arn),
                event=json.dumps(event),
                **patience(target),
            )


def due(account: str, region: str, name: str, time: float) -> Delivery | None:
    """What a schedule hands to its target at a time; nothing while it is disabled.

    [fact: keywords-of-a-schedule]
    """
    schedule = scheduler_backends[account][region].get_schedule("default", name)
    if schedule.state != "ENABLED":
        return None
    target = schedule.target
    one = uuid.uuid5(IDS, f"{schedule.arn} {time:.0f}")
    return Delivery(
        service=SCHEDULES,
        source=schedule.arn,
        target=target["Arn"],
        role=target["RoleArn"],
        name=str(one),
        input=target.get("Input", "{}"),
        event=target.get("Input", "{}"),
        keywords={
            "schedule-arn": schedule.arn,
            "scheduled-time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "execution-id": one.hex[:16],
        },
        **patience(target),
    )


def input_of(target: Mapping[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    """The input that a target gets: its own, a part of the event, a text made of parts, or all."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(next(found(event, target["InputPath"]), None))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    values: dict[str, Any] = {
        "aws.events.event": event,
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
    }
    paths = transformer.get("InputPathsMap", {})
    values |= {name: value for name, path in paths.items() for value in found(event, path)}
    return transformed(transformer["InputTemplate"], values, {*paths, *values})


def transformed(template: str, values: Mapping[str, Any], known: set[str]) -> str:
    """A template with its placeholders filled in.

    EventBridge User Guide, "Input transformation": `<name>` stands for JSON, and within quotes for
    text; one whose path the event does not have leaves nothing.
    """

    def as_text(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            return "" if name in known else match.group()
        value = values[name]
        return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]

    def fill(match: re.Match[str]) -> str:
        if match.group().startswith('"'):
            return PLACEHOLDER.sub(as_text, match.group())
        name = match.group()[1:-1]
        if name not in values:
            return "" if name in known else match.group()
        return json.dumps(values[name])

    return QUOTED_OR_PLACEHOLDER.sub(fill, template)


def found(event: dict[str, Any], path: str) -> Iterator[Any]:
    """What a path such as `$.detail.status` or `$.resources[0]` finds, if anything."""
    here: Any = event
    for name, index in STEP.findall(path):
        if name and isinstance(here, dict) and name in here:
            here = here[name]
        elif index and isinstance(here, list) and int(index) < len(here):
            here = here[int(index)]
        else:
            return
    yield here
