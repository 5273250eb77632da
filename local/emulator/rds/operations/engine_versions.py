"""What AWS has to sell: engine versions, and classes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups
from local.emulator.rds.databases.available import numbers
from local.emulator.rds.defaults import ENGINES
from local.emulator.rds.protocol.paging import filtered, page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds


def available(rds: Rds, parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """The engines and versions that fit a request."""
    return [
        (engine, version)
        for engine, versions in rds.available_versions.items()
        for version in versions
        if parameters.get("Engine", engine) == engine
        and parameters.get("EngineVersion", version) == version
    ]


def supported(rds: Rds, engine: str, version: str) -> str:
    """The version at which a snapshot of a version is restored: itself, or the next that is sold.

    [fact: withdrawn-version-is-upgraded]
    """
    sold = sorted(rds.available_versions.get(engine, []), key=numbers)
    if version in sold or not rds.upgrades_withdrawn:
        return version
    return next((one for one in sold if numbers(one) > numbers(version)), version)


def refuse_withdrawn(rds: Rds, engine: str, version: str) -> None:
    """Refuse to make a cluster at a version that is not sold, if this RDS does.

    [fact: cluster-of-a-withdrawn-version]
    """
    sold = rds.available_versions.get(engine, [version])
    if rds.refuses_withdrawn and version not in sold:
        raise RdsError("InvalidParameterCombination", f"Cannot find version {version} for {engine}")


@operation("DescribeDBEngineVersions")
def engine_versions(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The versions that are not withdrawn, those that fit the filters, or the default ones."""
    asked = list(parameters.get("Filters", []))
    if "DBParameterGroupFamily" in parameters:
        family = [parameters["DBParameterGroupFamily"]]
        asked.append({"Name": "db-parameter-group-family", "Values": family})
    found = [
        {
            "Engine": engine,
            "EngineVersion": version,
            "MajorEngineVersion": groups.major(engine, version),
            "DBParameterGroupFamily": groups.family(engine, version),
            "Status": "available",
            "ValidUpgradeTarget": targets(rds, engine, version),
            "SupportedCACertificateIdentifiers": list(rds.certificates),
        }
        for engine, version in available(rds, parameters)
        if not parameters.get("DefaultOnly") or version == default(rds, engine)
    ]
    found = filtered(
        found,
        asked,
        {
            "db-parameter-group-family": lambda one: str(one["DBParameterGroupFamily"]),
            "engine": lambda one: str(one["Engine"]),
            "engine-version": lambda one: str(one["EngineVersion"]),
            "engine-mode": lambda _: "provisioned",
            "status": lambda one: str(one["Status"]),
        },
        exactly=True,
    )
    return page(found, parameters, "DBEngineVersions")


def targets(rds: Rds, engine: str, version: str) -> list[dict[str, Any]]:
    """What a version can be upgraded to: every higher one, though AWS leaves some out."""
    return [
        {
            "Engine": engine,
            "EngineVersion": other,
            "AutoUpgrade": False,
            "IsMajorVersionUpgrade": groups.major(engine, other) != groups.major(engine, version),
        }
        for other in rds.available_versions[engine]
        if numbers(other) > numbers(version)
    ]


def default(rds: Rds, engine: str) -> str:
    """The version of a create that names none, or the latest if that one is withdrawn."""
    versions = rds.available_versions[engine]
    known = str(ENGINES.get(engine, {}).get("EngineVersion", ""))
    return known if known in versions else versions[-1]


@operation("DescribeCertificates")
def certificates(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The CAs of this region, without those that have ended [fact: retired-ca]."""
    asked = parameters.get("CertificateIdentifier")
    if asked and asked not in rds.certificates:
        raise RdsError("CertificateNotFound", f"Certificate {asked} not found.")
    found = [
        {
            "CertificateIdentifier": name,
            "CertificateType": "CA",
            "CertificateArn": f"arn:aws:rds:{rds.region}::cert:{name}",
        }
        for name in rds.certificates
        if asked in (None, name)
    ]
    return page(found, parameters, "Certificates")


@operation("DescribeOrderableDBInstanceOptions")
def orderable(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The classes that can be ordered in each version."""
    found = [
        {
            "Engine": engine,
            "EngineVersion": version,
            "DBInstanceClass": name,
            "AvailabilityZones": [{"Name": f"{rds.region}{zone}"} for zone in "abc"],
            "Vpc": True,
        }
        for engine, version in available(rds, parameters)
        for name in rds.available_classes["aurora" if "aurora" in engine else "standalone"]
        if parameters.get("DBInstanceClass", name) == name
    ]
    return page(found, parameters, "OrderableDBInstanceOptions")
