"""What an account shares with another one, and what AWS Backup makes: seen, copied, restored."""

from __future__ import annotations

from typing import Any

import pytest

from local.emulator.rds import Rds, RdsError
from local.emulator.rds.operations import db_snapshots, snapshot_sharing
from tests.emulator.rds_world import NAMES, World

OTHER = "210987654321"
AWAY = "eu-west-1"
KEY = "arn:aws:kms:us-east-1:123456789012:key/own"
THEIR_KEY = f"arn:aws:kms:us-east-1:{OTHER}:key/lent"
KINDS = pytest.mark.parametrize("kind", list(NAMES))


class Shared(World):
    """The account, and `their` own: with the same databases, one snapshot of which is shared."""

    def __init__(self, kind: str, *, key: str = "", region: str = "us-east-1") -> None:
        super().__init__()
        self.kind, self.words = kind, NAMES[kind]
        self.their = Rds(lambda: self.now, account=OTHER, region=region, neighbours=self.places)
        mine, self.rds = self.rds, self.their
        with self.their.instantly():
            self.populate()
        self.rds = mine
        self.arn = snapshot_sharing.plant(
            self.their, kind, self.words["name"], "lent", [mine.account], key=key
        )

    def described(self, **asked: Any) -> list[dict[str, Any]]:
        words = self.words
        answer = self.rds.call(f"Describe{words['snapshot_word']}s", asked)
        return list(answer[f"{words['snapshot_word']}s"])

    def names(self, **asked: Any) -> list[str]:
        return [shown[self.words["snapshot_id"]] for shown in self.described(**asked)]

    def by_arn(self, **asked: Any) -> dict[str, Any]:
        (shown,) = self.described(**{self.words["snapshot_id"]: self.arn}, **asked)
        return shown

    def copy(self, to: Rds | None = None, **more: Any) -> dict[str, Any]:
        word = self.words["snapshot_id"]
        given = {f"Source{word}": self.arn, f"Target{word}": "copy", **more}
        answer = (to or self.rds).call(self.words["copy"], given)
        return dict(answer[self.words["snapshot_word"]])

    def copied(self) -> dict[str, Any]:
        held = self.rds.snapshots if self.kind == "instance" else self.rds.cluster_snapshots
        return held["copy"]

    def revive(self, source: str = "", **more: Any) -> dict[str, Any]:
        given = {self.words["from"]: source or self.arn, **more}
        return self.restore(self.kind, "new", **given)

    def share(self, *, arn: str = "", **values: list[str]) -> None:
        self.their.call(
            f"Modify{self.words['snapshot_word']}Attribute",
            {self.words["snapshot_id"]: arn or "lent", "AttributeName": "restore", **values},
        )


def refused(work: Any, *given: Any, **more: Any) -> RdsError:
    with pytest.raises(RdsError) as caught:
        work(*given, **more)
    return caught.value


@KINDS
def test_what_is_shared_is_seen_only_when_it_is_asked_for(kind):
    world = Shared(kind)
    own = f"{world.words['name']}-snapshot"
    assert world.names() == [own]
    assert world.names(IncludeShared=True) == [own, world.arn]
    assert world.names(SnapshotType="shared") == [world.arn]
    assert world.names(SnapshotType="manual", IncludeShared=True) == [own]
    missing = refused(world.by_arn)
    assert missing.code == world.words["snap_missing"]


@KINDS
def test_a_shared_snapshot_is_named_by_its_arn(kind):
    world = Shared(kind, key=THEIR_KEY)
    shown = world.by_arn(IncludeShared=True)
    assert shown == world.by_arn(SnapshotType="shared")
    assert shown[world.words["snapshot_id"]] == shown[world.words["snapshot_arn"]] == world.arn
    assert (shown["SnapshotType"], shown["KmsKeyId"]) == ("shared", THEIR_KEY)
    assert shown[world.words["id"]] == world.words["name"]
    assert shown["TagList"] == []


@KINDS
def test_a_shared_snapshot_is_not_found_by_its_database(kind):
    world = Shared(kind)
    database = {world.words["id"]: world.words["name"]}
    assert world.names(SnapshotType="shared", **database) == []
    filters = [{"Name": "db-instance-id" if kind == "instance" else "db-cluster-id",
                "Values": [world.words["name"]]}]  # fmt: skip
    assert world.names(SnapshotType="shared", Filters=filters) == []


@KINDS
def test_what_is_public_is_everybodys(kind):
    world = Shared(kind)
    world.share(ValuesToAdd=["all"])
    assert world.names(SnapshotType="shared") == []
    assert world.names(SnapshotType="public") == [world.arn]
    assert world.names(IncludePublic=True)[-1] == world.arn


@KINDS
def test_an_own_snapshot_is_found_by_its_arn_and_none_of_another_account_or_region(kind):
    world = Shared(kind)
    own = world.rds.arn(world.words["snapshot_kind"], f"{world.words['name']}-snapshot")
    assert world.names(**{world.words["snapshot_id"]: own}) == [f"{world.words['name']}-snapshot"]
    for elsewhere in (own.replace(world.rds.account, OTHER), own.replace("us-east-1", AWAY)):
        asked = {world.words["snapshot_id"]: elsewhere, "IncludeShared": True}
        assert refused(world.described, **asked).code == world.words["snap_missing"]
        assert refused(world.revive, elsewhere).code == world.words["snap_missing"]


@KINDS
def test_a_shared_and_unencrypted_snapshot_is_restored_by_its_arn(kind):
    world = Shared(kind)
    world.revive()
    world.wait()
    assert world.status(kind, "new") == "available"
    assert world.rds.data(kind, "new") == world.their.data(kind, world.words["name"])
    assert refused(world.revive, "lent").code == world.words["snap_missing"]


@KINDS
def test_a_shared_and_encrypted_snapshot_is_not_restored_but_copied(kind):
    world = Shared(kind, key=THEIR_KEY)
    assert refused(world.revive).code == "InvalidParameterCombination"
    world.copy(KmsKeyId=KEY)
    world.wait()
    shown = world.copied()
    assert (shown["Status"], shown["KmsKeyId"]) == ("available", KEY)
    assert shown["SnapshotType"] == "manual"
    assert (
        snapshot_sharing.attributes(world.rds.find(world.words["snapshot_kind"], "copy"))[
            f"{world.words['snapshot_word']}AttributesResult"
        ][f"{world.words['snapshot_word']}Attributes"][0]["AttributeValues"]
        == []
    )
    world.revive("copy")
    world.wait()
    assert world.shown(kind, "new")["KmsKeyId"] == KEY
    assert world.rds.data(kind, "new") == world.their.data(kind, world.words["name"])


@KINDS
def test_the_copy_of_a_shared_and_encrypted_snapshot_wants_a_key(kind):
    world = Shared(kind, key=THEIR_KEY)
    assert refused(world.copy).code == "InvalidParameterCombination"


@KINDS
def test_a_key_that_is_not_lent_keeps_its_snapshot(kind):
    world = Shared(kind, key=THEIR_KEY)
    world.rds.other_services.missing.add(THEIR_KEY)
    error = refused(world.copy, KmsKeyId=KEY)
    assert error.code == "KMSKeyNotAccessibleFault"
    assert error.message.startswith(f"The source snapshot KMS key [{THEIR_KEY}] does not exist")


def test_the_moment_of_an_instances_data_stays_and_a_clusters_is_lost():
    for kind in NAMES:
        world = Shared(kind)
        taken = world.by_arn(IncludeShared=True)["SnapshotCreateTime"]
        world.wait(120)
        world.copy()
        world.wait()
        shown = world.copied()
        assert shown["SnapshotCreateTime"] > taken
        assert shown.get("OriginalSnapshotCreateTime") == (taken if kind == "instance" else None)


@KINDS
def test_a_copy_from_another_account_says_where_it_comes_from_and_brings_no_tags(kind):
    world = Shared(kind)
    tag = {"Key": "team", "Value": "a"}
    world.their.call("AddTagsToResource", {"ResourceName": world.arn, "Tags": [tag]})
    shown = world.copy(CopyTags=True)
    origin = "SourceDBSnapshotIdentifier" if kind == "instance" else "SourceDBClusterSnapshotArn"
    assert (shown[origin], shown["TagList"]) == (world.arn, [])


@KINDS
@pytest.mark.parametrize("ends", [True, False])
def test_a_share_that_is_taken_away_while_it_is_copied(kind, ends):
    world = Shared(kind)
    world.rds.unsharing_ends_copies = ends
    world.copy()
    world.share(ValuesToRemove=[world.rds.account])
    world.wait()
    assert world.copied()["Status"] == ("failed" if ends else "available")
    assert world.names(SnapshotType="shared") == []
    assert refused(world.revive).code == world.words["snap_missing"]


@KINDS
@pytest.mark.parametrize("across", [True, False])
def test_a_shared_snapshot_of_another_region(kind, across):
    world = Shared(kind, key=THEIR_KEY.replace("us-east-1", AWAY), region=AWAY)
    world.rds.copies_across_both = across
    assert world.names(SnapshotType="shared") == []
    if not across:
        assert refused(world.copy, KmsKeyId=KEY).code == "InvalidParameterCombination"
        return
    assert refused(world.copy).code == "InvalidParameterValue"
    world.copy(KmsKeyId=KEY)
    world.wait()
    assert (world.copied()["Status"], world.copied()["KmsKeyId"]) == ("available", KEY)


@KINDS
def test_copies_within_the_region_do_not_count_among_those_across(kind):
    world = Shared(kind)
    world.rds.quotas["cross-region copy"] = 0
    assert world.copy()["Status"] == "pending"
    world.rds.quotas[world.words["snapshot_kind"]] = 2
    word = f"Target{world.words['snapshot_id']}"
    assert refused(world.copy, **{word: "second"}).code == "SnapshotQuotaExceeded"


def test_a_key_encrypts_the_copy_of_an_instances_snapshot_and_the_restore_of_a_clusters():
    world = Shared("instance")
    assert world.copy(KmsKeyId=KEY)["Encrypted"] is True
    world = Shared("cluster")
    assert refused(world.copy, KmsKeyId=KEY).code == "InvalidParameterCombination"
    world.rds.other_services.missing.add("missing")
    assert refused(world.revive, KmsKeyId="missing").code == "KMSKeyNotAccessibleFault"
    world.revive(KmsKeyId=KEY)
    world.wait()
    shown = world.shown("cluster", "new")
    assert (shown["StorageEncrypted"], shown["KmsKeyId"]) == (True, KEY)


@KINDS
def test_what_speaks_against_sharing(kind):
    world = Shared(kind)
    assert refused(world.share, ValuesToAdd=["12345"]).code == "InvalidParameterValue"
    many = [f"{number:012d}" for number in range(20)]
    assert refused(world.share, ValuesToAdd=many).code == "SharedSnapshotQuotaExceeded"
    own_key = f"arn:aws:kms:us-east-1:{OTHER}:key/aws-rds"
    world = Shared(kind, key=own_key)
    assert refused(world.share, ValuesToAdd=many[:1]).code == "InvalidParameterCombination"
    automated = db_snapshots.back_up(world.their, kind, world.words["name"])
    world.wait()
    state = refused(world.share, arn=automated, ValuesToAdd=many[:1])
    assert state.code == world.words["snap_state"]


@KINDS
def test_a_snapshot_of_aws_backup_is_listed_restored_and_copied_and_not_deleted_or_shared(kind):
    world, words = World(), NAMES[kind]
    name = db_snapshots.back_up_by_plan(world.rds, kind, words["name"])
    assert name.startswith("awsbackup:job-")
    world.wait()
    asked = {"SnapshotType": "awsbackup"}
    listed = world.rds.call(f"Describe{words['snapshot_word']}s", asked)
    (shown,) = listed[f"{words['snapshot_word']}s"]
    assert (shown[words["snapshot_id"]], shown["SnapshotType"]) == (name, "awsbackup")
    filters = [{"Name": f"db-{'' if kind == 'instance' else 'cluster-'}snapshot-id",
                "Values": [name]}]  # fmt: skip
    by_arn = {words["snapshot_id"]: shown[words["snapshot_arn"]]}
    for asked in ({words["snapshot_id"]: name}, by_arn, {"Filters": filters}):
        listed = world.rds.call(f"Describe{words['snapshot_word']}s", asked)
        assert listed[f"{words['snapshot_word']}s"] == [shown]
    deletion = refused(world.rds.call, words["delete_snap"], {words["snapshot_id"]: name})
    assert deletion.code == words["snap_state"]
    modify = f"Modify{words['snapshot_word']}Attribute"
    asked = {words["snapshot_id"]: name, "AttributeName": "restore", "ValuesToAdd": [OTHER]}
    assert refused(world.rds.call, modify, asked).code == words["snap_state"]
    world.restore(kind, "new", **{words["from"]: name})
    word = words["snapshot_id"]
    made = world.rds.call(words["copy"], {f"Source{word}": name, f"Target{word}": "copy"})
    assert made[words["snapshot_word"]]["SnapshotType"] == "manual"
    world.wait()
    assert world.rds.data(kind, "new") == world.rds.data(kind, words["name"])


@KINDS
def test_only_manual_snapshots_count_for_the_quota(kind):
    world, words = World(), NAMES[kind]
    before = world.rds.count(words["snapshot_kind"])
    db_snapshots.back_up(world.rds, kind, words["name"])
    world.wait()
    db_snapshots.back_up_by_plan(world.rds, kind, words["name"])
    assert world.rds.count(words["snapshot_kind"]) == before


@pytest.mark.parametrize(("option", "is_shared"), [("TDE", False), ("Timezone", True)])
def test_what_has_a_lasting_option_is_not_shared(option: str, is_shared: bool):
    world = Shared("instance")
    rds = world.their
    name = rds.find("snapshot", "lent").shown["OptionGroupName"]
    rds.groups["option"][name] = {
        "OptionGroupName": name, "Options": [{"OptionName": option, "Persistent": True}],
    }  # fmt: skip
    asked = {"DBSnapshotIdentifier": "lent", "AttributeName": "restore"}

    rds.call("ModifyDBSnapshotAttribute", {**asked, "ValuesToRemove": ["all"]})
    if is_shared:
        rds.call("ModifyDBSnapshotAttribute", {**asked, "ValuesToAdd": ["321098765432"]})
    else:
        with pytest.raises(RdsError, match=option) as refused:
            rds.call("ModifyDBSnapshotAttribute", {**asked, "ValuesToAdd": ["321098765432"]})
        assert refused.value.code == "InvalidDBSnapshotState"
