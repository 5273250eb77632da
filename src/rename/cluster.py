"""Rename step: sets a cluster and its members aside under their temporary names."""

from typing import Any

from trapheus import lock
from trapheus.endpoints import release
from trapheus.errors import failing_as
from trapheus.exceptions import RenameFailed, StillInProgress
from trapheus.logs import logged
from trapheus.rds import cluster_with, instance_with, mark, rds
from trapheus.waiters import AVAILABLE, BAD_CLUSTER, not_ready


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Mark the original, and ask for the cluster's new name, then for the members'.

    What is asked for counts as done. Its custom endpoints are let go of first. The cluster comes
    before its members: its rename is without an outage, theirs is a reboot each.
    """
    plan = event["plan"]
    with failing_as(RenameFailed, plan["identifier"]):
        found = cluster_with(plan["resourceId"])
        if found is None:
            raise StillInProgress("The original is not visible", identifier=plan["identifier"])
        if found["DBClusterIdentifier"] == plan["identifier"]:
            if found["Status"] in AVAILABLE:
                lock.require(event)
                release(plan["endpoints"], plan["identifier"])
                set_cluster_aside(plan)
            raise not_ready(found["Status"], BAD_CLUSTER, RenameFailed, plan["identifier"])
        if found["DBClusterIdentifier"] != plan["aside"]:
            raise RenameFailed(
                f"Somebody has renamed it to {found['DBClusterIdentifier']}",
                identifier=plan["identifier"],
            )
        lock.require(event)
        listed = {member["DBInstanceIdentifier"] for member in found["DBClusterMembers"]}
        for member in plan["members"]:
            # Somebody may have deleted it meanwhile: then neither of its names is listed.
            if not listed.isdisjoint({member["identifier"], member["aside"]}):
                set_member_aside(member, plan["execution"])
    return {"name": plan["aside"]}


def set_cluster_aside(plan: dict[str, Any]) -> None:
    """Mark the cluster and ask for its temporary name."""
    rds().add_tags_to_resource(ResourceName=plan["arn"], Tags=[mark(plan["execution"])])
    rds().modify_db_cluster(
        DBClusterIdentifier=plan["identifier"],
        NewDBClusterIdentifier=plan["aside"],
        # Otherwise RDS waits for the maintenance window.
        ApplyImmediately=True,
    )


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
