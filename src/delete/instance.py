"""Delete step: deletes the original that was renamed."""

from typing import Any

from trapheus.execution import lock
from trapheus.execution.errors import failing_as, unless_done
from trapheus.execution.exceptions import DeleteFailed, StillInProgress
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import instance, instance_with, is_tagged, rds
from trapheus.rds.deletion import (
    final_snapshot,
    require_serving,
    require_unprotected,
    seen,
)
from trapheus.rds.waiters import BAD_INSTANCE, DELETING


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take the protection off and ask for the deletion; a deletion under way counts as done."""
    plan, request = event["plan"], event["request"]
    # RDS refuses while it is backing up, for as long as that lasts.
    with failing_as(DeleteFailed, plan["renamedTo"], conflict=StillInProgress):
        found = seen(lambda: instance_with(plan["resourceId"]))
        if found is None or found["DBInstanceStatus"] in DELETING:
            return {"name": plan["renamedTo"]}
        # RDS deletes by name only: the name must still be that of this resource id.
        if found["DBInstanceIdentifier"] != plan["renamedTo"] or not is_tagged(
            found, plan["execution"]
        ):
            raise DeleteFailed(
                f"The original is {found['DBInstanceIdentifier']}, not {plan['renamedTo']} with"
                " the tag of this execution as it was renamed: nothing was deleted.",
                identifier=plan["renamedTo"],
            )
        named = seen(lambda: instance(plan["identifier"]))
        require_serving(event, named, "DbiResourceId", "DBInstanceStatus", BAD_INSTANCE)
        require_unprotected(plan, found, ())
        lock.require(event)
        if found.get("DeletionProtection"):
            with unless_done(lambda: not is_protected(plan)):
                rds().modify_db_instance(
                    DBInstanceIdentifier=plan["renamedTo"],
                    DeletionProtection=False,
                    ApplyImmediately=True,
                )
            raise StillInProgress("Its protection is being taken off", identifier=plan["renamedTo"])
        final = {"FinalDBSnapshotIdentifier": final_snapshot(plan)}
        rds().delete_db_instance(
            DBInstanceIdentifier=plan["renamedTo"],
            SkipFinalSnapshot=not request["finalSnapshot"],
            DeleteAutomatedBackups=request["deleteAutomatedBackups"],
            **(final if request["finalSnapshot"] else {}),
        )
    return {"name": plan["renamedTo"]}


def is_protected(plan: dict[str, Any]) -> bool:
    """Whether the original is still protected from deletion."""
    return bool((instance_with(plan["resourceId"]) or {}).get("DeletionProtection"))
