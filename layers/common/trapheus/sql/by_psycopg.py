"""PostgreSQL and Aurora PostgreSQL, by psycopg."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, pq

from trapheus.sql.session import NOTES, SCHEMA, Kind, SqlError, done_as_a_whole, undone

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from psycopg.pq.abc import PGresult

# Any number that nobody else uses: "trapheus" in ASCII.
LOCK = 0x7472617068657573
# Of pg_type: bool, and the numbers int8, int2, int4, oid, float4, float8, numeric.
BOOLEAN, NUMBERS = 16, frozenset({20, 21, 23, 26, 700, 701, 1700})
# "cannot run inside a transaction block", said before anything is done; and a COMMIT within a DO
# block or a procedure, after which all is rolled back. [fact: statements-without-a-transaction]
ALONE = ("25001", "2D000")
CANCELED = "57014"
# The classes of lost connections and of servers that end, and what was ended by an administrator.
LOST = ("08", "57P")
DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY)


class PostgreSQL:
    """One session, in which every statement commits by itself unless `transaction` is around it."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.connection = connection

    def run(self, statement: str, seconds: float) -> int:
        """Run one statement for so long at most, and count its rows."""
        return self.value(statement, seconds)[0]

    def value(self, query: str, seconds: float) -> tuple[int, list[Any]]:
        """How many rows a query has, and the first of them; no more is ever in memory.

        The extended protocol takes one statement at a time, so nothing can hide behind a semicolon.
        """
        self.ask(f"set statement_timeout = {max(1, int(seconds * 1000))}")
        rows, first = 0, list[Any]()
        failed: SqlError | None = None
        try:
            pgconn = self.connection.pgconn
            pgconn.send_query_params(query.encode(self.connection.info.encoding), None)
            pgconn.set_single_row_mode()
            while (result := pgconn.get_result()) is not None:
                if result.status == pq.ExecStatus.SINGLE_TUPLE:
                    rows, first = rows + 1, first or values(result)
                elif result.status in DONE:
                    rows = max(rows, result.command_tuples or 0)
                else:
                    failed = failed or error_of(result, query)
                    if result.status in (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT):
                        raise failed
        except psycopg.Error as error:
            raise said_by(error) from None
        if failed:
            raise failed
        return rows, first

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of the hook's own."""
        try:
            cursor = self.connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise said_by(error) from None

    def transaction(self) -> AbstractContextManager[None]:
        """A block that is done as a whole or not at all."""
        return done_as_a_whole(self, "begin")

    def reading(self) -> AbstractContextManager[None]:
        """A read-only transaction, whatever the session is set to; rolled back."""
        return undone(self, "begin read only")

    def rolls_back(self) -> bool:
        """All is undone with its transaction."""
        return True

    def take_lock(self) -> bool:
        """Take the lock, or end the session that has it; it is free once that is rolled back."""
        if self.ask("select pg_try_advisory_lock(%s)", LOCK)[0][0]:
            return True
        self.ask(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            " and database = (select oid from pg_database where datname = current_database())"
            " and classid = %s and objid = %s and objsubid = 1",
            LOCK >> 32,
            LOCK & 0xFFFFFFFF,
        )
        return False

    def make_notes(self, columns: str) -> bool:
        """Make the table of notes if it is missing; False where its schema is another's."""
        if self.ask("select to_regclass(%s)", NOTES)[0][0]:
            return True
        if self.ask("select 1 from pg_namespace where nspname = %s", SCHEMA):
            return False
        with self.transaction():
            self.ask(f"create schema {SCHEMA}")
            self.ask(f"create table {NOTES} ({columns})")
            # A script may take another role for a while.
            self.ask(f"grant usage on schema {SCHEMA} to public")
            self.ask(f"grant select, insert, update on {NOTES} to public")
        return True

    def remove_notes(self) -> None:
        """Remove what is there of the notes and their schema, whatever the script has set."""
        self.ask("reset role")
        self.ask("set default_transaction_read_only = off")
        self.ask(f"drop schema if exists {SCHEMA} cascade")

    def close(self) -> None:
        """End the session."""
        self.connection.close()


def connect(login: dict[str, Any], bundle: str, *, read_only: bool) -> PostgreSQL:
    """A session over TLS, with a server whose certificate and name are verified."""
    try:
        connection = psycopg.connect(
            host=login["host"],
            port=login["port"],
            dbname=login["database"] or "postgres",
            user=login["username"],
            password=login["password"],
            sslmode="verify-full",
            sslrootcert=bundle,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=10,
            # A firewall forgets a connection on which a long statement says nothing.
            keepalives_idle=30,
            keepalives_interval=10,
            application_name="trapheus",
            client_encoding="utf8",
            options=f"-c default_transaction_read_only={'on' if read_only else 'off'}",
        )
    except psycopg.Error as error:
        # Of the way to the server and its door: names, never a value or the password.
        raise SqlError(" ".join(str(error).split())[:500]) from None
    # No notice is kept: it may quote a row, as RAISE NOTICE does.
    connection.add_notice_handler(lambda _: None)
    return PostgreSQL(connection)


def values(result: PGresult) -> list[Any]:
    """The values of a row: numbers and truths as such, all else as text."""
    found: list[Any] = []
    for column in range(result.nfields):
        raw = result.get_value(0, column)
        text = None if raw is None else raw.decode("utf-8", "replace")
        if text is None:
            found.append(None)
        elif result.ftype(column) == BOOLEAN:
            found.append(text == "t")
        else:
            found.append(Decimal(text) if result.ftype(column) in NUMBERS else text)
    return found


def error_of(result: PGresult, query: str) -> SqlError:
    """What the server has against a statement."""

    def field(which: pq.DiagnosticField) -> str:
        return (result.error_field(which) or b"").decode("utf-8", "replace")

    code = field(pq.DiagnosticField.SQLSTATE)
    names = (
        ("constraint", field(pq.DiagnosticField.CONSTRAINT_NAME)),
        ("column", field(pq.DiagnosticField.COLUMN_NAME)),
        ("table", field(pq.DiagnosticField.TABLE_NAME)),
    )
    place = "".join(f", {kind} {name}" for kind, name in names if name)
    position = field(pq.DiagnosticField.STATEMENT_POSITION)
    line = query.count("\n", 0, int(position) - 1) if position.isdigit() else 0
    return SqlError(f"{called(code)}{place}", kind_of(code), line)


def said_by(error: psycopg.Error) -> SqlError:
    """What psycopg says: the server's code, or that the server is gone."""
    if error.sqlstate:
        return SqlError(called(error.sqlstate), kind_of(error.sqlstate))
    return SqlError(type(error).__name__, "lost")


def kind_of(code: str) -> Kind:
    """What a code means for the statement; one without a code comes from a broken connection."""
    if not code or code.startswith(LOST):
        return "lost"
    if code in ALONE:
        return "needs to be alone"
    return "late" if code == CANCELED else "failed"


def called(code: str) -> str:
    """A code with its name, such as UniqueViolation (SQLSTATE 23505)."""
    try:
        return f"{errors.lookup(code).__name__} (SQLSTATE {code})"
    except KeyError:
        return f"SQLSTATE {code}" if code else "the connection was lost"
