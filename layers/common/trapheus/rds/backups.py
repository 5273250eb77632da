"""When RDS backs up a database by itself, which a swap of names must not meet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trapheus.execution.exceptions import StillInProgress

if TYPE_CHECKING:
    from trapheus.rds.access import Description

DAY = 24 * 60
# Minutes before the window in which no swap is begun: its renames are over by then.
BEFORE = 20
# Minutes of a window in which the backup is expected to begin; the longest has a day.
WITHIN = 60


def require_no_backup_soon(found: Description, identifier: str) -> None:
    """Let a swap begin only while no backup can come between its renames.

    RDS renames nothing that is backing up, for hours maybe, and one of the names would be nobody's
    meanwhile. [fact: backup-window]
    """
    if is_near(found, datetime.now(UTC)):
        raise StillInProgress(
            f"Its backup window, {found['PreferredBackupWindow']}, is near", identifier=identifier
        )


def is_near(found: Description, now: datetime) -> bool:
    """Whether a database is to be backed up within minutes, or may be at any moment."""
    window = found.get("PreferredBackupWindow")
    if not window or not found.get("BackupRetentionPeriod"):
        return False
    begins, ends = (60 * int(each[:2]) + int(each[3:]) for each in window.split("-"))
    since = (60 * now.hour + now.minute - begins) % DAY
    return bool(since >= DAY - BEFORE or since < min((ends - begins) % DAY or DAY, WITHIN))
