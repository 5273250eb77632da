"""A local RDS on a clock of its own, and a real boto3 client that speaks to it."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from local.emulator.rds import Change, Rds

START = 1_700_000_000.0
CLASS = "db.r6g.large"

# For tests that hold for both kinds: the operations and keys of each.
NAMES = {
    "instance": {
        "name": "db", "id": "DBInstanceIdentifier", "status": "DBInstanceStatus",
        "resource": "DbiResourceId", "filter": "dbi-resource-id", "list": "DBInstances",
        "describe": "DescribeDBInstances", "modify": "ModifyDBInstance",
        "delete": "DeleteDBInstance", "restore": "RestoreDBInstanceFromDBSnapshot",
        "snap": "CreateDBSnapshot", "snapshot_id": "DBSnapshotIdentifier",
        "from": "DBSnapshotIdentifier", "snapshots": "DBSnapshots",
        "describe_snap": "DescribeDBSnapshots", "delete_snap": "DeleteDBSnapshot",
        "add_role": "AddRoleToDBInstance", "remove_role": "RemoveRoleFromDBInstance",
        "missing": "DBInstanceNotFound", "exists": "DBInstanceAlreadyExists",
        "state": "InvalidDBInstanceState", "snap_missing": "DBSnapshotNotFound",
        "snap_exists": "DBSnapshotAlreadyExists", "snap_state": "InvalidDBSnapshotState",
        "copy": "CopyDBSnapshot", "snapshot_arn": "DBSnapshotArn", "encrypted": "Encrypted",
        "word": "DBInstance", "snapshot_kind": "snapshot", "snapshot_word": "DBSnapshot",
    },
    "cluster": {
        "name": "cl", "id": "DBClusterIdentifier", "status": "Status",
        "resource": "DbClusterResourceId", "filter": "db-cluster-resource-id",
        "list": "DBClusters", "describe": "DescribeDBClusters", "modify": "ModifyDBCluster",
        "delete": "DeleteDBCluster", "restore": "RestoreDBClusterFromSnapshot",
        "snap": "CreateDBClusterSnapshot", "snapshot_id": "DBClusterSnapshotIdentifier",
        "from": "SnapshotIdentifier", "snapshots": "DBClusterSnapshots",
        "describe_snap": "DescribeDBClusterSnapshots", "delete_snap": "DeleteDBClusterSnapshot",
        "add_role": "AddRoleToDBCluster", "remove_role": "RemoveRoleFromDBCluster",
        "missing": "DBClusterNotFoundFault", "exists": "DBClusterAlreadyExistsFault",
        "state": "InvalidDBClusterStateFault",
        "snap_missing": "DBClusterSnapshotNotFoundFault",
        "snap_exists": "DBClusterSnapshotAlreadyExistsFault",
        "snap_state": "InvalidDBClusterSnapshotStateFault",
        "copy": "CopyDBClusterSnapshot", "snapshot_arn": "DBClusterSnapshotArn",
        "encrypted": "StorageEncrypted", "word": "DBCluster",
        "snapshot_kind": "cluster-snapshot",
        "snapshot_word": "DBClusterSnapshot",
    },
}  # fmt: skip


class World:
    """One account: `db`, and `cl` with `cl-writer` and `cl-reader`, and a snapshot of each."""

    def __init__(self, *, timing: str = "typical", empty: bool = False) -> None:
        self.now = START
        self.changes: list[Change] = []
        self.places: dict[tuple[str, str], Rds] = {}
        self.rds = Rds(
            lambda: self.now,
            on_change=self.changes.append,
            timing=timing,
            neighbours=self.places,
        )
        if not empty:
            with self.rds.instantly():
                self.populate()

    def populate(self) -> None:
        call = self.rds.call
        call(
            "CreateDBInstance",
            {
                "DBInstanceIdentifier": "db",
                "Engine": "postgres",
                "DBInstanceClass": CLASS,
                "Port": 5433,
                "MultiAZ": True,
            },
        )
        call("CreateDBSnapshot", {"DBInstanceIdentifier": "db",
                                  "DBSnapshotIdentifier": "db-snapshot"})  # fmt: skip
        call("CreateDBCluster", {"DBClusterIdentifier": "cl", "Engine": "aurora-postgresql"})
        for name in ("cl-writer", "cl-reader"):
            self.add_member("cl", name)
        call("CreateDBClusterSnapshot", {"DBClusterIdentifier": "cl",
                                         "DBClusterSnapshotIdentifier": "cl-snapshot"})  # fmt: skip

    def add_member(self, cluster: str, name: str, **more: Any) -> dict[str, Any]:
        return self.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": name, "DBClusterIdentifier": cluster,
            "DBInstanceClass": CLASS, "Engine": "aurora-postgresql", **more,
        })["DBInstance"]  # fmt: skip

    def another_region(self, region: str) -> Rds:
        """The RDS of another region of the account, empty at first."""
        return Rds(lambda: self.now, region=region, timing=self.rds.timing, neighbours=self.places)

    def wait(self, minutes: float = 60) -> None:
        self.now += minutes * 60

    def modify(self, kind: str, name: str, **changes: Any) -> dict[str, Any]:
        words = NAMES[kind]
        return self.rds.call(
            words["modify"], {words["id"]: name, "ApplyImmediately": True, **changes}
        )

    def rename(self, kind: str, name: str, new: str) -> dict[str, Any]:
        return self.modify(kind, name, **{f"New{NAMES[kind]['id']}": new})

    def restore(self, kind: str, name: str, **more: Any) -> dict[str, Any]:
        words = NAMES[kind]
        engine = {"Engine": "aurora-postgresql"} if kind == "cluster" else {}
        given = {words["id"]: name, words["from"]: f"{words['name']}-snapshot", **engine, **more}
        return self.rds.call(words["restore"], given)

    def delete(self, kind: str, name: str) -> dict[str, Any]:
        words = NAMES[kind]
        return self.rds.call(words["delete"], {words["id"]: name, "SkipFinalSnapshot": True})

    def snapshot(self, kind: str, name: str, snapshot: str, **more: Any) -> dict[str, Any]:
        words = NAMES[kind]
        return self.rds.call(
            words["snap"], {words["id"]: name, words["snapshot_id"]: snapshot, **more}
        )

    def shown(self, kind: str, name: str) -> dict[str, Any]:
        words = NAMES[kind]
        return self.rds.call(words["describe"], {words["id"]: name})[words["list"]][0]

    def status(self, kind: str, name: str) -> str:
        """The status by name; "" when the name is not found."""
        held = self.rds.instances if kind == "instance" else self.rds.clusters
        return held[name][NAMES[kind]["status"]] if name in held else ""

    def by_id(self, kind: str, resource_id: str) -> list[dict[str, Any]]:
        words = NAMES[kind]
        asked = [{"Name": words["filter"], "Values": [resource_id]}]
        return self.rds.call(words["describe"], {"Filters": asked})[words["list"]]

    def course(self, kind: str, resource_id: str) -> list[str]:
        """The statuses a database went through, as told."""
        return [
            change.after
            for change in self.changes
            if change.kind == kind and change.resource_id == resource_id
        ]

    def client(self, region: str = "us-east-1") -> Any:
        """A boto3 client whose requests are answered here, with no network."""
        client = boto3.client(
            "rds", region_name=region, aws_access_key_id="x", aws_secret_access_key="y"
        )

        def answer(request: Any, **_: Any) -> AWSResponse:
            body = request.body if isinstance(request.body, bytes) else request.body.encode()
            status, headers, xml = self.places[self.rds.account, region].answer(body)
            return AWSResponse(request.url, status, headers, Body(xml))

        client.meta.events.register("before-send.rds", answer)
        return client


class Body:
    """What AWSResponse reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_: Any) -> Any:
        yield self.content
