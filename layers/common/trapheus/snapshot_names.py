"""The names and ARNs of snapshots, and whose they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

# An automated snapshot's name begins with rds: [fact: names-of-automated-snapshots], one of AWS
# Backup's with awsbackup: [fact: snapshots-of-aws-backup].
NAME = re.compile(r"(?:rds:|awsbackup:)?[A-Za-z](?:-?[A-Za-z0-9])*")
ARN = re.compile(
    r"arn:[a-z-]+:rds:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<noun>snapshot|cluster-snapshot):(?P<name>.+)"
)
MOST_OF_A_NAME = 255


@dataclass(frozen=True)
class SnapshotArn:
    """The parts of a snapshot's ARN; `noun` tells the kind."""

    region: str
    account: str
    noun: str
    name: str


def parts_of(given: str) -> SnapshotArn | None:
    """The parts of a snapshot's ARN; None where it is none."""
    found = ARN.fullmatch(given.lower())
    return SnapshotArn(**found.groupdict()) if found else None


def is_snapshot(given: str, *, is_cluster: bool) -> bool:
    """Whether this can be a snapshot's name, or the ARN of one of this kind."""
    arn = parts_of(given)
    if arn is None:
        return is_name(given)
    return arn.noun == ("cluster-snapshot" if is_cluster else "snapshot") and is_name(arn.name)


def is_name(given: str) -> bool:
    """Whether RDS would take it as the name of a snapshot."""
    return bool(NAME.fullmatch(given)) and len(given) <= MOST_OF_A_NAME


def type_of(given: str) -> str:
    """The type that goes with a name, or ARN; empty of a manual one [fact: automated-by-name].

    A manual one may not be called so.
    """
    arn = parts_of(given)
    name = arn.name if arn else given
    prefixes = {"rds:": "automated", "awsbackup:": "awsbackup"}
    return next((one for prefix, one in prefixes.items() if name.startswith(prefix)), "")
