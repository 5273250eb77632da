"""Restore step: makes the cluster and its members again, under the planned names."""

from typing import Any

from botocore.exceptions import ClientError

from trapheus.execution import lock
from trapheus.execution.constants import RENAME_FIRST
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    NameTaken,
    RestoreFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import (
    Description,
    cluster,
    cluster_snapshot,
    in_progress_tag,
    is_tagged,
    rds,
)
from trapheus.rds.members import create
from trapheus.rds.multi_az import is_multi_az, tag_all_members
from trapheus.rds.source.copies import require_unchanged
from trapheus.rds.waiters import BAD_CLUSTER, not_ready


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Ask for the cluster, then for its members, the old writer first.

    What this execution has already asked for counts as done. A reader that RDS refuses here is
    asked for again in the finish phase, where it cannot roll back a writer that serves; beside a
    running original it is as good a reason to stop as any. Returns the snapshot, the moment of its
    data, ISO 8601, and the new resource id.
    """
    plan = event["plan"]
    identifier = plan["restoredAs"]
    with failing_as(RestoreFailed, identifier, conflict=StillInProgress, exists=StateConflict):
        lock.require(event)
        found = restore(plan)
        if is_multi_az(found):
            tag_all_members(found, plan["execution"])
        for index, member in enumerate(plan["members"]):
            try:
                create(member, plan)
            except (ClientError, RestoreFailed, NameTaken):
                # The first is the writer.
                if index == 0 or plan["strategy"] != RENAME_FIRST:
                    raise
    return {
        "snapshot": event["snapshot"]["name"],
        "dataAsOf": event["snapshot"]["dataAsOf"],
        "resourceId": found["DbClusterResourceId"],
    }


def restore(plan: dict[str, Any]) -> Description:
    """Ask for the cluster with all the configuration that the call takes; return what it shows.

    Raises StillInProgress as long as it does not show.
    """
    identifier, execution = plan["restoredAs"], plan["execution"]
    found = cluster(identifier)
    if found is None:
        require_unchanged(cluster_snapshot, plan)
        rds().restore_db_cluster_from_snapshot(
            DBClusterIdentifier=identifier,
            SnapshotIdentifier=plan.get("copiedTo", plan["snapshot"]),
            Tags=[*plan["tags"], in_progress_tag(execution)],
            # Set at the very end: a failed restore must stay removable.
            DeletionProtection=False,
            **plan["restore"],
        )
        # It takes members only once it shows.
        raise StillInProgress("The cluster is being made", identifier=identifier)
    if found["DbClusterResourceId"] == plan["resourceId"]:
        raise StillInProgress("The old name is still shown", identifier=identifier)
    if not is_tagged(found, execution):
        raise NameTaken(f"{identifier} is not of this execution.", identifier=identifier)
    if found["Status"] in BAD_CLUSTER:
        raise not_ready(found["Status"], BAD_CLUSTER, RestoreFailed, identifier)
    return found
