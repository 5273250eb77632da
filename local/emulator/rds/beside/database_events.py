"""Events: what has happened to databases and snapshots in the last two weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.emulator.rds.protocol.paging import page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.timing import BROKEN

if TYPE_CHECKING:
    from local.emulator.rds.service import Change, Rds

SOURCES = {"instance": "db-instance", "cluster": "db-cluster", "snapshot": "db-snapshot",
           "cluster-snapshot": "db-cluster-snapshot"}  # fmt: skip
# [fact: words-of-events]
WORDS = {
    "instance": {
        "backing-up": ("backup", "Backing up DB instance"),
        "gone": ("deletion", "DB instance deleted"),
        "stopped": ("notification", "DB instance stopped"),
        "rebooting": ("availability", "DB instance restarted"),
    },
    "cluster": {
        "backing-up": ("backup", "Backing up DB cluster"),
        "gone": ("deletion", "DB cluster deleted"),
        "stopped": ("notification", "DB cluster is stopped."),
    },
    "snapshot": {
        "creating": ("backup", "Creating manual snapshot"),
        "available": ("backup", "Manual snapshot created"),
        "gone": ("notification", "Deleted manual snapshot"),
    },
}
WORDS["cluster-snapshot"] = {
    **WORDS["snapshot"],
    "creating": ("backup", "Creating manual cluster snapshot"),
    "available": ("backup", "Manual cluster snapshot created"),
}
# Of a bad status [fact: words-of-events]; what RDS adds to them is one of its guide's examples.
BAD = {
    "instance": "Database instance put into {}. The instance has 76 databases, but after conversion"
    " it would only support 75.",
    "cluster": "You can't create the DB cluster because of incompatible resources.",
}
# How far back RDS tells, and for how long when nobody says.
LONGEST, USUAL = timedelta(days=14), timedelta(minutes=60)


@operation("DescribeEvents")
def describe(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The events of a source, or of all; those of the last hour unless a time is given.

    [fact: events-of-two-weeks]
    """
    if "SourceIdentifier" in parameters and "SourceType" not in parameters:
        raise RdsError(
            "InvalidParameterCombination", "SourceType must be specified with SourceIdentifier."
        )
    now = datetime.fromtimestamp(rds.time, UTC)
    back = timedelta(minutes=parameters["Duration"]) if "Duration" in parameters else USUAL
    until = parameters.get("EndTime", now)
    since = max(parameters.get("StartTime", until - back), now - LONGEST)
    found = [
        event
        for change in rds.changes
        if (event := told(rds, change)) and since <= event["Date"] <= until
        and parameters.get("SourceType", event["SourceType"]) == event["SourceType"]
        and parameters.get("SourceIdentifier", event["SourceIdentifier"]).lower()
        == event["SourceIdentifier"]
        and set(parameters.get("EventCategories", event["EventCategories"]))
        & set(event["EventCategories"])
    ]  # fmt: skip
    return page(found, parameters, "Events")


def told(rds: Rds, change: Change) -> dict[str, Any] | None:
    """A change of status as an event; None of one that RDS tells nobody."""
    category, words = WORDS[change.kind].get(change.after, ("", ""))
    what = "cluster" if change.kind == "cluster" else "instance"
    if change.kind in ("instance", "cluster"):
        if change.after in BROKEN:
            category, words = "failure", BAD[what].format(change.after)
        elif change.after == "available" and change.before == "creating":
            category, words = "creation", f"DB {what} created"
        elif change.before == "backing-up":
            category, words = "backup", f"Finished DB {what} backup"
        elif change.after.startswith("renamed from "):
            category = "notification"
            words = f"Renamed {what} from {change.after.split()[-1]} to {change.name}"
    if not category:
        return None
    return {
        "SourceIdentifier": change.name,
        "SourceType": SOURCES[change.kind],
        "Message": words,
        "EventCategories": [category],
        "Date": datetime.fromtimestamp(change.time, UTC),
        "SourceArn": rds.arn(change.kind, change.name),
    }
