"""Request step: reads what somebody has typed, strictly."""

import json
import os
from typing import Any

from trapheus.configuration.overrides import as_shown
from trapheus.execution.constants import RECOVER
from trapheus.execution.exceptions import TrapheusError
from trapheus.execution.lock import name_of
from trapheus.execution.logs import logged
from trapheus.requests import (
    EXAMPLE,
    OPTIONAL,
    check_allowed,
    check_keys,
    check_values,
    refused,
    strategy_of,
)

DEFAULTS: dict[type, Any] = {bool: False, str: "", dict: {}}
# The key of the rule that starts a recovery.
ENDED = "ended"


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the request with its defaults, identifiers in lower case as RDS stores them.

    `strategy` becomes "copy" when there is a target.
    `lock` is the key of the lock that it needs, and `interrupted` the execution that the rule for
    those which have ended asks to recover. It is empty for a dry run, and for an ended execution
    that needs no recovery.
    """
    request = event["input"]
    if not isinstance(request, dict):
        raise refused(f"The input must be a JSON object such as {EXAMPLE}.")
    interrupted = ""
    if ENDED in request:
        interrupted, request = recovery(request)
        if not request:
            return {"task": RECOVER, "isCluster": False, "lock": ""}
    check_keys(request)
    check_values(request)
    if not interrupted:
        # What has ended was allowed when it began.
        check_allowed(request)
    identifier, is_cluster = request["identifier"].lower(), request["isCluster"]
    return {
        "identifier": identifier,
        "task": request["task"],
        "isCluster": is_cluster,
        **{name: request.get(name, DEFAULTS[kind]) for name, kind in OPTIONAL.items()},
        "strategy": strategy_of(request),
        "snapshotIdentifier": request.get("snapshotIdentifier", "").lower(),
        "targetIdentifier": request.get("targetIdentifier", "").lower(),
        "overrides": as_shown(request.get("overrides", {})),
        "interrupted": interrupted,
        "export": os.environ["EXPORT_SNAPSHOTS"] == "true",
        "lock": "" if request.get("dryRun") else name_of(identifier, is_cluster=is_cluster),
    }


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
