"""The blocks of commands in a mail, and a shell that runs them against an RDS client."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, WaiterError

ASKED = re.compile(r"\$\((?P<command>.*)\)", re.DOTALL)


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


def paste(block: Block, rds: Any) -> Exception | None:
    """Run a block as a shell does; what a command has ended with, and so all after it, if any."""
    for command in block.commands:
        assert "\n" not in command, f"a second block begins in {command}"
        try:
            run(command, rds)
        except (ClientError, WaiterError, AssertionError) as error:
            return error
    return None


def run(command: str, rds: Any) -> Any:
    """Run one command; what `aws` prints, with --output text."""
    program, *words = shlex.split(command)
    if program == "export":
        return None
    if program == "test":
        asked, equals, expected = words
        assert equals == "="
        printed = run(ASKED.fullmatch(asked)["command"], rds)
        assert printed == expected, f"{printed!r} is not {expected!r}"
        return None
    assert (program, words[0]) == ("aws", "rds"), command
    if words[1] == "wait":
        waiter = rds.get_waiter(words[2].replace("-", "_"))
        model = rds.meta.service_model.operation_model(waiter.config.operation)
        return waiter.wait(**parameters(words[3:], model.input_shape.members))
    operation = next(
        name for name in rds.meta.service_model.operation_names if xform_name(name, "-") == words[1]
    )
    shapes = rds.meta.service_model.operation_model(operation).input_shape.members
    given = parameters(words[2:], shapes)
    query, output = given.pop("query", ""), given.pop("output", "")
    answer = getattr(rds, xform_name(operation))(**given)
    found = jmespath.search(query, answer) if query else answer
    return "\t".join(found) if output == "text" else found


def parameters(options: list[str], shapes: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a call from the options of its command."""
    names = {xform_name(name, "-"): name for name in shapes}
    given: dict[str, Any] = {}
    while options:
        option = options.pop(0).removeprefix("--")
        values = []
        while options and not options[0].startswith("--"):
            values.append(options.pop(0))
        if option in ("query", "output"):
            (given[option],) = values
        elif not values:
            # Which of the two a name is, only the model says: --no-delete-automated-backups.
            given[names[option.removeprefix("no-")]] = not option.startswith("no-")
        elif option == "filters":
            given["Filters"] = [filter_of(value) for value in values]
        else:
            name = names[option]
            given[name] = values if shapes[name].type_name == "list" else values[0]
    return given


def filter_of(text: str) -> dict[str, Any]:
    """A filter in the AWS CLI's shorthand."""
    name, values = text.removeprefix("Name=").split(",Values=")
    return {"Name": name, "Values": values.split(",")}
