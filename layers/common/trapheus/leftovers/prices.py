"""What a database or a snapshot costs by the month, roughly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.messages.ways_out.databases import CLUSTER

if TYPE_CHECKING:
    from trapheus.messages.ways_out.databases import Database
    from trapheus.rds.access import Description

# US dollars in us-east-1, on demand, of PostgreSQL in one zone, rounded, as several public copies
# of https://aws.amazon.com/rds/postgresql/pricing had them on 2026-11-27.
ROUGH = (
    "Rough: list prices of us-east-1 on 2026-11-27, on demand, without discounts, I/O, provisioned"
    " IOPS and the storage of Aurora; a snapshot at its full size, of which RDS charges less."
)
# An hour of a `large`.
FAMILIES = {
    "t3": 0.145, "t4g": 0.129,
    "m5": 0.178, "m6g": 0.159, "m6i": 0.178, "m7g": 0.168,
    "r5": 0.25, "r6g": 0.225, "r6i": 0.25, "r7g": 0.24,
}  # fmt: skip
# How much of a `large` each size is.
SIZES = {
    "micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1, "xlarge": 2, "2xlarge": 4,
    "4xlarge": 8, "8xlarge": 16, "12xlarge": 24, "16xlarge": 32, "24xlarge": 48,
}  # fmt: skip
# So much dearer is an instance of Aurora.
AURORA = 1.16
HOURS = 730
# A GB for a month, by the type of its storage.
STORAGE = {
    "standard": 0.1, "gp2": 0.115, "gp3": 0.115, "io1": 0.125, "io2": 0.125,
}  # fmt: skip
SNAPSHOT = 0.095
# The prices of others are by their licences.
WITHOUT_LICENCE = ("mariadb", "mysql", "postgres")


def of_database(found: Database) -> int | None:
    """Dollars a month of an instance, or of a cluster's members; None where one is unknown."""
    parts = found.members if found.words is CLUSTER else [found]
    costs = [of_instance(one.shown) for one in parts]
    known = [cost for cost in costs if cost is not None]
    return round(sum(known)) if len(known) == len(costs) else None


def of_instance(shown: Description) -> float | None:
    """Dollars a month of an instance, its storage included where RDS shows how much that is."""
    _, family, size = f"{shown['DBInstanceClass']}..".split(".")[:3]
    is_aurora = shown["Engine"].startswith("aurora")
    storage = 0.0 if is_aurora else stored(shown)
    if shown["DBInstanceStatus"] == "stopped":
        hour = 0.0
    elif family in FAMILIES and size in SIZES and (is_aurora or shown["Engine"] in WITHOUT_LICENCE):
        hour = FAMILIES[family] * SIZES[size] * (AURORA if is_aurora else 1)
    else:
        return None
    return (hour * HOURS + storage) * (2 if shown.get("MultiAZ") else 1)


def stored(shown: Description) -> float:
    """Dollars a month of the storage that an instance has been given."""
    return float(shown["AllocatedStorage"] * STORAGE.get(shown.get("StorageType", ""), 0.115))


def of_snapshot(shown: Description) -> int | None:
    """Dollars a month of a snapshot, at most; None of Aurora's, whose size RDS does not show."""
    if shown["Engine"].startswith("aurora"):
        return None
    return round(int(shown["AllocatedStorage"]) * SNAPSHOT)
