"""What an event needs beside the sample account: another account's databases, and AWS Backup's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.commands.app import lend_key
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.rds.operations import db_snapshots, snapshot_sharing

if TYPE_CHECKING:
    from local.commands.app import App

OF_AN_INSTANCE = {"DBInstanceClass": "db.r6g.large", "AllocatedStorage": 500, "StorageType": "gp3"}
OF_BOTH = {"EngineVersion": "16.4", "MasterUsername": "owner", "MasterUserPassword": "not-used"}


def arrange(cloud: App, request: Any) -> None:
    """Make what a request names as the source of its data, and is not there."""
    if not isinstance(request, dict):
        return
    kind = "cluster" if request.get("isCluster") is True else "instance"
    if account := request.get("sourceAccount"):
        share(cloud, account, kind, request["sourceIdentifier"])
    named = str(request.get("snapshotIdentifier", ""))
    if named.startswith("awsbackup:"):
        rds, of = cloud.rds, db_snapshots.SNAPSHOT_OF[kind]
        with rds.instantly():
            database = rds.find(kind, request["identifier"])
            db_snapshots.take(rds, of, database, named, [], sort="awsbackup")


def share(cloud: App, account: str, kind: str, name: str) -> None:
    """Make a database in another account, and share a snapshot of it and its key with this one."""
    theirs = cloud.rds_in(REGION, account)
    part = kind.capitalize()
    own = OF_AN_INSTANCE if kind == "instance" else {}
    engine = "postgres" if kind == "instance" else "aurora-postgresql"
    with theirs.instantly():
        theirs.call(
            f"CreateDB{part}", {f"DB{part}Identifier": name, "Engine": engine, **OF_BOTH, **own}
        )
        theirs.write(kind, name, f"{name} of {account}: written today")
    key = lend_key(account, ACCOUNT)
    snapshot_sharing.plant(theirs, kind, name, f"{name}-snapshot", [ACCOUNT], key=key)
