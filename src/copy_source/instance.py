"""Copy-source step: copies an instance's snapshot that RDS cannot restore as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import rds, snapshot
from trapheus.rds.source.copies import make_copy

if TYPE_CHECKING:
    from trapheus.rds.access import Tags


def copy(name: str, how: dict[str, Any], tags: Tags) -> None:
    """Ask for the copy."""
    source = how.pop("source")
    rds().copy_db_snapshot(
        SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=name, Tags=tags, **how
    )


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Copy the snapshot under the target's key; return the copy's name once it is available."""
    return make_copy(snapshot, copy, event)
