"""DescribeEvents of the local RDS."""

from datetime import UTC, datetime, timedelta

import pytest

from local.emulator.rds import RdsError
from tests.emulator.rds_world import START, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])
NAMES = {"instance": "db", "cluster": "cl"}


def told(world: World, **asked) -> list[str]:
    return [event["Message"] for event in world.rds.call("DescribeEvents", asked)["Events"]]


@KINDS
def test_what_has_happened_to_a_database_is_told_for_two_weeks(kind: str):
    world, name = World(), NAMES[kind]
    world.rename(kind, name, "other")
    world.wait(30)
    words = [f"Renamed {kind} from {name} to other"]

    asked = {"SourceType": f"db-{kind}", "SourceIdentifier": "Other"}
    assert set(words) <= set(told(world, **asked))
    world.wait(120)
    assert told(world, **asked) == []
    assert set(words) <= set(told(world, **asked, Duration=600))
    start = datetime.fromtimestamp(START, UTC)
    assert set(words) <= set(told(world, **asked, StartTime=start))
    world.now += timedelta(days=15).total_seconds()
    assert told(world, **asked, StartTime=start) == []


@KINDS
def test_a_deletion_and_a_failure_are_told_by_their_categories(kind: str):
    world, name = World(), NAMES[kind]
    world.rds.find({"instance": "snapshot", "cluster": "cluster-snapshot"}[kind],
                   f"{name}-snapshot").poison = "incompatible-restore"  # fmt: skip
    world.restore(kind, "bad")
    if kind == "instance":
        world.delete(kind, name)
    world.wait(59)
    failures = told(world, SourceType=f"db-{kind}", EventCategories=["failure"])
    words = {
        "instance": "Database instance put into incompatible-restore. The instance has 76 databases"
        ", but after conversion it would only support 75.",
        "cluster": "You can't create the DB cluster because of incompatible resources.",
    }
    assert failures == [words[kind]]
    deletions = told(world, SourceType=f"db-{kind}", EventCategories=["deletion"])
    assert deletions == (["DB instance deleted"] if kind == "instance" else [])


def test_a_source_is_asked_for_with_its_type():
    with pytest.raises(RdsError, match="SourceType must be specified"):
        told(World(), SourceIdentifier="db")
