"""The table of operations: each module of this package puts its functions in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.emulator.rds.service import Rds

Operation = Callable[["Rds", dict[str, Any]], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {}


def operation(name: str, **fixed: str | bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as this operation; `fixed` tells twins apart."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS[name] = partial(function, **fixed)
        return function

    return register
