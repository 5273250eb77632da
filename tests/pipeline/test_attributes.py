"""Every attribute that a call carries, set to something not the default, restored, compared.

The databases and what is expected of them stand in tests/attributes/samples.py; each is restored
once a worker by the whole pipeline, and then every attribute has its own test.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from local.commands.app import App
from tests.attributes.samples import DATABASES, REQUIRED, bare, build, of, shown
from tests.pipeline.observed import run


@cache
def restored(cloud: App, name: str) -> dict[str, dict[str, Any]]:
    """What is expected of a database's parts: before, after a bare restore, after the app's."""
    database = DATABASES[name]
    cloud.reset()
    cloud.use_timing("brisk")
    build(cloud.rds, (database,))
    before = {part: shown(cloud.rds, database, part) for part in database.expects}
    ids = identities(cloud, [database.name, *database.members])

    execution = run(cloud, {**database.request, "task": "db_restore"})

    assert execution.status == "SUCCEEDED", execution.cause
    after = {
        part: shown(cloud.rds, database, part, database.restored(part)) for part in database.expects
    }
    now = identities(cloud, [database.restored(one) for one in (database.name, *database.members)])
    assert not set(now.values()) & set(ids.values())
    with cloud.rds.instantly():
        least = bare(cloud.rds, database)
    return {part: {"before": before[part], "after": after[part], "bare": least[part]}
            for part in database.expects}  # fmt: skip


def identities(cloud: App, names: list[str]) -> dict[str, str]:
    """The resource ids of databases; each must be there."""
    cloud.rds.settle()
    both = {**cloud.rds.instances, **cloud.rds.clusters}
    return {
        name: both[name].get("DbiResourceId") or both[name]["DbClusterResourceId"] for name in names
    }


# conftest.py gives all of a database to one worker, by the beginning of the id.
CASES = [
    pytest.param(
        database.name,
        part,
        attribute,
        id=f"{database.name}: {of(database, part)} {attribute} {part}",
    )
    for database in DATABASES.values()
    for part, expected in database.expects.items()
    for attribute in expected
]


@pytest.mark.parametrize(("name", "part", "attribute"), CASES)
def test_an_attribute_is_as_it_was(stack: App, name: str, part: str, attribute: str) -> None:
    database = DATABASES[name]
    expected = database.expects[part][attribute]
    seen = restored(stack, name)[part]

    assert seen["before"][attribute] == expected
    assert seen["after"][attribute] == expected
    if (of(database, part), attribute) not in REQUIRED:
        # The positive control: a restore that asks for nothing loses it.
        assert seen["bare"][attribute] != expected
