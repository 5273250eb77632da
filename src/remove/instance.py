"""Remove step of the rollback: deletes the half-made instance that holds the original's name."""

from typing import Any

from trapheus.errors import failing_as
from trapheus.exceptions import RollbackFailed, StillInProgress
from trapheus.logs import logged
from trapheus.rds import instance, is_marked, rds
from trapheus.waiters import DELETING


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Delete it and come back until it is gone; only what this execution has made is removed."""
    plan = event["plan"]
    identifier = plan["identifier"]
    # RDS refuses to delete in many statuses, for as long as they last.
    with failing_as(RollbackFailed, identifier, conflict=StillInProgress):
        found = instance(identifier)
        if found is None or found["DbiResourceId"] == plan["resourceId"]:
            return {"name": identifier}
        if not is_marked(found, event["execution"]):
            raise RollbackFailed(
                f"{identifier} is not of this execution: it was left alone.", identifier=identifier
            )
        if found["DBInstanceStatus"] not in DELETING:
            rds().delete_db_instance(
                DBInstanceIdentifier=identifier,
                SkipFinalSnapshot=True,
                DeleteAutomatedBackups=True,
            )
        raise StillInProgress("The half-made instance is being removed", identifier=identifier)
