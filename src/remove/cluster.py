"""Remove step of the rollback: deletes the half-made cluster that holds the original's names."""

from typing import Any

from trapheus import members
from trapheus.errors import failing_as
from trapheus.exceptions import RollbackFailed, StillInProgress
from trapheus.logs import logged
from trapheus.rds import cluster, is_marked, rds
from trapheus.waiters import DELETING


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Delete it and come back until it is gone; only what this execution has made is removed."""
    plan, execution = event["plan"], event["execution"]
    identifier = plan["identifier"]
    # RDS refuses to delete in many statuses, for as long as they last.
    with failing_as(RollbackFailed, identifier, conflict=StillInProgress):
        found = cluster(identifier)
        if found is None or found["DbClusterResourceId"] == plan["resourceId"]:
            return {"name": identifier}
        if not is_marked(found, execution):
            raise RollbackFailed(
                f"{identifier} is not of this execution: it was left alone.", identifier=identifier
            )
        # Its members as they are now, since auto scaling may have added one.
        members.delete(found)
        if found["Status"] not in DELETING:
            rds().delete_db_cluster(
                DBClusterIdentifier=identifier,
                SkipFinalSnapshot=True,
                DeleteAutomatedBackups=True,
            )
        raise StillInProgress("The half-made cluster is being removed", identifier=identifier)
