"""How a Task fails: the names that Step Functions gives to errors of the services it calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_dynamodb,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

FromError = Callable[[Any, Any, Exception], Any]

# Step Functions' own client for DynamoDB is of Java, whose errors it names by their classes: each
# that the model knows has one, and all others have only the class above them.
UNKNOWN_TO_DYNAMODB = "AmazonDynamoDBException"


def repair(repairs: ExitStack) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    _name_lambda_errors(repairs)
    _name_sdk_errors(repairs)
    _name_dynamodb_errors(repairs)
    _fail_on_missing_paths(repairs)


def _failure(env: Any, kind: Any, key: str, error: str, cause: str, **more: str) -> Any:
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=kind,
        event_details=EventDetails(**{key: {"error": error, "cause": cause, **more}}),
    )


def _name_lambda_errors(repairs: ExitStack) -> None:
    """Name a failed call of Lambda itself as AWS does, however the Task names the function."""
    for task, kind, key in (
        (
            StateTaskLambda,
            HistoryEventType.LambdaFunctionFailed,
            "lambdaFunctionFailedEventDetails",
        ),
        (
            state_task_service_lambda.StateTaskServiceLambda,
            HistoryEventType.TaskFailed,
            "taskFailedEventDetails",
        ),
    ):
        named = _naming_lambda_errors(task._from_error, kind, key)
        repairs.enter_context(patch.object(task, "_from_error", named))


def _naming_lambda_errors(original: FromError, kind: Any, key: str) -> FromError:
    # [fact: task-failed-names-its-resource]
    told = {"resource": "invoke", "resourceType": "lambda"}
    called = told if kind == HistoryEventType.TaskFailed else {}

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            code = ex.response["Error"]["Code"]
            error = f"Lambda.{_as_class(code)}"
            return _failure(env, kind, key, error, ex.response["Error"]["Message"], **called)
        if isinstance(ex, BotoCoreError):
            return _failure(env, kind, key, "Lambda.SdkClientException", str(ex), **called)
        if isinstance(ex, NoSuchJsonPathError):
            return StateTask._from_error(self, env, ex)
        return original(self, env, ex)

    return from_error


def _name_sdk_errors(repairs: ExitStack) -> None:
    """Name an error of an `aws-sdk:` Task after the classes of the AWS SDK for Java, as AWS does.

    [fact: sdk-integration-errors]
    """
    task = state_task_service_aws_sdk.StateTaskServiceAwsSdk

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ClientError):
            return StateTask._from_error(self, env, ex)
        model = get_service_model(self._get_boto_service_name())
        service = _as_java(model.metadata["serviceId"])
        known = model.shape_for_error_code(ex.response["Error"]["Code"])
        name = re.sub(r"(Exception|Fault)$", "", known.name) if known else service
        status = ex.response["ResponseMetadata"]["HTTPStatusCode"]
        request = ex.response["ResponseMetadata"].get("RequestId", "")
        message = ex.response["Error"]["Message"]
        return _failure(
            env,
            HistoryEventType.TaskFailed,
            "taskFailedEventDetails",
            f"{service}.{_as_java(name)}Exception",
            f"{message} (Service: {service}, Status Code: {status}, Request ID: {request})",
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
        )

    repairs.enter_context(patch.object(task, "_from_error", from_error))


def _as_java(name: str) -> str:
    """A service's id, or an error's name, as the SDK for Java writes it: DbInstanceNotFound."""
    apart = re.sub(r"[^A-Za-z0-9]+", " ", name)
    apart = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", apart)
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", apart)
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", apart)
    return "".join(word[0].upper() + word[1:].lower() for word in apart.split())


def _name_dynamodb_errors(repairs: ExitStack) -> None:
    """Name DynamoDB's errors as AWS does; moto has one name for all that are no answer of it.

    Among these would be a Task's time-out and a path that is not there.
    """
    task = state_task_service_dynamodb.StateTaskServiceDynamoDB

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            code, (_, cause) = ex.response["Error"]["Code"], self._error_cause_from_client_error(ex)
            known = get_service_model("dynamodb").shape_for_error_code(code)
            error = f"DynamoDB.{_as_class(code) if known else UNKNOWN_TO_DYNAMODB}"
        elif isinstance(ex, BotoCoreError):
            error, cause = "DynamoDB.SdkClientException", str(ex)
        else:
            return StateTask._from_error(self, env, ex)
        return _failure(
            env,
            HistoryEventType.TaskFailed,
            "taskFailedEventDetails",
            error,
            cause,
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
        )

    repairs.enter_context(patch.object(task, "_from_error", from_error))


def _as_class(code: str) -> str:
    return code if code.endswith("Exception") else code + "Exception"


def _fail_on_missing_paths(repairs: ExitStack) -> None:
    """Fail with States.Runtime where a Task's parameters name a path that is not there.

    The language has States.ParameterPathFailure for it, but this is what AWS itself raises, and
    what no Catch of States.ALL catches.
    """
    from_error = ExecutionState._from_error

    def name_missing_path(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, NoSuchJsonPathError):
            return _missing(self, env, ex)
        return from_error(self, env, ex)

    repairs.enter_context(patch.object(ExecutionState, "_from_error", name_missing_path))


def _missing(state: Any, env: Any, missing: Any) -> Any:
    entered = env.event_history_context.source_event_id
    cause = (
        f"An error occurred while executing the state '{state.name}' (entered at the event id "
        f"#{entered}). The JSONPath '{missing.json_path}' specified for the field "
        f"'{env.next_field_name}' could not be found in the input '{json.dumps(missing.data)}'"
    )
    kind = StatesErrorNameType.StatesRuntime
    details = {"error": kind.to_name(), "cause": cause}
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(typ=kind),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )
