"""Judges AWS's errors, by code and in this one place."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from trapheus.execution.exceptions import (
    InsufficientCapacity,
    StateConflict,
    Throttled,
    TrapheusError,
)

# Codes as they come over the wire [fact: named-errors]; the first group is in no operation's list
# and still comes.
TRANSIENT = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
CONFLICT = frozenset(
    {
        "DBInstanceNotReady",
        # Of an export: for some seconds after the role was made or changed. [fact: roles-spread]
        "IamRoleMissingPermissions",
        "IamRoleNotFound",
        "InvalidDBClusterEndpointStateFault",
        "InvalidDBClusterSnapshotStateFault",
        "InvalidDBClusterStateFault",
        "InvalidDBInstanceState",
        "InvalidDBSnapshotState",
        "InvalidExportSourceState",
    }
)
CAPACITY = frozenset(
    {
        "InsufficientDBClusterCapacityFault",
        "InsufficientDBInstanceCapacity",
        "InsufficientStorageClusterCapacity",
    }
)
EXISTS = frozenset(
    {
        "DBClusterAlreadyExistsFault",
        "DBClusterEndpointAlreadyExistsFault",
        "DBClusterRoleAlreadyExists",
        "DBClusterSnapshotAlreadyExistsFault",
        "DBInstanceAlreadyExists",
        "DBInstanceRoleAlreadyExists",
        "DBSnapshotAlreadyExists",
        "ExportTaskAlreadyExists",
    }
)
NOT_FOUND = frozenset(
    {
        "DBClusterNotFoundFault",
        "DBClusterSnapshotNotFoundFault",
        "DBInstanceNotFound",
        "DBSnapshotNotFound",
        "ExportTaskNotFound",
    }
)


def code_of(error: ClientError) -> str:
    """The wire code of an AWS error."""
    return error.response["Error"]["Code"]


def kind_of(code: str, status: int, otherwise: type[TrapheusError]) -> type[TrapheusError]:
    """The app's error for an AWS error code and HTTP status; `otherwise` if it is final."""
    if code in CONFLICT:
        return StateConflict
    if code in CAPACITY:
        return InsufficientCapacity
    if code in TRANSIENT or status >= 500:
        return Throttled
    return otherwise


@contextmanager
def unless_done(done: Callable[[], bool]) -> Iterator[None]:
    """Let a Modify that RDS finds nothing to do in pass if its work is `done`.

    So it is refused when an earlier try went through and only its answer was lost.
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) != "InvalidParameterCombination" or not done():
            raise


@contextmanager
def failing_as(
    otherwise: type[TrapheusError],
    identifier: str,
    *,
    conflict: type[TrapheusError] = StateConflict,
    exists: type[TrapheusError] | None = None,
    refusals: Mapping[str, tuple[type[TrapheusError], str]] | None = None,
) -> Iterator[None]:
    """Turn a ClientError inside the block into the app's own error.

    No answer, throttling, a state that clears and missing capacity become the errors that the
    state machine retries; any other is final and becomes `otherwise`. `conflict` replaces
    StateConflict where a refusal may last for hours. `exists` is what a name already taken becomes
    in a step that makes things: its own earlier call may have gone through without showing yet,
    so it has to look again. `refusals` are the codes with an error and a sentence of their own.
    """
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        kind = kind_of(code_of(error), status, otherwise)
        if kind is StateConflict:
            kind = conflict
        elif exists and code_of(error) in EXISTS:
            kind = exists
        message = error.response["Error"].get("Message", str(error))
        if refusals and code_of(error) in refusals:
            kind, message = refusals[code_of(error)]
        raise kind(
            message,
            identifier=identifier,
            operation=error.operation_name,
            code=code_of(error),
        ) from error
    except (HTTPClientError, NoConnection) as error:
        raise Throttled(str(error), identifier=identifier, code=type(error).__name__) from error
