"""The data of another database: what a request may say, the copy of a snapshot, the password."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tests import sources
from tests.unit.conftest import (
    CLUSTER,
    EXECUTION,
    OPTIONS,
    Aws,
    Kind,
    delete_snapshot,
    of_instances,
    take_snapshot,
)
from trapheus import requests, snapshot_names
from trapheus.execution import exceptions
from trapheus.rds import access as layer
from trapheus.rds.source import passwords

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {"identifier": "staging-db", "task": "db_restore", "isCluster": False}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:staging-db-Ab12Cd"
THEIRS = "arn:aws:rds:us-east-1:210987654321:snapshot:theirs"


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda tells each function where it is."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def sentence(**more: Any) -> str:
    """What a request is refused with."""
    requests.check_keys(GOOD | more)
    with pytest.raises(exceptions.InvalidRequest) as raised:
        requests.check_values(GOOD | more)
    return raised.value.fields["message"]


@pytest.mark.parametrize(
    "more",
    [
        {"sourceIdentifier": "prod-db"},
        {"sourceIdentifier": "prod-db", "snapshotIdentifier": "latest"},
        {"sourceIdentifier": "prod-db", "snapshotIdentifier": "awsbackup:job-1"},
        {"sourceIdentifier": "staging-db", "sourceAccount": "210987654321"},
        {"snapshotIdentifier": THEIRS, "sourceAccount": "210987654321"},
        {"snapshotIdentifier": "release-1", "masterUserSecret": SECRET},
        {"sourceIdentifier": "prod-db", "keepSourcePassword": True, "strategy": "restore-first"},
        {"keepSourcePassword": False},
        {"masterUserSecret": SECRET},
        {"masterUserSecret": SECRET, "snapshotIdentifier": "latest"},
        {"masterUserSecret": SECRET, "task": "create_snapshot"},
    ],
)
def test_a_request_may_say_where_its_data_come_from(more: dict[str, Any]):
    requests.check_keys(GOOD | more)
    requests.check_values(GOOD | more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sourceIdentifier": "prod-db", "task": "create_snapshot"}, "use db_restore"),
        ({"sourceIdentifier": "Staging-DB"}, "another database than the identifier"),
        ({"sourceIdentifier": "no--name"}, "cannot be an identifier"),
        ({"sourceIdentifier": "prod-db", "sourceAccount": "21098"}, "12 digits"),
        ({"sourceAccount": "210987654321"}, "name their database with sourceIdentifier"),
        ({"sourceAccount": "333333333333", "snapshotIdentifier": THEIRS}, "leave one of them out"),
        (
            {"sourceIdentifier": "a", "sourceAccount": "333333333333", "snapshotIdentifier": "b"},
            "named by its ARN",
        ),
        (
            {"sourceIdentifier": "a", "masterUserSecret": SECRET, "keepSourcePassword": True},
            "leave one of them out",
        ),
        ({"sourceIdentifier": "a", "masterUserSecret": "staging"}, "must be the ARN of a secret"),
        ({"keepSourcePassword": True}, "about the data of another database"),
        ({"masterUserSecret": SECRET, "keepSourcePassword": True}, "leave one of them out"),
        ({"masterUserSecret": "staging"}, "must be the ARN of a secret"),
        ({"masterUserSecret": SECRET, "task": "create_snapshot_only"}, "restores nothing"),
        ({"snapshotIdentifier": THEIRS.replace("snap", "cluster-snap")}, "of an instance"),
        ({"snapshotIdentifier": THEIRS.replace("east-1", "east-9")}, "us-east-9, which the AWS"),
        ({"snapshotIdentifier": THEIRS.replace("us-east-1", "nowhere")}, "nowhere, which the AWS"),
        ({"snapshotIdentifier": THEIRS.replace("aws", "aws-cn")}, "partition aws-cn, and this"),
        ({"snapshotIdentifier": THEIRS.replace("us-east-1", "cn-north-1")}, "which the AWS SDK"),
    ],
)
def test_what_does_not_go_together_is_refused_in_a_sentence(more: dict[str, Any], words: str):
    assert words in sentence(**more)


@pytest.mark.parametrize(
    ("own", "arn"),
    [
        ("us-east-1", THEIRS.replace("us-east-1", "eu-west-1")),
        ("us-east-1", THEIRS.replace("us-east-1", "US-East-2")),
        # One that is newer than what boto3 knows is at least the stack's own.
        ("us-east-9", THEIRS.replace("us-east-1", "us-east-9")),
        ("cn-north-1", THEIRS.replace("aws:rds:us-east-1", "aws-cn:rds:cn-northwest-1")),
        ("us-gov-west-1", THEIRS.replace("aws:rds:us-east-1", "aws-us-gov:rds:us-gov-east-1")),
    ],
)
def test_a_snapshot_may_be_of_every_region_of_the_partition(
    monkeypatch: pytest.MonkeyPatch, own: str, arn: str
):
    monkeypatch.setenv("AWS_DEFAULT_REGION", own)
    requests.check_values(GOOD | {"snapshotIdentifier": arn})


def test_a_secret_that_the_stack_does_not_name_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "*")
    monkeypatch.setenv("ALLOWED_OVERRIDES", "*")
    asked = GOOD | {"sourceIdentifier": "prod-db", "masterUserSecret": SECRET}
    for allowed, is_refused in (("", True), (SECRET[:-4] + "*", False), (SECRET[:-7], True)):
        monkeypatch.setenv("MASTER_USER_SECRETS", allowed)
        if not is_refused:
            requests.check_allowed(asked)
            continue
        with pytest.raises(exceptions.SecretNotAllowed, match="MasterUserSecrets"):
            requests.check_allowed(asked)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("release-1", ""),
        ("rds:prod-db-2026-03-01-02-03", "automated"),
        ("awsbackup:job-1", "awsbackup"),
        (THEIRS, ""),
        ("arn:aws:rds:us-east-1:123456789012:snapshot:rds:prod-db-2026", "automated"),
        ("arn:aws-cn:rds:cn-north-1:123456789012:cluster-snapshot:awsbackup:a", "awsbackup"),
    ],
)
def test_a_snapshot_is_of_the_type_that_its_name_tells(given: str, kind: str):
    assert snapshot_names.type_of(given) == kind


# The copy


@pytest.fixture
def copying(aws: Aws, kind: Kind) -> dict[str, Any]:
    """A plan whose snapshot is under another key."""
    key = aws.found(kind.identifier)["KmsKeyId"].replace("5f0c1b9a", "6a1d2c8b")
    name = sources.make(aws.rds, kind, key=key)
    plan = aws.plan(sourceIdentifier=sources.name_of(kind), strategy="restore-first")
    assert (plan["snapshot"], plan["copiedTo"]) == (name, copy_of(kind))
    return plan


def copy_of(kind: Kind) -> str:
    return f"{kind.identifier}-source"


def test_a_snapshot_is_copied_once_under_the_key_of_the_database(
    aws: Aws, kind: Kind, copying: dict
):
    assert aws.until_done("copy_source", plan=copying) == {"name": copy_of(kind)}

    made = aws.found(copy_of(kind), aws.snapshot_kind)
    assert made["KmsKeyId"] == aws.found(kind.identifier)["KmsKeyId"]
    assert made["TagList"] == [layer.in_progress_tag(EXECUTION)]
    assert sum("Copy" in call for call in aws.calls) == 1


def test_a_copy_that_fails_is_said_to_have_failed(aws: Aws, kind: Kind, copying: dict):
    aws.run_once("copy_source", plan=copying)
    aws.settle()
    aws.found(copy_of(kind), aws.snapshot_kind)["Status"] = "failed"

    with pytest.raises(exceptions.CopyFailed, match="is failed"):
        aws.run("copy_source", plan=copying)


def test_somebody_s_snapshot_of_that_name_is_left_alone(aws: Aws, kind: Kind, copying: dict):
    with aws.rds.instantly():
        take_snapshot(aws, copy_of(kind))

    with pytest.raises(exceptions.NameTaken):
        aws.run("copy_source", plan=copying)
    aws.run_once("roll_back", plan=copying)

    assert aws.found(copy_of(kind), aws.snapshot_kind)["Status"] == "available"


def test_a_key_that_rds_cannot_use_is_named(aws: Aws, kind: Kind, copying: dict):
    aws.fail(f"Copy{kind.operation.replace('Instance', '')}Snapshot", "KMSKeyNotAccessibleFault")

    with pytest.raises(exceptions.KeyNotAccessible, match="kms:CreateGrant"):
        aws.run("copy_source", plan=copying)


def test_an_older_definition_is_told_to_start_again(aws: Aws, kind: Kind, copying: dict):
    request = {"identifier": kind.identifier, "task": "db_restore", **OPTIONS}
    request |= {"sourceIdentifier": sources.name_of(kind), "strategy": "restore-first"}

    with pytest.raises(exceptions.FormatNotKnown, match="start it again"):
        aws.run("check", request=request | {"isCluster": kind is CLUSTER, "dryRun": False})


# What has the snapshot's name by then


@pytest.fixture(params=["replaced", "gone", "being taken"])
def renewed(request: pytest.FixtureRequest, aws: Aws, kind: Kind) -> Callable[[str], None]:
    """What production may do to its snapshot while nobody holds it back."""

    def renew(name: str) -> None:
        aws.settle()
        delete_snapshot(aws, name)
        if request.param == "gone":
            return
        if request.param == "replaced":
            sources.snapshot(aws.rds, kind, name)
            return
        part, of = ("Cluster", "Cluster") if kind is CLUSTER else ("", "Instance")
        given = {f"DB{of}Identifier": sources.name_of(kind), f"DB{part}SnapshotIdentifier": name}
        aws.rds.call(f"CreateDB{part}Snapshot", given)

    return renew


@pytest.fixture
def as_it_is(aws: Aws, kind: Kind) -> dict[str, Any]:
    """A plan whose snapshot, of another database, is restored without a copy."""
    sources.make(aws.rds, kind, key=aws.found(kind.identifier)["KmsKeyId"])
    plan = aws.plan(sourceIdentifier=sources.name_of(kind), strategy="restore-first")
    assert "source" in plan
    assert "copiedTo" not in plan
    return plan


def test_what_has_the_snapshot_s_name_now_is_not_copied(
    aws: Aws, kind: Kind, copying: dict, renewed: Callable[[str], None]
):
    renewed(copying["snapshot"])

    with pytest.raises(exceptions.CopyFailed, match=r"start the restore again|not found"):
        aws.run("copy_source", plan=copying)

    assert aws.found(copy_of(kind), aws.snapshot_kind) is None


def test_what_has_the_snapshot_s_name_now_is_not_restored(
    aws: Aws, kind: Kind, as_it_is: dict, renewed: Callable[[str], None]
):
    renewed(as_it_is["snapshot"])

    with pytest.raises(exceptions.RestoreFailed, match=r"start the restore again|not found"):
        aws.run("restore", plan=as_it_is, phase="copy")

    assert aws.found(as_it_is["restoredAs"]) is None


def test_what_has_the_copy_s_name_now_is_not_restored(aws: Aws, kind: Kind, copying: dict):
    aws.until_done("copy_source", plan=copying)
    delete_snapshot(aws, copying["copiedTo"])
    take_snapshot(aws, copying["copiedTo"])
    aws.settle()

    with pytest.raises(exceptions.RestoreFailed, match="start the restore again"):
        aws.run("restore", plan=copying, phase="copy")

    assert aws.found(copying["restoredAs"]) is None


@of_instances
def test_a_copy_of_other_data_is_not_taken_for_a_good_one(aws: Aws, kind: Kind, copying: dict):
    aws.settle()
    aws.run_once("copy_source", plan=copying)
    aws.settle()
    made = aws.found(copy_of(kind), aws.snapshot_kind)
    made["OriginalSnapshotCreateTime"] += timedelta(hours=1)

    with pytest.raises(exceptions.CopyFailed, match="start the restore again"):
        aws.run("copy_source", plan=copying)


def test_the_data_of_a_plan_that_does_not_know_their_moment_are_taken(
    aws: Aws, kind: Kind, as_it_is: dict
):
    old = {name: value for name, value in as_it_is.items() if name != "dataAsOf"}

    aws.run_once("restore", plan=old, phase="copy")

    assert aws.found(as_it_is["restoredAs"])


@pytest.mark.parametrize("way", ["copying", "as_it_is"])
def test_a_snapshot_that_is_replaced_once_it_is_copied_or_restored_passes(
    aws: Aws, kind: Kind, way: str, request: pytest.FixtureRequest, renewed: Callable[[str], None]
):
    plan = request.getfixturevalue(way)
    aws.lock = {"holder": EXECUTION, "phase": "copy"}

    def make() -> None:
        if way == "copying":
            aws.until_done("copy_source", plan=plan)
        aws.make_copy(plan)

    aws.bring_to(f"{kind.name} restored of another, {way}", make)
    restored = aws.restored(plan) | {"dataAsOf": plan["dataAsOf"]}
    renewed(plan["snapshot"])

    aws.until_done("verify", plan=plan, phase="copy", restored=restored)


# The password


@pytest.mark.parametrize(
    ("password", "engine", "is_cluster", "is_taken"),
    [
        ("a-good-password", "postgres", False, True),
        ("short", "postgres", False, False),
        ("with a space in", "postgres", False, False),
        ("with/a-slash-in", "mysql", False, False),
        ("p" * 42, "mysql", False, False),
        ("p" * 41, "aurora-mysql", True, True),
        ("p" * 42, "aurora-postgresql", True, False),
        ("p" * 42, "postgres", True, False),
        ("p" * 42, "postgres", False, True),
        ("passwörter", "mariadb", False, False),
    ],
)
def test_rds_takes_not_every_password(
    password: str, engine: str, *, is_cluster: bool, is_taken: bool
):
    assert passwords.is_taken(password, engine, is_cluster=is_cluster) is is_taken


def test_a_password_is_asked_for_once(aws: Aws, kind: Kind, copied: dict):
    # One that RDS does not manage: it refuses both at once.
    changes = {name: value for name, value in copied["modify"].items()
               if name not in ("ManageMasterUserPassword", "MasterUserSecretKmsKeyId")}  # fmt: skip
    plan = copied | {"masterUserSecret": SECRET, "modify": changes}
    (aws.found(plan["restoredAs"]) or {}).pop("MasterUserSecret", None)
    login = passwords.Login("owner", "a-good-password")
    change = f"Modify{kind.operation}"
    aws.lock = {"holder": EXECUTION, "phase": "copy"}
    with patch.object(passwords, "login_in", return_value=login):
        aws.until_done("configure", plan=plan, phase="copy")
        before = aws.calls.count(change)
        aws.until_done("configure", plan=plan, phase="copy")

    assert aws.calls.count(change) == before
