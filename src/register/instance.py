"""Register step: lets the proxies of the original lead to the restored instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.logs import logged
from trapheus.rds import proxies
from trapheus.rds.access import instance

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    """Deregister the original, then register what was restored, with each proxy of the plan."""
    name = event["plan"]["identifier"]
    return proxies.replace(event, context, lambda: (instance(name) or {}).get("DbiResourceId"))
