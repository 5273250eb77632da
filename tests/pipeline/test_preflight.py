"""The preflight within an execution: how much it looks, and that it comes before everything."""

import json

import pytest

from local.commands.app import App
from local.emulator.cloud import Call
from tests import proxies
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
def test_the_check_of_an_instance_takes_fifteen_calls_at_most(cloud: App, task: str) -> None:
    run(cloud, INSTANCE.request(task, dryRun=True))

    assert 5 <= len(looks(cloud)) <= 15


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
    (mail,) = cloud.mails
    for words in ("deployment to-17", "integration warehouse", "does not exist", "quota of 1 "):
        assert words in execution.cause
        assert words in mail.text
    assert (databases(cloud), snapshots(cloud), tagged(cloud)) == (before, old_snapshots, [])
    assert not [c for c in cloud.calls if c.service == "rds" and c.operation.startswith(TOUCHES)]


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
