"""Writes a message of each kind, as HTML and as plain text, for people to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.commands.app import App, deployed
from local.emulator.cloud import Call, Fault, Mail, Notice

NOTIFY = {"NotifyOn": "started,restored,snapshot-taken,dry-run"}
DENIED = Fault("AccessDenied", "User is not authorized to perform this action", 403)
Prepare = Callable[[App], object]


def request(identifier: str, task: str = "db_restore", **more: Any) -> dict[str, Any]:
    """An input."""
    is_cluster = identifier.endswith("-cluster")
    return {"identifier": identifier, "task": task, "isCluster": is_cluster, **more}


def refusing(*calls: tuple[str, str]) -> Prepare:
    """Let these functions' calls be denied, each by the beginning of its name."""

    def refused(call: Call) -> Fault | None:
        fits = (call.caller.startswith(who) and call.operation.startswith(what)
                for who, what in calls)  # fmt: skip
        return DENIED if any(fits) else None

    return lambda cloud: cloud.faults.append(refused)


def stopped_in(state: str) -> Prepare:
    """Let an execution run out of time in a state."""

    def prepare(cloud: App) -> None:
        stopped: list[str] = []

        def stop(notice: Notice) -> None:
            if (notice.kind, notice.name) == ("state entered", state) and not stopped:
                stopped.append(notice.execution)
                cloud.clock.Thread(target=cloud.time_out, args=(notice.execution,)).start()

        cloud.listeners.append(stop)

    return prepare


def busy(operation: str) -> Prepare:
    """Let the rollback find too busy for an hour what it would change so."""

    def prepare(cloud: App) -> None:
        began: list[float] = []

        def refused(call: Call) -> Fault | None:
            if not (call.caller.startswith("RollBack") and call.operation.startswith(operation)):
                return None
            began.append(call.time)
            state = "InvalidDBInstanceState"
            return Fault(state, "It is busy.") if call.time - began[0] < 3600 else None

        cloud.faults.append(refused)

    return prepare


def nothing(_: App) -> None:
    """Let all be as it is."""


RESTORE_FIRST = {"strategy": "restore-first"}
LOST = refusing(("SendEmail", "SendEmail"), ("SendEmail", "Publish"), ("SendEmail", "PutEvents"))
# What is asked for, and what happens meanwhile; the names of the files begin with those here.
RUNS: dict[str, tuple[dict[str, Any], Prepare]] = {
    "restored": (request("prod-db", requester="the night shift"), nothing),
    "restored-cluster": (request("prod-cluster"), nothing),
    "restored-target": (request("prod-db", targetIdentifier="drill-db"), nothing),
    "snapshot": (request("prod-db", "create_snapshot_only"), nothing),
    "dry-run": (request("prod-db", dryRun=True), nothing),
    "dry-run-findings": (request("left-db", dryRun=True), nothing),
    "not-touched": (request("left-db"), nothing),
    "not-touched-copy": (request("broken-cluster", **RESTORE_FIRST), nothing),
    "put-back": (request("broken-db"), nothing),
    "delayed": (request("broken-db"), busy("ModifyDB")),
    "tidying-up": (request("broken-db", **RESTORE_FIRST), busy("DeleteDB")),
    "decide": (request("prod-cluster"), refusing(("Delete", "DeleteDB"))),
    "decide-differs": (request("prod-db"), refusing(("Configure", "ModifyDB"))),
    "tag-left": (request("prod-db"), refusing(("Untag", "RemoveTags"))),
    "down": (request("broken-db"), refusing(("RollBack", "ModifyDB"))),
    "down-cluster": (request("broken-cluster"), refusing(("RollBack", "ModifyDB"))),
    "down-unknown": (
        request("prod-db"),
        refusing(("Restore", "RestoreDB"), ("RollBack", "ModifyDB"), ("SendEmail", "Describe")),
    ),
    "recovered": (request("prod-db"), stopped_in("Restore the database")),
    "interrupted": (request("prod-cluster"), stopped_in("Configure the database")),
    "not-exported": (
        request("prod-db", "create_snapshot_only"), refusing(("StartExport", "StartExport"))
    ),
    "refused": (request("prod-db", "restore"), nothing),
    "unknown": (request("prod-db", "restore"), LOST),
}  # fmt: skip


def missed(cloud: App) -> dict[str, Any]:
    """As the hourly look tells of a schedule without a success for eight days."""
    given, hours = request("staging-db"), 192
    return {
        "request": given, "given": json.dumps(given), "machine": cloud.machine, "hours": hours,
        "since": cloud.clock.now() - hours * 3600, "succeeded": True,
    }  # fmt: skip


def made(cloud: App) -> dict[str, Mail]:
    """Run all, and return the mails by the names of their files."""
    mails: dict[str, Mail] = {}
    for name, (given, prepare) in RUNS.items():
        cloud.reset()
        cloud.use_timing("brisk")
        prepare(cloud)
        cloud.run(cloud.machine, given)
        cloud.settle()
        mails |= {f"{name}-{number}": mail for number, mail in enumerate(cloud.mails, 1)}
    cloud.reset()
    cloud.client("lambda").invoke(
        FunctionName=cloud.physical_id("SendEmailFunction"),
        Payload=json.dumps({"execution": "", "about": "schedule", "state": missed(cloud)}),
    )
    return mails | {"missed-1": cloud.mails[0]}


def main(folder: Path) -> None:
    """Write all into a folder, and say which."""
    folder.mkdir(parents=True, exist_ok=True)
    with deployed(parameters=NOTIFY) as cloud:
        mails = made(cloud)
    for name, mail in mails.items():
        text = f"Subject: {mail.subject}\n\n{mail.text}"
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        if mail.html:
            (folder / f"{name}.html").write_text(mail.html, encoding="utf-8")
        print(f"{folder / name}: {mail.subject}")  # noqa: T201
