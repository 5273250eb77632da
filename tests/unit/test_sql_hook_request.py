"""What a request may hand the SQL hook."""

import pytest

from trapheus.execution.exceptions import InvalidRequest
from trapheus.sql_hook import check_with, why_not

BUCKET = "scripts-of-staging"
SCRIPT = f"s3://{BUCKET}/mask.sql"
CHECK = {"name": "customers", "query": "select count(*) from customers", "atLeast": 1}


@pytest.mark.parametrize(
    "given",
    [
        {"script": SCRIPT},
        {"checks": [CHECK]},
        {"script": SCRIPT, "checks": [CHECK, CHECK | {"name": "others"}]},
        {"checks": [{"name": "no mails", "query": "select 1 where false", "isEmpty": True}]},
        {"checks": [{"name": "version", "query": "select v from meta", "equals": "7"}]},
        {"checks": [{"name": "flag", "query": "select true", "equals": True}]},
        {"checks": [{"name": "age", "query": "select 1.5", "atMost": 2.5}]},
    ],
)
def test_what_the_hook_can_run_is_taken(given):
    check_with(given, BUCKET)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "has nothing to do"),
        ({"checks": []}, "has nothing to do"),
        ({"script": SCRIPT, "schema": "public"}, "takes no 'schema'"),
        ({"script": "mask.sql"}, "takes a script such as"),
        ({"script": 7}, "takes a script such as"),
        ({"script": f"s3://{BUCKET}/"}, "takes a script such as"),
        ({"script": "s3://another/mask.sql"}, f"put it into {BUCKET}"),
        ({"script": f"s3://{BUCKET}-2/mask.sql"}, f"put it into {BUCKET}"),
        ({"checks": {"name": "a"}}, "takes a list of checks"),
        ({"checks": ["select 1"]}, "takes checks such as"),
        ({"checks": [CHECK | {"name": ""}]}, "wants a name"),
        ({"checks": [CHECK | {"name": "a\nb"}]}, "wants a name"),
        ({"checks": [CHECK | {"query": " "}]}, "wants a query"),
        ({"checks": [{"name": "a", "query": "select 1"}]}, "wants exactly one of"),
        ({"checks": [CHECK | {"atMost": 2}]}, "wants exactly one of"),
        ({"checks": [{"name": "a", "query": "select 1", "is": 2}]}, "wants exactly one of"),
        ({"checks": [CHECK | {"atLeast": "1"}]}, "wants a number for atLeast"),
        ({"checks": [CHECK | {"atLeast": True}]}, "wants a number for atLeast"),
        ({"checks": [{"name": "a", "query": "select 1", "isEmpty": False}]}, "wants true"),
        ({"checks": [{"name": "a", "query": "select 1", "equals": None}]}, "wants a string"),
        ({"checks": [CHECK, CHECK]}, "two checks called 'customers'"),
    ],
)
def test_what_it_cannot_run_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(InvalidRequest) as refused:
        check_with(given, BUCKET)
    message = refused.value.fields["message"]
    assert message.startswith("The hook 'sql' ")
    assert sentence in message


def test_without_a_bucket_no_script_can_be_read():
    with pytest.raises(InvalidRequest, match="SqlBucket"):
        check_with({"script": SCRIPT}, "")
    check_with({"checks": [CHECK]}, "")


@pytest.mark.parametrize("engine", ["postgres", "aurora-postgresql", "mysql", "mariadb"])
def test_it_needs_something_to_log_in_with(engine):
    assert why_not(engine, secret=True) == ""
    assert "masterUserSecret" in why_not(engine, secret=False)


def test_another_engine_is_named():
    assert "not to oracle-ee" in why_not("oracle-ee", secret=True)
