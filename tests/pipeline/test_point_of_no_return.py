"""The point of no return: what is told of it, and what a later recovery does, are the same."""

import pytest

from local.commands.app import App
from local.emulator.cloud import Call, Fault
from tests.mailed import flowing
from tests.pipeline.observed import KINDS, Kind, databases, run, stop_at

DENIED = Fault("AccessDeniedException", "User is not authorized", 403)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_where_it_cannot_be_noted_the_original_is_back_and_stays(cloud: App, kind: Kind) -> None:
    def deny(call: Call) -> Fault | None:
        values = call.parameters.get("ExpressionAttributeValues", {})
        notes = call.operation == "UpdateItem" and values.get(":phase") == {"S": "finish"}
        releases = (call.caller, call.operation) == ("states", "DeleteItem")
        return DENIED if notes or releases else None

    before = databases(cloud)
    cloud.faults.append(deny)
    execution = run(cloud, kind.request("db_restore"))
    cloud.faults.clear()
    cloud.settle()  # the lock was not released: a recovery takes it

    assert (execution.status, execution.error) == ("FAILED", "LockFailed")
    assert f"put back and serves as {kind.identifier}" in execution.cause
    assert databases(cloud) == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_once_it_is_noted_nothing_that_serves_is_taken_away(cloud: App, kind: Kind) -> None:
    """The execution is stopped before Finish has done anything."""

    stop_at(cloud, "Register it with the proxies")
    execution = run(cloud, kind.request("db_restore"))
    served = databases(cloud)[f"{kind.name} {kind.identifier}"]
    cloud.settle()

    assert execution.status == "ABORTED"
    assert databases(cloud)[f"{kind.name} {kind.identifier}"][0] == served[0]
    assert f"{kind.name} {kind.identifier}-temp" in databases(cloud)
    assert "The restored database serves" in flowing(cloud.alerts[-1].text)
