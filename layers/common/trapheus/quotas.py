"""Quotas of the account: the original and the restored database exist side by side for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus import exceptions
from trapheus.constants import DB_RESTORE
from trapheus.preflight import replaces
from trapheus.rds import rds
from trapheus.ties import every

if TYPE_CHECKING:
    from trapheus.preflight import Findings
    from trapheus.rds import Description

# Quota -> what it counts, as a sentence calls it (botocore's model of AccountQuota).
COUNTED = {
    "AllocatedStorage": "GiB of storage",
    "DBClusters": "clusters",
    "DBInstances": "instances",
    "ManualClusterSnapshots": "manual cluster snapshots",
    "ManualSnapshots": "manual snapshots",
}


def check_quotas(findings: Findings, needed: dict[str, int]) -> dict[str, int]:
    """Refuse what the account has no room for; return each quota's maximum.

    needed: how many more of each quota at the same time, by the quota's name.
    """
    attributes = rds().describe_account_attributes()["AccountQuotas"]
    quotas = {quota["AccountQuotaName"]: quota for quota in attributes}
    for name, more in needed.items():
        # Not every region counts everything.
        if name in quotas:
            refuse(findings, COUNTED[name], more, quotas[name]["Used"], quotas[name]["Max"])
    return {name: quota["Max"] for name, quota in quotas.items()}


def check_backups(findings: Findings, operation: str, key: str, most: int | None) -> None:
    """Refuse when the automated backups of the original could not be kept.

    Those of deleted databases have a quota as large as that of the databases (botocore's model of
    DBInstanceAutomatedBackupQuotaExceededFault and its twin).
    """
    status = [{"Name": "status", "Values": ["retained"]}]
    held = sum(1 for _ in every(operation, key, Filters=status))
    if most is not None:
        refuse(
            findings,
            "retained automated backups",
            1,
            held,
            most,
            otherwise=", or set deleteAutomatedBackups",
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


def snapshots_needed(request: dict[str, Any], source: Description | None) -> int:
    """How many more manual snapshots there are at the same time than now.

    A successor stands beside its predecessor; once it has taken its place there are as many as
    before. The final snapshot comes after that.
    """
    new = request["task"] != DB_RESTORE
    stays = 1 if new and source is None else 0
    final = 1 if replaces(request) and request.get("finalSnapshot") else 0
    return max(1 if new else 0, stays + final)


def keeps_backups(request: dict[str, Any], found: Description) -> bool:
    """Whether the original is deleted without its automated backups, and has some."""
    return bool(
        replaces(request)
        and not request.get("keepOriginal")
        and not request.get("deleteAutomatedBackups")
        and found.get("BackupRetentionPeriod")
    )
