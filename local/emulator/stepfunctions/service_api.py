"""The API of Step Functions where moto's answers differ: histories, names, what is left out."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.backend import execution, execution_worker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

LEFT_OUT = {
    "activities": "The local AWS has no activities of Step Functions.",
    "express": "The local AWS runs standard workflows only, not express ones.",
    "token": "The local AWS waits for no task token: in its virtual time nobody could answer.",
    "version": "The local AWS has no aliases of state machines.",
}


def repair(repairs: ExitStack) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    _tell_times(repairs)
    _page_histories(repairs)
    _list_versions(repairs)
    _create_once(repairs)
    _refuse_what_is_left_out(repairs)


def as_told(moment: datetime) -> str:
    """A moment as the context object has it.

    [fact: context-times]
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tell_times(repairs: ExitStack) -> None:
    """Give the context object its times as AWS writes them, and a count of redrives, which is 0.

    moto's StartTime is no string.
    """
    details = execution.Execution.get_start_execution_details

    def with_text(self: Any) -> Any:
        told = details(self)
        told.start_time = as_told(told.start_time)
        return told

    repairs.enter_context(
        patch.object(execution.Execution, "get_start_execution_details", with_text)
    )
    data = execution_worker.ExecutionData
    repairs.enter_context(
        patch.object(execution_worker, "ExecutionData", lambda **told: data(**told, RedriveCount=0))
    )

    def now(tz: Any) -> Any:
        return SimpleNamespace(isoformat=lambda: as_told(datetime.now(tz)))

    clock = SimpleNamespace(datetime=SimpleNamespace(now=now), timezone=SimpleNamespace(utc=UTC))
    repairs.enter_context(patch.object(state, "datetime", clock))


def _page_histories(repairs: ExitStack) -> None:
    """Give a history in pages, from either end.

    [fact: history-pages]
    """

    def get_execution_history(self: Any) -> Any:
        arn = self._get_param("executionArn")
        events = list(self.stepfunction_backend.get_execution_history(arn)["events"])
        if self._get_param("reverseOrder"):
            events.reverse()
        begin = int(self._get_param("nextToken") or 0)
        end = begin + (int(self._get_param("maxResults") or 0) or 100)
        page: dict[str, Any] = {"events": events[begin:end]}
        if end < len(events):
            page["nextToken"] = str(end)
        return ActionResult(page)

    repairs.enter_context(
        patch.object(StepFunctionResponse, "get_execution_history", get_execution_history)
    )


def _list_versions(repairs: ExitStack) -> None:
    def list_state_machine_versions(self: Any) -> Any:
        machine = self.stepfunction_backend.describe_state_machine(
            self._get_param("stateMachineArn")
        )
        newest_first = sorted(machine.versions.values(), key=lambda one: -one.version)
        listed = [
            {"stateMachineVersionArn": one.arn, "creationDate": one.creation_date}
            for one in newest_first
        ]
        return ActionResult({"stateMachineVersions": listed})

    repairs.enter_context(
        patch.object(
            StepFunctionResponse,
            "list_state_machine_versions",
            list_state_machine_versions,
            create=True,
        )
    )


def _create_once(repairs: ExitStack) -> None:
    """Refuse a name that another machine has, and what is left out."""
    create = StepFunctionsParserBackend.create_state_machine

    # [fact: state-machine-name-taken] [fact: left-out-of-the-local-aws]
    def create_state_machine(self: Any, name: str, definition: str, **more: Any) -> Any:
        taken = self._revision_by_name(name)
        if taken and taken.definition != definition:
            raise JsonRESTError(
                "StateMachineAlreadyExists", f"State Machine Already Exists: '{taken.arn}'"
            )
        if more.get("sm_type") == "EXPRESS":
            raise JsonRESTError("StateMachineTypeNotSupported", LEFT_OUT["express"])
        if ".waitForTaskToken" in json.dumps(definition):
            raise JsonRESTError("InvalidDefinition", LEFT_OUT["token"])
        return create(self, name=name, definition=definition, **more)

    repairs.enter_context(
        patch.object(StepFunctionsParserBackend, "create_state_machine", create_state_machine)
    )


def _refuse_what_is_left_out(repairs: ExitStack) -> None:
    """Refuse in one sentence what no user of an app of this kind meets."""

    def refuse(words: str) -> Any:
        # [fact: left-out-of-the-local-aws]
        def refused(_: Any) -> Any:
            raise JsonRESTError("NotImplemented", words)

        return refused

    for operation, words in (
        *((f"{verb}_activity", "activities") for verb in ("create", "describe", "delete")),
        ("list_activities", "activities"),
        *((f"{verb}_state_machine_alias", "version") for verb in ("create", "update", "delete")),
    ):
        repairs.enter_context(
            patch.object(StepFunctionResponse, operation, refuse(LEFT_OUT[words]))
        )
