"""The command line: `python -m local run EVENT`, and serve, picture and events."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from rich.text import Text

    from local.commands.app import App
    from local.commands.report import Run
    from local.emulator.cloud import Cloud

SUCCEEDED, FAILED, NO_EVENT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m local", description="The whole app on this machine, in virtual time."
    )
    commands = parser.add_subparsers(dest="command", title="commands")
    run = commands.add_parser(
        "run",
        help="run the state machine on an event and tell what happens",
        description="Run the state machine on an event, against a sample account. The exit code"
        " is 0 when the execution succeeded, 1 when it failed or a dry run found what speaks"
        " against the task, 2 when there is no such event.",
    )
    run.add_argument("event", type=Path, help="a JSON file, such as events/db_restore.json")
    keep = commands.add_parser(
        "serve",
        help="keep the local AWS up, for the AWS CLI and the SAM CLI",
        description="Keep the local AWS up on a port of this machine, with a sample account and"
        " the app in it, and print what to type in another terminal.",
    )
    keep.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    keep.add_argument(
        "--pace", type=int, default=0, help="virtual seconds in a real one; 0 for no limit"
    )
    commands.add_parser("picture", help="draw the picture in the README anew")
    commands.add_parser("events", help="record the events in events/functions/ anew")
    mails = commands.add_parser("mails", help="write a message of each kind, to be looked at")
    mails.add_argument("folder", type=Path, help="where their .html and .txt files are written")
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return SUCCEEDED
    if given.command == "serve":
        return serve(given.port, given.pace)
    if given.command in ("mails", "picture", "events"):
        return write_anew(given.command, *([given.folder] if given.command == "mails" else []))
    try:
        text = read(given.event)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return NO_EVENT
    try:
        return run_event(given.event, text)
    except KeyboardInterrupt:
        return INTERRUPTED


def serve(port: int, pace: int) -> int:
    """Keep the local AWS up until it is told to end; return the exit code."""
    import_moto()
    from local.commands import serve as serving  # noqa: PLC0415

    try:
        return serving.serve(port, pace)
    except KeyboardInterrupt:
        return INTERRUPTED


def write_anew(command: str, *arguments: Path) -> int:
    """Write what follows from the app; return the exit code."""
    import_moto()
    import_module(f"local.commands.writing.{command}").main(*arguments)
    return SUCCEEDED


def read(path: Path) -> str:
    """The JSON text in a file; ValueError, in a sentence, when there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no JSON: it is no text.") from error
    try:
        json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}.") from error
    return text


def run_event(path: Path, text: str) -> int:
    """Run the state machine on a file's text and tell what happens; return the exit code."""
    began = perf_counter()
    # What takes long to import waits until it is known that there is something to run.
    from local.commands.terminal import Screen, Terminal, styles  # noqa: PLC0415

    screen = Screen(highlight=False, markup=False, emoji=False)
    screen.tell(f"Starting an AWS on this machine for {path} ...", style="bold")
    # What is imported stays; `deployed` begins to collect again.
    gc.disable()
    import_moto()
    from local.commands import sample_hooks  # noqa: PLC0415
    from local.commands.app import deployed  # noqa: PLC0415
    from local.commands.customers import compared, needed  # noqa: PLC0415
    from local.commands.others import arrange  # noqa: PLC0415
    from local.commands.report import Run, details, look, outcome  # noqa: PLC0415
    from local.emulator.volumes.addresses import NONE, are_there  # noqa: PLC0415

    request = json.loads(text)
    data = needed(request)
    if data and not are_there():
        print(NONE, file=sys.stderr)  # noqa: T201
        return NO_EVENT
    named = sample_hooks.named(request)
    with deployed(data=data, parameters=sample_hooks.listed(named)) as cloud:
        screen.tell("Started. Time is virtual: nobody waits for it.", "", style="dim")
        sample_hooks.make(cloud, named)
        arrange(cloud, request)
        before, rows = look(cloud.rds), cloud.rows(data)
        shown = styles(definitions(cloud))
        with Terminal(screen, cloud.clock.now, cloud.rds.settle, shown) as terminal:
            cloud.listeners.append(terminal)
            execution = cloud.run(machine_for(cloud, request), text)
            cloud.listeners.remove(terminal)
        told = list(compared(rows, cloud.rows(data))) if data else []
        run = Run(request, execution, before, look(cloud.rds), told)
        screen.tell("", *outcome(run, outage(cloud, run), perf_counter() - began))
        screen.tell(*details(run, cloud.mails, screen.columns))
    return SUCCEEDED if run.is_good else FAILED


def machine_for(cloud: App, request: Any) -> str:
    """The ARN of the machine that takes such an input."""
    is_fleet = isinstance(request, dict) and bool({"requests", "source"} & request.keys())
    return cloud.physical_id("FleetStateMachine") if is_fleet else cloud.machine


def definitions(cloud: Cloud) -> list[dict[str, Any]]:
    """The definitions of the state machines, as they were deployed."""
    machines = cloud.client("stepfunctions")
    found = machines.list_state_machines()["stateMachines"]
    arns = [machine["stateMachineArn"] for machine in found]
    told = [machines.describe_state_machine(stateMachineArn=arn) for arn in arns]
    return [json.loads(machine["definition"]) for machine in told]


def import_moto() -> None:
    """Import moto with one boto3 session for all of its modules.

    Each makes one only to ask it for the regions, and reads the same files for that: 0.7 s in all.
    """
    import boto3  # noqa: PLC0415

    shared = boto3.Session()
    with patch.object(boto3, "Session", lambda: shared):
        import moto.cloudformation.models  # noqa: PLC0415
        import moto.stepfunctions.parser.models  # noqa: F401, PLC0415


def outage(cloud: Cloud, run: Run) -> Text | None:
    """How long clients could not reach the database, if there was one."""
    from local.commands.report import reachability  # noqa: PLC0415

    if run.asked not in run.before:
        return None
    kind, identifier = run.asked
    rds = cloud.rds
    outages, reachable = rds.outages(kind, identifier), rds.reachable(kind, identifier)
    return reachability(identifier, outages, reachable, run.execution.started)
