"""The copies of snapshots: within a region, from another one, of what an account has shared."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups, multi_az_clusters, settings, tags
from local.emulator.rds.operations import snapshot_sharing
from local.emulator.rds.operations.snapshot_sharing import ENCRYPTED
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

ACROSS = "copy across regions"
# PreSignedUrl is what boto3 makes of SourceRegion; outside GovCloud RDS ignores it (model).
UNDERSTOOD = {
    "KmsKeyId", "Tags", "CopyTags", "OptionGroupName", "PreSignedUrl", "SourceRegion",
}  # fmt: skip


@operation("CopyDBSnapshot", kind="snapshot", call="CopyDBSnapshot")
@operation("CopyDBClusterSnapshot", kind="cluster-snapshot", call="CopyDBClusterSnapshot")
def copy_snapshot(rds: Rds, parameters: dict[str, Any], kind: str, call: str) -> dict[str, Any]:
    """Copy a snapshot to this region and account, or within them, under another name.

    [fact: left-out-of-the-local-aws] [fact: copies-across-both]
    """
    from_key, to_key = (f"{which}{KINDS[kind].name_key}" for which in ("Source", "Target"))
    for unknown in parameters.keys() - UNDERSTOOD - {from_key, to_key}:
        raise RdsError("InvalidParameterValue", f"The local RDS does not know {unknown} here.")
    home, source = snapshot_sharing.source(rds, kind, parameters[from_key])
    across_both = home.region != rds.region and home.account != rds.account
    if across_both and not rds.copies_across_both:
        raise settings.combination("A shared snapshot can't be copied to another region.")
    home.require(source, call)
    multi_az_clusters.refuse_copy(kind, source.shown)
    name = rds.free(kind, parameters[to_key])
    if home.region != rds.region:
        require_room(rds)
        require_options(rds, home, source, parameters.get("OptionGroupName"))
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


def require_options(rds: Rds, home: Rds, source: Resource, given: str | None) -> None:
    """Refuse a copy whose option group lacks what the source's has for good.

    [fact: option-group-of-a-copy]
    """
    own = source.shown.get("OptionGroupName")
    if own is None:
        return
    has = {one["OptionName"] for one in options(rds, given)} if given else set()
    stay = (one for one in options(home, own) if one.get("Permanent") or one.get("Persistent"))
    if lacking := [one["OptionName"] for one in stay if one["OptionName"] not in has]:
        raise RdsError(
            "InvalidParameterValue",
            "The snapshot requires a target option group with the following options:"
            f" [{', '.join(lacking)}]",
        )


def options(rds: Rds, name: str) -> list[dict[str, Any]]:
    """The options of a group."""
    return list(groups.group(rds, "option", name).get("Options", []))


def encryption(rds: Rds, home: Rds, source: Resource, given: str | None) -> str:
    """The ARN of the key that the copy is encrypted with, "" for none.

    [fact: copies-across-want-a-key] [fact: shared-copies-want-a-key]
    [fact: no-key-for-an-unencrypted-copy] [fact: key-of-a-copy] [fact: source-key-of-a-copy]
    """
    own = str(source.shown.get("KmsKeyId", ""))
    if own and not rds.other_services.opens(own):
        raise settings.inaccessible(f"source snapshot KMS key [{own}]")
    if given is None:
        if own and home.region != rds.region:
            raise RdsError(
                "InvalidParameterValue",
                "Must specify new KMS key for cross region encrypted snapshot copy.",
            )
        if own and home is not rds:
            raise settings.combination(
                "KmsKeyId must be specified for the copy of a shared, encrypted snapshot."
            )
        return own
    if source.kind == "cluster-snapshot" and not own:
        raise settings.combination("KmsKeyId can't be specified for an unencrypted snapshot.")
    key = rds.other_services.usable_key(given, rds.region)
    if not key:
        raise settings.inaccessible(f"target KMS key [{given}]")
    return key


def begin(rds: Rds, home: Rds, source: Resource, name: str, parameters: dict[str, Any]) -> Resource:
    """A copy on its way, with what its source holds and shows."""
    words = KINDS[source.kind]
    # [fact: shared-is-named-by-its-arn]
    copies = parameters.get("CopyTags") and home.account == rds.account
    copied = tags.own(source.shown.get("TagList", [])) if copies else []
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
        kept.pop("of", None)  # the database is not of this region and account
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
        # [fact: copies-need-their-source] [fact: unshared-while-copied]
        withdrawn = home.account != rds.account and not snapshot_sharing.may(source, rds.account)
        is_gone = source.key not in home.things or source.true_status == "deleting"
        if is_gone or (withdrawn and rds.unsharing_ends_copies):
            rds.done(made, "failed")
            return
        shown["PercentProgress"] = 100
        shown["SnapshotCreateTime"] = copied_at
        rds.done(made)

    distance = "copy within the region" if home.region == rds.region else ACROSS
    rds.play(made, distance, end=finish)
    return made


def away_from_home(rds: Rds, home: Rds, source: Resource) -> dict[str, Any]:
    """What a copy shows of its own place, and of the region or account that it came from."""
    shown = source.shown
    if source.kind == "cluster-snapshot":
        return {"AvailabilityZones": [f"{rds.region}{zone}" for zone in "abc"]}
    return {
        "SourceRegion": home.region,
        "SourceDBSnapshotIdentifier": shown["DBSnapshotArn"],
        # [fact: option-group-of-a-copy]
        "OptionGroupName": groups.default_option_group(shown["Engine"], shown["EngineVersion"]),
    }
