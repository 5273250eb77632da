"""Functions that nobody has called for weeks: Lambda sets each up anew at its first invocation."""

import pytest

from local.commands.app import App
from local.emulator.cloud import Fault
from tests.pipeline.observed import KINDS, Kind, On, databases, run

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@each_kind
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_a_restore_wakes_all_of_its_functions(cloud: App, kind: Kind, strategy: str) -> None:
    cloud.functions.idle = ""

    ended = run(cloud, kind.request("db_restore", strategy=strategy))

    assert (ended.status, ended.error) == ("SUCCEEDED", "")
    refused = {call.error for call in cloud.calls if call.operation == "Invoke"}
    assert {"ResourceNotReadyException", "ENINotReadyException"} <= refused


@each_kind
@pytest.mark.parametrize("alone", ["", "RollBack", "SendEmail"], ids=["all", "rollback", "alert"])
def test_what_is_used_once_a_year_wakes_too(cloud: App, kind: Kind, alone: str) -> None:
    before = databases(cloud)
    cloud.functions.idle = alone
    cloud.faults.append(
        On("Restore", kind.operation("RestoreDB*FromDBSnapshot"), Fault("AccessDenied", "no", 403))
    )
    cloud.faults.append(
        On("Restore", "RestoreDBClusterFromSnapshot", Fault("AccessDenied", "", 403))
    )

    ended = run(cloud, kind.request("db_restore"))

    assert (ended.status, ended.error) == ("FAILED", "RestoreFailed")
    assert databases(cloud) == before
    assert len(cloud.alerts) == 1
    refused = {call.parameters["FunctionName"].rpartition(":")[2] for call in cloud.calls
               if call.error == "ResourceNotReadyException"}  # fmt: skip
    assert refused
    assert all(alone in name for name in refused)
