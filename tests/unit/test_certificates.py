"""A CA that AWS has retired: still shown by what was never rotated, and taken by no call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.emulator.rds import RdsError
from tests.unit.conftest import CLUSTER, Aws, Kind
from trapheus.execution import exceptions

OLD, NEW = "rds-ca-2019", "rds-ca-rsa2048-g1"
READER = "prod-cluster-reader"


def never_rotated(aws: Aws) -> str:
    """Let the instance, or a member, have the old CA; its name."""
    name = READER if aws.kind is CLUSTER else aws.kind.identifier
    shown = aws.found(name, "instance")
    assert shown
    shown |= {"CACertificateIdentifier": OLD, "CertificateDetails": {"CAIdentifier": OLD}}
    return name


def told(aws: Aws, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What a restore by the plan tells of CAs."""
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)
    report = aws.run("verify", plan=plan)["report"]
    return [one for one in report["differs"] if "CA" in one["attribute"]]


def test_it_is_left_out_and_told(aws: Aws, kind: Kind):
    name = never_rotated(aws)
    answer = aws.check(dryRun=True)

    assert answer["findings"] == []
    (warning,) = answer["plan"]["warnings"]
    assert name in warning
    assert OLD in warning
    (entry,) = told(aws, answer["plan"])
    assert (entry["was"], entry["now"]) == (OLD, NEW)
    assert "retired" in entry["done"]
    assert aws.found(name, "instance")["CACertificateIdentifier"] == NEW


def test_it_is_left_out_for_a_multi_az_cluster(aws: Aws):
    aws.kind = replace(CLUSTER, identifier="zones")
    with aws.rds.instantly():
        aws.rds.call("CreateDBCluster", {
            "DBClusterIdentifier": "zones", "Engine": "mysql", "MasterUsername": "admin",
            "ManageMasterUserPassword": True, "DBClusterInstanceClass": "db.r6gd.large",
            "AllocatedStorage": 100, "StorageType": "io1", "Iops": 1000,
        })  # fmt: skip
        aws.rds.call("CreateDBClusterSnapshot", {
            "DBClusterIdentifier": "zones", "DBClusterSnapshotIdentifier": "zones-snapshot",
        })  # fmt: skip
    aws.rds.find("cluster", "zones").shown["CertificateDetails"] = {"CAIdentifier": OLD}

    plan = aws.plan(isCluster=True, strategy="copy", targetIdentifier="drill")

    assert "CACertificateIdentifier" not in plan["modify"]
    assert plan["changed"]["CertificateDetails"]["was"] == OLD
    assert [one for one in plan["warnings"] if OLD in one]


def test_one_that_is_asked_for_in_its_stead_is_given(aws: Aws, kind: Kind):
    name = never_rotated(aws)
    asked = "rds-ca-rsa4096-g1"
    answer = aws.check(dryRun=True, overrides={"CACertificateIdentifier": asked})

    assert (answer["findings"], answer["plan"]["warnings"]) == ([], [])
    assert asked in {one["now"] for one in told(aws, answer["plan"])}
    assert aws.found(name, "instance")["CACertificateIdentifier"] == asked


def test_one_that_is_asked_for_and_unknown_is_refused_by_name(aws: Aws, kind: Kind):
    with pytest.raises(exceptions.InvalidRequest) as raised:
        aws.check(overrides={"CACertificateIdentifier": OLD})

    assert f"CACertificateIdentifier is overridden with {OLD}" in str(raised.value)
    assert NEW in str(raised.value)


def test_where_rds_does_not_tell_its_cas_all_is_as_it_was(aws: Aws, kind: Kind):
    aws.rds.unsupported.add("DescribeCertificates")
    name = never_rotated(aws)

    answer = aws.check(dryRun=True)

    assert (answer["findings"], answer["plan"]["warnings"]) == ([], [])
    part = {"prod-db": answer["plan"]}.get(name) or answer["plan"]["members"][1]
    assert part["restore"]["CACertificateIdentifier"] == OLD


def test_a_snapshot_alone_asks_for_none(aws: Aws, kind: Kind):
    never_rotated(aws)

    assert aws.check(task="create_snapshot_only")["plan"]["warnings"] == []
    assert "DescribeCertificates" not in aws.calls


@pytest.mark.parametrize("operation", ["RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance"])
def test_rds_takes_no_retired_ca(aws: Aws, operation: str):
    name = {"ModifyDBInstance": "prod-db"}.get(operation, "fresh-db")
    given = {"DBInstanceIdentifier": name, "CACertificateIdentifier": OLD}
    if operation != "ModifyDBInstance":
        given["DBSnapshotIdentifier"] = "prod-db-snapshot"

    with pytest.raises(RdsError, match=f"CertificateNotFound: Certificate not found: {OLD}"):
        aws.rds.call(operation, given)

    never_rotated(aws)
    aws.rds.call("ModifyDBInstance", {"DBInstanceIdentifier": "prod-db", "MonitoringInterval": 0})


def test_rds_lists_none_that_it_has_retired(aws: Aws):
    listed = aws.rds.call("DescribeCertificates", {})["Certificates"]
    (version,) = aws.rds.call(
        "DescribeDBEngineVersions", {"Engine": "postgres", "EngineVersion": "16.4"}
    )["DBEngineVersions"]

    names = [one["CertificateIdentifier"] for one in listed]
    assert NEW in names
    assert OLD not in names
    assert version["SupportedCACertificateIdentifiers"] == names
    with pytest.raises(RdsError, match=f"Certificate {OLD} not found"):
        aws.rds.call("DescribeCertificates", {"CertificateIdentifier": OLD})
