"""How a script is taken apart: as psql and the mysql client do it; and what is not taken."""

import time

import pytest

from trapheus.execution.exceptions import ScriptRefused
from trapheus.sql.script import split
from trapheus.sql.statements import check, commits_by_itself, is_of_session, named

BOTH = {
    "plain": ("select 1; select 2", ["select 1", "select 2"]),
    "empty ones": (";; select 1 ;\n;", ["select 1"]),
    "nothing": (" -- only this\n /* and; this */ ", []),
    "an end without a semicolon": ("select 1;\nselect a[1]", ["select 1", "select a[1]"]),
    "a comment behind": ("select 1; -- it's the end; really", ["select 1"]),
    "a comment in front": ("-- it's\n/* one; */ select 1", ["select 1"]),
    "quotes": ("select 'a;''b', '--' ; select 2", ["select 'a;''b', '--'", "select 2"]),
    "signs": ("select -1+2*3; select 2", ["select -1+2*3", "select 2"]),
    "other letters": ("select '😀;'; select 'é;'", ["select '😀;'", "select 'é;'"]),
}
POSTGRESQL = {
    "dollars": ("do $$ begin perform 1; end $$; select 2", 2),
    "a tag within dollars": ("do $a$ begin perform $$x;y$$; end $a$; select 2", 2),
    "dollars in a name": ("select a$b$c from t; select 2", 2),
    "an escape": (r"select E'it\'s; so', e'\\'; select 2", 2),
    "a backslash that is none": (r"select 'a\'; select 2", 2),
    "comments in comments": ("/* a /* b; */ c; */ select 1; select 2", 2),
    "names": ('select "a;""b;" from t; select 2', 2),
    "numbered parameters": ("select $1, $2; select 2", 2),
    "json": ("select a #> '{b}', b -> '{%'; select 2", 2),
    "continued": ("select 'a'\n'b;c'; select 2", 2),
    "a body of SQL": (
        "create or replace function f() returns int begin atomic"
        " select case when true then 1 end; select 2; end; select 2",
        2,
    ),
    "a rule": (
        "create rule r as on insert to t do (insert into a values (1); select 2); select 2",
        2,
    ),
    "a body in a string": ("create function f() returns int as 'select 1; select 2'; select 2", 2),
    "a column called begin": ("create function f() returns int return 1; select begin from t", 2),
}
MYSQL = {
    "escapes": (r"select 'it\'s; so', 'a\\'; select 2", 2),
    "double quotes": ('select "it\'s;", "a""b;"; select 2', 2),
    "backticks": ("select `a;``b` from t; select 2", 2),
    "hashes": ("# don't;\nselect 1; select 2", 2),
    "two signs": ("select 5--1; select 2", 2),
    "dashes": ("-- don't;\nselect 1; --\nselect 2", 2),
    "comments do not nest": ("/* a /* b; */ select 1; select 2", 2),
    "code in a comment": ("/*!40101 set @a='x;y' */; select 2", 2),
    "MariaDB's code in a comment": ("/*M!100100 set @a=1 */; select 2", 2),
    "a hint": ("select /*+ max_execution_time(1) */ 1; select 2", 2),
    "a delimiter": (
        "delimiter //\ncreate procedure p() begin select 1; end//\nDELIMITER ;\nselect 2;",
        2,
    ),
    "a delimiter of dollars": (
        "DELIMITER $$\r\ncreate procedure p() begin select 1; end$$\r\ndelimiter ;\r\nselect 2;",
        2,
    ),
    "a delimiter in a text": ("select '\ndelimiter //\n'; select 2", 2),
    "null": (r"insert into t values (\N); select 2", 2),
}


@pytest.mark.parametrize("mysql", [False, True])
@pytest.mark.parametrize("case", BOTH)
def test_both_families_cut_at_the_semicolons(case, mysql):
    script, wanted = BOTH[case]
    assert [one.text for one in split(script, mysql=mysql)] == wanted


@pytest.mark.parametrize("case", POSTGRESQL)
def test_postgresql_keeps_what_belongs_together(case):
    script, count = POSTGRESQL[case]
    assert len(split(script, mysql=False)) == count


@pytest.mark.parametrize("case", MYSQL)
def test_mysql_keeps_what_belongs_together(case):
    script, count = MYSQL[case]
    assert len(split(script, mysql=True)) == count


def test_code_in_a_comment_is_run_with_its_comment():
    (first, _) = split("/* x */ /*!40101 set names utf8mb4 */; select 2", mysql=True)
    assert first.text == "/*!40101 set names utf8mb4 */"
    assert first.words[:2] == ("SET", "NAMES")


def test_a_delimiter_is_no_part_of_a_statement():
    script, _ = MYSQL["a delimiter of dollars"]
    found = [one.text for one in split(script, mysql=True)]
    assert found == ["create procedure p() begin select 1; end", "select 2"]


def test_a_statement_knows_its_line():
    found = split("-- one\nselect\n 1;\n\n  /* x\n */ update t\nset a = 1;", mysql=False)
    assert [(one.number, one.line) for one in found] == [(1, 2), (2, 6)]
    assert named(found[1]) == "statement 2 (UPDATE, line 6)"


def test_what_is_no_statement_is_not_told():
    (one,) = split("hunter2;", mysql=False)
    assert named(one) == "statement 1 (line 1)"


@pytest.mark.parametrize(
    ("script", "mysql", "sentence"),
    [
        ("select 1;\nselect 'a;", False, "Line 2 of the script cannot be run: the ' has no end."),
        ("select 1;\n\nselect `a;", True, "Line 3 of the script cannot be run: the ` has no end."),
        ("do $x$ begin;", False, "the $x$ has no end"),
        ("/* /* */ select 1", False, "the /* has no end"),
        ("select 1 /* ", True, "the /* has no end"),
        ("select 1;\n\\copy t from 'x'", False, r"Line 2 .* a command of psql or mysql"),
        ("select 1\\G", True, "a command of psql or mysql"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_by_its_line(script, mysql, sentence):
    with pytest.raises(ScriptRefused, match=sentence.replace("$", r"\$").replace("/*", r"/\*")):
        split(script, mysql=mysql)


@pytest.mark.parametrize(
    ("script", "mysql", "sentence"),
    [
        ("begin", False, "is about a transaction"),
        ("start transaction read only", True, "is about a transaction"),
        ("commit work", False, "is about a transaction"),
        ("end", False, "is about a transaction"),
        ("rollback to savepoint a", True, "is about a transaction"),
        ("set transaction isolation level serializable", False, "is about a transaction"),
        ("set local search_path = a", False, "is about a transaction"),
        ("set autocommit = 0", True, "is about a transaction"),
        ("set @@autocommit = 0", True, "is about a transaction"),
        ("lock tables t write", True, "is about a transaction"),
        ("create temp table a (b int)", False, "only its own session has"),
        ("create temporary table a (b int)", True, "only its own session has"),
        ("create or replace temporary table a (b int)", True, "only its own session has"),
        ("create global temporary table a (b int)", False, "only its own session has"),
        ("select 1 into temp a", False, "only its own session has"),
        ("prepare a as select 1", False, "only its own session has"),
        ("discard all", False, "only its own session has"),
        ("select pg_advisory_unlock_all()", False, "take the lock away"),
        ("do release_all_locks()", True, "take the lock away"),
        ("copy t from stdin", False, "reads from its client"),
        ("copy (select 1) to stdout", False, "reads from its client"),
        ("load data local infile 'a' into table t", True, "reads from its client"),
        ("set @salt = uuid()", True, "has a user variable"),
        ("select max(id) into @most from t", True, "has a user variable"),
        ("select @last := max(id) from t", True, "has a user variable"),
        ("update t set a = 1 where id <= @last", True, "has a user variable"),
        ("call p(@x)", True, "has a user variable"),
        ("set @x = 1; call p(@x)", True, "statement 3 (CALL, line 1) has a user variable"),
        ("set @x = 1; call p(); update t set a = @x", True, "behind the last CALL"),
        ("set @x = 1; select @x := 2", True, "has a user variable"),
        ("set @x = 1; select 2 into @X", True, "has a user variable"),
        ("set @x = 1; get diagnostics@x = row_count", True, "has a user variable"),
        ("set @x = 1, @y = @x + 1", True, "has a user variable"),
        ("set sql_mode = '', @x = id", True, "has a user variable"),
        ("set @`s` = uuid()", True, "has a user variable"),
        ("set @'s' = uuid()", True, "has a user variable"),
        ("select 1 into @`x`", True, "has a user variable"),
        ('select 1 into @"x"', True, "has a user variable"),
        ("select 1 into@x", True, "has a user variable"),
        ("select 1 into @$x", True, "has a user variable"),
        ("select @1 := 2", True, "has a user variable"),
        ("get diagnostics @n = row_count", True, "has a user variable"),
        ("set @t = current_timestamp", True, "has a user variable"),
        ("set @t = @@timestamp", True, "has a user variable"),
        ("create procedure p() set @x = 1", True, "has a user variable"),
        ("create procedure p() get diagnostics@x = row_count", True, "has a user variable"),
        ("load data infile 'a' into table t (b, @c)", True, "has a user variable"),
        ("/*!50000 select @x := 1 */", True, "has a user variable"),
        ("set @@`autocommit` = 0", True, "is about a transaction"),
        ("set @@session.autocommit = 0", True, "is about a transaction"),
        ("set statement sql_mode = '' for delete from t", True, "sets something for one statement"),
        ("insert into t values (last_insert_id())", True, "from an earlier statement"),
        ("insert into t values (Last_Insert_Id ( ))", True, "from an earlier statement"),
        ("insert into t values (@@last_insert_id)", True, "from an earlier statement"),
        ("insert into t values (@@identity)", True, "from an earlier statement"),
        ("update t set a = row_count()", True, "from an earlier statement"),
        ("update t set a = found_rows()", True, "from an earlier statement"),
        ("insert into t values (lastval(s))", True, "from an earlier statement"),
        ("insert into t values (previous value for s)", True, "from an earlier statement"),
        ("insert into t values (lastval())", False, "from an earlier statement"),
        ("update t set a = currval('s')", False, "from an earlier statement"),
        ("with a as (select set_config('b.c', 'd', false)) select 1", False, "has a set_config"),
        ("select set_config('b.c', max(id)::text, false) from t", False, "has a set_config"),
        ("select set_config('b.c', 'd' || now(), false)", False, "has a set_config"),
        ("select set_config('b.c', 'd', false), nextval('s')", False, "has a set_config"),
        ("update t set a = set_config('b.c', 'd', false)", False, "has a set_config"),
        (
            "do $$ begin perform set_config('b.c', 'd', false); end $$",
            False,
            "sets within a block",
        ),
        ("set names latin1", True, "another encoding"),
    ],
)
def test_what_a_later_session_would_not_have_is_refused_before_anything_runs(
    script, mysql, sentence
):
    with pytest.raises(
        ScriptRefused, match=r"The script cannot be run: statement [234] \(.*line 1\) "
    ) as refused:
        check(split(f"select 1; {script}", mysql=mysql), mysql=mysql)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("mysql", [False, True])
def test_what_masks_is_taken(mysql):
    script = (
        "set names utf8; update t set a = 'begin; commit'; delete from t where \n a like 'temp%';"
        "truncate t; insert into t select * from u; create table v (a int); drop table v;"
        "alter table t add c int; grant select on t to u"
    )
    check(split(script, mysql=mysql), mysql=mysql)


@pytest.mark.parametrize(
    "script",
    [
        "set @x = 5; update t set a = @X, b = @`x`, c = 'me@example.com' where d <= @x",
        "SET @a := -1.5, @b = 'x' 'y', @c = null, @`d e` = date '2026-01-01'; select @a, @`D E`",
        "/*!40101 set @x = 1 */; set sql_mode = @x; (select @x)",
        "set @x = 5; create table u as select @x as a; insert into u select @x from t",
        "create user app@localhost; grant select on t to 'app'@'%', app@localhost",
        "create definer=`root`@`localhost` view v as select 1; drop user if exists app@localhost",
        "set password for app@localhost = 'x'; show grants for app@localhost",
        "select @@version, @@global.sql_mode; set @@sql_mode = ''; set @@session.time_zone = 'UTC'",
        "delimiter //\ncreate procedure p() begin declare n int; delete from t;"
        " get diagnostics n = row_count; end//\ndelimiter ;\ncall p()",
        "update t set row_count = (select 1), found_rows = 2 where last_insert_id in (3)",
    ],
)
def test_constants_accounts_and_names_of_mysql_are_taken(script):
    check(split(script, mysql=True), mysql=True)


@pytest.mark.parametrize(
    "script",
    [
        "select set_config('a.b', 'c', false)",
        "select pg_catalog.set_config('a.b', 5::text, true) as d -- once",
        "set a.b = 'c'; update t set a = current_setting('a.b')",
        "do $$ begin perform set_config('a.b', 'c', true); perform lastval(); end $$",
        "update t set currval = (select 1)",
    ],
)
def test_constant_settings_of_postgresql_are_taken(script):
    check(split(script, mysql=False), mysql=False)


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        ("set search_path = app", True),
        ("set foreign_key_checks = 0", True),
        ("use app", True),
        ("reset role", True),
        ("select set_config('a.b', 'c', false)", True),
        ("load 'auto_explain'", True),
        ("load data infile 's3://a' into table t", False),
        ("set password for u = 'x'", False),
        ("update t set a = 1", False),
    ],
)
def test_what_a_session_goes_by_is_run_in_each(statement, again):
    (one,) = split(statement, mysql=True)
    assert is_of_session(one) == again


@pytest.mark.parametrize(
    ("statement", "commits"),
    [
        ("update t set a = 1", False),
        ("with a as (select 1) select * from a", False),
        ("(select 1)", False),
        ("replace into t values (1)", False),
        ("/*!40000 alter table t disable keys */", True),
        ("truncate t", True),
        ("alter table t add a int", True),
        ("call p()", True),
        ("analyze table t", True),
        ("set password = 'x'", True),
        ("load data infile 'x' into table t", True),
        ("anything new", True),
    ],
)
def test_what_mysql_commits_by_itself_is_known_and_the_unknown_counts(statement, commits):
    (one,) = split(statement, mysql=True)
    assert commits_by_itself(one) == commits


@pytest.mark.parametrize("mysql", [False, True])
@pytest.mark.parametrize("opening", ["", "select (1;\n", "create function f() begin atomic\n"])
def test_the_time_for_a_script_grows_with_its_size_alone(mysql, opening):
    def seconds(count: int) -> float:
        line = "update customers set name = concat('Customer ', id), email = null where id = 1;\n"
        script = opening + line * count
        best = []
        for _ in range(3):
            began = time.process_time()
            split(script, mysql=mysql)
            best.append(time.process_time() - began)
        return min(best)

    assert seconds(8_000) < 8 * seconds(2_000)
