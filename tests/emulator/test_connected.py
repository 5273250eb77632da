"""A SAM application with a connector and one of AWS's own managed policies, deployed and judged."""

import json
from pathlib import Path

import pytest

from local.emulator.cloud import Cloud

TEMPLATE = Path(__file__).parent / "connected" / "template.yaml"


@pytest.fixture(scope="module")
def connected():
    with Cloud() as cloud:
        cloud.deploy(TEMPLATE, {}, "connected")
        yield cloud


def test_a_function_may_what_its_connector_and_its_managed_policy_allow(connected):
    answer = connected.client("lambda").invoke(
        FunctionName=connected.physical_id("NoteFunction"), Payload=b"{}"
    )
    assert json.loads(answer["Payload"].read()) == {
        "put": "done",
        "get": "AccessDeniedException",
        "describe": "done",
        "delete": "AccessDenied",
    }
