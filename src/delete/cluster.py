"""Delete step: deletes the original cluster that was renamed, with its members."""

from typing import Any

from trapheus.execution import lock
from trapheus.execution.errors import failing_as, unless_done
from trapheus.execution.exceptions import DeleteFailed, StillInProgress
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds import members
from trapheus.rds.access import cluster, cluster_with, is_tagged, rds
from trapheus.rds.access import members as members_of
from trapheus.rds.deletion import (
    final_snapshot,
    require_known,
    require_serving,
    require_unprotected,
    seen,
)
from trapheus.rds.waiters import BAD_CLUSTER, DELETING


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take the protection off, ask for the deletion of members and cluster.

    A deletion under way counts as done. The members are those that the cluster has now, since
    auto scaling may have added one. Returns where the writes are that came after the snapshot.
    """
    plan, request = event["plan"], event["request"]
    # RDS refuses while it is backing up, for as long as that lasts.
    with failing_as(DeleteFailed, plan["renamedTo"], conflict=StillInProgress):
        found = seen(lambda: cluster_with(plan["resourceId"]))
        if found is None or found["Status"] in DELETING:
            return {"name": plan["renamedTo"]}
        # RDS deletes by name only: the name must still be that of this resource id.
        if found["DBClusterIdentifier"] != plan["renamedTo"] or not is_tagged(
            found, plan["execution"]
        ):
            raise DeleteFailed(
                f"The original is {found['DBClusterIdentifier']}, not {plan['renamedTo']} with"
                " the tag of this execution as it was renamed: nothing was deleted.",
                identifier=plan["renamedTo"],
            )
        named = seen(lambda: cluster(plan["identifier"]))
        require_serving(event, named, "DbClusterResourceId", "Status", BAD_CLUSTER)
        own = members_of(found)
        require_unprotected(plan, found, own)
        require_known(plan, own)
        lock.require(event)
        if found.get("DeletionProtection"):
            with unless_done(lambda: not is_protected(plan)):
                rds().modify_db_cluster(
                    DBClusterIdentifier=plan["renamedTo"],
                    DeletionProtection=False,
                    ApplyImmediately=True,
                )
            raise StillInProgress("Its protection is being taken off", identifier=plan["renamedTo"])
        members.delete(found)
        final = {"FinalDBSnapshotIdentifier": final_snapshot(plan)}
        rds().delete_db_cluster(
            DBClusterIdentifier=plan["renamedTo"],
            SkipFinalSnapshot=not request["finalSnapshot"],
            DeleteAutomatedBackups=request["deleteAutomatedBackups"],
            **(final if request["finalSnapshot"] else {}),
        )
    return {"name": plan["renamedTo"]}


def is_protected(plan: dict[str, Any]) -> bool:
    """Whether the original is still protected from deletion."""
    return bool((cluster_with(plan["resourceId"]) or {}).get("DeletionProtection"))
