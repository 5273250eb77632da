"""What the rollbacks of both kinds share: when they act, on what, and when people are told."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trapheus.execution import lock
from trapheus.execution.constants import IN_PROGRESS_TAG
from trapheus.execution.errors import CONFLICT, code_of, failing_as
from trapheus.execution.exceptions import (
    RollbackDelayed,
    RollbackFailed,
    StateConflict,
    StillInProgress,
)
from trapheus.rds.access import is_tagged, rds
from trapheus.rds.waiters import DELETING, ONLINE, not_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trapheus.rds.access import Description

# For so many seconds after a call RDS may not show what it has done.
BETWEEN_LOOKS = 60
# A rollback that lasts longer is told, while it goes on.
UNTOLD = 30 * 60
# Days after which what an execution has restored counts as in use.
SETTLED_IN = 7
# In which two looks must agree; the rest may change by itself, as the latest restorable time does.
IDENTITY = (
    "DBClusterIdentifier",
    "DBClusterSnapshotIdentifier",
    "DBInstanceIdentifier",
    "DBInstanceStatus",
    "DBSnapshotIdentifier",
    "DbClusterResourceId",
    "DbiResourceId",
    "Status",
)


def look_twice(
    look: Callable[[], list[Description | None]], identifier: str
) -> list[Description | None]:
    """The second of two looks a minute apart; raises StillInProgress when they differ."""
    first = look()
    time.sleep(BETWEEN_LOOKS)
    second = look()
    if identities(first) != identities(second):
        raise StillInProgress("RDS shows something else than a minute ago", identifier=identifier)
    return second


def identities(look: list[Description | None]) -> list[list[Any]]:
    """Who is called what, in which status."""
    return [[(found or {}).get(key) for key in IDENTITY] for found in look]


def is_own(plan: dict[str, Any], found: Description, created: str) -> bool:
    """Whether the plan's execution has made it: no original, by its tag, younger than it is.

    `created`: the attribute with the moment of its creation, which RDS shows only some time later.
    """
    originals = {part["resourceId"] for part in (plan, *plan.get("members", []))}
    if {found.get("DbiResourceId"), found.get("DbClusterResourceId")} & originals:
        return False
    began = datetime.fromisoformat(plan["started"])
    return is_tagged(found, plan["execution"]) and found.get(created, began) >= began


def require_own(plan: dict[str, Any], found: Description, created: str) -> None:
    """Pass only what the plan's execution has made."""
    if not is_own(plan, found, created):
        raise RollbackFailed(
            f"{plan['identifier']} is not of this execution: it was left alone.",
            identifier=plan["identifier"],
        )


def require_original(
    found: Description | None,
    status: str,
    bad: tuple[str, ...],
    identifier: str,
    *,
    is_back: bool,
) -> None:
    """Pass only with an original that can still be put back: nothing else is taken away before.

    status: the attribute with its status. is_back: whether it has all of its names, so that its
    status keeps it from nothing. Raises StillInProgress while the original does not show.
    """
    shown = found[status] if found else ""
    hopeless = DELETING if is_back else (*bad, *DELETING)
    if not found or shown in hopeless:
        what = f"The original of {identifier}"
        raise not_ready(shown, hopeless, RollbackFailed, identifier, what=what)


def untag(arn: str, *, rests: bool) -> bool:
    """Take the tag off an original; whether that was given up, so that no look is to show it.

    rests: whether its status does not end by itself. Where RDS refuses the call for it, the tag
    stays: waiting comes to nothing, and the tag of the next execution takes its place.
    """
    try:
        rds().remove_tags_from_resource(ResourceName=arn, TagKeys=[IN_PROGRESS_TAG])
    except ClientError as error:
        if not rests or code_of(error) not in CONFLICT:
            raise
        return True
    return False


def require_unused(event: dict[str, Any], found: Description, created: str, status: str) -> None:
    """Keep a late recovery from what people have worked with ever since.

    created, status: the attributes with the moment of its creation and its status.
    """
    plan = event["plan"]
    began = found.get(created)
    if event["execution"] == plan["execution"] or found[status] not in ONLINE or not began:
        return
    if time.time() - began.timestamp() > SETTLED_IN * 24 * 3600:
        raise RollbackFailed(
            f"{plan['identifier']} was restored more than {SETTLED_IN} days ago and serves, so it"
            " was left alone: rename it, and start the recovery again, to go back all the same; or"
            " keep it, and delete the item of its lock.",
            identifier=plan["identifier"],
        )


@contextmanager
def rolling_back(event: dict[str, Any]) -> Iterator[None]:
    """Note the phase, and ask RDS again for hours: it refuses changes in many statuses.

    What still works for the phase that has failed ends with LockLost from here on.
    """
    lock.require(event)
    identifier = event["plan"]["identifier"]
    with (
        telling_delay(event),
        failing_as(RollbackFailed, identifier, conflict=StillInProgress, exists=StateConflict),
    ):
        yield


@contextmanager
def telling_delay(event: dict[str, Any]) -> Iterator[None]:
    """Turn StillInProgress into RollbackDelayed, once, when the rollback has lasted long."""
    try:
        yield
    except StillInProgress as error:
        lasted = time.time() - datetime.fromisoformat(event["entered"]).timestamp()
        if event["isTold"] or lasted < UNTOLD:
            raise
        raise RollbackDelayed(
            f"The rollback has lasted {UNTOLD // 60} minutes and goes on",
            identifier=event["plan"]["identifier"],
        ) from error
