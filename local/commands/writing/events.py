"""Writes events/functions/: for each function the first event that it is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from local.commands.app import App, deployed, sharing
from local.commands.others import arrange
from local.emulator.cloud import Notice

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "events" / "functions"
COMMAND = ".venv/bin/python -m local events"
# Together these pass through every state in which a function is invoked.
INPUTS = (
    "create_snapshot.json",
    "cluster_create_snapshot.json",
    "failing/instance_restore_fails.json",
    "failing/cluster_restore_fails.json",
    "refresh_from_another_account.json",
    "cluster_refresh_from_another_account.json",
)
FLEET = "fleet.json"
INSPECT = "inspect.json"

# Of an error's Cause: it has this machine's folders in it.
TRACE = re.compile(r',\\"stackTrace\\":\[.*?\](?=})')
# Another one in every account, and here with every template.
RUN = re.compile(r"(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/)")


def record(cloud: App) -> dict[str, str]:
    """Run the inputs; return the text of each function's first event, by its logical id."""
    events: dict[str, str] = {}

    def note(notice: Notice) -> None:
        # What tells the start has nothing of what tells an end.
        if notice.kind == "function invoked" and notice.detail.event.get("about") != "start":
            text = json.dumps(unnamed(notice.detail.event), indent=2, ensure_ascii=False) + "\n"
            events.setdefault(notice.name, RUN.sub("the-run-of-the-map", TRACE.sub("", text)))

    for name in (*INPUTS, INSPECT, FLEET):
        cloud.reset()
        cloud.use_timing("brisk")
        cloud.listeners.append(note)
        # By way of another region, so that a copy is made and removed too.
        cloud.rds.exports = False
        request: Any = json.loads((ROOT / "events" / name).read_text())
        # Its own function is not among those, and would need real data.
        request.pop("beforeSwap", None)
        arrange(cloud, request)
        if name == FLEET:
            cloud.tick("HourlyLook")
            cloud.run("FleetStateMachine", request)
            continue
        restore = cloud.run(cloud.machine, request)
        if name.startswith("failing/") or name == INSPECT:
            continue
        if restore.status != "SUCCEEDED":
            raise SystemExit(f"{name} ended with {restore.error}: {restore.cause}")
        if request["task"] != "db_restore":
            cloud.wait(cloud.export_of(restore))
    return dict(sorted(events.items()))


def unnamed(event: Any) -> Any:
    """The event without the names of all functions, which no function reads in its state."""
    if isinstance(event, dict) and "functions" in (state := event.get("state") or {}):
        return {**event, "state": {**state, "functions": {}}}
    return event


def main() -> None:
    """Write the files anew, and remove those of functions that are no more.

    Nothing is written unless all that should succeed does.
    """
    # Of a stack that shares, so that what it hands on is seen.
    with deployed(parameters=sharing()) as cloud:
        events = record(cloud)
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name, text in events.items():
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
