"""Which other accounts may restore a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases.settings import combination, own_key
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds


@operation("DescribeDBSnapshotAttributes", kind="snapshot")
@operation("DescribeDBClusterSnapshotAttributes", kind="cluster-snapshot")
def describe(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """The accounts, under the attribute `restore`, the only one there is."""
    return attributes(rds.seen(kind, parameters[KINDS[kind].name_key]))


def attributes(snapshot: Resource) -> dict[str, Any]:
    """As both calls answer."""
    words = KINDS[snapshot.kind]
    restore = {"AttributeName": "restore", "AttributeValues": sorted(snapshot.shared)}
    held = {words.name_key: snapshot.name, f"{words.word}Attributes": [restore]}
    return {f"{words.word}AttributesResult": held}


@operation("ModifyDBSnapshotAttribute", kind="snapshot")
@operation("ModifyDBClusterSnapshotAttribute", kind="cluster-snapshot")
def modify(rds: Rds, parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """Share a manual snapshot, or do so no longer.

    [fact: sharing-a-snapshot] [fact: sharing-an-encrypted-snapshot]
    """
    snapshot = rds.find(kind, parameters[KINDS[kind].name_key])
    if parameters["AttributeName"] != "restore":
        raise RdsError("InvalidParameterValue", "The attribute has to be restore.")
    if snapshot.true_status != "available" or snapshot.shown["SnapshotType"] != "manual":
        raise RdsError(
            KINDS[kind].wrong_state, f"Only a manual snapshot is shared: {snapshot.name}."
        )
    added = parameters.get("ValuesToAdd", [])
    key = snapshot.shown.get("KmsKeyId")
    if key and "all" in added:
        raise combination("An encrypted snapshot can't be shared with everybody.")
    if added and key == own_key(rds, "rds"):
        raise combination("A snapshot encrypted with the default key of RDS can't be shared.")
    taken = set(parameters.get("ValuesToRemove", []))
    snapshot.shared = [each for each in {*snapshot.shared, *added} if each not in taken]
    return attributes(snapshot)
