"""Email step: tells people what failed, what stands where now, and what to do."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import AlertFailed
from trapheus.execution.logs import logged
from trapheus.mail import failed_export, failed_restore
from trapheus.mail.facts import name_of
from trapheus.mail.sections import as_html, as_text

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


@cache
def ses() -> SESV2Client:
    """The SES client of this execution environment."""
    return boto3.client("sesv2")


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Send the mail to every recipient; return its gist for the execution's Cause."""
    about, state = event.get("about", "failure"), event["state"]
    if about == "export":
        (subject, gist), sections = failed_export.headline(state), failed_export.compose(event)
    else:
        subject, gist = failed_restore.headline(about, state)
        sections = failed_restore.compose(event)
    with failing_as(AlertFailed, name_of(state)):
        ses().send_email(
            FromEmailAddress=os.environ["SENDER"],
            Destination={"ToAddresses": os.environ["RECIPIENTS"].split(",")},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": as_text(sections), "Charset": "UTF-8"},
                        "Html": {"Data": as_html(subject, sections), "Charset": "UTF-8"},
                    },
                }
            },
        )
    # A Fail's Cause ends at 32,768 characters. [fact: length-of-a-cause]
    return {"cause": gist[:8000]}
