"""Runs a script and its checks on a copy, going on where an earlier invocation has stopped."""

from __future__ import annotations

import hashlib
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from trapheus.execution.exceptions import SqlFailed, StillInProgress
from trapheus.execution.logs import logger
from trapheus.sql import notes as noting
from trapheus.sql.checks import failing, figure, queries
from trapheus.sql.connecting import connect, log_in, read_script
from trapheus.sql.notes import Note
from trapheus.sql.script import split
from trapheus.sql.session import SqlError
from trapheus.sql.statements import check as check_statements
from trapheus.sql.statements import commits_by_itself, is_of_session, named
from trapheus.sql_hook import MYSQL, why_not

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.sql.notes import Notes, Part
    from trapheus.sql.script import Statement
    from trapheus.sql.session import Session

# Seconds that a statement may take: what an invocation has, less what it needs around it.
LONGEST = 14 * 60
# Seconds that are left for the notes and the answer.
MARGIN = 20
# With less than this an invocation begins nothing more.
SHORTEST = 60
# So often is a statement begun that its server or its function did not survive.
MOST_TRIES = 5
ADVICE = (
    f"took longer than {LONGEST // 60} minutes, the most that one may: split it, such as by ranges"
    " of the primary key, or run it in a state machine of your own (HookStateMachines)"
)


class NeedsToBeAlone(Exception):
    """A statement takes no transaction around it, and nothing of it was done."""


@dataclass
class Work:
    """One invocation: the session with the lock, what was noted, and until when there is time."""

    database: Session
    notes: Notes
    mysql: bool
    # time.monotonic(), at which the answer has to be on its way.
    until: float
    # Seconds that taking the script apart has taken, in this invocation as in every one.
    splitting: float = 0.0
    seconds: float = 0.0
    # What Session.rolls_back says, as long as no table has been made or changed since.
    rolls_back: bool | None = None

    def left(self) -> float:
        """Seconds that a statement that begins now may take."""
        return min(LONGEST, self.until - time.monotonic())

    def takes_transaction(self, statement: Statement) -> bool:
        """Whether a statement is undone when it is cut off, as far as can be told before."""
        if self.mysql and commits_by_itself(statement):
            self.rolls_back = None
            return False
        if self.rolls_back is None:
            self.rolls_back = self.database.rolls_back()
        return self.rolls_back

    def is_fresh(self) -> bool:
        """Whether one that begins now has all the time that a statement may take."""
        return self.left() >= LONGEST - self.splitting


def run(event: dict[str, Any], remaining: float) -> dict[str, Any]:
    """The answer of the hook, or StillInProgress; `remaining` are the invocation's seconds."""
    until = time.monotonic() + remaining - MARGIN
    given, copy = event["with"], event["database"]
    why = why_not(copy["engine"], secret=bool(copy["masterUserSecret"]))
    if why:
        raise SqlFailed(why)
    mysql = copy["engine"] in MYSQL
    script = read_script(given["script"]) if "script" in given else ""
    began = time.monotonic()
    statements = split(script, mysql=mysql)
    check_statements(statements, mysql=mysql)
    checks = queries(given.get("checks", []), mysql=mysql)
    splitting = time.monotonic() - began
    login = log_in(copy)
    database = connect(copy, login)
    try:
        lock(database, until)
        digest = hashlib.sha256(script.encode()).hexdigest()
        notes = noting.open_notes(database, event["execution"], digest)
        work = Work(database, notes, mysql, until, splitting)
        for statement in statements:
            run_statement(work, statement)
        passed = run_checks(work, checks, lambda: connect(copy, login, read_only=True))
        remove_notes(work, partial(connect, copy, login))
    except SqlError as error:
        # Of the hook's own statements, which hold no value that the error could quote.
        if error.kind == "lost":
            raise StillInProgress("The connection was lost; the script goes on.") from None
        raise SqlFailed(f"The hook's own notes cannot be kept: {error}.") from None
    finally:
        database.close()
    return {
        "passed": True,
        "statements": len(statements),
        "seconds": round(work.seconds, 1),
        "checks": passed,
    }


def lock(database: Session, until: float) -> None:
    """Be the only one that works on the copy.

    A session has the lock until all that it began is committed or rolled back, even if its client
    is long gone [fact: locks-of-sessions]. So it is ended, and waited for, before anything is read
    or run.
    """
    while not database.take_lock():
        if time.monotonic() > until:
            raise StillInProgress("The session of an earlier call is still rolling back.")
        time.sleep(0.2)


def remove_notes(work: Work, open_session: Callable[..., Session]) -> None:
    """Remove the notes; where the connection is lost meanwhile, in a session of its own.

    Without the notes the next invocation would run the script again, and whether they are gone
    cannot be told then: so this ends well or fails, and is never StillInProgress.
    """
    # What comes behind the removal needs next to nothing of what is left for it.
    until = work.until + MARGIN / 4
    try:
        try:
            work.database.remove_notes()
        except SqlError as error:
            if error.kind != "lost":
                raise
            session = open_session(patience=until - time.monotonic())
            try:
                lock(session, until)
                session.remove_notes()
            finally:
                session.close()
    except (SqlError, SqlFailed, StillInProgress) as error:
        why = str(error) if isinstance(error, SqlError) else error.fields["message"].rstrip(".")
        raise SqlFailed(
            f"The hook has done its work, but its notes could not be removed: {why}; start the"
            " execution again."
        ) from None


def run_statement(work: Work, statement: Statement) -> None:
    """Run a statement unless it has run, with its note in its own transaction."""
    note = work.notes.get(("statement", statement.number))
    if note and note.ended:
        work.seconds += note.seconds
        if is_of_session(statement):
            perform(work, statement, partial(set_again, work, statement))
        return
    alone = not work.takes_transaction(statement)
    begin(work, "statement", statement.number, named(statement), note, alone=alone)
    try:
        did = perform(work, statement, partial(run_once, work, statement), alone=alone)
    except NeedsToBeAlone:
        rest(work, alone=True)
        noting.is_alone(work.database, statement.number)
        did = perform(work, statement, partial(run_once, work, statement), alone=True)
    work.seconds += did.seconds
    logger.info(
        "statement done", number=statement.number, seconds=round(did.seconds, 3), rows=did.rows
    )


def set_again(work: Work, statement: Statement, *, alone: bool) -> Note:
    """Run what its own session needs again, which is noted already."""
    return Note(0, work.database.run(statement.text, work.left()))


def begin(
    work: Work, part: Part, number: int, name: str, note: Note | None, *, alone: bool
) -> None:
    """Note that something begins, unless it must not."""
    if note and note.alone:
        raise SqlFailed(
            f"{capital(name)} was begun and has not ended, and it has no transaction: whether it"
            " has run, in whole or in part, cannot be told."
        )
    tries = note.tries + 1 if note else 1
    if tries > MOST_TRIES:
        raise SqlFailed(
            f"{capital(name)} was begun {MOST_TRIES} times and never ended: the function, the"
            " connection or the database did not last so long."
        )
    rest(work, alone=alone)
    noting.begin(work.database, part, number, alone=alone, tries=tries)


def rest(work: Work, *, alone: bool) -> None:
    """Leave to the next invocation what this one has no time for.

    What cannot be undone begins only where it has all the time that a statement may take.
    """
    if work.left() < SHORTEST or (alone and not work.is_fresh()):
        raise StillInProgress("The time of this call is up; the script goes on in the next one.")


def run_once(work: Work, statement: Statement, *, alone: bool) -> Note:
    """Run a statement, and note its end: as one transaction, if it takes one."""
    began = time.monotonic()
    with nullcontext() if alone else work.database.transaction():
        rows = work.database.run(statement.text, work.left())
        did = Note(time.monotonic() - began, rows)
        noting.end(work.database, "statement", statement.number, did)
    return did


def perform(
    work: Work, statement: Statement, act: Callable[..., Note], *, alone: bool = False
) -> Note:
    """Do it, and say what an error means: the end, or another try of what was rolled back."""
    was_fresh = work.is_fresh()
    try:
        return act(alone=alone)
    except SqlError as error:
        name = named(statement)
        if error.kind == "needs to be alone" and not alone:
            raise NeedsToBeAlone from None
        if error.kind == "lost" and alone:
            raise SqlFailed(
                f"{capital(name)} was begun, and the connection was lost before it ended; it has no"
                " transaction, so whether it has run cannot be told."
            ) from None
        if error.kind == "lost":
            raise StillInProgress(f"The connection was lost in {name}: once more.") from None
        if error.kind == "late" and not was_fresh:
            raise StillInProgress(f"The time of this call is up in {name}: once more.") from None
        if error.kind == "late":
            raise SqlFailed(f"{capital(name)} {ADVICE}.") from None
        place = f" at line {statement.line + error.line}" if error.line else ""
        raise SqlFailed(f"{capital(name)} failed{place}: {error}.") from None


def capital(name: str) -> str:
    """A name at the beginning of a sentence."""
    return name[:1].upper() + name[1:]


def run_checks(
    work: Work, checks: list[dict[str, Any]], open_session: Callable[[], Session]
) -> list[dict[str, Any]]:
    """The checks that hold, each with its figure; SqlFailed for the first that does not.

    They have a session of their own, which has none of the script's settings.
    """
    if not checks:
        return []
    session = open_session()
    try:
        return [run_check(work, session, number, check) for number, check in enumerate(checks, 1)]
    finally:
        session.close()


def run_check(work: Work, session: Session, number: int, check: dict[str, Any]) -> dict[str, Any]:
    """Look whether a check holds, unless an earlier invocation has seen that it does."""
    name = f"check {check['name']!r}"
    note = work.notes.get(("check", number))
    told = note.detail if note else ""
    if not (note and note.ended):
        begin(work, "check", number, name, note, alone=False)
        was_fresh, began = work.is_fresh(), time.monotonic()
        try:
            with session.reading():
                rows, first = session.value(check["query"], work.left())
        except SqlError as error:
            if error.kind == "lost" or (error.kind == "late" and not was_fresh):
                raise StillInProgress(f"The {name} was not finished: once more.") from None
            why = ADVICE if error.kind == "late" else f"failed: {error}"
            raise SqlFailed(f"The {name} {why}.") from None
        why = failing(check, rows, first)
        if why:
            raise SqlFailed(f"The {name} does not hold: its query {why}.")
        told = str(rows) if "isEmpty" in check else figure(first[0])
        did = Note(time.monotonic() - began, rows, told)
        noting.end(work.database, "check", number, did)
        logger.info("check holds", number=number, seconds=round(did.seconds, 3), rows=rows)
    return {"name": check["name"]} | ({"value": told} if told else {})
