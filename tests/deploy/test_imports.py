"""What the modules import, and where they stand: the order in which they can be read."""

import ast
import re
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path

import pytest

from tests.deploy.definition import ROOT

# Each package that is read from top to bottom, and the folder from which it is imported.
PACKAGES = {"local": ROOT, "trapheus": ROOT / "layers" / "common", "src": ROOT}
# Those that have rooms.
ROOMS = ("local", "trapheus")
CIRCLE, ROOM = 2, 10


def modules(name: str, base: Path) -> dict[str, Path]:
    """The files of a package by their dotted names; a folder's is its __init__.py."""
    named = {}
    for path in sorted((base / name.replace(".", "/")).rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


@cache
def imported(path: Path) -> list[str]:
    """Every name that a file imports, those for the type checker and within functions too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def arrows(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which of the modules each imports: the module that a name is, or that defines it."""
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        meant = {one if one in files else one.rpartition(".")[0] for one in imported(path)}
        found[name] = meant & files.keys() - {name}
    return found


def reached(start: str, found: Mapping[str, Set[str]]) -> set[str]:
    """Every module that one needs, directly or by way of others."""
    seen: set[str] = set()
    left = [start]
    while left:
        more = found[left.pop()] - seen
        seen |= more
        left += more
    return seen


def circles(found: Mapping[str, Set[str]]) -> set[frozenset[str]]:
    """The groups of modules that all need each other."""
    needs = {name: reached(name, found) for name in found}
    return {
        frozenset(other for other in needs[name] if name in needs[other])
        for name in found
        if name in needs[name]
    }


def test_a_circle_is_found() -> None:
    found = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(found) == {frozenset("abc"), frozenset("de")}


def test_no_circle_of_imports_has_more_than_two_files() -> None:
    files: dict[str, Path] = {}
    for name, base in PACKAGES.items():
        files |= modules(name, base)
    assert len(files) > 100
    found = arrows(files)
    for circle in circles(found):
        ties = [f"{one} -> {other}" for one in sorted(circle) for other in found[one] & circle]
        assert len(circle) <= CIRCLE, (
            f"{len(circle)} files import each other in a circle, so that none of them can be read"
            f" before the others: {', '.join(ties)}. Move what the lower one uses of the upper one"
            " down, into the lower one or below it, or hand it in as an argument. Imports under"
            " TYPE_CHECKING count: a reader follows them too."
        )


def test_the_emulator_knows_nothing_of_the_app() -> None:
    emulator = modules("local.emulator", ROOT)
    assert len(emulator) > 30
    for name, path in emulator.items():
        for one in imported(path):
            assert not re.match(r"(trapheus|src|tests|layers|local\.commands)\b", one), (
                f"{name} imports {one}: the emulator is an AWS for any app. What knows this app"
                " belongs into local/commands, or is handed in by it."
            )


def rooms() -> Iterator[str]:
    """Every folder of modules in the packages that have rooms, by its dotted name."""
    for name in ROOMS:
        for room, path in modules(name, PACKAGES[name]).items():
            if path.name == "__init__.py":
                yield room


def within(room: str, name: str) -> str:
    """The file or folder of a room that a module is or is in, "" for one elsewhere."""
    start = f"{room}."
    return name.removeprefix(start).partition(".")[0] if name.startswith(start) else ""


@pytest.mark.parametrize("room", rooms())
def test_the_first_page_of_a_room_names_what_is_in_it_from_top_to_bottom(room: str) -> None:
    top = room.partition(".")[0]
    files = modules(top, PACKAGES[top])
    there = {within(room, name) for name in files} - {"", "__main__"}
    first = files[room].relative_to(ROOT)
    page = ast.get_docstring(ast.parse(files[room].read_text(encoding="utf-8"))) or ""
    places = {name: page.find(f"`{name}`") for name in there}
    missing = sorted(name for name, place in places.items() if place < 0)
    assert there
    assert not missing, f"{first} does not name {missing}: say where it comes in the order."
    for name, others in arrows(files).items():
        for other in others:
            upper, lower = within(room, name), within(room, other)
            if upper in there and lower in there:
                assert places[upper] <= places[lower], (
                    f"{first} names `{lower}` before `{upper}`, but {name} imports {other}: name"
                    f" `{upper}` first, or turn the import around."
                )
    side_by_side = [name for name in there if f"{room}.{name}" in files
                    and files[f"{room}.{name}"].name != "__init__.py"]  # fmt: skip
    assert len(side_by_side) <= ROOM, (
        f"{room} has {len(side_by_side)} files side by side, more than {ROOM}: put those that"
        " belong together into a folder of their own."
    )


def test_every_folder_of_modules_has_a_first_page() -> None:
    for name in ROOMS:
        for path in modules(name, PACKAGES[name]).values():
            first = path.parent / "__init__.py"
            assert first.exists(), (
                f"{first.relative_to(ROOT)} is missing: it says what is in the room, and in what"
                " order to read it."
            )


def test_no_file_name_stands_for_two_things_in_the_emulator_and_the_layer() -> None:
    seen: dict[str, Path] = {}
    for name in ("local", "trapheus"):
        for path in modules(name, PACKAGES[name]).values():
            if not path.name.startswith("__"):
                other = seen.setdefault(path.name, path)
                assert other == path, (
                    f"{path.relative_to(ROOT)} has the name of {other.relative_to(ROOT)}: name it"
                    " by what is in it and not in the other."
                )
