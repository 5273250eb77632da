"""Draws the state machines into docs/state-machine.md, as Mermaid text made from the definitions.

A machine is several graphs, so that each can be read: its outermost states, for each Parallel or
Map what is inside, and how it ends.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.emulator.cloudformation.templates import parse_yaml

ROOT = Path(__file__).resolve().parents[3]
DEFINITIONS = ROOT / "statemachine"
PAGE = ROOT / "docs" / "state-machine.md"
BEGIN = "<!-- drawn by `make picture` from the definitions in statemachine/ -->"
END = "<!-- end of what is drawn -->"

State = dict[str, Any]
States = Mapping[str, State]

# The restore is what a reader comes for.
FIRST = "restore"
ENDING = "How it ends"
# A Parallel or a Map is a box with doubled sides: its inside is a graph of its own.
INSIDE = '[["%s"]]:::phase'
SHAPES = {
    "Choice": '{{"%s"}}',
    "Succeed": '(["%s"])',
    "Fail": '(["%s"])',
    "Wait": '[/"%s"/]',
    "Parallel": INSIDE,
    "Map": INSIDE,
}
CATCH = "-.->"
# Of longer lines beside each other Mermaid lays one over the other.
LABEL_WIDTH = 20
LAYOUT = (
    '%%{init: {"flowchart": {"rankSpacing": 28, "nodeSpacing": 20, "padding": 8,'
    ' "wrappingWidth": 140}}}%%'
)
STYLES = (
    "classDef phase fill:#ddf4ff,stroke:#0969da,color:#0a3069",
    "classDef succeed fill:#dafbe1,stroke:#1a7f37,color:#0b3d1b",
    "classDef fail fill:#ffebe9,stroke:#cf222e,color:#67060c",
    "classDef alarmed stroke:#cf222e,stroke-width:1.5px,stroke-dasharray:4 3",
)
SIGNS = {"GreaterThan": ">", "LessThan": "<", "GreaterThanEquals": ">=", "LessThanEquals": "<="}


@dataclass(frozen=True)
class Graph:
    """Some states of a machine that are drawn together; `starts` are those entered from outside."""

    title: str
    comment: str
    starts: tuple[str, ...]
    states: States
    # Its states that are drawn elsewhere; a box stands for them here.
    elsewhere: frozenset[str] = frozenset()
    outermost: bool = False


def graphs(definition: State) -> Iterator[Graph]:
    """The graphs of a machine, in the order in which its text is read."""
    states = definition["States"]
    ends = ending(states)
    kept = {name: state for name, state in states.items() if name not in ends}
    comment = definition.get("Comment", "")
    yield Graph("Overview", comment, (definition["StartAt"],), kept, ends, outermost=True)
    yield from insides(states)
    if ends:
        entered = (name for state in kept.values() for name in targets(state) if name in ends)
        left = {name: state for name, state in states.items() if name in ends}
        yield Graph(ENDING, "", tuple(dict.fromkeys(entered)), left, outermost=True)


def insides(states: States) -> Iterator[Graph]:
    """What is in each Parallel and Map, and in those inside of them."""
    for name, state in states.items():
        if machines := inner(state):
            together = {key: one for machine in machines for key, one in machine["States"].items()}
            starts = tuple(machine["StartAt"] for machine in machines)
            yield Graph(name, state.get("Comment", ""), starts, together)
            yield from insides(together)


def inner(state: State) -> list[State]:
    """The machines inside a state: a Parallel's branches, or what a Map does with each item."""
    each = state.get("ItemProcessor") or state.get("Iterator")
    return [each] if each else list(state.get("Branches", []))


def ending(states: States) -> frozenset[str]:
    """The states from which no Parallel or Map is reached any more, where they are several.

    An end to which only one state leads is drawn beside that one.
    """
    before = {name for name, state in states.items() if inner(state)}
    while more := {
        name
        for name, state in states.items()
        if name not in before and before.intersection(targets(state))
    }:
        before |= more
    ends = states.keys() - before
    alone = {name for name in ends if not targets(states[name])}
    alone -= {target for name in ends for target in targets(states[name])}
    return frozenset(ends - alone) if before else frozenset()


def targets(state: State) -> list[str]:
    """The names of the states that may follow."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [way[key] for way in ways for key in ("Next", "Default") if key in way]


def node(name: str) -> str:
    """The Mermaid id of a state."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def boxes(graph: Graph) -> Iterator[str]:
    """A line for each state."""
    for name, state in graph.states.items():
        kind = state["Type"]
        # An end inside a phase ends only the phase.
        style = f":::{kind.lower()}" if graph.outermost and kind in ("Succeed", "Fail") else ""
        yield node(name) + SHAPES.get(kind, '["%s"]') % name + style
        if any(alarms(graph, catch) for catch in state.get("Catch", [])):
            yield f"class {node(name)} alarmed"


def arrows(graph: Graph) -> Iterator[str]:
    """An arrow for each Next, Choice and Default, a dashed one for each Catch."""
    for start in graph.starts:
        yield f'start(("start")) --> {node(start)}'
    for name, state in graph.states.items():
        exits: dict[str, list[str]] = {}
        for rule in state.get("Choices", []):
            exits.setdefault(rule["Next"], []).append(condition(rule))
        if "Default" in state:
            exits.setdefault(state["Default"], []).append("otherwise")
        for target, conditions in exits.items():
            yield arrow(graph, name, target, " or ".join(dict.fromkeys(conditions)))
        catches = state.get("Catch", [])
        if "Next" in state:
            anyway = any(goes_on(state, catch) for catch in catches)
            yield arrow(graph, name, state["Next"], "even after an error" if anyway else "")
        for catch in catches:
            if not goes_on(state, catch) and not alarms(graph, catch):
                yield arrow(graph, name, catch["Next"], errors(catch), CATCH)


def goes_on(state: State, catch: State) -> bool:
    """Whether any error makes no difference to what follows."""
    return bool(catch["Next"] == state.get("Next") and catch["ErrorEquals"] == ["States.ALL"])


def alarms(graph: Graph, catch: State) -> bool:
    """Whether any error ends the machine; so many do that the edges of their boxes say so."""
    return bool(catch["Next"] in graph.elsewhere and catch["ErrorEquals"] == ["States.ALL"])


def errors(catch: State) -> str:
    """What a Catch catches, in short."""
    names = catch["ErrorEquals"]
    return ", ".join("any error" if n == "States.ALL" else n.rpartition(".")[2] for n in names)


def arrow(graph: Graph, source: str, target: str, label: str = "", line: str = "-->") -> str:
    """One arrow in Mermaid; what is drawn elsewhere has a box of its own at each arrow's end."""
    lines = textwrap.wrap(label.replace('"', "'"), LABEL_WIDTH, break_long_words=False)
    said = f'|"{"<br>".join(lines)}"|' if lines else ""
    end = node(target)
    if target in graph.elsewhere:
        end = f'{node(target)}_after_{node(source)}[["{target}"]]'
    return f"{node(source)} {line}{said} {end}"


def condition(rule: State) -> str:
    """The test of a Choice in short."""
    if "Condition" in rule:
        return str(rule["Condition"]).removeprefix("{%").removesuffix("%}").strip()
    if "Not" in rule:
        return f"not {condition(rule['Not'])}".replace("not no ", "")
    if "Or" in rule:
        return " or ".join(condition(test) for test in rule["Or"])
    tests = rule.get("And", [rule])
    # That a variable is there is only asked so that the next test can be.
    tested = {test.get("Variable") for test in tests if "IsPresent" not in test}
    return " and ".join(
        condition(test) if "Variable" not in test else comparison(test)
        for test in tests
        if "IsPresent" not in test or test["Variable"] not in tested
    )


def comparison(test: State) -> str:
    """One comparison as a reader says it: the value asked for says more than where it is."""
    path = str(test["Variable"]).removeprefix("$.").removeprefix("request.")
    operator, value = next((key, test[key]) for key in test if key not in ("Variable", "Next"))
    if isinstance(value, bool):
        said = f"{path}" if value else f"not {path}"
        return said.replace("not ", "no ") if operator == "IsPresent" else said
    if operator == "StringEquals":
        return str(value or f"no {path}")
    if operator == "StringGreaterThan" and not value:
        return path
    sign = next((SIGNS[key] for key in SIGNS if operator.endswith(key)), "is")
    return f"{path} {sign} {value}"


def mermaid(graph: Graph) -> str:
    """A graph in Mermaid."""
    drawn = list(arrows(graph))
    lines = ["flowchart TB", *boxes(graph), *drawn, *STYLES]
    # Mermaid knows an arrow by its place among all.
    dashed = [str(number) for number, line in enumerate(drawn) if CATCH in line]
    if dashed:
        lines.append(f"linkStyle {','.join(dashed)} stroke:#cf222e,stroke-width:1.5px")
    return "\n".join([LAYOUT, *lines])


def section(definitions: Mapping[str, State]) -> str:
    """What the page holds from the first marker to the last."""
    parts = [BEGIN]
    for name, definition in sorted(definitions.items(), key=lambda one: (one[0] != FIRST, one[0])):
        parts.append(f"## `{name}.asl.yaml`")
        for graph in graphs(definition):
            parts.append(f"### {graph.title}" if graph.title != "Overview" else "")
            parts += [graph.comment.strip(), f"```mermaid\n{mermaid(graph)}\n```"]
    return "\n\n".join(part for part in [*parts, END] if part)


def read(paths: Iterable[Path]) -> dict[str, State]:
    """The definitions by the names of their machines."""
    return {path.name.partition(".")[0]: parse_yaml(path.read_text()) for path in paths}


def between_markers(text: str) -> re.Match[str]:
    """Where in the page's text the drawing is."""
    found = re.search(f"{re.escape(BEGIN)}.*{re.escape(END)}", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"{PAGE.name} has no two markers for the drawing")
    return found


def main() -> None:
    """Draw the page anew; what stands outside of the markers stays."""
    text = PAGE.read_text()
    drawing = between_markers(text)
    drawn = section(read(DEFINITIONS.glob("*.asl.yaml")))
    PAGE.write_text(text[: drawing.start()] + drawn + text[drawing.end() :])
