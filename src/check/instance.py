"""Check step: whether an instance can be restored in place, and the plan for it."""

from typing import Any

from trapheus import exceptions, offers, preflight, quotas, ties
from trapheus.attributes import INSTANCE
from trapheus.configuration import configuration
from trapheus.constants import (
    ASIDE_SUFFIX,
    DB_RESTORE,
    MAX_IDENTIFIER,
    MAX_INSTANCE_IDENTIFIER,
    SUCCESSOR_SUFFIX,
)
from trapheus.errors import failing_as
from trapheus.logs import logged
from trapheus.overrides import as_overridden, override
from trapheus.preflight import Findings
from trapheus.rds import Description, cluster, instance, instances, moment_of, snapshot, snapshots
from trapheus.storage import fit_storage, has_outgrown, size_of_copy

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
                explain_absence(findings, request)
            return preflight.concluded(findings, None, request)
        source = preflight.source_of(request, snapshot, snapshots)
        examine(findings, request, found, source)
    return preflight.concluded(findings, planned(event, findings, found, source), request)


def explain_absence(findings: Findings, request: dict[str, Any]) -> None:
    """Say whether nothing has this name, or a cluster has it."""
    identifier = request["identifier"]
    if cluster(identifier):
        findings.add(
            exceptions.WrongKind,
            f"{identifier} is a cluster: set isCluster to true.",
        )
    else:
        aside = identifier + ASIDE_SUFFIX
        fits = len(aside) <= MAX_IDENTIFIER
        preflight.refuse_absent(findings, request, "instance", instance(aside) if fits else None)


def is_restorable(findings: Findings, found: Description) -> bool:
    """Whether this is an instance that has snapshots of its own."""
    name = found["DBInstanceIdentifier"]
    preflight.check_attributes(findings, INSTANCE, name, found, exceptions.WrongKind)
    if not findings.all and not found["Engine"].startswith(SUPPORTED):
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
    # A restore of an existing snapshot does not mind a successor.
    asks = request["task"] != DB_RESTORE or not (source or request["snapshotIdentifier"])
    successor = snapshot(identifier + SUCCESSOR_SUFFIX) if asks else None
    preflight.check_snapshots(findings, request, found["Engine"], source, successor)
    restores = preflight.restores(request)
    keys = offers.keys_of(found, request, restores=restores)
    offers.check_keys(findings, keys, found["DBInstanceArn"].split(":")[4])
    check_names(findings, request)
    if restores:
        examine_restore(findings, request, found, source)
    if preflight.replaces(request):
        examine_replacement(findings, request, found)
    if restores:
        replaces, error = preflight.replaces(request), exceptions.DatabaseNotSupported
        preflight.check_attributes(findings, INSTANCE, identifier, found, error, replaces=replaces)
    check_room(findings, request, found, source)


def check_names(findings: Findings, request: dict[str, Any]) -> None:
    """The names of the copy, and of the original once it steps aside, must be possible and free."""
    identifier = request["identifier"]
    made = preflight.made_name(request, identifier)
    taken = {"instance": instances(preflight.wanted_names(request, {identifier: made}))}
    if made != identifier:
        preflight.check_made(findings, request, made, "instance", taken)
    if not preflight.replaces(request):
        return
    if len(identifier) > MAX_INSTANCE_IDENTIFIER:
        findings.add(
            exceptions.InvalidRequest,
            f"The identifier is {len(identifier)} characters long; with the suffix -temp it may"
            f" have {MAX_INSTANCE_IDENTIFIER}.",
        )
    else:
        preflight.check_free(findings, request, identifier + ASIDE_SUFFIX, "instance", taken)


def examine_restore(
    findings: Findings, request: dict[str, Any], found: Description, source: Description | None
) -> None:
    """Note what speaks against a copy of the instance, wherever it is made."""
    identifier = request["identifier"]
    restored = preflight.restored_of(request, source)
    if restored is not None:
        name = restored["DBSnapshotIdentifier"]
        size = "" if request["overrides"].get("AllocatedStorage") else "AllocatedStorage"
        preflight.compare(findings, name, found, restored, size)
    preflight.check_size(findings, request, found, restored)
    preflight.check_version(findings, request, found, restored)
    preflight.check_domain(findings, request, found)
    preflight.check_tags(findings, identifier, found)
    wanted = as_overridden(found, request["overrides"])
    check_offers(findings, wanted, restored or found)
    if wanted["EngineVersion"] != found["EngineVersion"]:
        later = offers.version_of(wanted, request["overrides"], "the database")
        offers.check_offer(findings, later, [wanted["DBInstanceClass"]])
    preflight.warn_of_reservation(findings, identifier, wanted)


def examine_replacement(findings: Findings, request: dict[str, Any], found: Description) -> None:
    """Note what speaks against the instance's replacement, and what it cannot keep."""
    identifier = request["identifier"]
    check_ties(findings, found)
    network = found.get("DBSubnetGroup", {}).get("VpcId", "")
    ties.warn_of_proxies(findings, identifier, found["DbiResourceId"], found["Engine"], network)
    preflight.warn_of_losses(findings, request, found)


def check_offers(findings: Findings, wanted: Description, begins: Description) -> None:
    """Refuse what AWS does not have for the version to be restored.

    begins: the snapshot, at whose version an instance is restored (API reference); the instance,
    where it is yet to be taken.
    """
    name = begins.get("DBSnapshotIdentifier")
    whose = f"the snapshot {name}" if name else "the database"
    version = offers.Version(wanted["Engine"], begins["EngineVersion"], whose)
    offers.check_offer(findings, version, [wanted["DBInstanceClass"]])
    offers.check_subnet_group(findings, wanted["DBSubnetGroup"]["DBSubnetGroupName"])
    for group in wanted["DBParameterGroups"]:
        offers.check_parameter_group(findings, group["DBParameterGroupName"], version)
    for group in wanted["OptionGroupMemberships"]:
        offers.check_option_group(findings, group["OptionGroupName"], version)


def check_room(
    findings: Findings, request: dict[str, Any], found: Description, source: Description | None
) -> None:
    """Refuse what the account's quotas have no room for."""
    needed = {"ManualSnapshots": quotas.snapshots_needed(request, source)}
    if preflight.restores(request):
        restored = preflight.restored_of(request, source) or found
        wanted = as_overridden(found, request["overrides"])
        larger = wanted if has_outgrown(wanted, restored) else restored
        needed |= {"DBInstances": 1, "AllocatedStorage": larger["AllocatedStorage"]}
    most = quotas.check_quotas(findings, needed)
    if quotas.keeps_backups(request, found):
        operation, key = "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups"
        quotas.check_backups(findings, operation, key, most.get("DBInstances"))


def check_ties(findings: Findings, found: Description) -> None:
    """Refuse what would be lost or promoted when the original goes."""
    name = found["DBInstanceIdentifier"]
    ties.check_deployments(findings, name, found["DBInstanceArn"])
    ties.check_integrations(findings, name, found["DBInstanceArn"])


def planned(
    event: dict[str, Any], findings: Findings, found: Description, source: Description | None
) -> dict[str, Any]:
    """The plan: names, the resource id and all the configuration to carry over."""
    request = event["request"]
    restored = preflight.restored_of(request, source)
    plan = {
        **preflight.basis(event, findings, source),
        "resourceId": found["DbiResourceId"],
        "arn": found["DBInstanceArn"],
        "dataAsOf": moment_of(restored),
        **configuration(INSTANCE, found),
    }
    override(plan, INSTANCE, found["Engine"], request["overrides"])
    fit_storage(plan, found, restored)
    size = size_of_copy(plan, found, restored)
    preflight.check_together(findings, request, plan, size)
    preflight.leave_to_the_original(plan)
    return plan
