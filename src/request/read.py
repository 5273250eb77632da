"""Request step: reads what somebody has typed, strictly."""

import json
import os
import re
from fnmatch import fnmatchcase
from typing import Any

from trapheus.constants import (
    BESIDE,
    CREATE_SNAPSHOT,
    CREATE_SNAPSHOT_ONLY,
    DB_RESTORE,
    LATEST,
    RECOVER,
    RENAME_FIRST,
    RESTORE_FIRST,
    STRATEGIES,
    TASKS,
)
from trapheus.exceptions import IdentifierNotAllowed, InvalidRequest, TrapheusError
from trapheus.lock import name_of
from trapheus.logs import logged
from trapheus.overrides import KMS_KEYS, as_shown, is_value_of, shapes

# Of DB instances and clusters alike (API reference of CreateDBInstance).
IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
# An automated snapshot's name begins with rds: (API reference of DescribeDBSnapshots).
SNAPSHOT = re.compile(r"(?:rds:)?[A-Za-z](?:-?[A-Za-z0-9])*")
MOST_OF_A_SNAPSHOT = 255
REQUIRED: dict[str, type] = {"identifier": str, "task": str, "isCluster": bool}
OPTIONAL: dict[str, type] = {
    "dryRun": bool,
    "urgent": bool,  # once ahead of others that waited; still taken, to no effect
    "keepOriginal": bool,
    "finalSnapshot": bool,
    "deleteAutomatedBackups": bool,
    "strategy": str,
    "acceptWriteLoss": bool,
    "snapshotIdentifier": str,
    "targetIdentifier": str,
    "overrides": dict,
}
DEFAULTS: dict[type, Any] = {bool: False, str: "", dict: {}}
TYPES = {str: "a string", bool: "true or false", dict: "an object"}
# What is of no use where nothing is replaced.
OF_A_REPLACEMENT = (
    "strategy",
    "acceptWriteLoss",
    "keepOriginal",
    "finalSnapshot",
    "deleteAutomatedBackups",
)
# What only a restore takes.
OF_A_RESTORE = (
    "strategy",
    "acceptWriteLoss",
    "snapshotIdentifier",
    "targetIdentifier",
    "overrides",
)
# The key of the rule that starts a recovery.
ENDED = "ended"
EXAMPLE = '{"identifier": "my-database", "task": "create_snapshot", "isCluster": false}'


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
        for name in ("identifier", "targetIdentifier"):
            check_allowed(request.get(name))
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
    """Refuse an unknown task, impossible identifiers, and keys that do not go together."""
    if request["task"] not in TASKS:
        raise refused(f"The task {shown(request['task'])} is unknown: use {', '.join(TASKS)}.")
    check_identifier(request["identifier"])
    if request["task"] == RECOVER and set(request) - set(REQUIRED):
        extra = ", ".join(sorted(set(request) - set(REQUIRED)))
        raise refused(f"The task {RECOVER} takes no {extra}: it only puts back what was left.")
    if request.get("keepOriginal") and (
        request.get("finalSnapshot") or request.get("deleteAutomatedBackups")
    ):
        raise refused(
            "keepOriginal deletes nothing: leave finalSnapshot and deleteAutomatedBackups out."
        )
    check_restore(request)


def strategy_of(request: dict[str, Any]) -> str:
    """In which order the original is replaced, if it is."""
    return BESIDE if "targetIdentifier" in request else request.get("strategy", RENAME_FIRST)


def check_identifier(identifier: str) -> None:
    """Refuse what RDS would not take as the identifier of a database."""
    if not IDENTIFIER.fullmatch(identifier) or len(identifier) > 63:
        raise refused(
            f"{shown(identifier)} cannot be an identifier: RDS takes 1 to 63 letters, digits and"
            " single hyphens, beginning with a letter and not ending with a hyphen."
        )


def check_restore(request: dict[str, Any]) -> None:
    """Refuse the keys of a restore where they mean nothing, or something else than they say."""
    task = request["task"]
    given = [key for key in OF_A_RESTORE if key in request]
    # What is switched off may be said.
    given += [key for key in OF_A_REPLACEMENT if request.get(key) and key not in given]
    if task == CREATE_SNAPSHOT_ONLY and given:
        raise refused(f"The task {task} restores nothing: leave {', '.join(given)} out.")
    if request.get("strategy", RENAME_FIRST) not in STRATEGIES:
        raise refused(
            f"The strategy {shown(request['strategy'])} is unknown: use {', '.join(STRATEGIES)}."
        )
    if "targetIdentifier" in request:
        check_target(request)
    elif "acceptWriteLoss" in request and request.get("strategy") != RESTORE_FIRST:
        raise refused(
            f"acceptWriteLoss is of the strategy {RESTORE_FIRST}: leave it out, or set the"
            " strategy."
        )
    elif (
        request.get("strategy") == RESTORE_FIRST
        and task == CREATE_SNAPSHOT
        and not request.get("acceptWriteLoss")
    ):
        raise refused(
            f"With {RESTORE_FIRST} clients write on while the snapshot is being restored, and"
            f" {task} would lose that: set acceptWriteLoss to true if it may be lost."
        )
    if "snapshotIdentifier" in request:
        check_snapshot(request)
    if "overrides" in request:
        check_overrides(request["overrides"], is_cluster=request["isCluster"])


def check_target(request: dict[str, Any]) -> None:
    """Refuse a target that is none, and keys about an original to which nothing is done."""
    target = request["targetIdentifier"]
    check_identifier(target)
    if target.lower() == request["identifier"].lower():
        raise refused(
            "The targetIdentifier must be another name than the identifier: leave it out to"
            " restore in place."
        )
    given = [key for key in OF_A_REPLACEMENT if key in request]
    if given:
        raise refused(
            f"With targetIdentifier the original stays as it is: leave {', '.join(given)} out."
        )


def check_snapshot(request: dict[str, Any]) -> None:
    """Refuse a snapshot that no restore would take."""
    name = request["snapshotIdentifier"]
    if request["task"] != DB_RESTORE:
        raise refused(
            f"The task {request['task']} takes its own snapshot: use {DB_RESTORE}, or leave"
            " snapshotIdentifier out."
        )
    if not SNAPSHOT.fullmatch(name) or len(name) > MOST_OF_A_SNAPSHOT:
        raise refused(
            f"{shown(name)} cannot be a snapshot: name a manual one, an automated one (rds:...),"
            f" or {LATEST!r}."
        )


def check_overrides(overrides: dict[str, Any], *, is_cluster: bool) -> None:
    """Refuse a parameter that no restore of this kind has, or a value of another type."""
    known = shapes(is_cluster=is_cluster) if overrides else {}
    for name, value in overrides.items():
        if name not in known:
            raise refused(
                f"The override {shown(name)} is unknown: use parameters of the restore, such as"
                " DBInstanceClass, written as RDS writes them."
            )
        if not is_value_of(known[name], value):
            raise refused(
                f"The override {name} must be of the type {known[name].type_name}, as in RDS's API,"
                f" not {shown(value)}."
            )
        if name in KMS_KEYS and value and ":key/" not in value:
            raise refused(
                f"The override {name} must be the ARN of a key (arn:aws:kms:...:key/...), as RDS"
                f" shows it, not {shown(value)}."
            )


def check_allowed(identifier: str | None) -> None:
    """Refuse an identifier that this stack may not touch, if there is one."""
    patterns = os.environ["ALLOWED_IDENTIFIERS"].lower().split(",")
    if identifier and not any(
        fnmatchcase(identifier.lower(), pattern.strip()) for pattern in patterns
    ):
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
