"""The preflight within an execution: how much it looks, and that it comes before everything."""

import json

import pytest

from local.commands.app import App
from local.emulator.cloud import Call
from tests import proxies
from tests.mailed import flowing
from tests.pipeline.observed import INSTANCE, KINDS, Kind, databases, run, snapshots, tagged
from tests.pipeline.scenarios import SCENARIOS

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
TASKS = ("create_snapshot", "db_restore", "create_snapshot_only")
TOUCHES = ("Create", "Modify", "Restore", "Delete", "AddTags", "RemoveTags", "Copy", "AddRole")
REFUSALS = [name for name in SCENARIOS if name.startswith(("refuse ", "warn "))]


def looks(cloud: App) -> list[Call]:
    """The calls of the checks."""
    return [call for call in cloud.calls if call.caller.startswith("Check")]


@pytest.mark.parametrize("task", TASKS)
def test_the_check_of_an_instance_takes_sixteen_calls_at_most(cloud: App, task: str) -> None:
    run(cloud, INSTANCE.request(task, dryRun=True))

    assert 5 <= len(looks(cloud)) <= 16


@each_kind
@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_asked_twice(cloud: App, kind: Kind, task: str) -> None:
    proxies.point(cloud.rds, kind.name, kind.identifier)

    run(cloud, kind.request(task, dryRun=True))

    asked = [(call.operation, json.dumps(call.parameters, sort_keys=True)) for call in looks(cloud)]
    assert sorted(asked) == sorted(set(asked))


@each_kind
def test_what_has_a_name_is_asked_for_by_its_name(cloud: App, kind: Kind) -> None:
    run(cloud, kind.request("db_restore", dryRun=True))

    nameless = {call.operation for call in looks(cloud) if not call.parameters}
    assert nameless <= {
        "DescribeAccountAttributes",
        "DescribeBlueGreenDeployments",
        "DescribeCertificates",
        "DescribeDBProxies",
        "DescribeIntegrations",
    }


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_preflight_finds_is_told(cloud: App, name: str) -> None:
    SCENARIOS[name](cloud)


@each_kind
def test_all_that_is_wrong_is_told_in_one_mail_and_nothing_is_touched(
    cloud: App, kind: Kind
) -> None:
    arn = cloud.rds.arn(kind.name, kind.identifier)
    cloud.rds.blue_green_deployments.append(
        {
            "BlueGreenDeploymentIdentifier": "bgd-1", "BlueGreenDeploymentName": "to-17",
            "Source": arn, "Target": f"{arn}-green",
        }
    )  # fmt: skip
    cloud.rds.integrations.append({"IntegrationName": "warehouse", "SourceArn": arn})
    for name in ("prod-postgres16", "prod-writer"):
        del cloud.rds.groups["parameter"][name]
    cloud.rds.quotas["instance"] = cloud.rds.quotas["cluster"] = 1
    before, old_snapshots = databases(cloud), snapshots(cloud)

    execution = run(cloud, kind.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "GroupNotUsable")
    (mail,) = cloud.alerts
    for words in ("deployment to-17", "integration warehouse", "does not exist", "quota of 1 "):
        assert words in execution.cause
        assert words in flowing(mail.text)
    assert (databases(cloud), snapshots(cloud), tagged(cloud)) == (before, old_snapshots, [])
    assert not [c for c in cloud.calls if c.service == "rds" and c.operation.startswith(TOUCHES)]


def keep_busy(cloud: App, kind: Kind, minutes: int) -> None:
    """Let a database back up for so long from now on."""
    of = f"back up {kind.name}"
    cloud.rds.longer[of, "backing-up"] = minutes * 60.0
    cloud.rds.settle()
    cloud.rds.play(cloud.rds.find(kind.name, kind.identifier), of)


@each_kind
@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only"])
def test_a_backup_of_the_original_is_waited_for(cloud: App, kind: Kind, task: str) -> None:
    data = cloud.rds.data(kind.name, kind.identifier)
    keep_busy(cloud, kind, 40)

    execution = run(cloud, kind.request(task))

    assert execution.status == "SUCCEEDED", execution.cause
    assert cloud.rds.data(kind.snapshot_kind, kind.snapshot) == data
    waited = [call for call in looks(cloud) if call.operation == kind.operation("DescribeDB*s")]
    assert len(waited) > 20
    assert cloud.alerts == []


@each_kind
def test_an_original_that_is_busy_for_longer_than_an_hour_is_refused(
    cloud: App, kind: Kind
) -> None:
    keep_busy(cloud, kind, 120)
    before, began = databases(cloud), cloud.clock.now()

    execution = run(cloud, kind.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "DatabaseNotAvailable")
    assert f"{kind.identifier} is backing-up: start the execution again" in execution.cause
    assert 3600 <= cloud.clock.now() - began < 3800
    assert (databases(cloud), tagged(cloud), len(cloud.alerts)) == (before, [], 1)


@each_kind
@pytest.mark.parametrize("status", ["failed", "stopped", "storage-full", "backing-up"])
def test_a_target_is_restored_beside_an_original_in_any_state(
    cloud: App, kind: Kind, status: str
) -> None:
    cloud.rds.become(kind.name, kind.identifier, status)
    for member in kind.members:
        cloud.rds.become("instance", member, status)
    before = databases(cloud)
    target = kind.identifier.replace("prod", "drill")

    execution = run(cloud, kind.request("db_restore", targetIdentifier=target))

    assert execution.status == "SUCCEEDED", execution.cause
    now = databases(cloud)
    assert before.items() <= now.items()
    assert now[f"{kind.name} {target}"][1] == "available"
    assert any(f"is {status}, which a copy" in told for told in execution.output["warnings"])


@each_kind
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_a_source_of_replicas_that_is_kept_is_replaced(
    cloud: App, kind: Kind, strategy: str
) -> None:
    name = "ReadReplicaIdentifiers" if kind.is_cluster else "ReadReplicaDBInstanceIdentifiers"
    cloud.rds.find(kind.name, kind.identifier).shown[name] = ["prod-replica"]

    execution = run(cloud, kind.request("db_restore", strategy=strategy, keepOriginal=True))

    assert execution.status == "SUCCEEDED", execution.cause
    assert any("read replicas" in told for told in execution.output["warnings"])
    kept = cloud.rds.find(kind.name, f"{kind.identifier}-temp").shown
    assert kept[name] == ["prod-replica"]


@each_kind
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
@pytest.mark.parametrize("upgrades", [True, False])
def test_a_version_that_is_not_sold_any_more_is_restored_whatever_rds_makes_of_it(
    cloud: App, kind: Kind, *, strategy: str, upgrades: bool
) -> None:
    engine = cloud.rds.find(kind.name, kind.identifier).shown["Engine"]
    cloud.rds.available_versions[engine].remove("16.4")
    cloud.rds.upgrades_withdrawn, cloud.rds.refuses_withdrawn = upgrades, upgrades
    before = databases(cloud)

    execution = run(cloud, kind.request("db_restore", strategy=strategy))

    # Whether RDS makes a cluster at such a version is not known: it must not matter.
    refused = kind.is_cluster and (upgrades or strategy == "rename-first")
    assert execution.status == ("FAILED" if refused else "SUCCEEDED"), execution.cause
    shown = cloud.rds.find(kind.name, kind.identifier).shown
    assert shown["EngineVersion"] == ("16.5" if upgrades and not kind.is_cluster else "16.4")
    if refused:
        assert (databases(cloud), tagged(cloud), len(cloud.alerts)) == (before, [], 1)
    elif upgrades:
        told = next(
            one
            for one in execution.output["report"]["differs"]
            if one["attribute"] == "EngineVersion"
        )
        assert (told["was"], told["now"]) == ("16.4", "16.5")


@each_kind
def test_the_warnings_stand_in_the_plan_of_a_dry_run(cloud: App, kind: Kind) -> None:
    execution = run(cloud, kind.request("db_restore", dryRun=True, deleteAutomatedBackups=True))

    plan = execution.output["plan"]
    warnings = [*plan["warnings"], *(entry["why"] for entry in plan["cannotKeep"])]
    assert execution.output["findings"] == []
    for words in ("rds-db:connect", "new secret", "automated backups"):
        assert [sentence for sentence in warnings if words in sentence], words


@each_kind
def test_a_final_snapshot_and_kept_backups_are_counted_before(cloud: App, kind: Kind) -> None:
    held = [thing for thing in cloud.rds.things.values() if thing.kind == kind.snapshot_kind]
    cloud.rds.quotas[kind.snapshot_kind] = len(held)

    execution = run(cloud, kind.request("db_restore", finalSnapshot=True))

    assert (execution.status, execution.error) == ("FAILED", "QuotaExceeded")
    assert "needs 1, only 0 left" in execution.cause
    assert run(cloud, kind.request("db_restore"), "again").status == "SUCCEEDED"
