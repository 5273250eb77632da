"""What RDS makes today: the versions and classes that a call may name, and the ways up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups, settings
from local.emulator.rds.protocol.rds_error import RdsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.emulator.rds.service import Rds

CLASS = re.compile(r"^db\.([a-z0-9]+\.[a-z0-9.-]+|serverless)$")


def name_version(rds: Rds, engine: str, parameters: dict[str, Any]) -> None:
    """Let the version that a call names be a whole one: 16 is the latest 16.x.

    [fact: unknown-version-refused]; the major alone: model, of `EngineVersion` in CloudFormation.
    """
    asked = parameters.get("EngineVersion")
    if asked is None or rds.is_past:
        return
    sold = rds.available_versions.get(engine, [])
    if asked in sold:
        return
    fitting = [version for version in sold if version.startswith(f"{asked}.")]
    if not fitting:
        raise settings.combination(f"Cannot find version {asked} for {engine}")
    parameters["EngineVersion"] = max(fitting, key=numbers)


def check_class(rds: Rds, name: str | None, shown: Mapping[str, Any]) -> None:
    """Refuse a class that is none, and one that nobody can order [fact: unknown-class-refused]."""
    if name is None:
        return
    if not CLASS.match(name):
        raise RdsError("InvalidParameterValue", f"Invalid DB Instance class: {name}")
    engine = shown["Engine"]
    sold = rds.available_classes["aurora" if "aurora" in engine else "standalone"]
    if name not in sold and not rds.is_past:
        version = shown.get("EngineVersion", "")
        raise settings.combination(
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={name}, Engine={engine}, EngineVersion={version}. For supported "
            "combinations of instance class and database engine version, see the documentation."
        )


def check_upgrade(rds: Rds, shown: Mapping[str, Any], parameters: dict[str, Any]) -> None:
    """Refuse the way down, and a new major version that nobody has allowed.

    [fact: no-downgrade] [fact: major-upgrade-allowed]
    """
    engine, now = shown["Engine"], shown["EngineVersion"]
    asked = parameters.get("EngineVersion", now)
    if asked == now or now.startswith(f"{asked}."):
        parameters.pop("EngineVersion", None)
        return
    name_version(rds, engine, parameters)
    target = parameters["EngineVersion"]
    if numbers(target) < numbers(now):
        raise settings.combination(f"Cannot upgrade {engine} from {now} to {target}")
    changes = groups.major(engine, target) != groups.major(engine, now)
    if changes and not parameters.get("AllowMajorVersionUpgrade"):
        raise settings.combination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major "
            "version."
        )


def numbers(version: str) -> list[int]:
    """The numbers of a version, by which one is above another."""
    return [int(number) for number in re.findall(r"\d+", version)]
