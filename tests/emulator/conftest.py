"""A small application on an embedded AWS, for the tests of the emulator itself."""

import json
from pathlib import Path

import pytest

from local.emulator.cloud import Cloud

SMALL = Path(__file__).parent / "small" / "template.yaml"


@pytest.fixture(scope="module")
def small_cloud():
    with Cloud() as cloud:
        cloud.deploy(SMALL, {"Greeting": "good day"}, "small")
        yield cloud


@pytest.fixture
def cloud(small_cloud):
    """The small application as deployed, with nothing run."""
    small_cloud.reset()
    return small_cloud


@pytest.fixture
def machine(cloud):
    """Make a state machine of the given states, the first of which comes first."""
    made = []

    def make(states, **more):
        definition = {"StartAt": next(iter(states)), "States": states, **more}
        for state in states.values():
            if state["Type"] in {"Task", "Pass", "Wait", "Parallel"}:
                state.setdefault(*(("End", True) if "Next" not in state else ("Next", "")))
        made.append(
            cloud.client("stepfunctions").create_state_machine(
                name=f"machine-{len(made)}",
                definition=json.dumps(definition),
                roleArn="arn:aws:iam::123456789012:role/any",
            )["stateMachineArn"]
        )
        return made[-1]

    yield make
    for arn in made:
        cloud.client("stepfunctions").delete_state_machine(stateMachineArn=arn)


@pytest.fixture
def task(cloud):
    """Make a Task that invokes one of the small application's functions."""

    def make(function, **more):
        return {"Type": "Task", "Resource": arn(cloud, function), **more}

    return make


def arn(cloud, function):
    name = cloud.physical_id(function)
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
