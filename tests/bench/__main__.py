"""Measures every kind, task and strategy, and many at once; writes docs/performance.md."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import fmean

from local.emulator.cloud import COSTS
from tests.bench import crowd, process
from tests.bench.cases import Flow
from tests.bench.measure import Figures

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
WORKERS = 2
SEEDS = 50
PORTION = 10  # seeds after which the page is written
TRACES = 20
MOST = 1000
# Databases, and a fleet's maxConcurrency; 0 for executions that are started one by one.
CROWDS = ((10, 0), (10, 5), (100, 0), (100, 5), (100, 40), (MOST, 40), (MOST, 100), (MOST, 0))
HEAD = """\
# Performance

Written by `make bench` on {day}, for {seeds} seeds: Python {python}, {processors} processors, in
{minutes:.0f} minutes.

Every execution is the real definition with the real functions, on the local AWS's virtual clock.
How long RDS takes over each phase is drawn by seed between the least and the most of
[the timing table](../local/emulator/rds/timing.py), as a triangle with its peak at the typical
value; the app knows nothing of it. No figure here is of a real account.

## One database

Means over {seeds} seeds, of `prod-db`, an instance with everything set, and `prod-cluster`, with a
writer and a reader; each has a snapshot already. Exports are off: they run beside, and nothing
waits for them.

"""
MEANINGS = """
- **over RDS's own**: the time from the start to the end, over the critical path of the operations
  that RDS has to do for the task. Each begins the moment RDS would take it: a name is free once
  `renaming` is over; a change or a deletion wants its database available; the snapshots are at rest
  before anything else is touched and the original goes last, since the guarantee wants it. It is
  computed from what was drawn (`own_seconds` in [cases.py](../tests/bench/cases.py)), whatever the
  app does.
- **outage**: from when the identifier stops serving until it serves again, judged by RDS's state; a
  cluster serves when it and its writer are available. **Over its own**: with rename-first over
  the rename and the restore without which there is none; with restore-first over two renames, for
  a cluster two of the cluster and the writer's.
- **calls**: to RDS and KMS by the check; that change something, refused ones too; and looks a
  minute in Tasks that wait a minute or more.
- **transitions**: states entered, and retries, each of which costs as much.
- **dollars**: transitions, GB-seconds and invocations at
  [these prices](../tests/bench/prices.toml); DynamoDB, logs and traces, each far below a
  cent, and RDS itself are left out.
"""
HOLDS = """
What holds up the figures above 1.05, ten changes or sixteen looks:

- Each look comes at most a quarter of a minute late, plus a ninetieth of what was waited, since RDS
  is asked at most four times a minute. A short task of many waits feels it most: to take a
  cluster's snapshot anew is four waits of a few minutes.
- While an instance's rename shows neither name, up to a minute, the app cannot know that the old
  one is free; that is also most of what the outage has above its own.
- A snapshot that replaces another takes five changes (two taken, two deleted, one untagged), so
  that a good one is always there; an instance with a role and deletion protection takes eight more.
- A change that RDS refuses because a database is still busy is asked for again, and counted again:
  hence the fractions.
- A cluster's preflight asks for each member and its groups.
"""
CROWD = """
## Many at once

Restores (`db_restore`) of as many instances, against an RDS that takes {rate:.0f} calls a second:
started one by one within a second, or by a [fleet](fleet.md), so many at a time. Ten also run on
the real stack in the local AWS; the others are a model ([crowd.py](../tests/bench/crowd.py)) that
replays {traces} recorded executions of drawn times, with the client's three tries, the state
machine's retriers, their jitter, and the costs of [costs.toml](../local/emulator/costs.toml):
{costs}.
`tests/bench/test_bench.py` holds the two together at ten, before an RDS that throttles these too.

| databases | at a time | Lambdas at once, at most | total, minutes | calls | throttled \
| not restored |
|---|---|---|---|---|---|---|
"""
LEARNT = """
A thousand restores need about {needed:,.0f} calls, which at {rate:.0f} a second are {floor:.0f}
minutes. A fleet spreads them over its length: what is throttled is throttled while its first ones
all begin in one second, so that most of what RDS takes is left to whatever else in the account
calls it. A hundred that are started one by one are all restored too: what is throttled is tried
again, at random moments. A thousand started so take the calls from each other until some give up:
they should be a fleet.
"""


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", default="", help="flows whose name has this part; no page")
    asked = parser.parse_args()
    began = time.perf_counter()
    spawn = multiprocessing.get_context("spawn")
    figures: dict[Flow, list[Figures]] = {}
    with ProcessPoolExecutor(WORKERS, spawn, process.Worker.open) as pool:
        flows = [flow for flow in pool.submit(process.flows).result() if asked.only in str(flow)]
        many = "" if asked.only else measure_crowds(pool)
        say(many)
        for seeds, figures in measured(pool, flows, asked.seeds):
            say(f"{seeds} seeds")
            if not asked.only:
                # After each portion, for whoever stops it.
                PAGE.write_text(page(figures, seeds, (time.perf_counter() - began) / 60, many))
    say(table(figures))
    # Nothing is faster than RDS itself, so own_seconds would be wrong.
    wrong = [flow for flow, runs in figures.items() if any(run.total < run.own for run in runs)]
    for flow in wrong:
        say(f"wrong: {flow} is faster than RDS's own time")
    return bool(wrong)


def page(figures: dict[Flow, list[Figures]], seeds: int, minutes: float, many: str) -> str:
    """The page, of so many seeds."""
    head = HEAD.format(
        day=time.strftime("%Y-%m-%d", time.gmtime()),
        python=platform.python_version(),
        processors=os.cpu_count(),
        minutes=minutes,
        seeds=seeds,
    )
    return head + table(figures) + MEANINGS + HOLDS + many


def measured(
    pool: ProcessPoolExecutor, flows: Sequence[Flow], seeds: int
) -> Iterator[tuple[int, dict[Flow, list[Figures]]]]:
    """Every flow with every seed, a portion after the other: how many seeds, and all so far."""
    found: dict[Flow, list[Figures]] = {flow: [] for flow in flows}
    for begin in range(0, seeds, PORTION):
        portion = range(begin, min(begin + PORTION, seeds))
        jobs = {
            pool.submit(process.measured, flow, seed): flow for seed in portion for flow in flows
        }
        for job in as_completed(jobs):
            found[jobs[job]].append(job.result())
        yield portion.stop, found


def table(figures: dict[Flow, list[Figures]]) -> str:
    """The means of every flow."""
    lines = [
        "| kind | task | strategy | minutes | over RDS's own | outage, minutes | over its own"
        " | preflight calls | changes | looks a minute | transitions | GB-seconds | dollars |",
        "|---" * 13 + "|",
    ]
    for flow, all_of in figures.items():
        waited = [each for each in all_of if each.waited]
        outage = (
            f"{fmean(each.outage for each in all_of) / 60:.1f} |"
            f" {fmean(each.outage / each.away for each in all_of):.3f}"
            if flow.replaces
            else "none |"
        )
        lines.append(
            f"| {flow.kind.name} | {flow.task} | {flow.strategy}"
            f" | {fmean(each.total for each in all_of) / 60:.1f}"
            f" | {fmean(each.total / each.own for each in all_of):.3f} | {outage}"
            f" | {fmean(each.preflight for each in all_of):.1f}"
            f" | {fmean(each.mutating for each in all_of):.1f}"
            f" | {fmean(each.polls / each.waited for each in waited):.2f}"
            f" | {fmean(each.transitions for each in all_of):.0f}"
            f" | {fmean(each.gigabyte_seconds for each in all_of):.1f}"
            f" | {fmean(each.dollars for each in all_of):.4f} |"
        )
    return "\n".join(lines) + "\n"


def measure_crowds(pool: ProcessPoolExecutor) -> str:
    """Ten on the real stack, more in the model."""
    really = {at_a_time: pool.submit(process.really, 10, at_a_time) for at_a_time in (0, 5)}
    traces = [job.result() for job in [pool.submit(process.trace, n + 1) for n in range(TRACES)]]
    typical = pool.submit(process.trace, 0).result()
    rows = []
    for at_a_time, job in really.items():
        rows.append(row("10, real stack, typical times", at_a_time, job.result()))
        model = crowd.Model(1).run([typical], 10, at_a_time)
        rows.append(row("10, model, typical times", at_a_time, model))
    needed: list[int] = []
    for count, at_a_time in CROWDS:
        outcome = crowd.Model(1).run(traces, count, at_a_time)
        if count == MOST and not outcome.failed:
            needed.append(outcome.calls - outcome.throttled)
        rows.append(row(f"{count:,}, model", at_a_time, outcome))
    costs = ", ".join(f"{name.replace('_', ' ')} {seconds} s" for name, seconds in COSTS.items())
    least = min(needed)
    return (
        CROWD.format(rate=crowd.RATE, traces=TRACES, costs=costs)
        + "\n".join(rows)
        + "\n"
        + LEARNT.format(needed=least, rate=crowd.RATE, floor=least / crowd.RATE / 60)
    )


def row(what: str, at_a_time: int, outcome: crowd.Outcome) -> str:
    """A line of the table."""
    return (
        f"| {what} | {at_a_time or 'all'} | {outcome.most} | {outcome.total / 60:.0f}"
        f" | {outcome.calls:,} | {outcome.throttled:,} | {outcome.failed} |"
    )


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
