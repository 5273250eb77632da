"""Rename step: sets an instance aside under its temporary name."""

from typing import Any

from trapheus import lock
from trapheus.errors import failing_as
from trapheus.exceptions import RenameFailed, StillInProgress
from trapheus.logs import logged
from trapheus.rds import instance_with, mark, rds
from trapheus.waiters import AVAILABLE, BAD_INSTANCE, not_ready


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Mark the original and ask for its new name; what is asked for counts as done."""
    plan = event["plan"]
    with failing_as(RenameFailed, plan["identifier"]):
        found = instance_with(plan["resourceId"])
        if found is None:
            raise StillInProgress("The original is not visible", identifier=plan["identifier"])
        name = found["DBInstanceIdentifier"]
        if name == plan["identifier"]:
            if found["DBInstanceStatus"] in AVAILABLE:
                lock.require(event)
                set_aside(plan)
            elif found["DBInstanceStatus"] != "renaming":
                raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RenameFailed, name)
        elif name != plan["aside"]:
            raise RenameFailed(f"Somebody has renamed it to {name}", identifier=plan["identifier"])
    return {"name": plan["aside"]}


def set_aside(plan: dict[str, Any]) -> None:
    """Mark the instance and ask for its temporary name."""
    rds().add_tags_to_resource(ResourceName=plan["arn"], Tags=[mark(plan["execution"])])
    rds().modify_db_instance(
        DBInstanceIdentifier=plan["identifier"],
        NewDBInstanceIdentifier=plan["aside"],
        # Otherwise RDS waits for the maintenance window.
        ApplyImmediately=True,
    )
