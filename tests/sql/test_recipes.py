"""Every recipe of docs/sql-hook.md, as it stands there, on a real server."""

import json
import re
from pathlib import Path

import pytest

from tests.sql.conftest import Copy

PAGE = (Path(__file__).parents[2] / "docs" / "sql-hook.md").read_text()
BLOCKS = re.findall(r"^```(sql|json) (\w+)(?: (\w+))?\n(.*?)^```$", PAGE, re.M | re.S)
ENGINES = ("postgres", "mariadb")

TABLES = (
    "create table customers (id int primary key, name varchar(99), email varchar(99),"
    " phone varchar(99), born date)",
    "create table orders (id int, email varchar(99), created_at timestamp)",
    "create table sessions (id int)",
    "create table audit_log (id int)",
    "create table users (id int, password_hash varchar(99), reset_token varchar(99))",
    "create table schema_migrations (version varchar(99))",
    "insert into customers values (1, 'Real', 'Real@mail.test', '+49 30 12345', '1980-02-03'),"
    " (2, 'Other', 'other@mail.test', '5678', '1990-02-03')",
    "insert into orders values (1, 'real@mail.test', current_timestamp)",
    "insert into sessions values (1)",
    "insert into audit_log values (1)",
    "insert into users values (1, 'real hash', 'real token')",
    "insert into schema_migrations values ('20260301')",
)


def recipe(kind: str, engine: str, name: str = "") -> str:
    (text,) = [text for *of, text in BLOCKS if of == [kind, engine, name]]
    return str(text)


@pytest.fixture(autouse=True)
def tables(copy: Copy):
    copy.sql(*TABLES)


def test_every_recipe_is_here_and_each_family_has_it():
    names = {(kind, name) for kind, _, name, _ in BLOCKS}
    tested = {"masking", "emptying", "passwords", "reading"}
    assert names == {("sql", name) for name in tested} | {("json", "")}
    assert len(BLOCKS) == len(names) * len(ENGINES)


def test_masking_leaves_nobody_s_data_and_joins_hold(copy):
    assert copy.hook(recipe("sql", copy.engine, "masking"))["passed"]
    everything = str(copy.sql("select name, email, phone from customers"))
    assert not re.search("real|other|12345|567|mail.test", everything, re.I)
    assert copy.sql("select name from customers order by id") == [("Customer 1",), ("Customer 2",)]
    assert copy.sql("select phone from customers where id = 2") == [("**78",)]
    joined = "select count(*) from customers join orders using (email)"
    assert copy.sql(joined) == [(1,)]
    assert copy.sql("select count(distinct email) from customers") == [(2,)]
    close = "born between '1979-12-01' and '1980-04-01'"
    assert copy.sql(f"select count(*) from customers where id = 1 and {close}") == [(1,)]
    assert (
        len(copy.sql("select * from information_schema.tables where table_name = 'masking'")) == 0
    )


def test_emptying_empties(copy):
    assert copy.hook(recipe("sql", copy.engine, "emptying"))["passed"]
    for table in ("sessions", "audit_log"):
        assert copy.sql(f"select count(*) from {table}") == [(0,)]


def test_passwords_are_reset_and_production_s_user_locked(copy):
    copy.sql("drop user if exists production_app", "create user production_app")
    assert copy.hook(recipe("sql", copy.engine, "passwords"))["passed"]
    ((found, token),) = copy.sql("select password_hash, reset_token from users")
    assert found.startswith("$2b$12$")
    assert token is None
    if not copy.is_mysql:
        query = "select rolcanlogin from pg_roles where rolname = 'production_app'"
        assert copy.sql(query) == [(False,)]
    copy.sql("drop user production_app")


def test_the_checks_hold_on_a_fresh_masked_copy_and_not_on_others(copy):
    checks = json.loads(recipe("json", copy.engine))
    assert copy.hook(recipe("sql", copy.engine, "masking"), *checks)["passed"]
    day = "interval 5 day" if copy.is_mysql else "interval '5 days'"
    for name, change in {
        "schema": "update schema_migrations set version = '20250101'",
        "days since the last order": f"update orders set created_at = created_at - {day}",
        "not masked": "update customers set email = 'real@mail.test' where id = 1",
        "customers": "delete from customers",
    }.items():
        copy.sql(change)
        copy.execution += "x"
        assert f"The check '{name}' does not hold" in copy.hook("", *checks)["reason"]


def test_everything_is_read(copy):
    assert copy.hook(recipe("sql", copy.engine, "reading"))["passed"]
    if not copy.is_mysql:
        copy.sql("drop extension pg_prewarm")
