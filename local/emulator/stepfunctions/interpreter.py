"""moto's interpreter of state machines, put into virtual time and repaired where AWS differs."""

from __future__ import annotations

import functools
import pickle
import re
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ClientError
from moto import backends
from moto.stepfunctions.parser.api import (
    ExecutionAbortedEventDetails,
    ExecutionFailedEventDetails,
    ExecutionTimedOutEventDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.common.error_name import (
    custom_error_name,
    error_equals_decl,
    states_error_name,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.math_operations import (  # noqa: E501
    math_random,
)
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.choice.comparison import (
    comparison_func,
    comparison_variable,
    variable,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (  # noqa: E501
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3 as reading_from_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    inline_iteration_component,
    iteration_worker,
    job,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    map_run_record,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval import (  # noqa: E501
    resource_eval_s3 as writing_to_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import (
    branch_worker,
    branches_decl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import (
    lambda_eval_utils,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_callback,
    state_task_service_dynamodb,
    state_task_service_events,
    state_task_service_sfn,
    state_task_service_sns,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import environment, states
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend import execution, execution_worker

from local.emulator.clock import Cancelled, Clock
from local.emulator.stepfunctions import definitions, query_language, service_api, task_errors

# After so many seconds a Task that waits for another execution looks whether its own was stopped.
LONGEST_POLL = 60.0
# The interpreter signs all calls with one key; this header tells whose they are.
ROLE = "X-Local-Role"
Notify = Callable[[str, str, str, Any], None]  # kind, name, execution's ARN, details

USE_THREADING = (
    branch_worker,
    branches_decl,
    environment,
    execute_state,
    inline_iteration_component,
    job,
    map_run_record,
    program,
    state_task_service_callback,
)
MAKE_CLIENTS = (
    lambda_eval_utils,
    reading_from_s3,
    writing_to_s3,
    state_task_service_aws_sdk,
    state_task_service_dynamodb,
    state_task_service_events,
    state_task_service_sfn,
    state_task_service_sns,
)
REFERENCE_PATH = re.compile(r"\$(?:\.[^.\[\]@,:?*]+|\[(?:\d+|'[^']*')\])*")
# What States.ALL does not catch. By the developer guide neither would it States.DataLimitExceeded,
# which recorded executions show caught. [fact: states-all-catches-data-limit]
BEYOND_ALL = {StatesErrorNameType.StatesRuntime.to_name()}


def run_virtually(repairs: ExitStack, clock: Clock, random: Random) -> None:
    """Give the interpreter this clock's threads, events, sleeps, and seeded jitter."""
    threads = SimpleNamespace(
        Thread=clock.Thread, Event=clock.Event, Lock=threading.Lock, RLock=threading.RLock
    )
    for module in USE_THREADING:
        repairs.enter_context(patch.object(module, "threading", threads))
    for module in (execute_state, execution_worker):
        repairs.enter_context(patch.object(module, "Thread", clock.Thread))
    repairs.enter_context(patch.object(callback, "Event", clock.Event))
    repairs.enter_context(patch.object(jitter_strategy_decl, "random", random))
    # AWS's States.MathRandom leaves its end out, moto's does not.
    numbers = SimpleNamespace(
        Random=lambda seed: SimpleNamespace(
            randint=(random if seed is None else Random(seed)).randrange
        )
    )
    repairs.enter_context(patch.object(math_random, "random", numbers))
    _wait_until_stopped(repairs, clock)
    _end_when_stopped(repairs, clock)
    _leave_off_when_stopped(repairs)
    _look_when_an_execution_ends(repairs, clock)


def _rest(clock: Clock, env: Any, seconds: float) -> None:
    """Let `seconds` pass, less when the execution is stopped meanwhile."""
    until = round(clock.now() + seconds, 6)  # as exact as the clock itself
    while env.is_running() and clock.now() < until:
        env.program_state_event.wait(until - clock.now())


def _wait_until_stopped(repairs: ExitStack, clock: Clock) -> None:
    """Let a stop of the execution end its Waits and the pauses between its retries."""

    def wait_interval(_: Any, env: Any, wait_seconds: float) -> None:
        _rest(clock, env, wait_seconds)

    repairs.enter_context(patch.object(wait_function.WaitFunction, "_wait_interval", wait_interval))
    evaluated = threading.local()
    evaluate = retrier_decl.RetrierDecl._eval_body

    def remember_env(self: Any, env: Any) -> None:
        evaluated.env = env
        evaluate(self, env)

    pauses = SimpleNamespace(sleep=lambda seconds: _rest(clock, evaluated.env, seconds))
    repairs.enter_context(patch.object(retrier_decl.RetrierDecl, "_eval_body", remember_env))
    repairs.enter_context(patch.object(retrier_decl, "time", pauses))


def _end_when_stopped(repairs: ExitStack, clock: Clock) -> None:
    """End an execution at once on a stop or a time-out, whatever its Tasks still do."""

    def evaluate(self: Any, env: Any) -> None:
        env.next_state_name = self.start_at.start_at_name

        def work() -> None:
            EvalComponent.eval(self, env)
            env.program_state_event.set()
            env.program_state_event.clear()

        limit = self.timeout_seconds.timeout_seconds if self.timeout_seconds else float("inf")
        until = round(clock.now() + limit, 6)
        worker = clock.Thread(target=work, name=f"states from {env.next_state_name}")
        worker.start()
        while worker.is_alive() and env.is_running() and clock.now() < until:
            left = until - clock.now()
            env.program_state_event.wait(None if left == float("inf") else left)
        if worker.is_alive() and env.is_running():
            env.set_timed_out()
        if worker.is_alive() and not env.is_frame():
            _close_history(env)

    repairs.enter_context(patch.object(program.Program, "eval", evaluate))


def _leave_off_when_stopped(repairs: ExitStack) -> None:
    """Let whoever works for an execution that was stopped leave off.

    moto would skip the evaluation of a Task's parameters then, and still carry the Task out.
    """
    evaluate = EvalComponent.eval

    def evaluate_while_running(self: Any, env: Any) -> None:
        if isinstance(env._program_state, ProgramStopped | ProgramTimedOut):
            raise Cancelled
        evaluate(self, env)

    repairs.enter_context(patch.object(EvalComponent, "eval", evaluate_while_running))


def _look_when_an_execution_ends(repairs: ExitStack, clock: Clock) -> None:
    """Let a Task that waits for another execution look when one ends, and not twice a second."""
    ends = clock.Event()
    terminated = execution.BaseExecutionWorkerCommunication.terminated

    def terminate(self: Any) -> None:
        terminated(self)
        ends.set()
        ends.clear()

    polls = SimpleNamespace(sleep=lambda _: ends.wait(LONGEST_POLL))
    repairs.enter_context(
        patch.object(execution.BaseExecutionWorkerCommunication, "terminated", terminate)
    )
    repairs.enter_context(patch.object(state_task_service_callback, "time", polls))


def _close_history(env: Any) -> None:
    """Write the end of an execution that others still work for, and nothing after it."""
    ending = env.program_state()
    if isinstance(ending, ProgramStopped):
        kind = HistoryEventType.ExecutionAborted
        given = {"error": ending.error, "cause": ending.cause}
        said = {key: value for key, value in given.items() if value}
        details = EventDetails(executionAbortedEventDetails=ExecutionAbortedEventDetails(**said))
    else:
        kind = HistoryEventType.ExecutionTimedOut
        details = EventDetails(executionTimedOutEventDetails=ExecutionTimedOutEventDetails())
    env.event_manager.add_event(
        context=env.event_history_context, event_type=kind, event_details=details
    )
    env.event_manager.add_event = lambda *_, **__: None


def repair_semantics(repairs: ExitStack) -> None:
    """Make the interpreter behave as AWS does where it is known not to."""
    for module in (branches_decl, iteration_worker):
        repairs.enter_context(patch.object(module, "CustomErrorName", _error_name))
    _choose_strictly(repairs)
    _let_runtime_errors_through(repairs)
    task_errors.repair(repairs)
    query_language.repair(repairs)
    service_api.repair(repairs)
    _start_executions(repairs)
    _stop_what_is_waited_for(repairs)
    _tell_cause_of_stop(repairs)
    _find_one_value_by_a_reference_path(repairs)


def _find_one_value_by_a_reference_path(repairs: ExitStack) -> None:
    """Give the value itself for a path such as `$.list[0].name`, where moto gives a list of it.

    https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html: what has
    neither `@`, `..`, `,`, `:`, `?` nor `*` names a single node.
    """

    def names_one(path: str) -> bool:
        return REFERENCE_PATH.fullmatch(path) is not None

    repairs.enter_context(patch.object(json_path, "_is_singleton_array_access", names_one))


def _error_name(error_name: str | None) -> Any:
    """Name the error that leaves a Parallel or a Map; a `States.` error keeps its kind."""
    if error_name and error_name.startswith("States."):
        return states_error_name.StatesErrorName.from_name(error_name)
    return custom_error_name.CustomErrorName(error_name)


def _choose_strictly(repairs: ExitStack) -> None:
    """Fail the execution when a Choice looks at a path that is not there."""

    def evaluate(self: Any, env: Any) -> None:
        self.variable.eval(env)
        asks_presence = (
            isinstance(self.comparison_function, comparison_func.ComparisonFunc)
            and self.comparison_function.operator_type == ComparisonOperatorType.IsPresent
        )
        if isinstance(env.stack[-1], variable.NoSuchVariable) and not asks_presence:
            path = self.variable.string_sampler.literal_value
            raise _runtime_error(
                env,
                f"Invalid path '{path}': The choice state's condition path "
                "references an invalid value.",
            )
        self.comparison_function.eval(env)

    repairs.enter_context(
        patch.object(comparison_variable.ComparisonVariable, "_eval_body", evaluate)
    )


def _runtime_error(env: Any, cause: str) -> Exception:
    kind = StatesErrorNameType.StatesRuntime
    failure = FailureEvent(
        env=env,
        error_name=states_error_name.StatesErrorName(typ=kind),
        event_type=HistoryEventType.ExecutionFailed,
        event_details=EventDetails(
            executionFailedEventDetails=ExecutionFailedEventDetails(
                error=kind.to_name(), cause=cause
            )
        ),
    )
    return FailureEventException(failure_event=failure)  # type: ignore[no-any-return]


def _let_runtime_errors_through(repairs: ExitStack) -> None:
    """Keep States.ALL and States.TaskFailed from catching what they do not catch on AWS."""
    evaluate = error_equals_decl.ErrorEqualsDecl._eval_body

    def evaluate_strictly(self: Any, env: Any) -> None:
        error = env.stack[-1].error_name
        if error in BEYOND_ALL:
            env.stack.pop()
            env.stack.append(any(name.error_name == error for name in self.error_names))
        else:
            evaluate(self, env)

    repairs.enter_context(
        patch.object(error_equals_decl.ErrorEqualsDecl, "_eval_body", evaluate_strictly)
    )


def _start_executions(repairs: ExitStack) -> None:
    """Let a Task start another state machine: moto hands its parameters on in the wrong case.

    Its answers come back with dates, which are no JSON, and its errors with a name that ends
    twice in Exception, or with none when no answer comes at all.
    """
    task = state_task_service_sfn.StateTaskServiceSfn
    normalise, from_error = task._normalise_parameters, task._from_error
    details_key = "taskFailedEventDetails"

    def normalise_parameters(
        self: Any, parameters: Any, boto_service_name: Any = None, service_action_name: Any = None
    ) -> None:
        normalise(self, parameters, boto_service_name, service_action_name)
        for name in list(parameters):
            parameters[name[0].lower() + name[1:]] = parameters.pop(name)

    def normalise_response(
        self: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None
    ) -> None:
        for name in list(response):
            value = response.pop(name)
            if isinstance(value, datetime):
                # Milliseconds since the epoch, as the service integration has them; memory.
                value = int(value.timestamp() * 1000)
            elif name.endswith("Details"):
                value = {key[0].upper() + key[1:]: inner for key, inner in value.items()}
            response[name[0].upper() + name[1:]] = value

    def name_error(self: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(self, env, ex)
        code = ""
        if isinstance(ex, ClientError):
            code = ex.response["Error"]["Code"].removesuffix("Exception")
        elif isinstance(ex, BotoCoreError):
            code = "SdkClient"
        if code:
            name = f"StepFunctions.{code}Exception"
            failure.error_name = custom_error_name.CustomErrorName(name)
            details = failure.event_details[details_key]
            failure.event_details = EventDetails(**{details_key: {**details, "error": name}})
        return failure

    for name, replacement in (
        ("_normalise_parameters", normalise_parameters),
        ("_normalise_response", normalise_response),
        ("_from_error", name_error),
    ):
        repairs.enter_context(patch.object(task, name, replacement))


def _stop_what_is_waited_for(repairs: ExitStack) -> None:
    """Let the stop of an execution stop the one that its Task waits for, if its role may do so.

    A Task that runs out of its own time stops nothing here. [fact: stop-of-what-is-waited-for]
    """
    task = state_task_service_sfn.StateTaskServiceSfn
    wait = task._eval_integration_pattern

    def wait_or_stop(self: Any, env: Any, **given: Any) -> None:
        started = env.stack[-1]["ExecutionArn"]
        wait(self, env, **given)
        if isinstance(env.program_state(), ProgramStopped):
            client = state_task_service_sfn.boto_client_for(
                region=given["resource_runtime_part"].region,
                service="stepfunctions",
                state_credentials=given["state_credentials"],
            )
            with suppress(ClientError):
                client.stop_execution(executionArn=started)

    repairs.enter_context(patch.object(task, "_eval_integration_pattern", wait_or_stop))


def _tell_cause_of_stop(repairs: ExitStack) -> None:
    """Show the error and cause that StopExecution was given in DescribeExecution."""
    reflect = execution.BaseExecutionWorkerCommunication._reflect_execution_status

    def reflect_stop_too(self: Any) -> None:
        reflect(self)
        ending = self.execution.exec_worker.env.program_state()
        if isinstance(ending, ProgramStopped):
            self.execution.error = ending.error or None
            self.execution.cause = ending.cause or None

    repairs.enter_context(
        patch.object(
            execution.BaseExecutionWorkerCommunication,
            "_reflect_execution_status",
            reflect_stop_too,
        )
    )


def spare_repeated_work(
    repairs: ExitStack, answer: Callable[[AWSPreparedRequest], AWSResponse]
) -> None:
    """Keep what moto makes anew for every call: clients, parsed definitions, its list of itself.

    answer: gives the interpreter's calls their answer in place of a connection.
    """
    modules = frozenset(backends.list_of_moto_modules())
    repairs.enter_context(patch.object(backends, "list_of_moto_modules", lambda: modules))
    make_client = functools.cache(
        functools.partial(_make_client, lambda_eval_utils.boto_client_for, answer)
    )

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        return make_client(region, service, getattr(state_credentials, "role_arn", ""))

    for module in MAKE_CLIENTS:
        repairs.enter_context(patch.object(module, "boto_client_for", client_for))
    parser = execution_worker.AmazonStateLanguageParser
    repairs.enter_context(patch.object(parser, "parse", staticmethod(definitions.read_once)))
    # A path is read anew for every value that it finds, and makes its grammar's tables each time.
    for module in (json_path, result_path):
        repairs.enter_context(patch.object(module, "parse", functools.cache(module.parse)))
    # What states work on is JSON, which pickle copies in a third of the time.
    quickly = SimpleNamespace(deepcopy=lambda value: pickle.loads(pickle.dumps(value)))
    for module in (states, string_expression):
        repairs.enter_context(patch.object(module, "copy", quickly))


def _make_client(
    original: Callable[..., Any],
    answer: Callable[[AWSPreparedRequest], AWSResponse],
    region: str,
    service: str,
    role: str,
) -> Any:
    client = original(region=region, service=service)

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        request.headers[ROLE] = role
        return answer(request)

    client.meta.events.register("before-send", send)
    return client


def time_out(asked: Any) -> None:
    """Time an execution of moto's out, as its machine's limit does."""
    env = asked.exec_worker.env
    if env.is_running():
        env.set_timed_out()


def tell(repairs: ExitStack, notify: Notify, on_change: Callable[[Any], None]) -> None:
    """Report states and executions as they come and go, and each new status of an execution.

    What a state works on is told as a function, since it is copied for whoever asks.
    """
    evaluate = state.CommonStateField._eval_body
    attempt = execute_state.ExecutionState._evaluate_with_timeout
    terminated = execution.BaseExecutionWorkerCommunication.terminated
    begin = execution_worker.ExecutionWorker._execution_logic

    def arn(env: Any) -> str:
        return str(env.states.context_object.context_object_data["Execution"]["Id"])

    def evaluate_aloud(self: Any, env: Any) -> None:
        notify("state entered", self.name, arn(env), env.states.get_input)
        evaluate(self, env)
        notify("state exited", self.name, arn(env), env.states.get_input)

    def attempt_aloud(self: Any, env: Any) -> None:
        retries = env.states.context_object.context_object_data["State"]["RetryCount"]
        if retries:
            notify("state retried", self.name, arn(env), retries)
        try:
            attempt(self, env)
        except Exception as error:
            details = self._from_error(env=env, ex=error).event_details or {}
            notify("state failed", self.name, arn(env), next(iter(details.values()), {}))
            raise

    def begin_aloud(self: Any) -> None:
        details = self._evaluation_details
        arn = details.execution_details.arn
        notify("execution started", details.state_machine_details.name, arn, None)
        on_change(self._execution_communication.execution)
        begin(self)

    def terminated_aloud(self: Any) -> None:
        terminated(self)
        ended = self.execution
        notify("execution ended", ended.state_machine.name, ended.exec_arn, ended.status)
        on_change(ended)

    for owner, name, replacement in (
        (state.CommonStateField, "_eval_body", evaluate_aloud),
        (execute_state.ExecutionState, "_evaluate_with_timeout", attempt_aloud),
        (execution.BaseExecutionWorkerCommunication, "terminated", terminated_aloud),
        (execution_worker.ExecutionWorker, "_execution_logic", begin_aloud),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))
