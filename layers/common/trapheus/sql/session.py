"""What the hook asks of a database, whichever it is."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

Kind = Literal["failed", "late", "lost", "needs to be alone"]


class SqlError(Exception):
    """What a server, or the way to it, has against a statement, without any value.

    The text of a driver's error quotes rows (`Key (email)=(...) already exists`), so it is never
    kept: what stays is the code, the names that belong to it, and the line within the statement.
    `kind` is "late" if the statement was ended for its time, "lost" if the connection was, and
    "needs to be alone" if nothing was done since the statement takes no transaction around it.
    """

    def __init__(self, said: str, kind: Kind = "failed", line: int = 0) -> None:
        super().__init__(said)
        self.kind = kind
        self.line = line


class Session(Protocol):
    """One session with a database."""

    def run(self, statement: str, seconds: float) -> int:
        """Run one statement for so long at most, and count its rows; SqlError if it fails."""
        ...

    def value(self, query: str, seconds: float) -> tuple[int, list[Any]]:
        """How many rows a query has, and the first of them."""
        ...

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of the hook's own, with values in the place of each %s."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """A block that is done as a whole or not at all."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """A block in which the database lets nothing be changed, and of which nothing stays."""
        ...

    def rolls_back(self) -> bool:
        """Whether all that a statement without DDL changes is undone with its transaction."""
        ...

    def take_lock(self) -> bool:
        """Take the hook's lock, or end the session that has it: then it may be had soon."""
        ...

    def make_notes(self, columns: str) -> bool:
        """Make the table of notes if it is missing; False where its schema is another's."""
        ...

    def remove_notes(self) -> None:
        """Remove what is there of the notes and their schema."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


# The schema of the notes, and the table in it; a MySQL's schema is a database.
SCHEMA = "trapheus_sql_hook"
NOTES = f"{SCHEMA}.notes"


@contextmanager
def done_as_a_whole(session: Session, opening: str) -> Iterator[None]:
    """A transaction, begun with the engine's own words."""
    session.ask(opening)
    try:
        yield
        session.ask("commit")
    except BaseException:
        # An end in the middle has closed it, and the server rolls back.
        with suppress(SqlError):
            session.ask("rollback")
        raise


@contextmanager
def undone(session: Session, opening: str) -> Iterator[None]:
    """A transaction of which nothing stays, begun with the engine's own words."""
    session.ask(opening)
    try:
        yield
    finally:
        # A connection that is lost has ended it.
        with suppress(SqlError):
            session.ask("rollback")
