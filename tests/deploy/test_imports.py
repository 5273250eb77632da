"""What the modules import, and what they are called: the order in which they can be read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.definition import ROOT


def modules(top: str, base: Path = ROOT) -> dict[str, Path]:
    """The files of a package by their dotted names; a package is its first page."""
    named = {}
    for path in sorted((base / top).rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imported(path: Path) -> Iterator[str]:
    """Every name that a file imports, those for the type checker and within functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_emulator_knows_nothing_of_the_app() -> None:
    emulator = modules("local/emulator")
    assert len(emulator) > 30
    for name, path in emulator.items():
        for one in imported(path):
            assert not re.match(r"(trapheus|src|tests|layers|local\.commands)\b", one), (
                f"{name} imports {one}: the emulator is an AWS for any app. What knows this app"
                " belongs into local/commands, or is handed in by it."
            )
