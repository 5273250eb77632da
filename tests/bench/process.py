"""A process of its own with one emulator, which measures by flow and seed."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from local.commands.app import deployed
from tests.bench import crowd
from tests.bench.cases import Flow, known
from tests.bench.measure import Figures, Watch, measure
from tests.pipeline.observed import run

if TYPE_CHECKING:
    from local.commands.app import App

# The export runs beside, as an execution of its own, and nothing waits for it.
PARAMETERS = {"ExportSnapshots": "false"}


class Worker:
    """One emulator with the app in it; it ends with the process."""

    closing = ExitStack()
    cloud: App

    @classmethod
    def open(cls) -> None:
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # moto's
        cls.cloud = cls.closing.enter_context(deployed(parameters=PARAMETERS))
        # Or the emulator's threads would keep the process from ending.
        Finalize(None, cls.closing.close, exitpriority=0)


def flows() -> list[Flow]:
    """What the app can do."""
    return known(Worker.cloud)


def measured(flow: Flow, seed: int) -> Figures:
    """One execution."""
    return measure(Worker.cloud, flow, seed)[0]


def trace(seed: int) -> list[crowd.Step]:
    """The steps of one restore of the crowd's, with the times of a seed; 0 for the typical ones."""
    cloud = Worker.cloud
    cloud.reset()
    (name,) = crowd.make_many(cloud, 1)
    return recorded(cloud, name, seed)


def recorded(cloud: App, name: str, seed: int = 0) -> list[crowd.Step]:
    """The steps of one restore."""
    if seed:
        cloud.use_timing("drawn")
        cloud.rds.seed = str(seed)
    watch = Watch(cloud)
    asked = {"identifier": name, "task": "db_restore", "isCluster": False}
    execution = run(cloud, asked)
    if execution.status != "SUCCEEDED":
        raise RuntimeError(f"{execution.error}: {execution.cause}")
    return crowd.replayable(watch.visits, execution.started)


def really(count: int, at_a_time: int) -> crowd.Outcome:
    """So many restores on the real stack, of a fleet unless `at_a_time` is 0."""
    Worker.cloud.reset()
    names = crowd.make_many(Worker.cloud, count)
    return crowd.run_really(Worker.cloud, names, at_a_time=at_a_time)
