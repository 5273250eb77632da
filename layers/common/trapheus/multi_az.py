"""Multi-AZ DB clusters, whose members RDS makes, changes and deletes itself.

They are restored beside only: no source says whether the names of their members collide once the
cluster is renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.configuration import members_awaiting_reboot
from trapheus.exceptions import StillInProgress
from trapheus.rds import is_marked, mark, members, rds
from trapheus.storage import fit_size

if TYPE_CHECKING:
    from trapheus.rds import Description


def is_multi_az(cluster: Description) -> bool:
    """Whether it is a Multi-AZ DB cluster, and not one of Aurora."""
    return "DBClusterInstanceClass" in cluster


def names_of_members(cluster: str) -> list[str]:
    """The names that RDS gives the members of a cluster (RDS User Guide)."""
    return [f"{cluster}-instance-{number}" for number in (1, 2, 3)]


def fit(plan: dict[str, Any], found: Description, source: Description | None) -> None:
    """Ask for the original's storage only where RDS takes it, and for IOPS together with it.

    A Modify takes provisioned IOPS and storage only both at once
    (GH hashicorp/terraform-provider-aws#44697).
    """
    fit_size(plan, found, source)
    if "AllocatedStorage" not in plan["modify"]:
        plan["modify"].pop("Iops", None)


def mark_all_members(cluster: Description, execution: str) -> None:
    """Mark the members that RDS makes; raises StillInProgress until all show."""
    name = cluster["DBClusterIdentifier"]
    if mark_members(cluster, execution) < len(names_of_members(name)):
        raise StillInProgress("Its members are being made", identifier=name)


def mark_members(cluster: Description, execution: str) -> int:
    """Mark the members that show, and count them; the deletion of the cluster deletes them too.

    That asks for the right to delete each (Service Authorization Reference, DeleteDBCluster), which
    a rollback has only over what is marked.
    """
    own = members(cluster)
    for member in own:
        if not is_marked(member, execution):
            rds().add_tags_to_resource(ResourceName=member["DBInstanceArn"], Tags=[mark(execution)])
    return len(own)


def lines_on(cluster: Description) -> list[str]:
    """What the last look finds wrong with the members, of which the plan has none."""
    lines = [
        f"{name}: a parameter group takes effect only after a reboot"
        for name in sorted(members_awaiting_reboot(cluster))
    ]
    if not any(member["IsClusterWriter"] for member in cluster["DBClusterMembers"]):
        lines.append("the restored cluster has no writer")
    return lines
