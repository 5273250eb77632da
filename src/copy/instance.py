"""Copy step of an export: brings an instance's snapshot to the region that exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.logs import logged
from trapheus.rds.access import rds, snapshot
from trapheus.rds.exports import make_copy

if TYPE_CHECKING:
    from trapheus.rds.access import Tags


def copy(plan: dict[str, Any], tags: Tags) -> None:
    """Ask for the copy, encrypted with the key of its region even if the snapshot is not."""
    rds(plan["region"]).copy_db_snapshot(
        SourceDBSnapshotIdentifier=plan["snapshot"],
        SourceRegion=plan["ownRegion"],
        TargetDBSnapshotIdentifier=plan["task"],
        KmsKeyId=plan["key"],
        Tags=tags,
    )


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Copy the snapshot; return the copy's name."""
    return make_copy(snapshot, copy, event)
