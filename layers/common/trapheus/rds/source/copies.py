"""The copy of a snapshot that RDS cannot restore as it is: made, and removed at every end.

Nobody holds a lock on another database's snapshot, which may be replaced by name at any time: so
whose data it has is asked right before it is copied or restored.

Each look is one call, since a copy may take hours, in which the state machine asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trapheus.execution import lock
from trapheus.execution.errors import code_of, failing_as
from trapheus.execution.exceptions import (
    CopyFailed,
    KeyNotAccessible,
    NameTaken,
    RestoreFailed,
    StillInProgress,
    TrapheusError,
)
from trapheus.rds.access import in_progress_tag, is_tagged, moment_of, rds
from trapheus.rds.deletion import seen
from trapheus.rds.exports import no_room
from trapheus.rds.snapshots import is_another
from trapheus.rds.waiters import DELETING, is_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.rds.access import Description, Tags

    Find = Callable[[str], Description | None]
    Copy = Callable[[str, dict[str, Any], Tags], object]
    Delete = Callable[[str], object]

# How the name of a group begins that a copy has anyway, which RDS makes where it is missing.
DEFAULT_GROUP = "default:"


def make_copy(find: Find, copy: Copy, event: dict[str, Any]) -> dict[str, str]:
    """Copy the plan's snapshot, and come back until the copy is available.

    `find(name)` looks for a snapshot, `copy(name, how, tags)` asks for one. The copy carries the
    tag of this execution from the call on that makes it.
    """
    plan, name = event["plan"], event["plan"]["copiedTo"]
    key = plan["copying"]["key"]
    refused = f"RDS cannot use the KMS key of {plan['snapshot']}, or {key}, with which the copy is"
    with failing_as(
        CopyFailed,
        name,
        conflict=StillInProgress,
        exists=StillInProgress,
        refusals={
            "KMSKeyNotAccessibleFault": (
                KeyNotAccessible,
                f"{refused} to be encrypted: let the policies of both keys allow kms:CreateGrant,"
                " kms:Decrypt, kms:DescribeKey and kms:ReEncrypt* to this account.",
            )
        },
    ):
        found = find(name)
        if found is None:
            lock.require(event)
            require_as_checked(find, plan, CopyFailed)
            try:
                copy(name, how_of(plan), [in_progress_tag(plan["execution"])])
            except ClientError as error:
                if code_of(error) != "SnapshotQuotaExceeded":
                    raise
                raise no_room(
                    name,
                    rds().meta.region_name,
                    is_cluster="members" in plan,
                    entered=event["entered"],
                ) from error
    if found and not is_tagged(found, plan["execution"]):
        raise NameTaken(f"The snapshot {name} is not of this execution.", identifier=name)
    status = found["Status"] if found else "asked for"
    if found and status == "available":
        # A cluster's shows no moment of its data [fact: moment-of-a-copy].
        if "OriginalSnapshotCreateTime" in found and has_other_data(found, plan):
            raise CopyFailed(replaced(plan, moment_of(found)), identifier=name)
        return {"name": name}
    if status in ("failed", *DELETING) or is_over(event["entered"]):
        raise CopyFailed(
            f"The copy {name} of {plan['snapshot']} is {status}.", identifier=name, status=status
        )
    raise StillInProgress(f"The copy {name} is {status}", identifier=name)


def require_unchanged(find: Find, plan: dict[str, Any]) -> None:
    """Pass if what is restored next is what the check has seen: a source's snapshot, or its copy.

    A database's own snapshot is compared at the end.
    """
    if "copiedTo" in plan:
        found = find(plan["copiedTo"])
        if found and not is_tagged(found, plan["execution"]):
            raise RestoreFailed(
                f"The snapshot {plan['copiedTo']} is not the copy that this execution has made:"
                " start the restore again.",
                identifier=plan["identifier"],
            )
    elif "source" in plan:
        require_as_checked(find, plan, RestoreFailed)


def require_as_checked(find: Find, plan: dict[str, Any], otherwise: type[TrapheusError]) -> None:
    """Pass if the plan's snapshot has the data that the check has seen.

    One that is not shown may only be so for a moment: RDS itself refuses what is not there.
    """
    found = find(plan["snapshot"])
    if found and has_other_data(found, plan):
        raise otherwise(replaced(plan, moment_of(found)), identifier=plan["identifier"])


def has_other_data(found: Description, plan: dict[str, Any]) -> bool:
    """Whether a snapshot has not the data of the plan; not where an older plan tells no moment."""
    return "dataAsOf" in plan and is_another(found, plan)


def replaced(plan: dict[str, Any], now: str) -> str:
    """The sentence about a snapshot that has other data than those that the check has seen."""
    return (
        f"The snapshot {plan['snapshot']} was replaced after the check: its data are of"
        f" {now or 'an unknown moment'}, and were of {plan['dataAsOf'] or 'an unknown one'}: start"
        " the restore again."
    )


def how_of(plan: dict[str, Any]) -> dict[str, Any]:
    """What is copied, and how.

    A region is named only where it is another one, whose option groups are not to be had here: so
    the copy gets the one that is restored with it. [fact: option-group-of-a-copy]
    """
    region, key = plan["copying"]["region"], plan["copying"]["key"]
    how = {"source": plan["snapshot"]}
    if region != rds().meta.region_name:
        how["SourceRegion"] = region
        group = plan["restore"].get("OptionGroupName", "")
        if "members" not in plan and group and not group.startswith(DEFAULT_GROUP):
            how["OptionGroupName"] = group
    if key:
        how["KmsKeyId"] = key
    return how


def own_copy(find: Find, plan: dict[str, Any]) -> Description | None:
    """The copy that the plan's execution has made, if it is there; nothing else is ever removed."""
    found = find(plan["copiedTo"]) if "copiedTo" in plan else None
    return found if found and is_tagged(found, plan["execution"]) else None


def remove_for_good(find: Find, delete: Delete, plan: dict[str, Any]) -> None:
    """Delete the copy, if the plan has one; StillInProgress until two looks show it gone."""
    if "copiedTo" in plan:
        remove_copy(seen(lambda: own_copy(find, plan)), delete, plan["copiedTo"])


def remove_copy(found: Description | None, delete: Delete, name: str) -> None:
    """Ask for the deletion of the copy, as `own_copy` has found it; StillInProgress until then.

    What is still being copied is deleted too (botocore's model of DeleteDBSnapshot).
    """
    if found is None:
        return
    if found["Status"] not in DELETING:
        delete(name)
    raise StillInProgress(f"The copy {name} is being deleted", identifier=name)
