"""Waits as botocore waiter models: data, with an end for every status that RDS can show.

botocore's own are not fit for a restore in place: `*Available` takes the stale `available` of a
renamed database for success, its NotFound for failure, and runs into its time-out on most bad
statuses; `DBSnapshotCompleted` counts NotFound as success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jmespath
from botocore.exceptions import WaiterError
from botocore.waiter import WaiterModel, create_waiter_with_client

from trapheus.errors import NOT_FOUND, TRANSIENT, failing_as, kind_of
from trapheus.exceptions import StillInProgress, TrapheusError
from trapheus.rds import rds

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Seconds between two looks: at most four a minute.
DELAY = 15
# What a look may still need when the Lambda's time is nearly up: connecting, tries, answering.
MARGIN = 20

# In which RDS takes snapshots and changes.
AVAILABLE = ("available", "storage-optimization")
# In which a database serves: `backing-up` may last for hours after a restore, and `storage-full`
# until somebody helps.
ONLINE = (*AVAILABLE, "backing-up", "storage-full", "storage-initialization")

# Statuses that end a wait at once (RDS User Guide, "Viewing DB instance status" and its twin for
# clusters).
BAD_INSTANCE = (
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-create",
    "incompatible-credentials",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "modify-failed",
    "restore-error",
    "stopped",
    "upgrade-failed",
)
BAD_CLUSTER = (
    "cloning-failed",
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-network",
    "incompatible-parameters",
    "incompatible-restore",
    "migration-failed",
    "restore-failed",
    "stopped",
)
BAD_SNAPSHOT = ("failed", "deleting")
DELETING = ("delete-precheck", "deleting")


class Wait:
    """One wait: which Describe is asked, what ends it well, and what ends it badly."""

    def __init__(
        self,
        operation: str,
        arguments: dict[str, Any],
        *,
        statuses: str,
        success: str = "",
        bad: tuple[str, ...] = (),
        gone_is_success: bool = False,
    ) -> None:
        self.arguments = arguments
        self.statuses = statuses
        self.bad = bad
        not_found = "success" if gone_is_success else "retry"
        acceptors = [
            {"matcher": "error", "expected": code, "state": not_found} for code in sorted(NOT_FOUND)
        ]
        acceptors += [
            {"matcher": "error", "expected": code, "state": "retry"} for code in sorted(TRANSIENT)
        ]
        if success:
            acceptors.append(_path("path", success, True, "success"))
        acceptors += [_path("pathAny", statuses, status, "failure") for status in bad]
        self.model = WaiterModel(
            {
                "version": 2,
                "waiters": {
                    "Wait": {
                        "operation": operation,
                        "delay": DELAY,
                        "maxAttempts": 1,
                        "acceptors": acceptors,
                    }
                },
            }
        )


def _path(matcher: str, argument: str, expected: Any, state: str) -> dict[str, Any]:
    return {"matcher": matcher, "argument": argument, "expected": expected, "state": state}


def _is_any(path: str, statuses: tuple[str, ...]) -> str:
    return "(" + " || ".join(f"{path} == '{status}'" for status in statuses) + ")"


def _empty(path: str) -> str:
    return f"length({path} || `[]`) == `0`"


_INSTANCES = "DBInstances[].DBInstanceStatus"
_CLUSTERS = "DBClusters[].Status"
_QUIET_INSTANCE = " && ".join(
    (
        _empty("DBInstances[0].VpcSecurityGroups[?Status != 'active']"),
        _empty("DBInstances[0].DBParameterGroups[?ParameterApplyStatus == 'applying']"),
        "length(keys(DBInstances[0].PendingModifiedValues || `{}`)) == `0`",
    )
)
_QUIET_CLUSTER = " && ".join(
    (
        _empty("DBClusters[0].VpcSecurityGroups[?Status != 'active']"),
        "length(keys(DBClusters[0].PendingModifiedValues || `{}`)) == `0`",
    )
)


def _instance_by_id(resource_id: str) -> dict[str, Any]:
    return {"Filters": [{"Name": "dbi-resource-id", "Values": [resource_id]}]}


def _cluster_by_id(resource_id: str) -> dict[str, Any]:
    return {"Filters": [{"Name": "db-cluster-resource-id", "Values": [resource_id]}]}


def instance_renamed(resource_id: str, name: str) -> Wait:
    """The instance with this resource id is online under `name`."""
    return Wait(
        "DescribeDBInstances",
        _instance_by_id(resource_id),
        statuses=_INSTANCES,
        success=f"DBInstances[0].DBInstanceIdentifier == '{name}' && "
        + _is_any("DBInstances[0].DBInstanceStatus", ONLINE),
        bad=BAD_INSTANCE + DELETING,
    )


def cluster_renamed(resource_id: str, name: str) -> Wait:
    """The cluster with this resource id is online under `name`."""
    return Wait(
        "DescribeDBClusters",
        _cluster_by_id(resource_id),
        statuses=_CLUSTERS,
        success=f"DBClusters[0].DBClusterIdentifier == '{name}' && "
        + _is_any("DBClusters[0].Status", ONLINE),
        bad=BAD_CLUSTER + DELETING,
    )


def instance_settled(name: str, other_than: str, statuses: tuple[str, ...] = ONLINE) -> Wait:
    """`name` is an instance of another resource id, in one of `statuses`, with nothing pending."""
    return Wait(
        "DescribeDBInstances",
        {"DBInstanceIdentifier": name},
        statuses=f"DBInstances[?DbiResourceId != '{other_than}'].DBInstanceStatus",
        success=f"DBInstances[0].DbiResourceId != '{other_than}' && {_QUIET_INSTANCE} && "
        + _is_any("DBInstances[0].DBInstanceStatus", statuses),
        bad=BAD_INSTANCE + DELETING,
    )


def cluster_settled(name: str, other_than: str, statuses: tuple[str, ...] = ONLINE) -> Wait:
    """`name` is a cluster of another resource id, in one of `statuses`, with nothing pending."""
    return Wait(
        "DescribeDBClusters",
        {"DBClusterIdentifier": name},
        statuses=f"DBClusters[?DbClusterResourceId != '{other_than}'].Status",
        success=f"DBClusters[0].DbClusterResourceId != '{other_than}' && {_QUIET_CLUSTER} && "
        + _is_any("DBClusters[0].Status", statuses),
        bad=BAD_CLUSTER + DELETING,
    )


def instance_deleted(resource_id: str) -> Wait:
    """No instance has this resource id any more."""
    return Wait(
        "DescribeDBInstances",
        _instance_by_id(resource_id),
        statuses=_INSTANCES,
        success="length(DBInstances) == `0`",
        bad=BAD_INSTANCE,
        gone_is_success=True,
    )


def cluster_deleted(resource_id: str) -> Wait:
    """No cluster has this resource id any more."""
    return Wait(
        "DescribeDBClusters",
        _cluster_by_id(resource_id),
        statuses=_CLUSTERS,
        success="length(DBClusters) == `0`",
        bad=BAD_CLUSTER,
        gone_is_success=True,
    )


def snapshot_available(name: str) -> Wait:
    """The DB snapshot can be restored from."""
    return Wait(
        "DescribeDBSnapshots",
        {"DBSnapshotIdentifier": name},
        statuses="DBSnapshots[].Status",
        success="DBSnapshots[0].Status == 'available'",
        bad=BAD_SNAPSHOT,
    )


def cluster_snapshot_available(name: str) -> Wait:
    """The DB cluster snapshot can be restored from."""
    return Wait(
        "DescribeDBClusterSnapshots",
        {"DBClusterSnapshotIdentifier": name},
        statuses="DBClusterSnapshots[].Status",
        success="DBClusterSnapshots[0].Status == 'available'",
        bad=BAD_SNAPSHOT,
    )


def snapshot_deleted(name: str) -> Wait:
    """No DB snapshot has this name any more."""
    return Wait(
        "DescribeDBSnapshots",
        {"DBSnapshotIdentifier": name},
        statuses="DBSnapshots[].Status",
        success="length(DBSnapshots) == `0`",
        bad=("failed",),
        gone_is_success=True,
    )


def cluster_snapshot_deleted(name: str) -> Wait:
    """No DB cluster snapshot has this name any more."""
    return Wait(
        "DescribeDBClusterSnapshots",
        {"DBClusterSnapshotIdentifier": name},
        statuses="DBClusterSnapshots[].Status",
        success="length(DBClusterSnapshots) == `0`",
        bad=("failed",),
        gone_is_success=True,
    )


def wait(
    what: Wait, context: LambdaContext, *, otherwise: type[TrapheusError], identifier: str
) -> None:
    """Wait as long as this Lambda has time left, for at least one look.

    Raises StillInProgress when the time is up, `otherwise` at once on a bad status or an error
    that no patience cures.
    """
    seconds_left = context.get_remaining_time_in_millis() / 1000 - MARGIN
    waiter = create_waiter_with_client("Wait", what.model, rds())
    try:
        with failing_as(otherwise, identifier):
            waiter.wait(
                **what.arguments,
                WaiterConfig={"Delay": DELAY, "MaxAttempts": max(1, int(seconds_left // DELAY))},
            )
    except WaiterError as error:
        raise _judged(what, dict(error.last_response), otherwise, identifier) from error


def not_ready(
    status: str, bad: tuple[str, ...], otherwise: type[TrapheusError], identifier: str
) -> TrapheusError:
    """The error for a database that is not online: `otherwise` if it will not be by itself."""
    kind = otherwise if status in bad else StillInProgress
    return kind(f"{identifier} is {status or 'not visible'}", identifier=identifier)


def _judged(
    what: Wait, response: dict[str, Any], otherwise: type[TrapheusError], identifier: str
) -> TrapheusError:
    """The app's error for the answer that ended a wait without success."""
    if "Error" in response:
        code = response["Error"]["Code"]
        if code in NOT_FOUND:
            return StillInProgress(f"{identifier} is not visible yet", identifier=identifier)
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        kind = kind_of(code, status, otherwise)
        return kind(response["Error"]["Message"], identifier=identifier, code=code)
    statuses = sorted(set(jmespath.search(what.statuses, response) or []))
    shown = ", ".join(statuses) or "not visible"
    bad = [status for status in statuses if status in what.bad]
    if bad:
        return otherwise(f"{identifier} is {bad[0]}", identifier=identifier)
    return StillInProgress(f"{identifier} is {shown}", identifier=identifier)
