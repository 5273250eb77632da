"""Writes docs/preflight.md from the list of checks: `make preflight`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from trapheus.checks.checklist import ALWAYS, CHECKS, OF_THE_PLAN, PRECONDITION, WARNINGS

if TYPE_CHECKING:
    from trapheus.checks.checklist import Check

PAGE = Path(__file__).parents[1] / "docs" / "preflight.md"
COMMAND = "make preflight"
HEAD = """\
# Preflight

What is looked at before anything is touched. Everything that speaks against a task is told at once, one sentence each, under the error of the first; with `dryRun` the same stands in `findings`, and the execution succeeds. This page is made by `make preflight` from the [list of the checks](../layers/common/trapheus/checks/checklist.py), in the order in which they are run, an instance and a cluster alike; [`checks/`](../layers/common/trapheus/checks/__init__.py) says in what order to read them.

An instance takes 16 calls at most, and one more for each proxy that could point at it. A cluster takes one more for each member, and one for each class and parameter group among them. Nothing is asked twice. What has a name is asked for by its name, the names that must be free all in one call a kind, and the rest page by page.

The first row is a condition of all others. With a target the original stays, so what would break in its replacement is not looked at. Class, groups and storage are those that `overrides` name, where it names them.

| Check | When | Calls | Error | What to do |
|---|---|---|---|---|
"""  # noqa: E501 - a paragraph of a page is a line
BETWEEN = """
## Warnings

They refuse nothing, and stand in the plan's `warnings`, which a dry run shows, beside `cannotKeep`: the attributes that no restore keeps, with the reason ([attributes.md](attributes.md)); none with a target, since the original keeps them.

| Warning | When | Calls | What to do |
|---|---|---|---|
"""  # noqa: E501


def page() -> str:
    """The page as the list of checks has it."""
    refusals = [[*cells(check), errors(check), check.cure] for check in ALL]
    warnings = [[*cells(check), check.cure] for check in WARNINGS]
    return HEAD + table(refusals) + BETWEEN + table(warnings)


ALL = (PRECONDITION, *CHECKS, *OF_THE_PLAN)


def table(rows: list[list[str]]) -> str:
    """The rows of a table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def cells(check: Check) -> list[str]:
    """What a check is about, when it is run, and what it asks for."""
    return [" ".join(inspect.getdoc(check.run).split()), when(check), check.calls or "none"]


def when(check: Check) -> str:
    """For which requests and databases a check is run."""
    if not check.of.words:
        return check.when.words
    return check.of.words if check.when is ALWAYS else f"{check.when.words}, {check.of.words}"


def errors(check: Check) -> str:
    """The errors of a check."""
    return ", ".join(f"`{error.__name__}`" for error in check.errors)


if __name__ == "__main__":
    PAGE.write_text(page())
