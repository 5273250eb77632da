"""Exports to S3: in the region itself, by way of another one, and what is said of failures."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.s3.models import s3_backends

from local.commands.app import OTHER_REGION, App, export_bucket
from local.emulator.cloud import ACCOUNT, REGION, Execution, Fault
from tests.mailed import flowing, sentence
from tests.pipeline.observed import KINDS, Kind, On, databases, run

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_way = pytest.mark.parametrize("region", [REGION, OTHER_REGION])


def exported(cloud: App, execution: Execution) -> Execution:
    """The execution that a restore has started for the export, at its end."""
    return cloud.wait(cloud.export_of(execution))


def tasks(cloud: App, region: str) -> list[dict[str, Any]]:
    """The export tasks that a region shows."""
    client = cloud.client("rds", region)
    return list(client.describe_export_tasks()["ExportTasks"])


def objects(cloud: App, region: str, prefix: str) -> list[str]:
    """The keys of the objects in a region's bucket."""
    found = cloud.client("s3", region).list_objects_v2(Bucket=export_bucket(region), Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]


def snapshots_in(cloud: App, region: str) -> set[str]:
    rds = cloud.rds_in(region)
    rds.settle()
    return {*rds.snapshots, *rds.cluster_snapshots}


def key_of(cloud: App, region: str) -> str:
    """The ARN of the key of the exports in a region: the stack's own, or the one made by hand."""
    keys = cloud.client("kms", region)
    if region == REGION:
        return str(keys.describe_key(KeyId=cloud.physical_id("ExportKey"))["KeyMetadata"]["Arn"])
    (key,) = keys.list_keys()["Keys"]
    return str(key["KeyArn"])


@pytest.fixture
def without_key(cloud: App, region: str) -> Iterator[None]:
    """The key of the exports is disabled."""
    keys = cloud.client("kms", region)
    key = key_of(cloud, region).rpartition("/")[2]
    keys.disable_key(KeyId=key)
    yield
    keys.enable_key(KeyId=key)


@pytest.fixture
def without_bucket(region: str) -> Iterator[None]:
    """The bucket of the exports is away for a while."""
    buckets, name = s3_backends[ACCOUNT]["aws"].buckets, export_bucket(region)
    bucket = buckets.pop(name)
    yield
    buckets[name] = bucket


@each_kind
@each_way
def test_a_snapshot_is_exported_with_the_role_key_and_bucket_of_its_region(
    cloud: App, kind: Kind, region: str
) -> None:
    cloud.rds.exports = region == REGION

    execution = run(cloud, kind.request("create_snapshot_only"))
    export = exported(cloud, execution)

    assert (execution.status, export.status) == ("SUCCEEDED", "SUCCEEDED"), export.cause
    (done,) = tasks(cloud, region)
    assert done["Status"] == "COMPLETE"
    assert done["S3Bucket"] == export_bucket(region)
    assert done["S3Prefix"] == kind.identifier
    assert done["IamRoleArn"].endswith(f":role/{cloud.physical_id('SnapshotExportRole')}")
    assert key_of(cloud, region).endswith(done["KmsKeyId"].rpartition("/")[2])
    name = kind.snapshot if region == REGION else done["ExportTaskIdentifier"]
    part = f":{region}:123456789012:{kind.snapshot_kind}:{name}"
    assert done["SourceArn"].endswith(part)
    assert objects(cloud, region, f"{kind.identifier}/{done['ExportTaskIdentifier']}/")
    assert export.output == {
        "task": done["ExportTaskIdentifier"],
        "objects": f"s3://{done['S3Bucket']}/{kind.identifier}/{done['ExportTaskIdentifier']}",
    }
    assert snapshots_in(cloud, OTHER_REGION) == set()
    assert kind.snapshot in snapshots_in(cloud, REGION)
    assert cloud.alerts == []


@each_kind
def test_a_restore_ends_long_before_its_export(cloud: App, kind: Kind) -> None:
    cloud.rds.longer["export", "STARTING"] = 7200.0
    execution = run(cloud, kind.request("create_snapshot"))
    (task,) = tasks(cloud, REGION)
    assert execution.status == "SUCCEEDED"
    assert task["Status"] in ("STARTING", "IN_PROGRESS")

    export = exported(cloud, execution)

    assert export.status == "SUCCEEDED"
    assert export.stopped > execution.stopped + 3600


@each_kind
def test_a_restore_of_an_existing_snapshot_exports_nothing(cloud: App, kind: Kind) -> None:
    execution = run(cloud, kind.request("db_restore"))

    assert execution.status == "SUCCEEDED"
    assert tasks(cloud, REGION) == []


@each_kind
@each_way
@pytest.mark.usefixtures("without_bucket")
def test_a_missing_bucket_is_one_alert_with_the_command_that_makes_it(
    cloud: App, kind: Kind, region: str
) -> None:
    cloud.rds.exports = region == REGION
    execution = run(cloud, kind.request("create_snapshot_only"))

    check_alert(cloud, kind, execution, "BucketMissing")

    assert f"aws s3 mb s3://{export_bucket(region)} --region {region}" in flowing(
        cloud.alerts[0].text
    )
    assert snapshots_in(cloud, OTHER_REGION) == set()


@each_kind
@each_way
@pytest.mark.usefixtures("without_key")
def test_a_key_that_rds_cannot_use_is_one_alert_that_names_it(
    cloud: App, kind: Kind, region: str
) -> None:
    cloud.rds.exports = region == REGION
    execution = run(cloud, kind.request("create_snapshot_only"))

    check_alert(cloud, kind, execution, "KeyNotAccessible")

    assert key_of(cloud, region).rpartition("/")[2] in flowing(cloud.alerts[0].text)
    assert "enable it" in flowing(cloud.alerts[0].text)
    assert snapshots_in(cloud, OTHER_REGION) == set()


@each_kind
def test_a_region_that_cannot_export_either_is_one_alert_that_asks_for_another(
    cloud: App, kind: Kind
) -> None:
    cloud.rds.exports = False
    cloud.rds_in(OTHER_REGION).exports = False
    execution = run(cloud, kind.request("create_snapshot_only"))

    check_alert(cloud, kind, execution, "ExportNotSupported")

    assert f"does not export snapshots in {OTHER_REGION}" in flowing(cloud.alerts[0].text)
    assert "ExportSnapshotSupportedRegion" in flowing(cloud.alerts[0].text)
    assert snapshots_in(cloud, OTHER_REGION) == set()


def check_alert(cloud: App, kind: Kind, execution: Execution, error: str) -> Execution:
    """The restore has succeeded, and its export failed with one mail that can be followed."""
    assert execution.status == "SUCCEEDED"
    export = exported(cloud, execution)
    assert (export.status, export.error) == ("FAILED", error)
    (mail,) = cloud.alerts
    assert mail.recipients == ["dba@example.com", "oncall@example.com"]
    assert kind.snapshot in mail.subject
    assert error in mail.subject
    assert sentence(export.cause) in flowing(mail.text)
    start = "aws stepfunctions start-execution --region us-east-1 --state-machine-arn"
    assert f"{start} {machine(export)}" in flowing(mail.text)
    assert all(status == "available" for name, (_, status) in databases(cloud).items()
               if kind.identifier in name)  # fmt: skip
    return export


def machine(export: Execution) -> str:
    """The ARN of an execution's state machine."""
    return export.arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]


@each_kind
def test_an_export_can_be_started_again_with_the_input_of_its_alert(cloud: App, kind: Kind) -> None:
    cloud.rds.spoil_export(outcome="FAILED", cause="The disk of RDS was full")
    export = check_alert(
        cloud, kind, run(cloud, kind.request("create_snapshot_only")), "ExportFailed"
    )
    assert "The disk of RDS was full" in export.cause
    cloud.rds.spoil_export(outcome="COMPLETE")
    command = next(line for line in flowing(cloud.alerts[0].text).splitlines() if "--input" in line)

    again = cloud.run(machine(export), json.loads(command.partition("--input ")[2][1:-1]), "again")

    assert again.status == "SUCCEEDED", again.cause
    assert sorted(task["Status"] for task in tasks(cloud, REGION)) == ["COMPLETE", "FAILED"]


@each_kind
def test_an_export_that_leaves_tables_out_is_told(cloud: App, kind: Kind) -> None:
    cloud.rds.spoil_export(outcome="COMPLETE", warning="orders.audit was skipped")
    execution = run(cloud, kind.request("create_snapshot_only"))

    check_alert(cloud, kind, execution, "ExportIncomplete")

    assert "orders.audit was skipped" in flowing(cloud.alerts[0].text)


@each_kind
def test_an_export_that_cannot_be_started_is_told_and_the_restore_goes_on(
    cloud: App, kind: Kind
) -> None:
    def refused(call: Any) -> Fault | None:
        if call.operation == "StartExecution" and call.caller == "states":
            return Fault("ExecutionLimitExceeded", "Too many executions", 400)
        return None

    cloud.faults.append(refused)
    execution = run(cloud, kind.request("create_snapshot_only"))

    assert execution.status == "SUCCEEDED"
    (mail,) = cloud.alerts
    assert "Too many executions" in flowing(mail.text)
    assert tasks(cloud, REGION) == []


@each_kind
@pytest.mark.parametrize(
    ("function", "operation"),
    [
        ("Copy*Function", "CopyDB"),
        ("StartExportFunction", "StartExportTask"),
        ("StartExportFunction", "DescribeExportTasks"),
        ("RemoveCopy*Function", "DeleteDB"),
    ],
)
def test_lost_answers_in_an_export_are_made_up_for(
    cloud: App, kind: Kind, function: str, operation: str
) -> None:
    cloud.rds.exports = False
    if operation.endswith("DB"):
        operation += "ClusterSnapshot" if kind.is_cluster else "Snapshot"
    lost = On(kind.operation(function), operation, Fault("InternalFailure", status=500,
              carried_out=True), times=3)  # fmt: skip
    cloud.faults.append(lost)

    export = exported(cloud, run(cloud, kind.request("create_snapshot_only")))

    assert lost.fired == 3
    assert export.status == "SUCCEEDED", export.cause
    assert [task["Status"] for task in tasks(cloud, OTHER_REGION)] == ["COMPLETE"]
    assert snapshots_in(cloud, OTHER_REGION) == set()


@each_kind
@pytest.mark.parametrize(
    ("function", "operation", "error"),
    [
        ("PlanExportFunction", "DescribeExportTasks", "ExportFailed"),
        ("Copy*Function", "CopyDB", "CopyFailed"),
        ("StartExportFunction", "StartExportTask", "ExportFailed"),
        ("RemoveCopy*Function", "DeleteDB", "CopyFailed"),
    ],
)
def test_a_step_of_an_export_that_is_denied_is_one_alert(
    cloud: App, kind: Kind, function: str, operation: str, error: str
) -> None:
    cloud.rds.exports = False
    if operation.endswith("DB"):
        operation += "ClusterSnapshot" if kind.is_cluster else "Snapshot"
    denied = On(kind.operation(function), operation, Fault("AccessDenied", "Not allowed", 403))
    cloud.faults.append(denied)

    execution = run(cloud, kind.request("create_snapshot_only"))

    assert check_alert(cloud, kind, execution, error).error == error
    left = snapshots_in(cloud, OTHER_REGION)
    assert bool(left) is ("Remove" in function)
