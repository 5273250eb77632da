"""The lock on a database: one DynamoDB item that names the execution which may change it.

Item: `database` ("instance#prod-db"), `holder` (the execution's ARN, missing when an earlier one
has left it with its rollback undone), `phase` (prepare, copy, replace, rollback, finish), `planned`
(JSON, from copy, replace or rollback on), `interrupted` (the ended execution from which the holder
has taken it over), `told` (when people were last told that it is left, seconds since the epoch),
`registered` (JSON: an execution's ARN, then the proxies to which it has given what it restored),
`password` (the resource id of what was restored, once its master password was asked for).
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from trapheus.execution.clients import PATIENT
from trapheus.execution.constants import (
    COPY,
    FINISH,
    PREPARE,
    REPLACE,
    ROLLBACK,
)
from trapheus.execution.errors import code_of, failing_as
from trapheus.execution.exceptions import LockFailed, LockLost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, str]

# The phases from which an execution goes on to another.
BEFORE = {
    PREPARE: (PREPARE,),
    COPY: (PREPARE,),
    REPLACE: (PREPARE, COPY),
    # A failure behind the note of FINISH is still one of REPLACE: its last step has not ended.
    ROLLBACK: (PREPARE, COPY, REPLACE, FINISH),
    FINISH: (COPY, REPLACE),
}
# Where somebody else's work is rolled back.
TAKEN_OVER = (COPY, REPLACE)
# The phases that a recovery undoes, for which it needs the plan. A rollback is the first of them
# where the phase that has failed could not be noted.
PLANNED = (COPY, REPLACE, ROLLBACK)


@cache
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client of this execution environment."""
    return boto3.client("dynamodb", config=PATIENT)


def name_of(identifier: str, *, is_cluster: bool) -> str:
    """The key of a database's item: an instance and a cluster may have the same identifier."""
    return f"{'cluster' if is_cluster else 'instance'}#{identifier}"


def parts_of(database: str) -> tuple[str, bool]:
    """The identifier in the key of an item, and whether it is a cluster's."""
    kind, _, identifier = database.partition("#")
    return identifier, kind == "cluster"


def read(database: str) -> Item:
    """The item as it is now, empty when nobody holds the lock and nothing was left.

    [fact: reads-lag-unless-consistent]
    """
    found = dynamodb().get_item(
        TableName=os.environ["LOCK_TABLE"],
        Key={"database": {"S": database}},
        ConsistentRead=True,
    )
    return {name: value["S"] for name, value in found.get("Item", {}).items()}


def require(event: dict[str, Any], **notes: str) -> Item:
    """Pass only while the event's execution holds the lock, in the event's phase or one before it.

    The phase becomes the event's in the same call, and never an earlier one: a Lambda that comes
    late, and a redriven execution with an old plan, end here with LockLost. notes: further
    attributes of the item. Returns the item as it is then.
    """
    plan, phase = event["plan"], event["phase"]
    own = plan["execution"] == event["execution"]
    before = BEFORE[phase] if own else TAKEN_OVER
    values = {":execution": event["execution"], ":phase": phase}
    values |= {f":before{number}": name for number, name in enumerate(before)}
    changes = ["phase = :phase"]
    if phase in PLANNED:
        changes.append("planned = :planned")
        values[":planned"] = json.dumps(plan)
    for name, value in notes.items():
        changes.append(f"{name} = :{name}")
        values[f":{name}"] = value
    # What was taken over is rolled back with its own plan, and nothing else is done with it.
    taken_over = "attribute_not_exists" if own else "attribute_exists"
    with failing_as(LockFailed, plan["identifier"]):
        try:
            answer = dynamodb().update_item(
                TableName=os.environ["LOCK_TABLE"],
                Key={"database": {"S": name_of(plan["identifier"], is_cluster="members" in plan)}},
                UpdateExpression=f"SET {', '.join(changes)}",
                ConditionExpression=f"holder = :execution AND {taken_over}(interrupted)"
                f" AND phase IN (:phase, {', '.join(f':before{n}' for n in range(len(before)))})",
                ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            reason = f"this execution does not hold the lock, or is past the phase {phase}"
            raise lost(event, reason) from error
    return {name: value["S"] for name, value in answer.get("Attributes", {}).items()}


def require_restored(event: dict[str, Any], resource_id: str | None) -> None:
    """Like `require`; the identifier must also be the database that the execution has restored."""
    require(event)
    if resource_id != event["restored"]["resourceId"]:
        raise lost(event, f"it is {resource_id} now, which this execution has not restored")


def lost(event: dict[str, Any], reason: str) -> LockLost:
    """The error of a step that comes too late."""
    identifier = event["plan"]["identifier"]
    return LockLost(f"Nothing was done to {identifier}: {reason}.", identifier=identifier)
