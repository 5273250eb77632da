"""The databases and snapshots that stand around, by their names and by their tag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from trapheus.execution.constants import (
    AWAY_SUFFIX,
    COPY_SUFFIX,
    IN_PROGRESS_TAG,
    RENAMED_SUFFIX,
    SOURCE_SUFFIX,
    SUCCEEDED,
)
from trapheus.messages.ways_out.databases import CLUSTER, INSTANCE, Database
from trapheus.rds.access import cluster_snapshots, rds, snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trapheus.rds.access import Description

SUFFIXES = (RENAMED_SUFFIX, COPY_SUFFIX, AWAY_SUFFIX)
# The original's last snapshot ends with a part of its execution's hash.
FINAL = re.compile(r"(?P<identifier>.+)-[0-9a-f]{8}")
FINAL_SUFFIX = "final"


@dataclass(frozen=True)
class SnapshotWords:
    """How RDS calls the same thing of an instance's snapshot and of a cluster's."""

    kind: str
    name: str
    arn: str
    source: str
    resource_id: str


OF_INSTANCE = SnapshotWords(
    "snapshot", "DBSnapshotIdentifier", "DBSnapshotArn", "DBInstanceIdentifier", "DbiResourceId"
)
OF_CLUSTER = SnapshotWords(
    "cluster-snapshot", "DBClusterSnapshotIdentifier", "DBClusterSnapshotArn",
    "DBClusterIdentifier", "DbClusterResourceId",
)  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """A manual snapshot."""

    words: SnapshotWords
    shown: Description

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.shown[self.words.name])

    @property
    def status(self) -> str:
        """Its status now."""
        return str(self.shown["Status"])

    @property
    def resource_id(self) -> str:
        """That of the database of which it was taken."""
        return str(self.shown.get(self.words.resource_id, ""))


@dataclass(frozen=True)
class Leftover:
    """A database or snapshot that is left: what it is of, and what tells that it is.

    `suffix`: of its name, "final" of a final snapshot, empty where only the tag tells it.
    `tag`: the tag's value, empty without one.
    """

    found: Database | Snapshot
    identifier: str
    suffix: str
    tag: str

    @property
    def is_cluster(self) -> bool:
        """Whether it is of a cluster."""
        return self.found.words in (CLUSTER, OF_CLUSTER)


def databases() -> list[Database]:
    """All instances that are in no cluster, and all clusters with their members."""
    members: dict[str, list[Database]] = {}
    for page in rds().get_paginator("describe_db_instances").paginate():
        for shown in page["DBInstances"]:
            instance = Database(INSTANCE, cast("Description", shown))
            members.setdefault(shown.get("DBClusterIdentifier", ""), []).append(instance)
    clusters = [
        Database(CLUSTER, cast("Description", shown), members.get(shown["DBClusterIdentifier"], []))
        for page in rds().get_paginator("describe_db_clusters").paginate()
        for shown in page["DBClusters"]
    ]
    return [*members.get("", []), *clusters]


def manual_snapshots() -> list[Snapshot]:
    """All snapshots that are not AWS's own."""
    return [
        *(Snapshot(OF_INSTANCE, shown) for shown in snapshots(SnapshotType="manual")),
        *(Snapshot(OF_CLUSTER, shown) for shown in cluster_snapshots(SnapshotType="manual")),
    ]


def leftovers(of: list[Database], taken: list[Snapshot]) -> Iterator[Leftover]:
    """Those among the databases and snapshots that an execution, or its mail, has left."""
    for database in of:
        identifier, suffix = without_suffix(database.name)
        tag = next(filter(None, (tag_of(part.shown) for part in database.parts)), "")
        if suffix or tag:
            yield Leftover(database, identifier, suffix, tag)
    for snapshot in taken:
        identifier, suffix = of_snapshot(snapshot)
        tag = tag_of(snapshot.shown)
        if suffix or tag:
            yield Leftover(snapshot, identifier, suffix, tag)


def without_suffix(name: str) -> tuple[str, str]:
    """A database's name without what an execution has put behind it, and that."""
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix), suffix
    return name, ""


def of_snapshot(snapshot: Snapshot) -> tuple[str, str]:
    """Whose a snapshot is, and what its name says of it.

    A final snapshot is of what was renamed then.
    """
    source, _ = without_suffix(snapshot.shown[snapshot.words.source])
    if snapshot.name.endswith(SOURCE_SUFFIX) and tag_of(snapshot.shown):
        # Its data are those of another database, mostly.
        return snapshot.name.removesuffix(SOURCE_SUFFIX), SOURCE_SUFFIX
    for suffix in SUCCEEDED:
        if snapshot.name.endswith(suffix):
            return snapshot.name.removesuffix(suffix), suffix
    final = FINAL.fullmatch(snapshot.name)
    return source, FINAL_SUFFIX if final and final["identifier"] == source else ""


def tag_of(shown: Description) -> str:
    """The value of an execution's tag; empty without it."""
    tags = {tag["Key"]: tag["Value"] for tag in shown.get("TagList", [])}
    return str(tags.get(IN_PROGRESS_TAG, ""))
