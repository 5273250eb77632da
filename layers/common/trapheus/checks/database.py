"""The database itself: its kind, its state, its members and tags, and what no restore carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jmespath

from trapheus.checks import names
from trapheus.checks.look import CLUSTER, INSTANCE
from trapheus.configuration import statuses
from trapheus.execution import exceptions
from trapheus.execution.constants import (
    AUTOSCALED,
    IN_PROGRESS_TAG,
    MAX_IDENTIFIER,
    PROTECT_TAG,
    RENAMED_SUFFIX,
)
from trapheus.rds.access import own_tags
from trapheus.rds.waiters import BAD_CLUSTER, BAD_INSTANCE, DELETING, TRIED
from trapheus.sql_hook import why_not

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Kind, Look
    from trapheus.execution.exceptions import TrapheusError
    from trapheus.rds.access import Description

# RDS Custom is left out: its instances cannot be renamed. [fact: no-rename-of-custom]
SUPPORTED = ("mysql", "mariadb", "postgres", "oracle-", "sqlserver-", "db2-")
MOST_TAGS = 50
# Statuses that do not end by themselves, or only in one of these (RDS User Guide and its twin for
# Aurora, "Viewing DB instance status"); all others do. [fact: statuses-that-pass]
LASTING = {*BAD_INSTANCE, *BAD_CLUSTER, *DELETING, "stopping", "storage-full"}


def right_kind(look: Look, findings: Findings) -> None:
    """The kind is right: an instance of RDS, or a provisioned Aurora cluster.

    Without a replacement a Multi-AZ DB cluster too.
    """
    if not look.found:
        refuse_absent(look, findings)
        return
    refuse_attributes(look, findings, exceptions.WrongKind)
    engine = look.found["Engine"]
    if findings.all:
        return
    if look.kind is INSTANCE and not engine.startswith(SUPPORTED):
        findings.add(
            exceptions.WrongKind,
            f"{look.identifier} is of {engine}: only MySQL, MariaDB, PostgreSQL, Oracle, SQL Server"
            " and Db2 can be restored in place.",
        )
    if look.is_aurora and not engine.startswith("aurora"):
        findings.add(
            exceptions.WrongKind, f"{look.identifier} is of {engine}, which is not Aurora."
        )


def refuse_absent(look: Look, findings: Findings) -> None:
    """Say what else has the identifier, or is all that is left of it."""
    identifier, kind = look.identifier, look.kind.name
    other = CLUSTER if look.kind is INSTANCE else INSTANCE
    if other.find(identifier):
        whose = "a cluster: set isCluster to true"
        if other is INSTANCE:
            whose = "an instance: set isCluster to false"
        findings.add(exceptions.WrongKind, f"{identifier} is {whose}.")
        return
    renamed = identifier + RENAMED_SUFFIX
    left = look.kind.find(renamed) if len(renamed) <= MAX_IDENTIFIER else None
    cure = "check the name and the region"
    if left is not None:
        cure = f"only {renamed} is there, held {names.left_over(renamed, kind, left)}"
    findings.add(
        exceptions.DatabaseNotFound,
        f"There is no {kind} {identifier} in this account and region: {cure}.",
    )


def supported_attributes(look: Look, findings: Findings) -> None:
    """No read replica; no activity stream; no Aurora Limitless Database.

    And no TDE key in a hardware module, whose password RDS does not show. With a target neither
    being a replica nor a stream is a matter.
    """
    refuse_attributes(look, findings, exceptions.DatabaseNotSupported)


def refuse_attributes(look: Look, findings: Findings, error: type[TrapheusError]) -> None:
    """Refuse what the table refuses with this error; fewer for a copy that replaces nothing."""
    for attribute, row in look.kind.table.items():
        refusal = row.refusal
        if not refusal or refusal.error is not error:
            continue
        if refusal.of_replacement and not look.replaces:
            continue
        if jmespath.search(refusal.when, look.found):
            value = look.found[attribute]
            shown = ", ".join(value) if isinstance(value, list) else value
            findings.add(error, refusal.sentence.format(name=look.identifier, value=shown))


def unprotected(look: Look, findings: Findings) -> None:
    """No tag `trapheus:protect`."""
    refuse_protected(findings, look.identifier, look.found)


def refuse_protected(findings: Findings, name: str, found: Description) -> None:
    """Note a database or member with the tag; it is never touched."""
    if any(tag["Key"] == PROTECT_TAG for tag in found.get("TagList", [])):
        findings.add(
            exceptions.DatabaseProtected,
            f"{name} carries the tag {PROTECT_TAG}: take the tag off to allow a restore.",
        )


def available(look: Look, findings: Findings) -> None:
    """It is `available`, with no change waiting; what ends by itself is waited for, up to an hour.

    Not asked where a copy is made of a snapshot that exists, beside it.
    """
    refuse_busy(findings, look.kind, look.identifier, look.found)


def refuse_busy(findings: Findings, kind: Kind, name: str, found: Description) -> None:
    """Note a database or member that is at something, or has a change waiting for its window."""
    status, pending = found[kind.status], ", ".join(sorted(found.get("PendingModifiedValues", {})))
    if status not in (*TRIED, *LASTING):
        # It may be what makes the changes that are pending now.
        with_changes = f", with pending changes ({pending})" if pending else ""
        findings.wait(
            f"{name} is {status}{with_changes}: start the execution again once it is available."
        )
        return
    if status in ("stopped", "stopping"):
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{name} is {status}: start it ({start_command(kind, name, found)}), then the execution"
            " again once it is available.",
        )
    elif status not in TRIED:
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{name} is {status}: start the execution again once it is available.",
        )
    if pending:
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{name} has pending changes ({pending}): apply or withdraw them.",
        )


def start_command(kind: Kind, name: str, found: Description) -> str:
    """The command that starts a database; a member is started with its cluster."""
    cluster = found.get("DBClusterIdentifier") or name
    word = "cluster" if kind is CLUSTER or cluster != name else "instance"
    return f"`aws rds start-db-{word} --db-{word}-identifier {cluster}`"


def members_available(look: Look, findings: Findings) -> None:
    """Each member is visible, unprotected, and as the cluster should be; one is the writer.

    Replicas of Application Auto Scaling do not matter, unless one is the writer.
    """
    listed = look.found["DBClusterMembers"]
    writers = [one["DBInstanceIdentifier"] for one in listed if one["IsClusterWriter"]]
    if len(writers) != 1:
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{look.identifier} has {len(writers)} writers: it must have one.",
        )
    visible = {member["DBInstanceIdentifier"] for member in look.members}
    for name in (one["DBInstanceIdentifier"] for one in listed):
        if name not in visible and not name.startswith(AUTOSCALED):
            findings.add(
                exceptions.DatabaseNotAvailable,
                f"The member {name} is not visible: start the execution again once it is.",
            )
    for name in writers:
        if name.startswith(AUTOSCALED):
            findings.add(
                exceptions.DatabaseNotSupported,
                f"The writer {name} was made by auto scaling, which takes its replicas away again:"
                " fail over to another member first.",
            )
    for member in look.members:
        refuse_protected(findings, member["DBInstanceIdentifier"], member)
        if not look.is_beside:
            refuse_busy(findings, INSTANCE, member["DBInstanceIdentifier"], member)


def fit_for_sql(look: Look, findings: Findings) -> None:
    """The hook `sql` speaks to its engine, and has a secret to log in with."""
    secret = look.is_password_managed or look.request.get("masterUserSecret")
    if why := why_not(look.found["Engine"], secret=bool(secret)):
        findings.add(exceptions.InvalidRequest, why)


def domain_joined(look: Look, findings: Findings) -> None:
    """Its own membership in a domain has not failed, unless another is asked for."""
    failed = statuses.failed_domains(look.found)
    if failed and not any(name.startswith("Domain") for name in look.overrides):
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"Of {look.identifier}, {failed[0]}, and so may be that of its copy: mend it, or take"
            " the database out of the domain.",
        )


def room_for_the_tag(look: Look, findings: Findings) -> None:
    """Room for one more tag beside its own, and each member's: 50 are too many."""
    # RDS takes 50, not counting AWS's. [fact: most-tags]
    for name, found in look.parts:
        own = len(own_tags(found))
        if own >= MOST_TAGS:
            findings.add(
                exceptions.DatabaseNotSupported,
                f"{name} has {own} tags, which leaves none for the tag {IN_PROGRESS_TAG}: take one"
                " off.",
            )


def endpoints_with_members(look: Look, findings: Findings) -> None:
    """A custom endpoint has a member that is restored, not only replicas of auto scaling."""
    # Without any of its members left, an endpoint would lead to all of the cluster's.
    for endpoint in look.endpoints:
        if endpoint["static"] and all(name.startswith(AUTOSCALED) for name in endpoint["static"]):
            findings.add(
                exceptions.DatabaseNotSupported,
                f"The custom endpoint {endpoint['identifier']} has only replicas of auto scaling,"
                " which a restore does not make: give it another member, or delete it.",
            )


# Warnings


def parts_in_motion(look: Look, findings: Findings) -> None:
    """A group or domain is on its way out, parameters wait for a reboot, or a part has failed."""
    for name, found in look.parts:
        endings = {
            "is not carried over": statuses.lines(found, "leaving"),
            "is in effect in what is restored": statuses.lines(found, "waiting"),
            "may be no better in what is restored: mend it": [
                # A domain's failure is refused.
                line
                for line in statuses.ailing(found)
                if line not in statuses.failed_domains(found)
            ],
        }
        for ending, lines in endings.items():
            for line in lines:
                findings.warn(f"Of {name}, {line}: it {ending}.")


def shown_as_it_is(look: Look, findings: Findings) -> None:
    """It, or a member, is not `available`, or has changes pending: the copy does not get these."""
    for name, found in look.parts:
        kind = look.kind if found is look.found else INSTANCE
        status, pending = found[kind.status], sorted(found.get("PendingModifiedValues", {}))
        if status not in TRIED:
            findings.warn(
                f"{name} is {status}, which a copy beside it does not mind: it is made of the"
                " snapshot, and configured as the original shows now."
            )
        if pending:
            findings.warn(
                f"{name} has pending changes ({', '.join(pending)}): the copy does not have them."
            )


def endpoints_stay(look: Look, findings: Findings) -> None:
    """The cluster has custom endpoints, which stay its own."""
    # Their names are unique in a region, and the original goes on having them.
    if look.endpoints:
        named = ", ".join(endpoint["identifier"] for endpoint in look.endpoints)
        findings.warn(
            f"The custom endpoints of {look.identifier} stay its own ({named}): make others"
            f" for {look.request['targetIdentifier']}."
        )


def write_loss(look: Look, findings: Findings) -> None:
    """`restore-first` with `create_snapshot`: what is written before the swap is lost."""
    findings.warn(
        f"What clients write to {look.identifier} between the snapshot and the swap is not in the"
        " restored database, as acceptWriteLoss allows."
    )


def backups_deleted(look: Look, findings: Findings) -> None:
    """`deleteAutomatedBackups` is set, and there are some."""
    if look.request.get("deleteAutomatedBackups") and look.found.get("BackupRetentionPeriod"):
        findings.warn(
            f"The automated backups of {look.identifier} are deleted with the original: no restore"
            " to a point in time before this one is possible afterwards."
        )
