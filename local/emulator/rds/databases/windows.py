"""The backup window and the maintenance window, and the backups that RDS makes in the former."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.timing import READY

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = 60  # seconds
DAY, WEEK = 24 * 60, 7 * 24 * 60
TIME = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")
DAY_TIME = re.compile(rf"^({'|'.join(DAYS)}):([01]\d|2[0-3]):([0-5]\d)$")
INTERVALS = (0, 1, 5, 10, 15, 30, 60)
BACKUP, MAINTENANCE = "PreferredBackupWindow", "PreferredMaintenanceWindow"
# Where RDS puts the one that was not given, when the other one takes its place; made up.
ELSEWHERE = {BACKUP: "09:00-09:30", MAINTENANCE: "tue:12:00-tue:12:30"}


def refused(message: str) -> RdsError:
    """InvalidParameterValue."""
    return RdsError("InvalidParameterValue", message)


def minutes(kind: str, given: str) -> tuple[int, int]:
    """When a window begins and ends, in minutes of the day or of the week.

    [fact: window-form]
    """
    form = TIME if kind == BACKUP else DAY_TIME
    parts = given.lower().split("-")
    ends = []
    for part in parts if len(parts) == 2 else [given]:
        found = form.match(part)
        if not found or len(parts) != 2:
            word, example = (
                ("backup window time", "hh24:mi (24H Clock UTC). Example: 03:15")
                if kind == BACKUP
                else ("maintenance window time", "ddd:hh24:mi (24H Clock UTC). Example: Mon:00:15")
            )
            raise refused(f"Invalid {word} '{part}' specified. Should be specified as a time "
                          f"{example}")  # fmt: skip
        *day, hour, minute = found.groups()
        ends.append((DAYS.index(day[0]) * DAY if day else 0) + int(hour) * 60 + int(minute))
    begin, end = ends
    length = (end - begin) % (DAY if kind == BACKUP else WEEK)
    if length < 30:
        raise refused(f"{kind[9:-6]} window must be at least 30 minutes.")
    return begin, begin + length


def overlap(backup: str, maintenance: str) -> bool:
    """Whether the daily window ever falls into the weekly one."""
    opens, closes = minutes(BACKUP, backup)
    begins, ends = minutes(MAINTENANCE, maintenance)
    return any(
        opens + day * DAY < ends and begins < closes + day * DAY for day in range(-1, 9)
    )  # a week, and what reaches over its ends


def make_room(shown: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Let RDS choose another time for the window that a create has not given."""
    free = [kind for kind in ELSEWHERE if kind not in given]
    if len(free) == 1 and overlap(shown[BACKUP], shown[MAINTENANCE]):
        shown[free[0]] = ELSEWHERE[free[0]]


def check(shown: Mapping[str, Any]) -> None:
    """Refuse windows that RDS refuses.

    [fact: windows-may-not-overlap]
    """
    windows = [shown[kind] for kind in (BACKUP, MAINTENANCE) if kind in shown]
    if len(windows) == 2 and overlap(*windows):
        raise refused("The backup window and maintenance window must not overlap.")


def check_interval(shown: Mapping[str, Any]) -> None:
    """Refuse an interval of Enhanced Monitoring that there is not.

    [fact: monitoring-intervals]
    """
    seconds = shown.get("MonitoringInterval") or 0
    if seconds not in INTERVALS:
        raise refused(f"Invalid monitoring interval {seconds}; valid are {INTERVALS}.")


def keep(rds: Rds) -> None:
    """From now on, back up what is to be: as soon as it can be once its window has begun.

    A backup that lasts longer than the window goes on behind it. [fact: backup-window]
    """
    done: set[tuple[str, str]] = set()

    def look() -> None:
        for thing in list(rds.things.values()):
            day = datetime.fromtimestamp(rds.time, UTC).date().isoformat()
            if (thing.key, day) not in done and is_due(thing, rds.time):
                done.add((thing.key, day))
                rds.play(thing, f"back up {thing.kind}")
        rds.later(rds.time + MINUTE, look)

    rds.later(rds.time // MINUTE * MINUTE + MINUTE, look)


def is_due(thing: Resource, now: float) -> bool:
    """Whether it is in its window and can be backed up; members are with their cluster."""
    if thing.kind not in ("instance", "cluster") or "DBClusterIdentifier" in (
        thing.shown if thing.kind == "instance" else {}
    ):
        return False
    if not thing.shown.get("BackupRetentionPeriod") or thing.true_status not in READY:
        return False
    moment = datetime.fromtimestamp(now, UTC).strftime("%H:%M")
    begins, ends = thing.shown["PreferredBackupWindow"].split("-")
    return bool(begins <= moment < ends if begins < ends else moment >= begins or moment < ends)
