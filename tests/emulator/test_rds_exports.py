"""Export tasks: their course, what they leave in the bucket, and what RDS refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.rds import Rds, RdsError
from tests.emulator.rds_world import NAMES, World

BUCKET = "exports"
ROLE = "arn:aws:iam::123456789012:role/export"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
KINDS = pytest.mark.parametrize("kind", list(NAMES))


class Exports(World):
    """The account, and its snapshots to be exported."""

    def source(self, kind: str, name: str = "") -> str:
        words = NAMES[kind]
        return self.rds.arn(words["snapshot_kind"], name or f"{words['name']}-snapshot")

    def start(self, kind: str = "instance", name: str = "task", **more: Any) -> dict[str, Any]:
        given = {
            "ExportTaskIdentifier": name,
            "SourceArn": self.source(kind),
            "S3BucketName": BUCKET,
            "S3Prefix": "some/where",
            "IamRoleArn": ROLE,
            "KmsKeyId": KEY,
            **more,
        }
        return self.rds.call("StartExportTask", given)

    def refused(self, **more: Any) -> str:
        """The code of the error that a start is refused with."""
        with pytest.raises(RdsError) as caught:
            self.start(**more)
        return caught.value.code

    def tasks(self, **asked: Any) -> list[dict[str, Any]]:
        return self.rds.call("DescribeExportTasks", asked)["ExportTasks"]

    def cancel(self, name: str = "task") -> dict[str, Any]:
        return self.rds.call("CancelExportTask", {"ExportTaskIdentifier": name})

    @property
    def objects(self) -> dict[tuple[str, str], bytes]:
        self.rds.settle()
        return self.rds.other_services.objects

    def drop_snapshot(self, kind: str) -> None:
        words = NAMES[kind]
        self.rds.call(words["delete_snap"], {words["snapshot_id"]: f"{words['name']}-snapshot"})


@KINDS
def test_an_export_is_starting_then_in_progress_then_complete(kind):
    world = Exports()
    asked = world.start(kind)
    assert (asked["Status"], asked["SourceType"]) == ("STARTING", "SNAPSHOT")
    seen = []
    for _ in range(60):
        (shown,) = world.tasks()
        world.wait(minutes=1)
        if shown["Status"] not in seen:
            seen.append(shown["Status"])
    assert seen == ["STARTING", "IN_PROGRESS", "COMPLETE"]
    assert shown["PercentProgress"] == 100
    assert 15 * 60 < (shown["TaskEndTime"] - shown["TaskStartTime"]).total_seconds() < 30 * 60
    assert world.rds.export_tasks == {"task": shown}
    told = [change.after for change in world.changes if change.kind == "export"]
    assert told == seen


@pytest.mark.parametrize(("timing", "minutes"), [("least", 20), ("typical", 45), ("most", 300)])
def test_an_export_takes_its_time(timing, minutes):
    world = Exports(timing=timing)
    world.start()
    world.wait(minutes - 0.1)
    assert world.tasks()[0]["Status"] == "IN_PROGRESS"
    world.wait(1)
    assert world.tasks()[0]["Status"] == "COMPLETE"


def test_an_export_can_be_made_longer():
    world = Exports()
    world.rds.longer["export", "IN_PROGRESS"] = 7200
    world.start()
    world.wait(100)
    assert world.tasks()[0]["Status"] == "IN_PROGRESS"
    world.wait(100)
    assert world.tasks()[0]["Status"] == "COMPLETE"


@KINDS
def test_a_finished_export_leaves_the_data_of_its_snapshot_in_the_bucket(kind):
    world = Exports()
    words = NAMES[kind]
    before = world.rds.data(kind, words["name"])
    world.rds.write(kind, words["name"], "later")
    world.start(kind)
    world.wait(40)
    assert world.objects == {}
    world.wait(10)
    ((place, body),) = world.objects.items()
    assert place == (BUCKET, "some/where/task/export_info_task.json")
    facts = json.loads(body)
    assert facts["data"] == before != "later"
    assert (facts["kmsKeyId"], facts["status"]) == (KEY, "COMPLETE")
    assert facts["sourceArn"] == world.source(kind)


def test_without_a_prefix_the_task_is_the_folder():
    world = Exports()
    world.start(S3Prefix="")
    world.wait()
    assert list(world.objects) == [(BUCKET, "task/export_info_task.json")]


def test_the_data_of_a_cluster_itself_can_be_exported():
    world = Exports()
    asked = world.start(SourceArn=world.rds.arn("cluster", "cl"))
    assert asked["SourceType"] == "CLUSTER"
    world.wait()
    assert world.tasks(SourceType="CLUSTER")[0]["Status"] == "COMPLETE"
    assert world.tasks(SourceType="SNAPSHOT") == []


def test_tasks_are_found_by_name_source_and_filters_and_come_in_pages():
    world = Exports()
    for number in range(25):
        world.start("instance", f"task-{number}")
        world.wait()
    world.start("cluster", "another", S3BucketName="else")
    world.wait(minutes=2)

    def names(**asked: Any) -> list[str]:
        return [task["ExportTaskIdentifier"] for task in world.tasks(**asked)]

    def by(name: str, *values: str) -> dict[str, Any]:
        return {"Filters": [{"Name": name, "Values": list(values)}]}

    assert names(ExportTaskIdentifier="task-3") == ["task-3"]
    assert names(SourceArn=world.source("cluster")) == ["another"]
    assert names(**by("export-task-identifier", "task-3", "another")) == ["task-3", "another"]
    assert names(**by("source-arn", world.source("cluster"))) == ["another"]
    assert names(**by("source-arn", "cl-snapshot")) == []
    assert names(**by("s3-bucket", "else")) == ["another"]
    assert names(**by("status", "starting")) == ["another"]
    assert names(**by("status", "STARTING")) == []  # model: must be lowercase
    assert len(names(MaxRecords=20)) == 20
    with pytest.raises(RdsError, match="ExportTaskNotFound"):
        names(ExportTaskIdentifier="missing")


@KINDS
def test_a_source_that_is_missing_or_not_ready_is_refused(kind):
    world, words = Exports(), NAMES[kind]
    assert world.refused(SourceArn=world.source(kind, "missing")) == words["snap_missing"]
    world.snapshot(kind, words["name"], "young")
    world.wait(minutes=1)
    young = world.source(kind, "young")
    assert world.refused(SourceArn=young) == "InvalidExportSourceState"
    world.wait()
    world.rds.find(words["snapshot_kind"], "young").shown["Engine"] = "oracle-ee"
    assert world.refused(SourceArn=young) == "InvalidExportSourceState"


@pytest.mark.parametrize(
    "arn",
    [
        "db-snapshot",
        "arn:aws:rds:us-east-1:123456789012:db:db",
        "arn:aws:rds:eu-west-1:123456789012:snapshot:db-snapshot",
        "arn:aws:rds:us-east-1:999999999999:snapshot:db-snapshot",
    ],
)
def test_what_is_no_arn_of_a_snapshot_here_is_refused(arn):
    assert Exports().refused(SourceArn=arn) == "InvalidParameterValue"


@pytest.mark.parametrize("name", ["1-task", "a--b", "task-", "under_score", "a" * 61])
def test_an_impossible_identifier_is_refused(name):
    assert Exports().refused(name=name) == "InvalidParameterValue"


def test_an_identifier_of_60_characters_is_taken_and_a_prefix_with_a_colon_is_not():
    world = Exports()
    assert world.refused(S3Prefix="a:b") == "InvalidParameterValue"
    assert world.start(name="a" * 60)["ExportTaskIdentifier"] == "a" * 60


@pytest.mark.parametrize("state", ["hidden", "running", "complete", "cancelled"])
def test_an_identifier_is_never_free_again(state):
    world = Exports()
    world.rds.hides = True
    world.start()
    world.wait({"hidden": 0, "complete": 60}.get(state, 1))
    if state == "cancelled":
        world.cancel()
        world.wait()
    assert world.refused(SourceArn=world.source("cluster")) == "ExportTaskAlreadyExists"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda around: around.missing.add(BUCKET), "InvalidS3BucketFault"),
        (lambda around: around.missing.add(ROLE), "IamRoleNotFound"),
        (lambda around: around.missing.add(KEY), "KMSKeyNotAccessibleFault"),
        (lambda around: around.untrusting.add(ROLE), "IamRoleMissingPermissions"),
        (lambda around: around.denied.add("s3:PutObject"), "IamRoleMissingPermissions"),
        (lambda around: around.denied.add("s3:GetObject"), "IamRoleMissingPermissions"),
        (lambda around: around.denied.add("s3:DeleteObject"), "IamRoleMissingPermissions"),
        (lambda around: around.denied.add("s3:ListBucket"), "IamRoleMissingPermissions"),
        (lambda around: around.denied.add("s3:GetBucketLocation"), "IamRoleMissingPermissions"),
    ],
)
def test_a_bucket_role_or_key_that_cannot_be_used_is_refused(spoil, code):
    world = Exports()
    spoil(world.rds.other_services)
    assert world.refused() == code
    world.wait()
    assert world.tasks() == []


def test_a_key_of_another_region_is_refused():
    key = KEY.replace("us-east-1", "eu-west-1")
    assert Exports().refused(KmsKeyId=key) == "KMSKeyNotAccessibleFault"


def test_five_exports_run_at_once_and_a_sixth_is_refused():
    world = Exports()
    for number in range(6):
        world.snapshot("cluster", "cl", f"snapshot-{number}")
    world.wait()
    for number in range(5):
        world.start(name=f"task-{number}", SourceArn=world.source("cluster", f"snapshot-{number}"))
    sixth = {"name": "sixth", "SourceArn": world.source("cluster", "snapshot-5")}
    assert world.refused(**sixth) == "ExportTaskLimitReachedFault"
    world.wait(minutes=1)
    world.cancel("task-3")
    assert world.start(**sixth)["Status"] == "STARTING"


def test_a_snapshot_is_not_exported_twice_at_once():
    world = Exports()
    world.start()
    assert world.refused(name="second") == "InvalidExportSourceState"
    world.wait()
    assert world.start(name="second")["Status"] == "STARTING"


@pytest.mark.parametrize(("region", "exports"), [("eu-west-1", True), ("ap-south-2", False)])
def test_some_regions_export_nothing(region, exports):
    rds = Rds(lambda: 1_700_000_000.0, region=region)
    assert rds.exports is exports
    for operation, given in (
        ("DescribeExportTasks", {}),
        ("CancelExportTask", {"ExportTaskIdentifier": "task"}),
    ):
        try:
            code = str(rds.call(operation, given))
        except RdsError as error:
            code = error.code
        assert (code == "InvalidParameterCombination") is not exports


def test_a_region_can_be_told_to_export_nothing():
    world = Exports()
    world.rds.exports = False
    assert world.refused() == "InvalidParameterCombination"
    with pytest.raises(RdsError, match="not currently supported"):
        world.tasks()


def test_a_cancelled_export_writes_nothing():
    world = Exports()
    world.start()
    world.wait(minutes=30)
    assert world.cancel()["Status"] == "CANCELING"
    with pytest.raises(RdsError, match="InvalidExportTaskStateFault"):
        world.cancel()
    world.wait(minutes=2)
    assert world.tasks()[0]["Status"] == "CANCELED"
    world.wait(300)
    assert world.tasks()[0]["Status"] == "CANCELED"
    assert world.objects == {}


def test_an_export_that_is_over_cannot_be_cancelled():
    world = Exports()
    world.start()
    world.wait()
    with pytest.raises(RdsError, match="InvalidExportTaskStateFault"):
        world.cancel()
    assert world.tasks()[0]["Status"] == "COMPLETE"


def test_a_hidden_export_can_be_cancelled():
    world = Exports()
    world.rds.hides = True
    world.start()
    assert world.tasks() == []
    world.cancel()
    world.wait()
    assert world.tasks()[0]["Status"] == "CANCELED"


def test_exports_started_after_a_spoiling_fail_for_its_cause():
    world = Exports()
    world.start()
    world.rds.spoil_export(outcome="FAILED", cause="A table was broken")
    world.start("cluster", "second")
    world.rds.spoil_export(outcome="COMPLETE", warning="orders.audit was skipped")
    world.wait()
    world.start(name="third")
    world.rds.spoil_export(outcome="COMPLETE")
    world.start("cluster", "fourth")
    world.wait()
    ends = {
        task["ExportTaskIdentifier"]: (
            task["Status"], task.get("FailureCause"), task.get("WarningMessage"),
        )
        for task in world.tasks()
    }  # fmt: skip
    assert ends == {
        "task": ("COMPLETE", None, None),
        "second": ("FAILED", "A table was broken", None),
        "third": ("COMPLETE", None, "orders.audit was skipped"),
        "fourth": ("COMPLETE", None, None),
    }
    assert len(world.objects) == 3


@KINDS
@pytest.mark.parametrize("loses", ["snapshot", "bucket", "key"])
@pytest.mark.parametrize("minutes", [10, 30])
def test_an_export_fails_when_what_it_needs_goes_meanwhile(kind, loses, minutes):
    world = Exports()
    world.start(kind)
    world.wait(minutes)
    world.rds.settle()
    if loses == "snapshot":
        world.drop_snapshot(kind)
    else:
        world.rds.other_services.missing.add({"bucket": BUCKET, "key": KEY}[loses])
    world.wait()
    (task,) = world.tasks()
    assert task["Status"] == "FAILED"
    assert task["FailureCause"]
    assert ("TaskStartTime" in task) is (minutes == 30)  # it does not begin in vain
    assert world.objects == {}


def test_a_copy_is_exported_in_its_region():
    world = Exports()
    away = world.another_region("eu-west-1")
    away.call("CopyDBSnapshot", {
        "SourceDBSnapshotIdentifier": world.source("instance"),
        "TargetDBSnapshotIdentifier": "copy",
    })  # fmt: skip
    world.wait()
    away.call("StartExportTask", {
        "ExportTaskIdentifier": "task", "SourceArn": away.arn("snapshot", "copy"),
        "S3BucketName": BUCKET, "IamRoleArn": ROLE, "KmsKeyId": "a-key",
    })  # fmt: skip
    world.wait()
    assert away.export_tasks["task"]["Status"] == "COMPLETE"
    assert world.rds.export_tasks == {}
    (body,) = away.other_services.objects.values()
    assert json.loads(body)["data"] == world.rds.data("snapshot", "db-snapshot")


def test_a_real_client_reads_a_task_and_its_errors():
    world = Exports()
    client = world.client()
    given = {
        "ExportTaskIdentifier": "task", "SourceArn": world.source("instance"),
        "S3BucketName": BUCKET, "IamRoleArn": ROLE, "KmsKeyId": KEY,
        "ExportOnly": ["app.orders", "app.users"],
    }  # fmt: skip
    client.start_export_task(**given)
    with pytest.raises(client.exceptions.ExportTaskAlreadyExistsFault):
        client.start_export_task(**given)
    world.wait()
    pages = client.get_paginator("describe_export_tasks").paginate()
    (task,) = [task for page in pages for task in page["ExportTasks"]]
    assert (task["Status"], task["ExportOnly"]) == ("COMPLETE", ["app.orders", "app.users"])
    assert task["SnapshotTime"] < task["TaskStartTime"] < task["TaskEndTime"]
    with pytest.raises(ClientError, match="ExportTaskNotFound"):
        client.cancel_export_task(ExportTaskIdentifier="missing")
