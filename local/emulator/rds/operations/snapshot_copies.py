"""The copies of snapshots, within a region and from another one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups, settings, tags
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.resources import arn_parts

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

ACROSS = "copy across regions"
ENCRYPTED = {"snapshot": "Encrypted", "cluster-snapshot": "StorageEncrypted"}
# PreSignedUrl is what boto3 makes of SourceRegion; outside GovCloud RDS ignores it (model).
UNDERSTOOD = {
    "KmsKeyId", "Tags", "CopyTags", "OptionGroupName", "PreSignedUrl", "SourceRegion",
}  # fmt: skip


@operation("CopyDBSnapshot", kind="snapshot", call="CopyDBSnapshot")
@operation("CopyDBClusterSnapshot", kind="cluster-snapshot", call="CopyDBClusterSnapshot")
def copy_snapshot(rds: Rds, parameters: dict[str, Any], kind: str, call: str) -> dict[str, Any]:
    """Copy a snapshot to this region, or within it, under another name.

    [fact: left-out-of-the-local-aws]
    """
    from_key, to_key = (f"{which}{KINDS[kind].name_key}" for which in ("Source", "Target"))
    for unknown in parameters.keys() - UNDERSTOOD - {from_key, to_key}:
        raise RdsError("InvalidParameterValue", f"The local RDS does not know {unknown} here.")
    home, source = find_source(rds, kind, parameters[from_key])
    home.require(source, call)
    name = rds.free(kind, parameters[to_key])
    if home is not rds:
        require_room(rds)
    key = encryption(rds, home, source, parameters.get("KmsKeyId"))
    made = begin(rds, home, source, name, parameters)
    if key:
        made.shown |= {ENCRYPTED[kind]: True, "KmsKeyId": key}
        made.source["settings"] |= {"StorageEncrypted": True, "KmsKeyId": key}
    return {KINDS[kind].word: made.shown}


def require_room(rds: Rds) -> None:
    """Refuse one copy too many that is under way from other regions [fact: copies-under-way]."""
    most = rds.quotas["cross-region copy"]
    under_way = [one for one in rds.things.values() if one.doing == ACROSS]
    if len(under_way) >= most:
        raise RdsError(
            "SnapshotQuotaExceeded", f"Cannot copy more than {most} snapshots across regions"
        )


def find_source(rds: Rds, kind: str, given: str) -> tuple[Rds, Resource]:
    """The RDS that has the snapshot, and the snapshot; one of another region is named by ARN.

    [fact: source-of-a-copy] [fact: named-errors]
    """
    if not given.startswith("arn:"):
        return rds, rds.find(kind, given)
    region, _, part, name = arn_parts(given)
    if part != KINDS[kind].arn_part:
        raise RdsError("InvalidParameterValue", f"Invalid snapshot ARN: {given}")
    home = rds.region_of(region)
    if home is None:
        raise RdsError(KINDS[kind].missing, f"{KINDS[kind].word} {given} not found.")
    home.settle()
    return home, home.find(kind, name)


def encryption(rds: Rds, home: Rds, source: Resource, given: str | None) -> str:
    """The ARN of the key that the copy is encrypted with, "" for none.

    [fact: copies-across-want-a-key] [fact: no-key-for-an-unencrypted-copy] [fact: key-of-a-copy]
    """
    encrypted = source.shown.get(ENCRYPTED[source.kind], False)
    if given is None:
        if encrypted and home is not rds:
            raise RdsError(
                "InvalidParameterValue",
                "Must specify new KMS key for cross region encrypted snapshot copy.",
            )
        return str(source.shown.get("KmsKeyId", ""))
    if source.kind == "cluster-snapshot" and not encrypted:
        raise settings.combination("KmsKeyId can't be specified for an unencrypted snapshot.")
    key = rds.other_services.usable_key(given, rds.region)
    if not key:
        raise RdsError(
            "KMSKeyNotAccessibleFault",
            f"The target KMS key [{given}] does not exist, is not enabled or you do not have "
            "permissions to access it.",
        )
    return key


def begin(rds: Rds, home: Rds, source: Resource, name: str, parameters: dict[str, Any]) -> Resource:
    """A copy on its way, with what its source holds and shows."""
    words = KINDS[source.kind]
    copied = tags.own(source.shown.get("TagList", [])) if parameters.get("CopyTags") else []
    # [fact: given-tags-replace-copied]
    given = tags.checked(parameters.get("Tags", []))
    shown = copy.deepcopy(source.shown) | {
        words.name_key: name,
        words.status_key: "pending",
        "SnapshotType": "manual",
        "PercentProgress": 0,
        "TagList": given or copy.deepcopy(copied),
    }
    kept = copy.deepcopy(source.source)
    if source.kind == "cluster-snapshot":
        shown["SourceDBClusterSnapshotArn"] = source.shown[words.arn_key]
    if home is not rds:
        kept.pop("of", None)  # the database is not of this region
        shown |= away_from_home(rds, home, source)
    if "OptionGroupName" in parameters:
        group = groups.group(rds, "option", parameters["OptionGroupName"])
        shown["OptionGroupName"] = group["OptionGroupName"]
    shown.pop("SnapshotCreateTime", None)  # [fact: creating-snapshot-without-time]
    copied_at = rds.when()  # [fact: moment-of-a-copy]
    made = rds.add(source.kind, shown, source)
    made.poison, made.source = source.poison, kept

    def finish() -> None:
        home.settle()
        # [fact: copies-need-their-source]
        if source.key not in home.things or source.true_status == "deleting":
            rds.done(made, "failed")
            return
        shown["PercentProgress"] = 100
        shown["SnapshotCreateTime"] = copied_at
        rds.done(made)

    distance = "copy within the region" if home is rds else ACROSS
    rds.play(made, distance, end=finish)
    return made


def away_from_home(rds: Rds, home: Rds, source: Resource) -> dict[str, Any]:
    """What a copy shows of its own region, and of the one that it came from."""
    shown = source.shown
    if source.kind == "cluster-snapshot":
        return {"AvailabilityZones": [f"{rds.region}{zone}" for zone in "abc"]}
    return {
        "SourceRegion": home.region,
        "SourceDBSnapshotIdentifier": shown["DBSnapshotArn"],
        # [fact: option-group-of-a-copy]
        "OptionGroupName": groups.default_option_group(shown["Engine"], shown["EngineVersion"]),
    }
