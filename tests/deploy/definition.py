"""The state machine's definition as the tests look at it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "statemachine" / "restore.asl.yaml"
TEXT = SOURCE.read_text()
DEFINITION: dict[str, Any] = yaml.safe_load(TEXT)

State = dict[str, Any]


def machines(machine: dict[str, Any] = DEFINITION) -> Iterator[dict[str, Any]]:
    """The machine and every branch in it: each has a StartAt and States."""
    yield machine
    for state in machine["States"].values():
        for branch in state.get("Branches", []):
            yield from machines(branch)


def states() -> Iterator[tuple[str, State]]:
    """Every state by name, those of the branches too."""
    for machine in machines():
        yield from machine["States"].items()


def tasks() -> Iterator[tuple[str, State]]:
    """Every Task by name."""
    return ((name, state) for name, state in states() if state["Type"] == "Task")


def targets(state: State) -> list[str]:
    """The names of the states that may follow."""
    following = [state[key] for key in ("Next", "Default") if key in state]
    following += [choice["Next"] for choice in state.get("Choices", [])]
    following += [catcher["Next"] for catcher in state.get("Catch", [])]
    return following


def in_terms_of(kind: str, other: str, thing: Any) -> Any:
    """The same part of the definition with one kind's names for the other's."""
    text = json.dumps(thing).replace(kind, other).replace(kind.capitalize(), other.capitalize())
    return json.loads(text)
