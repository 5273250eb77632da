"""Rollback step: gives the original instance its name again, driven by what RDS shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trapheus.execution import lock
from trapheus.execution.constants import COPY
from trapheus.execution.exceptions import (
    RollbackFailed,
    StillInProgress,
)
from trapheus.execution.logs import logged
from trapheus.last_events import naming_events
from trapheus.rds.access import (
    Description,
    instance,
    instance_with,
    is_tagged,
    rds,
    snapshot,
)
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
from trapheus.rds.waiters import AVAILABLE, BAD_INSTANCE, DELETING, ONLINE, not_ready

CREATED = "InstanceCreateTime"
STATUS = "DBInstanceStatus"


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
        original, named, copy, source = look_twice(lambda: look(plan), identifier)
        lock.require(event)
        # The original of a target has never been touched.
        if plan["strategy"] != COPY:
            is_back = has_its_name(plan, original, named)
            require_original(original, STATUS, BAD_INSTANCE, identifier, is_back=is_back)
        if named and named["DbiResourceId"] != plan["resourceId"] and plan["strategy"] != COPY:
            require_own(plan, named, CREATED)
            require_unused(event, named, CREATED, STATUS)
            step_back(plan, named, copy)
            raise StillInProgress("What was restored is leaving the name", identifier=identifier)
        if plan["strategy"] != COPY and not put_back(plan, original):
            raise StillInProgress("The original is being put back", identifier=identifier)
        if copy and is_own(plan, copy, CREATED):
            remove(copy)
            raise StillInProgress(
                "What was restored is being removed", identifier=plan["restoredAs"]
            )
        remove_copy(source, delete_source, plan.get("copiedTo", ""))
        # Last: whatever a proxy says, the original is to be whole.
        register_missing(event)
    return {"name": identifier, "at": datetime.now(UTC).isoformat(timespec="seconds")}


def look(plan: dict[str, Any]) -> list[Description | None]:
    """The original, whatever it is called now, what has the identifier, and what stands beside.

    At last the copy of the snapshot that this execution has made.
    """
    has_own_name = plan["restoredAs"] != plan["identifier"]
    return [
        instance_with(plan["resourceId"]),
        instance(plan["identifier"]),
        instance(plan["restoredAs"]) if has_own_name else None,
        own_copy(snapshot, plan),
    ]


def has_its_name(
    plan: dict[str, Any], original: Description | None, named: Description | None
) -> bool:
    """Whether the original is what has the identifier, looked at by its id and by its name."""
    return bool(
        original
        and named
        and original["DBInstanceIdentifier"] == plan["identifier"]
        and named["DbiResourceId"] == plan["resourceId"]
    )


def delete_source(name: str) -> None:
    """Ask for the deletion of the snapshot's copy."""
    rds().delete_db_snapshot(DBSnapshotIdentifier=name)


def step_back(plan: dict[str, Any], found: Description, copy: Description | None) -> None:
    """Let what was restored leave the identifier: by its name from before, or for good.

    A rename takes less time than a deletion, but not every status allows it.
    """
    status, name = found["DBInstanceStatus"], found["DBInstanceIdentifier"]
    has_own_name = plan["restoredAs"] != plan["identifier"]
    if has_own_name and copy is None and status in AVAILABLE:
        rds().modify_db_instance(
            DBInstanceIdentifier=name,
            NewDBInstanceIdentifier=plan["restoredAs"],
            ApplyImmediately=True,
        )
    elif has_own_name and status not in (*ONLINE, *BAD_INSTANCE, *DELETING):
        raise StillInProgress(f"What was restored is {status}", identifier=name)
    else:
        remove(found)


def remove(found: Description) -> None:
    """Ask for the deletion of a half-made instance."""
    if found["DBInstanceStatus"] not in DELETING:
        rds().delete_db_instance(
            DBInstanceIdentifier=found["DBInstanceIdentifier"],
            SkipFinalSnapshot=True,
            DeleteAutomatedBackups=True,
        )


def put_back(plan: dict[str, Any], original: Description | None) -> bool:
    """Ask for what the original still lacks: its name, then being without the tag.

    With its name it may be stopped, or in another status that no rollback ends.
    """
    identifier = plan["identifier"]
    status = original["DBInstanceStatus"] if original else ""
    has_name = original is not None and original["DBInstanceIdentifier"] == identifier
    rests = has_name and status in BAD_INSTANCE
    if original is None or not (status in ONLINE or rests):
        raise not_ready(status, BAD_INSTANCE, RollbackFailed, identifier)
    if not has_name:
        rds().modify_db_instance(
            DBInstanceIdentifier=original["DBInstanceIdentifier"],
            NewDBInstanceIdentifier=identifier,
            ApplyImmediately=True,
        )
        return False
    if is_tagged(original, plan["execution"]):
        return untag(original["DBInstanceArn"], rests=rests)
    return True
