"""Copy step of an export: brings a cluster's snapshot to the region that exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.logs import logged
from trapheus.rds.access import cluster_snapshot, rds
from trapheus.rds.exports import make_copy

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import CopyDBClusterSnapshotMessageTypeDef

    from trapheus.rds.access import Tags


def copy(plan: dict[str, Any], tags: Tags) -> None:
    """Ask for the copy. RDS takes a key only for a snapshot that is encrypted (Aurora guide)."""
    asked: CopyDBClusterSnapshotMessageTypeDef = {
        "SourceDBClusterSnapshotIdentifier": plan["snapshot"],
        "SourceRegion": plan["ownRegion"],
        "TargetDBClusterSnapshotIdentifier": plan["task"],
        "Tags": tags,
    }
    if plan["isEncrypted"]:
        asked["KmsKeyId"] = plan["key"]
    rds(plan["region"]).copy_db_cluster_snapshot(**asked)


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Copy the snapshot; return the copy's name."""
    return make_copy(cluster_snapshot, copy, event)
