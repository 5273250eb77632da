"""The snapshot step: a new `<identifier>-snapshot`, and never a moment without a good one."""

import json
from datetime import UTC, datetime

import pytest

from tests.unit.conftest import ANOTHER, CLUSTER, EXECUTION, Aws, Kind, take_snapshot
from trapheus.execution import exceptions

NEW_DATA = "what was written last"


@pytest.fixture
def written(aws: Aws, kind: Kind) -> str:
    aws.rds.write(kind.name, kind.identifier, NEW_DATA)
    return NEW_DATA


def name_of(aws: Aws) -> str:
    return f"{aws.kind.identifier}-snapshot"


def successor_of(aws: Aws) -> str:
    return f"{aws.kind.identifier}-next"


def good(aws: Aws) -> list[str]:
    """The snapshots under the app's two names that could be restored from."""
    names = (name_of(aws), successor_of(aws))
    found = [(name, aws.found(name, aws.snapshot_kind)) for name in names]
    return [name for name, item in found if item and item["Status"] == "available"]


def guard(aws: Aws) -> list[str]:
    """Watch, from now on and at every moment that passes, that there is a good snapshot."""
    bare: list[str] = []

    def watch() -> None:
        if not good(aws):
            bare.append(f"at {aws.clock.time}")

    assert good(aws)
    aws.clock.watchers.append(watch)
    return bare


def assert_done(aws: Aws) -> None:
    taken = aws.found(name_of(aws), aws.snapshot_kind)
    assert taken["Status"] == "available"
    assert aws.rds.data(aws.snapshot_kind, name_of(aws)) == NEW_DATA
    assert not aws.is_tagged(name_of(aws), aws.snapshot_kind)
    assert aws.found(successor_of(aws), aws.snapshot_kind) is None


def remove_old(aws: Aws) -> None:
    key = "DBSnapshotIdentifier" if aws.kind is not CLUSTER else "DBClusterSnapshotIdentifier"
    operation = "DeleteDBSnapshot" if aws.kind is not CLUSTER else "DeleteDBClusterSnapshot"
    aws.rds.call(operation, {key: name_of(aws)})


def test_a_first_snapshot_is_taken_under_its_name(aws: Aws, kind: Kind, plan: dict, written: str):
    with aws.rds.instantly():
        remove_old(aws)

    aws.until_done("snapshot", plan=plan)

    assert_done(aws)


def test_an_old_snapshot_is_replaced(aws: Aws, kind: Kind, plan: dict, written: str):
    bare = guard(aws)

    aws.until_done("snapshot", plan=plan)

    assert_done(aws)
    assert not bare


def test_the_answer_names_the_snapshot_and_the_moment_of_its_data(
    aws: Aws, kind: Kind, plan: dict, written: str
):
    answer = aws.until_done("snapshot", plan=plan)

    taken = aws.found(name_of(aws), aws.snapshot_kind)
    assert answer == {
        "name": name_of(aws), "dataAsOf": taken["SnapshotCreateTime"].isoformat()
    }  # fmt: skip
    assert datetime.fromisoformat(answer["dataAsOf"]) > datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_snapshot_carries_the_database_s_own_tags(
    aws: Aws, kind: Kind, plan: dict, written: str
):
    own = aws.tags()

    aws.until_done("snapshot", plan=plan)

    taken = aws.tags(name_of(aws), aws.snapshot_kind)
    assert own.items() <= taken.items()
    assert set(taken) == set(own)


def test_time_that_is_up_is_told_and_the_next_invocation_goes_on(
    aws: Aws, kind: Kind, plan: dict, written: str
):
    bare = guard(aws)

    with pytest.raises(exceptions.StillInProgress):
        aws.run("snapshot", seconds=60, plan=plan)
    aws.until_done("snapshot", plan=plan, seconds=60)

    assert_done(aws)
    assert not bare


@pytest.mark.parametrize("seconds", [0, 30, 60, 120])
def test_any_share_of_time_ends_the_same(
    aws: Aws, kind: Kind, plan: dict, written: str, seconds: float
):
    bare = guard(aws)

    aws.until_done("snapshot", plan=plan, seconds=seconds)

    assert_done(aws)
    assert not bare


def test_a_repeat_keeps_what_this_execution_has_taken(
    aws: Aws, kind: Kind, plan: dict, written: str
):
    aws.until_done("snapshot", plan=plan)
    taken = aws.found(name_of(aws), aws.snapshot_kind)["SnapshotCreateTime"]
    aws.settle()
    aws.calls.clear()

    aws.run("snapshot", plan=plan)

    assert aws.found(name_of(aws), aws.snapshot_kind)["SnapshotCreateTime"] == taken
    assert all(call.startswith("Describe") for call in aws.calls)


@pytest.mark.parametrize("pause", [0, 20, 60, 600])
@pytest.mark.parametrize(
    "state",
    [
        "the successor is asked for",
        "the successor is there",
        "the old one is being deleted",
        "the old one is gone",
        "the new one is asked for",
        "the new one is there",
        "the successor is being deleted",
    ],
)
def test_a_repeat_goes_on_from_every_half_done_state(
    aws: Aws, kind: Kind, plan: dict, written: str, *, state: str, pause: float
):
    name, successor = name_of(aws), successor_of(aws)
    if state == "the successor is asked for":
        take_snapshot(aws, successor, EXECUTION)
        aws.clock.sleep(20)
    else:
        with aws.rds.instantly():
            take_snapshot(aws, successor, EXECUTION)
    if state == "the old one is being deleted":
        remove_old(aws)
    elif state not in ("the successor is asked for", "the successor is there"):
        with aws.rds.instantly():
            remove_old(aws)
    if state == "the new one is asked for":
        take_snapshot(aws, name, EXECUTION)
        aws.clock.sleep(20)
    elif state in ("the new one is there", "the successor is being deleted"):
        with aws.rds.instantly():
            take_snapshot(aws, name, EXECUTION)
    if state == "the successor is being deleted":
        key = f"DB{'Cluster' if kind is CLUSTER else ''}Snapshot"
        aws.rds.call(f"Delete{key}", {f"{key}Identifier": successor})
    aws.clock.sleep(pause)
    bare = guard(aws)

    aws.until_done("snapshot", plan=plan)

    assert_done(aws)
    assert not bare


def test_a_snapshot_that_another_execution_has_taken_is_old(
    aws: Aws, kind: Kind, plan: dict, written: str
):
    aws.stamp(name_of(aws), aws.snapshot_kind, ANOTHER)
    bare = guard(aws)

    aws.until_done("snapshot", plan=plan)

    assert_done(aws)
    assert not aws.is_tagged(name_of(aws), aws.snapshot_kind, ANOTHER)
    assert not bare


@pytest.mark.parametrize("owner", ["", ANOTHER])
@pytest.mark.parametrize("old", ["there is an old one", "there is none"])
def test_a_foreign_snapshot_in_the_successor_s_place_is_left_alone(
    aws: Aws, kind: Kind, plan: dict, owner: str, old: str
):
    with aws.rds.instantly():
        take_snapshot(aws, successor_of(aws), owner)
        if old == "there is none":
            remove_old(aws)
    before = json.dumps(aws.found(successor_of(aws), aws.snapshot_kind), default=str)

    if old == "there is none":
        aws.until_done("snapshot", plan=plan)
    else:
        with pytest.raises(exceptions.NameTaken):
            aws.run("snapshot", plan=plan)
        assert aws.found(name_of(aws), aws.snapshot_kind)["Status"] == "available"

    assert json.dumps(aws.found(successor_of(aws), aws.snapshot_kind), default=str) == before


def test_a_snapshot_that_fails_ends_the_step_and_the_old_one_stays(
    aws: Aws, kind: Kind, plan: dict
):
    take_snapshot(aws, successor_of(aws), EXECUTION)
    aws.clock.sleep(600)
    aws.found(successor_of(aws), aws.snapshot_kind)["Status"] = "failed"

    with pytest.raises(exceptions.SnapshotFailed, match="failed"):
        aws.run("snapshot", plan=plan)

    assert good(aws) == [name_of(aws)]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("ServiceUnavailable", 503, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.SnapshotFailed),
        ("SnapshotQuotaExceeded", 400, exceptions.SnapshotFailed),
        ("KMSKeyNotAccessibleFault", 400, exceptions.SnapshotFailed),
        ("{conflict}", 400, exceptions.StillInProgress),
    ],
)
@pytest.mark.parametrize("call", ["Create", "Delete"])
def test_an_error_of_aws_becomes_the_right_one_and_a_good_snapshot_stays(
    aws: Aws, kind: Kind, plan: dict, *, call: str, code: str, status: int, error: type[Exception]
):
    snapshot = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    code = code.format(conflict=kind.conflict)
    aws.fail(f"{call}{snapshot}", code, status=status)
    if call == "Delete":
        with aws.rds.instantly():
            take_snapshot(aws, successor_of(aws), EXECUTION)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("snapshot", plan=plan)

    assert type(raised.value) is error
    assert name_of(aws) in good(aws)


@pytest.mark.parametrize("call", ["Create", "Delete"])
def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, plan: dict, written: str, call: str):
    snapshot = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    aws.fail(f"{call}{snapshot}", "InternalFailure", status=500, times=1, lost=True)
    bare = guard(aws)

    aws.until_done("snapshot", plan=plan)

    assert_done(aws)
    assert not bare


def test_a_copy_that_somebody_has_made_meanwhile_is_not_taken_for_new_data(
    aws: Aws, kind: Kind, plan: dict, written: str
):
    """It is younger than the execution, and its data are older."""
    group = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    older = "before-the-release"

    def copy(source: str, name: str) -> None:
        names = {f"Source{group}Identifier": source, f"Target{group}Identifier": name}
        aws.rds.call(f"Copy{group}", names)

    aws.settle()
    with aws.rds.instantly():
        copy(name_of(aws), older)
        remove_old(aws)
        copy(older, name_of(aws))

    aws.until_done("snapshot", plan=plan)

    assert_done(aws)
