"""The members of a cluster: asked for after a restore, and deleted with their cluster."""

from typing import Any

from trapheus.attributes import MEMBER
from trapheus.configuration import note_change
from trapheus.exceptions import NameTaken, RenameFailed, RestoreFailed, StillInProgress
from trapheus.multi_az import is_multi_az
from trapheus.rds import Description, instance, is_marked, mark, members, rds
from trapheus.waiters import AVAILABLE, BAD_INSTANCE, DELETING, not_ready

# What a cluster that has it has for all of its members: the parameter that says so, and what none
# of them may be given of its own then, not even the same. Of the interval:
# GH terraform-aws-modules/terraform-aws-rds-aurora#518; of Performance Insights:
# GH ansible-collections/amazon.aws#2531.
FOR_ALL: dict[str, tuple[str, ...]] = {
    "MonitoringInterval": ("MonitoringInterval", "MonitoringRoleArn"),
    "EnablePerformanceInsights": (
        "EnablePerformanceInsights",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
    ),
}
INHERITED = "its cluster has it for all of its members"


def leave_to_cluster(plan: dict[str, Any]) -> None:
    """Take out of the members' calls what their cluster is to have for all of them.

    `inherited` becomes what each is to show all the same. What one shows otherwise now is told.
    """
    of_cluster = plan["modify"]
    attributes = {name: key for key, row in MEMBER.items() for name in row.restore}
    names = [
        name
        for switch, names in FOR_ALL.items()
        if of_cluster.get(switch)
        for name in names
        if name in attributes
    ]
    for member in plan["members"] if names else []:
        own = {name: member["restore"].pop(name, None) for name in names}
        others = {name: was for name, was in own.items() if was != of_cluster.get(name)}
        member["inherited"] = {n: was for n, was in own.items() if was and n not in others}
        member["open"] = sorted({*member.get("open", ()), *others})
        for name, was in others.items():
            if attributes[name] not in member.get("changed", {}):
                note_change(member, attributes[name], was, INHERITED)


def create(member: dict[str, Any], plan: dict[str, Any]) -> None:
    """Ask for a member as it was; one that this execution has asked for counts as done.

    Raises StillInProgress while the old member still holds the name.
    """
    name, execution = member["made"], plan["execution"]
    found = instance(name)
    if found is None:
        rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=plan["made"],
            Tags=[*member["tags"], mark(execution)],
            **member["restore"],
        )
    elif found["DbiResourceId"] == member["resourceId"]:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RestoreFailed, name)
    elif not is_marked(found, execution):
        raise NameTaken(f"{name} is not of this execution.", identifier=name)


def give_name(member: dict[str, Any], plan: dict[str, Any], cluster: Description) -> None:
    """Ask for the original's name for a member that was restored beside it, unless it has it.

    cluster: the restored one, by its resource id. What is asked for counts as done.
    """
    name, made = member["identifier"], member["made"]
    if not is_listed(cluster, made):
        return
    found = instance(made)
    if found is None or found.get("DBClusterIdentifier") != cluster["DBClusterIdentifier"]:
        raise StillInProgress("Its list of members lags behind a rename", identifier=made)
    if not is_marked(found, plan["execution"]):
        raise NameTaken(f"{made} is not of this execution.", identifier=made)
    if found["DBInstanceStatus"] == "renaming":
        return
    if found["DBInstanceStatus"] not in AVAILABLE:
        raise not_ready(found["DBInstanceStatus"], BAD_INSTANCE, RenameFailed, made)
    holder = instance(name)
    if holder is not None:
        kind = StillInProgress if holder["DbiResourceId"] == member["resourceId"] else NameTaken
        raise kind(f"{name} is another instance's name", identifier=name)
    rds().modify_db_instance(
        DBInstanceIdentifier=made, NewDBInstanceIdentifier=name, ApplyImmediately=True
    )


def is_listed(cluster: Description, name: str) -> bool:
    """Whether a cluster has a member of this name."""
    return any(one["DBInstanceIdentifier"] == name for one in cluster["DBClusterMembers"])


def delete(cluster: Description) -> None:
    """Ask for the deletion of a cluster's members as they are now; one that is going counts.

    RDS deletes by name only, and a listing may lag behind a rename: nothing is deleted while a
    name that this cluster lists is a member of another one. Raises StillInProgress then. Those of a
    Multi-AZ DB cluster go with it (API reference of DeleteDBCluster).
    """
    if is_multi_az(cluster):
        return
    name = cluster["DBClusterIdentifier"]
    own = members(cluster)
    for member in own:
        if member.get("DBClusterIdentifier") != name:
            raise StillInProgress("Its list of members lags behind a rename", identifier=name)
    for member in own:
        if member["DBInstanceStatus"] not in DELETING:
            rds().delete_db_instance(
                DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
            )
