"""botocore's model of RDS: the operations, their inputs and the shapes that Describe returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from botocore.loaders import Loader
from moto.core.model import OperationModel, ServiceModel

SERVICE = ServiceModel(Loader().load_service_model("rds", "service-2"), "rds")

ERROR_STATUS: dict[str, int] = {
    shape.metadata["error"]["code"]: shape.metadata["error"]["httpStatusCode"]
    for shape in SERVICE.error_shapes
}


@dataclass(frozen=True)
class Kind:
    """What RDS calls the parts of one kind of thing."""

    word: str
    shape: str
    name_key: str
    status_key: str
    arn_key: str
    arn_part: str
    missing: str
    exists: str
    wrong_state: str
    longest: int


KINDS: dict[str, Kind] = {
    "instance": Kind(
        "DBInstance", "DBInstance", "DBInstanceIdentifier", "DBInstanceStatus", "DBInstanceArn",
        "db", "DBInstanceNotFound", "DBInstanceAlreadyExists", "InvalidDBInstanceState", 63,
    ),
    "cluster": Kind(
        "DBCluster", "DBCluster", "DBClusterIdentifier", "Status", "DBClusterArn",
        "cluster", "DBClusterNotFoundFault", "DBClusterAlreadyExistsFault",
        "InvalidDBClusterStateFault", 63,
    ),
    "snapshot": Kind(
        "DBSnapshot", "DBSnapshot", "DBSnapshotIdentifier", "Status", "DBSnapshotArn",
        "snapshot", "DBSnapshotNotFound", "DBSnapshotAlreadyExists", "InvalidDBSnapshotState", 255,
    ),
    "cluster-snapshot": Kind(
        "DBClusterSnapshot", "DBClusterSnapshot", "DBClusterSnapshotIdentifier", "Status",
        "DBClusterSnapshotArn", "cluster-snapshot", "DBClusterSnapshotNotFoundFault",
        "DBClusterSnapshotAlreadyExistsFault", "InvalidDBClusterSnapshotStateFault", 63,
    ),
}  # fmt: skip

RESOURCE_ID = {"instance": "DbiResourceId", "cluster": "DbClusterResourceId"}


def operation(name: str) -> OperationModel:
    """The model of an operation; KeyError when RDS has none of that name."""
    if name not in SERVICE.operation_names:
        raise KeyError(name)
    found: OperationModel = SERVICE.operation_model(name)
    return found


@cache
def members(shape: str) -> Mapping[str, Any]:
    """The attributes of a shape, such as DBInstance."""
    found: Any = SERVICE.shape_for(shape)
    return MappingProxyType(dict(found.members))
