"""Rollback step: gives the original cluster its names again, driven by what RDS shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from trapheus import lock, members
from trapheus.constants import IN_PROGRESS_TAG
from trapheus.endpoints import give
from trapheus.errors import failing_as
from trapheus.exceptions import RollbackFailed, StateConflict, StillInProgress
from trapheus.logs import logged
from trapheus.rds import Description, cluster, cluster_with, instance_with, is_marked, rds
from trapheus.rollback import look_twice, require_own, telling_delay
from trapheus.waiters import BAD_CLUSTER, BAD_INSTANCE, DELETING, ONLINE, not_ready


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Do the next thing that two looks a minute apart agree on; done when both show all done.

    Raises StillInProgress until then, so that it looks anew after everything that it does. Returns
    the moment `at` which the original was whole, ISO 8601.
    """
    plan = event["plan"]
    identifier = plan["identifier"]
    # RDS refuses changes in many statuses, for as long as they last.
    with (
        telling_delay(event),
        failing_as(RollbackFailed, identifier, conflict=StillInProgress, exists=StateConflict),
    ):
        original, named, *own = look_twice(lambda: look(plan), identifier)
        lock.require_holder(event)
        if named and named["DbClusterResourceId"] != plan["resourceId"]:
            remove(plan, named)
            raise StillInProgress("What was restored is being removed", identifier=identifier)
        if not put_back(plan, original, own):
            raise StillInProgress("The original is being put back", identifier=identifier)
    return {"name": identifier, "at": datetime.now(UTC).isoformat(timespec="seconds")}


def look(plan: dict[str, Any]) -> list[Description | None]:
    """The original, what has the identifier, and the original's members, whatever their names."""
    return [
        cluster_with(plan["resourceId"]),
        cluster(plan["identifier"]),
        *(instance_with(member["resourceId"]) for member in plan["members"]),
    ]


def remove(plan: dict[str, Any], found: Description) -> None:
    """Ask for the deletion of a half-made cluster, if it is of the plan's execution."""
    require_own(plan, found, "ClusterCreateTime")
    # Its members as they are now, since auto scaling may have added one.
    members.delete(found)
    if found["Status"] not in DELETING:
        rds().delete_db_cluster(
            DBClusterIdentifier=plan["identifier"],
            SkipFinalSnapshot=True,
            DeleteAutomatedBackups=True,
        )


def put_back(
    plan: dict[str, Any], original: Description | None, own: list[Description | None]
) -> bool:
    """Ask for what the original still lacks: names, custom endpoints, being without the mark."""
    identifier = plan["identifier"]
    if original is None or original["Status"] not in ONLINE:
        status = original["Status"] if original else ""
        raise not_ready(status, BAD_CLUSTER, RollbackFailed, identifier)
    # Members first: RDS takes no change of theirs while the cluster is being renamed, and each of
    # these renames is a reboot, which can so pass meanwhile.
    whole, refusals = True, []
    for member, found in zip(plan["members"], own, strict=True):
        try:
            whole &= put_member_back(plan, member, found, original)
        except (ClientError, RollbackFailed) as error:
            refusals.append(error)
    if original["DBClusterIdentifier"] != identifier:
        rds().modify_db_cluster(
            DBClusterIdentifier=original["DBClusterIdentifier"],
            NewDBClusterIdentifier=identifier,
            ApplyImmediately=True,
        )
        return False
    # Only now: whatever becomes of a member, the cluster is to have its name.
    for refusal in refusals:
        raise refusal
    if not whole:
        return False
    if not give(plan["endpoints"], identifier):
        return False
    if is_marked(original, plan["execution"]):
        rds().remove_tags_from_resource(
            ResourceName=original["DBClusterArn"], TagKeys=[IN_PROGRESS_TAG]
        )
        return False
    return True


def put_member_back(
    plan: dict[str, Any],
    member: dict[str, Any],
    found: Description | None,
    original: Description,
) -> bool:
    """Ask for what a member still lacks; whether it lacks nothing."""
    name = member["identifier"]
    if found is None:
        # Somebody may have deleted it meanwhile: then neither of its names is listed any more.
        listed = {listed["DBInstanceIdentifier"] for listed in original["DBClusterMembers"]}
        return listed.isdisjoint({name, member["aside"]})
    if found["DBInstanceStatus"] in DELETING:
        return True
    if found["DBInstanceStatus"] not in ONLINE:
        if found["DBInstanceStatus"] in BAD_INSTANCE:
            raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RollbackFailed, name)
        return False
    if found["DBInstanceIdentifier"] != name:
        rds().modify_db_instance(
            DBInstanceIdentifier=found["DBInstanceIdentifier"],
            NewDBInstanceIdentifier=name,
            ApplyImmediately=True,
        )
        return False
    if is_marked(found, plan["execution"]):
        rds().remove_tags_from_resource(
            ResourceName=found["DBInstanceArn"], TagKeys=[IN_PROGRESS_TAG]
        )
        return False
    return True
