"""Multi-AZ DB clusters of the local RDS: RDS makes the members, and deletes them."""

from collections.abc import Callable
from typing import Any

import pytest

from local.emulator.rds import RdsError
from tests.emulator.rds_world import World

MADE = {
    "Engine": "postgres", "DBClusterInstanceClass": "db.r6gd.large", "AllocatedStorage": 100,
    "StorageType": "io1", "Iops": 1000,
}  # fmt: skip


@pytest.fixture
def world() -> World:
    """An account with `zones`, and its snapshot `zones-snapshot`."""
    world = World(empty=True)
    with world.rds.instantly():
        world.rds.call("CreateDBCluster", {"DBClusterIdentifier": "zones", **MADE})
        world.rds.call("CreateDBClusterSnapshot", {
            "DBClusterIdentifier": "zones", "DBClusterSnapshotIdentifier": "zones-snapshot",
        })  # fmt: skip
    return world


def restore(world: World, **more: Any) -> None:
    world.rds.call("RestoreDBClusterFromSnapshot", {
        "DBClusterIdentifier": "new", "SnapshotIdentifier": "zones-snapshot", "Engine": "postgres",
        **more,
    })  # fmt: skip


def refused(act: Callable[[], Any]) -> None:
    with pytest.raises(RdsError) as raised:
        act()
    assert raised.value.code == "InvalidParameterCombination"


def members(world: World, cluster: str) -> dict[str, str]:
    """The statuses of a cluster's members."""
    return {
        name: shown["DBInstanceStatus"]
        for name, shown in world.rds.instances.items()
        if shown["DBClusterIdentifier"] == cluster
    }


def test_it_has_three_members_of_its_class_and_the_first_writes(world: World) -> None:
    shown = world.shown("cluster", "zones")
    assert [one["IsClusterWriter"] for one in shown["DBClusterMembers"]] == [True, False, False]
    assert members(world, "zones") == {f"zones-instance-{n}": "available" for n in (1, 2, 3)}
    parts = [world.rds.instances[f"zones-instance-{n}"] for n in (1, 2, 3)]
    assert {part["DBInstanceClass"] for part in parts} == {"db.r6gd.large"}
    assert len({part["AvailabilityZone"] for part in parts}) == 3


def test_a_restored_one_is_available_once_its_members_are(world: World) -> None:
    restore(world, DBClusterInstanceClass="db.r6gd.xlarge")
    world.wait(1)
    assert set(members(world, "new").values()) == {"creating"}
    world.wait()
    assert world.status("cluster", "new") == "available"
    assert members(world, "new") == {f"new-instance-{n}": "available" for n in (1, 2, 3)}
    ended = {change.name: change.time for change in world.changes if change.after == "available"}
    assert ended["new"] >= max(ended[name] for name in members(world, "new"))
    assert world.shown("cluster", "new")["AllocatedStorage"] == 100


def test_it_is_deleted_with_its_members(world: World) -> None:
    world.rds.call("DeleteDBCluster", {"DBClusterIdentifier": "zones", "SkipFinalSnapshot": True})
    world.wait()
    assert (world.rds.clusters, world.rds.instances) == ({}, {})


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("ModifyDBInstance", {"DBInstanceIdentifier": "zones-instance-1", "PromotionTier": 2}),
        ("DeleteDBInstance", {"DBInstanceIdentifier": "zones-instance-1"}),
        ("CreateDBInstance", {"DBInstanceIdentifier": "fourth", "DBClusterIdentifier": "zones",
                              "Engine": "postgres", "DBInstanceClass": "db.r6gd.large"}),
        ("ModifyDBCluster", {"DBClusterIdentifier": "zones", "AllocatedStorage": 105}),
        ("ModifyDBCluster", {"DBClusterIdentifier": "zones", "AllocatedStorage": 50}),
        ("ModifyDBCluster", {"DBClusterIdentifier": "zones", "NetworkType": "DUAL"}),
    ],
)  # fmt: skip
def test_what_rds_does_itself_or_aurora_alone_has_is_refused(
    world: World, operation: str, parameters: dict[str, Any]
) -> None:
    refused(lambda: world.rds.call(operation, parameters))


@pytest.mark.parametrize(
    "more",
    [{}, {"DBClusterInstanceClass": "db.r6gd.large", "AvailabilityZones": ["us-east-1a"]}],
    ids=["without a class", "with zones"],
)
def test_a_restore_that_rds_would_refuse_is_refused(world: World, more: dict[str, Any]) -> None:
    refused(lambda: restore(world, **more))


def test_aurora_takes_no_class_of_a_cluster() -> None:
    world = World()
    asked = {"DBClusterIdentifier": "cl", "DBClusterInstanceClass": "db.r6gd.large"}
    refused(lambda: world.rds.call("ModifyDBCluster", asked))


@pytest.mark.parametrize("given", [{}, {"CopyTags": True}])
def test_its_snapshot_is_not_copied(world: World, given: dict[str, Any]) -> None:
    refused(lambda: world.rds.call("CopyDBClusterSnapshot", {
        "SourceDBClusterSnapshotIdentifier": "zones-snapshot",
        "TargetDBClusterSnapshotIdentifier": "copy", **given,
    }))  # fmt: skip
    assert "copy" not in world.rds.cluster_snapshots


def test_what_is_not_encrypted_stays_so(world: World) -> None:
    key = f"arn:aws:kms:{world.rds.region}:{world.rds.account}:key/own"
    shown = world.rds.cluster_snapshots["zones-snapshot"]
    assert "KmsKeyId" not in shown
    refused(lambda: restore(world, DBClusterInstanceClass="db.r6gd.large", KmsKeyId=key))
    assert "new" not in world.rds.clusters
