"""The untag step: this execution's tag comes off what stays, and nothing else does."""

import pytest

from tests.unit.conftest import ANOTHER, CLUSTER, Aws, Kind
from trapheus.execution import exceptions


def kept(aws: Aws) -> list[tuple[str, str]]:
    """Kind and name of everything that may carry a tag at the end."""
    return aws.parts()


def test_this_execution_s_tag_comes_off_everything_that_stays(aws: Aws, kind: Kind, plan: dict):
    before = {item: aws.tags(item[1], item[0]) for item in kept(aws)}
    for of, name in kept(aws):
        aws.stamp(name, of)

    aws.run("untag", plan=plan)

    assert {item: aws.tags(item[1], item[0]) for item in kept(aws)} == before


def test_another_execution_s_tag_stays(aws: Aws, kind: Kind, plan: dict):
    for of, name in kept(aws):
        aws.stamp(name, of, ANOTHER)

    aws.run("untag", plan=plan)

    assert all(aws.is_tagged(name, of, ANOTHER) for of, name in kept(aws))


def test_untagging_twice_is_untagging_once(aws: Aws, kind: Kind, plan: dict):
    for of, name in kept(aws):
        aws.stamp(name, of)
    aws.run("untag", plan=plan)
    aws.calls.clear()

    assert aws.run("untag", plan=plan)["identifier"] == kind.identifier

    assert all(call.startswith("Describe") for call in aws.calls)


def test_what_does_not_exist_needs_no_untagging(aws: Aws, kind: Kind):
    plan = aws.plan(identifier=kind.identifier.replace("prod", "new"), task="create_snapshot")

    aws.run("untag", plan=plan)


def test_half_done_untagging_is_finished(aws: Aws, kind: Kind, plan: dict):
    of, name = kept(aws)[-1]
    aws.stamp(name, of)

    aws.run("untag", plan=plan)

    assert not aws.is_tagged(name, of)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.UntagFailed),
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
        aws.run("untag", plan=plan)

    assert type(raised.value) is error


def test_after_a_whole_restore_nothing_carries_a_tag(aws: Aws, kind: Kind):
    plan = aws.plan(task="create_snapshot")
    aws.until_done("snapshot", plan=plan)
    aws.settle()
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)
    aws.until_done("delete", plan=plan)
    aws.settle()

    aws.until_done("untag", plan=plan)

    shelves = (aws.rds.instances, aws.rds.clusters, aws.rds.snapshots, aws.rds.cluster_snapshots)
    for shelf in shelves:
        for name, item in shelf.items():
            keys = [tag["Key"] for tag in item.get("TagList", [])]
            assert "trapheus:in-progress" not in keys, name
    assert len(plan["members"]) == 2 if kind is CLUSTER else "members" not in plan
