"""Inspect step: tells what earlier executions have left, and changes nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import CheckFailed
from trapheus.execution.logs import logged
from trapheus.leftovers.inventory import inventory
from trapheus.requests import fits, patterns_of


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the output of the execution: the locks and what stands, each with its command."""
    request = event["request"]
    is_allowed = partial(fits, patterns=patterns_of("ALLOWED_IDENTIFIERS"))
    with failing_as(CheckFailed, request["identifier"]):
        return inventory(request, event["machine"], is_allowed)
