"""The service: what exists, what is under way at which moment, and the dispatch of calls."""

from __future__ import annotations

import copy
import heapq
import logging
import pickle
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from random import Random
from typing import Any

from local.emulator.rds.defaults import (
    AVAILABLE_CLASSES,
    AVAILABLE_VERSIONS,
    CERTIFICATES,
    HOSTED_ZONE,
    QUOTA_ERRORS,
    QUOTAS,
    WITHOUT_EXPORTS,
)
from local.emulator.rds.other_services import Obliging, OtherServices
from local.emulator.rds.protocol import wire
from local.emulator.rds.protocol.model import KINDS, RESOURCE_ID
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import OPERATIONS
from local.emulator.rds.resources import (
    Export,
    Resource,
    arn_parts,
    identifier,
    name_of,
    resource_id,
    short_hash,
)
from local.emulator.rds.timing import FITTING, LOOK_AGAIN, ONLINE, PHASES, Phase
from local.emulator.rds.volumes import NoVolumes, Volumes

LOG = logging.getLogger(__name__)

# What an RDS has of its place and its time.
PLACE = ("_now", "_lock", "_on_change", "_agenda", "_neighbours", "other_services", "volumes",
         "answer")  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A status that changed. `before` is "" for a birth, `after` is "gone" for a deletion."""

    time: float
    kind: str
    name: str
    resource_id: str
    before: str
    after: str


@dataclass(frozen=True)
class Course:
    """An operation that a thing went through: when it began, and the seconds of each phase."""

    begins: float
    what: str
    name: str  # the thing's name when it began
    resource_id: str
    seconds: dict[str, float]


class Bucket:
    """How many calls RDS takes: so many a second on average, and as many at once."""

    def __init__(self, rate: float) -> None:
        self.rate = self.left = rate
        self._filled = 0.0

    def takes(self, now: float) -> bool:
        """Whether a call at this moment is let through."""
        self.left = min(self.rate, self.left + (now - self._filled) * self.rate)
        self._filled = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Rds:
    """RDS of one account and region, on the clock that `now` reads (epoch seconds).

    Those that are given the same `neighbours` find each other by account and region: each puts
    itself in.
    """

    # What nobody knows, or what comes seldom: both answers are tried.

    # Whether members may be made while their cluster is [fact: member-of-a-creating-cluster].
    members_while_creating = True
    # Whether an instance takes changes while it is made [fact: modify-while-creating].
    changes_while_creating = False
    # Whether a restored database falls back from available to modifying once.
    flaps = False
    # Whether a restored instance loads its storage for hours, serving meanwhile, and whether it
    # takes changes then: both are tried [fact: storage-initialization].
    initializes = False
    changes_while_initializing = True
    # Whether a snapshot shows the new name of a renamed database [fact: snapshots-of-a-rename].
    snapshots_follow = True
    # Whether an instance of a version that is not sold any more is upgraded with its restore,
    # or some time later; and whether the restore of a cluster at such a version is refused.
    upgrades_withdrawn = True
    refuses_withdrawn = False
    # Whether Describe finds nothing for a while of what was just made: a fault to test with.
    hides = False
    # What a target is once its database was renamed: the "resource", under its new name; the
    # "name", whoever has it; or the resource under the name that was "registered".
    # [fact: proxy-target-follows]
    proxy_targets_follow = "resource"
    proxy_groups_hold_one = True
    # Whether a snapshot that another account shares can be copied from another region
    # [fact: copies-across-both]; whether a copy fails whose source is shared no longer
    # [fact: unshared-while-copied].
    copies_across_both = True
    unsharing_ends_copies = True

    def __init__(
        self,
        now: Callable[[], float],
        *,
        account: str = "123456789012",
        region: str = "us-east-1",
        on_change: Callable[[Change], None] | None = None,
        timing: str = "typical",
        neighbours: MutableMapping[tuple[str, str], Rds] | None = None,
        other_services: OtherServices | None = None,
        volumes: Volumes | None = None,
    ) -> None:
        self.account = account
        self.region = region
        # least, typical, most, brisk, or drawn: a length of its own for each phase, by `seed`.
        self.timing = timing
        self.seed = ""
        self.courses: list[Course] = []
        self.changes: list[Change] = []
        # Of all callers together, as RDS throttles an account in a region; None lets all through.
        self.throttle: Bucket | None = None
        self.time = now()
        # What a copy that is restored from now on shows besides, by its kind.
        self.copies_show: dict[str, dict[str, Any]] = {"instance": {}, "cluster": {}}
        # In which status the parts of a database end that begin from now on, by attribute, instead
        # of well: {"OptionGroupMemberships": "failed"}; a fault to test with.
        self.part_endings: dict[str, str] = {}
        # Operations that this region does not have [fact: unsupported-operations].
        self.unsupported: set[str] = set()
        # Seconds more, by operation and phase: {("restore instance", "backing-up"): 7200.0}
        self.longer: dict[tuple[str, str], float] = {}
        self.quotas = dict(QUOTAS)
        # Whether this region exports snapshots, and how exports end that are started from now on.
        self.exports = region not in WITHOUT_EXPORTS
        self.export_ending = {"outcome": "COMPLETE", "cause": "", "warning": ""}
        self.exporting: dict[str, Export] = {}
        self.other_services: OtherServices = other_services or Obliging(account)
        self.volumes: Volumes = volumes or NoVolumes()
        self.things: dict[str, Resource] = {}
        self.groups: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.custom_endpoints: dict[str, dict[str, Any]] = {}
        self.group_tags: dict[str, list[dict[str, str]]] = {}
        # What parameter groups have other than the default, by ARN and name.
        self.parameters: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.retained_backups: list[dict[str, Any]] = []
        self.retained_cluster_backups: list[dict[str, Any]] = []
        # What an account has besides, as Describe shows it: nothing, until a test puts it there.
        self.global_clusters: list[dict[str, Any]] = []
        self.blue_green_deployments: list[dict[str, Any]] = []
        self.integrations: list[dict[str, Any]] = []
        self.proxies: list[dict[str, Any]] = []
        # By the proxy's name; what db_proxies.target_of makes.
        self.proxy_targets: dict[str, list[dict[str, Any]]] = {}
        # Whether this region has RDS Proxy; why a proxy reaches nothing, by its name.
        self.offers_proxies = True
        self.proxy_faults: dict[str, str] = {}
        # What can be ordered: versions by engine, classes by "standalone" and "aurora".
        self.available_versions = {name: list(held) for name, held in AVAILABLE_VERSIONS.items()}
        self.available_classes = {name: list(held) for name, held in AVAILABLE_CLASSES.items()}
        self.certificates = list(CERTIFICATES)
        self._now = now
        self._on_change = on_change
        self._fixed: float | None = None
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = {name: count(1) for name in ("agenda", "request", *KINDS)}
        self._draws: Counter[str] = Counter()
        self._up: set[tuple[str, str]] = set()
        self._downs: dict[tuple[str, str], list[list[float | None]]] = {}
        # One for all, or two that copy from each other could wait for each other.
        known = next(iter(neighbours.values()), None) if neighbours else None
        self._lock: AbstractContextManager[bool] = known._lock if known else threading.RLock()
        self._neighbours = neighbours
        if neighbours is not None:
            neighbours[account, region] = self
        self._settling = False

    def kept(self) -> bytes:
        """What it shows now: without its place, its time, and what is under way."""
        self.settle()
        return pickle.dumps({name: held for name, held in vars(self).items() if name not in PLACE})

    def hold(self, kept: bytes) -> None:
        """Hold what another one of this account and region has held, or this one before."""
        self._agenda.clear()
        vars(self).update(pickle.loads(kept))

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way."""
        self.settle()
        return bool(self._agenda)

    # What exists

    @property
    def instances(self) -> dict[str, dict[str, Any]]:
        """The instances that Describe shows, by name."""
        return self._shown("instance")

    @property
    def clusters(self) -> dict[str, dict[str, Any]]:
        """The clusters that Describe shows, by name."""
        return self._shown("cluster")

    @property
    def snapshots(self) -> dict[str, dict[str, Any]]:
        """The instance snapshots that Describe shows, by name."""
        return self._shown("snapshot")

    @property
    def cluster_snapshots(self) -> dict[str, dict[str, Any]]:
        """The cluster snapshots that Describe shows, by name."""
        return self._shown("cluster-snapshot")

    @property
    def export_tasks(self) -> dict[str, dict[str, Any]]:
        """The export tasks that Describe shows, by identifier."""
        self.settle()
        return {name: task.shown for name, task in self.exporting.items() if not task.hidden}

    def data(self, kind: str, name: str) -> str:
        """The marker that stands for the contents of a database or snapshot."""
        self.settle()
        return self.find(kind, name).data

    def write(self, kind: str, name: str, marker: str) -> None:
        """Give a database new contents."""
        self.settle()
        self.find(kind, name).data = marker

    def poison(
        self, kind: str, name: str, *, restores_end_in: str = "incompatible-restore"
    ) -> None:
        """Make every restore from a snapshot of this database end in a bad status."""
        self.settle()
        database = self.find(kind, name)
        database.poison = restores_end_in
        for thing in self.things.values():
            if thing.source.get("of") == database.key:
                thing.poison = restores_end_in

    def spoil_export(self, *, outcome: str = "FAILED", cause: str = "", warning: str = "") -> None:
        """Say how the exports end that are started from now on: a fault to test with.

        outcome: FAILED, for `cause`, or COMPLETE, with a `warning` or as usual.
        """
        self.export_ending = {"outcome": outcome, "cause": cause, "warning": warning}

    def become(self, kind: str, name: str, status: str) -> None:
        """Force a status, which lasts until something else happens: a fault to test with."""
        self.settle()
        thing = self.find(kind, name)
        thing.turn += 1
        self.done(thing, status)
        self.observe()

    def reachable(self, kind: str, name: str) -> bool:
        """Whether a client that knows this name would be served; a cluster, by its writer."""
        self.settle()
        return (kind, name) in self._up

    def outages(self, kind: str, name: str) -> list[tuple[float, float]]:
        """When the name did not serve, once it had; the last may last until now."""
        self.settle()
        return [
            (start, self.time if end is None else end)
            for start, end in self._downs.get((kind, name), [])
            if start is not None
        ]

    # Calls

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Do an operation of the RDS API; RdsError when RDS would refuse it."""
        with self._lock:
            return copy.deepcopy(self._do(operation, parameters))

    def _do(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The same for whoever holds the lock; parts of the answer are what RDS holds.

        [fact: unsupported-operations]
        """
        self.settle()
        wire.check(operation, parameters)
        if operation in self.unsupported:
            raise RdsError("InvalidAction", f"{operation} is not supported")
        if operation not in OPERATIONS:
            # Not InvalidAction, which says that a region does not have it.
            raise RdsError("NotImplemented", f"The local RDS does not know {operation}.")
        answer = OPERATIONS[operation](self, copy.deepcopy(dict(parameters)))
        if not operation.startswith("Describe"):  # which changes nothing
            self.observe()
            self.settle()
        return answer

    def answer(
        self, body: bytes, write: Callable[..., bytes] = wire.write_answer
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request of the query protocol: status, headers, XML, or what `write` writes.

        [fact: throttling]
        """
        request_id = f"00000000-0000-4000-8000-{self._next('request'):012d}"
        headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
        try:
            action, parameters = wire.read_request(body)
            if self.throttle and not self.throttle.takes(self._now()):
                raise RdsError("Throttling", "Rate exceeded")
            with self._lock:
                text = write(action, self._do(action, parameters), request_id)
        except RdsError as error:
            return error.status, headers, wire.write_error(error, request_id)
        except Exception:
            # A gap of this RDS must not look like one of the network.
            LOG.exception("The local RDS failed at %s", body.decode(errors="replace"))
            failure = RdsError("InternalFailure", "The local RDS has a bug; its log has more.", 500)
            return failure.status, headers, wire.write_error(failure, request_id)
        return 200, headers, text

    def settle(self) -> None:
        """Do everything that is due at this moment, each at its own time."""
        with self._lock:
            if self._settling:
                return
            self._settling = True
            try:
                until = self._now() if self._fixed is None else self._fixed
                while self._agenda and self._agenda[0][0] <= until:
                    self.time, _, act = heapq.heappop(self._agenda)
                    act()
                    self.observe()
                self.time = until
            finally:
                self._settling = False

    @contextmanager
    def instantly(self, at: float | None = None) -> Iterator[None]:
        """Operations inside take no time and are not told; `at` sets the moment they happen."""
        before = self._fixed
        self.settle()
        self._fixed = self._now() if at is None else at
        try:
            yield
            self.settle()
        finally:
            self._fixed = before

    # What the operations use

    def later(self, due: float, act: Callable[[], None]) -> None:
        """Put something on the agenda; what is due at one moment keeps the order of asking."""
        heapq.heappush(self._agenda, (due, self._next("agenda"), act))

    def add(self, kind: str, shown: dict[str, Any], data: str | Resource) -> Resource:
        """A new thing, not yet visible; its name is taken from now on.

        data: the marker of what it holds, or the database or snapshot whose data that is.
        [fact: quotas-of-databases]
        """
        most = self.quotas[kind]
        counts = shown.get("SnapshotType", "manual") == "manual"
        if counts and self.count(kind) >= most:
            message = f"You have reached the quota of {most} {kind}s."
            if kind in ("snapshot", "cluster-snapshot"):
                message = f"Cannot create more than {most} manual snapshots"
            raise RdsError(QUOTA_ERRORS[kind], message)
        words = KINDS[kind]
        key = shown[RESOURCE_ID[kind]] if kind in RESOURCE_ID else self.new_id(kind)
        shown.setdefault(words.status_key, "creating")
        shown[words.arn_key] = self.arn(kind, shown[words.name_key])
        source = data if isinstance(data, Resource) else None
        marker = data.data if isinstance(data, Resource) else data
        self.things[key] = Resource(kind, key, shown, marker)
        self.volumes.begin(self.things[key], source)
        return self.things[key]

    def count(self, kind: str) -> int:
        """How many of a kind count for its quota: of snapshots the manual ones."""
        return sum(
            thing.kind == kind and thing.shown.get("SnapshotType", "manual") == "manual"
            for thing in self.things.values()
        )

    def new_id(self, kind: str) -> str:
        """An id that no other thing has, the same in every run."""
        prefix = {"instance": "db", "cluster": "cluster"}.get(kind, kind)
        return resource_id(prefix, self._next(kind))

    def find(self, kind: str, given: str) -> Resource:
        """The thing of this name or ARN, for a call that changes something: no fault hides it.

        An ARN of another account or region names nothing here. [fact: named-errors]
        """
        place = arn_parts(given)[:2]
        here = not given.startswith("arn:") or place == (self.region, self.account)
        found = self.named(kind, name_of(given)) if here else None
        if found is None:
            words = KINDS[kind]
            raise RdsError(words.missing, f"{words.word} {name_of(given)} not found.")
        return found

    def seen(self, kind: str, given: str) -> Resource:
        """The same for a call that only looks.

        [fact: named-errors]
        """
        found = self.find(kind, given)
        if found.hidden:
            words = KINDS[kind]
            raise RdsError(words.missing, f"{words.word} {found.name} not found.")
        return found

    def named(self, kind: str, name: str) -> Resource | None:
        """The thing of this name, if there is one."""
        for thing in self.things.values():
            if thing.kind == kind and thing.name == name:
                return thing
        return None

    def free(self, kind: str, given: str) -> str:
        """The identifier in lower case, refused when another thing has or claims it.

        [fact: named-errors]
        """
        name = identifier(kind, given)
        for thing in self.things.values():
            if thing.kind == kind and name in (thing.name, thing.claims):
                words = KINDS[kind]
                raise RdsError(words.exists, f"{words.word} {name} already exists.")
        return name

    def require(self, resource: Resource, operation: str) -> None:
        """Refuse an operation which the thing's true status does not allow.

        [fact: fitting-statuses] [fact: already-being-deleted]
        """
        status = resource.true_status
        if status == "storage-initialization" and self.changes_while_initializing:
            status = "available"
        if status in FITTING[operation]:
            return
        words = KINDS[resource.kind]
        if resource.true_status == "deleting":
            message = f"{words.word} {resource.name} is already being deleted."
        else:
            message = (
                f"{operation}: {words.word} {resource.name} is not in a fitting state: "
                f"{resource.true_status}."
            )
        raise RdsError(words.wrong_state, message)

    def play(
        self,
        resource: Resource,
        what: str,
        *,
        on: Mapping[str, Callable[[], None]] | None = None,
        skip: tuple[str, ...] = (),
        longer: Mapping[str, float] | None = None,
        end: Callable[[], None] | None = None,
    ) -> None:
        """Let a thing go through the phases of an operation, then `end` (default: available)."""
        course = list(self.course(what, skip=skip, longer=longer))
        seconds = {phase.name: ends - begins for phase, begins, ends in course}
        if self._passes:
            self.courses.append(Course(self.time, what, resource.name, resource.key, seconds))
        resource.turn += 1
        turn = resource.turn
        resource.doing = what
        resource.truth = next((phase.status for phase, _, _ in course if phase.status), "")
        for phase, begins, _ in course:
            hook = (on or {}).get(phase.name)
            self._at(begins, resource, turn, partial(self._enter, resource, phase, hook))
        self._at(course[-1][2], resource, turn, end or (lambda: self.done(resource)))

    def course(
        self, what: str, *, skip: tuple[str, ...] = (), longer: Mapping[str, float] | None = None
    ) -> Iterator[tuple[Phase, float, float]]:
        """The phases of an operation that starts now, each with its begin and its end.

        What nothing hides shows its first status at once [fact: created-is-visible].
        """
        shows = begins = self.time
        for phase in PHASES[what]:
            if phase.name in skip:
                continue
            more = (longer or {}).get(phase.name, 0.0) + self.longer.get((what, phase.name), 0.0)
            ends = self.after(phase, begins, what) + more * self._passes
            begins = ends
            if phase.name == "hidden" and not self.hides:
                continue
            yield phase, shows, ends
            shows = ends

    def note(self, resource: Resource, what: str, ends: float) -> None:
        """Note work that a thing goes through beside its operations, until then."""
        seconds = {"working": ends - self.time}
        self.courses.append(Course(self.time, what, resource.name, resource.key, seconds))

    def after(self, phase: Phase, start: float | None = None, what: str = "") -> float:
        """When a phase that starts then, or now, is over."""
        begins = self.time if start is None else start
        return begins + self._seconds(phase, what) * self._passes

    def _seconds(self, phase: Phase, what: str) -> float:
        if self.timing != "drawn":
            return phase.seconds(self.timing)
        # By what it is and how many there were, not in the order of asking: so two apps that make
        # the same operations meet the same times.
        name = f"{what} {phase.name}"
        self._draws[name] += 1
        return phase.drawn(Random(f"{self.seed} {name} {self._draws[name]}"))

    def wait(self, resource: Resource, ready: Callable[[], bool], act: Callable[[], None]) -> None:
        """Act as soon as `ready`, looking again and again while the thing stays at this work."""
        if ready():
            act()
            return
        again = self.time + LOOK_AGAIN
        self._at(again, resource, resource.turn, lambda: self.wait(resource, ready, act))

    def done(self, resource: Resource, status: str = "available") -> None:
        """The end of an operation."""
        resource.doing = ""
        resource.truth = ""
        if status == "available" and resource.initialized_at > self.time:
            self.show(resource, "storage-initialization")
            again = partial(self.done, resource)
            self._at(resource.initialized_at, resource, resource.turn, again)
            return
        self.show(resource, status)

    def restored(self, resource: Resource) -> None:
        """The end of a restore: available, or as bad as the snapshot was marked."""
        resource.shown |= copy.deepcopy(self.copies_show[resource.kind])
        if self.initializes and resource.kind == "instance":
            ((_, _, resource.initialized_at),) = self.course("initialize storage")
        if resource.poison:
            self.done(resource, resource.poison)
        elif self.flaps:
            self.play(resource, "flap")
        else:
            self.done(resource)

    def show(self, resource: Resource, status: str) -> None:
        """Let a thing be seen in this status, and tell it."""
        born = resource.hidden and not resource.was
        before = "" if born else resource.status
        if resource.was:
            self._tell(resource, before, f"renamed from {resource.was}")
            resource.was = ""
        resource.hidden = False
        resource.shown[KINDS[resource.kind].status_key] = status
        if before != status:
            self._tell(resource, before, status)

    def gone(self, resource: Resource) -> None:
        """The end of a deletion."""
        self._tell(resource, resource.status, "gone")
        del self.things[resource.key]
        self.volumes.end(resource)

    def tell(self, kind: str, name: str, before: str, after: str, resource_id: str = "") -> None:
        """Note a change, and let the listener know of it."""
        if self._fixed is not None:
            return
        change = Change(self.time, kind, name, resource_id, before, after)
        self.changes.append(change)
        if self._on_change:
            self._on_change(change)

    def rename(self, resource: Resource, name: str) -> None:
        """Give a thing its new name, with the ARN and the address that follow from it."""
        words = KINDS[resource.kind]
        resource.was, resource.claims = resource.name, ""
        resource.shown[words.name_key] = name
        resource.shown[words.arn_key] = self.arn(resource.kind, name)

    def elsewhere(self, region: str, account: str) -> Rds | None:
        """The RDS of another region or account, or this one; None when there is none."""
        is_this = (region, account) == (self.region, self.account)
        return self if is_this else (self._neighbours or {}).get((account, region))

    def of_others(self) -> list[Rds]:
        """The RDS of each other account in this region, by account."""
        return [
            other
            for (account, region), other in sorted((self._neighbours or {}).items())
            if region == self.region and account != self.account
        ]

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a thing or a group."""
        part = KINDS[kind].arn_part if kind in KINDS else kind
        return f"arn:aws:rds:{self.region}:{self.account}:{part}:{name}"

    def address(self, name: str, part: str = "") -> str:
        """The host name of an endpoint; `part` is such as `cluster-` or `cluster-ro-`."""
        host = short_hash(self.account, self.region)
        return f"{name}.{part}{host}.{self.region}.rds.amazonaws.com"

    def address_of(self, database: Resource, part: str = "") -> str:
        """The same of a database, or where it can really be reached."""
        return self.volumes.address(database, part) or self.address(database.name, part)

    def endpoint(self, instance: Resource, port: int) -> dict[str, Any]:
        """The Endpoint of an instance."""
        return {"Address": self.address_of(instance), "Port": port, "HostedZoneId": HOSTED_ZONE}

    def when(self, seconds_ago: float = 0) -> datetime:
        """The moment as Describe shows it."""
        return datetime.fromtimestamp(self.time - seconds_ago, UTC)

    def members(self, cluster: Resource) -> list[Resource]:
        """The instances of a cluster, in the order they came."""
        return [
            thing
            for thing in self.things.values()
            if thing.kind == "instance" and thing.source.get("cluster") == cluster.key
        ]

    def cluster_of(self, member: Resource) -> Resource | None:
        """The cluster of an instance, None for a standalone one."""
        return self.things.get(member.source.get("cluster", ""))

    @property
    def is_past(self) -> bool:
        """Whether what happens is of older days, when there were other versions and classes."""
        return self._fixed is not None

    # Within

    @property
    def _passes(self) -> int:
        """Whether time passes: 1, or 0 when all is done instantly."""
        return 1 if self._fixed is None else 0

    def _shown(self, kind: str) -> dict[str, dict[str, Any]]:
        self.settle()
        return {
            thing.name: thing.shown
            for thing in self.things.values()
            if thing.kind == kind and not thing.hidden
        }

    def _next(self, name: str) -> int:
        return next(self._numbers[name])

    def _at(self, due: float, resource: Resource, turn: int, act: Callable[[], None]) -> None:
        """On the agenda, unless the thing has begun something else by then."""

        def if_still() -> None:
            if resource.turn == turn and resource.key in self.things:
                act()

        self.later(due, if_still)

    def _enter(self, resource: Resource, phase: Phase, hook: Callable[[], None] | None) -> None:
        if hook:
            hook()
        if phase.name in ("hidden", "neither"):
            resource.hidden = True
        elif phase.status:
            resource.truth = ""
            self.show(resource, phase.status)

    def _tell(self, resource: Resource, before: str, after: str) -> None:
        self.tell(resource.kind, resource.name, before, after, resource.key)

    def serves(self, resource: Resource) -> bool:
        """Whether a client is served now; a cluster's, by its writer."""
        if resource.hidden or resource.status not in ONLINE[resource.kind]:
            return False
        if resource.kind == "instance":
            return "Endpoint" in resource.shown
        writers = {
            member["DBInstanceIdentifier"]
            for member in resource.shown["DBClusterMembers"]
            if member["IsClusterWriter"]
        }
        return any(self.serves(m) for m in self.members(resource) if m.name in writers)

    def observe(self) -> None:
        """Note which names began or ceased to serve at this moment."""
        serving = [
            thing
            for thing in self.things.values()
            if thing.kind in RESOURCE_ID and self.serves(thing)
        ]
        up = {(thing.kind, thing.name) for thing in serving}
        for key in sorted(self._up - up):
            self._downs.setdefault(key, []).append([self.time, None])
        for key in sorted(up - self._up):
            downs = self._downs.get(key)
            if downs and downs[-1][1] is None:
                downs[-1][1] = self.time
                if downs[-1][0] == self.time:
                    downs.pop()
        self._up = up
        self.volumes.serve(self.account, self.region, serving)
