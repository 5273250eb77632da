"""Deployment onto the embedded AWS: packages, transform, update, and the same from every run."""

import json
import shutil
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.emulator.cloudformation.deploy import package, read_template, zipped
from tests.emulator.conftest import SMALL

TWO_RUNS = """
import json
from pathlib import Path
from local.emulator.cloud import Cloud
with Cloud(seed=3) as cloud:
    cloud.deploy(Path(SMALL), {}, "small")
    runs = [cloud.run("SmallStateMachine", {"a": 1}), cloud.run("SmallStateMachine", {}, "two")]
    for run in runs:
        run.output.pop("process")
    calls = [(c.time, c.caller, c.service, c.operation, repr(c.parameters)) for c in cloud.calls]
    print(json.dumps([calls, [(r.arn, r.output, r.started, r.stopped) for r in runs]]))
"""


def test_a_state_machine_and_its_functions_work_as_the_template_says(cloud):
    run = cloud.run("SmallStateMachine", {"a": 1})
    assert run.status == "SUCCEEDED", run.cause
    assert (run.output["event"], run.output["greeting"]) == ({"a": 1}, "good day")


def test_outputs_tell_arns_and_names(cloud):
    stack = cloud.client("cloudformation").describe_stacks(StackName="small")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:"
    assert outputs["MachineArn"] == outputs["MachineRef"] == machine + outputs["MachineName"]
    assert outputs["EchoArn"].startswith("arn:aws:lambda:us-east-1:123456789012:function:")
    assert outputs["KeyArn"].startswith("arn:aws:kms:us-east-1:123456789012:key/")


def test_a_key_has_the_tags_of_the_template(cloud):
    tags = cloud.client("kms").list_resource_tags(KeyId=cloud.physical_id("Key"))["Tags"]
    assert tags == [{"TagKey": "owner", "TagValue": "nobody"}]


def test_a_function_has_its_layer(cloud):
    facts = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.physical_id("EchoFunction")
    )
    layers = cloud.client("lambda").list_layers()["Layers"]
    assert [layer["Arn"] for layer in facts["Layers"]] == [
        layers[0]["LatestMatchingVersion"]["LayerVersionArn"]
    ]


def test_a_list_loses_its_spaces_and_a_condition_leaves_a_resource_out(cloud):
    topic = {"Type": "AWS::SNS::Topic"}
    template = {
        "Parameters": {
            "Names": {"Type": "CommaDelimitedList"},
            "Usual": {"Type": "CommaDelimitedList", "Default": "three, four"},
        },
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"Never": {**topic, "Condition": "Never"}, "Always": topic},
        "Outputs": {
            name: {"Value": {"Fn::Join": ["|", {"Ref": name}]}} for name in ("Names", "Usual")
        },
    }
    formation = cloud.client("cloudformation")
    names = {"ParameterKey": "Names", "ParameterValue": "one, two"}
    formation.create_stack(StackName="lists", TemplateBody=json.dumps(template), Parameters=[names])

    resources = formation.describe_stack_resources(StackName="lists")["StackResources"]
    (stack,) = formation.describe_stacks(StackName="lists")["Stacks"]
    formation.delete_stack(StackName="lists")

    assert [resource["LogicalResourceId"] for resource in resources] == ["Always"]
    assert [one["OutputValue"] for one in stack["Outputs"]] == ["one|two", "three|four"]


def test_deploying_again_updates_what_changed(cloud):
    before = cloud.run("SmallStateMachine", {}).output["greeting"]
    cloud.deploy(SMALL, {"Greeting": "good night"}, "small")
    after = cloud.run("SmallStateMachine", {}, "after").output["greeting"]
    cloud.deploy(SMALL, {"Greeting": "good day"}, "small")
    assert (before, after) == ("good day", "good night")


def test_a_change_set_deploys_as_well(cloud):
    storage, formation = cloud.client("s3"), cloud.client("cloudformation")
    storage.create_bucket(Bucket="other")

    def upload(key, content):
        storage.put_object(Bucket="other", Key=key, Body=content)
        return f"s3://other/{key}"

    formation.create_change_set(
        StackName="changed",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(package(SMALL, upload)),
        Parameters=[{"ParameterKey": "Greeting", "ParameterValue": "hello there"}],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    formation.execute_change_set(ChangeSetName="first", StackName="changed")
    stack = formation.describe_stacks(StackName="changed")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    run = cloud.run(outputs["MachineArn"], {})
    formation.delete_stack(StackName="changed")
    assert (run.status, run.output["greeting"]) == ("SUCCEEDED", "hello there")


ASSERTED = {"Fn::Not": [{"Fn::Contains": [{"Ref": "Subnets"}, ""]}]}
JOINED = {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Subnets"}]}, ""]}]}


def ruled(asserted):
    """A template whose rule wants subnets within a VPC, and does not hold by default."""
    rule = {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Inside"}, "true"]},
        "Assertions": [{"Assert": asserted, "AssertDescription": "Subnets are needed"}],
    }
    return {
        "Parameters": {
            "Inside": {"Type": "String", "Default": "true"},
            "Subnets": {"Type": "CommaDelimitedList", "Default": ""},
        },
        "Rules": {"Named": rule},
        "Resources": {"One": group("ruled")},
    }


def by_change_set(formation, **asked):
    formation.create_change_set(ChangeSetName="first", ChangeSetType="CREATE", **asked)
    formation.execute_change_set(ChangeSetName="first", StackName=asked["StackName"])


WAYS = {"create": lambda formation, **asked: formation.create_stack(**asked),
        "change-set": by_change_set}  # fmt: skip


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def make_ruled(request, cloud):
    """Make a stack of a template with Rules, by either way, and delete it in the end."""
    formation = cloud.client("cloudformation")

    def make(asserted, **given):
        parameters = [{"ParameterKey": key, "ParameterValue": it} for key, it in given.items()]
        body = json.dumps(ruled(asserted))
        request.param(formation, StackName="ruled", TemplateBody=body, Parameters=parameters)

    yield make
    formation.delete_stack(StackName="ruled")


@pytest.mark.parametrize("inside", ["true", "false"])
def test_a_rule_with_a_function_that_rules_do_not_have_is_refused(cloud, make_ruled, inside):
    """Even where its condition is false."""
    with pytest.raises(ClientError) as refused:
        make_ruled(JOINED, Inside=inside, Subnets="one")

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert refused.value.response["Error"]["Message"] == (
        "Template format error: Following functions are not supported in the Rules block of the"
        " template: [Fn::Join]"
    )
    assert "ruled" not in stacks(cloud)


def test_a_stack_whose_rule_does_not_hold_is_not_made(cloud, make_ruled):
    with pytest.raises(ClientError, match="Subnets are needed"):
        make_ruled(ASSERTED)
    assert (groups(cloud), "ruled" in stacks(cloud)) == ({}, False)


@pytest.mark.parametrize("given", [{"Subnets": "one, two"}, {"Inside": "false"}], ids=str)
def test_a_stack_whose_rules_hold_is_made_and_is_not_updated_against_them(cloud, make_ruled, given):
    make_ruled(ASSERTED, **given)
    assert groups(cloud) == {"ruled": 7}
    for asserted, said in ((ASSERTED, "Subnets are needed"), (JOINED, "not supported")):
        with pytest.raises(ClientError, match=said):
            cloud.client("cloudformation").update_stack(
                StackName="ruled", TemplateBody=json.dumps(ruled(asserted))
            )
    assert status(cloud.client("cloudformation"), "ruled") == "CREATE_COMPLETE"


def test_a_zip_of_the_same_files_has_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / "a.py").write_text("a = 1")
        (tmp_path / folder / "__pycache__").mkdir()
        (tmp_path / folder / "__pycache__" / "a.pyc").write_text(folder)
    archive = zipped(tmp_path / "one", "python/")
    assert archive == zipped(tmp_path / "two", "python/")
    assert zipfile.ZipFile(BytesIO(archive)).namelist() == ["python/inner/a.py"]


def test_a_template_that_names_a_missing_folder_is_refused(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(
        "Resources: {One: {Type: 'AWS::Serverless::Function', Properties: {CodeUri: gone/}}}"
    )
    with pytest.raises(FileNotFoundError, match="gone"):
        package(template, lambda key, _: key)


def test_short_forms_are_written_out(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(
        "a: !GetAtt One.Arn\nb: !If [Asked, !Ref Two, !Sub '${Three}']\nv: 2010-09-09"
    )
    assert read_template(template) == {
        "a": {"Fn::GetAtt": ["One", "Arn"]},
        "b": {"Fn::If": ["Asked", {"Ref": "Two"}, {"Fn::Sub": "${Three}"}]},
        "v": "2010-09-09",
    }


@pytest.mark.thorough
def test_two_processes_make_the_same_calls_at_the_same_times():
    root = Path(__file__).parent.parent.parent
    script = TWO_RUNS.replace("SMALL", repr(str(SMALL)))
    processes = [
        subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert outputs[0] == outputs[1]
    calls, _ = json.loads(outputs[0])
    assert [call[1:4] for call in calls] == [
        ["outside", "stepfunctions", "StartExecution"],
        ["states", "lambda", "Invoke"],
    ] * 2


def test_twenty_five_tasks_of_five_calls_take_under_two_real_seconds(cloud, machine, task):
    names = [f"Look {number}" for number in range(25)]
    states = {
        name: task("LookFunction", Next=after)
        for name, after in zip(names, [*names[1:], "Done"], strict=True)
    }
    arn = machine(states | {"Done": {"Type": "Succeed"}})
    cloud.run(arn, {"times": 1}, "warm-up")
    begun = time.perf_counter()
    run = cloud.run(arn, {"times": 5})
    assert run.status == "SUCCEEDED", run.cause
    assert time.perf_counter() - begun < 2


# Stacks that fail, change and go


def resources_only(**resources):
    return json.dumps({"Resources": resources})


def bucket(name, **more):
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, **more}


def group(name, days=7, **more):
    properties = {"LogGroupName": name, "RetentionInDays": days}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties, **more}


def groups(cloud):
    """The log groups there are, with the days for which they keep their events."""
    found = cloud.client("logs").describe_log_groups()["logGroups"]
    return {one["logGroupName"]: one["retentionInDays"] for one in found}


def stacks(cloud):
    """The names of the stacks there are."""
    return [one["StackName"] for one in cloud.client("cloudformation").describe_stacks()["Stacks"]]


def status(formation, stack):
    return formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


def test_a_bucket_that_holds_something_is_not_deleted_with_its_stack(cloud):
    formation, storage = cloud.client("cloudformation"), cloud.client("s3")
    body = resources_only(Kept=bucket("kept"), Gone=group("gone"))
    formation.create_stack(StackName="full", TemplateBody=body)
    storage.put_object(Bucket="kept", Key="one", Body=b"1")

    formation.delete_stack(StackName="full")
    refused = status(formation, "full")
    after_refusal = groups(cloud), storage.get_object(Bucket="kept", Key="one")["Body"].read()
    storage.delete_object(Bucket="kept", Key="one")
    formation.delete_stack(StackName="full")

    assert refused == "DELETE_FAILED"
    assert after_refusal == ({}, b"1")
    assert "kept" not in [one["Name"] for one in storage.list_buckets()["Buckets"]]


def test_a_bucket_that_holds_something_can_be_kept_once_its_stack_could_not_be_deleted(cloud):
    formation, storage = cloud.client("cloudformation"), cloud.client("s3")
    body = resources_only(Kept=bucket("kept"), Gone=group("gone"))
    formation.create_stack(StackName="full", TemplateBody=body)
    storage.put_object(Bucket="kept", Key="one", Body=b"1")

    def delete(*retained: str) -> str:
        try:
            formation.delete_stack(StackName="full", RetainResources=retained)
        except ClientError as error:
            return str(error)
        return ""

    assert "DELETE_FAILED" in delete("Kept")
    assert delete() == ""
    assert "Do not specify resources that are in the DELETE_COMPLETE state" in delete("Gone")
    assert delete("Kept") == ""
    assert "full" not in stacks(cloud)
    assert storage.get_object(Bucket="kept", Key="one")["Body"].read() == b"1"
    storage.delete_object(Bucket="kept", Key="one")
    storage.delete_bucket(Bucket="kept")


def test_what_is_to_be_retained_outlives_its_stack(cloud):
    formation, storage = cloud.client("cloudformation"), cloud.client("s3")
    body = resources_only(Kept=bucket("retained", DeletionPolicy="Retain"), Gone=group("gone"))
    formation.create_stack(StackName="leaving", TemplateBody=body)
    formation.delete_stack(StackName="leaving")
    storage.delete_bucket(Bucket="retained")  # fails if it is not there
    assert groups(cloud) == {}


@pytest.mark.parametrize(
    ("policy", "left"), [("Retain", True), ("RetainExceptOnCreate", False), ("Delete", False)]
)
@pytest.mark.parametrize("changes", [False, True], ids=["created", "updated"])
def test_what_is_rolled_back_as_it_was_made_is_retained_only_by_retain(
    cloud, policy, left, changes
):
    formation, storage = cloud.client("cloudformation"), cloud.client("s3")
    storage.create_bucket(Bucket="taken")
    kept = bucket("retained", DeletionPolicy=policy)
    body = resources_only(Kept=kept, Taken=bucket("taken", DependsOn="Kept"))
    if changes:
        formation.create_stack(StackName="back", TemplateBody=resources_only(One=group("one")))
        formation.update_stack(StackName="back", TemplateBody=body)
    else:
        formation.create_stack(StackName="back", TemplateBody=body)
    ended, names = status(formation, "back"), storage.list_buckets()["Buckets"]
    formation.delete_stack(StackName="back")
    storage.delete_bucket(Bucket="taken")
    if left:
        storage.delete_bucket(Bucket="retained")

    assert ended.endswith("ROLLBACK_COMPLETE")
    assert ("retained" in [one["Name"] for one in names]) == left


def test_what_is_retained_except_on_create_outlives_its_stack(cloud):
    formation, storage = cloud.client("cloudformation"), cloud.client("s3")
    kept = bucket("retained", DeletionPolicy="RetainExceptOnCreate")
    formation.create_stack(StackName="leaving", TemplateBody=resources_only(Kept=kept))
    formation.delete_stack(StackName="leaving")
    storage.delete_bucket(Bucket="retained")  # fails if it is not there


def test_a_stack_that_wants_a_name_already_taken_is_rolled_back(cloud):
    formation = cloud.client("cloudformation")
    cloud.client("s3").create_bucket(Bucket="taken")
    body = resources_only(Mine=group("mine"), Taken=bucket("taken", DependsOn="Mine"))
    formation.create_stack(StackName="late", TemplateBody=body)
    events = formation.describe_stack_events(StackName="late")["StackEvents"]
    ended, left = status(formation, "late"), groups(cloud)
    formation.delete_stack(StackName="late")
    cloud.client("s3").delete_bucket(Bucket="taken")
    assert (ended, left) == ("ROLLBACK_COMPLETE", {})
    failed = [
        one["LogicalResourceId"] for one in events if one["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert failed == ["Taken"]


def test_events_are_later_one_than_the_other(cloud):
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="told", TemplateBody=resources_only(One=group("one")))
    events = formation.describe_stack_events(StackName="told")["StackEvents"]
    formation.delete_stack(StackName="told")
    times = [one["Timestamp"] for one in events]
    assert len(times) == len(set(times))
    assert times == sorted(times, reverse=True)
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE"


def test_an_update_that_fails_leaves_what_was_before(cloud):
    formation = cloud.client("cloudformation")
    cloud.client("s3").create_bucket(Bucket="taken")
    formation.create_stack(StackName="back", TemplateBody=resources_only(One=group("one", 7)))
    changed = resources_only(
        One=group("one", 30), Two=group("two"), Taken=bucket("taken", DependsOn=["One", "Two"])
    )
    formation.update_stack(StackName="back", TemplateBody=changed)
    ended, left = status(formation, "back"), groups(cloud)
    formation.delete_stack(StackName="back")
    cloud.client("s3").delete_bucket(Bucket="taken")
    assert (ended, left) == ("UPDATE_ROLLBACK_COMPLETE", {"one": 7})


def test_an_update_changes_adds_and_removes(cloud):
    formation = cloud.client("cloudformation")
    before = resources_only(One=group("one", 7), Two=group("two", 7))
    formation.create_stack(StackName="changing", TemplateBody=before)
    after = resources_only(One=group("one", 30), Three=group("three", 1))
    formation.update_stack(StackName="changing", TemplateBody=after)
    ended, left = status(formation, "changing"), groups(cloud)
    formation.delete_stack(StackName="changing")
    assert (ended, left) == ("UPDATE_COMPLETE", {"one": 30, "three": 1})


def test_a_parameter_may_keep_its_previous_value(cloud):
    template = {
        "Parameters": {
            "Names": {"Type": "CommaDelimitedList"},
            "Days": {"Type": "Number", "Default": 7},
        },
        "Resources": {"One": group({"Fn::Join": ["-", {"Ref": "Names"}]}, {"Ref": "Days"})},
    }
    formation = cloud.client("cloudformation")
    names = {"ParameterKey": "Names", "ParameterValue": "a, b"}
    body = json.dumps(template)
    formation.create_stack(StackName="kept", TemplateBody=body, Parameters=[names])
    same = {"ParameterKey": "Names", "UsePreviousValue": True}
    days = {"ParameterKey": "Days", "ParameterValue": "30"}
    formation.create_change_set(
        StackName="kept",
        ChangeSetName="longer",
        ChangeSetType="UPDATE",
        TemplateBody=body,
        Parameters=[same, days],
    )
    formation.execute_change_set(ChangeSetName="longer", StackName="kept")
    left = groups(cloud)
    formation.delete_stack(StackName="kept")
    assert left == {"a-b": 30}


def test_a_change_set_that_changes_nothing_fails(cloud):
    formation = cloud.client("cloudformation")
    body = resources_only(One=group("one"))
    formation.create_stack(StackName="same", TemplateBody=body)
    formation.create_change_set(
        StackName="same", ChangeSetName="none", ChangeSetType="UPDATE", TemplateBody=body
    )
    planned = formation.describe_change_set(StackName="same", ChangeSetName="none")
    formation.delete_stack(StackName="same")
    assert planned["Status"] == "FAILED"
    assert "didn't contain changes" in planned["StatusReason"]


def test_a_change_set_tells_what_a_parameter_changes(cloud):
    """By a condition and inside a text, and nothing of what stays out of the stack."""
    template = {
        "Parameters": {
            "Days": {"Type": "String", "Default": "few"},
            "Place": {"Type": "String", "Default": "here"},
        },
        "Conditions": {
            "Many": {"Fn::Equals": [{"Ref": "Days"}, "many"]},
            "Never": {"Fn::Equals": ["a", "b"]},
        },
        "Resources": {
            "Kept": group("kept", {"Fn::If": ["Many", 30, 7]}),
            "More": group("more", Condition="Many"),
            "Out": group("out", Condition="Never"),
            "Placed": group({"Fn::Sub": "placed-${Place}"}),
        },
    }
    formation, body = cloud.client("cloudformation"), json.dumps(template)

    def planned(name, **given):
        asked = [{"ParameterKey": key, "ParameterValue": it} for key, it in given.items()]
        formation.create_change_set(
            StackName="planned",
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            TemplateBody=body,
            Parameters=asked,
        )
        found = formation.describe_change_set(StackName="planned", ChangeSetName=name)
        changes = [one["ResourceChange"] for one in found["Changes"]]
        return {(one["Action"], one["LogicalResourceId"]) for one in changes}, found["Status"]

    formation.create_stack(StackName="planned", TemplateBody=body)
    same, many = planned("same"), planned("many", Days="many")
    moved = planned("moved", Place="there")
    formation.delete_stack(StackName="planned")
    assert same == (set(), "FAILED")
    assert many == ({("Modify", "Kept"), ("Add", "More")}, "CREATE_COMPLETE")
    assert moved == ({("Modify", "Placed")}, "CREATE_COMPLETE")


def test_changed_code_and_a_changed_layer_are_what_runs(cloud, tmp_path):
    shutil.copytree(SMALL.parent, tmp_path / "small")
    template = tmp_path / "small" / SMALL.name
    code = tmp_path / "small" / "functions" / "small.py"
    layer = tmp_path / "small" / "layer" / "shared" / "__init__.py"
    cloud.deploy(template, {}, "coded")
    runs = [cloud.run("SmallStateMachine", {}, "before")]  # so that a warm process could stay
    layer.write_text('SHARED = "from the new layer"\n')
    cloud.deploy(template, {}, "coded")
    runs.append(cloud.run("SmallStateMachine", {}, "layer"))
    code.write_text(code.read_text() + "\n\ndef echo(event, context):\n    return 'new'\n")
    cloud.deploy(template, {}, "coded")
    runs.append(cloud.run("SmallStateMachine", {}, "code"))
    cloud.client("cloudformation").delete_stack(StackName="coded")
    cloud.use_stack("small")
    assert [run.status for run in runs] == ["SUCCEEDED"] * 3
    before, layered, coded = (run.output for run in runs)
    assert (before["shared"], layered["shared"]) == ("from the layer", "from the new layer")
    assert coded == "new"


def test_the_apps_own_kinds_of_resources_have_what_their_template_says(cloud):
    """A bucket with its policy, a key, a schedule, a role, and a machine with logs and traces."""
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Deny"}]}
    services = ["states.amazonaws.com", "scheduler.amazonaws.com"]
    trusting = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [trusting]}
    role = {
        "AssumeRolePolicyDocument": trust,
        "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
    }
    logging = {
        "Level": "ALL",
        "IncludeExecutionData": False,
        "Destinations": [
            {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}
        ],
    }
    template = {
        "Resources": {
            "Logs": group("machine", 30),
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": document, "EnableKeyRotation": True},
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": "whole",
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "PublicAccessBlockConfiguration": {
                        "BlockPublicAcls": True,
                        "BlockPublicPolicy": True,
                        "IgnorePublicAcls": True,
                        "RestrictPublicBuckets": True,
                    },
                    "LifecycleConfiguration": {
                        "Rules": [
                            {
                                "Id": "Expire",
                                "Status": "Enabled",
                                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                            }
                        ]
                    },
                    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                },
            },
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document},
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "LoggingConfiguration": logging,
                    "TracingConfiguration": {"Enabled": True},
                },
            },
            "Schedule": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "Name": "nightly",
                    "ScheduleExpression": "cron(0 3 * * ? *)",
                    "ScheduleExpressionTimezone": "Europe/Berlin",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": {"Ref": "Machine"},
                        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Input": "{}",
                        "RetryPolicy": {"MaximumRetryAttempts": "10"},
                    },
                },
            },
        }
    }
    formation, storage = cloud.client("cloudformation"), cloud.client("s3")
    formation.create_stack(StackName="whole", TemplateBody=json.dumps(template))
    found = formation.describe_stack_resources(StackName="whole")["StackResources"]
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
    keys = cloud.client("kms")
    machine = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=ids["Machine"])
    schedule = cloud.client("scheduler").get_schedule(Name="nightly")
    own = cloud.client("iam").get_role_policy(RoleName=ids["Role"], PolicyName="own")
    seen = {
        "versioning": storage.get_bucket_versioning(Bucket="whole")["Status"],
        "block": storage.get_public_access_block(Bucket="whole")["PublicAccessBlockConfiguration"],
        "policy": json.loads(storage.get_bucket_policy(Bucket="whole")["Policy"]),
        "ownership": storage.get_bucket_ownership_controls(Bucket="whole")["OwnershipControls"],
        "rotation": keys.get_key_rotation_status(KeyId=ids["Key"])["KeyRotationEnabled"],
        "key policy": json.loads(
            keys.get_key_policy(KeyId=ids["Key"], PolicyName="default")["Policy"]
        ),
    }
    (rule,) = storage.get_bucket_lifecycle_configuration(Bucket="whole")["Rules"]
    formation.delete_stack(StackName="whole")

    assert seen == {
        "versioning": "Enabled",
        "block": template["Resources"]["Bucket"]["Properties"]["PublicAccessBlockConfiguration"],
        "policy": document,
        "ownership": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "rotation": True,
        "key policy": document,
    }
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert own["PolicyDocument"] == document
    assert machine["tracingConfiguration"] == {"enabled": True}
    (target,) = machine["loggingConfiguration"]["destinations"]
    assert target["cloudWatchLogsLogGroup"]["logGroupArn"].endswith(":log-group:machine:*")
    assert schedule["Target"]["Arn"] == ids["Machine"]
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 10
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert cloud.client("scheduler").list_schedules()["Schedules"] == []


def watching(**more):
    """A table, a rule that starts a machine with a part of each event, and its role."""
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    allow = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": {"Ref": "Machine"}}
    role = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [
            {
                "PolicyName": "start",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]},
            }
        ],
    }
    transformer = {
        "InputPathsMap": {"ended": "$.detail"},
        "InputTemplate": '{"task": "recover", "ended": <ended>}\n',
    }
    target = {
        "Id": "Machine",
        "Arn": {"Ref": "Machine"},
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "InputTransformer": transformer,
    }
    ends = {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "database", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "database", "KeyType": "HASH"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": "true"},
        "SSESpecification": {"SSEEnabled": True},
        **more.pop("table", {}),
    }
    rule = {"EventPattern": ends, "Targets": [target], **more.pop("rule", {})}
    return resources_only(
        Table={"Type": "AWS::DynamoDB::Table", "Properties": table},
        Role={"Type": "AWS::IAM::Role", "Properties": role},
        Machine={
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
                "RoleArn": "arn:aws:iam::123456789012:role/any",
            },
        },
        Rule={"Type": "AWS::Events::Rule", "Properties": rule},
    )


def found_rules(cloud):
    """Each rule's pattern, state and targets, by its name."""
    client = cloud.client("events")
    return {
        rule["Name"]: (
            json.loads(rule["EventPattern"]),
            rule["State"],
            client.list_targets_by_rule(Rule=rule["Name"])["Targets"],
        )
        for rule in client.list_rules()["Rules"]
    }


def test_a_table_and_a_rule_are_made_changed_and_removed(cloud):
    formation, tables = cloud.client("cloudformation"), cloud.client("dynamodb")
    before = tables.list_tables()["TableNames"]
    formation.create_stack(StackName="watching", TemplateBody=watching())
    found = formation.describe_stack_resources(StackName="watching")["StackResources"]
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
    tables.put_item(TableName=ids["Table"], Item={"database": {"S": "kept"}})
    role = cloud.client("iam").get_role(RoleName=ids["Role"])["Role"]["Arn"]

    (made,) = found_rules(cloud).values()
    kept = {"table": {"DeletionProtectionEnabled": "true", "SSESpecification": {}}}
    pattern = {"source": ["aws.states"], "detail": {"status": ["ABORTED"]}}
    changed = watching(rule={"EventPattern": pattern, "State": "DISABLED"}, **kept)
    formation.update_stack(StackName="watching", TemplateBody=changed)
    after = status(formation, "watching"), found_rules(cloud)
    described = tables.describe_table(TableName=ids["Table"])["Table"]
    items = tables.scan(TableName=ids["Table"])["Items"]
    # AWS deletes no protected table.
    formation.delete_stack(StackName="watching")
    refused = status(formation, "watching")
    tables.update_table(TableName=ids["Table"], DeletionProtectionEnabled=False)
    formation.delete_stack(StackName="watching")

    assert made[0] == {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}
    (target,) = made[2]
    assert (target["Arn"], target["RoleArn"]) == (ids["Machine"], role)
    assert target["InputTransformer"]["InputPathsMap"] == {"ended": "$.detail"}
    assert after[0] == "UPDATE_COMPLETE"
    assert [(one[0], one[1], one[2]) for one in after[1].values()] == [
        (pattern, "DISABLED", [target])
    ]
    assert list(after[1]) == [ids["Rule"]]
    assert described["DeletionProtectionEnabled"] is True
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert items == [{"database": {"S": "kept"}}]
    assert refused == "DELETE_FAILED"
    assert found_rules(cloud) == {}
    assert tables.list_tables()["TableNames"] == before


def test_a_table_that_changes_its_key_is_another_table(cloud):
    formation, tables = cloud.client("cloudformation"), cloud.client("dynamodb")
    before = set(tables.list_tables()["TableNames"])
    formation.create_stack(StackName="watching", TemplateBody=watching())
    (first,) = set(tables.list_tables()["TableNames"]) - before
    key = {
        "AttributeDefinitions": [{"AttributeName": "lock", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "lock", "KeyType": "HASH"}],
    }
    formation.update_stack(StackName="watching", TemplateBody=watching(table=key))
    ended = status(formation, "watching")
    (second,) = set(tables.list_tables()["TableNames"]) - before
    schema = tables.describe_table(TableName=second)["Table"]["KeySchema"]
    formation.delete_stack(StackName="watching")
    assert (ended, second != first) == ("UPDATE_COMPLETE", True)
    assert schema == key["KeySchema"]


def test_a_rule_of_a_stack_starts_its_machine(cloud, machine):
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="watching", TemplateBody=watching())
    found = formation.describe_stack_resources(StackName="watching")["StackResources"]
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
    failed = cloud.run(machine({"Fail": {"Type": "Fail", "Error": "Rejected"}}), {})
    cloud.settle()
    (arn,) = cloud.executions(ids["Machine"])
    output = cloud.describe(arn).output
    formation.delete_stack(StackName="watching")
    assert output["task"] == "recover"
    assert output["ended"]["executionArn"] == failed.arn


def test_a_function_has_the_name_of_its_table(cloud):
    facts = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.physical_id("KeepFunction")
    )
    assert facts["Environment"]["Variables"]["NOTES"] == cloud.physical_id("Notes")
    assert cloud.physical_id("Notes") in cloud.client("dynamodb").list_tables()["TableNames"]


def test_a_kind_of_resource_that_is_not_known_fails_the_stack(cloud):
    formation = cloud.client("cloudformation")
    body = resources_only(Strange={"Type": "AWS::Strange::Thing"})
    formation.create_stack(StackName="strange", TemplateBody=body)
    assert status(formation, "strange") == "ROLLBACK_COMPLETE"
    formation.delete_stack(StackName="strange")


def test_a_deployment_that_fails_says_why(cloud, tmp_path):
    template = tmp_path / "strange.json"
    template.write_text(resources_only(Strange={"Type": "AWS::Strange::Thing"}))
    with pytest.raises(RuntimeError, match="Strange: the local AWS knows no AWS::Strange::Thing"):
        cloud.deploy(template, {}, "strange")
    cloud.client("cloudformation").delete_stack(StackName="strange")
    cloud.use_stack("small")


def test_an_environment_of_more_than_4_kb_fails_a_stack(cloud):
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}}]}  # fmt: skip
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    formation = cloud.client("cloudformation")
    for size, ended in ((4096, "CREATE_COMPLETE"), (4097, "ROLLBACK_COMPLETE")):
        properties = {
            "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Runtime": "python3.11", "Handler": "index.a",
            "Code": {"ZipFile": "a = print"},
            "Environment": {"Variables": {"LIST": "l" * (size - 4)}},
        }  # fmt: skip
        function = {"Type": "AWS::Lambda::Function", "Properties": properties}
        formation.create_stack(
            StackName="lists", TemplateBody=resources_only(Role=role, Function=function)
        )
        events = formation.describe_stack_events(StackName="lists")["StackEvents"]
        reasons = " ".join(one.get("ResourceStatusReason") or "" for one in events)
        assert status(formation, "lists") == ended
        assert ("exceeded the 4KB limit" in reasons) == (ended != "CREATE_COMPLETE")
        formation.delete_stack(StackName="lists")


@pytest.mark.parametrize(
    ("group", "rule", "refused"),
    [
        ("Functions, which only call AWS", "Endpoints of AWS", ""),
        ("AWS's endpoints", "", "Invalid security group description."),
        ("Functions", "AWS's endpoints", "Invalid rule description."),
        ("Functions", "e" * 256, "Invalid rule description."),
    ],
)
def test_a_description_that_ec2_does_not_take_fails_a_stack(cloud, group, rule, refused):
    egress = {"Description": rule, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
              "CidrIp": "0.0.0.0/0"}  # fmt: skip
    properties = {"GroupDescription": group, "SecurityGroupEgress": [egress]}
    resource = {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}
    formation = cloud.client("cloudformation")
    formation.create_stack(
        StackName="grouped", TemplateBody=json.dumps({"Resources": {"Group": resource}})
    )
    (stack,) = formation.describe_stacks(StackName="grouped")["Stacks"]
    events = formation.describe_stack_events(StackName="grouped")["StackEvents"]
    formation.delete_stack(StackName="grouped")

    ended = "ROLLBACK_COMPLETE" if refused else "CREATE_COMPLETE"
    assert stack["StackStatus"] == ended
    reasons = " ".join(one.get("ResourceStatusReason") or "" for one in events)
    assert refused in reasons
