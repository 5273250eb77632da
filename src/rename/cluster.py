"""Rename step: sets the original cluster aside, and gives what was restored beside it its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trapheus import lock, members
from trapheus.constants import RESTORE_FIRST
from trapheus.endpoints import release
from trapheus.errors import failing_as
from trapheus.exceptions import RenameFailed, StateConflict, StillInProgress, TrapheusError
from trapheus.logs import logged
from trapheus.rds import cluster_with, instance_with, mark, rds
from trapheus.waiters import AVAILABLE, BAD_CLUSTER, cluster_renamed, not_ready, wait

if TYPE_CHECKING:
    from trapheus.rds import Description


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Ask for the new names of the `original`, or of the `copy`, as `renames` says.

    What is asked for counts as done. The cluster comes before its members: its rename is without
    an outage, theirs is a reboot each.
    """
    plan = event["plan"]
    # The original's names show as taken for a moment after they have been left.
    exists = StateConflict if event["renames"] == "copy" else None
    with failing_as(RenameFailed, plan["identifier"], exists=exists):
        if event["renames"] == "copy":
            give_names(event)
            return {"name": plan["identifier"]}
        set_aside(event)
    return {"name": plan["aside"]}


def set_aside(event: dict[str, Any]) -> None:
    """Mark the original, let go of its custom endpoints, and ask for its temporary names.

    Where its successor is waiting for the name, the members follow once that has been asked for.
    """
    plan = event["plan"]
    found = visible(plan["resourceId"], plan["identifier"])
    if is_to_be_asked(found, plan["identifier"], plan["aside"]):
        lock.require(event)
        release(plan["endpoints"], plan["identifier"])
        rds().add_tags_to_resource(ResourceName=plan["arn"], Tags=[mark(plan["execution"])])
        rename(plan["identifier"], plan["aside"])
    if plan["strategy"] == RESTORE_FIRST:
        return
    if found["DBClusterIdentifier"] == plan["identifier"]:
        raise not_ready(found["Status"], BAD_CLUSTER, RenameFailed, plan["identifier"])
    set_members_aside(event, found)


def give_names(event: dict[str, Any]) -> None:
    """Ask for the restored cluster's name, then for its writer's; the readers may follow later.

    The original's members leave their names meanwhile.
    """
    plan, own = event["plan"], event["restored"]["resourceId"]
    identifier = plan["identifier"]
    found = visible(own, plan["made"])
    if is_to_be_asked(found, plan["made"], identifier):
        lock.require(event)
        rename(plan["made"], identifier)
    set_members_aside(event, visible(plan["resourceId"], plan["aside"]))
    ready = cluster_renamed(own, identifier)
    wait(ready, otherwise=RenameFailed, identifier=identifier, since=event["entered"])
    found = visible(own, identifier)
    lock.require(event)
    writer, *readers = plan["members"]
    members.give_name(writer, plan, found)
    for reader in readers:
        try:
            members.give_name(reader, plan, found)
        except (ClientError, TrapheusError):
            # The finish phase asks again, where it cannot roll back a writer that serves.
            continue


def visible(resource_id: str, name: str) -> Description:
    """The cluster with this resource id; StillInProgress while it does not show."""
    found = cluster_with(resource_id)
    if found is None:
        raise StillInProgress(f"{name} is not visible", identifier=name)
    return found


def is_to_be_asked(found: Description, name: str, new_name: str) -> bool:
    """Whether the cluster still has its old name and nothing is under way."""
    if found["DBClusterIdentifier"] == new_name:
        return False
    if found["DBClusterIdentifier"] != name:
        raise RenameFailed(
            f"Somebody has renamed it to {found['DBClusterIdentifier']}", identifier=name
        )
    if found["Status"] == "renaming":
        return False
    if found["Status"] not in AVAILABLE:
        raise not_ready(found["Status"], BAD_CLUSTER, RenameFailed, name)
    return True


def rename(name: str, new_name: str) -> None:
    """Ask for a cluster's new name."""
    rds().modify_db_cluster(
        DBClusterIdentifier=name,
        NewDBClusterIdentifier=new_name,
        # Otherwise RDS waits for the maintenance window.
        ApplyImmediately=True,
    )


def set_members_aside(event: dict[str, Any], original: Description) -> None:
    """Mark the original's members and ask for their temporary names."""
    plan = event["plan"]
    lock.require(event)
    listed = {member["DBInstanceIdentifier"] for member in original["DBClusterMembers"]}
    for member in plan["members"]:
        # Somebody may have deleted it meanwhile: then neither of its names is listed.
        if not listed.isdisjoint({member["identifier"], member["aside"]}):
            set_member_aside(member, plan["execution"])


def set_member_aside(member: dict[str, Any], execution: str) -> None:
    """Mark a member and ask for its temporary name."""
    found = instance_with(member["resourceId"])
    if found is None:
        raise StillInProgress("A member is not visible", identifier=member["identifier"])
    if found["DBInstanceIdentifier"] != member["identifier"]:
        return
    if found["DBInstanceStatus"] == "renaming":
        return
    rds().add_tags_to_resource(ResourceName=member["arn"], Tags=[mark(execution)])
    rds().modify_db_instance(
        DBInstanceIdentifier=member["identifier"],
        NewDBInstanceIdentifier=member["aside"],
        ApplyImmediately=True,
    )
