"""MySQL, MariaDB and Aurora MySQL, by PyMySQL."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import SSCursor

from trapheus.sql.session import NOTES, SCHEMA, Kind, SqlError, done_as_a_whole, undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

LOCK = "trapheus_sql_hook"
NAMES = {code: name for name, code in vars(ER).items() if name.isupper() and isinstance(code, int)}
INTERRUPTED = 1317
# The client's own codes begin here; the server's for an end of the session are told apart.
CLIENT, KILLED, SHUTDOWN, ENDED_BY_MARIADB = CR.CR_ERROR_FIRST, 3168, 1053, 1927
# Engines whose changes stay when a transaction is rolled back. Aurora has InnoDB only.
UNDOES = "InnoDB"
SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")


class MySQL:
    """One session, in which every statement commits by itself unless `transaction` is around it."""

    def __init__(self, open_session: Callable[[], pymysql.Connection[SSCursor]]) -> None:
        self.open_session = open_session
        self.connection = open_session()

    def run(self, statement: str, seconds: float) -> int:
        """Run one statement for so long at most, and count its rows."""
        return self.value(statement, seconds)[0]

    def value(self, query: str, seconds: float) -> tuple[int, list[Any]]:
        """How many rows a query has, or has changed, and the first of them.

        No more is ever in memory. The protocol takes one statement at a time, since the connection
        has not asked for more.
        """
        with self.ending_after(seconds) as is_late, self.talking(is_late):
            cursor = self.connection.cursor()
            rows, first = 0, list[Any]()
            changed = cursor.execute(query)
            while True:
                for row in cursor.fetchall_unbuffered() if cursor.description else ():
                    rows, first = rows + 1, first or list(row)
                # A procedure may have several results.
                if not cursor.nextset():
                    break
            cursor.close()
            return (rows or changed if 0 <= changed < 2**63 else rows), first

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of the hook's own."""
        with self.talking([]), self.connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def talking(self, is_late: list[bool]) -> Iterator[None]:
        """Turn an error of the driver into one that has no value in it."""
        try:
            yield
        except pymysql.MySQLError as error:
            raise said_by(error, is_late=bool(is_late)) from None

    @contextmanager
    def ending_after(self, seconds: float) -> Iterator[list[bool]]:
        """End what runs in the block when its time is over: MySQL has a limit for SELECT only."""
        is_late: list[bool] = []

        def end() -> None:
            is_late.append(True)
            # What cannot be ended goes on, and the function is ended with it at its own time-out.
            with suppress(pymysql.MySQLError, OSError), self.open_session() as other:
                other.cursor().execute(f"kill query {self.connection.thread_id()}")

        timer = Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield is_late
        finally:
            timer.cancel()

    def transaction(self) -> AbstractContextManager[None]:
        """A block that is done as a whole or not at all."""
        return done_as_a_whole(self, "start transaction")

    def reading(self) -> AbstractContextManager[None]:
        """A read-only transaction, whatever the session is set to; rolled back."""
        return undone(self, "start transaction read only")

    def rolls_back(self) -> bool:
        """Whether all tables are of the one engine that undoes changes."""
        return not self.ask(
            "select 1 from information_schema.tables where table_type = 'BASE TABLE'"
            " and engine <> %s and table_schema not in %s limit 1",
            UNDOES,
            SYSTEM,
        )

    def take_lock(self) -> bool:
        """Take the lock, or end the session that has it; it is free once that is rolled back."""
        if self.ask("select get_lock(%s, 0)", LOCK)[0][0] == 1:
            return True
        holder = self.ask("select is_used_lock(%s)", LOCK)[0][0]
        if holder is not None:
            with suppress(SqlError):  # it has just ended
                self.ask(f"kill {int(holder)}")
        return False

    def make_notes(self, columns: str) -> bool:
        """Make the table of notes if it is missing; False where its schema is another's."""
        tables = self.ask(
            "select table_name from information_schema.tables where table_schema = %s", SCHEMA
        )
        if tables and NOTES not in (f"{SCHEMA}.{name}" for (name,) in tables):
            return False
        self.ask(f"create database if not exists {SCHEMA}")
        self.ask(f"create table if not exists {NOTES} ({columns}) engine = {UNDOES}")
        return True

    def remove_notes(self) -> None:
        """Remove what is there of the notes and their schema."""
        self.ask(f"drop database if exists {SCHEMA}")

    def close(self) -> None:
        """End the session."""
        with suppress(pymysql.MySQLError, OSError):
            self.connection.close()


def connect(login: dict[str, Any], bundle: str, *, read_only: bool) -> MySQL:
    """A session over TLS, with a server whose certificate and name are verified."""

    def open_session() -> pymysql.Connection[SSCursor]:
        way = socket.create_connection((login["host"], login["port"]), timeout=10)
        # A firewall forgets a connection on which a long statement says nothing.
        way.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            way.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            way.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        way.settimeout(None)
        connection = pymysql.Connection(
            host=login["host"],
            port=login["port"],
            user=login["username"],
            password=login["password"],
            database=login["database"] or None,
            charset="utf8mb4",
            autocommit=True,
            cursorclass=SSCursor,
            ssl=verifying(bundle),
            defer_connect=True,
        )
        connection.connect(sock=way)
        if read_only:
            connection.cursor().execute("set session transaction read only")
        return connection

    try:
        return MySQL(open_session)
    except (pymysql.MySQLError, OSError) as error:
        # Of the way to the server and its door: names, never a value or the password.
        raise SqlError(" ".join(str(part) for part in error.args)[:500]) from None


def verifying(bundle: str) -> ssl.SSLContext:
    """What verifies the server's certificate, and that it is for the name that was asked for."""
    context = ssl.create_default_context(cafile=bundle)
    # From Python 3.13 on a default; it wants of a root what older ones of RDS lack.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def said_by(error: pymysql.MySQLError, *, is_late: bool) -> SqlError:
    """What the server, or the driver, has against a statement."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    name = NAMES.get(code, type(error).__name__)
    return SqlError(f"{name} (error {code})", kind_of(code, is_late=is_late))


def kind_of(code: int, *, is_late: bool) -> Kind:
    """What a code means for the statement; 0 is of a connection that is closed."""
    if is_late and code == INTERRUPTED:
        return "late"
    lost = code in (0, KILLED, SHUTDOWN, ENDED_BY_MARIADB) or CLIENT <= code < CLIENT + 100
    return "lost" if lost else "failed"
