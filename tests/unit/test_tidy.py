"""The tidy step: this execution's mark comes off what stays, and nothing else does."""

import pytest

from tests.unit.conftest import ANOTHER, CLUSTER, Aws, Kind
from trapheus import exceptions


def kept(aws: Aws) -> list[tuple[str, str]]:
    """Kind and name of everything that may carry a mark at the end."""
    return aws.parts()


def test_this_execution_s_mark_comes_off_everything_that_stays(aws: Aws, kind: Kind, plan: dict):
    before = {item: aws.tags(item[1], item[0]) for item in kept(aws)}
    for of, name in kept(aws):
        aws.stamp(name, of)

    aws.run("tidy", plan=plan)

    assert {item: aws.tags(item[1], item[0]) for item in kept(aws)} == before


def test_another_execution_s_mark_stays(aws: Aws, kind: Kind, plan: dict):
    for of, name in kept(aws):
        aws.stamp(name, of, ANOTHER)

    aws.run("tidy", plan=plan)

    assert all(aws.marked(name, of, ANOTHER) for of, name in kept(aws))


def test_tidying_twice_is_tidying_once(aws: Aws, kind: Kind, plan: dict):
    for of, name in kept(aws):
        aws.stamp(name, of)
    aws.run("tidy", plan=plan)
    aws.calls.clear()

    assert aws.run("tidy", plan=plan)["identifier"] == kind.identifier

    assert all(call.startswith("Describe") for call in aws.calls)


def test_what_does_not_exist_needs_no_tidying(aws: Aws, kind: Kind):
    plan = aws.plan(identifier=kind.identifier.replace("prod", "new"), task="create_snapshot")

    aws.run("tidy", plan=plan)


def test_half_done_tidying_is_finished(aws: Aws, kind: Kind, plan: dict):
    of, name = kept(aws)[-1]
    aws.stamp(name, of)

    aws.run("tidy", plan=plan)

    assert not aws.marked(name, of)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.TidyFailed),
        ("InvalidDBInstanceState", 400, exceptions.StateConflict),
        ("InvalidDBClusterSnapshotStateFault", 400, exceptions.StateConflict),
    ],
)
@pytest.mark.parametrize("call", ["Describe{}s", "RemoveTagsFromResource"])
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, plan: dict, *, call: str, code: str, status: int, error: type[Exception]
):
    aws.stamp()
    aws.fail(call.format(kind.operation), code, status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("tidy", plan=plan)

    assert type(raised.value) is error


def test_after_a_whole_restore_nothing_carries_a_mark(aws: Aws, kind: Kind):
    plan = aws.plan(task="create_snapshot")
    aws.until_done("snapshot", plan=plan)
    aws.settle()
    aws.set_aside(plan)
    aws.replace(plan)
    aws.finish(plan)
    aws.until_done("delete", plan=plan)
    aws.settle()

    aws.until_done("tidy", plan=plan)

    shelves = (aws.rds.instances, aws.rds.clusters, aws.rds.snapshots, aws.rds.cluster_snapshots)
    for shelf in shelves:
        for name, item in shelf.items():
            keys = [tag["Key"] for tag in item.get("TagList", [])]
            assert "trapheus:in-progress" not in keys, name
    assert len(plan["members"]) == 2 if kind is CLUSTER else "members" not in plan
