"""The status step: waits for what the state machine asks, following resource ids."""

from datetime import datetime

import pytest

from tests.unit.conftest import EXECUTION, INSTANCE, Aws, Kind, of_clusters
from trapheus.execution import exceptions

WRITER = "prod-cluster-writer"


def wait(aws: Aws, until: str, plan: dict, seconds: float = 900) -> str:
    """Wait once; the moment at which it was seen, which is now."""
    answer = aws.run("wait", seconds=seconds, plan=plan, until=until)
    assert answer["until"] == until
    return answer["at"]


def test_the_renamed_original_ends_the_wait(aws: Aws, kind: Kind, plan: dict):
    aws.run_once("rename", plan=plan)

    seen = aws.until_done("wait", plan=plan, until="renamed")["at"]

    assert datetime.fromisoformat(seen).timestamp() == pytest.approx(aws.clock.time, abs=1)
    assert aws.names()[plan["resourceId"]] == plan["renamedTo"]


def test_a_stale_available_does_not_end_the_wait(aws: Aws, kind: Kind, plan: dict):
    aws.run_once("rename", plan=plan)

    with pytest.raises(exceptions.StillInProgress):
        wait(aws, "renamed", plan, seconds=0)


def test_the_restored_database_ends_the_wait(aws: Aws, kind: Kind, renamed: dict):
    aws.until_done("restore", plan=renamed)

    aws.until_done("wait", plan=renamed, until="restored")

    assert aws.id_of() not in ("", renamed["resourceId"])
    assert aws.rds.reachable(kind.name, kind.identifier)


def test_the_old_database_under_the_name_is_not_the_restored_one(aws: Aws, kind: Kind, plan: dict):
    with pytest.raises(exceptions.StillInProgress):
        wait(aws, "restored", plan)


@of_clusters
def test_a_restored_cluster_without_its_writer_is_not_restored(aws: Aws, replaced: dict):
    aws.force("creating", WRITER, "instance")

    with pytest.raises(exceptions.StillInProgress, match=WRITER):
        wait(aws, "restored", replaced)


@of_clusters
def test_a_reader_is_not_waited_for_before_the_point_of_no_return(aws: Aws, replaced: dict):
    aws.force("incompatible-network", "prod-cluster-reader", "instance")

    assert wait(aws, "restored", replaced)


def test_the_original_gone_ends_the_wait(aws: Aws, kind: Kind, finished: dict):
    aws.until_done("delete", plan=finished)

    aws.until_done("wait", plan=finished, until="deleted")

    assert finished["resourceId"] not in aws.names()


def test_the_restored_database_does_not_pass_for_the_original_gone(
    aws: Aws, kind: Kind, finished: dict
):

    with pytest.raises(exceptions.StillInProgress):
        wait(aws, "deleted", finished)


@pytest.mark.parametrize(
    ("until", "error"),
    [
        ("renamed", exceptions.RenameFailed),
        ("deleted", exceptions.DeleteFailed),
    ],
)
def test_a_bad_status_of_the_original_is_named_for_the_step(
    aws: Aws, kind: Kind, plan: dict, until: str, error: type[Exception]
):
    aws.force("incompatible-network" if kind is INSTANCE else "failed")

    with pytest.raises(error, match=r"is (incompatible-network|failed)"):
        wait(aws, until, plan)


def test_a_restore_that_ends_badly_is_a_failed_restore(aws: Aws, kind: Kind):
    name = kind.identifier.replace("prod", "broken")
    plan = aws.plan(identifier=name)
    aws.rename_original(plan)

    aws.run_once("restore", plan=plan)
    with pytest.raises(exceptions.RestoreFailed, match="incompatible-restore"):
        aws.until_done("wait", plan=plan, until="restored")


@of_clusters
def test_a_writer_that_ends_badly_is_a_failed_restore(aws: Aws, replaced: dict):
    aws.force("incompatible-parameters", WRITER, "instance")

    with pytest.raises(exceptions.RestoreFailed, match=f"{WRITER} is incompatible-parameters"):
        wait(aws, "restored", replaced)


@pytest.mark.parametrize("until", ["renamed", "restored", "deleted"])
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, None),
    ],
)
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws,
    kind: Kind,
    plan: dict,
    until: str,
    *,
    code: str,
    status: int,
    error: type[Exception] | None,
):
    finals = {
        "renamed": exceptions.RenameFailed,
        "restored": exceptions.RestoreFailed,
        "deleted": exceptions.DeleteFailed,
    }
    aws.fail(f"Describe{kind.operation}s", code, status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        wait(aws, until, plan)

    assert type(raised.value) is (error or finals[until])


def test_a_burst_of_throttling_is_left_to_the_state_machine_s_retries(
    aws: Aws, kind: Kind, plan: dict
):
    aws.run_once("rename", plan=plan)
    # Three tries of the client's to a look.
    aws.fail(f"Describe{kind.operation}s", "Throttling", times=6)

    for _ in range(2):
        with pytest.raises(exceptions.Throttled):
            wait(aws, "renamed", plan)
    assert aws.until_done("wait", plan=plan, until="renamed")


def test_the_look_that_sees_what_it_waits_for_notes_the_phase_that_begins(
    aws: Aws, kind: Kind, renamed: dict
):
    aws.until_done("restore", plan=renamed)
    aws.lock = {"holder": EXECUTION, "phase": "replace"}

    with pytest.raises(exceptions.StillInProgress):
        aws.run("wait", plan=renamed, until="restored", phase="finish")
    assert aws.lock["phase"] == "replace"
    aws.until_done("wait", plan=renamed, until="restored", phase="finish")

    assert aws.lock["phase"] == "finish"


def test_what_comes_after_its_rollback_has_begun_notes_nothing(
    aws: Aws, kind: Kind, replaced: dict
):
    aws.lock = {"holder": EXECUTION, "phase": "rollback"}

    with pytest.raises(exceptions.LockLost):
        aws.run("wait", plan=replaced, until="restored", phase="finish")

    assert aws.lock["phase"] == "rollback"
