"""What the two checks share: findings, and the looks that are the same for both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus import exceptions
from trapheus.constants import (
    ASIDE_SUFFIX,
    CREATE_SNAPSHOT_ONLY,
    DB_RESTORE,
    PROTECT_TAG,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.waiters import AVAILABLE

if TYPE_CHECKING:
    from trapheus.exceptions import TrapheusError
    from trapheus.rds import Description


class Findings:
    """Everything that speaks against an execution; the first names its error."""

    def __init__(self) -> None:
        self.all: list[tuple[type[TrapheusError], str]] = []

    def add(self, error: type[TrapheusError], sentence: str) -> None:
        """Note one finding: its error, and one sentence with what to do about it."""
        self.all.append((error, sentence))

    def report(self) -> list[dict[str, str]]:
        """The findings as a dry run shows them."""
        return [{"error": error.__name__, "message": sentence} for error, sentence in self.all]

    def raise_first(self, identifier: str) -> None:
        """Refuse with the first finding's error and every finding's sentence, if there is one."""
        if self.all:
            sentences = " ".join(sentence for _, sentence in self.all)
            raise self.all[0][0](sentences, identifier=identifier, step="check")


def concluded(
    findings: Findings, plan: dict[str, Any] | None, request: dict[str, Any]
) -> dict[str, Any]:
    """The answer of a check: the plan and the findings; a refusal unless it is a dry run."""
    if not request["dryRun"]:
        findings.raise_first(request["identifier"])
    return {"plan": plan, "findings": findings.report()}


def basis(event: dict[str, Any]) -> dict[str, Any]:
    """What a plan begins with: whose it is, and every name derived from the identifier."""
    identifier = event["request"]["identifier"]
    return {
        "execution": event["execution"],
        "started": event["started"],
        "warnings": [],
        "identifier": identifier,
        "aside": identifier + ASIDE_SUFFIX,
        "snapshot": identifier + SNAPSHOT_SUFFIX,
        "successor": identifier + SUCCESSOR_SUFFIX,
    }


def check_protection(findings: Findings, found: Description, identifier: str) -> None:
    """A database with the tag `trapheus:protect` is never touched."""
    if any(tag["Key"] == PROTECT_TAG for tag in found.get("TagList", [])):
        findings.add(
            exceptions.DatabaseProtected,
            f"{identifier} carries the tag {PROTECT_TAG}: take the tag off to allow a restore.",
        )


def check_quiet(findings: Findings, name: str, status: str, pending: dict[str, Any]) -> None:
    """A database must be available, with no change waiting for its window."""
    if status not in AVAILABLE:
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{name} is {status}: start the execution again once it is available.",
        )
    if pending:
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{name} has pending changes ({', '.join(sorted(pending))}): apply or withdraw them.",
        )


def check_snapshots(
    findings: Findings,
    request: dict[str, Any],
    engine: str,
    snapshot: Description | None,
    successor: Description | None,
) -> None:
    """A restore needs its snapshot; a new snapshot needs its two names."""
    name = request["identifier"] + SNAPSHOT_SUFFIX
    spare = request["identifier"] + SUCCESSOR_SUFFIX
    if snapshot is None and successor is not None:
        findings.add(
            exceptions.SnapshotMissing,
            f"Only {spare} is left of an earlier run, and it may be the only good snapshot: keep"
            f" it, copy it to {name} ({copy_command(request, spare, name)}), then delete it.",
        )
    elif snapshot is None:
        if request["task"] == DB_RESTORE:
            findings.add(
                exceptions.SnapshotMissing,
                f"The snapshot {name} does not exist: take it with the task create_snapshot_only,"
                " or run create_snapshot.",
            )
    elif snapshot["Status"] != "available":
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is {snapshot['Status']}: wait until it is available,"
            " or delete it if it has failed.",
        )
    elif snapshot["Engine"] != engine:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is of {snapshot['Engine']}, the database of {engine}:"
            " rename or delete the snapshot.",
        )
    if request["task"] != DB_RESTORE and snapshot is not None and successor is not None:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {spare} exists, probably left over from an earlier run: delete it if"
            f" nothing needs it, now that {name} is there.",
        )


def copy_command(request: dict[str, Any], source: str, target: str) -> str:
    """The command that gives a snapshot another name."""
    snapshot = "cluster-snapshot" if request["isCluster"] else "snapshot"
    return (
        f"`aws rds copy-db-{snapshot} --source-db-{snapshot}-identifier {source}"
        f" --target-db-{snapshot}-identifier {target}`"
    )


def check_free(findings: Findings, name: str, found: Description | None) -> None:
    """The name that the original is to take must be free."""
    if found is not None:
        findings.add(
            exceptions.NameTaken,
            f"The name {name} is taken, probably by what an earlier run left:"
            " delete or rename that database first.",
        )


def replaces(request: dict[str, Any]) -> bool:
    """Whether this task replaces the database, not only takes its snapshot."""
    return bool(request["task"] != CREATE_SNAPSHOT_ONLY)
