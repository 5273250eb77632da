"""The whole app, real definition and real handlers, on one machine."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from local.app import FEW_INVOCATIONS, App, deployed


@pytest.fixture(scope="package")
def stack() -> Iterator[App]:
    """An AWS with the sample account and the deployed app; one a worker."""
    with deployed(parameters=FEW_INVOCATIONS) as cloud:
        yield cloud


@pytest.fixture
def cloud(stack: App) -> App:
    """The same, as new; RDS is brisk, so that a test has less to wait through."""
    stack.reset()
    stack.take_time("brisk")
    return stack


class ByDatabase(LoadScopeScheduling):
    """Gives the tests of a restored database, of which there are many, to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition(": ")[0] if "test_attributes.py" in nodeid else nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: not item.name.startswith(("test_every_right", "test_every_funct")))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDatabase:
    return ByDatabase(config, log)
