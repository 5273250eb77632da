"""When each database was last restored: one DynamoDB item a database, which outlives executions.

Item: `database` ("instance#prod-db"), then moments in seconds since the epoch: that of the last
success by its kind (`restored`, `snapshot-taken`, `dry-run`); of the stack's schedule `scheduled`
(when it was first seen) and `told` (when people were last told that it has no success).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trapheus.execution.errors import code_of
from trapheus.execution.lock import dynamodb, name_of
from trapheus.messages.message import DRY_RUN, RESTORED, SNAPSHOT_TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (RESTORED, SNAPSHOT_TAKEN, DRY_RUN)

Moments = dict[str, float]


def note(request: dict[str, Any], kind: str, now: float) -> None:
    """Note a success of a request's database."""
    database = name_of(request["identifier"], is_cluster=request["isCluster"])
    change(database, "SET #name = :now", kind, now)


def first_seen(database: str, now: float) -> Moments:
    """The moments of the schedule's database, which may be seen for the first time now."""
    answer = change(database, "SET #name = if_not_exists(#name, :now)", "scheduled", now)
    return moments(answer["Attributes"])


def note_told(database: str, before: float, now: float) -> bool:
    """Note that people are told now; False when another look was faster."""
    condition = "#name = :before" if before else "attribute_not_exists(#name)"
    values = {":before": {"N": f"{before:.0f}"}} if before else {}
    try:
        change(database, "SET #name = :now", "told", now, values, ConditionExpression=condition)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def every() -> Iterator[tuple[str, Moments]]:
    """Each database that ever had a success, in order."""
    pages = dynamodb().get_paginator("scan").paginate(TableName=os.environ["SUCCESS_TABLE"])
    found = [item for page in pages for item in page["Items"]]
    for item in sorted(found, key=lambda item: item["database"]["S"]):
        yield item["database"]["S"], moments(item)


def moments(item: Any) -> Moments:
    """The moments of an item."""
    return {name: float(value["N"]) for name, value in item.items() if "N" in value}


def change(
    database: str,
    expression: str,
    name: str,
    now: float,
    values: dict[str, Any] | None = None,
    **more: Any,
) -> Any:
    """Set one moment of an item to now."""
    return dynamodb().update_item(
        TableName=os.environ["SUCCESS_TABLE"],
        Key={"database": {"S": database}},
        UpdateExpression=expression,
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":now": {"N": f"{now:.0f}"}, **(values or {})},
        ReturnValues="ALL_NEW",
        **more,
    )
