"""Export step: starts the export task, and comes back until it has ended."""

from typing import Any

from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    BucketMissing,
    ExportFailed,
    ExportIncomplete,
    StillInProgress,
    TrapheusError,
)
from trapheus.execution.logs import logged
from trapheus.rds.access import rds
from trapheus.rds.exports import RUNNING, export_task, key_refused
from trapheus.rds.waiters import is_over


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Export the snapshot; return the task and where its objects are."""
    plan = event["export"]
    task, where = plan["task"], f"s3://{plan['bucket']}/{plan['identifier']}/{plan['task']}"
    with failing_as(ExportFailed, task, exists=StillInProgress, refusals=refusals(plan)):
        found = export_task(plan)
        if found is None:
            start(plan)
            raise StillInProgress(f"The export {task} has been asked for", identifier=task)
    if found["Status"] == "COMPLETE":
        if left_out := found.get("WarningMessage"):
            raise ExportIncomplete(f"The export {where} is incomplete: {left_out}", identifier=task)
        return {"task": task, "objects": where}
    if found["Status"] in RUNNING and not is_over(event["entered"]):
        raise StillInProgress(f"The export {task} is {found['Status']}", identifier=task)
    reason = found.get("FailureCause") or "RDS gave no reason."
    raise ExportFailed(f"The export {task} is {found['Status']}: {reason}", identifier=task)


def start(plan: dict[str, Any]) -> None:
    """Ask for the export, which goes into a folder of the database's name."""
    rds(plan["region"]).start_export_task(
        ExportTaskIdentifier=plan["task"],
        SourceArn=plan["source"],
        S3BucketName=plan["bucket"],
        S3Prefix=plan["identifier"],
        IamRoleArn=plan["role"],
        KmsKeyId=plan["key"],
    )


def refusals(plan: dict[str, Any]) -> dict[str, tuple[type[TrapheusError], str]]:
    """What RDS refuses until somebody does something about it."""
    bucket, region = plan["bucket"], plan["region"]
    return {
        "InvalidS3BucketFault": (
            BucketMissing,
            f"RDS cannot write into the bucket {bucket} of {region}: make it there, with the"
            f" command `aws s3api create-bucket` of docs/export.md.",
        ),
        "KMSKeyNotAccessibleFault": key_refused(plan),
        # RDS runs five at a time in a region. [fact: exports-at-a-time]
        "ExportTaskLimitReachedFault": (
            StillInProgress,
            f"The export {plan['task']} waits for its turn: RDS runs five at a time",
        ),
    }
