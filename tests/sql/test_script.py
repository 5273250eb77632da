"""A script and its checks, from its first statement to the answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from local.servers.authority import make_authority
from src.sql.hook import handler
from tests.sql.conftest import BUCKET, PASSWORD, SECRETS, Context, Copy, put
from trapheus.execution.exceptions import StillInProgress
from trapheus.sql import connecting
from trapheus.sql import run as running

SETUP = {
    "postgres": "create table customers (id int primary key, email text unique, n int default 0)",
    "mariadb": "create table customers (id int primary key, email varchar(99) unique, n int"
    " default 0)",
}
MARKER = "MARKER-somebody@example.com"
SLEEP = {"postgres": "select pg_sleep(3)", "mariadb": "select sleep(3)"}


@pytest.fixture(autouse=True)
def customers(copy: Copy) -> None:
    copy.sql(SETUP[copy.engine], f"insert into customers values (1, '{MARKER}', 0), (2, 'c@d', 0)")


def emails(copy: Copy) -> list[str]:
    return [email for (email,) in copy.sql("select email from customers order by id")]


def reason(answer: dict[str, Any]) -> str:
    assert answer["passed"] is False
    return str(answer["reason"])


def test_a_script_masks_and_its_checks_hold(copy):
    masked = {"name": "masked", "query": "select * from customers where email like '%@e%'"}
    answer = copy.hook(
        "update customers set email = concat('user', id, '@test');\n"
        "-- nobody else; in one statement\n"
        "delete from customers where id = 2;",
        masked | {"isEmpty": True},
        {"name": "not empty", "query": "select count(*) from customers", "atLeast": 1},
        {"name": "name", "query": "select max(email) from customers", "equals": "user1@test"},
    )
    assert answer.pop("seconds") >= 0
    assert answer == {
        "passed": True,
        "statements": 2,
        "checks": [
            {"name": "masked", "value": "0"},
            {"name": "not empty", "value": "1"},
            {"name": "name"},
        ],
    }
    assert emails(copy) == ["user1@test"]
    assert not copy.has_notes()


def test_checks_alone_need_no_script(copy):
    check = {"name": "two", "query": "select count(*) from customers", "equals": 2}
    answer = copy.hook("", check)
    assert (answer["passed"], answer["statements"]) == (True, 0)


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (
            {"query": "select count(*) from customers", "atLeast": 3},
            "its query is 2, not at least 3",
        ),
        ({"query": "select count(*) from customers", "atMost": 1}, "its query is 2, not at most 1"),
        ({"query": "select count(*) from customers", "equals": 3}, "its query is 2, not 3"),
        ({"query": "select 1 = 2", "equals": True}, "not True"),
        (
            {"query": "select max(id) from customers where id > 7", "atLeast": 1},
            "its query is null",
        ),
        ({"query": "select email from customers where id = 1", "atLeast": 1}, "is no number"),
        ({"query": "select email from customers where id = 1", "equals": "x"}, "is another value"),
        ({"query": "select id from customers", "equals": 1}, "has 2 rows of 1 values"),
        ({"query": "select 1, 2", "equals": 1}, "has 1 rows of 2 values"),
        ({"query": "select 1 from customers where id > 7", "equals": 1}, "has 0 rows"),
        ({"query": "select * from customers", "isEmpty": True}, "has 2 rows, not none"),
    ],
)
def test_a_check_that_does_not_hold_is_named_with_its_figures_alone(copy, check, why, lines):
    said = reason(copy.hook("update customers set n = 7", {"name": "mine"} | check))
    assert said.startswith("The check 'mine' does not hold: ")
    assert why in said
    assert MARKER not in said + lines.getvalue()


FAILING = {
    "postgres": [
        (
            f"update customers set email = '{MARKER}'",
            "UniqueViolation (SQLSTATE 23505), constraint",
        ),
        (f"select '{MARKER}'::int", "InvalidTextRepresentation (SQLSTATE 22P02)"),
        (f"do $$ begin raise exception '{MARKER}'; end $$", "RaiseException (SQLSTATE P0001)"),
        (f"alter user nobody password '{MARKER}'", "UndefinedObject (SQLSTATE 42704)"),
        (f"do $$ begin raise notice '{MARKER}'; perform 1/0; end $$", "DivisionByZero"),
        (f"selec '{MARKER}'", "SyntaxError (SQLSTATE 42601)"),
    ],
    "mariadb": [
        (f"update customers set email = '{MARKER}'", "DUP_ENTRY (error 1062)"),
        (f"insert into customers values ('{MARKER}', 1, 1)", "(error 1366)"),
        (f"signal sqlstate '45000' set message_text = '{MARKER}'", "(error 1644)"),
        (f"set password for nobody = password('{MARKER}')", "(error 1133)"),
        (f"selec '{MARKER}'", "PARSE_ERROR (error 1064)"),
    ],
}


@pytest.mark.parametrize(
    ("engine", "failing"), [(engine, one) for engine, those in FAILING.items() for one in those]
)
def test_a_statement_that_fails_is_named_and_no_value_of_it_is_told(
    copy, failing, capfd, caplog, lines
):
    statement, wanted = failing
    caplog.set_level("DEBUG")
    said = reason(copy.hook(f"update customers set n = 5;\n\n{statement};\nselect 1"))
    assert "tatement 2 (" in said
    assert "line 3)" in said
    assert wanted in said
    drivers = [one for one in caplog.records if one.name.startswith(("psycopg", "pymysql", "trap"))]
    logged = "".join(f"{one.getMessage()} {one.__dict__}" for one in drivers)
    for told in (said, *capfd.readouterr(), lines.getvalue(), logged):
        assert "MARKER" not in told
        assert PASSWORD not in told
    assert copy.sql("select max(n) from customers") == [(5,)]


# MySQL tells a line by its words alone.
@pytest.mark.parametrize("engine", ["postgres"])
def test_the_line_within_a_statement_is_told(copy):
    said = reason(copy.hook("select 1;\nupdate customers\nset n = 1\nwhere nothing = 2"))
    assert "Statement 2 (UPDATE, line 2) failed at line 4: UndefinedColumn" in said


def test_the_log_has_each_statement_with_its_seconds_and_rows(copy, lines):
    copy.hook(f"update customers set n = 1; select '{MARKER}' union select '2' union select '3'")
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    done = [(line["number"], line["rows"]) for line in told if line["message"] == "statement done"]
    assert done == [(1, 2), (2, 3)]
    assert MARKER not in lines.getvalue()


def test_many_rows_are_counted_without_being_kept(copy, lines):
    many = "generate_series(1, 50000)" if not copy.is_mysql else "seq_1_to_50000"
    assert copy.hook(f"select * from {many}")["passed"]
    assert '"rows":50000' in lines.getvalue()


def test_a_statement_has_its_time_and_the_error_says_what_to_do(copy, monkeypatch):
    monkeypatch.setattr(running, "LONGEST", 1)
    monkeypatch.setattr(running, "SHORTEST", 0.1)
    said = reason(copy.hook(f"update customers set n = 1; {SLEEP[copy.engine]}"))
    assert "Statement 2 (SELECT, line 1) took longer than 14 minutes" in said
    assert "HookStateMachines" in said


def test_what_an_invocation_has_no_time_for_is_left_to_the_next(copy, monkeypatch):
    monkeypatch.setattr(running, "LONGEST", 20)
    monkeypatch.setattr(running, "SHORTEST", 0.1)
    script = f"update customers set n = n + 1; {SLEEP[copy.engine]}; update customers set n = n + 1"
    began = time.monotonic()
    with pytest.raises(StillInProgress, match="statement 2"):
        copy.hook(script, seconds=running.MARGIN + 1.5)
    assert time.monotonic() - began < 4
    assert copy.has_notes()
    answer = copy.hook(script)
    assert answer["seconds"] >= 3
    assert copy.sql("select n from customers") == [(2,), (2,)]


def test_nothing_begins_in_the_last_minute(copy):
    with pytest.raises(StillInProgress):
        copy.hook("update customers set n = n + 1", seconds=running.MARGIN + 50)
    assert copy.sql("select max(n) from customers") == [(0,)]


def test_a_session_s_settings_are_set_again_in_the_next(copy):
    setting = "set @more = 5" if copy.is_mysql else "set my.more = '5'"
    more = "@more" if copy.is_mysql else "current_setting('my.more')::int"
    script = f"{setting}; update customers set n = n + {more}; update customers set n = n + {more}"
    leave(copy, script, done=2)
    assert copy.hook(script)["passed"]
    assert copy.sql("select n from customers") == [(10,), (10,)]


def leave(copy: Copy, script: str, *, done: int) -> None:
    """Stop behind so many statements, as when time is up."""
    run_statement = running.run_statement

    def stop(work: Any, statement: Any) -> None:
        if statement.number > done:
            raise StillInProgress("as if time were up")
        run_statement(work, statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "run_statement", stop)
        with pytest.raises(StillInProgress):
            copy.hook(script)


def test_a_script_that_changes_under_way_is_refused(copy):
    leave(copy, "update customers set n = n + 1; update customers set n = n + 1", done=1)
    said = reason(copy.hook("update customers set n = n + 1; update customers set n = n + 7"))
    assert "The script has changed while it was under way" in said
    assert copy.sql("select n from customers") == [(1,), (1,)]


def test_notes_that_came_with_the_data_are_put_away(copy):
    script = "update customers set n = n + 1; update customers set n = n + 10"
    leave(copy, script, done=1)
    copy.execution = "arn:aws:states:us-east-1:111111111111:execution:Restore:another"
    assert copy.hook(script)["passed"]
    assert copy.sql("select n from customers") == [(12,), (12,)]
    assert not copy.has_notes()


def test_a_schema_of_the_same_name_that_is_somebody_s_is_left_alone(copy):
    kind = "database" if copy.is_mysql else "schema"
    copy.sql(f"create {kind} trapheus_sql_hook", "create table trapheus_sql_hook.mine (n int)")
    assert "drop or rename it" in reason(copy.hook("update customers set n = 1"))
    assert copy.sql("select count(*) from trapheus_sql_hook.mine") == [(0,)]
    assert copy.sql("select max(n) from customers") == [(0,)]


def test_a_session_that_has_outlived_its_client_is_ended_before_anything_runs(copy):
    """It has the lock and is in a change, which must not end beside its repetition."""
    lock = (
        "select get_lock('trapheus_sql_hook', 0)"
        if copy.is_mysql
        else f"select pg_advisory_lock({0x7472617068657573})"
    )
    other = copy.connect()
    other.cursor().execute(lock)
    ended: list[BaseException] = []

    def go_on() -> None:
        sleep = "sleep(20)" if copy.is_mysql else "pg_sleep(20)"
        try:
            other.cursor().execute(
                f"update customers set n = n + 1 where (select 1 from (select {sleep}) as s) = 1"
            )
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    assert copy.hook("update customers set n = n + 1")["passed"]
    thread.join()
    assert time.monotonic() - began < 15
    assert ended
    assert copy.sql("select n from customers") == [(1,), (1,)]


def test_a_statement_that_never_ends_is_not_begun_for_ever(copy, monkeypatch):
    def gone(self: Any, statement: str, seconds: float) -> int:
        raise running.SqlError("the connection was lost", "lost")

    from trapheus.sql import by_psycopg, by_pymysql

    family = by_pymysql.MySQL if copy.is_mysql else by_psycopg.PostgreSQL
    monkeypatch.setattr(family, "run", gone)
    for _ in range(running.MOST_TRIES):
        with pytest.raises(StillInProgress):
            copy.hook("update customers set n = 1")
    assert "was begun 5 times and never ended" in reason(copy.hook("update customers set n = 1"))


def test_what_has_no_transaction_begins_only_with_all_the_time_there_is(copy):
    copy.sql("create table words (n int) " + ("engine = myisam" if copy.is_mysql else ""))
    statements = (
        # A table whose changes stay when a transaction is rolled back makes every change alone.
        ["truncate words", "insert into words values (1)"]
        if copy.is_mysql
        else ["vacuum customers"]
    )
    for statement in statements:
        with pytest.raises(StillInProgress):
            copy.hook(statement, seconds=800)
        copy.execution += "x"
        assert copy.hook(statement)["passed"]


# The role of a MySQL session cannot take rights away from its user.
@pytest.mark.parametrize("engine", ["postgres"])
def test_a_role_that_the_script_takes_is_no_hindrance(copy):
    copy.sql("drop role if exists poor", "create role poor", "grant all on customers to poor")
    assert copy.hook("set role poor; update customers set n = 1")["passed"]
    assert not copy.has_notes()
    copy.sql("drop owned by poor", "drop role poor")


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("", "has nothing to log in with"),
        (
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone",
            "can't find the specified secret",
        ),
        ("no json", "is not as RDS writes one"),
        (json.dumps({"username": "master", "password": "wrong"}), "The hook cannot log in to"),
    ],
)
def test_who_cannot_log_in_is_told_why(copy, secret, sentence, monkeypatch):
    monkeypatch.setattr(connecting, "PATIENCE", 0)
    if secret and not secret.startswith("arn:"):
        secret = SECRETS.add(secret)
    copy.secret = secret
    said = reason(copy.hook("update customers set n = 1"))
    assert sentence in said
    assert "wrong" not in said


def test_a_server_of_another_authority_is_not_spoken_to(copy, monkeypatch, tmp_path):
    monkeypatch.setattr(connecting, "PATIENCE", 0)
    monkeypatch.setenv("CA_BUNDLE", str(make_authority("Another").write(tmp_path / "ca.pem")))
    assert "certificate verify failed" in reason(copy.hook("update customers set n = 1"))


def relay(address: str, port: int) -> int:
    """Let a connection to another address through to a server: the port there."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def accept() -> None:
        client, _ = listener.accept()
        server = socket.create_connection((address, port))
        for pair in ((client, server), (server, client)):
            threading.Thread(target=pass_on, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def test_a_server_under_another_name_is_not_spoken_to(copy, monkeypatch):
    monkeypatch.setattr(connecting, "PATIENCE", 0)
    event = copy.event(script=put("update customers set n = 1"))
    event["database"]["endpoint"] = (
        "localhost" if copy.server.address == "127.0.0.1" else "127.0.0.9"
    )
    from src.sql.hook import handler
    from tests.sql.conftest import Context

    assert "cannot log in" in reason(handler(event, Context()))
    assert copy.sql("select max(n) from customers") == [(0,)]


@pytest.mark.parametrize(
    ("uri", "content", "sentence"),
    [
        (f"s3://{BUCKET}/none.sql", None, "cannot be read: it is not there"),
        ("s3://another/mask.sql", None, "its SqlBucket is another one"),
        (f"s3://{BUCKET}/mask.sql", b"select '\xff'", "is not in UTF-8"),
        (f"s3://{BUCKET}/mask.sql", b"select 1; commit", "is about a transaction"),
    ],
)
def test_a_script_that_cannot_be_read_is_told(copy, uri, content, sentence):
    if content is not None:
        put(content)
    assert sentence in reason(handler(copy.event(script=uri), Context()))
    assert not copy.has_notes()


def test_the_time_that_splitting_takes_keeps_no_statement_from_beginning(copy, monkeypatch):
    """Every invocation takes the script apart: what has no transaction would never begin."""
    split = running.split

    def slow(*given: Any, **more: Any) -> Any:
        time.sleep(3)
        return split(*given, **more)

    monkeypatch.setattr(running, "split", slow)
    monkeypatch.setattr(running, "LONGEST", 900 - running.MARGIN - 2)
    assert copy.hook("truncate table customers" if copy.is_mysql else "vacuum customers")["passed"]


class LostAtTheRemoval:
    """Breaks the connection around the removal of the notes, before or behind it, so many times."""

    def __init__(
        self, copy: Copy, monkeypatch: pytest.MonkeyPatch, moment: str, times: int
    ) -> None:
        from trapheus.sql import by_psycopg, by_pymysql

        family = by_pymysql.MySQL if copy.is_mysql else by_psycopg.PostgreSQL
        remove, self.left = family.remove_notes, times

        def broken(session: Any) -> None:
            if self.left == 0:
                return remove(session)
            self.left -= 1
            if moment == "behind":
                remove(session)
            session.connection.close()
            raise running.SqlError("the connection was lost", "lost")

        monkeypatch.setattr(family, "remove_notes", broken)


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_a_connection_lost_at_the_removal_of_the_notes_runs_nothing_again(
    copy, monkeypatch, moment
):
    LostAtTheRemoval(copy, monkeypatch, moment, 1)
    assert copy.hook("update customers set n = n + 1")["passed"]
    assert copy.sql("select n from customers") == [(1,), (1,)]
    assert not copy.has_notes()


def test_notes_that_cannot_be_removed_are_a_failure_and_no_reason_to_call_again(copy, monkeypatch):
    LostAtTheRemoval(copy, monkeypatch, "before", 9)
    said = reason(copy.hook("update customers set n = n + 1"))
    assert said.startswith("The hook has done its work, but its notes could not be removed: ")
    assert "start the execution again" in said


def test_a_server_that_stays_away_at_the_removal_is_a_failure_too(copy, monkeypatch):
    LostAtTheRemoval(copy, monkeypatch, "before", 1)
    connect = running.connect

    def once(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(running, "connect", away)
        return connect(*given, **more)

    def away(database: Any, *given: Any, **more: Any) -> Any:
        monkeypatch.setattr(connecting, "PATIENCE", 0)
        return connect(database, {**given[0], "password": "wrong"}, **more)

    monkeypatch.setattr(running, "connect", once)
    said = reason(copy.hook("update customers set n = n + 1"))
    assert said.startswith("The hook has done its work, but its notes could not be removed: ")


@pytest.mark.parametrize(
    "query",
    [
        "delete from customers",
        "update customers set n = 1",
        "set session characteristics as transaction read write",
        "set session transaction read write",
        "-- select * from customers",
        "/* select 1 from customers */",
        ";",
        "select 1; select 2",
        "select 1; delete from customers",
        "commit",
    ],
)
def test_a_check_that_is_not_one_query_is_refused_before_the_script_runs(copy, query):
    check = {"name": "wrong", "query": query, "isEmpty": True}
    said = reason(copy.hook("update customers set n = 7", check))
    assert said == (
        "The check 'wrong' cannot be run: its query must be exactly one statement, which begins"
        " with SELECT, WITH, VALUES, TABLE or SHOW."
    )
    assert copy.sql("select max(n) from customers") == [(0,)]
    assert not copy.has_notes()


def test_a_check_whose_quote_has_no_end_is_refused_by_its_name(copy):
    check = {"name": "wrong", "query": "select 'a from customers", "isEmpty": True}
    said = reason(copy.hook("update customers set n = 7", check))
    assert said == "Line 1 of the check 'wrong' cannot be run: the ' has no end."
    assert copy.sql("select max(n) from customers") == [(0,)]


def test_queries_of_every_kind_are_checks(copy):
    queries = ["(select 1)", "with a as (select 1) select * from a", "-- one\nselect 1; -- it"]
    if not copy.is_mysql:
        queries += ["table one", "values (1)"]
        copy.sql("create table one as select 1 as n")
    checks = [
        {"name": str(number), "query": query, "atLeast": 1} for number, query in enumerate(queries)
    ]
    assert copy.hook("", *checks)["passed"]


def test_no_check_lets_a_later_one_change_the_copy(copy):
    """Each has a transaction of its own, which is read-only whatever its session says."""
    if copy.is_mysql:
        copy.sql(
            "create function opened() returns int begin"
            " set session tx_read_only = 0; return 1; end",
            "create function wiped() returns int modifies sql data begin"
            " delete from customers; return 1; end",
        )
        opening, wiping = "select opened()", "select wiped()"
    else:
        opening = "select 1 from set_config('default_transaction_read_only', 'off', false)"
        wiping = "with gone as (delete from customers returning 1) select count(*) from gone"
    checks = [
        {"name": "opening", "query": opening, "equals": 1},
        {"name": "wiping", "query": wiping, "atLeast": 1},
    ]
    said = reason(copy.hook("", *checks))
    assert said.startswith("The check 'wiping' failed: ")
    assert len(emails(copy)) == 2


# A setting of a MySQL session is of no transaction; each check has its own there too, see above.
@pytest.mark.parametrize("engine", ["postgres"])
def test_what_a_check_sets_is_gone_behind_it(copy):
    checks = [
        {"name": "a", "query": "select set_config('search_path', 'no', false)", "equals": "no"},
        {"name": "b", "query": "select count(*) from customers", "equals": 2},
    ]
    assert copy.hook("", *checks)["passed"]


LOST = {
    "postgres": [
        "with a as (select set_config('my.last', max(id)::text, false) from customers) select 1",
        "select set_config('my.last', max(id)::text, false) from customers",
        "insert into customers (id) values (lastval())",
    ],
    "mariadb": [
        "select @last := max(id) from customers",
        "select max(id) into @`last` from customers",
        "set @t = current_timestamp",
        "insert into customers (id) values (last_insert_id())",
        "set statement max_statement_time = 60 for update customers set n = n + 1",
    ],
}


@pytest.mark.parametrize(
    ("engine", "lost"), [(engine, one) for engine, lost in LOST.items() for one in lost]
)
def test_a_value_that_the_next_session_would_not_have_is_refused_before_anything_runs(copy, lost):
    """The rest of the script would go on without it, find no rows, and the hook would pass."""
    said = reason(copy.hook(f"update customers set n = 7;\n{lost};\nselect 1"))
    assert said.startswith("The script cannot be run: statement 2 (")
    assert "line 2)" in said
    assert copy.sql("select max(n) from customers") == [(0,)]
    assert not copy.has_notes()


def test_constants_of_every_kind_are_the_same_in_the_next_session(copy):
    setting, more = (
        ("SET @`more` := -5, @b = 'x', @c = date '2026-01-01'", "@MORE")
        if copy.is_mysql
        else ("select set_config('my.more', '-5', false)", "current_setting('my.more')::int")
    )
    script = f"update customers set n = n + 1; {setting}; update customers set n = n + {more}"
    leave(copy, script, done=2)
    assert copy.hook(script)["passed"]
    assert copy.sql("select n from customers") == [(-4,), (-4,)]
