"""Check step: whether an instance can be restored in place, and the plan for it."""

import re
from typing import Any

from trapheus import exceptions, preflight
from trapheus.configuration import INSTANCE, configuration
from trapheus.constants import (
    ASIDE_SUFFIX,
    DB_RESTORE,
    MAX_INSTANCE_IDENTIFIER,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.errors import failing_as
from trapheus.logs import logged
from trapheus.preflight import Findings
from trapheus.rds import Description, cluster, instance, moment_of, snapshot

# RDS Custom is left out: its instances cannot be renamed (API reference of ModifyDBInstance).
SUPPORTED = ("mysql", "mariadb", "postgres", "oracle-", "sqlserver-", "db2-")


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the plan and the findings; refuse when there are findings, unless it is a dry run."""
    request = event["request"]
    identifier = request["identifier"]
    findings = Findings()
    with failing_as(exceptions.CheckFailed, identifier):
        found = instance(identifier)
        if found is None or not is_restorable(findings, found):
            if found is None:
                explain_absence(findings, identifier)
            return preflight.concluded(findings, None, request)
        source = snapshot(identifier + SNAPSHOT_SUFFIX)
        examine(findings, request, found, source)
    return preflight.concluded(findings, planned(event, found, source), request)


def explain_absence(findings: Findings, identifier: str) -> None:
    """Say whether nothing has this name, or a cluster has it."""
    if cluster(identifier):
        findings.add(
            exceptions.WrongKind,
            f"{identifier} is a cluster: set isCluster to true.",
        )
    else:
        findings.add(
            exceptions.DatabaseNotFound,
            f"There is no instance {identifier} in this account and region:"
            " check the name and the region.",
        )


def is_restorable(findings: Findings, found: Description) -> bool:
    """Whether this is an instance that has snapshots of its own."""
    name, owner = found["DBInstanceIdentifier"], found.get("DBClusterIdentifier")
    if owner:
        findings.add(
            exceptions.WrongKind,
            f"{name} is a member of cluster {owner}: restore {owner} with isCluster true.",
        )
    elif not found["Engine"].startswith(SUPPORTED):
        findings.add(
            exceptions.WrongKind,
            f"{name} is of {found['Engine']}: only MySQL, MariaDB, PostgreSQL, Oracle, SQL Server"
            " and Db2 can be restored in place.",
        )
    return not findings.all


def examine(
    findings: Findings,
    request: dict[str, Any],
    found: Description,
    source: Description | None,
) -> None:
    """Note everything that speaks against the task."""
    identifier = request["identifier"]
    preflight.check_protection(findings, found, identifier)
    preflight.check_quiet(
        findings, identifier, found["DBInstanceStatus"], found.get("PendingModifiedValues", {})
    )
    successor = snapshot(identifier + SUCCESSOR_SUFFIX)
    preflight.check_snapshots(findings, request, found["Engine"], source, successor)
    if not preflight.replaces(request):
        return
    if source is not None and request["task"] == DB_RESTORE:
        compare(findings, found, source)
    if len(identifier) > MAX_INSTANCE_IDENTIFIER:
        findings.add(
            exceptions.InvalidRequest,
            f"The identifier is {len(identifier)} characters long; with the suffix -temp it may"
            f" have {MAX_INSTANCE_IDENTIFIER}.",
        )
    else:
        aside = identifier + ASIDE_SUFFIX
        preflight.check_free(findings, aside, instance(aside))
    check_ties(findings, found)


def compare(findings: Findings, found: Description, source: Description) -> None:
    """Refuse a snapshot whose restore could not become what the database is now."""
    name = source["DBSnapshotIdentifier"]
    if source.get("KmsKeyId") != found.get("KmsKeyId"):
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} has the encryption key {source.get('KmsKeyId')}, the database"
            f" {found.get('KmsKeyId')}: copy the snapshot with the database's key, or take a new"
            " one.",
        )
    old, new = numbers(source["EngineVersion"]), numbers(found["EngineVersion"])
    # PostgreSQL counts major versions by the first number, the others by two.
    major = 1 if found["Engine"] == "postgres" else 2
    if old[:major] != new[:major] or old > new:
        findings.add(
            exceptions.SnapshotMissing,
            f"The snapshot {name} is of version {source['EngineVersion']}, the database of"
            f" {found['EngineVersion']}, to which a restore cannot be brought: take a new"
            " snapshot.",
        )


def numbers(version: str) -> list[int]:
    """The numbers in an engine's version, in order."""
    return [int(number) for number in re.findall(r"\d+", version)]


def check_ties(findings: Findings, found: Description) -> None:
    """Refuse what would be lost or promoted when the original goes."""
    name = found["DBInstanceIdentifier"]
    replicas = [
        *found.get("ReadReplicaDBInstanceIdentifiers", []),
        *found.get("ReadReplicaDBClusterIdentifiers", []),
    ]
    if replicas:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{name} has read replicas ({', '.join(replicas)}), which RDS would promote when it is"
            " deleted: delete them first.",
        )
    source = found.get("ReadReplicaSourceDBInstanceIdentifier") or found.get(
        "ReadReplicaSourceDBClusterIdentifier"
    )
    if source:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{name} is a read replica of {source}: promote it first.",
        )
    if found.get("ActivityStreamStatus", "stopped") != "stopped":
        findings.add(
            exceptions.DatabaseNotSupported,
            f"{name} has an activity stream, which a restore would lose: stop it first.",
        )


def planned(
    event: dict[str, Any], found: Description, source: Description | None
) -> dict[str, Any]:
    """The plan: names, the resource id and all the configuration to carry over."""
    plan = {
        **preflight.basis(event),
        "resourceId": found["DbiResourceId"],
        "arn": found["DBInstanceArn"],
        "dataAsOf": moment_of(source),
        **configuration(INSTANCE, found),
    }
    if has_outgrown(found, source):
        plan["restore"]["AllocatedStorage"] = found["AllocatedStorage"]
    return plan


def has_outgrown(found: Description, source: Description | None) -> bool:
    """Whether the original's storage must be asked for.

    RDS restores at the snapshot's size, takes a larger one only from 10% more, and none for SQL
    Server (API reference of RestoreDBInstanceFromDBSnapshot).
    """
    if source is None or found["Engine"].startswith("sqlserver"):
        return False
    return bool(10 * found["AllocatedStorage"] >= 11 * source["AllocatedStorage"])
