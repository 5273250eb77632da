"""Restore parameters that a request asks for instead of the original's: their names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from trapheus.configuration.attributes import CLUSTER, INSTANCE, MEMBER
from trapheus.configuration.comparison import (
    note_change,
    parameters,
    wanted_of,
)
from trapheus.rds.multi_az import is_multi_az

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape

    from trapheus.configuration.attributes import Table
    from trapheus.configuration.comparison import Parameters
    from trapheus.rds.access import Description

# A restore takes them from its snapshot.
OF_THE_SNAPSHOT = frozenset({"Engine", "EngineMode"})
# What the original has no say in any more once the first is another one.
FOLLOWING: dict[str, tuple[str, ...]] = {
    "DBInstanceClass": ("ProcessorFeatures",),
    "DBSubnetGroupName": ("AvailabilityZone",),
    "MultiAZ": ("AvailabilityZone",),
    "StorageType": ("Iops", "StorageThroughput"),
}
# The same, once it is switched off; switched on, RDS chooses the key and the days that the original
# had not.
FOLLOWING_A_SWITCH: dict[str, tuple[str, ...]] = {
    "EnablePerformanceInsights": (
        "DatabaseInsightsMode",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
    ),
    "ManageMasterUserPassword": ("MasterUserSecretKmsKeyId",),
    "MonitoringInterval": ("MonitoringRoleArn",),
}
# Those whose values RDS stores and shows in small letters (botocore's model, "stored as a lowercase
# string"; of windows the format), and the keys, which it shows by their ARNs only.
LOWERED = frozenset(
    {
        "DBClusterParameterGroupName",
        "DBParameterGroupName",
        "DBSubnetGroupName",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
    }
)
KMS_KEYS = frozenset({"MasterUserSecretKmsKeyId", "PerformanceInsightsKMSKeyId"})
# Parameters of a cluster's calls for Multi-AZ DB clusters only, and for Aurora only: "Valid for
# Cluster Type" in botocore's model. Two of the first are parameters of an Aurora cluster's members.
OF_MULTI_AZ = frozenset(
    {
        "AllocatedStorage",
        "CACertificateIdentifier",
        "DBClusterInstanceClass",
        "Iops",
        "PubliclyAccessible",
    }
)
OF_AURORA = frozenset(
    {
        "BacktrackWindow",
        "Domain",
        "DomainIAMRoleName",
        "EnableInternetAccessGateway",
        "EnableLocalWriteForwarding",
        "EnableVPCNetworking",
        "NetworkType",
        "ServerlessV2ScalingConfiguration",
    }
)
MOST = 2**31 - 1

OVERRIDDEN = "overridden by the request"
FOLLOWS = "follows from what the request has overridden"


def shapes(*, is_cluster: bool) -> dict[str, Shape]:
    """Every parameter that may be overridden, with the shape of its value in botocore's model.

    A parameter that a cluster and its members both have goes to both.
    """
    calls = (
        (
            (MEMBER, "restore", "CreateDBInstance"),
            (MEMBER, "modify", "ModifyDBInstance"),
            (CLUSTER, "restore", "RestoreDBClusterFromSnapshot"),
            (CLUSTER, "modify", "ModifyDBCluster"),
        )
        if is_cluster
        else (
            (INSTANCE, "restore", "RestoreDBInstanceFromDBSnapshot"),
            (INSTANCE, "modify", "ModifyDBInstance"),
        )
    )
    # The model alone: no request is sent, so no region is needed.
    model = get_session().get_service_model("rds")
    found = {}
    for table, call, operation in calls:
        shape = model.operation_model(operation).input_shape
        taken = shape.members if shape else {}
        names = parameters(table, call).keys() - OF_THE_SNAPSHOT
        found.update({name: taken[name] for name in names})
    return found


def for_cluster(cluster: Description, overrides: Parameters) -> Parameters:
    """Those overrides that are for the cluster itself, and not for its members."""
    without = frozenset() if is_multi_az(cluster) else OF_MULTI_AZ
    return {name: value for name, value in overrides.items() if name not in without}


def unfit(cluster: Description, overrides: Parameters) -> list[str]:
    """The names of the overrides that neither this sort of cluster nor its members take."""
    own, of_members = taken_by_any(CLUSTER), taken_by_any(MEMBER)
    fit = own - OF_AURORA if is_multi_az(cluster) else (own - OF_MULTI_AZ) | of_members
    return sorted(overrides.keys() - fit)


def taken_by_any(table: Table) -> set[str]:
    """The parameters of both calls of a table."""
    return {*parameters(table, "restore"), *parameters(table, "modify")}


def as_shown(overrides: Parameters) -> Parameters:
    """The overrides as Describe will show them."""
    return {name: value.lower() if name in LOWERED else value for name, value in overrides.items()}


def is_value_of(shape: Shape, value: Any) -> bool:
    """Whether a value from JSON is of a parameter's type, down to what it contains."""
    # To Python true is a number, and numbers have no end.
    if shape.type_name == "integer" and (isinstance(value, bool) or abs_of(value) > MOST):
        return False
    return not ParamValidator().validate(value, shape).has_errors()


def abs_of(value: Any) -> int:
    """How large a whole number is; 0 for anything else."""
    return abs(value) if isinstance(value, int) else 0


def override(planned: dict[str, Any], table: Table, engine: str, overrides: Parameters) -> None:
    """Change a plan's parameters into those that are asked for, as far as its table has them.

    An empty value leaves the parameter out. `open` becomes the names that are RDS's to choose then:
    whatever it makes of them is as planned. `changed` becomes the attributes that are concerned.
    """
    if not overrides:
        return
    following = following_from(planned, overrides)
    emptied = {name for name, value in overrides.items() if value in ("", [], {})}
    before = {
        name: wanted_of(row, planned)
        for name, row in table.items()
        if {*row.restore, *row.modify} & (overrides.keys() | following)
    }
    for call in ("restore", "modify"):
        kept = {n: v for n, v in planned[call].items() if n not in following | overrides.keys()}
        taken = taken_by(table, call, engine)
        asked = {n: v for n, v in overrides.items() if n in taken and n not in emptied}
        planned[call] = kept | asked
    planned["open"] = sorted(following | emptied)
    for name, was in before.items():
        row = table[name]
        is_asked = {*row.restore, *row.modify} & overrides.keys()
        note_change(planned, name, was, OVERRIDDEN if is_asked else FOLLOWS)
    # What cannot be kept of an attribute is nobody's loss once it is to become another.
    planned["cannotKeep"] = [
        entry for entry in planned["cannotKeep"] if entry["attribute"] not in before
    ]


def following_from(planned: dict[str, Any], overrides: Parameters) -> set[str]:
    """The parameters of the original that mean nothing beside what is asked for."""
    names: set[str] = set()
    for name, value in overrides.items():
        names.update(FOLLOWING.get(name, ()))
        names.update(
            one
            for one in FOLLOWING_A_SWITCH.get(name, ())
            if not value or not (one in planned["restore"] or one in planned["modify"])
        )
    return names - overrides.keys()


def taken_by(table: Table, call: str, engine: str) -> set[str]:
    """The parameters that a call takes for an engine."""
    late = engine.startswith("sqlserver")
    return {
        name
        for row in table.values()
        if not row.either or late == (call == "modify")
        for name in getattr(row, call)
    }


def as_overridden(found: Description, overrides: Parameters) -> Description:
    """A description with the version, class, size and groups that are asked for.

    For the preflight; what is left out is the database's own here.
    """
    asked: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "AllocatedStorage": ("AllocatedStorage", lambda size: size),
        "DBCapacityReservationIdentifier": ("DBCapacityReservationIdentifier", lambda name: name),
        "DBClusterInstanceClass": ("DBClusterInstanceClass", lambda name: name),
        "DBInstanceClass": ("DBInstanceClass", lambda name: name),
        "EngineVersion": ("EngineVersion", lambda version: version),
        "DBParameterGroupName": (
            "DBParameterGroups",
            lambda name: [{"DBParameterGroupName": name}],
        ),
        "OptionGroupName": ("OptionGroupMemberships", lambda name: [{"OptionGroupName": name}]),
        "DBClusterParameterGroupName": ("DBClusterParameterGroup", lambda name: name),
        "DBSubnetGroupName": (
            "DBSubnetGroup",
            # Of a cluster it is only a name.
            lambda name: (
                {**found["DBSubnetGroup"], "DBSubnetGroupName": name}
                if isinstance(found["DBSubnetGroup"], dict)
                else name
            ),
        ),
    }
    changed = {
        attribute: shown(overrides[name])
        for name, (attribute, shown) in asked.items()
        if overrides.get(name) and attribute in found
    }
    return found | changed
