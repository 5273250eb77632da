"""The state machines' definitions as the tests look at them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.emulator.cloudformation.templates import parse_yaml, read_template

ROOT = Path(__file__).parents[2]
TEMPLATE = read_template(ROOT / "template.yaml")
MACHINES = {
    "restore": "DBRestoreStateMachine",
    "export": "ExportStateMachine",
    "fleet": "FleetStateMachine",
    "dry_run": "DryRunStateMachine",
    "hooks": "HooksStateMachine",
}

State = dict[str, Any]
Definition = dict[str, Any]

TEXTS = {
    path.name.partition(".")[0]: path.read_text() for path in (ROOT / "statemachine").iterdir()
}


def substitutions(machine: str) -> dict[str, Any]:
    """What a definition takes in, as the template has it."""
    return dict(TEMPLATE["Resources"][MACHINES[machine]]["Properties"]["DefinitionSubstitutions"])


def text_of(value: Any) -> str:
    """A text of the template, with what CloudFormation itself knows of it."""
    match value:
        case {"Fn::FindInMap": [name, first, second]}:
            return str(TEMPLATE["Mappings"][name][first][second])
        case {"Fn::Join": [between, [*parts]]}:
            return str(between).join(text_of(part) for part in parts)
        case {"Fn::Sub": text}:
            return str(text).replace("Function.Arn}", "FunctionArn}")
    return str(value)


def resolved(machine: str) -> str:
    """A definition's text as CloudFormation parses it: with its retriers and its functions."""
    text = TEXTS[machine]
    for name, value in substitutions(machine).items():
        if name.startswith("Retry") or name.endswith("Functions"):
            text = text.replace(f"${{{name}}}", text_of(value))
    return text


ALL: dict[str, Definition] = {name: parse_yaml(resolved(name)) for name in sorted(MACHINES)}
RESTORE, EXPORT, FLEET, HOOKS = ALL["restore"], ALL["export"], ALL["fleet"], ALL["hooks"]
# Those that take the steps of the app on one database.
DEFINITIONS = {name: each for name, each in ALL.items() if each not in (FLEET, HOOKS)}


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


def before(definition: Definition, state: str) -> set[str]:
    """The states of a phase, or of the machine, that an execution may pass ahead of one."""
    (machine,) = (each for each in machines(definition) if state in each["States"])
    found, frontier = set(), {state}
    while frontier:
        frontier = {
            name
            for name, each in machine["States"].items()
            if frontier & set(targets(each)) and name not in found
        }
        found |= frontier
    return found
