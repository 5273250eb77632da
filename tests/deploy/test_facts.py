"""Facts about AWS: docs/aws-facts.md and the lines that rely on them, held together."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "aws-facts.md"
MARK = re.compile(r"\[fact: ([^\]]+)\]")
ROW = re.compile(r"^\| ([a-z0-9-]+) \| (.+) \| (.+) \| (.+) \|$", re.M)
HOW_SURE = {"seen", "doc", "likely", "open"}
PLACES = ("layers", "local", "src", "statemachine", "template.yaml")
# How the local AWS refuses: the names of what it raises.
REFUSALS = {"RdsError", "combination", "JsonRESTError", "ValidationError",
            "LimitExceededException", "unknown_parameter", "refused"}  # fmt: skip


def sources() -> list[Path]:
    found = [
        path
        for place in PLACES
        for path in [ROOT / place, *(ROOT / place).rglob("*")]
        if path.suffix in (".py", ".yaml")
    ]
    assert len(found) > 100
    return found


def rows() -> list[tuple[str, ...]]:
    found = ROW.findall(PAGE.read_text())
    assert len(found) > 20
    return [row for row in found if row[0] != "Name"]


def test_every_fact_that_is_relied_on_has_its_row_and_every_row_is_relied_on():
    marked = {name for path in sources() for name in MARK.findall(path.read_text())}
    named = {row[0] for row in rows()}
    assert marked - named == set(), "has no row in docs/aws-facts.md: add one with its source"
    assert named - marked == set(), "is relied on nowhere: mark the line with it, or take it out"


def test_no_fact_stands_twice():
    assert [name for name, count in Counter(row[0] for row in rows()).items() if count > 1] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_fact_has_a_source_and_says_how_sure_it_is(row: tuple[str, ...]):
    _, fact, source, sure = row
    assert len(fact) > 20
    assert len(source) > 5
    assert set(re.findall(r"[a-z]+", sure)) & HOW_SURE, f"use one of {', '.join(sorted(HOW_SURE))}"


def refusing() -> Iterator[str]:
    """Every function of the local AWS that refuses something without naming its fact."""
    for path in sorted((ROOT / "local" / "emulator").rglob("*.py")):
        text = path.read_text()
        tree = ast.parse(text)
        if MARK.search(ast.get_docstring(tree) or ""):
            continue
        lines = text.splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(map(is_refusal, own(node))):
                # A comment right above the function counts as well.
                body = "\n".join(lines[max(node.lineno - 3, 0) : node.end_lineno])
                if not MARK.search(body):
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What is in a function, but not in those that are in it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from own(child)  # type: ignore[arg-type]


def is_refusal(node: ast.AST) -> bool:
    if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
        return False
    called = node.exc.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in REFUSALS


def test_no_rule_of_the_local_aws_is_without_a_source():
    assert list(refusing()) == [], (
        "refuses something: mark it [fact: name], with a row in docs/aws-facts.md that has the"
        " source"
    )
