"""What a message is made of: sections, with a block of commands each."""

from __future__ import annotations

from dataclasses import dataclass, field

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
