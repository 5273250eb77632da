"""The remove step of the rollback: what this execution has half made, and nothing else."""

import pytest

from tests.unit.conftest import ANOTHER, Aws, Kind, of_clusters
from trapheus import exceptions

WRITER, READER = "prod-cluster-writer", "prod-cluster-reader"


def test_the_half_made_database_is_removed_and_the_original_stays(
    aws: Aws, kind: Kind, replaced: dict
):
    originals = {aws.id_of(f"{name}-temp", of) for of, name in aws.parts()}

    assert aws.until_done("remove", plan=replaced) == {"name": kind.identifier}

    left = {key for key, name in aws.names().items() if name.startswith(kind.identifier)}
    assert left == originals


def test_removing_is_in_progress_until_it_is_gone(aws: Aws, kind: Kind, replaced: dict):
    with pytest.raises(exceptions.StillInProgress):
        aws.run("remove", plan=replaced)

    assert aws.id_of()
    aws.settle()
    for _ in range(3):
        aws.run_once("remove", plan=replaced)
        aws.settle()
    assert aws.run("remove", plan=replaced) == {"name": kind.identifier}


@pytest.mark.parametrize("status", ["incompatible-restore", "failed"])
def test_a_restore_that_ended_badly_is_removed(aws: Aws, kind: Kind, status: str):
    plan = aws.plan(identifier=kind.identifier.replace("prod", "broken"))
    aws.set_aside(plan)
    aws.run_once("restore", plan=plan)
    aws.settle()
    aws.force(status, plan["identifier"])

    aws.until_done("remove", plan=plan)

    assert aws.found(plan["identifier"]) is None
    assert aws.names()[plan["resourceId"]] == plan["aside"]


@pytest.mark.parametrize("pause", [20, 60, 300])
def test_a_restore_that_is_still_under_way_is_waited_for_and_removed(
    aws: Aws, kind: Kind, aside: dict, pause: float
):
    aws.run_once("restore", plan=aside)
    aws.clock.sleep(pause)

    aws.until_done("remove", plan=aside)

    assert aws.found() is None
    assert aws.names()[aside["resourceId"]] == aside["aside"]


def test_nothing_under_the_name_is_done(aws: Aws, kind: Kind, aside: dict):
    aws.calls.clear()

    assert aws.run("remove", plan=aside) == {"name": kind.identifier}
    assert all(call.startswith("Describe") for call in aws.calls)


def test_the_original_under_the_name_is_never_removed(aws: Aws, kind: Kind, plan: dict):
    # As when the rename itself has failed: the mark is already on it.
    for of, name in aws.parts():
        aws.stamp(name, of)

    assert aws.run("remove", plan=plan) == {"name": kind.identifier}
    aws.settle()

    assert all(call.startswith("Describe") for call in aws.calls)
    assert aws.id_of() == plan["resourceId"]


@pytest.mark.parametrize("owner", ["", ANOTHER])
def test_another_s_database_under_the_name_is_left_alone(
    aws: Aws, kind: Kind, aside: dict, owner: str
):
    foreign = aws.foreign(kind.identifier)
    if owner:
        aws.stamp(execution=owner)

    with pytest.raises(exceptions.RollbackFailed, match="left alone"):
        aws.until_done("remove", plan=aside)
    aws.settle()

    assert aws.id_of() == foreign


@of_clusters
@pytest.mark.parametrize("name", [WRITER, READER])
def test_another_s_instance_under_a_member_s_name_is_left_alone(aws: Aws, aside: dict, name: str):
    foreign = aws.foreign(name, "instance")

    aws.until_done("remove", plan=aside)
    aws.settle()

    assert aws.id_of(name, "instance") == foreign


@of_clusters
def test_members_that_are_still_aside_are_not_removed(aws: Aws, plan: dict):
    # Only the cluster is renamed; its members still have their own names.
    aws.run_once("rename", plan=plan)
    aws.settle()

    aws.until_done("remove", plan=plan)
    aws.settle()

    assert aws.found("prod-cluster") is None
    for member in plan["members"]:
        assert aws.names()[member["resourceId"]] == member["identifier"]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.RollbackFailed),
        ("{conflict}", 400, exceptions.StillInProgress),
    ],
)
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, replaced: dict, *, code: str, status: int, error: type[Exception]
):
    aws.fail(f"Delete{kind.operation}", code.format(conflict=kind.conflict), status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("remove", plan=replaced)

    assert type(raised.value) is error
    assert aws.id_of() not in ("", replaced["resourceId"])


def test_rds_that_refuses_for_hours_is_waited_for(aws: Aws, kind: Kind, replaced: dict):
    aws.fail(f"Delete{kind.operation}", kind.conflict, times=200)

    aws.until_done("remove", plan=replaced)

    assert aws.found() is None


def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, replaced: dict):
    aws.fail(f"Delete{kind.operation}", "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("remove", plan=replaced)

    assert aws.found() is None


@of_clusters
def test_a_listing_that_lags_behind_a_rename_removes_no_original(aws: Aws, replaced: dict):
    listed = aws.found("prod-cluster")["DBClusterMembers"]
    for member in listed:
        member["DBInstanceIdentifier"] += "-temp"

    with pytest.raises(exceptions.StillInProgress, match="lags behind"):
        aws.run("remove", plan=replaced)
    aws.settle()

    for member in replaced["members"]:
        assert aws.names()[member["resourceId"]] == member["aside"]
