"""A slice of `make bench`: the bounds on what an execution costs, and the model of many at once."""

from statistics import mean

import pytest

from local.commands.app import App
from local.emulator.rds.service import Course
from tests.bench import crowd
from tests.bench.cases import Flow, own_seconds
from tests.bench.measure import measure
from tests.bench.process import recorded
from tests.pipeline.observed import CLUSTER, INSTANCE


@pytest.fixture(scope="module")
def steps(stack: App) -> list[crowd.Step]:
    """A recorded restore."""
    stack.reset()
    stack.use_timing("brisk")
    (name,) = crowd.make_many(stack, 1)
    return recorded(stack, name)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [INSTANCE, CLUSTER], ids=lambda kind: kind.name)
def test_a_restore_takes_little_longer_than_rds_and_asks_it_seldom(cloud: App, kind) -> None:
    figures, _ = measure(cloud, Flow(kind, "db_restore"), seed=1)
    # One draw; the mean of many is in docs/performance.md.
    assert 1 < figures.total / figures.own <= 1.06
    assert figures.polls / figures.waited <= 4
    assert figures.outage > 0
    if kind is INSTANCE:
        assert figures.preflight <= 16
        assert figures.mutating <= 10


def test_rds_s_own_time_is_the_critical_path_of_what_was_drawn() -> None:
    def course(what: str, name: str, **seconds: float) -> Course:
        return Course(0.0, what, name, "", seconds)

    courses = [
        course("rename instance", "prod-db", stale=10, renaming=20, hidden=30, rebooting=400),
        course("restore instance", "prod-db", hidden=5, creating=100, modifying=15),
        course("modify instance", "prod-db", stale=6, modifying=50),
        course("delete instance", "prod-db-temp", stale=7, deleting=80),
    ]
    # The original still reboots when its copy has been changed, and is deleted only after that.
    assert own_seconds(Flow(INSTANCE, "db_restore"), courses) == 460 + 87
    courses[0].seconds["rebooting"] = 40
    assert own_seconds(Flow(INSTANCE, "db_restore"), courses) == 30 + 120 + 56 + 87


@pytest.mark.thorough
@pytest.mark.parametrize("at_a_time", [0, 4], ids=["one by one", "a fleet"])
def test_the_model_does_with_ten_what_the_real_stack_does(
    steps: list[crowd.Step], cloud: App, at_a_time: int
) -> None:
    rate = 8.0 if not at_a_time else 4.0  # of an RDS that has to throttle even so few
    really = crowd.run_really(cloud, crowd.make_many(cloud, 10), rate, at_a_time)
    models = [crowd.Model(seed, rate).run([steps], 10, at_a_time) for seed in range(10)]

    assert really.failed == 0
    assert all(model.failed == 0 for model in models)
    assert all(model.most == pytest.approx(really.most, abs=1) for model in models)
    # A throttled look is repeated at random moments: the real stack's is one draw of many.
    assert mean(model.total for model in models) == pytest.approx(really.total, rel=0.05)
    assert mean(model.calls for model in models) == pytest.approx(really.calls, rel=0.15)
    throttled = mean(model.throttled for model in models)
    assert 0 < throttled / 3 < really.throttled < 3 * throttled


@pytest.mark.thorough
def test_a_fleet_of_a_thousand_is_restored_within_a_day(steps: list[crowd.Step]) -> None:
    outcome = crowd.Model(1).run([steps], 1000, at_a_time=40)

    assert outcome.failed == 0
    assert outcome.total <= 24 * 3600
    assert outcome.most <= 40
    # All of them look at the same moments here.
    assert outcome.throttled < outcome.calls / 20


@pytest.mark.thorough
def test_a_hundred_that_are_started_one_by_one_are_all_restored(steps: list[crowd.Step]) -> None:
    outcome = crowd.Model(1).run([steps], 100)

    assert outcome.failed == 0
    assert outcome.total <= 24 * 3600
    assert outcome.throttled > 0, "RDS takes no more than 20 calls a second"
