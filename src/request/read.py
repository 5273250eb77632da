"""Request step: reads what somebody has typed, strictly."""

import json
import os
import re
from fnmatch import fnmatchcase
from typing import Any

from trapheus.constants import RECOVER, TASKS
from trapheus.exceptions import IdentifierNotAllowed, InvalidRequest, TrapheusError
from trapheus.lock import name_of
from trapheus.logs import logged

# Of DB instances and clusters alike (API reference of CreateDBInstance).
IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
REQUIRED: dict[str, type] = {"identifier": str, "task": str, "isCluster": bool}
OPTIONAL: dict[str, type] = {
    "dryRun": bool,
    "keepOriginal": bool,
    "finalSnapshot": bool,
    "deleteAutomatedBackups": bool,
}
TYPES = {str: "a string", bool: "true or false"}
# The key of the rule that starts a recovery.
ENDED = "ended"
EXAMPLE = '{"identifier": "my-database", "task": "create_snapshot", "isCluster": false}'


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the request with its defaults, the identifier in lower case as RDS stores it.

    `lock` is the key of the lock that it needs, and `interrupted` the execution that the rule for
    those which have ended asks to recover. There is no lock for a dry run, and none for an ended
    execution that needs no recovery.
    """
    request = event["input"]
    if not isinstance(request, dict):
        raise refused(f"The input must be a JSON object such as {EXAMPLE}.")
    interrupted = ""
    if ENDED in request:
        interrupted, request = recovery(request)
        if not request:
            return {"task": RECOVER}
    check_keys(request)
    check_values(request)
    read = {
        "identifier": request["identifier"].lower(),
        "task": request["task"],
        "isCluster": request["isCluster"],
        **{name: request.get(name, False) for name in OPTIONAL},
        "interrupted": interrupted,
        "export": os.environ["EXPORT_SNAPSHOTS"] == "true",
    }
    if not read["dryRun"]:
        read["lock"] = name_of(read["identifier"], is_cluster=read["isCluster"])
    return read


def recovery(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The execution that has ended, and the request for its recovery; empty for none.

    The rule hands over EventBridge's detail of the change. What was refused has changed nothing,
    and a recovery that has failed has told people: it is not tried again and again.
    """
    ended = request[ENDED]
    if request != {"task": RECOVER, ENDED: ended} or not isinstance(ended, dict):
        raise refused(f"The key {ENDED!r} is for the rule of the stack, not for people.")
    asked = of_the_ended(ended)
    try:
        check_keys(asked)
        check_values(asked)
    except TrapheusError:
        return "", {}
    if asked.get("dryRun") or (asked["task"] == RECOVER and ended.get("status") == "FAILED"):
        return "", {}
    request = {name: asked[name] for name in ("identifier", "isCluster")} | {"task": RECOVER}
    return str(ended.get("executionArn", "")), request


def of_the_ended(ended: dict[str, Any]) -> dict[str, Any]:
    """The input of the execution that has ended; of a recovery, that of the one it was for."""
    try:
        asked = json.loads(ended["input"])
    except (KeyError, TypeError, ValueError):
        return {}
    if not isinstance(asked, dict):
        return {}
    if isinstance(asked.get(ENDED), dict):
        inner = of_the_ended(asked[ENDED])
        return {name: inner.get(name) for name in ("identifier", "isCluster")} | {"task": RECOVER}
    return asked


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
    if request["task"] == RECOVER and set(request) - set(REQUIRED):
        extra = ", ".join(sorted(set(request) - set(REQUIRED)))
        raise refused(f"The task {RECOVER} takes no {extra}: it only puts back what was left.")
    if request.get("keepOriginal") and (
        request.get("finalSnapshot") or request.get("deleteAutomatedBackups")
    ):
        raise refused(
            "keepOriginal deletes nothing: leave finalSnapshot and deleteAutomatedBackups out."
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
