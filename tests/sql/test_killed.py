"""A function that is killed: each statement has run exactly once, or the end names it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.conftest import Context, Copy, put
from trapheus.execution.exceptions import StillInProgress
from trapheus.sql import run as running

MOMENTS = ("before", "during", "behind")
# Seconds that a statement takes, so that a kill can meet it.
SLOW = 0.08


def slowly(copy: Copy, statement: str) -> str:
    """A statement that takes a while on the server."""
    sleep = f"select sleep({SLOW})" if copy.is_mysql else f"select pg_sleep({SLOW})"
    return f"insert into done select {statement} from ({sleep}) as slowly"


def in_child(event: dict[str, Any], pause: Callable[[int], None], number: int, moment: str) -> None:
    """Run the hook, and pause at a moment of a statement, where it will be killed."""
    run_statement = running.run_statement

    def paused(work: Any, statement: Any) -> None:
        here = statement.number == number
        if here and moment == "before":
            pause(60)
        if here and moment == "during":
            run = work.database.run

            def begin(text: str, seconds: float) -> int:
                pause(0)
                return int(run(text, seconds))

            work.database.run = begin
        run_statement(work, statement)
        if here and moment == "behind":
            pause(60)

    running.run_statement = paused
    running.run(event, Context().seconds)


def killed(event: dict[str, Any], number: int, moment: str, times: int = 1) -> None:
    """Run the hook in a process of its own, and kill that with SIGKILL at a moment."""
    ready, reached = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ready)

            def pause(seconds: int) -> None:
                os.write(reached, b".")
                time.sleep(seconds)

            in_child(event, pause, number, moment)
        finally:
            os._exit(1)
    os.close(reached)
    came = b"".join(os.read(ready, 1) for _ in range(times))
    os.close(ready)
    if moment == "during":
        # From before the server has it until after its commit.
        time.sleep(random.uniform(0, SLOW * 1.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(came) == times, f"the child has not come to statement {number}"


def finished(copy: Copy, event: dict[str, Any]) -> dict[str, Any]:
    """Call the hook until it has an answer, as the state machine does."""
    from src.sql.hook import handler

    while True:
        try:
            return handler(event, Context())  # type: ignore[arg-type]
        except StillInProgress:
            time.sleep(0.1)


def kill_everywhere(copy: Copy, statements: list[str], every: list[int]) -> dict[str, Any]:
    # What is killed late in the last statement is in the check then, and not behind the end.
    query = "select 1 + sleep(1)" if copy.is_mysql else "select 1 from pg_sleep(1)"
    check = {"name": "slow", "query": query, "equals": 1}
    event = copy.event(script=put(";\n".join(statements)), checks=[check])
    for number in every:
        for moment in MOMENTS:
            killed(event, number, moment)
    return finished(copy, event)


def script_of(copy: Copy, count: int) -> list[str]:
    """Statements with a transaction, among them settings that each session needs."""
    setting = "set @factor = 2" if copy.is_mysql else "set my.factor = '2'"
    factor = "@factor" if copy.is_mysql else "current_setting('my.factor')::int"
    return [setting, *(slowly(copy, f"{number}, {factor}") for number in range(2, count + 1))]


def check_once_each(copy: Copy, count: int) -> None:
    done = copy.sql("select n, factor, count(*) from done group by n, factor order by n")
    assert done == [(number, 2, 1) for number in range(2, count + 1)]
    assert not copy.has_notes()


@pytest.fixture(autouse=True)
def done(copy: Copy) -> None:
    copy.sql("create table done (n int, factor int)")


def test_a_function_killed_before_during_and_behind_its_statements_runs_each_once(copy):
    answer = kill_everywhere(copy, script_of(copy, 5), [1, 3, 5])
    assert answer["passed"]
    assert answer["statements"] == 5
    check_once_each(copy, 5)


@pytest.mark.thorough
def test_200_statements_killed_before_during_and_behind_each_run_once_each(copy):
    answer = kill_everywhere(copy, script_of(copy, 200), list(range(1, 201)))
    assert answer["passed"]
    assert answer["statements"] == 200
    check_once_each(copy, 200)


ALONE = {
    "postgres": ["vacuum done", "create index concurrently on done (n)", "call slow()"],
    "mariadb": ["create table more (n int)", "alter table more add m int", "call slow()"],
}


@pytest.fixture
def alone(copy: Copy) -> list[str]:
    """A script with statements that have no transaction, the last a slow one."""
    if copy.is_mysql:
        copy.sql("create procedure slow() begin do sleep(0.4); insert into done values (9, 9); end")
    else:
        copy.sql(
            "create procedure slow() language plpgsql as $$ begin"
            " perform pg_sleep(0.4); insert into done values (9, 9); commit; end $$"
        )
    return ["insert into done values (1, 1)", *ALONE[copy.engine]]


def test_what_has_no_transaction_is_run_once_when_it_is_killed_beside_it(copy, alone):
    event = copy.event(script=put(";".join(alone)))
    for number in range(1, len(alone) + 1):
        killed(event, number, "before")
        killed(event, number, "behind")
    assert finished(copy, event)["passed"]
    assert copy.sql("select n, count(*) from done group by n order by n") == [(1, 1), (9, 1)]


def test_what_has_no_transaction_and_was_killed_in_its_middle_is_named(copy, alone):
    event = copy.event(script=put(";\n".join(alone)))
    # PostgreSQL runs it in a transaction first, which it refuses at the end: the try is undone.
    killed(event, 4, "during", times=1 if copy.is_mysql else 2)
    answer = finished(copy, event)
    assert not answer["passed"]
    assert "Statement 4 (CALL, line 4) was begun and has not ended" in answer["reason"]
    # However often it is asked.
    assert finished(copy, event) == answer
    assert copy.has_notes()
