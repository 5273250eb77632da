"""The executions into which faults are put, and the calls that each makes when nothing fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.commands.app import OTHER_ACCOUNT, sharing
from local.emulator.rds.databases.settings import own_key
from tests import hooking, proxies, sources
from tests.pipeline.observed import KINDS, Kind, OnceReplaced
from tests.pipeline.scenarios import encrypt_with

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Notice

# Whose calls are not the restore's own.
EXPORTING = (
    "PlanExport", "CopyInstance", "CopyCluster", "StartExport", "RemoveCopy",
)  # fmt: skip
READS = ("Describe", "List", "Get")
# What each flow asks for besides identifier, task and kind.
RESTORE_FIRST = {"strategy": "restore-first"}
MORE: dict[str, dict[str, Any]] = {
    "restore_first": RESTORE_FIRST,
    "restore_first_rollback": RESTORE_FIRST,
    "swap_back": RESTORE_FIRST,
    "create_restore_first": {**RESTORE_FIRST, "acceptWriteLoss": True},
    "copy": {"snapshotIdentifier": "latest", "overrides": {"BackupRetentionPeriod": 1}},
    "copy_rollback": {},
    "source_first": RESTORE_FIRST,
    "keep_original": {"keepOriginal": True},
    "final_snapshot": {"finalSnapshot": True, "deleteAutomatedBackups": True},
    "hooks": {**RESTORE_FIRST, "beforeSwap": [hooking.hook(), hooking.hook(hooking.MACHINE)]},
    "hooks_refused": {**RESTORE_FIRST, "beforeSwap": [hooking.hook(do="refuse")]},
    "copy_hooks": {"beforeSwap": [hooking.hook()]},
}
TASKS = {
    "create_snapshot": "create_snapshot",
    "create_snapshot_only": "create_snapshot_only",
    "create_restore_first": "create_snapshot",
    "share_copy": "create_snapshot_only",
}
# Those whose database has a proxy, and a cluster an endpoint; the others show that none is needed.
PROXIED = ("db_restore", "rollback")
KEPT = (
    "rollback", "restore_first_rollback", "swap_back", "copy_rollback", "source_rollback",
    "hooks_refused",
)  # fmt: skip
# Those that restore another database's data, from a snapshot under another key.
OF_A_SOURCE = ("source", "source_first", "source_rollback")


@dataclass(frozen=True)
class Flow:
    """A task for one kind; `ending` is what it comes to when nothing fails.

    A `rollback` is a restore whose copy ends in a bad status, so that the original is put back;
    `swap_back` is undone when the names have been swapped already.
    """

    kind: Kind
    name: str
    typed: str = ""  # the identifier as somebody has typed it
    before: Callable[[App], object] | None = None  # what is done to the account first
    gone: frozenset[tuple[str, str]] = frozenset()  # what need not be there afterwards
    lost: frozenset[str] = frozenset()  # attributes that no copy can have any more

    def __str__(self) -> str:
        return f"{self.kind.name}-{self.name}"

    @property
    def ending(self) -> str:
        return "kept" if self.name in KEPT else "restored"

    @property
    def task(self) -> str:
        return TASKS.get(self.name, "db_restore")

    @property
    def way(self) -> str:
        """What is alike in two flows of the same way: in which order they replace what."""
        if self.target:
            return "copy"
        return "restore-first" if "strategy" in MORE.get(self.name, {}) else "rename-first"

    @property
    def source(self) -> str:
        """The other database whose data it restores."""
        return sources.name_of(self.kind) if self.name in OF_A_SOURCE else ""

    @property
    def differing(self) -> frozenset[str]:
        """The attributes that no copy can have: a source's are in the data."""
        return self.lost | ({"MasterUsername"} if self.source else frozenset())

    @property
    def target(self) -> str:
        """The name under which it restores beside the original, which stays."""
        return self.renamed(self.kind.identifier) if self.name.startswith("copy") else ""

    @property
    def shares_copy(self) -> bool:
        """Whether its snapshot cannot be shared itself, so that a copy of it is."""
        return self.name == "share_copy"

    @property
    def shared(self) -> str:
        """The name of what other accounts may restore afterwards; empty where none is taken."""
        if self.task == "db_restore":
            return ""
        return f"{self.kind.identifier}-shared" if self.shares_copy else self.kind.snapshot

    def renamed(self, name: str) -> str:
        """The name that the database, or a member, has once it is restored."""
        return name.replace("prod", "drill", 1) if self.name.startswith("copy") else name

    def request(self) -> dict[str, Any]:
        request = self.kind.request(self.task) | MORE.get(self.name, {})
        if self.target:
            request["targetIdentifier"] = self.target
        if self.source:
            request["sourceIdentifier"] = self.source
        return {**request, "identifier": self.typed or request["identifier"]}

    def arrange(self, cloud: App) -> None:
        """Bring the account to where the flow begins."""
        if self.source:
            sources.make(cloud.rds, self.kind, key=sources.key(cloud.rds))
        if self.name.endswith("rollback"):
            cloud.rds.poison(self.kind.name, self.source or self.kind.identifier)
        if self.name in PROXIED:
            proxies.point(cloud.rds, self.kind.name, self.kind.identifier)
            if self.kind.is_cluster:
                make_endpoint(cloud, self.kind)
        if self.name == "swap_back":
            cloud.faults.append(OnceReplaced(cloud, self.kind))
        if self.shares_copy:
            share_a_copy(cloud, self.kind)
        if self.before:
            self.before(cloud)


def make_endpoint(cloud: App, kind: Kind) -> None:
    """Give a cluster a custom endpoint."""
    with cloud.rds.instantly():
        cloud.rds.call("CreateDBClusterEndpoint", {
            "DBClusterIdentifier": kind.identifier, "DBClusterEndpointIdentifier": "reports",
            "EndpointType": "READER", "StaticMembers": [kind.members[-1]],
        })  # fmt: skip


def share_a_copy(cloud: App, kind: Kind) -> None:
    """Let a database be under the default key of RDS, and have an older copy that is shared."""
    encrypt_with(cloud.rds, kind, own_key(cloud.rds, "rds"))
    word = "DBClusterSnapshot" if kind.is_cluster else "DBSnapshot"
    with cloud.rds.instantly():
        cloud.rds.call(f"Copy{word}", {
            f"Source{word}Identifier": kind.snapshot,
            f"Target{word}Identifier": f"{kind.identifier}-shared",
            "KmsKeyId": sharing()["ShareKmsKey"],
        })  # fmt: skip
    cloud.rds.find(kind.snapshot_kind, f"{kind.identifier}-shared").shared = [OTHER_ACCOUNT]


# The quick ones first: a state that two flows pass is tried in the first of them.
FLOWS = tuple(
    Flow(kind, name)
    for kind in KINDS
    for name in (
        "db_restore", "create_snapshot_only", "rollback", "create_snapshot",
        "restore_first", "restore_first_rollback", "swap_back", "create_restore_first",
        "copy", "copy_rollback", "keep_original", "final_snapshot", "share_copy",
        "source", "source_first", "source_rollback", "hooks", "hooks_refused", "copy_hooks",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """The n-th call of a kind in a state: whose, to which operation, of which function."""

    state: str
    caller: str
    service: str
    operation: str
    function: str
    n: int
    phase: str = ""  # what it writes into the lock

    @property
    def reads(self) -> bool:
        return self.operation.startswith(READS)

    def is_of(self, call: Call) -> bool:
        """Whether a call is of this spot's kind, whichever its number."""
        return (call.caller, call.service, call.operation) == (
            self.caller,
            self.service,
            self.operation,
        ) and function_of(call) == self.function


def phase_in(call: Call) -> str:
    """The phase that a call writes into the lock."""
    values = call.parameters.get("ExpressionAttributeValues", {})
    return str(values.get(":phase", {}).get("S", "")) if call.operation == "UpdateItem" else ""


def function_of(call: Call) -> str:
    """The logical id of the function that a state invokes, or the name of a hook."""
    if call.operation != "Invoke":
        return ""
    name = str(call.parameters["FunctionName"]).rpartition(":function:")[2]
    return name.removeprefix("trapheus-").split("-")[0]


class Watch:
    """Tells in which state the restore's own execution is, as a listener of the cloud."""

    def __init__(self, cloud: App) -> None:
        self.state = ""
        self.entered: list[str] = []
        self.execution = ""
        cloud.listeners.append(self)

    def __call__(self, notice: Notice) -> None:
        if notice.kind == "execution started" and not self.execution:
            self.execution = notice.execution
        if notice.kind == "state entered" and notice.execution == self.execution:
            self.state = notice.name
            self.entered.append(notice.name)


def is_own(call: Call) -> bool:
    """Whether a call is made by the restore, and not by its export or from outside."""
    if call.caller in ("outside", "events") or call.caller.startswith(EXPORTING):
        return False
    return not function_of(call).startswith(EXPORTING)


def record(cloud: App, flow: Flow) -> tuple[list[str], list[Spot]]:
    """The states that a flow passes and its calls, of equal ones the first, middle and last."""
    cloud.reset()
    cloud.use_timing("brisk")
    flow.arrange(cloud)
    watch = Watch(cloud)
    seen: Counter[tuple[str, ...]] = Counter()
    alike: dict[tuple[str, ...], list[Spot]] = {}

    def note(call: Call) -> None:
        if not is_own(call):
            return
        kind = (watch.state, call.caller, call.service, call.operation, function_of(call))
        spot = Spot(*kind, seen[kind], phase_in(call))
        seen[kind] += 1
        request = () if call.operation == "Invoke" else (json.dumps(call.parameters, default=str),)
        alike.setdefault((*kind, *request), []).append(spot)

    cloud.faults.append(note)
    execution = cloud.run(cloud.machine, json.dumps(flow.request()))
    wanted = "SUCCEEDED" if flow.ending == "restored" else "FAILED"
    if execution.status != wanted:
        raise RuntimeError(f"{flow} ends {execution.status} without a fault: {execution.cause}")
    spots = [
        spot
        for same in alike.values()
        for spot in dict.fromkeys((same[0], same[len(same) // 2], same[-1]))
    ]
    return list(dict.fromkeys(watch.entered)), spots
