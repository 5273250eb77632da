"""Each task and kind: what AWS holds afterwards."""

import pytest

from local.commands.app import App
from tests.pipeline.observed import KINDS, Kind, databases, run, snapshots, tagged

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def members(kind: Kind) -> set[str]:
    return {f"{kind.name} {kind.identifier}"} | {f"instance {name}" for name in kind.members}


@each_kind
def test_db_restore_goes_back_to_the_snapshot(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    snapshot_data = cloud.rds.data(kind.snapshot_kind, kind.snapshot)
    assert cloud.rds.data(kind.name, kind.identifier) != snapshot_data

    execution = run(cloud, kind.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert cloud.rds.data(kind.name, kind.identifier) == snapshot_data
    after = databases(cloud)
    assert set(after) == set(before)
    changed = {name for name in after if after[name][0] != before[name][0]}
    assert changed == members(kind)
    assert all(after[name][1] == "available" for name in changed)


@each_kind
def test_create_snapshot_restores_what_was_there_and_renews_the_snapshot(
    cloud: App, kind: Kind
) -> None:
    before, old_snapshots = databases(cloud), snapshots(cloud)
    data = cloud.rds.data(kind.name, kind.identifier)
    assert cloud.rds.data(kind.snapshot_kind, kind.snapshot) != data

    execution = run(cloud, kind.request("create_snapshot"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert cloud.rds.data(kind.name, kind.identifier) == data
    assert cloud.rds.data(kind.snapshot_kind, kind.snapshot) == data
    assert snapshots(cloud) == old_snapshots
    after = databases(cloud)
    assert {name for name in after if after[name] != before[name]} == members(kind)


@each_kind
def test_create_snapshot_only_leaves_the_database_alone(cloud: App, kind: Kind) -> None:
    before, old_snapshots = databases(cloud), snapshots(cloud)
    data = cloud.rds.data(kind.name, kind.identifier)

    execution = run(cloud, kind.request("create_snapshot_only"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert databases(cloud) == before
    assert snapshots(cloud) == old_snapshots
    assert cloud.rds.data(kind.snapshot_kind, kind.snapshot) == data
    assert execution.output["snapshot"] == kind.snapshot
    assert execution.output["dataAsOf"] > "2020"


@each_kind
def test_the_first_snapshot_of_a_database_is_taken(cloud: App, kind: Kind) -> None:
    new = Kind(kind.name, kind.identifier.replace("prod", "new"))
    assert new.snapshot not in snapshots(cloud)

    execution = run(cloud, new.request("create_snapshot"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert snapshots(cloud)[new.snapshot] == "available"


@each_kind
@pytest.mark.parametrize("task", ["create_snapshot", "db_restore", "create_snapshot_only"])
def test_a_dry_run_changes_nothing_and_shows_the_plan(cloud: App, kind: Kind, task: str) -> None:
    before, old_snapshots = databases(cloud), snapshots(cloud)
    changes = []
    cloud.listeners.append(lambda n: changes.append(n) if n.kind == "database" else None)

    execution = run(cloud, kind.request(task, dryRun=True))

    assert execution.status == "SUCCEEDED", execution.cause
    assert (databases(cloud), snapshots(cloud), changes) == (before, old_snapshots, [])
    assert not [
        call
        for call in cloud.calls
        if not call.operation.startswith(("Describe", "Get")) and call.service == "rds"
    ]
    assert execution.output["findings"] == []
    assert execution.output["plan"]["renamedTo"] == f"{kind.identifier}-temp"
    assert execution.output["plan"]["resourceId"] == before[f"{kind.name} {kind.identifier}"][0]


@each_kind
def test_a_dry_run_lists_everything_that_speaks_against_the_task(cloud: App, kind: Kind) -> None:
    stopped = Kind(kind.name, kind.identifier.replace("prod", "stopped"))

    execution = run(cloud, stopped.request("db_restore", dryRun=True))

    assert execution.status == "SUCCEEDED"
    assert "DatabaseNotAvailable" in {f["error"] for f in execution.output["findings"]}
    assert cloud.alerts == []


@each_kind
def test_a_restored_database_can_be_restored_again(cloud: App, kind: Kind) -> None:
    first = run(cloud, kind.request("create_snapshot"), "first")
    data = cloud.rds.data(kind.name, kind.identifier)

    second = run(cloud, kind.request("db_restore"), "second")

    assert (first.status, second.status) == ("SUCCEEDED", "SUCCEEDED"), second.cause
    assert cloud.rds.data(kind.name, kind.identifier) == data
    assert tagged(cloud) == []


@each_kind
def test_upper_case_means_the_same_database(cloud: App, kind: Kind) -> None:
    execution = run(cloud, {**kind.request("db_restore"), "identifier": kind.identifier.upper()})

    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.output["identifier"] == kind.identifier


@each_kind
def test_the_output_of_a_restore_tells_the_facts(cloud: App, kind: Kind) -> None:
    before = databases(cloud)

    execution = run(cloud, kind.request("db_restore"))

    name = f"{kind.name} {kind.identifier}"
    assert execution.output["identifier"] == kind.identifier
    assert execution.output["task"] == "db_restore"
    assert execution.output["restoredFrom"] == kind.snapshot
    assert execution.output["resourceIdBefore"] == before[name][0]
    assert execution.output["resourceIdNow"] == databases(cloud)[name][0]
    assert execution.output["dataAsOf"] > "2020"
    report = execution.output["report"]
    key = "DbClusterResourceId" if kind.is_cluster else "DbiResourceId"
    lost = {entry["attribute"]: entry for entry in report["cannotKeep"] if "member" not in entry}
    assert (lost[key]["was"], lost[key]["now"]) == (before[name][0], databases(cloud)[name][0])
    assert "rds-db:connect" in lost[key]["why"]
    assert report["kept"] > 40
    assert report["differs"] == []


@each_kind
def test_the_old_writer_is_the_writer_again(cloud: App, kind: Kind) -> None:
    if not kind.is_cluster:
        assert kind.members == ()
        return

    run(cloud, kind.request("db_restore"))

    listed = cloud.rds.clusters[kind.identifier]["DBClusterMembers"]
    writers = [m["DBInstanceIdentifier"] for m in listed if m["IsClusterWriter"]]
    assert writers == ["prod-cluster-writer"]
