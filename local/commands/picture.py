"""Draws the state machine into the README, as Mermaid text made from the definition itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = ROOT / "statemachine" / "restore.asl.yaml"
README = ROOT / "README.md"
BEGIN = "<!-- picture: `python -m local picture` makes it from statemachine/restore.asl.yaml -->"
END = "<!-- end of the picture -->"

State = dict[str, Any]

SHAPES = {
    "Choice": '{"%s"}',
    "Succeed": '(["%s"])',
    "Fail": '(["%s"])',
    "Wait": '[/"%s"/]',
}
CATCH = "-.->"
LAYOUT = {
    "rankSpacing": 28,
    "nodeSpacing": 28,
    "padding": 8,
    "subGraphTitleMargin": {"top": 2, "bottom": 8},
}
STYLES = (
    "classDef succeed fill:#dafbe1,stroke:#1a7f37,color:#0b3d1b",
    "classDef fail fill:#ffebe9,stroke:#cf222e,color:#67060c",
)


def drawn(name: str) -> str:
    """The name of a state as the picture shows it: both branches fall onto one."""
    if all(kind in name.lower() for kind in ("instance", "cluster")):
        return name
    return re.sub("instance|cluster", "database", name)


def node(name: str) -> str:
    """The Mermaid id of a state."""
    return re.sub(r"\W+", "_", drawn(name).lower()).strip("_")


def blocks(states: dict[str, State], *, outermost: bool = True) -> Iterator[str]:
    """A line for each state, and a subgraph for each Parallel with its states inside."""
    for name, state in states.items():
        if state["Type"] == "Parallel":
            # Without it Mermaid lays a phase across the picture.
            inside = ["direction TB"]
            inside += [
                line
                for branch in state["Branches"]
                for block in blocks(branch["States"], outermost=False)
                for line in block.splitlines()
            ]
            inside += [edge for branch in state["Branches"] for edge in edges(branch["States"])]
            lines = "\n".join(f"  {line}" for line in inside)
            yield f'subgraph {node(name)}["{drawn(name)}"]\n{lines}\nend'
        else:
            shape = SHAPES.get(state["Type"], '["%s"]') % drawn(name)
            # An end inside a phase ends only the phase.
            kind = state["Type"].lower() if outermost else ""
            yield node(name) + shape + (f":::{kind}" if kind in ("succeed", "fail") else "")


def edges(states: dict[str, State]) -> Iterator[str]:
    """An arrow for each Next, Choice and Default, a dashed one for each Catch."""
    for name, state in states.items():
        exits: dict[str, list[str]] = {}
        for rule in state.get("Choices", []):
            exits.setdefault(drawn(rule["Next"]), []).append(condition(rule))
        if "Default" in state:
            exits.setdefault(drawn(state["Default"]), []).append("otherwise")
        for target, conditions in exits.items():
            # Both branches of the machine fall onto one: there is nothing left to tell apart.
            yield arrow(name, target, " or ".join(conditions) if len(exits) > 1 else "")
        if "Next" in state:
            yield arrow(name, state["Next"])
        for catch in state.get("Catch", []):
            errors = [
                "any error" if e == "States.ALL" else e.rpartition(".")[2]
                for e in catch["ErrorEquals"]
            ]
            yield arrow(name, catch["Next"], ", ".join(errors), line=CATCH)


def arrow(source: str, target: str, label: str = "", line: str = "-->") -> str:
    """One edge in Mermaid."""
    return f"{node(source)} {line}" + (f'|"{label}"|' if label else "") + f" {node(target)}"


def condition(rule: State) -> str:
    """The test of a Choice in short: the value asked for, or else the paths that must be there."""
    tests = rule.get("And", [rule])
    values = [
        test["StringEquals"] if "StringEquals" in test else path(test)
        for test in tests
        if "StringEquals" in test or test.get("BooleanEquals")
    ]
    return ", ".join(values or dict.fromkeys(path(test) for test in tests))


def path(test: State) -> str:
    """The variable of a test without what every path begins with."""
    return str(test["Variable"]).removeprefix("$.").removeprefix("request.")


def picture(definition: State) -> str:
    """The whole machine in Mermaid; what is the same in both branches is drawn once."""
    states = definition["States"]
    first = f'start(("start")) --> {node(definition["StartAt"])}'
    drawing = "\n".join(dict.fromkeys([first, *blocks(states), *edges(states)]))
    layout = f"%%{{init: {json.dumps({'flowchart': LAYOUT})}}}%%"
    return "\n".join([layout, "flowchart TB", drawing, *STYLES, catch_style(drawing)])


def catch_style(drawing: str) -> str:
    """The colour of the dashed arrows; Mermaid knows an arrow by its place among all."""
    arrows = [line for line in drawing.splitlines() if "-->" in line or CATCH in line]
    places = [str(place) for place, line in enumerate(arrows) if CATCH in line]
    return f"linkStyle {','.join(places)} stroke:#cf222e,stroke-width:1.5px"


def section() -> str:
    """What the README holds from the first marker to the last."""
    definition = yaml.safe_load(DEFINITION.read_text())
    return f"{BEGIN}\n```mermaid\n{picture(definition)}\n```\n{END}"


def between_markers(text: str) -> re.Match[str]:
    """Where in the README's text the picture is."""
    found = re.search(f"{re.escape(BEGIN)}.*{re.escape(END)}", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"{README.name} has no two markers for the picture")
    return found


def main() -> None:
    """Rewrite the picture in the README."""
    text = README.read_text()
    place = between_markers(text)
    README.write_text(text[: place.start()] + section() + text[place.end() :])
