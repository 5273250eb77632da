"""What happened: of this the mail, the topic's message, the event and the Cause are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trapheus.messages.sections import plain

if TYPE_CHECKING:
    from trapheus.messages.sections import Section

# The kinds of messages.
STARTED = "started"
RESTORED = "restored"
SNAPSHOT_TAKEN = "snapshot-taken"
DRY_RUN = "dry-run"
NOT_TOUCHED = "not-touched"
PUT_BACK = "put-back"
DELAYED = "delayed"
DECIDE = "decide"
DOWN = "down"
RECOVERED = "recovered"
EXPORT_FAILED = "export-failed"
SCHEDULE_MISSED = "schedule-missed"
# Those that NotifyOn chooses among; of all others people always hear.
CHOSEN = (STARTED, RESTORED, SNAPSHOT_TAKEN, DRY_RUN)
KINDS = (
    *CHOSEN, NOT_TOUCHED, PUT_BACK, DELAYED, DECIDE, DOWN, RECOVERED, EXPORT_FAILED,
    SCHEDULE_MISSED,
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One message, whichever way it goes.

    kind: of KINDS. tag: the state of the database, as the subject begins. title: the rest of the
    subject. outcome: what stands, in one sentence. error, cause: the name of the first failure and
    a sentence about it; empty without one. requester: who has asked, empty for unknown. facts:
    what a program may want to know, JSON.
    """

    kind: str
    tag: str
    identifier: str
    title: str
    outcome: str
    sections: list[Section]
    execution: str
    error: str = ""
    cause: str = ""
    requester: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """One line, as SES and SNS take it."""
        return plain(f"[{self.tag}] {self.title}")[:200]

    @property
    def first_steps(self) -> list[str]:
        """What to do first, in sentences; the commands are in the mail only."""
        found = (one.lines for one in self.sections if one.heading == "What to do")
        return next(found, [])[:3]

    @property
    def gist(self) -> str:
        """The execution's Cause, and the line of the log."""
        return f"[{self.tag}] {self.cause} {self.outcome}" if self.cause else self.outcome
