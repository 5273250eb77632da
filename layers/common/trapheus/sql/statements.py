"""What a statement of a script means for a script that may go on in another invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.exceptions import ScriptRefused
from trapheus.sql.session_values import (
    LOST_VALUE,
    refusal_of_settings,
    refusal_of_variables,
    takes_remembered,
)

if TYPE_CHECKING:
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
# What is no setting, though it begins with SET: it changes a user of MySQL.
SET_FOR_GOOD = (("SET", "PASSWORD"), ("SET", "DEFAULT"))
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
    if statement.begins(*TRANSACTIONS):
        return (
            "is about a transaction, and every statement has one of its own: leave it out, or put"
            " what belongs together into one statement, such as a DO block or a procedure"
        )
    if statement.begins(*LOST) or any(statement.has(*words) for words in LOST_INSIDE):
        return (
            "makes what only its own session has, and the script may go on in another one: use a"
            " table, and drop it at the end"
        )
    if any(word in statement.words for word in UNLOCKS):
        return "would take the lock away that keeps the script from running twice"
    if statement.begins(("COPY",)) and (statement.has("STDIN") or statement.has("STDOUT")):
        return "reads from its client or writes to it: use INSERT, or a hook of your own"
    if takes_remembered(statement, mysql=mysql):
        return LOST_VALUE
    return refusal_of_mysql(statement) if mysql else refusal_of_settings(statement)


def refusal_of_mysql(statement: Statement) -> str:
    """The same for what only MySQL has, apart from its variables."""
    if statement.begins(("SET", "STATEMENT")):
        return (
            "sets something for one statement, and what is set is run again in each session: use"
            " SET by itself, and the statement behind it"
        )
    sets_encoding = statement.begins(("SET", "NAMES"), ("SET", "CHARACTER"))
    if sets_encoding and "UTF8" not in statement.text.upper():
        return "sets another encoding than the script's, which is UTF-8: leave it out"
    if statement.begins(("LOAD",)) and statement.has("LOCAL"):
        return "reads from its client: use a hook of your own"
    return ""


def is_of_session(statement: Statement) -> bool:
    """Whether it sets what its session goes by, so that the next one needs it again."""
    if statement.begins(*SET_FOR_GOOD):
        return False
    if statement.words == ("LOAD",):  # a library, whose name is quoted
        return True
    return statement.begins(("SET",), ("RESET",), ("USE",)) or (
        statement.begins(("SELECT",)) and statement.has("SET_CONFIG")
    )


def commits_by_itself(statement: Statement) -> bool:
    """Whether MySQL commits in the middle of it, or may, so that it cannot be undone."""
    if statement.begins(*SET_FOR_GOOD):
        return True
    first = next((word for word in statement.words if word != "("), "")
    return first not in TRANSACTIONAL


def named(statement: Statement) -> str:
    """A statement as a message names it: never by what stands in it."""
    first = statement.words[0] if statement.words[:1] and statement.words[0] in KNOWN else ""
    place = f"line {statement.line}"
    return f"statement {statement.number} ({f'{first}, ' if first else ''}{place})"
