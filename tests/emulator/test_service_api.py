"""The API of the embedded Step Functions, as clients that nobody here wrote use it."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from local.emulator.cloud import Fault

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOBODY = "arn:aws:states:us-east-1:123456789012:execution:a:b"
ROLE = "arn:aws:iam::123456789012:role/any"


def error_of(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]


def test_the_context_object_has_times_as_aws_writes_them_and_no_redrive(cloud, machine):
    asked = {
        "started.$": "$$.Execution.StartTime",
        "entered.$": "$$.State.EnteredTime",
        "redrives.$": "$$.Execution.RedriveCount",
        "spoken.$": "States.Format('since {}', $$.Execution.StartTime)",
    }
    output = cloud.run(machine({"Pass": {"Type": "Pass", "Parameters": asked}}), {}).output
    assert TIME.fullmatch(output["started"])
    assert TIME.fullmatch(output["entered"])
    assert output["spoken"] == f"since {output['started']}"
    assert output["redrives"] == 0


def test_a_history_comes_in_pages_and_from_either_end(cloud, machine):
    run = cloud.run(machine({"Pass": {"Type": "Pass"}}), {})
    client = cloud.client("stepfunctions")
    whole = client.get_execution_history(executionArn=run.arn)["events"]
    newest = client.get_execution_history(executionArn=run.arn, reverseOrder=True, maxResults=1)
    assert newest["events"] == [whole[-1]]
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=run.arn, PaginationConfig={"PageSize": 2}
    )
    assert [event for page in pages for event in page["events"]] == whole
    assert len(whole) == 4


def test_a_long_history_gives_a_hundred_events_unless_asked_for_more(cloud, machine):
    states = {f"P{n}": {"Type": "Pass", "Next": f"P{n + 1}"} for n in range(60)}
    run = cloud.run(machine({**states, "P60": {"Type": "Pass"}}), {})
    client = cloud.client("stepfunctions")
    assert len(client.get_execution_history(executionArn=run.arn)["events"]) == 100
    more = client.get_execution_history(executionArn=run.arn, maxResults=1000)
    assert len(more["events"]) == len(run.history) == 124


def test_a_name_that_is_taken_takes_no_other_definition(cloud, machine):
    arn = machine({"Pass": {"Type": "Pass"}})
    client = cloud.client("stepfunctions")
    asked = {"name": arn.rpartition(":")[2], "roleArn": ROLE}
    same = client.describe_state_machine(stateMachineArn=arn)["definition"]
    assert client.create_state_machine(definition=same, **asked)["stateMachineArn"] == arn
    other = json.dumps({"StartAt": "Other", "States": {"Other": {"Type": "Succeed"}}})
    error = error_of(lambda: client.create_state_machine(definition=other, **asked))
    assert error["Code"] == "StateMachineAlreadyExists"


def test_versions_are_listed_newest_first(cloud, machine):
    arn = machine({"Pass": {"Type": "Pass"}})
    client = cloud.client("stepfunctions")
    assert client.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"] == []
    for comment in ("one", "two"):
        definition = {"Comment": comment, "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
        client.update_state_machine(
            stateMachineArn=arn, definition=json.dumps(definition), publish=True
        )
    listed = client.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [one["stateMachineVersionArn"] for one in listed] == [f"{arn}:2", f"{arn}:1"]


def test_what_is_left_out_is_refused_in_a_sentence(cloud, machine):
    client = cloud.client("stepfunctions")
    plain = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    token = json.dumps(
        {
            "StartAt": "Ask",
            "States": {
                "Ask": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                    "Parameters": {"FunctionName": "x"},
                    "End": True,
                }
            },
        }
    )
    for refused in (
        lambda: client.create_activity(name="any"),
        client.list_activities,
        lambda: client.create_state_machine(
            name="express", definition=plain, roleArn=ROLE, type="EXPRESS"
        ),
        lambda: client.create_state_machine(name="token", definition=token, roleArn=ROLE),
        lambda: client.redrive_execution(executionArn="arn:aws:states:us-east-1:1:execution:a:b"),
        lambda: client.test_state(definition=json.dumps({"Type": "Succeed"}), roleArn=ROLE),
    ):
        assert error_of(refused)["Message"].startswith("The local AWS ")


def test_a_service_that_moto_lacks_answers_in_a_sentence(cloud):
    for refused in (
        lambda: cloud.client("sns").list_origination_numbers(),
        lambda: cloud.client("events").list_partner_event_source_accounts(EventSourceName="x"),
    ):
        assert "The local AWS cannot do" in error_of(refused)["Message"]


@pytest.mark.parametrize(
    ("resource", "parameters", "error"),
    [
        ("s3:listObjectsV2", {"Bucket": "nowhere"}, "S3.NoSuchBucketException"),
        ("rds:describeDBInstances", {"DbInstanceIdentifier": "no"},
         "Rds.DbInstanceNotFoundException"),
        ("sfn:describeExecution", {"ExecutionArn": NOBODY}, "Sfn.ExecutionDoesNotExistException"),
        ("dynamodb:describeTable", {"TableName": "none"}, "DynamoDb.ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_an_error_of_an_sdk_task_is_named_after_the_java_classes(
    cloud, machine, resource, parameters, error
):
    state = {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{resource}",
             "Parameters": parameters}  # fmt: skip
    run = cloud.run(machine({"Ask": state}), {})
    assert (run.status, run.error) == ("FAILED", error)


def test_a_function_that_is_not_there_fails_the_task_with_its_resource(cloud, machine):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:none",
            "Payload": {},
        },
    }
    run = cloud.run(machine({"Call": state}), {})
    assert run.error == "Lambda.ResourceNotFoundException"
    (failed,) = (e["taskFailedEventDetails"] for e in run.history if e["type"] == "TaskFailed")
    assert (failed["resource"], failed["resourceType"]) == ("invoke", "lambda")


def test_too_much_data_is_caught_by_a_catch_of_all(cloud, machine, task):
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}]
    much = {f"n{n}.$": "$.text" for n in range(30)}
    inner = {"StartAt": "Grow", "States": {
        "Grow": {"Type": "Pass", "Parameters": much, "Next": "Echo"},
        "Echo": task("EchoFunction", End=True)}}  # fmt: skip
    states = {
        "Try": {"Type": "Parallel", "Branches": [inner], "Catch": catch},
        "Caught": {"Type": "Pass", "Result": "caught"},
    }
    run = cloud.run(machine(states), {"text": "x" * 10_000})
    assert (run.status, run.output) == ("SUCCEEDED", "caught"), run.error


def test_an_unknown_error_keeps_its_service(cloud, machine):
    cloud.faults.append(
        lambda call: Fault("SomethingNew", "new", 400) if call.service == "rds" else None
    )
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:rds:describeDBClusters",
             "Parameters": {}}  # fmt: skip
    assert cloud.run(machine({"Ask": state}), {}).error == "Rds.RdsException"
