"""What ties a database to others: their replacement would break it, or leave it behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from trapheus import exceptions
from trapheus.errors import code_of
from trapheus.rds import rds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trapheus.preflight import Findings
    from trapheus.rds import Description

# The family of a proxy by the engine of its target; a proxy of any other engine there is not
# (API reference of CreateDBProxy).
PROXY_FAMILIES = {
    "aurora-mysql": "MYSQL",
    "aurora-postgresql": "POSTGRESQL",
    "mariadb": "MYSQL",
    "mysql": "MYSQL",
    "postgres": "POSTGRESQL",
    "sqlserver-ee": "SQLSERVER",
    "sqlserver-se": "SQLSERVER",
    "sqlserver-web": "SQLSERVER",
    "sqlserver-ex": "SQLSERVER",
}
# Of a proxy that is being made or deleted.
NO_TARGETS = frozenset(
    {"DBProxyNotFoundFault", "DBProxyTargetGroupNotFoundFault", "InvalidDBProxyStateFault"}
)


def check_deployments(findings: Findings, name: str, arn: str) -> None:
    """Refuse the blue or the green side of a blue/green deployment.

    Asked for as a whole: the filters `source` and `target` exclude each other in one call.
    """
    for found in every("describe_blue_green_deployments", "BlueGreenDeployments"):
        if arn in (found.get("Source"), found.get("Target")):
            findings.add(
                exceptions.DatabaseNotSupported,
                f"{name} is in the blue/green deployment {found['BlueGreenDeploymentName']}"
                f" ({found['BlueGreenDeploymentIdentifier']}): finish it and delete it first.",
            )


def check_integrations(findings: Findings, name: str, arn: str) -> None:
    """Refuse the source of a zero-ETL integration, which would follow the original."""
    for found in every("describe_integrations", "Integrations"):
        if found.get("SourceArn") == arn:
            findings.add(
                exceptions.DatabaseNotSupported,
                f"{name} is the source of the zero-ETL integration {found['IntegrationName']},"
                " which would go with the original: delete it first, and make it again afterwards.",
            )


def check_global_clusters(findings: Findings, found: Description) -> None:
    """Refuse a member of a global cluster, the primary and a secondary alike."""
    arn = found["DBClusterArn"]
    region = arn.split(":")[3]
    here = every(
        "describe_global_clusters",
        "GlobalClusters",
        Filters=[{"Name": "region", "Values": [region]}],
    )
    owners = {owner["GlobalClusterIdentifier"] for owner in here if arn in cluster_arns(owner)}
    # The cluster shows it too, since 2024.
    owners |= {found["GlobalClusterIdentifier"]} if found.get("GlobalClusterIdentifier") else set()
    for owner in sorted(owners):
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{found['DBClusterIdentifier']} is in the global cluster {owner}: detach it first"
            " (`aws rds remove-from-global-cluster"
            f" --global-cluster-identifier {owner} --db-cluster-identifier {arn}`).",
        )


def cluster_arns(owner: Description) -> set[str]:
    """The ARNs of every cluster in a global cluster."""
    members = owner.get("GlobalClusterMembers", [])
    readers = {arn for member in members for arn in member.get("Readers", [])}
    return {member["DBClusterArn"] for member in members} | readers


def warn_of_proxies(
    findings: Findings, name: str, resource_id: str, engine: str, network: str = ""
) -> None:
    """Tell of the proxies that point at the database; they lie in its own VPC (User Guide).

    network: its VPC, "" when it is not known.
    """
    family = PROXY_FAMILIES.get(engine)
    if family is None:
        return
    for proxy in every("describe_db_proxies", "DBProxies"):
        near = not network or proxy.get("VpcId", network) == network
        if proxy["EngineFamily"] == family and near and points_at(proxy, {name, resource_id}):
            findings.warn(
                f"The proxy {proxy['DBProxyName']} points at {name} and will go on pointing at the"
                " original: deregister its target and register the restored database."
            )


def points_at(proxy: Description, names: set[str]) -> bool:
    """Whether a target of the proxy is the database, which RDS names by its identifier."""
    try:
        targets = list(
            every("describe_db_proxy_targets", "Targets", DBProxyName=proxy["DBProxyName"])
        )
    except ClientError as error:
        if code_of(error) in NO_TARGETS:
            return False
        raise
    found = {target.get(key) for target in targets for key in ("RdsResourceId", "TrackedClusterId")}
    return bool(found & names)


def every(operation: str, key: str, **parameters: Any) -> Iterator[Description]:
    """Everything that a Describe answers with, page by page."""
    client: Any = rds()
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from cast("list[Description]", page[key])
