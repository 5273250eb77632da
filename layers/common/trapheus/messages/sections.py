"""What a message is made of: sections, with a block of commands each."""

from __future__ import annotations

from dataclasses import dataclass, field

# A command that fails stops those after it.
THEN = " && \\"


@dataclass(frozen=True)
class Section:
    """A heading with its lines, and one block of commands that does what the heading says."""

    heading: str
    lines: list[str]
    commands: list[str] = field(default_factory=list)


def block(commands: list[str]) -> list[str]:
    """The lines of a block, which a shell takes as one."""
    return [command + THEN for command in commands[:-1]] + commands[-1:]
