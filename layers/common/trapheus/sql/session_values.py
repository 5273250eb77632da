"""What a statement takes from its session, or leaves in it: values that the next one has not."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from trapheus.sql.script import Token, mysql_tokens, postgresql_tokens, word_of

if TYPE_CHECKING:
    from trapheus.sql.script import Statement

# What tells of an earlier statement of the same session, or of a sequence as that session saw it.
REMEMBERED = ("LAST_INSERT_ID", "ROW_COUNT", "FOUND_ROWS", "LASTVAL", "CURRVAL")
LOST_VALUE = (
    "takes a value from an earlier statement of its session, and the script may go on in another"
    " one: use a subquery, or keep the value in a table, and drop that at the end"
)
# Constants, which are the same ones in each session; `shape` writes a text as ' and a number as 0.
MYSQL_CONSTANT = (
    r"(?:[+-] )*(?:0|TRUE|FALSE|NULL|(?:(?:DATE|TIME|TIMESTAMP|X|B|N|_UTF8(?:MB[34])?) )?'(?: ')*)"
)
VARIABLE_SET = rf"@ (?:: )?= {MYSQL_CONSTANT}"
VARIABLES_SET = re.compile(rf"SET {VARIABLE_SET}(?: , {VARIABLE_SET})*")
# A variable that is written: by SELECT @a := 1, by SELECT 1 INTO @a, by SET @a = 1 beside others.
WRITTEN = re.compile(r"@ : =|\bINTO @")
WRITTEN_BY_SET = re.compile(r"@ (?:: )?=")
# Statements in which a variable can be read, and written in no other way than these.
READING = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "VALUES", "TABLE", "DO", "SET"}
)
TABLES_MADE = (("CREATE", "TABLE"), ("CREATE", "OR", "REPLACE", "TABLE"))
# Statements that may name a user with a host, as in app@localhost.
ACCOUNTS = (
    *((word,) for word in ("CREATE", "ALTER", "DROP", "RENAME", "GRANT", "REVOKE", "SHOW")),
    *(("SET", word) for word in ("PASSWORD", "DEFAULT", "ROLE")),
)
# Words of MySQL in front of a value, which are nobody's name.
LEADING = {
    *("ALL", "AND", "AS", "BETWEEN", "BINARY", "BY", "CASE", "CHECK", "DEFAULT"),
    *("DIAGNOSTICS", "DISTINCT", "DIV", "DO", "ELSE", "ELSEIF", "END", "ESCAPE", "FROM"),
    *("HAVING", "IF", "IN", "INTERVAL", "INTO", "IS", "LIKE", "LIMIT", "MOD", "NOT", "ON"),
    *("OR", "REGEXP", "RETURN", "RLIKE", "SELECT", "SET", "THEN", "UNTIL", "USING"),
    *("VALUES", "WHEN", "WHERE", "WHILE", "XOR"),
}
POSTGRESQL_CONSTANT = r"(?:'|0|TRUE|FALSE|NULL)(?: : : \w+)?"
SETTING_SET = re.compile(
    r"SELECT (?:PG_CATALOG \. )?SET_CONFIG \( "
    rf"{POSTGRESQL_CONSTANT} , {POSTGRESQL_CONSTANT} , {POSTGRESQL_CONSTANT} \)(?: AS \w+)?"
)
# A block's own words are in quotes, where `words` does not look.
SETTING_OF_SESSION = re.compile(r"set_config\s*\([^;]*,\s*false\s*\)", re.IGNORECASE)


def takes_remembered(statement: Statement, *, mysql: bool) -> bool:
    """Whether it calls a function that tells of an earlier statement of its session."""
    if statement.has("PREVIOUS", "VALUE", "FOR") or "@@IDENTITY" in statement.words:
        return True
    if not any(word in statement.words for word in (*REMEMBERED, "@@LAST_INSERT_ID")):
        return statement.has("@@SESSION", "IDENTITY")
    # A column may have such a name.
    parts = shape(statement, mysql=mysql).split()
    return "@@LAST_INSERT_ID" in parts or any(
        one in REMEMBERED and other == "(" for one, other in pairwise(parts)
    )


def refusal_of_settings(statement: Statement) -> str:
    """Why a statement of PostgreSQL may not set its session's settings so; "" if it may."""
    if "SET_CONFIG" in statement.words and not SETTING_SET.fullmatch(shape(statement, mysql=False)):
        return (
            "has a set_config that would be missing, or another one, when the script goes on in"
            " another session: SELECT set_config(...) by itself and with constants, or keep the"
            " value in a table"
        )
    if statement.begins(("DO",)) and SETTING_OF_SESSION.search(statement.text):
        return (
            "sets within a block what is missing when the script goes on in another session: use"
            " SET in front of it, or keep the value in a table"
        )
    return ""


def refusal_of_variables(statement: Statement, constants: set[str]) -> str:
    """Why a statement of MySQL may not have its user variables; "" if it may.

    `constants` are those that the script has set to one so far, which each session has anew.
    """
    if statement.begins(("CALL",)):
        # A procedure may set any.
        constants.clear()
    if not any(word.startswith("@") for word in statement.words):
        return ""
    names = {word_of(token) for token in user_variables(code_of(statement, mysql=True), statement)}
    if not names:
        return ""
    form = shape(statement, mysql=True)
    if VARIABLES_SET.fullmatch(form):
        constants |= names
        return ""
    first = next((word for word in statement.words if word != "("), "")
    is_read = first in READING or statement.begins(*TABLES_MADE)
    is_written = WRITTEN.search(form) or (first == "SET" and WRITTEN_BY_SET.search(form))
    if is_read and not is_written and names <= constants:
        return ""
    return (
        "has a user variable whose value may be lost when the script goes on in another session:"
        " set it to a constant by a SET of its own (behind the last CALL) and only read it, use a"
        " subquery, or keep the value in a table and drop that at the end"
    )


def user_variables(tokens: list[Token], statement: Statement) -> list[Token]:
    """Which pieces are user variables: neither a system's, @@name, nor a user's host, name@host."""
    has_accounts = statement.begins(*ACCOUNTS)
    found, before = [], None
    for token in tokens:
        is_host = (
            before is not None
            and before.end == token.start
            and (
                before.kind == "quoted"
                or (has_accounts and before.kind == "word" and before.text.upper() not in LEADING)
            )
        )
        is_variable = token.text.startswith("@") and not token.text.startswith("@@")
        if is_variable and token.kind != "sign" and not is_host:
            found.append(token)
        before = token
    return found


def code_of(statement: Statement, *, mysql: bool) -> list[Token]:
    """The pieces of a statement, signs too, without its comments."""
    text, at = statement.text, 0
    found: list[Token] = []
    for token in mysql_tokens(text) if mysql else postgresql_tokens(text):
        # PostgreSQL's pieces leave the signs out.
        found += [
            Token("sign", text[place], place, place + 1)
            for place in range(at, token.start)
            if not text[place].isspace()
        ]
        if token.kind != "comment":
            found.append(token)
        at = token.end
    return found


def shape(statement: Statement, *, mysql: bool) -> str:
    """A statement without its values: words, signs, and ' 0 @ for texts, numbers and variables."""
    tokens = code_of(statement, mysql=mysql)
    variables = {token.start for token in user_variables(tokens, statement)} if mysql else set()
    parts: list[str] = []
    for token in tokens:
        if token.start in variables:
            parts.append("@")
        elif token.kind == "quoted":
            is_name = token.text[0] == ("`" if mysql else '"')
            parts.append("NAME" if is_name else "'")
        else:
            parts.append("0" if token.kind == "number" else word_of(token))
    return " ".join(parts)
