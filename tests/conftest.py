"""Which worker runs which test, and in which order; and what a test needs of the machine."""

import os
import re
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
# Whose variants are many, and take seconds each.
ONE_IN_THREE = (
    "test_a_fault_ends_as_it_may", "test_a_hook_that_does_not_pass",
    "test_the_data_of_another_database_come", "test_the_password_of_a_secret",
)  # fmt: skip
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


def is_of_many(item: pytest.Item) -> bool:
    """Whether a test is one of the two in three, by its name, that `make test` leaves to CI."""
    return item.name.startswith(ONE_IN_THREE) and crc32(item.nodeid.encode()) % 3 != 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them into the order in which they are given to the workers."""
    items.sort(key=turn)
    for item in items:
        if is_the_other_kind_s(item) or is_of_the_other_engine(item) or is_of_many(item):
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
