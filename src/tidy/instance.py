"""Tidy step: takes this execution's mark off what stays."""

from typing import Any

from trapheus import lock
from trapheus.beside import standing
from trapheus.errors import failing_as
from trapheus.exceptions import TidyFailed
from trapheus.logs import logged
from trapheus.originals import final_snapshot, summary
from trapheus.rds import instance, instance_with, snapshot, unmark


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Unmark the instance, its snapshots and a kept original, if they are this execution's.

    Returns the output of the execution.
    """
    state = event["state"]
    event = event | {"plan": state["check"]["plan"]}
    plan = standing(event["plan"], event["phase"])
    with failing_as(TidyFailed, plan["identifier"]):
        stays = [("DBInstanceArn", instance(plan["identifier"]))]
        # RDS copies the original's tags onto it, if the original is set so.
        if final := snapshot(final_snapshot(plan)):
            stays.append(("DBSnapshotArn", final))
        if original := instance_with(plan["resourceId"]):
            stays.append(("DBInstanceArn", original))
        lock.require(event)
        unmark(stays, plan["execution"])
    return summary(state)
