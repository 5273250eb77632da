"""Look step: finds, once an hour, the locks of executions that have ended and were not recovered.

And how long ago each database had its last success. The event of an end is delivered at best
effort (EventBridge reference, "AWS Step Functions events"), so one that is lost must not leave a
database half-way. [fact: status-event-best-effort]
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from trapheus.execution.clients import PATIENT
from trapheus.execution.constants import CREATE_SNAPSHOT_ONLY, ENDED, RECOVER
from trapheus.execution.errors import code_of
from trapheus.execution.exceptions import LockFailed
from trapheus.execution.executions import described, stepfunctions
from trapheus.execution.lock import PLANNED, Item, dynamodb, name_of, parts_of
from trapheus.execution.logs import logged, logger
from trapheus.execution.metrics import emit
from trapheus.messages.facts import json_object
from trapheus.messages.message import DRY_RUN, RESTORED, SNAPSHOT_TAKEN
from trapheus.monitoring import successes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# For so many seconds an end is left to its event.
LEFT_TO_THE_EVENT = 600
# After so many, and two looks at least, people should know that nothing has come of the looks.
IN_VAIN = 2.5 * 3600
A_DAY = 24 * 3600
# Shorter than from one look to the next, so that those have names of their own.
ONE_LOOK = 1800
AN_HOUR = 3600
# A database is a dimension for so long after its success, and so many are: each costs.
A_QUARTER, MOST = 90 * A_DAY, 50


@cache
def functions() -> Any:
    """The Lambda client of this execution environment."""
    return boto3.client("lambda", config=PATIENT)


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Recover or tell what each lock needs; a lock that fails does not stop the others."""
    looked, left, failed = 0, 0, []
    for found in items():
        looked += 1
        try:
            left += look({name: value["S"] for name, value in found.items()}, time.time())
        except Exception:
            # Whatever it is, the next lock may be of a database that is half-way.
            failed.append(str(found.get("database")))
            logger.exception("a lock could not be looked at", extra={"lock": failed[-1]})
    emit({"LocksLeft": left + len(failed)}, {})
    measure_successes(time.time())
    look_at_schedule(time.time())
    if failed:
        raise LockFailed(f"These locks could not be looked at: {', '.join(failed)}.")
    # Of a look that comes to its end; an alarm misses it.
    emit({"Looks": 1}, {})
    return {"looked": looked, "left": left}


def items() -> Iterator[Mapping[str, Any]]:
    """Every lock that somebody holds or has left."""
    pages = dynamodb().get_paginator("scan")
    for page in pages.paginate(TableName=os.environ["LOCK_TABLE"], ConsistentRead=True):
        yield from page["Items"]


def look(item: Item, now: float) -> bool:
    """Recover what an ended execution has left, or tell people what only they can recover.

    Whether something is left. The end of the last minutes is left to its event.
    """
    identifier, _ = parts_of(item["database"])
    holder = item.get("holder", "")
    if not holder:
        if "planned" in item:
            tell(item, f"An earlier execution could not put {identifier} back", now)
        return "planned" in item
    execution = described(holder)
    if execution is None:
        tell(item, f"{identifier} is locked by {holder}, which AWS does not know", now)
        return True
    if execution["status"] in ("RUNNING", "SUCCEEDED"):
        # After a success only the release has failed: whoever comes next takes the lock over.
        return False
    ended = now - execution["stopDate"].timestamp()
    if execution["status"] == "FAILED" and is_recovery(execution["input"]):
        # It is not tried again and again. One that ended past every Catch has told nobody.
        said = f"{identifier} is locked by the recovery {holder}, which has failed"
        tell(item, said, now, at_once=execution.get("error", "").startswith("States."))
        return True
    if ended > LEFT_TO_THE_EVENT:
        recover(item, now)
        if ended > IN_VAIN:
            said = f"{identifier} is locked by {holder}, which has ended"
            tell(item, f"{said}, and its recovery does not take the lock", now)
    return ended > LEFT_TO_THE_EVENT


def is_recovery(given: str) -> bool:
    """Whether an execution with this input was there to recover another one."""
    return bool(json.loads(given).get("task") == RECOVER)


def recover(item: Item, now: float) -> None:
    """Start the recovery, in the form of the rule's.

    The name is that of this look: a repeat starts no second one, and the next look may, should the
    recovery have ended before it had the lock. If the lock has another holder by then, it finds
    nothing to recover.
    """
    identifier, is_cluster = parts_of(item["database"])
    ended = {
        "executionArn": item["holder"], "identifier": identifier, "isCluster": is_cluster,
    }  # fmt: skip
    digest = hashlib.sha256(f"{item['database']} {item['holder']}".encode()).hexdigest()[:16]
    try:
        stepfunctions().start_execution(
            stateMachineArn=os.environ["STATE_MACHINE"],
            name=f"recover-{digest}-{int(now // ONE_LOOK)}",
            input=json.dumps({"task": RECOVER, ENDED: ended}),
        )
    except ClientError as error:
        if code_of(error) != "ExecutionAlreadyExists":
            raise


def tell(item: Item, sentence: str, now: float, *, at_once: bool = False) -> None:
    """Send a mail about a lock, once a day; the first after a day, unless nobody has told it yet.

    It is noted before it is sent, and only in the lock as it was seen: two looks at once send one,
    and what has been taken or released meanwhile is not told.
    """
    told = float(item.get("told", 0))
    if now - told < A_DAY or not note(item, now):
        return
    if not (told or at_once):
        return
    send(mail(item, sentence))


def send(event: dict[str, Any]) -> None:
    """Let the notify function send a message."""
    functions().invoke(
        FunctionName=os.environ["SEND_EMAIL"],
        # Lambda tries it again by itself.
        InvocationType="Event",
        Payload=json.dumps(event),
    )


def note(item: Item, now: float) -> bool:
    """Note when it was told; False when the lock is not as it was seen any more."""
    seen = {name: item.get(name) for name in ("holder", "phase", "told")}
    conditions = ["attribute_exists(#database)"] + [
        f"#{name} = :{name}" if value else f"attribute_not_exists(#{name})"
        for name, value in seen.items()
    ]
    values = {f":{name}": {"S": value} for name, value in seen.items() if value}
    try:
        dynamodb().update_item(
            TableName=os.environ["LOCK_TABLE"],
            Key={"database": {"S": item["database"]}},
            UpdateExpression="SET #told = :now",
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames={f"#{name}": name for name in ("database", *seen)},
            ExpressionAttributeValues={**values, ":now": {"S": f"{now:.0f}"}},
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def mail(item: Item, sentence: str) -> dict[str, Any]:
    """What the mail is written from, as if the execution that has left the lock had failed."""
    identifier, is_cluster = parts_of(item["database"])
    request = {"identifier": identifier, "task": RECOVER, "isCluster": is_cluster}
    plan = json.loads(item.get("planned", "{}"))
    error = {"Error": "NotRecovered", "Cause": json.dumps({"message": sentence})}
    state: dict[str, Any] = {
        "input": request, "request": request, "error": error, "check": {"plan": plan},
        "lock": {"phase": item["phase"]},
    }  # fmt: skip
    if item["phase"] in PLANNED:
        state["rollbackError"] = error
    execution = item.get("holder") or plan.get("execution", "")
    return {"execution": execution, "about": "lock", "state": state}


def measure_successes(now: float) -> None:
    """Write how long ago each database had its last success of each kind.

    An alarm of CloudWatch sees seven days at most, so that it needs the age.
    [fact: range-of-an-alarm]
    """
    found = [
        (database, kind, now - moments[kind])
        for database, moments in successes.every()
        for kind in successes.KINDS
        if now - moments.get(kind, 0) < A_QUARTER
    ]
    for database, kind, age in found[:MOST]:
        identifier, _ = parts_of(database)
        dimensions = {"database": database, "kind": kind}
        emit({"HoursSinceSuccess": round(age / AN_HOUR, 1)}, dimensions, identifier=identifier)


def look_at_schedule(now: float) -> None:
    """Tell, once a day, that the schedule's database has had no success for too long."""
    hours, given = float(os.environ["SUCCESS_WITHIN_HOURS"]), os.environ["SCHEDULE_INPUT"]
    if not hours or not given:
        return
    request = json_object(given)
    identifier = str(request.get("identifier", "")).lower()
    database = name_of(identifier, is_cluster=request.get("isCluster") is True)
    moments = successes.first_seen(database, now)
    succeeded = moments.get(wanted(request), 0)
    since = max(succeeded, moments["scheduled"])
    is_overdue = now - since > hours * AN_HOUR
    emit({"SuccessOverdue": is_overdue}, {}, identifier=identifier)
    told = moments.get("told", 0)
    if is_overdue and now - told >= A_DAY and successes.note_told(database, told, now):
        state = {
            "input": request, "given": given, "since": since, "succeeded": since == succeeded,
            "hours": hours, "machine": os.environ["STATE_MACHINE"],
        }  # fmt: skip
        send({"execution": "", "about": "schedule", "state": state})


def wanted(request: dict[str, Any]) -> str:
    """The kind of success that a request is to come to."""
    if request.get("dryRun"):
        return DRY_RUN
    return SNAPSHOT_TAKEN if request.get("task") == CREATE_SNAPSHOT_ONLY else RESTORED
