"""What depends on a database: a replacement would break it, or leave it behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from trapheus.execution import exceptions
from trapheus.execution.errors import code_of
from trapheus.rds.access import UNSUPPORTED, rds
from trapheus.rds.proxies import GONE, condition, registered, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look
    from trapheus.rds.access import Description

# The family of a proxy by the engine of its target; a proxy of any other engine there is not.
# [fact: families-of-proxies]
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

# CloudFormation gives it to what it makes. [fact: aws-tags-reserved]
STACK_TAG = "aws:cloudformation:stack-name"


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
    names = (look.identifier, look.found[look.kind.resource_id])
    own = {(look.kind.name, name) for name in names}
    for proxy in existing_proxies() if family else []:
        name = proxy["DBProxyName"]
        found = shown_by(name) if proxy["EngineFamily"] == family and is_near(proxy, look) else []
        if own.isdisjoint(registered(found)):
            continue
        told = condition(found)
        secret = look.found.get("MasterUserSecret", {}).get("SecretArn")
        reads = secret and secret in (one.get("SecretArn") for one in proxy.get("Auth", []))
        # Not of it: that the proxy reaches what is restored cannot be told beforehand.
        look.proxies.append({"name": name, "awaited": told == "AVAILABLE" and not reads})
        findings.warn(
            f"The proxy {name} points at {look.identifier}: from the rename until the restored"
            " database is registered in its place its clients reach nothing, or the original, with"
            " writes that are lost: stop them first if these matter."
        )
        if reads:
            findings.warn(
                f"The proxy {name} reads the secret that RDS manages for {look.identifier}, and the"
                " restored database gets another one: give it that afterwards (`aws rds"
                f" modify-db-proxy --db-proxy-name {name} --auth ...`)."
            )
        elif told != "AVAILABLE":
            findings.warn(
                f"The proxy {name} does not reach {look.identifier} now ({told}), so the restore"
                " does not wait until it reaches the restored database: mend it first."
            )


def shown_by(proxy: str) -> list[Description]:
    """What a proxy points at; nothing while it is being made or deleted."""
    try:
        return targets(proxy) or []
    except ClientError as error:
        if code_of(error) == "InvalidDBProxyStateFault":
            return []
        raise


def existing_proxies() -> list[Description]:
    """The proxies of the region; none where it has no RDS Proxy."""
    try:
        return list(every("describe_db_proxies", "DBProxies"))
    except ClientError as error:
        if code_of(error) in GONE:
            return []
        raise


def of_a_stack(look: Look, findings: Findings) -> None:
    """It, or a member of it, belongs to a stack of CloudFormation."""
    # What goes on by the name: [fact: cloudformation-physical-id]. Terraform leaves no tag of its
    # own; what its next plan shows stands on the page: [fact: terraform-instance-id].
    names: dict[str, list[str]] = {}
    for name, found in look.parts:
        for tag in found.get("TagList", []):
            if tag["Key"] == STACK_TAG:
                names.setdefault(tag["Value"], []).append(name)
    for stack, parts in names.items():
        findings.warn(
            f"The CloudFormation stack {stack} has made {', '.join(parts)} and goes on by the name,"
            " but what reads a resource id or a secret by Fn::GetAtt keeps the original's: read"
            " docs/infrastructure-as-code.md before its next update."
        )


def is_near(proxy: Description, look: Look) -> bool:
    """Whether a proxy lies in the database's own VPC, as those do that point at it.

    [fact: proxies-share-the-network]
    """
    first = look.instances[0] if look.instances else {}
    network = first.get("DBSubnetGroup", {}).get("VpcId", "")
    return not network or proxy.get("VpcId", network) == network


def every(operation: str, key: str, **parameters: Any) -> Iterator[Description]:
    """Everything that a Describe answers with, page by page; nothing where it does not exist."""
    client: Any = rds()
    try:
        for page in client.get_paginator(operation).paginate(**parameters):
            yield from cast("list[Description]", page[key])
    except ClientError as error:
        if code_of(error) != UNSUPPORTED:
            raise
