"""Distributed Maps on the embedded AWS: what moto alone ignores, counts wrongly or leaves out."""

import json

import pytest
from botocore.exceptions import ClientError

from local.emulator.cloud import Fault

START = "arn:aws:states:::states:startExecution.sync:2"
BUCKET = "results"
TOLERATED = "States.ExceedToleratedFailureThreshold"


def distributed(states, **more):
    """A Distributed Map whose children run these states."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": next(iter(states)),
        "States": states,
    }
    return {"Type": "Map", "Label": "Each", "ItemProcessor": processor, "End": True, **more}


def resting(seconds="$.seconds"):
    """Rests so long as the item says, and fails where it says so."""
    return {
        "Rest": {"Type": "Wait", "SecondsPath": seconds, "Next": "Fails?"},
        "Fails?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fails", "BooleanEquals": True, "Next": "Fail"}],
            "Default": "Done",
        },
        "Fail": {"Type": "Fail", "Error": "Rejected", "Cause": "rain"},
        "Done": {"Type": "Succeed"},
    }


def items(*seconds, fails=()):
    return [{"seconds": one, "fails": index in fails} for index, one in enumerate(seconds)]


def counts(cloud, arn):
    client = cloud.client("stepfunctions")
    (run,) = client.list_map_runs(executionArn=arn)["mapRuns"]
    told = client.describe_map_run(mapRunArn=run["mapRunArn"])
    return {name: count for name, count in told["itemCounts"].items() if count}


@pytest.fixture
def bucket(cloud):
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


def read(cloud, key):
    return json.loads(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_so_many_children_run_at_a_time_as_the_path_says(cloud, machine):
    arn = machine({"Each": distributed(resting(), ItemsPath="$.items",
                                       MaxConcurrencyPath="$.most")})  # fmt: skip
    run = cloud.run(arn, {"items": items(*[100] * 7), "most": 3})
    assert (run.status, round(run.stopped - run.started)) == ("SUCCEEDED", 300)
    assert len(run.output) == 7
    assert counts(cloud, run.arn) == {"succeeded": 7, "total": 7}


def test_more_items_than_python_nests_calls_run_one_after_the_other(cloud, machine):
    arn = machine({"Each": distributed({"Pass": {"Type": "Pass", "End": True}}, MaxConcurrency=1)})
    run = cloud.run(arn, list(range(1200)))
    assert run.status == "SUCCEEDED", run.cause
    assert run.output == list(range(1200))


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailurePercentage": 24}, "FAILED"),
        ({"ToleratedFailurePercentage": 25}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 100}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 10}, "FAILED"),
    ],
)
def test_a_map_run_fails_past_its_tolerance_and_aborts_its_children(
    cloud, machine, tolerance, status
):
    """Of four, the first fails after a minute; the last has not begun by then."""
    arn = machine({"Each": distributed(resting(), MaxConcurrency=3, **tolerance)})
    run = cloud.run(arn, items(60, 3600, 3600, 10, fails=[0]))
    assert run.status == status
    if status == "FAILED":
        assert (run.error, round(run.stopped - run.started)) == (TOLERATED, 60)
        cloud.settle()
        assert counts(cloud, run.arn) == {"failed": 1, "aborted": 2, "pending": 1, "total": 4}
        assert [event["type"] for event in run.history if "MapRun" in event["type"]] == [
            "MapRunStarted", "MapRunFailed",
        ]  # fmt: skip
    else:
        assert counts(cloud, run.arn) == {"failed": 1, "succeeded": 3, "total": 4}


def test_a_tolerance_that_is_exceeded_can_be_caught(cloud, machine):
    catch = [{"ErrorEquals": [TOLERATED], "Next": "Caught"}]
    states = {"Each": distributed(resting(), Catch=catch), "Caught": {"Type": "Pass"}}
    run = cloud.run(machine(states), items(1, 1, fails=[1]))
    assert (run.status, run.output["Error"]) == ("SUCCEEDED", TOLERATED)


def test_a_child_sees_its_own_name_and_the_item_selector_the_parent_s(cloud, machine):
    told = {"own.$": "$$.Execution.Id", "parent.$": "$.parent", "item.$": "$.item"}
    states = {"Tell": {"Type": "Pass", "Parameters": told, "End": True}}
    selector = {"parent.$": "$$.Execution.Id", "item.$": "$$.Map.Item.Value"}
    arn = machine({"Each": distributed(states, ItemSelector=selector)})
    run = cloud.run(arn, ["a", "b"])
    assert [child["item"] for child in run.output] == ["a", "b"]
    assert {child["parent"] for child in run.output} == {run.arn}
    beginning = arn.replace(":stateMachine:", ":execution:") + "/Each:"
    assert all(child["own"].startswith(beginning) for child in run.output)
    assert len({child["own"] for child in run.output}) == 2


def test_a_child_can_ask_for_the_counts_of_its_run(cloud, machine):
    states = {
        "Rest": {"Type": "Wait", "SecondsPath": "$.item.seconds", "Next": "Find"},
        "Find": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:listMapRuns",
            "Parameters": {"ExecutionArn.$": "$.parent"},
            "ResultSelector": {"arn.$": "$.MapRuns[0].MapRunArn"},
            "ResultPath": "$.run",
            "Next": "Count",
        },
        "Count": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:describeMapRun",
            "Parameters": {"MapRunArn.$": "$.run.arn"},
            "ResultSelector": {"counts.$": "$.ItemCounts"},
            "End": True,
        },
    }
    selector = {"parent.$": "$$.Execution.Id", "item.$": "$$.Map.Item.Value"}
    arn = machine({"Each": distributed(states, ItemSelector=selector, MaxConcurrency=2)})
    run = cloud.run(arn, items(10, 100, 1))
    assert run.status == "SUCCEEDED", run.cause
    seen = [child["counts"] for child in run.output]
    assert [(one["Running"], one["Pending"], one["Succeeded"]) for one in seen] == [
        (2, 1, 0), (1, 0, 2), (2, 0, 1),
    ]  # fmt: skip
    assert {one["Total"] for one in seen} == {3}


def test_the_results_are_written_as_aws_writes_them(cloud, machine, bucket):
    writer = {"Resource": "arn:aws:states:::s3:putObject",
              "Parameters": {"Bucket": bucket, "Prefix.$": "$.prefix"}}  # fmt: skip
    arn = machine({"Each": distributed(resting(), ItemsPath="$.items", ResultWriter=writer,
                                       ToleratedFailurePercentage=100)})  # fmt: skip
    run = cloud.run(arn, {"prefix": "some/place", "items": items(1, 2, 3, fails=[1])})
    assert run.status == "SUCCEEDED", run.cause
    (map_run,) = cloud.client("stepfunctions").list_map_runs(executionArn=run.arn)["mapRuns"]
    folder = f"some/place/{map_run['mapRunArn'].rpartition(':')[2]}"
    assert run.output == {
        "MapRunArn": map_run["mapRunArn"],
        "ResultWriterDetails": {"Bucket": bucket, "Key": f"{folder}/manifest.json"},
    }
    manifest = read(cloud, f"{folder}/manifest.json")
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (bucket, map_run["mapRunArn"])
    files = manifest["ResultFiles"]
    assert files["PENDING"] == []
    assert [one["Key"] for kind in ("SUCCEEDED", "FAILED") for one in files[kind]] == [
        f"{folder}/SUCCEEDED_0.json", f"{folder}/FAILED_0.json",
    ]  # fmt: skip
    good = read(cloud, f"{folder}/SUCCEEDED_0.json")
    assert [json.loads(one["Output"]) for one in good] == [
        {"seconds": 1, "fails": False}, {"seconds": 3, "fails": False},
    ]  # fmt: skip
    (bad,) = read(cloud, f"{folder}/FAILED_0.json")
    assert (bad["Status"], bad["Error"], bad["Cause"]) == ("FAILED", "Rejected", "rain")
    assert json.loads(bad["Input"]) == {"seconds": 2, "fails": True}
    assert bad["ExecutionArn"].rpartition(":")[2] == bad["Name"]
    assert "Output" not in bad
    assert counts(cloud, run.arn)["resultsWritten"] == 3


@pytest.mark.parametrize(
    ("kind", "error"),
    [("GetObject", "States.ItemReaderFailed"), ("PutObject", "States.ResultWriterFailed")],
)
def test_what_s3_refuses_fails_the_map_by_name(cloud, machine, bucket, kind, error):
    cloud.client("s3").put_object(Bucket=bucket, Key="items.json", Body=b"[1, 2]")
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
              "Parameters": {"Bucket": bucket, "Key": "items.json"}}  # fmt: skip
    writer = {"Resource": "arn:aws:states:::s3:putObject",
              "Parameters": {"Bucket": bucket, "Prefix": "results"}}  # fmt: skip
    arn = machine({"Each": distributed({"Pass": {"Type": "Pass", "End": True}},
                                       ItemReader=reader, ResultWriter=writer)})  # fmt: skip
    assert cloud.run(arn, {}).status == "SUCCEEDED"

    refused = Fault("AccessDenied", "Access Denied", 403)
    cloud.faults.append(lambda call: refused if call.operation == kind else None)
    run = cloud.run(arn, {}, "again")
    assert (run.status, run.error) == ("FAILED", error)
    assert "Access Denied" in run.cause


def test_a_csv_object_is_read_with_its_first_row_as_names(cloud, machine, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="items.csv", Body=b"a,b\n1,x\n2,\n")
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config,
              "Parameters": {"Bucket": bucket, "Key": "items.csv"}}  # fmt: skip
    arn = machine({"Each": distributed({"Pass": {"Type": "Pass", "End": True}},
                                       ItemReader=reader)})  # fmt: skip
    assert cloud.run(arn, {}).output == [{"a": "1", "b": "x"}, {"a": "2", "b": ""}]


@pytest.mark.parametrize("may", [True, False])
def test_a_task_that_is_stopped_stops_what_it_waits_for_if_its_role_may(cloud, machine, may):
    inner = machine({"Rest": {"Type": "Wait", "Seconds": 3600}})
    waits = {"Type": "Task", "Resource": START,
             "Parameters": {"StateMachineArn": inner, "Name": "inside", "Input": {}}}  # fmt: skip
    if not may:
        denied = Fault("AccessDeniedException", "no", 400)
        cloud.faults.append(
            lambda call: (
                denied if (call.caller, call.operation) == ("states", "StopExecution") else None
            )
        )
    outer = cloud.clock.advance(100, lambda: cloud.start(machine({"Start": waits}), {}))
    cloud.client("stepfunctions").stop_execution(executionArn=outer)
    assert cloud.wait(outer).status == "ABORTED"
    cloud.settle()
    ended = cloud.describe(f"{inner.replace(':stateMachine:', ':execution:')}:inside")
    assert ended.status == ("ABORTED" if may else "SUCCEEDED")


@pytest.mark.parametrize("granted", [True, False])
def test_a_machine_that_waits_for_executions_wants_the_rights_on_its_rule(cloud, granted):
    iam, machines = cloud.client("iam"), cloud.client("stepfunctions")
    role = iam.create_role(RoleName=f"waits-{granted}", AssumeRolePolicyDocument="{}")["Role"]
    actions = [f"events:{one}" for one in ("DescribeRule", "PutRule", "PutTargets")]
    statement = {"Effect": "Allow", "Action": actions if granted else actions[:2], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="own", PolicyDocument=policy)
    waits = {"Type": "Task", "Resource": START, "End": True,
             "Parameters": {"StateMachineArn": "arn", "Input": {}}}  # fmt: skip
    asked = {"StartAt": "Start", "States": {"Start": waits}}

    def create():
        return machines.create_state_machine(
            name=f"waits-{granted}", definition=json.dumps(asked), roleArn=role["Arn"]
        )

    if granted:
        machines.delete_state_machine(stateMachineArn=create()["stateMachineArn"])
    else:
        with pytest.raises(ClientError, match="is not authorized to create managed-rule"):
            create()


def test_children_that_are_aborted_stop_what_they_wait_for(cloud, machine):
    """Why a Map that starts executions must not be the one that counts their failures."""
    inner = machine({"Rest": {"Type": "Wait", "Seconds": 3600}})
    states = {
        "Fails?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fails", "BooleanEquals": True, "Next": "Rest"}],
            "Default": "Start",
        },
        "Rest": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Fail"},
        "Fail": {"Type": "Fail", "Error": "Rejected"},
        "Start": {"Type": "Task", "Resource": START, "End": True,
                  "Parameters": {"StateMachineArn": inner, "Name": "inside", "Input": {}}},
    }  # fmt: skip
    run = cloud.run(machine({"Each": distributed(states)}), items(60, 0, fails=[0]))
    assert (run.status, run.error) == ("FAILED", TOLERATED)
    cloud.settle()
    inside = cloud.describe(f"{inner.replace(':stateMachine:', ':execution:')}:inside")
    assert inside.status == "ABORTED"


def test_a_stop_of_the_parent_aborts_its_children_and_begins_no_more(cloud, machine):
    arn = machine({"Each": distributed(resting(), MaxConcurrency=2)})
    run = cloud.clock.advance(100, lambda: cloud.start(arn, items(3600, 3600, 10, 10)))
    cloud.client("stepfunctions").stop_execution(executionArn=run)
    assert cloud.wait(run).status == "ABORTED"
    cloud.settle()
    assert counts(cloud, run) == {"aborted": 2, "pending": 2, "total": 4}
