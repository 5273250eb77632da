"""Put-back step of the rollback: gives the original its own name again."""

from typing import Any

from trapheus.constants import IN_PROGRESS_TAG
from trapheus.errors import failing_as
from trapheus.exceptions import RollbackFailed, StateConflict, StillInProgress
from trapheus.logs import logged
from trapheus.rds import instance_with, is_marked, rds
from trapheus.waiters import BAD_INSTANCE, ONLINE, not_ready


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Rename the original back and unmark it, as far as it is not done; driven by what RDS shows.

    Raises StillInProgress until the original is online under its own name.
    """
    plan = event["plan"]
    identifier = plan["identifier"]
    with failing_as(RollbackFailed, identifier, conflict=StillInProgress, exists=StateConflict):
        found = instance_with(plan["resourceId"])
        if found is None or found["DBInstanceStatus"] not in ONLINE:
            raise not_ready(
                found["DBInstanceStatus"] if found else "", BAD_INSTANCE, RollbackFailed, identifier
            )
        if found["DBInstanceIdentifier"] != identifier:
            rds().modify_db_instance(
                DBInstanceIdentifier=found["DBInstanceIdentifier"],
                NewDBInstanceIdentifier=identifier,
                ApplyImmediately=True,
            )
            raise StillInProgress("The original is being renamed", identifier=identifier)
        if is_marked(found, event["execution"]):
            rds().remove_tags_from_resource(
                ResourceName=found["DBInstanceArn"], TagKeys=[IN_PROGRESS_TAG]
            )
    return {"name": identifier}
