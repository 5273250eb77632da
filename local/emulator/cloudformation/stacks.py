"""Stacks as CloudFormation keeps them: in order, told in events, rolled back when they fail.

moto's own are created without a way back, updated without what refers to a changed resource,
and deleted in no order; what fails there is an answer of 500.
"""

from __future__ import annotations

import copy
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Change, ChangeSet, CloudFormationBackend, Event, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id
from moto.core.responses import ActionResult, EmptyResult
from samtranslator.translator.transform import transform
from yaml import YAMLError

from local.emulator.cloudformation import stack_rules
from local.emulator.cloudformation.templates import parse_template

SERVERLESS = "AWS::Serverless-2016-10-31"
CHANGING = "_IN_PROGRESS"

Template = dict[str, Any]
Parameters = dict[str, str]


def repair(repairs: ExitStack) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    begin = ResourceMap.__init__

    def expand_and_begin(self: Any, *args: Any, **given: Any) -> None:
        stack_rules.check(given["template"], args[2], _place(args[1], given["region_name"]))
        _trim_lists(given["template"], args[2])
        _expand(given["template"], args[2])
        begin(self, *args, **given)
        self.properties = {}  # of what there is, by logical id, as they were made
        self.pending = set()

    for owner, name, replacement in (
        (Stack, "parse_template", staticmethod(_parse)),
        (ChangeSet, "_parse_template", _parse_own),
        (ResourceMap, "__init__", expand_and_begin),
        (ResourceMap, "__getitem__", _get),
        (Stack, "create_resources", _create),
        (Stack, "update", _update),
        (Stack, "delete", _delete),
        (Stack, "_add_stack_event", _add_stack_event),
        (Stack, "stack_parameters", property(_parameters)),
        (Stack, "parameter_list", property(_parameter_list)),
        # Without it, looking a resource up stumbles over one that its condition has left out.
        (Stack, "stack_resources", property(_resources)),
        (ChangeSet, "diff", _difference),
        (CloudFormationBackend, "create_change_set", _create_change_set),
        (CloudFormationBackend, "describe_change_set", _find_change_set),
        (CloudFormationBackend, "execute_change_set", _execute_change_set),
        (CloudFormationBackend, "delete_stack", _delete_stack),
        (CloudFormationResponse, "delete_stack", _delete_but_retain),
        (CloudFormationResponse, "list_change_sets", _list_change_sets),
        (CloudFormationResponse, "list_stack_resources", _list_resources),
        (parsing, "clean_json", _clean),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))


# Templates

PARSE = Stack.parse_template


def _parse(template: str) -> Any:
    """As moto does, which takes a second for the app's; what is wrong, as moto says it."""
    with suppress(YAMLError):
        return parse_template(template)
    return PARSE(template)


def _parse_own(self: Any) -> None:
    self.template_dict = _parse(self.template)


class NoManagedPolicies:
    """samtranslator's map of policy names to ARNs: a template here names policies by ARN."""

    def load(self) -> dict[str, str]:
        """Return no names."""
        return {}


def _expand(template: Template, parameters: Parameters) -> None:
    """Turn a SAM template into the CloudFormation template that it stands for, in its place."""
    asked = template.get("Transform", [])
    if SERVERLESS not in ([asked] if isinstance(asked, str) else asked):
        return
    expanded = transform(copy.deepcopy(template), dict(parameters), NoManagedPolicies())
    expanded.pop("Transform", None)
    template.clear()
    template.update(expanded)


def _place(stack: str, region: str) -> dict[str, str]:
    """The pseudo parameters that a Rule may refer to."""
    return {
        "AWS::Region": region,
        "AWS::StackName": stack,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }


def _trim_lists(template: Template, parameters: Parameters) -> None:
    """Take the spaces off the members of list parameters, as CloudFormation does.

    Of a default too, which moto would leave a text and not make a list.
    """
    for name, slot in template.get("Parameters", {}).items():
        value = parameters.get(name, slot.get("Default"))
        if "List" in slot["Type"] and isinstance(value, str):
            parameters[name] = ",".join(part.strip() for part in value.split(","))


CLEAN = parsing.clean_json


def _clean(value: Any, resources: Any) -> Any:
    """As moto's, but AWS::NoValue leaves nothing in a list either."""
    if isinstance(value, list):
        cleaned = [_clean(member, resources) for member in value]
        return [member for member in cleaned if member is not None]
    return CLEAN(value, resources)


# Resources


class Failed(Exception):
    """A resource could not be made, changed or removed."""


GET = ResourceMap.__getitem__


def _get(self: Any, name: str) -> Any:
    """Bring a resource up to date before the first who refers to it sees it."""
    if name in self.pending:
        self.pending.discard(name)
        _bring(self, name)
    elif name in self._resource_json_map and name not in self.properties:
        return None  # its condition leaves it out
    return GET(self, name)


def _bring(resources: Any, name: str) -> None:
    """Make the resource what its template says."""
    described = resources._resource_json_map[name]
    before = described.get("DependsOn", [])
    for other in [before] if isinstance(before, str) else before:
        resources[other]
    kind = described["Type"]
    wanted = copy.deepcopy(_clean(described.get("Properties", {}), resources))
    if resources.properties.get(name) == wanted:
        return
    changes = name in resources.properties
    verb = "UPDATE" if changes else "CREATE"
    _tell(resources, name, kind, verb + CHANGING)
    try:
        if kind not in parsing.get_model_map() and not kind.startswith("Custom::"):
            raise Failed(f"the local AWS knows no {kind}")
        made = (_change if changes else _make)(resources, name, described)
    except Exception as error:
        _tell(resources, name, kind, f"{verb}_FAILED", _reason(error))
        raise Failed(f"{name}: {_reason(error)}") from error
    resources._parsed_resources[name] = made
    resources.properties[name] = wanted
    _tell(resources, name, kind, f"{verb}_COMPLETE")


def _make(resources: Any, name: str, described: Template) -> Any:
    return parsing.parse_and_create_resource(
        name, described, resources, resources._account_id, resources._region_name
    )


def _change(resources: Any, name: str, described: Template) -> Any:
    """Change a resource; where its kind or name allows no change, put a new one in its place."""
    kind = parsing.get_model_map()[described["Type"]]
    old = resources._parsed_resources[name]
    wanted = _clean(described.get("Properties", {}), resources)
    naming = parsing.resource_name_property_from_type(described["Type"])
    renamed = naming and wanted.get(naming) != resources.properties[name].get(naming)
    fixed = hasattr(kind.update_from_cloudformation_json, "__isabstractmethod__")
    if renamed or fixed:
        made = _make(resources, name, described)
        if described.get("UpdateReplacePolicy") != "Retain":
            resources._delete_resource(old, described)
        return made
    return parsing.parse_and_update_resource(
        name, described, resources, resources._account_id, resources._region_name
    )


def _remove(resources: Any, name: str, described: Template, *, undoes: bool) -> str:
    """Remove a resource, unless it is to be retained; tell why it could not be, if so."""
    kind, policy = described["Type"], described.get("DeletionPolicy")
    if policy == "Retain" or (policy == "RetainExceptOnCreate" and not undoes):
        _tell(resources, name, kind, "DELETE_SKIPPED")
    else:
        _tell(resources, name, kind, "DELETE_IN_PROGRESS")
        try:
            resources._delete_resource(resources._parsed_resources[name], described)
        except Exception as error:  # whatever a backend says
            _tell(resources, name, kind, "DELETE_FAILED", _reason(error))
            return _reason(error)
        _tell(resources, name, kind, "DELETE_COMPLETE")
    del resources.properties[name]
    del resources._parsed_resources[name]
    return ""


def _tell(resources: Any, name: str, kind: str, status: str, reason: str | None = None) -> None:
    made = resources._parsed_resources.get(name)
    event = Event(
        stack_id=resources.stack_id,
        stack_name=resources.stack.name,
        logical_resource_id=name,
        physical_resource_id=getattr(made, "physical_resource_id", ""),
        resource_type=kind,
        resource_status=status,
        resource_status_reason=reason,
        resource_properties=None,
    )
    resources.stack.events.append(event)
    _follow(resources.stack.events)


def _follow(events: list[Any]) -> None:
    """Let the last event be later than the one before, even while time stands still.

    `sam deploy` waits for an event later than the last that it knows.
    """
    if len(events) > 1:
        earliest = events[-2].timestamp + timedelta(milliseconds=1)
        events[-1].timestamp = max(events[-1].timestamp, earliest)


ADD_STACK_EVENT = Stack._add_stack_event


def _add_stack_event(self: Any, status: str, *args: Any, **given: Any) -> None:
    last = next((event for event in reversed(self.events)), None)
    if last and (last.logical_resource_id, last.resource_status) == (self.name, status):
        return  # moto tells that itself before it begins
    ADD_STACK_EVENT(self, status, *args, **given)
    _follow(self.events)


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", "") or error or type(error).__name__)


# Stacks


def _apply(stack: Any, template: Template, parameters: Parameters) -> dict[str, Template]:
    """Make everything as an expanded template says; return what it no longer has."""
    resources = stack.resource_map
    resources.stack = stack
    old = {name: resources._resource_json_map[name] for name in resources.properties}
    resources._template, resources.input_parameters = template, parameters
    resources._resource_json_map = {**old, **template["Resources"]}
    for name in resources.resolved_parameters:
        resources._parsed_resources.pop(name, None)
    resources.resolved_parameters = {}
    wanted = _wanted(resources)
    resources.pending = set(wanted)
    try:
        for name in wanted:
            resources[name]
    finally:
        resources.pending = set()
    stack.template_dict = template
    stack.description = template.get("Description")
    stack.output_map = stack._create_output_map()
    return {name: old[name] for name in reversed(old) if name not in wanted}


def _wanted(resources: Any) -> dict[str, Template]:
    """Take the parameters and conditions in; return what the conditions do not leave out."""
    resources.load_mapping()
    resources.load_parameters()
    resources.load_conditions()
    conditions = resources.lazy_condition_map
    return {
        name: described
        for name, described in resources._template["Resources"].items()
        if "Condition" not in described or conditions[described["Condition"]]
    }


def _go(stack: Any, template: Template, parameters: Parameters) -> None:
    """Bring a stack to a template; go back to what was before when that fails."""
    creates = stack.status in ("CREATE_PENDING", "REVIEW_IN_PROGRESS")
    verb = "CREATE" if creates else "UPDATE"
    before = stack.template_dict, stack.resource_map.input_parameters
    _set(stack, verb + CHANGING, "User Initiated")
    try:
        gone = _apply(stack, template, parameters)
    except Exception as error:  # the events tell it
        rolled_back = "ROLLBACK" if creates else "UPDATE_ROLLBACK"
        _set(stack, rolled_back + CHANGING, _reason(error))
        failed = _undo(stack, before, creates=creates)
        _set(stack, rolled_back + ("_FAILED" if failed and creates else "_COMPLETE"))
        return
    if gone:
        _set(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        _remove_these(stack, gone)
    stack.parameters = stack.stack_parameters
    _set(stack, f"{verb}_COMPLETE")


def _undo(stack: Any, before: tuple[Template, Parameters], *, creates: bool) -> list[str]:
    """Go back to what was before; return the names of what could not be removed.

    What this operation has made goes, even by RetainExceptOnCreate; Retain leaves it behind
    (User Guide, "DeletionPolicy attribute"). [fact: retain-except-on-create]
    """
    if creates:
        return _remove_all(stack, undoes=True)
    return _remove_these(stack, _apply(stack, *before), undoes=True)


def _set(stack: Any, status: str, reason: str | None = None) -> None:
    stack.status, stack.status_reason = status, reason
    stack._add_stack_event(status, resource_status_reason=reason)


def _remove_these(stack: Any, gone: dict[str, Template], *, undoes: bool = False) -> list[str]:
    reasons = {
        name: _remove(stack.resource_map, name, described, undoes=undoes)
        for name, described in gone.items()
    }
    return [name for name, reason in reasons.items() if reason]


def _remove_all(stack: Any, *, undoes: bool = False) -> list[str]:
    """Remove what is there, the newest first; return the names of what could not be removed."""
    resources = stack.resource_map
    resources.stack = stack
    there = {name: resources._resource_json_map[name] for name in reversed(resources.properties)}
    return _remove_these(stack, there, undoes=undoes)


def _create(self: Any) -> None:
    _go(self, self.template_dict, self.resource_map.input_parameters)


def _update(
    self: Any,
    template: str,
    role_arn: str | None = None,
    parameters: Parameters | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    given = dict(parameters or {})
    expanded = self.parse_template(template)
    stack_rules.check(expanded, given, _place(self.name, self.region_name))
    _trim_lists(expanded, given)
    _expand(expanded, given)
    _go(self, expanded, given)
    if "ROLLBACK" not in self.status:
        self.template, self.role_arn = template, role_arn
        self.tags = self.tags if tags is None else tags


def _delete(self: Any) -> None:
    _set(self, "DELETE_IN_PROGRESS", "User Initiated")
    failed = _remove_all(self)
    if failed:
        names = ", ".join(failed)
        _set(self, "DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
    else:
        _set(self, "DELETE_COMPLETE")


def _delete_stack(self: Any, name_or_stack_id: str) -> None:
    """As moto's, but what could not be deleted is still there."""
    for stack in list(self.stacks.values()):
        if name_or_stack_id in (stack.name, stack.stack_id):
            exported = [export.name for export in stack.exports]
            stack.delete()
            if stack.status == "DELETE_COMPLETE":
                self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)
                for name in exported:
                    self.exports.pop(name, None)


def _delete_but_retain(self: Any) -> Any:
    """Leave resources that are named, of a stack that could not be deleted for them.

    [fact: retained-resources]
    """
    retained, name = self._get_param("RetainResources") or [], self._get_param("StackName")
    for stack in self.cloudformation_backend.stacks.values():
        if not retained or name not in (stack.name, stack.stack_id):
            continue
        if stack.status != "DELETE_FAILED":
            raise ValidationError(
                message="Resources can be retained only of a stack in the state DELETE_FAILED."
            )
        if not set(retained) <= stack.resource_map.properties.keys():
            raise ValidationError(
                message="The specified resources to retain must be in a valid state. Do not specify"
                " resources that are in the DELETE_COMPLETE state."
            )
        for one in retained:
            stack.resource_map._resource_json_map[one]["DeletionPolicy"] = "Retain"
    self.cloudformation_backend.delete_stack(name)
    return EmptyResult()


def _parameters(stack: Any) -> Parameters:
    """Every parameter with its value as a text, as it is given."""
    resolved = stack.resource_map.resolved_parameters
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in resolved.items()
    }


def _parameter_list(stack: Any) -> list[dict[str, str]]:
    hidden = getattr(stack.resource_map, "no_echo_parameter_keys", [])
    return [
        {"ParameterKey": name, "ParameterValue": "****" if name in hidden else value}
        for name, value in _parameters(stack).items()
    ]


def _resources(stack: Any) -> list[Any]:
    resources = stack.resource_map
    return [resources._parsed_resources[name] for name in resources.properties]


def _list_resources(self: Any) -> Any:
    """With true statuses; moto's says CREATE_COMPLETE of each."""
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    latest = {event.logical_resource_id: event for event in stack.events}
    return ActionResult(
        {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": getattr(
                        stack.resource_map._parsed_resources[name], "physical_resource_id", ""
                    ),
                    "ResourceType": latest[name].resource_type,
                    "ResourceStatus": latest[name].resource_status,
                    "LastUpdatedTimestamp": latest[name].timestamp,
                }
                for name in stack.resource_map.properties
            ]
        }
    )


# Change sets


@dataclass(frozen=True)
class NotYet:
    """Stands in a plan for a resource that is still to be made."""

    physical_resource_id: str

    def get_cfn_attribute(self, attribute: str) -> str:
        """Answer Fn::GetAtt."""
        return f"{self.physical_resource_id}.{attribute}"


def _difference(self: Any) -> list[Any]:
    """What a change set would do, by resource; those that a condition leaves out are not."""
    resources = self.stack.resource_map
    planned = ResourceMap(
        self.stack_id,
        self.stack_name,
        dict(self.parameters),
        {},
        region_name=resources._region_name,
        account_id=resources._account_id,
        template=copy.deepcopy(self.template_dict),
        cross_stack_resources=resources.cross_stack_resources,
    )
    new = _wanted(planned)
    present = resources.properties
    planned.properties = new
    for name in new:
        there = resources._parsed_resources[name] if name in present else NotYet(name)
        planned._parsed_resources[name] = there
    changes = [("Add", name) for name in new if name not in present]
    changes += [
        ("Modify", name)
        for name in new
        if name in present
        and (
            _clean(new[name].get("Properties", {}), planned) != present[name]
            or _attributes(new[name]) != _attributes(resources._resource_json_map[name])
        )
    ]
    changes += [("Remove", name) for name in present if name not in new]
    kinds = {**resources._resource_json_map, **new}
    return [Change(action, name, kinds[name]["Type"]) for action, name in changes]


def _attributes(described: Template) -> Template:
    return {name: value for name, value in described.items() if name != "Properties"}


def _create_change_set(
    self: Any, *, stack_name: str, change_set_name: str, change_set_type: str, **asked: Any
) -> tuple[str, str]:
    """Plan a stack's creation or change, in a stack under review if there is none yet.

    [fact: kinds-of-change-sets] [fact: change-set-without-changes]
    """
    owner = {name: asked[name] for name in ("notification_arns", "tags", "role_arn")}
    place = {"region_name": self.region_name, "account_id": self.account_id}
    template = Stack.parse_template(asked["template"])
    stack_rules.check(template, asked["parameters"], _place(stack_name, self.region_name))
    there = [stack for stack in self.stacks.values() if stack_name in (stack.name, stack.stack_id)]
    stack = there[0] if there else None
    if change_set_type == "UPDATE" and stack is None:
        raise ValidationError(stack_name)
    if change_set_type == "CREATE" and stack and stack.status != "REVIEW_IN_PROGRESS":
        said = f"Stack [{stack_name}] already exists and cannot be created again."
        raise ValidationError(stack_name, message=said)
    if stack is None:
        stack = Stack(
            stack_id=generate_stack_id(stack_name, self.region_name, self.account_id),
            name=stack_name,
            template={},
            parameters={},
            cross_stack_resources=self.exports,
            **owner,
            **place,
        )
        self.stacks[stack.stack_id] = stack
        _set(stack, "REVIEW_IN_PROGRESS", "User Initiated")
    planned = ChangeSet(
        change_set_type=change_set_type,
        change_set_id=generate_changeset_id(change_set_name, self.region_name, self.account_id),
        change_set_name=change_set_name,
        stack=stack,
        **asked,
    )
    planned.status, planned.execution_status = "CREATE_COMPLETE", "AVAILABLE"
    if change_set_type == "UPDATE" and not planned.changes:
        planned.status, planned.execution_status = "FAILED", "UNAVAILABLE"
        planned.status_reason = (
            "The submitted information didn't contain changes."
            " Submit different information to create a change set."
        )
    self.change_sets[planned.change_set_id] = planned
    return planned.change_set_id, stack.stack_id


def _find_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> Any:
    """By ARN, or the newest of that name in that stack.

    [fact: missing-change-set]
    """
    for planned in reversed(self.change_sets.values()):
        belongs = stack_name in (None, planned.stack_name, planned.stack_id)
        if change_set_name == planned.change_set_id or (
            change_set_name == planned.change_set_name and belongs
        ):
            return planned
    raise ValidationError(change_set_name)


def _list_change_sets(self: Any) -> Any:
    """Those that can be executed on this stack, which is still there.

    Executing one deletes the others of its stack, which do not fit it any more.
    [fact: change-sets-of-a-stack]
    """
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    there = {stack.stack_id for stack in backend.stacks.values()
             if name in (stack.name, stack.stack_id)}  # fmt: skip
    listed = [
        planned
        for planned in backend.list_change_sets()
        if planned.stack_id in there and planned.execution_status == "AVAILABLE"
    ]
    return ActionResult({"Summaries": listed})


def _execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
    planned = _find_change_set(self, change_set_name, stack_name)
    _update(planned.stack, planned.template, planned.role_arn, planned.parameters, planned.tags)
    planned.execution_status = "EXECUTE_COMPLETE"
    for export in planned.stack.exports:
        self.exports[export.name] = export
