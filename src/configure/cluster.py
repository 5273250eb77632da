"""Configure step: gives the restored cluster what restore and create calls do not take."""

from typing import Any

from trapheus.configuration import CLUSTER, missing_roles, modifications
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigureFailed, StillInProgress
from trapheus.members import create
from trapheus.rds import cluster, rds


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Ask for missing members, add the roles and modify what differs."""
    plan = event["plan"]
    identifier = plan["identifier"]
    with failing_as(ConfigureFailed, identifier):
        for member in plan["members"]:
            create(member, identifier, event["execution"])
        found = cluster(identifier)
        if found is None:
            raise StillInProgress("not visible yet", identifier=identifier)
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
    return {"name": identifier}
