"""Custom endpoints of a cluster, which no restore carries.

Their names are unique in a region: the original has to let go of them before the restored cluster
can have them.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from trapheus.execution.constants import COPY_SUFFIX, RENAMED_SUFFIX
from trapheus.execution.errors import code_of
from trapheus.execution.exceptions import StillInProgress
from trapheus.rds.access import Description, Tags, own_tags, rds

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import FilterTypeDef

Endpoint = dict[str, Any]


def custom_endpoints(cluster: str) -> list[Endpoint]:
    """The custom endpoints of a cluster, as they are to be made again."""
    custom: list[FilterTypeDef] = [{"Name": "db-cluster-endpoint-type", "Values": ["custom"]}]
    found = rds().describe_db_cluster_endpoints(DBClusterIdentifier=cluster, Filters=custom)
    return [
        {
            "identifier": endpoint["DBClusterEndpointIdentifier"],
            "type": endpoint["CustomEndpointType"],
            "static": sorted(endpoint.get("StaticMembers", [])),
            "excluded": sorted(endpoint.get("ExcludedMembers", [])),
            "tags": sorted(_tags(endpoint["DBClusterEndpointArn"]), key=itemgetter("Key")),
        }
        for endpoint in found["DBClusterEndpoints"]
    ]


def _tags(arn: str) -> Tags:
    return own_tags(dict(rds().list_tags_for_resource(ResourceName=arn)))


def release(endpoints: list[Endpoint], cluster: str) -> None:
    """Ask for the deletion of a cluster's endpoints; one that is gone or going counts as done.

    One that belongs to another cluster by now is left alone.
    """
    for endpoint in endpoints:
        found = find(endpoint["identifier"])
        if found and found["Status"] != "deleting" and found["DBClusterIdentifier"] == cluster:
            rds().delete_db_cluster_endpoint(DBClusterEndpointIdentifier=endpoint["identifier"])


def give(endpoints: list[Endpoint], cluster: Description) -> bool:
    """Ask for these endpoints on a cluster, once it has its members; whether it had them all.

    Raises StillInProgress while a name is still held by a deletion under way.
    """
    name, had_all = cluster["DBClusterIdentifier"], True
    for endpoint in possible(endpoints, cluster):
        found = find(endpoint["identifier"])
        if found is None:
            had_all = False
            rds().create_db_cluster_endpoint(
                DBClusterIdentifier=name,
                DBClusterEndpointIdentifier=endpoint["identifier"],
                EndpointType=endpoint["type"],
                StaticMembers=endpoint["static"],
                ExcludedMembers=endpoint["excluded"],
                Tags=endpoint["tags"],
            )
        elif found["Status"] == "deleting":
            raise StillInProgress(
                f"The endpoint {endpoint['identifier']} is being deleted", identifier=name
            )
    return had_all


def possible(endpoints: list[Endpoint], cluster: Description) -> list[Endpoint]:
    """These endpoints without what are no members any more: RDS refuses their names.

    Application Auto Scaling makes its replicas anew, under other names, and takes them away. The
    list of members may lag behind a rename.
    """
    listed = {member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"]}

    def members_of(names: list[str]) -> list[str]:
        suffixes = ("", RENAMED_SUFFIX, COPY_SUFFIX)
        return [name for name in names if listed & {name + suffix for suffix in suffixes}]

    return [
        endpoint | {key: members_of(endpoint[key]) for key in ("static", "excluded")}
        for endpoint in endpoints
    ]


def lacking(endpoints: list[Endpoint], cluster: Description) -> list[str]:
    """One line for each of these endpoints that the cluster has not, or has otherwise."""
    if not endpoints:
        return []
    present = {
        endpoint["identifier"]: endpoint
        for endpoint in custom_endpoints(cluster["DBClusterIdentifier"])
    }
    return [
        f"the custom endpoint {endpoint['identifier']} is"
        f" {present.get(endpoint['identifier'])!r}, was {endpoint!r}"
        for endpoint in possible(endpoints, cluster)
        if present.get(endpoint["identifier"]) != endpoint
    ]


def find(name: str) -> Description | None:
    """The endpoint of this name, whichever cluster has it."""
    try:
        found = rds().describe_db_cluster_endpoints(DBClusterEndpointIdentifier=name)
    except ClientError as error:
        if code_of(error) == "DBClusterEndpointNotFoundFault":
            return None
        raise
    return cast("Description", next(iter(found["DBClusterEndpoints"]), None))
