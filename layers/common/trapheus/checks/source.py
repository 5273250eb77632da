"""Where the data comes from: whether the snapshot can be restored as it is, or has to be copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trapheus.checks.look import INSTANCE
from trapheus.execution import exceptions
from trapheus.execution.constants import LATEST, SOURCE_SUFFIX
from trapheus.rds.snapshot_names import SnapshotArn, parts_of

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Key, Look
    from trapheus.rds.access import Description

# What RDS does with a key for somebody who copies what it has encrypted (RDS User Guide, "Allowing
# access to an AWS KMS key").
OF_A_KEY = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"]


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


def add_copy(plan: dict[str, Any], look: Look) -> None:
    """Plan the copy of the snapshot, if there is to be one, and the key of what is restored.

    `copiedTo`: the copy's name; `copying`: the region of what is copied, and the copy's key, empty
    for none.
    """
    snapshot = look.restored
    if snapshot is None:
        return
    wanted, is_encrypted = look.found.get("KmsKeyId", ""), bool(snapshot.get("KmsKeyId"))
    if is_copied(look):
        plan["copiedTo"] = look.identifier + SOURCE_SUFFIX
        plan["copying"] = {
            "region": arn_of(look, snapshot).region,
            "key": wanted if is_encrypted or look.kind is INSTANCE else "",
        }
    if wanted and not is_encrypted and look.kind is not INSTANCE:
        plan["restore"]["KmsKeyId"] = wanted


# The checks


def chosen_snapshot(look: Look, findings: Findings) -> None:
    """The snapshot is there, `available`, and of this engine; with a source of that database.

    It is manual, automated, of AWS Backup, or shared by the account that the request names.
    `latest` is the newest such by the moment of its data.
    """
    snapshot, name = look.snapshot, look.request["snapshotIdentifier"]
    if snapshot is None:
        findings.add(exceptions.SnapshotMissing, missing(look))
        return
    shown, engine = name_of(look, snapshot), look.found["Engine"]
    if snapshot["Status"] != "available":
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is {snapshot['Status']}: wait until it is available, or name"
            " another.",
        )
    elif snapshot["Engine"] != engine:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {shown} is of {snapshot['Engine']}, the database of {engine}: name"
            " another.",
        )
    elif look.source and snapshot[look.kind.identifier] != look.source:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {shown} is of {snapshot[look.kind.identifier]}, and the sourceIdentifier"
            f" is {look.source}: correct one of them.",
        )


def missing(look: Look) -> str:
    """That no snapshot is there, and what to do about it."""
    named, source = look.request["snapshotIdentifier"], look.source or look.identifier
    arn = parts_of(named)
    account = arn.account if arn else look.source_account
    if account != look.account:
        return (
            f"The account {account} has shared {named if arn else 'no available snapshot'}"
            f"{' not' if arn else f' of {source}'} with this one, {look.account}, in"
            f" {arn.region if arn else look.region}: let it take a manual one and share that"
            " (modify-db-snapshot-attribute, or modify-db-cluster-snapshot-attribute, with"
            f" --attribute-name restore --values-to-add {look.account}); one under its default key"
            " aws/rds cannot be shared, so let it copy that under a key of its own first."
        )
    if named in ("", LATEST):
        return (
            f"{source} has no snapshot that is available: take one with the task"
            " create_snapshot_only."
        )
    return f"The snapshot {named} does not exist in this account and region: check its name."


def encryption(look: Look, findings: Findings) -> None:
    """An encrypted snapshot is for an encrypted database, and its key may be used from here."""
    snapshot = look.restored
    if snapshot is None or not snapshot.get("KmsKeyId"):
        return
    if not look.found.get("KmsKeyId"):
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name_of(look, snapshot)} is encrypted, and {look.identifier} is not:"
            " no restore takes encryption away, so restore it to a targetIdentifier by hand, or"
            " encrypt the database first.",
        )
        return
    for key in look.keys:
        if key.name == snapshot["KmsKeyId"] and is_copied(look):
            judge_key_of_another(look, key, findings)


def judge_key_of_another(look: Look, key: Key, findings: Findings) -> None:
    """Refuse a key of another account's that cannot be used from this one."""
    account = "".join(key.name.split(":")[4:5])
    if account == look.account:
        # Of which another check tells.
        return
    if key.manager == "AWS":
        findings.add(
            exceptions.KeyNotAccessible,
            f"The snapshot is under the default key {key.name} of the account {account}, which no"
            " other account can use: let it copy the snapshot under a key of its own, and share"
            " that copy and key.",
        )
    elif key.error in ("AccessDeniedException", "NotFoundException"):
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{key.name.split(':')[1]}:iam::{look.account}:root"},
            "Action": OF_A_KEY,
            "Resource": "*",
        }
        findings.add(
            exceptions.KeyNotAccessible,
            f"The key {key.name} of the snapshot cannot be used from the account {look.account}"
            f" ({key.error}): let the account {account} add to the key's policy"
            f" {json.dumps(statement)}.",
        )


def free_name(look: Look, findings: Findings) -> None:
    """`<identifier>-source` is free, where the snapshot is to be copied."""
    name = look.identifier + SOURCE_SUFFIX
    if is_copied(look) and look.kind.find_snapshot(name) is not None:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {name} exists, which is to be the copy that is restored: delete it if"
            " nothing needs it (the task inspect tells whose it is), or give it another name.",
        )
