"""A fleet: many restores, so many at a time, and what became of each."""

import json
from typing import Any

import pytest

from local.account import make_plain
from local.app import App, export_bucket
from local.cloud import REGION, Execution, Notice
from tests.pipeline.facts import KINDS, Kind, databases, marks

of_both = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
BUCKET = export_bucket(REGION)


def make(cloud: App, kind: Kind, count: int) -> list[str]:
    """So many databases of a kind, each with its snapshot."""
    rds = cloud.rds
    rds.quotas |= dict.fromkeys(("instance", "cluster", "snapshot", "cluster-snapshot"), 200)
    names = [f"many{number}" for number in range(count)]
    with rds.instantly(at=rds.time - 86_400):
        for name in names:
            make_plain(rds, name)
            database = f"{name}-{'cluster' if kind.is_cluster else 'db'}"
            what = kind.operation("DB*") if kind.is_cluster else "DB"
            rds.call(f"Create{what}Snapshot", {
                f"{kind.operation('DB*')}Identifier": database,
                f"{what}SnapshotIdentifier": f"{database}-snapshot",
            })  # fmt: skip
    rds.settle()
    return [f"{name}-{'cluster' if kind.is_cluster else 'db'}" for name in names]


def requests(kind: Kind, names: list[str], **more: Any) -> list[dict[str, Any]]:
    return [kind.request("db_restore", **more) | {"identifier": name} for name in names]


def run(cloud: App, asked: Any, name: str = "weekly") -> Execution:
    """One fleet, and all that it has started, to their ends."""
    arn = cloud.start("FleetStateMachine", asked, name)
    cloud.settle(real_timeout=300)
    return cloud.describe(arn)


def restores(cloud: App) -> list[Execution]:
    return [cloud.describe(arn) for arn in cloud.executions(cloud.machine)]


def read(cloud: App, place: str) -> Any:
    """An object of the bucket, by its address."""
    key = place.removeprefix(f"s3://{BUCKET}/")
    return json.loads(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def put(cloud: App, key: str, text: str) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())


@of_both
def test_ten_are_restored_three_at_a_time(cloud: App, kind: Kind) -> None:
    names = make(cloud, kind, 10)
    before = databases(cloud)
    running: set[str] = set()
    most = 0

    def count(notice: Notice) -> None:
        nonlocal most
        if notice.kind == "execution started" and ":DBRestore" in notice.execution.replace(
            "trapheus-", ""
        ):
            running.add(notice.execution)
        if notice.kind == "execution ended":
            running.discard(notice.execution)
        most = max(most, len(running))

    cloud.listeners.append(count)
    fleet = run(cloud, {"requests": requests(kind, names), "maxConcurrency": 3})

    print(fleet.cause)
    assert (fleet.status, fleet.cause) == ("SUCCEEDED", "")
    assert most == 3
    told = {name: fleet.output[name] for name in ("requests", "restored", "failed", "notStarted")}
    assert told == {"requests": 10, "restored": 10, "failed": 0, "notStarted": 0}
    assert [one.status for one in restores(cloud)] == ["SUCCEEDED"] * 10
    after = databases(cloud)
    of_kind = [f"{kind.name} {name}" for name in names]
    assert all(after[name][0] != before[name][0] for name in of_kind)
    assert after.keys() == before.keys()
    assert marks(cloud) == []
    summary = read(cloud, fleet.output["summary"])
    assert [one["request"]["identifier"] for one in summary["all"]] == names
    assert fleet.output["remaining"] == ""
