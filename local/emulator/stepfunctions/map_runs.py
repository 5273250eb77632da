"""Distributed Maps: children, counts, tolerance and result files as AWS has them, not as moto."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError
from moto.core.exceptions import AWSError
from moto.core.utils import get_service_model
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import HistoryEventType
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
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader import (
    item_reader_decl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
    map_run_record,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer import (
    result_writer_decl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval import (  # noqa: E501
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramError,
    ProgramStopped,
    ProgramTimedOut,
)
from moto.stepfunctions.parser.asl.parse import asl_parser

# What a role is refused, in AWS's words; "" when it is not: role, operation, parameters.
Judge = Callable[[str, str, dict[str, Any]], str]
# Whether a role may do something to something: role, action, resource.
Allows = Callable[[str, str, str], bool]

MANAGED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
ON_THE_RULE = ("DescribeRule", "PutRule", "PutTargets")

# At a time, which is also what none stated means. [fact: children-of-a-map]
MOST_CHILDREN = 10_000
# .../dg/input-output-resultwriter.html: which of the files a child's end is written to.
FILES = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "TIMED_OUT": "FAILED", "ABORTED": "FAILED"}
WHOLE_PERCENTAGE = re.compile(r'("ToleratedFailurePercentage":\s*\d+)(?![\d.])')
COUNTERS = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timed_out",
    "ABORTED": "aborted",
}


def repair(repairs: ExitStack, random: Random, judge: Judge, allows: Allows) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    component = distributed_iteration_component.DistributedIterationComponent
    worker = distributed_item_processor_worker.DistributedItemProcessorWorker

    def map_run(self: Any, env: Any, eval_input: Any) -> None:
        _run(self, env, eval_input, random, judge)

    for owner, name, replacement in (
        (component, "_map_run", map_run),
        (worker, "_eval_job", _evaluate_child),
        (worker, "_eval_pool", _evaluate_one_after_the_other),
        (resource_eval_s3.ResourceEvalS3, "_handle_put_object", staticmethod(_write_results)),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))
    _read_whole_percentages(repairs)
    _spell_as_step_functions(repairs)
    _describe_with_all_counts(repairs)
    _place_results_by_the_state_s_input(repairs)
    _fail_to_read(repairs)
    _want_the_managed_rule(repairs, allows)
    _stop_what_a_stopped_task_waits_for(repairs)


@dataclass
class Child:
    """A child's execution, as the result files show it."""

    arn: str
    machine: str
    started: datetime
    given: Any = None
    status: str = "RUNNING"
    output: Any = None
    error: str = ""
    cause: str = ""
    stopped: datetime | None = None

    @property
    def name(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition(":")[2]

    def shown(self) -> dict[str, Any]:
        """As in SUCCEEDED_0.json or FAILED_0.json (.../dg/input-output-resultwriter.html)."""
        told: dict[str, Any] = {
            "ExecutionArn": self.arn,
            "Input": json.dumps(self.given),
            "InputDetails": {"Included": True},
            "Name": self.name,
            "StartDate": _moment(self.started),
            "StateMachineArn": self.machine,
            "Status": self.status,
        }
        if self.stopped:
            told["StopDate"] = _moment(self.stopped)
        if self.status == "SUCCEEDED":
            return told | {
                "Output": json.dumps(self.output),
                "OutputDetails": {"Included": True},
                "RedriveCount": 0,
                "RedriveStatus": "NOT_REDRIVABLE",
                "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
            }
        said = {"Error": self.error, "Cause": self.cause}
        told |= {key: value for key, value in said.items() if value}
        return told | {"RedriveCount": 0, "RedriveStatus": "REDRIVABLE_BY_MAP_RUN"}


@dataclass
class MapRun:
    """What a run's record of moto's does not know."""

    record: Any
    random: Random
    total: int
    children: list[Child] = field(default_factory=list)
    running: dict[int, Any] = field(default_factory=dict)  # index -> the child's environment

    def count(self, name: str, more: int = 1) -> None:
        """Count items and executions, which are as many without an ItemBatcher."""
        for counter in (self.record.item_counter, self.record.execution_counter):
            getattr(counter, name).offset(more)

    def begin(self, index: int, env: Any) -> Child:
        """A new child, which runs in this environment."""
        self.count("pending", -1)
        self.count("running")
        self.running[index] = env
        name = uuid.UUID(int=self.random.getrandbits(128), version=4)
        machine = self.record.map_state_machine_arn
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        child = Child(arn, machine, datetime.now(UTC))
        self.children.append(child)
        return child

    def end(self, index: int, child: Child, ending: Any) -> None:
        """Note how a child has ended."""
        child.stopped = datetime.now(UTC)
        child.status = "SUCCEEDED"
        if isinstance(ending, ProgramError):
            child.status = "FAILED"
            child.error = ending.error.get("error") or ""
            child.cause = ending.error.get("cause") or ""
        elif isinstance(ending, ProgramTimedOut):
            child.status = "TIMED_OUT"
        elif isinstance(ending, ProgramStopped):
            child.status = "ABORTED"
        self.running.pop(index, None)
        self.count("running", -1)
        self.count(COUNTERS[child.status])

    def exceeds(self) -> bool:
        """Whether more have failed than the Map tolerates.

        .../dg/state-map-distributed.html#maprun-fail-threshold: failed or timed out, by the number
        of all items; if both are stated, either of the two. Zero is what none stated means.
        """
        failed = self.record.item_counter.failed.get() + self.record.item_counter.timed_out.get()
        count = self.record.tolerated_failure_count
        share = self.record.tolerated_failure_percentage
        if not count and not share:
            return bool(failed)
        by_count = count and failed > count
        return bool(by_count or (share and 100 * failed / self.total > share))

    def abort(self) -> None:
        """Stop every child that runs: "stopped ... by Step Functions because the Map Run failed".

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_MapRunExecutionCounts.html
        """
        for env in list(self.running.values()):
            env.set_stop(stop_date=datetime.now(UTC), cause=None, error=None)


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


def _failure(env: Any, kind: Any, cause: str) -> FailureEventException:
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=kind),
            event_type=HistoryEventType.MapRunFailed,
            event_details=EventDetails(
                mapRunFailedEventDetails={"error": kind.to_name(), "cause": cause}
            ),
        )
    )


def _run(self: Any, env: Any, eval_input: Any, random: Random, judge: Judge) -> None:
    """Run the children, so many at a time, until all have ended or too many have failed."""
    items, record = env.stack.pop(), eval_input.map_run_record
    run = record.run = MapRun(record, random, len(items))
    run.count("total", len(items))
    run.count("pending", len(items))
    # The role has to start its own machine. [fact: map-starts-its-own-machine]
    machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
    role = env.aws_execution_details.role_arn
    if refused := judge(role, "StartExecution", {"stateMachineArn": machine}):
        raise _failure(env, StatesErrorNameType.StatesPermissions, refused)
    pool = JobPool(job_program=self._get_iteration_program(), job_inputs=items)
    at_once = min(record.max_concurrency or MOST_CHILDREN, MOST_CHILDREN, len(items))
    for _ in range(at_once):
        self._launch_worker(env=env, eval_input=eval_input, job_pool=pool)
    pool.await_jobs()
    if failure := pool.get_worker_exception():
        run.abort()
        raise failure
    env.stack.append([job.job_output for job in pool.get_closed_jobs()])


def _evaluate_one_after_the_other(self: Any, job: Any, worker_frame: Any) -> None:
    """Work on one item after the other: moto's own calls itself for each, to Python's limit."""
    while job is not None:
        frame = worker_frame.open_inner_frame()
        self._eval_job(env=frame, job=job)
        worker_frame.delete_frame(frame)
        self._job_pool.close_job(job)
        job = self._job_pool.next_job()


def _evaluate_child(self: Any, env: Any, job: Any) -> None:
    """Run a child to its end, as an execution of its own name; it alone sees its own ARN."""
    run: MapRun = self._map_run_record.run
    child = run.begin(job.job_index, env)
    context = env.states.context_object.context_object_data
    try:
        context["Map"] = {"Item": {"Index": job.job_index, "Value": job.job_input}}
        env.states.reset(job.job_input)
        env.stack.append(env.states.get_input())
        self._eval_input(env_frame=env)
        child.given = env.states.get_input()
        # The item is of the parent's context, and known to the ItemSelector only.
        del context["Map"]
        context["Execution"] = {
            **context["Execution"],
            "Id": child.arn,
            "Name": child.name,
            "Input": child.given,
            "StartTime": _moment(child.started),
        }
        context["StateMachine"] = {"Id": child.machine, "Name": child.machine.rpartition(":")[2]}
        job.job_program.eval(env)
        ending = env.program_state()
    except FailureEventException as error:
        pair = error.extract_error_cause_pair() or ("", "")
        ending = ProgramError(error={"error": pair[0], "cause": pair[1]})
    run.end(job.job_index, child, ending)
    if child.status == "SUCCEEDED":
        job.job_output = child.output = env.states.get_input()
    elif child.status == "ABORTED":
        # Only with its run: nothing new begins.
        job.job_output = RuntimeError("aborted with its run")
    elif run.exceeds():
        job.job_output = _failure(
            env,
            StatesErrorNameType.StatesExceedToleratedFailureThreshold,
            "The specified tolerated failure threshold was exceeded",
        )


def _read_whole_percentages(repairs: ExitStack) -> None:
    """Let a tolerated percentage be a whole number, which moto's grammar takes only as 100.0."""
    parser = asl_parser.AmazonStateLanguageParser
    parse = parser.parse

    def parse_as_decimal(definition: str) -> Any:
        return parse(WHOLE_PERCENTAGE.sub(r"\1.0", definition))

    repairs.enter_context(patch.object(parser, "parse", staticmethod(parse_as_decimal)))


def _spell_as_step_functions(repairs: ExitStack) -> None:
    """Let a Task of the SDK's spell every name with a capital and write moments as text.

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html: parameters
    in PascalCase, whatever the service itself has. moto hands them on, and the answer back, as they
    are.
    """
    task = state_task_service_aws_sdk.StateTaskServiceAwsSdk

    def operation(self: Any) -> Any:
        action = self.resource.api_action
        model = get_service_model(self._get_boto_service_name())
        return model.operation_model(action[0].upper() + action[1:])

    def normalise_parameters(self: Any, parameters: Any, *_: Any, **__: Any) -> None:
        self._to_boto_request(parameters, operation(self).input_shape)

    def normalise_response(self: Any, response: Any, *_: Any, **__: Any) -> None:
        if shape := operation(self).output_shape:
            self._from_boto_response(response, shape)
            response |= _as_json(response)

    for name, replacement in (
        ("_normalise_parameters", normalise_parameters),
        ("_normalise_response", normalise_response),
    ):
        repairs.enter_context(patch.object(task, name, replacement))


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_json(member) for member in value]
    return _moment(value) if isinstance(value, datetime) else value


def _describe_with_all_counts(repairs: ExitStack) -> None:
    """Tell in DescribeMapRun how many results were written, and what moto's counts leave out."""
    describe = map_run_record.ProgressCounter

    def shown(self: Any) -> dict[str, int]:
        names = ("aborted", "failed", "pending", "running", "succeeded", "total")
        counts = {name: getattr(self, name).get() for name in names}
        return counts | {
            "timedOut": self.timed_out.get(),
            "resultsWritten": self.results_written.get(),
            "failuresNotRedrivable": 0,
            "pendingRedrive": 0,
        }

    for counter in describe.__subclasses__():
        repairs.enter_context(patch.object(counter, "describe", shown))


def _write_results(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
    """Write what became of the children, and the manifest, which the state's result names."""
    parameters = env.stack.pop()
    env.stack.pop()  # the children's results, which the run knows as well
    record = env.map_run_record_pool_manager.get_all()[-1]
    client = resource_eval_s3.ResourceEvalS3._get_s3_client(
        resource_runtime_part=resource_runtime_part, state_credentials=state_credentials
    )
    bucket, prefix = parameters["Bucket"], parameters.get("Prefix", "").rstrip("/")
    folder = f"{prefix}/" if prefix else ""
    folder += record.map_run_arn.rpartition(":")[2]
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}

    def put(name: str, content: Any) -> dict[str, Any]:
        key, body = f"{folder}/{name}", json.dumps(content).encode()
        client.put_object(Bucket=bucket, Key=key, Body=body)
        return {"Key": key, "Size": len(body)}

    try:
        for kind, listed in files.items():
            ended = [one.shown() for one in record.run.children if FILES[one.status] == kind]
            if ended:
                listed.append(put(f"{kind}_0.json", ended))
        manifest = {"DestinationBucket": bucket, "MapRunArn": record.map_run_arn}
        written = put("manifest.json", manifest | {"ResultFiles": files})
    except (ClientError, BotoCoreError) as error:
        kind = StatesErrorNameType.StatesResultWriterFailed
        raise _failure(env, kind, str(error)) from error
    record.run.count("results_written", len(record.run.children))
    env.stack.append(
        {
            "MapRunArn": record.map_run_arn,
            "ResultWriterDetails": {"Bucket": bucket, "Key": written["Key"]},
        }
    )


def _place_results_by_the_state_s_input(repairs: ExitStack) -> None:
    """Read the paths of a ResultWriter in the state's input, and not in the children's results."""

    def evaluate(self: Any, env: Any) -> None:
        env.stack.append(env.states.get_input())
        self.parargs.eval(env=env)
        parameters = env.stack.pop()
        env.stack.pop()
        env.stack.append(parameters)
        self.resource_eval.eval_resource(env=env)

    repairs.enter_context(patch.object(result_writer_decl.ResultWriter, "_eval_body", evaluate))


def _fail_to_read(repairs: ExitStack) -> None:
    """Name what keeps an ItemReader from reading, which moto calls States.Runtime."""
    evaluate = item_reader_decl.ItemReader._eval_body

    def evaluate_or_fail(self: Any, env: Any) -> None:
        try:
            evaluate(self, env)
        except (ClientError, BotoCoreError, ValueError) as error:
            kind = StatesErrorNameType.StatesItemReaderFailed
            raise _failure(env, kind, str(error)) from error

    repairs.enter_context(patch.object(item_reader_decl.ItemReader, "_eval_body", evaluate_or_fail))


def _want_the_managed_rule(repairs: ExitStack, allows: Allows) -> None:
    """Refuse a machine that waits for executions by a role without the rights on its rule.

    [fact: waiting-wants-a-managed-rule]
    """
    backend = parser_models.StepFunctionsParserBackend
    create = backend.create_state_machine

    def create_if_allowed(self: Any, name: str, definition: str, roleArn: str, **more: Any) -> Any:  # noqa: N803
        rule = f"arn:aws:events:{self.region_name}:{self.account_id}:rule/{MANAGED_RULE}"
        if "states:startExecution.sync" in definition and not all(
            allows(roleArn, f"events:{action}", rule) for action in ON_THE_RULE
        ):
            raise NotAuthorized(f"'{roleArn}' is not authorized to create managed-rule.")
        return create(self, name=name, definition=definition, roleArn=roleArn, **more)

    repairs.enter_context(patch.object(backend, "create_state_machine", create_if_allowed))


class NotAuthorized(AWSError):  # type: ignore[misc]
    """Step Functions' own refusal."""

    TYPE = "AccessDeniedException"
    STATUS = 400


def _stop_what_a_stopped_task_waits_for(repairs: ExitStack) -> None:
    """Stop the execution that a Task waits for when the Task is aborted, if its role may.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html: "if a
    startExecution.sync task is aborted, it will call the StopExecution API action", by its best
    effort: what is refused is not told.
    """
    task = state_task_service_sfn.StateTaskServiceSfn
    wait = task._eval_sync

    def remembering(build: Callable[..., Any]) -> Callable[..., Any]:
        def build_and_remember(self: Any, env: Any, **given: Any) -> Any:
            arn, part = env.stack[-1]["ExecutionArn"], given["resource_runtime_part"]
            resolver = build(self, env=env, **given)

            def stop() -> None:
                state_task_service_sfn.boto_client_for(
                    service="stepfunctions",
                    region=part.region,
                    state_credentials=given["state_credentials"],
                ).stop_execution(executionArn=arn)

            env.stop_awaited = stop
            return resolver

        return build_and_remember

    def wait_and_stop(self: Any, env: Any, **given: Any) -> Any:
        result = wait(self, env=env, **given)
        if isinstance(env.program_state(), ProgramStopped):
            with suppress(ClientError, BotoCoreError):
                env.stop_awaited()
        return result

    for name, replacement in (
        ("_build_sync_resolver", remembering(task._build_sync_resolver)),
        ("_build_sync2_resolver", remembering(task._build_sync2_resolver)),
        ("_eval_sync", wait_and_stop),
    ):
        repairs.enter_context(patch.object(task, name, replacement))
