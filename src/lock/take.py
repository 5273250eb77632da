"""Lock step: takes the lock on the database, also from an execution that has ended."""

from __future__ import annotations

import json
import os
from typing import Any

from botocore.exceptions import ClientError

from trapheus.execution.constants import PREPARE, RECOVER
from trapheus.execution.errors import code_of, failing_as
from trapheus.execution.exceptions import (
    LockFailed,
    LockHeld,
    NotRecovered,
    StateConflict,
)
from trapheus.execution.executions import described
from trapheus.execution.lock import Item, dynamodb, read
from trapheus.execution.logs import logged


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Take the lock, or refuse; return what an interrupted execution has left, if one has.

    `phase`: the phase in which it was interrupted, empty when there is nothing to recover; with
    it come `interrupted`, the ended execution's ARN, and its `plan`, if it has made one.
    """
    request = event["request"]
    with failing_as(LockFailed, request["identifier"]):
        return left(held(request, event["execution"]))


def held(request: dict[str, Any], execution: str) -> Item:
    """The item of the lock once this execution has it; empty when there is nothing to recover."""
    database, identifier = request["lock"], request["identifier"]
    item = read(database)
    holder = item.get("holder", "")
    if holder == execution:
        return item
    if request["task"] == RECOVER and (not item or request["interrupted"] not in ("", holder)):
        return {}
    if holder:
        item = judged(item, request)
    elif item and "planned" not in item:
        # Neither a phase that changes anything nor its rollback could be noted: nothing was begun.
        item = {"phase": item["phase"]}
    elif item and request["task"] != RECOVER:
        raise NotRecovered(
            f"An earlier execution could not put {identifier} back: start"
            f" {recovery(request)} first.",
            identifier=identifier,
        )
    return take(database, item, execution)


def judged(item: Item, request: dict[str, Any]) -> Item:
    """The item to take over from a holder that has ended; refuses while it is running."""
    holder, identifier = item["holder"], request["identifier"]
    execution = described(holder)
    if execution is None:
        if request["task"] != RECOVER:
            raise NotRecovered(
                f"{identifier} is locked by {holder}, which AWS does not know: start"
                f" {recovery(request)} first.",
                identifier=identifier,
            )
        return item
    status = execution["status"]
    if status == "RUNNING" and holder == request["interrupted"]:
        # What DescribeExecution tells may lag behind the event of the end.
        # [fact: describe-execution-lags]
        raise StateConflict(f"{holder} is not shown to have ended", identifier=identifier)
    if status == "RUNNING":
        raise LockHeld(
            f"{holder} is at work on {identifier}: wait until it has ended, or stop it.",
            identifier=identifier,
        )
    # After a success only the release has failed: there is nothing to recover.
    return {"holder": holder} if status == "SUCCEEDED" else item


def recovery(request: dict[str, Any]) -> str:
    """The input that recovers the request's database."""
    return json.dumps(
        {
            "identifier": request["identifier"],
            "task": RECOVER,
            "isCluster": request["isCluster"],
        }
    )


def take(database: str, before: Item, execution: str) -> Item:
    """Write the lock if it is still as it was; raises StateConflict when somebody was faster.

    That may also be a function of the execution that has ended, which has begun the next phase: its
    plan must not be written over.
    """
    after = {"database": database, "phase": PREPARE} | before | {"holder": execution}
    # What follows is told by this execution.
    after.pop("told", None)
    if "phase" in before and "holder" in before:
        after["interrupted"] = before["holder"]
    elif "planned" in before:
        # The plan's maker, as its execution has left the lock.
        after["interrupted"] = json.loads(before["planned"])["execution"]
    was = {f":{name}": {"S": before[name]} for name in ("holder", "phase") if name in before}
    conditions = [f"{name[1:]} = {name}" for name in was]
    if "holder" not in before:
        conditions.append("attribute_not_exists(holder)")
    if not before:
        conditions.append("attribute_not_exists(phase)")
    # An empty one is refused.
    values: dict[str, Any] = {"ExpressionAttributeValues": was} if was else {}
    try:
        dynamodb().put_item(
            TableName=os.environ["LOCK_TABLE"],
            Item={name: {"S": value} for name, value in after.items()},
            ConditionExpression=" AND ".join(conditions),
            **values,
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        raise StateConflict("Another execution was faster") from error
    return after


def left(item: Item) -> dict[str, Any]:
    """What an interrupted execution has left, as the state machine reads it."""
    interrupted = item.get("interrupted", "")
    plan = json.loads(item["planned"]) if interrupted and "planned" in item else {}
    return {
        "phase": item["phase"] if interrupted else "",
        "interrupted": interrupted,
        "plan": plan,
    }
