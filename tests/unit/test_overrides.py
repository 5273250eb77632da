"""What a request asks for instead of the original's: in the plan, and in the verification."""

from typing import Any

import pytest

from trapheus.configuration.attributes import CLUSTER, INSTANCE, Table
from trapheus.configuration.comparison import (
    Comparison,
    compared,
    configuration,
    modifications,
)
from trapheus.configuration.overrides import override
from trapheus.configuration.storage import fit_storage

ORIGINAL: dict[str, Any] = {
    "Engine": "postgres",
    "DBInstanceClass": "db.r6g.large",
    "StorageType": "io1",
    "AllocatedStorage": 200,
    "Iops": 4000,
    "MultiAZ": False,
    "AvailabilityZone": "us-east-1a",
    "MonitoringInterval": 15,
    "MonitoringRoleArn": "arn:role",
    "PerformanceInsightsEnabled": False,
    "OptionGroupMemberships": [{"OptionGroupName": "mine"}],
    "MasterUserSecret": {"SecretArn": "arn:secret", "KmsKeyId": "arn:key"},
}


def planned(**overrides: Any) -> dict[str, Any]:
    plan = configuration(INSTANCE, ORIGINAL)
    override(plan, INSTANCE, "postgres", overrides)
    return plan


def looked_at(plan: dict[str, Any], **changes: Any) -> Comparison:
    return compared(INSTANCE, plan, ORIGINAL | changes)


def differing(comparison: Comparison) -> dict[str, tuple[Any, Any, str]]:
    return {one["attribute"]: (one["was"], one["now"], one["done"]) for one in comparison.differs}


def test_what_is_overridden_is_told_and_not_wrong():
    comparison = looked_at(planned(DBInstanceClass="db.t4g.micro"), DBInstanceClass="db.t4g.micro")

    assert comparison.wrong == []
    assert differing(comparison) == {
        "DBInstanceClass": ("db.r6g.large", "db.t4g.micro", "overridden by the request")
    }
    assert "DBInstanceClass" not in comparison.kept


def test_an_override_that_has_not_come_true_is_wrong():
    comparison = looked_at(planned(DBInstanceClass="db.t4g.micro"))

    assert comparison.wrong == ["DBInstanceClass is 'db.r6g.large', was to become 'db.t4g.micro'"]


def test_an_override_with_the_original_s_own_value_is_kept():
    comparison = looked_at(planned(DBInstanceClass="db.r6g.large"))

    assert (comparison.wrong, comparison.differs) == ([], [])
    assert "DBInstanceClass" in comparison.kept


def test_what_follows_is_left_to_rds_and_told():
    plan = planned(MultiAZ=True, MonitoringInterval=0)

    assert "AvailabilityZone" not in plan["restore"]
    assert "MonitoringRoleArn" not in plan["modify"]
    changes = {"MultiAZ": True, "MonitoringInterval": 0, "AvailabilityZone": "us-east-1c"}
    comparison = looked_at(plan, **changes, MonitoringRoleArn=None)
    assert comparison.wrong == []
    follows = "follows from what the request has overridden"
    told = differing(comparison)
    assert told["AvailabilityZone"][2] == follows
    assert told["MonitoringRoleArn"] == ("arn:role", None, follows)


def test_what_a_switch_brings_is_left_to_rds():
    plan = planned(EnablePerformanceInsights=True)
    on = {
        "PerformanceInsightsEnabled": True, "PerformanceInsightsKMSKeyId": "arn:default",
        "PerformanceInsightsRetentionPeriod": 7,
    }  # fmt: skip

    assert looked_at(plan, **on).wrong == []
    assert plan["modify"]["EnablePerformanceInsights"] is True


def test_a_switch_that_stays_on_keeps_what_goes_with_it():
    plan = planned(ManageMasterUserPassword=True)

    assert plan["modify"]["MasterUserSecretKmsKeyId"] == "arn:key"
    assert looked_at(plan, MasterUserSecret={"KmsKeyId": "arn:other"}).wrong != []


def test_a_secret_that_is_given_up_is_not_told_as_lost():
    plan = planned(ManageMasterUserPassword=False)

    comparison = looked_at(plan, MasterUserSecret=None)
    assert (comparison.wrong, comparison.cannot_keep) == ([], [])
    assert "MasterUserSecret" in differing(comparison)


@pytest.mark.parametrize(
    ("table", "engine", "name"),
    [
        (INSTANCE, "postgres", "ManageMasterUserPassword"),
        (INSTANCE, "oracle-ee", "MultiTenant"),
        (CLUSTER, "aurora-mysql", "ManageMasterUserPassword"),
        (CLUSTER, "aurora-mysql", "EnableLocalWriteForwarding"),
    ],
)
def test_what_is_off_needs_no_change_to_be_off(table: Table, engine: str, name: str):
    original = {"Engine": engine, "MultiTenant": True, "LocalWriteForwardingStatus": "enabled"}
    plan = configuration(table, original | {"MasterUserSecret": {"KmsKeyId": "arn:key"}})
    plan["modify"] = {}
    override(plan, table, engine, {name: False})

    assert modifications(table, plan, {"Engine": engine}) == {}
    plan["modify"]["DatabaseInsightsMode"] = "standard"
    assert modifications(table, plan, {"Engine": engine}) == {"DatabaseInsightsMode": "standard"}


def test_an_empty_value_leaves_a_parameter_to_rds():
    plan = planned(OptionGroupName="")

    assert "OptionGroupName" not in plan["restore"]
    default = [{"OptionGroupName": "default:postgres-16"}]
    comparison = looked_at(plan, OptionGroupMemberships=default)
    assert comparison.wrong == []
    assert differing(comparison)["OptionGroupMemberships"][:2] == ("mine", "default:postgres-16")


@pytest.mark.parametrize(
    ("engine", "call", "other"),
    [("postgres", "restore", "modify"), ("sqlserver-se", "modify", "restore")],
)
@pytest.mark.parametrize(
    ("name", "value"),
    [("Iops", 9000), ("StorageType", "gp3"), ("MultiAZ", True), ("AllocatedStorage", 900)],
)
def test_an_override_goes_into_the_one_call_that_takes_it(
    engine: str, call: str, other: str, name: str, value: Any
):
    plan = configuration(INSTANCE, ORIGINAL | {"Engine": engine})
    override(plan, INSTANCE, engine, {name: value})

    assert plan[call][name] == value
    assert name not in plan[other]


def test_a_parameter_that_two_calls_need_goes_into_both():
    plan = configuration(CLUSTER, {"Engine": "mysql", "DBClusterInstanceClass": "db.r6gd.large"})
    override(plan, CLUSTER, "mysql", {"Iops": 3000})

    assert plan["restore"]["Iops"] == plan["modify"]["Iops"] == 3000


@pytest.mark.parametrize("snapshot", [100, 195, 200])
def test_a_size_that_is_asked_for_is_not_fitted(snapshot: int):
    plan = planned(AllocatedStorage=300)
    fit_storage(plan, ORIGINAL, {"AllocatedStorage": snapshot})

    assert plan["restore"]["AllocatedStorage"] == 300
    comparison = looked_at(plan, AllocatedStorage=300)
    assert comparison.wrong == []
    assert differing(comparison)["AllocatedStorage"][:2] == (200, 300)
