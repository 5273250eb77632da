"""Check step: whether an instance can be restored, and the plan for it."""

from typing import Any

from trapheus.checks.look import INSTANCE
from trapheus.execution.logs import logged
from trapheus.preflight import preflight


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the plan and the findings; refuse when there are findings, unless it is a dry run."""
    return preflight(event, INSTANCE)
