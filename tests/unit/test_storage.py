"""What is asked for of the original's storage, by the size that the copy will have."""

from typing import Any

import pytest

from trapheus.configuration.attributes import INSTANCE
from trapheus.configuration.comparison import (
    compared,
    configuration,
    modifications,
)
from trapheus.configuration.overrides import override
from trapheus.configuration.storage import fit_storage

BARE = {"Engine": "postgres"}
TENTH = "only by a tenth or more"


def storage_of(original: int, snapshot: int | None, engine: str = "postgres") -> dict[str, Any]:
    found = {"Engine": engine, "AllocatedStorage": original}
    plan = configuration(INSTANCE, found)
    fit_storage(plan, found, None if snapshot is None else {"AllocatedStorage": snapshot})
    return plan


@pytest.mark.parametrize(("engine", "call"), [("postgres", "restore"), ("sqlserver-se", "modify")])
@pytest.mark.parametrize(
    ("original", "snapshot", "asked"),
    [(110, 100, True), (200, 100, True), (109, 100, False), (100, 100, False), (100, None, False)],
)
def test_storage_is_asked_for_only_where_it_grows_by_a_tenth(
    engine: str, call: str, original: int, snapshot: int | None, *, asked: bool
):
    plan = storage_of(original, snapshot, engine)

    assert plan[call].get("AllocatedStorage") == (original if asked else None)
    assert "AllocatedStorage" not in plan["modify" if call == "restore" else "restore"]


def test_storage_that_cannot_be_as_it_was_is_reported():
    comparison = compared(INSTANCE, storage_of(105, 100), {**BARE, "AllocatedStorage": 100})

    (entry,) = comparison.differs
    assert (entry["attribute"], entry["was"], entry["now"]) == ("AllocatedStorage", 105, 100)
    assert TENTH in entry["done"]
    assert comparison.wrong == []


def test_storage_that_was_asked_for_and_not_given_is_wrong():
    comparison = compared(INSTANCE, storage_of(200, 100), {**BARE, "AllocatedStorage": 100})

    assert comparison.wrong == ["AllocatedStorage is 100, was 200"]


def test_storage_of_sql_server_that_has_grown_already_is_not_asked_for_again():
    plan = storage_of(200, 100, "sqlserver-se")
    found = {"Engine": "sqlserver-se", "AllocatedStorage": 200}
    plan["modify"]["MaxAllocatedStorage"] = 500

    assert modifications(INSTANCE, plan, found) == {"MaxAllocatedStorage": 500}


# IOPS and throughput

TUNED = {"StorageType": "gp3", "Iops": 12000, "StorageThroughput": 500}
SMALL = {"StorageType": "gp3", "Iops": 3000, "StorageThroughput": 125}


def fitted(found: dict[str, Any], snapshot: int, **overrides: Any) -> dict[str, Any]:
    """The plan for the original, of a snapshot of this size."""
    plan = configuration(INSTANCE, found)
    override(plan, INSTANCE, found["Engine"], overrides)
    fit_storage(plan, found, {"AllocatedStorage": snapshot})
    return plan


@pytest.mark.parametrize(
    ("engine", "size", "snapshot", "asked", "tuned"),
    [
        ("postgres", 500, 500, None, True),
        ("postgres", 500, 100, 100, False),
        ("postgres", 410, 390, None, False),
        ("postgres", 500, 390, 390, False),
        ("postgres", 500, 500, 900, True),
        ("oracle-ee", 210, 195, None, False),
        ("oracle-ee", 300, 250, None, True),
        ("sqlserver-se", 210, 195, None, True),
    ],
)
def test_iops_are_asked_for_only_of_a_size_that_takes_them(
    engine: str, size: int, snapshot: int, asked: int | None, *, tuned: bool
):
    found = {"Engine": engine, "AllocatedStorage": size, **TUNED}
    overrides = {} if asked is None else {"AllocatedStorage": asked}
    plan = fitted(found, snapshot, **overrides)

    for name in ("Iops", "StorageThroughput"):
        in_a_call = plan["restore"].get(name) or plan["modify"].get(name)
        assert in_a_call == (TUNED[name] if tuned else None)


def test_iops_that_rds_chooses_for_a_small_volume_are_told():
    found = {**BARE, "AllocatedStorage": 500, **TUNED}
    plan = fitted(found, 100, AllocatedStorage=100)

    comparison = compared(INSTANCE, plan, {**BARE, "AllocatedStorage": 100, **SMALL})

    assert comparison.wrong == []
    told = {entry["attribute"]: entry for entry in comparison.differs}
    assert told["Iops"]["was"] == 12000
    assert told["StorageThroughput"]["done"] == "RDS chooses it for storage of this size"


def test_iops_that_rds_chooses_for_a_large_volume_are_told():
    found = {**BARE, "AllocatedStorage": 100, **SMALL}
    plan = fitted(found, 100, AllocatedStorage=500)

    comparison = compared(INSTANCE, plan, {**BARE, "AllocatedStorage": 500, **TUNED})

    assert comparison.wrong == []
    told = {entry["attribute"]: entry["now"] for entry in comparison.differs}
    assert told == {"AllocatedStorage": 500, "Iops": 12000, "StorageThroughput": 500}


def test_iops_that_are_asked_for_go_to_rds_as_they_are():
    found = {**BARE, "AllocatedStorage": 100, **SMALL}

    plan = fitted(found, 100, AllocatedStorage=500, Iops=16000)

    assert plan["restore"]["Iops"] == 16000
    assert "StorageThroughput" in plan["open"]


# The ceiling


@pytest.mark.parametrize(
    ("size", "snapshot", "ceiling", "asked"),
    [(100, 100, 110, True), (100, 100, 109, False), (100, 90, 109, False), (105, 100, 110, True)],
)
def test_a_ceiling_is_asked_for_only_a_tenth_above_the_storage(
    size: int, snapshot: int, ceiling: int, *, asked: bool
):
    found = {**BARE, "AllocatedStorage": size, "MaxAllocatedStorage": ceiling}

    plan = fitted(found, snapshot)

    assert plan["modify"].get("MaxAllocatedStorage") == (ceiling if asked else None)


def test_a_ceiling_that_is_left_out_is_told():
    found = {**BARE, "AllocatedStorage": 100, "MaxAllocatedStorage": 105}

    comparison = compared(INSTANCE, fitted(found, 100), {**BARE, "AllocatedStorage": 100})

    assert comparison.wrong == []
    (told,) = comparison.differs
    assert (told["attribute"], told["was"], told["now"]) == ("MaxAllocatedStorage", 105, None)
    assert "only from a tenth above" in told["done"]


def test_a_ceiling_that_is_asked_for_goes_to_rds_as_it_is():
    found = {**BARE, "AllocatedStorage": 100, "MaxAllocatedStorage": 105}

    plan = fitted(found, 100, MaxAllocatedStorage=200)

    assert plan["modify"]["MaxAllocatedStorage"] == 200
