"""The inspect step: what is left, whose it is, and what its command leaves, once pasted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from src.inspect import look
from tests.mailed import Block, paste, split
from tests.unit.conftest import (
    ANOTHER,
    EXECUTION,
    INSTANCE,
    START,
    Aws,
    Kind,
    delete_snapshot,
    take_snapshot,
)
from trapheus.execution import exceptions
from trapheus.execution.constants import PROTECT_TAG
from trapheus.leftovers import inventory, prices
from trapheus.leftovers.holders import Lock
from trapheus.rds.access import in_progress_tag, rds

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:restore"
EVERY = {"identifier": "*", "task": "inspect", "isCluster": False, "kinds": ["instance", "cluster"]}
Entry = dict[str, Any]
# As the AWS CLI User Guide writes literals, which jmespath would rather have in quotes.
pytestmark = pytest.mark.filterwarnings("ignore:deprecated string literal syntax")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[Lock]:
    """The locks; none, unless a test adds some."""
    found: list[Lock] = []
    monkeypatch.setattr(inventory, "locks", lambda: found)
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "*")
    return found


@pytest.fixture(autouse=True)
def _without_locks(held: list[Lock], aws: Aws) -> None:
    """What every test begins with."""


def inspect(aws: Aws, **request: Any) -> Entry:
    """The answer to a request; nothing was asked for but descriptions."""
    aws.calls.clear()
    event = {"execution": EXECUTION, "request": EVERY | request, "machine": MACHINE}
    found = look.handler(event, None)
    assert {call for call in aws.calls if not call.startswith("Describe")} == set()
    assert json.loads(json.dumps(found)) == found
    return found


def entry(aws: Aws, name: str) -> Entry:
    """What is said of a database or a snapshot."""
    (found,) = [one for one in inspect(aws)["leftovers"] if one["name"] == name]
    return found


def names(aws: Aws, **request: Any) -> set[str]:
    """The names of what is left."""
    return {one["name"] for one in inspect(aws, **request)["leftovers"]}


def pasted(aws: Aws, command: str) -> Exception | None:
    """Paste a command; with what it has stopped."""
    assert command
    assert "!" not in command
    ended = paste(Block("", [], split(command)), rds())
    aws.settle()
    return ended


def lock_of(kind: Kind, status: str = "", **item: str) -> Lock:
    """A lock as an execution has left it; status: its holder's, empty for what AWS forgot."""
    began = datetime.fromtimestamp(START, UTC)
    holds: Any = {"status": status, "startDate": began} if status else None
    whole = {"database": f"{kind.name}#{kind.identifier}", "phase": "replace", **item}
    return Lock(whole, holds)


def temp(kind: Kind) -> str:
    return f"{kind.identifier}-temp"


def test_of_a_database_that_nothing_is_left_of_nothing_is_told(aws: Aws, kind: Kind):
    found = inspect(aws, identifier=kind.identifier, kinds=[kind.name])

    assert (found["leftovers"], found["locks"]) == ([], [])
    assert (found["leftOut"], found["dollarsAMonth"]) == (0, 0)


@pytest.mark.parametrize("suffix", ["-temp", "-copy", "-away"])
def test_a_database_that_is_nobody_s_is_deleted_by_its_command(aws: Aws, kind: Kind, suffix: str):
    serving = aws.id_of()
    resource_id = aws.foreign(kind.identifier + suffix)
    found = entry(aws, kind.identifier + suffix)
    assert (found["identifier"], found["kind"]) == (kind.identifier, kind.name)
    assert (found["execution"], found["resourceId"]) == ("", resource_id)
    assert found["whose"].startswith("nobody's")

    assert pasted(aws, found["command"]) is None

    assert resource_id not in aws.names()
    assert aws.id_of() == serving


@pytest.mark.parametrize("is_gone", ["the database itself", "what serves"])
def test_an_old_command_deletes_nothing_once_a_name_is_another_s(
    aws: Aws, kind: Kind, is_gone: str
):
    aws.foreign(temp(kind))
    command = entry(aws, temp(kind))["command"]
    leaves = temp(kind) if is_gone == "the database itself" else kind.identifier
    word = f"{kind.operation}Identifier"
    with aws.rds.instantly():
        renamed = {word: leaves, f"New{word}": "elsewhere", "ApplyImmediately": True}
        aws.rds.call(f"Modify{kind.operation}", renamed)
    aws.foreign(leaves)
    before = aws.names()

    assert isinstance(pasted(aws, command), AssertionError)

    assert aws.names() == before


def test_an_original_whose_name_nothing_has_is_given_it_back(
    aws: Aws, kind: Kind, renamed: dict[str, Any]
):
    found = entry(aws, temp(kind))
    assert f"Nothing is called {kind.identifier}" in found["toDo"]
    assert in_progress_tag(EXECUTION)["Value"] in found["whose"]

    assert pasted(aws, found["command"]) is None

    for part in (renamed, *renamed.get("members", [])):
        assert aws.names()[part["resourceId"]] == part["identifier"]
    assert not aws.is_tagged()
    assert names(aws, identifier=kind.identifier) == set()


@pytest.mark.parametrize("suffix", ["-copy", "-away"])
def test_what_may_be_the_only_one_left_is_not_deleted(aws: Aws, kind: Kind, suffix: str):
    name = f"gone-{kind.name}{suffix}"
    aws.foreign(name)

    found = entry(aws, name)

    assert found["command"] == ""
    assert f"Nothing is called gone-{kind.name}" in found["toDo"]


def test_after_a_failure_at_the_end_the_original_is_deleted_and_the_rest_untagged(
    aws: Aws, kind: Kind, finished: dict[str, Any]
):
    restored = aws.id_of()
    kept, left = entry(aws, kind.identifier), entry(aws, temp(kind))
    assert kept["what"] == "carries an execution's tag"
    assert (kept["execution"], left["execution"]) == ("unknown", "unknown")
    assert "see the mail of its execution" in left["toDo"]

    assert pasted(aws, kept["command"]) is None
    assert [aws.is_tagged(name, part) for part, name in aws.parts()] == [False] * len(aws.parts())
    assert pasted(aws, left["command"]) is None

    assert finished["resourceId"] not in aws.names()
    assert aws.id_of() == restored
    assert names(aws, identifier=kind.identifier) == set()


def test_what_an_execution_is_at_work_on_has_no_command(
    aws: Aws, kind: Kind, held: list[Lock], finished: dict[str, Any]
):
    held.append(lock_of(kind, "RUNNING", holder=EXECUTION, planned=json.dumps(finished)))

    found = inspect(aws, identifier=kind.identifier)

    assert {one["execution"] for one in found["leftovers"]} == {EXECUTION}
    assert {one["whose"] for one in found["leftovers"]} == {"of an execution that runs"}
    told = [*found["leftovers"], *found["locks"]]
    assert len(told) == 3
    for one in told:
        assert (one["command"], one["since"]) == ("", "2026-03-02T09:00:00+00:00")
        assert EXECUTION in one["toDo"]


@pytest.mark.parametrize(
    "case",
    [
        ({"holder": EXECUTION}, "ABORTED"),
        ({"holder": EXECUTION}, ""),
        ({"holder": ANOTHER, "interrupted": EXECUTION}, "FAILED"),
        ({}, ""),
    ],
    ids=["its holder has ended", "AWS does not know it", "so has its recovery", "left without one"],
)
def test_what_a_recovery_sees_to_has_only_that(
    aws: Aws, kind: Kind, held: list[Lock], renamed: dict[str, Any], case: tuple[dict, str]
):
    item, status = case
    held.append(lock_of(kind, status, planned=json.dumps(renamed), **item))

    found = inspect(aws, identifier=kind.identifier)

    (left,), (lock,) = found["leftovers"], found["locks"]
    assert left["execution"] == EXECUTION
    assert left["command"] == lock["command"]
    asked = {"identifier": kind.identifier, "task": "recover", "isCluster": kind is not INSTANCE}
    assert lock["command"].endswith(f" --state-machine-arn {MACHINE} --input '{json.dumps(asked)}'")
    assert lock["since"] != "unknown"


@pytest.mark.parametrize("case", [({"holder": EXECUTION}, "SUCCEEDED"), ({}, "")])
def test_a_lock_that_holds_nothing_back_is_released_as_it_was(
    aws: Aws, kind: Kind, held: list[Lock], monkeypatch: pytest.MonkeyPatch, case: tuple[dict, str]
):
    item, status = case
    monkeypatch.setenv("LOCK_TABLE", "the-locks")
    held.append(lock_of(kind, status, **item))
    aws.foreign(temp(kind))

    found = inspect(aws, identifier=kind.identifier)

    (lock,), (left,) = found["locks"], found["leftovers"]
    assert lock["database"] == f"{kind.name}#{kind.identifier}"
    assert "aws dynamodb delete-item --region us-east-1 --table-name the-locks" in lock["command"]
    condition = "'holder = :holder'" if item else "'attribute_not_exists(holder)'"
    assert f"--condition-expression {condition}" in lock["command"]
    assert (EXECUTION in lock["command"]) is bool(item)
    assert "delete-db" in left["command"]


def test_a_copy_at_a_target_is_found_by_the_database_of_its_lock_too(
    aws: Aws, kind: Kind, held: list[Lock], target: dict[str, Any]
):
    name = target["restoredAs"]
    assert name in names(aws, identifier=name, kinds=[kind.name])
    assert name not in names(aws, identifier=kind.identifier)

    held.append(lock_of(kind, "FAILED", holder=EXECUTION, planned=json.dumps(target)))

    assert name in names(aws, identifier=kind.identifier)
    assert "recover" in entry(aws, name)["command"]


SUCCESSORS = pytest.mark.parametrize(
    ("suffix", "of"), [("-next", "-snapshot"), ("-sharing", "-shared")]
)


@SUCCESSORS
def test_a_successor_is_deleted_beside_its_snapshot(aws: Aws, kind: Kind, suffix: str, of: str):
    name, good = kind.identifier + suffix, kind.identifier + of
    take_snapshot(aws, name, EXECUTION)
    aws.settle()
    if aws.found(good, aws.snapshot_kind) is None:
        take_snapshot(aws, good, "")
        aws.settle()
    command = entry(aws, name)["command"]

    assert pasted(aws, command) is None

    assert aws.found(name, aws.snapshot_kind) is None
    assert aws.found(good, aws.snapshot_kind)


@pytest.mark.parametrize("shared", [True, False])
def test_the_successor_of_a_shared_copy_is_deleted_beside_the_snapshot(
    aws: Aws, kind: Kind, shared: bool
):
    """Its data are those of the snapshot, and what is copied by hand is shared with nobody."""
    name = f"{kind.identifier}-sharing"
    for suffix in ("-sharing", *(["-shared"] if shared else [])):
        take_snapshot(aws, kind.identifier + suffix, EXECUTION)
        aws.settle()
    found = entry(aws, name)
    assert f"{kind.identifier}-snapshot is available" in found["toDo"]
    assert ("find none" in found["toDo"]) != shared

    assert pasted(aws, found["command"]) is None

    assert aws.found(name, aws.snapshot_kind) is None
    assert aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)
    assert bool(aws.found(f"{kind.identifier}-shared", aws.snapshot_kind)) == shared


def test_an_old_command_does_not_delete_the_successor_of_another_execution(aws: Aws, kind: Kind):
    name = f"{kind.identifier}-next"
    for execution in (EXECUTION, ""):
        take_snapshot(aws, name, execution)
        aws.settle()
        command = entry(aws, name)["command"]
        delete_snapshot(aws, name)
        take_snapshot(aws, name, ANOTHER)
        aws.settle()

        assert isinstance(pasted(aws, command), AssertionError)

        assert aws.found(name, aws.snapshot_kind)
        delete_snapshot(aws, name)


@SUCCESSORS
def test_a_successor_that_is_the_only_good_one_is_kept_and_copied(
    aws: Aws, kind: Kind, suffix: str, of: str
):
    name, good = kind.identifier + suffix, kind.identifier + of
    take_snapshot(aws, name, EXECUTION)
    delete_snapshot(aws, f"{kind.identifier}-snapshot")
    aws.settle()
    found = entry(aws, name)
    assert f"There is no {good}" in found["toDo"]

    assert pasted(aws, found["command"]) is None

    assert aws.found(good, aws.snapshot_kind)["Status"] == "available"
    assert aws.found(name, aws.snapshot_kind)
    assert not aws.is_tagged(good, aws.snapshot_kind)
    assert "delete-db" in entry(aws, name)["command"]


@pytest.mark.parametrize("name", ["-snapshot", "-of-somebody"])
def test_a_snapshot_that_carries_the_tag_stays_without_it(aws: Aws, kind: Kind, name: str):
    name = kind.identifier + name
    if name.endswith("-snapshot"):
        aws.stamp(name, aws.snapshot_kind)
    else:
        # Somebody took it while the original carried the tag, which RDS has copied.
        take_snapshot(aws, name, EXECUTION)
        aws.settle()
    found = entry(aws, name)
    assert found["identifier"] == kind.identifier

    assert pasted(aws, found["command"]) is None

    assert aws.found(name, aws.snapshot_kind)["Status"] == "available"
    assert not aws.is_tagged(name, aws.snapshot_kind)


def test_a_final_snapshot_is_told_by_its_name_and_source(aws: Aws, kind: Kind):
    final, other = f"{kind.identifier}-0123abcd", "release-0123abcd"
    for name in (final, other):
        take_snapshot(aws, name)
        aws.settle()
    assert other not in names(aws)
    found = entry(aws, final)
    assert found["since"].startswith("2026-03-02T")

    assert pasted(aws, found["command"]) is None

    assert aws.found(final, aws.snapshot_kind) is None


def test_only_what_was_asked_for_and_is_allowed_is_told(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch, held: list[Lock]
):
    held.append(lock_of(kind, "RUNNING", holder=EXECUTION))
    aws.foreign(temp(kind))
    other = "cluster" if kind is INSTANCE else "instance"
    assert {temp(kind), "left-db-temp", "left-cluster-temp"} <= names(aws)
    assert names(aws, identifier=kind.identifier) == {temp(kind)}
    assert temp(kind) not in names(aws, kinds=[other])
    assert inspect(aws, kinds=[other])["locks"] == []

    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "left-*")

    assert names(aws) == {"left-db-temp", "left-cluster-temp"}
    assert inspect(aws)["locks"] == []


def test_what_somebody_protects_is_not_deleted(aws: Aws, kind: Kind):
    aws.foreign(temp(kind))
    shown = aws.found(temp(kind))
    shown["DeletionProtection"] = True
    assert "protected from deletion" in entry(aws, temp(kind))["toDo"]
    assert entry(aws, temp(kind))["command"] == ""
    shown["DeletionProtection"] = False
    assert entry(aws, temp(kind))["command"]

    shown["TagList"].append({"Key": PROTECT_TAG, "Value": "x"})

    assert PROTECT_TAG in entry(aws, temp(kind))["toDo"]
    assert entry(aws, temp(kind))["command"] == ""


def test_nothing_is_deleted_while_the_database_does_not_serve(aws: Aws, kind: Kind):
    aws.foreign(temp(kind))
    aws.force("incompatible-restore")

    found = entry(aws, temp(kind))

    assert found["command"] == ""
    assert f"{kind.identifier} does not serve" in found["toDo"]


def shown(**more: Any) -> dict[str, Any]:
    """An instance as RDS shows it."""
    usual = {
        "DBInstanceClass": "db.m6g.large", "Engine": "postgres", "AllocatedStorage": 100,
        "StorageType": "gp3", "DBInstanceStatus": "available",
    }  # fmt: skip
    return usual | more


@pytest.mark.parametrize(
    ("more", "dollars"),
    [
        ({}, 0.159 * 730 + 11.5),
        ({"MultiAZ": True}, 2 * (0.159 * 730 + 11.5)),
        ({"DBInstanceClass": "db.t4g.micro"}, 0.129 / 8 * 730 + 11.5),
        ({"DBInstanceStatus": "stopped"}, 11.5),
        ({"Engine": "aurora-mysql", "AllocatedStorage": 1}, 1.16 * 0.159 * 730),
        ({"DBInstanceClass": "db.serverless"}, None),
        ({"DBInstanceClass": "db.z9.large"}, None),
        ({"DBInstanceClass": "db.m6g.metal"}, None),
        ({"Engine": "oracle-ee"}, None),
    ],
)
def test_an_instance_costs_roughly_what_its_class_and_storage_do(
    more: dict[str, Any], dollars: float | None
):
    found = prices.of_instance(shown(**more))
    assert found == (None if dollars is None else pytest.approx(dollars))


def test_what_is_left_has_its_price_and_the_answer_their_sum(aws: Aws, kind: Kind):
    before = inspect(aws)["dollarsAMonth"]
    take_snapshot(aws, f"{kind.identifier}-next", EXECUTION)
    aws.foreign(temp(kind))
    aws.settle()

    found = inspect(aws)

    of = {one["name"]: one["dollarsAMonth"] for one in found["leftovers"]}
    new = [of[name] for name in (temp(kind), f"{kind.identifier}-next")]
    # 20 GB and a db.t4g.micro, and the sample database's 500 GB; nobody knows Aurora's.
    assert new == ([14, 48] if kind is INSTANCE else [0, "unknown"])
    assert found["dollarsAMonth"] == before + sum(one for one in new if one != "unknown")


def test_a_long_answer_says_how_much_it_has_left_out(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    whole = inspect(aws)
    assert whole["leftOut"] == 0
    monkeypatch.setattr(inventory, "MOST", len(json.dumps(whole["leftovers"][0])) + 10)

    found = inspect(aws)

    assert found["leftovers"] == whole["leftovers"][:1]
    assert found["leftOut"] == len(whole["leftovers"]) - 1
    assert found["dollarsAMonth"] == whole["dollarsAMonth"]


def test_a_look_that_is_denied_fails(aws: Aws):
    aws.fail("DescribeDBClusterSnapshots", "AccessDenied", status=403)
    with pytest.raises(exceptions.CheckFailed):
        inspect(aws)
