"""The members of a cluster: asked for after a restore, and deleted with their cluster."""

from typing import Any

from trapheus.exceptions import NameTaken, RestoreFailed, StillInProgress
from trapheus.rds import Description, instance, is_marked, mark, members, rds
from trapheus.waiters import BAD_INSTANCE, DELETING, not_ready


def create(member: dict[str, Any], plan: dict[str, Any]) -> None:
    """Ask for a member as it was; one that this execution has asked for counts as done.

    Raises StillInProgress while the old member still holds the name.
    """
    name, execution = member["identifier"], plan["execution"]
    found = instance(name)
    if found is None:
        rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=plan["identifier"],
            Tags=[*member["tags"], mark(execution)],
            **member["restore"],
        )
    elif found["DbiResourceId"] == member["resourceId"]:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RestoreFailed, name)
    elif not is_marked(found, execution):
        raise NameTaken(f"{name} is not of this execution.", identifier=name)


def delete(cluster: Description) -> None:
    """Ask for the deletion of a cluster's members as they are now; one that is going counts.

    RDS deletes by name only, and a listing may lag behind a rename: nothing is deleted while a
    name that this cluster lists is a member of another one. Raises StillInProgress then.
    """
    name = cluster["DBClusterIdentifier"]
    own = members(cluster)
    for member in own:
        if member.get("DBClusterIdentifier") != name:
            raise StillInProgress("Its list of members lags behind a rename", identifier=name)
    for member in own:
        if member["DBInstanceStatus"] not in DELETING:
            rds().delete_db_instance(
                DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
            )
