"""Deployment onto the embedded AWS: packages, transform, update, and the same from every run."""

import json
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from local.deploy import package, read_template, zipped
from tests.emulator.conftest import SMALL

TWO_RUNS = """
import json
from pathlib import Path
from local.cloud import Cloud
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
        "Parameters": {"Names": {"Type": "CommaDelimitedList"}},
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"Never": {**topic, "Condition": "Never"}, "Always": topic},
        "Outputs": {"Names": {"Value": {"Fn::Join": ["|", {"Ref": "Names"}]}}},
    }
    formation = cloud.client("cloudformation")
    names = {"ParameterKey": "Names", "ParameterValue": "one, two"}
    formation.create_stack(StackName="lists", TemplateBody=json.dumps(template), Parameters=[names])

    resources = formation.describe_stack_resources(StackName="lists")["StackResources"]
    (stack,) = formation.describe_stacks(StackName="lists")["Stacks"]
    formation.delete_stack(StackName="lists")

    assert [resource["LogicalResourceId"] for resource in resources] == ["Always"]
    assert stack["Outputs"][0]["OutputValue"] == "one|two"


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
