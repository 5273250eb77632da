"""moto's other gaps that a deployment of this kind falls into: CloudFormation, names, keys."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from typing import Any
from unittest.mock import patch

import yaml
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.cloudformation.models import ChangeSet, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.core.models import default_user_config
from moto.core.responses import ActionResult
from moto.kms.models import Key
from moto.s3.models import s3_backends
from moto.stepfunctions import models as stepfunctions
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)
from moto.stepfunctions.responses import StepFunctionResponse
from samtranslator.translator.transform import transform

SERVERLESS = "AWS::Serverless-2016-10-31"
# The one in C, where the wheel has it, is ten times as fast.
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def repair(repairs: ExitStack, random: Random) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    repairs.enter_context(
        patch.dict(
            default_user_config,
            {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}},
        )
    )
    _expand_serverless_templates(repairs)
    _leave_out_what_a_condition_leaves_out(repairs)
    _make_state_machines_execute(repairs)
    _keep_layers(repairs)
    _read_key_tags(repairs)
    _name_executions(repairs, random)
    _stop_with_cause(repairs)
    _describe_endings(repairs)


class NoManagedPolicies:
    """samtranslator's map of policy names to ARNs: a template here names policies by ARN."""

    def load(self) -> dict[str, str]:
        """Return no names."""
        return {}


def _expand(template: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Turn a SAM template into the CloudFormation template that it stands for, in its place."""
    asked = template.get("Transform", [])
    if SERVERLESS not in ([asked] if isinstance(asked, str) else asked):
        return
    expanded = transform(copy.deepcopy(template), dict(parameters), NoManagedPolicies())
    expanded.pop("Transform", None)
    template.clear()
    template.update(expanded)


def _trim_lists(template: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Take the spaces off the members of list parameters, as CloudFormation does."""
    for name, slot in template.get("Parameters", {}).items():
        if "List" in slot["Type"] and isinstance(parameters.get(name), str):
            parameters[name] = ",".join(part.strip() for part in parameters[name].split(","))


def _leave_out_what_a_condition_leaves_out(repairs: ExitStack) -> None:
    """Without it, looking a resource up stumbles over one that its condition has left out."""
    there = property(lambda stack: [made for made in stack.resource_map.values() if made])
    repairs.enter_context(patch.object(Stack, "stack_resources", there))


def _expand_serverless_templates(repairs: ExitStack) -> None:
    begin, update = ResourceMap.__init__, ResourceMap.update
    difference, apply = ResourceMap.build_change_set_actions, ChangeSet.apply

    def expand_and_begin(self: Any, *args: Any, **given: Any) -> None:
        _trim_lists(given["template"], args[2])
        _expand(given["template"], args[2])
        begin(self, *args, **given)

    def expand_and_update(
        self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None
    ) -> None:
        _trim_lists(template, parameters or {})
        _expand(template, parameters or self.input_parameters)
        update(self, template, parameters)

    def expand_and_compare(self: Any, template: dict[str, Any]) -> Any:
        expanded = copy.deepcopy(template)  # the parameters come later, when it is applied
        _expand(expanded, self.input_parameters)
        return difference(self, expanded)

    def apply_wholly(self: Any) -> None:
        apply(self)
        self.stack.template_dict = self.template_dict
        self.stack.output_map = self.stack._create_output_map()

    for name, replacement in (
        ("__init__", expand_and_begin),
        ("update", expand_and_update),
        ("build_change_set_actions", expand_and_compare),
    ):
        repairs.enter_context(patch.object(ResourceMap, name, replacement))
    repairs.enter_context(patch.object(ChangeSet, "apply", apply_wholly))


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
    return json.dumps(yaml.load(text, YAML))


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
        return create(cls, resource_name, template, account_id, region_name, **more)

    def update_defined(cls: Any, cloudformation_json: Any, account_id: str, **more: Any) -> Any:
        properties = cloudformation_json["Properties"]
        properties["DefinitionString"] = _definition(properties, account_id)
        more |= {"cloudformation_json": cloudformation_json, "account_id": account_id}
        return update(cls, **more)

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


def _keep_layers(repairs: ExitStack) -> None:
    create = LambdaFunction.create_from_cloudformation_json.__func__

    def create_with_layers(
        cls: Any, resource_name: str, template: Any, *args: Any, **more: Any
    ) -> Any:
        function = create(cls, resource_name, template, *args, **more)
        function.layers = function._get_layers_data(template["Properties"].get("Layers", []))
        return function

    # Without it a Ref of the layer gives the object itself.
    repairs.enter_context(
        patch.object(LayerVersion, "physical_resource_id", LayerVersion.arn, create=True)
    )
    repairs.enter_context(
        patch.object(
            LambdaFunction, "create_from_cloudformation_json", _classmethod(create_with_layers)
        )
    )


def _read_key_tags(repairs: ExitStack) -> None:
    create = Key.create_from_cloudformation_json.__func__

    def create_with_tags(
        cls: Any, resource_name: str, template: Any, *args: Any, **more: Any
    ) -> Any:
        properties = template["Properties"]
        # KMS's own API says TagKey and TagValue, CloudFormation Key and Value.
        properties["Tags"] = [
            {"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])
        ]
        return create(cls, resource_name, template, *args, **more)

    repairs.enter_context(
        patch.object(Key, "create_from_cloudformation_json", _classmethod(create_with_tags))
    )


def _name_executions(repairs: ExitStack, random: Random) -> None:
    start = StepFunctionsParserBackend.start_execution

    def start_named(self: Any, state_machine_arn: str, name: str | None = None, *args: Any) -> Any:
        given = name or str(uuid.UUID(int=random.getrandbits(128), version=4))
        return start(self, state_machine_arn, given, *args)

    repairs.enter_context(patch.object(StepFunctionsParserBackend, "start_execution", start_named))


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
