"""Delete step: deletes the original cluster that was set aside, with its members."""

from typing import Any

from trapheus import lock, members
from trapheus.errors import failing_as, unless_done
from trapheus.exceptions import DeleteFailed, StillInProgress
from trapheus.logs import logged
from trapheus.originals import (
    final_snapshot,
    require_serving,
    require_unprotected,
    seen,
)
from trapheus.rds import cluster, cluster_with, is_marked, rds
from trapheus.rds import members as members_of
from trapheus.waiters import BAD_CLUSTER, DELETING


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take the protection off, ask for the deletion of members and cluster.

    A deletion under way counts as done. The members are those that the cluster has now, since
    auto scaling may have added one. Returns where the writes are that came after the snapshot.
    """
    plan, request = event["plan"], event["request"]
    # RDS refuses while it is backing up, for as long as that lasts.
    with failing_as(DeleteFailed, plan["aside"], conflict=StillInProgress):
        found = seen(lambda: cluster_with(plan["resourceId"]))
        if found is None or found["Status"] in DELETING:
            return {"name": plan["aside"]}
        # RDS deletes by name only: the name must still be that of this resource id.
        if found["DBClusterIdentifier"] != plan["aside"] or not is_marked(found, plan["execution"]):
            raise DeleteFailed(
                f"The original is {found['DBClusterIdentifier']}, not {plan['aside']} as set"
                " aside: nothing was deleted.",
                identifier=plan["aside"],
            )
        named = seen(lambda: cluster(plan["identifier"]))
        require_serving(event, named, "DbClusterResourceId", "Status", BAD_CLUSTER)
        require_unprotected(plan, found, members_of(found))
        lock.require(event)
        if found["DeletionProtection"]:
            with unless_done(lambda: not is_protected(plan)):
                rds().modify_db_cluster(
                    DBClusterIdentifier=plan["aside"],
                    DeletionProtection=False,
                    ApplyImmediately=True,
                )
            raise StillInProgress("Its protection is being taken off", identifier=plan["aside"])
        members.delete(found)
        final = {"FinalDBSnapshotIdentifier": final_snapshot(plan)}
        rds().delete_db_cluster(
            DBClusterIdentifier=plan["aside"],
            SkipFinalSnapshot=not request["finalSnapshot"],
            DeleteAutomatedBackups=request["deleteAutomatedBackups"],
            **(final if request["finalSnapshot"] else {}),
        )
    return {"name": plan["aside"]}


def is_protected(plan: dict[str, Any]) -> bool:
    """Whether the original is still protected from deletion."""
    return bool((cluster_with(plan["resourceId"]) or {}).get("DeletionProtection"))
