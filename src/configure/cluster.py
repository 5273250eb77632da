"""Configure step: gives the restored cluster what restore and create calls do not take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus import lock
from trapheus.attributes import CLUSTER
from trapheus.configuration import (
    awaits_reboot,
    members_awaiting_reboot,
    missing_roles,
    modifications,
)
from trapheus.endpoints import give
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigureFailed, StateConflict
from trapheus.logs import logged
from trapheus.members import create
from trapheus.rds import cluster, instance, rds
from trapheus.waiters import AVAILABLE, cluster_settled, instance_settled, wait, wait_for

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Ask for missing members, add endpoints and roles, modify what differs, reboot.

    What is already there or set is left alone.
    """
    plan, since = event["plan"], event["entered"]
    identifier = plan["identifier"]
    with failing_as(ConfigureFailed, identifier, exists=StateConflict):
        lock.require(event)
        for member in plan["members"]:
            create(member, plan)
    # RDS takes no change while it is backing up.
    ready = cluster_settled(identifier, other_than=plan["resourceId"], statuses=AVAILABLE)
    wait(ready, context, otherwise=ConfigureFailed, identifier=identifier, since=since)
    if plan["endpoints"]:
        # They name members, which must be there.
        wait_for_members(event, context)
    with failing_as(ConfigureFailed, identifier, exists=StateConflict):
        found = cluster(identifier) or {}
        lock.require_restored(event, found.get("DbClusterResourceId"))
        give(plan["endpoints"], identifier)
        if plan["httpEndpoint"] and not found.get("HttpEndpointEnabled"):
            rds().enable_http_endpoint(ResourceArn=plan["arn"])
        for role in missing_roles(plan, found):
            # Aurora takes most roles without a feature.
            feature = {"FeatureName": role["FeatureName"]} if role["FeatureName"] else {}
            rds().add_role_to_db_cluster(
                DBClusterIdentifier=identifier, RoleArn=role["RoleArn"], **feature
            )
        changes = modifications(CLUSTER, plan, found)
        if changes:
            rds().modify_db_cluster(
                DBClusterIdentifier=identifier, ApplyImmediately=True, **changes
            )
            wait_for(
                lambda: not modifications(CLUSTER, plan, cluster(identifier) or {}),
                context,
                identifier,
            )
    wait_for_members(event, context)
    with failing_as(ConfigureFailed, identifier):
        reboot(plan)
    return {"name": identifier}


def wait_for_members(event: dict[str, Any], context: LambdaContext) -> None:
    """Wait until every member is there."""
    for member in event["plan"]["members"]:
        name = member["identifier"]
        made = instance_settled(name, other_than=member["resourceId"])
        wait(made, context, otherwise=ConfigureFailed, identifier=name, since=event["entered"])


def reboot(plan: dict[str, Any]) -> None:
    """Reboot the members for which a parameter group, their own or the cluster's, waits."""
    waiting = members_awaiting_reboot(cluster(plan["identifier"]) or {})
    for member in plan["members"]:
        name = member["identifier"]
        if name in waiting or awaits_reboot(instance(name) or {}):
            rds().reboot_db_instance(DBInstanceIdentifier=name)
