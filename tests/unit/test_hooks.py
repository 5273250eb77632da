"""What a request may say of hooks, and what its names stand for."""

import json
from typing import Any

import pytest

from src.request.read import handler
from trapheus import hooks
from trapheus.execution import exceptions
from trapheus.execution.exceptions import HookNotAllowed, InvalidRequest
from trapheus.messages.facts import sentence_of

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"
STATES = "arn:aws:states:us-east-1:123456789012:stateMachine:"
GOOD = {
    "identifier": "prod-db", "task": "db_restore", "isCluster": False, "strategy": "restore-first"
}  # fmt: skip


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that lists hooks of both sorts."""
    for name, value in {
        "ALLOWED_IDENTIFIERS": "*",
        "ALLOWED_OVERRIDES": "*",
        "EXPORT_SNAPSHOTS": "true",
        "HOOK_FUNCTIONS": f"{LAMBDA}mask,{LAMBDA}check:live",
        "HOOK_STATE_MACHINES": f"{STATES}audit",
        "SQL_HOOK": "",
        "SQL_BUCKET": "",
    }.items():
        monkeypatch.setenv(name, value)


def read(hooks: Any, **more: Any) -> Any:
    """The hooks of a request as the step returns them."""
    return handler(
        {"execution": "arn", "input": {**GOOD, "beforeSwap": hooks, **more}}, None
    )["beforeSwap"]  # fmt: skip


def refusal(hooks: Any, error: type[exceptions.TrapheusError], **more: Any) -> str:
    """The sentence with which they are refused."""
    with pytest.raises(error) as raised:
        read(hooks, **more)
    return str(json.loads(str(raised.value))["message"])


def test_a_hook_gets_its_defaults_and_what_its_name_stands_for():
    assert read([{"run": "mask"}, {"run": "audit", "timeoutMinutes": 600}]) == [
        {"run": "mask", "function": f"{LAMBDA}mask", "with": {}, "timeoutMinutes": 60,
         "repeatable": False},
        {"run": "audit", "stateMachine": f"{STATES}audit", "with": {}, "timeoutMinutes": 600,
         "repeatable": False},
    ]  # fmt: skip


def test_a_function_is_named_with_its_alias_where_it_is_listed_with_it():
    (hook,) = read([{"run": "check:live", "with": {"rows": 1}, "repeatable": True}])

    assert (hook["function"], hook["with"], hook["repeatable"]) == (
        f"{LAMBDA}check:live", {"rows": 1}, True,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [True, False])
@pytest.mark.parametrize("task", ["create_snapshot", "db_restore"])
def test_hooks_go_with_every_task_and_way_that_makes_a_copy_first(task: str, kind: bool):
    first = {"strategy": "restore-first", "acceptWriteLoss": True}
    for way in (first, {"targetIdentifier": "staging-db"}):
        request = {"identifier": "prod-db", "task": task, "isCluster": kind, **way}
        event = {"execution": "arn", "input": {**request, "beforeSwap": [{"run": "mask"}]}}
        assert handler(event, None)["beforeSwap"][0]["run"] == "mask"


def test_without_hooks_none_is_wanted():
    assert read([]) == []
    assert read([], strategy="rename-first") == []


@pytest.mark.parametrize(
    ("hooks", "more", "said"),
    [
        ([{"run": "mask"}], {"strategy": "rename-first"}, "set the strategy to restore-first"),
        ([{"run": "mask"}], {"task": "create_snapshot_only", "strategy": "rename-first"},
         "restores nothing: leave strategy, beforeSwap out"),
        ("mask", {}, "'beforeSwap' must be a list"),
        ([{"run": "mask"}] * 6, {}, "at most 5 hooks, not 6"),
        (["mask"], {}, "without 'mask'"),
        ([{"name": "mask"}], {}, "A hook has no 'name': use run, with, timeoutMinutes, repeatable"),
        ([{}], {}, "must say what to run"),
        ([{"run": ""}], {}, "must say what to run"),
        ([{"run": "mask", "with": ["x"]}], {}, "with of the hook 'mask' must be an object"),
        ([{"run": "mask", "timeoutMinutes": 0}], {}, "a whole number from 1 to 1440, not 0"),
        ([{"run": "mask", "timeoutMinutes": True}], {}, "not True"),
        ([{"run": "mask", "timeoutMinutes": 1.5}], {}, "not 1.5"),
        ([{"run": "mask", "timeoutMinutes": 1441}], {}, "may be 1440 together, a day, not 1441"),
        ([{"run": "mask", "timeoutMinutes": 1000}] * 2, {}, "not 2000"),
        ([{"run": "mask", "repeatable": 1}], {}, "repeatable of the hook 'mask' must be true or"),
        ([{"run": "audit", "repeatable": True}], {}, "is a state machine, whose end is always"),
        ([{"run": "mask", "with": {"x": "y" * 9000}}], {}, "may have 8192 bytes together, not 90"),
        ([{"run": "mask", "with": {"x": "ä" * 2100}}] * 2, {}, "8192 bytes together, not 84"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_hook_is_refused_with_one_sentence(
    hooks: Any, more: dict[str, Any], said: str
):
    sentence = refusal(hooks, InvalidRequest, **more)

    assert said in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence


def test_eight_kilobytes_of_with_are_taken():
    rest = len(json.dumps({"x": ""}))
    (hook,) = read([{"run": "mask", "with": {"x": "y" * (8192 - rest)}}])
    assert hook["run"] == "mask"


def test_what_the_stack_does_not_list_is_not_allowed_and_what_it_lists_is_named():
    sentence = refusal([{"run": "delete-everything"}], HookNotAllowed)

    assert "'delete-everything'" in sentence
    assert "use mask, check:live, audit, or add its ARN to" in sentence


def test_nor_is_it_by_its_arn(monkeypatch: pytest.MonkeyPatch):
    assert refusal([{"run": f"{LAMBDA}mask"}], HookNotAllowed)
    monkeypatch.setenv("HOOK_FUNCTIONS", "")
    monkeypatch.setenv("HOOK_STATE_MACHINES", "")
    assert ": add its ARN to the stack's parameter" in refusal([{"run": "mask"}], HookNotAllowed)


def test_a_name_that_stands_for_two_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOOK_STATE_MACHINES", f"{STATES}mask")
    sentence = refusal([{"run": "mask"}], InvalidRequest)
    assert f"{LAMBDA}mask and for {STATES}mask" in sentence


def test_one_that_is_listed_twice_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOOK_FUNCTIONS", f"{LAMBDA}mask,{LAMBDA}mask")
    assert read([{"run": "mask"}])[0]["function"] == f"{LAMBDA}mask"


def test_the_hook_of_the_stack_wants_its_parameter(monkeypatch: pytest.MonkeyPatch):
    assert "set the stack's parameter SqlHook" in refusal([{"run": "sql"}], HookNotAllowed)
    monkeypatch.setenv("SQL_HOOK", f"{LAMBDA}trapheus-SqlHookFunction-1")
    monkeypatch.setenv("SQL_BUCKET", "scripts")
    (hook,) = read([{"run": "sql", "with": {"script": "s3://scripts/mask.sql"}}])
    assert hook["function"] == f"{LAMBDA}trapheus-SqlHookFunction-1"
    assert "nothing to do" in refusal([{"run": "sql"}], InvalidRequest)


@pytest.mark.parametrize(
    ("secret", "managed", "told"),
    [
        ("", {"MasterUserSecret": {"SecretArn": "managed"}}, "managed"),
        ("given", {"MasterUserSecret": {"SecretArn": "managed"}}, "managed"),
        ("given", {}, "given"),
        ("", {}, None),
    ],
)
def test_a_hook_is_told_one_secret_at_most_and_no_password(
    secret: str, managed: dict[str, Any], told: str | None
):
    common = {"Engine": "postgres", "EngineVersion": "16.4", "MasterUsername": "owner", **managed}
    instance = {"DBInstanceIdentifier": "a", "DbiResourceId": "db-1", **common,
                "Endpoint": {"Address": "a.rds", "Port": 5432}}  # fmt: skip
    cluster = {"DBClusterIdentifier": "a", "DbClusterResourceId": "cluster-1", **common,
               "Endpoint": "a.rds", "Port": 5432, "DatabaseName": ""}  # fmt: skip

    for found in (
        hooks.instance_connection(instance, {"masterUserSecret": secret}),
        hooks.cluster_connection(cluster, {"masterUserSecret": secret}),
    ):
        assert found["masterUserSecret"] == told
        assert found["databaseName"] is None


def test_how_a_machine_of_the_hooks_has_ended_is_one_sentence():
    cause = {"ExecutionArn": "arn:run", "Status": "ABORTED", "Cause": "A mistake.", "Input": {}}
    error = {"Error": "HookFailed", "Cause": json.dumps(cause)}
    assert sentence_of(error) == "The execution arn:run has ended: ABORTED: A mistake."
