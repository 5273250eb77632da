"""Snapshot step: brings `<identifier>-snapshot` of a cluster up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.logs import logged
from trapheus.rds import Tags, cluster, cluster_snapshot, rds
from trapheus.snapshots import Calls, refresh
from trapheus.waiters import cluster_snapshot_available, cluster_snapshot_deleted

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def resource_id(identifier: str) -> str:
    """The resource id of the cluster that has this name now; empty when none is shown."""
    return str((cluster(identifier) or {}).get("DbClusterResourceId", ""))


def create(name: str, identifier: str, tags: Tags) -> None:
    """Ask for a snapshot of the cluster."""
    rds().create_db_cluster_snapshot(
        DBClusterIdentifier=identifier, DBClusterSnapshotIdentifier=name, Tags=tags
    )


def delete(name: str) -> None:
    """Ask for the snapshot's deletion."""
    rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take the snapshot; return its name and the moment of its data."""
    calls = Calls(
        resource_id,
        cluster_snapshot,
        create,
        delete,
        cluster_snapshot_available,
        cluster_snapshot_deleted,
    )
    return refresh(calls, event, context)
