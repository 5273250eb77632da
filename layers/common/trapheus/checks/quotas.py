"""Quotas of the account: the original and the restored database exist side by side for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.checks.dependencies import every
from trapheus.checks.look import INSTANCE
from trapheus.checks.source.copying import is_copied
from trapheus.configuration.storage import has_outgrown
from trapheus.execution import exceptions

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look

# Quota -> what it counts, as a sentence calls it (botocore's model of AccountQuota).
COUNTED = {
    "AllocatedStorage": "GiB of storage",
    "DBClusters": "clusters",
    "DBInstances": "instances",
    "ManualClusterSnapshots": "manual cluster snapshots",
    "ManualSnapshots": "manual snapshots",
}
# How the automated backups of deleted databases are asked for, and the quota that is as large.
BACKUPS = {
    "instance": (
        "describe_db_instance_automated_backups",
        "DBInstanceAutomatedBackups",
        "DBInstances",
    ),
    "cluster": (
        "describe_db_cluster_automated_backups",
        "DBClusterAutomatedBackups",
        "DBClusters",
    ),
}


def room_for_both(look: Look, findings: Findings) -> None:
    """The quotas have room for both databases at the same time, and for the new snapshots.

    That is for instances, with all members, clusters, and GiB of the storage of an instance or a
    Multi-AZ DB cluster.
    """
    for name, more in needed(look).items():
        # Not every region counts everything.
        if quota := look.quotas.get(name):
            refuse(findings, COUNTED[name], more, quota["Used"], quota["Max"])


def needed(look: Look) -> dict[str, int]:
    """How many more of each quota there are at the same time, by the quota's name."""
    if look.kind is INSTANCE:
        snapshots = {"ManualSnapshots": snapshots_needed(look)}
        copies = {"DBInstances": 1, "AllocatedStorage": size_needed(look)}
    else:
        snapshots = {"ManualClusterSnapshots": snapshots_needed(look)}
        copies = {"DBClusters": 1, "DBInstances": len(look.members)}
    if look.is_multi_az:
        copies |= {
            "DBInstances": len(look.found["DBClusterMembers"]),
            # Once, or for each member: open. [fact: quota-of-storage]
            "AllocatedStorage": look.wanted["AllocatedStorage"],
        }
    return snapshots | copies if look.restores else snapshots


def size_needed(look: Look) -> int:
    """The GiB of the copy of an instance."""
    restored = look.restored or look.found
    larger = look.wanted if has_outgrown(look.wanted, restored) else restored
    return int(larger["AllocatedStorage"])


def snapshots_needed(look: Look) -> int:
    """How many more manual snapshots there are at the same time than now.

    A successor stands beside its predecessor; once it has taken its place there are as many as
    before. The copy that is shared comes after that, and the final snapshot at the end; a copy that
    is restored is there until then.
    """
    new, copied = look.takes_snapshot, look.shares_copy
    stays = 1 if new and look.snapshot is None else 0
    shared = 1 if copied and look.shared_copy is None else 0
    final = 1 if look.replaces and look.request.get("finalSnapshot") else 0
    source = 1 if is_copied(look) else 0
    return max(1 if new else 0, stays + (1 if copied else 0), stays + shared + final + source)


def room_for_backups(look: Look, findings: Findings) -> None:
    """The original's automated backups can be kept: there may be as many as databases.

    Not asked with `keepOriginal` or `deleteAutomatedBackups`.
    """
    # Those of deleted databases have a quota as large as that of the databases.
    # [fact: quota-of-retained-backups]
    if not keeps_backups(look):
        return
    operation, key, quota = BACKUPS[look.kind.name]
    status = [{"Name": "status", "Values": ["retained"]}]
    held = sum(1 for _ in every(operation, key, Filters=status))
    if quota in look.quotas:
        most = look.quotas[quota]["Max"]
        wish = ", or set deleteAutomatedBackups"
        refuse(findings, "retained automated backups", 1, held, most, otherwise=wish)


def keeps_backups(look: Look) -> bool:
    """Whether the original is deleted without its automated backups, and has some."""
    return bool(
        not look.request.get("keepOriginal")
        and not look.request.get("deleteAutomatedBackups")
        and look.found.get("BackupRetentionPeriod")
    )


def refuse(
    findings: Findings, what: str, more: int, used: int, most: int, *, otherwise: str = ""
) -> None:
    """Note a quota that would be exceeded."""
    left = max(0, most - used)
    if more > left:
        findings.add(
            exceptions.QuotaExceeded,
            f"The quota of {most} {what} is too small, since the execution needs {more}, only"
            f" {left} left: delete what nothing needs, or ask AWS for a higher quota{otherwise}.",
        )
