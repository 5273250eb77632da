"""Structured logs: one JSON line an invocation, with the execution, the database and the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from trapheus.execution.exceptions import (
    ConfigurationDiffers,
    InsufficientCapacity,
    StateConflict,
    StillInProgress,
    Throttled,
    TrapheusError,
)
from trapheus.execution.formats import require_known
from trapheus.execution.metrics import emit

Event = dict[str, Any]
Context = TypeVar("Context")
Result = TypeVar("Result")

# What the state machine may still get over by itself: whether it does, the next lines say.
RETRIED = (ConfigurationDiffers, InsufficientCapacity, StateConflict, Throttled)
# Inputs are whatever somebody has typed, and a cause may be pages long.
LONGEST = 500

# Lambda takes lines that are JSON as they are, and needs RFC 3339 to filter them by level.
# [fact: lines-of-json]
logger = Logger(service="trapheus", utc=True, use_rfc3339=True, location=None)
invocations = count()


def logged(handler: Callable[[Event, Context], Result]) -> Callable[[Event, Context], Result]:
    """Let a handler log how each invocation ends; what it returns or raises stays the same.

    It is given no plan of a format that it does not know. A wait that goes on is no error: it is at
    INFO, and what is retried at WARNING.
    """

    @wraps(handler)
    def handle(event: Event, context: Context) -> Result:
        logger.structure_logs(
            append=True,
            execution=event.get("execution", ""),
            identifier=identifier_of(event),
            function_name=getattr(context, "function_name", ""),
            function_request_id=getattr(context, "aws_request_id", ""),
            cold_start=next(invocations) == 0,
        )
        try:
            require_known(event)
            result = handler(event, context)
        except StillInProgress as error:
            logger.info("still in progress", error=facts(error))
            raise
        except RETRIED as error:
            logger.warning("failed for now", error=facts(error))
            if isinstance(error, Throttled):
                count_throttled(event, context)
            raise
        except TrapheusError as error:
            logger.error("failed", error=facts(error))
            raise
        except Exception as error:
            # A defect, whose place matters; it goes on to the state machine like the others.
            logger.exception("failed unexpectedly", error={"type": type(error).__name__})
            raise
        logger.info("done", result=gist(result))
        return result

    return handle


def count_throttled(event: Event, context: object) -> None:
    """Count an AWS that was too busy, with who has met it."""
    emit(
        {"Throttled": 1},
        {},
        identifier=identifier_of(event),
        execution=str(event.get("execution", "")),
        function_name=getattr(context, "function_name", ""),
    )


def identifier_of(event: Event) -> str:
    """The database that an event is about, as far as it tells; the input may be any JSON."""
    state = event.get("state")
    places = [event, state] if isinstance(state, dict) else [event]
    for place in places:
        for key in ("plan", "request", "export", "input", "database"):
            part = place.get(key)
            if isinstance(part, dict) and isinstance(part.get("identifier"), str):
                return str(part["identifier"])[:LONGEST]
    return ""


def facts(error: TrapheusError) -> dict[str, str]:
    """The class of an error, and the fields of its message."""
    fields = json.loads(str(error))
    return {"type": type(error).__name__} | {k: str(v)[:LONGEST] for k, v in fields.items()}


def gist(result: object) -> dict[str, object]:
    """What a result says in single values: a plan or a list of findings stays out."""
    if not isinstance(result, dict):
        return {}
    return {
        key: value[:LONGEST] if isinstance(value, str) else value
        for key, value in result.items()
        if isinstance(value, str | bool | int)
    }
