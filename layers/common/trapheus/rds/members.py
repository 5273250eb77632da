"""The members of a cluster: asked for after a restore, and deleted with their cluster."""

from typing import Any

from trapheus.execution.exceptions import (
    NameTaken,
    RenameFailed,
    RestoreFailed,
    StillInProgress,
)
from trapheus.rds.access import (
    Description,
    in_progress_tag,
    instance,
    is_tagged,
    members,
    rds,
)
from trapheus.rds.multi_az import is_multi_az
from trapheus.rds.waiters import BAD_INSTANCE, DELETING, TRIED, not_ready


def create(member: dict[str, Any], plan: dict[str, Any]) -> None:
    """Ask for a member as it was; one that this execution has asked for counts as done.

    Raises StillInProgress while the old member still holds the name.
    """
    name, execution = member["restoredAs"], plan["execution"]
    found = instance(name)
    if found is None:
        rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=plan["restoredAs"],
            Tags=[*member["tags"], in_progress_tag(execution)],
            **member["restore"],
        )
    elif found["DbiResourceId"] == member["resourceId"]:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RestoreFailed, name)
    elif not is_tagged(found, execution):
        raise NameTaken(f"{name} is not of this execution.", identifier=name)


def give_name(member: dict[str, Any], plan: dict[str, Any], cluster: Description) -> None:
    """Ask for the original's name for a member that was restored beside it, unless it has it.

    cluster: the restored one, by its resource id. What is asked for counts as done.
    """
    name, copy = member["identifier"], member["restoredAs"]
    if not is_listed(cluster, copy):
        return
    found = instance(copy)
    if found is None or found.get("DBClusterIdentifier") != cluster["DBClusterIdentifier"]:
        raise StillInProgress("Its list of members lags behind a rename", identifier=copy)
    if not is_tagged(found, plan["execution"]):
        raise NameTaken(f"{copy} is not of this execution.", identifier=copy)
    if found["DBInstanceStatus"] == "renaming":
        return
    if found["DBInstanceStatus"] not in TRIED:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RenameFailed, copy)
    holder = instance(name)
    if holder is not None:
        kind = StillInProgress if holder["DbiResourceId"] == member["resourceId"] else NameTaken
        raise kind(f"{name} is another instance's name", identifier=name)
    rds().modify_db_instance(
        DBInstanceIdentifier=copy, NewDBInstanceIdentifier=name, ApplyImmediately=True
    )


def is_listed(cluster: Description, name: str) -> bool:
    """Whether a cluster has a member of this name."""
    return any(one["DBInstanceIdentifier"] == name for one in cluster["DBClusterMembers"])


def delete(cluster: Description) -> None:
    """Ask for the deletion of a cluster's members as they are now; one that is going counts.

    RDS deletes by name only, and a listing may lag behind a rename: nothing is deleted while a
    name that this cluster lists is a member of another one. Raises StillInProgress then. Those of a
    Multi-AZ DB cluster go with it.
    [fact: lists-of-members-lag] [fact: members-of-multi-az-go-along]
    """
    if is_multi_az(cluster):
        return
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
