"""What the two checks share: findings, and the looks that are the same for both kinds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import jmespath

from trapheus import exceptions
from trapheus.configuration import failed_domains
from trapheus.constants import (
    ASIDE_SUFFIX,
    BESIDE,
    CREATE_SNAPSHOT,
    CREATE_SNAPSHOT_ONLY,
    DB_RESTORE,
    IN_PROGRESS_TAG,
    LATEST,
    MADE_SUFFIX,
    MAX_IDENTIFIER,
    PROTECT_TAG,
    RENAME_FIRST,
    RESTORE_FIRST,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.offers import numbers
from trapheus.rds import moment_of, own_tags
from trapheus.storage import is_a_tenth_above
from trapheus.waiters import AVAILABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from trapheus.attributes import Table
    from trapheus.exceptions import TrapheusError
    from trapheus.rds import Description

# What has the names that must be free: by kind, "instance" or "cluster", and by name.
Taken: TypeAlias = "Mapping[str, Mapping[str, Description]]"

MOST_TAGS = 50
# Twice the plan, and what else an execution knows, must fit into 262,144 bytes: an execution that
# takes another one over has it under two keys.
LARGEST_PLAN = 120_000


class Findings:
    """Everything that speaks against an execution; the first names its error.

    `warnings` refuse nothing: they tell what a restore cannot keep.
    """

    def __init__(self) -> None:
        self.all: list[tuple[type[TrapheusError], str]] = []
        self.warnings: list[str] = []

    def add(self, error: type[TrapheusError], sentence: str) -> None:
        """Note one finding: its error, and one sentence with what to do about it."""
        self.all.append((error, sentence))

    def warn(self, sentence: str) -> None:
        """Note what a restore cannot keep: one sentence with what to do about it."""
        self.warnings.append(sentence)

    def report(self) -> list[dict[str, str]]:
        """The findings as a dry run shows them."""
        return [{"error": error.__name__, "message": sentence} for error, sentence in self.all]

    def raise_first(self, identifier: str) -> None:
        """Refuse with the first finding's error and every finding's sentence, if there is one."""
        if self.all:
            sentences = " ".join(sentence for _, sentence in self.all)
            raise self.all[0][0](sentences, identifier=identifier, step="check")


def check_attributes(
    findings: Findings,
    table: Table,
    name: str,
    found: Description,
    error: type[TrapheusError],
    *,
    replaces: bool = True,
) -> None:
    """Refuse what the table refuses with this error; fewer for a copy that replaces nothing."""
    for attribute, row in table.items():
        refusal = row.refusal
        if not refusal or refusal.error is not error or (refusal.of_replacement and not replaces):
            continue
        if jmespath.search(refusal.when, found):
            value = found[attribute]
            shown = ", ".join(value) if isinstance(value, list) else value
            findings.add(error, refusal.sentence.format(name=name, value=shown))


def concluded(
    findings: Findings, plan: dict[str, Any] | None, request: dict[str, Any]
) -> dict[str, Any]:
    """The answer of a check: the plan and the findings; a refusal unless it is a dry run."""
    size = len(json.dumps(plan))
    if size > LARGEST_PLAN:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"The plan for {request['identifier']} has {size} characters, mostly tags, of which"
            f" Step Functions can carry {LARGEST_PLAN}: shorten tags, or take some off.",
        )
    if not request["dryRun"]:
        findings.raise_first(request["identifier"])
    return {"plan": plan, "findings": findings.report()}


def basis(event: dict[str, Any], findings: Findings, source: Description | None) -> dict[str, Any]:
    """What a plan begins with: whose it is, and every name derived from the identifier.

    `made` is the name under which the database is restored.
    """
    request = event["request"]
    identifier = request["identifier"]
    chosen = source if request["snapshotIdentifier"] else None
    return {
        "execution": event["execution"],
        "started": event["started"],
        "warnings": findings.warnings,
        "strategy": request["strategy"],
        "identifier": identifier,
        "made": made_name(request, identifier),
        "aside": identifier + ASIDE_SUFFIX,
        "snapshot": name_of(chosen) if chosen else identifier + SNAPSHOT_SUFFIX,
        "successor": identifier + SUCCESSOR_SUFFIX,
    }


def made_name(request: dict[str, Any], identifier: str) -> str:
    """The name under which the request's database, or with RESTORE_FIRST a member, is restored."""
    if request["strategy"] == BESIDE:
        return str(request["targetIdentifier"])
    return identifier + MADE_SUFFIX if request["strategy"] == RESTORE_FIRST else identifier


def member_names(request: dict[str, Any], members: Iterable[str]) -> dict[str, str]:
    """The name under which each member is restored, by its own.

    With a target the target takes the identifier's place in it, or else it is numbered.
    """
    if request["strategy"] != BESIDE:
        return {member: made_name(request, member) for member in members}
    identifier, target = request["identifier"], request["targetIdentifier"]
    members = list(members)
    made = {
        member: target + member.removeprefix(identifier)
        for member in members
        if member == identifier or member.startswith(f"{identifier}-")
    }
    free = (f"{target}-{n}" for n in range(1, 2 * len(members) + 1))
    numbers = (name for name in free if name not in made.values())
    return {member: made.get(member) or next(numbers) for member in members}


def name_of(snapshot: Description) -> str:
    """The name of a snapshot of either kind."""
    return str(snapshot.get("DBSnapshotIdentifier") or snapshot["DBClusterSnapshotIdentifier"])


def source_of(
    request: dict[str, Any],
    find: Callable[[str], Description | None],
    taken: Callable[[str], list[Description]],
) -> Description | None:
    """The snapshot to restore from, or which a new one is to follow.

    find: looks for one by name. taken: all of a database.
    """
    identifier, wanted = request["identifier"], request["snapshotIdentifier"]
    if wanted != LATEST:
        return find(wanted or identifier + SNAPSHOT_SUFFIX)
    usable = [
        found
        for found in taken(identifier)
        if found["Status"] == "available" and found["SnapshotType"] in ("manual", "automated")
    ]
    return max(usable, key=moment_of, default=None)


def restored_of(request: dict[str, Any], source: Description | None) -> Description | None:
    """The snapshot that is restored; None where it is yet to be taken."""
    return source if request["task"] == DB_RESTORE else None


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
    if request["snapshotIdentifier"]:
        check_chosen(findings, request, engine, snapshot)
        return
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
    elif snapshot["SnapshotType"] != "manual":
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is {snapshot['SnapshotType']}, not manual: copy it under another"
            " name, and delete it.",
        )
    if request["task"] != DB_RESTORE and snapshot is not None and successor is not None:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {spare} exists, probably left over from an earlier run: delete it if"
            f" nothing needs it, now that {name} is there.",
        )


def check_chosen(
    findings: Findings, request: dict[str, Any], engine: str, snapshot: Description | None
) -> None:
    """A snapshot that the request names must be there, and of this engine."""
    identifier, name = request["identifier"], request["snapshotIdentifier"]
    if snapshot is None and name == LATEST:
        findings.add(
            exceptions.SnapshotMissing,
            f"{identifier} has no snapshot that is available: take one with the task"
            " create_snapshot_only.",
        )
    elif snapshot is None:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} does not exist in this account and region: check its name.",
        )
    elif snapshot["Status"] != "available":
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is {snapshot['Status']}: wait until it is available, or name"
            " another.",
        )
    elif snapshot["Engine"] != engine:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name_of(snapshot)} is of {snapshot['Engine']}, the database of"
            f" {engine}: name another.",
        )
    elif snapshot["SnapshotType"] not in ("manual", "automated"):
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is {snapshot['SnapshotType']}, neither manual nor automated:"
            " copy it, and name the copy.",
        )


def copy_command(request: dict[str, Any], source: str, target: str) -> str:
    """The command that gives a snapshot another name."""
    snapshot = "cluster-snapshot" if request["isCluster"] else "snapshot"
    return (
        f"`aws rds copy-db-{snapshot} --source-db-{snapshot}-identifier {source}"
        f" --target-db-{snapshot}-identifier {target}`"
    )


def compare(
    findings: Findings, name: str, found: Description, source: Description, size: str = ""
) -> None:
    """Refuse a snapshot whose restore could not become what the database is now.

    size: the attribute with the storage, "" where storage grows and shrinks by itself.
    """
    if source.get("KmsKeyId") != found.get("KmsKeyId"):
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} has the encryption key {source.get('KmsKeyId')}, the database"
            f" {found.get('KmsKeyId')}: copy the snapshot with the database's key, or take a new"
            " one.",
        )
    if not can_become(found["Engine"], source["EngineVersion"], found["EngineVersion"]):
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is of version {source['EngineVersion']}, the database of"
            f" {found['EngineVersion']}, to which a restore cannot be brought: take a new"
            " snapshot.",
        )
    if size and source[size] > found[size]:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} has {source[size]} GiB, the database {found[size]}, and storage"
            " cannot be made smaller: take a new snapshot.",
        )


def can_become(engine: str, old: str, new: str) -> bool:
    """Whether a restore brings one version to another: a later one of the same major version."""
    # PostgreSQL counts major versions by the first number, the others by two.
    major = 1 if "postgres" in engine else 2
    before, after = numbers(old), numbers(new)
    return before[:major] == after[:major] and before <= after


def check_version(
    findings: Findings, request: dict[str, Any], found: Description, source: Description | None
) -> None:
    """A version that is asked for must be one to which the restore brings what is restored."""
    asked = request["overrides"].get("EngineVersion")
    begins = (source or found)["EngineVersion"]
    if asked and not can_become(found["Engine"], begins, asked):
        findings.add(
            exceptions.InvalidRequest,
            f"EngineVersion is overridden with {asked}, and a restore of {begins} comes only to"
            " later versions of the same major one: ask for one of these, and upgrade afterwards.",
        )


def check_domain(findings: Findings, request: dict[str, Any], found: Description) -> None:
    """A database whose own membership in its domain has failed is restored without one only."""
    failed = failed_domains(found)
    if failed and not any(name.startswith("Domain") for name in request["overrides"]):
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"The membership of {request['identifier']} in the domain {failed[0]} has failed, and"
            " so may that of its copy: mend it, or take the database out of the domain.",
        )


def check_together(
    findings: Findings, request: dict[str, Any], plan: dict[str, Any], size: int | None = None
) -> None:
    """Refuse overrides that RDS takes only together with others, or not with what is planned.

    The model says so of each parameter. size: the GiB that the copy will have, None where storage
    grows by itself.
    """
    if not request["overrides"]:
        return
    for part in (plan, *plan.get("members", [])):
        asked = part["restore"] | part["modify"]
        if asked.get("MonitoringInterval") and not asked.get("MonitoringRoleArn"):
            refuse_override(
                findings, part, "MonitoringInterval", "needs a role: override MonitoringRoleArn too"
            )
        if asked.get("StorageType") in ("io1", "io2") and not asked.get("Iops"):
            refuse_override(findings, part, "StorageType", "needs IOPS: override Iops too")
        if part["restore"].get("MultiAZ") and part["restore"].get("AvailabilityZone"):
            refuse_override(
                findings,
                part,
                "AvailabilityZone",
                "cannot be chosen for a Multi-AZ instance: leave it out, or override MultiAZ too",
            )
    ceiling = plan["modify"].get("MaxAllocatedStorage")
    if ceiling and size and not is_a_tenth_above(ceiling, size):
        why = f"must be a tenth above the storage, {size} GiB, or more: override it with that"
        refuse_override(findings, plan, "MaxAllocatedStorage", why)


def refuse_override(findings: Findings, part: dict[str, Any], name: str, why: str) -> None:
    """Note an override that RDS would refuse of a database or member: why, and what to do."""
    findings.add(
        exceptions.InvalidRequest, f"The {name} of the restored {part['identifier']} {why}."
    )


def wanted_names(request: dict[str, Any], made: Mapping[str, str]) -> list[str]:
    """The names that must be free for what is made, and for the originals to step aside.

    made: the names of what is made, by those of the originals. Names that RDS would not take are
    left out.
    """
    wanted = list(made.values()) if request["strategy"] != RENAME_FIRST else []
    if replaces(request):
        wanted += [name + ASIDE_SUFFIX for name in made]
    return [name for name in wanted if len(name) <= MAX_IDENTIFIER]


def check_free(
    findings: Findings,
    request: dict[str, Any],
    name: str,
    kind: str,
    taken: Taken,
) -> None:
    """The name that the original is to take must be free."""
    if name in taken[kind]:
        findings.add(
            exceptions.NameTaken,
            f"The name {name} is taken {left_over(name, kind, taken[kind][name])}.",
        )


def check_made(
    findings: Findings,
    request: dict[str, Any],
    name: str,
    kind: str,
    taken: Taken,
) -> None:
    """The name under which something is restored beside must be possible, and free."""
    if len(name) > MAX_IDENTIFIER:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{name} would be restored, and has {len(name)} characters, of which RDS takes"
            f" {MAX_IDENTIFIER}: use a shorter targetIdentifier.",
        )
    elif request["strategy"] == RESTORE_FIRST:
        check_free(findings, request, name, kind, taken)
    elif name in taken[kind]:
        findings.add(
            exceptions.NameTaken,
            f"The name {name} is taken: choose another targetIdentifier, or delete that {kind}.",
        )


def refuse_absent(
    findings: Findings, request: dict[str, Any], kind: str, aside: Description | None
) -> None:
    """Say that nothing has the identifier, and what stands aside if there is anything."""
    identifier = request["identifier"]
    cure = "check the name and the region"
    if aside is not None:
        name = identifier + ASIDE_SUFFIX
        cure = f"only {name} is there, held {left_over(name, kind, aside)}"
    findings.add(
        exceptions.DatabaseNotFound,
        f"There is no {kind} {identifier} in this account and region: {cure}.",
    )


def left_over(name: str, kind: str, found: Description) -> str:
    """What holds a name, and how it is cleared.

    There is nothing to recover any more: whoever takes the lock is told of that first.
    """
    marked = any(tag["Key"] == IN_PROGRESS_TAG for tag in found.get("TagList", []))
    whose = (
        f"what an earlier execution has left, as its mail says (tag {IN_PROGRESS_TAG})"
        if marked
        else "a database without the mark of an execution"
    )
    return (
        f"by {whose}: rename that {kind} (`aws rds modify-db-{kind} --db-{kind}-identifier {name}"
        f" --new-db-{kind}-identifier NAME --apply-immediately`), or delete it if nothing needs it"
    )


def check_tags(findings: Findings, name: str, found: Description) -> None:
    """A mark must fit beside the tags of its own: RDS takes 50, not counting AWS's (User Guide)."""
    own = len(own_tags(found))
    if own >= MOST_TAGS:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{name} has {own} tags, which leaves none for the mark {IN_PROGRESS_TAG}: take one"
            " off.",
        )


def warn_of_reservation(findings: Findings, name: str, found: Description) -> None:
    """Tell that the restored database needs a unit of a reservation beside the original's."""
    if reservation := found.get("DBCapacityReservationIdentifier"):
        findings.warn(
            f"{name} holds a unit of the capacity reservation {reservation} as long as it exists:"
            " a restore succeeds only if the reservation has another one."
        )


def warn_of_losses(findings: Findings, request: dict[str, Any], found: Description) -> None:
    """Tell what a replacement loses beside the attributes, of which the plan tells."""
    name = request["identifier"]
    if request["strategy"] == RESTORE_FIRST and request["task"] == CREATE_SNAPSHOT:
        findings.warn(
            f"What clients write to {name} between the snapshot and the swap is not in the restored"
            " database, as acceptWriteLoss allows."
        )
    if request.get("deleteAutomatedBackups") and found.get("BackupRetentionPeriod"):
        findings.warn(
            f"The automated backups of {name} are deleted with the original: no restore to a point"
            " in time before this one is possible afterwards."
        )


def leave_to_the_original(plan: dict[str, Any]) -> None:
    """Beside an original that stays nothing is lost: it keeps what no copy of it can have."""
    if plan["strategy"] == BESIDE:
        for part in (plan, *plan.get("members", [])):
            part["cannotKeep"] = []


def check_size(
    findings: Findings, request: dict[str, Any], found: Description, source: Description | None
) -> None:
    """A size that is asked for must be one that RDS restores.

    Its own, or a larger one from a tenth more (API reference of RestoreDBInstanceFromDBSnapshot).
    """
    asked = request["overrides"].get("AllocatedStorage")
    size = (source or found)["AllocatedStorage"]
    if asked is not None and asked != size and not is_a_tenth_above(asked, size):
        findings.add(
            exceptions.InvalidRequest,
            f"AllocatedStorage is overridden with {asked} GiB, and RDS restores {size} GiB, or more"
            " by a tenth at least: ask for one of these.",
        )


def restores(request: dict[str, Any]) -> bool:
    """Whether this task restores the database, not only takes its snapshot."""
    return bool(request["task"] != CREATE_SNAPSHOT_ONLY)


def replaces(request: dict[str, Any]) -> bool:
    """Whether the database is replaced by what is restored, not left as it is."""
    return restores(request) and request["strategy"] != BESIDE
