"""What the functions log: JSON lines that an execution and a database can be followed by."""

import json
from typing import Any

import pytest

from local.commands.app import App
from tests.pipeline.observed import KINDS, Kind, run

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def lines(cloud: App) -> list[dict[str, Any]]:
    """The lines of the app itself, each with the function that wrote it."""
    found = []
    for log in cloud.logs:
        for line in log.text.splitlines():
            if line.startswith("{"):
                parsed = json.loads(line)
                if parsed.get("service") == "trapheus":
                    found.append({**parsed, "by": log.function})
    return found


@each_kind
def test_every_function_logs_the_execution_and_the_identifier(cloud: App, kind: Kind) -> None:
    execution = run(cloud, kind.request("db_restore"))

    assert execution.status == "SUCCEEDED"
    logged = lines(cloud)
    assert {line["execution"] for line in logged} == {execution.arn}
    silent = {line["by"] for line in logged if line["identifier"] != kind.identifier}
    assert not silent, "give their Payload the plan or the request, which name the database"
    callers = {call.caller for call in cloud.calls} - {"states", "outside"}
    assert callers <= {line["by"] for line in logged}
    assert "ERROR" not in {line["level"] for line in logged}


@each_kind
def test_the_step_that_fails_logs_one_error(cloud: App, kind: Kind) -> None:
    cloud.rds.timing = "least"  # so that it is made when it turns out to be bad
    cloud.rds.poison(kind.name, kind.identifier)
    execution = run(cloud, kind.request("db_restore"))

    assert execution.error == "RestoreFailed"
    (line,) = [line for line in lines(cloud) if line["level"] == "ERROR"]
    assert line["by"].startswith("Wait")
    assert (line["execution"], line["identifier"]) == (execution.arn, kind.identifier)
