"""A slice of `make bench`: the bounds on what an execution costs, and the model of many at once."""

import pytest

from local.commands.app import App
from local.emulator.rds.service import Course
from tests.bench import crowd
from tests.bench.flows import Flow, own_seconds
from tests.bench.measure import measure
from tests.bench.worker import recorded
from tests.deploy.test_definition import functions
from tests.pipeline.facts import CLUSTER, INSTANCE


@pytest.fixture(scope="module")
def steps(stack: App) -> list[crowd.Step]:
    """A recorded restore."""
    stack.reset()
    stack.use_timing("brisk")
    (name,) = crowd.make_many(stack, 1)
    return recorded(stack, name)


@pytest.mark.parametrize("kind", [INSTANCE, CLUSTER], ids=lambda kind: kind.name)
def test_a_restore_takes_little_longer_than_rds_and_asks_it_seldom(cloud: App, kind) -> None:
    figures, _ = measure(cloud, Flow(kind, "db_restore"), seed=1)
    # One draw; the mean of many is in docs/performance.md.
    assert 1 < figures.total / figures.own <= 1.06
    assert figures.polls / figures.waited <= 4
    assert figures.outage > 0
    if kind is INSTANCE:
        assert figures.preflight <= 15
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


def test_the_model_does_with_ten_at_once_what_the_real_stack_does(
    steps: list[crowd.Step], cloud: App
) -> None:
    rate = 8.0  # of an RDS that has to throttle even so few
    really = crowd.run_really(cloud, crowd.make_many(cloud, 10), rate)
    model = crowd.Model(1, crowd.Means(), rate).run([steps], 10)

    assert (really.failed, model.failed) == (0, 0)
    assert really.most == pytest.approx(model.most, abs=1)
    # A throttled look is repeated at random moments, so both are one draw of many.
    assert model.total == pytest.approx(really.total, rel=0.05)
    assert model.calls == pytest.approx(really.calls, rel=0.15)
    assert 0 < model.throttled < 3 * really.throttled
    assert 0 < really.throttled < 3 * model.throttled


def test_a_thousand_at_once_hold_few_lambdas_and_are_all_restored_as_the_stack_is_deployed(
    steps: list[crowd.Step],
) -> None:
    outcome = crowd.Model(1, crowd.Means()).run([steps], 1000)

    assert outcome.failed == 0
    assert outcome.most <= 200


def test_the_limit_on_concurrency_spares_what_locks_rolls_back_and_alerts() -> None:
    limited = {
        name
        for name, properties in functions().items()
        if "ReservedConcurrentExecutions" in properties
    }
    spared = set(functions()) - limited
    assert spared == {
        "ReadRequestFunction", "TakeLockFunction", "SendEmailFunction",
        "RollBackInstanceFunction", "RollBackClusterFunction",
    }  # fmt: skip
    assert all(crowd.is_limited(name) == (name in limited) for name in functions())
