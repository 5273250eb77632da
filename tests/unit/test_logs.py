"""Each handler logs how it ended, with the execution and the database, and changes nothing."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trapheus.execution import exceptions, logs
from trapheus.execution.exceptions import StillInProgress, TrapheusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = sorted((ROOT / "src").glob("*/*.py"))
EVENT = {"execution": "arn:one", "plan": {"identifier": "prod-db", "restore": {"Port": 5432}}}


@pytest.fixture(autouse=True)
def in_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK", "trapheus")


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been logged since the test began."""
    written = io.StringIO()
    handler = logs.logger.registered_handler
    before = handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)


def failing(error: Exception) -> Callable[[dict[str, Any], object], object]:
    @logs.logged
    def handler(event: dict[str, Any], context: object) -> object:
        raise error

    return handler


@logs.logged
def answering(event: dict[str, Any], context: object) -> object:
    return event["answer"]


@pytest.mark.parametrize("file", HANDLERS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_handler_is_logged(file: Path) -> None:
    found = [
        node
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "handler"
    ]

    assert [ast.unparse(node.decorator_list[0]) for node in found] == ["logged"]


def test_a_result_comes_back_and_its_single_values_are_logged(lines) -> None:
    answer = {"name": "prod-db-temp", "dryRun": False, "plan": {"restore": {"Port": 5432}}}

    assert answering({**EVENT, "answer": answer}, None) is answer
    (line,) = lines()
    assert (line["level"], line["message"]) == ("INFO", "done")
    assert line["result"] == {"name": "prod-db-temp", "dryRun": False}
    assert (line["execution"], line["identifier"]) == ("arn:one", "prod-db")
    assert "5432" not in json.dumps(line)


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("StillInProgress", "INFO"),
        ("Throttled", "WARNING"),
        ("StateConflict", "WARNING"),
        ("InsufficientCapacity", "WARNING"),
        ("ConfigurationDiffers", "WARNING"),
        ("RenameFailed", "ERROR"),
        ("InvalidRequest", "ERROR"),
    ],
)
def test_an_error_is_logged_with_its_fields_and_goes_on(lines, kind: str, level: str) -> None:
    error = getattr(exceptions, kind)("It is so.", identifier="prod-db-1", code="Busy")

    with pytest.raises(TrapheusError) as raised:
        failing(error)(EVENT, None)

    assert raised.value is error
    (line,) = lines()
    assert line["level"] == level
    assert line["identifier"] == "prod-db"
    assert line["error"] == {
        "type": kind, "message": "It is so.", "identifier": "prod-db-1", "code": "Busy",
    }  # fmt: skip


def test_a_wait_that_goes_on_has_no_traceback(lines) -> None:
    with pytest.raises(StillInProgress):
        failing(StillInProgress("Not yet."))(EVENT, None)

    (line,) = lines()
    assert line["message"] == "still in progress"
    assert "exception" not in line
    assert "stack_trace" not in line


def test_a_defect_is_logged_with_its_place(lines) -> None:
    with pytest.raises(KeyError):
        failing(KeyError("plan"))(EVENT, None)

    (line,) = lines()
    assert (line["level"], line["error"]) == ("ERROR", {"type": "KeyError"})
    assert "in failing" not in line["exception"]
    assert "in handler" in line["exception"]


@pytest.mark.parametrize(
    ("event", "identifier"),
    [
        ({"input": {"identifier": "a"}}, "a"),
        ({"request": {"identifier": "b"}, "snapshot": "b-snapshot"}, "b"),
        ({"export": {"identifier": "c", "task": "c-1"}}, "c"),
        (
            {"state": {"error": {}, "input": {"identifier": "D"}, "request": {"identifier": "d"}}},
            "d",
        ),
        ({"state": {"error": {}, "input": {"identifier": "e"}}}, "e"),
        ({"state": {"error": {}, "input": None}}, ""),
        ({"input": None}, ""),
        ({"input": [1]}, ""),
        ({"input": "text"}, ""),
        ({"input": {"identifier": 7}}, ""),
        ({"input": {"identifier": "f" * 9000}}, "f" * 500),
    ],
)
def test_the_database_is_found_in_every_shape_of_event(lines, event, identifier: str) -> None:
    answering({**event, "answer": None}, None)

    (line,) = lines()
    assert line["identifier"] == identifier


def test_one_invocation_leaves_nothing_to_the_next(lines) -> None:
    answering({**EVENT, "answer": {}}, None)
    answering({"input": None, "answer": {}}, None)

    assert [(line["execution"], line["identifier"]) for line in lines()] == [
        ("arn:one", "prod-db"),
        ("", ""),
    ]
