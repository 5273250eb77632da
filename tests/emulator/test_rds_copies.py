"""Copies of snapshots: within a region, from another one, and what RDS refuses."""

from __future__ import annotations

from typing import Any

import pytest

from local.emulator.rds import Rds, RdsError
from tests.emulator.rds_world import NAMES, World

AWAY = "eu-west-1"
KEY = f"arn:aws:kms:{AWAY}:123456789012:key/11111111-2222-3333-4444-555555555555"
KINDS = pytest.mark.parametrize("kind", list(NAMES))


class Copies(World):
    """The account, another region, and the snapshots in both."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.away = self.another_region(AWAY)

    def arn(self, kind: str, name: str = "") -> str:
        words = NAMES[kind]
        return self.rds.arn(words["snapshot_kind"], name or f"{words['name']}-snapshot")

    def copy(self, kind: str, to: Rds, source: str = "", **more: Any) -> dict[str, Any]:
        words = NAMES[kind]
        given = {
            f"Source{words['snapshot_id']}": source or self.arn(kind),
            f"Target{words['snapshot_id']}": "copy",
            **more,
        }
        return to.call(words["copy"], given)[words["snapshot_word"]]

    def encrypt(self, kind: str) -> None:
        """Let the snapshot be of an encrypted database."""
        found = self.rds.find(NAMES[kind]["snapshot_kind"], f"{NAMES[kind]['name']}-snapshot")
        key = self.rds.arn("instance", "x").replace(":rds:", ":kms:").replace("db:x", "key/own")
        found.shown |= {NAMES[kind]["encrypted"]: True, "KmsKeyId": key}
        found.source["settings"] |= {"StorageEncrypted": True, "KmsKeyId": key}


def held(rds: Rds, kind: str) -> dict[str, dict[str, Any]]:
    return rds.snapshots if kind == "instance" else rds.cluster_snapshots


def refused(work: Any, *given: Any, **more: Any) -> RdsError:
    with pytest.raises(RdsError) as caught:
        work(*given, **more)
    return caught.value


@KINDS
@pytest.mark.parametrize("far", [False, True])
def test_a_copy_is_pending_then_copying_then_available_with_the_data(kind, far):
    world = Copies()
    world.wait(minutes=5)
    to = world.away if far else world.rds
    asked = world.copy(kind, to)
    assert asked["Status"] == "pending"
    assert "SnapshotCreateTime" not in asked
    world.wait(minutes=1)
    assert held(to, kind)["copy"]["Status"] == "copying"
    world.wait(minutes=30)
    shown = held(to, kind)["copy"]
    assert (shown["Status"], shown["PercentProgress"]) == ("available", 100)
    assert shown[NAMES[kind]["snapshot_arn"]].split(":")[3] == to.region
    database = NAMES[kind]["name"]
    assert to.data(NAMES[kind]["snapshot_kind"], "copy") == world.rds.data(kind, database)
    assert (
        shown["SnapshotCreateTime"]
        > held(world.rds, kind)[f"{database}-snapshot"]["SnapshotCreateTime"]
    )


def test_a_copy_across_regions_takes_longer_than_one_within_the_region():
    world = Copies()
    world.copy("instance", world.rds)
    world.copy("instance", world.away)
    world.wait(minutes=6)
    assert world.rds.snapshots["copy"]["Status"] == "available"
    assert world.away.snapshots["copy"]["Status"] == "copying"


def test_a_copy_says_where_it_comes_from():
    world = Copies()
    near, far = world.copy("instance", world.rds), world.copy("instance", world.away)
    assert "SourceDBSnapshotIdentifier" not in near
    assert "SourceRegion" not in near
    assert far["SourceDBSnapshotIdentifier"] == world.arn("instance")
    assert far["SourceRegion"] == "us-east-1"
    for to in (world.rds, world.away):
        made = world.copy("cluster", to)
        assert made["SourceDBClusterSnapshotArn"] == world.arn("cluster")


@KINDS
def test_a_copy_restores_the_data_in_its_region(kind):
    world = Copies()
    world.rds.write(kind, NAMES[kind]["name"], "later")
    world.copy(kind, world.away)
    world.wait()
    words = NAMES[kind]
    engine = {"Engine": "aurora-postgresql"} if kind == "cluster" else {}
    world.away.call(words["restore"], {words["id"]: "new", words["from"]: "copy", **engine})
    world.wait()
    data = world.away.data(kind, "new")
    assert data == world.rds.data(words["snapshot_kind"], f"{words['name']}-snapshot")
    assert data != "later"


@KINDS
@pytest.mark.parametrize("copies_tags", [False, True])
def test_tags_are_copied_only_when_asked_for(kind, copies_tags):
    world = Copies()
    of = {"Key": "team", "Value": "a"}
    world.rds.call("AddTagsToResource", {"ResourceName": world.arn(kind), "Tags": [of]})
    made = world.copy(kind, world.away, CopyTags=copies_tags)
    assert made["TagList"] == ([of] if copies_tags else [])


@KINDS
def test_given_tags_take_the_place_of_the_copied_ones(kind):
    world = Copies()
    of = {"Key": "team", "Value": "a"}
    world.rds.call("AddTagsToResource", {"ResourceName": world.arn(kind), "Tags": [of]})
    mine = {"Key": "mark", "Value": "x"}
    assert world.copy(kind, world.away, CopyTags=True, Tags=[mine])["TagList"] == [mine]


@KINDS
def test_an_encrypted_snapshot_needs_a_key_to_cross_regions(kind):
    world = Copies()
    world.encrypt(kind)
    assert refused(world.copy, kind, world.away).code == "InvalidParameterValue"
    near = world.copy(kind, world.rds)
    far = world.copy(kind, world.away, KmsKeyId=KEY)
    assert near["KmsKeyId"].split(":")[3] == "us-east-1"
    assert (far["KmsKeyId"], far[NAMES[kind]["encrypted"]]) == (KEY, True)
    world.wait()
    words = NAMES[kind]
    engine = {"Engine": "aurora-postgresql"} if kind == "cluster" else {}
    world.away.call(words["restore"], {words["id"]: "new", words["from"]: "copy", **engine})
    world.wait()
    shown = (world.away.instances if kind == "instance" else world.away.clusters)["new"]
    assert (shown["StorageEncrypted"], shown["KmsKeyId"]) == (True, KEY)


@KINDS
@pytest.mark.parametrize("given", [KEY.replace(AWAY, "us-east-1"), "missing", ""])
def test_a_key_of_another_region_or_none_is_not_accessible(kind, given):
    world = Copies()
    world.encrypt(kind)
    world.away.other_services.missing.add("missing")
    error = refused(world.copy, kind, world.away, KmsKeyId=given)
    assert error.code == "KMSKeyNotAccessibleFault"
    world.wait()
    assert held(world.away, kind) == {}


def test_a_key_encrypts_an_instances_copy_and_is_refused_for_a_plain_clusters():
    world = Copies()
    made = world.copy("instance", world.away, KmsKeyId=KEY.rpartition("/")[2])
    assert (made["Encrypted"], made["KmsKeyId"]) == (True, KEY)
    error = refused(world.copy, "cluster", world.away, KmsKeyId=KEY)
    assert error.code == "InvalidParameterCombination"


@KINDS
def test_what_speaks_against_a_copy_is_said_by_its_code(kind):
    world, words = Copies(), NAMES[kind]
    missing = world.arn(kind, "missing")
    assert refused(world.copy, kind, world.away, missing).code == words["snap_missing"]
    elsewhere = world.arn(kind).replace("us-east-1", "sa-east-1")
    assert refused(world.copy, kind, world.away, elsewhere).code == words["snap_missing"]
    other = "cluster" if kind == "instance" else "instance"
    wrong = refused(world.copy, kind, world.away, world.arn(other))
    assert wrong.code == "InvalidParameterValue"
    world.snapshot(kind, words["name"], "young")
    world.wait(minutes=1)
    young = world.arn(kind, "young")
    assert refused(world.copy, kind, world.away, young).code == words["snap_state"]
    world.copy(kind, world.away)
    assert refused(world.copy, kind, world.away).code == words["snap_exists"]
    world.away.quotas[words["snapshot_kind"]] = 1
    target = {f"Target{words['snapshot_id']}": "second"}
    assert refused(world.copy, kind, world.away, **target).code == "SnapshotQuotaExceeded"


def test_a_name_alone_is_of_the_region_that_is_asked():
    world = Copies()
    assert refused(world.copy, "instance", world.away, "db-snapshot").code == "DBSnapshotNotFound"
    assert world.copy("instance", world.rds, "DB-Snapshot")["DBSnapshotIdentifier"] == "copy"


@KINDS
def test_a_copy_is_cancelled_by_deleting_it(kind):
    world, words = Copies(), NAMES[kind]
    world.copy(kind, world.away)
    world.wait(minutes=2)
    world.away.call(words["delete_snap"], {words["snapshot_id"]: "copy"})
    world.wait()
    assert held(world.away, kind) == {}
    assert f"{words['name']}-snapshot" in held(world.rds, kind)


@KINDS
@pytest.mark.parametrize("minutes", [2, 19.7])
def test_a_copy_fails_when_its_source_goes_or_is_going_before_it_is_done(kind, minutes):
    world, words = Copies(), NAMES[kind]
    world.copy(kind, world.away)
    world.wait(minutes)
    world.rds.call(words["delete_snap"], {words["snapshot_id"]: f"{words['name']}-snapshot"})
    world.wait(20.1 - minutes)
    assert held(world.away, kind)["copy"]["Status"] == "failed"


def test_a_copy_of_a_poisoned_database_restores_as_badly():
    world = Copies()
    world.rds.poison("instance", "db")
    world.copy("instance", world.away)
    world.wait()
    world.away.call(
        "RestoreDBInstanceFromDBSnapshot",
        {"DBInstanceIdentifier": "new", "DBSnapshotIdentifier": "copy"},
    )
    world.wait()
    assert world.away.instances["new"]["DBInstanceStatus"] == "incompatible-restore"


def test_a_rename_shows_in_the_copies_of_its_own_region_only():
    world = Copies()
    world.copy("instance", world.rds)
    world.copy("instance", world.away)
    # Ids are counted in each region, so this one has the id of the original here.
    world.away.call("CreateDBInstance", {
        "DBInstanceIdentifier": "db", "Engine": "postgres", "DBInstanceClass": "db.t4g.micro",
    })  # fmt: skip
    world.wait()
    for rds in (world.rds, world.away):
        rds.call("ModifyDBInstance", {
            "DBInstanceIdentifier": "db", "NewDBInstanceIdentifier": "renamed",
            "ApplyImmediately": True,
        })  # fmt: skip
    world.wait()
    assert world.rds.snapshots["copy"]["DBInstanceIdentifier"] == "renamed"
    assert world.away.snapshots["copy"]["DBInstanceIdentifier"] == "db"


def test_an_option_group_is_of_one_region():
    world = Copies()
    group = {"OptionGroupName": "own", "EngineName": "postgres", "MajorEngineVersion": "16",
             "OptionGroupDescription": "Own"}  # fmt: skip
    world.rds.call("CreateOptionGroup", group)
    world.rds.find("snapshot", "db-snapshot").shown["OptionGroupName"] = "own"
    assert world.copy("instance", world.rds)["OptionGroupName"] == "own"
    error = refused(world.copy, "instance", world.away, OptionGroupName="own")
    assert error.code == "OptionGroupNotFoundFault"
    assert world.copy("instance", world.away)["OptionGroupName"] == "default:postgres-16"


@pytest.mark.parametrize("kept", ["Permanent", "Persistent"])
def test_a_snapshot_with_options_that_stay_wants_a_group_that_has_them(kept):
    world = Copies()
    for rds, name in ((world.rds, "own"), (world.away, "theirs"), (world.away, "without")):
        rds.call("CreateOptionGroup", {
            "OptionGroupName": name, "EngineName": "postgres", "MajorEngineVersion": "16",
            "OptionGroupDescription": "Own",
        })  # fmt: skip
    option = {"OptionName": "Timezone", kept: True}
    world.rds.groups["option"]["own"]["Options"] = [option, {"OptionName": "Another"}]
    world.away.groups["option"]["theirs"]["Options"] = [option]
    world.rds.find("snapshot", "db-snapshot").shown["OptionGroupName"] = "own"

    for more in ({}, {"OptionGroupName": "without"}):
        error = refused(world.copy, "instance", world.away, **more)
        assert error.code == "InvalidParameterValue"
        assert "requires a target option group with the following options: [Timezone]" in str(error)
    made = world.copy("instance", world.away, OptionGroupName="theirs")
    assert made["OptionGroupName"] == "theirs"
    assert world.copy("instance", world.rds)["OptionGroupName"] == "own"


def test_a_parameter_that_is_not_understood_is_refused_and_not_forgotten():
    world = Copies()
    error = refused(world.copy, "instance", world.away, CopyOptionGroup=True)
    assert "CopyOptionGroup" in error.message


@KINDS
def test_a_real_client_copies_with_the_region_of_the_source(kind):
    world, words = Copies(), NAMES[kind]
    world.encrypt(kind)
    client = world.client(AWAY)
    copy = client.copy_db_snapshot if kind == "instance" else client.copy_db_cluster_snapshot
    copy(**{
        f"Source{words['snapshot_id']}": world.arn(kind),
        f"Target{words['snapshot_id']}": "copy",
        "SourceRegion": "us-east-1",
        "KmsKeyId": KEY,
        "Tags": [{"Key": "mark", "Value": "x"}],
    })  # fmt: skip
    world.wait()
    shown = held(world.away, kind)["copy"]
    assert (shown["Status"], shown["KmsKeyId"]) == ("available", KEY)
    assert shown["TagList"] == [{"Key": "mark", "Value": "x"}]
