"""Multi-AZ DB clusters, whose members RDS makes, changes and deletes itself.

They are restored as copies only: no source says whether the names of their members collide once the
cluster is renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.exceptions import StillInProgress
from trapheus.rds.access import in_progress_tag, is_tagged, members, rds

if TYPE_CHECKING:
    from trapheus.rds.access import Description


def is_multi_az(cluster: Description) -> bool:
    """Whether it is a Multi-AZ DB cluster, and not one of Aurora."""
    return "DBClusterInstanceClass" in cluster


def names_of_members(cluster: str) -> list[str]:
    """The names that RDS gives the members of a cluster.

    [fact: names-of-multi-az-members]
    """
    return [f"{cluster}-instance-{number}" for number in (1, 2, 3)]


def tag_all_members(cluster: Description, execution: str) -> None:
    """Tag the members that RDS makes; raises StillInProgress until all show."""
    name = cluster["DBClusterIdentifier"]
    if tag_members(cluster, execution) < len(names_of_members(name)):
        raise StillInProgress("Its members are being made", identifier=name)


def tag_members(cluster: Description, execution: str) -> int:
    """Tag the members that show, and count them; the deletion of the cluster deletes them too.

    That asks for the right to delete each [fact: members-want-rights], which a rollback has only
    over what is tagged.
    """
    own = members(cluster)
    for member in own:
        if not is_tagged(member, execution):
            rds().add_tags_to_resource(
                ResourceName=member["DBInstanceArn"], Tags=[in_progress_tag(execution)]
            )
    return len(own)
