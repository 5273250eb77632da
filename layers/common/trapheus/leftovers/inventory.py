"""The answer: what is left, whose it is, since when, what it costs, and what clears it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trapheus.execution.constants import (
    AWAY_SUFFIX,
    COPY_SUFFIX,
    EVERY,
    INSPECT,
    RENAMED_SUFFIX,
    SHARING_SUFFIX,
    SOURCE_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.leftovers import clearing, prices
from trapheus.leftovers.holders import by_tag, locks
from trapheus.leftovers.standing import (
    FINAL_SUFFIX,
    Snapshot,
    databases,
    leftovers,
    manual_snapshots,
)
from trapheus.messages.ways_out.commands import WITHOUT_PAGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.leftovers.clearing import Clearing
    from trapheus.leftovers.holders import Lock
    from trapheus.leftovers.standing import Leftover
    from trapheus.messages.ways_out.databases import Database

    Whose = tuple[str, Lock] | None

Entry = dict[str, Any]

WHAT = {
    RENAMED_SUFFIX: "by its name an original that was renamed",
    COPY_SUFFIX: "by its name restored beside an original",
    AWAY_SUFFIX: "by its name restored, and renamed to go back",
    SUCCESSOR_SUFFIX: "by its name the successor of a snapshot",
    SOURCE_SUFFIX: "by its name and tag the copy of a snapshot, made for a restore",
    SHARING_SUFFIX: "by its name the successor of a snapshot that is shared",
    FINAL_SUFFIX: "by its name the final snapshot of an original",
    "": "carries an execution's tag",
}
UNKNOWN = "unknown"
COMMANDS = (
    "Each command is one line that a shell takes whole: what fails in it stops the rest, and what"
    " has another resource id by then is left alone without a word. A wait gives up after 30"
    " minutes: then inspect again."
)
# Characters of the entries: what an execution carries ends at 262,144.
MOST = 150_000


def inventory(request: dict[str, Any], machine: str, is_allowed: Callable[[str], bool]) -> Entry:
    """The answer to a request. machine: the ARN of the state machine."""
    # The locks come last: what an execution makes, it makes with its lock. So what no lock knows
    # by then is of an execution that has ended.
    standing, taken = databases(), manual_snapshots()
    held = locks()
    of_tag = by_tag(held)
    names: dict[str, dict[str, Database | Snapshot]] = {}
    shown: list[Database | Snapshot] = [*standing, *taken]
    for one in shown:
        names.setdefault(one.words.kind, {})[one.name] = one

    def wants(one: Leftover | Lock) -> bool:
        return (
            is_allowed(one.identifier)
            and request["identifier"] in (EVERY, one.identifier)
            and ("cluster" if one.is_cluster else "instance") in request["kinds"]
        )

    found = []
    for left in leftovers(standing, taken):
        whose = of_tag.get(left.tag)
        if wants(left) or (whose and wants(whose[1])):
            own = whose[1] if whose else lock_of(left, held)
            cleared = clearing.of_leftover(left, own, names[left.found.words.kind], machine)
            found.append(entry(left, whose, cleared))
    found.sort(key=lambda one: (one["identifier"], one["kind"], one["name"]))
    told = [of_lock(lock, clearing.of_lock(lock, machine)) for lock in held if wants(lock)]
    kept = within(MOST, [*told, *found])
    return {
        "task": INSPECT,
        "identifier": request["identifier"],
        "locks": kept[: len(told)],
        "leftovers": kept[len(told) :],
        "leftOut": len(told) + len(found) - len(kept),
        "dollarsAMonth": sum(cost for one in found if (cost := one["dollarsAMonth"]) != UNKNOWN),
        "notes": [prices.ROUGH, COMMANDS],
    }


def lock_of(left: Leftover, held: list[Lock]) -> Lock | None:
    """The lock of the database that a leftover is of."""
    of = (left.identifier, left.is_cluster)
    return next((lock for lock in held if (lock.identifier, lock.is_cluster) == of), None)


def within(most: int, entries: list[Entry]) -> list[Entry]:
    """The first of them that together are no longer than so many characters."""
    kept = []
    for one in entries:
        most -= len(json.dumps(one))
        if most < 0:
            break
        kept.append(one)
    return kept


def entry(left: Leftover, whose: Whose, cleared: Clearing) -> Entry:
    """What is said of a database or a snapshot."""
    found = left.found
    cost = (
        prices.of_snapshot(found.shown)
        if isinstance(found, Snapshot)
        else prices.of_database(found)
    )
    return {
        "name": found.name,
        "kind": found.words.kind,
        "identifier": left.identifier,
        "what": WHAT[left.suffix],
        "status": found.status,
        "resourceId": found.resource_id,
        **owner(left, whose),
        "since": since(left, whose),
        "dollarsAMonth": UNKNOWN if cost is None else cost,
        **advice(cleared),
    }


def owner(left: Leftover, whose: Whose) -> dict[str, str]:
    """Whose a leftover is, as its tag and the locks tell it."""
    if whose:
        execution, lock = whose
        is_holder = execution == lock.holder
        return {"whose": status_of(lock) if is_holder else "of an execution that has ended",
                "execution": execution}  # fmt: skip
    if left.tag:
        return {"whose": f"of an execution that no lock knows any more, with the hash {left.tag}",
                "execution": UNKNOWN}  # fmt: skip
    return {"whose": "nobody's: it has no execution's tag", "execution": ""}


def status_of(lock: Lock) -> str:
    """How the holder of a lock stands."""
    if lock.is_running:
        return "of an execution that runs"
    return (
        f"of an execution that has ended, {lock.status}"
        if lock.status
        else "of an execution that AWS does not know"
    )


def since(left: Leftover, whose: Whose) -> str:
    """Since when it is left, as far as anything tells it."""
    if whose and whose[1].since:
        return whose[1].since
    shown = left.found.shown
    if isinstance(left.found, Snapshot):
        created = shown.get("SnapshotCreateTime")
    elif left.suffix == RENAMED_SUFFIX:
        # It was made long before.
        created = None
    else:
        created = shown.get(left.found.words.created)
    return created.isoformat(timespec="seconds") if created else UNKNOWN


def of_lock(lock: Lock, cleared: Clearing) -> Entry:
    """What is said of a lock."""
    return {
        "database": lock.item["database"],
        "execution": lock.holder or lock.plan.get("execution", ""),
        "phase": lock.item["phase"],
        "whose": status_of(lock) if lock.holder else "left by an execution that has ended",
        "since": lock.since or UNKNOWN,
        **advice(cleared),
    }


def advice(cleared: Clearing) -> dict[str, str]:
    """What to do, and the command for it, empty where there is none."""
    sentence, commands = cleared
    return {
        "toDo": sentence,
        "command": " && ".join([WITHOUT_PAGER, *commands]) if commands else "",
    }
