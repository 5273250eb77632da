"""The whole app with real data behind the sample databases of production and staging."""

from collections.abc import Iterator

import pytest

from local.commands import sample_hooks
from local.commands.app import App, deployed
from local.commands.customers import REAL

# Of events/hooks, as events name it.
HANGS = "hangs"


@pytest.fixture(scope="module")
def stack() -> Iterator[App]:
    """An AWS with the sample account, its rows, and the app with a hook; one a worker."""
    with deployed(data=REAL, parameters=sample_hooks.listed([HANGS])) as cloud:
        sample_hooks.make(cloud, [HANGS])
        yield cloud


@pytest.fixture
def cloud(stack: App) -> App:
    """The same, as new; RDS is brisk, so that a test has less to wait through."""
    stack.reset()
    stack.use_timing("brisk")
    return stack
