r"""Takes a script apart into its statements, as psql and the mysql client do.

sqlparse and sqlglot were measured for this, and each cut several of the scripts in
tests/unit/test_sql_script.py in a wrong place; pglast does it right, for PostgreSQL, under the GPL.
What only a client understands, such as \copy, is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trapheus.execution.exceptions import ScriptRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

# What holds text in which a semicolon ends nothing; a word comes first, so that a$b$c is one.
POSTGRESQL = re.compile(
    r"""
    (?P<comment> --[^\n]* )
    | (?P<nested> /\* )
    | (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<dollar> \$(?:[^\W\d]\w*)?\$ )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<number> \d[\w.]* | \$\d+ )
    | (?P<open> ['"] )
    | (?P<end> ; )
    | (?P<mark> [()\\] )
    """,
    re.VERBOSE | re.DOTALL,
)
# A comment that the server executes, /*!40101 ... */, is code, whose bounds are nothing.
MYSQL = re.compile(
    r"""
    (?P<comment> \#[^\n]* | --(?=[\s]|\Z)[^\n]* | /\*M?!\d* | \*/ | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` )
    | (?P<variable> @@?(?: '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` ) )
    | (?P<word> @(?!@)[\w.$]* | (?:@@)?[^\W\d][\w$]* | \\N )
    | (?P<number> \d[\w.]* )
    | (?P<open> ['"`] | /\* )
    | (?P<mark> [()\\] )
    """,
    re.VERBOSE | re.DOTALL,
)
BOUNDS = re.compile(r"/\*|\*/")
DELIMITER = re.compile(r"[ \t]*delimiter[ \t]+(\S+)[^\n]*(?:\n|\Z)", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement: its place in the script, and its words and brackets outside of quotes."""

    number: int
    line: int
    text: str
    words: tuple[str, ...]

    def has(self, *words: str) -> bool:
        """Whether the words stand in it, one behind another."""
        size = len(words)
        return any(self.words[at : at + size] == words for at in range(len(self.words) - size + 1))

    def begins(self, *openings: tuple[str, ...]) -> bool:
        """Whether its first words are one of these."""
        return any(self.words[: len(words)] == words for words in openings)


@dataclass(frozen=True)
class Token:
    """A piece of a script: what it is, and where."""

    kind: str
    text: str
    start: int
    end: int


def split(script: str, *, mysql: bool, of: str = "the script") -> list[Statement]:
    """The statements of a script, or ScriptRefused with the line that cannot be taken apart."""
    tokens = mysql_tokens(script) if mysql else postgresql_tokens(script)
    statements: list[Statement] = []
    found: list[Token] = []
    # The line of a place that is passed already: to count from the top for each takes its square.
    line, counted = 1, 0
    nesting = Nesting()

    def add(stop: int) -> None:
        """Append the statement that goes on until `stop`, unless it is empty."""
        nonlocal line, counted
        if all(token.kind in ("comment", "end") for token in found):
            return
        start = first_of(found)
        line, counted = line + script.count("\n", counted, start), start
        statements.append(
            Statement(len(statements) + 1, line, script[start:stop].rstrip(), words_of(found))
        )

    for token in tokens:
        if token.kind == "open":
            raise refused(script, token, of, f"the {token.text} has no end")
        if token.text == "\\":
            raise refused(script, token, of, "a command of psql or mysql (\\) is none of SQL")
        if token.kind == "end" and (mysql or nesting.is_closed()):
            add(token.start)
            found.clear()
            nesting = Nesting()
            continue
        found.append(token)
        if not mysql and token.kind in ("word", "mark"):
            nesting.add(token.text.upper())
    add(len(script))
    return statements


def first_of(found: list[Token]) -> int:
    """Where a statement begins: a comment in front belongs to nobody, unless the server runs it."""
    return next(
        token.start
        for token in found
        if token.kind != "comment" or token.text.startswith(("/*!", "/*M!"))
    )


def words_of(found: list[Token]) -> tuple[str, ...]:
    """The words and brackets of a statement; a MySQL's variable is one however it is quoted."""
    return tuple(word_of(token) for token in found if token.kind in ("word", "mark", "variable"))


def word_of(token: Token) -> str:
    """A piece as it is compared: a variable without its quotes."""
    text = token.text.upper()
    if token.kind != "variable":
        return text
    name = text.lstrip("@")
    return text[: -len(name)] + name[1:-1]


class Nesting:
    """What is still open in a statement of PostgreSQL, in which a semicolon ends nothing."""

    def __init__(self) -> None:
        self.brackets = 0
        # CREATE FUNCTION may have a body in SQL's own words: begin atomic ... end.
        self.opening: list[str] = []
        self.last = ""
        self.is_body = False
        self.bodies = 0

    def add(self, word: str) -> None:
        """Take the next word or bracket of the statement."""
        self.brackets += (word == "(") - (word == ")")
        if len(self.opening) < 2 and word not in ("OR", "REPLACE"):
            self.opening.append(word)
        if self.is_body:
            # A case within the body has an end as well.
            self.bodies += (word == "CASE") - (word == "END")
        elif (self.last, word) == ("BEGIN", "ATOMIC") and self.opening in (
            ["CREATE", "FUNCTION"],
            ["CREATE", "PROCEDURE"],
        ):
            self.is_body, self.bodies = True, 1
        self.last = word

    def is_closed(self) -> bool:
        """Whether a semicolon ends the statement here: not in brackets, nor in a body."""
        return self.brackets <= 0 and self.bodies == 0


def postgresql_tokens(script: str) -> Iterator[Token]:
    """The pieces of a script for PostgreSQL; what is only space or a sign between them is not."""
    at = 0
    while match := POSTGRESQL.search(script, at):
        kind, at = str(match.lastgroup), match.end()
        if kind == "nested":
            kind, at = "comment", end_of_comment(script, match.start())
        elif kind == "dollar":
            close = script.find(match[0], at)
            kind, at = ("quoted", close + len(match[0])) if close >= 0 else ("open", at)
        if at < 0:
            kind, at = "open", match.end()
        yield Token(kind, script[match.start() : at], match.start(), at)


def end_of_comment(script: str, start: int) -> int:
    """Where a comment ends, in which others may stand; -1 if it does not."""
    depth = 0
    for bound in BOUNDS.finditer(script, start):
        depth += 1 if bound[0] == "/*" else -1
        if depth == 0:
            return bound.end()
    return -1


def mysql_tokens(script: str) -> Iterator[Token]:
    """The pieces of a script for MySQL; DELIMITER is an order to the client, and so to this."""
    at, delimiter, is_empty = 0, ";", True
    while at < len(script):
        if is_empty and (order := DELIMITER.match(script, at)):
            delimiter, at = order[1], order.end()
        elif script.startswith(delimiter, at):
            yield Token("end", delimiter, at, at + len(delimiter))
            at, is_empty = at + len(delimiter), True
        elif match := MYSQL.match(script, at):
            kind, end = str(match.lastgroup), match.end()
            # A delimiter of dollars could be a part of the word.
            if kind == "word" and (cut := match[0].find(delimiter)) > 0:
                end = at + cut
            yield Token(kind, script[at:end], at, end)
            at, is_empty = end, is_empty and kind == "comment"
        else:
            is_empty = is_empty and script[at].isspace()
            if not script[at].isspace():
                yield Token("sign", script[at], at, at + 1)
            at += 1


def refused(script: str, token: Token, of: str, why: str) -> ScriptRefused:
    """The error for a script that cannot be taken apart."""
    line = script.count("\n", 0, token.start) + 1
    return ScriptRefused(f"Line {line} of {of} cannot be run: {why}.")
