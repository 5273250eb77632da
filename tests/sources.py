"""Other databases than the sample ones, whose data a restore may take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from moto.kms.models import kms_backends

from local.emulator.rds.operations import snapshot_sharing

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.rds import Rds


class Named(Protocol):
    """A kind of database, as the tests call it, with its sample."""

    @property
    def name(self) -> str: ...

    @property
    def identifier(self) -> str: ...


MASTER = "live_admin"
OF_AN_INSTANCE = {
    "Engine": "postgres", "EngineVersion": "16.4", "DBInstanceClass": "db.r6g.large",
    "AllocatedStorage": 400, "StorageType": "gp3", "DBName": "orders",
}  # fmt: skip
OF_A_CLUSTER = {
    "Engine": "aurora-postgresql", "EngineVersion": "16.4", "DatabaseName": "ledger",
}  # fmt: skip


def name_of(kind: Named) -> str:
    """What the other database is called."""
    return kind.identifier.replace("prod", "live")


def key(rds: Rds) -> str:
    """The ARN of another key of this RDS's account and region."""
    backend = kms_backends[rds.account][rds.region]
    return str(backend.create_key("", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Another", None).arn)


def make(rds: Rds, kind: Named, *, data: str = "live data", key: str = "", **more: Any) -> str:
    """Make another database with one snapshot of it; the snapshot's name.

    key: with which it is encrypted, not at all without one.
    """
    name = name_of(kind)
    part = "Cluster" if kind.name == "cluster" else "Instance"
    encrypted = {"StorageEncrypted": True, "KmsKeyId": key} if key else {}
    password = {"MasterUsername": MASTER, "MasterUserPassword": "not-told-anybody"}
    usual = OF_A_CLUSTER if kind.name == "cluster" else OF_AN_INSTANCE
    with rds.instantly():
        rds.call(f"CreateDB{part}", {
            f"DB{part}Identifier": name, **usual, **password, **encrypted, **more,
        })  # fmt: skip
        if kind.name == "cluster":
            rds.call("CreateDBInstance", {
                "DBInstanceIdentifier": f"{name}-writer", "DBClusterIdentifier": name,
                "Engine": OF_A_CLUSTER["Engine"], "DBInstanceClass": "db.r6g.large",
            })  # fmt: skip
        rds.write(kind.name, name, data)
    return snapshot(rds, kind, f"{name}-monday")


def snapshot(rds: Rds, kind: Named, name: str) -> str:
    """Take a snapshot of the other database as it is now."""
    part, of = ("Cluster", "Cluster") if kind.name == "cluster" else ("", "Instance")
    with rds.instantly():
        rds.call(f"CreateDB{part}Snapshot", {
            f"DB{of}Identifier": name_of(kind), f"DB{part}SnapshotIdentifier": name,
        })  # fmt: skip
    return name


def make_elsewhere(rds: Rds, kind: Named, accounts: list[str], *, key: str = "") -> str:
    """Make the other database in another account, and share a snapshot of it; its ARN."""
    make(rds, kind, data="shared data")
    shared = f"{name_of(kind)}-shared"
    return snapshot_sharing.plant(rds, kind.name, name_of(kind), shared, accounts, key=key)


def manage_no_password(cloud: App, kind: Named) -> None:
    """Let the target have a master password of its own."""
    held = cloud.rds.clusters if kind.name == "cluster" else cloud.rds.instances
    held[kind.identifier].pop("MasterUserSecret")


def make_secret(cloud: App, user: str | None, password: str, **more: str) -> str:
    """A secret that requests may name."""
    value = json.dumps({"username": user, "password": password}) if user else "no object"
    client = cloud.client("secretsmanager")
    name = f"master-{len(client.list_secrets()['SecretList'])}"
    return str(client.create_secret(Name=name, SecretString=value, **more)["ARN"])
