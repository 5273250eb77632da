"""The check: its plan, every refusal, and that it touches nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.emulator.rds.databases import groups
from tests.mailed import run_quoted
from tests.unit.conftest import (
    CLUSTER,
    EXECUTION,
    INSTANCE,
    OPTIONS,
    Aws,
    Kind,
    take_snapshot,
)
from trapheus.execution import exceptions
from trapheus.rds import access as layer

START_TEXT = "2026-03-02T09:00:00+00:00"
ACCOUNT = "arn:aws:rds:us-east-1:123456789012"
TASKS = ["create_snapshot", "db_restore", "create_snapshot_only"]
LASTING = ["stopped", "stopping", "deleting", "failed", "storage-full", "incompatible-restore"]
PASSING = [
    "creating", "modifying", "renaming", "rebooting", "backing-up", "upgrading", "maintenance",
    "configuring-log-exports", "starting",
]  # fmt: skip


def refused(aws: Aws, error: type[Exception], **request: Any) -> str:
    """The sentences with which a request is refused."""
    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.check(**request)
    assert type(raised.value) is error
    fields = json.loads(str(raised.value))
    assert fields["step"] == "check"
    assert fields["identifier"] == request.get("identifier", aws.kind.identifier)
    return fields["message"]


@pytest.mark.parametrize("task", TASKS)
def test_a_check_only_looks(aws: Aws, kind: Kind, task: str):
    before = json.dumps([aws.rds.instances, aws.rds.clusters], default=str)
    aws.check(task=task)

    assert aws.calls
    assert all(call.startswith("Describe") for call in aws.calls)
    assert json.dumps([aws.rds.instances, aws.rds.clusters], default=str) == before


def test_the_plan_of_an_instance_holds_its_names_and_identity(aws: Aws):
    plan = aws.plan()

    assert plan["identifier"] == "prod-db"
    assert plan["renamedTo"] == "prod-db-temp"
    assert plan["snapshot"] == "prod-db-snapshot"
    assert plan["successor"] == "prod-db-next"
    assert plan["resourceId"] == aws.found("prod-db")["DbiResourceId"]
    assert plan["arn"] == f"{ACCOUNT}:db:prod-db"
    assert "members" not in plan


def test_the_plan_of_a_cluster_holds_its_names_and_its_members_the_writer_first(aws: Aws):
    aws.kind = CLUSTER
    # The reader comes first in every order but that of its role.
    for member in aws.found()["DBClusterMembers"]:
        member["PromotionTier"] = 15 if member["IsClusterWriter"] else 0
    plan = aws.plan()

    assert plan["identifier"] == "prod-cluster"
    assert plan["renamedTo"] == "prod-cluster-temp"
    assert plan["snapshot"] == "prod-cluster-snapshot"
    assert plan["successor"] == "prod-cluster-next"
    assert plan["resourceId"] == aws.found()["DbClusterResourceId"]
    assert plan["arn"] == f"{ACCOUNT}:cluster:prod-cluster"
    assert [member["identifier"] for member in plan["members"]] == [
        "prod-cluster-writer",
        "prod-cluster-reader",
    ]
    for member in plan["members"]:
        name = member["identifier"]
        assert member["renamedTo"] == f"{name}-temp"
        assert member["resourceId"] == aws.found(name, "instance")["DbiResourceId"]
        assert member["arn"] == f"{ACCOUNT}:db:{name}"


def test_the_plan_carries_tags_but_aws_s_own_and_an_execution_s(aws: Aws, kind: Kind):
    aws.stamp()
    aws.found()["TagList"].append({"Key": "aws:cloudformation:stack-name", "Value": "base"})
    own = {key: value for key, value in aws.tags().items() if ":" not in key or "cost" in key}

    planned = {tag["Key"]: tag["Value"] for tag in aws.plan()["tags"]}

    assert planned == own
    assert len(own) == 3


def test_the_plan_carries_the_roles(aws: Aws, kind: Kind):
    role = "orders-import" if kind is INSTANCE else "ledger-import"

    assert aws.plan()["roles"] == [
        {"RoleArn": f"arn:aws:iam::123456789012:role/{role}", "FeatureName": "s3Import"}
    ]


def test_the_plan_fits_into_an_event(aws: Aws, kind: Kind):
    assert len(json.dumps(aws.check())) < 20_000


def test_a_restore_of_an_existing_snapshot_says_how_old_its_data_are(aws: Aws, kind: Kind):
    source = aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)

    assert aws.plan()["dataAsOf"] == source["SnapshotCreateTime"].isoformat()


def test_a_snapshot_yet_to_be_taken_has_no_age(aws: Aws, kind: Kind):
    name = kind.identifier.replace("prod", "new")

    assert aws.plan(identifier=name, task="create_snapshot")["dataAsOf"] == ""


def make_of(aws: Aws, engine: str, version: str) -> None:
    """Let the sample instance and its snapshot be of another engine, with its default groups."""
    found = aws.found("prod-db", "instance")
    family, major = groups.family(engine, version), groups.major(engine, version)
    if engine == "oracle-ee":
        family, major = "oracle-ee-19", "19"
    elif "-" in engine:
        family = f"{engine}-{major}"
    found["DBParameterGroups"] = [{"DBParameterGroupName": f"default.{family}"}]
    option_group = f"default:{engine}-{major.replace('.', '-')}"
    found["OptionGroupMemberships"] = [{"OptionGroupName": option_group}]
    for one in (found, aws.found("prod-db-snapshot", "snapshot")):
        one.update(Engine=engine, EngineVersion=version)


@pytest.mark.parametrize(
    ("original", "snapshot", "engine", "asked"),
    [
        (500, 400, "postgres", 500),
        (440, 400, "postgres", 440),
        (439, 400, "postgres", None),
        (400, 400, "postgres", None),
        (500, 400, "sqlserver-web", None),
    ],
)
def test_storage_is_asked_for_only_when_rds_takes_it(
    aws: Aws, original: int, snapshot: int, engine: str, asked: int | None
):
    make_of(aws, engine, aws.rds.available_versions[engine][0])
    aws.found()["AllocatedStorage"] = original
    source = aws.found("prod-db-snapshot", "snapshot")
    source["AllocatedStorage"] = snapshot

    assert aws.plan()["restore"].get("AllocatedStorage") == asked


@pytest.mark.parametrize("status", ["available", "storage-optimization"])
def test_an_available_database_passes(aws: Aws, kind: Kind, status: str):
    aws.force(status)

    assert aws.check()["findings"] == []


# Refusals of both kinds


@pytest.mark.parametrize("task", TASKS)
def test_a_database_that_does_not_exist_is_refused(aws: Aws, kind: Kind, task: str):
    sentence = refused(aws, exceptions.DatabaseNotFound, identifier="no-such-db", task=task)

    assert f"no {kind.name} no-such-db" in sentence


@pytest.mark.parametrize("task", TASKS)
def test_a_database_of_the_other_kind_is_refused(aws: Aws, kind: Kind, task: str):
    other = CLUSTER if kind is INSTANCE else INSTANCE
    sentence = refused(aws, exceptions.WrongKind, identifier=other.identifier, task=task)

    assert f"is {'a' if other is CLUSTER else 'an'} {other.name}" in sentence
    assert "isCluster" in sentence


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("status", LASTING)
def test_a_database_that_is_not_available_is_refused(aws: Aws, kind: Kind, status: str, task: str):
    aws.force(status)

    assert f"is {status}" in refused(aws, exceptions.DatabaseNotAvailable, task=task)


def check_since(aws: Aws, entered: str | None, **request: Any) -> Any:
    """The answer of a check in a state that was entered then."""
    asked = {
        "identifier": aws.kind.identifier, "task": "db_restore", "isCluster": aws.kind is CLUSTER,
        "dryRun": False, **OPTIONS, **request,
    }  # fmt: skip
    event = {"execution": EXECUTION, "started": START_TEXT, "request": asked}
    return aws.kind.step("check")(event | ({"entered": entered} if entered else {}), None)


def ago(aws: Aws, seconds: int) -> str:
    return datetime.fromtimestamp(aws.clock.time - seconds, UTC).isoformat()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("status", PASSING)
def test_what_ends_by_itself_is_waited_for_up_to_an_hour(
    aws: Aws, kind: Kind, status: str, task: str
):
    aws.force(status)

    with pytest.raises(exceptions.StillInProgress) as waited:
        check_since(aws, ago(aws, 3590), task=task)
    assert f"Waiting for up to an hour: {kind.identifier} is {status}" in str(waited.value)

    for entered in (ago(aws, 3600), None):
        with pytest.raises(exceptions.DatabaseNotAvailable) as raised:
            check_since(aws, entered, task=task)
        assert f"{kind.identifier} is {status}: start the execution again" in str(raised.value)


def test_changes_that_are_being_made_are_waited_for_with_their_status(aws: Aws, kind: Kind):
    aws.force("modifying")
    aws.found()["PendingModifiedValues"] = {"EngineVersion": "16.6"}

    with pytest.raises(exceptions.StillInProgress) as waited:
        check_since(aws, ago(aws, 0))

    assert "with pending changes (EngineVersion)" in str(waited.value)


def test_nothing_is_waited_for_where_something_is_to_be_done(aws: Aws, kind: Kind):
    aws.force("backing-up")
    aws.found()["ActivityStreamStatus"] = "started"

    sentences = refused(aws, exceptions.DatabaseNotSupported)

    assert "activity stream" in sentences
    assert "is backing-up" in sentences


def test_a_dry_run_does_not_wait_and_says_that_an_execution_would(aws: Aws, kind: Kind):
    aws.force("backing-up")

    answer = aws.check(dryRun=True)

    assert answer["findings"] == []
    (told,) = [one for one in answer["plan"]["warnings"] if "backing-up" in one]
    assert told.endswith("An execution waits for that by itself, for up to an hour.")


@pytest.mark.parametrize("status", ["stopped", "stopping"])
def test_the_command_that_starts_a_stopped_database_is_told(aws: Aws, kind: Kind, status: str):
    aws.force(status)

    assert (
        f"`aws rds start-db-{kind.name} --db-{kind.name}-identifier {kind.identifier}`"
    ) in refused(aws, exceptions.DatabaseNotAvailable)


def test_a_stopped_member_is_started_with_its_cluster(aws: Aws):
    aws.kind = CLUSTER
    aws.force("stopped", MEMBER, "instance")

    assert "`aws rds start-db-cluster --db-cluster-identifier prod-cluster`" in refused(
        aws, exceptions.DatabaseNotAvailable
    )


BESIDE = {"strategy": "copy", "targetIdentifier": "staging"}


@pytest.mark.parametrize("status", [*LASTING, *PASSING])
def test_a_copy_beside_it_does_not_mind_in_which_state_the_original_is(
    aws: Aws, kind: Kind, status: str
):
    aws.force(status)
    aws.found()["PendingModifiedValues"] = {"EngineVersion": "16.6"}
    if kind is CLUSTER:
        aws.force(status, MEMBER, "instance")

    answer = aws.check(**BESIDE)

    assert answer["findings"] == []
    told = " ".join(answer["plan"]["warnings"])
    assert f"{kind.identifier} is {status}, which a copy beside it does not mind" in told
    assert "pending changes (EngineVersion): the copy does not have them" in told
    assert (MEMBER in told) == (kind is CLUSTER)


# Only what such an instance has shown: a real account leaves out much of the rest.
BARE = {
    "AllocatedStorage", "AutoMinorVersionUpgrade", "AvailabilityZone", "BackupRetentionPeriod",
    "CACertificateIdentifier", "DBInstanceArn", "DBInstanceClass", "DBInstanceIdentifier",
    "DBInstanceStatus", "DBParameterGroups", "DBSubnetGroup", "DbiResourceId", "DomainMemberships",
    "Engine", "EngineVersion", "KmsKeyId", "LicenseModel", "MasterUsername", "MonitoringInterval",
    "MultiAZ", "OptionGroupMemberships", "PendingModifiedValues", "PreferredBackupWindow",
    "PreferredMaintenanceWindow", "PubliclyAccessible", "StorageEncrypted", "StorageType",
    "VpcSecurityGroups",
}  # fmt: skip


def test_a_failed_original_that_shows_little_is_copied_beside(aws: Aws):
    aws.force("failed")
    found = aws.found()
    for name in found.keys() - BARE:
        del found[name]

    answer = aws.check(**BESIDE)

    assert answer["findings"] == []
    assert answer["plan"]["restoredAs"] == "staging"


@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only"])
@pytest.mark.parametrize("status", LASTING)
def test_a_copy_of_a_snapshot_that_is_to_be_taken_minds_it(
    aws: Aws, kind: Kind, task: str, status: str
):
    aws.force(status)
    beside = BESIDE if task == "create_snapshot" else {}

    refused(aws, exceptions.DatabaseNotAvailable, task=task, **beside)


@pytest.mark.parametrize("task", TASKS)
def test_pending_changes_are_refused_by_name(aws: Aws, kind: Kind, task: str):
    aws.found()["PendingModifiedValues"] = {"EngineVersion": "16.6"}

    assert "EngineVersion" in refused(aws, exceptions.DatabaseNotAvailable, task=task)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("value", ["true", "false", ""])
def test_a_protected_database_is_refused_whatever_the_tag_s_value(
    aws: Aws, kind: Kind, task: str, value: str
):
    aws.found()["TagList"].append({"Key": "trapheus:protect", "Value": value})

    assert "trapheus:protect" in refused(aws, exceptions.DatabaseProtected, task=task)


def test_the_protected_databases_of_the_account_are_refused(aws: Aws, kind: Kind):
    name = kind.identifier.replace("prod", "protected")

    refused(aws, exceptions.DatabaseProtected, identifier=name)


def test_the_stopped_databases_of_the_account_are_refused(aws: Aws, kind: Kind):
    name = kind.identifier.replace("prod", "stopped")

    assert "stopped" in refused(aws, exceptions.DatabaseNotAvailable, identifier=name)


def test_a_restore_without_its_snapshot_is_refused(aws: Aws, kind: Kind):
    name = kind.identifier.replace("prod", "new")
    sentence = refused(aws, exceptions.SnapshotMissing, identifier=name)

    assert f"{name}-snapshot does not exist" in sentence


@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only"])
def test_a_first_snapshot_needs_no_earlier_one(aws: Aws, kind: Kind, task: str):
    name = kind.identifier.replace("prod", "new")

    assert aws.check(identifier=name, task=task)["findings"] == []


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("status", ["creating", "copying", "failed", "deleting"])
def test_a_snapshot_that_is_not_available_is_refused(aws: Aws, kind: Kind, task: str, status: str):
    aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)["Status"] = status

    assert f"is {status}" in refused(aws, exceptions.SnapshotMissing, task=task)


@pytest.mark.parametrize("task", TASKS)
def test_a_snapshot_of_another_engine_is_refused(aws: Aws, kind: Kind, task: str):
    aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)["Engine"] = "mysql"

    assert "is of mysql" in refused(aws, exceptions.SnapshotMissing, task=task)


def leave_successor(aws: Aws) -> None:
    with aws.rds.instantly():
        take_snapshot(aws, f"{aws.kind.identifier}-next")


@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only"])
def test_a_snapshot_in_the_successor_s_place_is_refused(aws: Aws, kind: Kind, task: str):
    leave_successor(aws)

    sentence = refused(aws, exceptions.NameTaken, task=task)
    assert f"{kind.identifier}-next exists" in sentence
    run_quoted(sentence, layer.rds())
    aws.settle()
    assert aws.check(task=task)["findings"] == []


def test_a_restore_does_not_mind_a_snapshot_in_the_successor_s_place(aws: Aws, kind: Kind):
    leave_successor(aws)

    assert aws.check()["findings"] == []


@pytest.mark.parametrize("task", ["create_snapshot", "db_restore"])
def test_a_taken_temporary_name_is_refused(aws: Aws, kind: Kind, task: str):
    aws.foreign(f"{kind.identifier}-temp")

    sentence = refused(aws, exceptions.NameTaken, task=task)

    assert f"{kind.identifier}-temp is taken" in sentence


def test_a_mere_snapshot_does_not_mind_a_taken_temporary_name(aws: Aws, kind: Kind):
    aws.foreign(f"{kind.identifier}-temp")

    assert aws.check(task="create_snapshot_only")["findings"] == []


def test_an_activity_stream_is_refused(aws: Aws, kind: Kind):
    aws.found()["ActivityStreamStatus"] = "started"

    assert "activity stream" in refused(aws, exceptions.DatabaseNotSupported)


@pytest.mark.parametrize(
    ("of", "attribute", "value", "named"),
    [
        (INSTANCE, "ReadReplicaSourceDBInstanceIdentifier", "the-source", "the-source"),
        (INSTANCE, "ReadReplicaSourceDBClusterIdentifier", "the-source", "the-source"),
        (CLUSTER, "ReplicationSourceIdentifier", "the-source", "the-source"),
        (CLUSTER, "GlobalClusterIdentifier", "the-world", "the-world"),
    ],
)
def test_a_database_tied_to_another_is_refused_by_the_other_s_name(
    aws: Aws, of: Kind, attribute: str, value: Any, named: str
):
    aws.kind = of
    aws.found()[attribute] = value

    assert named in refused(aws, exceptions.DatabaseNotSupported)
    assert aws.check(task="create_snapshot_only")["findings"] == []


REPLICAS = [
    (INSTANCE, "ReadReplicaDBInstanceIdentifiers"),
    (INSTANCE, "ReadReplicaDBClusterIdentifiers"),
    (CLUSTER, "ReadReplicaIdentifiers"),
]
ABROAD = "arn:aws:rds:eu-west-1:123456789012:db:copy-2"


@pytest.mark.parametrize(("of", "attribute"), REPLICAS)
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_a_source_of_replicas_is_refused_when_it_goes_and_they_are_named(
    aws: Aws, of: Kind, attribute: str, strategy: str
):
    aws.kind = of
    aws.found()[attribute] = ["copy-1", ABROAD]

    sentence = refused(aws, exceptions.DatabaseNotSupported, strategy=strategy)

    assert f"has the read replicas copy-1, {ABROAD}, which would lose their source" in sentence
    assert "promote or delete them first" in sentence


@pytest.mark.parametrize(("of", "attribute"), REPLICAS)
@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"keepOriginal": True}, "follow"),
        ({"keepOriginal": True, "strategy": "restore-first"}, "follow"),
        (BESIDE, "staging"),
        ({"task": "create_snapshot_only"}, ""),
    ],
)
def test_a_source_of_replicas_that_stays_may_be_restored(
    aws: Aws, of: Kind, attribute: str, *, request_: dict[str, Any], told: str
):
    aws.kind = of
    aws.found()[attribute] = ["copy-1", ABROAD]

    answer = aws.check(**request_)

    assert answer["findings"] == []
    warned = [one for one in answer["plan"]["warnings"] if f"(copy-1, {ABROAD})" in one]
    assert len(warned) == bool(told)
    assert all(told in one for one in warned)


# Refusals of one kind


def rename_at_once(aws: Aws, kind: str, name: str, to: str) -> None:
    word = "DBInstance" if kind == "instance" else "DBCluster"
    with aws.rds.instantly():
        aws.rds.call(
            f"Modify{word}",
            {f"{word}Identifier": name, f"New{word}Identifier": to, "ApplyImmediately": True},
        )


@pytest.mark.parametrize(("length", "passes"), [(58, True), (59, False), (63, False)])
def test_an_instance_must_leave_room_for_its_temporary_name(aws: Aws, length: int, passes: bool):
    name = "p" * length
    rename_at_once(aws, "instance", "new-db", name)
    if passes:
        assert aws.check(identifier=name, task="create_snapshot")["findings"] == []
    else:
        sentence = refused(aws, exceptions.InvalidRequest, identifier=name, task="create_snapshot")
        assert "58" in sentence


def test_a_mere_snapshot_of_an_instance_may_have_the_longest_name(aws: Aws):
    name = "p" * 63
    rename_at_once(aws, "instance", "new-db", name)

    assert aws.check(identifier=name, task="create_snapshot_only")["findings"] == []


@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only"])
@pytest.mark.parametrize(("length", "passes"), [(54, True), (55, False), (63, False)])
def test_a_cluster_must_leave_room_for_its_snapshot_s_name(
    aws: Aws, length: int, passes: bool, task: str
):
    aws.kind = CLUSTER
    name = "p" * length
    rename_at_once(aws, "cluster", "new-cluster", name)
    if passes:
        assert aws.check(identifier=name, task=task)["findings"] == []
    else:
        assert "54" in refused(aws, exceptions.InvalidRequest, identifier=name, task=task)


def test_a_member_of_a_cluster_is_refused_as_an_instance(aws: Aws):
    sentence = refused(aws, exceptions.WrongKind, identifier="prod-cluster-writer")

    assert "member of cluster prod-cluster" in sentence


@pytest.mark.parametrize("engine", ["docdb", "neptune", "aurora-postgresql"])
def test_an_instance_of_an_engine_that_is_not_of_rds_is_refused(aws: Aws, engine: str):
    aws.found()["Engine"] = engine

    assert engine in refused(aws, exceptions.WrongKind)


@pytest.mark.parametrize(
    "engine", ["mysql", "mariadb", "postgres", "oracle-ee", "sqlserver-web", "db2-se"]
)
def test_an_instance_of_every_engine_of_rds_passes(aws: Aws, engine: str):
    make_of(aws, engine, aws.rds.available_versions[engine][0])

    assert aws.check()["findings"] == []


@pytest.mark.parametrize(
    ("attribute", "value", "named"),
    [
        ("Engine", "docdb", "docdb"),
        ("Engine", "neptune", "neptune"),
        ("Engine", "postgres", "postgres"),
        ("DBClusterInstanceClass", "db.m6gd.large", "Multi-AZ"),
        ("EngineMode", "serverless", "serverless"),
        ("EngineMode", "parallelquery", "parallelquery"),
    ],
)
def test_a_cluster_that_cannot_be_replaced_in_place_is_refused(
    aws: Aws, attribute: str, value: str, named: str
):
    aws.kind = CLUSTER
    aws.found()[attribute] = value

    assert named in refused(aws, exceptions.WrongKind)


MEMBER = "prod-cluster-reader"


def member_busy(aws: Aws) -> None:
    aws.force("storage-full", MEMBER, "instance")


def member_pending(aws: Aws) -> None:
    aws.found(MEMBER, "instance")["PendingModifiedValues"] = {"DBInstanceClass": "db.r6g.large"}


def member_protected(aws: Aws) -> None:
    aws.found(MEMBER, "instance")["TagList"] = [{"Key": "trapheus:protect", "Value": "yes"}]


def member_name_taken(aws: Aws) -> None:
    aws.foreign(f"{MEMBER}-temp", "instance")


def member_name_long(aws: Aws) -> None:
    rename_at_once(aws, "instance", MEMBER, "m" * 59)


def no_writer(aws: Aws) -> None:
    for member in aws.found()["DBClusterMembers"]:
        member["IsClusterWriter"] = False


def two_writers(aws: Aws) -> None:
    for member in aws.found()["DBClusterMembers"]:
        member["IsClusterWriter"] = True


@pytest.mark.parametrize(
    ("arrange", "error", "named"),
    [
        (member_busy, exceptions.DatabaseNotAvailable, f"{MEMBER} is storage-full"),
        (member_pending, exceptions.DatabaseNotAvailable, f"{MEMBER} has pending changes"),
        (member_protected, exceptions.DatabaseProtected, f"{MEMBER} carries the tag"),
        (member_name_taken, exceptions.NameTaken, f"{MEMBER}-temp is taken"),
        (member_name_long, exceptions.DatabaseNotSupported, "m" * 59),
        (no_writer, exceptions.DatabaseNotAvailable, "0 writers"),
        (two_writers, exceptions.DatabaseNotAvailable, "2 writers"),
    ],
)
def test_a_member_that_could_not_be_renamed_is_refused(
    aws: Aws, arrange: Callable[[Aws], None], error: type[Exception], named: str
):
    aws.kind = CLUSTER
    arrange(aws)

    assert named in refused(aws, error)
    assert aws.check(task="create_snapshot_only")["findings"] == []


def test_a_cluster_whose_only_members_are_made_by_auto_scaling_is_not_planned_empty(aws: Aws):
    aws.kind = CLUSTER
    rename_at_once(aws, "instance", "prod-cluster-reader", "application-autoscaling-1234")

    plan = aws.plan()

    assert [member["identifier"] for member in plan["members"]] == ["prod-cluster-writer"]


def test_a_cluster_whose_writer_is_made_by_auto_scaling_is_refused(aws: Aws):
    # A failover may have made it the writer; the plan must still have a writer of its own.
    aws.kind = CLUSTER
    rename_at_once(aws, "instance", "prod-cluster-writer", "application-autoscaling-1234")

    with pytest.raises(exceptions.TrapheusError):
        aws.check()


# All findings at once, and the dry run


def spoil(aws: Aws) -> list[type[Exception]]:
    """Let as much as possible speak against an execution; the errors that this must find."""
    aws.found()["TagList"].append({"Key": "trapheus:protect", "Value": "true"})
    aws.found()["PendingModifiedValues"] = {"EngineVersion": "16.6"}
    aws.force("storage-full")
    aws.found(f"{aws.kind.identifier}-snapshot", aws.snapshot_kind)["Status"] = "creating"
    leave_successor_stale(aws)
    aws.foreign(f"{aws.kind.identifier}-temp")
    aws.found()["ActivityStreamStatus"] = "started"
    return [
        exceptions.DatabaseProtected,
        exceptions.DatabaseNotAvailable,
        exceptions.DatabaseNotAvailable,
        exceptions.SnapshotMissing,
        exceptions.NameTaken,
        exceptions.NameTaken,
        exceptions.DatabaseNotSupported,
    ]


def leave_successor_stale(aws: Aws) -> None:
    aws.force("available")
    aws.found()["PendingModifiedValues"] = {}
    leave_successor(aws)
    aws.found()["PendingModifiedValues"] = {"EngineVersion": "16.6"}
    aws.force("storage-full")


def test_all_findings_are_told_at_once_under_the_first_one_s_error(aws: Aws, kind: Kind):
    spoil(aws)

    sentence = refused(aws, exceptions.DatabaseProtected, task="create_snapshot")

    for part in (
        "trapheus:protect", "is storage-full", "EngineVersion", "-snapshot is creating",
        "-next exists", "-temp is taken", "activity stream",
    ):  # fmt: skip
        assert part in sentence


def test_a_dry_run_reports_what_would_be_refused(aws: Aws, kind: Kind):
    expected = spoil(aws)

    answer = aws.check(task="create_snapshot", dryRun=True)

    assert [finding["error"] for finding in answer["findings"]] == [
        error.__name__ for error in expected
    ]
    assert all(finding["message"].endswith(".") for finding in answer["findings"])
    assert answer["plan"]["identifier"] == kind.identifier


def test_a_dry_run_without_findings_is_the_plan(aws: Aws, kind: Kind):
    answer = aws.check(dryRun=True)

    assert answer == {"plan": aws.plan(), "findings": []}


@pytest.mark.parametrize("identifier", ["no-such-db", "prod-db", "prod-cluster"])
def test_a_dry_run_of_what_cannot_be_planned_has_no_plan(aws: Aws, kind: Kind, identifier: str):
    if identifier == kind.identifier:
        identifier = "nothing"

    answer = aws.check(identifier=identifier, dryRun=True)

    assert answer["plan"] is None
    assert len(answer["findings"]) == 1


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AccessDenied", 403, exceptions.CheckFailed),
        ("InvalidParameterValue", 400, exceptions.CheckFailed),
        ("Throttling", 400, exceptions.Throttled),
        ("InternalFailure", 500, exceptions.Throttled),
    ],
)
@pytest.mark.parametrize("dry", [True, False])
def test_a_look_that_aws_refuses_is_no_finding(
    aws: Aws, kind: Kind, *, code: str, status: int, error: type[Exception], dry: bool
):
    aws.fail(f"Describe{kind.operation}s", code, status=status)

    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.check(dryRun=dry)

    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("engine", "original", "snapshot", "refused"),
    [
        ("postgres", "16.4", "16.4", False),
        ("postgres", "16.4", "16.1", False),
        ("postgres", "16.10", "16.9", False),
        ("postgres", "16.4", "15.8", True),
        ("postgres", "16.4", "16.5", True),
        ("mysql", "8.0.40", "8.0.35", False),
        ("mysql", "8.4.3", "8.0.40", True),
    ],
)
def test_a_snapshot_of_a_version_that_cannot_be_brought_to_the_original_s_is_refused(
    aws: Aws, engine: str, *, original: str, snapshot: str, refused: bool
):
    make_of(aws, engine, original)
    aws.found("prod-db-snapshot", "snapshot")["EngineVersion"] = snapshot

    findings = aws.check(task="db_restore", dryRun=True)["findings"]

    errors = [found["error"] for found in findings if found["error"] != "GroupNotUsable"]
    assert errors == (["SnapshotMissing"] if refused else [])


@pytest.mark.parametrize("key", ["another", None])
def test_a_snapshot_with_another_encryption_is_copied(aws: Aws, key: str | None):
    source = aws.found("prod-db-snapshot", "snapshot")
    source["KmsKeyId"] = key

    answer = aws.check(task="db_restore", dryRun=True)

    assert answer["findings"] == []
    assert answer["plan"]["copiedTo"] == "prod-db-source"
    assert answer["plan"]["copying"]["key"] == aws.found("prod-db")["KmsKeyId"]


def test_an_encrypted_snapshot_of_an_unencrypted_database_is_refused(aws: Aws):
    aws.found("prod-db")["KmsKeyId"] = None

    findings = aws.check(task="db_restore", dryRun=True)["findings"]

    assert [found["error"] for found in findings] == ["SnapshotMissing"]
    assert "no restore takes encryption away" in findings[0]["message"]


def test_the_only_snapshot_that_is_left_is_not_to_be_deleted(aws: Aws, kind: Kind):
    name, spare = f"{kind.identifier}-snapshot", f"{kind.identifier}-next"
    with aws.rds.instantly():
        take_snapshot(aws, spare)
    delete, key = (
        ("DeleteDBClusterSnapshot", "DBClusterSnapshotIdentifier")
        if kind is CLUSTER
        else ("DeleteDBSnapshot", "DBSnapshotIdentifier")
    )
    with aws.rds.instantly():
        aws.rds.call(delete, {key: name})

    for task in TASKS:
        sentence = refused(aws, exceptions.SnapshotMissing, task=task)
        assert f"keep it, copy it to {name}" in sentence
        assert f"-identifier {spare} --target" in sentence


def test_a_listed_member_that_is_not_visible_is_a_finding(aws: Aws):
    aws.kind = CLUSTER
    aws.fail("DescribeDBInstances", "DBInstanceNotFound", status=404, about="prod-cluster-reader")

    sentence = refused(aws, exceptions.DatabaseNotAvailable, task="db_restore")

    assert "prod-cluster-reader is not visible" in sentence


def test_latest_of_a_failed_original_that_shows_little_is_its_own_snapshot(aws: Aws):
    """It may be of what had the identifier before."""
    aws.force("failed")
    found = aws.found()
    for name in found.keys() - BARE:
        del found[name]
    aws.found("prod-db-snapshot", "snapshot")["DbiResourceId"] = "db-OTHER"

    answer = aws.check(**BESIDE, snapshotIdentifier="latest")

    assert answer["plan"]["snapshot"] == "prod-db-snapshot"
