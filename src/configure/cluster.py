"""Configure step: gives the restored cluster what restore and create calls do not take."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trapheus.configuration.attributes import CLUSTER
from trapheus.configuration.by_phase import (
    may_reboot,
    plan_in_phase,
    possible,
    remaining,
)
from trapheus.configuration.comparison import (
    awaits_reboot,
    members_awaiting_reboot,
    missing_roles,
)
from trapheus.execution import lock
from trapheus.execution.constants import RESTORE_FIRST
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    ConfigureFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import cluster, cluster_with, instance, rds
from trapheus.rds.endpoints import give
from trapheus.rds.members import create, give_name, is_listed
from trapheus.rds.source.passwords import give_password
from trapheus.rds.waiters import (
    TRIED,
    cluster_settled,
    instance_settled,
    wait,
    wait_for,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
@naming_events
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Ask for missing members, add endpoints and roles, modify what differs, reboot.

    The master password is set where the plan has a secret of one.
    What is already there or set is left alone. Beside its original the cluster is neither protected
    nor has its custom endpoints yet.
    """
    plan, since = plan_in_phase(event["plan"], event["phase"]), event["entered"]
    identifier = plan["identifier"]
    with failing_as(ConfigureFailed, identifier, exists=StateConflict):
        lock.require(event)
        for member in missing(event, plan):
            create(member, plan)
    # RDS takes no change while it is backing up.
    ready = cluster_settled(identifier, other_than=plan["resourceId"], statuses=TRIED)
    wait(ready, otherwise=ConfigureFailed, identifier=identifier, since=since)
    if plan["endpoints"]:
        # They name members, which must be there.
        wait_for_members(plan, since)
    with failing_as(ConfigureFailed, identifier, conflict=StillInProgress, exists=StateConflict):
        found = cluster(identifier) or {}
        lock.require_restored(event, found.get("DbClusterResourceId"))
        give(plan["endpoints"], found)
        if plan["httpEndpoint"] and not found.get("HttpEndpointEnabled"):
            rds().enable_http_endpoint(ResourceArn=found["DBClusterArn"])
        for role in missing_roles(plan, found):
            # Aurora takes most roles without a feature.
            feature = {"FeatureName": role["FeatureName"]} if role["FeatureName"] else {}
            rds().add_role_to_db_cluster(
                DBClusterIdentifier=identifier, RoleArn=role["RoleArn"], **feature
            )
        if remaining(CLUSTER, plan, found):
            changes = possible(CLUSTER, plan, found, found["Status"])
            rds().modify_db_cluster(
                DBClusterIdentifier=identifier, ApplyImmediately=True, **changes
            )
            wait_for(
                lambda: not remaining(CLUSTER, plan, cluster(identifier) or {}),
                context,
                identifier,
            )
    wait_for_members(plan, since)
    if may_reboot(plan, event["phase"]):
        with failing_as(ConfigureFailed, identifier, conflict=StillInProgress):
            give_password(event, partial(set_password, identifier))
            reboot(plan)
    return {"name": identifier}


def missing(event: dict[str, Any], plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The members that have to be asked for; after a swap those that bear no name of the plan.

    The names of readers that are still to be swapped are asked for first.
    """
    if event["plan"]["strategy"] != RESTORE_FIRST or event["phase"] != "finish":
        return list(plan["members"])
    found = cluster_with(event["restored"]["resourceId"])
    if found is None:
        raise StillInProgress("The cluster is not visible", identifier=plan["identifier"])
    for member in event["plan"]["members"]:
        give_name(member, event["plan"], found)
    both = zip(plan["members"], event["plan"]["members"], strict=True)
    return [
        named
        for named, member in both
        if not (is_listed(found, named["identifier"]) or is_listed(found, member["restoredAs"]))
    ]


def wait_for_members(plan: dict[str, Any], since: str) -> None:
    """Wait until every member is there."""
    for member in plan["members"]:
        name = member["identifier"]
        there = instance_settled(name, other_than=member["resourceId"])
        wait(there, otherwise=ConfigureFailed, identifier=name, since=since)


def set_password(identifier: str, password: str) -> None:
    """Ask for another master password."""
    rds().modify_db_cluster(
        DBClusterIdentifier=identifier, MasterUserPassword=password, ApplyImmediately=True
    )


def reboot(plan: dict[str, Any]) -> None:
    """Reboot the members for which a parameter group, their own or the cluster's, waits."""
    waiting = members_awaiting_reboot(cluster(plan["identifier"]) or {})
    for member in plan["members"]:
        name = member["identifier"]
        if name in waiting or awaits_reboot(instance(name) or {}):
            rds().reboot_db_instance(DBInstanceIdentifier=name)
