"""JSONata and variables of a state machine, for which moto brings no engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from jsonata import Jsonata
from jsonata.jexception import JException
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.jsonata import jsonata


def repair(repairs: ExitStack) -> None:
    """Evaluate expressions, and name what fails as AWS does, until `repairs` is closed."""
    repairs.enter_context(patch.object(jsonata, "_eval_jsonata", evaluate))
    for module in (states, variable_store):
        repairs.enter_context(
            patch.object(module, "encode_jsonata_variable_declarations", declarations)
        )
    for kind in (string_expression.StringJSONata, string_expression.StringVariableSample):
        repairs.enter_context(patch.object(kind, "_eval_body", _naming_failures(kind._eval_body)))


def evaluate(expression: str) -> Any:
    """What a JSONata expression comes to, as JSON has it."""
    found = Jsonata(expression).evaluate(None)
    # Lists are the engine's own class, which keeps a sequence of one apart from a list.
    return json.loads(json.dumps(found, default=str))


def declarations(bindings: Mapping[str, Any]) -> str:
    """The variables as they stand ahead of an expression; moto leaves a text's quotes as they are.

    [fact: jsonata-and-variables]
    """
    return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())


def _naming_failures(evaluate_body: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """An expression that fails is States.QueryEvaluationError.

    [fact: jsonata-query-error]
    """
    kind = StatesErrorNameType.StatesQueryEvaluationError

    def evaluate_named(self: Any, env: Any) -> None:
        try:
            evaluate_body(self, env)
        except JException as error:
            details = EvaluationFailedEventDetails(error=kind.to_name(), cause=str(error))
            failure = FailureEvent(
                env=env,
                error_name=StatesErrorName(typ=kind),
                event_type=HistoryEventType.EvaluationFailed,
                event_details=EventDetails(evaluationFailedEventDetails=details),
            )
            raise FailureEventException(failure_event=failure) from error

    return evaluate_named
