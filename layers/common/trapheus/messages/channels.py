"""The ways of a message: a mail, the stack's topic, an event on the account's default bus."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from trapheus.execution.clients import PATIENT
from trapheus.execution.exceptions import Throttled
from trapheus.messages.message import CHOSEN
from trapheus.messages.rendering import as_html, as_text, console_of

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

    from trapheus.messages.message import Message

VERSION = "1"
SOURCE = "trapheus"
# SNS takes 100 characters of ASCII as a subject, and 256 KiB as a message.
# [fact: subject-of-a-topic]
LONGEST_SUBJECT = 100
LONGEST_TEXT = 50_000
# Of an entry of PutEvents and of the message in a chat. [fact: size-of-an-event]
LONGEST = 4_000
LONGEST_STEP = 400


@cache
def ses() -> SESV2Client:
    """The SES client of this execution environment."""
    return boto3.client("sesv2", config=PATIENT)


@cache
def sns() -> Any:
    """The SNS client of this execution environment."""
    return boto3.client("sns", config=PATIENT)


@cache
def eventbridge() -> Any:
    """The EventBridge client of this execution environment."""
    return boto3.client("events", config=PATIENT)


def is_wanted(message: Message) -> bool:
    """Whether people want to hear of it; of what went wrong they always do."""
    return message.kind not in CHOSEN or message.kind in os.environ["NOTIFY_ON"].split(",")


def mail(message: Message) -> None:
    """Send it to every recipient."""
    ses().send_email(
        FromEmailAddress=os.environ["SENDER"],
        Destination={"ToAddresses": os.environ["RECIPIENTS"].split(",")},
        Content={
            "Simple": {
                "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": as_text(message), "Charset": "UTF-8"},
                    "Html": {"Data": as_html(message), "Charset": "UTF-8"},
                },
            }
        },
    )


def topic(message: Message) -> None:
    """Publish it: each protocol gets what it can show."""
    subject = message.subject.encode("ascii", "replace").decode()[:LONGEST_SUBJECT]
    forms = {
        "default": json.dumps(chat(message)),
        "email": as_text(message)[:LONGEST_TEXT],
        "sms": subject,
    }
    sns().publish(
        TopicArn=os.environ["TOPIC"],
        Subject=subject,
        MessageStructure="json",
        Message=json.dumps(forms, ensure_ascii=False),
    )


def chat(message: Message) -> dict[str, Any]:
    """As Amazon Q Developer in chat applications takes it.

    [fact: custom-notification]
    """
    link = console_of(message.execution)
    said = [message.cause, message.outcome, link or message.execution]
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": message.subject,
            "description": plain("\n".join(filter(None, said)))[:LONGEST],
            "nextSteps": [plain(line)[:LONGEST_STEP] for line in message.first_steps],
        },
        "metadata": {
            "threadId": message.execution or message.identifier,
            "summary": message.subject,
            "eventType": message.kind,
        },
    }


def plain(text: str) -> str:
    """A text in which Slack takes nothing for a link, a mention or markup.

    Its three control characters: https://api.slack.com/reference/surfaces/formatting#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def event(message: Message) -> None:
    """Put it on the default bus; docs/events.md has the schema."""
    answer = eventbridge().put_events(
        Entries=[
            {
                "Source": SOURCE,
                "DetailType": f"Trapheus {message.kind}",
                "Detail": json.dumps(detail(message)),
                "Resources": [message.execution] if message.execution else [],
            }
        ]
    )
    # It answers 200 with what it has not taken. [fact: put-events-in-part]
    (entry,) = answer["Entries"]
    if answer["FailedEntryCount"]:
        said = f"{entry['ErrorCode']}: {entry['ErrorMessage']}"
        raise Throttled(said, identifier=message.identifier, code=entry["ErrorCode"])


def detail(message: Message) -> dict[str, Any]:
    """What the event says."""
    return {
        "version": VERSION,
        "kind": message.kind,
        "state": message.tag,
        "identifier": message.identifier,
        "outcome": message.outcome[:LONGEST],
        "error": message.error,
        "cause": message.cause[:LONGEST],
        "execution": message.execution,
        "requester": message.requester,
        "console": console_of(message.execution),
        "facts": message.facts,
    }


# A message that does not go one way goes the others.
CHANNELS = {"mail": mail, "topic": topic, "event": event}
