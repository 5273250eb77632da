"""What the stack is made of, as AWS shows it once it is deployed."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from local.commands.app import PARAMETERS, ROOT, App, export_bucket
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.cloudformation.templates import read_template
from local.emulator.deliveries import check_target
from local.emulator.status_events import input_of
from tests.pipeline.observed import INSTANCE, KINDS

RESTORE = {"identifier": "prod-db", "task": "create_snapshot_only", "isCluster": False}


@contextmanager
def second_stack(cloud: App, **parameters: str) -> Iterator[dict[str, str]]:
    """Another stack beside the first one, by its outputs; it shares the bucket."""
    formation = cloud.client("cloudformation")
    given = {
        **{name: PARAMETERS[name] for name in ("SenderEmail", "RecipientEmail")},
        "UseVPCAndSubnets": "false",
        "CreateExportBucket": "false",
        **parameters,
    }
    try:
        yield cloud.deploy(ROOT / "template.yaml", given, "second")
    finally:
        formation.delete_stack(StackName="second")
        cloud.use_stack("trapheus")


def functions(cloud: App, stack: str) -> list[dict[str, Any]]:
    """The functions of a stack as Lambda shows them."""
    client = cloud.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    found = [item for page in pages for item in page["Functions"]]
    return [item for item in found if item["FunctionName"].startswith(f"{stack}-")]


def test_the_bucket_of_the_exports_is_private_encrypted_and_versioned(cloud: App) -> None:
    storage, bucket = cloud.client("s3"), {"Bucket": export_bucket(REGION)}

    block = storage.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    (rule,) = storage.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms"
    assert cloud.physical_id("ExportKey") in default["KMSMasterKeyID"]
    assert storage.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    (rule,) = storage.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    policy = json.loads(storage.get_bucket_policy(**bucket)["Policy"])
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# Of the template's functions, none is left out but those that a parameter asks for.
COUNT = sum(
    resource["Type"] == "AWS::Serverless::Function" and "Condition" not in resource
    for resource in read_template(ROOT / "template.yaml")["Resources"].values()
)


def test_the_export_key_rotates_and_gives_the_exports_what_they_need(cloud: App) -> None:
    keys, key = cloud.client("kms"), {"KeyId": cloud.physical_id("ExportKey")}

    assert keys.get_key_rotation_status(**key)["KeyRotationEnabled"] is True
    policy = json.loads(keys.get_key_policy(PolicyName="default", **key)["Policy"])
    owner, role = policy["Statement"]
    assert policy["Id"] == "snapshot-copy-export-key"
    assert owner["Principal"]["AWS"].endswith(":root")
    assert role["Principal"]["AWS"].endswith(f":role/{cloud.physical_id('LambdaExecutionRole')}")
    assert {"kms:CreateGrant", "kms:DescribeKey"} == set(role["Action"])


def test_logs_have_a_retention_and_executions_are_logged_and_traced(cloud: App) -> None:
    groups = cloud.client("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    assert kept["/aws/lambda/trapheus"] == kept["/aws/vendedlogs/states/trapheus"] == 90
    for machine in ("DBRestoreStateMachine", "ExportStateMachine", "FleetStateMachine"):
        shown = cloud.client("stepfunctions").describe_state_machine(
            stateMachineArn=cloud.physical_id(machine)
        )
        assert shown["loggingConfiguration"]["level"] == "ALL"
        assert shown["loggingConfiguration"]["includeExecutionData"] is False
        (place,) = shown["loggingConfiguration"]["destinations"]
        assert "/aws/vendedlogs/states/trapheus" in place["cloudWatchLogsLogGroup"]["logGroupArn"]
        assert shown["tracingConfiguration"] == {"enabled": True}
    shown = functions(cloud, "trapheus")
    assert len(shown) == COUNT
    for function in shown:
        assert function["TracingConfig"]["Mode"] == "Active", function["FunctionName"]
        assert function["LoggingConfig"]["LogGroup"] == "/aws/lambda/trapheus"


def test_a_stack_has_no_schedule_of_its_own_but_the_look(cloud: App) -> None:
    (look,) = cloud.client("scheduler").list_schedules()["Schedules"]
    assert look["Name"] == cloud.physical_id("HourlyLook")


def test_a_stack_s_dead_letters_are_encrypted_and_only_its_own_rule_s(cloud: App) -> None:
    sqs = cloud.client("sqs")
    url = cloud.physical_id("DeadLetterQueue")
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert shown["SqsManagedSseEnabled"] == "true"
    (statement,) = json.loads(shown["Policy"])["Statement"]
    rule = cloud.client("events").describe_rule(Name=cloud.physical_id("RecoveryRule"))
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule["Arn"]}}


# Quotes within quotes, so that a text is in a text is in a text.
OVERRIDES = {"DBName": 'a "b" \\ c'}
SCHEDULE = {
    "ScheduleExpression": "cron(0 3 ? * SUN *)",
    "ScheduleTimezone": "Europe/Berlin",
    "ScheduleInput": json.dumps(
        {**RESTORE, "task": "db_restore", "dryRun": True, "overrides": OVERRIDES}
    ),
}


@pytest.mark.thorough
def test_a_second_stack_in_a_vpc_with_a_schedule_works_beside_the_first(cloud: App) -> None:
    """One test, since a stack takes seconds to make."""
    ec2 = cloud.client("ec2")
    # Beside that of the databases.
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    of_it = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    found = ec2.describe_subnets(Filters=of_it)["Subnets"]
    subnets = [item["SubnetId"] for item in found[:2]]
    network = {"UseVPCAndSubnets": "true", "vpcId": vpc["VpcId"], "Subnets": ",".join(subnets)}
    with second_stack(cloud, **SCHEDULE, **network) as outputs:
        runs_in_its_subnets(cloud, subnets)
        starts_by_its_schedule(cloud, outputs)
        restores_side_by_side(cloud, outputs)


def runs_in_its_subnets(cloud: App, subnets: list[str]) -> None:
    shown = functions(cloud, "second")
    assert len(shown) == COUNT
    for function in shown:
        assert set(function["VpcConfig"]["SubnetIds"]) == set(subnets)
        assert len(function["VpcConfig"]["SecurityGroupIds"]) == 1


def starts_by_its_schedule(cloud: App, outputs: dict[str, str]) -> None:
    scheduler = cloud.client("scheduler")
    name = cloud.physical_id("Schedule")
    schedule = scheduler.get_schedule(Name=name)
    assert schedule["ScheduleExpression"] == SCHEDULE["ScheduleExpression"]
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["State"] == "ENABLED"
    assert schedule["Target"]["RoleArn"] == outputs["ScheduleRoleArn"]
    machine = outputs["DBRestoreStateMachineArn"]

    cloud.tick("Schedule")
    cloud.settle()

    (arn,) = cloud.executions(machine)
    execution = cloud.describe(arn)
    assert re.fullmatch(r"prod-db-[0-9a-f]{16}", arn.rpartition(":")[2])
    assert execution.status == "SUCCEEDED", execution.cause
    asked = cloud.client("stepfunctions").describe_execution(executionArn=arn)["input"]
    by = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    assert json.loads(asked) == {**json.loads(SCHEDULE["ScheduleInput"]), "requester": by}
    assert execution.output["requester"] == by
    leaves_a_letter_when_denied(cloud, outputs)
    role = outputs["ScheduleRoleArn"].rpartition("/")[2]
    trust = cloud.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "scheduler.amazonaws.com"}


def leaves_a_letter_when_denied(cloud: App, outputs: dict[str, str]) -> None:
    """The queue, and the right to send to it, are of the stack."""
    role = outputs["ScheduleRoleArn"].rpartition("/")[2]
    cloud.authorization.withheld.add((role, "states:StartExecution"))
    try:
        cloud.clock.advance(60)
        cloud.tick("Schedule")
        cloud.settle()
    finally:
        cloud.authorization.withheld.clear()
    assert len(cloud.executions(outputs["DBRestoreStateMachineArn"])) == 1
    (letter,) = cloud.dead_letters()
    assert letter["ERROR_CODE"] == "AccessDeniedException"
    assert cloud.physical_id("Schedule") in letter["SCHEDULE_ARN"]
    assert letter["body"]["StateMachineArn"] == outputs["DBRestoreStateMachineArn"]


def restores_side_by_side(cloud: App, outputs: dict[str, str]) -> None:
    with cloud.clock.held():
        started = [
            cloud.start(machine, kind.request("create_snapshot"))
            for machine, kind in zip(
                (cloud.machine, outputs["DBRestoreStateMachineArn"]), KINDS, strict=True
            )
        ]
    ended = [cloud.wait(arn) for arn in started]
    assert [execution.status for execution in ended] == ["SUCCEEDED", "SUCCEEDED"]


def test_the_rule_for_an_alarm_starts_the_state_machine() -> None:
    """The rule as EventBridge would match it against the event that CloudWatch sends."""
    from moto.events.models import EventPattern

    page = (ROOT / "docs" / "starting.md").read_text()
    (text,) = re.findall(r"```yaml\n(RestoreOnAlarm:.*?)```", page, re.DOTALL)
    rule = yaml.safe_load(text)["RestoreOnAlarm"]["Properties"]
    pattern = EventPattern.load(json.dumps(rule["EventPattern"]))
    event = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": "staging-db-is-corrupt", "state": {"value": "ALARM"}},
    }

    assert pattern.matches_event(event)
    assert not pattern.matches_event(
        {**event, "detail": {**event["detail"], "state": {"value": "OK"}}}
    )
    request = json.loads(input_of(rule["Targets"][0], {**event, "time": ""}, "arn"))
    assert request.pop("requester") == "alarm staging-db-is-corrupt"
    assert set(request) == set(INSTANCE.request("db_restore"))


def test_the_schedule_of_the_page_makes_a_call_that_starts_a_restore() -> None:
    page = (ROOT / "docs" / "starting.md").read_text()
    (text,) = re.findall(r"target.json <<'END'\n(.*?)END\n", page, re.DOTALL)
    target = json.loads(text)
    check_target(target)
    call = json.loads(target["Input"])
    assert set(call) == {"StateMachineArn", "Name", "Input"}
    request = json.loads(call["Input"])
    assert call["Name"] == f"{request['identifier']}-<aws.scheduler.execution-id>"
    assert request.pop("requester") == "<aws.scheduler.schedule-arn>"
    assert set(request) == set(INSTANCE.request("db_restore"))
