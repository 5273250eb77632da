"""Configure step: gives the restored instance what a restore call does not take."""

from typing import Any

from trapheus.configuration import INSTANCE, missing_roles, modifications
from trapheus.errors import failing_as
from trapheus.exceptions import ConfigureFailed, StillInProgress
from trapheus.rds import instance, rds


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Add the roles and modify what differs; what is already set is left alone."""
    plan = event["plan"]
    identifier = plan["identifier"]
    with failing_as(ConfigureFailed, identifier):
        found = instance(identifier)
        if found is None:
            raise StillInProgress("not visible yet", identifier=identifier)
        for role in missing_roles(plan, found):
            rds().add_role_to_db_instance(
                DBInstanceIdentifier=identifier,
                RoleArn=role["RoleArn"],
                FeatureName=role["FeatureName"],
            )
        changes = modifications(INSTANCE, plan, found)
        if changes:
            rds().modify_db_instance(
                DBInstanceIdentifier=identifier, ApplyImmediately=True, **changes
            )
    return {"name": identifier}
