"""Snapshot step: brings `<identifier>-snapshot` of a cluster up to date, and shares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import Description, Tags, cluster, rds
from trapheus.rds.snapshots import Calls, refresh
from trapheus.rds.waiters import (
    cluster_snapshot_available,
    cluster_snapshot_deleted,
)

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import FilterTypeDef


def resource_id(identifier: str) -> str:
    """The resource id of the cluster that has this name now; empty when none is shown."""
    return str((cluster(identifier) or {}).get("DbClusterResourceId", ""))


def find(names: list[str]) -> dict[str, Description]:
    """The snapshots of these names, in one look: a filter finds nothing where a name fails."""
    by_name: list[FilterTypeDef] = [{"Name": "db-cluster-snapshot-id", "Values": names}]
    answer = rds().describe_db_cluster_snapshots(Filters=by_name)
    found = cast("list[Description]", answer["DBClusterSnapshots"])
    return {each["DBClusterSnapshotIdentifier"]: each for each in found}


def create(name: str, identifier: str, tags: Tags) -> None:
    """Ask for a snapshot of the cluster."""
    rds().create_db_cluster_snapshot(
        DBClusterIdentifier=identifier, DBClusterSnapshotIdentifier=name, Tags=tags
    )


def copy(source: str, name: str, key: str, tags: Tags) -> None:
    """Ask for a copy of a snapshot under another key."""
    rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=source,
        TargetDBClusterSnapshotIdentifier=name,
        KmsKeyId=key,
        Tags=tags,
    )


def share(name: str, accounts: list[str]) -> None:
    """Let other accounts restore the snapshot [fact: sharing-a-snapshot]."""
    rds().modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=accounts
    )


def delete(name: str) -> None:
    """Ask for the snapshot's deletion."""
    rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take the snapshot; return its name and the moment of its data."""
    calls = Calls(
        resource_id,
        find,
        create,
        copy,
        share,
        delete,
        cluster_snapshot_available,
        cluster_snapshot_deleted,
        "DBClusterSnapshotArn",
    )
    return refresh(calls, event)
