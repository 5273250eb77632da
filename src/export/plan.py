"""Plan step of an export: where the snapshot can be exported, and under which name."""

import os
from typing import Any

from botocore.exceptions import ClientError

from trapheus.execution.errors import code_of, failing_as
from trapheus.execution.exceptions import ExportFailed, ExportNotSupported
from trapheus.execution.logs import logged
from trapheus.rds.access import UNSUPPORTED, cluster_snapshot, rds, snapshot
from trapheus.rds.exports import ENGINES, export_name


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the plan of the export; one that is not `isPossible` says why in `reason`."""
    request, name = event["request"], event["snapshot"]
    with failing_as(ExportFailed, name):
        found = (cluster_snapshot if request["isCluster"] else snapshot)(name)
        if found is None:
            raise ExportFailed(f"The snapshot {name} does not exist any more.", identifier=name)
        if found["Engine"] not in ENGINES:
            return {"isPossible": False, "reason": f"RDS cannot export {found['Engine']}."}
        arn = found.get("DBClusterSnapshotArn") or found["DBSnapshotArn"]
        *service, own_region, account, kind, _ = arn.split(":")
        exports_here = can_export()
        region, key = (
            (own_region, os.environ["EXPORT_KEY"]) if exports_here else elsewhere(own_region)
        )
    task = export_name(request["identifier"], event["execution"])
    copy = ":".join([*service, region, account, kind, task])
    return {
        "isPossible": True,
        "isCopied": not exports_here,
        "isEncrypted": bool(found.get("StorageEncrypted", found.get("Encrypted"))),
        "identifier": request["identifier"],
        "snapshot": arn,
        "ownRegion": own_region,
        "region": region,
        "source": arn if exports_here else copy,
        "task": task,
        "bucket": f"rds-snapshots-{account}-{region}",
        "key": key,
        "role": os.environ["EXPORT_ROLE"],
    }


def can_export(region: str | None = None) -> bool:
    """Whether RDS exports snapshots in a region, the app's own or another; only a call tells."""
    try:
        rds(region).describe_export_tasks(MaxRecords=20)
    except ClientError as error:
        if code_of(error) not in ("InvalidParameterCombination", UNSUPPORTED):
            raise
        return False
    return True


def elsewhere(own_region: str) -> tuple[str, str]:
    """The region that the stack names for exports, and the key there."""
    region, key = os.environ["OTHER_REGION"], os.environ["OTHER_KEY"]
    if region and can_export(region):
        return region, key
    raise ExportNotSupported(
        f"RDS does not export snapshots in {region or own_region}: give the stack the parameters"
        " ExportSnapshotSupportedRegion, a region that does, and SnapshotCopyExportKmsKey, a KMS"
        " key there; or ExportSnapshots=false."
    )
