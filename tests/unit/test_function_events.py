"""Every handler understands the event in events/functions/, as `sam local invoke` would send it."""

import importlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local.emulator.cloudformation.templates import read_template
from tests import releases
from tests.unit.conftest import Aws, Context, Post, answering
from tests.unit.test_fleet import Bucket
from trapheus.execution import fleet
from trapheus.execution.exceptions import TrapheusError
from trapheus.rds.access import client

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = read_template(ROOT / "template.yaml")["Resources"]
EVENTS = sorted((ROOT / "events" / "functions").glob("*.json"))
ALL = [*EVENTS, *releases.EVENTS]
ENVIRONMENT = {
    "BUCKET": "rds-snapshots-123456789012-us-east-1",
    "ALLOWED_IDENTIFIERS": "*",
    "ALLOWED_OVERRIDES": "*",
    "EXPORT_SNAPSHOTS": "true",
    "EXPORT_KEY": "arn:aws:kms:us-east-1:123456789012:key/one",
    "EXPORT_ROLE": "arn:aws:iam::123456789012:role/export",
    "OTHER_REGION": "eu-west-1",
    "OTHER_KEY": "another",
    "SHARE_WITH": "",
    "SHARE_KEY": "",
}
# The database of an event's plan is as the state machine would have it at that moment only for
# the first steps: those do their work here, the others find that there is none or refuse.
AT_WORK = {
    "ReadRequestFunction": [],
    "CheckInstanceFunction": ["DescribeDBInstances", "DescribeDBSnapshots"],
    "CheckClusterFunction": ["DescribeDBClusters", "DescribeDBClusterSnapshots"],
    "SnapshotInstanceFunction": ["CreateDBSnapshot"],
    "SnapshotClusterFunction": ["CreateDBClusterSnapshot"],
    "RenameInstanceFunction": ["AddTagsToResource", "ModifyDBInstance"],
    "RenameClusterFunction": ["AddTagsToResource", "ModifyDBCluster"],
}
# What these do leaves no trace here: they ask only DynamoDB, or nobody.
QUIET = {
    "LookAtLocksFunction", "ReadRequestFunction", "TakeLockFunction",
    # Their database has no proxy.
    "RegisterInstanceFunction", "RegisterClusterFunction",
}  # fmt: skip


def handler(name: str) -> Any:
    """The handler of a function of the template."""
    properties = TEMPLATE[name]["Properties"]
    module, function = properties["Handler"].split(".")
    folder = properties["CodeUri"].strip("/").replace("/", ".")
    return getattr(importlib.import_module(f"{folder}.{module}"), function)


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_a_handler_understands_the_event_of_its_function(
    aws: Aws, post: Post, monkeypatch: pytest.MonkeyPatch, path: Path
):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    event = json.loads(path.read_text())
    bucket = Bucket()
    bucket.objects[event.get("manifest", "")] = b'{"ResultFiles": {}}'
    monkeypatch.setattr(fleet, "s3", lambda: bucket)
    holds = {"holder": event.get("execution", ""), "phase": event.get("phase", "")}
    aws.lock = holds if "plan" in event else {}

    # A step that finds nothing of its execution says so by an error of the app's own; an event
    # that it could not read would be a KeyError.
    with (
        answering(client("us-east-1"), "rds", aws.send),
        answering(client("eu-west-1"), "rds", aws.send),
        suppress(TrapheusError),
    ):
        handler(path.stem)(event, Context(aws.clock, 300))

    assert set(AT_WORK.get(path.stem, [])) <= set(aws.calls)
    assert aws.calls or post.sent or len(bucket.objects) > 1 or path.stem in QUIET, (
        "it has asked for nothing: name it in QUIET if that is right"
    )


def test_there_are_events_for_all_functions():
    functions = {
        name for name, item in TEMPLATE.items()
        # What is not in every stack is not in the one that they are recorded of.
        if item["Type"] == "AWS::Serverless::Function" and "Condition" not in item
    }  # fmt: skip
    assert {path.stem for path in EVENTS} == functions, "`make events` writes one for each"
