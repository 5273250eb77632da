"""Endpoints of a cluster: custom ones, and that of the Data API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases.tags import checked
from local.emulator.rds.defaults import ENGINES
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.resources import identifier, resource_id
from local.emulator.rds.timing import PHASES

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds

ENGINES_WITH = [engine for engine in ENGINES if engine.startswith("aurora")]


def find(rds: Rds, given: str) -> dict[str, Any]:
    """A custom endpoint by its name.

    [fact: named-errors]
    """
    name = given.lower()
    if name not in rds.custom_endpoints:
        raise RdsError("DBClusterEndpointNotFoundFault", f"DBClusterEndpoint {name} not found.")
    return rds.custom_endpoints[name]


def settle_later(rds: Rds, endpoint: dict[str, Any], status: str) -> None:
    """Let an endpoint reach a status after a while; "" takes it away."""

    def act() -> None:
        if status:
            endpoint["Status"] = status
        elif rds.custom_endpoints.get(endpoint["DBClusterEndpointIdentifier"]) is endpoint:
            del rds.custom_endpoints[endpoint["DBClusterEndpointIdentifier"]]

    rds.later(rds.after(PHASES["change endpoint"][0]), act)


@operation("DescribeDBClusterEndpoints")
def describe(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The custom endpoints, and each cluster's own two."""
    name = parameters.get("DBClusterEndpointIdentifier")
    found = [find(rds, name)] if name else [*built_in(rds), *rds.custom_endpoints.values()]
    if "DBClusterIdentifier" in parameters:
        of = rds.seen("cluster", parameters["DBClusterIdentifier"]).name
        found = [endpoint for endpoint in found if endpoint["DBClusterIdentifier"] == of]
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            "db-cluster-endpoint-type": lambda one: str(one["EndpointType"]),
            "db-cluster-endpoint-custom-type": lambda one: str(one.get("CustomEndpointType", "")),
            "db-cluster-endpoint-id": lambda one: str(one.get("DBClusterEndpointIdentifier", "")),
            "db-cluster-endpoint-status": lambda one: str(one["Status"]),
        },
    )
    return page(found, parameters, "DBClusterEndpoints")


def built_in(rds: Rds) -> list[dict[str, Any]]:
    """The writer and the reader endpoint of every cluster."""
    return [
        {
            "DBClusterIdentifier": name,
            "Endpoint": shown[key],
            "Status": "available",
            "EndpointType": kind,
        }
        for name, shown in rds.clusters.items()
        for key, kind in (("Endpoint", "WRITER"), ("ReaderEndpoint", "READER"))
    ]


@operation("CreateDBClusterEndpoint")
def create(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a custom endpoint; its name is unique in the region.

    [fact: names-of-endpoints] [fact: named-errors]
    """
    cluster = rds.find("cluster", parameters["DBClusterIdentifier"])
    rds.require(cluster, "CreateDBClusterEndpoint")
    name = identifier("cluster", parameters["DBClusterEndpointIdentifier"])
    if name in rds.custom_endpoints:
        raise RdsError(
            "DBClusterEndpointAlreadyExistsFault", f"DBClusterEndpoint {name} already exists."
        )
    lists = {key: parameters.get(key, []) for key in ("StaticMembers", "ExcludedMembers")}
    known = {member.name for member in rds.members(cluster)}
    for member in (*lists["StaticMembers"], *lists["ExcludedMembers"]):
        if member.lower() not in known:
            raise RdsError("DBInstanceNotFound", f"DBInstance {member} not found.")
    endpoint = {
        "DBClusterEndpointIdentifier": name,
        "DBClusterIdentifier": cluster.name,
        "DBClusterEndpointResourceIdentifier": resource_id(f"cluster-endpoint-{name}", 0),
        "Endpoint": rds.address(name, "cluster-custom-"),
        "Status": "creating",
        "EndpointType": "CUSTOM",
        "CustomEndpointType": parameters["EndpointType"],
        **lists,
        "DBClusterEndpointArn": rds.arn("cluster-endpoint", name),
    }
    rds.custom_endpoints[name] = endpoint
    rds.group_tags[endpoint["DBClusterEndpointArn"]] = checked(parameters.get("Tags", []))
    settle_later(rds, endpoint, "available")
    return endpoint


@operation("ModifyDBClusterEndpoint")
def modify(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change the members or the type of a custom endpoint."""
    endpoint = find(rds, parameters["DBClusterEndpointIdentifier"])
    require_available(endpoint)
    for key in ("StaticMembers", "ExcludedMembers"):
        endpoint[key] = parameters.get(key, endpoint[key])
    endpoint["CustomEndpointType"] = parameters.get("EndpointType", endpoint["CustomEndpointType"])
    endpoint["Status"] = "modifying"
    settle_later(rds, endpoint, "available")
    return endpoint


@operation("DeleteDBClusterEndpoint")
def delete(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a custom endpoint away."""
    endpoint = find(rds, parameters["DBClusterEndpointIdentifier"])
    require_available(endpoint)
    endpoint["Status"] = "deleting"
    settle_later(rds, endpoint, "")
    return endpoint


def require_available(endpoint: dict[str, Any]) -> None:
    """Refuse a change of an endpoint that is changing.

    [fact: named-errors]
    """
    if endpoint["Status"] != "available":
        raise RdsError(
            "InvalidDBClusterEndpointStateFault",
            f"DBClusterEndpoint {endpoint['DBClusterEndpointIdentifier']} is {endpoint['Status']}.",
        )


@operation("EnableHttpEndpoint", enabled=True)
@operation("DisableHttpEndpoint", enabled=False)
def switch_http_endpoint(rds: Rds, parameters: dict[str, Any], *, enabled: bool) -> dict[str, Any]:
    """Switch the Data API of a cluster; it shows at the call. memory."""
    arn = parameters["ResourceArn"]
    cluster = rds.find("cluster", arn.rpartition(":")[2])
    rds.require(cluster, "ModifyDBCluster")
    cluster.shown["HttpEndpointEnabled"] = enabled
    return {"ResourceArn": arn, "HttpEndpointEnabled": enabled}
