"""The definition: every name in it stands for something, and both branches are alike."""

import json
import re
from typing import Any

import pytest
import yaml
from cfnlint.api import lint_all

from tests.deploy.definition import (
    DEFINITION,
    ROOT,
    TEXT,
    in_terms_of,
    machines,
    states,
    targets,
    tasks,
)
from trapheus import exceptions

# AWS's own: Step Functions' reserved names and what its Lambda and SES integrations raise.
AWS_ERRORS = {
    "States.ALL",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "SesV2.TooManyRequestsException",
}
TASKS = dict(tasks())


def template() -> dict[str, Any]:
    """The template; CloudFormation's tags become their plain values."""

    class Loader(yaml.SafeLoader):
        pass

    def plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_mapping(node, deep=True)

    Loader.add_multi_constructor("!", plain)
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)
    return loaded


def substitutions() -> dict[str, str]:
    return template()["Resources"]["DBRestoreStateMachine"]["Properties"]["DefinitionSubstitutions"]


def of(kind: str) -> list[str]:
    """The names of the states of one branch, in the order in which they stand."""
    return [name for name, _ in states() if kind in name and name != "Instance or cluster?"]


def functions() -> dict[str, Any]:
    return {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def test_the_start_and_every_target_is_a_state_of_the_same_machine() -> None:
    for machine in machines():
        assert machine["StartAt"] in machine["States"]
        for name, state in machine["States"].items():
            for target in targets(state):
                assert target in machine["States"], f"{name} leads to {target}"


def test_every_state_is_reachable() -> None:
    for machine in machines():
        reached, frontier = set(), [machine["StartAt"]]
        while frontier:
            name = frontier.pop()
            if name not in reached:
                reached.add(name)
                frontier += targets(machine["States"][name])
        assert reached == set(machine["States"])


def test_no_two_states_have_the_same_name() -> None:
    names = [name for name, _ in states()]
    assert len(names) == len(set(names))


def test_every_state_ends_or_goes_on() -> None:
    for name, state in states():
        if state["Type"] in ("Succeed", "Fail"):
            assert not targets(state), name
        elif state["Type"] == "Choice":
            assert state["Choices"], name
            assert "Default" in state, name
        else:
            assert ("Next" in state) != (state.get("End") is True), name


def test_a_choice_compares_only_what_it_knows_to_be_present() -> None:
    """A Choice on a missing path ends a real execution with States.Runtime, past every Catch."""
    for name, state in states():
        for choice in state.get("Choices", []):
            present = set()
            for rule in choice["And"]:
                if rule.get("IsPresent") is True:
                    present.add(rule["Variable"])
                else:
                    assert rule["Variable"] in present, f"{name}: {rule}"


def test_a_fail_points_only_to_what_its_choice_has_found_to_be_a_string() -> None:
    checked: dict[str, set[str]] = {}
    for _, state in states():
        for choice in state.get("Choices", []):
            strings = {rule["Variable"] for rule in choice["And"] if rule.get("IsString") is True}
            checked.setdefault(choice["Next"], set()).update(strings)
    for name, state in states():
        if state["Type"] == "Fail":
            paths = {state[key] for key in ("ErrorPath", "CausePath") if key in state}
            assert paths <= checked.get(name, set())
            assert paths or {"Error", "Cause"} <= set(state)


def test_every_error_named_is_a_class_of_the_layer_or_one_of_awss() -> None:
    own = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, exceptions.TrapheusError)
    }
    for name, state in states():
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]:
            for error in handler["ErrorEquals"]:
                assert error in own | AWS_ERRORS, f"{name}: {error}"


def test_every_task_has_the_same_retriers() -> None:
    retriers = {json.dumps(task["Retry"], sort_keys=True) for task in TASKS.values()}
    assert len(retriers) == 1


def test_every_task_keeps_the_input_and_owns_one_key() -> None:
    for name, task in TASKS.items():
        assert re.fullmatch(r"\$\.\w+", task["ResultPath"]), name


def test_every_catch_catches_everything_and_keeps_the_input() -> None:
    for name, state in states():
        for catcher in state.get("Catch", []):
            assert catcher["ErrorEquals"] == ["States.ALL"], name
            assert re.fullmatch(r"\$\.\w*[eE]rror", catcher["ResultPath"]), name


def test_only_the_phases_and_the_request_write_the_first_cause() -> None:
    writers = {
        name
        for name, state in states()
        for catcher in state.get("Catch", [])
        if catcher["ResultPath"] == "$.error"
    }
    assert writers == {"Read the request"} | {
        f"{phase} the {kind}"
        for phase in ("Prepare", "Replace", "Finish")
        for kind in ("instance", "cluster")
    }


def test_every_failure_passes_the_alert() -> None:
    """Whatever catches leads to the alert or to the rollback, and the rollback to the alert."""
    top = DEFINITION["States"]
    after_alert = {"Tell the bare facts", "Was the mail sent?"}
    for name, state in top.items():
        for catcher in state.get("Catch", []):
            assert catcher["Next"] == "Tell what failed" or (
                catcher["Next"].startswith("Roll the ")
                or (
                    catcher["Next"] in after_alert
                    and name in ("Tell what failed", "Tell the bare facts")
                )
            )
        if name.startswith("Roll the "):
            assert set(targets(state)) == {"Tell what failed"}


def test_a_task_waits_longer_than_its_function_may_run() -> None:
    longest = template()["Parameters"]["WaitSeconds"]["MaxValue"]
    assert longest <= 900, "Lambda's own limit"
    for name, task in TASKS.items():
        assert task["TimeoutSeconds"] > longest, name
    for properties in functions().values():
        assert properties.get("Timeout", "WaitSeconds") == "WaitSeconds"


def test_instance_and_cluster_have_the_same_states_transitions_and_error_handling() -> None:
    everything = dict(states())
    of_instance = {name: everything[name] for name in of("instance")}
    of_cluster = {name: everything[name] for name in of("cluster")}
    assert len(of_instance) == len(of_cluster) > 20
    assert in_terms_of("instance", "cluster", of_instance) == of_cluster


def test_both_branches_come_in_the_same_order() -> None:
    assert in_terms_of("instance", "cluster", of("instance")) == of("cluster")


def test_every_substitution_is_given_and_used() -> None:
    assert set(re.findall(r"\$\{(\w+)\}", TEXT)) == set(substitutions())


def test_the_machine_calls_every_function_and_may_call_it() -> None:
    called = {name.removesuffix("Arn") for name in substitutions() if name.endswith("FunctionArn")}
    role = template()["Resources"]["StatesExecutionRole"]["Properties"]["Policies"][0]
    invoke = role["PolicyDocument"]["Statement"][0]
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert called == set(functions())
    assert {arn.removesuffix(".Arn") for arn in invoke["Resource"]} == called


def test_every_function_has_its_source_and_handler() -> None:
    """`sam build` succeeds with an empty function when a CodeUri does not exist."""
    for name, properties in functions().items():
        module, function = properties["Handler"].rsplit(".", 1)
        source = ROOT / properties["CodeUri"] / f"{module}.py"
        assert f"def {function}(" in source.read_text(), name


def test_every_step_folder_has_a_function_a_kind() -> None:
    kinds: dict[str, set[str]] = {}
    for properties in functions().values():
        kinds.setdefault(properties["CodeUri"], set()).add(properties["Handler"])
    for folder, handlers in kinds.items():
        if folder not in ("src/request/", "src/email/"):
            assert handlers == {"instance.handler", "cluster.handler"}, folder
    assert set(kinds) == {
        f"src/{path.name}/" for path in (ROOT / "src").iterdir() if list(path.glob("*.py"))
    }


@pytest.mark.parametrize("broken", [False, True])
def test_the_definition_inlined_passes_cfn_lint(broken: bool) -> None:
    """cfn-lint does not look behind DefinitionUri; the broken one shows that it looks here."""
    definition = re.sub(r"\$\{(\w+)\}", replaced, TEXT)
    if broken:
        definition = definition.replace("Type: Succeed", "Type: Suceed")
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/states",
            "Definition": yaml.safe_load(definition),
        },
    }
    found = [
        match
        for match in lint_all(json.dumps({"Resources": {"Machine": machine}}))
        if match.rule.severity != "informational"
    ]
    assert bool(found) is broken, found


def replaced(match: re.Match[str]) -> str:
    name = match.group(1)
    if name.endswith("FunctionArn"):
        return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    return {"Partition": "aws"}.get(name, "someone@example.com")
