"""What a statement of a script means for a script that may go on in another invocation."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from trapheus.execution.exceptions import ScriptRefused
from trapheus.sql.script import Token, mysql_tokens, postgresql_tokens, word_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trapheus.sql.script import Statement

# What ends or begins a transaction, which is the hook's to do: a statement has its own.
TRANSACTIONS = (
    ("BEGIN",),
    ("START", "TRANSACTION"),
    ("COMMIT",),
    ("END",),
    ("ROLLBACK",),
    ("ABORT",),
    ("SAVEPOINT",),
    ("RELEASE",),
    ("XA",),
    ("PREPARE", "TRANSACTION"),
    ("SET", "TRANSACTION"),
    ("SET", "LOCAL"),
    ("SET", "AUTOCOMMIT"),
    ("SET", "@@AUTOCOMMIT"),
    ("SET", "SESSION", "AUTOCOMMIT"),
    ("SET", "@@SESSION", "AUTOCOMMIT"),
    ("SET", "@@LOCAL", "AUTOCOMMIT"),
    ("LOCK", "TABLES"),
    ("LOCK", "TABLE"),
    ("UNLOCK",),
)
# What lives in the session, and would be gone when the script goes on in another one.
LOST = (
    ("PREPARE",),
    ("EXECUTE",),
    ("DEALLOCATE",),
    ("DECLARE",),
    ("DISCARD",),
    ("HANDLER",),
    ("CREATE", "TEMP"),
    ("CREATE", "TEMPORARY"),
    ("CREATE", "LOCAL"),
    ("CREATE", "GLOBAL"),
    ("CREATE", "OR", "REPLACE", "TEMP"),
    ("CREATE", "OR", "REPLACE", "TEMPORARY"),
)
LOST_INSIDE = (("INTO", "TEMP"), ("INTO", "TEMPORARY"), ("INTO", "LOCAL"), ("INTO", "GLOBAL"))
# What would take the hook's own lock away.
UNLOCKS = ("PG_ADVISORY_UNLOCK_ALL", "RELEASE_ALL_LOCKS")
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
# What MySQL undoes when a transaction is rolled back: all else commits by itself, or may.
TRANSACTIONAL = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "SELECT", "WITH", "VALUES", "TABLE", "DO"}
    | {"SHOW", "EXPLAIN", "DESC", "DESCRIBE", "USE", "SET"}
)
# What may be told of a statement; anything else could be a typing mistake that holds a secret.
KNOWN = TRANSACTIONAL | {
    *("ALTER", "ANALYZE", "CALL", "CHECKPOINT", "CLUSTER", "COMMENT", "COPY", "CREATE", "DROP"),
    *("FLUSH", "GRANT", "IMPORT", "LOAD", "LOCK", "MERGE", "OPTIMIZE", "REASSIGN", "REFRESH"),
    *("REINDEX", "RENAME", "REPAIR", "RESET", "REVOKE", "SECURITY", "TRUNCATE", "VACUUM"),
}


def check(statements: list[Statement], *, mysql: bool) -> None:
    """Refuse a script, by its first statement that cannot be run here, before any has been."""
    constants: set[str] = set()
    for statement in statements:
        why = refusal(statement, mysql=mysql)
        if mysql and not why:
            why = refusal_of_variables(statement, constants)
        if why:
            raise ScriptRefused(f"The script cannot be run: {named(statement)} {why}.")


def refusal(statement: Statement, *, mysql: bool) -> str:
    """Why a statement cannot be run, as the rest of a sentence; "" if it can."""
    if begins(statement, TRANSACTIONS):
        return (
            "is about a transaction, and every statement has one of its own: leave it out, or put"
            " what belongs together into one statement, such as a DO block or a procedure"
        )
    if begins(statement, LOST) or any(statement.has(*words) for words in LOST_INSIDE):
        return (
            "makes what only its own session has, and the script may go on in another one: use a"
            " table, and drop it at the end"
        )
    if any(word in statement.words for word in UNLOCKS):
        return "would take the lock away that keeps the script from running twice"
    if begins(statement, [("COPY",)]) and (statement.has("STDIN") or statement.has("STDOUT")):
        return "reads from its client or writes to it: use INSERT, or a hook of your own"
    if takes_remembered(statement, mysql=mysql):
        return LOST_VALUE
    return refusal_of_mysql(statement) if mysql else refusal_of_postgresql(statement)


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


def refusal_of_postgresql(statement: Statement) -> str:
    """The same for what only PostgreSQL has."""
    if "SET_CONFIG" in statement.words and not SETTING_SET.fullmatch(shape(statement, mysql=False)):
        return (
            "has a set_config that would be missing, or another one, when the script goes on in"
            " another session: SELECT set_config(...) by itself and with constants, or keep the"
            " value in a table"
        )
    if statement.words[:1] == ("DO",) and SETTING_OF_SESSION.search(statement.text):
        return (
            "sets within a block what is missing when the script goes on in another session: use"
            " SET in front of it, or keep the value in a table"
        )
    return ""


def refusal_of_variables(statement: Statement, constants: set[str]) -> str:
    """Why a statement of MySQL may not have its user variables; "" if it may.

    `constants` are those that the script has set to one so far, which each session has anew.
    """
    if statement.words[:1] == ("CALL",):
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
    is_read = first in READING or begins(statement, TABLES_MADE)
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
    has_accounts = begins(statement, ACCOUNTS)
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


def refusal_of_mysql(statement: Statement) -> str:
    """The same for what only MySQL has, apart from its variables."""
    words = statement.words
    if words[:2] == ("SET", "STATEMENT"):
        return (
            "sets something for one statement, and what is set is run again in each session: use"
            " SET by itself, and the statement behind it"
        )
    if words[:2] in (("SET", "NAMES"), ("SET", "CHARACTER")) and "UTF8" not in (
        statement.text.upper()
    ):
        return "sets another encoding than the script's, which is UTF-8: leave it out"
    if begins(statement, [("LOAD",)]) and statement.has("LOCAL"):
        return "reads from its client: use a hook of your own"
    return ""


def is_of_session(statement: Statement) -> bool:
    """Whether it sets what its session goes by, so that the next one needs it again."""
    if statement.words[:2] in (("SET", "PASSWORD"), ("SET", "DEFAULT")):
        return False
    if statement.words == ("LOAD",):  # a library, whose name is quoted
        return True
    return statement.words[:1] in (("SET",), ("RESET",), ("USE",)) or (
        statement.words[:1] == ("SELECT",) and statement.has("SET_CONFIG")
    )


def commits_by_itself(statement: Statement) -> bool:
    """Whether MySQL commits in the middle of it, or may, so that it cannot be undone."""
    if statement.words[:2] in (("SET", "PASSWORD"), ("SET", "DEFAULT")):
        return True
    first = next((word for word in statement.words if word != "("), "")
    return first not in TRANSACTIONAL


def begins(statement: Statement, openings: Sequence[tuple[str, ...]]) -> bool:
    """Whether its first words are one of these."""
    return any(statement.words[: len(words)] == words for words in openings)


def named(statement: Statement) -> str:
    """A statement as a message names it: never by what stands in it."""
    first = statement.words[0] if statement.words[:1] and statement.words[0] in KNOWN else ""
    place = f"line {statement.line}"
    return f"statement {statement.number} ({f'{first}, ' if first else ''}{place})"
