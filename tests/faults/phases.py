"""The phase of each state, derived from the definition of the restore."""

from __future__ import annotations

from tests.deploy.definition import RESTORE, Definition, State, states, targets

LOCK, END, ALL = "lock", "end", "all"
# Of a fault that is in no state of its own.
ALL_STATES = "all states"


def phases(definition: Definition) -> dict[str, str]:
    """Every state with its phase.

    What a Parallel holds is of the phase that its steps first write into the lock, and so is what
    comes after that one alone, or else leads to it alone. What comes before all of them is of the
    lock; what leads to none of them is the end.
    """
    top = definition["States"]
    parallels = {name: written(state) for name, state in top.items() if "Branches" in state}
    first = up_to_parallels(top, definition["StartAt"])
    behind = {name: up_to_parallels(top, *targets(top[name])) for name in parallels}
    found = dict(parallels)
    for name in top.keys() - parallels.keys():
        leads_to = {parallels[one] for one in up_to_parallels(top, name) & parallels.keys()}
        comes_after = {parallels[one] for one, following in behind.items() if name in following}
        if not leads_to:
            found[name] = END
        elif name in first:
            found[name] = LOCK
        else:
            (found[name],) = comes_after if len(comes_after) == 1 else leads_to
    for outer, phase in parallels.items():
        found |= dict.fromkeys(dict(inside(top[outer])), phase)
    return found


def inside(parallel: State) -> list[tuple[str, State]]:
    """The states of a Parallel's branches, by name."""
    return [each for branch in parallel["Branches"] for each in states(branch)]


def written(parallel: State) -> str:
    """The phase that the steps of a Parallel write into the lock, the last one maybe the next."""
    payloads = (state.get("Parameters", {}).get("Payload", {}) for _, state in inside(parallel))
    return str(next(payload["phase"] for payload in payloads if "phase" in payload))


def up_to_parallels(top: dict[str, State], *names: str) -> set[str]:
    """These states and all that follow, up to the next Parallel of each way."""
    found: set[str] = set()
    left = [*names]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [] if "Branches" in top[name] else targets(top[name])
    return found


PHASES = phases(RESTORE)


def phase(state: str) -> str:
    """The phase that a state belongs to: lock, prepare, copy and so on, or all."""
    return ALL if state == ALL_STATES else PHASES[state]
