"""Overrides that RDS would refuse after the original has left its name: refused beforehand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from local.emulator.rds import RdsError
from tests.unit.conftest import CLUSTER, INSTANCE, Aws, Kind
from trapheus.execution import exceptions

SQL_SERVER = {"Engine": "sqlserver-se", "DBInstanceClass": "db.r6g.large", "MasterUsername": "sa",
              "ManageMasterUserPassword": True, "AllocatedStorage": 200}  # fmt: skip


def refusal(aws: Aws, **overrides: Any) -> str:
    with pytest.raises(exceptions.InvalidRequest) as raised:
        aws.check(overrides=overrides)
    return str(json.loads(str(raised.value))["message"])


def sql_server(aws: Aws, **more: Any) -> None:
    aws.kind = replace(INSTANCE, identifier="crm-db")
    with aws.rds.instantly():
        aws.rds.call("CreateDBInstance", {"DBInstanceIdentifier": "crm-db", **SQL_SERVER, **more})
        aws.rds.call(
            "CreateDBSnapshot",
            {"DBInstanceIdentifier": "crm-db", "DBSnapshotIdentifier": "crm-db-snapshot"},
        )


def test_a_mirrored_sql_server_keeps_its_backups(aws: Aws):
    sql_server(aws, MultiAZ=True)

    said = refusal(aws, BackupRetentionPeriod=0)

    assert "BackupRetentionPeriod of the restored crm-db must be 1 or more" in said
    assert aws.check(overrides={"BackupRetentionPeriod": 0, "MultiAZ": False})["findings"] == []
    with pytest.raises(RdsError, match="Mirroring cannot be applied"):
        aws.rds.call("ModifyDBInstance", {
            "DBInstanceIdentifier": "crm-db", "BackupRetentionPeriod": 0, "ApplyImmediately": True,
        })  # fmt: skip


def test_a_sql_server_without_backups_is_not_mirrored(aws: Aws):
    sql_server(aws, BackupRetentionPeriod=0)

    assert "must be 1 or more" in refusal(aws, MultiAZ=True)
    assert aws.check(overrides={"BackupRetentionPeriod": 1, "MultiAZ": True})["findings"] == []


def test_other_engines_go_without_backups(aws: Aws):
    assert aws.check(overrides={"BackupRetentionPeriod": 0, "MultiAZ": True})["findings"] == []


@pytest.mark.parametrize("days", [0, 36])
def test_a_cluster_keeps_backups(aws: Aws, days: int):
    aws.kind = CLUSTER

    assert "must be 1 to 35" in refusal(aws, BackupRetentionPeriod=days)
    with pytest.raises(RdsError, match="Retention period must be between 1 and 35"):
        aws.rds.call("ModifyDBCluster", {
            "DBClusterIdentifier": "prod-cluster", "BackupRetentionPeriod": days,
        })  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"MonitoringInterval": 7}, "MonitoringInterval"),
        ({"PerformanceInsightsRetentionPeriod": 94}, "multiple of 31"),
        ({"Port": 80}, "must be 1150 to 65535"),
        ({"NetworkType": "IPV6"}, "must be IPV4 or DUAL"),
        ({"DatabaseInsightsMode": "fast"}, "must be standard or advanced"),
        ({"PerformanceInsightsRetentionPeriod": 7}, "a retention of 465 days or more"),
    ],
)
def test_what_rds_has_not_is_refused(aws: Aws, kind: Kind, overrides: dict[str, Any], words: str):
    assert words in refusal(aws, **overrides)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"StorageType": "gp2", "Iops": 3000}, "cannot be set for gp2"),
        ({"StorageType": "io1", "Iops": 3000, "StorageThroughput": 500}, "for gp3 only"),
        (
            {"ManageMasterUserPassword": False, "MasterUserSecretKmsKeyId": "alias/one"},
            "needs a password in Secrets Manager",
        ),
        (
            {"EnablePerformanceInsights": False, "PerformanceInsightsRetentionPeriod": 31,
             "DatabaseInsightsMode": "standard"},
            "needs Performance Insights",
        ),
    ],
)  # fmt: skip
def test_what_rds_takes_only_with_something_else_is_refused(
    aws: Aws, overrides: dict[str, Any], words: str
):
    assert words in refusal(aws, **overrides)


def test_a_tier_of_a_member_is_one_that_rds_has(aws: Aws):
    aws.kind = CLUSTER

    assert "must be 0 to 15" in refusal(aws, PromotionTier=16)


@pytest.mark.parametrize(
    "overrides",
    [
        {"BackupRetentionPeriod": 35}, {"MonitoringInterval": 60}, {"Port": 65535},
        {"PerformanceInsightsRetentionPeriod": 731}, {"PerformanceInsightsRetentionPeriod": 465},
        {"DatabaseInsightsMode": "standard", "PerformanceInsightsRetentionPeriod": 7},
    ],
)  # fmt: skip
def test_what_rds_takes_passes(aws: Aws, kind: Kind, overrides: dict[str, Any]):
    assert aws.check(overrides=overrides)["findings"] == []
