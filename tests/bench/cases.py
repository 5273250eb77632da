"""What is measured: a kind, a task and a strategy; and what of its time is RDS's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.pipeline.observed import KINDS, Kind, run

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.rds.service import Course

TASKS = ("create_snapshot_only", "db_restore", "create_snapshot")
# What a strategy's request says besides; the first is the default, and says nothing.
STRATEGIES: dict[str, dict[str, Any]] = {
    "rename-first": {},
    "restore-first": {"strategy": "restore-first"},
}
# Writes go on while it restores, which whoever takes the snapshot anew has to accept.
ACCEPTED = {"acceptWriteLoss": True}


@dataclass(frozen=True)
class Flow:
    """A task for one kind, by one strategy."""

    kind: Kind
    task: str
    strategy: str = "rename-first"

    def __str__(self) -> str:
        return f"{self.kind.name} {self.task} {self.strategy}"

    @property
    def replaces(self) -> bool:
        return self.task != "create_snapshot_only"

    def request(self) -> dict[str, Any]:
        accepted = ACCEPTED if STRATEGIES[self.strategy] and self.task == "create_snapshot" else {}
        return self.kind.request(self.task, **STRATEGIES[self.strategy], **accepted)


FLOWS = tuple(
    Flow(kind, task, strategy)
    for kind in KINDS
    for strategy in STRATEGIES
    for task in TASKS
    if task != "create_snapshot_only" or not STRATEGIES[strategy]
)


def known(cloud: App) -> list[Flow]:
    """The flows whose request the app takes: it refuses what it does not know."""
    taken = {}
    for strategy, more in STRATEGIES.items():
        cloud.reset()
        asked = KINDS[0].request("db_restore", dryRun=True, **more)
        taken[strategy] = run(cloud, asked).status == "SUCCEEDED"
    cloud.reset()
    return [flow for flow in FLOWS if taken[flow.strategy]]


# RDS's own time


def ended(course: Course) -> float:
    """When it was over."""
    return course.begins + sum(course.seconds.values())


class Path:
    """When what RDS does could begin and end, if everything were asked for the moment it can be."""

    def __init__(self, flow: Flow, courses: Sequence[Course]) -> None:
        self.flow, self.left, self.all = flow, list(courses), courses

    def take(self, what: str, name: str = "") -> dict[str, float]:
        """The phases of the next operation of this sort, on what has this name; none: no time."""
        for course in self.left:
            if course.what == what and name in ("", course.name):
                self.left.remove(course)
                return course.seconds
        return {}

    def lasts(self, what: str, name: str = "") -> float:
        return sum(self.take(what, name).values())

    def settles(self, what: str) -> float:
        """How long the database's parts go on once an operation of this sort is over."""
        over = [ended(one) for one in self.all if one.what == f"{what} {self.flow.kind.name}"]
        parts = [one for one in self.all if one.what == "settle parts" and one.begins in over]
        return max((ended(one) - one.begins for one in parts), default=0.0)


FREEING = ("stale", "renaming")


def own_seconds(flow: Flow, courses: Sequence[Course]) -> float:
    """The critical path of the operations that the flow cannot do without, as they were drawn.

    Each begins when RDS would take it: a name is free once `renaming` is over, whatever its old
    owner does then; a change or a deletion wants what it changes to be available. The snapshots
    are at rest before anything else is touched, and the original goes after the verification: so
    the guarantee wants it. A copy may be made while the original is still backing up.
    """
    path = Path(flow, courses)
    gone, rested = snapshots(path)
    if not flow.replaces:
        return gone
    if flow.strategy == "rename-first":
        return rename_first(path, max(gone, rested))
    return restore_first(path, gone, rested)


def snapshots(path: Path) -> tuple[float, float]:
    """When the new snapshot is taken and its successor gone, and when the database is at rest."""
    if path.flow.task == "db_restore":
        return 0.0, 0.0
    kind = path.flow.kind.snapshot_kind
    # The successor, then the old one's deletion; the database takes no other snapshot meanwhile.
    first = path.lasts(f"create {kind}")
    rested = path.lasts("back up instance")
    freed = max(first + path.lasts(f"delete {kind}"), rested)
    taken = freed + path.lasts(f"create {kind}")
    gone = taken + path.lasts(f"delete {kind}")
    rested = freed + path.lasts("back up instance")
    return gone, rested


def rename_first(path: Path, begins: float) -> float:
    """The original is renamed, its copy made under its name and changed, the original deleted."""
    kind = path.flow.kind
    renamed = path.take(f"rename {kind.name}", kind.identifier)
    freed = begins + sum(renamed.get(phase, 0.0) for phase in FREEING)
    cleared = begins + sum(renamed.values())
    made = freed + path.lasts(f"restore {kind.name}") + path.settles("restore")
    # A cluster takes changes while its members are being made.
    changed = made + path.lasts(f"modify {kind.name}", kind.identifier)
    changed += path.settles("modify")
    for name in kind.members:
        # Each gives its name up once the cluster has; its copy is there once the cluster is.
        moved = path.take("rename member", name)
        cleared = max(cleared, freed + sum(moved.values()))
        free = freed + sum(moved.get(phase, 0.0) for phase in FREEING)
        made = max(made, free + path.lasts("create member", name))
    return max(made, changed, cleared) + deletion(path)


def restore_first(path: Path, begins: float, rested: float) -> float:
    """The copy is made and changed beside the original, then both change names."""
    kind = path.flow.kind
    made = begins + path.lasts(f"restore {kind.name}") + path.settles("restore")
    changed = made + path.lasts(f"modify {kind.name}")
    changed += path.settles("modify")
    for name in kind.members:
        made = max(made, begins + path.lasts("create member", f"{name}-copy"))
    changed = max(made, changed, rested)
    first = path.take(f"rename {kind.name}", kind.identifier)
    second = path.take(f"rename {kind.name}")
    freed = changed + sum(first.get(phase, 0.0) for phase in FREEING)
    swapped = max(changed + sum(first.values()), freed + sum(second.values()))
    clusters = freed + sum(second.values()) if kind.members else 0.0
    for name in kind.members:
        old = path.take("rename member", name)
        free = freed + sum(old.get(phase, 0.0) for phase in FREEING)
        new = path.lasts("rename member", f"{name}-copy")
        swapped = max(swapped, freed + sum(old.values()), max(free, clusters) + new)
    return swapped + deletion(path)


def deletion(path: Path) -> float:
    """The members go side by side, and their cluster after them."""
    kind = path.flow.kind
    members = [path.lasts("delete instance") for _ in kind.members]
    return max([path.lasts(f"delete {kind.name}"), *members])


def renames_seconds(flow: Flow, courses: Sequence[Course]) -> float:
    """What keeps the identifier away by nature, one thing after the other.

    Renaming first: the rename and the restore. Restoring first: two renames, of a cluster with
    its writer's.
    """
    path = Path(flow, courses)
    kind = flow.kind
    if flow.strategy == "rename-first":
        renamed = path.take(f"rename {kind.name}", kind.identifier)
        restored = path.take(f"restore {kind.name}")
        freed = renamed.get("renaming", 0.0)
        # `backing-up` and the `modifying` after it are online.
        serves = sum(restored.get(phase, 0.0) for phase in ("hidden", "creating"))
        if not kind.members:
            return freed + serves
        writer = path.take("rename member", kind.members[0])
        free = sum(writer.get(phase, 0.0) for phase in FREEING)
        made = free + path.lasts("create member", kind.members[0])
        return freed + max(serves, made)
    two = path.lasts(f"rename {kind.name}") + path.lasts(f"rename {kind.name}")
    if kind.members:
        path.take("rename member", kind.members[0])
        two += path.lasts("rename member", f"{kind.members[0]}-copy")
    return two
