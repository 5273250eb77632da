"""RDS Proxy in the local RDS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.rds import RdsError
from tests.emulator.rds_world import NAMES, World
from tests.proxies import make, named, point, reached


def code_of(call: Any) -> str:
    with pytest.raises(RdsError) as raised:
        call()
    return raised.value.code


def pooled(kind: str) -> World:
    """A world whose proxy leads to the database of a kind."""
    world = World()
    point(world.rds, kind, NAMES[kind]["name"])
    return world


def targets(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client().describe_db_proxy_targets(DBProxyName="pool")[
        "Targets"
    ]
    return found


@pytest.fixture(params=["instance", "cluster"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def change(world: World, operation: str, kind: str, name: str) -> dict[str, Any]:
    return world.rds.call(
        f"{operation}DBProxyTargets", {"DBProxyName": "pool", **named(kind, name)}
    )


def test_proxies_come_in_pages():
    world = World()
    for number in range(120):
        make(world.rds, f"p{number}")
    client = world.client()

    pages = list(client.get_paginator("describe_db_proxies").paginate())

    assert [len(page["DBProxies"]) for page in pages] == [100, 20]
    assert client.describe_db_proxy_targets(DBProxyName="p7")["Targets"] == []
    (one,) = client.describe_db_proxies(DBProxyName="p7")["DBProxies"]
    assert one["Status"] == "available"
    (group,) = client.describe_db_proxy_target_groups(DBProxyName="p7")["TargetGroups"]
    assert (group["TargetGroupName"], group["IsDefault"]) == ("default", True)


def test_what_is_not_there_is_told_by_its_own_code(kind: str):
    world = World()
    make(world.rds)
    call, name = world.rds.call, NAMES[kind]["name"]

    assert code_of(lambda: call("DescribeDBProxyTargets", {"DBProxyName": "none"})) == (
        "DBProxyNotFoundFault"
    )
    wrong = {"DBProxyName": "pool", "TargetGroupName": "other"}
    assert code_of(lambda: call("DescribeDBProxyTargets", wrong)) == (
        "DBProxyTargetGroupNotFoundFault"
    )
    assert code_of(lambda: change(world, "Deregister", kind, name)) == "DBProxyTargetNotFoundFault"
    assert code_of(lambda: change(world, "Register", kind, "none")) == NAMES[kind]["missing"]


def test_a_new_proxy_takes_no_target_before_it_is_available():
    world = World()
    asked = {"DBProxyName": "pool", "EngineFamily": "POSTGRESQL", "RoleArn": "arn:of:a-role",
             "VpcSubnetIds": ["subnet-1"]}  # fmt: skip
    world.rds.call("CreateDBProxy", asked)

    assert code_of(lambda: change(world, "Register", "instance", "db")) == (
        "InvalidDBProxyStateFault"
    )
    assert code_of(lambda: world.rds.call("CreateDBProxy", asked)) == "DBProxyAlreadyExistsFault"
    world.wait(60)
    change(world, "Register", "instance", "db")


def test_a_target_is_registering_then_unavailable_then_available(kind: str):
    world = World()
    make(world.rds)
    change(world, "Register", kind, NAMES[kind]["name"])

    first = targets(world)[-1]["TargetHealth"]
    world.wait(1.2)
    second = targets(world)[-1]["TargetHealth"]
    world.wait(10)
    third = targets(world)[-1]["TargetHealth"]

    assert first == {"State": "REGISTERING"}
    assert second == {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY"}
    assert third == {"State": "AVAILABLE"}
    assert reached(world.rds) == world.shown(kind, NAMES[kind]["name"])[NAMES[kind]["resource"]]


def test_of_a_cluster_the_members_are_shown_as_well():
    found = targets(pooled("cluster"))

    assert [(one["Type"], one["RdsResourceId"], one.get("TrackedClusterId")) for one in found] == [
        ("TRACKED_CLUSTER", "cl", None),
        ("RDS_INSTANCE", "cl-writer", "cl"),
        ("RDS_INSTANCE", "cl-reader", "cl"),
    ]
    assert [one["Role"] for one in found[1:]] == ["READ_WRITE", "READ_ONLY"]


def test_a_group_has_one_database_and_each_once(kind: str):
    world = pooled(kind)
    other = "cluster" if kind == "instance" else "instance"

    assert code_of(lambda: change(world, "Register", kind, NAMES[kind]["name"])) == (
        "DBProxyTargetAlreadyRegisteredFault"
    )
    assert code_of(lambda: change(world, "Register", other, NAMES[other]["name"])) == (
        "InvalidParameterCombination"
    )
    world.rds.proxy_groups_hold_one = False
    change(world, "Register", other, NAMES[other]["name"])


def test_no_instance_that_is_being_made_is_registered():
    world = World()
    make(world.rds)
    world.add_member("cl", "cl-late")
    world.wait(2)

    with pytest.raises(ClientError, match="an unsupported state - CREATING") as raised:
        world.client().register_db_proxy_targets(DBProxyName="pool", DBClusterIdentifiers=["cl"])

    assert raised.value.response["Error"]["Code"] == "InvalidDBInstanceState"
    world.wait(60)
    change(world, "Register", "cluster", "cl")


def test_a_proxy_of_another_family_does_not_take_it(kind: str):
    world = World()
    make(world.rds, EngineFamily="MYSQL")

    assert code_of(lambda: change(world, "Register", kind, NAMES[kind]["name"])) == (
        "InvalidParameterValue"
    )


@pytest.mark.parametrize(
    ("follows", "shows", "reaches"),
    [("resource", "-temp", "old"), ("name", "", "new"), ("registered", "", "old")],
)
def test_a_target_follows_the_database_or_the_name(
    kind: str, follows: str, shows: str, reaches: str
):
    world, name = pooled(kind), NAMES[kind]["name"]
    world.rds.proxy_targets_follow = follows
    ids = {"old": reached(world.rds)}

    world.rename(kind, name, f"{name}-temp")
    world.wait()
    world.restore(kind, name)
    if kind == "cluster":
        world.wait()
        world.add_member(name, "cl-writer-new")
    world.wait()
    ids["new"] = world.shown(kind, name)[NAMES[kind]["resource"]]

    first, *_ = targets(world)
    assert first["RdsResourceId"] == name + shows
    assert reached(world.rds) == ids[reaches]


def test_a_proxy_reaches_nothing_while_its_database_does_not_serve(kind: str):
    world, name = pooled(kind), NAMES[kind]["name"]
    world.delete("instance", "cl-reader")
    world.delete("instance", "db" if kind == "instance" else "cl-writer")
    world.wait()

    assert reached(world.rds) == ""
    assert name in [one["RdsResourceId"] for one in targets(world)]


def test_what_spoils_a_target_is_its_reason(kind: str):
    world = pooled(kind)
    world.rds.proxy_faults["pool"] = "AUTH_FAILURE"

    assert targets(world)[-1]["TargetHealth"] == {"State": "UNAVAILABLE", "Reason": "AUTH_FAILURE"}
    assert reached(world.rds) == ""


@pytest.mark.parametrize("asked", ["DescribeDBProxies", "DescribeDBProxyTargets"])
def test_a_region_without_proxies_does_not_know_the_calls(asked: str):
    world = pooled("instance")
    world.rds.offers_proxies = False
    given = {"DBProxyName": "pool"} if asked != "DescribeDBProxies" else {}

    assert code_of(lambda: world.rds.call(asked, given)) == "InvalidAction"


def test_a_deleted_proxy_is_gone():
    world = pooled("instance")

    world.rds.call("DeleteDBProxy", {"DBProxyName": "pool"})

    assert world.rds.call("DescribeDBProxies", {})["DBProxies"] == []
    assert code_of(lambda: change(world, "Register", "instance", "db")) == "DBProxyNotFoundFault"
