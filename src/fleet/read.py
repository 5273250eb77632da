"""Fleet step: reads the list of requests, strictly, before anything is started."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from typing import Any

from trapheus.execution.constants import INSPECT
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    FleetFailed,
    InvalidRequest,
    TrapheusError,
    refused,
    shown,
)
from trapheus.execution.fleet import FOLDER, read, write
from trapheus.execution.lock import name_of
from trapheus.execution.logs import facts, logged
from trapheus.requests import (
    OPTIONAL,
    REQUIRED,
    check_allowed,
    check_keys,
    check_values,
)

KEYS = ("requests", "source", "maxConcurrency", "toleratedFailurePercentage")
USUAL_CONCURRENCY = 5
MOST_AT_A_TIME = 1000
# What a Distributed Map has at most at a time, and what a function holds in its memory.
# [fact: children-of-a-map]
MOST_REQUESTS = 10_000
# Execution names end at 80 characters [fact: names-of-executions], identifiers at 63.
DIGEST = 16
EXAMPLE = '{"requests": [{"identifier": ..., "task": ..., "isCluster": ...}, ...]}'


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Write the checked list into the bucket; return where, and how the fleet is to run.

    `tolerated` is how many may fail. An input that cannot be a fleet's comes back as `refused`,
    with the error and one sentence, since nobody has to look into a function's failure for it.
    """
    try:
        return plan(event)
    except InvalidRequest as error:
        told = facts(error)
        return {"refused": {"error": told["type"], "cause": json.loads(str(error))["message"]}}


def plan(event: dict[str, Any]) -> dict[str, Any]:
    """How the fleet is to run."""
    asked = event["input"]
    if not isinstance(asked, dict):
        raise refused(f"The input must be a JSON object such as {EXAMPLE}.")
    for key in asked:
        if key not in KEYS:
            raise refused(f"The key {shown(key)} is unknown: use {', '.join(KEYS)}.")
    at_a_time = number(asked, "maxConcurrency", USUAL_CONCURRENCY, 1, MOST_AT_A_TIME)
    percentage = number(asked, "toleratedFailurePercentage", 0, 0, 100)
    requests = listed(asked)
    check(requests)
    folder = f"{FOLDER}/{event['name']}"
    named = [{"name": name(event["execution"], one), "request": one} for one in requests]
    with failing_as(FleetFailed, event["name"]):
        write(f"{folder}/requests.json", named)
    return {
        "bucket": os.environ["BUCKET"],
        "folder": folder,
        "list": f"{folder}/requests.json",
        "maxConcurrency": at_a_time,
        "tolerated": len(requests) * percentage // 100,
    }


def number(asked: dict[str, Any], key: str, usual: int, least: int, most: int) -> int:
    """A whole number of the input."""
    value = asked.get(key, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise refused(
            f"The key {key!r} must be a whole number from {least} to {most}, not {shown(value)}."
        )
    return value


def listed(asked: dict[str, Any]) -> list[Any]:
    """The requests as they stand in the input, or in the object that it names."""
    if ("requests" in asked) == ("source" in asked):
        raise refused(f"Give either requests, such as {EXAMPLE}, or a source, and not both.")
    requests = asked["requests"] if "requests" in asked else from_source(asked["source"])
    if not isinstance(requests, list):
        raise refused(f"The requests must be a list, not {shown(requests)}.")
    if not 1 <= len(requests) <= MOST_REQUESTS:
        raise refused(f"The list must have 1 to {MOST_REQUESTS} requests, not {len(requests)}.")
    return requests


def from_source(source: Any) -> Any:
    """What a JSON or CSV object of the stack's bucket holds."""
    bucket = os.environ["BUCKET"]
    if not isinstance(source, dict) or set(source) - {"bucket"} != {"key"}:
        raise refused(f"The source must be such as {{'key': '{FOLDER}/staging.csv'}}.")
    key = source["key"]
    if source.get("bucket", bucket) != bucket or not str(key).startswith(f"{FOLDER}/"):
        raise refused(f"The source must be in s3://{bucket}/{FOLDER}/, where this stack may read.")
    where = f"s3://{bucket}/{key}"
    # S3 says AccessDenied of what is not there to whoever may not list the bucket.
    # [fact: missing-objects-are-denied]
    missing = (InvalidRequest, f"The source {where} is not there, or may not be read.")
    try:
        with failing_as(FleetFailed, key, refusals={"NoSuchKey": missing, "AccessDenied": missing}):
            text = read(key)
        return rows(text) if key.endswith(".csv") else json.loads(text)
    except (ValueError, csv.Error) as error:
        raise refused(f"The source {where} cannot be read: {str(error).rstrip('.')}.") from error


def rows(text: str) -> list[dict[str, Any]]:
    """The requests of a CSV text; its first row has their keys, an empty cell says nothing."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\N{BYTE ORDER MARK}")), strict=True)
    return [
        {key: cell(key, value) for key, value in row.items() if value not in ("", None)}
        for row in reader
    ]


def cell(key: str, text: Any) -> Any:
    """A cell's value by the type of its key; what it cannot be is left for the check."""
    kind = (REQUIRED | OPTIONAL).get(key, str)
    if kind is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    return json.loads(text) if kind in (dict, list) else text


def check(requests: list[Any]) -> None:
    """Refuse the first request that could not be one, or that is about a database again."""
    first: dict[str, int] = {}
    for number_of, request in enumerate(requests, 1):
        if not isinstance(request, dict):
            raise refused(f"Request {number_of} must be an object, not {shown(request)}.")
        try:
            check_keys(request)
            check_values(request)
            if request["task"] == INSPECT:
                raise refused(f"The task {INSPECT} is for no fleet: start it by itself.")
            check_allowed(request)
        except TrapheusError as error:
            sentence = json.loads(str(error))["message"]
            raise refused(f"Request {number_of} of {len(requests)}: {sentence}") from error
        for database in databases(request):
            if database in first:
                kind, _, identifier = database.partition("#")
                raise refused(
                    f"Request {number_of} is about the {kind} {identifier} again, as request"
                    f" {first[database]}: leave one of them out."
                )
            first[database] = number_of


def databases(request: dict[str, Any]) -> list[str]:
    """What a request works on, as its lock names it."""
    names = [request["identifier"], request.get("targetIdentifier", "")]
    is_cluster = request["isCluster"]
    return [name_of(name.lower(), is_cluster=is_cluster) for name in names if name]


def name(execution: str, request: dict[str, Any]) -> str:
    """The name of the restore's execution: the same for the same fleet, whoever starts it again."""
    identifier = request["identifier"].lower()
    about = f"{execution} {name_of(identifier, is_cluster=request['isCluster'])}"
    return f"{identifier}-{hashlib.sha256(about.encode()).hexdigest()[:DIGEST]}"
