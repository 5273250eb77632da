"""The storage of a copy: what RDS takes of the original's size, speed and ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.configuration.attributes import INSTANCE
from trapheus.configuration.comparison import note_change, shown

if TYPE_CHECKING:
    from trapheus.rds.access import Description

OF_THE_SNAPSHOT = "of the snapshot's size: RDS makes storage larger only by a tenth or more"
LARGER = "of the snapshot's size, since storage cannot be made smaller"
OF_THE_SIZE = "RDS chooses it for storage of this size"
NO_CEILING = "left out: RDS takes a ceiling only from a tenth above the storage"


def fit_storage(plan: dict[str, Any], found: Description, source: Description | None) -> None:
    """Ask for the original's storage only as far as RDS takes it with the size of the copy.

    source: the snapshot to restore; None when it is yet to be taken.
    """
    fit_size(plan, found, source)
    size = size_of_copy(plan, found, source)
    fit_speed(plan, found, size)
    fit_ceiling(plan, size)


def fit_size(plan: dict[str, Any], found: Description, source: Description | None) -> None:
    """Ask for the original's size only where the copy is to become that much larger.

    RDS restores at the snapshot's size, and takes a larger one only from a tenth more (API
    reference of RestoreDBInstanceFromDBSnapshot and ModifyDBInstance).
    """
    if "AllocatedStorage" in plan.get("changed", {}) or has_outgrown(found, source):
        # What a request asks for goes to RDS as it is.
        return
    leave_out(plan, "AllocatedStorage")
    if source is None or found["AllocatedStorage"] == source["AllocatedStorage"]:
        plan["original"]["AllocatedStorage"] = found["AllocatedStorage"]
    else:
        is_larger = source["AllocatedStorage"] > found["AllocatedStorage"]
        done = LARGER if is_larger else OF_THE_SNAPSHOT
        leave_to_rds(plan, "AllocatedStorage", found["AllocatedStorage"], done)


def fit_speed(plan: dict[str, Any], found: Description, size: int) -> None:
    """Leave IOPS and throughput to RDS where it takes them for only one of the two sizes.

    Which sizes these are stands in the table.
    """
    resized = {**found, "AllocatedStorage": size}
    for name in ("Iops", "StorageThroughput"):
        was = shown(INSTANCE[name], found)
        takes_both = bool(was) == bool(shown(INSTANCE[name], resized))
        if not takes_both and name not in plan.get("changed", {}):
            leave_to_rds(plan, name, was, OF_THE_SIZE)


def fit_ceiling(plan: dict[str, Any], size: int) -> None:
    """Leave a ceiling out that RDS would refuse, as a grown database may have it.

    An error follows unless it is a tenth above the storage. [fact: ceiling-of-the-storage]
    """
    ceiling = plan["modify"].get("MaxAllocatedStorage")
    overridden = "MaxAllocatedStorage" in plan.get("changed", {})
    if ceiling and not overridden and not is_a_tenth_above(ceiling, size):
        leave_to_rds(plan, "MaxAllocatedStorage", ceiling, NO_CEILING)


def is_a_tenth_above(asked: int, size: int) -> bool:
    """Whether it is a size, by a tenth or more larger, that RDS takes for one to grow to."""
    return 10 * asked >= 11 * size


def leave_to_rds(plan: dict[str, Any], name: str, was: Any, done: str) -> None:
    """Ask for nothing, and take whatever becomes of it as planned."""
    leave_out(plan, name)
    note_change(plan, name, was, done)
    plan["open"] = [*plan.get("open", []), name]


def leave_out(plan: dict[str, Any], name: str) -> None:
    """Ask for nothing."""
    for call in ("restore", "modify"):
        plan[call].pop(name, None)


def size_of_copy(plan: dict[str, Any], found: Description, source: Description | None) -> int:
    """The GiB that the copy will have: what is asked for, or else its snapshot's."""
    asked = plan["restore"].get("AllocatedStorage") or plan["modify"].get("AllocatedStorage")
    return int(asked or (source or found)["AllocatedStorage"])


def has_outgrown(found: Description, source: Description | None) -> bool:
    """Whether the original's storage is larger than the snapshot's by a tenth or more."""
    if source is None:
        return False
    return is_a_tenth_above(found["AllocatedStorage"], source["AllocatedStorage"])


def fit_multi_az(plan: dict[str, Any], found: Description, source: Description | None) -> None:
    """Ask for the original's storage only where RDS takes it, and for IOPS together with it.

    A Modify takes provisioned IOPS and storage only both at once
    [fact: cluster-storage-and-iops-together].
    """
    fit_size(plan, found, source)
    if "AllocatedStorage" not in plan["modify"]:
        plan["modify"].pop("Iops", None)
