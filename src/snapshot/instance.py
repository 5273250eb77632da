"""Snapshot step: brings `<identifier>-snapshot` of an instance up to date, and shares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from trapheus.execution.exceptions import StillInProgress
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import Description, Tags, instance, rds
from trapheus.rds.snapshots import Calls, refresh
from trapheus.rds.waiters import snapshot_available, snapshot_deleted

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import FilterTypeDef


def resource_id(identifier: str) -> str:
    """The resource id of the instance that has this name now; empty when none is shown.

    Raises StillInProgress while it is backing up, when RDS takes no snapshot of it.
    """
    found = instance(identifier) or {}
    if found.get("DBInstanceStatus") == "backing-up":
        raise StillInProgress(f"{identifier} is backing-up", identifier=identifier)
    return str(found.get("DbiResourceId", ""))


def find(names: list[str]) -> dict[str, Description]:
    """The snapshots of these names, in one look: a filter finds nothing where a name fails."""
    by_name: list[FilterTypeDef] = [{"Name": "db-snapshot-id", "Values": names}]
    found = cast("list[Description]", rds().describe_db_snapshots(Filters=by_name)["DBSnapshots"])
    return {each["DBSnapshotIdentifier"]: each for each in found}


def create(name: str, identifier: str, tags: Tags) -> None:
    """Ask for a snapshot of the instance."""
    rds().create_db_snapshot(DBInstanceIdentifier=identifier, DBSnapshotIdentifier=name, Tags=tags)


def copy(source: str, name: str, key: str, tags: Tags) -> None:
    """Ask for a copy of a snapshot under another key."""
    rds().copy_db_snapshot(
        SourceDBSnapshotIdentifier=source,
        TargetDBSnapshotIdentifier=name,
        KmsKeyId=key,
        Tags=tags,
    )


def share(name: str, accounts: list[str]) -> None:
    """Let other accounts restore the snapshot [fact: sharing-a-snapshot]."""
    rds().modify_db_snapshot_attribute(
        DBSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=accounts
    )


def delete(name: str) -> None:
    """Ask for the snapshot's deletion."""
    rds().delete_db_snapshot(DBSnapshotIdentifier=name)


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
        snapshot_available,
        snapshot_deleted,
        "DBSnapshotArn",
    )
    return refresh(calls, event)
