"""Request step: reads what somebody has typed, strictly."""

import json
import os
from typing import Any

from trapheus.configuration.overrides import as_shown
from trapheus.execution.constants import ENDED, EVERY, INSPECT, RECOVER
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import LockFailed, TrapheusError, refused
from trapheus.execution.executions import described
from trapheus.execution.lock import name_of
from trapheus.execution.logs import logged
from trapheus.hooks import resolved
from trapheus.requests import (
    EXAMPLE,
    OPTIONAL,
    check_allowed,
    check_keys,
    check_values,
    strategy_of,
)

DEFAULTS: dict[type, Any] = {bool: False, str: "", dict: {}, list: []}
# So many recoveries that were ended themselves, one after the other, are followed.
MOST_ENDED = 25


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the request with its defaults, identifiers in lower case as RDS stores them.

    `strategy` becomes "copy" when there is a target, and each of `beforeSwap` gets its ARN.
    `lock` is the key of the lock that it needs, and `interrupted` the execution that the rule for
    those which have ended asks to recover. It is empty for a dry run, and for an ended execution
    that needs no recovery.

    The machine for dry runs alone says so beside the input, which then cannot say otherwise.
    """
    request = event["input"]
    if not isinstance(request, dict):
        raise refused(f"The input must be a JSON object such as {EXAMPLE}.")
    if event.get("dryRun"):
        request = {**request, "dryRun": True}
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
    if request["task"] == INSPECT:
        return inspection(request)
    identifier, is_cluster = request["identifier"].lower(), request["isCluster"]
    return {
        "identifier": identifier,
        "task": request["task"],
        "isCluster": is_cluster,
        **{name: request.get(name, DEFAULTS[kind]) for name, kind in OPTIONAL.items()},
        "strategy": strategy_of(request),
        "snapshotIdentifier": request.get("snapshotIdentifier", "").lower(),
        "targetIdentifier": request.get("targetIdentifier", "").lower(),
        "sourceIdentifier": request.get("sourceIdentifier", "").lower(),
        "overrides": as_shown(request.get("overrides", {})),
        "beforeSwap": resolved(request.get("beforeSwap", [])),
        "interrupted": interrupted,
        "export": os.environ["EXPORT_SNAPSHOTS"] == "true",
        "lock": "" if request.get("dryRun") else name_of(identifier, is_cluster=is_cluster),
    }


def inspection(request: dict[str, Any]) -> dict[str, Any]:
    """What is to be looked at. `kinds`: both, unless the request names one."""
    is_cluster = request.get("isCluster")
    return {
        "identifier": request.get("identifier", EVERY).lower(),
        "task": INSPECT,
        "isCluster": is_cluster is True,
        "kinds": [
            kind for kind in ("instance", "cluster") if is_cluster in (None, kind == "cluster")
        ],
        "lock": "",
    }


def recovery(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The execution that has ended, and the request for its recovery; empty for none.

    The rule names the execution and its status, the hourly look the database too. What was refused
    has changed nothing, and a recovery that has failed is not tried again and again.
    """
    ended = request[ENDED]
    if request != {"task": RECOVER, ENDED: ended} or not is_of_an_execution(ended):
        raise refused(f"The key {ENDED!r} is for the rule of the stack, not for people.")
    asked = of_the_ended(ended)
    try:
        check_keys(asked)
        check_values(asked)
    except TrapheusError:
        return "", {}
    is_changing = asked["task"] != INSPECT and not asked.get("dryRun")
    if not is_changing or (asked["task"] == RECOVER and ended.get("status") == "FAILED"):
        return "", {}
    request = {name: asked[name] for name in ("identifier", "isCluster")} | {"task": RECOVER}
    return ended["executionArn"], request


def is_of_an_execution(ended: Any) -> bool:
    """Whether this names an execution."""
    return isinstance(ended, dict) and str(ended.get("executionArn", "")).startswith("arn:")


def of_the_ended(ended: dict[str, Any]) -> dict[str, Any]:
    """The request of an execution that has ended; of a recovery, for that which it was to recover.

    It is asked for and not handed over: an event does not carry a long input, and the input of a
    recovery of recoveries would hold all of them. [fact: status-event-without-input]
    """
    is_recovery = False
    for _ in range(MOST_ENDED):
        if "identifier" in ended:
            asked, is_recovery = ended, True
        else:
            asked = input_of(ended["executionArn"])
        if not is_of_an_execution(asked.get(ENDED)):
            break
        ended, is_recovery = asked[ENDED], True
    if is_recovery:
        return {name: asked.get(name) for name in ("identifier", "isCluster")} | {"task": RECOVER}
    return asked


def input_of(execution: str) -> dict[str, Any]:
    """The input of an execution, empty when it was no object."""
    with failing_as(LockFailed, ""):
        shown = described(execution)
    if shown is None:
        raise LockFailed(
            f"AWS does not know {execution}: recover the database by its own identifier."
        )
    asked = json.loads(shown["input"])
    return asked if isinstance(asked, dict) else {}
