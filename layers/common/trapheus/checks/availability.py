"""What a restore finds only if AWS still has it: groups, the engine's version, classes and keys."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from trapheus.checks.look import INSTANCE
from trapheus.configuration.certificates import PARAMETER, certificate_of
from trapheus.configuration.comparison import numbers
from trapheus.execution import exceptions
from trapheus.execution.constants import RENAME_FIRST
from trapheus.execution.errors import code_of
from trapheus.rds.access import rds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Key, Look
    from trapheus.rds.access import Description

MOST_ACCOUNTS = 20
# Permanent or persistent, and shared all the same.
SHARED_OPTIONS = ("Timezone", "OLS")
GROUP_MISSING = frozenset(
    {"DBParameterGroupNotFound", "DBSubnetGroupNotFoundFault", "OptionGroupNotFoundFault"}
)


@dataclass(frozen=True)
class Version:
    """The engine and version of a copy; `whose` says where they stand, `cure` what helps if not."""

    engine: str
    number: str
    whose: str
    cure: str = "upgrade the database, then take a new snapshot"

    def __str__(self) -> str:
        return f"{self.engine} {self.number}"

    @property
    def key(self) -> tuple[str, str]:
        """How AWS is asked for it."""
        return self.engine, self.number

    def is_of(self, engine: str, major: str) -> bool:
        """Whether this is a version of an engine's major version, such as 16, 8.0 or 15.00."""
        return engine == self.engine and is_beginning(major, self.number)

    def fits(self, family: str) -> bool:
        """Whether a parameter group's family, such as postgres16 or oracle-ee-19, is this one's."""
        found = re.fullmatch(rf"{re.escape(self.engine)}-?([\d.]+)", family)
        return found is not None and is_beginning(found[1], self.number)


def restored_version(look: Look) -> Version:
    """The version at which a copy is made.

    An instance is restored at its snapshot's, or at its own where the snapshot is
    yet to be taken; a cluster at its own, or at what the request asks for.
    [fact: version-of-a-restored-cluster]
    """
    if look.kind is not INSTANCE:
        return final_version(look, "the cluster")
    begins = look.restored or look.found
    name = begins.get(look.kind.snapshot)
    whose = f"the snapshot {name}" if name else "the database"
    return Version(look.found["Engine"], begins["EngineVersion"], whose)


def final_version(look: Look, whose: str) -> Version:
    """The version that a request asks for, or else that of `whose`."""
    engine, number = look.wanted["Engine"], look.wanted["EngineVersion"]
    if look.overrides.get("EngineVersion"):
        return Version(engine, number, "the request", "ask for another EngineVersion")
    if look.kept_version:
        return Version(engine, number, "the source's snapshot")
    return Version(engine, number, whose)


def is_beginning(major: str, version: str) -> bool:
    """Whether a version begins with the numbers of a major version."""
    wanted = numbers(major)
    return numbers(version)[: len(wanted)] == wanted


# Versions and classes


def version_and_classes(look: Look, findings: Findings) -> None:
    """AWS still offers the classes in the version that would be restored, or in any if it does not.

    An instance is restored at its snapshot's version, a cluster at its own, which AWS must offer
    where the request asks for it, or the cluster is renamed first.
    """
    version = restored_version(look)
    if not is_withdrawn(look):
        refuse_unavailable(look, findings, version, wanted_classes(look))
    elif look.overrides.get("EngineVersion") and look.kind is not INSTANCE:
        refuse_version(findings, version)
    elif look.kind is not INSTANCE and look.request["strategy"] == RENAME_FIRST:
        # Whether RDS takes it is open. [fact: cluster-of-a-withdrawn-version]
        cure = "upgrade the database, then take a new snapshot; or use the strategy restore-first"
        refuse_version(findings, replace(version, cure=f"{cure}, by which nothing is touched"))
    else:
        for name in wanted_classes(look):
            if not is_orderable(look, version.engine, "", name):
                refuse_class(findings, name, version)


def wanted_version_and_class(look: Look, findings: Findings) -> None:
    """AWS offers the version to which an instance is upgraded then, and the class in it."""
    version = final_version(look, "the database")
    if version.number != restored_version(look).number:
        refuse_unavailable(look, findings, version, wanted_classes(look))


def is_withdrawn(look: Look) -> bool:
    """Whether AWS does not offer the version any more that would be restored.

    A class that can be ordered proves it, so that it is only asked for when one cannot.
    """
    version, classes = restored_version(look), wanted_classes(look)
    ordered = all(is_orderable(look, version.engine, version.number, name) for name in classes)
    return not (ordered and classes) and not is_offered(look, version)


def wanted_classes(look: Look) -> list[str]:
    """The classes of the copy, each once."""
    of_all = [look.wanted["DBClusterInstanceClass"]] if look.is_multi_az else []
    return list(
        dict.fromkeys([*of_all, *(one["DBInstanceClass"] for one in look.wanted_instances)])
    )


def refuse_unavailable(
    look: Look, findings: Findings, version: Version, classes: Iterable[str]
) -> None:
    """Refuse a version that AWS has withdrawn, or a class that it does not sell for it."""
    refused = [name for name in classes if not is_orderable(look, *version.key, name)]
    if refused and not is_offered(look, version):
        refuse_version(findings, version)
        return
    for name in refused:
        refuse_class(findings, name, version)


def refuse_version(findings: Findings, version: Version) -> None:
    """Note a version that AWS has withdrawn."""
    findings.add(
        exceptions.VersionOrClassUnavailable,
        f"AWS does not offer {version}, the version of {version.whose}: {version.cure}.",
    )


def refuse_class(findings: Findings, name: str, version: Version) -> None:
    """Note a class that AWS does not sell."""
    findings.add(
        exceptions.VersionOrClassUnavailable,
        f"AWS does not offer the class {name} for {version}, the version of {version.whose}:"
        " give the database another class, or take a new snapshot.",
    )


def is_orderable(look: Look, engine: str, number: str, name: str) -> bool:
    """Whether an instance of this class can be made in this version; in any, if none is named."""
    asked: dict[str, Any] = {"EngineVersion": number} if number else {}

    def ask() -> bool:
        # One answer is enough.
        found = rds().describe_orderable_db_instance_options(
            Engine=engine, DBInstanceClass=name, MaxRecords=20, **asked
        )
        return bool(found["OrderableDBInstanceOptions"])

    return look.once((engine, number, name), ask)


def is_offered(look: Look, version: Version) -> bool:
    """Whether AWS still lists this version; it leaves out those that it has withdrawn."""

    def ask() -> bool:
        engine, number = version.key
        found = rds().describe_db_engine_versions(Engine=engine, EngineVersion=number)
        return bool(found["DBEngineVersions"])

    return look.once(version.key, ask)


# Groups


def groups(look: Look, findings: Findings) -> None:
    """Subnet, parameter and option groups exist; the latter two are of that version.

    An Aurora cluster has an option group only in name.
    """
    version = restored_version(look)
    # A cluster that the internet reaches may have none.
    if subnets := look.wanted.get("DBSubnetGroup"):
        # Of a cluster it is only a name.
        name = subnets["DBSubnetGroupName"] if look.kind is INSTANCE else subnets
        check_subnet_group(findings, name)
    if name := look.wanted.get("DBClusterParameterGroup"):
        check_cluster_parameter_group(findings, name, version)
    for name in parameter_groups(look):
        check_parameter_group(findings, name, version)
    if look.kind is INSTANCE:
        for group in look.wanted.get("OptionGroupMemberships", []):
            check_option_group(look, findings, group["OptionGroupName"], version)


def parameter_groups(look: Look) -> list[str]:
    """The parameter groups of the instance, or of the members, each once."""
    wanted = (group for one in look.wanted_instances for group in one.get("DBParameterGroups", []))
    return list(dict.fromkeys(group["DBParameterGroupName"] for group in wanted))


def check_subnet_group(findings: Findings, name: str) -> None:
    """A restored database goes into the same subnets."""
    if described(lambda: rds().describe_db_subnet_groups(DBSubnetGroupName=name)) is None:
        refuse_missing(findings, "subnet", name)


def check_parameter_group(findings: Findings, name: str, version: Version) -> None:
    """The group of an instance or a member must fit what is restored."""
    found = described(lambda: rds().describe_db_parameter_groups(DBParameterGroupName=name))
    check_family(findings, "parameter", name, found, version)


def check_cluster_parameter_group(findings: Findings, name: str, version: Version) -> None:
    """The group of a cluster must fit what is restored."""
    found = described(
        lambda: rds().describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)
    )
    check_family(findings, "cluster parameter", name, found, version)


def check_family(
    findings: Findings, what: str, name: str, found: Description | None, version: Version
) -> None:
    """Refuse a parameter group that is gone or of another family."""
    if found is None:
        refuse_missing(findings, what, name)
    elif not version.fits(found["DBParameterGroupFamily"]):
        refuse_unfit(findings, what, name, found["DBParameterGroupFamily"], version)


def check_option_group(look: Look, findings: Findings, name: str, version: Version) -> None:
    """The option group must fit what is restored."""
    found = option_group(look, name)
    if found is None:
        refuse_missing(findings, "option", name)
    elif not version.is_of(found["EngineName"], found["MajorEngineVersion"]):
        of = f"{found['EngineName']} {found['MajorEngineVersion']}"
        refuse_unfit(findings, "option", name, of, version)


def option_group(look: Look, name: str) -> Description | None:
    """An option group, asked for once; None when there is none."""
    if name not in look.option_groups:
        look.option_groups[name] = described(
            lambda: rds().describe_option_groups(OptionGroupName=name)
        )
    return look.option_groups[name]


def described(describe: Callable[[], Any]) -> Description | None:
    """The only group in the answer of a Describe by name; None when there is none."""
    try:
        answer = describe()
    except ClientError as error:
        if code_of(error) in GROUP_MISSING:
            return None
        raise
    (found,) = (value for value in answer.values() if isinstance(value, list))
    return cast("Description | None", next(iter(found), None))


def refuse_missing(findings: Findings, what: str, name: str) -> None:
    """Note a group that is gone."""
    findings.add(
        exceptions.GroupNotUsable,
        f"The {what} group {name} does not exist any more: make it again, or give the database"
        " another.",
    )


def refuse_unfit(findings: Findings, what: str, name: str, of: str, version: Version) -> None:
    """Note a group that RDS would not take for the version."""
    findings.add(
        exceptions.GroupNotUsable,
        f"The {what} group {name} is of {of}, {version.whose} of {version}, so RDS would not take"
        " the one with the other: take a new snapshot, or give the database a fitting group.",
    )


# Keys


def keys_enabled(look: Look, findings: Findings) -> None:
    """The keys that are needed are enabled, overridden ones too.

    They are those of the data, of Performance Insights and of the master secret.
    """
    account = look.found[look.kind.arn].split(":")[4]
    for key in look.keys:
        if key.state not in ("", "Enabled"):
            words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key.state).lower()
            refuse_key(findings, key, words)
        elif is_gone(key, account):
            refuse_key(findings, key, "missing")


def is_gone(key: Key, account: str) -> bool:
    """Whether there is no such key in the database's own account."""
    return key.error == "NotFoundException" and key.name.split(":")[4:5] == [account]


def refuse_key(findings: Findings, key: Key, state: str) -> None:
    """Note a key that RDS cannot use."""
    findings.add(
        exceptions.KeyNotAccessible,
        f"The key {key.name} is {state}, so RDS can neither read the snapshot nor encrypt with it:"
        " enable it, or cancel its deletion.",
    )


def shareable(look: Look, findings: Findings) -> None:
    """It can be shared: with 20 accounts at most; under `aws/rds` only with `ShareKmsKey`.

    No other account can use that key, and RDS shares nothing under it.
    """
    # [fact: shared-with-twenty-accounts]
    if len(look.shared_with) > MOST_ACCOUNTS:
        findings.add(
            exceptions.InvalidRequest,
            f"The stack's ShareSnapshotsWith names {len(look.shared_with)} other accounts, and RDS"
            f" shares a snapshot with {MOST_ACCOUNTS} at most: leave some out.",
        )
    if look.shares_copy and not os.environ["SHARE_KEY"]:
        findings.add(
            exceptions.KeyNotAccessible,
            f"{look.identifier} is encrypted under {look.found['KmsKeyId']}, the default key of"
            " RDS, whose snapshots cannot be shared: give the stack a key that the accounts of"
            " ShareSnapshotsWith may use as ShareKmsKey (docs/sharing.md), or leave those out.",
        )


def shareable_options(look: Look, findings: Findings) -> None:
    """RDS shares snapshots with its options: none is permanent or persistent, such as TDE.

    Oracle's `Timezone` and `OLS` are.
    """
    # [fact: sharing-with-options]
    for group in look.found.get("OptionGroupMemberships", []):
        name = group["OptionGroupName"]
        for option in (option_group(look, name) or {}).get("Options", []):
            lasts = option.get("Persistent") or option.get("Permanent")
            if lasts and option["OptionName"] not in SHARED_OPTIONS:
                findings.add(
                    exceptions.GroupNotUsable,
                    f"The option group {name} has the option {option['OptionName']}, which is"
                    " permanent or persistent, and RDS shares no snapshot with such a one: take"
                    f" {look.identifier} with a stack that has no ShareSnapshotsWith.",
                )


def wanted_certificate(look: Look, findings: Findings) -> None:
    """An overridden CA is one that RDS has."""
    asked = look.overrides.get(PARAMETER)
    if asked and look.certificates and asked not in look.certificates:
        findings.add(
            exceptions.InvalidRequest,
            f"{PARAMETER} is overridden with {asked}, which RDS does not have: ask for one of"
            f" {', '.join(sorted(look.certificates))}.",
        )


# Warnings


def certificates_retired(look: Look, findings: Findings) -> None:
    """It, or a member, still has a CA that AWS has retired, and that no copy can have."""
    if look.overrides.get(PARAMETER):
        return
    for name, found in look.parts:
        had = certificate_of(found)
        if had and look.certificates and had not in look.certificates:
            findings.warn(
                f"{name} has the CA {had}, which AWS has retired, so its copy gets the default one"
                " of the account: make sure that its clients trust that one too."
            )


def version_withdrawn(look: Look, findings: Findings) -> None:
    """AWS does not offer the version any more that would be restored: RDS upgrades the copy."""
    # [fact: withdrawn-version-is-upgraded]
    if is_withdrawn(look):
        version = restored_version(look)
        findings.warn(
            f"AWS does not offer {version} any more, the version of {version.whose}: RDS restores"
            " it all the same, and upgrades the restored database, at once or later."
        )


def keys_unseen(look: Look, findings: Findings) -> None:
    """A key could not be looked at: another account's, denied, or KMS is out of reach."""
    # Its policy decides whether RDS may use it.
    account = look.found[look.kind.arn].split(":")[4]
    for key in look.keys:
        if key.error and not is_gone(key, account):
            findings.warn(
                f"The key {key.name} could not be looked at ({key.error}): make sure that it is"
                " enabled and that its policy lets RDS use it."
            )


def reserved_capacity(look: Look, findings: Findings) -> None:
    """It, or a member, holds a unit of a capacity reservation."""
    for one in look.wanted_instances:
        if reservation := one.get("DBCapacityReservationIdentifier"):
            findings.warn(
                f"{one['DBInstanceIdentifier']} holds a unit of the capacity reservation"
                f" {reservation} as long as it exists: a restore succeeds only if the reservation"
                " has another one."
            )
