"""Who may start what, dry runs by a machine of their own, and who has asked."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.commands.app import App
from local.emulator.cloud import ACCOUNT, REGION, Execution
from tests.pipeline.observed import INSTANCE, KINDS, Kind, On, databases, run, snapshots
from tests.pipeline.scenarios import DENIED

MACHINES = (
    "DBRestoreStateMachine", "DryRunStateMachine", "ExportStateMachine", "FleetStateMachine",
    "HooksStateMachine",
)  # fmt: skip
ON_MACHINES = {"states:ListExecutions", "states:StartExecution"}
ON_EXECUTIONS = {"states:DescribeExecution", "states:GetExecutionHistory"}
WHO = "Anna B., ticket #12"
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture
def person(cloud: App) -> Iterator[Any]:
    """Make a role with one of the stack's policies, as people have it; removed afterwards."""
    iam, made = cloud.client("iam"), []
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}

    def make(policy: str) -> str:
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=policy, AssumeRolePolicyDocument=document)["Role"]
        given = {"RoleName": policy, "PolicyArn": cloud.physical_id(policy)}
        iam.attach_role_policy(**given)
        made.append(given)
        return str(role["Arn"])

    yield make
    for given in made:
        iam.detach_role_policy(**given)
        iam.delete_role(RoleName=given["RoleName"])


@pytest.mark.parametrize(
    ("policy", "own"),
    [
        ("StartRestores", {"DBRestoreStateMachine", "FleetStateMachine"}),
        ("StartDryRuns", {"DryRunStateMachine"}),
    ],
)
def test_a_policy_for_people_starts_and_shows_its_machines_and_no_more(
    cloud: App, person: Any, policy: str, own: set[str]
) -> None:
    role = person(policy)
    operations = boto3.client("stepfunctions", region_name=REGION).meta.service_model
    machines = {name: cloud.physical_id(name) for name in MACHINES}
    resources = {
        **machines,
        **{
            f"execution of {name}": f"{arn.replace(':stateMachine:', ':execution:')}:one"
            for name, arn in machines.items()
        },
    }
    allowed = {
        (f"states:{operation}", name)
        for operation in operations.operation_names
        for name, arn in resources.items()
        if cloud.authorization.allows(role, f"states:{operation}", arn)
    }
    assert allowed == {
        *((action, name) for action in ON_MACHINES for name in own),
        *((action, f"execution of {name}") for action in ON_EXECUTIONS for name in own),
    }
    granted = cloud.authorization.granted(cloud.physical_id(policy))
    assert {grant.action for grant in granted} == ON_MACHINES | ON_EXECUTIONS
    other = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:other"
    assert not cloud.authorization.allows(role, "states:StartExecution", other)


def dry_run(cloud: App, request: Any) -> Execution:
    return cloud.run("DryRunStateMachine", json.dumps(request), "dry")


@each_kind
@pytest.mark.parametrize("task", ["create_snapshot", "db_restore", "create_snapshot_only"])
def test_a_machine_of_its_own_does_a_dry_run_whatever_the_input_says(
    cloud: App, kind: Kind, task: str
) -> None:
    before, old_snapshots = databases(cloud), snapshots(cloud)

    execution = dry_run(cloud, kind.request(task, dryRun=False, requester=WHO))

    assert execution.status == "SUCCEEDED", execution.cause
    assert (databases(cloud), snapshots(cloud)) == (before, old_snapshots)
    output = execution.output
    assert (output["findings"], output["requester"]) == ([], WHO)
    assert output["plan"]["renamedTo"] == f"{kind.identifier}-temp"
    assert {call.service for call in cloud.calls if call.caller != "outside"} <= {
        "kms", "lambda", "rds", "servicequotas"
    }  # fmt: skip
    assert output["plan"] == run(cloud, kind.request(task, dryRun=True)).output["plan"] | {
        name: output["plan"][name] for name in ("execution", "started")
    }


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (INSTANCE.request("recover"), "takes no dryRun"),
        ({"task": "recover", "ended": {"executionArn": "arn:aws:states"}}, "not for people"),
        ({"identifier": "prod-db"}, "is missing"),
        ([], "must be a JSON object"),
        ("db_restore", "must be a JSON object"),
        (None, "must be a JSON object"),
    ],
)
def test_what_has_no_dry_run_fails_with_the_same_sentence_there(
    cloud: App, request_: Any, words: str
) -> None:
    before = databases(cloud)

    execution = dry_run(cloud, request_)

    assert (execution.status, execution.error) == ("FAILED", "InvalidRequest")
    assert words in execution.cause
    assert databases(cloud) == before


def test_the_role_of_dry_runs_can_do_nothing_to_a_database(cloud: App) -> None:
    """Whatever a definition or a function might ask for: neither it nor what it calls may."""
    iam, lambdas = cloud.client("iam"), cloud.client("lambda")
    role = iam.get_role(RoleName=cloud.physical_id("DryRunStatesExecutionRole"))["Role"]["Arn"]
    functions = [
        one
        for page in lambdas.get_paginator("list_functions").paginate()
        for one in page["Functions"]
    ]
    may_call = {
        one["FunctionName"].split("-")[1]: one["Role"]
        for one in functions
        if cloud.authorization.allows(role, "lambda:InvokeFunction", one["FunctionArn"])
    }
    assert set(may_call) == {
        "ReadRequestFunction", "CheckInstanceFunction", "CheckClusterFunction"
    }  # fmt: skip
    model = cloud.client("rds").meta.service_model
    changes = [name for name in model.operation_names if not name.startswith(("Describe", "List"))]
    assert {"ModifyDBInstance", "ModifyDBCluster", "DeleteDBCluster"} <= set(changes)
    place = f"arn:aws:rds:{REGION}:{ACCOUNT}"
    for one in (role, *may_call.values()):
        for resource in (
            f"{place}:db:prod-db",
            f"{place}:cluster:prod-cluster",
            f"{place}:snapshot:a",
        ):
            assert not [
                name for name in changes if cloud.authorization.allows(one, f"rds:{name}", resource)
            ]
        for machine in MACHINES:
            arn = cloud.physical_id(machine)
            assert not cloud.authorization.allows(one, "states:StartExecution", arn)


@each_kind
@pytest.mark.parametrize("task", ["create_snapshot_only", "db_restore"])
def test_who_has_asked_is_in_the_output_the_mail_and_the_event(
    cloud: App, kind: Kind, task: str
) -> None:
    execution = run(cloud, kind.request(task, requester=WHO))

    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.output["requester"] == WHO
    told_by(cloud, WHO)


@each_kind
def test_who_has_asked_is_told_of_a_failure(cloud: App, kind: Kind) -> None:
    cloud.faults.append(On("Restore", kind.operation("RestoreDB*FromDBSnapshot"), DENIED))
    cloud.faults.append(On("Restore", "RestoreDBClusterFromSnapshot", DENIED))

    execution = run(cloud, kind.request("db_restore", requester=WHO))

    assert execution.status == "FAILED"
    told_by(cloud, WHO)


def told_by(cloud: App, who: str) -> None:
    """The one mail, and the events of the start and the end, name who has asked."""
    (mail,) = cloud.mails
    assert f"Requested by: {who}." in mail.text
    assert f"Requested by: {who}." in mail.html
    sent = [call.parameters["Entries"] for call in cloud.calls if call.operation == "PutEvents"]
    details = [json.loads(entry["Detail"]) for (entry,) in sent]
    assert {one["requester"] for one in details} == {who}
    assert len(details) == 2


def test_an_hourly_look_that_is_denied_leaves_a_letter(cloud: App) -> None:
    role = cloud.physical_id("HourlyLookRole")
    cloud.authorization.withheld.add((role, "lambda:InvokeFunction"))
    try:
        cloud.tick("HourlyLook")
        cloud.settle()
    finally:
        cloud.authorization.withheld.clear()
    (letter,) = cloud.dead_letters()
    assert letter["ERROR_CODE"].startswith("AccessDenied")
    assert cloud.physical_id("HourlyLook") in letter["SCHEDULE_ARN"]
