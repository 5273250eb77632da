"""The put-back step of the rollback: the original whole under its own names, unmarked."""

import pytest

from tests.unit.conftest import ANOTHER, CLUSTER, INSTANCE, Aws, Kind, of_clusters
from trapheus import exceptions


def test_the_original_is_whole_under_its_own_names_again(aws: Aws, kind: Kind, plan: dict):
    before = aws.names()
    tags = {item: aws.tags(item[1], item[0]) for item in aws.parts()}
    aws.set_aside(plan)

    assert aws.until_done("put_back", plan=plan) == {"name": kind.identifier}

    assert aws.names() == before
    assert {item: aws.tags(item[1], item[0]) for item in aws.parts()} == tags
    assert aws.rds.data(kind.name, kind.identifier).endswith("today")
    assert aws.found()["DeletionProtection"] is True
    assert aws.rds.reachable(kind.name, kind.identifier)


@pytest.mark.parametrize("pause", [0, 10, 45, 100, 140, 200])
def test_a_rename_that_is_still_under_way_is_taken_back(
    aws: Aws, kind: Kind, plan: dict, pause: float
):
    before = aws.names()
    aws.run_once("rename", plan=plan)
    # The rollback waits a minute before it begins.
    aws.clock.sleep(60 + pause)

    aws.until_done("put_back", plan=plan)
    aws.settle()

    assert aws.names() == before
    assert not any(aws.marked(name, of) for of, name in aws.parts())


@of_clusters
def test_a_cluster_whose_members_are_half_renamed_is_taken_back(aws: Aws, plan: dict):
    before = aws.names()
    aws.run_once("rename", plan=plan)
    aws.settle()
    aws.fail("ModifyDBInstance", "AccessDenied", status=403, after=1)
    with pytest.raises(exceptions.RenameFailed):
        aws.run("rename", plan=plan)
    aws.settle()
    aws.faults.clear()

    aws.until_done("put_back", plan=plan)
    aws.settle()

    assert aws.names() == before
    assert not any(aws.marked(name, of) for of, name in aws.parts())


def test_an_original_that_was_only_marked_is_unmarked(aws: Aws, kind: Kind, plan: dict):
    for of, name in aws.parts():
        aws.stamp(name, of)

    aws.run("put_back", plan=plan)

    assert not any(aws.marked(name, of) for of, name in aws.parts())


def test_an_original_that_never_left_is_not_touched(aws: Aws, kind: Kind, plan: dict):
    aws.run("put_back", plan=plan)

    assert all(call.startswith("Describe") for call in aws.calls)


def test_another_execution_s_mark_stays(aws: Aws, kind: Kind, plan: dict):
    aws.stamp(execution=ANOTHER)

    aws.run("put_back", plan=plan)

    assert aws.marked(execution=ANOTHER)


@pytest.mark.parametrize("pause", [0, 20, 60, 120, 200, 7200])
def test_putting_back_may_be_repeated_at_any_moment(aws: Aws, kind: Kind, plan: dict, pause: float):
    before = aws.names()
    aws.set_aside(plan)
    aws.run_once("put_back", plan=plan)
    aws.clock.sleep(pause)

    aws.until_done("put_back", plan=plan)
    aws.settle()
    aws.calls.clear()
    aws.run("put_back", plan=plan)

    assert aws.names() == before
    assert all(call.startswith("Describe") for call in aws.calls)


def test_another_s_database_that_has_taken_the_name_is_left_alone(
    aws: Aws, kind: Kind, aside: dict
):
    foreign = aws.foreign(kind.identifier)

    with pytest.raises((exceptions.StateConflict, exceptions.StillInProgress)):
        aws.run("put_back", plan=aside)
    aws.settle()

    assert aws.id_of() == foreign
    assert aws.names()[aside["resourceId"]] == aside["aside"]


def test_an_original_that_is_not_shown_for_a_while_is_waited_for(aws: Aws, kind: Kind, plan: dict):
    plan["resourceId"] = f"{plan['resourceId'][:-4]}GONE"

    with pytest.raises(exceptions.StillInProgress):
        aws.run("put_back", plan=plan)


@pytest.mark.parametrize("status", ["failed", "inaccessible-encryption-credentials", "stopped"])
def test_an_original_in_a_bad_status_ends_the_rollback(
    aws: Aws, kind: Kind, aside: dict, status: str
):
    aws.force(status, aside["aside"])

    with pytest.raises(exceptions.RollbackFailed, match=status):
        aws.run("put_back", plan=aside)


@pytest.mark.parametrize("status", ["renaming", "modifying", "rebooting", "maintenance"])
def test_a_busy_original_is_waited_for(aws: Aws, kind: Kind, aside: dict, status: str):
    aws.force(status, aside["aside"])
    aws.calls.clear()

    with pytest.raises(exceptions.StillInProgress):
        aws.run("put_back", plan=aside)

    assert all(call.startswith("Describe") for call in aws.calls)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.RollbackFailed),
        ("{conflict}", 400, exceptions.StillInProgress),
    ],
)
@pytest.mark.parametrize("call", ["Describe{}s", "Modify{}"])
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, aside: dict, *, call: str, code: str, status: int, error: type[Exception]
):
    aws.fail(call.format(kind.operation), code.format(conflict=kind.conflict), status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("put_back", plan=aside)

    assert type(raised.value) is error


def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, plan: dict):
    before = aws.names()
    aws.set_aside(plan)
    aws.fail(f"Modify{kind.operation}", "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("put_back", plan=plan)
    aws.settle()

    assert aws.names() == before


def test_a_whole_rollback_leaves_the_account_as_it_was(aws: Aws, kind: Kind, plan: dict):
    before = aws.names()
    tags = {item: aws.tags(item[1], item[0]) for item in aws.parts()}
    aws.set_aside(plan)
    aws.replace(plan)

    aws.until_done("remove", plan=plan)
    aws.until_done("put_back", plan=plan)
    aws.settle()

    assert aws.names() == before
    assert {item: aws.tags(item[1], item[0]) for item in aws.parts()} == tags
    assert len(before) == len(aws.rds.instances) + len(aws.rds.clusters)
    assert kind in (INSTANCE, CLUSTER)
