"""Backups that RDS makes by itself, once a day, in the window of a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.emulator.rds.timing import READY

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

MINUTE = 60


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
