"""Takes each action out of each policy, and shows which test then fails: docs/permissions.md."""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from local.commands.app import App
from tests.pipeline.rights import Right, excuse, granted, owners, used
from tests.pipeline.scenarios import SCENARIOS
from tests.whole_stack import deployed_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = Path(__file__).parents[1] / "docs" / "permissions.md"
HEAD = """\
# Permissions

Every action that a policy of the stack grants, and the test that fails once it is taken out of it;
out of a managed policy it is taken for all who share it.
The local AWS judges each call of a function or of a state machine by the policies of its role,
resources and conditions included, and `tests/pipeline/test_permissions.py` requires every action on
every resource to be used by one of its scenarios or to be excused. What an operation needs is
written in [`needs.py`](../local/emulator/authorization/needs.py), with its sources.

Written by `{command}` on {day}: {count} actions in {seconds:.0f} s.

| whose | action | scenario that fails without it | how it ends |
|---|---|---|---|
"""
COMMAND = ".venv/bin/python -m tests.permissions"


@dataclass
class Baseline:
    """What a scenario uses when nothing is withheld, and how long it takes."""

    rights: set[tuple[str, str]] = field(default_factory=set)
    seconds: float = 0.0


def run(cloud: App, name: str) -> str:
    """Run a scenario from a fresh start; what is wrong with its end, "" for nothing."""
    cloud.reset()
    cloud.use_timing("brisk")
    try:
        SCENARIOS[name](cloud)
    except AssertionError as error:
        return str(error)
    return ""


def actions(rights: Iterable[Right]) -> set[tuple[str, str]]:
    """Rights without their resources."""
    return {(right.who, right.action) for right in rights}


def baselines(cloud: App) -> dict[str, Baseline]:
    """Each scenario with every right, which must pass."""
    found = {}
    for name in SCENARIOS:
        cloud.authorization.used.clear()
        start = time.perf_counter()
        if wrong := run(cloud, name):
            raise SystemExit(f"{name} fails already with every right: {wrong}")
        # time-machine leaves the performance counter alone.
        found[name] = Baseline(actions(used(cloud)), time.perf_counter() - start)
    return found


def fails_without(
    cloud: App, right: tuple[str, str], known: dict[str, Baseline], names: dict[str, str]
) -> tuple[str, str]:
    """The first scenario, quickest first, that fails without an action; "" when all pass."""
    who, action = right
    using = [name for name, baseline in known.items() if right in baseline.rights]
    cloud.authorization.withheld = {(names[who], action)}
    try:
        for name in sorted(using, key=lambda name: known[name].seconds):
            if wrong := run(cloud, name):
                return name, wrong
    finally:
        cloud.authorization.withheld = set()
    return "", ""


def gist(wrong: str) -> str:
    """The beginning of what is wrong, as it fits into a table."""
    return wrong.partition(": ")[0].partition("{")[0].replace("|", "\\|")[:90].strip()


def main() -> int:
    """Write the page; 1 when an action can be taken out without any test noticing."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # moto's
    start, rows, survivors = time.perf_counter(), [], []
    with deployed_whole() as cloud:
        names = {who: name for name, who in owners(cloud).items()}
        known = baselines(cloud)
        everything = granted(cloud)
        needed = actions(right for right in everything if not excuse(right))
        for who, action in sorted(needed):
            name, wrong = fails_without(cloud, (who, action), known, names)
            if not name:
                survivors.append(f"{who} {action}")
            rows.append((who, action, name or "none", gist(wrong)))
            say(f"{who} {action}: {name or 'NO TEST FAILS'}")
        for right in sorted(everything):
            if (why := excuse(right)) and (right.who, right.action) not in needed:
                rows.append((right.who, right.action, "excused", why))
    seconds = time.perf_counter() - start
    day = time.strftime("%Y-%m-%d", time.gmtime())
    head = HEAD.format(command=COMMAND, day=day, count=len(rows), seconds=seconds)
    table = "\n".join(
        f"| {who} | `{what}` | {name} | {how} |" for who, what, name, how in sorted(rows)
    )
    PAGE.write_text(f"{head}{table}\n")
    say(f"{len(rows)} actions in {seconds:.0f} s; without a failing test: {survivors or 'none'}")
    return 1 if survivors else 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
