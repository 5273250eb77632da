"""Rename step: renames the original cluster, and gives what was restored beside it its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trapheus.execution import lock
from trapheus.execution.constants import RESTORE_FIRST
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    RenameFailed,
    StateConflict,
    StillInProgress,
    TrapheusError,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds import members
from trapheus.rds.access import (
    cluster_with,
    in_progress_tag,
    instance_with,
    is_tagged,
    rds,
)
from trapheus.rds.endpoints import release
from trapheus.rds.waiters import (
    BAD_CLUSTER,
    TRIED,
    cluster_renamed,
    not_ready,
    wait,
)

if TYPE_CHECKING:
    from trapheus.rds.access import Description


@logged
@naming_events
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
        rename_original(event)
    return {"name": plan["renamedTo"]}


def rename_original(event: dict[str, Any]) -> None:
    """Tag the original, let go of its custom endpoints, and ask for its temporary names.

    Where its successor is waiting for the name, the members follow once that has been asked for.
    """
    plan = event["plan"]
    found = visible(plan["resourceId"], plan["identifier"])
    if is_to_be_asked(found, plan["identifier"], plan["renamedTo"], plan["execution"]):
        lock.require(event)
        release(plan["endpoints"], plan["identifier"])
        rds().add_tags_to_resource(
            ResourceName=plan["arn"], Tags=[in_progress_tag(plan["execution"])]
        )
        # These calls may hang for longer than a recovery looks, which has ended by then.
        lock.require(event)
        rename(plan["identifier"], plan["renamedTo"])
    if plan["strategy"] == RESTORE_FIRST:
        return
    if found["DBClusterIdentifier"] == plan["identifier"]:
        raise not_ready(found["Status"], BAD_CLUSTER, RenameFailed, plan["identifier"])
    rename_members(event, found)


def give_names(event: dict[str, Any]) -> None:
    """Ask for the restored cluster's name, then for its writer's; the readers may follow later.

    The original's members leave their names meanwhile.
    """
    plan, own = event["plan"], event["restored"]["resourceId"]
    identifier = plan["identifier"]
    found = visible(own, plan["restoredAs"])
    if is_to_be_asked(found, plan["restoredAs"], identifier, plan["execution"]):
        lock.require(event)
        rename(plan["restoredAs"], identifier)
    rename_members(event, visible(plan["resourceId"], plan["renamedTo"]))
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


def is_to_be_asked(found: Description, name: str, new_name: str, execution: str) -> bool:
    """Whether the cluster still has its old name and nothing is under way."""
    # This execution tags it before it asks: without the tag somebody else has given it that name.
    if found["DBClusterIdentifier"] == new_name and is_tagged(found, execution):
        return False
    if found["DBClusterIdentifier"] != name:
        raise RenameFailed(
            f"Somebody has renamed it to {found['DBClusterIdentifier']}", identifier=name
        )
    if found["Status"] == "renaming":
        return False
    if found["Status"] not in TRIED:
        raise not_ready(found["Status"], BAD_CLUSTER, RenameFailed, name, unrenamed=name)
    return True


def rename(name: str, new_name: str) -> None:
    """Ask for a cluster's new name."""
    rds().modify_db_cluster(
        DBClusterIdentifier=name,
        NewDBClusterIdentifier=new_name,
        # Otherwise RDS waits for the maintenance window.
        ApplyImmediately=True,
    )


def rename_members(event: dict[str, Any], original: Description) -> None:
    """Tag the original's members and ask for their temporary names."""
    plan = event["plan"]
    lock.require(event)
    listed = {member["DBInstanceIdentifier"] for member in original["DBClusterMembers"]}
    for member in plan["members"]:
        # Somebody may have deleted it meanwhile: then neither of its names is listed.
        if not listed.isdisjoint({member["identifier"], member["renamedTo"]}):
            rename_member(member, plan["execution"])


def rename_member(member: dict[str, Any], execution: str) -> None:
    """Tag a member and ask for its temporary name."""
    found = instance_with(member["resourceId"])
    if found is None:
        raise StillInProgress("A member is not visible", identifier=member["identifier"])
    if found["DBInstanceIdentifier"] != member["identifier"]:
        return
    if found["DBInstanceStatus"] == "renaming":
        return
    rds().add_tags_to_resource(ResourceName=member["arn"], Tags=[in_progress_tag(execution)])
    rds().modify_db_instance(
        DBInstanceIdentifier=member["identifier"],
        NewDBInstanceIdentifier=member["renamedTo"],
        ApplyImmediately=True,
    )
