"""The steps of an export, in the region itself and by way of another one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.emulator.rds import Rds
from src.export import plan as plan_step
from src.export import start as start_step
from tests.unit.conftest import ANOTHER, CLUSTER, EXECUTION, Aws, Context, Kind, answering
from trapheus.execution import exceptions
from trapheus.rds import access as layer
from trapheus.rds.exports import export_name

HERE, FAR = "us-east-1", "eu-west-1"
KEY = "1f2e3d4c-5b6a-4978-8a9b-0c1d2e3f4a5b"
ROLE = "arn:aws:iam::123456789012:role/export"


@pytest.fixture
def far(aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """RDS of the other region, which exports, while the own one does not."""
    for name, value in {
        "EXPORT_KEY": f"arn:aws:kms:{HERE}:123456789012:key/{KEY}",
        "EXPORT_ROLE": ROLE,
        "OTHER_REGION": FAR,
        "OTHER_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    neighbours = {(aws.rds.account, HERE): aws.rds}
    aws.rds._neighbours = neighbours
    aws.rds.exports = False
    other = Aws(Rds(aws.clock.now, region=FAR, neighbours=neighbours), aws.clock, kind)
    with (
        answering(layer.client(HERE), "rds", aws.send),
        answering(layer.client(FAR), "rds", other.send),
    ):
        yield other


def ask(handler: Any, aws: Aws, execution: str = EXECUTION, **event: Any) -> Any:
    """Invoke a step that is the same for both kinds."""
    event = {"execution": execution, "entered": datetime.now(UTC).isoformat(), **event}
    return handler(json.loads(json.dumps(event)), Context(aws.clock, 300))


def planned(aws: Aws, execution: str = EXECUTION, snapshot: str = "") -> dict[str, Any]:
    """The plan for the sample database's snapshot."""
    request = {"identifier": aws.kind.identifier, "isCluster": aws.kind is CLUSTER}
    name = snapshot or f"{aws.kind.identifier}-snapshot"
    return ask(plan_step.handler, aws, execution, request=request, snapshot=name)


def until_exported(aws: Aws, plan: dict[str, Any]) -> dict[str, str]:
    """Invoke the export step as the state machine does, until it is done."""
    for _ in range(200):
        try:
            return ask(start_step.handler, aws, export=plan)
        except exceptions.StillInProgress:
            aws.clock.sleep(60)
    raise AssertionError("the export comes to no end")


def copied(aws: Aws, plan: dict[str, Any]) -> None:
    """Let the copy come into being."""
    aws.until_done("copy", export=plan)


def test_a_region_that_exports_is_used_itself(aws: Aws, far: Aws):
    aws.rds.exports = True
    plan = planned(aws)

    assert (plan["isCopied"], plan["region"]) == (False, HERE)
    assert plan["source"] == plan["snapshot"]
    assert plan["source"].endswith(f":{aws.snapshot_kind}:{aws.kind.identifier}-snapshot")
    assert plan["bucket"] == f"rds-snapshots-123456789012-{HERE}"
    assert far.calls == []


def test_another_region_takes_the_place_of_one_that_does_not_export(aws: Aws, far: Aws):
    plan = planned(aws)

    assert (plan["isCopied"], plan["region"], plan["key"]) == (True, FAR, KEY)
    assert plan["source"].split(":")[3] == FAR
    assert plan["source"].endswith(f":{aws.snapshot_kind}:{plan['task']}")
    assert plan["bucket"] == f"rds-snapshots-123456789012-{FAR}"


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_without_a_region_that_exports_the_sentence_says_what_to_set(
    aws: Aws, far: Aws, monkeypatch: pytest.MonkeyPatch, named: bool, is_known: bool
):
    if is_known:
        far.rds.exports = False
    else:
        far.rds.unsupported.add("DescribeExportTasks")
    if not named:
        monkeypatch.setenv("OTHER_REGION", "")

    with pytest.raises(exceptions.ExportNotSupported) as raised:
        planned(aws)

    sentence = json.loads(str(raised.value))["message"]
    assert f"in {FAR if named else HERE}:" in sentence
    assert "ExportSnapshotSupportedRegion" in sentence
    assert "SnapshotCopyExportKmsKey" in sentence


def test_an_engine_that_rds_does_not_export_is_told_and_no_failure(aws: Aws, far: Aws):
    name = f"{aws.kind.identifier}-snapshot"
    aws.found(name, aws.snapshot_kind)["Engine"] = "sqlserver-se"

    assert planned(aws) == {"isPossible": False, "reason": "RDS cannot export sqlserver-se."}


def test_a_snapshot_that_is_gone_is_not_exported(aws: Aws, far: Aws):
    with pytest.raises(exceptions.ExportFailed, match="does not exist any more"):
        planned(aws, snapshot="nothing")


@pytest.mark.parametrize("identifier", ["a", "prod-db", "a" * 58, "a-" * 26 + "b"])
def test_a_task_is_called_the_same_in_every_try_and_otherwise_in_every_other_execution(
    identifier: str,
):
    name = export_name(identifier, EXECUTION)

    assert name == export_name(identifier, EXECUTION) != export_name(identifier, ANOTHER)
    assert len(name) <= 60
    assert "--" not in name
    assert name[0].isalpha()


def test_a_copy_carries_the_data_the_tag_and_the_key(aws: Aws, far: Aws):
    plan = planned(aws)
    copied(aws, plan)

    made = far.found(plan["task"], aws.snapshot_kind)
    assert made["Status"] == "available"
    assert made["KmsKeyId"].endswith(f":{FAR}:123456789012:key/{KEY}")
    assert far.is_tagged(plan["task"], aws.snapshot_kind)
    data = far.rds.data(aws.snapshot_kind, plan["task"])
    assert data == aws.rds.data(aws.snapshot_kind, f"{aws.kind.identifier}-snapshot")


def test_a_snapshot_without_encryption_is_copied_too(aws: Aws, far: Aws):
    shown = aws.found(f"{aws.kind.identifier}-snapshot", aws.snapshot_kind)
    shown["StorageEncrypted" if aws.kind is CLUSTER else "Encrypted"] = False
    del shown["KmsKeyId"]

    copied(aws, planned(aws))

    assert [item["Status"] for item in held(far)] == ["available"]


def held(far: Aws) -> list[dict[str, Any]]:
    """Every snapshot of the other region."""
    return [*far.rds.snapshots.values(), *far.rds.cluster_snapshots.values()]


@pytest.mark.parametrize("code", ["InternalFailure", "Throttling"])
def test_a_lost_answer_makes_no_second_copy(aws: Aws, far: Aws, code: str):
    copy = "CopyDBClusterSnapshot" if aws.kind is CLUSTER else "CopyDBSnapshot"
    far.fail(copy, code, status=500, times=1, lost=True)

    copied(aws, planned(aws))

    assert len(held(far)) == 1


def test_a_foreign_snapshot_of_the_copy_s_name_is_left_alone(aws: Aws, far: Aws):
    plan = planned(aws)
    copied(aws, plan)

    with pytest.raises(exceptions.NameTaken):
        aws.run("copy", export=plan, execution=ANOTHER)
    aws.run("remove_copy", export=plan, execution=ANOTHER)

    assert far.found(plan["task"], aws.snapshot_kind)["Status"] == "available"


def test_a_copy_that_fails_ends_the_step(aws: Aws, far: Aws):
    plan = planned(aws)
    copied(aws, plan)
    far.found(plan["task"], aws.snapshot_kind)["Status"] = "failed"

    with pytest.raises(exceptions.CopyFailed, match="failed"):
        aws.run("copy", export=plan)


def test_a_copy_that_takes_more_than_two_days_has_failed(aws: Aws, far: Aws):
    plan = planned(aws)
    aws.run_once("copy", export=plan)
    aws.clock.sleep(60)

    with pytest.raises(exceptions.CopyFailed):
        aws.run("copy", export=plan, entered="2020-01-01T00:00:00+00:00")


def test_a_key_that_rds_cannot_use_is_named_with_what_to_do(aws: Aws, far: Aws):
    far.rds.other_services.missing.add(KEY)

    with pytest.raises(exceptions.KeyNotAccessible, match=KEY) as raised:
        aws.run("copy", export=planned(aws))

    assert "SnapshotCopyExportKmsKey" in str(raised.value)
    assert held(far) == []


def copies(aws: Aws, far: Aws, number: int) -> None:
    """Let somebody begin copies of instances' snapshots to the other region."""
    source = aws.rds.arn("snapshot", "prod-db-snapshot")
    for one in range(number):
        far.rds.call("CopyDBSnapshot", {
            "SourceDBSnapshotIdentifier": source, "TargetDBSnapshotIdentifier": f"theirs-{one}",
            "KmsKeyId": KEY,
        })  # fmt: skip


def test_a_copy_waits_for_others_that_are_under_way(aws: Aws, far: Aws):
    plan = planned(aws)
    copies(aws, far, 5)

    with pytest.raises(exceptions.StillInProgress, match="waits for others"):
        aws.run("copy", export=plan)

    copied(aws, plan)
    assert far.found(plan["task"], aws.snapshot_kind)["Status"] == "available"


def test_a_copy_does_not_wait_for_others_for_ever(aws: Aws, far: Aws):
    copies(aws, far, 5)

    with pytest.raises(exceptions.CopyFailed, match="for days"):
        aws.run("copy", export=planned(aws), entered="2020-01-01T00:00:00+00:00")


@pytest.mark.parametrize("others", [0, 5])
def test_a_copy_does_not_wait_where_there_is_no_room(aws: Aws, far: Aws, others: int):
    copies(aws, far, others)
    far.rds.quotas[aws.snapshot_kind] = far.rds.count(aws.snapshot_kind)

    with pytest.raises(exceptions.CopyFailed, match=f"{FAR} has no room") as raised:
        aws.run("copy", export=planned(aws))

    assert "delete there what nothing needs" in str(raised.value)


@pytest.mark.parametrize("region", [HERE, FAR])
def test_an_export_ends_in_the_bucket(aws: Aws, far: Aws, region: str):
    aws.rds.exports = region == HERE
    plan = planned(aws)
    if region == FAR:
        copied(aws, plan)

    done = until_exported(aws, plan)

    rds = (aws if region == HERE else far).rds
    assert rds.export_tasks[plan["task"]]["Status"] == "COMPLETE"
    folder = f"{aws.kind.identifier}/{plan['task']}"
    assert done == {"task": plan["task"], "objects": f"s3://{plan['bucket']}/{folder}"}
    assert [key for _, key in rds.other_services.objects if key.startswith(folder)]


def test_a_lost_answer_starts_no_second_export(aws: Aws, far: Aws):
    aws.rds.exports = True
    aws.fail("StartExportTask", "InternalFailure", status=500, times=1, lost=True)

    until_exported(aws, planned(aws))

    assert len(aws.rds.export_tasks) == 1


@pytest.mark.parametrize(
    ("ending", "error", "words"),
    [
        ({"outcome": "FAILED", "cause": "No room."}, exceptions.ExportFailed, "No room."),
        ({"outcome": "COMPLETE", "warning": "a.b was skipped"}, exceptions.ExportIncomplete, "a.b"),
    ],
)
def test_an_export_that_ends_badly_says_why(
    aws: Aws, far: Aws, ending: dict[str, str], error: type[Exception], words: str
):
    aws.rds.exports = True
    aws.rds.spoil_export(**ending)
    plan = planned(aws)

    with pytest.raises(error, match=words):
        until_exported(aws, plan)


def test_a_missing_bucket_is_named_with_what_to_do(aws: Aws, far: Aws):
    aws.rds.exports = True
    plan = planned(aws)
    aws.rds.other_services.missing.add(plan["bucket"])

    with pytest.raises(exceptions.BucketMissing, match="create-bucket") as raised:
        ask(start_step.handler, aws, export=plan)

    assert plan["bucket"] in str(raised.value)
    assert aws.rds.export_tasks == {}


def test_a_sixth_export_waits_for_its_turn(aws: Aws, far: Aws):
    aws.rds.exports = True
    aws.rds.quotas["export task"] = 0
    plan = planned(aws)
    with pytest.raises(exceptions.StillInProgress, match="waits for its turn"):
        ask(start_step.handler, aws, export=plan)
    aws.rds.quotas["export task"] = 1

    assert until_exported(aws, plan)["task"] == plan["task"]


@pytest.mark.parametrize("code", ["IamRoleNotFound", "IamRoleMissingPermissions"])
def test_a_role_that_is_new_is_tried_again(aws: Aws, far: Aws, code: str):
    aws.rds.exports = True
    aws.fail("StartExportTask", code, times=1)

    with pytest.raises(exceptions.StateConflict):
        ask(start_step.handler, aws, export=planned(aws))


def test_a_copy_stays_as_long_as_it_is_being_exported(aws: Aws, far: Aws):
    plan = planned(aws)
    copied(aws, plan)
    with pytest.raises(exceptions.StillInProgress):
        ask(start_step.handler, aws, export=plan)
    aws.clock.sleep(600)

    with pytest.raises(exceptions.StillInProgress, match="still being exported"):
        aws.run("remove_copy", export=plan)

    assert held(far)[0]["Status"] == "available"


def test_a_copy_is_gone_once_its_removal_is_done(aws: Aws, far: Aws):
    plan = planned(aws)
    copied(aws, plan)
    until_exported(aws, plan)
    delete = "DeleteDBClusterSnapshot" if aws.kind is CLUSTER else "DeleteDBSnapshot"
    far.fail(delete, "InternalFailure", status=500, times=1, lost=True)

    aws.until_done("remove_copy", export=plan)
    aws.until_done("remove_copy", export=plan)

    assert held(far) == []
    assert aws.found(f"{aws.kind.identifier}-snapshot", aws.snapshot_kind)
