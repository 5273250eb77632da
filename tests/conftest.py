"""Which worker runs which test, and in which order; and what a test needs of the machine."""

import os
import re
from collections import defaultdict
from typing import Any
from zlib import crc32

import pytest
from xdist.scheduler import LoadScopeScheduling

from local.servers import mariadb

# What takes longest begins first, so that no worker is left alone with it at the end; and what
# needs the deployed app comes last and together, so that a worker deploys it once.
LONGEST = ("test_bench.py", "test_deploy.py", "test_terminal.py")
KINDS = ("instance", "cluster")
OF_THE_APP = ("pipeline", "refresh")
# Of so many variants of a test of the whole app, beside the kinds, `make test` runs a third; all of
# them where each is a fact of its own: a sample event, a database that went wrong, an attribute.
MANY = 3
OF_FACTS = ("test_events.py", "test_cases.py", "test_attributes.py")
LONGEST_OF_THE_APP = ("test_every_right", "test_every_function")


class ByPlace(LoadScopeScheduling):
    """Gives a file to one worker; of tests/pipeline a test, or those of a database."""

    def _split_scope(self, nodeid: str) -> str:
        if "tests/pipeline/" not in nodeid:
            return nodeid.partition("::")[0]
        return nodeid.partition(": ")[0] if "test_attributes.py" in nodeid else nodeid


def turn(item: pytest.Item) -> tuple[bool, bool]:
    """Whether a test needs the app, and whether it is not among the longest."""
    if item.path.parent.name == "pipeline":
        return True, not item.name.startswith(LONGEST_OF_THE_APP)
    return False, item.path.name not in LONGEST


def is_the_other_kind_s(item: pytest.Item) -> bool:
    """Whether a test of the whole app is of the kind whose turn it is not in `make test`.

    What runs for an instance and a cluster runs there for one of them, by the rest of its name.
    """
    kind = getattr(item, "callspec", None) and item.callspec.params.get("kind")
    if item.path.parent.name not in OF_THE_APP or getattr(kind, "name", "") not in KINDS:
        return False
    # A file's refreshes are run once for all of its tests.
    named = item.path.name if item.path.parent.name == "refresh" else item.nodeid
    rest = re.sub("|".join(KINDS), "", named)
    return KINDS[crc32(rest.encode()) % 2] != kind.name


def is_of_the_other_engine(item: pytest.Item) -> bool:
    """Whether a test of the SQL hook is of MariaDB, which `make test` leaves to CI."""
    return item.path.parent.name == "sql" and "mariadb" in item.nodeid


def variant(item: pytest.Item) -> str:
    """Which of a test's variants this is, whatever its kind."""
    return re.sub("|".join(KINDS), "", item.nodeid)


def left_to_ci(items: list[pytest.Item]) -> set[str]:
    """The variants of the whole app's tests that `make test` leaves to CI, by their names."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        is_of_the_app = item.path.parent.name == "pipeline" and item.path.name not in OF_FACTS
        if is_of_the_app and "stack" in getattr(item, "fixturenames", ()):
            found[item.nodeid.partition("[")[0]].add(variant(item))
    in_turn = [
        sorted(variants, key=lambda name: crc32(name.encode())) for variants in found.values()
    ]
    return {
        name for names in in_turn if len(names) >= MANY for name in names[round(len(names) / 3) :]
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them into the order in which they are given to the workers."""
    items.sort(key=turn)
    left = left_to_ci(items)
    for item in items:
        if is_the_other_kind_s(item) or is_of_the_other_engine(item) or variant(item) in left:
            item.add_marker(pytest.mark.thorough)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPlace:
    return ByPlace(config, log)


@pytest.fixture(scope="session")
def needs_mariadb() -> None:
    """Skip, and say so, where there is no MariaDB; in CI, which says that it has one, fail."""
    if mariadb.program() is None:
        missing = "no MariaDB on this machine: install Debian's mariadb-server, or a like package"
        if os.environ.get("TRAPHEUS_HAS_MARIADB"):
            pytest.fail(missing)
        pytest.skip(missing)
