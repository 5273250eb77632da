"""The operations on snapshots of both kinds."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import lifecycle, tags
from local.emulator.rds.defaults import VPC
from local.emulator.rds.operations import snapshot_sharing
from local.emulator.rds.protocol.model import KINDS, RESOURCE_ID
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

OF = {"snapshot": "instance", "cluster-snapshot": "cluster"}
SNAPSHOT_OF = {of: kind for kind, of in OF.items()}

# What a snapshot shows of its database: attribute of the snapshot -> of the database. model.
SHOWS: dict[str, dict[str, str]] = {
    "snapshot": {
        name: name
        for name in (
            "DBInstanceIdentifier", "Engine", "AllocatedStorage", "AvailabilityZone",
            "InstanceCreateTime", "MasterUsername", "EngineVersion", "LicenseModel", "Iops",
            "StorageThroughput", "StorageType", "KmsKeyId", "IAMDatabaseAuthenticationEnabled",
            "ProcessorFeatures", "DbiResourceId", "DedicatedLogVolume", "MultiTenant",
            "BackupRetentionPeriod", "PreferredBackupWindow",
        )
    }
    | {"Encrypted": "StorageEncrypted"},
    "cluster-snapshot": {
        name: name
        for name in (
            "DBClusterIdentifier", "Engine", "AllocatedStorage", "AvailabilityZones",
            "ClusterCreateTime", "MasterUsername", "EngineVersion", "EngineMode", "Port",
            "StorageType", "StorageEncrypted", "KmsKeyId", "IAMDatabaseAuthenticationEnabled",
            "DbClusterResourceId", "BackupRetentionPeriod", "PreferredBackupWindow",
        )
    },
}  # fmt: skip


@operation("CreateDBSnapshot", kind="snapshot", call="CreateDBSnapshot")
@operation("CreateDBClusterSnapshot", kind="cluster-snapshot", call="CreateDBClusterSnapshot")
def create(rds: Rds, parameters: dict[str, Any], kind: str, call: str) -> dict[str, Any]:
    """Take a snapshot; the instance is backing up meanwhile.

    [fact: no-snapshot-of-a-member]
    """
    database = rds.find(OF[kind], parameters[KINDS[OF[kind]].name_key])
    if kind == "snapshot" and rds.cluster_of(database):
        raise RdsError(
            "InvalidParameterValue",
            "The specified instance is a member of a cluster and a snapshot cannot be created "
            "directly. Please use the CreateDBClusterSnapshot API instead.",
        )
    rds.require(database, call)
    given = parameters.get("Tags", [])
    snapshot = take(rds, kind, database, parameters[KINDS[kind].name_key], given)
    if kind == "snapshot":
        was = database.status
        rds.play(database, "back up instance", end=lambda: rds.done(database, was))
    return {KINDS[kind].word: snapshot.shown}


def back_up(rds: Rds, of: str, name: str) -> str:
    """Take an automated snapshot, as RDS does in the backup window; its name.

    [fact: names-of-automated-snapshots]
    """
    database = rds.find(of, name)
    called = f"rds:{database.name}-{rds.when():%Y-%m-%d-%H-%M}"
    take(rds, SNAPSHOT_OF[of], database, called, [], sort="automated")
    return called


def back_up_by_plan(rds: Rds, of: str, name: str) -> str:
    """Take a snapshot of AWS Backup, as a job of one of its plans does; its name.

    [fact: snapshots-of-aws-backup]
    """
    database = rds.find(of, name)
    job = uuid.uuid5(uuid.NAMESPACE_URL, f"{rds.arn(of, database.name)} {rds.time}")
    called = f"awsbackup:job-{job}"
    take(rds, SNAPSHOT_OF[of], database, called, [], sort="awsbackup")
    return called


def take(
    rds: Rds,
    kind: str,
    database: Resource,
    name: str,
    given: list[dict[str, str]],
    *,
    sort: str = "manual",
) -> Resource:
    """A snapshot of the database as it is at this moment."""
    words, source = KINDS[kind], database.shown
    shown = {mine: source[theirs] for mine, theirs in SHOWS[kind].items() if theirs in source} | {
        words.name_key: rds.free(kind, name) if sort == "manual" else name,
        "SnapshotType": sort,
        "VpcId": VPC,
        "PercentProgress": 0,
    }
    copied = tags.own(source.get("TagList", [])) if source.get("CopyTagsToSnapshot") else []
    # [fact: given-tags-replace-copied]
    shown["TagList"] = tags.checked(given) or copy.deepcopy(copied)
    if kind == "snapshot":
        shown.setdefault("ProcessorFeatures", [])  # [fact: snapshot-features-empty]
        shown["SnapshotTarget"] = "region"
        shown["Port"] = source.get("Endpoint", database.endpoint)["Port"]
        for group in source.get("OptionGroupMemberships", [])[:1]:
            shown["OptionGroupName"] = group["OptionGroupName"]
    snapshot = rds.add(kind, shown, database)
    snapshot.poison = database.poison
    snapshot.source = {
        "of": database.key,
        "settings": lifecycle.carried(OF[kind], {"Endpoint": database.endpoint, **source}),
    }

    taken = rds.when()

    def finish() -> None:
        # Nothing of the moment shows before. [fact: creating-snapshot-without-time]
        shown["SnapshotCreateTime"] = taken
        if kind == "snapshot":
            shown["OriginalSnapshotCreateTime"] = shown["SnapshotDatabaseTime"] = taken
        shown["PercentProgress"] = 100
        rds.done(snapshot)

    rds.play(snapshot, f"create {kind}", end=finish)
    return snapshot


@operation("DeleteDBSnapshot", kind="snapshot", call="DeleteDBSnapshot")
@operation("DeleteDBClusterSnapshot", kind="cluster-snapshot", call="DeleteDBClusterSnapshot")
def delete(rds: Rds, parameters: dict[str, Any], kind: str, call: str) -> dict[str, Any]:
    """Delete a manual snapshot.

    [fact: automated-snapshots-stay] [fact: snapshots-of-aws-backup]
    """
    snapshot = rds.find(kind, parameters[KINDS[kind].name_key])
    if snapshot.shown["SnapshotType"] == "automated":
        words = {
            "snapshot": "automated snapshots cannot be deleted.",
            "cluster-snapshot": "Only manual snapshots may be deleted.",
        }
        raise RdsError(KINDS[kind].wrong_state, words[kind])
    if snapshot.shown["SnapshotType"] == "awsbackup":
        raise RdsError(
            KINDS[kind].wrong_state, f"{snapshot.name} is managed by AWS Backup and deleted there."
        )
    rds.require(snapshot, call)
    rds.play(snapshot, f"delete {kind}", end=lambda: rds.gone(snapshot))
    # An instance's is told to be gone at once, though Describe still finds it.
    # [fact: delete-snapshot-answers-deleted]
    told = {KINDS[kind].status_key: "deleted"} if kind == "snapshot" else {}
    return {KINDS[kind].word: {**snapshot.shown, **told}}


@operation("DescribeDBSnapshots", kind="snapshot")
@operation("DescribeDBClusterSnapshots", kind="cluster-snapshot")
def describe(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """One snapshot by name or ARN, those of a database or a type, or all."""
    words, of = KINDS[kind], KINDS[OF[kind]]
    name = parameters.get(words.name_key)
    found = snapshot_sharing.described(rds, kind, parameters)
    if name:
        by_arn = [shown for shown in found if shown[words.name_key] == name]
        found = by_arn or [rds.seen(kind, name).shown]
    else:
        held = rds.snapshots if kind == "snapshot" else rds.cluster_snapshots
        found = [*held.values(), *found]
    if name and found[0]["SnapshotType"] == "automated" and "SnapshotType" not in parameters:
        # What RDS does without it is open [fact: automated-by-name].
        raise RdsError(words.missing, f"{words.word} {name} not found.")
    for asked in (of.name_key, RESOURCE_ID[OF[kind]], "SnapshotType"):
        if asked in parameters:
            wanted = parameters[asked].rsplit(":", 1)[-1].lower()
            found = [shown for shown in found if str(shown.get(asked)).lower() == wanted]
    part = "db-" if kind == "snapshot" else "db-cluster-"
    found = filtered(
        found,
        parameters.get("Filters", []),
        {
            f"{part}snapshot-id": lambda shown: str(shown[words.name_key]),
            ("db-instance-id" if kind == "snapshot" else "db-cluster-id"): lambda shown: str(
                shown[of.name_key]
            ),
            ("dbi-resource-id" if kind == "snapshot" else "db-cluster-resource-id"): lambda shown: (
                str(shown.get(RESOURCE_ID[OF[kind]]))
            ),
            "snapshot-type": lambda shown: str(shown["SnapshotType"]),
            "engine": lambda shown: str(shown["Engine"]),
        },
    )
    return page(found, parameters, f"{words.word}s")
