"""A mail in plain text, and in HTML."""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import TYPE_CHECKING

from trapheus.messages.message import block, plain

if TYPE_CHECKING:
    from trapheus.messages.message import Message

# Of a terminal's 80, two are left to who shows it in another text.
WIDTH = 78
# What a person may copy stays on one line, however long: a command, an input in JSON. ARNs and
# links do anyway, having no blanks.
WHOLE = re.compile(r"`[^`]+`|\{.*\}")
# The console is another one in each partition. [fact: consoles-of-partitions]
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
# A block of commands wraps by style alone: a line break in it would be pasted with it. What a mail
# program must not lose with the style sheet stands in the tags as well.
WRAPPING = "white-space:pre-wrap;overflow-wrap:anywhere"
STYLE = """
:root{color-scheme:light dark}
body{margin:0;padding:16px;background:#fff;color:#1b1f24;
font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
main{max-width:720px;margin:0 auto}
.tag{display:inline-block;padding:2px 10px;border-radius:4px;font-weight:600}
h1{font-size:20px;line-height:1.35;margin:10px 0 20px}
h2{font-size:16px;margin:24px 0 4px;padding-top:12px;border-top:1px solid #d0d7de}
p{margin:4px 0}
pre{margin:8px 0;padding:12px;border-radius:4px;background:#f3f5f7;
font:13px/1.6 ui-monospace,Menlo,Consolas,monospace}
a{color:#0969da}
@media (prefers-color-scheme:dark){
body{background:#14171a;color:#e6e9ec}pre{background:#22272c}h2{border-color:#3a4148}
a{color:#6cb0ff}}
"""
# The colours of a tag: its first word says how bad it is.
COLOURS = {"DOWN": "#b42318", "DECIDE": "#9a4d00", "SERVING": "#1a6b3c", "OK": "#1a6b3c"}
PLAIN = "#4a5561"


def console_of(execution: str) -> str:
    """Where the console shows an execution; empty for what is none."""
    parts = execution.split(":")
    domain = CONSOLES.get(parts[1]) if len(parts) > 6 else None
    if domain is None:
        return ""
    region = parts[3]
    return (
        f"https://{region}.{domain}/states/home?region={region}#/v2/executions/details/{execution}"
    )


def as_text(message: Message) -> str:
    """The mail in plain text; what is indented are commands."""
    parts = ["\n".join(wrapped(message.outcome))]
    for section in message.sections:
        lines = [part for line in section.lines for part in wrapped(line)]
        commands = [f"  {line}" for line in block(section.commands)]
        parts.append("\n".join([section.heading.upper(), *lines, *commands]))
    if message.execution:
        links = filter(None, (message.execution, console_of(message.execution)))
        parts.append("\n".join(["EXECUTION", *links]))
    return "\n\n".join(parts) + "\n"


def wrapped(line: str) -> list[str]:
    """A line in as many as 78 columns take; those after the first begin with a blank.

    None is empty, which would end a section.
    """
    kept = WHOLE.sub(lambda found: found.group().replace(" ", "\0"), plain(line))
    pieces = textwrap.wrap(
        kept, WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False
    )
    return [piece.replace("\0", " ") for piece in pieces]


def as_html(message: Message) -> str:
    """The mail in HTML, everything in it escaped."""
    colour = COLOURS.get(message.tag.split(",")[0].split(" ")[0], PLAIN)
    style = f"background:{colour};color:#fff"
    parts = [
        f'<p><span class="tag" style="{style}">{escape(message.tag)}</span></p>',
        f"<h1>{escape(plain(message.outcome))}</h1>",
    ]
    for section in message.sections:
        parts.append(f"<h2>{escape(section.heading)}</h2>")
        parts += [f"<p>{escape(plain(line))}</p>" for line in section.lines]
        if section.commands:
            commands = escape("\n".join(block(section.commands)))
            parts.append(f'<pre style="{WRAPPING}">{commands}</pre>')
    if message.execution:
        parts += ["<h2>Execution</h2>", f"<p>{escape(message.execution)}</p>"]
    if link := console_of(message.execution):
        parts.append(f'<p><a href="{escape(link)}">Open it in the console</a></p>')
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(message.subject)}</title><style>{STYLE}</style></head>"
        f'<body style="font-family:sans-serif"><main style="overflow-wrap:anywhere">'
        f"{''.join(parts)}</main></body></html>"
    )
