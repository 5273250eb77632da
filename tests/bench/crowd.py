"""Many databases at once: on the real stack, and in a model that replays recorded executions.

They are started one by one within a second, or by a fleet, which starts the next when one ends.
What the model knows is what stands here: how long a call and the start of a function take
(local/emulator/costs.toml), how the client and the state machine try again (read from the
definition), how RDS throttles, and, from executions recorded on the real stack, which calls each
try of each Task makes and when, after the last change, RDS was done. It leaves out AWS's own limits
but the one on RDS's calls; and that a Task which was throttled half way need not make all of its
calls again.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from local.emulator.cloud import COSTS
from local.emulator.rds.service import Bucket
from tests.bench.measure import Attempt, Visit
from tests.deploy.definition import RESTORE, tasks
from tests.faults.flows import READS
from tests.pipeline.observed import INSTANCE

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Notice

RATE = 20.0  # calls a second that RDS takes
# A child of a fleet looks twice, starts its restore, and asks how it has ended.
OF_A_CHILD = 4 * COSTS["api_call"]
TRIES = 3  # of the client; a test of the layer holds it to that
# The most patient ones; the others differ only in how long they go on.
RETRIERS = dict(tasks(RESTORE))["Wait until the database is restored"]["Retry"]


def retrier(error: str) -> dict[str, float]:
    """How the state machine tries again after an error; as patiently as a wait does."""
    return next(dict(each) for each in RETRIERS if error in each["ErrorEquals"])


@dataclass(frozen=True)
class Stage:
    """What a Task does when RDS is so far: how long after the last change, and its calls."""

    after: float
    looks: int  # calls of a try that comes too early
    calls: int
    other: float  # seconds in the function besides
    changes: bool


@dataclass(frozen=True)
class Step:
    """A Task of a recorded execution."""

    gap: float  # seconds since the Task before
    function: str
    stages: tuple[Stage, ...]


def replayable(visits: Sequence[Visit], begins: float) -> list[Step]:
    """The steps of a recorded execution."""
    attempted = [visit for visit in visits if visit.attempts]
    # How long it has waited to begin is of that execution's chance.
    steps, changed, left = [], begins, attempted[0].begins
    for visit in attempted:
        stages: list[Stage] = []
        early: list[Attempt] = []
        for attempt in visit.attempts:
            changes = [call for call in asked(attempt) if is_change(call)]
            if not changes and attempt is not visit.attempts[-1]:
                early.append(attempt)
                continue
            # RDS was done between the last try that came too early and this one.
            ready = (early[-1].begins + attempt.begins) / 2 if early else changed
            took = attempt.ends - attempt.begins
            start = COSTS["cold_start" if attempt.cold else "warm_start"]
            stages.append(
                Stage(
                    after=max(ready - changed, 0.0),
                    looks=len(asked(early[-1])) if early else len(asked(attempt)),
                    calls=len(asked(attempt)),
                    other=max(took - start - COSTS["api_call"] * len(asked(attempt)), 0.0),
                    changes=bool(changes),
                )
            )
            early = []
            changed = changes[-1].time if changes else changed
        steps.append(Step(visit.begins - left, visit.attempts[0].function, tuple(stages)))
        left = visit.ends
    return steps


def asked(attempt: Attempt) -> list:
    """The calls to RDS of a try."""
    return [call for call in attempt.calls if call.service == "rds"]


def is_change(call) -> bool:
    """Whether a call has changed something."""
    return not call.operation.startswith(READS) and not call.error


@dataclass
class Outcome:
    """What many at once have come to."""

    total: float = 0.0  # seconds from the first start to the last end
    most: int = 0  # functions running at the same time
    calls: int = 0
    throttled: int = 0
    failed: int = 0
    running: Counter[str] = field(default_factory=Counter)

    def runs(self, function: str, more: int) -> None:
        self.running[function] += more
        self.most = max(self.most, self.running.total())


class Model:
    """A clock, RDS's bucket, and the environments of the functions."""

    def __init__(self, seed: int, rate: float = RATE) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.bucket = Bucket(rate)
        self.idle: Counter[str] = Counter()
        self.outcome = Outcome()

    def run(self, traces: Sequence[Sequence[Step]], count: int, at_a_time: int = 0) -> Outcome:
        """So many executions, each replaying one of the traces.

        at_a_time: of a fleet; 0 starts all by themselves, within one second.
        """
        agenda: list[tuple[float, int, Iterator[float]]] = []
        waiting = iter(range(count))

        def begin(number: int, begins: float) -> None:
            begun = self.execution(traces[number % len(traces)])
            heapq.heappush(agenda, (begins, number, begun))

        for number in islice(waiting, at_a_time or count):
            begin(number, OF_A_CHILD if at_a_time else number / count)
        while agenda:
            self.now, number, going = heapq.heappop(agenda)
            pause = next(going, None)
            if pause is not None:
                heapq.heappush(agenda, (self.now + pause, number, going))
            elif (following := next(waiting, None)) is not None:
                begin(following, self.now + OF_A_CHILD)
        self.outcome.total = self.now
        return self.outcome

    def execution(self, steps: Sequence[Step]) -> Iterator[float]:
        """Yield the seconds until it goes on, again and again."""
        changed = self.now
        for step in steps:
            yield step.gap
            changed = yield from self.task(step, changed)
            if changed < 0:
                self.outcome.failed += 1
                return

    def task(self, step: Step, changed: float) -> Iterator[float]:
        """The tries of a Task; returns the time of the last change, -1 if it has failed."""
        waits, throttles = retrier("StillInProgress"), retrier("Throttled")
        early = throttled = done = 0
        while True:
            stage = step.stages[done]
            ready = self.now >= changed + stage.after
            through = yield from self.invocation(step.function, stage, ready)
            if not through:
                throttled += 1
                if throttled > throttles["MaxAttempts"]:
                    return -1.0
                yield self.random.uniform(0, pause(throttles, throttled))  # JitterStrategy: FULL
                continue
            if ready:
                # The function has gone on to wait for what it has changed.
                changed = self.now - stage.other if stage.changes else changed
                done += 1
                if done == len(step.stages):
                    return changed
            early += 1
            if early > waits["MaxAttempts"]:
                return -1.0
            yield pause(waits, early)

    def invocation(self, function: str, stage: Stage, ready: bool) -> Iterator[float]:
        """One try; whether RDS has not throttled it."""
        self.outcome.runs(function, 1)
        warm = self.idle[function] > 0
        self.idle[function] -= warm
        yield COSTS["warm_start" if warm else "cold_start"]
        through = True
        for _ in range(stage.calls if ready else stage.looks):
            through = yield from self.call()
            if not through:
                break
        if through and ready:
            yield stage.other
        self.outcome.runs(function, -1)
        self.idle[function] += 1
        return through

    def call(self) -> Iterator[float]:
        """A call with the client's own tries, as botocore's standard mode makes them."""
        for number in range(TRIES):
            yield COSTS["api_call"]
            self.outcome.calls += 1
            if self.bucket.takes(self.now):
                return True
            self.outcome.throttled += 1
            if number < TRIES - 1:
                yield self.random.random() * 2**number
        return False


def pause(again: dict[str, float], number: int) -> float:
    """The seconds before the n-th retry; without jitter, or the most with it."""
    grown = again["IntervalSeconds"] * again["BackoffRate"] ** (number - 1)
    return float(min(grown, again.get("MaxDelaySeconds", math.inf)))


# The real stack


def make_many(cloud: App, count: int) -> list[str]:
    """So many instances, each with its snapshot."""
    rds = cloud.rds
    rds.quotas |= dict.fromkeys(("instance", "snapshot"), 10 * count + 100)
    names = [f"many-{number}-db" for number in range(count)]
    with rds.instantly(at=rds.time - 86_400):
        for name in names:
            rds.call("CreateDBInstance", {
                "DBInstanceIdentifier": name, "Engine": "postgres", "AllocatedStorage": 50,
                "DBInstanceClass": "db.t4g.medium", "MasterUsername": "admin_user",
                "ManageMasterUserPassword": True, "DeletionProtection": True,
            })  # fmt: skip
            rds.call("CreateDBSnapshot", {
                "DBInstanceIdentifier": name, "DBSnapshotIdentifier": f"{name}-snapshot",
            })  # fmt: skip
    rds.settle()
    return names


def run_really(cloud: App, names: Sequence[str], rate: float = RATE, at_a_time: int = 0) -> Outcome:
    """Restore these databases, against an RDS that takes so many calls a second.

    at_a_time: of a fleet; 0 starts all by themselves, at once.
    """
    outcome = Outcome()

    def count(notice: Notice) -> None:
        # A fleet's own functions are two, before and after all others.
        of_fleet = notice.name in ("ReadFleetFunction", "SummarizeFleetFunction")
        if notice.kind == "function invoked" and not of_fleet:
            outcome.runs(notice.name, 1)
        if notice.kind == "function answered" and not of_fleet:
            outcome.runs(notice.name, -1)

    cloud.listeners.append(count)
    cloud.rds.throttle = Bucket(rate)
    requests = [INSTANCE.request("db_restore", identifier=name) for name in names]
    with cloud.clock.held():
        if at_a_time:
            asked = {"requests": requests, "maxConcurrency": at_a_time}
            cloud.start("FleetStateMachine", asked, "fleet")
        else:
            for request in requests:
                cloud.start(cloud.machine, request, f"run-{request['identifier']}")
    cloud.settle(real_timeout=900)
    ended = [cloud.describe(arn) for arn in cloud.executions(cloud.machine)]
    asked_of_rds = [call for call in cloud.calls if call.service == "rds"]
    outcome.total = max(one.stopped for one in ended) - min(one.started for one in ended)
    outcome.failed = len(names) - sum(one.status == "SUCCEEDED" for one in ended)
    outcome.calls = len(asked_of_rds)
    outcome.throttled = sum(call.error == "Throttling" for call in asked_of_rds)
    return outcome
