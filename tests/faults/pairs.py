"""Two faults at once, drawn at random: nothing is lost, and the end tells the truth."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.faults.flows import Watch
from tests.faults.judge import Allowed, Ended, look, serves, wrongs
from tests.faults.scenario import KEPT, RESTORED, TOLD, Scenario

if TYPE_CHECKING:
    from local.app import App

# Two of anything may also silence the mails, leave the lock, and leave marks.
ANY = Allowed(RESTORED | KEPT | TOLD, unlocked=False, mails=0, marked=True, serving=False)


def drawn(scenarios: list[Scenario], seed: int, count: int) -> Iterator[tuple[Scenario, Scenario]]:
    """So many pairs of different faults in one flow, the same for a seed."""
    chance = random.Random(seed)
    single = [one for one in scenarios if not (one.flow.typed or one.flow.before)]
    for _ in range(count):
        first = chance.choice(single)
        others = [one for one in single if one.flow == first.flow and one is not first]
        yield first, chance.choice(others)


def run(cloud: App, first: Scenario, second: Scenario) -> tuple[str, str, bool]:
    """Run both faults in one execution: the ending, what is wrong, whether both fired.

    The identifier is an available database once the execution, its recovery, and where need be one
    that a person starts when the faults are gone, have ended.
    """
    cloud.reset()
    cloud.rds.timing = "brisk"
    flow = first.flow
    flow.arrange(cloud)
    before = look(cloud)
    watch = Watch(cloud)
    injected = [scenario.inject(cloud, watch) for scenario in (first, second)]
    execution = cloud.run(cloud.machine, json.dumps(flow.request()))
    cloud.settle()
    for one in injected:
        one.afterwards(cloud)
    cloud.clock.advance(1800)
    more = next((wrong for one in injected if (wrong := one.wrong(cloud))), "")
    recoveries = [cloud.describe(arn) for arn in cloud.executions(cloud.machine)[1:]]
    ending, wrong = wrongs(Ended(cloud, flow, before, execution, recoveries), ANY)
    if not wrong and not serves(flow.kind, look(cloud)):
        cloud.faults.clear()
        cloud.listeners.clear()
        recovery = cloud.run(cloud.machine, json.dumps(flow.kind.request("recover")), "by hand")
        if not serves(flow.kind, look(cloud)):
            wrong = f"nothing serves, and the recovery {recovery.status} {recovery.cause}"
    return ending, wrong or more, all(one.fired for one in injected)
