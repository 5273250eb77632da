"""Which other accounts may restore a snapshot, and what one that is shared is to them."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases.settings import combination, own_key
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.resources import arn_parts

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

EVERYBODY = "all"
ACCOUNT = re.compile(r"[0-9]{12}")
MOST = 20
DATABASES = {"snapshot": KINDS["instance"], "cluster-snapshot": KINDS["cluster"]}
ENCRYPTED = {"snapshot": "Encrypted", "cluster-snapshot": "StorageEncrypted"}


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
    [fact: shared-with-twenty-accounts] [fact: sharing-with-options]
    """
    snapshot = rds.find(kind, parameters[KINDS[kind].name_key])
    if parameters["AttributeName"] != "restore":
        raise RdsError("InvalidParameterValue", "The attribute has to be restore.")
    if snapshot.true_status != "available" or snapshot.shown["SnapshotType"] != "manual":
        raise RdsError(
            KINDS[kind].wrong_state, f"Only a manual snapshot is shared: {snapshot.name}."
        )
    added = parameters.get("ValuesToAdd", [])
    for each in added:
        if each != EVERYBODY and not ACCOUNT.fullmatch(each):
            raise RdsError("InvalidParameterValue", f"Invalid account: {each}")
    key = snapshot.shown.get("KmsKeyId")
    if key and EVERYBODY in added:
        raise combination("An encrypted snapshot can't be shared with everybody.")
    if added and key == own_key(rds, "rds"):
        raise combination("A snapshot encrypted with the default key of RDS can't be shared.")
    if added and (lasting := lasting_options(rds, snapshot)):
        raise RdsError(
            KINDS[kind].wrong_state, f"A snapshot with the option {lasting[0]} can't be shared."
        )
    taken = set(parameters.get("ValuesToRemove", []))
    wanted = [each for each in {*snapshot.shared, *added} if each not in taken]
    if len(wanted) > MOST:
        raise RdsError(
            "SharedSnapshotQuotaExceeded", f"A snapshot is shared with {MOST} accounts at most."
        )
    snapshot.shared = wanted
    return attributes(snapshot)


def lasting_options(rds: Rds, snapshot: Resource) -> list[str]:
    """The permanent and persistent options of a snapshot's group with which none is shared."""
    group = rds.groups["option"].get(snapshot.shown.get("OptionGroupName", ""), {})
    return [
        option["OptionName"]
        for option in group.get("Options", [])
        if (option.get("Persistent") or option.get("Permanent"))
        and option["OptionName"] not in ("Timezone", "OLS")
    ]


def plant(
    rds: Rds, of: str, database: str, snapshot: str, accounts: list[str], *, key: str = ""
) -> str:
    """Put a snapshot of a database there that is shared with accounts; its ARN. For tests.

    key: the ARN of what it is encrypted under, "" for nothing, whatever the database is. RDS
    refuses to share what is under its default key; that there is such a one is likely all the same
    [fact: sharing-an-encrypted-snapshot].
    """
    kind = {"instance": "snapshot", "cluster": "cluster-snapshot"}[of]
    words = KINDS[kind]
    with rds.instantly():
        asked = {KINDS[of].name_key: database, words.name_key: snapshot}
        rds.call(f"Create{words.word}", asked)
    made = rds.find(kind, snapshot)
    made.shared = list(accounts)
    made.shown[ENCRYPTED[kind]] = made.source["settings"]["StorageEncrypted"] = bool(key)
    for holder in (made.shown, made.source["settings"]):
        holder.pop("KmsKeyId", None)
        if key:
            holder["KmsKeyId"] = key
    return rds.arn(kind, snapshot)


def may(snapshot: Resource, account: str) -> bool:
    """Whether a snapshot is shared with this account."""
    return bool({account, EVERYBODY} & set(snapshot.shared))


def described(rds: Rds, kind: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """What other accounts have shared, as far as a Describe asks for it, in no order of time.

    [fact: shared-only-when-asked-for] [fact: shared-by-database]
    """
    of = DATABASES[kind]
    if of.name_key in parameters or any(
        one["Name"] in ("db-instance-id", "db-cluster-id") for one in parameters.get("Filters", [])
    ):
        return []
    asked = parameters.get("SnapshotType")
    sorts = {
        sort
        for sort, included in (("shared", "IncludeShared"), ("public", "IncludePublic"))
        if asked == sort or (asked is None and parameters.get(included))
    }
    found = []
    for other in rds.of_others():
        other.settle()
        for thing in other.things.values():
            if thing.kind == kind and not thing.hidden and may(thing, rds.account):
                shown = as_shared(thing)
                if shown["SnapshotType"] in sorts:
                    found.append(shown)
    return sorted(found, key=lambda shown: str(shown[KINDS[kind].arn_key]))


def as_shared(snapshot: Resource) -> dict[str, Any]:
    """What another account sees of a snapshot: its ARN is its name, and its tags are its owner's.

    [fact: shared-is-named-by-its-arn]
    """
    words = KINDS[snapshot.kind]
    return copy.deepcopy(snapshot.shown) | {
        words.name_key: snapshot.shown[words.arn_key],
        "SnapshotType": "public" if EVERYBODY in snapshot.shared else "shared",
        "TagList": [],
    }


def source(rds: Rds, kind: str, given: str) -> tuple[Rds, Resource]:
    """The RDS that has a snapshot, and the snapshot: by name, or by ARN wherever it is.

    [fact: source-of-a-copy] [fact: shared-wants-its-arn] [fact: named-errors]
    """
    if not given.startswith("arn:"):
        return rds, rds.find(kind, given)
    region, account, part, name = arn_parts(given)
    words = KINDS[kind]
    if part != words.arn_part:
        raise RdsError("InvalidParameterValue", f"Invalid snapshot ARN: {given}")
    home = rds.elsewhere(region, account)
    if home:
        home.settle()
        found = home.named(kind, name.lower())
        if found and (account == rds.account or may(found, rds.account)):
            return home, found
    raise RdsError(words.missing, f"{words.word} {given} not found.")


def restorable(rds: Rds, kind: str, given: str) -> Resource:
    """The snapshot of this region that a restore names: its own, or one that is shared with it.

    [fact: shared-and-encrypted-is-copied]
    """
    home, snapshot = source(rds, kind, given)
    if home.region != rds.region:
        raise RdsError(KINDS[kind].missing, f"{KINDS[kind].word} {given} not found.")
    if home is not rds and snapshot.shown.get(ENCRYPTED[kind]):
        raise combination(
            "A snapshot that is both shared and encrypted can't be restored: copy it first."
        )
    return snapshot
