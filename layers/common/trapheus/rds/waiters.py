"""Waits as botocore waiter models: data, with an end for every status that RDS can show.

botocore's own are not fit for a restore in place: `*Available` takes the stale `available` of a
renamed database for success, its NotFound for failure, and runs into its time-out on most bad
statuses; `DBSnapshotCompleted` counts NotFound as success.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import jmespath
from botocore.exceptions import WaiterError
from botocore.waiter import Waiter, WaiterModel, create_waiter_with_client

from trapheus.execution import lock
from trapheus.execution.errors import (
    NOT_FOUND,
    TRANSIENT,
    failing_as,
    kind_of,
)
from trapheus.execution.exceptions import (
    DeleteFailed,
    RenameFailed,
    RestoreFailed,
    StillInProgress,
    TrapheusError,
)
from trapheus.rds.access import rds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

# Seconds between two looks: at most four a minute.
DELAY = 15
# Hours after which a wait has failed. Restores of a day are known.
PATIENCE = 48
# For so many seconds after a change RDS may show what was before it, and some more.
SHOWN = 90
# What a look may still need when the Lambda's time is nearly up: connecting, tries, answering.
MARGIN = 20

# In which RDS takes snapshots and changes.
AVAILABLE = ("available", "storage-optimization")
# In which a change is tried. A restored instance loads its storage for hours while it serves, and
# whether RDS takes changes meanwhile is open [fact: storage-initialization]: a refusal says later.
TRIED = (*AVAILABLE, "storage-initialization")
# In which a database serves: `backing-up` may last for hours after a restore, and `storage-full`
# until somebody helps.
ONLINE = (*TRIED, "backing-up", "storage-full")

# Statuses that end a wait at once. [fact: statuses-that-pass]
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
    # [fact: upgrade-failed]
    "upgrade-failed",
)
BAD_SNAPSHOT = ("failed", "deleting")
DELETING = ("delete-precheck", "deleting")
# The error of a wait of the state machine that has failed.
FAILURES: dict[str, type[TrapheusError]] = {
    "copied": RestoreFailed,
    "renamed": RenameFailed,
    "restored": RestoreFailed,
    "deleted": DeleteFailed,
}


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
        self.listed = statuses.partition("[")[0]
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


@dataclass(frozen=True)
class Kind:
    """How one kind of database or snapshot is described: the words of botocore's model."""

    operation: str
    listed: str
    name: str
    status: str
    bad: tuple[str, ...]
    resource_id: str = ""
    by_resource_id: str = ""
    # Of its parts, those that must be at rest before the next change. Where clients wait, they do
    # not wait for the others, which the verification judges (`configuration.statuses`).
    quiet: tuple[str, ...] = ()

    def first(self, attribute: str) -> str:
        """The path to an attribute of the first that is listed."""
        return f"{self.listed}[0].{attribute}"

    def with_id(self, resource_id: str) -> dict[str, Any]:
        """The arguments that ask for a resource id, whatever its name is now."""
        return {"Filters": [{"Name": self.by_resource_id, "Values": [resource_id]}]}


_INSTANCE = Kind(
    operation="DescribeDBInstances",
    listed="DBInstances",
    name="DBInstanceIdentifier",
    status="DBInstanceStatus",
    bad=BAD_INSTANCE,
    resource_id="DbiResourceId",
    by_resource_id="dbi-resource-id",
    quiet=(
        _empty("DBInstances[0].VpcSecurityGroups[?Status == 'adding' || Status == 'removing']"),
        # Which may end as pending-reboot, and is then rebooted for.
        _empty("DBInstances[0].DBParameterGroups[?ParameterApplyStatus == 'applying']"),
    ),
)
_CLUSTER = Kind(
    operation="DescribeDBClusters",
    listed="DBClusters",
    name="DBClusterIdentifier",
    status="Status",
    bad=BAD_CLUSTER,
    resource_id="DbClusterResourceId",
    by_resource_id="db-cluster-resource-id",
    quiet=(_empty("DBClusters[0].VpcSecurityGroups[?Status == 'adding' || Status == 'removing']"),),
)
_SNAPSHOT = Kind(
    operation="DescribeDBSnapshots",
    listed="DBSnapshots",
    name="DBSnapshotIdentifier",
    status="Status",
    bad=BAD_SNAPSHOT,
)
_CLUSTER_SNAPSHOT = Kind(
    operation="DescribeDBClusterSnapshots",
    listed="DBClusterSnapshots",
    name="DBClusterSnapshotIdentifier",
    status="Status",
    bad=BAD_SNAPSHOT,
)


def _renamed(kind: Kind, resource_id: str, name: str) -> Wait:
    return Wait(
        kind.operation,
        kind.with_id(resource_id),
        statuses=f"{kind.listed}[].{kind.status}",
        # A reboot ends a rename, and then the old name is free already.
        success=f"{kind.first(kind.name)} == '{name}' && "
        + _is_any(kind.first(kind.status), (*ONLINE, "rebooting")),
        bad=kind.bad + DELETING,
    )


def _named(kind: Kind, resource_id: str, name: str) -> Wait:
    return Wait(
        kind.operation,
        kind.with_id(resource_id),
        statuses=f"{kind.listed}[].{kind.status}",
        success=f"{kind.first(kind.name)} == '{name}'",
        bad=kind.bad + DELETING,
    )


def _settled(
    kind: Kind, name: str, other_than: str, statuses: tuple[str, ...], parts: bool
) -> Wait:
    conditions = (
        f"{kind.first(kind.resource_id)} != '{other_than}'",
        _empty(f"keys({kind.first('PendingModifiedValues')} || `{{}}`)"),
        *(kind.quiet if parts else ()),
        _is_any(kind.first(kind.status), statuses),
    )
    return Wait(
        kind.operation,
        {kind.name: name},
        statuses=f"{kind.listed}[?{kind.resource_id} != '{other_than}'].{kind.status}",
        success=" && ".join(conditions),
        bad=kind.bad + DELETING,
    )


def _available(kind: Kind, name: str) -> Wait:
    return Wait(
        kind.operation,
        {kind.name: name},
        statuses=f"{kind.listed}[].{kind.status}",
        success=f"{kind.first(kind.status)} == 'available'",
        bad=kind.bad,
    )


def _deleted(kind: Kind, arguments: dict[str, Any], bad: tuple[str, ...]) -> Wait:
    return Wait(
        kind.operation,
        arguments,
        statuses=f"{kind.listed}[].{kind.status}",
        success=f"length({kind.listed}) == `0`",
        bad=bad,
        gone_is_success=True,
    )


def instance_renamed(resource_id: str, name: str) -> Wait:
    """The instance with this resource id is called `name`; it may still reboot for it."""
    return _renamed(_INSTANCE, resource_id, name)


def cluster_renamed(resource_id: str, name: str) -> Wait:
    """The cluster with this resource id is called `name`, and online."""
    return _renamed(_CLUSTER, resource_id, name)


def instance_named(resource_id: str, name: str) -> Wait:
    """The instance with this resource id shows `name`, so that its old one is free."""
    return _named(_INSTANCE, resource_id, name)


def cluster_named(resource_id: str, name: str) -> Wait:
    """The cluster with this resource id shows `name`, so that its old one is free."""
    return _named(_CLUSTER, resource_id, name)


def instance_settled(
    name: str, other_than: str, statuses: tuple[str, ...] = ONLINE, *, parts: bool = True
) -> Wait:
    """`name` is an instance of another resource id, in one of `statuses`, with nothing pending.

    parts: its groups are at rest too.
    """
    return _settled(_INSTANCE, name, other_than, statuses, parts)


def cluster_settled(
    name: str, other_than: str, statuses: tuple[str, ...] = ONLINE, *, parts: bool = True
) -> Wait:
    """`name` is a cluster of another resource id, in one of `statuses`, with nothing pending.

    parts: its groups are at rest too.
    """
    return _settled(_CLUSTER, name, other_than, statuses, parts)


def instance_deleted(resource_id: str) -> Wait:
    """No instance has this resource id any more."""
    return _deleted(_INSTANCE, _INSTANCE.with_id(resource_id), BAD_INSTANCE)


def cluster_deleted(resource_id: str) -> Wait:
    """No cluster has this resource id any more."""
    return _deleted(_CLUSTER, _CLUSTER.with_id(resource_id), BAD_CLUSTER)


def snapshot_available(name: str) -> Wait:
    """The DB snapshot can be restored from."""
    return _available(_SNAPSHOT, name)


def cluster_snapshot_available(name: str) -> Wait:
    """The DB cluster snapshot can be restored from."""
    return _available(_CLUSTER_SNAPSHOT, name)


def snapshot_deleted(name: str) -> Wait:
    """No DB snapshot has this name any more."""
    return _deleted(_SNAPSHOT, {_SNAPSHOT.name: name}, ("failed",))


def cluster_snapshot_deleted(name: str) -> Wait:
    """No DB cluster snapshot has this name any more."""
    return _deleted(_CLUSTER_SNAPSHOT, {_CLUSTER_SNAPSHOT.name: name}, ("failed",))


def wait(
    what: Wait,
    *,
    otherwise: type[TrapheusError],
    identifier: str,
    since: str,
    seen: dict[str, Any] | None = None,
) -> None:
    """Look once: a pause between two invocations costs less than a Lambda that sleeps.

    `since`: when the state that waits was entered, ISO 8601. `seen`: what RDS has shown just now,
    which is judged instead of a look. Raises StillInProgress when it is too early, `otherwise` at
    once on a bad status or an error that no patience cures, and on any status after two days.
    """
    waiter = create_waiter_with_client("Wait", what.model, rds())
    try:
        with failing_as(otherwise, identifier):
            if seen is None:
                waiter.wait(**what.arguments)
            else:
                _require_success(waiter, {what.listed: [seen]})
    except WaiterError as error:
        judged = _judged(what, dict(error.last_response), otherwise, identifier)
        if isinstance(judged, StillInProgress) and is_over(since):
            shown = dict(error.last_response)
            judged = otherwise(
                f"{_shown(what, shown, identifier)} even after {PATIENCE} hours",
                identifier=identifier,
                status=", ".join(_statuses(what, shown)),
            )
        raise judged from error


def wait_until(
    event: dict[str, Any], waits: Mapping[str, Callable[[dict[str, Any]], list[tuple[str, Wait]]]]
) -> dict[str, str]:
    """Wait for the event's `until`; the state machine asks again when time is up.

    waits: what is waited for, by `until`: names with their waits. It may begin a `phase`, which is
    noted at once: clients may write from here on. Returns `until`, and the moment `at` which it was
    seen, ISO 8601.
    """
    until = event["until"]
    for identifier, what in waits[until](event["plan"]):
        wait(what, otherwise=FAILURES[until], identifier=identifier, since=event["entered"])
    if "phase" in event:
        lock.require(event)
    return {"until": until, "at": datetime.now(UTC).isoformat(timespec="seconds")}


def wait_for(done: Callable[[], bool], context: LambdaContext, identifier: str) -> None:
    """Look again until a change shows that was just asked for; StillInProgress when it does not.

    RDS may show a database for a minute as it was: a repeat would ask for the change once more.
    """
    for _ in range(SHOWN // DELAY):
        if context.get_remaining_time_in_millis() / 1000 < MARGIN + DELAY:
            break
        time.sleep(DELAY)
        if done():
            return
    raise StillInProgress("The change is being made", identifier=identifier)


def _require_success(waiter: Waiter, response: dict[str, Any]) -> None:
    """Raise WaiterError unless what RDS has shown ends the wait well."""
    acceptors = cast("Any", waiter.config).acceptors
    state = next((each.state for each in acceptors if each.matcher_func(response)), "retry")
    if state != "success":
        raise WaiterError(waiter.name, f"the look: {state}", cast("Any", response))


def is_over(since: str, hours: float = PATIENCE) -> bool:
    """Whether a wait that began then has lasted too long."""
    return time.time() - datetime.fromisoformat(since).timestamp() > hours * 3600


def not_ready(
    status: str,
    bad: tuple[str, ...],
    otherwise: type[TrapheusError],
    identifier: str,
    *,
    what: str = "",
    unrenamed: str = "",
) -> TrapheusError:
    """The error for a database that is not online: `otherwise` if it will not be by itself.

    what: how its sentence begins, where that is not the identifier. unrenamed: the name that it has
    kept, for the message.
    """
    said = f"{what or identifier} is {status or 'not visible'}"
    if status in bad:
        return otherwise(said, identifier=identifier, status=status, unrenamed=unrenamed)
    return StillInProgress(said, identifier=identifier)


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
    bad = [status for status in _statuses(what, response) if status in what.bad]
    if bad:
        return otherwise(f"{identifier} is {bad[0]}", identifier=identifier, status=bad[0])
    return StillInProgress(_shown(what, response, identifier), identifier=identifier)


def _statuses(what: Wait, response: dict[str, Any]) -> list[str]:
    return sorted(set(jmespath.search(what.statuses, response) or []))


def _shown(what: Wait, response: dict[str, Any], identifier: str) -> str:
    """What RDS shows, as the beginning of a sentence."""
    return f"{identifier} is {', '.join(_statuses(what, response)) or 'not visible'}"
