"""What a mail advises for each error, and the commands that come with it."""

import inspect
import json
import shlex
from typing import Any

import pytest

from tests.mailed import blocks, paste
from tests.unit.conftest import Aws, Kind, Post
from tests.unit.mails import a_state, error, tell
from trapheus.execution import exceptions
from trapheus.messages import failed_export
from trapheus.messages.ways_out.advice import ADVICE, AGAIN, ELSEWHERE
from trapheus.rds.access import rds

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:restore"
ERRORS = [
    one
    for _, one in inspect.getmembers(exceptions, inspect.isclass)
    if one is not exceptions.TrapheusError
]


def commands(post: Post) -> list[str]:
    return [command for block in blocks(post.text) for command in block.commands]


def started(command: str) -> dict[str, Any]:
    """The input of the execution that a command starts, of this machine in this region."""
    *words, given = shlex.split(command)
    assert words == [
        "aws", "stepfunctions", "start-execution", "--region", "us-east-1",
        "--state-machine-arn", MACHINE, "--input",
    ]  # fmt: skip
    return json.loads(given)


@pytest.mark.parametrize("one", ERRORS, ids=lambda one: one.__name__)
def test_every_error_has_its_advice(one: type):
    assert (one in ADVICE) != (one in ELSEWHERE)


def test_what_an_export_ends_with_has_its_own_advice():
    assert failed_export.ADVICE.keys() <= {one.__name__ for one in ERRORS}


@pytest.mark.parametrize("one", ADVICE, ids=lambda one: one.__name__)
def test_the_same_input_is_offered_only_where_it_can_work(aws: Aws, post: Post, one: type):
    state = a_state(None, error(one.__name__))

    tell(state)

    if one is exceptions.NotRecovered:
        assert started(*commands(post))["task"] == "recover"
    elif AGAIN in ADVICE[one]:
        assert started(*commands(post)) == state["input"]
    else:
        assert commands(post) == []
        assert AGAIN not in post.text


def test_a_request_that_cannot_be_read_is_not_started_again(aws: Aws, post: Post):
    tell({"input": ["no", "object"], "error": error("LockFailed")})

    assert commands(post) == []


def test_a_denied_call_is_said_to_want_the_policy(aws: Aws, post: Post, plan: dict):
    tell(a_state(plan, error("CheckFailed", code="AccessDenied")))

    assert "Compare the function's policy" in post.text


def test_the_other_kind_is_asked_for(aws: Aws, kind: Kind, post: Post):
    state = a_state(None, error("WrongKind"))
    wrong = kind.name == "instance"
    for request in (state["input"], state["request"]):
        request |= {"identifier": kind.identifier, "isCluster": wrong}

    tell(state)

    assert started(*commands(post)) == {**state["input"], "isCluster": not wrong}


def test_a_database_that_is_stopped_is_started_first(aws: Aws, kind: Kind, post: Post):
    with aws.rds.instantly():
        aws.rds.call(f"Stop{kind.operation}", {f"{kind.operation}Identifier": kind.identifier})
    aws.settle()
    state = a_state(None, error("DatabaseNotAvailable"))
    for request in (state["input"], state["request"]):
        request |= {"identifier": kind.identifier, "isCluster": kind.name == "cluster"}
    tell(state)
    (block,) = blocks(post.text)

    assert paste(block, rds()) is None

    assert started(block.commands[-1]) == state["input"]
    assert aws.found()[kind.status_key] == "available"


def test_one_that_was_stopped_before_its_turn_is_started_first(
    aws: Aws, kind: Kind, post: Post, plan: dict
):
    with aws.rds.instantly():
        aws.rds.call(f"Stop{kind.operation}", {f"{kind.operation}Identifier": kind.identifier})
    aws.settle()
    failure = error("RenameFailed", unrenamed=kind.identifier)
    state = a_state(plan, failure, replacing={"since": "2026-03-02T09:00:00+00:00"})
    tell(state | {"rolledBack": {"at": "2026-03-02T09:05:00+00:00"}})
    (block,) = blocks(post.text)

    assert paste(block, rds()) is None

    assert started(block.commands[-1]) == state["input"]
    assert aws.found()[kind.status_key] == "available"


def test_a_full_quota_has_the_place_where_more_is_asked_for(aws: Aws, post: Post):
    tell(a_state(None, error("QuotaExceeded")))

    assert "us-east-1.console.aws.amazon.com/servicequotas" in post.text
