"""Rename step: sets an instance aside under its temporary name."""

from typing import Any

from trapheus.errors import failing_as
from trapheus.exceptions import RenameFailed
from trapheus.rds import instance_with, mark, rds


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Mark the original and ask for its new name; one that is asked for counts as done."""
    plan = event["plan"]
    with failing_as(RenameFailed, plan["identifier"]):
        found = instance_with(plan["resourceId"])
        name = found and found["DBInstanceIdentifier"]
        if found and name == plan["identifier"]:
            if found["DBInstanceStatus"] != "renaming":
                set_aside(plan, event["execution"])
        elif name and name != plan["aside"]:
            raise RenameFailed(f"Somebody has renamed it to {name}", identifier=plan["identifier"])
    return {"name": plan["aside"]}


def set_aside(plan: dict[str, Any], execution: str) -> None:
    """Mark the instance and ask for its temporary name."""
    rds().add_tags_to_resource(ResourceName=plan["arn"], Tags=[mark(execution)])
    rds().modify_db_instance(
        DBInstanceIdentifier=plan["identifier"],
        NewDBInstanceIdentifier=plan["aside"],
        # Otherwise RDS waits for the maintenance window.
        ApplyImmediately=True,
    )
