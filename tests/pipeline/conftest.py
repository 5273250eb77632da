"""The whole app, real definition and real handlers, on one machine."""

from collections.abc import Iterator

import pytest

from local.app import App, deployed


@pytest.fixture(scope="package")
def stack() -> Iterator[App]:
    """An AWS with the sample account and the deployed app; one a worker."""
    with deployed() as cloud:
        yield cloud


@pytest.fixture
def cloud(stack: App) -> App:
    """The same, as new; RDS is brisk, so that a test has less to wait through."""
    stack.reset()
    stack.use_timing("brisk")
    return stack
