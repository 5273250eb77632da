"""Register step: lets the proxies of the original lead to the restored cluster."""

from typing import Any

from trapheus.execution.logs import logged
from trapheus.rds import proxies
from trapheus.rds.access import cluster


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, list[str]]:
    """Deregister the original, or register what was restored; `registers` says which."""
    name = event["plan"]["identifier"]
    return proxies.change(event, lambda: (cluster(name) or {}).get("DbClusterResourceId"))
