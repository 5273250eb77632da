"""Remove step of the rollback: deletes the half-made cluster that holds the original's names."""

from typing import Any

from trapheus.errors import failing_as
from trapheus.exceptions import RollbackFailed, StillInProgress
from trapheus.rds import Description, cluster, instance, is_marked, rds


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Delete it and come back until it is gone; only what this execution has made is removed."""
    plan, execution = event["plan"], event["execution"]
    identifier = plan["identifier"]
    # RDS refuses to delete in many statuses, for as long as they last.
    with failing_as(RollbackFailed, identifier, conflict=StillInProgress):
        made = [
            member
            for planned in plan["members"]
            if (member := instance(planned["identifier"]))
            and member["DbiResourceId"] != planned["resourceId"]
        ]
        for member in made:
            remove_member(member, execution)
        found = cluster(identifier)
        if found is None or found["DbClusterResourceId"] == plan["resourceId"]:
            if made:
                raise StillInProgress("Its members are being removed", identifier=identifier)
            return {"name": identifier}
        if not is_marked(found, execution):
            raise RollbackFailed(
                f"{identifier} is not of this execution: it was left alone.", identifier=identifier
            )
        if found["Status"] != "deleting":
            rds().delete_db_cluster(
                DBClusterIdentifier=identifier,
                SkipFinalSnapshot=True,
                DeleteAutomatedBackups=True,
            )
        raise StillInProgress("The half-made cluster is being removed", identifier=identifier)


def remove_member(member: Description, execution: str) -> None:
    """Ask for a half-made member's deletion, if it is this execution's."""
    name = member["DBInstanceIdentifier"]
    if not is_marked(member, execution):
        raise RollbackFailed(
            f"{name} is not of this execution: it was left alone.", identifier=name
        )
    if member["DBInstanceStatus"] != "deleting":
        rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
