"""The operations on export tasks: the data of a snapshot goes into a bucket, over hours."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import settings
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.resources import Export, arn_parts
from local.emulator.rds.timing import PHASES

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

SOURCES = ("snapshot", "cluster-snapshot", "cluster")
# [fact: engines-that-export]
ENGINES = frozenset({"aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "postgres"})
# [fact: names-of-exports]
IDENTIFIER = re.compile(r"^(?=.{1,60}$)[A-Za-z](?:-?[A-Za-z0-9])*$")
SERVICE = "export.rds.amazonaws.com"
# On the bucket and on the objects in it. [fact: role-of-an-export]
NEEDED = (
    ("s3:ListBucket", ""), ("s3:GetBucketLocation", ""), ("s3:PutObject", "/"),
    ("s3:GetObject", "/"), ("s3:DeleteObject", "/"),
)  # fmt: skip


@operation("StartExportTask")
def start(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to export a snapshot, or a cluster.

    [fact: prefix-of-an-export]
    """
    require_support(rds)
    name = free_name(rds, parameters["ExportTaskIdentifier"])
    source = find_source(rds, parameters["SourceArn"])
    if ":" in parameters.get("S3Prefix", ""):
        raise RdsError("InvalidParameterValue", "The S3 prefix can't contain a colon.")
    wanted = {
        "ExportTaskIdentifier": name,
        "SourceArn": parameters["SourceArn"],
        "SourceType": "CLUSTER" if source.kind == "cluster" else "SNAPSHOT",
        "ExportOnly": parameters.get("ExportOnly", []),
        "S3Bucket": parameters["S3BucketName"],
        "S3Prefix": parameters.get("S3Prefix", ""),
        "IamRoleArn": parameters["IamRoleArn"],
        "KmsKeyId": parameters["KmsKeyId"],
    }
    wanted["KmsKeyId"] = check(rds, wanted)
    require_room(rds, wanted["SourceArn"])
    if "SnapshotCreateTime" in source.shown:
        wanted["SnapshotTime"] = source.shown["SnapshotCreateTime"]
    task = Export(
        {**wanted, "Status": "STARTING", "PercentProgress": 0, "TotalExtractedDataInGB": 0},
        dict(rds.export_ending),
        source.data,
    )
    rds.exporting[name] = task
    play(rds, task)
    return task.shown


def require_support(rds: Rds) -> None:
    """Refuse everything about exports in a region without them.

    [fact: regions-without-exports]
    """
    if not rds.exports:
        raise settings.combination(f"Export to S3 is not currently supported in {rds.region}.")


def free_name(rds: Rds, name: str) -> str:
    """The identifier, refused when it is none or has been used at any time before.

    [fact: names-of-exports]
    """
    if not IDENTIFIER.match(name):
        raise RdsError(
            "InvalidParameterValue",
            "The parameter ExportTaskIdentifier is not a valid identifier. It must begin with a "
            "letter, contain only ASCII letters, digits and single hyphens, not end with a hyphen, "
            "and have at most 60 characters.",
        )
    if name in rds.exporting:
        raise RdsError("ExportTaskAlreadyExists", f"The export task {name} already exists.")
    return name


def find_source(rds: Rds, arn: str) -> Resource:
    """The snapshot or cluster of this ARN, when it can be exported now.

    [fact: engines-that-export] [fact: source-of-an-export]
    """
    region, account, kind, name = arn_parts(arn)
    if kind not in SOURCES or (region, account) != (rds.region, rds.account):
        raise RdsError("InvalidParameterValue", f"Invalid source ARN: {arn}")
    source = rds.find(kind, name)
    if source.true_status != "available":
        raise RdsError(
            "InvalidExportSourceState",
            f"The {KINDS[kind].word} {name} is {source.true_status} and not available.",
        )
    if source.shown["Engine"] not in ENGINES:
        raise RdsError(
            "InvalidExportSourceState",
            f"The engine {source.shown['Engine']} does not support exports to S3.",
        )
    return source


def check(rds: Rds, wanted: dict[str, Any]) -> str:
    """Refuse a bucket, role or key that cannot be used; return the ARN of the key.

    [fact: bucket-of-an-export] [fact: role-of-an-export] [fact: key-of-an-export]
    """
    bucket, role, around = wanted["S3Bucket"], wanted["IamRoleArn"], rds.other_services
    if not around.bucket_is_in(bucket, rds.region):
        raise RdsError(
            "InvalidS3BucketFault", f"The bucket {bucket} does not exist in {rds.region}."
        )
    if not around.role_exists(role):
        raise RdsError("IamRoleNotFound", f"The IAM role {role} does not exist.")
    objects = f"arn:aws:s3:::{bucket}/{folder(wanted)}/any"
    allowed = all(
        around.role_allows(role, action, objects if part else f"arn:aws:s3:::{bucket}")
        for action, part in NEEDED
    )
    if not allowed or not around.role_trusts(role, SERVICE, wanted["SourceArn"]):
        raise RdsError(
            "IamRoleMissingPermissions",
            f"The IAM role {role} lacks permissions on the bucket {bucket}, or does not trust "
            f"{SERVICE}.",
        )
    key = around.usable_key(wanted["KmsKeyId"], rds.region)
    if not key:
        raise RdsError(
            "KMSKeyNotAccessibleFault",
            f"The KMS key [{wanted['KmsKeyId']}] does not exist, is not enabled or can't be used "
            "for an export.",
        )
    return key


def require_room(rds: Rds, arn: str) -> None:
    """Refuse a second export of the same source, and one more than the quota.

    [fact: one-export-of-a-source] [fact: exports-at-a-time]
    """
    running = [task.shown for task in rds.exporting.values() if task.running]
    if any(shown["SourceArn"] == arn for shown in running):
        raise RdsError("InvalidExportSourceState", f"{arn} is already being exported.")
    most = rds.quotas["export task"]
    if len(running) >= most:
        raise RdsError(
            "ExportTaskLimitReachedFault",
            f"You have reached the limit of {most} concurrent export tasks.",
        )


def folder(shown: dict[str, Any]) -> str:
    """Where in the bucket the objects of a task are."""
    return "/".join(part for part in (shown["S3Prefix"], shown["ExportTaskIdentifier"]) if part)


def play(rds: Rds, task: Export) -> None:
    """Let a task go through its phases, which a cancellation or a failure cuts short."""
    steps = {"STARTING": appear, "IN_PROGRESS": extract}
    course = list(rds.course("export"))
    for phase, begins, _ in course:
        if phase.name in steps:
            rds.later(begins, partial(steps[phase.name], rds, task))
    rds.later(course[-1][2], partial(finish, rds, task))


def appear(rds: Rds, task: Export) -> None:
    """From now on Describe shows the task."""
    task.hidden = False
    rds.tell("export", task.shown["ExportTaskIdentifier"], "", task.shown["Status"])


def extract(rds: Rds, task: Export) -> None:
    """The restored copy is ready, and the data begins to flow."""
    if still_possible(rds, task):
        task.shown["TaskStartTime"] = rds.when()
        end_in(rds, task, "IN_PROGRESS")


def finish(rds: Rds, task: Export) -> None:
    """The end that was meant for the task, with its objects in the bucket when it is complete."""
    if not still_possible(rds, task):
        return
    if task.ending["outcome"] != "COMPLETE":
        fail(rds, task, task.ending["cause"])
        return
    if task.ending["warning"]:
        task.shown["WarningMessage"] = task.ending["warning"]
    task.shown |= {"PercentProgress": 100, "TotalExtractedDataInGB": 1, "TaskEndTime": rds.when()}
    end_in(rds, task, "COMPLETE")
    write(rds, task)


def still_possible(rds: Rds, task: Export) -> bool:
    """Whether a task goes on; it fails when what it needs has gone meanwhile.

    [fact: exports-lose-what-they-need]
    """
    if not task.running:
        return False
    try:
        find_source(rds, task.shown["SourceArn"])
        check(rds, task.shown)
    except RdsError as error:
        fail(rds, task, error.message)
        return False
    return True


def fail(rds: Rds, task: Export, cause: str) -> None:
    """The end of a task that failed."""
    task.shown |= {"FailureCause": cause, "TaskEndTime": rds.when()}
    end_in(rds, task, "FAILED")


def end_in(rds: Rds, task: Export, status: str) -> None:
    """Let a task be seen in a status, and tell it."""
    before, task.shown["Status"] = task.shown["Status"], status
    rds.tell("export", task.shown["ExportTaskIdentifier"], before, status)


def write(rds: Rds, task: Export) -> None:
    """The object that sums an export up; AUG names it. `data` stands for all the others."""
    shown = task.shown
    key = f"{folder(shown)}/export_info_{shown['ExportTaskIdentifier']}.json"
    facts = {name[0].lower() + name[1:]: value for name, value in shown.items()}
    body = json.dumps({**facts, "data": task.data}, default=str).encode()
    rds.other_services.put_object(shown["S3Bucket"], key, body, shown["KmsKeyId"])


@operation("DescribeExportTasks")
def describe(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """One task, those of a source, those that fit the filters, or all."""
    require_support(rds)
    name = parameters.get("ExportTaskIdentifier")
    found = [seen(rds, name).shown] if name else list(rds.export_tasks.values())
    for asked in ("SourceArn", "SourceType"):
        if asked in parameters:
            found = [shown for shown in found if shown[asked] == parameters[asked]]
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "export-task-identifier": lambda shown: str(shown["ExportTaskIdentifier"]),
            "s3-bucket": lambda shown: str(shown["S3Bucket"]),
            "source-arn": lambda shown: str(shown["SourceArn"]),
            "status": lambda shown: str(shown["Status"]).lower(),
        },
        exactly=True,
    )
    return page(found, parameters, "ExportTasks")


def find(rds: Rds, name: str) -> Export:
    """The task of this identifier.

    [fact: named-errors]
    """
    task = rds.exporting.get(name)
    if task is None:
        raise RdsError("ExportTaskNotFound", f"The export task {name} does not exist.")
    return task


def seen(rds: Rds, name: str) -> Export:
    """The same for a call that only looks.

    [fact: named-errors]
    """
    task = find(rds, name)
    if task.hidden:
        raise RdsError("ExportTaskNotFound", f"The export task {name} does not exist.")
    return task


@operation("CancelExportTask")
def cancel(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """End a running task; what it has written stays.

    [fact: cancelled-exports-leave-objects] [fact: named-errors]
    """
    require_support(rds)
    task = find(rds, parameters["ExportTaskIdentifier"])
    if not task.running:
        raise RdsError(
            "InvalidExportTaskStateFault",
            f"The export task is {task.shown['Status']} and can't be cancelled.",
        )
    end_in(rds, task, "CANCELING")

    def act() -> None:
        task.shown["TaskEndTime"] = rds.when()
        end_in(rds, task, "CANCELED")

    rds.later(rds.after(PHASES["cancel export"][0]), act)
    return task.shown
