"""Custom endpoints, which a cluster has to let go of before its successor can have them."""

from typing import Any

import pytest

from tests.unit.conftest import Aws, of_clusters
from trapheus.execution import exceptions
from trapheus.rds.access import rds

READER = "prod-cluster-reader"
NAME = "prod-reports"
REPLICA = "application-autoscaling-1"


@pytest.fixture
def planned(aws: Aws, kind: Any) -> dict:
    """The plan of a cluster with a custom endpoint of its own."""
    aws.rds.custom_endpoints.clear()
    with aws.rds.instantly():
        aws.rds.call(
            "CreateDBClusterEndpoint",
            {
                "DBClusterIdentifier": "prod-cluster",
                "DBClusterEndpointIdentifier": NAME,
                "EndpointType": "READER",
                "StaticMembers": [READER],
                "Tags": [{"Key": "use", "Value": "reports"}],
            },
        )
    aws.settle()
    return aws.plan()


def endpoint(aws: Aws) -> dict[str, Any] | None:
    """The endpoint as RDS holds it."""
    found = aws.rds.call("DescribeDBClusterEndpoints", {})["DBClusterEndpoints"]
    return next((item for item in found if item.get("DBClusterEndpointIdentifier") == NAME), None)


def tags_of(aws: Aws) -> list[dict[str, str]]:
    arn = endpoint(aws)["DBClusterEndpointArn"]
    return rds().list_tags_for_resource(ResourceName=arn)["TagList"]


def assert_as_before(aws: Aws) -> None:
    found = endpoint(aws)
    assert found["DBClusterIdentifier"] == "prod-cluster"
    assert found["CustomEndpointType"] == "READER"
    assert found["StaticMembers"] == [READER]
    assert tags_of(aws) == [{"Key": "use", "Value": "reports"}]


@of_clusters
def test_the_plan_carries_the_custom_endpoints_and_no_other(aws: Aws, planned: dict):
    assert planned["endpoints"] == [
        {
            "identifier": NAME,
            "type": "READER",
            "static": [READER],
            "excluded": [],
            "tags": [{"Key": "use", "Value": "reports"}],
        }
    ]


@of_clusters
def test_an_original_that_is_renamed_gives_them_up(aws: Aws, planned: dict):
    aws.rename_original(planned)

    assert endpoint(aws) is None


@of_clusters
def test_the_restored_cluster_has_them_again(aws: Aws, planned: dict):
    aws.rename_original(planned)
    aws.replace(planned)
    aws.finish(planned)

    assert_as_before(aws)
    aws.run("verify", plan=planned)


@of_clusters
def test_a_rollback_gives_them_back(aws: Aws, planned: dict):
    aws.rename_original(planned)
    aws.until_done("roll_back", plan=planned)
    aws.settle()

    assert_as_before(aws)


@of_clusters
def test_a_rollback_waits_until_their_names_are_free(aws: Aws, planned: dict):
    with pytest.raises(exceptions.StillInProgress):
        aws.run("rename", plan=planned)
    aws.until_done("roll_back", plan=planned)
    aws.settle()
    aws.until_done("roll_back", plan=planned)
    aws.settle()

    assert_as_before(aws)


@pytest.fixture
def with_a_replica(aws: Aws, planned: dict) -> dict:
    """The plan once the endpoint has a replica of auto scaling too, and leaves out another."""
    for name in (REPLICA, f"{REPLICA}2"):
        with aws.rds.instantly():
            aws.rds.call(
                "CreateDBInstance",
                {
                    "DBInstanceIdentifier": name,
                    "DBClusterIdentifier": "prod-cluster",
                    "DBInstanceClass": "db.r6g.large",
                    "Engine": "aurora-postgresql",
                },
            )
    aws.rds.custom_endpoints[NAME]["StaticMembers"].append(REPLICA)
    aws.rds.custom_endpoints[NAME]["ExcludedMembers"].append(f"{REPLICA}2")
    return aws.plan()


@of_clusters
def test_a_replica_of_auto_scaling_is_left_out_and_told(aws: Aws, with_a_replica: dict):
    plan = with_a_replica
    assert plan["endpoints"][0]["static"] == [REPLICA, READER]
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)

    report = aws.run("verify", plan=plan)["report"]

    assert_as_before(aws)
    assert endpoint(aws)["ExcludedMembers"] == []
    (told,) = [entry for entry in report["differs"] if entry["attribute"] == "CustomEndpoints"]
    assert told["was"] == plan["endpoints"]
    assert told["now"][0]["static"] == [READER]


@of_clusters
def test_a_rollback_gives_the_replica_back_if_it_is_still_there(aws: Aws, with_a_replica: dict):
    plan = with_a_replica
    aws.rename_original(plan)
    aws.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": f"{REPLICA}2"})
    aws.settle()

    aws.until_done("roll_back", plan=plan)
    aws.settle()

    assert sorted(endpoint(aws)["StaticMembers"]) == [REPLICA, READER]
    assert endpoint(aws)["ExcludedMembers"] == []


@of_clusters
def test_an_endpoint_of_replicas_of_auto_scaling_alone_is_refused(aws: Aws, with_a_replica: dict):
    aws.rds.custom_endpoints[NAME]["StaticMembers"] = [REPLICA]

    with pytest.raises(exceptions.DatabaseNotSupported, match=f"{NAME} has only replicas"):
        aws.plan()
    assert aws.plan(task="create_snapshot_only")


@of_clusters
@pytest.mark.parametrize(
    ("attribute", "value"),
    [("StaticMembers", []), ("ExcludedMembers", [READER]), ("CustomEndpointType", "ANY")],
)
def test_an_endpoint_that_differs_does_not_pass_the_last_look(
    aws: Aws, planned: dict, attribute: str, value: Any
):
    aws.rename_original(planned)
    aws.replace(planned)
    aws.finish(planned)
    aws.rds.custom_endpoints[NAME][attribute] = value

    with pytest.raises(exceptions.ConfigurationDiffers, match=NAME):
        aws.run("verify", plan=planned)


@of_clusters
@pytest.mark.parametrize(
    ("step", "call", "error"),
    [
        ("rename", "DeleteDBClusterEndpoint", exceptions.RenameFailed),
        ("roll_back", "CreateDBClusterEndpoint", exceptions.RollbackFailed),
        ("configure", "CreateDBClusterEndpoint", exceptions.ConfigureFailed),
    ],
)
def test_a_call_that_is_denied_is_named_for_its_step(
    aws: Aws, planned: dict, *, step: str, call: str, error: type[Exception]
):
    if step != "rename":
        aws.rename_original(planned)
    if step == "configure":
        aws.replace(planned)
    aws.fail(call, "AccessDenied", status=403)

    with pytest.raises(error):
        aws.until_done(step, plan=planned)
