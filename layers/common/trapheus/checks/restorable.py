"""What is restored: a snapshot, and the overrides, that RDS makes the database of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.checks.look import CLUSTER, INSTANCE
from trapheus.checks.source.copying import name_of
from trapheus.configuration.attributes import SNAPSHOT
from trapheus.configuration.combinations import (
    refused_together,
    refused_values,
)
from trapheus.configuration.comparison import can_become, numbers
from trapheus.configuration.overrides import unfit
from trapheus.configuration.storage import is_a_tenth_above, size_of_copy
from trapheus.execution import exceptions
from trapheus.execution.constants import (
    RENAMED_SUFFIX,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.messages.moments import on
from trapheus.rds.access import moment_of
from trapheus.rds.source import candidates
from trapheus.snapshot_names import parts_of

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look
    from trapheus.rds.access import Description

# Its snapshot


def own_snapshot(look: Look, findings: Findings) -> None:
    """The snapshot is there, unless it is yet to be taken, `available`, manual, of this engine."""
    name = look.identifier + SNAPSHOT_SUFFIX
    snapshot, engine = look.snapshot, look.found["Engine"]
    if snapshot is None:
        refuse_missing(look, findings)
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


def refuse_missing(look: Look, findings: Findings) -> None:
    """Note that a snapshot is not there: only its successor is, or a restore would need it."""
    name, spare = look.identifier + SNAPSHOT_SUFFIX, look.identifier + SUCCESSOR_SUFFIX
    if look.successor is not None:
        findings.add(
            exceptions.SnapshotMissing,
            f"Only {spare} is left of an earlier run, and it may be the only good snapshot: keep"
            f" it, copy it to {name} ({copy_command(look, spare, name)}), then delete it.",
        )
    elif not look.takes_snapshot:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} does not exist: take it with the task create_snapshot_only,"
            " or run create_snapshot.",
        )


def copy_command(look: Look, source: str, target: str) -> str:
    """The command that gives a snapshot another name."""
    snapshot = "cluster-snapshot" if look.kind is CLUSTER else "snapshot"
    return (
        f"`aws rds copy-db-{snapshot} --source-db-{snapshot}-identifier {source}"
        f" --target-db-{snapshot}-identifier {target}`"
    )


def deletion_command(look: Look, name: str) -> str:
    """The command that deletes a snapshot."""
    noun = "db-cluster-snapshot" if look.kind is CLUSTER else "db-snapshot"
    return f"`aws rds delete-{noun} --region {look.region} --{noun}-identifier {name}`"


def free_successor(look: Look, findings: Findings) -> None:
    """The name of the snapshot's successor is free."""
    name, spare = look.identifier + SNAPSHOT_SUFFIX, look.identifier + SUCCESSOR_SUFFIX
    if look.snapshot is not None and look.successor is not None:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {spare} exists, probably left over from an earlier run: delete it if"
            f" nothing needs it, now that {name} is there ({deletion_command(look, spare)}).",
        )


def fitting_snapshot(look: Look, findings: Findings) -> None:
    """It has the database's major version; without a source no newer version and no more storage.

    With one, what is restored has the newer version, and the larger storage.
    """
    snapshot, found = look.restored, look.found
    if snapshot is None:
        # Of which the check before it tells.
        return
    name = name_of(look, snapshot)
    version, own = snapshot["EngineVersion"], look.wanted["EngineVersion"]
    if not can_become(found["Engine"], version, own if look.has_source else found["EngineVersion"]):
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is of version {version}, the database of"
            f" {found['EngineVersion']}, to which a restore cannot be brought:"
            f" {way_to_a_fitting_version(look, snapshot)}.",
        )
    # Aurora's storage grows and shrinks by itself.
    fixed = not (look.is_aurora or look.overrides.get("AllocatedStorage") or look.has_source)
    if fixed and snapshot["AllocatedStorage"] > found["AllocatedStorage"]:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} has {snapshot['AllocatedStorage']} GiB, the database"
            f" {found['AllocatedStorage']}, and storage cannot be made smaller: take a new"
            f" snapshot, or override AllocatedStorage with {snapshot['AllocatedStorage']}.",
        )


def way_to_a_fitting_version(look: Look, snapshot: Description) -> str:
    """What to do where the version of a snapshot is not to be had."""
    if not look.has_source:
        return "take a new snapshot"
    if numbers(snapshot["EngineVersion"]) < numbers(look.found["EngineVersion"]):
        return (
            f"upgrade {snapshot[look.kind.identifier]}, and take a snapshot of it, or name a newer"
            " one"
        )
    return f"upgrade {look.identifier}, or name an older snapshot"


# Warnings


def of_another_database(look: Look, findings: Findings) -> None:
    """The snapshot is of another database, or its master user is another: that one is restored."""
    snapshot = look.restored
    if snapshot is None:
        return
    name, source = name_of(look, snapshot), snapshot[look.kind.identifier]
    # The snapshots of an original that was renamed may show its new name.
    if source not in (look.identifier, look.identifier + RENAMED_SUFFIX):
        findings.warn(
            f"The snapshot {name} is of {source}: the databases, users and passwords in what is"
            f" restored are those of {source}, whatever has logged in to {look.identifier} before."
        )
    for attribute, row in look.kind.table.items():
        was, now = look.found.get(attribute), snapshot.get(attribute)
        is_judged = attribute in ("Engine", "KmsKeyId", "StorageEncrypted")
        if row.how == SNAPSHOT and not is_judged and now and was and now != was:
            findings.warn(
                f"The {attribute} of what is restored is {now}, as in the snapshot {name}, and"
                f" that of {look.identifier} is {was}: change what relies on it."
            )


def moment_of_a_copy(look: Look, findings: Findings) -> None:
    """The snapshot of a cluster is a copy, of which RDS shows no moment but that of the copying."""
    # [fact: moment-of-a-copy]
    snapshot = look.restored
    source = candidates.source_of(snapshot or {})
    if snapshot is None or not source or not moment_of(snapshot):
        return
    arn, told = parts_of(source), on(moment_of(snapshot))
    is_here = arn is not None and (arn.account, arn.region) == (look.account, look.region)
    found = look.kind.find_snapshot(source) if is_here else None
    known = candidates.moment_of_data(snapshot, {source: found} if found else {})
    ends = (
        f"its data are of {on(known)}"
        if known
        else "nobody can tell how much older its data are from what RDS still shows"
    )
    findings.warn(
        f"The snapshot {name_of(look, snapshot)} is a copy of {source}, made {told}, which is what"
        f" dataAsOf says: {ends}."
    )


# The overrides


def sizes(look: Look, findings: Findings) -> None:
    """An overridden `AllocatedStorage` is the snapshot's, or larger by a tenth or more."""
    # [fact: size-of-a-restore]
    asked = look.overrides.get("AllocatedStorage")
    size = (look.restored or look.found)["AllocatedStorage"]
    if asked is not None and asked != size and not is_a_tenth_above(asked, size):
        findings.add(
            exceptions.InvalidRequest,
            f"AllocatedStorage is overridden with {asked} GiB, and RDS restores {size} GiB, or more"
            " by a tenth at least: ask for one of these.",
        )


def overrides_of_its_sort(look: Look, findings: Findings) -> None:
    """`overrides`: its sort of cluster takes them."""
    for name in unfit(look.found, look.overrides):
        sort = "a Multi-AZ DB cluster" if look.is_multi_az else "an Aurora cluster"
        findings.add(
            exceptions.InvalidRequest,
            f"{look.identifier} is {sort}, whose restore takes no {name}: leave that override out.",
        )


def version_within_reach(look: Look, findings: Findings) -> None:
    """`overrides`: a version to which the restore comes, a later one of the same major version."""
    asked = look.overrides.get("EngineVersion")
    begins = (look.restored or look.found)["EngineVersion"]
    if asked and not can_become(look.found["Engine"], begins, asked):
        findings.add(
            exceptions.InvalidRequest,
            f"EngineVersion is overridden with {asked}, and a restore of {begins} comes only to"
            " later versions of the same major one: ask for one of these, and upgrade afterwards.",
        )


def overrides_together(look: Look, plan: dict[str, Any], findings: Findings) -> None:
    """`overrides`: values that RDS has, in combinations that it takes.

    Monitoring with a role; `io1` and `io2` with IOPS, `gp2` without, throughput with `gp3`; no zone
    with Multi-AZ; backups for a SQL Server with Multi-AZ; a key and days of Performance Insights
    with it; a ceiling a tenth above the storage.
    """
    # RDS takes some only together with others, or not with what is planned: the model says so of
    # each parameter.
    engine = look.found["Engine"]
    for part in (plan, *plan.get("members", [])):
        asked = part["restore"] | part["modify"]
        wished = {name: value for name, value in asked.items() if name in look.overrides}
        for name, why in (
            *refused_values(wished, is_cluster="members" in part),
            *refused_together(asked, engine),
        ):
            refuse_override(findings, part, name, why)
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
    if ceiling and look.kind is INSTANCE:
        size = size_of_copy(plan, look.found, look.restored)
        if not is_a_tenth_above(ceiling, size):
            why = f"must be a tenth above the storage, {size} GiB, or more: override it with that"
            refuse_override(findings, plan, "MaxAllocatedStorage", why)


def refuse_override(findings: Findings, part: dict[str, Any], name: str, why: str) -> None:
    """Note an override that RDS would refuse of a database or member: why, and what to do."""
    findings.add(
        exceptions.InvalidRequest, f"The {name} of the restored {part['identifier']} {why}."
    )
