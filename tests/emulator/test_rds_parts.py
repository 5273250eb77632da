"""The parts of a database in the local RDS: each goes on for a while before it ends."""

from typing import Any

import pytest

from tests.emulator.rds_world import NAMES, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])


def course(world: World, kind: str, name: str, attribute: str, key: str) -> list[str]:
    """The statuses that the first part of an attribute goes through from now on."""
    seen: list[str] = []
    for _ in range(900):
        shelf = world.rds.instances if kind == "instance" else world.rds.clusters
        held: Any = shelf.get(name, {}).get(attribute)
        if held:
            status = (held if isinstance(held, dict) else held[0])[key]
            if status not in seen[-1:]:
                seen.append(status)
        world.wait(5 / 60)
    return seen


def option_group(world: World) -> str:
    world.rds.call("CreateOptionGroup", {
        "OptionGroupName": "mine", "EngineName": "postgres", "MajorEngineVersion": "16",
        "OptionGroupDescription": "d",
    })  # fmt: skip
    return "mine"


@pytest.mark.parametrize("ending", ["in-sync", "failed", "pending-apply"])
def test_the_option_group_of_a_restored_instance_is_pending_and_then_ends(ending: str):
    world = World()
    if ending != "in-sync":
        world.rds.part_endings["OptionGroupMemberships"] = ending
    answer = world.restore("instance", "new", OptionGroupName=option_group(world))

    (shown,) = answer["DBInstance"]["OptionGroupMemberships"]

    assert shown == {"OptionGroupName": "mine", "Status": "pending-apply"}
    assert course(world, "instance", "new", "OptionGroupMemberships", "Status") == list(
        dict.fromkeys(["pending-apply", ending])
    )


def test_an_instance_is_available_before_its_option_group_is_in_sync():
    world = World()
    world.restore("instance", "new", OptionGroupName=option_group(world))
    while world.status("instance", "new") != "available":
        world.wait(5 / 60)

    (shown,) = world.shown("instance", "new")["OptionGroupMemberships"]

    assert shown["Status"] == "pending-apply"


def test_a_default_option_group_is_in_sync_at_once():
    world = World()
    world.restore("instance", "new")

    assert course(world, "instance", "new", "OptionGroupMemberships", "Status") == ["in-sync"]


@KINDS
@pytest.mark.parametrize(
    "ending", ["kerberos-enabled", "failed", "enable-kerberos-failed", "removed"]
)
def test_a_domain_is_joined_after_a_while(kind: str, ending: str):
    world = World()
    if ending != "kerberos-enabled":
        world.rds.part_endings["DomainMemberships"] = ending
    world.restore(kind, "new", Domain="d-1", DomainIAMRoleName="role")

    assert course(world, kind, "new", "DomainMemberships", "Status") == ["joining", ending]


def test_sql_server_joins_a_domain_without_kerberos():
    world = World()
    world.rds.call("CreateDBInstance", {
        "DBInstanceIdentifier": "sql", "Engine": "sqlserver-se", "DBInstanceClass": "db.r6g.large",
        "AllocatedStorage": 20, "Domain": "d-1", "DomainIAMRoleName": "role",
    })  # fmt: skip

    assert course(world, "instance", "sql", "DomainMemberships", "Status") == ["joining", "joined"]


@KINDS
@pytest.mark.parametrize("ending", ["ACTIVE", "INVALID"])
def test_a_role_is_pending_and_then_ends(kind: str, ending: str):
    world, words = World(), NAMES[kind]
    if ending == "INVALID":
        world.rds.part_endings["AssociatedRoles"] = ending
    role = {words["id"]: words["name"], "RoleArn": "arn:r", "FeatureName": "s3Import"}
    world.rds.call(words["add_role"], role)

    shown = course(world, kind, words["name"], "AssociatedRoles", "Status")

    assert shown == ["PENDING", ending]


@KINDS
@pytest.mark.parametrize("ending", ["active", "impaired"])
def test_a_secret_is_being_created_and_then_ends(kind: str, ending: str):
    world = World()
    if ending == "impaired":
        world.rds.part_endings["MasterUserSecret"] = ending
    world.modify(kind, NAMES[kind]["name"], ManageMasterUserPassword=True)

    shown = course(world, kind, NAMES[kind]["name"], "MasterUserSecret", "SecretStatus")

    assert shown == ["creating", ending]


@KINDS
def test_a_security_group_is_added_to_a_database_that_runs_after_a_while(kind: str):
    world, name = World(), NAMES[kind]["name"]
    (own,) = world.shown(kind, name)["VpcSecurityGroups"]
    world.modify(kind, name, VpcSecurityGroupIds=["sg-9", own["VpcSecurityGroupId"]])
    seen = course(world, kind, name, "VpcSecurityGroups", "Status")

    assert seen == ["active", "adding", "active"]  # the first is the old one's
    assert own in world.shown(kind, name)["VpcSecurityGroups"]


def parameter_group(world: World, family: str) -> str:
    world.rds.call("CreateDBParameterGroup", {
        "DBParameterGroupName": "mine", "DBParameterGroupFamily": family, "Description": "d",
    })  # fmt: skip
    return "mine"


@pytest.mark.parametrize("ending", ["in-sync", "failed-to-apply"])
def test_the_parameter_group_of_a_restored_instance_is_applied(ending: str):
    world = World()
    if ending == "failed-to-apply":
        world.rds.part_endings["DBParameterGroups"] = ending
    world.restore("instance", "new", DBParameterGroupName=parameter_group(world, "postgres16"))

    seen = course(world, "instance", "new", "DBParameterGroups", "ParameterApplyStatus")

    assert seen == ["applying", ending]


def test_another_parameter_group_is_applied_and_waits_for_a_reboot():
    world = World()
    world.modify("instance", "db", DBParameterGroupName=parameter_group(world, "postgres16"))

    seen = course(world, "instance", "db", "DBParameterGroups", "ParameterApplyStatus")

    assert seen == ["in-sync", "applying", "pending-reboot"]


def test_a_reboot_does_not_mend_a_parameter_group_that_has_failed():
    world = World()
    world.rds.part_endings["DBParameterGroups"] = "failed-to-apply"
    world.modify("instance", "db", DBParameterGroupName=parameter_group(world, "postgres16"))
    world.wait()
    world.rds.call("RebootDBInstance", {"DBInstanceIdentifier": "db"})
    world.wait()

    (group,) = world.shown("instance", "db")["DBParameterGroups"]

    assert group["ParameterApplyStatus"] == "failed-to-apply"


def test_the_parameter_group_of_a_cluster_may_fail_for_a_member():
    world = World()
    world.rds.part_endings["DBClusterMembers"] = "failed-to-apply"
    world.add_member("cl", "cl-new")

    members = world.shown("cluster", "cl")["DBClusterMembers"]

    assert [one["DBClusterParameterGroupStatus"] for one in members] == [
        "in-sync", "in-sync", "failed-to-apply",
    ]  # fmt: skip
