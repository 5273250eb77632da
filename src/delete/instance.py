"""Delete step: deletes the original that was set aside."""

from typing import Any

from trapheus import lock
from trapheus.errors import failing_as, unless_done
from trapheus.exceptions import DeleteFailed, StillInProgress
from trapheus.logs import logged
from trapheus.originals import (
    final_snapshot,
    require_serving,
    require_unprotected,
    seen,
)
from trapheus.rds import instance, instance_with, is_marked, rds
from trapheus.waiters import BAD_INSTANCE, DELETING


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take the protection off and ask for the deletion; a deletion under way counts as done."""
    plan, request = event["plan"], event["request"]
    # RDS refuses while it is backing up, for as long as that lasts.
    with failing_as(DeleteFailed, plan["aside"], conflict=StillInProgress):
        found = seen(lambda: instance_with(plan["resourceId"]))
        if found is None or found["DBInstanceStatus"] in DELETING:
            return {"name": plan["aside"]}
        # RDS deletes by name only: the name must still be that of this resource id.
        if found["DBInstanceIdentifier"] != plan["aside"] or not is_marked(
            found, plan["execution"]
        ):
            raise DeleteFailed(
                f"The original is {found['DBInstanceIdentifier']}, not {plan['aside']} as set"
                " aside: nothing was deleted.",
                identifier=plan["aside"],
            )
        named = seen(lambda: instance(plan["identifier"]))
        require_serving(event, named, "DbiResourceId", "DBInstanceStatus", BAD_INSTANCE)
        require_unprotected(plan, found, ())
        lock.require(event)
        if found["DeletionProtection"]:
            with unless_done(lambda: not is_protected(plan)):
                rds().modify_db_instance(
                    DBInstanceIdentifier=plan["aside"],
                    DeletionProtection=False,
                    ApplyImmediately=True,
                )
            raise StillInProgress("Its protection is being taken off", identifier=plan["aside"])
        final = {"FinalDBSnapshotIdentifier": final_snapshot(plan)}
        rds().delete_db_instance(
            DBInstanceIdentifier=plan["aside"],
            SkipFinalSnapshot=not request["finalSnapshot"],
            DeleteAutomatedBackups=request["deleteAutomatedBackups"],
            **(final if request["finalSnapshot"] else {}),
        )
    return {"name": plan["aside"]}


def is_protected(plan: dict[str, Any]) -> bool:
    """Whether the original is still protected from deletion."""
    return bool((instance_with(plan["resourceId"]) or {}).get("DeletionProtection"))
