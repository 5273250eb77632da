"""A process of its own with one emulator, which runs scenarios by their ids."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from tests.faults import odd_requests, pairs
from tests.faults.flows import FLOWS, record
from tests.faults.named import all_named
from tests.faults.sabotage import SABOTAGES, sabotaged
from tests.faults.scenario import Scenario, Verdict, generate, run
from tests.whole_stack import deployed_whole

if TYPE_CHECKING:
    from local.commands.app import App

# A function without sense: Lambda's own word, or Python's.
CRASHED = re.compile(r"Runtime\.(?:UserCodeSyntaxError|ImportModuleError)|(?:Name|Import)Error")


class Worker:
    """One emulator with the app in it, and the scenarios by their ids."""

    closing = ExitStack()
    cloud: App
    scenarios: dict[str, Scenario]

    @classmethod
    def open(cls) -> None:
        """Deploy the app, and record its calls; the emulator ends with the process."""
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # moto's
        cls.cloud = cls.closing.enter_context(deployed_whole())
        # Or the emulator's threads would keep the process from ending.
        Finalize(None, cls.closing.close, exitpriority=0)
        recorded = {flow: record(cls.cloud, flow) for flow in FLOWS}
        cls.scenarios = {scenario.id: scenario for scenario in (*generate(recorded), *all_named())}


def ids() -> list[str]:
    """Every scenario that this worker knows."""
    return list(Worker.scenarios)


def judge(name: str) -> Verdict:
    """Run one scenario; what goes wrong in the emulator itself is wrong too."""
    scenario = Worker.scenarios[name]
    start = time.perf_counter()
    try:
        ending, wrong, fired = run(Worker.cloud, scenario)
    except Exception as error:  # of the emulator or of the judge
        ending, wrong, fired = "none", f"{type(error).__name__}: {error}", True
    return Verdict(
        name, scenario.flow.kind.name, scenario.phase, scenario.fault, ending, wrong, fired,
        time.perf_counter() - start,
    )  # fmt: skip


def judge_pairs(seed: int, count: int) -> list[Verdict]:
    """Run so many pairs drawn by a seed."""
    verdicts = []

    def judge_pair(first: Scenario, second: Scenario) -> None:
        start = time.perf_counter()
        try:
            ending, wrong, fired = pairs.run(Worker.cloud, first, second)
        except Exception as error:  # of the emulator or of the judge
            ending, wrong, fired = "none", f"{type(error).__name__}: {error}", True
        verdicts.append(
            Verdict(
                f"{first.id} + {second.id}", first.flow.kind.name, first.phase, "two faults",
                ending, wrong, fired, time.perf_counter() - start,
            )
        )  # fmt: skip

    pairs.each_drawn(list(Worker.scenarios.values()), seed, count, judge_pair)
    return verdicts


def judge_requests(seed: int, count: int) -> tuple[dict[str, int], list[str]]:
    """Run so many requests drawn by a seed: how many ended how, and what is wrong."""
    return odd_requests.run(Worker.cloud, seed, count)


def notice(number: int) -> tuple[str, str, int]:
    """Which scenario notices a sabotage first: its id, what it finds wrong, how many were tried."""
    sabotage = SABOTAGES[number]
    candidates = dict.fromkeys(
        name for part in sabotage.noticed_by for name in Worker.scenarios if name.startswith(part)
    )
    # There is one emulator at a time in a process, and this one has the whole app.
    Worker.closing.close()
    with (
        sabotaged(sabotage) as template,
        deployed_whole(template) as cloud,
    ):
        return first_to_notice(candidates, lambda name: run(cloud, Worker.scenarios[name]))


def first_to_notice(
    candidates: Iterable[str], judged: Callable[[str], tuple[str, str, bool]]
) -> tuple[str, str, int]:
    """Which candidate finds something wrong, as `notice` returns it.

    What breaks notices nothing, be it the emulator, the judge or a function that cannot run; why
    the last one broke is told in place of what is wrong when nobody else notices.
    """
    tried, broken = 0, ""
    for tried, name in enumerate(candidates, 1):
        try:
            _, wrong, fired = judged(name)
        except Exception as error:
            broken = f"{name}: {type(error).__name__}: {error}"
            continue
        if CRASHED.search(wrong):
            broken = f"{name}: {wrong}"
        elif wrong and fired:
            return name, wrong, tried
    return "", broken, tried
