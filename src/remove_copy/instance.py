"""Remove-copy step of an export: deletes the copy of an instance's snapshot."""

from typing import Any

from trapheus.execution.logs import logged
from trapheus.rds.access import rds, snapshot
from trapheus.rds.exports import remove_copy


def delete(name: str, region: str) -> None:
    """Ask for the copy's deletion."""
    rds(region).delete_db_snapshot(DBSnapshotIdentifier=name)


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Delete the copy, if there is one of this execution."""
    return remove_copy(snapshot, delete, event)
