"""What a request may say: its keys, their values, and which of them go together."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import Any

from botocore.session import get_session

from trapheus.configuration.overrides import KMS_KEYS, is_value_of, shapes
from trapheus.execution.constants import (
    COPY,
    CREATE_SNAPSHOT,
    CREATE_SNAPSHOT_ONLY,
    DB_RESTORE,
    EVERY,
    INSPECT,
    LATEST,
    RECOVER,
    RENAME_FIRST,
    RESTORE_FIRST,
    STRATEGIES,
    TASKS,
)
from trapheus.execution.exceptions import (
    IdentifierNotAllowed,
    OverrideNotAllowed,
    SecretNotAllowed,
    refused,
    shown,
)
from trapheus.hooks import check_hooks, resolved
from trapheus.snapshot_names import is_snapshot, parts_of
from trapheus.source_keys import OF_A_SOURCE, wrong_source

# Of DB instances and clusters alike. [fact: identifiers]
IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
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
    "sourceIdentifier": str,
    "sourceAccount": str,
    "masterUserSecret": str,
    "keepSourcePassword": bool,
    "beforeSwap": list,
    "requester": str,
}
MOST_OF_A_REQUESTER = 256
TYPES = {str: "a string", bool: "true or false", dict: "an object", list: "a list"}
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
    *OF_A_SOURCE,
    "beforeSwap",
)
# What takes no options, and why.
WITHOUT_OPTIONS = {RECOVER: "only puts back what was left", INSPECT: "only looks"}
EXAMPLE = '{"identifier": "my-database", "task": "create_snapshot", "isCluster": false}'


def check_keys(request: dict[str, Any]) -> None:
    """Refuse missing and unknown keys, and values of the wrong type."""
    known = REQUIRED | OPTIONAL
    required = ("task",) if is_of_every(request) else REQUIRED
    for key in request:
        if key not in known:
            raise refused(f"The key {shown(key)} is unknown: use {', '.join(known)}.")
    for key, kind in known.items():
        if key in required and key not in request:
            raise refused(f"The key {key!r} is missing: the input must be such as {EXAMPLE}.")
        if key in request and not isinstance(request[key], kind):
            raise refused(f"The key {key!r} must be {TYPES[kind]}, not {shown(request[key])}.")


def check_values(request: dict[str, Any]) -> None:
    """Refuse an unknown task, impossible identifiers, and keys that do not go together."""
    if request["task"] not in TASKS:
        raise refused(f"The task {shown(request['task'])} is unknown: use {', '.join(TASKS)}.")
    task = request["task"]
    extra = ", ".join(sorted(set(request) - set(REQUIRED) - {"requester"}))
    if task in WITHOUT_OPTIONS and extra:
        raise refused(f"The task {task} takes no {extra}: it {WITHOUT_OPTIONS[task]}.")
    check_requester(request.get("requester", ""))
    if is_of_every(request):
        return
    check_identifier(request["identifier"])
    if request.get("keepOriginal") and (
        request.get("finalSnapshot") or request.get("deleteAutomatedBackups")
    ):
        raise refused(
            "keepOriginal deletes nothing: leave finalSnapshot and deleteAutomatedBackups out."
        )
    check_restore(request)


def is_of_every(request: dict[str, Any]) -> bool:
    """Whether it looks at all that the stack may touch, of both kinds unless it names one."""
    return request.get("task") == INSPECT and request.get("identifier", EVERY) == EVERY


def strategy_of(request: dict[str, Any]) -> str:
    """In which order the original is replaced, if it is."""
    return COPY if "targetIdentifier" in request else request.get("strategy", RENAME_FIRST)


def check_identifier(identifier: str) -> None:
    """Refuse what RDS would not take as the identifier of a database."""
    if not IDENTIFIER.fullmatch(identifier) or len(identifier) > 63:
        raise refused(
            f"{shown(identifier)} cannot be an identifier: RDS takes 1 to 63 letters, digits and"
            " single hyphens, beginning with a letter and not ending with a hyphen."
        )


def check_requester(requester: str) -> None:
    """Refuse what would break a line of a message."""
    if len(requester) > MOST_OF_A_REQUESTER or not requester.isprintable():
        raise refused(
            f"The requester must be 1 line of at most {MOST_OF_A_REQUESTER} printable characters,"
            f" not {shown(requester)}."
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
    if sentence := wrong_source(request):
        raise refused(sentence)
    if "sourceIdentifier" in request:
        check_identifier(request["sourceIdentifier"])
    if "overrides" in request:
        check_overrides(request["overrides"], is_cluster=request["isCluster"])
    check_hooks(request.get("beforeSwap", []), strategy_of(request))


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
    if not is_snapshot(name, is_cluster=request["isCluster"]):
        of = "a cluster" if request["isCluster"] else "an instance"
        raise refused(
            f"{shown(name)} cannot be a snapshot of {of}: name a manual one, an automated one"
            f" (rds:...), one of AWS Backup (awsbackup:...), the ARN of one, or {LATEST!r}."
        )
    check_place(name)


def check_place(snapshot: str) -> None:
    """Refuse the ARN of a snapshot in a region or partition that this stack cannot ask.

    A region without an address looks like a network that is down, which would be tried again.
    """
    arn = parts_of(snapshot)
    if arn is None:
        return
    session = get_session()
    own_region = session.get_config_variable("region")
    own, given = session.get_partition_for_region(own_region), snapshot.lower().split(":")[1]
    if given != own:
        raise refused(
            f"The ARN {shown(snapshot)} is of the partition {given}, and this stack is in {own}:"
            " name a snapshot there."
        )
    known = session.get_available_regions("rds", partition_name=own)
    if arn.region not in (own_region, *known):
        raise refused(
            f"The ARN {shown(snapshot)} is of the region {arn.region}, which the AWS SDK of this"
            " stack does not know: correct it, or, if that region is new, deploy the stack again"
            " with a newer boto3."
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


def check_allowed(request: dict[str, Any]) -> None:
    """Refuse what this stack may not touch, and what its requests may not use or run."""
    if is_of_every(request):
        return
    patterns = patterns_of("ALLOWED_IDENTIFIERS")
    for identifier in (request["identifier"], request.get("targetIdentifier", "")):
        if identifier and not fits(identifier, patterns):
            raise IdentifierNotAllowed(
                f"This stack may not touch {identifier}: its AllowedIdentifiers are"
                f" {', '.join(patterns)}.",
                identifier=identifier,
                step="request",
            )
    for name in request.get("overrides", {}):
        if not fits(name, patterns_of("ALLOWED_OVERRIDES")):
            raise OverrideNotAllowed(
                f"This stack may not override {name}: leave it out, or add it to the stack's"
                " parameter AllowedOverrides.",
                identifier=request["identifier"],
                step="request",
            )
    resolved(request.get("beforeSwap", []))

    secret = request.get("masterUserSecret", "")
    if secret and not fits(secret, patterns_of("MASTER_USER_SECRETS")):
        raise SecretNotAllowed(
            f"This stack may not read the secret {secret}: add it to the stack's parameter"
            " MasterUserSecrets.",
            identifier=request["identifier"],
            step="request",
        )


def patterns_of(variable: str) -> list[str]:
    """The patterns that a parameter of the stack has, in small letters."""
    return [pattern.strip() for pattern in os.environ[variable].lower().split(",")]


def fits(name: str, patterns: list[str]) -> bool:
    """Whether a name is as one of the patterns says."""
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)
