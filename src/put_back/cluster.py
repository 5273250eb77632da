"""Put-back step of the rollback: gives the original cluster and members their names again."""

from typing import Any

from botocore.exceptions import ClientError

from trapheus.constants import IN_PROGRESS_TAG
from trapheus.endpoints import give
from trapheus.errors import failing_as
from trapheus.exceptions import RollbackFailed, StateConflict, StillInProgress
from trapheus.logs import logged
from trapheus.rds import cluster_with, instance_with, is_marked, rds
from trapheus.waiters import BAD_CLUSTER, BAD_INSTANCE, ONLINE, not_ready


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Rename the original back and unmark it, as far as it is not done; driven by what RDS shows.

    Raises StillInProgress until the cluster and its members are online under their own names.
    """
    plan, execution = event["plan"], event["execution"]
    identifier = plan["identifier"]
    with failing_as(RollbackFailed, identifier, conflict=StillInProgress, exists=StateConflict):
        found = cluster_with(plan["resourceId"])
        if found is None or found["Status"] not in ONLINE:
            raise not_ready(
                found["Status"] if found else "", BAD_CLUSTER, RollbackFailed, identifier
            )
        # Members first: RDS takes no change of theirs while the cluster is being renamed, and each
        # of these renames is a reboot, which can so pass meanwhile.
        missing, refusals = {}, []
        for member in plan["members"]:
            try:
                missing[member["identifier"]] = put_member_back(member, execution)
            except ClientError as error:
                refusals.append(error)
        if found["DBClusterIdentifier"] != identifier:
            rds().modify_db_cluster(
                DBClusterIdentifier=found["DBClusterIdentifier"],
                NewDBClusterIdentifier=identifier,
                ApplyImmediately=True,
            )
            raise StillInProgress("The original is being renamed", identifier=identifier)
        # Only now: whatever becomes of a member, the cluster is to have its name.
        for refusal in refusals:
            raise refusal
        for name, status in missing.items():
            if status:
                raise not_ready(status, BAD_INSTANCE, RollbackFailed, name)
        give(plan["endpoints"], identifier)
        if is_marked(found, execution):
            rds().remove_tags_from_resource(
                ResourceName=found["DBClusterArn"], TagKeys=[IN_PROGRESS_TAG]
            )
    return {"name": identifier}


def put_member_back(member: dict[str, Any], execution: str) -> str:
    """Ask for a member's own name; its status as long as it is not online under that name."""
    found = instance_with(member["resourceId"])
    if found is None:
        return "not visible"
    if found["DBInstanceStatus"] not in ONLINE:
        return str(found["DBInstanceStatus"])
    if found["DBInstanceIdentifier"] != member["identifier"]:
        rds().modify_db_instance(
            DBInstanceIdentifier=found["DBInstanceIdentifier"],
            NewDBInstanceIdentifier=member["identifier"],
            ApplyImmediately=True,
        )
        return "renaming"
    if is_marked(found, execution):
        rds().remove_tags_from_resource(
            ResourceName=found["DBInstanceArn"], TagKeys=[IN_PROGRESS_TAG]
        )
    return ""
