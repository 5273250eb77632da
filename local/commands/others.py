"""What an event needs beside the sample account: another account's databases, and AWS Backup's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.commands.app import lend_key, make_keys
from local.commands.customers import EARLIER, write
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.rds.databases.settings import own_key
from local.emulator.rds.operations import db_snapshots, snapshot_sharing

if TYPE_CHECKING:
    from local.commands.app import App

OF_EACH: dict[str, dict[str, Any]] = {
    "instance": {
        "Engine": "postgres", "DBName": "orders", "MasterUsername": "orders_admin",
        "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 500, "StorageType": "gp3",
    },
    "cluster": {
        "Engine": "aurora-postgresql", "DatabaseName": "ledger", "MasterUsername": "ledger_admin",
    },
}  # fmt: skip
# Of databases of the other account, what their names say.
VERSIONS = {"legacy": "15.8"}
UNDER_THE_DEFAULT_KEY = "default-key"


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
    theirs, nature = cloud.rds_in(REGION, account), name.rpartition("-")[0]
    with theirs.instantly():
        theirs.call(f"CreateDB{kind.capitalize()}", {
            f"DB{kind.capitalize()}Identifier": name, "MasterUserPassword": "not-used",
            "EngineVersion": VERSIONS.get(nature, "16.4"), **OF_EACH[kind],
        })  # fmt: skip
        if kind == "cluster":
            theirs.call("CreateDBInstance", {
                "DBInstanceIdentifier": f"{name}-writer", "DBClusterIdentifier": name,
                "Engine": OF_EACH[kind]["Engine"], "DBInstanceClass": "db.r6g.large",
            })  # fmt: skip
        theirs.write(kind, name, f"{name} of {account}: written today")
    if cloud.volumes:
        write(cloud.volumes, theirs.find(kind, name), EARLIER["prod"])
    make_keys(theirs)
    is_lent = nature != UNDER_THE_DEFAULT_KEY
    key = lend_key(account, ACCOUNT) if is_lent else own_key(theirs, "rds")
    snapshot_sharing.plant(theirs, kind, name, f"{name}-snapshot", [ACCOUNT], key=key)
