"""The delete step: only the original, only where it was renamed, only by this execution."""

import pytest

from tests.unit.conftest import (
    ANOTHER,
    CLUSTER,
    EXECUTION,
    Aws,
    Kind,
    of_clusters,
    of_instances,
)
from trapheus.execution import exceptions


def test_the_original_is_deleted_and_the_restored_one_stays(aws: Aws, kind: Kind, finished: dict):
    restored = {aws.id_of(name, of): name for of, name in aws.parts()}

    aws.until_done("delete", plan=finished)
    aws.settle()

    left = {key: name for key, name in aws.names().items() if name.startswith(kind.identifier)}
    assert left == restored


def test_other_databases_stay(aws: Aws, kind: Kind, finished: dict):
    def others() -> dict[str, str]:
        names = aws.names().items()
        return {key: name for key, name in names if not name.startswith(kind.identifier)}

    before = others()
    aws.until_done("delete", plan=finished)
    aws.settle()

    assert others() == before


def test_no_snapshot_is_taken_or_deleted(aws: Aws, kind: Kind, finished: dict):
    before = sorted([*aws.rds.snapshots, *aws.rds.cluster_snapshots])

    aws.until_done("delete", plan=finished)
    aws.settle()

    manual = [
        name
        for name, item in [*aws.rds.snapshots.items(), *aws.rds.cluster_snapshots.items()]
        if item.get("SnapshotType", "manual") == "manual"
    ]
    assert sorted(manual) == before


@of_instances
def test_the_automated_backups_are_kept(aws: Aws, finished: dict):
    aws.until_done("delete", plan=finished)
    aws.settle()

    kept = [backup["DbiResourceId"] for backup in aws.rds.retained_backups]
    assert kept == [finished["resourceId"]]


@pytest.mark.parametrize("pause", [0, 20, 60, 200, 400, 7200])
def test_a_deletion_may_be_repeated_at_any_moment(
    aws: Aws, kind: Kind, finished: dict, pause: float
):
    aws.run_once("delete", plan=finished)
    aws.clock.sleep(pause)

    assert aws.until_done("delete", plan=finished)
    aws.settle()

    assert finished["resourceId"] not in aws.names()
    assert aws.id_of()


def test_a_deletion_that_is_done_asks_for_nothing_more(aws: Aws, kind: Kind, finished: dict):
    aws.until_done("delete", plan=finished)
    aws.settle()
    aws.calls.clear()

    aws.run("delete", plan=finished)

    assert all(call.startswith("Describe") for call in aws.calls)


def untag(aws: Aws, name: str) -> None:
    aws.found(name)["TagList"] = []


def tag_as_another_s(aws: Aws, name: str) -> None:
    untag(aws, name)
    aws.stamp(name, execution=ANOTHER)


@pytest.mark.parametrize("spoil", [untag, tag_as_another_s])
def test_an_original_without_this_execution_s_tag_is_left_alone(
    aws: Aws, kind: Kind, finished: dict, spoil
):
    spoil(aws, finished["renamedTo"])

    with pytest.raises(exceptions.DeleteFailed):
        aws.run("delete", plan=finished)
    aws.settle()

    assert aws.names()[finished["resourceId"]] == finished["renamedTo"]
    assert aws.found(finished["renamedTo"])["DeletionProtection"] is True


@pytest.mark.parametrize("name", ["elsewhere", "own"])
def test_an_original_under_another_name_is_left_alone(
    aws: Aws, kind: Kind, renamed: dict, name: str
):
    word = kind.operation
    with aws.rds.instantly():
        aws.rds.call(
            f"Modify{word}",
            {
                f"{word}Identifier": renamed["renamedTo"],
                f"New{word}Identifier": kind.identifier if name == "own" else name,
                "ApplyImmediately": True,
            },
        )
    foreign = aws.foreign(renamed["renamedTo"])
    aws.stamp(renamed["renamedTo"], execution=EXECUTION)
    aws.found(renamed["renamedTo"])["DeletionProtection"] = True

    with pytest.raises(exceptions.DeleteFailed):
        aws.run("delete", plan=renamed)
    aws.settle()

    assert renamed["resourceId"] in aws.names()
    assert aws.id_of(renamed["renamedTo"]) == foreign


@pytest.mark.parametrize("fate", ["renamed", "replaced", "failed"])
def test_the_original_stays_unless_what_was_restored_serves(
    aws: Aws, kind: Kind, finished: dict, fate: str
):
    restored = aws.restored(finished)
    if fate == "failed":
        aws.force("failed")
    else:
        word = kind.operation
        names = {f"{word}Identifier": kind.identifier, f"New{word}Identifier": "elsewhere"}
        with aws.rds.instantly():
            aws.rds.call(f"Modify{word}", {**names, "ApplyImmediately": True})
        if fate == "replaced":
            aws.foreign(kind.identifier)

    with pytest.raises(exceptions.DeleteFailed, match="unserved"):
        aws.run("delete", plan=finished, restored=restored)
    aws.settle()

    assert aws.names()[finished["resourceId"]] == finished["renamedTo"]
    assert aws.found(finished["renamedTo"])["DeletionProtection"] is True


def test_what_was_restored_may_be_busy_for_a_while(aws: Aws, kind: Kind, finished: dict):
    aws.force("maintenance")

    with pytest.raises(exceptions.StillInProgress, match="maintenance"):
        aws.run("delete", plan=finished)


def protect(aws: Aws, finished: dict) -> None:
    """Somebody wants to keep it, which was not protected before."""
    finished["modify"]["DeletionProtection"] = False


def protect_by_tag(aws: Aws, finished: dict) -> None:
    aws.found(finished["renamedTo"])["TagList"].append({"Key": "trapheus:protect", "Value": ""})


def protect_a_member(aws: Aws, finished: dict) -> None:
    name = finished["members"][1]["renamedTo"] if aws.kind is CLUSTER else finished["renamedTo"]
    found = aws.found(name, "instance")
    found["TagList"].append({"Key": "trapheus:protect", "Value": ""})


@pytest.mark.parametrize("how", [protect, protect_by_tag, protect_a_member])
def test_an_original_that_somebody_has_protected_meanwhile_stays(
    aws: Aws, kind: Kind, finished: dict, how
):
    how(aws, finished)

    with pytest.raises(exceptions.DeleteFailed, match="has been protected"):
        aws.run("delete", plan=finished)
    aws.settle()

    assert aws.names()[finished["resourceId"]] == finished["renamedTo"]


@pytest.mark.parametrize(
    ("was", "overridden", "place"), [(7, 0, "automated backups"), (0, 7, "nowhere")]
)
def test_where_the_writes_are_follows_from_the_original_s_backups(
    aws: Aws, kind: Kind, finished: dict, *, was: int, overridden: int, place: str
):
    finished["restore"]["BackupRetentionPeriod"] = overridden
    finished["changed"] = {"BackupRetentionPeriod": {"was": was, "done": "overridden"}}

    aws.until_done("delete", plan=finished)

    assert place in aws.until_done("untag", plan=finished)["writesSince"]


@of_clusters
def test_a_member_that_auto_scaling_has_added_goes_too(aws: Aws, finished: dict):
    with aws.rds.instantly():
        aws.rds.call(
            "CreateDBInstance",
            {
                "DBInstanceIdentifier": "application-autoscaling-1",
                "DBClusterIdentifier": "prod-cluster-temp",
                "DBInstanceClass": "db.r6g.large",
                "Engine": "aurora-postgresql",
            },
        )

    aws.until_done("delete", plan=finished)
    aws.settle()

    assert finished["resourceId"] not in aws.names()
    assert aws.found("application-autoscaling-1", "instance") is None


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, exceptions.Throttled),
        ("AccessDenied", 403, exceptions.DeleteFailed),
        ("DBInstanceAutomatedBackupQuotaExceeded", 400, exceptions.DeleteFailed),
        ("DBClusterAutomatedBackupQuotaExceededFault", 400, exceptions.DeleteFailed),
    ],
)
@pytest.mark.parametrize("call", ["Describe{}s", "Modify{}", "Delete{}"])
def test_an_error_of_aws_becomes_the_right_one(
    aws: Aws,
    kind: Kind,
    finished: dict,
    *,
    call: str,
    code: str,
    status: int,
    error: type[Exception],
):
    aws.fail(call.format(kind.operation), code, status=status)
    if call.startswith("Delete"):
        aws.run_once("delete", plan=finished)  # takes the protection off

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.run("delete", plan=finished)

    assert type(raised.value) is error
    assert aws.names()[finished["resourceId"]] == finished["renamedTo"]


def test_a_refusal_in_the_present_state_comes_back_later(aws: Aws, kind: Kind, finished: dict):
    aws.fail(f"Delete{kind.operation}", kind.conflict, times=3)

    aws.until_done("delete", plan=finished)
    aws.settle()

    assert finished["resourceId"] not in aws.names()


@pytest.mark.parametrize("call", ["Modify{}", "Delete{}"])
def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, finished: dict, call: str):
    operation = call.format(kind.operation)
    aws.fail(operation, "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("delete", plan=finished)
    aws.settle()

    assert finished["resourceId"] not in aws.names()


@of_clusters
def test_a_listing_that_lags_behind_a_rename_deletes_nobody_s_member(aws: Aws, finished: dict):
    aws.run_once("delete", plan=finished)  # takes the protection off
    restored = aws.id_of("prod-cluster-writer", "instance")
    listed = aws.found(finished["renamedTo"])["DBClusterMembers"]
    for member in listed:
        member["DBInstanceIdentifier"] = member["DBInstanceIdentifier"].removesuffix("-temp")

    with pytest.raises(exceptions.StillInProgress, match="lags behind"):
        aws.run("delete", plan=finished)
    aws.settle()

    assert aws.id_of("prod-cluster-writer", "instance") == restored
    assert finished["resourceId"] in aws.names()


@of_clusters
def test_a_member_that_somebody_has_added_keeps_the_original_whole(aws: Aws, finished: dict):
    """It is none that this execution has made or renamed."""
    with aws.rds.instantly():
        aws.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": "analytics", "DBClusterIdentifier": finished["renamedTo"],
            "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql",
        })  # fmt: skip
    before = aws.names()

    with pytest.raises(exceptions.DeleteFailed, match="analytics"):
        aws.until_done("delete", plan=finished)

    aws.settle()
    assert aws.names() == before
    assert aws.found(finished["renamedTo"], "cluster")
