"""Steps that come too late: without the lock in their phase they change nothing."""

import pytest

from tests.unit.conftest import ANOTHER, EXECUTION, Aws, Kind
from trapheus.execution import exceptions

# Each step with the state of the account in which it would change something.
STEPS = {
    "snapshot": "plan",
    "rename": "plan",
    "restore": "renamed",
    "configure": "replaced",
    "delete": "finished",
    "untag": "finished",
}
LOCKS = {
    "released": {},
    "another's": {"holder": ANOTHER, "phase": "{phase}"},
    "left to a recovery": {"phase": "{phase}"},
    "rolling back": {"holder": EXECUTION, "phase": "rollback"},
}


@pytest.fixture
def plan_of(step: str, request: pytest.FixtureRequest) -> dict:
    return request.getfixturevalue(STEPS[step])


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_does_not_hold_the_lock_changes_nothing(
    aws: Aws, kind: Kind, plan_of: dict, step: str, lock: str
):
    phase = {"snapshot": "prepare", "rename": "replace", "restore": "replace"}.get(step, "finish")
    aws.lock = {name: text.format(phase=phase) for name, text in LOCKS[lock].items()}
    aws.calls.clear()

    with pytest.raises(exceptions.LockLost, match="Nothing was done"):
        aws.run(step, plan=plan_of)

    assert all(call.startswith("Describe") for call in aws.calls)


def test_another_database_under_the_identifier_is_not_configured(
    aws: Aws, kind: Kind, replaced: dict
):
    aws.calls.clear()

    with pytest.raises(exceptions.LockLost, match="not restored"):
        aws.run("configure", plan=replaced, restored={"resourceId": "db-ANOTHER"})

    assert all(call.startswith("Describe") for call in aws.calls)


def test_another_database_under_the_identifier_is_not_snapped(aws: Aws, kind: Kind, plan: dict):
    plan["resourceId"] = "db-ANOTHER"
    aws.calls.clear()

    with pytest.raises(exceptions.SnapshotFailed, match="now"):
        aws.run("snapshot", plan=plan)

    assert all(call.startswith("Describe") for call in aws.calls)
