"""Whose data they are, and whether their snapshot has to be copied before RDS can restore it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.checks.look import INSTANCE
from trapheus.execution.constants import RENAMED_SUFFIX, SOURCE_SUFFIX
from trapheus.snapshot_names import SnapshotArn, parts_of

if TYPE_CHECKING:
    from trapheus.checks.look import Look
    from trapheus.rds.access import Description


def arn_of(look: Look, snapshot: Description) -> SnapshotArn:
    """The parts of a snapshot's ARN; those of an own one where RDS does not show it."""
    found = parts_of(snapshot.get(look.kind.snapshot_arn, ""))
    return found or SnapshotArn(look.region, look.account, "", snapshot[look.kind.snapshot])


def name_of(look: Look, snapshot: Description) -> str:
    """What a snapshot is called here: one of another account or region by its ARN."""
    arn = arn_of(look, snapshot)
    is_here = (arn.account, arn.region) == (look.account, look.region)
    return arn.name if is_here else str(snapshot[look.kind.snapshot_arn])


def is_copied(look: Look) -> bool:
    """Whether RDS cannot restore the snapshot as it is, so that it is copied first.

    It cannot where the snapshot is of another region, encrypted and of another account, or under
    another key. A cluster takes the key for what is not encrypted with its restore, an instance
    only with a copy [fact: no-key-for-an-unencrypted-copy].
    """
    snapshot = look.restored
    if snapshot is None:
        return False
    arn, key, wanted = arn_of(look, snapshot), snapshot.get("KmsKeyId"), look.found.get("KmsKeyId")
    if arn.region != look.region:
        return True
    if not key:
        return bool(wanted) and look.kind is INSTANCE
    return arn.account != look.account or key != wanted


def add_source(plan: dict[str, Any], look: Look) -> None:
    """Plan the copy of the snapshot, if there is to be one, and the key and password of the result.

    `source`: the other database whose data they are, if they are; `copiedTo`: the copy's name;
    `copying`: the region of what is copied, and the copy's key, empty for none; `masterUserSecret`:
    the ARN of the secret whose password is set, if one is.
    """
    if secret := look.request.get("masterUserSecret"):
        plan["masterUserSecret"] = secret
    snapshot = look.restored
    if snapshot is None:
        return
    arn = arn_of(look, snapshot)
    if is_of_another(look):
        plan["source"] = {
            "identifier": snapshot[look.kind.identifier],
            "account": arn.account,
            "region": arn.region,
        }
    wanted, is_encrypted = look.found.get("KmsKeyId", ""), bool(snapshot.get("KmsKeyId"))
    if is_copied(look):
        plan["copiedTo"] = look.identifier + SOURCE_SUFFIX
        plan["copying"] = {
            "region": arn.region,
            "key": wanted if is_encrypted or look.kind is INSTANCE else "",
        }
    if wanted and not is_encrypted and look.kind is not INSTANCE:
        plan["restore"]["KmsKeyId"] = wanted


def is_of_another(look: Look) -> bool:
    """Whether the data are another database's, as the request says with a source."""
    snapshot = look.restored
    if snapshot is None or not look.has_source:
        return False
    named = (look.identifier, look.identifier + RENAMED_SUFFIX)
    is_own = arn_of(look, snapshot).account == look.account and (
        snapshot[look.kind.identifier] in named
        or snapshot.get(look.kind.resource_id) == look.found[look.kind.resource_id]
    )
    return not is_own
