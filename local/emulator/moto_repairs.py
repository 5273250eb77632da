"""moto's other gaps that an app of this kind falls into: state machines, names, endings."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from typing import Any
from unittest.mock import patch

from moto.cloudformation import parsing
from moto.core.models import default_user_config
from moto.core.responses import ActionResult
from moto.iam.models import IAMBackend
from moto.kms import models as kms
from moto.kms.responses import KmsResponse
from moto.s3.models import s3_backends
from moto.scheduler.models import EventBridgeSchedulerBackend
from moto.stepfunctions import models as stepfunctions
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)
from moto.stepfunctions.responses import StepFunctionResponse

from local.emulator import event_patterns
from local.emulator.authorization import refuses
from local.emulator.cloudformation import stack_resources, stacks, watch_resources
from local.emulator.cloudformation.templates import parse_yaml
from local.emulator.deliveries import check_target

ACCOUNT_OF_AN_ARN = 4


def repair(repairs: ExitStack, random: Random) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    repairs.enter_context(
        patch.dict(
            default_user_config,
            {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}},
        )
    )
    stacks.repair(repairs)
    stack_resources.repair(repairs)
    watch_resources.repair(repairs)
    event_patterns.repair(repairs)
    _make_state_machines_execute(repairs)
    _name_executions(repairs, random)
    _check_schedules(repairs)
    _name_resources(repairs)
    _stop_with_cause(repairs)
    _describe_endings(repairs)
    _spare_private_keys(repairs)
    _spare_other_partitions(repairs)
    _describe_keys_of_others(repairs)


def _classmethod(function: Callable[..., Any]) -> Any:
    """Bind to the class; mypy looks for a type of `cls` that moto's own classes do not have."""
    return classmethod(function)


def _definition(properties: dict[str, Any], account: str) -> str:
    """Return a state machine's definition as JSON, from wherever its resource has it."""
    text = properties.get("DefinitionString")
    if text is None and "Definition" in properties:
        text = json.dumps(properties["Definition"])
    if text is None:
        place = properties["DefinitionS3Location"]
        found = s3_backends[account]["aws"].get_object(place["Bucket"], place["Key"])
        text = found.value.decode()
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return json.dumps(parse_yaml(text))


def _as_in_the_api(value: Any) -> Any:
    """The same with names that begin small, as Step Functions itself has them."""
    if isinstance(value, list):
        return [_as_in_the_api(member) for member in value]
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _as_in_the_api(it) for name, it in value.items()}
    return value == "true" if value in ("true", "false") else value


def _make_state_machines_execute(repairs: ExitStack) -> None:
    machine = stepfunctions.StateMachine
    create = machine.create_from_cloudformation_json.__func__
    update = machine.update_from_cloudformation_json.__func__
    attribute = machine.get_cfn_attribute

    def create_defined(
        cls: Any, resource_name: str, template: Any, account_id: str, region_name: str, **more: Any
    ) -> Any:
        properties = template["Properties"]
        properties["DefinitionString"] = _definition(properties, account_id)
        return configured(
            create(cls, resource_name, template, account_id, region_name, **more), properties
        )

    def update_defined(cls: Any, cloudformation_json: Any, account_id: str, **more: Any) -> Any:
        properties = cloudformation_json["Properties"]
        properties["DefinitionString"] = _definition(properties, account_id)
        more |= {"cloudformation_json": cloudformation_json, "account_id": account_id}
        return configured(update(cls, **more), properties)

    def configured(made: Any, properties: dict[str, Any]) -> Any:
        if refuses(made.arn.split(":")[4], made.roleArn, "states.amazonaws.com", made.arn):
            raise stack_resources.RoleNotAssumable(
                "Neither the global service principal states.amazonaws.com, nor the regional one is"
                " authorized to assume the provided role."
            )
        made.loggingConfiguration = _as_in_the_api(properties.get("LoggingConfiguration")) or {
            "level": "OFF"
        }
        made.tracingConfiguration = _as_in_the_api(properties.get("TracingConfiguration")) or {
            "enabled": False
        }
        return made

    def arn_too(self: Any, attribute_name: str) -> Any:
        return self.arn if attribute_name == "Arn" else attribute(self, attribute_name)

    backends = stepfunctions_parser_backends
    for owner, name, replacement in (
        (stepfunctions, "stepfunctions_backends", backends),
        (machine, "create_from_cloudformation_json", _classmethod(create_defined)),
        (machine, "update_from_cloudformation_json", _classmethod(update_defined)),
        (machine, "has_cfn_attr", staticmethod(lambda name: name in {"Arn", "Name"})),
        (machine, "get_cfn_attribute", arn_too),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))


def _describe_keys_of_others(repairs: ExitStack) -> None:
    """DescribeKey takes the ARN of another account's key.

    [fact: keys-are-described-across-accounts]
    """
    describe = KmsResponse.describe_key

    def describe_key(self: Any) -> str:
        parts = str(self._get_param("KeyId")).split(":")
        if len(parts) > ACCOUNT_OF_AN_ARN:
            self.current_account = parts[ACCOUNT_OF_AN_ARN]
        return str(describe(self))

    repairs.enter_context(patch.object(KmsResponse, "describe_key", describe_key))


def _spare_private_keys(repairs: ExitStack) -> None:
    """Make no private key for a symmetric key, which has none: it takes a tenth of a second."""
    generate = kms.generate_private_key

    def for_asymmetric(key_spec: str) -> Any:
        return None if key_spec == "SYMMETRIC_DEFAULT" else generate(key_spec)

    repairs.enter_context(patch.object(kms, "generate_private_key", for_asymmetric))


def _spare_other_partitions(repairs: ExitStack) -> None:
    """Make AWS's 1,600 managed policies for this partition alone, of the six that moto knows."""
    make = IAMBackend._init_aws_policies

    def for_this_one(self: Any) -> Any:
        return make(self) if self.region_name == "aws" else []

    repairs.enter_context(patch.object(IAMBackend, "_init_aws_policies", for_this_one))


def _name_resources(repairs: ExitStack) -> None:
    """Let a stack's resource be called the same whatever other resources the stack has.

    One that takes another's place has another name, as CloudFormation gives it.
    """
    generate = parsing.generate_resource_name
    named: Counter[tuple[str, str]] = Counter()

    def name(resource_type: str, stack_name: str, logical_id: str) -> str:
        random = str(generate(resource_type, stack_name, logical_id))
        before = named[stack_name, logical_id]
        named[stack_name, logical_id] += 1
        known = f"{stack_name}/{logical_id}" + (f"/{before}" if before else "")
        digest = hashlib.sha256(known.encode()).hexdigest()[:12]
        # Of a bucket it is in small letters.
        return random[:-12] + (digest if random.islower() else digest.upper())

    repairs.enter_context(patch.object(parsing, "generate_resource_name", name))


def _name_executions(repairs: ExitStack, random: Random) -> None:
    """Name an execution as the random numbers of the run say; refuse a name that none can have.

    [fact: names-of-executions]
    """
    start = StepFunctionsParserBackend.start_execution

    def start_named(self: Any, state_machine_arn: str, name: str | None = None, *args: Any) -> Any:
        given = name or str(uuid.UUID(int=random.getrandbits(128), version=4))
        self._validate_name(given)
        return start(self, state_machine_arn, given, *args)

    repairs.enter_context(patch.object(StepFunctionsParserBackend, "start_execution", start_named))


def _check_schedules(repairs: ExitStack) -> None:
    """Refuse a schedule whose target is none."""
    backend = EventBridgeSchedulerBackend
    create, update = backend.create_schedule, backend.update_schedule

    def create_checked(self: Any, **given: Any) -> Any:
        check_target(given["target"])
        return create(self, **given)

    def update_checked(self: Any, **given: Any) -> Any:
        check_target(given["target"])
        return update(self, **given)

    repairs.enter_context(patch.object(backend, "create_schedule", create_checked))
    repairs.enter_context(patch.object(backend, "update_schedule", update_checked))


def _stop_with_cause(repairs: ExitStack) -> None:
    """Hand on the error and cause of StopExecution, which moto drops."""

    def stop_execution(self: Any) -> Any:
        backend = self.stepfunction_backend
        execution = backend.describe_execution(self._get_param("executionArn"))
        execution.stop(
            stop_date=stepfunctions.utcnow(),
            error=self._get_param("error") or "",
            cause=self._get_param("cause") or "",
        )
        return ActionResult({"stopDate": execution.stop_date or stepfunctions.utcnow()})

    repairs.enter_context(patch.object(StepFunctionResponse, "stop_execution", stop_execution))
    _stop_before_the_first_state(repairs)


def _stop_before_the_first_state(repairs: ExitStack) -> None:
    """Stop an execution that StartExecution has just made and whose thread has not begun.

    moto knows no environment of it then, or drops the wish.
    """
    worker, body = execution_worker.ExecutionWorker, Program._eval_body
    make, stop_running = worker._get_evaluation_environment, worker.stop

    def make_with_worker(self: Any) -> Any:
        env = make(self)
        env.worker = self
        return env

    def stop(self: Any, **given: Any) -> None:
        self.asked_to_stop = given
        if self.env and self.env.is_running():
            stop_running(self, **given)

    def begin_unless_stopped(self: Any, env: Any) -> None:
        asked = getattr(getattr(env, "worker", None), "asked_to_stop", None)
        if asked:
            env.set_stop(**asked)
        body(self, env)

    for owner, name, replacement in (
        (worker, "_get_evaluation_environment", make_with_worker),
        (worker, "stop", stop),
        (Program, "_eval_body", begin_unless_stopped),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))


def _describe_endings(repairs: ExitStack) -> None:
    """Tell when a timed-out execution ended, and a text as output as the JSON that it is."""
    describe = StepFunctionResponse.describe_execution

    def describe_wholly(self: Any) -> Any:
        answer = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.stop_date:
            answer.result["stopDate"] = execution.stop_date
        if execution.status == "SUCCEEDED":
            answer.result["output"] = json.dumps(execution.output)
        return answer

    repairs.enter_context(patch.object(StepFunctionResponse, "describe_execution", describe_wholly))
