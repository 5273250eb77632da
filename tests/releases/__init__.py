"""What each release has handed to its functions, and the keys of its plans, by the plan's format.

A release whose plans have a new format leaves the events of the one before in a folder here; how,
says tests/unit/test_releases.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
KEYS: dict[str, dict[str, list[str]]] = json.loads((FOLDER / "keys.json").read_text())
EVENTS = sorted(FOLDER.glob("*/*.json"))


def event(number: int, function: str) -> dict[str, Any]:
    """What a release has handed to a function first."""
    found: dict[str, Any] = json.loads((FOLDER / str(number) / f"{function}.json").read_text())
    return found


def keys_of(plan: dict[str, Any]) -> dict[str, list[str]]:
    """The keys of a plan, and of the plan of a member."""
    if "members" not in plan:
        return {"instance": sorted(plan)}
    return {"cluster": sorted(plan), "member": sorted(plan["members"][0])}


def as_made_in(number: int, plan: dict[str, Any]) -> dict[str, Any]:
    """A plan as the release of this format would have made it: without what it did not know."""
    known, kind = KEYS[str(number)], "cluster" if "members" in plan else "instance"
    made = {name: value for name, value in plan.items() if name in known[kind]}
    if "members" in made:
        made["members"] = [
            {name: value for name, value in one.items() if name in known["member"]}
            for one in made["members"]
        ]
    return made
