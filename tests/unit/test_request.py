"""The request step: what is read, and what is refused with one sentence."""

import json
import re
from typing import Any

import pytest

from src.request.read import handler
from trapheus import exceptions

GOOD = {"identifier": "prod-db", "task": "db_restore", "isCluster": False}


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "*")
    monkeypatch.setenv("EXPORT_SNAPSHOTS", "true")


def read(request: Any) -> dict[str, Any]:
    return handler({"execution": "arn", "input": request}, None)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def refusal(request: Any, error: type[Exception]) -> str:
    """The one sentence with which a request is refused."""
    with pytest.raises(error) as raised:
        read(request)
    assert type(raised.value) is error
    fields = json.loads(str(raised.value))
    assert fields["step"] == "request"
    sentence = fields["message"]
    assert sentence.endswith(".")
    # One sentence: nothing begins anew after a full stop.
    assert not re.search(r"\.\s+[A-Z]", sentence)
    return sentence


@pytest.mark.parametrize("task", ["create_snapshot", "db_restore", "create_snapshot_only"])
@pytest.mark.parametrize("is_cluster", [True, False])
def test_a_request_comes_back_with_its_defaults(task: str, is_cluster: bool):
    request = {"identifier": "prod-db", "task": task, "isCluster": is_cluster}

    assert read(request) == {**request, "dryRun": False, "export": True}


@pytest.mark.parametrize("dry", [True, False])
def test_a_dry_run_is_kept(dry: bool):
    assert read({**GOOD, "dryRun": dry})["dryRun"] is dry


@pytest.mark.parametrize("typed", ["Prod-DB", "PROD-DB", "prod-db"])
def test_an_identifier_is_lower_cased(typed: str):
    assert read({**GOOD, "identifier": typed})["identifier"] == "prod-db"


@pytest.mark.parametrize("identifier", ["a", "a1", "a-1", "a" * 63, "my-template-db", "A-B-C-9"])
def test_every_possible_identifier_is_taken(identifier: str):
    assert read({**GOOD, "identifier": identifier})["identifier"] == identifier.lower()


@pytest.mark.parametrize("request_", [None, [], [GOOD], "prod-db", "", 3, 1.5, True, "{}"])
def test_an_input_that_is_no_object_is_refused(request_: Any):
    assert "JSON object" in refusal(request_, exceptions.InvalidRequest)


@pytest.mark.parametrize("key", ["identifier", "task", "isCluster"])
def test_a_missing_key_is_refused_by_name(key: str):
    assert f"'{key}' is missing" in refusal(without(key), exceptions.InvalidRequest)


def test_an_empty_object_is_refused():
    refusal({}, exceptions.InvalidRequest)


@pytest.mark.parametrize("key", ["Identifier", "iscluster", "dry_run", "force", "", " task", "☃"])
def test_an_unknown_key_is_refused_by_name(key: str):
    sentence = refusal({**GOOD, key: "x"}, exceptions.InvalidRequest)

    assert repr(key) in sentence
    assert "unknown" in sentence


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("identifier", value) for value in (None, 1, True, ["prod-db"], {})),
        *(("task", value) for value in (None, 0, False, ["db_restore"], {})),
        *(("isCluster", value) for value in (None, 0, 1, "true", "false", [], {})),
        *(("dryRun", value) for value in (None, 0, 1, "true", [], {})),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_key(key: str, value: Any):
    sentence = refusal({**GOOD, key: value}, exceptions.InvalidRequest)

    assert f"'{key}' must be" in sentence


@pytest.mark.parametrize("task", ["", "restore", "DB_RESTORE", "db_restore ", "delete"])
def test_an_unknown_task_is_refused_and_the_known_are_named(task: str):
    sentence = refusal({**GOOD, "task": task}, exceptions.InvalidRequest)

    assert repr(task) in sentence
    for known in ("create_snapshot", "db_restore", "create_snapshot_only"):
        assert known in sentence


@pytest.mark.parametrize(
    "identifier",
    [
        "", " ", "1db", "-db", "db-", "my--db", "my_db", "my db", "db.", "db\n", "dß", "ﬁ-db",
        "db/../x", "prod-d\u212a", "a" * 64, "*", "<script>", "arn:aws:rds:us-east-1:1:db:x",
    ],
)  # fmt: skip
def test_an_impossible_identifier_is_refused(identifier: str):
    assert "identifier" in refusal({**GOOD, "identifier": identifier}, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("patterns", "identifier"),
    [
        ("*", "anything"),
        ("prod-*", "prod-db"),
        ("test-*,prod-db", "prod-db"),
        ("test-*, prod-db", "prod-db"),
        ("PROD-*", "prod-db"),
        ("prod-?b", "prod-db"),
        ("prod-*", "PROD-DB"),
    ],
)
def test_an_allowed_identifier_is_read(
    patterns: str, identifier: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", patterns)

    assert read({**GOOD, "identifier": identifier})["identifier"] == identifier.lower()


@pytest.mark.parametrize("patterns", ["test-*", "prod", "prod-d", "rod-db", "test-*,dev-*", ""])
def test_an_identifier_outside_the_patterns_is_refused_and_they_are_named(
    patterns: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", patterns)

    sentence = refusal(GOOD, exceptions.IdentifierNotAllowed)

    assert "prod-db" in sentence
    for pattern in patterns.split(","):
        assert pattern in sentence


def test_a_stack_without_exports_asks_for_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPORT_SNAPSHOTS", "false")

    assert (
        read({"identifier": "prod-db", "task": "create_snapshot", "isCluster": False})["export"]
        is False
    )
