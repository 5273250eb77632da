"""The preflight, row by row: what it refuses, with which sentence, and what it lets pass."""

import json
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from local.emulator.rds import RdsError
from tests import proxies
from tests.unit.conftest import ANOTHER, CLUSTER, INSTANCE, OPTIONS, Aws, Kind, answering
from trapheus.checks import look
from trapheus.checks.checklist import CHECKS, OF_THE_PLAN, PRECONDITION, WARNINGS
from trapheus.checks.findings import Findings
from trapheus.execution import exceptions
from trapheus.preflight import applying

KEY = "arn:aws:kms:us-east-1:123456789012:key/5f0c1b9a-2d3e-4f56-8a7b-9c0d1e2f3a4b"
INSIGHTS_KEY = "arn:aws:kms:us-east-1:123456789012:key/6a1d2c8b-3e4f-4a67-9b8c-0d1e2f3a4b5c"
FOREIGN_KEY = "arn:aws:kms:us-east-1:999999999999:key/5f0c1b9a-2d3e-4f56-8a7b-9c0d1e2f3a4b"
WRITER, READER = "prod-cluster-writer", "prod-cluster-reader"


def refused(aws: Aws, error: type[Exception], **request: Any) -> str:
    """The sentences with which a request is refused; nothing was touched."""
    before = holds(aws)
    aws.calls.clear()
    with pytest.raises(exceptions.TrapheusError) as raised:
        aws.check(**request)
    assert type(raised.value) is error, raised.value
    assert all(call.startswith("Describe") for call in aws.calls)
    assert holds(aws) == before
    sentences: str = json.loads(str(raised.value))["message"]
    return sentences


def holds(aws: Aws) -> bytes:
    """All that RDS has, but for the moment."""
    aws.rds.settle()
    return pickle.dumps([(thing.kind, thing.shown) for thing in aws.rds.things.values()])


def warnings(aws: Aws, **request: Any) -> list[str]:
    """What a request is told that passes."""
    answer = aws.check(dryRun=True, **request)
    assert answer["findings"] == []
    told: list[str] = answer["plan"]["warnings"]
    return told


def arn(aws: Aws) -> str:
    return aws.rds.arn(aws.kind.name, aws.kind.identifier)


def source_of(aws: Aws) -> dict[str, Any]:
    """The sample database's snapshot."""
    found = aws.found(f"{aws.kind.identifier}-snapshot", aws.snapshot_kind)
    assert found
    return found


# What RDS holds that speaks against a restore


def in_a_deployment(aws: Aws, side: str = "Source") -> None:
    aws.rds.blue_green_deployments.append(
        {
            "BlueGreenDeploymentIdentifier": "bgd-1234567890abcdef",
            "BlueGreenDeploymentName": "to-17",
            "Source": aws.rds.arn("instance", "another-db"),
            "Target": aws.rds.arn("instance", "another-db-green"),
            "Status": "AVAILABLE",
            side: arn(aws),
        }
    )


def switch_over(aws: Aws) -> None:
    for deployment in aws.rds.blue_green_deployments:
        deployment["Status"] = "SWITCHOVER_COMPLETED"


def on_the_green_side(aws: Aws) -> None:
    in_a_deployment(aws, "Target")


def integrated(aws: Aws) -> None:
    aws.rds.integrations.append(
        {
            "IntegrationName": "to-the-warehouse",
            "SourceArn": arn(aws),
            "TargetArn": "arn:aws:redshift:us-east-1:123456789012:namespace:1",
            "Status": "active",
        }
    )


def in_a_global_cluster(aws: Aws) -> None:
    """As its primary; the description of the cluster itself does not say so."""
    aws.rds.global_clusters.append(
        {
            "GlobalClusterIdentifier": "the-world",
            "GlobalClusterMembers": [{"DBClusterArn": arn(aws), "Readers": [], "IsWriter": True}],
        }
    )


def in_another_s_global_cluster(aws: Aws) -> None:
    primary = arn(aws).replace("us-east-1", "eu-west-1")
    aws.rds.global_clusters.append(
        {
            "GlobalClusterIdentifier": "the-world",
            "GlobalClusterMembers": [
                {"DBClusterArn": primary, "Readers": [arn(aws)], "IsWriter": True},
                {"DBClusterArn": arn(aws), "Readers": [], "IsWriter": False},
            ],
        }
    )


def with_a_snapshot_of_aws_backup(aws: Aws) -> None:
    source_of(aws)["SnapshotType"] = "awsbackup"


def with_another_key(aws: Aws) -> None:
    source_of(aws)["KmsKeyId"] = INSIGHTS_KEY


def unencrypted(aws: Aws) -> None:
    aws.found(aws.kind.identifier).pop("KmsKeyId")


def with_an_older_major_version(aws: Aws) -> None:
    source_of(aws)["EngineVersion"] = "15.8"


def with_a_newer_version(aws: Aws) -> None:
    source_of(aws)["EngineVersion"] = "16.6"


def with_a_larger_snapshot(aws: Aws) -> None:
    source_of(aws)["AllocatedStorage"] = 501


def withdraw_version(aws: Aws) -> None:
    aws.rds.available_versions[aws.found()["Engine"]].remove("16.4")


def withdraw_class(aws: Aws) -> None:
    shelf = "standalone" if aws.kind is INSTANCE else "aurora"
    aws.rds.available_classes[shelf].remove("db.r6g.xlarge")


def without_subnet_group(aws: Aws) -> None:
    del aws.rds.groups["subnet"]["prod-subnets"]


def parameter_group(aws: Aws) -> str:
    return "prod-postgres16" if aws.kind is INSTANCE else "prod-reader"


def without_parameter_group(aws: Aws) -> None:
    del aws.rds.groups["parameter"][parameter_group(aws)]


def with_another_family(aws: Aws) -> None:
    group = aws.rds.groups["parameter"][parameter_group(aws)]
    group["DBParameterGroupFamily"] = f"{aws.found()['Engine']}15"


def with_another_engine_s_family(aws: Aws) -> None:
    aws.rds.groups["parameter"][parameter_group(aws)]["DBParameterGroupFamily"] = "mysql16"


def without_cluster_parameter_group(aws: Aws) -> None:
    del aws.rds.groups["cluster-parameter"]["prod-aurora16"]


def with_another_cluster_family(aws: Aws) -> None:
    group = aws.rds.groups["cluster-parameter"]["prod-aurora16"]
    group["DBParameterGroupFamily"] = "aurora-postgresql17"


def without_option_group(aws: Aws) -> None:
    del aws.rds.groups["option"]["prod-options"]


def with_another_major_version(aws: Aws) -> None:
    aws.rds.groups["option"]["prod-options"]["MajorEngineVersion"] = "15"


def with_a_disabled_key(aws: Aws) -> None:
    aws.keys[KEY] = "Disabled"


def with_a_dying_key(aws: Aws) -> None:
    aws.keys[KEY] = "PendingDeletion"


def without_its_key(aws: Aws) -> None:
    aws.keys[KEY] = "NotFoundException"


def with_disabled_insights(aws: Aws) -> None:
    aws.keys[INSIGHTS_KEY] = "Disabled"


def fill(aws: Aws, quota: str, left: int) -> None:
    """Leave room for so many more of a kind."""
    held = sum(thing.kind == quota for thing in aws.rds.things.values())
    aws.rds.quotas[quota] = held + left


def without_room_for_instances(aws: Aws) -> None:
    fill(aws, "instance", 0 if aws.kind is INSTANCE else 1)


def without_room_for_clusters(aws: Aws) -> None:
    fill(aws, "cluster", 0)


def without_room_for_storage(aws: Aws) -> None:
    aws.rds.quotas["storage"] = stored(aws) + 499


def stored(aws: Aws) -> int:
    """GiB that the quota counts: those of standalone instances."""
    return sum(
        shown["AllocatedStorage"]
        for shown in aws.rds.instances.values()
        if "DBClusterIdentifier" not in shown
    )


def keep_backups(aws: Aws, left: int = 0) -> None:
    """Let automated backups of deleted databases be kept, up to so many less than the quota."""
    rds = aws.rds
    kept = rds.retained_backups if aws.kind is INSTANCE else rds.retained_cluster_backups
    quota = rds.quotas[aws.kind.name]
    id_key = aws.kind.id_key
    kept += [{id_key: f"old-{n}", "Status": "retained"} for n in range(quota - left)]


def leave_tagged(aws: Aws) -> None:
    name = f"{aws.kind.identifier}-temp"
    aws.foreign(name)
    aws.stamp(name, execution=ANOTHER)


def out_of_its_domain(aws: Aws) -> None:
    aws.found()["DomainMemberships"][0]["Status"] = "failed"


def leave_untagged(aws: Aws) -> None:
    aws.foreign(f"{aws.kind.identifier}-temp")


def leave_member_tagged(aws: Aws) -> None:
    aws.foreign(f"{READER}-temp", "instance")
    aws.stamp(f"{READER}-temp", "instance", execution=ANOTHER)


def leave_member_untagged(aws: Aws) -> None:
    aws.foreign(f"{READER}-temp", "instance")


def tag(aws: Aws, name: str, kind: str, count: int) -> None:
    """Give it so many tags, besides AWS's own."""
    own = [{"Key": f"key-{n}", "Value": ""} for n in range(count)]
    aws.found(name, kind)["TagList"] = [*own, {"Key": "aws:rds:any", "Value": ""}]


def with_all_tags(aws: Aws) -> None:
    tag(aws, aws.kind.identifier, aws.kind.name, 50)


def with_all_tags_of_a_member(aws: Aws) -> None:
    tag(aws, READER, "instance", 50)


BOTH = (INSTANCE, CLUSTER)
Arrange = Callable[[Aws], None]
Row = tuple[Arrange, tuple[Kind, ...], type[Exception], tuple[str, ...]]

UNSUPPORTED, NAME = exceptions.DatabaseNotSupported, exceptions.NameTaken
GROUP, SNAPSHOT = exceptions.GroupNotUsable, exceptions.SnapshotMissing
QUOTA, KEYS, CLASS = (
    exceptions.QuotaExceeded,
    exceptions.KeyNotAccessible,
    exceptions.VersionOrClassUnavailable,
)

ROWS: list[Row] = [
    (in_a_deployment, BOTH, UNSUPPORTED, ("deployment to-17 (bgd-1234567890abcdef)", "delete it")),
    (on_the_green_side, BOTH, UNSUPPORTED, ("blue/green deployment to-17", "delete it")),
    (integrated, BOTH, UNSUPPORTED, ("zero-ETL integration to-the-warehouse", "delete it")),
    (in_a_global_cluster, (CLUSTER,), UNSUPPORTED,
     ("global cluster the-world", "aws rds remove-from-global-cluster")),
    (in_another_s_global_cluster, (CLUSTER,), UNSUPPORTED, ("global cluster the-world",)),
    (with_a_snapshot_of_aws_backup, BOTH, SNAPSHOT, ("-snapshot is awsbackup, not manual", "copy")),
    (unencrypted, BOTH, SNAPSHOT, ("snapshot is encrypted", "no restore takes encryption away")),
    (with_an_older_major_version, BOTH, SNAPSHOT, ("version 15.8", "of 16.4", "new snapshot")),
    (with_a_newer_version, BOTH, SNAPSHOT, ("version 16.6", "of 16.4", "new snapshot")),
    (with_a_larger_snapshot, (INSTANCE,), SNAPSHOT,
     ("has 501 GiB, the database 500", "new", "override AllocatedStorage with 501")),
    (withdraw_version, (CLUSTER,), CLASS,
     ("does not offer", "16.4, the version of the", "upgrade", "strategy restore-first")),
    (withdraw_class, BOTH, CLASS, ("class db.r6g.xlarge for", "16.4", "another class")),
    (without_subnet_group, BOTH, GROUP, ("subnet group prod-subnets does not exist", "again")),
    (without_parameter_group, BOTH, GROUP, ("parameter group prod-", "does not exist", "again")),
    (with_another_family, BOTH, GROUP, ("is of", "15,", "16.4", "fitting group")),
    (with_another_engine_s_family, BOTH, GROUP, ("is of mysql16,", "16.4", "fitting group")),
    (without_cluster_parameter_group, (CLUSTER,), GROUP, ("prod-aurora16 does not exist",)),
    (with_another_cluster_family, (CLUSTER,), GROUP, ("is of aurora-postgresql17,", "16.4")),
    (without_option_group, (INSTANCE,), GROUP, ("option group prod-options does not exist",)),
    (with_another_major_version, (INSTANCE,), GROUP, ("is of postgres 15,", "postgres 16.4")),
    (with_a_disabled_key, BOTH, KEYS, (f"The key {KEY} is disabled", "enable it")),
    (with_a_dying_key, BOTH, KEYS, (f"The key {KEY} is pending deletion", "cancel its deletion")),
    (without_its_key, BOTH, KEYS, (f"The key {KEY} is missing",)),
    (with_disabled_insights, BOTH, KEYS, (f"The key {INSIGHTS_KEY} is disabled",)),
    (leave_tagged, BOTH, NAME,
     ("-temp is taken by what an earlier execution has left", "as its mail says", "rename that")),
    (leave_untagged, BOTH, NAME,
     ("-temp is taken by a database without the tag", "--region us-east-1", "delete it")),
    (leave_member_tagged, (CLUSTER,), NAME,
     (f"{READER}-temp is taken by what an earlier execution has left",)),
    (leave_member_untagged, (CLUSTER,), NAME,
     (f"--db-instance-identifier {READER}-temp --new-db-instance-identifier NAME",)),
    (out_of_its_domain, BOTH, exceptions.DatabaseNotAvailable,
     ("in the domain d-9067001122 is failed", "mend it")),
    (with_all_tags, BOTH, UNSUPPORTED, ("has 50 tags", "take one off")),
    (with_all_tags_of_a_member, (CLUSTER,), UNSUPPORTED, (f"{READER} has 50 tags", "one off")),
    # Last, as what is full takes nothing more.
    (without_room_for_instances, BOTH, QUOTA, ("instances", "needs", "left: delete", "higher")),
    (without_room_for_clusters, (CLUSTER,), QUOTA, ("clusters", "needs 1, only 0 left")),
    (without_room_for_storage, (INSTANCE,), QUOTA, ("GiB of storage", "only 499 left: delete")),
    (keep_backups, BOTH, QUOTA,
     ("retained automated backups", "needs 1, only 0 left", "deleteAutomatedBackups")),
]  # fmt: skip

CASES = [
    pytest.param(kind, arrange, error, words, id=f"{arrange.__name__}-{kind.name}")
    for arrange, kinds, error, words in ROWS
    for kind in kinds
]


@pytest.mark.parametrize(("kind", "arrange", "error", "words"), CASES)
def test_what_speaks_against_a_restore_is_refused_before_anything_is_touched(
    aws: Aws, kind: Kind, arrange: Arrange, *, error: type[Exception], words: tuple[str, ...]
):
    aws.kind = kind
    assert aws.check(dryRun=True)["findings"] == []
    arrange(aws)

    sentences = refused(aws, error)

    assert sentences.endswith(".")
    assert [word for word in words if word not in sentences] == []


@pytest.mark.parametrize(("kind", "arrange", "error", "words"), CASES)
def test_a_dry_run_shows_it_and_refuses_nothing(
    aws: Aws, kind: Kind, arrange: Arrange, *, error: type[Exception], words: tuple[str, ...]
):
    aws.kind = kind
    arrange(aws)

    findings = aws.check(dryRun=True)["findings"]

    assert findings[0]["error"] == error.__name__
    told = " ".join(finding["message"] for finding in findings)
    assert [word for word in words if word not in told] == []


def spoil(aws: Aws) -> list[str]:
    """Let everything speak against it that can at the same time; a part of each sentence."""
    parts = []
    for arrange, kinds, _, words in ROWS:
        if aws.kind in kinds and arrange not in EXCLUDING:
            arrange(aws)
            parts += words
    return parts


# Two of them speak of one thing, or one hides the other.
EXCLUDING = (
    on_the_green_side, in_another_s_global_cluster, with_a_newer_version, withdraw_class,
    with_another_family, with_another_engine_s_family, with_another_cluster_family,
    with_another_major_version, with_a_dying_key, without_its_key, leave_untagged,
    leave_member_untagged, with_an_older_major_version, unencrypted,
)  # fmt: skip


def test_everything_is_told_at_once(aws: Aws, kind: Kind):
    parts = spoil(aws)
    assert len(parts) > 20

    findings = aws.check(dryRun=True)["findings"]
    sentences = refused(aws, getattr(exceptions, findings[0]["error"]))

    assert sentences == " ".join(finding["message"] for finding in findings)
    assert [part for part in parts if part not in sentences] == []
    assert len({finding["message"] for finding in findings}) == len(findings)


def test_an_identifier_that_is_only_left_under_its_temporary_name_is_told_with_its_cure(
    aws: Aws, kind: Kind
):
    name = f"lost-{kind.name}"
    aws.foreign(f"{name}-temp")
    sentence = refused(aws, exceptions.DatabaseNotFound, identifier=name)
    assert f"only {name}-temp is there" in sentence
    assert "rename that" in sentence

    aws.stamp(f"{name}-temp", execution=ANOTHER)
    sentence = refused(aws, exceptions.DatabaseNotFound, identifier=name)
    assert "as its mail says" in sentence


def test_a_name_without_room_for_a_suffix_is_looked_for_alone(aws: Aws, kind: Kind):
    assert "check the name" in refused(aws, exceptions.DatabaseNotFound, identifier="x" * 63)


# What an override must fit

KEY_OF_NOBODY = "arn:aws:kms:us-east-1:123456789012:key/of-nobody"
OVERRIDES: list[tuple[tuple[Kind, ...], dict[str, Any], type[Exception], str]] = [
    (BOTH, {"EngineVersion": "17.2"}, exceptions.InvalidRequest, "a restore of 16.4 comes only to"),
    (BOTH, {"EngineVersion": "16.3"}, exceptions.InvalidRequest, "a restore of 16.4 comes only to"),
    (BOTH, {"EngineVersion": "16"}, exceptions.InvalidRequest, "a restore of 16.4 comes only to"),
    (BOTH, {"EngineVersion": "16.99"}, CLASS,
     "16.99, the version of the request: ask for another EngineVersion"),
    ((INSTANCE,), {"AllocatedStorage": 0}, exceptions.InvalidRequest, "overridden with 0 GiB"),
    ((INSTANCE,), {"StorageType": "io1"}, exceptions.InvalidRequest, "override Iops too"),
    (BOTH, {"MonitoringRoleArn": "", "MonitoringInterval": 60}, exceptions.InvalidRequest,
     "override MonitoringRoleArn too"),
    ((INSTANCE,), {"MultiAZ": True, "AvailabilityZone": "us-east-1a"}, exceptions.InvalidRequest,
     "cannot be chosen for a Multi-AZ instance"),
    ((INSTANCE,), {"MaxAllocatedStorage": 549}, exceptions.InvalidRequest,
     "must be a tenth above the storage, 500 GiB"),
    (BOTH, {"PerformanceInsightsKMSKeyId": KEY_OF_NOBODY}, KEYS, "key/of-nobody is missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "overrides", "error", "words"),
    [
        pytest.param(kind, overrides, error, words, id=f"{'-'.join(overrides)}-{kind.name}")
        for kinds, overrides, error, words in OVERRIDES
        for kind in kinds
    ],
)
def test_an_override_that_rds_would_refuse_is_refused_before_anything_is_touched(
    aws: Aws, kind: Kind, *, overrides: dict[str, Any], error: type[Exception], words: str
):
    aws.kind = kind
    aws.keys[KEY_OF_NOBODY] = "NotFoundException"

    assert words in refused(aws, error, overrides=overrides)


TAKEN: list[tuple[tuple[Kind, ...], dict[str, Any]]] = [
    (BOTH, {"EngineVersion": "16.6"}),
    (BOTH, {"EngineVersion": "", "DBSubnetGroupName": "", "DBParameterGroupName": ""}),
    ((INSTANCE,), {"DBInstanceClass": "", "OptionGroupName": "", "StorageType": ""}),
    ((INSTANCE,), {"StorageType": "io1", "Iops": 5000}),
    ((INSTANCE,), {"MaxAllocatedStorage": 550}),
    ((INSTANCE,), {"AllocatedStorage": 2500}),
    (BOTH, {"MonitoringInterval": 0}),
]


@pytest.mark.parametrize(
    ("kind", "overrides"),
    [
        pytest.param(kind, overrides, id=f"{'-'.join(overrides)}-{kind.name}")
        for kinds, overrides in TAKEN
        for kind in kinds
    ],
)
def test_an_override_that_rds_takes_passes(aws: Aws, kind: Kind, overrides: dict[str, Any]):
    aws.kind = kind

    assert aws.check(dryRun=True, overrides=overrides)["findings"] == []


# What passes


def of_others(aws: Aws) -> None:
    """Other databases are tied, and proxied."""
    kind, aws.kind = aws.kind, Kind("instance", "another-db", *["DBInstance"] * 5)
    in_a_deployment(aws)
    integrated(aws)
    aws.kind = Kind("cluster", "another-cluster", *["DBCluster"] * 5)
    in_a_global_cluster(aws)
    aws.kind = kind
    proxies.make(aws.rds)


def test_the_ties_of_other_databases_are_no_matter(aws: Aws, kind: Kind):
    before = warnings(aws)
    of_others(aws)

    assert warnings(aws) == before


@pytest.mark.parametrize("side", ["Source", "Target"])
def test_a_deployment_that_has_switched_over_is_no_matter(aws: Aws, kind: Kind, side: str):
    in_a_deployment(aws, side)
    switch_over(aws)

    assert aws.check(dryRun=True)["findings"] == []


def test_room_for_exactly_what_is_needed_is_enough(aws: Aws, kind: Kind):
    fill(aws, "instance", 1 if kind is INSTANCE else 2)
    fill(aws, "cluster", 1)
    fill(aws, aws.snapshot_kind, 1)
    aws.rds.quotas["storage"] = stored(aws) + 500
    keep_backups(aws, left=1)

    for task in ("db_restore", "create_snapshot", "create_snapshot_only"):
        assert aws.check(task=task, dryRun=True)["findings"] == []


def test_storage_is_needed_as_much_as_the_restored_instance_has(aws: Aws):
    without_room_for_storage(aws)

    assert "needs 500, only 499 left" in refused(aws, QUOTA)
    source_of(aws)["AllocatedStorage"] = 460
    assert aws.check(dryRun=True)["findings"] == []


@pytest.mark.parametrize(
    ("name", "task", "final", "needed"),
    [
        ("prod", "db_restore", False, 0),
        ("prod", "db_restore", True, 1),
        ("prod", "create_snapshot_only", False, 1),
        ("prod", "create_snapshot", False, 1),
        ("prod", "create_snapshot", True, 1),
        ("new", "create_snapshot_only", False, 1),
        ("new", "create_snapshot", False, 1),
        ("new", "create_snapshot", True, 2),
    ],
)
def test_snapshots_are_needed_as_many_as_there_are_at_the_same_time(
    aws: Aws, kind: Kind, *, name: str, task: str, final: bool, needed: int
):
    request = {
        "identifier": kind.identifier.replace("prod", name),
        "task": task,
        "finalSnapshot": final,
    }
    fill(aws, aws.snapshot_kind, needed)
    assert aws.check(dryRun=True, **request)["findings"] == []
    if needed:
        fill(aws, aws.snapshot_kind, needed - 1)
        assert f"needs {needed}, only {needed - 1} left" in refused(aws, QUOTA, **request)


@pytest.mark.parametrize("wish", ["keepOriginal", "deleteAutomatedBackups"])
def test_backups_that_are_not_to_be_kept_need_no_room(aws: Aws, kind: Kind, wish: str):
    keep_backups(aws)

    assert aws.check(dryRun=True, **{wish: True})["findings"] == []
    assert aws.check(dryRun=True, task="create_snapshot_only")["findings"] == []


def test_a_database_without_automated_backups_needs_no_room_for_them(aws: Aws):
    aws.found()["BackupRetentionPeriod"] = 0
    keep_backups(aws)

    assert aws.check(dryRun=True)["findings"] == []


def test_backups_of_databases_that_exist_take_no_room(aws: Aws, kind: Kind):
    aws.rds.quotas[kind.name] = len(aws.rds.instances if kind is INSTANCE else aws.rds.clusters) + 2
    keep_backups(aws, left=1)

    assert aws.check(dryRun=True)["findings"] == []


def test_forty_nine_tags_leave_room_for_the_tag(aws: Aws, kind: Kind):
    tag(aws, kind.identifier, kind.name, 49)
    if kind is CLUSTER:
        tag(aws, READER, "instance", 49)

    assert aws.check(dryRun=True)["findings"] == []


def test_a_snapshot_alone_minds_nothing_that_a_replacement_would(aws: Aws, kind: Kind):
    for arrange, kinds, _, _ in ROWS:
        if kind in kinds and arrange not in {*OF_SNAPSHOTS, *EXCLUDING}:
            arrange(aws)

    assert aws.check(dryRun=True, task="create_snapshot_only")["findings"] == []


# What a mere snapshot needs too.
OF_SNAPSHOTS = (with_a_snapshot_of_aws_backup, with_a_disabled_key)


@pytest.mark.parametrize("arrange", OF_SNAPSHOTS)
def test_a_snapshot_alone_needs_its_own_too(aws: Aws, kind: Kind, arrange: Arrange):
    arrange(aws)

    assert len(aws.check(dryRun=True, task="create_snapshot_only")["findings"]) == 1


def test_a_new_snapshot_is_not_compared_with_the_old_one(aws: Aws, kind: Kind):
    with_another_key(aws)
    with_an_older_major_version(aws)
    source_of(aws)["AllocatedStorage"] = 900

    assert aws.check(dryRun=True, task="create_snapshot")["findings"] == []


def version_warnings(told: list[str]) -> list[str]:
    return [sentence for sentence in told if "any more" in sentence and "AWS does not" in sentence]


@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_a_version_that_is_not_sold_any_more_is_a_warning(aws: Aws, kind: Kind, strategy: str):
    withdraw_version(aws)
    strategy = "restore-first" if kind is CLUSTER else strategy

    (told,) = version_warnings(warnings(aws, strategy=strategy))

    assert "16.4 any more, the version of the" in told
    assert "upgrades the restored database" in told
    assert version_warnings(warnings(aws, task="create_snapshot_only")) == []


def test_a_class_that_is_sold_in_no_version_is_refused_whatever_the_version(aws: Aws, kind: Kind):
    withdraw_version(aws)
    withdraw_class(aws)

    sentence = refused(aws, CLASS, strategy="restore-first")

    assert "does not offer the class db.r6g.xlarge" in sentence


def test_a_snapshot_of_an_older_version_that_is_not_sold_is_a_warning(aws: Aws):
    source_of(aws)["EngineVersion"] = "16.3"

    (told,) = version_warnings(warnings(aws))
    assert "postgres 16.3" in told
    assert "prod-db-snapshot" in told

    aws.rds.available_versions["postgres"].append("16.3")
    assert version_warnings(warnings(aws)) == []


def test_a_version_that_an_upgrade_has_to_reach_must_be_sold(aws: Aws):
    source_of(aws)["EngineVersion"] = "16.1"
    assert aws.check(dryRun=True)["findings"] == []
    withdraw_version(aws)

    assert "does not offer postgres 16.4, the version of the database" in refused(aws, CLASS)


def test_a_cluster_is_restored_at_its_own_version_and_not_at_the_snapshot_s(aws: Aws):
    aws.kind = CLUSTER
    source_of(aws)["EngineVersion"] = "16.3"

    assert aws.check(dryRun=True)["findings"] == []


NOT_EVERYWHERE = (
    "DescribeBlueGreenDeployments", "DescribeCertificates", "DescribeDBClusterAutomatedBackups",
    "DescribeDBProxies", "DescribeGlobalClusters", "DescribeIntegrations",
)  # fmt: skip


def test_what_a_region_does_not_have_is_not_there(aws: Aws, kind: Kind):
    aws.rds.unsupported.update(NOT_EVERYWHERE)

    assert aws.check(dryRun=True)["findings"] == []
    with pytest.raises(RdsError, match="InvalidAction: DescribeDBProxies is not supported"):
        aws.rds.call("DescribeDBProxies", {})


# Warnings


def proxy_warnings(aws: Aws, **request: Any) -> list[str]:
    """What a check tells of proxies."""
    return [told for told in warnings(aws, **request) if "The proxy " in told]


def test_a_proxy_that_points_at_the_database_is_told_and_planned(aws: Aws, kind: Kind):
    assert aws.plan()["proxies"] == []
    proxies.point(aws.rds, kind.name, kind.identifier)

    (told,) = proxy_warnings(aws)

    assert f"The proxy pool points at {kind.identifier}: " in told
    assert "registered in its place" in told
    assert aws.plan()["proxies"] == [{"name": "pool", "awaited": True}]
    assert proxy_warnings(aws, task="create_snapshot_only") == []


def test_beside_a_target_the_proxies_stay_as_they_are(aws: Aws, kind: Kind):
    proxies.point(aws.rds, kind.name, kind.identifier)
    beside = {"strategy": "copy", "targetIdentifier": "staging"}

    assert proxy_warnings(aws, **beside) == []
    assert aws.plan(**beside)["proxies"] == []


def test_every_proxy_of_an_account_is_looked_at(aws: Aws, kind: Kind):
    (other,) = (one for one in BOTH if one is not kind)
    for number in range(129):
        proxies.point(aws.rds, other.name, other.identifier, f"proxy-{number}")
    proxies.point(aws.rds, kind.name, kind.identifier, "proxy-130")

    (told,) = proxy_warnings(aws)

    assert "The proxy proxy-130 " in told
    assert aws.calls.count("DescribeDBProxies") == 2


def test_a_proxy_that_cannot_point_at_the_database_is_not_asked(aws: Aws, kind: Kind):
    proxies.make(aws.rds, "one", EngineFamily="MYSQL")
    proxies.make(aws.rds, "two")["VpcId"] = "vpc-of-another"

    assert proxy_warnings(aws) == []
    assert "DescribeDBProxyTargets" not in aws.calls


@pytest.mark.parametrize(
    "code",
    ["DBProxyNotFoundFault", "DBProxyTargetGroupNotFoundFault", "InvalidDBProxyStateFault"],
)
def test_a_proxy_that_comes_or_goes_meanwhile_is_no_matter(aws: Aws, kind: Kind, code: str):
    proxies.point(aws.rds, kind.name, kind.identifier)
    aws.fail("DescribeDBProxyTargets", code, status=404)

    assert proxy_warnings(aws) == []


def test_a_region_without_proxies_has_none(aws: Aws, kind: Kind):
    aws.rds.offers_proxies = False

    assert aws.plan()["proxies"] == []


def test_a_proxy_that_does_not_reach_the_database_is_told_and_not_awaited(aws: Aws, kind: Kind):
    proxies.point(aws.rds, kind.name, kind.identifier)
    aws.rds.proxy_faults["pool"] = "AUTH_FAILURE"

    (_, told) = proxy_warnings(aws)

    assert "does not reach" in told
    assert "(UNAVAILABLE AUTH_FAILURE)" in told
    assert aws.plan()["proxies"] == [{"name": "pool", "awaited": False}]


def test_a_proxy_that_reads_the_managed_secret_is_told_and_not_awaited(aws: Aws, kind: Kind):
    secret = {"AuthScheme": "SECRETS", "SecretArn": aws.found()["MasterUserSecret"]["SecretArn"]}
    proxies.point(aws.rds, kind.name, kind.identifier, Auth=[secret])

    (_, told) = proxy_warnings(aws)

    assert "gets another one" in told
    assert "modify-db-proxy --db-proxy-name pool" in told
    assert aws.plan()["proxies"] == [{"name": "pool", "awaited": False}]


def of_another(aws: Aws, source: str, user: str) -> None:
    """Let the snapshot be another database's."""
    name = "DBInstanceIdentifier" if aws.kind is INSTANCE else "DBClusterIdentifier"
    source_of(aws).update({name: source, "MasterUsername": user})


@pytest.mark.parametrize("chosen", [True, False])
def test_another_database_s_snapshot_is_a_warning_with_its_master_user(
    aws: Aws, kind: Kind, chosen: bool
):
    of_another(aws, "other-db", "somebody")
    user = aws.found()["MasterUsername"]
    asked = {"snapshotIdentifier": f"{kind.identifier}-snapshot"} if chosen else {}

    told = " ".join(warnings(aws, **asked))

    assert "-snapshot is of other-db: the databases, users and passwords" in told
    assert "The MasterUsername of what is restored is somebody" in told
    assert f"that of {kind.identifier} is {user}" in told


def test_a_snapshot_of_the_renamed_original_is_its_own(aws: Aws, kind: Kind):
    of_another(aws, f"{kind.identifier}-temp", aws.found()["MasterUsername"])

    assert warnings(aws) == []


def test_a_snapshot_that_is_only_followed_by_a_new_one_is_no_warning(aws: Aws, kind: Kind):
    of_another(aws, "other-db", "somebody")

    assert warnings(aws, task="create_snapshot") == []


def test_what_a_restore_cannot_keep_is_a_warning(aws: Aws, kind: Kind):
    name = "prod-cluster-reader" if kind is CLUSTER else "prod-db"
    aws.found(name, "instance")["DBCapacityReservationIdentifier"] = "dbcr-1"
    told = warnings(aws, deleteAutomatedBackups=True)

    assert [part for part in ("capacity reservation dbcr-1", "automated backups")
            if part not in " ".join(told)] == []  # fmt: skip
    assert len(told) == 2
    assert all(sentence.endswith(".") for sentence in told)
    assert aws.check(deleteAutomatedBackups=True)["plan"]["warnings"] == told


def test_the_plan_names_the_attributes_that_cannot_be_kept(aws: Aws, kind: Kind):
    found, key = aws.found(), "DbClusterResourceId" if kind is CLUSTER else "DbiResourceId"

    entries = {entry["attribute"]: entry for entry in aws.plan()["cannotKeep"]}

    assert entries[key]["was"] == aws.id_of()
    assert "rds-db:connect" in entries[key]["why"]
    assert entries["MasterUserSecret"]["was"] == found["MasterUserSecret"]["SecretArn"]


def test_what_is_kept_is_no_warning(aws: Aws, kind: Kind):
    del aws.found()["MasterUserSecret"]

    assert "MasterUserSecret" not in [one["attribute"] for one in aws.plan()["cannotKeep"]]
    assert warnings(aws) == []
    assert warnings(aws, task="create_snapshot_only") == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotFoundException"])
def test_a_key_of_another_account_is_only_a_warning(aws: Aws, kind: Kind, code: str):
    aws.keys[FOREIGN_KEY] = code
    for shown in (aws.found(), source_of(aws)):
        shown["KmsKeyId"] = FOREIGN_KEY

    (told,) = [sentence for sentence in warnings(aws) if FOREIGN_KEY in sentence]

    assert code in told
    assert "policy" in told


def test_a_key_that_may_not_be_looked_at_is_only_a_warning(aws: Aws, kind: Kind):
    aws.keys[KEY] = "AccessDeniedException"

    assert [sentence for sentence in warnings(aws) if KEY in sentence]


def test_a_busy_key_service_is_asked_again_by_the_state_machine(aws: Aws, kind: Kind):
    aws.keys[KEY] = "ThrottlingException"

    with pytest.raises(exceptions.Throttled):
        aws.check()


def test_a_key_service_out_of_reach_is_only_a_warning(aws: Aws, kind: Kind):
    def time_out(*_: Any) -> None:
        raise ConnectTimeoutError(endpoint_url="https://kms.us-east-1.amazonaws.com")

    with answering(look.kms(), "kms", time_out):
        said = warnings(aws)

    assert [sentence for sentence in said if f"{KEY} could not be looked at" in sentence]


# The list, of which the page is made


def test_a_check_finds_only_what_the_list_says_of_it(aws: Aws, kind: Kind):
    spoil(aws)
    request = {"identifier": kind.identifier, "task": "db_restore", **OPTIONS}
    seen = look.Look(request, look.INSTANCE if kind is INSTANCE else look.CLUSTER)
    told = 0
    for check in applying((PRECONDITION, *CHECKS, *WARNINGS), seen):
        findings = Findings()
        check.run(seen, findings)
        told += len(findings.all)
        assert {error for error, _ in findings.all} <= set(check.errors), check.run.__name__
        assert not (findings.warnings and check.errors), check.run.__name__
    assert told > 8


def test_the_list_names_every_call_that_is_made_and_no_other(aws: Aws):
    with aws.rds.instantly():
        aws.rds.call("CreateDBClusterEndpoint", {
            "DBClusterIdentifier": "prod-cluster", "DBClusterEndpointIdentifier": "reports",
            "EndpointType": "READER", "StaticMembers": [READER],
        })  # fmt: skip
    for aws.kind in BOTH:
        proxies.point(aws.rds, aws.kind.name, aws.kind.identifier, aws.kind.name)
        withdraw_class(aws)
        aws.check(dryRun=True)
    # Of KMS and Secrets Manager no call is recorded here.
    asked = {*aws.calls, "DescribeKey", "GetSecretValue"}

    checks = (PRECONDITION, *CHECKS, *OF_THE_PLAN, *WARNINGS)
    assert {name for check in checks for name in re.findall(r"(\w+)`", check.calls)} == asked


STACK = [
    {"Key": "aws:cloudformation:stack-name", "Value": "data"},
    {"Key": "aws:cloudformation:logical-id", "Value": "Database"},
]


def test_a_database_of_a_stack_is_told_once(aws: Aws, kind: Kind):
    parts = aws.parts()
    for part, name in parts:
        aws.found(name, part)["TagList"] += STACK

    (told,) = [one for one in warnings(aws) if "CloudFormation" in one]

    assert "The CloudFormation stack data has made " in told
    assert [name for _, name in parts if name not in told] == []
    assert "docs/infrastructure-as-code.md" in told


def test_the_tags_of_a_stack_are_told_as_lost_and_not_planned(aws: Aws, kind: Kind):
    aws.found()["TagList"] += STACK

    plan = aws.plan()

    (entry,) = [one for one in plan["cannotKeep"] if one["attribute"] == "TagList"]
    assert entry["was"] == STACK
    assert not [tag for tag in plan["tags"] if tag["Key"].startswith("aws:")]


def test_beside_a_target_a_stack_is_no_matter(aws: Aws, kind: Kind):
    aws.found()["TagList"] += STACK
    beside = {"strategy": "copy", "targetIdentifier": "staging"}

    assert not [one for one in warnings(aws, **beside) if "CloudFormation" in one]


def test_the_hook_sql_is_refused_where_it_has_no_secret_or_speaks_to_no_such_engine(
    aws: Aws, kind: Kind
):
    sql = {"strategy": "restore-first", "beforeSwap": [{"run": "sql"}]}
    assert aws.check(dryRun=True, **sql)["findings"] == []

    found = aws.found(kind.identifier)
    assert found
    secret = found.pop("MasterUserSecret")
    assert "nothing to log in with" in refused(aws, exceptions.InvalidRequest, **sql)
    # What counts is the password of what is restored.
    managed = {"overrides": {"ManageMasterUserPassword": True}}
    assert aws.check(dryRun=True, **sql, **managed)["findings"] == []
    mask = {"strategy": "restore-first", "beforeSwap": [{"run": "mask"}]}
    assert aws.check(dryRun=True, **mask)["findings"] == []

    found["MasterUserSecret"] = secret
    own = {"overrides": {"ManageMasterUserPassword": False}}
    assert "nothing to log in with" in refused(aws, exceptions.InvalidRequest, **sql, **own)
    # Every engine of a cluster is one that it speaks to.
    if kind is INSTANCE:
        found["Engine"] = "oracle-ee"
        findings = aws.check(dryRun=True, **sql)["findings"]
        assert any("not to oracle-ee" in one["message"] for one in findings)
