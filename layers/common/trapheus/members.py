"""The members of a restored cluster: asked for in the restore step, and again in configure."""

from typing import Any

from trapheus.exceptions import NameTaken, StillInProgress
from trapheus.rds import instance, is_marked, mark, rds


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
        raise StillInProgress("The old member still has the name", identifier=name)
    elif not is_marked(found, execution):
        raise NameTaken(f"{name} is not of this execution.", identifier=name)
