"""What has been done, kept in the copy: a note is written in the statement's own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trapheus.execution.exceptions import SqlFailed
from trapheus.sql.session import NOTES, SCHEMA

if TYPE_CHECKING:
    from trapheus.sql.session import Session

Part = Literal["execution", "script", "statement", "check"]
COLUMNS = (
    "part varchar(16), number integer, detail varchar(512), alone integer, tries integer,"
    " ended integer, seconds double precision, rows_of bigint, primary key (part, number)"
)


@dataclass(frozen=True)
class Note:
    """A statement that was begun, and what is known of its end."""

    seconds: float
    rows: int
    detail: str = ""
    ended: bool = True
    alone: bool = False
    tries: int = 1


Notes = dict[tuple[Part, int], Note]


def read(database: Session) -> Notes:
    """All notes by what they are about."""
    found = database.ask(
        f"select part, number, alone, tries, ended, seconds, rows_of, detail from {NOTES}"  # noqa: S608
    )
    return {
        (part, number): Note(seconds, rows, detail, bool(ended), bool(alone), tries)
        for part, number, alone, tries, ended, seconds, rows, detail in found
    }


def open_notes(database: Session, execution: str, script: str) -> Notes:
    """The notes of this execution and script, made if need be.

    Those that came with the data, of an execution that was stopped, are put away. A script that has
    changed under way is refused: which of its statements have run could not be told.
    """
    if not database.make_notes(COLUMNS):
        raise SqlFailed(
            f"The database has a schema {SCHEMA}, which the hook needs for itself: drop or rename"
            " it in the source."
        )
    notes = read(database)
    noted = notes.get(("execution", 0))
    if noted and noted.detail != execution:
        database.remove_notes()
        database.make_notes(COLUMNS)
        notes, noted = {}, None
    if noted is None:
        with database.transaction():
            write(database, "execution", 0, execution)
            write(database, "script", 0, script)
    elif notes["script", 0].detail != script:
        raise SqlFailed(
            "The script has changed while it was under way: leave it as it is until the execution"
            " has ended, and start another one."
        )
    return notes


def write(database: Session, part: Part, number: int, detail: str) -> None:
    """Note what the notes are about."""
    database.ask(
        f"insert into {NOTES} values (%s, %s, %s, 0, 0, 1, 0, 0)",  # noqa: S608
        part,
        number,
        detail,
    )


def begin(database: Session, part: Part, number: int, *, alone: bool, tries: int) -> None:
    """Note that something is begun, for the `tries`th time."""
    if tries > 1:
        database.ask(
            f"update {NOTES} set tries = %s where part = %s and number = %s",  # noqa: S608
            tries,
            part,
            number,
        )
    else:
        database.ask(
            f"insert into {NOTES} values (%s, %s, '', %s, 1, 0, 0, 0)",  # noqa: S608
            part,
            number,
            int(alone),
        )


def is_alone(database: Session, number: int) -> None:
    """Note that a statement has no transaction after all."""
    database.ask(
        f"update {NOTES} set alone = 1 where part = 'statement' and number = %s",  # noqa: S608
        number,
    )


def end(database: Session, part: Part, number: int, ended: Note) -> None:
    """Note that it has ended; in the same transaction, if it has one."""
    database.ask(
        f"update {NOTES} set ended = 1, seconds = %s, rows_of = %s, detail = %s"  # noqa: S608
        " where part = %s and number = %s",
        ended.seconds,
        ended.rows,
        ended.detail,
        part,
        number,
    )
