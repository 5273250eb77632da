"""Snapshot step: brings `<identifier>-snapshot` of an instance up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.logs import logged
from trapheus.rds import Tags, instance, rds, snapshot
from trapheus.snapshots import Calls, refresh
from trapheus.waiters import snapshot_available, snapshot_deleted

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def resource_id(identifier: str) -> str:
    """The resource id of the instance that has this name now; empty when none is shown."""
    return str((instance(identifier) or {}).get("DbiResourceId", ""))


def create(name: str, identifier: str, tags: Tags) -> None:
    """Ask for a snapshot of the instance."""
    rds().create_db_snapshot(DBInstanceIdentifier=identifier, DBSnapshotIdentifier=name, Tags=tags)


def delete(name: str) -> None:
    """Ask for the snapshot's deletion."""
    rds().delete_db_snapshot(DBSnapshotIdentifier=name)


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take the snapshot; return its name and the moment of its data."""
    calls = Calls(resource_id, snapshot, create, delete, snapshot_available, snapshot_deleted)
    return refresh(calls, event, context)
