"""Request step: reads what somebody has typed, strictly."""

import os
import re
from fnmatch import fnmatchcase
from typing import Any

from trapheus.constants import TASKS
from trapheus.exceptions import IdentifierNotAllowed, InvalidRequest, TrapheusError
from trapheus.logs import logged

# Of DB instances and clusters alike (API reference of CreateDBInstance).
IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
REQUIRED: dict[str, type] = {"identifier": str, "task": str, "isCluster": bool}
OPTIONAL: dict[str, type] = {"dryRun": bool}
TYPES = {str: "a string", bool: "true or false"}
EXAMPLE = '{"identifier": "my-database", "task": "create_snapshot", "isCluster": false}'


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the request with its defaults, the identifier in lower case as RDS stores it."""
    request = event["input"]
    if not isinstance(request, dict):
        raise refused(f"The input must be a JSON object such as {EXAMPLE}.")
    check_keys(request)
    check_values(request)
    return {
        "identifier": request["identifier"].lower(),
        "task": request["task"],
        "isCluster": request["isCluster"],
        "dryRun": request.get("dryRun", False),
        "export": os.environ["EXPORT_SNAPSHOTS"] == "true",
    }


def check_keys(request: dict[str, Any]) -> None:
    """Refuse missing and unknown keys, and values of the wrong type."""
    known = REQUIRED | OPTIONAL
    for key in request:
        if key not in known:
            raise refused(f"The key {shown(key)} is unknown: use {', '.join(known)}.")
    for key, kind in known.items():
        if key in REQUIRED and key not in request:
            raise refused(f"The key {key!r} is missing: the input must be such as {EXAMPLE}.")
        if key in request and not isinstance(request[key], kind):
            raise refused(f"The key {key!r} must be {TYPES[kind]}, not {shown(request[key])}.")


def check_values(request: dict[str, Any]) -> None:
    """Refuse an unknown task, an impossible identifier and one that this stack may not touch."""
    if request["task"] not in TASKS:
        raise refused(f"The task {shown(request['task'])} is unknown: use {', '.join(TASKS)}.")
    identifier = request["identifier"]
    if not IDENTIFIER.fullmatch(identifier) or len(identifier) > 63:
        raise refused(
            f"{shown(identifier)} cannot be an identifier: RDS takes 1 to 63 letters, digits and"
            " single hyphens, beginning with a letter and not ending with a hyphen."
        )
    patterns = os.environ["ALLOWED_IDENTIFIERS"].lower().split(",")
    if not any(fnmatchcase(identifier.lower(), pattern.strip()) for pattern in patterns):
        raise IdentifierNotAllowed(
            f"This stack may not touch {identifier}: its AllowedIdentifiers are"
            f" {', '.join(patterns)}.",
            identifier=identifier,
            step="request",
        )


def shown(value: Any) -> str:
    """A value as a sentence quotes it: not at any length."""
    return f"{value!r:.80}"


def refused(sentence: str) -> TrapheusError:
    """The error for a malformed request."""
    return InvalidRequest(sentence, step="request")
