"""Check step: whether a cluster can be restored in place, and the plan for it."""

from typing import Any

from trapheus import exceptions, offers, preflight, quotas, ties
from trapheus.attributes import CLUSTER, MEMBER
from trapheus.configuration import configuration
from trapheus.constants import (
    ASIDE_SUFFIX,
    BESIDE,
    DB_RESTORE,
    MAX_CLUSTER_IDENTIFIER,
    MAX_IDENTIFIER,
    MAX_INSTANCE_IDENTIFIER,
    SUCCESSOR_SUFFIX,
)
from trapheus.endpoints import Endpoint, custom_endpoints
from trapheus.errors import failing_as
from trapheus.logs import logged
from trapheus.members import leave_to_cluster
from trapheus.multi_az import fit, is_multi_az, names_of_members
from trapheus.overrides import as_overridden, for_cluster, override, unfit
from trapheus.preflight import Findings
from trapheus.rds import (
    Description,
    cluster,
    cluster_snapshot,
    cluster_snapshots,
    clusters,
    instance,
    instances,
    members,
    moment_of,
)

# Replicas that Application Auto Scaling has made; it makes them again by itself, and their names
# are too long for a suffix.
AUTOSCALED = "application-autoscaling-"


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the plan and the findings; refuse when there are findings, unless it is a dry run."""
    request = event["request"]
    identifier = request["identifier"]
    findings = Findings()
    with failing_as(exceptions.CheckFailed, identifier):
        found = cluster(identifier)
        if found is None or not is_restorable(findings, request, found):
            if found is None:
                explain_absence(findings, request)
            return preflight.concluded(findings, None, request)
        source = preflight.source_of(request, cluster_snapshot, cluster_snapshots)
        own = own_members(found)
        examine(findings, request, found, own, source)
        plan = planned(event, findings, found, own, source)
    return preflight.concluded(findings, plan, request)


def explain_absence(findings: Findings, request: dict[str, Any]) -> None:
    """Say whether nothing has this name, or an instance has it."""
    identifier = request["identifier"]
    if instance(identifier):
        findings.add(
            exceptions.WrongKind,
            f"{identifier} is an instance: set isCluster to false.",
        )
    else:
        aside = identifier + ASIDE_SUFFIX
        fits = len(aside) <= MAX_IDENTIFIER
        preflight.refuse_absent(findings, request, "cluster", cluster(aside) if fits else None)


def is_restorable(findings: Findings, request: dict[str, Any], found: Description) -> bool:
    """Whether this is a cluster of RDS that the request is possible for."""
    name, replaces = found["DBClusterIdentifier"], preflight.replaces(request)
    error = exceptions.WrongKind
    preflight.check_attributes(findings, CLUSTER, name, found, error, replaces=replaces)
    if not (findings.all or found["Engine"].startswith("aurora") or is_multi_az(found)):
        findings.add(error, f"{name} is of {found['Engine']}, which is not Aurora.")
    return not findings.all


def own_members(found: Description) -> list[Description]:
    """The members to restore: none that auto scaling or, in a Multi-AZ DB cluster, RDS makes."""
    if is_multi_az(found):
        return []
    return [
        member
        for member in members(found)
        if not member["DBInstanceIdentifier"].startswith(AUTOSCALED)
    ]


def examine(
    findings: Findings,
    request: dict[str, Any],
    found: Description,
    own: list[Description],
    source: Description | None,
) -> None:
    """Note everything that speaks against the task."""
    identifier = request["identifier"]
    preflight.check_protection(findings, found, identifier)
    preflight.check_quiet(
        findings, identifier, found["Status"], found.get("PendingModifiedValues", {})
    )
    # A restore of an existing snapshot does not mind a successor.
    asks = request["task"] != DB_RESTORE or not (source or request["snapshotIdentifier"])
    successor = cluster_snapshot(identifier + SUCCESSOR_SUFFIX) if asks else None
    preflight.check_snapshots(findings, request, found["Engine"], source, successor)
    if len(identifier) > MAX_CLUSTER_IDENTIFIER:
        findings.add(
            exceptions.InvalidRequest,
            f"The identifier is {len(identifier)} characters long; with the suffix -snapshot it"
            f" may have {MAX_CLUSTER_IDENTIFIER}.",
        )
    restores = preflight.restores(request)
    keys = [key for one in (found, *own) for key in offers.keys_of(one, request, restores=restores)]
    offers.check_keys(findings, keys, found["DBClusterArn"].split(":")[4])
    check_names(findings, request, found, names_of(own))
    if restores:
        examine_restore(findings, request, found, own, source)
    if preflight.replaces(request):
        examine_replacement(findings, request, found, own)
    if restores:
        replaces, error = preflight.replaces(request), exceptions.DatabaseNotSupported
        preflight.check_attributes(findings, CLUSTER, identifier, found, error, replaces=replaces)
    check_room(findings, request, found, own, source)


def names_of(own: list[Description]) -> list[str]:
    """The names of these members."""
    return [member["DBInstanceIdentifier"] for member in own]


def check_names(
    findings: Findings, request: dict[str, Any], found: Description, names: list[str]
) -> None:
    """The names of the copy, and of the original once it steps aside, must be possible and free."""
    identifier = request["identifier"]
    made = preflight.made_name(request, identifier)
    made_members = preflight.member_names(request, names)
    if is_multi_az(found):
        made_members = {name: name for name in names_of_members(made)}
    taken = {
        "cluster": clusters(preflight.wanted_names(request, {identifier: made})),
        "instance": instances(preflight.wanted_names(request, made_members)),
    }
    if made != identifier:
        preflight.check_made(findings, request, made, "cluster", taken)
        for name in made_members.values():
            preflight.check_made(findings, request, name, "instance", taken)
    if not preflight.replaces(request):
        return
    preflight.check_free(findings, request, identifier + ASIDE_SUFFIX, "cluster", taken)
    for name in names:
        if len(name) > MAX_INSTANCE_IDENTIFIER:
            findings.add(
                exceptions.DatabaseNotSupported,
                f"The member {name} has {len(name)} characters; with the suffix -temp it may have"
                f" {MAX_INSTANCE_IDENTIFIER}: rename it first.",
            )
        else:
            preflight.check_free(findings, request, name + ASIDE_SUFFIX, "instance", taken)


def examine_restore(
    findings: Findings,
    request: dict[str, Any],
    found: Description,
    own: list[Description],
    source: Description | None,
) -> None:
    """Note what speaks against a copy of the cluster, wherever it is made."""
    identifier, names = request["identifier"], names_of(own)
    overrides = request["overrides"]
    restored = preflight.restored_of(request, source)
    if restored is not None:
        name = restored["DBClusterSnapshotIdentifier"]
        fixed = is_multi_az(found) and not overrides.get("AllocatedStorage")
        size = "AllocatedStorage" if fixed else ""
        preflight.compare(findings, name, found, restored, size)
    if is_multi_az(found):
        preflight.check_size(findings, request, found, restored)
    else:
        check_members(findings, identifier, found, own)
    check_overrides(findings, identifier, found, overrides)
    preflight.check_version(findings, request, found, restored)
    preflight.check_domain(findings, request, found)
    for name, one in zip((identifier, *names), (found, *own), strict=True):
        preflight.check_tags(findings, name, one)
    wanted = as_overridden(found, overrides)
    version = offers.version_of(wanted, overrides, "the cluster")
    check_offers(findings, version, wanted, [as_overridden(one, overrides) for one in own])
    for name, member in zip(names, own, strict=True):
        preflight.warn_of_reservation(findings, name, as_overridden(member, overrides))


def examine_replacement(
    findings: Findings, request: dict[str, Any], found: Description, own: list[Description]
) -> None:
    """Note what speaks against the cluster's replacement, and what it cannot keep."""
    identifier, resource_id = request["identifier"], found["DbClusterResourceId"]
    check_ties(findings, found)
    network = own[0].get("DBSubnetGroup", {}).get("VpcId", "") if own else ""
    ties.warn_of_proxies(findings, identifier, resource_id, found["Engine"], network)
    preflight.warn_of_losses(findings, request, found)


def check_offers(
    findings: Findings, version: offers.Version, found: Description, own: list[Description]
) -> None:
    """Refuse what AWS does not have for the version to be restored.

    That is the cluster's own, or what the request asks for, whatever the snapshot's is.
    """
    of_all = [found["DBClusterInstanceClass"]] if is_multi_az(found) else []
    classes = dict.fromkeys([*of_all, *(member["DBInstanceClass"] for member in own)])
    offers.check_offer(findings, version, classes)
    # A cluster that the internet reaches may have none.
    if "DBSubnetGroup" in found:
        offers.check_subnet_group(findings, found["DBSubnetGroup"])
    offers.check_cluster_parameter_group(findings, found["DBClusterParameterGroup"], version)
    groups = (group["DBParameterGroupName"] for one in own for group in one["DBParameterGroups"])
    for group in dict.fromkeys(groups):
        offers.check_parameter_group(findings, group, version)


def check_room(
    findings: Findings,
    request: dict[str, Any],
    found: Description,
    own: list[Description],
    source: Description | None,
) -> None:
    """Refuse what the account's quotas have no room for."""
    needed = {"ManualClusterSnapshots": quotas.snapshots_needed(request, source)}
    if preflight.restores(request):
        needed |= {"DBClusters": 1, "DBInstances": len(own)}
        if is_multi_az(found):
            # Whether the quota counts its storage once or for each member is in no source.
            size = request["overrides"].get("AllocatedStorage") or found["AllocatedStorage"]
            needed |= {"DBInstances": len(found["DBClusterMembers"]), "AllocatedStorage": size}
    most = quotas.check_quotas(findings, needed)
    if quotas.keeps_backups(request, found):
        operation, key = "describe_db_cluster_automated_backups", "DBClusterAutomatedBackups"
        quotas.check_backups(findings, operation, key, most.get("DBClusters"))


def check_overrides(
    findings: Findings, identifier: str, found: Description, overrides: dict[str, Any]
) -> None:
    """Refuse what is asked for and has no meaning for this sort of cluster."""
    for name in unfit(found, overrides):
        sort = "a Multi-AZ DB cluster" if is_multi_az(found) else "an Aurora cluster"
        findings.add(
            exceptions.InvalidRequest,
            f"{identifier} is {sort}, whose restore takes no {name}: leave that override out.",
        )


def check_members(
    findings: Findings, identifier: str, found: Description, own: list[Description]
) -> None:
    """Every member must be available, and one must be the writer."""
    writers = [m for m in found["DBClusterMembers"] if m["IsClusterWriter"]]
    if len(writers) != 1:
        findings.add(
            exceptions.DatabaseNotAvailable,
            f"{identifier} has {len(writers)} writers: it must have one.",
        )
    visible = {member["DBInstanceIdentifier"] for member in own}
    for listed in found["DBClusterMembers"]:
        name = listed["DBInstanceIdentifier"]
        if name not in visible and not name.startswith(AUTOSCALED):
            findings.add(
                exceptions.DatabaseNotAvailable,
                f"The member {name} is not visible: start the execution again once it is.",
            )
    for writer in writers:
        if writer["DBInstanceIdentifier"].startswith(AUTOSCALED):
            findings.add(
                exceptions.DatabaseNotSupported,
                f"The writer {writer['DBInstanceIdentifier']} was made by auto scaling, which takes"
                " its replicas away again: fail over to another member first.",
            )
    for member in own:
        name = member["DBInstanceIdentifier"]
        preflight.check_protection(findings, member, name)
        preflight.check_quiet(
            findings, name, member["DBInstanceStatus"], member.get("PendingModifiedValues", {})
        )


def check_endpoints(findings: Findings, endpoints: list[Endpoint]) -> None:
    """Without any of its members left, an endpoint would lead to all of the cluster's."""
    for endpoint in endpoints:
        if endpoint["static"] and all(name.startswith(AUTOSCALED) for name in endpoint["static"]):
            findings.add(
                exceptions.DatabaseNotSupported,
                f"The custom endpoint {endpoint['identifier']} has only replicas of auto scaling,"
                " which a restore does not make: give it another member, or delete it.",
            )


def check_ties(findings: Findings, found: Description) -> None:
    """Refuse what would be lost or promoted when the original goes."""
    name = found["DBClusterIdentifier"]
    ties.check_global_clusters(findings, found)
    ties.check_deployments(findings, name, found["DBClusterArn"])
    ties.check_integrations(findings, name, found["DBClusterArn"])


def planned(
    event: dict[str, Any],
    findings: Findings,
    found: Description,
    own: list[Description],
    source: Description | None,
) -> dict[str, Any]:
    """The plan: names, resource ids and all the configuration to carry over."""
    request = event["request"]
    restored = preflight.restored_of(request, source)
    wanted = configuration(CLUSTER, found)
    # Describe shows only their addresses.
    endpoints = custom_endpoints(found["DBClusterIdentifier"]) if wanted["endpoints"] else []
    if request["strategy"] == BESIDE and endpoints:
        # Their names are unique in a region, and the original goes on having them.
        names = ", ".join(endpoint["identifier"] for endpoint in endpoints)
        findings.warn(
            f"The custom endpoints of {request['identifier']} stay its own ({names}): make others"
            f" for {request['targetIdentifier']}."
        )
        endpoints = []
    if preflight.replaces(request):
        check_endpoints(findings, endpoints)
    made = preflight.member_names(request, names_of(own))
    plan = {
        **preflight.basis(event, findings, source),
        "resourceId": found["DbClusterResourceId"],
        "arn": found["DBClusterArn"],
        "dataAsOf": moment_of(restored),
        **wanted,
        "endpoints": endpoints,
        "autoscaled": [
            member["DBInstanceIdentifier"]
            for member in found["DBClusterMembers"]
            if member["DBInstanceIdentifier"].startswith(AUTOSCALED)
        ],
        "members": [
            {
                "identifier": member["DBInstanceIdentifier"],
                "made": made[member["DBInstanceIdentifier"]],
                "aside": member["DBInstanceIdentifier"] + ASIDE_SUFFIX,
                "resourceId": member["DbiResourceId"],
                "arn": member["DBInstanceArn"],
                **configuration(MEMBER, member),
            }
            for member in (own if wanted["members"] else [])
        ],
    }
    override(plan, CLUSTER, found["Engine"], for_cluster(found, request["overrides"]))
    if is_multi_az(found):
        fit(plan, found, restored)
    for member in plan["members"]:
        override(member, MEMBER, found["Engine"], request["overrides"])
    leave_to_cluster(plan)
    preflight.check_together(findings, request, plan)
    preflight.leave_to_the_original(plan)
    return plan
