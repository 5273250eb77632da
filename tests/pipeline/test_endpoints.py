"""Endpoints of a cluster, which no restore carries: custom ones and that of the Data API."""

from typing import Any

from local.commands.app import App
from local.emulator.cloud import Fault
from tests.pipeline.observed import CLUSTER, On, run

CUSTOM = {
    "DBClusterEndpointIdentifier": "reports",
    "EndpointType": "READER",
    "StaticMembers": ["prod-cluster-reader"],
    "Tags": [{"Key": "team", "Value": "reports"}],
}


def add_endpoints(cloud: App) -> None:
    arn = cloud.rds.clusters[CLUSTER.identifier]["DBClusterArn"]
    with cloud.rds.instantly():
        cloud.rds.call(
            "CreateDBClusterEndpoint", {"DBClusterIdentifier": CLUSTER.identifier, **CUSTOM}
        )
        cloud.rds.call("EnableHttpEndpoint", {"ResourceArn": arn})


def endpoints(cloud: App) -> list[dict[str, Any]]:
    """The custom endpoints as RDS shows them, with their tags."""
    found = cloud.rds.call(
        "DescribeDBClusterEndpoints",
        {"Filters": [{"Name": "db-cluster-endpoint-type", "Values": ["custom"]}]},
    )["DBClusterEndpoints"]
    return [
        {
            **{name: endpoint[name] for name in ("DBClusterIdentifier", "StaticMembers")},
            "DBClusterEndpointIdentifier": endpoint["DBClusterEndpointIdentifier"],
            "EndpointType": endpoint["CustomEndpointType"],
            "Tags": cloud.rds.call(
                "ListTagsForResource", {"ResourceName": endpoint["DBClusterEndpointArn"]}
            )["TagList"],
        }
        for endpoint in found
    ]


def test_a_restored_cluster_has_its_endpoints_again(cloud: App) -> None:
    add_endpoints(cloud)
    before = endpoints(cloud)
    assert before == [{**CUSTOM, "DBClusterIdentifier": CLUSTER.identifier}]

    execution = run(cloud, CLUSTER.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause
    assert endpoints(cloud) == before
    assert cloud.rds.clusters[CLUSTER.identifier]["HttpEndpointEnabled"] is True


def test_a_cluster_that_was_put_back_has_its_endpoints_again(cloud: App) -> None:
    add_endpoints(cloud)
    before = endpoints(cloud)
    refused = On("RestoreCluster", "RestoreDBClusterFromSnapshot", Fault("InvalidSubnet"))
    cloud.faults.append(refused)

    execution = run(cloud, CLUSTER.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert refused.fired
    assert endpoints(cloud) == before
    assert cloud.rds.clusters[CLUSTER.identifier]["HttpEndpointEnabled"] is True
