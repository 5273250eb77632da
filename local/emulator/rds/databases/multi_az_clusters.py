"""Multi-AZ DB clusters: three members that RDS makes, changes and deletes with the cluster.

RDS User Guide, "Multi-AZ DB cluster deployments"; what the calls take is in botocore's model, as is
that the members are terminated with the cluster (DeleteDBCluster).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import cluster_members, lifecycle, parts, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

ENGINES = ("mysql", "postgres")
CLASS = "DBClusterInstanceClass"
# What only Aurora's take [fact: settings-of-a-cluster-kind].
OF_AURORA = frozenset(
    {
        "AvailabilityZones", "BacktrackWindow", "Domain", "DomainIAMRoleName", "EngineMode",
        "EnableHttpEndpoint", "EnableLocalWriteForwarding", "NetworkType", "ScalingConfiguration",
        "ServerlessV2ScalingConfiguration",
    }
)  # fmt: skip
# The same of Multi-AZ DB clusters, of Create, Restore and Modify.
OWN = frozenset({CLASS, "AllocatedStorage", "CACertificateIdentifier"})
DEFAULTS: dict[str, Any] = {
    "MultiAZ": True,
    "PubliclyAccessible": False,
    "StorageType": "io1",  # model
    "CertificateDetails": {"CAIdentifier": "rds-ca-rsa2048-g1"},
}


def is_one(shown: Mapping[str, Any]) -> bool:
    """Whether a cluster is a Multi-AZ DB cluster."""
    return CLASS in shown


def check(parameters: Mapping[str, Any], engine: str) -> None:
    """Refuse what a cluster of the engine does not take.

    [fact: settings-of-a-cluster-kind]
    """
    multi_az = engine in ENGINES
    for name in OF_AURORA if multi_az else OWN:
        if name in parameters:
            raise settings.combination(f"{name} isn't supported for DB engine {engine}.")


def check_birth(parameters: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """Refuse what none can be made of, and return what one shows by default.

    [fact: class-of-a-multi-az-cluster]
    """
    check(parameters, engine)
    if engine not in ENGINES:
        return {}
    if CLASS not in parameters:
        raise settings.combination(f"{CLASS} is required for a Multi-AZ DB cluster.")
    return dict(DEFAULTS)


def check_storage(shown: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Storage grows by a tenth at least, never shrinks, and goes with IOPS.

    [fact: storage-only-grows] [fact: cluster-storage-and-iops-together]
    """
    if is_one(shown) and len({"AllocatedStorage", "Iops"} & parameters.keys()) == 1:
        raise settings.combination(
            "When modifying Provisioned IOPS storage, specify a value for both allocated storage"
            " and iops."
        )
    now = shown["AllocatedStorage"]
    asked = parameters.get("AllocatedStorage", now)
    if asked != now and asked < now * 1.1:
        raise settings.combination(f"Storage of {now} GiB can only grow, by a tenth or more.")


def populate(rds: Rds, cluster: Resource) -> Callable[[], bool]:
    """Let RDS make the members; whether they are there."""
    own = []
    for number, zone in enumerate("abc", 1):
        shown = cluster_members.blank(rds, f"{cluster.name}-instance-{number}", cluster.shown) | {
            "DBInstanceClass": cluster.shown[CLASS],
        }
        settings.derive(rds, "instance", shown)
        member = rds.add("instance", shown, "")
        member.source["cluster"] = cluster.key
        member.endpoint = rds.endpoint(member, cluster.shown["Port"])
        cluster.shown["DBClusterMembers"].append(
            {
                "DBInstanceIdentifier": member.name,
                "IsClusterWriter": number == 1,
                "DBClusterParameterGroupStatus": parts.ending(rds, cluster, "DBClusterMembers"),
                "PromotionTier": 1,
            }
        )
        shown["Endpoint"] = member.endpoint
        lifecycle.follow_cluster(rds, cluster, member)
        rds.play(member, "create member", end=partial(come_up, rds, member, f"{rds.region}{zone}"))
        own.append(member)
    return lambda: all(member.true_status == "available" for member in own)


def come_up(rds: Rds, member: Resource, zone: str) -> None:
    """A member is made, in a zone of its own."""
    member.shown["AvailabilityZone"] = zone
    lifecycle.come_up(rds, member)
    rds.done(member)


def leave(rds: Rds, cluster: Resource) -> None:
    """Let the members go with their cluster."""
    for member in rds.members(cluster):
        rds.play(member, "delete instance", end=partial(rds.gone, member))


def refuse_member(cluster: Resource | None) -> None:
    """Refuse to make, change or delete an instance of such a cluster by itself.

    [fact: members-of-a-multi-az-cluster]
    """
    if cluster and is_one(cluster.shown):
        raise settings.combination(
            f"The operation isn't supported for the members of the Multi-AZ DB cluster"
            f" {cluster.name}."
        )


def refuse_copy(kind: str, snapshot: Mapping[str, Any]) -> None:
    """Refuse to copy a snapshot of such a cluster.

    [fact: no-copy-of-a-multi-az-snapshot]
    """
    if kind == "cluster-snapshot" and snapshot["Engine"] in ENGINES:
        raise settings.combination("Copying a snapshot isn't supported for Multi-AZ DB clusters.")


def refuse_encryption(snapshot: Mapping[str, Any]) -> None:
    """Refuse to encrypt what is not.

    [fact: no-copy-of-a-multi-az-snapshot]
    """
    if snapshot["Engine"] in ENGINES and "KmsKeyId" not in snapshot:
        raise settings.combination(
            "KmsKeyId can't be specified for an unencrypted snapshot of a Multi-AZ DB cluster."
        )
