"""A script and its checks, from its first statement to the answer."""

import pytest

from trapheus.execution.exceptions import StillInProgress

SETUP = {
    "postgres": "create table customers (id int primary key, email text unique, n int default 0)",
    "mariadb": "create table customers (id int primary key, email varchar(99) unique, n int"
    " default 0) engine = innodb",
}


@pytest.fixture(autouse=True)
def customers(copy):
    copy.sql(SETUP[copy.engine], "insert into customers values (1, 'a@b', 0), (2, 'c@d', 0)")


def emails(copy):
    return [email for (email,) in copy.sql("select email from customers order by id")]


def test_a_script_masks_and_its_checks_hold(copy):
    answer = copy.hook(
        "update customers set email = concat('user', id, '@example.com');\n"
        "-- nobody else; in one statement\n"
        "delete from customers where id = 2;",
        {
            "name": "masked",
            "query": "select * from customers where email like '%@b'",
            "isEmpty": True,
        },
        {"name": "not empty", "query": "select count(*) from customers", "atLeast": 1},
        {
            "name": "name",
            "query": "select max(email) from customers",
            "equals": "user1@example.com",
        },
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
    assert emails(copy) == ["user1@example.com"]
    assert not copy.has_notes()
