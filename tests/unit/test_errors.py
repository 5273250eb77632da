"""How AWS's errors are judged: real ClientErrors, by code and status."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.unit.conftest import Aws
from trapheus.execution import exceptions
from trapheus.execution.errors import failing_as
from trapheus.rds.access import rds

THROTTLED = [
    ("Throttling", 400), ("ThrottlingException", 400), ("RequestLimitExceeded", 503),
    ("InternalFailure", 500), ("InternalError", 500), ("ServiceUnavailable", 503),
    ("RequestTimeout", 408), ("TooManyRequestsException", 429), ("SomethingNew", 500),
    ("SomethingNew", 502), ("SomethingNew", 503), ("SomethingNew", 504),
]  # fmt: skip
CONFLICTS = [
    "InvalidDBInstanceState", "InvalidDBClusterStateFault", "InvalidDBSnapshotState",
    "InvalidDBClusterSnapshotStateFault", "DBInstanceNotReady",
]  # fmt: skip
CAPACITY = [
    "InsufficientDBInstanceCapacity", "InsufficientDBClusterCapacityFault",
    "InsufficientStorageClusterCapacity",
]  # fmt: skip
FINAL = [
    ("AccessDenied", 403), ("AccessDeniedException", 403), ("UnauthorizedOperation", 403),
    ("ExpiredToken", 403), ("InvalidParameterValue", 400), ("InvalidParameterCombination", 400),
    ("MissingParameter", 400), ("DBParameterGroupNotFound", 404), ("OptionGroupNotFoundFault", 404),
    ("DBSubnetGroupNotFoundFault", 404), ("KMSKeyNotAccessibleFault", 400),
    ("StorageTypeNotSupported", 400), ("ProvisionedIopsNotAvailableInAZFault", 400),
    ("InvalidSubnet", 400), ("InvalidRestoreFault", 400), ("InstanceQuotaExceeded", 400),
    ("SnapshotQuotaExceeded", 400), ("StorageQuotaExceeded", 400),
    ("DBClusterQuotaExceededFault", 403), ("DBInstanceAlreadyExists", 400),
    ("DBInstanceAutomatedBackupQuotaExceeded", 400), ("InvalidVPCNetworkStateFault", 400),
]  # fmt: skip


def judged(aws: Aws, code: str, status: int = 400, **how: type) -> exceptions.TrapheusError:
    """What the layer makes of an error that RDS answers with."""
    aws.fail("RebootDBInstance", code, status=status)
    with (
        pytest.raises(exceptions.TrapheusError) as raised,
        failing_as(exceptions.RestoreFailed, "prod-db", **how),
    ):
        rds().reboot_db_instance(DBInstanceIdentifier="prod-db")
    assert isinstance(raised.value.__cause__, ClientError)
    return raised.value


@pytest.mark.parametrize(("code", "status"), THROTTLED)
def test_what_passes_by_itself_is_throttled(aws: Aws, code: str, status: int):
    assert type(judged(aws, code, status)) is exceptions.Throttled


@pytest.mark.parametrize("code", CONFLICTS)
def test_a_state_that_will_clear_is_a_conflict(aws: Aws, code: str):
    assert type(judged(aws, code)) is exceptions.StateConflict


@pytest.mark.parametrize("code", CONFLICTS)
def test_a_conflict_that_may_last_can_be_progress_instead(aws: Aws, code: str):
    error = judged(aws, code, conflict=exceptions.StillInProgress)

    assert type(error) is exceptions.StillInProgress


@pytest.mark.parametrize("code", CAPACITY)
def test_missing_capacity_is_told_apart(aws: Aws, code: str):
    assert type(judged(aws, code)) is exceptions.InsufficientCapacity


@pytest.mark.parametrize(("code", "status"), FINAL)
def test_any_other_error_is_final_and_takes_the_step_s_name(aws: Aws, code: str, status: int):
    error = judged(aws, code, status, conflict=exceptions.StillInProgress)

    assert type(error) is exceptions.RestoreFailed


def test_an_error_carries_its_facts_as_fields(aws: Aws):
    error = judged(aws, "InvalidRestoreFault")

    assert json.loads(str(error)) == {
        "message": "InvalidRestoreFault was injected",
        "identifier": "prod-db",
        "operation": "RebootDBInstance",
        "code": "InvalidRestoreFault",
    }


def test_a_call_that_is_throttled_for_a_moment_is_tried_again_by_the_client(aws: Aws):
    aws.fail("RebootDBInstance", "Throttling", times=2)

    with failing_as(exceptions.RestoreFailed, "prod-db"):
        rds().reboot_db_instance(DBInstanceIdentifier="prod-db")
    aws.clock.sleep(30)

    assert aws.found("prod-db")["DBInstanceStatus"] == "rebooting"


def test_the_app_s_own_errors_pass_through_unchanged():
    original = exceptions.NameTaken("taken", identifier="prod-db")

    with (
        pytest.raises(exceptions.NameTaken) as raised,
        failing_as(exceptions.RestoreFailed, "prod-db"),
    ):
        raise original

    assert raised.value is original


def test_fields_without_a_value_are_left_out():
    error = exceptions.RestoreFailed("no", identifier="", code="X")

    assert json.loads(str(error)) == {"message": "no", "code": "X"}


def test_every_error_is_one_of_the_app_s_and_says_what_it_means():
    errors = [
        error
        for error in vars(exceptions).values()
        if isinstance(error, type) and error is not exceptions.TrapheusError
    ]

    assert len(errors) > 15
    for error in errors:
        assert issubclass(error, exceptions.TrapheusError)
        assert error.__doc__.endswith(".")
