"""Two runs of one event give the same states, calls and virtual times."""

import json
from typing import Any

import pytest

from local.commands.app import ROOT, App
from tests.pipeline.observed import run


def record(cloud: App, event: str) -> dict[str, Any]:
    """Everything that an execution did, and when."""
    notices: list[tuple[float, str, str]] = []
    cloud.listeners.append(lambda notice: notices.append((notice.time, notice.kind, notice.name)))
    execution = run(cloud, json.loads((ROOT / "events" / event).read_text()))
    return {
        "status": (execution.status, execution.error, execution.cause, execution.output),
        "times": (execution.started, execution.stopped),
        "history": [(e["type"], e["timestamp"].isoformat()) for e in execution.history],
        "calls": [(c.time, c.caller, c.operation, c.parameters, c.error) for c in cloud.calls],
        "notices": notices,
        "mails": [(mail.time, mail.subject, mail.text) for mail in cloud.alerts],
    }


@pytest.mark.parametrize(
    "event",
    [
        "create_snapshot.json",
        "cluster_db_restore.json",
        "failing/instance_restore_fails.json",
        "failing/cluster_restore_fails.json",
    ],
)
def test_two_runs_of_one_event_are_the_same(cloud: App, event: str) -> None:
    first = record(cloud, event)
    cloud.reset()
    cloud.use_timing("brisk")  # as the first run had it
    second = record(cloud, event)

    for what, value in first.items():
        assert second[what] == value, what
    assert len(first["calls"]) > 40
