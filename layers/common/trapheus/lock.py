"""The lock on a database: one DynamoDB item that names the execution which may change it.

Item: `database` ("instance#prod-db"), `holder` (the execution's ARN, missing when an earlier one
has let go with its rollback undone), `phase` (prepare, replace, rollback, finish), `planned` (JSON,
from replace on), `interrupted` (the ended execution from which the holder has taken it over).
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from trapheus.errors import failing_as
from trapheus.exceptions import LockFailed, LockLost
from trapheus.rds import PATIENT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, str]


@cache
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client of this execution environment."""
    return boto3.client("dynamodb", config=PATIENT)


def name_of(identifier: str, *, is_cluster: bool) -> str:
    """The key of a database's item: an instance and a cluster may have the same identifier."""
    return f"{'cluster' if is_cluster else 'instance'}#{identifier}"


def read(database: str) -> Item:
    """The item as it is now, empty when nobody holds the lock and nothing was left."""
    found = dynamodb().get_item(
        TableName=os.environ["LOCK_TABLE"],
        Key={"database": {"S": database}},
        ConsistentRead=True,
    )
    return {name: value["S"] for name, value in found.get("Item", {}).items()}


def require(event: dict[str, Any]) -> None:
    """Pass only while the event's execution holds the lock in the event's phase.

    A Lambda that comes late, and a redriven execution with an old plan, end here with LockLost.
    """
    if require_holder(event).get("phase") != event["phase"]:
        raise lost(event, f"the lock is past the phase {event['phase']}")


def require_holder(event: dict[str, Any]) -> Item:
    """The item, if the event's execution holds the lock in whatever phase; LockLost otherwise."""
    plan = event["plan"]
    with failing_as(LockFailed, plan["identifier"]):
        item = read(name_of(plan["identifier"], is_cluster="members" in plan))
    if item.get("holder") != event["execution"]:
        raise lost(event, "this execution does not hold the lock any more")
    return item


def require_restored(event: dict[str, Any], resource_id: str | None) -> None:
    """Like `require`; the identifier must also be the database that the execution has restored."""
    require(event)
    if resource_id != event["restored"]["resourceId"]:
        raise lost(event, f"it is {resource_id} now, which this execution has not restored")


def lost(event: dict[str, Any], reason: str) -> LockLost:
    """The error of a step that comes too late."""
    identifier = event["plan"]["identifier"]
    return LockLost(f"Nothing was done to {identifier}: {reason}.", identifier=identifier)
