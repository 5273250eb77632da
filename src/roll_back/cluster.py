"""Rollback step: gives the original cluster its names again, driven by what RDS shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from trapheus.execution import lock
from trapheus.execution.constants import COPY
from trapheus.execution.exceptions import (
    RollbackFailed,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds import members
from trapheus.rds.access import (
    Description,
    cluster,
    cluster_snapshot,
    cluster_with,
    instance,
    instance_with,
    is_tagged,
    rds,
)
from trapheus.rds.endpoints import give
from trapheus.rds.multi_az import is_multi_az, tag_members
from trapheus.rds.proxies import register_missing
from trapheus.rds.rollback import (
    is_own,
    look_twice,
    require_original,
    require_own,
    require_unused,
    rolling_back,
    untag,
)
from trapheus.rds.source.copies import own_copy, remove_copy
from trapheus.rds.waiters import (
    AVAILABLE,
    BAD_CLUSTER,
    BAD_INSTANCE,
    DELETING,
    ONLINE,
    not_ready,
)

CREATED = "ClusterCreateTime"
STATUS = "Status"


@dataclass(frozen=True)
class Look:
    """What RDS shows: the original with its members by their ids, what has which name."""

    original: Description | None
    named: Description | None
    copy: Description | None
    source: Description | None
    own: list[Description | None]
    # What has each member's name while it may be one that was restored.
    holders: list[Description | None]


@logged
@naming_events
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Do the next thing that two looks a minute apart agree on; done when both show all done.

    Raises StillInProgress until then, so that it looks anew after everything that it does. Returns
    the moment `at` which the original was whole, ISO 8601.
    """
    plan = event["plan"]
    identifier = plan["identifier"]
    with rolling_back(event):
        seen = seen_by(plan, look_twice(lambda: look(plan), identifier))
        lock.require(event)
        if plan["strategy"] != COPY:
            is_back = has_its_names(plan, seen)
            require_original(seen.original, STATUS, BAD_CLUSTER, identifier, is_back=is_back)
            if not step_back(event, seen):
                raise StillInProgress(
                    "What was restored is leaving the names", identifier=identifier
                )
            if not put_back(plan, seen.original, seen.own):
                raise StillInProgress("The original is being put back", identifier=identifier)
        if seen.copy and is_own(plan, seen.copy, CREATED):
            if is_multi_az(seen.copy):
                tag_members(seen.copy, plan["execution"])
            remove(seen.copy)
            raise StillInProgress(
                "What was restored is being removed", identifier=plan["restoredAs"]
            )
        remove_copy(seen.source, delete_source, plan.get("copiedTo", ""))
        # Last: whatever a proxy says, the original is to be whole.
        register_missing(event)
    return {"name": identifier, "at": datetime.now(UTC).isoformat(timespec="seconds")}


def look(plan: dict[str, Any]) -> list[Description | None]:
    """The original, what has the identifier and what stands beside, then the members.

    Before these the copy of the snapshot that this execution has made. The members are the
    original's whatever their names, and what has the names of those that a swap may have given
    away.
    """
    has_own_name = plan["restoredAs"] != plan["identifier"]
    swapped = plan["members"] if has_own_name and plan["strategy"] != COPY else []
    return [
        cluster_with(plan["resourceId"]),
        cluster(plan["identifier"]),
        cluster(plan["restoredAs"]) if has_own_name else None,
        own_copy(cluster_snapshot, plan),
        *(instance_with(member["resourceId"]) for member in plan["members"]),
        *(instance(member["identifier"]) for member in swapped),
    ]


def seen_by(plan: dict[str, Any], found: list[Description | None]) -> Look:
    """What `look` has found, by its meaning."""
    original, named, copy, source, *rest = found
    count = len(plan["members"])
    return Look(original, named, copy, source, rest[:count], rest[count:])


def has_its_names(plan: dict[str, Any], seen: Look) -> bool:
    """Whether the original and each of its members have their own names.

    Of the cluster both looks say so, the one by its id and the one by its name.
    """
    original, named = seen.original, seen.named
    if not original or not named or named["DbClusterResourceId"] != plan["resourceId"]:
        return False
    return original["DBClusterIdentifier"] == plan["identifier"] and all(
        found["DBInstanceIdentifier"] == member["identifier"]
        if found
        else is_unlisted(member, original)
        for member, found in zip(plan["members"], seen.own, strict=True)
    )


def is_unlisted(member: dict[str, Any], original: Description) -> bool:
    """Whether the cluster has no such member any more: somebody may have deleted it meanwhile."""
    listed = {listed["DBInstanceIdentifier"] for listed in original["DBClusterMembers"]}
    return listed.isdisjoint({member["identifier"], member["renamedTo"]})


def delete_source(name: str) -> None:
    """Ask for the deletion of the snapshot's copy."""
    rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


def step_back(event: dict[str, Any], seen: Look) -> bool:
    """Let what was restored leave the original's names, in the reverse order of the swap.

    Whether it has none of them. What cannot be renamed as it is, is removed at once. The members
    come first: RDS takes no change of theirs while their cluster is being renamed.
    """
    plan, named = event["plan"], seen.named
    restored = named is not None and named["DbClusterResourceId"] != plan["resourceId"]
    if named and restored:
        require_own(plan, named, CREATED)
        require_unused(event, named, CREATED, STATUS)
        if plan["restoredAs"] == plan["identifier"] or named["Status"] in (*BAD_CLUSTER, *DELETING):
            remove(named)
            return False
    left = True
    for member, holder in reversed(list(zip(plan["members"], seen.holders, strict=False))):
        other = holder and holder["DbiResourceId"] != member["resourceId"]
        # Somebody else's keeps only this member from its name.
        if holder and other and is_own(plan, holder, "InstanceCreateTime"):
            step_member_back(member, holder)
            left = False
    if named and restored:
        step_cluster_back(plan, named, seen.copy)
        return False
    return left


def step_cluster_back(plan: dict[str, Any], found: Description, copy: Description | None) -> None:
    """Ask for the name that the cluster had beside the original, or for its deletion."""
    name, status = found["DBClusterIdentifier"], found["Status"]
    if copy is None and status in AVAILABLE:
        rds().modify_db_cluster(
            DBClusterIdentifier=name,
            NewDBClusterIdentifier=plan["restoredAs"],
            ApplyImmediately=True,
        )
    elif status in ONLINE:
        remove(found)
    else:
        raise StillInProgress(f"What was restored is {status}", identifier=name)


def step_member_back(member: dict[str, Any], found: Description) -> None:
    """The same for a member, which need not be waited for while it is busy."""
    name, status = found["DBInstanceIdentifier"], found["DBInstanceStatus"]
    if status in AVAILABLE and instance(member["restoredAs"]) is None:
        rds().modify_db_instance(
            DBInstanceIdentifier=name,
            NewDBInstanceIdentifier=member["restoredAs"],
            ApplyImmediately=True,
        )
    elif status in (*ONLINE, *BAD_INSTANCE):
        rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def remove(found: Description) -> None:
    """Ask for the deletion of a half-made cluster with its members."""
    # Those that it has now, since auto scaling may have added one.
    members.delete(found)
    if found["Status"] not in DELETING:
        rds().delete_db_cluster(
            DBClusterIdentifier=found["DBClusterIdentifier"],
            SkipFinalSnapshot=True,
            DeleteAutomatedBackups=True,
        )


def put_back(
    plan: dict[str, Any], original: Description | None, own: list[Description | None]
) -> bool:
    """Ask for what the original still lacks: names, custom endpoints, being without the tag.

    With its names it may be stopped, or in another status that no rollback ends.
    """
    identifier = plan["identifier"]
    status = original["Status"] if original else ""
    has_name = original is not None and original["DBClusterIdentifier"] == identifier
    rests = has_name and status in BAD_CLUSTER
    if original is None or not (status in ONLINE or rests):
        raise not_ready(status, BAD_CLUSTER, RollbackFailed, identifier)
    # Members first: RDS takes no change of theirs while the cluster is being renamed, and each of
    # these renames is a reboot, which can so pass meanwhile.
    whole, refusals = True, []
    for member, found in zip(plan["members"], own, strict=True):
        try:
            whole &= put_member_back(plan, member, found, original)
        except (ClientError, RollbackFailed) as error:
            refusals.append(error)
    if not has_name:
        rds().modify_db_cluster(
            DBClusterIdentifier=original["DBClusterIdentifier"],
            NewDBClusterIdentifier=identifier,
            ApplyImmediately=True,
        )
        return False
    # Only now: whatever becomes of a member, the cluster is to have its name.
    for refusal in refusals:
        raise refusal
    if not whole:
        return False
    if not give(plan["endpoints"], original):
        return False
    if is_tagged(original, plan["execution"]):
        return untag(original["DBClusterArn"], rests=rests)
    return True


def put_member_back(
    plan: dict[str, Any],
    member: dict[str, Any],
    found: Description | None,
    original: Description,
) -> bool:
    """Ask for what a member still lacks; whether it lacks nothing."""
    name = member["identifier"]
    if found is None:
        return is_unlisted(member, original)
    status, has_name = found["DBInstanceStatus"], found["DBInstanceIdentifier"] == name
    if status in DELETING:
        return True
    rests = has_name and status in BAD_INSTANCE
    if status not in ONLINE and not rests:
        if status in BAD_INSTANCE:
            raise not_ready(status, BAD_INSTANCE, RollbackFailed, name)
        return False
    if not has_name:
        rds().modify_db_instance(
            DBInstanceIdentifier=found["DBInstanceIdentifier"],
            NewDBInstanceIdentifier=name,
            ApplyImmediately=True,
        )
        return False
    if is_tagged(found, plan["execution"]):
        return untag(found["DBInstanceArn"], rests=rests)
    return True
