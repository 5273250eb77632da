"""Which snapshots count where a request names a database and not one of them, and the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.constants import (
    IN_PROGRESS_TAG,
    SHARED_SUFFIX,
    SHARING_SUFFIX,
    SNAPSHOT_SUFFIX,
)
from trapheus.rds.access import moment_of, moments_of
from trapheus.snapshot_names import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trapheus.rds.access import Description

ARNS = ("DBSnapshotArn", "DBClusterSnapshotArn")
NAMES = ("DBSnapshotIdentifier", "DBClusterSnapshotIdentifier")
# Of what a snapshot is a copy; an instance's may say it of a copy from elsewhere only
# [fact: source-of-what-is-copied].
SOURCES = ("SourceDBSnapshotIdentifier", "SourceDBClusterSnapshotArn")


def by_arn(snapshots: Iterable[Description]) -> dict[str, Description]:
    """Snapshots by their ARNs, as far as RDS shows these."""
    found = ((first(one, ARNS), one) for one in snapshots)
    return {arn: one for arn, one in found if arn}


def counts(
    snapshot: Description, database: str, home: tuple[str, str], shown: Mapping[str, Description]
) -> bool:
    """Whether a snapshot is one of those from which this database's newest is chosen.

    home: the region and account of this stack. shown: what RDS shows besides, by ARN. Not those of
    a database elsewhere that is called the same, nor the app's own copies. Nor what an execution
    is about to delete; of what carries a mark only `<database>-snapshot` stays.
    """
    name = first(snapshot, NAMES)
    if name in (database + SHARED_SUFFIX, database + SHARING_SUFFIX):
        return False
    if is_marked(snapshot) and name != database + SNAPSHOT_SUFFIX:
        return False
    origins = [parts_of(source_of(one)) for one in line_of(snapshot, shown)]
    return all(origin is None or (origin.region, origin.account) == home for origin in origins)


def is_marked(snapshot: Description) -> bool:
    """Whether it carries the mark of an execution, whichever that is."""
    return any(tag["Key"] == IN_PROGRESS_TAG for tag in snapshot.get("TagList", []))


def newest(
    snapshots: Iterable[Description], shown: Mapping[str, Description], *, trusts_copies: bool
) -> Description | None:
    """The snapshot with the newest data; None of none.

    shown: what RDS shows, by ARN. A copy whose data are of a moment that nobody knows comes behind
    all others; where copies are trusted it counts as of the moment at which it was made.
    """

    def rank(snapshot: Description) -> tuple[bool, str, bool]:
        known = moment_of_data(snapshot, shown)
        is_known = known is not None or trusts_copies
        # Of the same data the original, which wants no copying.
        return is_known, known or moment_of(snapshot), not source_of(snapshot)

    return max(snapshots, key=rank, default=None)


def moment_of_data(snapshot: Description, shown: Mapping[str, Description]) -> str | None:
    """The moment of a snapshot's data, ISO 8601, empty while RDS does not tell it.

    None where nobody knows it: a cluster's copy shows its own moment only, and its source none any
    more [fact: moment-of-a-copy].
    """
    if snapshot.get("OriginalSnapshotCreateTime"):
        return moment_of(snapshot)
    last = line_of(snapshot, shown)[-1]
    return None if source_of(last) else moment_of(last)


def line_of(snapshot: Description, shown: Mapping[str, Description]) -> list[Description]:
    """A snapshot, what it is a copy of, and so on, as far as that is still shown.

    What is younger than its copy has only the name of what was copied.
    """
    line = [snapshot]
    while True:
        source = shown.get(source_of(line[-1]))
        if source is None or source in line or not is_older(source, line[-1]):
            return line
        line.append(source)


def is_older(source: Description, made: Description) -> bool:
    """Whether a snapshot was there when a copy was made."""
    of_source, of_copy = moments_of(source), moments_of(made)
    return bool(of_source and of_copy) and of_source[-1] <= of_copy[-1]


def source_of(snapshot: Description) -> str:
    """The ARN of what a snapshot is a copy of; empty where it is none, or shows none."""
    return first(snapshot, SOURCES)


def first(snapshot: Description, names: tuple[str, str]) -> str:
    """What a snapshot shows, of an instance under the first name or of a cluster under the second.

    Empty where it shows nothing.
    """
    return str(next((snapshot[name] for name in names if snapshot.get(name)), ""))
