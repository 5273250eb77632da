"""DynamoDB on the embedded AWS: by Tasks of state machines and by functions."""

import json

import pytest

from local.emulator.cloud import COSTS, Fault, lost

INTEGRATION = "arn:aws:states:::dynamodb:"


@pytest.fixture
def noting(cloud):
    """Make a Task for the table of the small application, about the item `one`."""
    table = cloud.physical_id("Notes")

    def make(operation, *, key="one", parameters=None, **more):
        about = {"TableName": table, "Key": {"name": {"S": key}}}
        return {
            "Type": "Task",
            "Resource": INTEGRATION + operation,
            "Parameters": about | (parameters or {}),
            **more,
        }

    return make


def setting(phase, condition="holder = :holder"):
    """Parameters of an update of the phase on a condition about the holder."""
    return {
        "UpdateExpression": "SET #phase = :phase, holder = :holder",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {"#phase": "phase"},
        "ExpressionAttributeValues": {
            ":phase": {"S": phase},
            ":holder": {"S.$": "$.holder"},
        },
        "ReturnValues": "ALL_NEW",
    }


def items(cloud):
    return cloud.client("dynamodb").scan(TableName=cloud.physical_id("Notes"))["Items"]


def caught(error):
    return [{"ErrorEquals": [error], "ResultPath": "$.error", "Next": "Caught"}]


def test_a_machine_writes_reads_and_deletes_an_item(cloud, machine, noting):
    free = setting("begin", "attribute_not_exists(holder)")
    states = {
        "Set": noting("updateItem", parameters=free, ResultPath="$.set", Next="Read"),
        "Read": noting("getItem", parameters={"ConsistentRead": True}, ResultPath="$.read"),
    }
    read = cloud.run(machine(states | {"Read": states["Read"] | {"End": True}}), {"holder": "me"})
    assert read.status == "SUCCEEDED", read.cause
    item = {"name": {"S": "one"}, "phase": {"S": "begin"}, "holder": {"S": "me"}}
    assert read.output["set"]["Attributes"] == item
    assert read.output["read"]["Item"] == item
    assert items(cloud) == [item]

    mine = {
        "ConditionExpression": "holder = :holder",
        "ExpressionAttributeValues": {":holder": {"S.$": "$.holder"}},
        "ReturnValues": "ALL_OLD",
    }
    gone = cloud.run(machine({"Go": noting("deleteItem", parameters=mine)}), {"holder": "me"})
    assert gone.output["Attributes"] == item
    assert items(cloud) == []


def test_an_item_that_is_not_there_is_no_error(cloud, machine, noting):
    assert cloud.run(machine({"Read": noting("getItem")}), {}).output == {}


@pytest.mark.parametrize("operation", ["updateItem", "deleteItem"])
def test_a_failed_condition_is_caught_by_its_name_and_changes_nothing(
    cloud, machine, noting, operation
):
    free = setting("begin", "attribute_not_exists(holder)")
    cloud.run(machine({"Set": noting("updateItem", parameters=free)}), {"holder": "me"}, "first")
    before = items(cloud)
    parameters = setting("end")
    if operation == "deleteItem":
        parameters = {
            "ConditionExpression": "holder = :holder",
            "ExpressionAttributeValues": {":holder": {"S.$": "$.holder"}},
        }
    catch = caught("DynamoDB.ConditionalCheckFailedException")
    states = {
        "Try": noting(operation, parameters=parameters, Catch=catch),
        "Caught": {"Type": "Pass"},
    }
    run = cloud.run(machine(states), {"holder": "somebody else"})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["error"]["Error"] == "DynamoDB.ConditionalCheckFailedException"
    assert "The conditional request failed" in run.output["error"]["Cause"]
    assert items(cloud) == before != []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("ProvisionedThroughputExceededException"), "ProvisionedThroughputExceededException"),
        (Fault("ThrottlingException"), "ThrottlingException"),
        (Fault("RequestLimitExceeded"), "RequestLimitExceededException"),
        (Fault("InternalServerError", status=500), "InternalServerErrorException"),
        (Fault("AccessDeniedException"), "AmazonDynamoDBException"),
        (lost(carried_out=True), "SdkClientException"),
        (lost(carried_out=False), "SdkClientException"),
    ],
)
def test_an_error_of_dynamodb_is_named_after_its_class_and_tried_again(
    cloud, machine, noting, fault, error
):
    faults = [fault]
    cloud.faults.append(
        lambda call: faults.pop() if call.service == "dynamodb" and faults else None
    )
    # Mine or nobody's: it can be repeated when only its answer was lost.
    mine = setting("begin", "attribute_not_exists(holder) OR holder = :holder")
    retry = [{"ErrorEquals": [f"DynamoDB.{error}"], "IntervalSeconds": 5, "MaxAttempts": 1}]
    run = cloud.run(
        machine({"Set": noting("updateItem", parameters=mine, Retry=retry)}), {"holder": "me"}
    )
    assert run.status == "SUCCEEDED", run.cause
    failed = [event for event in run.history if event["type"] == "TaskFailed"]
    assert [event["taskFailedEventDetails"]["error"] for event in failed] == [f"DynamoDB.{error}"]
    assert len(items(cloud)) == 1


@pytest.mark.parametrize("path", ["$.nowhere", "$$.nowhere", "States.JsonToString($.nowhere)"])
@pytest.mark.parametrize(
    "resource", ["function", "dynamodb:getItem", "aws-sdk:rds:describeDBInstances", "lambda:invoke"]
)
def test_a_path_that_is_not_there_ends_the_execution_and_no_catch_helps(
    cloud, machine, task, resource, path
):
    state = task("EchoFunction", Catch=caught("States.ALL"), Parameters={"value.$": path})
    if resource != "function":
        state["Resource"] = f"arn:aws:states:::{resource}"
    state["Retry"] = [{"ErrorEquals": ["States.ALL"]}]
    run = cloud.run(machine({"Try": state, "Caught": {"Type": "Pass"}}), {"there": 1})
    assert (run.status, run.error) == ("FAILED", "States.Runtime")
    assert "nowhere" in run.cause
    assert not [call for call in cloud.calls if call.caller == "states"]


def test_a_task_that_takes_too_long_is_a_timeout_and_no_error_of_the_table(
    cloud, machine, noting, monkeypatch
):
    monkeypatch.setitem(COSTS, "api_call", 5)
    run = cloud.run(machine({"Read": noting("getItem", TimeoutSeconds=2)}), {})
    assert (run.status, run.error) == ("FAILED", "States.Timeout")


def test_a_function_writes_on_a_condition_and_reads_what_is_there(cloud, machine, task):
    keep = machine({"Keep": task("KeepFunction")})
    first = cloud.run(keep, {"name": "a", "said": "one"}, "first")
    assert first.output == {"refused": "", "said": "one"}, first.cause
    second = cloud.run(keep, {"name": "a", "said": "two"}, "second")
    assert second.output == {"refused": "ConditionalCheckFailedException", "said": "one"}
    table = f"arn:aws:dynamodb:us-east-1:123456789012:table/{cloud.physical_id('Notes')}"
    calls = [call for call in cloud.calls if call.service == "dynamodb"]
    assert [(call.operation, call.error) for call in calls] == [
        ("UpdateItem", ""),
        ("GetItem", ""),
        ("UpdateItem", "ConditionalCheckFailedException"),
        ("GetItem", ""),
    ]
    assert {call.caller for call in calls} == {"KeepFunction"}
    assert calls[0].grants == [("dynamodb:UpdateItem", table)]


def test_a_function_may_use_only_the_tables_that_its_role_names(cloud, machine, task):
    client = cloud.client("iam")
    role = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.physical_id("KeepFunction")
    )["Role"].rpartition("/")[2]  # fmt: skip
    deny = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:*:table/*"}
    client.put_role_policy(
        RoleName=role, PolicyName="no",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )  # fmt: skip
    try:
        run = cloud.run(machine({"Keep": task("KeepFunction")}), {"name": "a", "said": "one"})
    finally:
        client.delete_role_policy(RoleName=role, PolicyName="no")
    assert run.status == "FAILED"
    assert "AccessDeniedException" in run.cause
    assert items(cloud) == []


def test_a_function_asks_how_an_execution_stands(cloud, machine, task):
    resting, asking = (
        machine({"Rest": {"Type": "Wait", "Seconds": 900}}),
        machine({"Ask": task("AskFunction")}),
    )
    with cloud.clock.held():
        running = cloud.start(resting, {"a": 1}, "resting")
        early = cloud.start(asking, {"execution": running}, "early")
    told = cloud.wait(early)
    assert told.output == {"status": "RUNNING", "input": '{"a": 1}'}, told.cause
    cloud.wait(running)
    assert cloud.run(asking, {"execution": running}, "late").output["status"] == "SUCCEEDED"
    (call,) = [call for call in cloud.calls if call.operation == "DescribeExecution"][:1]
    assert call.grants == [("states:DescribeExecution", running)]


def test_a_reset_empties_the_tables(cloud, machine, task):
    cloud.run(machine({"Keep": task("KeepFunction")}), {"name": "a", "said": "one"})
    assert items(cloud)
    cloud.reset()
    assert items(cloud) == []
