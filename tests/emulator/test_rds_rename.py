"""Renames of instances, members and clusters in the local RDS."""

import pytest

from local.emulator.rds import RdsError
from tests.emulator.rds_world import NAMES, START, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])


def refused(code, act):
    with pytest.raises(RdsError) as raised:
        act()
    assert raised.value.code == code


@KINDS
def test_a_renamed_database_keeps_its_resource_id(kind):
    world, words = World(), NAMES[kind]
    before = world.shown(kind, words["name"])
    world.rename(kind, words["name"], "other")
    world.wait()
    after = world.shown(kind, "other")
    assert after[words["resource"]] == before[words["resource"]]
    assert after[words["status"]] == "available"
    refused(words["missing"], lambda: world.shown(kind, words["name"]))


@KINDS
def test_the_arn_and_the_address_follow_the_name(kind):
    world, words = World(), NAMES[kind]
    world.rename(kind, words["name"], "other")
    world.wait()
    after = world.shown(kind, "other")
    endpoint = after["Endpoint"]["Address"] if kind == "instance" else after["Endpoint"]
    assert endpoint.startswith("other.")
    assert after["DBInstanceArn" if kind == "instance" else "DBClusterArn"].endswith(":other")


@KINDS
def test_the_old_name_still_says_available_right_after_a_rename(kind):
    world, words = World(), NAMES[kind]
    world.rename(kind, words["name"], "other")
    assert world.status(kind, words["name"]) == "available"
    world.wait(0.6)
    assert world.status(kind, words["name"]) == "renaming"


def test_during_a_rename_neither_name_is_found_and_the_filter_gives_nothing():
    world = World()
    resource_id = world.shown("instance", "db")["DbiResourceId"]
    world.rename("instance", "db", "other")
    world.wait(1.6)
    refused("DBInstanceNotFound", lambda: world.shown("instance", "db"))
    refused("DBInstanceNotFound", lambda: world.shown("instance", "other"))
    assert world.by_id("instance", resource_id) == []
    world.wait(0.5)
    assert world.status("instance", "other") == "rebooting"
    assert [i["DBInstanceIdentifier"] for i in world.by_id("instance", resource_id)] == ["other"]


def test_a_rename_goes_through_these_statuses_at_these_times():
    world = World()
    world.rename("instance", "db", "other")
    world.wait()
    world.rds.settle()
    assert [(c.time - START, c.name, c.before, c.after) for c in world.changes] == [
        (30, "db", "available", "renaming"),
        (120, "other", "renaming", "renamed from db"),
        (120, "other", "renaming", "rebooting"),
        (240, "other", "rebooting", "available"),
    ]


@KINDS
def test_a_freed_name_can_be_used_at_once(kind):
    world, words = World(), NAMES[kind]
    world.rename(kind, words["name"], "other")
    refused(words["exists"], lambda: world.restore(kind, words["name"]))
    world.wait(0.6)
    refused(words["exists"], lambda: world.restore(kind, words["name"]))
    world.wait(1.5)
    world.restore(kind, words["name"])
    world.wait()
    assert world.status(kind, words["name"]) == "available"
    assert world.status(kind, "other") == "available"


@KINDS
def test_a_name_in_use_or_about_to_be_is_refused(kind):
    world, words = World(), NAMES[kind]
    world.restore(kind, "second")
    world.wait()
    refused(words["exists"], lambda: world.rename(kind, words["name"], "second"))
    world.rename(kind, words["name"], "third")
    refused(words["exists"], lambda: world.rename(kind, "second", "third"))


@KINDS
def test_deletion_protection_never_blocks_a_rename(kind):
    world, words = World(), NAMES[kind]
    world.modify(kind, words["name"], DeletionProtection=True)
    world.rename(kind, words["name"], "other")
    world.wait()
    assert world.shown(kind, "other")["DeletionProtection"] is True


@KINDS
@pytest.mark.parametrize("status", ["creating", "renaming", "backing-up", "stopped", "failed"])
def test_only_an_available_database_is_renamed(kind, status):
    world, words = World(), NAMES[kind]
    world.rds.become(kind, words["name"], status)
    refused(words["state"], lambda: world.rename(kind, words["name"], "other"))


@KINDS
def test_the_stale_status_does_not_let_a_second_call_through(kind):
    world, words = World(), NAMES[kind]
    world.rename(kind, words["name"], "other")
    assert world.status(kind, words["name"]) == "available"
    refused(words["state"], lambda: world.rename(kind, words["name"], "third"))


@KINDS
def test_without_apply_immediately_a_rename_stays_pending(kind):
    world, words = World(), NAMES[kind]
    world.rds.call(words["modify"], {words["id"]: words["name"], f"New{words['id']}": "other"})
    world.wait(600)
    shown = world.shown(kind, words["name"])
    assert shown["PendingModifiedValues"] == {words["id"]: "other"}
    world.modify(kind, words["name"], CopyTagsToSnapshot=True)
    world.wait()
    assert not world.shown(kind, "other").get("PendingModifiedValues")


@KINDS
@pytest.mark.parametrize("name", ["1st", "a--b", "a-", "a_b", "a" * 64, ""])
def test_an_impossible_name_is_refused(kind, name):
    world, words = World(), NAMES[kind]
    refused("InvalidParameterValue", lambda: world.rename(kind, words["name"], name))


@KINDS
def test_names_are_stored_in_lower_case_and_found_in_any(kind):
    world, words = World(), NAMES[kind]
    world.rename(kind, words["name"].upper(), "Other")
    world.wait()
    assert world.shown(kind, "OTHER")[words["id"]] == "other"


@KINDS
def test_the_snapshots_stay_with_the_renamed_database(kind):
    world, words = World(), NAMES[kind]
    resource_id = world.shown(kind, words["name"])[words["resource"]]
    world.rename(kind, words["name"], "other")
    world.wait()
    found = world.rds.call(words["describe_snap"], {words["id"]: "other"})[words["snapshots"]]
    assert [(s[words["snapshot_id"]], s[words["resource"]]) for s in found] == [
        (f"{words['name']}-snapshot", resource_id)
    ]


def test_a_renamed_member_stays_in_its_cluster_under_the_new_name():
    world = World()
    world.rename("instance", "cl-writer", "cl-writer-temp")
    world.wait()
    members = world.shown("cluster", "cl")["DBClusterMembers"]
    assert [(m["DBInstanceIdentifier"], m["IsClusterWriter"]) for m in members] == [
        ("cl-writer-temp", True),
        ("cl-reader", False),
    ]
    assert world.shown("instance", "cl-writer-temp")["DBClusterIdentifier"] == "cl"


def test_the_members_of_a_renamed_cluster_keep_their_names_and_show_the_new_cluster():
    world = World()
    world.rename("cluster", "cl", "cl-temp")
    world.wait()
    names = [
        m["DBInstanceIdentifier"] for m in world.shown("cluster", "cl-temp")["DBClusterMembers"]
    ]
    assert names == ["cl-writer", "cl-reader"]
    asked = {"Filters": [{"Name": "db-cluster-id", "Values": ["cl-temp"]}]}
    found = world.rds.call("DescribeDBInstances", asked)["DBInstances"]
    assert [i["DBInstanceIdentifier"] for i in found] == names


def test_a_member_is_not_renamed_while_its_cluster_is():
    world = World()
    world.rename("cluster", "cl", "cl-temp")
    refused(
        "InvalidDBClusterStateFault", lambda: world.rename("instance", "cl-reader", "reader-temp")
    )


def test_an_instance_does_not_serve_from_renaming_until_it_is_available_again():
    world = World()
    world.rename("instance", "db", "other")
    world.wait(0.4)
    assert world.rds.reachable("instance", "db")
    world.wait(0.2)
    assert not world.rds.reachable("instance", "db")
    world.wait(2)
    assert not world.rds.reachable("instance", "other")
    world.wait(3)
    assert world.rds.reachable("instance", "other")
    world.rename("instance", "other", "db")
    world.wait()
    assert world.rds.outages("instance", "db") == [(START + 30, START + 336 + 240)]


def test_a_cluster_does_not_serve_while_its_writer_is_away():
    world = World()
    world.rename("instance", "cl-reader", "r2")
    world.wait()
    assert world.rds.outages("cluster", "cl") == []
    world.rename("instance", "cl-writer", "w2")
    world.wait()
    start = START + 3600
    assert world.rds.outages("cluster", "cl") == [(start + 30, start + 180)]


def test_an_outage_that_lasts_ends_now():
    world = World()
    world.delete("instance", "db")
    world.wait(10)
    assert world.rds.outages("instance", "db") == [(START, START + 600)]
    assert world.rds.outages("instance", "never-there") == []


def test_what_happens_instantly_is_no_outage_and_is_not_told():
    world = World()
    with world.rds.instantly():
        world.rename("instance", "db", "other")
        world.rename("instance", "other", "db")
    assert world.rds.outages("instance", "db") == []
    assert world.changes == []
