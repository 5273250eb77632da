"""Times that are drawn, and calls that are throttled."""

import pytest

from local.emulator.rds.service import Bucket
from local.emulator.rds.timing import PHASES
from tests.emulator.rds_world import START, World


def drawn(seed):
    """What a rename and a restore of one seed take."""
    world = World(timing="drawn")
    world.rds.seed = seed
    world.restore("instance", "new")
    world.rds.call("ModifyDBInstance", {
        "DBInstanceIdentifier": "db", "NewDBInstanceIdentifier": "old", "ApplyImmediately": True,
    })  # fmt: skip
    return {course.what: course.seconds for course in world.rds.courses}


def test_a_drawn_phase_lies_between_its_least_and_its_most():
    table = {what: {phase.name: phase for phase in phases} for what, phases in PHASES.items()}
    seen = [drawn(str(seed)) for seed in range(30)]
    for courses in seen:
        assert set(courses) == {"restore instance", "rename instance"}
        for what, seconds in courses.items():
            for name, length in seconds.items():
                phase = table[what][name]
                assert phase.least <= length <= phase.most
    creating = [courses["restore instance"]["creating"] for courses in seen]
    assert len(set(creating)) == 30
    assert 420 < sum(creating) / 30 < 800, "a triangle of 200, 420 and 1200 has its mean at 607"


def test_the_same_seed_draws_the_same_whatever_was_asked_first():
    first = drawn("7")
    world = World(timing="drawn")
    world.rds.seed = "7"
    world.rds.call("ModifyDBInstance", {
        "DBInstanceIdentifier": "db", "NewDBInstanceIdentifier": "old", "ApplyImmediately": True,
    })  # fmt: skip
    world.restore("instance", "new")
    assert {course.what: course.seconds for course in world.rds.courses} == first
    assert drawn("8") != first


def test_what_was_drawn_is_what_happens():
    world = World(timing="drawn")
    world.rds.seed = "3"
    world.restore("instance", "new")
    (course,) = world.rds.courses
    world.wait(1_000)
    world.rds.settle()
    came = [c.time for c in world.changes if c.name == "new" and c.after == "available"]
    assert came == [pytest.approx(START + sum(course.seconds.values()))]


def test_a_bucket_lets_its_rate_through_and_as_many_at_once():
    bucket = Bucket(20)
    assert sum(bucket.takes(0.0) for _ in range(100)) == 20
    assert not bucket.takes(0.01)
    assert sum(bucket.takes(0.5) for _ in range(100)) == 10
    taken = sum(bucket.takes(1 + n / 100) for n in range(1000))
    assert 195 <= taken <= 210, "ten seconds at twenty a second"


def test_a_throttled_rds_refuses_as_aws_does():
    world = World()
    world.rds.throttle = Bucket(2)
    asked = b"Action=DescribeDBInstances&Version=2014-10-31"
    answers = [world.rds.answer(asked) for _ in range(4)]
    assert [status for status, _, _ in answers] == [200, 200, 400, 400]
    assert b"<Code>Throttling</Code>" in answers[2][2]
    world.wait(1 / 60)
    assert world.rds.answer(asked)[0] == 200
