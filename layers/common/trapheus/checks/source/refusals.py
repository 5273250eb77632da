"""The checks of a source: its snapshot, the keys, the copy's name, and the master password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from trapheus.checks.look import CLUSTER
from trapheus.checks.source.copying import is_copied, is_of_another, name_of
from trapheus.execution import exceptions
from trapheus.execution.constants import LATEST, SOURCE_SUFFIX
from trapheus.execution.errors import code_of
from trapheus.rds.source.passwords import is_taken, login_in
from trapheus.snapshot_names import parts_of

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Key, Look

# What another account needs of a key to copy what is under it (RDS User Guide, "Sharing encrypted
# snapshots") [fact: source-key-of-a-copy].
OF_A_KEY = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]
UNREADABLE = (
    "see that it exists, that its key may be used, and that the functions reach Secrets Manager"
)


def chosen_snapshot(look: Look, findings: Findings) -> None:
    """The snapshot is there, `available`, and of this engine; with a source of that database.

    It is manual, automated, of AWS Backup, or shared by the account that the request names.
    `latest` is the newest such by the moment of its data, but never what was copied from another
    account or region, carries an execution's mark, or is `-shared`.
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
        if others := ", ".join(sorted(set(look.uncounted_snapshots))):
            return (
                f"{source} has no snapshot that is available but {others}, made by an execution or"
                " copied from elsewhere, of which none is chosen by itself: take one with the task"
                " create_snapshot_only, or name one of these as snapshotIdentifier."
            )
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


def of_multi_az(look: Look, findings: Findings) -> None:
    """No snapshot is to be copied, for the restore or to be shared, nor encrypted by the restore.

    RDS does neither with what is of a Multi-AZ DB cluster.
    """
    # [fact: no-copy-of-a-multi-az-snapshot]
    snapshot = look.restored
    if look.shares_copy:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"What is taken of {look.identifier} would be copied under another key to be shared,"
            " and RDS copies no snapshot of a Multi-AZ DB cluster: make the cluster anew under the"
            " stack's ShareKmsKey, or leave the accounts out of ShareSnapshotsWith.",
        )
    if snapshot is None:
        return
    name = name_of(look, snapshot)
    if is_copied(look):
        findings.add(
            exceptions.DatabaseNotSupported,
            f"The snapshot {name} would have to be copied first, and RDS copies no snapshot of a"
            " Multi-AZ DB cluster: name one of this account and region that is under the key of"
            f" {look.identifier}{'' if look.found.get('KmsKeyId') else ', which has none'}.",
        )
    elif look.found.get("KmsKeyId") and not snapshot.get("KmsKeyId"):
        findings.add(
            exceptions.DatabaseNotSupported,
            f"The snapshot {name} is not encrypted, {look.identifier} is, and the restore of a"
            " Multi-AZ DB cluster encrypts none that is not encrypted: name one that is under the"
            " same key.",
        )


def judge_key_of_another(look: Look, key: Key, findings: Findings) -> None:
    """Refuse a key of another account's that cannot be used from this one.

    Which of them is a default key is seldom seen from here [fact: policy-of-a-default-key].
    """
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
            f" {json.dumps(statement)}. The policy of its default key, aws/rds, cannot be changed"
            ": what is under that it has to copy under a key of its"
            " own, and share that copy and key.",
        )


def password(look: Look, findings: Findings) -> None:
    """It is said what the master password is to be: of another database's data, and where one is.

    A password that RDS manages is made anew. Otherwise the request names `masterUserSecret`, a
    secret with the data's master user and a password that RDS takes, or says `keepSourcePassword`;
    a database's own data keeps its own.
    """
    secret = look.request.get("masterUserSecret", "")
    said = "masterUserSecret" if secret else "keepSourcePassword"
    is_managed = look.is_password_managed
    if is_managed and (secret or look.request.get("keepSourcePassword")):
        refuse_password(
            findings,
            f"RDS manages the master password of {look.identifier}, and makes a new one for what is"
            f" restored: leave {said} out.",
        )
    elif secret:
        read_secret(look, secret, findings)
    elif is_of_another(look) and not (is_managed or look.request.get("keepSourcePassword")):
        refuse_password(
            findings,
            f"The master user and password of what is restored would be the source's, not those of"
            f" {look.identifier}: name the secret of another password with masterUserSecret, or"
            " say keepSourcePassword: true.",
        )


def read_secret(look: Look, secret: str, findings: Findings) -> None:
    """Refuse a secret whose password cannot be set."""
    # One that is yet to be taken has its own.
    user = (look.restored or look.found).get("MasterUsername")
    engine = look.found["Engine"]
    try:
        login = login_in(secret)
    except (ClientError, HTTPClientError, NoConnection) as error:
        why = code_of(error) if isinstance(error, ClientError) else type(error).__name__
        refuse_password(findings, f"The secret {secret} cannot be read ({why}): {UNREADABLE}.")
        return
    if login is None:
        wrong = "holds no JSON with username and password: write it as RDS does"
    elif login.username != user and user:
        wrong = (
            f"is of the user {login.username}, and the data's master user is {user}: name another"
        )
    elif not is_taken(login.password, engine, is_cluster=look.kind is CLUSTER):
        wrong = f"holds a password that RDS does not take for {engine}: set another one in it"
    elif look.found.get("MultiTenant"):
        wrong = "cannot be used for a multi-tenant database: say keepSourcePassword: true"
    else:
        return
    refuse_password(findings, f"The secret {secret} {wrong}.")


def refuse_password(findings: Findings, sentence: str) -> None:
    """Note what the request says, or does not say, of the master password."""
    findings.add(exceptions.InvalidRequest, sentence)


def free_name(look: Look, findings: Findings) -> None:
    """`<identifier>-source` is free, where the snapshot is to be copied."""
    name = look.identifier + SOURCE_SUFFIX
    if is_copied(look) and look.kind.find_snapshot(name) is not None:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {name} exists, which is to be the copy that is restored: delete it if"
            " nothing needs it (the task inspect tells whose it is), or give it another name.",
        )
