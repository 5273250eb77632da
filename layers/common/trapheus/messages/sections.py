"""A mail as sections, in plain text and in HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

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


def as_text(sections: list[Section]) -> str:
    """The mail in plain text; what is indented are commands."""
    parts = []
    for section in sections:
        lines = [section.heading.upper(), *map(plain, section.lines)]
        parts.append("\n".join(lines + [f"  {line}" for line in block(section.commands)]))
    return "\n\n".join(parts) + "\n"


def as_html(subject: str, sections: list[Section]) -> str:
    """The mail in HTML, everything in it escaped."""
    parts = [f"<h2>{escape(subject)}</h2>"]
    for section in sections:
        parts.append(f"<h3>{escape(section.heading)}</h3>")
        parts += [f"<p>{escape(plain(line))}</p>" for line in section.lines]
        if section.commands:
            parts.append(f"<pre>{escape(chr(10).join(block(section.commands)))}</pre>")
    body = "".join(parts)
    return f'<!doctype html><html><body style="font-family: sans-serif">{body}</body></html>'
