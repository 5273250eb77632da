"""Every attribute that botocore's model knows has its row, and every row is true."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import jmespath
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from tests.attributes import restores, samples
from tests.attributes.__main__ import differs_without, is_right
from tests.unit.conftest import CLUSTER, INSTANCE, Aws, Kind
from trapheus.configuration.attributes import (
    CLASSES,
    DERIVED,
    LOST,
    MEMBER,
    REFUSED,
    TABLES,
)
from trapheus.configuration.attributes import CLUSTER as CLUSTER_TABLE
from trapheus.configuration.comparison import Comparison, compared

SERVICE = ServiceModel(Loader().load_service_model("rds", "service-2"))
SHAPES = {
    "instance": ("DescribeDBInstances", "DBInstances"),
    "cluster": ("DescribeDBClusters", "DBClusters"),
    "member": ("DescribeDBInstances", "DBInstances"),
}
tables = pytest.mark.parametrize("kind", TABLES)


def described(kind: str) -> set[str]:
    """The attributes that the model knows, of an instance or a cluster."""
    operation, listed = SHAPES[kind]
    return set(SERVICE.operation_model(operation).output_shape.members[listed].member.members)


# In botocore's model


@tables
def test_every_attribute_that_describe_returns_is_classified(kind: str):
    assert described(kind) - set(TABLES[kind]) == set()


@tables
def test_every_attribute_that_is_classified_exists(kind: str):
    assert set(TABLES[kind]) - described(kind) == set()


@tables
def test_a_class_is_one_of_seven_and_has_what_it_needs(kind: str):
    for name, row in TABLES[kind].items():
        assert row.how in CLASSES
        carries = bool(row.restore or row.modify or row.plan)
        assert carries == (name in restores.carried(TABLES[kind])), name
        if row.how == REFUSED:
            assert row.refusal or row.by, name
        # What is refused only where it is to be replaced may be carried to a copy.
        elif row.refusal or row.by:
            assert row.refusal.of_replacement, name


@tables
def test_what_cannot_be_kept_says_why_in_a_sentence(kind: str):
    for name, row in TABLES[kind].items():
        if row.how == LOST or row.lost:
            assert row.why.endswith("."), name
            assert row.why[0].isupper(), name


# Carried: each has its test


def set_somewhere(kind: str) -> set[str]:
    """The attributes that the sample databases set, and expect after a restore."""
    return {
        name
        for database in samples.DATABASES.values()
        for part, expected in database.expects.items()
        if samples.of(database, part) == kind
        for name in expected
    }


@tables
def test_every_attribute_that_a_call_carries_is_set_in_a_sample_database(kind: str):
    assert set(restores.carried(TABLES[kind])) == set_somewhere(kind)


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# Those by a call, a rule or a Modify of their own, each in one database; `make attributes` has all.
SLICE = [
    ("instance", "AssociatedRoles"), ("instance", "MultiTenant"),
    ("cluster", "BacktrackWindow"), ("cluster", "CustomEndpoints"), ("cluster", "Iops"),
    ("cluster", "HttpEndpointEnabled"), ("member", "DBCapacityReservationIdentifier"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), SLICE, ids=lambda word: word)
def test_without_an_attribute_exactly_its_test_fails(quiet: None, kind: str, name: str):
    failed: set[tuple[str, str]] = set()
    with restores.aws() as aws:
        for database in samples.DATABASES.values():
            expects = [samples.of(database, part) for part in database.expects]
            if kind in expects and differs_without(aws, database, kind, name):
                with restores.without(kind, name):
                    failed |= restores.failing(aws, database)

    assert is_right((kind, name), failed), failed


def test_with_all_attributes_no_test_fails(quiet: None):
    with restores.aws() as aws:
        for name in ("crm-db", "stock-cluster"):
            assert restores.failing(aws, samples.DATABASES[name]) == set()


# Refused: each with what sets it, the error and words of the sentence

STREAM = {"ActivityStreamStatus": "started"}
STREAMING = ("DatabaseNotSupported", "activity stream")
CUSTOM = {"Engine": "custom-oracle-ee"}
OF_CUSTOM = ("WrongKind", "custom-oracle-ee")
PENDING = ("DatabaseNotAvailable", "pending changes (")
REPLICAS = ("DatabaseNotSupported", "the read replicas other-db")
REPLICA = ("DatabaseNotSupported", "a read replica of other-db")
MULTI_AZ = {"DBClusterInstanceClass": "db.r6gd.large"}
OF_MULTI_AZ = ("WrongKind", "Multi-AZ DB cluster")
RETIRED = ("WrongKind", "engine mode serverless")
LIMITLESS = ("DatabaseNotSupported", "Limitless")
GLOBAL = ("DatabaseNotSupported", "global cluster planet")

Case = tuple[dict[str, Any], tuple[str, str]]
REFUSALS: dict[str, dict[str, Case]] = {
    "instance": {
        "ActivityStreamEngineNativeAuditFieldsIncluded": (
            {**STREAM, "ActivityStreamEngineNativeAuditFieldsIncluded": True}, STREAMING,
        ),
        "ActivityStreamKinesisStreamName": (
            {**STREAM, "ActivityStreamKinesisStreamName": "stream"}, STREAMING,
        ),
        "ActivityStreamKmsKeyId": ({**STREAM, "ActivityStreamKmsKeyId": "key"}, STREAMING),
        "ActivityStreamMode": ({**STREAM, "ActivityStreamMode": "async"}, STREAMING),
        "ActivityStreamStatus": (STREAM, STREAMING),
        "AutomationMode": ({**CUSTOM, "AutomationMode": "full"}, OF_CUSTOM),
        "CustomIamInstanceProfile": ({**CUSTOM, "CustomIamInstanceProfile": "p"}, OF_CUSTOM),
        "DBClusterIdentifier": ({"DBClusterIdentifier": "other"}, ("WrongKind", "cluster other")),
        "PendingModifiedValues": ({"PendingModifiedValues": {"Port": 1234}}, PENDING),
        "ReadReplicaDBClusterIdentifiers": (
            {"ReadReplicaDBClusterIdentifiers": ["other-db"]}, REPLICAS,
        ),
        "ReadReplicaDBInstanceIdentifiers": (
            {"ReadReplicaDBInstanceIdentifiers": ["other-db"]}, REPLICAS,
        ),
        "ReadReplicaSourceDBClusterIdentifier": (
            {"ReadReplicaSourceDBClusterIdentifier": "other-db"}, REPLICA,
        ),
        "ReadReplicaSourceDBInstanceIdentifier": (
            {"ReadReplicaSourceDBInstanceIdentifier": "other-db"}, REPLICA,
        ),
        "ReplicaMode": (
            {"ReadReplicaSourceDBInstanceIdentifier": "other-db", "ReplicaMode": "mounted"},
            REPLICA,
        ),
        "ResumeFullAutomationModeTime": (
            {**CUSTOM, "AutomationMode": "all-paused"}, OF_CUSTOM,
        ),
        "TdeCredentialArn": (
            {"TdeCredentialArn": "arn:hsm"}, ("DatabaseNotSupported", "TDE key in arn:hsm"),
        ),
    },
    "cluster": {
        "ActivityStreamKinesisStreamName": (
            {**STREAM, "ActivityStreamKinesisStreamName": "stream"}, STREAMING,
        ),
        "ActivityStreamKmsKeyId": ({**STREAM, "ActivityStreamKmsKeyId": "key"}, STREAMING),
        "ActivityStreamMode": ({**STREAM, "ActivityStreamMode": "sync"}, STREAMING),
        "ActivityStreamStatus": (STREAM, STREAMING),
        "Capacity": ({"EngineMode": "serverless", "Capacity": 2}, RETIRED),
        "ClusterScalabilityType": ({"ClusterScalabilityType": "limitless"}, LIMITLESS),
        "DBClusterInstanceClass": (MULTI_AZ, OF_MULTI_AZ),
        "EngineMode": ({"EngineMode": "serverless"}, RETIRED),
        "GlobalClusterIdentifier": ({"GlobalClusterIdentifier": "planet"}, GLOBAL),
        "GlobalWriteForwardingRequested": (
            {"GlobalClusterIdentifier": "planet", "GlobalWriteForwardingRequested": True}, GLOBAL,
        ),
        "GlobalWriteForwardingStatus": (
            {"GlobalClusterIdentifier": "planet", "GlobalWriteForwardingStatus": "enabled"},
            GLOBAL,
        ),
        "LimitlessDatabase": ({"LimitlessDatabase": {"Status": "active"}}, LIMITLESS),
        "PendingModifiedValues": ({"PendingModifiedValues": {"EngineVersion": "17"}}, PENDING),
        "ReadReplicaIdentifiers": ({"ReadReplicaIdentifiers": ["other-db"]}, REPLICAS),
        "ReplicationSourceIdentifier": (
            {"ReplicationSourceIdentifier": "other-db"},
            REPLICA,
        ),
        "ScalingConfigurationInfo": (
            {"EngineMode": "serverless", "ScalingConfigurationInfo": {"MinCapacity": 1}}, RETIRED,
        ),
    },
    "member": {
        "PendingModifiedValues": ({"PendingModifiedValues": {"Port": 1234}}, PENDING),
    },
}  # fmt: skip
NAMES = {"instance": "prod-db", "cluster": "prod-cluster", "member": "prod-cluster-reader"}
KINDS: dict[str, Kind] = {"instance": INSTANCE, "cluster": CLUSTER, "member": CLUSTER}


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (of, name)
        for of, table in TABLES.items()
        for name, row in table.items()
        if row.how == REFUSED or row.refusal
    ],
)
def test_what_a_table_refuses_the_preflight_refuses(aws: Aws, of: str, name: str):
    shown, (error, words) = REFUSALS[of][name]
    aws.kind = KINDS[of]
    assert aws.check(dryRun=True)["findings"] == []
    found: Any = aws.found(NAMES[of], "cluster" if of == "cluster" else "instance")
    found |= shown

    findings = aws.check(dryRun=True)["findings"]

    assert [one["error"] for one in findings] == [error]
    assert words in findings[0]["message"]


@tables
def test_a_refusal_says_where_it_is_made(kind: str):
    """By the row itself, by another row, or by a function that exists."""
    for name, row in TABLES[kind].items():
        if not row.by or row.by in TABLES[kind]:
            other = TABLES[kind][row.by] if row.by else row
            assert other.refusal or other.how != REFUSED, name
            continue
        module, _, function = row.by.rpartition(".")
        assert hasattr(importlib.import_module(f"trapheus.{module}"), function), name


@tables
def test_nothing_is_refused_of_what_is_not_there(kind: str):
    for row in TABLES[kind].values():
        if row.refusal:
            assert not jmespath.search(row.refusal.when, {})


def test_a_plan_that_step_functions_cannot_carry_is_refused(aws: Aws, kind: Kind):
    aws.found()["TagList"] = [
        {"Key": f"{n:0120}", "Value": "v" * 250} for n in range(49)
    ]  # fmt: skip
    assert aws.check(dryRun=True)["findings"] == []
    aws.found()["TagList"] *= 7

    (error, *_) = [
        one for one in aws.check(dryRun=True)["findings"] if "Step Functions" in one["message"]
    ]

    assert error["error"] == "DatabaseNotSupported"


def test_a_cluster_of_fifteen_members_with_all_their_tags_fits(aws: Aws):
    """262,144 bytes are what a state may carry."""
    members = [f"prod-cluster-{n:02}" for n in range(13)]
    aws.kind = CLUSTER
    with aws.rds.instantly():
        for name in members:
            aws.rds.call("CreateDBInstance", {
                "DBInstanceIdentifier": name, "DBClusterIdentifier": "prod-cluster",
                "Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large",
            })  # fmt: skip
    parts = [aws.found(), *(found for found in aws.rds.instances.values()
                            if found.get("DBClusterIdentifier") == "prod-cluster")]  # fmt: skip
    assert len(parts) == 16
    for found in parts:
        found["TagList"] = [{"Key": f"key-of-{n:020}", "Value": "v" * 48} for n in range(49)]

    answer = aws.check(dryRun=True)

    assert [one for one in answer["findings"] if "Step Functions" in one["message"]] == []
    state = {"check": answer}
    comparison = Comparison()
    for part, planned in zip(parts, [answer["plan"], *answer["plan"]["members"]], strict=True):
        table = CLUSTER_TABLE if part is parts[0] else MEMBER
        new = {**part, "DbiResourceId": "db-" + "X" * 24, "DbClusterResourceId": "cluster-X"}
        comparison.add(compared(table, planned, new), "m" * 58)
    state["verified"] = {"report": comparison.report()}
    assert len(comparison.cannot_keep) >= 16
    assert len(json.dumps(state)) < 180_000


def test_derived_attributes_are_in_no_call():
    for table in TABLES.values():
        for row in table.values():
            if row.how == DERIVED:
                assert [*row.restore, *row.modify] == []
                assert row.call == ""


def test_the_manual_names_everything_that_cannot_be_kept():
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    for table in TABLES.values():
        for name, row in table.items():
            if row.how == LOST or row.lost:
                assert f"`{name}`" in page
                assert row.why in page


def test_the_page_of_attributes_is_of_these_tables_and_this_botocore():
    page = (Path(__file__).parents[2] / "docs" / "attributes.md").read_text()
    assert f"botocore {botocore.__version__}" in page
    for table in TABLES.values():
        for name, row in table.items():
            assert f"| `{name}` | {row.how} |" in page, name
