"""The members of a restored cluster: asked for in the restore step, and again in configure."""

from typing import Any

from trapheus.exceptions import NameTaken, RestoreFailed
from trapheus.rds import instance, is_marked, mark, rds
from trapheus.waiters import BAD_INSTANCE, not_ready


def create(member: dict[str, Any], cluster: str, execution: str) -> None:
    """Ask for a member as it was; one that this execution has asked for counts as done.

    Raises StillInProgress while the old member still holds the name.
    """
    name = member["identifier"]
    found = instance(name)
    if found is None:
        rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=cluster,
            Tags=[*member["tags"], mark(execution)],
            **member["restore"],
        )
    elif found["DbiResourceId"] == member["resourceId"]:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RestoreFailed, name)
    elif not is_marked(found, execution):
        raise NameTaken(f"{name} is not of this execution.", identifier=name)
