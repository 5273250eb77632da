"""RDS Proxy: each proxy with its one target group, and the database that is registered in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import tags
from local.emulator.rds.defaults import SECURITY_GROUP, VPC
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.protocol.paging import page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation
from local.emulator.rds.resources import name_of, short_hash
from local.emulator.rds.timing import PHASES

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

Target = dict[str, Any]
Shown = dict[str, Any]

# [fact: families-of-proxies]
FAMILIES = {
    "MYSQL": ("mysql", "mariadb", "aurora-mysql"),
    "POSTGRESQL": ("postgres", "aurora-postgresql"),
    "SQLSERVER": ("sqlserver-ee", "sqlserver-se", "sqlserver-ex", "sqlserver-web"),
}
# "needs to be in [AVAILABLE, MODIFYING, BACKING_UP]", of a cluster's members too
# [fact: proxy-target-states]
REGISTRABLE = ("available", "modifying", "backing-up")
LISTS = {"instance": "DBInstanceIdentifiers", "cluster": "DBClusterIdentifiers"}
# What the AWS CLI's example of describe-db-proxy-target-groups shows.
POOL = {
    "MaxConnectionsPercent": 100, "MaxIdleConnectionsPercent": 50, "ConnectionBorrowTimeout": 120,
    "SessionPinningFilters": [],
}  # fmt: skip


def require_offered(rds: Rds, name: str) -> None:
    """Refuse the call in a region that has no RDS Proxy [fact: unsupported-operations]."""
    if not rds.offers_proxies:
        raise RdsError("InvalidAction", f"The action {name} is not valid for this web service.")


def find(rds: Rds, parameters: dict[str, Any], asked: str) -> Shown:
    """The proxy that a call names; its only target group is called `default`."""
    require_offered(rds, asked)
    name = parameters["DBProxyName"]
    for proxy in rds.proxies:
        if proxy["DBProxyName"] == name:
            group = parameters.get("TargetGroupName", "default")
            # [fact: proxy-target-group-default]
            if group != "default":
                raise RdsError(
                    "DBProxyTargetGroupNotFoundFault", f"DBProxyTargetGroup {group} not found."
                )
            return proxy
    raise RdsError("DBProxyNotFoundFault", f"DBProxy {name} not found.")


def changeable(rds: Rds, parameters: dict[str, Any], asked: str) -> Shown:
    """The same, which takes no change of its targets while it is at something.

    [fact: named-errors]
    """
    proxy = find(rds, parameters, asked)
    if proxy["Status"] != "available":
        raise RdsError(
            "InvalidDBProxyStateFault", f"DBProxy {proxy['DBProxyName']} is {proxy['Status']}."
        )
    return proxy


@operation("CreateDBProxy")
def create(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a proxy with an empty target group.

    [fact: families-of-proxies] [fact: named-errors]
    """
    require_offered(rds, "CreateDBProxy")
    name = parameters["DBProxyName"].lower()
    if any(proxy["DBProxyName"] == name for proxy in rds.proxies):
        raise RdsError("DBProxyAlreadyExistsFault", f"DBProxy {name} already exists.")
    if parameters["EngineFamily"] not in FAMILIES:
        raise RdsError("InvalidParameterValue", "EngineFamily: MYSQL, POSTGRESQL or SQLSERVER")
    tags.checked(parameters.get("Tags", []))
    proxy = {
        "DBProxyName": name,
        "DBProxyArn": rds.arn("db-proxy", f"prx-{short_hash(name)}"),
        "Status": "creating",
        "EngineFamily": parameters["EngineFamily"],
        "VpcId": VPC,
        "VpcSecurityGroupIds": parameters.get("VpcSecurityGroupIds", [SECURITY_GROUP]),
        "VpcSubnetIds": parameters["VpcSubnetIds"],
        "Auth": parameters.get("Auth", []),
        "RoleArn": parameters["RoleArn"],
        "Endpoint": rds.address(name, "proxy-"),
        "RequireTLS": parameters.get("RequireTLS", False),
        "IdleClientTimeout": parameters.get("IdleClientTimeout", 1800),
        "DebugLogging": parameters.get("DebugLogging", False),
        "CreatedDate": rds.when(),
        "UpdatedDate": rds.when(),
    }
    rds.proxies.append(proxy)
    rds.later(rds.after(PHASES["create proxy"][0]), lambda: proxy.update(Status="available"))
    return {"DBProxy": proxy}


@operation("DeleteDBProxy")
def delete(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a proxy away; it is gone at once, for want of a source."""
    proxy = find(rds, parameters, "DeleteDBProxy")
    rds.proxies.remove(proxy)
    rds.proxy_targets.pop(proxy["DBProxyName"], None)
    return {"DBProxy": {**proxy, "Status": "deleting"}}


@operation("DescribeDBProxies")
def proxies(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The proxies."""
    require_offered(rds, "DescribeDBProxies")
    if "DBProxyName" in parameters:
        return page([find(rds, parameters, "DescribeDBProxies")], parameters, "DBProxies")
    return page(rds.proxies, parameters, "DBProxies")


@operation("DescribeDBProxyTargetGroups")
def target_groups(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The one that a proxy has [fact: proxy-target-group-default]."""
    proxy = find(rds, parameters, "DescribeDBProxyTargetGroups")
    name = proxy["DBProxyName"]
    group = {
        "DBProxyName": name,
        "TargetGroupName": "default",
        "TargetGroupArn": rds.arn("target-group", f"prx-tg-{short_hash(name)}"),
        "IsDefault": True,
        "Status": "available",
        "ConnectionPoolConfig": POOL,
        "CreatedDate": proxy["CreatedDate"],
        "UpdatedDate": proxy["UpdatedDate"],
    }
    return page([group], parameters, "TargetGroups")


@operation("DescribeDBProxyTargets")
def targets(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The databases that a proxy points at; of a cluster the members as well."""
    proxy = find(rds, parameters, "DescribeDBProxyTargets")
    held = rds.proxy_targets.get(proxy["DBProxyName"], [])
    return page(
        [one for target in held for one in shown(rds, proxy, target)], parameters, "Targets"
    )


@operation("RegisterDBProxyTargets")
def register(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let a proxy lead to a database, which it reaches some time later."""
    proxy = changeable(rds, parameters, "RegisterDBProxyTargets")
    held = rds.proxy_targets.setdefault(proxy["DBProxyName"], [])
    asked = [find_target(rds, proxy, kind, name) for kind, name in named(parameters)]
    for database in asked:
        if any(is_for(rds, target, database.kind, database.name) for target in held):
            raise RdsError(
                "DBProxyTargetAlreadyRegisteredFault",
                f"{database.name} is already registered with {proxy['DBProxyName']}.",
            )
    # "Currently, each target group is associated with exactly one": with which words the second is
    # refused, if it is, nobody says. [fact: proxy-target-group-holds-one]
    if rds.proxy_groups_hold_one and len(held) + len(asked) > 1:
        raise RdsError("InvalidParameterCombination", "A target group has one database.")
    made = [target_of(rds, database) for database in asked]
    held += made
    return {"DBProxyTargets": [one for target in made for one in shown(rds, proxy, target)]}


@operation("DeregisterDBProxyTargets")
def deregister(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let a proxy lead to a database no more, by the name that the proxy shows.

    [fact: named-errors]
    """
    proxy = changeable(rds, parameters, "DeregisterDBProxyTargets")
    held = rds.proxy_targets.get(proxy["DBProxyName"], [])
    for kind, name in named(parameters):
        leaving = [target for target in held if is_for(rds, target, kind, name)]
        if not leaving:
            raise RdsError(
                "DBProxyTargetNotFoundFault",
                f"{name} is not registered with {proxy['DBProxyName']}.",
            )
        for target in leaving:
            held.remove(target)
    return {}


def named(parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """The kinds and names in a request.

    [fact: proxy-target-is-named]
    """
    found = [
        (kind, name_of(name)) for kind, key in LISTS.items() for name in parameters.get(key, [])
    ]
    if not found:
        raise RdsError("InvalidParameterCombination", "Name an instance or a cluster.")
    return found


def find_target(rds: Rds, proxy: Shown, kind: str, name: str) -> Resource:
    """A database that may be registered with a proxy.

    [fact: families-of-proxies] [fact: proxy-target-states]
    """
    database = rds.find(kind, name)
    if database.shown["Engine"] not in FAMILIES[proxy["EngineFamily"]]:
        what = KINDS[kind].word.removeprefix("DB")
        raise RdsError(
            "InvalidParameterValue", f"Unsupported Database engine or engine mode for DB {what}"
        )
    for one in rds.members(database) if kind == "cluster" else [database]:
        if one.true_status not in REGISTRABLE:
            shown_as = one.true_status.upper().replace("-", "_")
            raise RdsError(
                "InvalidDBInstanceState",
                f"DB Instance {one.name} is in an unsupported state - {shown_as}, needs to be in"
                " [AVAILABLE, MODIFYING, BACKING_UP]",
            )
    return database


def target_of(rds: Rds, database: Resource) -> Target:
    """What the target group holds of a database."""
    until = [(phase.name, ends) for phase, _, ends in rds.course("register target")]
    return {"kind": database.kind, "key": database.key, "name": database.name, "until": until}


def database_of(rds: Rds, target: Target) -> Resource | None:
    """The database that a target leads to [fact: proxy-target-follows]."""
    if rds.proxy_targets_follow == "name":
        return rds.named(target["kind"], target["name"])
    found = rds.things.get(target["key"])
    return found if found and not found.hidden else None


def name_shown(rds: Rds, target: Target) -> str:
    """The name that a target shows [fact: proxy-target-follows]."""
    found = rds.things.get(target["key"])
    return found.name if found and rds.proxy_targets_follow == "resource" else str(target["name"])


def is_for(rds: Rds, target: Target, kind: str, name: str) -> bool:
    """Whether a target is shown under this name."""
    return target["kind"] == kind and name_shown(rds, target) == name


def health(rds: Rds, proxy: Shown, target: Target, database: Resource | None) -> Shown:
    """How a proxy gets on with a target [fact: proxy-target-lifecycle]."""
    for state, ends in target["until"]:
        if rds.time < ends:
            waits = {"Reason": "PENDING_PROXY_CAPACITY"} if state == "UNAVAILABLE" else {}
            return {"State": state, **waits}
    reason = rds.proxy_faults.get(proxy["DBProxyName"], "")
    if not reason and database and rds.reachable(database.kind, database.name):
        return {"State": "AVAILABLE"}
    return {"State": "UNAVAILABLE", "Reason": reason or "UNREACHABLE"}


def shown(rds: Rds, proxy: Shown, target: Target) -> list[Shown]:
    """A target as Describe has it; a cluster's members come with it [fact: proxy-target-shown]."""
    database = database_of(rds, target)
    condition = health(rds, proxy, target, database)
    name = name_shown(rds, target)
    port = database.shown.get("Port") if database else None
    if target["kind"] == "instance":
        endpoint = (database.shown.get("Endpoint") or {}) if database else {}
        return [of_instance(name, endpoint, "READ_WRITE", condition)]
    listed = database.shown["DBClusterMembers"] if database else []
    writers = {one["DBInstanceIdentifier"] for one in listed if one["IsClusterWriter"]}
    return [
        {
            "RdsResourceId": name,
            **({"Port": port} if port else {}),
            "Type": "TRACKED_CLUSTER",
            **({"TargetHealth": condition} if condition["State"] == "REGISTERING" else {}),
        },
        *(
            of_instance(
                member.name,
                member.shown.get("Endpoint") or {},
                "READ_WRITE" if member.name in writers else "READ_ONLY",
                condition,
            )
            | {"TrackedClusterId": name}
            for member in (rds.members(database) if database else [])
            if not member.hidden
        ),
    ]


def of_instance(name: str, endpoint: Shown, role: str, condition: Shown) -> Shown:
    """An instance that a proxy connects to."""
    return {
        **({"Endpoint": endpoint["Address"], "Port": endpoint["Port"]} if "Address" in endpoint
           else {}),
        "RdsResourceId": name,
        "Type": "RDS_INSTANCE",
        "Role": role,
        "TargetHealth": condition,
    }  # fmt: skip


def reached_by(rds: Rds, name: str) -> str:
    """The resource id of the database that a client of a proxy would reach now, "" for none."""
    (proxy,) = (one for one in rds.proxies if one["DBProxyName"] == name)
    for target in rds.proxy_targets.get(name, []):
        database = database_of(rds, target)
        if database and health(rds, proxy, target, database)["State"] == "AVAILABLE":
            return database.key
    return ""
