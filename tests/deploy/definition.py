"""The state machines' definitions as the tests look at them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

State = dict[str, Any]
Definition = dict[str, Any]

TEXTS = {
    path.name.partition(".")[0]: path.read_text() for path in (ROOT / "statemachine").iterdir()
}
ALL: dict[str, Definition] = {name: yaml.safe_load(text) for name, text in sorted(TEXTS.items())}
RESTORE, EXPORT, FLEET = ALL["restore"], ALL["export"], ALL["fleet"]
# Those that work on one database.
DEFINITIONS = {name: definition for name, definition in ALL.items() if definition is not FLEET}


def machines(machine: Definition) -> Iterator[Definition]:
    """The machine, every branch and every Map's children: each has a StartAt and States."""
    yield machine
    for state in machine["States"].values():
        children = [state["ItemProcessor"]] if "ItemProcessor" in state else []
        for inner in [*state.get("Branches", []), *children]:
            yield from machines(inner)


def states(definition: Definition) -> Iterator[tuple[str, State]]:
    """Every state by name, those of the branches too."""
    for machine in machines(definition):
        yield from machine["States"].items()


def tasks(definition: Definition) -> Iterator[tuple[str, State]]:
    """Every Task by name."""
    return ((name, state) for name, state in states(definition) if state["Type"] == "Task")


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
