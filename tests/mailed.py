"""The blocks of commands in a mail, and a shell that runs them against clients of AWS."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import jmespath
from botocore import waiter, xform_name
from botocore.exceptions import ClientError, WaiterError

ASKED = re.compile(r"\$\((?P<command>.*)\)", re.DOTALL)
REPEATED = re.compile(
    r"for n in (?P<numbers>[\d ]+); do (sleep (?P<pause>\d+); )?(?P<command>.*) && break; done"
)
UNLESS = re.compile(r"\{ (?P<done>test .*) \|\| (?P<command>.*); \}")
Failure = ClientError | WaiterError | AssertionError
# What a command of the AWS CLI has besides the parameters of its call.
OF_THE_CLI = ("query", "output", "region")


@dataclass(frozen=True)
class Block:
    """What is pasted at once: its section's heading and sentences, and its commands."""

    heading: str
    lines: list[str]
    commands: list[str]


def flowing(text: str) -> str:
    """A mail's plain text as it was before it was wrapped at 80 columns."""
    return re.sub(r"\n (?=\S)", " ", text)


def sentence(cause: str) -> str:
    """The first sentence of an execution's Cause, behind the tag."""
    return cause.partition("] ")[2].partition(".")[0]


def blocks(text: str) -> list[Block]:
    """Every block of a mail's plain text; its lines are indented, and joined by `&&`."""
    found = []
    for section in flowing(text).split("\n\n"):
        heading, *lines = section.splitlines()
        commands = "\n".join(line for line in lines if line.startswith("  "))
        if commands:
            said = [line for line in lines if not line.startswith("  ")]
            parts = [part.strip() for part in commands.split(" && \\\n")]
            found.append(Block(heading, said, parts))
    return found


def pause(seconds: float) -> None:
    """Sleep by whatever `time.sleep` is by then: a test moves its own clock by it."""
    time.sleep(seconds)


@dataclass(frozen=True)
class Shell:
    """What runs commands: the clients of the services, and a clock.

    A call of a service without a client is as good as done.
    """

    clients: Mapping[str, Any]
    sleep: Callable[[float], object] = pause

    def paste(self, block: Block) -> Exception | None:
        """Run a block as a shell does; what it has ended with, if a command has stopped it."""
        for command in block.commands:
            assert "\n" not in command, f"a second block begins in {command}"
            try:
                self.run(command)
            except (ClientError, WaiterError, AssertionError) as error:
                return error
        return None

    def run(self, command: str) -> Any:
        """Run one command; what `aws` prints, with --output text."""
        if loop := REPEATED.fullmatch(command):
            return self.repeat(loop)
        if either := UNLESS.fullmatch(command):
            return self.unless(either)
        program, *words = shlex.split(command)
        if program == "export":
            return None
        if program == "test":
            asked, equals, expected = words
            assert equals == "="
            printed = self.run(ASKED.fullmatch(asked)["command"])
            assert printed == expected, f"{printed!r} is not {expected!r}"
            return None
        assert program == "aws", command
        service, call, *options = words
        client = self.clients.get(service)
        return None if client is None else self.call(client, call, options)

    def unless(self, either: re.Match[str]) -> Any:
        """Run a command, unless what it does is done."""
        try:
            return self.run(either["done"])
        except AssertionError:
            return self.run(either["command"])

    def repeat(self, loop: re.Match[str]) -> Any:
        """Try a command until it succeeds, as often as it says; the last failure counts."""
        failure: Failure | None = None
        for _ in loop["numbers"].split():
            if loop["pause"]:
                self.sleep(float(loop["pause"]))
            try:
                return self.run(loop["command"])
            except (ClientError, WaiterError, AssertionError) as error:
                failure = error
        assert failure
        raise failure

    def call(self, client: Any, call: str, options: list[str]) -> Any:
        """Call AWS, or wait for it."""
        if call == "wait":
            waits = client.get_waiter(options[0].replace("-", "_"))
            model = client.meta.service_model.operation_model(waits.config.operation)
            given = parameters(options[1:], model.input_shape.members)
            assert given.pop("region", "") == client.meta.region_name
            with waiting(self.sleep):
                return waits.wait(**given)
        names = client.meta.service_model.operation_names
        operation = next(name for name in names if xform_name(name, "-") == call)
        model = client.meta.service_model.operation_model(operation)
        given = parameters(options, model.input_shape.members)
        query, output, region = (given.pop(name, "") for name in OF_THE_CLI)
        assert region == client.meta.region_name, f"{call} goes to the region {region!r}"
        answer = getattr(client, xform_name(operation))(**given)
        found = jmespath.search(query, answer) if query else answer
        return as_text(found) if output == "text" else found


@contextmanager
def waiting(sleep: Callable[[float], object]) -> Iterator[None]:
    """Let botocore's waiters sleep so."""
    with patch.object(waiter, "time", SimpleNamespace(sleep=sleep)):
        yield


def paste(block: Block, rds: Any) -> Exception | None:
    """Run a block where nothing but RDS answers."""
    return Shell({"rds": rds}).paste(block)


def run_quoted(sentence: str, rds: Any) -> None:
    """Run the one command that a sentence has in backticks, where nothing but RDS answers."""
    (command,) = re.findall(r"`(aws [^`]+)`", sentence)
    Shell({"rds": rds}).run(command)


def split(line: str) -> list[str]:
    """The commands of a block that stands on one line."""
    return re.split(r" && (?!break)", line)


def as_text(found: Any) -> str:
    """What --output text prints of one value or of a list."""
    return "\t".join(found) if isinstance(found, list) else str(found)


def parameters(options: list[str], shapes: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a call from the options of its command."""
    names = {xform_name(name, "-"): name for name in shapes}
    given: dict[str, Any] = {}
    options = [*options]
    while options:
        option = options.pop(0).removeprefix("--")
        values = []
        while options and not options[0].startswith("--"):
            values.append(options.pop(0))
        if option in OF_THE_CLI:
            (given[option],) = values
        elif not values:
            # Which of the two a name is, only the model says: --no-delete-automated-backups.
            given[names[option.removeprefix("no-")]] = not option.startswith("no-")
        elif option == "filters":
            given["Filters"] = [filter_of(value) for value in values]
        else:
            name = names[option]
            given[name] = value_of(shapes[name].type_name, values)
    return given


def value_of(kind: str, values: list[str]) -> Any:
    """A parameter's value: a string, a number, the strings of a list, or JSON."""
    if kind == "integer":
        return int(values[0])
    if kind in ("structure", "map") or (kind == "list" and values[0].startswith("[")):
        return json.loads(values[0])
    return values if kind == "list" else values[0]


def filter_of(text: str) -> dict[str, Any]:
    """A filter in the AWS CLI's shorthand."""
    name, values = text.removeprefix("Name=").split(",Values=")
    return {"Name": name, "Values": values.split(",")}
