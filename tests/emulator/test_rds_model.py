"""The local RDS against botocore's model: shapes, inputs, the protocol, determinism."""

import re
from dataclasses import astuple
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session

from local.commands.account import build
from local.emulator.rds import Rds, RdsError
from local.emulator.rds.databases.settings import NOT_SHOWN, RENAMED, SHAPED
from local.emulator.rds.defaults import CARRIED, CLUSTER, INSTANCE, MEMBER, REFUSED_FOR_MEMBERS
from local.emulator.rds.registry import OPERATIONS
from local.emulator.rds.timing import FITTING, PHASES
from tests.emulator.rds_world import START, World

MODEL = get_session().get_service_model("rds")
DESCRIBED = {
    "instances": ("DescribeDBInstances", "DBInstances"),
    "clusters": ("DescribeDBClusters", "DBClusters"),
    "snapshots": ("DescribeDBSnapshots", "DBSnapshots"),
    "cluster_snapshots": ("DescribeDBClusterSnapshots", "DBClusterSnapshots"),
}


def strangers(shape, value, where=""):
    """Every key and type in a value that the model's shape does not have."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            if key not in shape.members:
                yield f"{where}.{key}"
            else:
                yield from strangers(shape.members[key], inner, f"{where}.{key}")
    elif shape.type_name == "list":
        for item in value:
            yield from strangers(shape.member, item, where)
    elif not isinstance(value, {"string": str, "integer": int, "long": int, "boolean": bool,
                                "double": float}.get(shape.type_name, object)):  # fmt: skip
        yield f"{where}: {value!r} is no {shape.type_name}"


@pytest.mark.parametrize("held", DESCRIBED)
def test_everything_shown_is_in_the_output_shape(held):
    rds = Rds(lambda: START)
    build(rds)
    operation, key = DESCRIBED[held]
    shape = MODEL.operation_model(operation).output_shape.members[key].member
    shown = getattr(rds, held)
    assert len(shown) >= 4
    for name, description in shown.items():
        assert list(strangers(shape, description, name)) == []


def test_every_operation_is_one_of_rds():
    assert OPERATIONS
    assert set(OPERATIONS) <= set(MODEL.operation_names)


def test_every_table_speaks_of_what_the_model_has():
    instance = set(MODEL.shape_for("DBInstance").members)
    cluster = set(MODEL.shape_for("DBCluster").members)
    assert {*INSTANCE, *MEMBER, *CARRIED["instance"]} <= instance
    assert {*CLUSTER, *CARRIED["cluster"]} <= cluster
    inputs = {
        name
        for operation in MODEL.operation_names
        for name in (MODEL.operation_model(operation).input_shape or MODEL.shape_for("Tag")).members
    }
    assert {*RENAMED, *NOT_SHOWN, *SHAPED["instance"], *SHAPED["cluster"]} <= inputs
    assert inputs >= REFUSED_FOR_MEMBERS
    assert set(FITTING) <= set(OPERATIONS)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("CreateDBInstance", "instance"),
        ("RestoreDBInstanceFromDBSnapshot", "instance"),
        ("ModifyDBInstance", "instance"),
        ("CreateDBCluster", "cluster"),
        ("RestoreDBClusterFromSnapshot", "cluster"),
        ("ModifyDBCluster", "cluster"),
    ],
)
def test_no_parameter_of_the_model_is_silently_forgotten(operation, kind):
    shape = MODEL.shape_for("DBInstance" if kind == "instance" else "DBCluster")
    known = {*shape.members, *RENAMED, *NOT_SHOWN, *SHAPED[kind], "ClusterScalabilityType"}
    assert set(MODEL.operation_model(operation).input_shape.members) - known == {
        *({"MasterUserAuthenticationType"} - NOT_SHOWN)
    }


def test_every_operations_phases_add_up_to_times_that_grow():
    for phases in PHASES.values():
        for phase in phases:
            assert 0 <= phase.least <= phase.typical <= phase.most


def test_a_real_client_reads_what_was_written():
    world = World()
    client = world.client()
    client.add_tags_to_resource(
        ResourceName=world.shown("instance", "db")["DBInstanceArn"],
        Tags=[{"Key": "a", "Value": "1 + 1 = 2"}],
    )
    client.modify_db_instance(
        DBInstanceIdentifier="db",
        ApplyImmediately=True,
        VpcSecurityGroupIds=["sg-1", "sg-2"],
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]},
    )
    world.wait()
    found = client.describe_db_instances(
        Filters=[{"Name": "db-instance-id", "Values": ["db"]}], MaxRecords=20
    )["DBInstances"][0]
    assert found["TagList"] == [{"Key": "a", "Value": "1 + 1 = 2"}]
    assert [group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]] == ["sg-1", "sg-2"]
    assert found["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert found["Endpoint"]["Port"] == 5433
    assert found["MultiAZ"] is True
    assert found["InstanceCreateTime"].timestamp() == START


def test_what_the_wire_says_is_what_a_call_says():
    world = World()
    build(world.rds)
    over_the_wire = world.client().describe_db_clusters(DBClusterIdentifier="prod-cluster")
    direct = world.shown("cluster", "prod-cluster")
    assert over_the_wire["DBClusters"][0] == direct


def test_what_xml_must_escape_comes_through():
    client = World().client()
    client.create_db_parameter_group(
        DBParameterGroupName="odd", DBParameterGroupFamily="postgres16", Description="<a> & <b>"
    )
    found = client.describe_db_parameter_groups(DBParameterGroupName="odd")["DBParameterGroups"]
    assert found[0]["Description"] == "<a> & <b>"
    with pytest.raises(ClientError) as raised:
        client.describe_db_parameter_groups(DBParameterGroupName="<none> & gone")
    assert "<none> & gone" in raised.value.response["Error"]["Message"]


def test_a_real_waiter_ends_when_the_snapshot_is_available():
    world = World()
    client = world.client()
    client.create_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier="two")
    world.wait(60)
    client.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier="two", WaiterConfig={"MaxAttempts": 1}
    )
    assert world.rds.snapshots["two"]["Status"] == "available"


@pytest.mark.parametrize(
    ("call", "code", "status"),
    [
        (lambda c: c.describe_db_instances(DBInstanceIdentifier="no"), "DBInstanceNotFound", 404),
        (lambda c: c.describe_db_clusters(DBClusterIdentifier="no"), "DBClusterNotFoundFault", 404),
        (lambda c: c.create_db_instance(DBInstanceIdentifier="db", DBInstanceClass="db.m6g.large",
                                        Engine="postgres"), "DBInstanceAlreadyExists", 400),
        (lambda c: c.delete_db_instance(DBInstanceIdentifier="db"),
         "InvalidParameterCombination", 400),
    ],
)  # fmt: skip
def test_a_real_client_raises_the_wire_code(call, code, status):
    with pytest.raises(ClientError) as raised:
        call(World().client())
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Action": "DropEverything"}, "InvalidAction"),
        ({}, "InvalidAction"),
        ({"Action": "CreateDBSnapshot", "DBInstanceIdentifier": "db"}, "MissingParameter"),
        ({"Action": "DescribeDBInstances", "Colour": "red"}, "ValidationError"),
        ({"Action": "DescribeDBInstances", "MaxRecords": "many"}, "InvalidParameterValue"),
        ({"Action": "DescribeDBInstances", "MaxRecords": "3"}, "InvalidParameterValue"),
        ({"Action": "DescribeReservedDBInstances"}, "NotImplemented"),
    ],
)
def test_a_malformed_request_is_refused(form, code):
    status, _, body = World().rds.answer(urlencode(form).encode())
    assert status == 400
    assert re.search(rb"<Code>(.*)</Code>", body)[1].decode() == code


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DescribeDBInstances", {"DBInstanceIdentifer": "db"}),
        ("CreateDBSnapshot", {"DBSnapshotIdentifier": "x"}),
        ("DescribeDBInstances", {"MaxRecords": "20"}),
        ("ModifyDBInstance", {"DBInstanceIdentifier": "db", "ApplyImmediately": "yes"}),
        ("DescribeDBInstances", {"Filters": [{"Name": "db-instance-id"}]}),
        ("DescribeDBInstances", {"Filters": [{"Name": "colour", "Values": ["red"]}]}),
    ],
)
def test_a_call_that_does_not_fit_the_model_is_refused(operation, parameters):
    with pytest.raises(RdsError):
        World().rds.call(operation, parameters)


def test_an_answer_is_a_copy():
    world = World()
    world.shown("instance", "db")["MultiAZ"] = "spoilt"
    assert world.shown("instance", "db")["MultiAZ"] is True


def test_pages_follow_the_marker():
    world = World()
    with world.rds.instantly():
        for number in range(25):
            world.rds.call(
                "CreateDBSnapshot",
                {"DBInstanceIdentifier": "db", "DBSnapshotIdentifier": f"s{number}"},
            )
    pages = world.client().get_paginator("describe_db_snapshots").paginate(
        PaginationConfig={"PageSize": 20}
    )  # fmt: skip
    sizes = [len(page["DBSnapshots"]) for page in pages]
    assert sizes == [20, 6]


def test_two_runs_are_identical():
    def run():
        world = World()
        build(world.rds)
        world.rename("instance", "prod-db", "prod-db-temp")
        world.wait(3.5)
        world.rds.call(
            "RestoreDBInstanceFromDBSnapshot",
            {"DBInstanceIdentifier": "prod-db", "DBSnapshotIdentifier": "prod-db-snapshot"},
        )
        world.wait()
        return world.rds.instances, world.rds.clusters, [astuple(c) for c in world.changes]

    assert run() == run()


def test_looking_often_or_once_sees_the_same_times():
    def run(looks):
        world = World()
        world.rename("instance", "db", "db-temp")
        for _ in range(looks):
            world.wait(60 / looks)
            world.rds.settle()
        return [astuple(change) for change in world.changes], world.rds.outages("instance", "db")

    assert run(1)[0] == run(3600)[0]
    assert run(1)[1] == run(3600)[1]
