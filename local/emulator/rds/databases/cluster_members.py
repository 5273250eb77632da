"""Instances of an Aurora cluster: their birth, what they take from the cluster, who writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import available, lifecycle, parts, settings
from local.emulator.rds.defaults import (
    ENGINES,
    FOR_ALL_MEMBERS,
    MEMBER,
    REFUSED_FOR_MEMBERS,
)
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.timing import BROKEN

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds


def refuse_cluster_settings(parameters: dict[str, Any]) -> None:
    """Refuse what is set on the cluster.

    [fact: settings-of-the-cluster]
    """
    for name in parameters:
        if name in REFUSED_FOR_MEMBERS:
            raise settings.combination(
                f"The requested DB Instance will be a member of a DB Cluster. Set {name} for the "
                "DB Cluster."
            )


def refuse_for_one(cluster: Resource, parameters: dict[str, Any]) -> None:
    """Refuse for one member what the cluster has for all.

    [fact: monitoring-of-all-members]
    """
    of_all = {name for switch, names in FOR_ALL_MEMBERS.items() if cluster.shown.get(switch)
              for name in names}  # fmt: skip
    for name in parameters:
        if settings.RENAMED.get(name, name) in of_all:
            raise settings.combination(f"{name} conflicts with cluster level parameter.")


def create(rds: Rds, parameters: dict[str, Any]) -> Resource:
    """A member; the first of a cluster becomes its writer.

    [fact: members-of-a-multi-az-cluster] [fact: member-of-a-creating-cluster]
    [fact: engine-of-a-member]
    """
    refuse_cluster_settings(parameters)
    cluster = rds.find("cluster", parameters["DBClusterIdentifier"])
    if cluster.shown["Engine"] in ("mysql", "postgres"):
        raise settings.combination(f"RDS makes the members of {cluster.name} itself.")
    rds.require(cluster, "CreateDBInstance")
    refuse_for_one(cluster, parameters)
    if cluster.true_status == "creating" and not rds.members_while_creating:
        raise RdsError(
            "InvalidDBClusterStateFault", f"DBCluster {cluster.name} is not available: creating."
        )
    if parameters["Engine"] != cluster.shown["Engine"]:
        raise settings.combination(
            f"The engine {parameters['Engine']} is not the cluster's, {cluster.shown['Engine']}."
        )
    available.check_class(rds, parameters["DBInstanceClass"], cluster.shown)
    name = rds.free("instance", parameters["DBInstanceIdentifier"])
    shown = blank(rds, name, cluster.shown)
    settings.apply(rds, "instance", shown, parameters)
    settings.check(rds, "instance", shown)
    member = rds.add("instance", shown, "")
    member.source["cluster"] = cluster.key
    members = cluster.shown["DBClusterMembers"]
    members.append(
        {
            "DBInstanceIdentifier": name,
            "IsClusterWriter": not members,
            "DBClusterParameterGroupStatus": parts.ending(rds, cluster, "DBClusterMembers"),
            "PromotionTier": shown["PromotionTier"],
        }
    )
    member.endpoint = rds.endpoint(member, cluster.shown["Port"])
    shown.pop("Endpoint")
    lifecycle.follow_cluster(rds, cluster, member)
    rds.play(member, "create member", end=lambda: await_cluster(rds, cluster, member))
    return member


def blank(rds: Rds, name: str, cluster: dict[str, Any]) -> dict[str, Any]:
    """A member for which nothing was asked."""
    engine, version = cluster["Engine"], cluster["EngineVersion"]
    table = {key: value for key, (value, _) in MEMBER.items()}
    shown = {
        "DBInstanceIdentifier": name,
        "DbiResourceId": rds.new_id("instance"),
        "DBInstanceStatus": "creating",
        "Engine": engine,
        "EngineVersion": version,
        "PendingModifiedValues": {},
        "AssociatedRoles": [],
        "DomainMemberships": [],
        "TagList": [],
        **table,
        **lifecycle.of_engine("instance", engine),
        "DBClusterIdentifier": cluster["DBClusterIdentifier"],
    }
    shown |= lifecycle.own_parts(rds, "instance", shown)
    return shown | {"LicenseModel": ENGINES[engine]["LicenseModel"]}


def await_cluster(rds: Rds, cluster: Resource, member: Resource) -> None:
    """A member is available only once its cluster is; a broken cluster breaks it."""

    def settled() -> bool:
        return cluster.key not in rds.things or cluster.status != "creating"

    def act() -> None:
        if cluster.key not in rds.things or cluster.status in BROKEN:
            rds.done(member, "failed")
            return
        member.shown["Endpoint"] = rds.endpoint(member, cluster.shown["Port"])
        lifecycle.come_up(rds, member)
        rds.done(member)
        zones = {m.shown.get("AvailabilityZone", "") for m in rds.members(cluster)} - {""}
        cluster.shown["MultiAZ"] = len(zones) > 1
        lifecycle.settle_parts(rds, member)

    rds.wait(member, settled, act)


def hand_over(cluster: Resource, leaving: str) -> None:
    """The reader of the lowest tier becomes writer when the writer goes; AUG."""
    entries = cluster.shown["DBClusterMembers"]
    others = [entry for entry in entries if entry["DBInstanceIdentifier"] != leaving]
    writes = [entry for entry in entries if entry["IsClusterWriter"]]
    if others and writes and writes[0]["DBInstanceIdentifier"] == leaving:
        heir = min(others, key=lambda entry: entry["PromotionTier"])
        for entry in entries:
            entry["IsClusterWriter"] = entry is heir


def leave(cluster: Resource, name: str) -> None:
    """Out of the cluster's list."""
    entries = cluster.shown["DBClusterMembers"]
    entries[:] = [entry for entry in entries if entry["DBInstanceIdentifier"] != name]
