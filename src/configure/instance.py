"""Configure step: gives the restored instance what a restore call does not take."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trapheus.configuration.attributes import INSTANCE
from trapheus.configuration.by_phase import (
    may_reboot,
    plan_in_phase,
    possible,
    remaining,
)
from trapheus.configuration.comparison import awaits_reboot, missing_roles
from trapheus.execution import lock
from trapheus.execution.constants import COPY, RESTORE_FIRST
from trapheus.execution.errors import failing_as, unless_done
from trapheus.execution.exceptions import (
    ConfigureFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import instance, rds
from trapheus.rds.source.passwords import give_password
from trapheus.rds.waiters import TRIED, instance_settled, wait, wait_for

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
@naming_events
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Add the roles, modify what differs, and reboot if a parameter group waits for that.

    The master password is set where the plan has a secret of one.
    What is already set is left alone. Beside its original the instance is not protected yet.
    """
    plan, since = plan_in_phase(event["plan"], event["phase"]), event["entered"]
    identifier = plan["identifier"]
    # Before the first wait: from here on nothing is rolled back any more.
    lock.require(event)
    # RDS takes no change while it is backing up, which may last for hours after a restore.
    ready = instance_settled(
        identifier, other_than=plan["resourceId"], statuses=(*TRIED, "storage-full")
    )
    wait(ready, otherwise=ConfigureFailed, identifier=identifier, since=since)
    with failing_as(ConfigureFailed, identifier, conflict=StillInProgress, exists=StateConflict):
        found = instance(identifier) or {}
        lock.require_restored(event, found.get("DbiResourceId"))
        for role in missing_roles(plan, found):
            rds().add_role_to_db_instance(
                DBInstanceIdentifier=identifier,
                RoleArn=role["RoleArn"],
                FeatureName=role["FeatureName"],
            )
        if remaining(INSTANCE, plan, found):
            changes = possible(INSTANCE, plan, found, found["DBInstanceStatus"])
            rds().modify_db_instance(
                DBInstanceIdentifier=identifier, ApplyImmediately=True, **changes
            )
            wait_for(
                lambda: not remaining(INSTANCE, plan, instance(identifier) or {}),
                context,
                identifier,
            )
        elif is_to_be_tried(event, found):
            # RDS may refuse to be asked for nothing: then it would have taken something.
            with unless_done(lambda: True):
                rds().modify_db_instance(
                    DBInstanceIdentifier=identifier,
                    DeletionProtection=False,
                    ApplyImmediately=True,
                )
    if may_reboot(plan, event["phase"]):
        # The reboot must not fall into the change.
        wait(ready, otherwise=ConfigureFailed, identifier=identifier, since=since)
        with failing_as(ConfigureFailed, identifier, conflict=StillInProgress):
            give_password(event, partial(set_password, identifier))
            if awaits_reboot(instance(identifier) or {}):
                rds().reboot_db_instance(DBInstanceIdentifier=identifier)
    return {"name": identifier}


def set_password(identifier: str, password: str) -> None:
    """Ask for another master password."""
    rds().modify_db_instance(
        DBInstanceIdentifier=identifier, MasterUserPassword=password, ApplyImmediately=True
    )


def is_to_be_tried(event: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether only a Modify can tell if RDS will take the copy's rename.

    Refused after the original has left its name, it would be an outage
    [fact: storage-initialization].
    """
    is_to_be_renamed = event["phase"] == COPY and event["plan"]["strategy"] == RESTORE_FIRST
    return bool(is_to_be_renamed and found["DBInstanceStatus"] == "storage-initialization")
