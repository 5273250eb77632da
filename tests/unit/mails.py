"""What the tests of the mail begin with: a failure, as the state machine hands it over."""

from __future__ import annotations

import json
from typing import Any

from src.notify import send
from tests.unit.conftest import EXECUTION, OPTIONS


def error(name: str = "RestoreFailed", message: str = "It went wrong.", **fields: str) -> dict:
    """An error as a Catch hands over what a Lambda has raised."""
    raised = json.dumps({"message": message, **fields})
    cause = {"errorMessage": raised, "errorType": name, "requestId": "1", "stackTrace": ["a"]}
    return {"Error": name, "Cause": json.dumps(cause)}


def a_state(plan: dict[str, Any] | None, failure: dict[str, str], **more: Any) -> dict[str, Any]:
    """The state machine's data when it tells what failed."""
    name = plan["identifier"] if plan else "prod-db"
    is_cluster = "members" in (plan or {})
    given = {"identifier": name, "task": "db_restore", "isCluster": is_cluster, "dryRun": False}
    request = {**OPTIONS, **given}
    check = {"check": {"plan": plan, "findings": []}} if plan else {}
    return {"input": given, "request": request, "error": failure, **check, **more}


def tell(state: dict[str, Any]) -> str:
    """Send the mail; the gist that becomes the execution's Cause."""
    return send.handler(json.loads(json.dumps({"execution": EXECUTION, "state": state})), None)[
        "cause"
    ]
