"""Restore parameters that a request asks for instead of the original's: their names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from trapheus.configuration import CLUSTER, INSTANCE, MEMBER, Parameters, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape

    from trapheus.rds import Description

# A restore takes them from its snapshot.
OF_THE_SNAPSHOT = frozenset({"Engine", "EngineMode"})
# What the original has no say in any more once the first is another one.
FOLLOWING: dict[str, tuple[str, ...]] = {
    "DBInstanceClass": ("ProcessorFeatures",),
    "DBSubnetGroupName": ("AvailabilityZone", "AvailabilityZones"),
    "MultiAZ": ("AvailabilityZone",),
    "StorageType": ("Iops", "StorageThroughput"),
}
# The same, once it is switched off.
FOLLOWING_WHEN_OFF: dict[str, tuple[str, ...]] = {
    "EnablePerformanceInsights": (
        "DatabaseInsightsMode",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
    ),
    "ManageMasterUserPassword": ("MasterUserSecretKmsKeyId",),
    "MonitoringInterval": ("MonitoringRoleArn",),
}
MOST = 2**31 - 1


def shapes(*, is_cluster: bool) -> dict[str, Shape]:
    """Every parameter that may be overridden, with the shape of its value in botocore's model.

    A parameter that a cluster and its members both have goes to both.
    """
    calls = (
        (
            (MEMBER.restore, "CreateDBInstance"),
            (MEMBER.modify, "ModifyDBInstance"),
            (CLUSTER.restore, "RestoreDBClusterFromSnapshot"),
            (CLUSTER.modify, "ModifyDBCluster"),
        )
        if is_cluster
        else (
            (INSTANCE.restore, "RestoreDBInstanceFromDBSnapshot"),
            (INSTANCE.modify, "ModifyDBInstance"),
        )
    )
    # The model alone: no request is sent, so no region is needed.
    model = get_session().get_service_model("rds")
    found = {}
    for names, operation in calls:
        shape = model.operation_model(operation).input_shape
        taken = shape.members if shape else {}
        found.update({name: taken[name] for name in names if name not in OF_THE_SNAPSHOT})
    return found


def is_value_of(shape: Shape, value: Any) -> bool:
    """Whether a value from JSON is of a parameter's type, down to what it contains."""
    # To Python true is a number, and numbers have no end.
    if shape.type_name == "integer" and (isinstance(value, bool) or abs_of(value) > MOST):
        return False
    return not ParamValidator().validate(value, shape).has_errors()


def abs_of(value: Any) -> int:
    """How large a whole number is; 0 for anything else."""
    return abs(value) if isinstance(value, int) else 0


def override(planned: dict[str, Any], table: Table, overrides: Parameters) -> None:
    """Change a plan's parameters into those that are asked for, as far as its table has them.

    An empty value leaves the parameter out. `open` becomes the names that follow from an override:
    whatever RDS makes of them is as planned.
    """
    if not overrides:
        return
    following: set[str] = set()
    for name, value in overrides.items():
        following.update(FOLLOWING.get(name, ()))
        following.update(() if value else FOLLOWING_WHEN_OFF.get(name, ()))
    following -= overrides.keys()
    for call, names in (("restore", table.restore), ("modify", table.modify)):
        kept = {n: v for n, v in planned[call].items() if n not in following | overrides.keys()}
        asked = {n: v for n, v in overrides.items() if n in names and v not in ("", [], {})}
        planned[call] = kept | asked
    planned["open"] = sorted(following)


def as_overridden(found: Description, overrides: Parameters) -> Description:
    """A description with the class and the groups that are asked for, for the preflight."""
    asked: dict[str, tuple[str, Callable[[str], Any]]] = {
        "DBInstanceClass": ("DBInstanceClass", lambda name: name),
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
        if name in overrides and attribute in found
    }
    return found | changed
