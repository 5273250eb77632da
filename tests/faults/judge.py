"""What an execution has left, and whether it may: judged by what AWS holds, never by the app.

The endings are those of the project's guarantee: "restored", "kept", "told". Which of them a
scenario allows comes with the scenario, from its fault alone.
"""

from __future__ import annotations

import copy
from collections.abc import Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.commands import report
from tests import hooking, proxies
from tests.pipeline.observed import Kind, as_plain, tagged

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Execution
    from tests.faults.flows import Flow

ONLINE = {"available", "storage-optimization", "backing-up"}
IDENTITY = {"instance": "DbiResourceId", "cluster": "DbClusterResourceId"}
STATUS = {"instance": "DBInstanceStatus", "cluster": "Status"}
# An export tells its own failures, and a rollback its delay, in mails of their own.
OF_NO_ENDING = ("[NOT EXPORTED]", "[DOWN, being put back]", "[SERVING, tidying up]")


@dataclass(frozen=True)
class Part:
    """A database as RDS holds it."""

    kind: str
    name: str
    resource_id: str
    status: str
    data: str
    shown: dict[str, Any] = field(repr=False, hash=False, compare=False)


@dataclass
class World:
    """All databases and snapshots, and the data in each."""

    databases: dict[tuple[str, str], Part]
    snapshots: dict[str, tuple[str, str]]
    endpoints: dict[str, str]
    backups: set[str]  # the resource ids of deleted databases whose automated backups are kept
    shared: set[str]  # the names of the snapshots that another account may restore

    def forget(self, gone: frozenset[tuple[str, str]]) -> None:
        """Leave out databases that need not be there any more, from their clusters' lists too."""
        names = {name for _, name in gone}
        for part in self.databases.values():
            if listed := part.shown.get("DBClusterMembers"):
                listed[:] = [one for one in listed if one["DBInstanceIdentifier"] not in names]

    def of(self, kind: Kind) -> list[Part]:
        """The database of a kind with its members, as far as they are there."""
        keys = [(kind.name, kind.identifier), *(("instance", name) for name in kind.members)]
        return [self.databases[key] for key in keys if key in self.databases]


def look(cloud: App) -> World:
    """See what RDS holds now."""
    rds = cloud.rds
    rds.settle()
    databases = {}
    for kind, shelf in (("instance", rds.instances), ("cluster", rds.clusters)):
        for name, shown in shelf.items():
            databases[kind, name] = Part(
                kind, name, shown[IDENTITY[kind]], shown[STATUS[kind]],
                rds.data(kind, name), copy.deepcopy(shown),
            )  # fmt: skip
    snapshots = {
        name: (shown["Status"], rds.data(kind, name))
        for kind, shelf in (
            ("snapshot", rds.snapshots),
            ("cluster-snapshot", rds.cluster_snapshots),
        )
        for name, shown in shelf.items()
    }
    endpoints = {name: shown["DBClusterIdentifier"] for name, shown in rds.custom_endpoints.items()}
    retained = (*rds.retained_backups, *rds.retained_cluster_backups)
    backups = {kept.get("DbiResourceId") or kept["DbClusterResourceId"] for kept in retained}
    shared = {thing.name for thing in rds.things.values() if thing.shared}
    return World(databases, snapshots, endpoints, backups, shared)


def is_restored(flow: Flow, before: World, now: World, data: str) -> str:
    """What is missing for the restored database to be there, whole; "" for nothing."""
    old = before.of(flow.kind)
    keys = [(part.kind, flow.renamed(part.name)) for part in old]
    found = [now.databases[key] for key in keys if key in now.databases]
    if len(found) != len(old):
        return f"only {[part.name for part in found]} stand"
    for part, was in zip(found, old, strict=True):
        if part.resource_id == was.resource_id:
            return f"{part.name} is still the original"
        if part.status not in ONLINE:
            return f"{part.name} is {part.status}"
        now_named = as_plain(part.shown, *(("drill", "prod") if flow.target else ()))
        now_named |= {name: was.shown[name] for name in flow.differing if name in was.shown}
        _, lines = report.differences(part.kind, as_plain(as_asked(flow, was)), now_named)
        if lines:
            return f"{part.name} is configured otherwise: {lines}"
    if found[0].data != data:
        return f"its data are {found[0].data!r}"
    return ""


def as_asked(flow: Flow, was: Part) -> dict[str, Any]:
    """What a database must show once it is restored: what it did, but for what was overridden."""
    overrides = flow.request().get("overrides", {})
    asked = {name: value for name, value in overrides.items() if name in was.shown}
    return was.shown | asked


def is_kept(kind: Kind, before: World, now: World, statuses: Set[str] = ONLINE) -> str:
    """What is missing for the original to stand whole, and nothing else; "" for nothing."""
    if wrong := is_whole(kind, before, now, statuses):
        return wrong
    if more := now.databases.keys() - before.databases.keys():
        return f"also there: {sorted(more)}"
    return ""


def is_whole(kind: Kind, before: World, now: World, statuses: Set[str] = ONLINE) -> str:
    """What is missing for the original to stand whole under its own names; "" for nothing."""
    for was in before.of(kind):
        part = now.databases.get((was.kind, was.name))
        if part is None or part.resource_id != was.resource_id:
            return f"{was.name} is {part.resource_id if part else 'nothing'}"
        _, lines = report.differences(part.kind, was.shown, part.shown)
        if part.status not in statuses or part.data != was.data or lines:
            return f"{part.name} has changed: {part.status}, {part.data!r}, {lines}"
    if now.endpoints != before.endpoints:
        return f"the custom endpoints are {now.endpoints}"
    return ""


@dataclass(frozen=True)
class Allowed:
    """What a fault allows: endings, and what may be missing around them."""

    endings: frozenset[str]
    unlocked: bool = True  # whether the lock must be gone
    mails: int = 1  # how many mails a failure may send; 0 when it may also send none
    serving: bool = True  # whether the identifier must serve when a failure in finish is told
    tagged: bool = False  # whether tags may stay on what is whole
    untouched: bool = False  # whether no change may have been asked for at all
    proxied: bool = True  # whether the proxies must lead to what has the identifier
    within: float = float("inf")  # seconds until the execution must have ended
    statuses: Set[str] = frozenset(ONLINE)  # in which the original may be kept
    recovers: bool = False  # whether the task recover must put it back once the fault is gone


@dataclass(frozen=True)
class Ended:
    """A run that has ended, with the executions that recovered it."""

    cloud: App
    flow: Flow
    before: World
    execution: Execution
    recoveries: list[Execution]


def wrongs(ended: Ended, allowed: Allowed) -> tuple[str, str]:
    """The ending, and what is wrong with it; "" for nothing."""
    flow, execution, kind = ended.flow, ended.execution, ended.flow.kind
    now = look(ended.cloud)
    data = ended.before.databases[kind.name, kind.identifier].data
    kept = is_kept(kind, ended.before, now, allowed.statuses) or copy_left(flow, now)
    ending = "told" if kept else "kept"
    if execution.status == "SUCCEEDED":
        ending = "restored"
    if ending not in allowed.endings:
        return ending, f"{execution.status} {execution.error} {kept or execution.cause}"
    checks = (
        lost_data(flow, ended.before, now, data),
        flow.source and wrong_source(flow, ended.before, now, ending),
        ending == "restored" and wrong_success(flow, ended.before, now, data, kept),
        ending == "told" and allowed.serving and wrong_telling(flow, now, execution),
        ending != "told" and not allowed.tagged and wrong_tags(ended.cloud),
        ending != "told" and allowed.proxied and wrong_proxies(ended.cloud, kind, now),
        ending != "told" and allowed.unlocked and wrong_lock(ended.cloud, kind),
        wrong_mails(ended, allowed, ending, now),
        wrong_hooks(ended, ending),
        allowed.mails and wrong_tag(ended, now),
        allowed.untouched and wrong_changes(ended.cloud),
        execution.stopped - execution.started > allowed.within and "it took too long",
    )
    return ending, next((wrong for wrong in checks if wrong), "")


def wrong_success(flow: Flow, before: World, now: World, data: str, kept: str) -> str:
    """What a success has not done."""
    kind = flow.kind
    stays = (kind.snapshot_kind, kind.snapshot) not in flow.gone
    if flow.task != "db_restore" and stays and (missing := wrong_snapshot(flow, now, data)):
        return missing
    if flow.task == "create_snapshot_only":
        return kept
    wanted = before.snapshots[kind.snapshot][1] if flow.task == "db_restore" else data
    if flow.source:
        wanted = before.databases[kind.name, flow.source].data
    if missing := is_restored(flow, before, now, wanted):
        return f"SUCCEEDED, but {missing}"
    if flow.target and (missing := is_whole(kind, before, now)):
        return f"SUCCEEDED, but {missing}"
    if missing := wrong_remains(flow, before, now, data):
        return missing
    more = (now.databases.keys() - before.databases.keys()) - flow.gone
    if flow.request().get("keepOriginal"):
        more -= {(part.kind, f"{part.name}-temp") for part in before.of(kind)}
    if flow.target:
        more -= {(part.kind, flow.renamed(part.name)) for part in before.of(kind)}
    return f"left: {sorted(more)}" if more else ""


def wrong_snapshot(flow: Flow, now: World, data: str) -> str:
    """What a snapshot that was to be taken, and what is to be shared of it, is not."""
    for name in (flow.kind.snapshot, flow.shared):
        held = now.snapshots.get(name)
        if held != ("available", data):
            return f"the snapshot {name} is {held}"
    return "" if flow.shared in now.shared else f"shared are only {sorted(now.shared)}"


def wrong_remains(flow: Flow, before: World, now: World, data: str) -> str:
    """What of the original was to stay, and has not."""
    if flow.request().get("keepOriginal"):
        for part in before.of(flow.kind):
            original = now.databases.get((part.kind, f"{part.name}-temp"))
            if original is None or original.resource_id != part.resource_id:
                return f"the original {part.name} was not kept"
    final = {name: held for name, held in now.snapshots.items() if name not in before.snapshots}
    if flow.request().get("finalSnapshot") and ("available", data) not in final.values():
        return f"there is no final snapshot: {sorted(final)}"
    original = before.databases[flow.kind.name, flow.kind.identifier]
    if original.resource_id not in {part.resource_id for part in now.databases.values()}:
        wanted = not flow.request().get("deleteAutomatedBackups")
        if wanted != (original.resource_id in now.backups):
            return f"the automated backups are those of {sorted(now.backups)}"
    return ""


def wrong_telling(flow: Flow, now: World, execution: Execution) -> str:
    """Past the point of no return the identifier serves; only a failed rollback may leave it."""
    if serves(flow.kind, now) or "The rollback failed" in execution.cause:
        return ""
    return f"nothing serves as {flow.kind.identifier}, and the cause is {execution.cause!r}"


def wrong_tags(cloud: App) -> str:
    """The tags that are left."""
    return f"tags are left on {tagged(cloud)}" if tagged(cloud) else ""


def wrong_changes(cloud: App) -> str:
    """The changes that were asked for."""
    asked = [
        call.operation
        for call in cloud.calls
        if call.service == "rds"
        and call.caller.endswith("Function")
        and not call.operation.startswith(("Describe", "List"))
    ]
    return f"asked for {asked}" if asked else ""


def wrong_proxies(cloud: App, kind: Kind, now: World) -> str:
    """The proxies that lead to something else than what has the identifier."""
    wanted = now.databases[kind.name, kind.identifier].resource_id
    led = {proxy["DBProxyName"]: proxies.leads_to(cloud.rds, proxy["DBProxyName"])
           for proxy in cloud.rds.proxies}  # fmt: skip
    return "" if set(led.values()) <= {wanted} else f"proxies lead to {led}, not to {wanted}"


def wrong_lock(cloud: App, kind: Kind) -> str:
    """The lock that is left."""
    item = lock(cloud, kind)
    return f"the lock is left: {item}" if item else ""


def lost_data(flow: Flow, before: World, now: World, data: str) -> str:
    """What was lost: the original's data and the snapshot's must be somewhere, all the time."""
    kind = flow.kind
    good = [held for status, held in now.snapshots.values() if status == "available"]
    originals = {part.resource_id for part in before.of(kind)[:1]}
    present = {part.resource_id for part in now.databases.values()}
    if not originals <= present:
        held = now.databases.get((kind.name, kind.identifier))
        if held is None or held.status not in ONLINE:
            return "the original is gone, and nothing serves in its place"
    old = before.snapshots.get(kind.snapshot)
    if old is None or (kind.snapshot_kind, kind.snapshot) in flow.gone:
        return ""
    if flow.task == "db_restore" and old[1] not in good:
        return "the snapshot is gone"
    if flow.task != "db_restore" and not {old[1], data} & set(good):
        return "no good snapshot is left"
    names = (flow.shared, f"{kind.identifier}-sharing")
    if flow.shares_copy and not any(
        now.snapshots.get(name, ("",))[0] == "available" and name in now.shared for name in names
    ):
        return "no good copy to be shared is left"
    return ""


def wrong_source(flow: Flow, before: World, now: World, ending: str) -> str:
    """What has been done to the source, or is left of what was copied of it."""
    key = (flow.kind.name, flow.source)
    was, found = before.databases[key], now.databases.get(key)
    if found is None or as_plain(found.shown) != as_plain(was.shown):
        return f"the source {flow.source} was changed"
    return "" if ending == "told" else copy_left(flow, now)


def copy_left(flow: Flow, now: World) -> str:
    """That the copy of the source's snapshot is left, if it is."""
    copied = f"{flow.kind.identifier}-source"
    return f"{copied} is left" if flow.source and copied in now.snapshots else ""


def serves(kind: Kind, now: World) -> bool:
    """Whether the identifier is a database that is online."""
    found = now.databases.get((kind.name, kind.identifier))
    return found is not None and found.status in ONLINE


def lock(cloud: App, kind: Kind) -> dict[str, Any]:
    """The item of the lock; empty when there is none."""
    found = cloud.client("dynamodb").get_item(
        TableName=cloud.physical_id("LockTable"),
        Key={"database": {"S": f"{kind.name}#{kind.identifier}"}},
    )
    return dict(found.get("Item", {}))


def to_be_named(flow: Flow, now: World) -> list[str]:
    """What a mail must name: the identifier, and what stands beside it, be it old or restored."""
    identifier = flow.kind.identifier
    beside = (flow.target, f"{identifier}-temp", f"{identifier}-copy")
    copied = [f"{identifier}-source"] if f"{identifier}-source" in now.snapshots else []
    standing = [name for name in beside if (flow.kind.name, name) in now.databases]
    return [identifier, *standing, *copied]


def wrong_tag(ended: Ended, now: World) -> str:
    """What the tag of the last message says that RDS does not hold; "" for nothing."""
    kind, mail = ended.flow.kind, next(iter(ended.cloud.alerts[::-1]), None)
    tag = mail.subject.partition("]")[0].lstrip("[") if mail else ""
    # Neither of those two has looked at RDS.
    if mail is None or tag in ("NOT EXPORTED", "UNKNOWN") or "RDS did not say" in mail.text:
        return ""
    was = ended.before.databases[kind.name, kind.identifier]
    held = now.databases.get((kind.name, kind.identifier))
    is_original = held is not None and held.resource_id == was.resource_id
    beside = now.databases.keys() - ended.before.databases.keys()
    outages = ended.cloud.rds.outages(kind.name, kind.identifier)
    was_down = any(begin <= mail.time <= end for begin, end in outages)
    right = {
        "DOWN": was_down or not serves(kind, now),
        "DECIDE": serves(kind, now)
        and (beside or "The rollback failed" in mail.text.replace("\n ", " ")),
        "SERVING, restored": serves(kind, now),
        "SERVING, recovered": is_original and serves(kind, now) and not beside,
        "SERVING, put back": is_original and serves(kind, now) and not beside,
        "NOT TOUCHED": is_original and not beside,
    }
    found = [part.name for part in now.databases.values()]
    return "" if right.get(tag) else f"the message says {tag}, and these stand: {found}"


def wrong_hooks(ended: Ended, ending: str) -> str:
    """How often hooks have run: each once for a success, and never twice."""
    asked = [hook["run"] for hook in ended.flow.request().get("beforeSwap", [])]
    ran = hooking.ended(ended.cloud)
    wanted = sorted(asked) if ending == "restored" else sorted(set(asked) & set(ran))
    return "" if sorted(ran) == wanted else f"the hooks {asked} have run as {ran}"


def wrong_mails(ended: Ended, allowed: Allowed, ending: str, now: World) -> str:
    """What is wrong with the mails and the recoveries."""
    execution = ended.execution
    mails = [mail for mail in ended.cloud.alerts if not mail.subject.startswith(OF_NO_ENDING)]
    said = [mail.subject for mail in mails]
    unnamed = [name for name in to_be_named(ended.flow, now) if mails and name not in mails[0].text]
    checks = (
        execution.status == "SUCCEEDED" and mails and f"mails after a success: {said}",
        execution.status == "FAILED"
        and not (execution.error and execution.cause)
        and "a failure without error and cause",
        any(each.status == "RUNNING" for each in ended.recoveries) and "a recovery is running",
        allowed.mails
        and (len(mails) > allowed.mails or (execution.status == "FAILED" and not mails))
        and f"{len(mails)} mails for a failure: {said}",
        allowed.mails
        and ending == "told"
        and (unnamed or not mails)
        and f"the mail does not name {unnamed}: {said}",
    )
    return next((str(wrong) for wrong in checks if wrong), "")
