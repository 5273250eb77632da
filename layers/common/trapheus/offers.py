"""What a restore finds only if AWS still has it: groups, the engine's version, classes and keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from trapheus import exceptions
from trapheus.errors import code_of
from trapheus.overrides import KMS_KEYS
from trapheus.rds import PATIENT, rds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trapheus.preflight import Findings
    from trapheus.rds import Description

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

    def is_of(self, engine: str, major: str) -> bool:
        """Whether this is a version of an engine's major version, such as 16, 8.0 or 15.00."""
        return engine == self.engine and is_beginning(major, self.number)

    def fits(self, family: str) -> bool:
        """Whether a parameter group's family, such as postgres16 or oracle-ee-19, is this one's."""
        found = re.fullmatch(rf"{re.escape(self.engine)}-?([\d.]+)", family)
        return found is not None and is_beginning(found[1], self.number)


def version_of(wanted: Description, overrides: dict[str, Any], whose: str) -> Version:
    """The version that a request asks for, or else that of `whose`."""
    engine, number = wanted["Engine"], wanted["EngineVersion"]
    if overrides.get("EngineVersion"):
        return Version(engine, number, "the request", "ask for another EngineVersion")
    return Version(engine, number, whose)


def numbers(version: str) -> list[int]:
    """The numbers in an engine's version, in order."""
    return [int(number) for number in re.findall(r"\d+", version)]


def is_beginning(major: str, version: str) -> bool:
    """Whether a version begins with the numbers of a major version."""
    wanted = numbers(major)
    return numbers(version)[: len(wanted)] == wanted


# Groups


def check_subnet_group(findings: Findings, name: str) -> None:
    """A restored database goes into the same subnets."""
    if group(lambda: rds().describe_db_subnet_groups(DBSubnetGroupName=name)) is None:
        refuse_missing(findings, "subnet", name)


def check_parameter_group(findings: Findings, name: str, version: Version) -> None:
    """The group of an instance or a member must fit what is restored."""
    found = group(lambda: rds().describe_db_parameter_groups(DBParameterGroupName=name))
    check_family(findings, "parameter", name, found, version)


def check_cluster_parameter_group(findings: Findings, name: str, version: Version) -> None:
    """The group of a cluster must fit what is restored."""
    found = group(
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


def check_option_group(findings: Findings, name: str, version: Version) -> None:
    """The option group must fit what is restored."""
    found = group(lambda: rds().describe_option_groups(OptionGroupName=name))
    if found is None:
        refuse_missing(findings, "option", name)
    elif not version.is_of(found["EngineName"], found["MajorEngineVersion"]):
        of = f"{found['EngineName']} {found['MajorEngineVersion']}"
        refuse_unfit(findings, "option", name, of, version)


def group(describe: Callable[[], Any]) -> Description | None:
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


# Versions and classes


def check_offer(findings: Findings, version: Version, classes: Iterable[str]) -> None:
    """Refuse a version that AWS has withdrawn, or a class that it does not sell for it.

    A class that can be ordered proves its version, so that is only asked for when one cannot.
    """
    refused = [name for name in classes if not is_orderable(version, name)]
    if refused and not is_offered(version):
        findings.add(
            exceptions.NotOffered,
            f"AWS does not offer {version}, the version of {version.whose}: {version.cure}.",
        )
        return
    for name in refused:
        findings.add(
            exceptions.NotOffered,
            f"AWS does not offer the class {name} for {version}, the version of {version.whose}:"
            " give the database another class, or take a new snapshot.",
        )


def is_orderable(version: Version, name: str) -> bool:
    """Whether an instance of this class can be made in this version; one answer is enough."""
    found = rds().describe_orderable_db_instance_options(
        Engine=version.engine, EngineVersion=version.number, DBInstanceClass=name, MaxRecords=20
    )
    return bool(found["OrderableDBInstanceOptions"])


def is_offered(version: Version) -> bool:
    """Whether AWS still lists this version; it leaves out those that it has withdrawn."""
    found = rds().describe_db_engine_versions(Engine=version.engine, EngineVersion=version.number)
    return bool(found["DBEngineVersions"])


# Keys


@cache
def kms() -> Any:
    """The KMS client of this execution environment."""
    return boto3.client("kms", config=PATIENT)


def keys_of(found: Description, request: dict[str, Any], *, restores: bool) -> list[str]:
    """The keys that a snapshot needs, and those that a copy with its configuration needs besides.

    They are of the data, and of Performance Insights and the master secret.
    """
    keys = [found.get("KmsKeyId")]
    if restores:
        keys.append(found.get("PerformanceInsightsKMSKeyId"))
        keys.append(found.get("MasterUserSecret", {}).get("KmsKeyId"))
        keys += [key for name, key in request["overrides"].items() if name in KMS_KEYS]
    return [key for key in keys if key]


def check_keys(findings: Findings, keys: Iterable[str], account: str) -> None:
    """Refuse when a key cannot be used.

    account: the database's. A key that this function may not look at is only a warning: its policy
    decides whether RDS may use it.
    """
    for key in dict.fromkeys(keys):
        try:
            state = kms().describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        except ClientError as error:
            if code_of(error) == "NotFoundException" and key.split(":")[4:5] == [account]:
                refuse_key(findings, key, "missing")
            elif code_of(error) in ("AccessDeniedException", "NotFoundException"):
                warn_of_key(findings, key, code_of(error))
            else:
                raise
        except (HTTPClientError, NoConnection) as error:
            # In a VPC without a way to KMS; RDS has its own.
            warn_of_key(findings, key, type(error).__name__)
        else:
            if state != "Enabled":
                refuse_key(findings, key, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", state).lower())


def refuse_key(findings: Findings, key: str, state: str) -> None:
    """Note a key that RDS cannot use."""
    findings.add(
        exceptions.KeyNotAccessible,
        f"The key {key} is {state}, so RDS can neither read the snapshot nor encrypt with it:"
        " enable it, or cancel its deletion.",
    )


def warn_of_key(findings: Findings, key: str, why: str) -> None:
    """Tell of a key that could not be looked at."""
    findings.warn(
        f"The key {key} could not be looked at ({why}): make sure that it is enabled and that its"
        " policy lets RDS use it."
    )
