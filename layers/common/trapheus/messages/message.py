"""What happened: of this the mail, the topic's message, the event and the Cause are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
# Of a line, whatever somebody has typed or AWS has answered.
LONGEST = 8_000
# A command that fails stops those after it.
THEN = " && \\"


@dataclass(frozen=True)
class Section:
    """A heading with its lines, and one block of commands that does what the heading says."""

    heading: str
    lines: list[str]
    commands: list[str] = field(default_factory=list)


def plain(text: object) -> str:
    """A text on one line and in characters that can be shown, as every way takes it.

    What came from elsewhere looks like no heading, and like no command of a mail.
    """
    shown = "".join(one if one.isprintable() else " " for one in str(text)[:LONGEST])
    return " ".join(shown.split())


def block(commands: list[str]) -> list[str]:
    """The lines of a block, which a shell takes as one."""
    return [command + THEN for command in commands[:-1]] + commands[-1:]


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
