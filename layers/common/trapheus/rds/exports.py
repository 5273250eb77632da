"""How a snapshot is copied to a region that can export it, for instances and clusters alike.

Each look is one call: copies and exports take hours, in which the state machine asks once a
minute. A Lambda that waits would cost more.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trapheus.execution.errors import code_of, failing_as
from trapheus.execution.exceptions import (
    CopyFailed,
    KeyNotAccessible,
    NameTaken,
    StillInProgress,
    TrapheusError,
)
from trapheus.rds.access import in_progress_tag, is_tagged, only, rds
from trapheus.rds.waiters import DELETING, is_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.rds.access import Description, Tags

    Find = Callable[[str, str], Description | None]
    Copy = Callable[[dict[str, Any], Tags], object]
    Delete = Callable[[str, str], object]

# [fact: engines-that-export]
ENGINES = ("aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "postgres")
RUNNING = ("CANCELING", "IN_PROGRESS", "STARTING")


def export_name(identifier: str, execution: str) -> str:
    """What the export task and the copy for it are called: the same in every try.

    A task's identifier has at most 60 characters and is never free again.
    [fact: names-of-exports]
    """
    digest = hashlib.sha256(execution.encode()).hexdigest()[:32]
    return f"{identifier[:27].rstrip('-')}-{digest}"


def export_task(plan: dict[str, Any]) -> Description | None:
    """The export task of this plan, None while RDS knows of none."""
    name = plan["task"]
    return only(
        lambda: rds(plan["region"]).describe_export_tasks(ExportTaskIdentifier=name)["ExportTasks"]
    )


def key_refused(plan: dict[str, Any]) -> tuple[type[KeyNotAccessible], str]:
    """The error for a KMS key that RDS cannot use, and what to do about it."""
    advice = (
        "give the stack another one of that region as SnapshotCopyExportKmsKey, with the key"
        " policy of docs/export.md"
        if plan["isCopied"]
        else "cancel its deletion"
    )
    return KeyNotAccessible, (
        f"RDS cannot use the KMS key {plan['key']} in {plan['region']}: enable it, or {advice}."
    )


def make_copy(find: Find, copy: Copy, event: dict[str, Any]) -> dict[str, str]:
    """Copy the snapshot to the region of the export, and come back until it is available.

    `find(name, region)` looks for a snapshot, `copy(plan, tags)` asks for the copy.
    """
    plan, execution = event["export"], event["execution"]
    name, region = plan["task"], plan["region"]
    with failing_as(
        CopyFailed,
        name,
        exists=StillInProgress,
        refusals={"KMSKeyNotAccessibleFault": key_refused(plan)},
    ):
        found = find(name, region)
        if found is None:
            try:
                copy(plan, [in_progress_tag(execution)])
            except ClientError as error:
                if code_of(error) != "SnapshotQuotaExceeded":
                    raise
                is_cluster = ":cluster-snapshot:" in plan["source"]
                raise no_room(
                    name, region, is_cluster=is_cluster, entered=event["entered"]
                ) from error
    if found and not is_tagged(found, execution):
        raise NameTaken(f"The snapshot {name} in {region} is not of this execution.")
    status = found["Status"] if found else "asked for"
    if status == "available":
        return {"name": name}
    if status in ("failed", *DELETING) or is_over(event["entered"]):
        raise CopyFailed(f"The copy {name} in {region} is {status}.", identifier=name)
    raise StillInProgress(f"The copy {name} in {region} is {status}", identifier=name)


def no_room(name: str, region: str, *, is_cluster: bool, entered: str) -> TrapheusError:
    """The error for a copy too many: of those under way, which end, or of all manual snapshots.

    RDS gives both the same code [fact: copies-under-way]; the account's quota tells which.
    """
    counted = "ManualClusterSnapshots" if is_cluster else "ManualSnapshots"
    quotas = rds(region).describe_account_attributes()["AccountQuotas"]
    is_full = any(
        quota["AccountQuotaName"] == counted and quota["Used"] >= quota["Max"] for quota in quotas
    )
    if is_full:
        return CopyFailed(
            f"{region} has no room for another manual snapshot: delete there what nothing needs, or"
            " ask AWS for a higher quota.",
            identifier=name,
        )
    if is_over(entered):
        return CopyFailed(f"Other copies to {region} have left no room for {name} for days.")
    return StillInProgress(f"The copy {name} waits for others to {region}", identifier=name)


def remove_copy(find: Find, delete: Delete, event: dict[str, Any]) -> dict[str, str]:
    """Delete the copy once no export reads it, and come back until it is gone.

    `find(name, region)` looks for a snapshot, `delete(name, region)` asks for its deletion.
    """
    plan = event["export"]
    name, region = plan["task"], plan["region"]
    with failing_as(CopyFailed, name, conflict=StillInProgress):
        found = find(name, region)
        if found is None or not is_tagged(found, event["execution"]):
            return {"name": name}
        tasks = rds(region).describe_export_tasks(SourceArn=plan["source"])["ExportTasks"]
        if any(task["Status"] in RUNNING for task in tasks):
            raise StillInProgress(f"{name} is still being exported", identifier=name)
        if found["Status"] not in DELETING:
            delete(name, region)
    raise StillInProgress(f"The copy {name} is being deleted", identifier=name)
