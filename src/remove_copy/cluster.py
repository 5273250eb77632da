"""Remove-copy step of an export: deletes the copy of a cluster's snapshot."""

from typing import Any

from trapheus.execution.logs import logged
from trapheus.rds.access import cluster_snapshot, rds
from trapheus.rds.exports import remove_copy


def delete(name: str, region: str) -> None:
    """Ask for the copy's deletion."""
    rds(region).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Delete the copy, if there is one of this execution."""
    return remove_copy(cluster_snapshot, delete, event)
