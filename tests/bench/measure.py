"""One execution measured: time, outage, calls, transitions, Lambda, dollars."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.cases import Flow, own_seconds, renames_seconds
from tests.faults.flows import READS, is_own
from tests.pipeline.observed import run

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Notice

PRICES = tomllib.loads((Path(__file__).parent / "prices.toml").read_text())
GIGABYTES = 256 / 1024  # MemorySize of every function
ASKING_RDS = ("rds", "kms")


@dataclass
class Visit:
    """A stay in a Task: when, its attempts, and its calls to RDS."""

    state: str
    begins: float
    ends: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)


@dataclass
class Attempt:
    """One invocation within a Task."""

    function: str
    begins: float
    ends: float = 0.0
    error: str = ""
    cold: bool = False
    calls: list[Call] = field(default_factory=list)


@dataclass
class Figures:
    """What one execution took."""

    total: float  # seconds from its start to its end
    own: float  # what RDS needs for it
    outage: float
    away: float  # what keeps the identifier away by nature
    preflight: int
    mutating: int
    polls: int
    waited: float  # minutes in Tasks that waited
    transitions: int
    gigabyte_seconds: float
    dollars: float


class Watch:
    """A listener that notes the visits of one execution, and how long each function ran."""

    def __init__(self, cloud: App) -> None:
        self.execution = ""
        self.visits: list[Visit] = []
        self.transitions = 0
        self.busy = 0.0
        self.invocations = 0
        self._open: dict[str, Visit] = {}
        self._running: dict[str, tuple[float, Attempt]] = {}
        self._of: dict[str, Attempt] = {}
        cloud.listeners.append(self)
        cloud.faults.append(self.called)

    def called(self, call: Call) -> None:
        """Note a call of a function; it is no fault."""
        if is_own(call) and call.caller in self._of:
            self._of[call.caller].calls.append(call)

    def __call__(self, notice: Notice) -> None:
        if notice.kind == "execution started" and not self.execution:
            self.execution = notice.execution
        if notice.kind.startswith("state ") and notice.execution == self.execution:
            self._state(notice)
        if notice.kind == "function invoked":
            attempt = Attempt(notice.name, notice.time, cold=notice.detail.cold)
            self._running[notice.detail.request_id] = (notice.time, attempt)
            self._of[notice.name] = attempt
            if self._open:
                next(reversed(self._open.values())).attempts.append(attempt)
        if notice.kind == "function answered":
            began, attempt = self._running.pop(notice.detail.request_id)
            attempt.ends, attempt.error = notice.time, notice.detail.error
            self.busy += notice.time - began
            self.invocations += 1

    def _state(self, notice: Notice) -> None:
        if notice.kind in ("state entered", "state retried"):
            self.transitions += 1
        if notice.kind == "state entered":
            visit = Visit(notice.name, notice.time)
            self.visits.append(visit)
            self._open[notice.name] = visit
        if notice.kind == "state exited" and notice.name in self._open:
            self._open.pop(notice.name).ends = notice.time


def measure(cloud: App, flow: Flow, seed: int) -> tuple[Figures, Watch]:
    """Run one flow with the times of one seed."""
    cloud.reset()
    cloud.use_timing("drawn")
    cloud.rds.seed = str(seed)
    watch = Watch(cloud)
    execution = run(cloud, flow.request())
    if execution.status != "SUCCEEDED":
        raise RuntimeError(f"{flow}, seed {seed}: {execution.error}: {execution.cause}")
    kind = flow.kind
    cloud.rds.settle()
    outages = cloud.rds.outages(kind.name, kind.identifier) if flow.replaces else []
    courses = [course for course in cloud.rds.courses if course.begins <= execution.stopped]
    calls = [call for call in cloud.calls if is_own(call) and call.service in ASKING_RDS]
    preflight = [call for call in calls if call.caller.startswith("Check")]
    later = [call for call in calls if not call.caller.startswith("Check")]
    polls, waited = polling(watch.visits)
    gigabyte_seconds = watch.busy * GIGABYTES
    return (
        Figures(
            total=execution.stopped - execution.started,
            own=own_seconds(flow, courses),
            outage=sum(end - start for start, end in outages),
            away=renames_seconds(flow, courses),
            preflight=len(preflight),
            mutating=sum(not call.operation.startswith(READS) for call in later),
            polls=polls,
            waited=waited,
            transitions=watch.transitions,
            gigabyte_seconds=gigabyte_seconds,
            dollars=watch.transitions * PRICES["transition"]
            + gigabyte_seconds * PRICES["gigabyte_second"]
            + watch.invocations * PRICES["invocation"],
        ),
        watch,
    )


def polling(visits: list[Visit]) -> tuple[int, float]:
    """The looks at RDS in Tasks that waited a minute or more, and the minutes in these."""
    polls, minutes = 0, 0.0
    for visit in visits:
        if not visit.attempts or visit.ends - visit.begins < 60:
            continue
        minutes += (visit.ends - visit.begins) / 60
        polls += sum(
            call.service == "rds" and call.operation.startswith(READS)
            for attempt in visit.attempts
            for call in attempt.calls
        )
    return polls, minutes


def by_state(visits: list[Visit]) -> dict[str, float]:
    """How long each Task was stayed in."""
    found: dict[str, float] = defaultdict(float)
    for visit in visits:
        if visit.attempts:
            found[visit.state] += visit.ends - visit.begins
    return dict(found)
