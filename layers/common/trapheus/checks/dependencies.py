"""What depends on a database: a replacement would break it, or leave it behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from trapheus.execution import exceptions
from trapheus.execution.errors import code_of
from trapheus.rds.access import rds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look
    from trapheus.rds.access import Description

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


# What names the read replicas of an instance or a cluster; those in other regions by their ARNs.
REPLICAS = (
    "ReadReplicaDBInstanceIdentifiers",
    "ReadReplicaDBClusterIdentifiers",
    "ReadReplicaIdentifiers",
)


def replicas_of(look: Look) -> str:
    """The read replicas of the database, in words; empty where there are none."""
    return ", ".join(name for key in REPLICAS for name in look.found.get(key, []))


def no_replicas(look: Look, findings: Findings) -> None:
    """No read replica follows it, which its deletion would promote, or leave without a source."""
    # [fact: replicas-of-what-is-deleted]
    if names := replicas_of(look):
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{look.identifier} has the read replicas {names}, which would lose their source when"
            " the original is deleted: promote or delete them first, or set keepOriginal, or"
            " restore under a targetIdentifier.",
        )


def no_deployment(look: Look, findings: Findings) -> None:
    """On no side of a blue/green deployment, unless that has switched over."""
    # Asked for as a whole: the filters `source` and `target` exclude each other in one call.
    arn = look.found[look.kind.arn]
    for found in every("describe_blue_green_deployments", "BlueGreenDeployments"):
        # Both sides are databases of their own by then. [fact: deployment-switched-over]
        if found.get("Status") == "SWITCHOVER_COMPLETED":
            continue
        if arn in (found.get("Source"), found.get("Target")):
            findings.add(
                exceptions.DatabaseNotSupported,
                f"{look.identifier} is in the blue/green deployment"
                f" {found['BlueGreenDeploymentName']} ({found['BlueGreenDeploymentIdentifier']}):"
                " finish it and delete it first.",
            )


def no_integration(look: Look, findings: Findings) -> None:
    """Not the source of a zero-ETL integration, which would follow the original."""
    for found in every("describe_integrations", "Integrations"):
        if found.get("SourceArn") == look.found[look.kind.arn]:
            findings.add(
                exceptions.DatabaseNotSupported,
                f"{look.identifier} is the source of the zero-ETL integration"
                f" {found['IntegrationName']}, which would go with the original: delete it first,"
                " and make it again afterwards.",
            )


def no_global_cluster(look: Look, findings: Findings) -> None:
    """In no global cluster, neither as its primary nor as a secondary."""
    arn = look.found[look.kind.arn]
    region = arn.split(":")[3]
    here = every(
        "describe_global_clusters",
        "GlobalClusters",
        Filters=[{"Name": "region", "Values": [region]}],
    )
    owners = {owner["GlobalClusterIdentifier"] for owner in here if arn in cluster_arns(owner)}
    # The cluster shows it too, since 2024.
    shown = look.found.get("GlobalClusterIdentifier")
    owners |= {shown} if shown else set()
    for owner in sorted(owners):
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{look.identifier} is in the global cluster {owner}: detach it first"
            " (`aws rds remove-from-global-cluster"
            f" --global-cluster-identifier {owner} --db-cluster-identifier {arn}`).",
        )


def cluster_arns(owner: Description) -> set[str]:
    """The ARNs of every cluster in a global cluster."""
    members = owner.get("GlobalClusterMembers", [])
    readers = {arn for member in members for arn in member.get("Readers", [])}
    return {member["DBClusterArn"] for member in members} | readers


# Warnings


def replicas_stay(look: Look, findings: Findings) -> None:
    """It has read replicas, which go on following the original that is kept."""
    # [fact: replicas-follow-a-rename]
    if names := replicas_of(look):
        restored = look.identifier if look.replaces else look.request["targetIdentifier"]
        renamed = ", whatever it is called" if look.replaces else ""
        findings.warn(
            f"The read replicas of {look.identifier} ({names}) go on following the"
            f" original{renamed}: make others for the restored {restored} if it needs them."
        )


def proxies(look: Look, findings: Findings) -> None:
    """A proxy points at the database."""
    family = PROXY_FAMILIES.get(look.found["Engine"])
    if family is None:
        return
    names = {look.identifier, look.found[look.kind.resource_id]}
    for proxy in every("describe_db_proxies", "DBProxies"):
        if proxy["EngineFamily"] == family and is_near(proxy, look) and points_at(proxy, names):
            findings.warn(
                f"The proxy {proxy['DBProxyName']} points at {look.identifier} and will go on"
                " pointing at the original: deregister its target and register the restored"
                " database."
            )


def is_near(proxy: Description, look: Look) -> bool:
    """Whether a proxy lies in the database's own VPC, as those do that point at it (User Guide)."""
    first = look.instances[0] if look.instances else {}
    network = first.get("DBSubnetGroup", {}).get("VpcId", "")
    return not network or proxy.get("VpcId", network) == network


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
