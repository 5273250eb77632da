"""What instances and clusters have in common: their birth, their changes, their end."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import available, groups, parts, settings
from local.emulator.rds.defaults import (
    AT_ONCE,
    BACKUP_QUOTA_ERRORS,
    CARRIED,
    CLUSTER,
    ENGINES,
    FOR_ALL_MEMBERS,
    HOSTED_ZONE,
    INSTANCE,
    OF_ENGINES,
    OF_THE_CLUSTER,
    SECURITY_GROUP,
)
from local.emulator.rds.protocol.model import KINDS, RESOURCE_ID
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.timing import MULTI_AZ_SECONDS

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

# Of a Modify, they say how, and not what; GH hashicorp/terraform-provider-aws#26286 of the last
# sort: those by themselves are no modification.
MANNERS = frozenset(
    {"AllowMajorVersionUpgrade", "AllowEngineModeChange", "CertificateRotationRestart"}
)


def blank(rds: Rds, kind: str, name: str, engine: str, version: str | None) -> dict[str, Any]:
    """A database for which nothing was asked: AWS's defaults, all of them."""
    if engine not in ENGINES:
        raise RdsError("InvalidParameterValue", f"Invalid DB engine: {engine}")
    # Which others have clusters, and of which sort, is in multi_az.
    fits = engine in ("mysql", "postgres") or engine.startswith("aurora") == (kind == "cluster")
    if not fits:
        raise settings.combination(f"The engine {engine} does not fit a DB {kind}.")
    table = INSTANCE if kind == "instance" else CLUSTER
    shown: dict[str, Any] = {
        KINDS[kind].name_key: name,
        RESOURCE_ID[kind]: rds.new_id(kind),
        KINDS[kind].status_key: "creating",
        "Engine": engine,
        "EngineVersion": version or ENGINES[engine]["EngineVersion"],
        "MasterUsername": "admin",
        "VpcSecurityGroups": [{"VpcSecurityGroupId": SECURITY_GROUP, "Status": "active"}],
        "AssociatedRoles": [],
        "DomainMemberships": [],
        "TagList": [],
        **{attribute: value for attribute, (value, _) in table.items()},
        **of_engine(kind, engine),
    }
    # An instance shows the moment, and its zone, only once it is made. [fact: creating-shows-less]
    if kind == "instance":
        shown["PendingModifiedValues"] = {}
    else:
        shown["ClusterCreateTime"] = rds.when()
    return shown | own_parts(rds, kind, shown)


def of_engine(kind: str, engine: str) -> dict[str, Any]:
    """What only the databases of some engines show."""
    fitting = [more for name, more in OF_ENGINES[kind] if name.fullmatch(engine)]
    return {name: value for more in fitting for name, value in more.items()}


def own_parts(rds: Rds, kind: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The default groups, port and lists of a kind."""
    engine, version = shown["Engine"], shown["EngineVersion"]
    family = f"default.{groups.family(engine, version)}"
    options = groups.default_option_group(engine, version)
    if kind == "cluster":
        return {
            "Port": ENGINES[engine]["Port"],
            "DBClusterParameterGroup": family,
            "DBSubnetGroup": groups.group(rds, "subnet", "default")["DBSubnetGroupName"],
            "AvailabilityZones": [f"{rds.region}{zone}" for zone in "abc"],
            "DBClusterMembers": [],
            "ReadReplicaIdentifiers": [],
            "MultiAZ": False,
            "HostedZoneId": HOSTED_ZONE,
            **({} if engine.startswith("aurora") else option_groups(options)),
        }
    return {
        "Endpoint": {"Port": ENGINES[engine]["Port"]},
        "DbInstancePort": 0,
        "LicenseModel": ENGINES[engine]["LicenseModel"],
        "DBParameterGroups": [{"DBParameterGroupName": family, "ParameterApplyStatus": "in-sync"}],
        "OptionGroupMemberships": [{"OptionGroupName": options, "Status": "in-sync"}],
        "DBSubnetGroup": groups.nested(rds, "default"),
        "DBSecurityGroups": [],
        "ReadReplicaDBInstanceIdentifiers": [],
    }


def option_groups(name: str) -> dict[str, Any]:
    """The option group of a cluster, which Aurora does not show."""
    own = {"DBClusterOptionGroupName": name, "Status": "in-sync"}
    return {"DBClusterOptionGroupMemberships": [own]}


def come_up(rds: Rds, instance: Resource) -> None:
    """Show what an instance shows only once it is made."""
    instance.shown.setdefault("InstanceCreateTime", rds.when())
    instance.shown.get("PendingModifiedValues", {}).pop("MasterUserPassword", None)
    instance.shown.setdefault("AvailabilityZone", f"{rds.region}a")
    settings.derive(rds, "instance", instance.shown)


def show_pending(resource: Resource, view: Mapping[str, Any]) -> None:
    """Show what waits; a cluster for which nothing does shows nothing of it.

    [fact: cluster-without-pending]
    """
    if view or resource.kind == "instance":
        resource.shown["PendingModifiedValues"] = dict(view)
    else:
        resource.shown.pop("PendingModifiedValues", None)


def carried(kind: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What a snapshot keeps of a database's settings."""
    return copy.deepcopy({name: shown[name] for name in CARRIED[kind] if name in shown})


def modify(rds: Rds, resource: Resource, given: dict[str, Any]) -> None:
    """Begin a change: at once, or left to the maintenance window."""
    kind, words = resource.kind, KINDS[resource.kind]
    new_name_key = f"New{words.name_key}"
    immediate = given.pop("ApplyImmediately", False)
    parameters = {name: v for name, v in given.items() if name != words.name_key}
    new_name = parameters.pop(new_name_key, resource.name)
    if new_name.lower() != resource.name:
        parameters[new_name_key] = new_name
    wanted = resource.pending | parameters if immediate else parameters
    if new_name_key in wanted:
        wanted[new_name_key] = rds.free(kind, wanted[new_name_key])
    if not wanted.keys() - MANNERS:
        raise settings.combination("No modifications were requested")
    available.check_upgrade(rds, resource.shown, wanted)
    settings.check_password(kind, resource.shown, wanted)
    settings.check_storage_change(resource, wanted)
    preview = copy.deepcopy(resource.shown)
    settings.apply(rds, kind, preview, wanted, live=True)
    settings.check(rds, kind, preview)
    if preview == resource.shown and not wanted.keys() & (settings.SECRETS | {new_name_key}):
        return  # what is so already is taken, and nothing happens [fact: modify-without-a-change]
    at_once = {name: v for name, v in wanted.items() if name in AT_ONCE}
    settings.apply(rds, kind, resource.shown, at_once, live=True)
    settle_parts(rds, resource, live=True)
    left = {name: v for name, v in wanted.items() if name not in AT_ONCE}
    if not immediate:
        waiting = {name: v for name, v in left.items() if settings.pending_view(kind, {name: v})}
        if resource.shown["BackupRetentionPeriod"] and waiting.get("BackupRetentionPeriod"):
            del waiting["BackupRetentionPeriod"]  # [fact: retention-changes-at-once]
        waiting.pop("MasterUserPassword", None)  # [fact: password-changes-at-once]
        resource.pending |= waiting
        pend(resource, settings.pending_view(kind, waiting))
        left = {name: v for name, v in left.items() if name not in waiting}
    if left:
        change(rds, resource, left, preview)


def pend(resource: Resource, more: Mapping[str, Any]) -> None:
    """Show that more waits."""
    show_pending(resource, resource.shown.get("PendingModifiedValues", {}) | more)


def change(rds: Rds, resource: Resource, left: dict[str, Any], preview: Mapping[str, Any]) -> None:
    """Go through `modifying`, or through a rename, and then show what was asked for."""
    kind = resource.kind
    pend(resource, settings.pending_view(kind, left))
    new_name = left.get(f"New{KINDS[kind].name_key}", "")

    was = {name: resource.shown.get(name) for name in settings.STORAGE}

    def take_effect() -> None:
        settings.apply(rds, kind, resource.shown, left, live=True)
        rds.volumes.set_password(resource, left.get("MasterUserPassword"))
        resource.pending = {k: v for k, v in resource.pending.items() if k not in left}
        show_pending(resource, settings.pending_view(kind, resource.pending))
        if new_name:
            take_name(rds, resource, new_name)
        if kind == "cluster":
            switch_off(rds, resource, left)
        follow(rds, resource)
        settle_parts(rds, resource, live=True)

    def finish() -> None:
        take_effect()
        aurora = kind == "cluster" and "DBClusterInstanceClass" not in resource.shown
        if aurora or was == {name: resource.shown.get(name) for name in settings.STORAGE}:
            rds.done(resource)
        else:
            rds.play(resource, "optimize storage")

    if not new_name:
        grows = preview.get("MultiAZ") and not resource.shown.get("MultiAZ")
        longer = {"modifying": MULTI_AZ_SECONDS} if grows and kind == "instance" else {}
        rds.play(resource, f"modify {kind}", longer=longer, end=finish)
        return
    resource.claims = new_name
    if kind == "cluster":
        rds.play(resource, "rename cluster", end=finish)
        return
    what = "rename member" if rds.cluster_of(resource) else "rename instance"
    rds.play(resource, what, on={"neither": take_effect}, end=lambda: rebooted(rds, resource))


def take_name(rds: Rds, resource: Resource, name: str) -> None:
    """The moment of a rename: name, ARN, address, and all that speaks of the name."""
    old = resource.name
    rds.rename(resource, name)
    give_addresses(rds, resource)
    if resource.kind == "cluster":
        for endpoint in rds.custom_endpoints.values():
            if endpoint["DBClusterIdentifier"] == old:
                endpoint["DBClusterIdentifier"] = name
    else:
        cluster = rds.cluster_of(resource)
        for member in cluster.shown["DBClusterMembers"] if cluster else []:
            if member["DBInstanceIdentifier"] == old:
                member["DBInstanceIdentifier"] = name
    # UG: snapshots stay with the renamed database [fact: snapshots-of-a-rename]
    for thing in rds.things.values() if rds.snapshots_follow else ():
        if thing.source.get("of") == resource.key:
            thing.shown[KINDS[resource.kind].name_key] = name


def give_addresses(rds: Rds, database: Resource) -> None:
    """The endpoint of an instance, or the two of a cluster, by its name."""
    shown = database.shown
    if database.kind == "instance":
        shown["Endpoint"] = rds.endpoint(database, shown["Endpoint"]["Port"])
        return
    shown["Endpoint"] = rds.address_of(database, "cluster-")
    shown["ReaderEndpoint"] = rds.address_of(database, "cluster-ro-")


def rebooted(rds: Rds, resource: Resource) -> None:
    """The end of a reboot: the instance runs with the parameters of its groups."""
    for group in resource.shown.get("DBParameterGroups", []):
        if group["ParameterApplyStatus"] == "pending-reboot":
            group["ParameterApplyStatus"] = "in-sync"
    cluster = rds.cluster_of(resource)
    for member in cluster.shown["DBClusterMembers"] if cluster else []:
        if member["DBInstanceIdentifier"] == resource.name:
            member["DBClusterParameterGroupStatus"] = "in-sync"
    rds.done(resource)


def settle_parts(rds: Rds, resource: Resource, *, live: bool = False) -> None:
    """Let what has begun of a database come to its end, and its members show it."""

    def show() -> None:
        if resource.key in rds.things:
            follow(rds, resource)

    parts.settle(rds, resource, show, live=live)


def follow(rds: Rds, resource: Resource) -> None:
    """Let the members show what is their cluster's, and a member its promotion tier."""
    if resource.kind == "cluster":
        for member in rds.members(resource):
            follow_cluster(rds, resource, member)
        return
    cluster = rds.cluster_of(resource)
    if cluster:
        follow_cluster(rds, cluster, resource)


def switch_off(rds: Rds, cluster: Resource, given: Mapping[str, Any]) -> None:
    """Let a cluster that is told to have none take monitoring and insights from its members; AUG.

    That holds for those that had them of their own too; memory.
    """
    switches = ("MonitoringInterval", "EnablePerformanceInsights")
    off = {name: given[name] for name in switches if name in given and not given[name]}
    for member in rds.members(cluster) if off else []:
        settings.apply(rds, "instance", member.shown, off, live=True)


def follow_cluster(rds: Rds, cluster: Resource, member: Resource) -> None:
    """Let a member show what is the cluster's, and the cluster the member's tier."""
    for name, of_cluster in OF_THE_CLUSTER.items():
        if of_cluster in cluster.shown:
            member.shown[name] = copy.deepcopy(cluster.shown[of_cluster])
        else:
            member.shown.pop(name, None)
    if "DBSubnetGroup" in cluster.shown:
        member.shown["DBSubnetGroup"] = groups.nested(rds, cluster.shown["DBSubnetGroup"])
    member.shown["StorageType"] = cluster.shown.get("StorageType", "aurora")
    # [fact: throughput-zero]
    member.shown["StorageThroughput"] = 0
    if "Iops" in cluster.shown:
        member.shown["Iops"] = cluster.shown["Iops"]
    for switch, names in FOR_ALL_MEMBERS.items():
        if cluster.shown.get(switch):
            member.shown |= {name: cluster.shown[name] for name in names if name in cluster.shown}
    settings.derive(rds, "instance", member.shown)
    if "Endpoint" in member.shown:
        member.shown["Endpoint"] = rds.endpoint(member, cluster.shown["Port"])
    for entry in cluster.shown["DBClusterMembers"]:
        if entry["DBInstanceIdentifier"] == member.name:
            entry["PromotionTier"] = member.shown["PromotionTier"]


def require_final_snapshot(rds: Rds, resource: Resource, parameters: Mapping[str, Any]) -> str:
    """The name of the final snapshot, "" for none; refused unless one of both is said.

    [fact: final-snapshot-or-none]
    """
    name: str = parameters.get("FinalDBSnapshotIdentifier", "")
    skip = parameters.get("SkipFinalSnapshot", False)
    if bool(name) == bool(skip):
        raise settings.combination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            if not skip
            else "You cannot specify both FinalDBSnapshotIdentifier and SkipFinalSnapshot"
        )
    return name


def refuse_protected(resource: Resource, words: str) -> None:
    """Deletion protection blocks a deletion, and nothing else.

    [fact: deletion-protection]
    """
    if resource.shown.get("DeletionProtection"):
        raise settings.combination(
            f"Cannot delete protected {words}, please disable deletion protection and try again."
        )


def leaves_backups(resource: Resource, parameters: Mapping[str, Any]) -> bool:
    """Whether a deletion keeps automated backups: only when it says so, of what has some; model."""
    kept = not parameters.get("DeleteAutomatedBackups", True)
    return bool(kept and resource.shown.get("BackupRetentionPeriod"))


def refuse_backups(rds: Rds, resource: Resource, parameters: Mapping[str, Any]) -> None:
    """Refuse to keep more automated backups than there may be databases.

    [fact: quota-of-retained-backups]
    """
    full = len(backups_kept(rds, resource)) >= rds.quotas[resource.kind]
    if leaves_backups(resource, parameters) and full:
        raise RdsError(
            BACKUP_QUOTA_ERRORS[resource.kind],
            "The quota for retained automated backups was exceeded.",
        )


def keep_backups(rds: Rds, resource: Resource, parameters: Mapping[str, Any]) -> None:
    """Let the automated backups outlive their database."""
    if leaves_backups(resource, parameters):
        made = backup_of if resource.kind == "instance" else cluster_backup_of
        backups_kept(rds, resource).append({**made(rds, resource), "Status": "retained"})


def backups_kept(rds: Rds, resource: Resource) -> list[dict[str, Any]]:
    """The automated backups of deleted databases of this kind."""
    return rds.retained_backups if resource.kind == "instance" else rds.retained_cluster_backups


def backup_of(rds: Rds, resource: Resource) -> dict[str, Any]:
    """The automated backup of an instance, as DescribeDBInstanceAutomatedBackups shows it."""
    shown = resource.shown
    same = (
        "DBInstanceArn", "DbiResourceId", "DBInstanceIdentifier", "AllocatedStorage",
        "AvailabilityZone", "InstanceCreateTime", "MasterUsername", "Engine", "EngineVersion",
        "LicenseModel", "Iops", "StorageThroughput", "StorageType", "KmsKeyId",
        "BackupRetentionPeriod", "PreferredBackupWindow", "BackupTarget",
    )  # fmt: skip
    return copy.deepcopy({name: shown[name] for name in same if name in shown}) | {
        "Region": rds.region,
        "Status": "active",
        "Encrypted": shown.get("StorageEncrypted", False),
        "Port": shown.get("Endpoint", resource.endpoint)["Port"],
        "DBInstanceAutomatedBackupsArn": rds.arn("auto-backup", f"ab-{resource.key[3:].lower()}"),
    }


def cluster_backup_of(rds: Rds, resource: Resource) -> dict[str, Any]:
    """The automated backup of a cluster, as DescribeDBClusterAutomatedBackups shows it."""
    shown = resource.shown
    same = (
        "DBClusterArn", "DbClusterResourceId", "DBClusterIdentifier", "AllocatedStorage",
        "AvailabilityZones", "ClusterCreateTime", "MasterUsername", "Engine", "EngineVersion",
        "EngineMode", "KmsKeyId", "StorageEncrypted", "StorageType", "BackupRetentionPeriod",
        "PreferredBackupWindow", "Port",
    )  # fmt: skip
    arn = rds.arn("cluster-auto-backup", f"ab-{resource.key[8:].lower()}")
    return copy.deepcopy({name: shown[name] for name in same if name in shown}) | {
        "Region": rds.region,
        "Status": "active",
        "DBClusterAutomatedBackupsArn": arn,
    }
