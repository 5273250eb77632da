"""Automated snapshots, and the newest snapshot of a database that has been restored before."""

from __future__ import annotations

from typing import Any

import pytest

from local.emulator.rds import RdsError
from local.emulator.rds.operations import db_snapshots
from tests.unit.conftest import ANOTHER, CLUSTER, INSTANCE, Aws, Kind
from trapheus.execution import exceptions

FOLLOW = pytest.mark.parametrize("follow", [True, False], ids=["follow", "stay"])


def back_up(aws: Aws, name: str = "") -> str:
    """Let RDS back a database up; the snapshot's name."""
    aws.clock.sleep(3600)
    with aws.rds.instantly():
        return db_snapshots.back_up(aws.rds, aws.kind.name, name or aws.kind.identifier)


def take(aws: Aws, name: str, of: str = "") -> None:
    aws.clock.sleep(3600)
    word = "DBCluster" if aws.kind is CLUSTER else "DB"
    with aws.rds.instantly():
        aws.rds.call(f"Create{word}Snapshot", {
            f"{aws.kind.operation}Identifier": of or aws.kind.identifier,
            f"{word}SnapshotIdentifier": name,
        })  # fmt: skip


def latest(aws: Aws, **request: Any) -> str:
    return str(aws.plan(snapshotIdentifier="latest", **request)["snapshot"])


def test_an_automated_snapshot_is_found_by_its_name_and_arn(aws: Aws, kind: Kind):
    name = back_up(aws)
    assert name.startswith(f"rds:{kind.identifier}-")

    assert aws.plan(snapshotIdentifier=name)["snapshot"] == name
    assert latest(aws) == name


def test_rds_shows_an_automated_snapshot_by_its_name_only_with_its_type(aws: Aws, kind: Kind):
    name, word = back_up(aws), "DBCluster" if kind is CLUSTER else "DB"
    asked = {f"{word}SnapshotIdentifier": name}

    with pytest.raises(RdsError, match="NotFound"):
        aws.rds.call(f"Describe{word}Snapshots", asked)
    answer = aws.rds.call(f"Describe{word}Snapshots", asked | {"SnapshotType": "automated"})

    assert [one["SnapshotType"] for one in answer[f"{word}Snapshots"]] == ["automated"]
    with pytest.raises(RdsError, match="InvalidDB"):
        aws.rds.call(f"Delete{word}Snapshot", asked)


def test_an_automated_snapshot_does_not_count_for_the_quota(aws: Aws, kind: Kind):
    aws.rds.quotas[aws.snapshot_kind] = aws.rds.count(aws.snapshot_kind)

    back_up(aws)

    with pytest.raises(RdsError, match="Cannot create more than"):
        take(aws, "one-more")


def test_a_database_is_restored_from_an_automated_snapshot(aws: Aws, kind: Kind):
    plan = aws.plan(snapshotIdentifier=back_up(aws))
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)

    assert aws.run("verify", plan=plan)["report"]["warnings"] == []


def restore(aws: Aws, *, first: bool) -> None:
    """A whole earlier restore; what it has renamed is gone by the end."""
    plan = aws.plan(strategy="restore-first" if first else "rename-first")
    if first:
        aws.make_copy(plan)
    aws.rename_original(plan)
    aws.give_names(plan) if first else aws.replace(plan)
    aws.finish(plan)
    aws.until_done("delete", plan=plan)
    aws.settle()
    for kind, name in aws.parts():
        aws.rds.find(kind, name).shown["TagList"] = []


@FOLLOW
@pytest.mark.parametrize("first", [True, False])
def test_the_latest_may_be_older_than_the_last_restore(
    aws: Aws, kind: Kind, *, follow: bool, first: bool
):
    aws.rds.snapshots_follow = follow
    take(aws, f"{kind.identifier}-by-hand")

    restore(aws, first=first)

    # Of the same resource id as <id>-snapshot, and newer.
    assert latest(aws) == f"{kind.identifier}-by-hand"
    newest = back_up(aws)
    assert latest(aws) == newest


@FOLLOW
def test_a_database_is_restored_again_and_again(aws: Aws, kind: Kind, *, follow: bool):
    aws.rds.snapshots_follow = follow
    for task in ("db_restore", "create_snapshot"):
        restore(aws, first=False)
        plan = aws.plan(task=task)
        assert plan["snapshot"] == f"{kind.identifier}-snapshot"
        if task == "create_snapshot":
            aws.until_done("snapshot", plan=plan, phase="prepare")
            assert aws.found(plan["snapshot"], aws.snapshot_kind)[kind.id_key] == aws.id_of()
            assert aws.found(plan["successor"], aws.snapshot_kind) is None


@FOLLOW
def test_a_predecessor_that_was_kept_goes_on_without_being_the_latest(
    aws: Aws, kind: Kind, *, follow: bool
):
    aws.rds.snapshots_follow = follow
    plan = aws.plan()
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)
    for of, name in aws.parts():
        aws.rds.find(of, name).shown["TagList"] = []

    back_up(aws, f"{kind.identifier}-temp")

    beside = {"strategy": "copy", "targetIdentifier": "drill"}
    assert latest(aws, **beside) == f"{kind.identifier}-snapshot"


def test_another_database_s_snapshot_is_never_the_latest(aws: Aws, kind: Kind):
    aws.foreign(f"{kind.identifier}-temp")
    take(aws, "of-another", f"{kind.identifier}-temp")
    aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)["Status"] = "failed"

    with pytest.raises(exceptions.SnapshotMissing):
        latest(aws, strategy="copy", targetIdentifier="drill")


# What does not count


def copied(aws: Aws, source: str, name: str, origin: str = "") -> str:
    """Copy a snapshot, which RDS says is of another one if `origin` names that; the copy's name."""
    aws.clock.sleep(3600)
    word = "DBCluster" if aws.kind is CLUSTER else "DB"
    with aws.rds.instantly():
        aws.rds.call(f"Copy{word}Snapshot", {
            f"Source{word}SnapshotIdentifier": source, f"Target{word}SnapshotIdentifier": name,
        })  # fmt: skip
    shown = aws.found(name, aws.snapshot_kind)
    if origin:
        key = "SourceDBClusterSnapshotArn" if aws.kind is CLUSTER else "SourceDBSnapshotIdentifier"
        shown[key] = origin
    return name


def arn(aws: Aws, name: str, account: str = "123456789012", region: str = "us-east-1") -> str:
    noun = "cluster-snapshot" if aws.kind is CLUSTER else "snapshot"
    return f"arn:aws:rds:{region}:{account}:{noun}:{name}"


ELSEWHERE = pytest.mark.parametrize("where", [{"account": "210987654321"}, {"region": "eu-west-1"}])


@ELSEWHERE
@pytest.mark.parametrize("again", [False, True], ids=["once", "copied once more"])
def test_a_copy_from_elsewhere_is_never_the_latest(
    aws: Aws, kind: Kind, where: dict[str, str], *, again: bool
):
    own = f"{kind.identifier}-snapshot"
    name = copied(aws, own, "theirs", arn(aws, "theirs", **where))
    if kind is INSTANCE:
        shown = aws.found(name, aws.snapshot_kind)
        shown["OriginalSnapshotCreateTime"] = shown["SnapshotCreateTime"]
    if again:
        copied(aws, "theirs", "theirs-again")

    assert latest(aws) == own
    # Who names it knows what it is.
    assert aws.plan(snapshotIdentifier=name)["snapshot"] == name


@ELSEWHERE
def test_what_does_not_count_is_named_where_there_is_nothing_else(
    aws: Aws, kind: Kind, where: dict[str, str]
):
    own = aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)
    copied(aws, f"{kind.identifier}-snapshot", "theirs", arn(aws, "theirs", **where))
    own["Status"] = "failed"

    with pytest.raises(exceptions.SnapshotMissing, match="name one of these") as raised:
        latest(aws)

    assert "theirs" in str(raised.value)


def test_a_copy_within_the_account_and_region_may_be_the_latest(aws: Aws, kind: Kind):
    own = f"{kind.identifier}-snapshot"
    copied(aws, own, "kept", arn(aws, own))
    aws.found(own, aws.snapshot_kind)["Status"] = "deleting"

    assert latest(aws) == "kept"


@pytest.mark.parametrize("suffix", ["-source", "-next", "-shared", "-sharing"])
def test_what_an_execution_is_about_to_delete_is_never_the_latest(
    aws: Aws, kind: Kind, suffix: str
):
    take(aws, f"{kind.identifier}{suffix}")
    aws.stamp(f"{kind.identifier}{suffix}", aws.snapshot_kind, ANOTHER)
    take(aws, "staging-source")
    aws.stamp("staging-source", aws.snapshot_kind, ANOTHER)

    assert latest(aws) == f"{kind.identifier}-snapshot"


def test_a_snapshot_that_was_just_taken_counts_although_it_is_marked(aws: Aws, kind: Kind):
    aws.stamp(f"{kind.identifier}-snapshot", aws.snapshot_kind, ANOTHER)

    assert latest(aws) == f"{kind.identifier}-snapshot"


@pytest.mark.parametrize("suffix", ["-shared", "-sharing"])
def test_the_copy_that_is_shared_is_never_the_latest_of_its_own_account(
    aws: Aws, kind: Kind, suffix: str
):
    copied(aws, f"{kind.identifier}-snapshot", f"{kind.identifier}{suffix}")

    assert latest(aws) == f"{kind.identifier}-snapshot"


def test_a_copy_is_as_new_as_what_it_was_made_of(aws: Aws, kind: Kind):
    take(aws, "older")
    take(aws, "newer")
    copied(aws, "older", "of-the-older")
    copied(aws, "of-the-older", "of-the-older-again")

    assert latest(aws) == "newer"
    # Of the same data, the original.
    aws.found("newer", aws.snapshot_kind)["Status"] = "failed"
    assert latest(aws) == "older"


def test_a_copy_of_what_is_gone_comes_behind_every_original(aws: Aws, kind: Kind):
    take(aws, "older")
    take(aws, "gone")
    copied(aws, "gone", "of-the-gone")
    # The name has been taken again, by other data.
    aws.rds.call(
        "DeleteDBClusterSnapshot" if kind is CLUSTER else "DeleteDBSnapshot",
        {f"{'DBCluster' if kind is CLUSTER else 'DB'}SnapshotIdentifier": "gone"},
    )
    aws.settle()
    aws.rds.settle()
    # An instance's copy shows the moment of its data, a cluster's does not.
    assert latest(aws) == ("older" if kind is CLUSTER else "of-the-gone")
    take(aws, "gone")
    aws.found("gone", aws.snapshot_kind)["Status"] = "failed"
    assert latest(aws) == ("older" if kind is CLUSTER else "of-the-gone")


def told(aws: Aws, name: str) -> list[str]:
    warnings = aws.plan(snapshotIdentifier=name)["warnings"]
    return [sentence for sentence in warnings if "is a copy" in sentence]


def test_the_moment_of_a_copy_s_data_is_told_as_far_as_it_is_known(aws: Aws, kind: Kind):
    own = f"{kind.identifier}-snapshot"
    copied(aws, own, "kept")
    assert told(aws, own) == []
    if kind is INSTANCE:
        assert told(aws, "kept") == []
        return

    (sentence,) = told(aws, "kept")
    taken = aws.found(own, aws.snapshot_kind)["SnapshotCreateTime"]
    assert f"its data are of {taken:%Y-%m-%d %H:%M} UTC" in sentence

    aws.found("kept", aws.snapshot_kind)["SourceDBClusterSnapshotArn"] = arn(aws, "gone")
    (sentence,) = told(aws, "kept")
    assert "nobody can tell how much older its data are" in sentence
