"""Sharing what is taken: the snapshot itself, or a copy under a key that others may use."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from local.emulator.rds.databases import groups
from local.emulator.rds.databases.settings import own_key
from src.notify import send
from tests.mailed import run_quoted
from tests.unit.conftest import ANOTHER, CLUSTER, EXECUTION, Aws, Kind, Post, of_clusters
from tests.unit.mails import a_state, error, tell
from trapheus.execution import exceptions
from trapheus.rds import access as layer

STAGING, AUDIT = "210987654321", "321098765432"
KEY = "arn:aws:kms:us-east-1:123456789012:key/lent"
NEW_DATA = "what was written last"


@pytest.fixture(autouse=True)
def shares(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    """The stack shares with two accounts, and names its own as well."""
    monkeypatch.setenv("SHARE_WITH", f"{STAGING},{AUDIT},{aws.rds.account}")


@pytest.fixture
def defaulted(monkeypatch: pytest.MonkeyPatch, aws: Aws, kind: Kind) -> str:
    """The database is encrypted under the default key of RDS, the stack has another; its name."""
    monkeypatch.setenv("SHARE_KEY", KEY)
    encrypt(aws, kind, own_key(aws.rds, "rds"))
    return f"{kind.identifier}-shared"


def encrypt(aws: Aws, kind: Kind, key: str) -> None:
    """Let a database be under a key, with its snapshots; under none if it is empty."""
    database = aws.rds.find(kind.name, kind.identifier)
    encrypted = "StorageEncrypted" if kind is CLUSTER else "Encrypted"
    for thing in (database, aws.rds.find(aws.snapshot_kind, f"{kind.identifier}-snapshot")):
        word = "StorageEncrypted" if thing is database else encrypted
        for held in (thing.shown, thing.source.get("settings", {})):
            held.pop("KmsKeyId", None)
            held |= {word: bool(key), **({"KmsKeyId": key} if key else {})}


def planned(aws: Aws, task: str = "create_snapshot_only") -> dict[str, Any]:
    plan = aws.plan(task=task)
    aws.calls.clear()
    return plan


def shared_with(aws: Aws, name: str) -> list[str]:
    return sorted(aws.rds.find(aws.snapshot_kind, name).shared)


def copy(aws: Aws, name: str, execution: str = "", source: str = "") -> None:
    """Make a copy of the snapshot under the key, as an execution does."""
    group = "DBClusterSnapshot" if aws.kind is CLUSTER else "DBSnapshot"
    aws.rds.call(f"Copy{group}", {
        f"Source{group}Identifier": source or f"{aws.kind.identifier}-snapshot",
        f"Target{group}Identifier": name, "KmsKeyId": KEY,
    })  # fmt: skip
    if execution:
        aws.stamp(name, aws.snapshot_kind, execution)


def write(aws: Aws) -> None:
    aws.rds.write(aws.kind.name, aws.kind.identifier, NEW_DATA)


def holds(aws: Aws, name: str) -> str:
    return aws.rds.data(aws.snapshot_kind, name)


@pytest.mark.parametrize("key", ["", KEY])
def test_a_snapshot_is_shared_as_it_is(aws: Aws, kind: Kind, key: str):
    encrypt(aws, kind, key)
    write(aws)

    answer = aws.until_done("snapshot", plan=planned(aws))

    assert answer["name"] == f"{kind.identifier}-snapshot"
    assert shared_with(aws, answer["name"]) == [STAGING, AUDIT]
    assert holds(aws, answer["name"]) == NEW_DATA
    assert aws.found(f"{kind.identifier}-shared", aws.snapshot_kind) is None


def test_nothing_is_shared_without_accounts(aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHARE_WITH", aws.rds.account)
    plan = planned(aws)
    assert "sharing" not in plan
    aws.until_done("snapshot", plan=plan)
    assert shared_with(aws, f"{kind.identifier}-snapshot") == []


def test_a_restore_alone_shares_nothing(aws: Aws, kind: Kind):
    assert "sharing" not in planned(aws, "db_restore")
    assert "sharing" in planned(aws, "create_snapshot")


def test_what_is_under_the_default_key_is_copied_under_the_stacks_and_that_is_shared(
    aws: Aws, kind: Kind, defaulted: str
):
    write(aws)

    answer = aws.until_done("snapshot", plan=planned(aws))

    made = aws.found(defaulted, aws.snapshot_kind)
    assert (made["Status"], made["KmsKeyId"]) == ("available", KEY)
    assert shared_with(aws, defaulted) == [STAGING, AUDIT]
    assert shared_with(aws, answer["name"]) == []
    assert holds(aws, defaulted) == holds(aws, answer["name"]) == NEW_DATA
    assert not aws.is_tagged(defaulted, aws.snapshot_kind)
    assert aws.tags().items() <= aws.tags(defaulted, aws.snapshot_kind).items()
    assert aws.found(f"{kind.identifier}-sharing", aws.snapshot_kind) is None


def watched(aws: Aws, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> list[str]:
    """At which calls, from now on, the other account finds none of these that it may restore."""
    bare: list[str] = []
    answered = aws.rds._do

    def seen(name: str) -> bool:
        found = aws.found(name, aws.snapshot_kind)
        return bool(found and found["Status"] == "available" and STAGING in shared_with(aws, name))

    def answer(operation: str, given: dict[str, Any]) -> Any:
        if not any(map(seen, names)):
            bare.append(operation)
        return answered(operation, given)

    monkeypatch.setattr(aws.rds, "_do", answer)
    return bare


@pytest.mark.parametrize("by_copy", [True, False])
def test_at_every_call_of_a_renewal_the_other_account_finds_one(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch, by_copy: bool
):
    if by_copy:
        monkeypatch.setenv("SHARE_KEY", KEY)
    encrypt(aws, kind, own_key(aws.rds, "rds") if by_copy else KEY)
    aws.until_done("snapshot", plan=planned(aws))
    aws.settle()
    write(aws)
    suffixes = ("-shared", "-sharing") if by_copy else ("-snapshot", "-next")
    names = tuple(kind.identifier + suffix for suffix in suffixes)
    plan = planned(aws)
    bare = watched(aws, monkeypatch, names)

    aws.until_done("snapshot", plan=plan)

    assert bare == []
    assert len(aws.calls) > 10
    assert holds(aws, names[0]) == NEW_DATA
    assert shared_with(aws, names[0]) == [STAGING, AUDIT]
    assert aws.found(names[1], aws.snapshot_kind) is None


@pytest.mark.parametrize("seconds", [0, 900])
@pytest.mark.parametrize("owner", ["", ANOTHER])
def test_an_older_copy_stays_until_its_successor_is_there(
    aws: Aws, kind: Kind, defaulted: str, owner: str, seconds: float
):
    with aws.rds.instantly():
        copy(aws, defaulted, owner)
    aws.rds.find(aws.snapshot_kind, defaulted).shared = [STAGING]
    write(aws)
    names, bare = (defaulted, f"{kind.identifier}-sharing"), []

    def watch() -> None:
        found = [aws.found(name, aws.snapshot_kind) for name in names]
        if not any(one and one["Status"] == "available" for one in found):
            bare.append(aws.clock.time)

    plan = planned(aws)
    aws.clock.watchers.append(watch)
    aws.until_done("snapshot", plan=plan, seconds=seconds)

    assert not bare
    assert holds(aws, defaulted) == NEW_DATA
    assert shared_with(aws, defaulted) == [STAGING, AUDIT]
    assert aws.found(names[1], aws.snapshot_kind) is None


def test_a_repeat_makes_no_other_copy(aws: Aws, kind: Kind, defaulted: str):
    plan = planned(aws)
    aws.until_done("snapshot", plan=plan)
    made = aws.found(defaulted, aws.snapshot_kind)["SnapshotCreateTime"]
    aws.settle()
    aws.calls.clear()

    aws.run("snapshot", plan=plan)

    assert aws.found(defaulted, aws.snapshot_kind)["SnapshotCreateTime"] == made
    asked = {call for call in aws.calls if not call.startswith("Describe")}
    assert asked == {f"Modify{'DBCluster' if kind is CLUSTER else 'DB'}SnapshotAttribute"}


@pytest.mark.parametrize("pause", [0, 60, 3600])
@pytest.mark.parametrize("stage", ["successor", "copy", "both"])
def test_a_repeat_goes_on_from_every_half_done_copy(
    aws: Aws, kind: Kind, defaulted: str, stage: str, pause: float
):
    plan, spare = planned(aws), f"{kind.identifier}-sharing"
    write(aws)
    aws.clock.sleep(60)
    with aws.rds.instantly():
        if stage != "both":
            copy(aws, defaulted, ANOTHER)
    aws.run_once("snapshot", plan=plan)
    while holds(aws, f"{kind.identifier}-snapshot") != NEW_DATA:
        aws.clock.sleep(60)
        aws.run_once("snapshot", plan=plan)
    if stage != "copy" and aws.found(spare, aws.snapshot_kind) is None:
        aws.settle()
        copy(aws, spare, EXECUTION)
    aws.clock.sleep(pause)

    aws.until_done("snapshot", plan=plan)

    assert holds(aws, defaulted) == NEW_DATA
    assert shared_with(aws, defaulted) == [STAGING, AUDIT]
    assert aws.found(spare, aws.snapshot_kind) is None


@pytest.mark.parametrize("call", ["Copy", "Modify", "Delete"])
def test_a_lost_answer_is_made_up_for(aws: Aws, kind: Kind, defaulted: str, call: str):
    with aws.rds.instantly():
        copy(aws, defaulted, ANOTHER)
    group = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    operation = f"Modify{group}Attribute" if call == "Modify" else f"{call}{group}"
    aws.fail(operation, "InternalFailure", status=500, times=1, lost=True)
    write(aws)

    aws.until_done("snapshot", plan=planned(aws))

    assert holds(aws, defaulted) == NEW_DATA
    assert shared_with(aws, defaulted) == [STAGING, AUDIT]


@pytest.mark.parametrize("call", ["Modify", "Delete"])
@pytest.mark.parametrize("after", [0, 1])
def test_what_is_shown_though_it_has_gone_is_looked_at_again(
    aws: Aws, kind: Kind, defaulted: str, call: str, after: int
):
    with aws.rds.instantly():
        copy(aws, defaulted, ANOTHER)
    group = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    operation = f"Modify{group}Attribute" if call == "Modify" else f"Delete{group}"
    missing = f"{group}NotFound{'Fault' if kind is CLUSTER else ''}"
    aws.fail(operation, missing, status=404, times=1, after=after)
    write(aws)

    aws.until_done("snapshot", plan=planned(aws))

    assert holds(aws, defaulted) == NEW_DATA
    assert shared_with(aws, defaulted) == [STAGING, AUDIT]


@pytest.mark.parametrize(
    ("call", "code", "error"),
    [
        ("Copy", "KMSKeyNotAccessibleFault", exceptions.KeyNotAccessible),
        ("Copy", "SnapshotQuotaExceeded", exceptions.SnapshotFailed),
        ("Copy", "AccessDenied", exceptions.SnapshotFailed),
        ("Modify", "SharedSnapshotQuotaExceeded", exceptions.SnapshotFailed),
        ("Modify", "InvalidParameterCombination", exceptions.SnapshotFailed),
    ],
)
def test_what_cannot_be_shared_fails_and_the_older_copy_stays(
    aws: Aws, kind: Kind, defaulted: str, *, call: str, code: str, error: type[Exception]
):
    with aws.rds.instantly():
        copy(aws, defaulted, ANOTHER)
    aws.rds.find(aws.snapshot_kind, defaulted).shared = [STAGING]
    group = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    aws.fail(f"Modify{group}Attribute" if call == "Modify" else f"Copy{group}", code)
    write(aws)

    with pytest.raises(error):
        aws.until_done("snapshot", plan=planned(aws))

    assert holds(aws, f"{kind.identifier}-snapshot") == NEW_DATA
    assert aws.found(defaulted, aws.snapshot_kind)["Status"] == "available"


@pytest.mark.parametrize("by_copy", [True, False])
@pytest.mark.parametrize("renewed", [True, False])
def test_a_refusal_to_share_what_is_available_is_not_waited_for(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch, by_copy: bool, renewed: bool
):
    """Each look may be the last of the eight: what is shared already stays so."""
    if by_copy:
        monkeypatch.setenv("SHARE_KEY", KEY)
    encrypt(aws, kind, own_key(aws.rds, "rds") if by_copy else KEY)
    group = "DBClusterSnapshot" if kind is CLUSTER else "DBSnapshot"
    name = f"{kind.identifier}-{'shared' if by_copy else 'snapshot'}"
    if renewed:
        aws.until_done("snapshot", plan=planned(aws))
        aws.settle()
    elif not by_copy:
        with aws.rds.instantly():
            aws.rds.call(f"Delete{group}", {f"{group}Identifier": name})
    code = f"Invalid{group}State{'Fault' if kind is CLUSTER else ''}"
    aws.fail(f"Modify{group}Attribute", code)
    plan = planned(aws)

    for _ in range(400):
        try:
            aws.run("snapshot", plan=plan)
        except exceptions.StillInProgress:
            aws.clock.sleep(15)
        except exceptions.StateConflict as error:
            said = error.fields
            break

    assert said["code"] == code
    assert "RDS does not share" in said["message"]
    assert "permanent or persistent options" in said["message"]
    assert not renewed or shared_with(aws, name) == [STAGING, AUDIT]


def test_a_copy_that_fails_ends_the_step_and_the_older_one_stays(
    aws: Aws, kind: Kind, defaulted: str
):
    with aws.rds.instantly():
        copy(aws, defaulted, ANOTHER)
    spare, plan = f"{kind.identifier}-sharing", planned(aws)
    while aws.found(spare, aws.snapshot_kind) is None:
        aws.run_once("snapshot", plan=plan)
        aws.clock.sleep(15)
    aws.rds.become(aws.snapshot_kind, spare, "failed")

    with pytest.raises(exceptions.SnapshotFailed, match="failed"):
        aws.until_done("snapshot", plan=plan)

    assert aws.found(defaulted, aws.snapshot_kind)["Status"] == "available"


# Told


def a_snapshot_state(
    aws: Aws, plan: dict[str, Any] | None, task: str = "create_snapshot_only"
) -> dict[str, Any]:
    """The state machine's data when such a task has failed."""
    state = a_state(plan, error())
    state["request"] |= {
        "identifier": aws.kind.identifier, "task": task, "isCluster": aws.kind is CLUSTER,
    }  # fmt: skip
    return state


@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only", "recover"])
def test_what_sharing_has_left_is_told(aws: Aws, kind: Kind, post: Post, defaulted: str, task: str):
    state = a_snapshot_state(aws, None if task == "recover" else planned(aws), task)
    with aws.rds.instantly():
        copy(aws, f"{kind.identifier}-sharing", ANOTHER)

    tell(state)

    text = " ".join(post.text.split())
    assert f"{kind.identifier}-sharing: snapshot, available, data as of" in text
    assert f"There is no {defaulted}" in text
    with aws.rds.instantly():
        copy(aws, defaulted, ANOTHER)
    post.sent.clear()
    tell(state)
    text = " ".join(post.text.split())
    assert f"{defaulted}: snapshot, available, data as of" in text
    assert "There is no" not in text


@pytest.mark.parametrize("about", ["recovery", "failure"])
def test_the_recovery_of_a_snapshot_tells_it_before_a_restore(
    aws: Aws, kind: Kind, post: Post, defaulted: str, about: str
):
    state = a_snapshot_state(aws, None, "db_restore")
    with aws.rds.instantly():
        copy(aws, f"{kind.identifier}-sharing", ANOTHER)

    send.handler(json.loads(json.dumps({"execution": EXECUTION, "about": about, "state": state})),
                 None)  # fmt: skip

    assert (f"{kind.identifier}-sharing: snapshot" in post.text) == (about == "recovery")


def test_a_copy_that_was_not_made_is_told(aws: Aws, kind: Kind, post: Post, defaulted: str):
    tell(a_snapshot_state(aws, planned(aws)))
    assert f"There is no {defaulted}" in " ".join(post.text.split())


def test_where_no_copy_is_shared_none_is_missed(aws: Aws, kind: Kind, post: Post):
    encrypt(aws, kind, KEY)
    tell(a_snapshot_state(aws, planned(aws)))
    assert "-shared" not in post.text


# Before


def findings(aws: Aws) -> list[dict[str, str]]:
    return aws.check(task="create_snapshot_only", dryRun=True)["findings"]


def test_the_default_key_without_another_one_is_refused_in_one_sentence(
    aws: Aws, kind: Kind, defaulted: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHARE_KEY", "")
    (found,) = findings(aws)
    assert found["error"] == "KeyNotAccessible"
    assert "the default key of RDS, whose snapshots cannot be shared" in found["message"]
    assert "ShareKmsKey" in found["message"]


def test_more_accounts_than_rds_takes_are_refused(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    for count, errors in ((20, []), (21, ["InvalidRequest"])):
        accounts = [aws.rds.account, *(f"{number:012d}" for number in range(count))]
        monkeypatch.setenv("SHARE_WITH", ",".join(accounts))
        assert [one["error"] for one in findings(aws)] == errors


@pytest.mark.parametrize("task", ["create_snapshot", "create_snapshot_only"])
@pytest.mark.parametrize(
    ("option", "persistent", "permanent", "refused"),
    [
        ("TDE", True, False, True),
        ("TDE", True, True, True),
        ("Timezone", True, True, False),
        ("OLS", True, True, False),
        ("SQLSERVER_BACKUP_RESTORE", False, False, False),
    ],
)
def test_an_option_with_which_rds_shares_nothing_is_refused(
    aws: Aws, task: str, *, option: str, persistent: bool, permanent: bool, refused: bool
):
    (held,) = aws.found()["OptionGroupMemberships"]
    group = groups.looked_up(aws.rds, "option", held["OptionGroupName"])
    group["Options"] = [{"OptionName": option, "Persistent": persistent, "Permanent": permanent}]
    aws.rds.groups["option"][held["OptionGroupName"]] = group

    found = aws.check(task=task, dryRun=True)["findings"]

    assert [one["error"] for one in found] == (["GroupNotUsable"] if refused else [])
    assert all(f"the option {option}" in one["message"] for one in found)
    assert aws.calls.count("DescribeOptionGroups") == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [("Disabled", "is disabled"), ("PendingDeletion", "is pending deletion"),
     ("NotFoundException", "is missing")],
)  # fmt: skip
def test_the_key_for_the_copy_has_to_be_enabled(
    aws: Aws, kind: Kind, defaulted: str, state: str, words: str
):
    aws.keys[KEY] = state
    (found,) = findings(aws)
    assert (found["error"], f"{KEY} {words}" in found["message"]) == ("KeyNotAccessible", True)


def test_a_key_for_copies_is_not_looked_at_where_none_is_made(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHARE_KEY", KEY)
    aws.keys[KEY] = "Disabled"
    assert findings(aws) == []


@pytest.mark.parametrize("other", ["", KEY])
def test_where_nobody_can_tell_whose_the_key_is_a_copy_is_made_if_it_can(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch, other: str
):
    monkeypatch.setenv("SHARE_KEY", other)
    data_key = aws.found()["KmsKeyId"]
    aws.keys[data_key] = "AccessDeniedException"
    suffix = "-shared" if other else "-snapshot"
    sharing = planned(aws)["sharing"]
    assert sharing == {
        "accounts": [STAGING, AUDIT], "name": kind.identifier + suffix, "key": other,
    }  # fmt: skip


def test_a_snapshot_under_the_stacks_key_is_shared_itself(
    aws: Aws, kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHARE_KEY", aws.found()["KmsKeyId"])
    aws.keys[aws.found()["KmsKeyId"]] = "AccessDeniedException"
    assert planned(aws)["sharing"]["key"] == ""


@pytest.mark.parametrize("what", ["left", "failed", "of another engine"])
def test_what_stands_in_the_way_of_the_copy_is_named(
    aws: Aws, kind: Kind, defaulted: str, what: str
):
    name = f"{kind.identifier}-sharing" if what == "left" else defaulted
    with aws.rds.instantly():
        copy(aws, name, ANOTHER)
    found = aws.rds.find(aws.snapshot_kind, name)
    if what == "failed":
        aws.rds.become(aws.snapshot_kind, name, "failed")
    elif what == "of another engine":
        found.shown["Engine"] = "mysql"
    (finding,) = findings(aws)
    assert (finding["error"], name in finding["message"]) == ("NameTaken", True)
    if what == "left":
        run_quoted(finding["message"], layer.rds())
        aws.settle()
        assert findings(aws) == []


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("room", [0, 1])
def test_the_copy_has_to_have_room_in_the_quota(
    aws: Aws, kind: Kind, defaulted: str, there: bool, room: int
):
    if there:
        with aws.rds.instantly():
            copy(aws, defaulted, ANOTHER)
    held = aws.rds.count(aws.snapshot_kind)
    aws.rds.quotas[aws.snapshot_kind] = held + room
    assert [one["error"] for one in findings(aws)] == ([] if room else ["QuotaExceeded"])


def test_the_answer_is_the_snapshots_own_moment(aws: Aws, kind: Kind, defaulted: str):
    answer = aws.until_done("snapshot", plan=planned(aws))
    taken = aws.found(answer["name"], aws.snapshot_kind)
    assert datetime.fromisoformat(answer["dataAsOf"]) == taken["SnapshotCreateTime"]


@of_clusters
def test_no_copy_of_a_multi_az_cluster_s_snapshot_is_shared(aws: Aws, kind: Kind, defaulted: str):
    aws.found(kind.identifier)["DBClusterInstanceClass"] = "db.r6gd.large"

    with pytest.raises(exceptions.DatabaseNotSupported, match="copies no snapshot of a Multi-AZ"):
        planned(aws)

    encrypt(aws, kind, KEY)
    assert planned(aws)["sharing"]["key"] == ""
