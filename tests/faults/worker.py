"""A process of its own with one emulator, which runs scenarios by their ids."""

from __future__ import annotations

import time
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING

from local.app import deployed
from tests.faults.flows import FLOWS, record
from tests.faults.named import all_named
from tests.faults.scenario import Scenario, Verdict, generate, run

if TYPE_CHECKING:
    from local.app import App


class Worker:
    """One emulator with the app in it, and the scenarios by their ids."""

    closing = ExitStack()
    cloud: App
    scenarios: dict[str, Scenario]

    @classmethod
    def open(cls) -> None:
        """Deploy the app, and record its calls; the process ends with its emulator."""
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # moto's
        cls.cloud = cls.closing.enter_context(deployed())
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
