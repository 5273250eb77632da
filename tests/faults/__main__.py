"""Runs every scenario on two emulators side by side, and writes docs/faults.md: `make faults`."""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.faults import worker
from tests.faults.sabotage import SABOTAGES
from tests.faults.scenario import Verdict

T = TypeVar("T")
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
WORKERS = 2
PARTS = ("scenarios", "pairs", "requests", "sabotages")
PHASES = ("lock", "prepare", "copy", "replace", "rollback", "finish", "end", "all")
PAIRS, REQUESTS, PORTION = 300, 2000, 25
SEED = 20261123
COMMAND = [".venv/bin/python", "-m", "tests.faults"]
HEAD = """\
# Faults

Every call that an execution makes is made to fail, in every way that fits it, and every execution
must still come to one of the three endings of the guarantee: the database is **restored**, or the
original is **kept**, or what stands where is **told**. Which endings a fault allows follows from
the fault and from the phase in which it comes, never from what was seen. What AWS holds afterwards
is judged: names, resource ids, data, members, configuration, custom endpoints, tags, leftovers,
the execution's status and error, the mails, the lock, and the calls. Then the commands of the last
mail are pasted, each block into what the execution has left, and all of them in one go: after each
what its heading says must hold, the next execution must start, and the identifier must serve.

The calls are those that each task makes for each kind when nothing fails; of equal requests the
first, the middle and the last. A state that two tasks pass alike is tried in the first of them.
Looks are throttled and denied, and find nothing for a minute; changes also meet a fault of AWS,
lose their answer, arrive late, and their function is killed before and behind them, once and
always. In every state, and behind every change, the execution is stopped, and in every state timed
out. A scenario whose fault did not fire is not counted.

Written by `{command}` on {day}, in {minutes:.0f} minutes on two cores.

"""


@dataclass
class Found:
    """Everything that a run has found."""

    verdicts: list[Verdict] = field(default_factory=list)
    pairs: list[Verdict] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    sabotages: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    limit: float | None = None  # seconds for each part
    left: Counter[str] = field(default_factory=Counter)  # how many no time was left for

    def done(self, what: str, jobs: Collection[Future[T]]) -> Iterator[Future[T]]:
        """Each job when it is done; once time is up, those that have begun, and the rest counts."""
        waiting = set(jobs)
        try:
            for job in as_completed(jobs, self.limit):
                waiting.discard(job)
                yield job
        except TimeoutError:
            begun = [job for job in waiting if not job.cancel()]
            self.left[what] += len(waiting) - len(begun)
            yield from as_completed(begun)

    def timed(self, what: str, work: Callable[[], None]) -> None:
        """Do a part, and note how long it takes."""
        start = time.perf_counter()
        work()
        self.seconds[what] = time.perf_counter() - start


def main() -> int:
    """Run what is asked for; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", help="run the scenarios whose id has this part, nothing else")
    parser.add_argument("--part", action="append", choices=PARTS, help="run only this part")
    parser.add_argument("--seed", type=int, default=SEED, help="of the pairs and the requests")
    parser.add_argument("--minutes", type=float, help="for each part; the page says what was left")
    asked = parser.parse_args()
    found = Found(limit=asked.minutes and 60 * asked.minutes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, spawn, worker.Worker.open) as pool:
        names = pool.submit(worker.ids).result()
        if asked.only:
            names = [name for name in names if asked.only in name]
        # So that a run that is cut short has something of everything.
        random.Random(asked.seed).shuffle(names)
        parts = {
            "scenarios": lambda: run_scenarios(pool, names, found),
            "pairs": lambda: run_pairs(pool, asked.seed, found),
            "requests": lambda: run_requests(pool, asked.seed, found),
            "sabotages": lambda: run_sabotages(pool, found),
        }
        some = ("scenarios",) if asked.only else asked.part
        for part in some or PARTS:
            found.timed(part, parts[part])
            if not some:
                write(found, asked.seed, asked.minutes)  # for whoever stops it
    say(report(found, asked.seed))
    return 1 if found.wrong else 0


def write(found: Found, seed: int, limit: float | None) -> None:
    """Write the page with what has been found until now."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    minutes = sum(found.seconds.values()) / 60
    command = "make faults" if limit is None else " ".join(COMMAND + sys.argv[1:])
    head = HEAD.format(day=day, minutes=minutes, command=command)
    PAGE.write_text(f"{head}{report(found, seed)}\n")


def run_scenarios(pool: ProcessPoolExecutor, names: list[str], found: Found) -> None:
    """Every scenario, once."""
    say(f"{len(names)} scenarios")
    for future in found.done("scenarios", [pool.submit(worker.judge, name) for name in names]):
        note(future.result(), found.verdicts, found)


def run_pairs(pool: ProcessPoolExecutor, seed: int, found: Found) -> None:
    """Pairs of scenarios, until enough of them have fired."""
    portion, start = 0, time.perf_counter()
    while (fired := sum(verdict.fired for verdict in found.pairs)) < PAIRS:
        if found.limit and time.perf_counter() - start > found.limit:
            found.left["pairs"] = PAIRS - fired
            break
        jobs = [pool.submit(worker.judge_pairs, seed + portion + n, PORTION) for n in range(4)]
        portion += len(jobs)
        for job in as_completed(jobs):
            for verdict in job.result():
                note(verdict, found.pairs, found)


def run_requests(pool: ProcessPoolExecutor, seed: int, found: Found) -> None:
    """Requests of every kind."""
    seeds = range(seed, seed + REQUESTS // PORTION)
    jobs = [pool.submit(worker.judge_requests, one, PORTION) for one in seeds]
    for job in found.done(f"portions of {PORTION} requests", jobs):
        ends, wrongs = job.result()
        found.requests.update(ends)
        found.wrong += wrongs
        for wrong in wrongs:
            say(f"WRONG request {wrong}")


def run_sabotages(pool: ProcessPoolExecutor, found: Found) -> None:
    """Each safeguard taken out, and who notices."""
    jobs = {pool.submit(worker.notice, number): one for number, one in enumerate(SABOTAGES)}
    for job in found.done("sabotages", jobs):
        if error := job.exception():
            found.wrong.append(f"{jobs[job].name}: {error}")
            say(f"WRONG {jobs[job].name}: {error}")
            continue
        name, wrong, tried = job.result()
        found.sabotages.append((jobs[job].name, name))
        if not name:
            found.wrong.append(f"nobody notices: {jobs[job].name}")
        say(f"{jobs[job].name}: {name or 'NOBODY NOTICES'}, the {tried}. tried: {wrong[:200]}")


def note(verdict: Verdict, among: list[Verdict], found: Found) -> None:
    """Keep a verdict, and say at once when it is wrong."""
    among.append(verdict)
    if verdict.wrong and verdict.fired:
        found.wrong.append(verdict.id)
        say(f"WRONG {verdict.id}: {verdict.ending}\n      {verdict.wrong[:600]}")
    elif not verdict.fired and among is found.verdicts:
        say(f"NOT FIRED {verdict.id}")
    if len(among) % 100 == 0:
        say(f"{len(among)} done")


def report(found: Found, seed: int) -> str:
    """What was run, and how it has ended."""
    requests = ", ".join(f"{count} {end}" for end, count in found.requests.most_common())
    rows = [f"| {name} | {noticed or '**nobody**'} |" for name, noticed in sorted(found.sabotages)]
    return "\n".join(
        [
            "## Scenarios",
            "",
            summary(found.verdicts, found.seconds.get("scenarios", 0)),
            "",
            table(found.verdicts),
            "",
            "## Pairs",
            "",
            f"Two faults at once, drawn with the seed {seed}. Nothing is lost, the end tells the"
            " truth, and the identifier is an available database once the execution, its recovery"
            " or one that a person starts has ended: "
            + summary(found.pairs, found.seconds.get("pairs", 0)),
            "",
            "## Requests",
            "",
            f"{found.requests.total()} requests, drawn with the same seed, each refused with one"
            " sentence and nothing touched, or right, in"
            f" {found.seconds.get('requests', 0):.0f} s: {requests}.",
            "",
            "## Sabotage",
            "",
            "Each safeguard taken out of the app, and the scenario that notices, in"
            f" {found.seconds.get('sabotages', 0):.0f} s:",
            "",
            "| taken out | noticed by |",
            "|---|---|",
            *rows,
            "",
            f"Wrong: {len(found.wrong)}{': ' if found.wrong else ''}{'; '.join(found.wrong)}.",
            *(f"No time was left for {count} {what}." for what, count in found.left.items()),
        ]
    )


def summary(verdicts: list[Verdict], seconds: float) -> str:
    """The counts in one sentence."""
    fired = [verdict for verdict in verdicts if verdict.fired]
    endings = Counter(verdict.ending for verdict in fired)
    wrong = sum(bool(verdict.wrong) for verdict in fired)
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
    return (
        f"{len(fired)} in {seconds:.0f} s: {told}; {wrong} wrong;"
        f" {len(verdicts) - len(fired)} more did not fire."
    )


def table(verdicts: Iterable[Verdict]) -> str:
    """Kinds of fault against phases: how many ended how."""
    cells: dict[tuple[str, str], Counter[str]] = {}
    for verdict in verdicts:
        if verdict.fired:
            cell = cells.setdefault((verdict.fault, verdict.phase), Counter())
            cell["WRONG" if verdict.wrong else verdict.ending] += 1
    lines = [f"| fault | {' | '.join(PHASES)} |", "|---" * (len(PHASES) + 1) + "|"]
    for fault in dict.fromkeys(fault for fault, _ in sorted(cells)):
        row = [
            ", ".join(f"{n} {end}" for end, n in sorted(cells.get((fault, name), {}).items()))
            for name in PHASES
        ]
        lines.append(f"| {fault} | {' | '.join(row)} |")
    return "\n".join(lines)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
