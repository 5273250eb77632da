"""What EventBridge hands to a target, for an event or at a time, and its dead letters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.sqs.models import sqs_backends

from local.emulator.authorization.policies import compiled, fitting

# For a day at most, and 185 times [fact: deliveries-are-tried-for-a-day]. With pauses each twice as
# long as the one before, as they are here, that is 16 times.
MOST_TRIES, A_DAY = 16, 86400
RULES, SCHEDULES = "events.amazonaws.com", "scheduler.amazonaws.com"
# A target that is a call with its parameters; the local AWS makes the one.
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
STARTS = f"{UNIVERSAL}sfn:startExecution"
KEYWORD = re.compile(r"<aws\.scheduler\.([a-z-]+)>")


@dataclass(frozen=True)
class Delivery:
    """A target with what it is given: `source` is the ARN of the rule or schedule."""

    service: str
    source: str
    target: str
    role: str
    name: str  # of the execution that it starts
    input: str
    event: str  # what the dead letter has
    tries: int = MOST_TRIES
    longest: float = A_DAY
    dead_letters: str = ""
    keywords: Mapping[str, str] = field(default_factory=dict)

    def in_attempt(self, number: int, *, renews_id: bool) -> Delivery:
        """As it is tried for the nth time, with Scheduler's keywords replaced.

        Whether a repetition has an execution-id of its own nobody says, so both are tried.
        [fact: keywords-of-a-schedule]
        """
        if not self.keywords:
            return self
        told = {**self.keywords, "attempt-number": str(number)}
        if renews_id:
            told["execution-id"] = f"{int(told['execution-id'], 16) ^ number:016x}"
        filled = KEYWORD.sub(lambda match: told.get(match[1], match[0]), self.input)
        return replace(self, input=filled, event=filled)

    @property
    def call(self) -> tuple[str, str, dict[str, Any]]:
        """The call that it is: service, operation and parameters."""
        if self.target == STARTS:
            said = json.loads(self.input).items()
            given = {name[:1].lower() + name[1:]: value for name, value in said}
            return "stepfunctions", "StartExecution", given
        if ":stateMachine:" in self.target:
            given = {"stateMachineArn": self.target, "name": self.name, "input": self.input}
            return "stepfunctions", "StartExecution", given
        given = {"FunctionName": self.target, "InvocationType": "Event", "Payload": self.input}
        return "lambda", "Invoke", given


def patience(target: dict[str, Any]) -> dict[str, Any]:
    """How often and for how long a target is tried, and where what is given up goes."""
    policy = target.get("RetryPolicy", {})
    return {
        "tries": min(MOST_TRIES, 1 + int(policy.get("MaximumRetryAttempts", MOST_TRIES))),
        "longest": float(policy.get("MaximumEventAgeInSeconds", A_DAY)),
        "dead_letters": target.get("DeadLetterConfig", {}).get("Arn", ""),
    }


def check_target(target: Mapping[str, Any]) -> None:
    """Refuse a universal target that Scheduler, or the local AWS, does not have.

    [fact: universal-targets]
    """
    if not target["Arn"].startswith(UNIVERSAL):
        return
    service, _, action = target["Arn"].removeprefix(UNIVERSAL).partition(":")
    if target["Arn"] != STARTS:
        said = f"The api {action} is not valid for the service aws-sdk:{service}."
        raise JsonRESTError("ValidationException", said)
    if "StateMachineArn" not in json.loads(target.get("Input", "{}")):
        said = "Request payload is missing the following field(s): StateMachineArn."
        raise JsonRESTError("ValidationException", f"Invalid RequestJson provided. Reason {said}")


def give_up(
    delivery: Delivery, error: str, account: str, allows: Callable[[str, str, str], bool]
) -> bool:
    """Put a delivery into its dead-letter queue; tell whether there is one that takes it.

    A rule's needs the queue's policy, a schedule's the right of its role (EventBridge User Guide,
    "Granting permissions to the dead-letter queue"; Scheduler User Guide, "Set up execution role
    permissions"). [fact: dead-letters-of-a-rule] [fact: dead-letters-of-a-schedule]
    """
    if not delivery.dead_letters:
        return False
    region, name = delivery.dead_letters.split(":")[3::2]
    queue = sqs_backends[account][region].queues.get(name)
    if queue is None:
        return False
    if delivery.service == SCHEDULES:
        taken = allows(delivery.role, "sqs:SendMessage", delivery.dead_letters)
    else:
        taken = queue_takes(queue, delivery)
    if taken:
        told = {"ERROR_CODE": error, "TARGET_ARN": delivery.target}
        told["RULE_ARN" if delivery.service == RULES else "SCHEDULE_ARN"] = delivery.source
        attributes = {
            name: {"data_type": "String", "string_value": value} for name, value in told.items()
        }
        sqs_backends[account][region].send_message(
            name, delivery.event, message_attributes=attributes
        )
    return taken


def queue_takes(queue: Any, delivery: Delivery) -> bool:
    """Whether the queue's policy lets the service send, for this source."""
    said = {"aws:sourcearn": (delivery.source,),
            "aws:sourceaccount": (delivery.source.split(":")[4],)}  # fmt: skip
    fit = [
        part
        for part in compiled(queue.policy or '{"Statement": []}')
        if {delivery.service, "*"} & part.principals
        and fitting(part, "sqs:SendMessage", queue.queue_arn, said.get)
    ]
    return bool(fit) and all(part.allows for part in fit)


def letters(account: str, region: str) -> list[dict[str, Any]]:
    """What stands in all queues of a region, in order: body, and what is told of the error."""
    found = [
        message
        for queue in sqs_backends[account][region].queues.values()
        for message in queue._messages
    ]
    return [
        {
            "body": json.loads(message.body),
            **{name: one["string_value"] for name, one in message.message_attributes.items()},
        }
        for message in found
    ]


def empty(account: str, region: str) -> None:
    """Take everything out of all queues."""
    for queue in sqs_backends[account][region].queues.values():
        queue._messages.clear()
