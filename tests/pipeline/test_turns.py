"""Many that are started together begin one after the other, before they touch RDS."""

import pytest

from local.commands.app import App
from local.emulator.cloud import Notice
from tests.pipeline.facts import KINDS, Kind
from trapheus.turns import AT_ONCE

INTERVAL = 10  # the template's default


def checks(cloud: App, kind: Kind, count: int, **more: bool) -> list[float]:
    """The moments at which so many executions of one moment ask RDS for the first time, sorted."""
    begun: list[float] = []

    def note(notice: Notice) -> None:
        if notice.kind == "function invoked" and notice.name.startswith("Check"):
            begun.append(notice.time)

    cloud.listeners.append(note)
    with cloud.clock.held():
        for number in range(count):
            asked = kind.request("create_snapshot_only", **more)
            # What nobody has ends at the first look.
            asked["identifier"] = f"no-such-{number}-{kind.identifier}"
            cloud.start(cloud.machine, asked, f"run-{number}")
    cloud.settle(real_timeout=300)
    return sorted(begun)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_beyond_the_first_ten_each_waits_for_its_turn(cloud: App, kind: Kind) -> None:
    started = cloud.clock.now()
    begun = checks(cloud, kind, AT_ONCE + 3)

    spread = 15 + 5  # of their starts, and of what comes before
    assert begun[AT_ONCE - 1] - started <= spread
    for number in range(3):
        late = begun[AT_ONCE + number] - started
        assert (number + 1) * INTERVAL <= late <= (number + 1) * INTERVAL + spread
    assert begun[-1] - begun[-2] >= INTERVAL / 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_urgent_does_not_wait_behind_many(cloud: App, kind: Kind) -> None:
    started = cloud.clock.now()
    begun = checks(cloud, kind, AT_ONCE + 3, urgent=True)

    assert len(begun) == AT_ONCE + 3
    assert begun[-1] - started <= 5, "nor for the spread"
