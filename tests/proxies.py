"""Proxies in the local RDS, and whom their clients reach."""

from __future__ import annotations

from typing import Any

from local.emulator.rds import Rds
from local.emulator.rds.operations import db_proxies

# What a target does when its database is renamed: nobody says which of these it is.
FOLLOWS = ("resource", "name", "registered")


def make(rds: Rds, name: str = "pool", **more: Any) -> dict[str, Any]:
    """Make a proxy that leads to nothing."""
    with rds.instantly():
        rds.call("CreateDBProxy", {
            "DBProxyName": name, "EngineFamily": "POSTGRESQL", "VpcSubnetIds": ["subnet-1"],
            "RoleArn": f"arn:aws:iam::{rds.account}:role/proxy",
            "Auth": [{"AuthScheme": "SECRETS", "SecretArn": "arn:of:a-secret"}],
        } | more)  # fmt: skip
    return rds.proxies[-1]


def named(kind: str, identifier: str) -> dict[str, list[str]]:
    """The parameter that names a database."""
    return {"DBClusterIdentifiers" if kind == "cluster" else "DBInstanceIdentifiers": [identifier]}


def point(rds: Rds, kind: str, identifier: str, name: str = "pool", **more: Any) -> dict[str, Any]:
    """Make a proxy that leads to a database and reaches it."""
    made = make(rds, name, **more)
    with rds.instantly():
        rds.call("RegisterDBProxyTargets", {"DBProxyName": name, **named(kind, identifier)})
    return made


def leads_to(rds: Rds, name: str = "pool") -> str:
    """The resource id of what a proxy's target is, however well it is; "" for nothing."""
    rds.settle()
    found = [db_proxies.database_of(rds, target) for target in rds.proxy_targets.get(name, [])]
    return found[0].key if found and found[0] else ""


def reached(rds: Rds, name: str = "pool") -> str:
    """The resource id of what a proxy's clients reach now, "" for nothing."""
    rds.settle()
    return db_proxies.reached_by(rds, name)
