"""Two faults at once, drawn at random: nothing is lost, and the end tells the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import strategies

from tests.faults.drawing import DRAWING
from tests.faults.flows import Watch
from tests.faults.judge import Allowed, Ended, look, serves, wrongs
from tests.faults.scenario import KEPT, RESTORED, TOLD, Scenario

if TYPE_CHECKING:
    from local.commands.app import App
    from tests.faults.flows import Flow

# Two of anything may also silence the mails, leave the lock, and leave tags.
ANY = Allowed(RESTORED | KEPT | TOLD, unlocked=False, mails=0, tagged=True, serving=False)

ONE_AFTER_THE_OTHER = ("lock", "prepare", "copy", "replace", "finish")


def each_drawn(
    scenarios: list[Scenario], seed: int, count: int, judge: Callable[[Scenario, Scenario], None]
) -> None:
    """Judge so many pairs of different faults in one flow, the same for a seed."""
    single = [one for one in scenarios if not (one.flow.typed or one.flow.before)]
    flows: dict[Flow, list[Scenario]] = {}
    for one in single:
        flows.setdefault(one.flow, []).append(one)
    # By scenario and not by flow, so that a flow of many calls has many pairs.
    pairs = strategies.sampled_from(single).flatmap(
        lambda first: strategies.tuples(
            strategies.just(first),
            strategies.sampled_from(flows[first.flow]).filter(lambda other: may_meet(first, other)),
        )
    )

    @hypothesis.seed(seed)
    @hypothesis.settings(DRAWING, max_examples=count)
    @hypothesis.given(pairs)
    def one_pair(pair: tuple[Scenario, Scenario]) -> None:
        judge(*pair)

    one_pair()


def may_meet(first: Scenario, second: Scenario) -> bool:
    """Whether both may fire in one execution: neither always ends it in a phase before the other's.

    What comes in the rollback or at the end may follow upon anything. A stack is updated once.
    """
    if first.fault == second.fault == "the stack is updated":
        return False
    return first is not second and not (is_before(first, second) or is_before(second, first))


def is_before(one: Scenario, other: Scenario) -> bool:
    """Whether a fault ends the execution, and in a phase before the other's."""
    goes_on = one.flow.ending in one.allowed.endings
    if goes_on or not {one.phase, other.phase} <= set(ONE_AFTER_THE_OTHER):
        return False
    return ONE_AFTER_THE_OTHER.index(one.phase) < ONE_AFTER_THE_OTHER.index(other.phase)


def run(cloud: App, first: Scenario, second: Scenario) -> tuple[str, str, bool]:
    """Run both faults in one execution: the ending, what is wrong, whether both fired.

    The identifier is an available database once the execution, its recovery, and where need be one
    that a person starts when the faults are gone, have ended.
    """
    cloud.reset()
    cloud.use_timing("brisk")
    flow = first.flow
    flow.arrange(cloud)
    before = look(cloud)
    watch = Watch(cloud)
    injected = [scenario.inject(cloud, watch) for scenario in (first, second)]
    execution = cloud.run(cloud.machine, json.dumps(flow.request()), real_timeout=900)
    cloud.settle(real_timeout=900)
    for one in injected:
        one.afterwards(cloud)
    cloud.clock.advance(1800)
    more = next((wrong for one in injected if (wrong := one.wrong(cloud))), "")
    recoveries = [cloud.describe(arn) for arn in cloud.executions(cloud.machine)[1:]]
    allowed = replace(ANY, proxied=first.allowed.proxied and second.allowed.proxied)
    ending, wrong = wrongs(Ended(cloud, flow, before, execution, recoveries), allowed)
    # Where a fault has broken the restored database itself, past the point, people decide.
    spared = not (first.allowed.serving and second.allowed.serving)
    if not wrong and not spared and not serves(flow.kind, look(cloud)):
        cloud.faults.clear()
        cloud.listeners.clear()
        recovery = cloud.run(cloud.machine, json.dumps(flow.kind.request("recover")), "by-hand")
        if not serves(flow.kind, look(cloud)):
            wrong = f"nothing serves, and the recovery {recovery.status} {recovery.cause}"
    return ending, wrong or more, all(one.fired for one in injected)
