"""Events: what RDS itself says of a database in a bad status, asked while there still is one.

A rollback deletes what has failed, and no page of AWS says whether RDS tells of it after that.
[fact: events-of-what-is-gone]
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from trapheus.execution.constants import COPY
from trapheus.execution.exceptions import TrapheusError
from trapheus.execution.logs import logger
from trapheus.rds.access import rds

if TYPE_CHECKING:
    from mypy_boto3_rds.literals import SourceTypeType
    from mypy_boto3_rds.type_defs import EventTypeDef

Plan = dict[str, Any]
Context = TypeVar("Context")
Result = TypeVar("Result")

# How many of the last ones, and how much of each: they are carried in the execution's data.
MOST, LONGEST = 5, 300


def naming_events(
    handler: Callable[[dict[str, Any], Context], Result],
) -> Callable[[dict[str, Any], Context], Result]:
    """Let the error of a step whose database is in a bad status carry that one's last events.

    An error that RDS has answered with says itself what was wrong.
    """

    @wraps(handler)
    def handle(event: dict[str, Any], context: Context) -> Result:
        try:
            return handler(event, context)
        except TrapheusError as error:
            if "status" in error.fields:
                error.add(events="\n".join(last_events(event["plan"], error.fields["identifier"])))
            raise

    return handle


def last_events(plan: Plan, name: str) -> list[str]:
    """The last events of what has this name in the execution, a line each; [] if RDS refuses.

    Events are emitted at best effort: there may be none. [fact: events-of-two-weeks]
    """
    source, names = source_of(plan, name)
    try:
        found = [event for one in names for event in events(source, one, plan["started"])]
    except (BotoCoreError, ClientError) as error:
        # Words are never worth a rollback that comes later, or not at all.
        logger.warning("no events", error={"message": str(error)})
        return []
    found.sort(key=lambda event: event["Date"])
    return [line(event) for event in found[-MOST:]]


def source_of(plan: Plan, name: str) -> tuple[SourceTypeType, list[str]]:
    """The type of what a step has named, and the names under which RDS may tell of it."""
    is_cluster = "members" in plan
    if name in (plan["snapshot"], plan["successor"], plan.get("copiedTo")):
        return "db-cluster-snapshot" if is_cluster else "db-snapshot", [name]
    for part in (plan, *plan.get("members", [])):
        # The original is called by its own name also where it has been renamed.
        if name == part["identifier"] and plan["strategy"] != COPY:
            of_plan = is_cluster and part is plan
            return "db-cluster" if of_plan else "db-instance", [name, part["renamedTo"]]
    of_plan = is_cluster and name in (plan["identifier"], plan["restoredAs"])
    return "db-cluster" if of_plan else "db-instance", [name]


def events(source: SourceTypeType, name: str, since: str) -> list[EventTypeDef]:
    """The events of one source since a moment, ISO 8601."""
    pages = (
        rds()
        .get_paginator("describe_events")
        .paginate(SourceType=source, SourceIdentifier=name, StartTime=datetime.fromisoformat(since))
    )
    return [event for page in pages for event in page["Events"]]


def line(event: EventTypeDef) -> str:
    """One event: when, of what, which words."""
    at = event["Date"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    words = " ".join(event["Message"].split())
    return f"{at} {event['SourceIdentifier']}: {words[:LONGEST]}"
