"""Runs every scenario on two emulators side by side, and writes docs/faults.md: `make faults`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.faults import worker
from tests.faults.scenario import Verdict

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
WORKERS = 2
PHASES = ("lock", "prepare", "replace", "rollback", "finish", "end", "all")


def main() -> int:
    """Run what is asked for; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the scenarios' ids")
    asked = parser.parse_args()
    start = time.perf_counter()
    verdicts = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, spawn, worker.Worker.open) as pool:
        names = [name for name in pool.submit(worker.ids).result() if asked.only in name]
        say(f"{len(names)} scenarios")
        for future in as_completed([pool.submit(worker.judge, name) for name in names]):
            verdict = future.result()
            verdicts.append(verdict)
            if verdict.wrong or not verdict.fired:
                say(f"{'WRONG' if verdict.fired else 'NOT FIRED'} {verdict.id}: {verdict.ending}")
                say(f"      {verdict.wrong[:600]}")
            if len(verdicts) % 100 == 0:
                say(f"{len(verdicts)} of {len(names)} in {time.perf_counter() - start:.0f} s")
    seconds = time.perf_counter() - start
    wrong = [verdict for verdict in verdicts if verdict.wrong and verdict.fired]
    say(table(verdicts))
    say(summary(verdicts, seconds))
    return 1 if wrong else 0


def summary(verdicts: list[Verdict], seconds: float) -> str:
    """The counts in one sentence."""
    fired = [verdict for verdict in verdicts if verdict.fired]
    endings = Counter(verdict.ending for verdict in fired)
    wrong = sum(bool(verdict.wrong) for verdict in fired)
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
    return (
        f"{len(fired)} scenarios in {seconds:.0f} s: {told}; {wrong} wrong;"
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
