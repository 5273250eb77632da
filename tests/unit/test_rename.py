"""The rename step: the original is renamed, tagged, under its temporary names."""

import pytest

from tests.unit.conftest import ANOTHER, CLUSTER, Aws, Kind, of_clusters
from trapheus.execution import exceptions


def test_the_original_keeps_its_resource_id_under_its_temporary_name(
    aws: Aws, kind: Kind, plan: dict
):
    before = {aws.id_of(name, of): name for of, name in aws.parts()}

    aws.rename_original(plan)

    for resource_id, name in before.items():
        assert aws.names()[resource_id] == f"{name}-temp"


def test_what_is_renamed_carries_the_tag(aws: Aws, kind: Kind, renamed: dict):

    for of, name in aws.parts():
        assert aws.is_tagged(f"{name}-temp", of)
        assert not aws.is_tagged(f"{name}-temp", of, ANOTHER)


def test_what_is_renamed_keeps_its_data_tags_and_protection(aws: Aws, kind: Kind, plan: dict):
    data, tags = aws.rds.data(kind.name, kind.identifier), aws.tags()
    aws.rename_original(plan)
    renamed = f"{kind.identifier}-temp"

    assert aws.rds.data(kind.name, renamed) == data
    assert tags.items() <= aws.tags(renamed).items()
    assert aws.found(renamed)["DeletionProtection"] is True


def test_the_members_stay_in_the_cluster(aws: Aws):
    aws.kind = CLUSTER
    aws.rename_original(aws.plan())

    members = aws.found("prod-cluster-temp")["DBClusterMembers"]

    assert {member["DBInstanceIdentifier"]: member["IsClusterWriter"] for member in members} == {
        "prod-cluster-writer-temp": True,
        "prod-cluster-reader-temp": False,
    }


def test_the_first_rename_is_asked_for_at_once_not_for_the_window(aws: Aws, kind: Kind, plan: dict):
    try:
        aws.run("rename", plan=plan)
    except exceptions.StillInProgress:
        assert kind is CLUSTER
    aws.settle()

    assert aws.names()[plan["resourceId"]] == f"{kind.identifier}-temp"


@pytest.mark.parametrize("pause", [0, 10, 45, 100, 140, 200, 7200])
def test_a_rename_may_be_repeated_at_any_moment(aws: Aws, kind: Kind, plan: dict, pause: float):
    try:
        aws.run("rename", plan=plan)
    except exceptions.StillInProgress:
        assert kind is CLUSTER
    aws.clock.sleep(pause)

    assert aws.until_done("rename", plan=plan) == {"name": plan["renamedTo"]}
    aws.settle()
    for of, name in aws.parts():
        assert aws.is_tagged(f"{name}-temp", of)
        assert aws.found(name, of) is None


def test_a_rename_that_is_done_asks_for_nothing_more(aws: Aws, kind: Kind, renamed: dict):
    aws.calls.clear()

    aws.run("rename", plan=renamed)

    assert all(call.startswith("Describe") for call in aws.calls)


@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_an_original_that_somebody_else_has_renamed_so_does_not_count_as_renamed(
    aws: Aws, kind: Kind, strategy: str
):
    plan = aws.plan(strategy=strategy)
    word = kind.operation
    aws.rds.call(
        f"Modify{word}",
        {
            f"{word}Identifier": kind.identifier,
            f"New{word}Identifier": plan["renamedTo"],
            "ApplyImmediately": True,
        },
    )
    aws.settle()

    with pytest.raises(exceptions.RenameFailed) as raised:
        aws.run("rename", plan=plan)

    assert f"Somebody has renamed it to {kind.identifier}-temp" in str(raised.value)
    assert not aws.is_tagged(plan["renamedTo"])


def test_another_database_that_has_taken_the_name_is_left_alone(
    aws: Aws, kind: Kind, renamed: dict
):
    foreign = aws.foreign(kind.identifier)

    aws.run("rename", plan=renamed)
    aws.settle()

    assert aws.id_of(kind.identifier) == foreign
    assert not aws.is_tagged(kind.identifier)


def test_a_temporary_name_taken_meanwhile_fails_the_step_and_moves_nothing(
    aws: Aws, kind: Kind, plan: dict
):
    foreign = aws.foreign(plan["renamedTo"])

    with pytest.raises(exceptions.RenameFailed):
        aws.until_done("rename", plan=plan)
    aws.settle()

    assert aws.id_of(plan["renamedTo"]) == foreign
    assert aws.id_of() == plan["resourceId"]


@of_clusters
def test_an_original_that_is_stopped_is_said_to_have_kept_its_name(
    aws: Aws, kind: Kind, plan: dict
):
    aws.force("stopped")

    with pytest.raises(exceptions.RenameFailed) as raised:
        aws.run("rename", plan=plan)

    assert raised.value.fields["unrenamed"] == kind.identifier
    assert not aws.is_tagged()


@pytest.mark.parametrize("status", ["failed", "inaccessible-encryption-credentials", "stopped"])
def test_a_cluster_in_a_bad_status_fails_at_once(aws: Aws, plan: dict, status: str):
    aws.force(status)

    with pytest.raises(exceptions.RenameFailed, match=status):
        aws.run("rename", plan=plan)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("InternalFailure", 500, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.RenameFailed),
        ("InvalidParameterValue", 400, exceptions.RenameFailed),
        ("StorageQuotaExceeded", 400, exceptions.RenameFailed),
    ],
)
@pytest.mark.parametrize("call", ["Describe{}s", "Modify{}", "AddTagsToResource"])
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, plan: dict, *, call: str, code: str, status: int, error: type[Exception]
):
    aws.fail(call.format(kind.operation), code, status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("rename", plan=plan)

    assert type(raised.value) is error


def test_a_state_that_does_not_allow_it_yet_is_a_conflict(aws: Aws, kind: Kind, plan: dict):
    aws.fail(f"Modify{kind.operation}", kind.conflict)

    with pytest.raises(exceptions.StateConflict):
        aws.run("rename", plan=plan)


@of_clusters
def test_a_busy_cluster_is_waited_for(aws: Aws, plan: dict):
    aws.force("backing-up")

    with pytest.raises(exceptions.StillInProgress):
        aws.run("rename", plan=plan)
    assert "ModifyDBCluster" not in aws.calls


def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, plan: dict):
    aws.fail(f"Modify{kind.operation}", "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("rename", plan=plan)
    aws.settle()

    assert aws.names()[plan["resourceId"]] == plan["renamedTo"]


@of_clusters
def test_members_are_renamed_by_name_only_while_it_is_theirs(aws: Aws, renamed: dict):
    foreign = aws.foreign("prod-cluster-reader", "instance")

    aws.run("rename", plan=renamed)
    aws.settle()

    assert aws.id_of("prod-cluster-reader", "instance") == foreign
