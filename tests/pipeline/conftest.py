"""The whole app, real definition and real handlers, on one machine."""

from collections.abc import Iterator

import pytest

from local.commands.app import App
from tests.whole_stack import deployed_whole


@pytest.fixture(scope="package")
def stack() -> Iterator[App]:
    """An AWS with the sample account, hooks, and the app, which shares; one a worker."""
    with deployed_whole() as cloud:
        yield cloud


@pytest.fixture
def any_override(stack: App) -> Iterator[None]:
    """The stack's AllowedOverrides are `*` meanwhile, as an operator may set them."""
    client, name = stack.client("lambda"), stack.physical_id("ReadRequestFunction")
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    for allowed in ("*", usual["ALLOWED_OVERRIDES"]):
        variables = {**usual, "ALLOWED_OVERRIDES": allowed}
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
        if allowed == "*":
            yield


@pytest.fixture
def cloud(stack: App) -> App:
    """The same, as new; RDS is brisk, so that a test has less to wait through."""
    stack.reset()
    stack.use_timing("brisk")
    return stack
