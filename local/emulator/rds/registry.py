"""The table of operations: the modules of `operations`, groups and tags put their functions in."""

from collections.abc import Callable
from functools import partial
from typing import Any

# What an operation is given: the Rds, which looks it up here, and the call's parameters.
Operation = Callable[[Any, dict[str, Any]], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {}


def operation(name: str, **fixed: str | bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as this operation; `fixed` tells twins apart."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS[name] = partial(function, **fixed)
        return function

    return register
