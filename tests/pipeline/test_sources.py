"""The data of another database: restored, or copied and restored, and what is left of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.commands.account import KEY_ID, key
from local.commands.app import OTHER_ACCOUNT, OTHER_REGION, lend_key
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.rds.operations import db_snapshots
from tests import sources
from tests.mailed import flowing
from tests.pipeline.observed import KINDS, Kind, On, as_plain, databases, run, snapshots, tagged
from tests.pipeline.scenarios import DENIED, interrupt

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Execution, Notice

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_strategy = pytest.mark.parametrize("strategy", ["restore-first", "rename-first", "copy"])
BASE = ("identifier", "task", "isCluster")
MARKER = "a-password-to-look-for"
KEYS = ["the same key", "another key", "no key"]


def target(kind: Kind) -> str:
    return kind.identifier.replace("prod", "drill")


def request(kind: Kind, strategy: str, **more: Any) -> dict[str, Any]:
    """A restore of another database's data."""
    asked = {"sourceIdentifier": sources.name_of(kind), **more}
    if strategy == "copy":
        return kind.request("db_restore", targetIdentifier=target(kind), **asked)
    return kind.request("db_restore", strategy=strategy, **asked)


def shown(cloud: App, kind: Kind, name: str) -> dict[str, Any]:
    """A database as RDS holds it."""
    cloud.rds.settle()
    return as_plain((cloud.rds.clusters if kind.is_cluster else cloud.rds.instances)[name])


def key_named(cloud: App, words: str) -> str:
    """The ARN of a key of the other database, by what it is to the target's."""
    others = {"the same key": key(cloud.rds, KEY_ID), "no key": ""}
    return others.get(words) or sources.key(cloud.rds) if words != "no key" else ""


@each_kind
@each_strategy
@pytest.mark.parametrize("words", KEYS)
def test_the_data_of_another_database_come_as_the_target_is_configured(
    cloud: App, kind: Kind, strategy: str, words: str
) -> None:
    taken = sources.make(cloud.rds, kind, key=key_named(cloud, words))
    source, before = shown(cloud, kind, sources.name_of(kind)), shown(cloud, kind, kind.identifier)
    held = snapshots(cloud)

    execution = run(cloud, request(kind, strategy))

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")
    name = target(kind) if strategy == "copy" else kind.identifier
    assert cloud.rds.data(kind.name, name) == "live data"
    assert execution.output["restoredFrom"] == taken
    now = shown(cloud, kind, name)
    assert now["KmsKeyId"] == before["KmsKeyId"]
    assert now["MasterUsername"] == sources.MASTER
    # The source is as it was, and nothing is left of what was copied.
    assert shown(cloud, kind, sources.name_of(kind)) == source
    assert snapshots(cloud) == held
    assert tagged(cloud) == []


def refreshed(cloud: App, kind: Kind, data: str, held: dict[str, str], ran: Execution) -> None:
    """An execution has given the target these data, and left nothing of what it has copied."""
    assert (ran.status, ran.cause) == ("SUCCEEDED", "")
    assert cloud.rds.data(kind.name, kind.identifier) == data
    assert snapshots(cloud) == held
    assert tagged(cloud) == []


@each_kind
@pytest.mark.parametrize("is_encrypted", [True, False])
def test_of_another_account_the_newest_that_it_has_shared_of_this_database_counts(
    cloud: App, kind: Kind, *, is_encrypted: bool
) -> None:
    theirs, held = cloud.rds_in(account=OTHER_ACCOUNT), snapshots(cloud)
    lent = lend_key(OTHER_ACCOUNT, ACCOUNT) if is_encrypted else ""
    arn = sources.make_elsewhere(theirs, kind, [ACCOUNT], key=lent)
    # Later, but of another database.
    another = Kind(kind.name, kind.identifier.replace("prod", "prod-two"))
    sources.make_elsewhere(theirs, another, [ACCOUNT])

    ran = run(cloud, request(kind, "restore-first", sourceAccount=OTHER_ACCOUNT))

    refreshed(cloud, kind, "shared data", held, ran)
    assert ran.output["restoredFrom"] == arn
    assert ran.output["source"] == {
        "identifier": sources.name_of(kind), "account": OTHER_ACCOUNT, "region": REGION,
    }  # fmt: skip
    assert shown(cloud, kind, kind.identifier)["KmsKeyId"] == key(cloud.rds, KEY_ID)


@each_kind
@pytest.mark.parametrize("words", ["another key", "no key"])
def test_a_snapshot_of_another_region_is_named_by_its_arn(
    cloud: App, kind: Kind, words: str
) -> None:
    away, held = cloud.rds_in(OTHER_REGION), snapshots(cloud)
    name = sources.make(away, kind, key=sources.key(away) if words == "another key" else "")
    noun = "cluster-snapshot" if kind.is_cluster else "snapshot"
    arn = f"arn:aws:rds:{OTHER_REGION}:{ACCOUNT}:{noun}:{name}"

    ran = run(cloud, kind.request("db_restore", snapshotIdentifier=arn))

    refreshed(cloud, kind, "live data", held, ran)
    assert ran.output["restoredFrom"] == arn


OPTION = {"OptionName": "TDE", "Persistent": True, "Permanent": True}


@pytest.mark.parametrize("has_group", [True, False])
def test_a_copy_from_another_region_has_the_option_group_of_the_target(
    cloud: App, *, has_group: bool
) -> None:
    kind, away, held = KINDS[0], cloud.rds_in(OTHER_REGION), snapshots(cloud)
    (own,) = cloud.rds.instances[kind.identifier]["OptionGroupMemberships"]
    if has_group:
        # The source's is another one of the same options.
        away.call("CreateOptionGroup", {
            "OptionGroupName": "live-options", "EngineName": "postgres",
            "MajorEngineVersion": "16", "OptionGroupDescription": "Live",
        })  # fmt: skip
        for rds, name in ((away, "live-options"), (cloud.rds, own["OptionGroupName"])):
            rds.groups["option"][name]["Options"] = [OPTION]
    else:
        own["OptionGroupName"] = "default:postgres-16"
    more = {"OptionGroupName": "live-options"} if has_group else {}
    name = sources.make(away, kind, key=sources.key(away), **more)
    arn = f"arn:aws:rds:{OTHER_REGION}:{ACCOUNT}:snapshot:{name}"

    ran = run(cloud, kind.request("db_restore", snapshotIdentifier=arn))

    refreshed(cloud, kind, "live data", held, ran)
    (copied,) = [call for call in cloud.calls if call.operation == "CopyDBSnapshot"]
    expected = own["OptionGroupName"] if has_group else None
    assert copied.parameters.get("OptionGroupName") == expected


@each_kind
def test_the_newest_may_be_of_aws_backup(cloud: App, kind: Kind) -> None:
    sources.make(cloud.rds, kind, data="older data", key=key(cloud.rds, KEY_ID))
    cloud.clock.advance(60)
    cloud.rds.write(kind.name, sources.name_of(kind), "backed up data")
    name = db_snapshots.back_up_by_plan(cloud.rds, kind.name, sources.name_of(kind))
    cloud.settle()
    cloud.clock.advance(3600)
    held = snapshots(cloud)

    ran = run(cloud, request(kind, "restore-first"))

    refreshed(cloud, kind, "backed up data", held, ran)
    assert ran.output["restoredFrom"] == name


@each_kind
@pytest.mark.parametrize("asked", ["latest", "sourceIdentifier"])
def test_a_copy_of_another_account_s_database_of_that_name_is_not_chosen(
    cloud: App, kind: Kind, asked: str
) -> None:
    same = {"key": key(cloud.rds, KEY_ID)} if asked == "sourceIdentifier" else {}
    own = sources.make(cloud.rds, kind, **same)
    cloud.clock.advance(3600)
    arn = sources.make_elsewhere(cloud.rds_in(account=OTHER_ACCOUNT), kind, [ACCOUNT])
    word = operation(kind, "DB*Snapshot")
    cloud.rds.call(f"Copy{word}", {
        f"Source{word}Identifier": arn, f"Target{word}Identifier": "of-the-other-account",
    })  # fmt: skip
    cloud.settle()
    cloud.clock.advance(3600)
    source = sources.name_of(kind)
    if asked == "latest":
        request_of = {"identifier": source, "snapshotIdentifier": "latest"}
        given = kind.request("db_restore") | request_of
    else:
        source, given = kind.identifier, request(kind, "restore-first")

    ran = run(cloud, given)

    assert (ran.status, ran.cause) == ("SUCCEEDED", "")
    assert ran.output["restoredFrom"] == own
    assert cloud.rds.data(kind.name, source) == "live data"


@each_kind
def test_the_copy_of_another_execution_is_not_chosen(cloud: App, kind: Kind) -> None:
    taken = sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    cloud.faults.append(On("Untag", operation(kind, "DeleteDB*Snapshot"), DENIED))
    assert run(cloud, request(kind, "restore-first"), "refresh").error == "UntagFailed"
    left = f"{kind.identifier}-source"
    assert tagged(cloud) == [left]
    beside = kind.request(
        "db_restore", sourceIdentifier=sources.name_of(kind), targetIdentifier=target(kind),
        dryRun=True, keepSourcePassword=True,
    )  # fmt: skip

    ran = run(cloud, beside, "drill")

    assert ran.output["plan"]["snapshot"] == taken


# What goes wrong


@each_kind
@each_strategy
def test_a_copy_that_is_refused_leaves_all_as_it_was(cloud: App, kind: Kind, strategy: str) -> None:
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    before, held = databases(cloud), snapshots(cloud)
    cloud.faults.append(On("CopySource", operation(kind, "CopyDB*Snapshot"), DENIED))

    ran = run(cloud, request(kind, strategy))

    assert (ran.status, ran.error) == ("FAILED", "CopyFailed")
    assert (databases(cloud), snapshots(cloud), tagged(cloud)) == (before, held, [])
    (mail,) = cloud.alerts
    assert mail.subject.startswith("[NOT TOUCHED]")
    assert "was not touched" in flowing(mail.text) or "serves as" in flowing(mail.text)


@each_kind
@each_strategy
@pytest.mark.parametrize("state", ["Copy the snapshot", "after it"])
def test_an_execution_that_ends_while_it_copies_is_recovered(
    cloud: App, kind: Kind, strategy: str, state: str
) -> None:
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    before, held = databases(cloud), snapshots(cloud)
    begun = {"rename-first": "Restore the database"}.get(strategy, "Wait until the copy is made")
    asked = {name: value for name, value in request(kind, strategy).items() if name not in BASE}

    interrupt(kind, cloud, state if state != "after it" else begun, **asked)

    assert (databases(cloud), snapshots(cloud), tagged(cloud)) == (before, held, [])
    assert "recovered" in cloud.alerts[-1].subject


@each_kind
def test_a_copy_that_cannot_be_deleted_is_told_with_its_command(cloud: App, kind: Kind) -> None:
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    delete = operation(kind, "DeleteDB*Snapshot")
    cloud.faults.append(On("Untag", delete, DENIED))

    ran = run(cloud, request(kind, "restore-first"))

    assert (ran.status, ran.error) == ("FAILED", "UntagFailed")
    assert cloud.rds.data(kind.name, kind.identifier) == "live data"
    name = f"{kind.identifier}-source"
    assert tagged(cloud) == [name]
    (mail,) = cloud.alerts
    assert mail.subject.startswith("[SERVING, restored]")
    noun = "db-cluster-snapshot" if kind.is_cluster else "db-snapshot"
    assert f"delete-{noun} --region {REGION} --{noun}-identifier {name}" in flowing(mail.text)
    (left,) = run(cloud, kind.request("inspect"), "inspection").output["leftovers"]
    assert (left["name"], f"delete-{noun}" in left["command"]) == (name, True)


@each_kind
def test_a_restore_that_fails_takes_the_copy_of_the_snapshot_away(cloud: App, kind: Kind) -> None:
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    before, held = databases(cloud), snapshots(cloud)
    word = "RestoreDBClusterFromSnapshot" if kind.is_cluster else "RestoreDBInstanceFromDBSnapshot"
    cloud.faults.append(On("Restore", word, DENIED))

    ran = run(cloud, request(kind, "rename-first"))

    assert (ran.status, ran.error) == ("FAILED", "RestoreFailed")
    assert (databases(cloud), snapshots(cloud), tagged(cloud)) == (before, held, [])
    assert cloud.alerts[0].subject.startswith("[SERVING, put back]")


@each_kind
@pytest.mark.parametrize(
    ("strategy", "state"),
    [("restore-first", "Wait until the copy is made"), ("rename-first", "Copy the snapshot")],
)
def test_a_target_that_is_stopped_meanwhile_stays_stopped_and_nothing_else_stays(
    cloud: App, kind: Kind, strategy: str, state: str
) -> None:
    """A scheduler stops staging for the night while the data of production are copied."""
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    before, held = databases(cloud), snapshots(cloud)
    stop_database_at(cloud, kind, state)

    ran = run(cloud, request(kind, strategy))

    assert (ran.status, ran.error) == ("FAILED", "RenameFailed")
    now = databases(cloud)
    assert {name: found[0] for name, found in now.items()} == {
        name: found[0] for name, found in before.items()
    }
    own = {f"{kind.name} {kind.identifier}", *(f"instance {name}" for name in kind.members)}
    assert {name for name in now if now[name] != before[name]} == own
    assert {now[name][1] for name in own} == {"stopped"}
    assert (snapshots(cloud), tagged(cloud)) == (held, [])
    locks = cloud.client("dynamodb").scan(TableName=cloud.physical_id("LockTable"))["Items"]
    assert locks == []
    (mail,) = cloud.alerts
    assert mail.subject == f"[NOT TOUCHED] {kind.identifier}: RenameFailed"
    text = flowing(mail.text)
    assert f"{kind.identifier} is stopped, which was left so" in text
    assert f"start-db-{kind.name}" in text
    # Once it is started, the same request passes.
    with cloud.rds.instantly():
        identifier = {kind.operation("DB*Identifier"): kind.identifier}
        cloud.rds.call(kind.operation("StartDB*"), identifier)
    cloud.listeners.clear()
    assert run(cloud, request(kind, strategy), "again").status == "SUCCEEDED"


@each_kind
def test_a_failure_in_finish_tells_of_the_copy(cloud: App, kind: Kind) -> None:
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    cloud.faults.append(On("Delete", kind.operation("DeleteDB*"), DENIED))

    ran = run(cloud, request(kind, "restore-first"))

    assert (ran.status, ran.error) == ("FAILED", "DeleteFailed")
    text = flowing(cloud.alerts[0].text)
    assert f"{kind.identifier}-source: snapshot, available" in text
    assert f"It deletes {kind.identifier}-source, the copy of the snapshot" in text


class Renewing:
    """Production renews its snapshot by name when a function is first heard of."""

    def __init__(self, cloud: App, kind: Kind, caller: str) -> None:
        self.cloud, self.kind, self.caller = cloud, kind, caller
        self.is_done = False

    def __call__(self, call: Call) -> None:
        if self.is_done or not call.caller.startswith(self.caller):
            return
        self.is_done = True
        name = f"{sources.name_of(self.kind)}-monday"
        part = "Cluster" if self.kind.is_cluster else ""
        self.cloud.rds.write(self.kind.name, sources.name_of(self.kind), "newer data")
        with self.cloud.rds.instantly():
            given = {f"DB{part}SnapshotIdentifier": name}
            self.cloud.rds.call(f"DeleteDB{part}Snapshot", given)
        sources.snapshot(self.cloud.rds, self.kind, name)


@each_kind
@each_strategy
@pytest.mark.parametrize("words", ["another key", "the same key"])
def test_a_snapshot_that_is_renewed_after_the_check_is_not_restored(
    cloud: App, kind: Kind, strategy: str, words: str
) -> None:
    sources.make(cloud.rds, kind, key=key_named(cloud, words))
    before, held = databases(cloud), snapshots(cloud)
    cloud.clock.advance(3600)
    step = "CopySource" if words == "another key" else "Restore"
    cloud.faults.append(Renewing(cloud, kind, step))

    ran = run(cloud, request(kind, strategy))

    error = {"CopySource": "CopyFailed", "Restore": "RestoreFailed"}[step]
    assert (ran.status, ran.error) == ("FAILED", error)
    assert "start the restore again" in ran.cause
    assert (databases(cloud), tagged(cloud)) == (before, [])
    assert snapshots(cloud).keys() == held.keys()


@each_kind
@each_strategy
@pytest.mark.parametrize("words", ["another key", "the same key"])
def test_a_snapshot_that_is_renewed_once_it_is_restored_changes_nothing(
    cloud: App, kind: Kind, strategy: str, words: str
) -> None:
    sources.make(cloud.rds, kind, key=key_named(cloud, words))
    cloud.clock.advance(3600)
    cloud.faults.append(Renewing(cloud, kind, "Verify"))

    ran = run(cloud, request(kind, strategy))

    assert (ran.status, ran.cause) == ("SUCCEEDED", "")
    name = target(kind) if strategy == "copy" else kind.identifier
    assert cloud.rds.data(kind.name, name) == "live data"


# The password


@each_kind
@pytest.mark.parametrize("strategy", ["restore-first", "rename-first"])
@pytest.mark.parametrize("data", ["another's", "its own", "its own, taken now"])
def test_the_password_of_a_secret_is_set_once_and_stands_nowhere(
    cloud: App, kind: Kind, strategy: str, data: str
) -> None:
    if data == "another's":
        sources.make(cloud.rds, kind)
        user, asked = sources.MASTER, request(kind, strategy)
    else:
        user, asked = shown(cloud, kind, kind.identifier)["MasterUsername"], request(kind, strategy)
        del asked["sourceIdentifier"]
    if data == "its own, taken now":
        asked |= {"task": "create_snapshot"}
        asked |= {"acceptWriteLoss": True} if strategy == "restore-first" else {}
    sources.manage_no_password(cloud, kind)
    secret = sources.make_secret(cloud, user, MARKER)

    ran = run(cloud, asked | {"masterUserSecret": secret})

    assert (ran.status, ran.cause) == ("SUCCEEDED", "")
    operation = kind.operation("ModifyDB*")
    given = [call for call in cloud.calls if call.operation == operation
             and call.parameters.get("MasterUserPassword")]  # fmt: skip
    assert [call.parameters["MasterUserPassword"] for call in given] == [MARKER]
    history = cloud.client("stepfunctions").get_execution_history(
        executionArn=ran.arn, includeExecutionData=True, maxResults=1000
    )
    assert MARKER not in json.dumps(history, default=str)
    assert not any(MARKER in mail.text + mail.html for mail in cloud.mails)
    assert len(cloud.logs) > 5
    assert not any(MARKER in log.text for log in cloud.logs)
    locks = [call for call in cloud.calls if call.service == "dynamodb"]
    assert not any(MARKER in json.dumps(call.parameters, default=str) for call in locks)


REFUSED_SECRETS = {
    "of the user somebody": ("somebody", MARKER),
    "a password that RDS does not take": (sources.MASTER, "has a / in it"),
    "holds no JSON": (None, ""),
}


@each_kind
@pytest.mark.parametrize("words", REFUSED_SECRETS)
def test_a_secret_that_does_not_fit_is_refused_before_anything_is_touched(
    cloud: App, kind: Kind, words: str
) -> None:
    sources.make(cloud.rds, kind)
    sources.manage_no_password(cloud, kind)
    secret = sources.make_secret(cloud, *REFUSED_SECRETS[words])
    before = databases(cloud)

    ran = run(cloud, request(kind, "restore-first", masterUserSecret=secret))

    assert (ran.status, ran.error) == ("FAILED", "InvalidRequest")
    assert words in ran.cause
    assert MARKER not in ran.cause
    assert databases(cloud) == before


def stop_database_at(cloud: App, kind: Kind, state: str) -> None:
    """Let somebody stop the target once a state is entered."""
    asked = []

    def stop(notice: Notice) -> None:
        if (notice.kind, notice.name) == ("state entered", state) and not asked:
            asked.append(notice)
            call = kind.operation("StopDB*"), {kind.operation("DB*Identifier"): kind.identifier}
            cloud.clock.Thread(target=cloud.rds.call, args=call).start()

    cloud.listeners.append(stop)


def operation(kind: Kind, pattern: str) -> str:
    """An operation on a snapshot; the star stands for Cluster."""
    return pattern.replace("*", "Cluster" if kind.is_cluster else "")


# What is refused


@each_kind
def test_a_snapshot_that_another_account_has_not_shared_is_refused(cloud: App, kind: Kind) -> None:
    noun = "cluster-snapshot" if kind.is_cluster else "snapshot"
    arn = f"arn:aws:rds:{REGION}:{OTHER_ACCOUNT}:{noun}:not-shared"
    sources.make_elsewhere(cloud.rds_in(account=OTHER_ACCOUNT), kind, [])

    for more in ({"snapshotIdentifier": arn}, {"sourceAccount": OTHER_ACCOUNT}):
        ran = run(cloud, request(kind, "restore-first", **more), next(iter(more)))

        assert (ran.status, ran.error) == ("FAILED", "SnapshotMissing")
        assert "--attribute-name restore --values-to-add 123456789012" in ran.cause
        assert "aws/rds cannot be shared" in ran.cause


@each_kind
def test_a_region_that_does_not_exist_is_refused_at_once(cloud: App, kind: Kind) -> None:
    noun = "cluster-snapshot" if kind.is_cluster else "snapshot"
    arn = f"arn:aws:rds:us-east-9:{OTHER_ACCOUNT}:{noun}:theirs"
    began = cloud.clock.now()

    ran = run(cloud, kind.request("db_restore", snapshotIdentifier=arn))

    assert (ran.status, ran.error) == ("FAILED", "InvalidRequest")
    assert "us-east-9" in ran.cause
    assert cloud.clock.now() - began < 60


@each_kind
def test_a_key_that_is_not_lent_is_refused_with_the_statement_that_is_missing(
    cloud: App, kind: Kind
) -> None:
    keys = cloud.client("kms", account=OTHER_ACCOUNT)
    own = keys.create_key()["KeyMetadata"]["Arn"]
    sources.make_elsewhere(cloud.rds_in(account=OTHER_ACCOUNT), kind, [ACCOUNT], key=own)

    ran = run(cloud, request(kind, "restore-first", sourceAccount=OTHER_ACCOUNT))

    assert (ran.status, ran.error) == ("FAILED", "KeyNotAccessible")
    assert "kms:CreateGrant" in ran.cause
    assert f"arn:aws:iam::{ACCOUNT}:root" in ran.cause


@each_kind
def test_what_else_does_not_fit_is_refused(cloud: App, kind: Kind) -> None:
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    shelf = cloud.rds.cluster_snapshots if kind.is_cluster else cloud.rds.snapshots
    taken = shelf[f"{sources.name_of(kind)}-monday"]

    def refused(name: str, **more: Any) -> str:
        ran = run(cloud, request(kind, "restore-first", **more), name)
        assert ran.status == "FAILED"
        return ran.cause

    other = f"{kind.identifier}-snapshot"
    assert "and the sourceIdentifier is" in refused("one", snapshotIdentifier=other)
    taken["EngineVersion"] = "17.1"
    assert f"upgrade {kind.identifier}, or name an older snapshot" in refused("two")
    taken["EngineVersion"] = "16.4"
    with cloud.rds.instantly():
        sources.snapshot(cloud.rds, kind, f"{kind.identifier}-source")
    assert f"The snapshot {kind.identifier}-source exists" in refused("three")


@each_kind
def test_the_newer_version_and_the_larger_storage_stay(cloud: App, kind: Kind) -> None:
    more: dict[str, Any] = {"EngineVersion": "16.6"}
    more |= {} if kind.is_cluster else {"AllocatedStorage": 900}
    sources.make(cloud.rds, kind, key=key(cloud.rds, KEY_ID), **more)

    ran = run(cloud, request(kind, "restore-first"))

    assert (ran.status, ran.cause) == ("SUCCEEDED", "")
    now = shown(cloud, kind, kind.identifier)
    assert now["EngineVersion"] == "16.6"
    told = {entry["attribute"] for entry in ran.output["report"]["differs"]}
    assert "EngineVersion" in told
    if not kind.is_cluster:
        assert now["AllocatedStorage"] == 900
        assert "AllocatedStorage" in told
