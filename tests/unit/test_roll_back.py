"""The rollback step: the original whole under its own names, and nothing of the restore left."""

from datetime import UTC, datetime

import pytest

from tests.unit.conftest import ANOTHER, EXECUTION, Aws, Kind, of_clusters
from trapheus.execution import exceptions

WRITER, READER = "prod-cluster-writer", "prod-cluster-reader"


def only_looked(aws: Aws) -> bool:
    return all(call.startswith("Describe") for call in aws.calls)


def test_a_whole_rollback_leaves_the_account_as_it_was(aws: Aws, kind: Kind, plan: dict):
    before = aws.names()
    tags = {item: aws.tags(item[1], item[0]) for item in aws.parts()}
    aws.rename_original(plan)
    aws.replace(plan)

    answer = aws.until_done("roll_back", plan=plan)

    assert answer["name"] == kind.identifier
    assert datetime.fromisoformat(answer["at"]).timestamp() == pytest.approx(aws.clock.time, abs=1)
    assert aws.names() == before
    assert {item: aws.tags(item[1], item[0]) for item in aws.parts()} == tags
    assert aws.rds.data(kind.name, kind.identifier).endswith("today")
    assert aws.found()["DeletionProtection"] is True
    assert aws.rds.reachable(kind.name, kind.identifier)


def test_it_acts_only_on_what_two_looks_a_minute_apart_agree(aws: Aws, kind: Kind, renamed: dict):
    changed = []

    def rename_meanwhile() -> None:
        if not changed:
            changed.append(aws.clock.time)
            aws.force("maintenance", renamed["renamedTo"])

    aws.calls.clear()
    aws.clock.watchers.append(rename_meanwhile)
    start = aws.clock.time

    with pytest.raises(exceptions.StillInProgress, match="something else"):
        aws.run("roll_back", plan=renamed)

    assert changed == [start + 60]
    assert only_looked(aws)


def test_it_looks_anew_after_everything_that_it_has_done(aws: Aws, kind: Kind, renamed: dict):
    aws.calls.clear()

    with pytest.raises(exceptions.StillInProgress):
        aws.run("roll_back", plan=renamed)

    cluster_and_members = 1 if kind.name == "instance" else 3
    assert len([call for call in aws.calls if call.startswith("Modify")]) == cluster_and_members


@pytest.mark.parametrize("status", ["incompatible-restore", "failed"])
def test_a_restore_that_ended_badly_is_removed(aws: Aws, kind: Kind, status: str):
    plan = aws.plan(identifier=kind.identifier.replace("prod", "broken"))
    aws.rename_original(plan)
    aws.run_once("restore", plan=plan)
    aws.settle()
    aws.force(status, plan["identifier"])

    aws.until_done("roll_back", plan=plan)

    assert aws.names()[plan["resourceId"]] == plan["identifier"]


@pytest.mark.parametrize("pause", [20, 60, 300])
def test_a_restore_that_is_still_under_way_is_waited_for_and_removed(
    aws: Aws, kind: Kind, renamed: dict, pause: float
):
    before = set(aws.names())
    aws.run_once("restore", plan=renamed)
    aws.clock.sleep(pause)

    aws.until_done("roll_back", plan=renamed)

    assert set(aws.names()) == before
    assert aws.id_of() == renamed["resourceId"]


@pytest.mark.parametrize("pause", [0, 10, 45, 100, 140, 200])
def test_a_rename_that_is_still_under_way_is_taken_back(
    aws: Aws, kind: Kind, plan: dict, pause: float
):
    before = aws.names()
    aws.run_once("rename", plan=plan)
    aws.clock.sleep(pause)

    aws.until_done("roll_back", plan=plan)
    aws.settle()

    assert aws.names() == before
    assert not any(aws.is_tagged(name, of) for of, name in aws.parts())


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

    aws.until_done("roll_back", plan=plan)
    aws.settle()

    assert aws.names() == before
    assert not any(aws.is_tagged(name, of) for of, name in aws.parts())


@of_clusters
def test_a_member_that_somebody_has_deleted_meanwhile_is_not_waited_for(aws: Aws, renamed: dict):
    aws.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": f"{READER}-temp"})
    aws.settle()

    aws.until_done("roll_back", plan=renamed)
    aws.settle()

    assert aws.id_of() == renamed["resourceId"]
    assert aws.id_of(WRITER, "instance") == renamed["members"][0]["resourceId"]


def test_an_original_that_was_only_tagged_is_untagged(aws: Aws, kind: Kind, plan: dict):
    for of, name in aws.parts():
        aws.stamp(name, of)

    aws.until_done("roll_back", plan=plan)

    assert not any(aws.is_tagged(name, of) for of, name in aws.parts())
    assert not any(call.startswith(("Modify", "Delete")) for call in aws.calls)


def test_an_original_that_never_left_is_not_touched(aws: Aws, kind: Kind, plan: dict):
    aws.run("roll_back", plan=plan)

    assert only_looked(aws)


def test_another_execution_s_tag_stays(aws: Aws, kind: Kind, plan: dict):
    aws.stamp(execution=ANOTHER)

    aws.run("roll_back", plan=plan)

    assert aws.is_tagged(execution=ANOTHER)


def test_a_recovery_takes_back_what_another_execution_has_begun(aws: Aws, kind: Kind, plan: dict):
    before = aws.names()
    aws.rename_original(plan)
    aws.replace(plan)

    aws.lock = {"holder": ANOTHER, "phase": "replace", "interrupted": EXECUTION}
    aws.until_done("roll_back", plan=plan, execution=ANOTHER)

    assert aws.names() == before


@pytest.mark.parametrize(
    "item", [{}, {"holder": ANOTHER, "phase": "rollback"}, {"phase": "rollback"}]
)
def test_without_the_lock_nothing_is_done(aws: Aws, kind: Kind, renamed: dict, item: dict):
    aws.lock = item
    aws.calls.clear()

    with pytest.raises(exceptions.LockLost):
        aws.run("roll_back", plan=renamed)

    assert only_looked(aws)


def test_the_phase_may_be_one_whose_end_could_not_be_noted(aws: Aws, kind: Kind, renamed: dict):
    aws.lock = {"holder": EXECUTION, "phase": "replace"}

    aws.until_done("roll_back", plan=renamed)

    assert aws.id_of() == renamed["resourceId"]


@pytest.mark.parametrize("pause", [0, 20, 60, 120, 200, 7200])
def test_putting_back_may_be_repeated_at_any_moment(aws: Aws, kind: Kind, plan: dict, pause: float):
    before = aws.names()
    aws.rename_original(plan)
    aws.run_once("roll_back", plan=plan)
    aws.clock.sleep(pause)

    aws.until_done("roll_back", plan=plan)
    aws.settle()
    aws.calls.clear()
    aws.run("roll_back", plan=plan)

    assert aws.names() == before
    assert only_looked(aws)


@pytest.mark.parametrize("owner", ["", ANOTHER])
def test_another_s_database_under_the_name_is_left_alone(
    aws: Aws, kind: Kind, renamed: dict, owner: str
):
    foreign = aws.foreign(kind.identifier)
    if owner:
        aws.stamp(execution=owner)

    with pytest.raises(exceptions.RollbackFailed, match="left alone"):
        aws.until_done("roll_back", plan=renamed)
    aws.settle()

    assert aws.id_of() == foreign
    assert aws.names()[renamed["resourceId"]] == renamed["renamedTo"]


def test_what_is_older_than_the_execution_is_left_alone(aws: Aws, kind: Kind, renamed: dict):
    foreign = aws.foreign(kind.identifier)
    aws.stamp()
    renamed["started"] = datetime.fromtimestamp(aws.clock.time + 3600, UTC).isoformat()

    with pytest.raises(exceptions.RollbackFailed, match="left alone"):
        aws.run("roll_back", plan=renamed)
    aws.settle()

    assert aws.id_of() == foreign


@of_clusters
@pytest.mark.parametrize("name", [WRITER, READER])
def test_another_s_instance_under_a_member_s_name_is_left_alone(aws: Aws, renamed: dict, name: str):
    foreign = aws.foreign(name, "instance")

    for _ in range(20):
        with pytest.raises((exceptions.StateConflict, exceptions.StillInProgress)):
            aws.run("roll_back", plan=renamed)
        aws.clock.sleep(60)
    aws.settle()

    assert aws.id_of(name, "instance") == foreign
    # Whatever becomes of a member, the cluster has its name.
    assert aws.id_of() == renamed["resourceId"]


@of_clusters
def test_a_listing_that_lags_behind_a_rename_removes_no_original(aws: Aws, replaced: dict):
    listed = aws.found("prod-cluster")["DBClusterMembers"]
    for member in listed:
        member["DBInstanceIdentifier"] += "-temp"

    with pytest.raises(exceptions.StillInProgress, match="lags behind"):
        aws.run("roll_back", plan=replaced)
    aws.settle()

    for member in replaced["members"]:
        assert aws.names()[member["resourceId"]] == member["renamedTo"]


def test_an_original_that_is_not_shown_for_a_while_is_waited_for(
    aws: Aws, kind: Kind, renamed: dict
):
    renamed["resourceId"] = f"{renamed['resourceId'][:-4]}GONE"

    with pytest.raises(exceptions.StillInProgress):
        aws.run("roll_back", plan=renamed)


@pytest.mark.parametrize("status", ["failed", "inaccessible-encryption-credentials", "stopped"])
def test_an_original_in_a_bad_status_ends_the_rollback(
    aws: Aws, kind: Kind, renamed: dict, status: str
):
    aws.force(status, renamed["renamedTo"])

    with pytest.raises(exceptions.RollbackFailed, match=status):
        aws.run("roll_back", plan=renamed)


@pytest.mark.parametrize("status", ["failed", "stopped", "deleting"])
def test_what_was_restored_stays_when_its_original_cannot_be_put_back(
    aws: Aws, kind: Kind, replaced: dict, status: str
):
    aws.force(status, replaced["renamedTo"])
    aws.calls.clear()

    with pytest.raises(exceptions.RollbackFailed, match=status):
        aws.run("roll_back", plan=replaced)

    assert only_looked(aws)
    assert aws.rds.reachable(kind.name, kind.identifier)


def test_what_was_restored_stays_while_its_original_is_not_shown(
    aws: Aws, kind: Kind, replaced: dict
):
    replaced["resourceId"] = f"{replaced['resourceId'][:-4]}GONE"
    aws.calls.clear()

    with pytest.raises(exceptions.StillInProgress, match="not visible"):
        aws.run("roll_back", plan=replaced)

    assert only_looked(aws)


@pytest.mark.parametrize(("days", "stays"), [(6, False), (8, True)])
def test_a_late_recovery_leaves_what_people_have_worked_with(
    aws: Aws, kind: Kind, replaced: dict, *, days: int, stays: bool
):
    restored = aws.id_of()
    aws.lock = {"holder": ANOTHER, "phase": "rollback", "interrupted": EXECUTION}
    aws.clock.sleep(days * 24 * 3600)

    if stays:
        with pytest.raises(exceptions.RollbackFailed, match="left alone: rename it"):
            aws.run("roll_back", plan=replaced, execution=ANOTHER)
        aws.settle()
    else:
        aws.until_done("roll_back", plan=replaced, execution=ANOTHER)

    assert aws.id_of() == (restored if stays else replaced["resourceId"])


@pytest.mark.parametrize("status", ["renaming", "modifying", "rebooting", "maintenance"])
def test_a_busy_original_is_waited_for(aws: Aws, kind: Kind, renamed: dict, status: str):
    aws.force(status, renamed["renamedTo"])
    aws.calls.clear()

    with pytest.raises(exceptions.StillInProgress):
        aws.run("roll_back", plan=renamed)

    assert only_looked(aws)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.RollbackFailed),
        ("{conflict}", 400, exceptions.StillInProgress),
    ],
)
@pytest.mark.parametrize("call", ["Describe{}s", "Modify{}", "Delete{}"])
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws, kind: Kind, plan: dict, *, call: str, code: str, status: int, error: type[Exception]
):
    aws.rename_original(plan)
    if call == "Delete{}":
        aws.replace(plan)
    aws.fail(call.format(kind.operation), code.format(conflict=kind.conflict), status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("roll_back", plan=plan)

    assert type(raised.value) is error


def test_a_rollback_that_takes_long_is_told_once_and_goes_on(aws: Aws, kind: Kind, replaced: dict):
    aws.fail(f"Delete{kind.operation}", kind.conflict, times=200)
    entered = datetime.fromtimestamp(aws.clock.time - 1795, UTC).isoformat()

    with pytest.raises(exceptions.RollbackDelayed, match="30 minutes"):
        aws.run("roll_back", plan=replaced, entered=entered)
    with pytest.raises(exceptions.StillInProgress):
        aws.run("roll_back", plan=replaced, entered=entered, isTold=True)

    aws.until_done("roll_back", plan=replaced, isTold=True)
    assert aws.id_of() == replaced["resourceId"]


@pytest.mark.parametrize("operation", ["Modify{}", "Delete{}"])
def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, replaced: dict, operation: str):
    before = set(aws.names())
    aws.fail(operation.format(kind.operation), "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("roll_back", plan=replaced)
    aws.settle()

    assert set(aws.names()) < before
    assert aws.id_of() == replaced["resourceId"]


RESTING = ["stopped", "failed", "inaccessible-encryption-credentials", "incompatible-network"]


def rest(aws: Aws, status: str = "stopped") -> None:
    """Let the original be in a status that no call of the rollback ends, as its members are."""
    for of, name in aws.parts():
        aws.force(status, name, of)


def is_resting(aws: Aws, status: str = "stopped") -> bool:
    words = {"instance": "DBInstanceStatus", "cluster": "Status"}
    return {aws.found(name, of)[words[of]] for of, name in aws.parts()} == {status}


@pytest.mark.parametrize("status", RESTING)
def test_an_original_that_has_its_names_is_left_in_its_status(
    aws: Aws, kind: Kind, copied: dict, status: str
):
    before = {aws.id_of(name, of): name for of, name in aws.parts()}
    rest(aws, status)
    for of, name in aws.parts():
        aws.stamp(name, of)
    aws.calls.clear()

    aws.until_done("roll_back", plan=copied)
    aws.settle()

    assert f"{kind.identifier}-copy" not in aws.names().values()
    assert before.items() <= aws.names().items()
    assert is_resting(aws, status)
    assert not any(aws.is_tagged(name, of) for of, name in aws.parts())
    assert not any(call.startswith(("Modify", "Start")) for call in aws.calls)


def test_an_original_that_has_its_names_needs_no_look_more(aws: Aws, kind: Kind, plan: dict):
    rest(aws)
    aws.calls.clear()

    aws.run("roll_back", plan=plan)

    assert only_looked(aws)


def test_the_tag_of_one_that_rds_does_not_untag_in_its_status_stays(
    aws: Aws, kind: Kind, copied: dict
):
    rest(aws)
    for of, name in aws.parts():
        aws.stamp(name, of)
    aws.fail("RemoveTagsFromResource", kind.conflict)

    aws.until_done("roll_back", plan=copied)
    aws.settle()

    assert f"{kind.identifier}-copy" not in aws.names().values()
    assert all(aws.is_tagged(name, of) for of, name in aws.parts())


def test_a_denied_untagging_of_one_that_is_stopped_is_told(aws: Aws, kind: Kind, copied: dict):
    rest(aws)
    aws.stamp()
    aws.fail("RemoveTagsFromResource", "AccessDenied", status=403)

    with pytest.raises(exceptions.RollbackFailed):
        aws.run("roll_back", plan=copied)


@pytest.mark.parametrize("status", ["stopping", "starting"])
def test_an_original_that_is_about_to_rest_is_waited_for(
    aws: Aws, kind: Kind, copied: dict, status: str
):
    rest(aws, status)
    aws.calls.clear()

    with pytest.raises(exceptions.StillInProgress):
        aws.run("roll_back", plan=copied)

    assert only_looked(aws)


@pytest.mark.parametrize("status", ["deleting", "delete-precheck"])
def test_a_copy_stays_while_its_original_is_being_deleted(
    aws: Aws, kind: Kind, copied: dict, status: str
):
    aws.force(status)
    aws.calls.clear()

    with pytest.raises(exceptions.RollbackFailed, match=status):
        aws.run("roll_back", plan=copied)

    assert only_looked(aws)


def test_a_copy_stays_when_its_original_is_stopped_under_another_name(
    aws: Aws, kind: Kind, copied: dict
):
    aws.rename_original(copied)
    aws.force("stopped", copied["renamedTo"])
    aws.calls.clear()

    with pytest.raises(exceptions.RollbackFailed, match="stopped"):
        aws.run("roll_back", plan=copied)

    assert only_looked(aws)


@of_clusters
def test_a_copy_stays_when_a_member_of_a_stopped_original_has_another_name(aws: Aws, copied: dict):
    aws.rds.call("ModifyDBInstance", {
        "DBInstanceIdentifier": READER, "NewDBInstanceIdentifier": f"{READER}-temp",
        "ApplyImmediately": True,
    })  # fmt: skip
    aws.settle()
    aws.force("stopped")
    aws.calls.clear()

    with pytest.raises(exceptions.RollbackFailed, match="stopped"):
        aws.run("roll_back", plan=copied)

    assert only_looked(aws)


@of_clusters
def test_a_member_that_has_its_name_is_left_in_its_status(aws: Aws, copied: dict):
    aws.force("incompatible-network", READER, "instance")

    aws.until_done("roll_back", plan=copied)
    aws.settle()

    assert "prod-cluster-copy" not in aws.names().values()
    assert aws.names()[copied["members"][1]["resourceId"]] == READER
