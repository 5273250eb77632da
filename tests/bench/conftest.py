"""The app as it is deployed by default, where a wait is a pause between looks."""

from collections.abc import Iterator

import pytest

from local.commands.app import App, deployed
from tests.bench.process import PARAMETERS


@pytest.fixture(scope="package")
def stack() -> Iterator[App]:
    """An AWS with the sample account and the deployed app; one a worker."""
    with deployed(parameters=PARAMETERS) as cloud:
        yield cloud


@pytest.fixture
def cloud(stack: App) -> App:
    """The same, as if just deployed."""
    stack.reset()
    stack.use_timing("brisk")
    return stack
