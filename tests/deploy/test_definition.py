"""The definitions: every name in them stands for something, and every failure comes to an end."""

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml

from local.emulator.cloudformation.templates import SafeLoader, parse_yaml
from tests.deploy.definition import (
    ALL,
    DEFINITIONS,
    MACHINES,
    RESTORE,
    ROOT,
    TEXTS,
    Definition,
    State,
    before,
    machines,
    resolved,
    states,
    substitutions,
    targets,
    tasks,
)
from trapheus.execution import exceptions

# AWS's own: Step Functions' reserved names and what its Lambda and SES integrations raise.
AWS_ERRORS = {
    "States.ALL",
    "States.DataLimitExceeded",
    "States.Timeout",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    # Of a function that is inactive, or being set up anew (Lambda API reference, Invoke).
    "Lambda.CodeArtifactUserPendingException",
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
    "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
    "Lambda.SubnetIPAddressLimitReachedException",
    "SesV2.TooManyRequestsException",
    "Sfn.ExecutionDoesNotExistException",
    "StepFunctions.ExecutionAlreadyExistsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
    "StepFunctions.ThrottlingException",
    "DynamoDB.InternalServerError",
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.SdkClientException",
    "DynamoDB.ThrottlingException",
}
ROLES = {
    "restore": "StatesExecutionRole",
    "export": "ExportStatesExecutionRole",
    "fleet": "FleetStatesExecutionRole",
    "dry_run": "DryRunStatesExecutionRole",
}

in_both = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
in_all = pytest.mark.parametrize("definition", ALL.values(), ids=ALL)


@cache
def template() -> dict[str, Any]:
    """The template; CloudFormation's tags become their plain values."""

    class Loader(SafeLoader):
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


def functions() -> dict[str, Any]:
    return {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


@in_all
def test_the_start_and_every_target_is_a_state_of_the_same_machine(definition: Definition) -> None:
    for machine in machines(definition):
        assert machine["StartAt"] in machine["States"]
        for name, state in machine["States"].items():
            for target in targets(state):
                assert target in machine["States"], f"{name} leads to {target}"


@in_all
def test_every_state_is_reachable(definition: Definition) -> None:
    for machine in machines(definition):
        reached, frontier = set(), [machine["StartAt"]]
        while frontier:
            name = frontier.pop()
            if name not in reached:
                reached.add(name)
                frontier += targets(machine["States"][name])
        assert reached == set(machine["States"])


@in_all
def test_no_two_states_have_the_same_name(definition: Definition) -> None:
    names = [name for name, _ in states(definition)]
    assert len(names) == len(set(names))


@in_all
def test_every_state_ends_or_goes_on(definition: Definition) -> None:
    for name, state in states(definition):
        if state["Type"] in ("Succeed", "Fail"):
            assert not targets(state), name
        elif state["Type"] == "Choice":
            assert state["Choices"], name
            assert "Default" in state, name
        else:
            assert ("Next" in state) != (state.get("End") is True), name


def rules(choice: dict[str, Any]) -> list[dict[str, Any]]:
    """The comparisons of a choice, in the order in which Step Functions makes them."""
    return [choice["Not"]] if "Not" in choice else choice.get("And", [choice])


@in_both
def test_a_choice_compares_only_what_it_knows_to_be_present(definition: Definition) -> None:
    """A Choice on a missing path ends a real execution with States.Runtime, past every Catch."""
    writers = {
        state["ResultPath"]: name
        for name, state in definition["States"].items()
        if state["Type"] in ("Task", "Parallel") and str(state.get("ResultPath")).startswith("$.")
    }
    for name, state in states(definition):
        for choice in state.get("Choices", []):
            present = set()
            for rule in rules(choice):
                if rule.get("IsPresent") is True:
                    present.add(rule["Variable"])
                    continue
                if rule["Variable"] in present:
                    continue
                # What a function always returns, once its state has been passed.
                writer = writers.get(rule["Variable"].rpartition(".")[0], "the input")
                earlier = state["Choices"][: state["Choices"].index(choice)]
                failed = any(
                    again["Variable"] == "$.error" for each in earlier for again in rules(each)
                )
                assert failed or writer in outside(definition, name) or writer == "the input", (
                    f"{name} compares {rule['Variable']}: let a Choice ask for IsPresent first, or"
                    " a state ahead of it write it"
                )


def outside(definition: Definition, name: str) -> set[str]:
    """The outermost states that an execution may have passed when it comes to a state."""
    for outer, state in definition["States"].items():
        if any(name in branch["States"] for branch in state.get("Branches", [])):
            name = outer
    return before(definition, name)


@in_both
def test_a_fail_points_only_to_what_its_choice_has_found_to_be_a_string(
    definition: Definition,
) -> None:
    checked: dict[str, set[str]] = {}
    for _, state in states(definition):
        for choice in state.get("Choices", []):
            strings = {rule["Variable"] for rule in rules(choice) if rule.get("IsString") is True}
            checked.setdefault(choice["Next"], set()).update(strings)
    for name, state in states(definition):
        if state["Type"] == "Fail":
            paths = {state[key] for key in ("ErrorPath", "CausePath") if key in state}
            assert paths <= checked.get(name, set())
            assert paths or {"Error", "Cause"} <= set(state)


@in_all
def test_every_error_named_is_a_class_of_the_layer_or_one_of_awss(definition: Definition) -> None:
    own = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, exceptions.TrapheusError)
    }
    for name, state in states(definition):
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]:
            for error in handler["ErrorEquals"]:
                assert error in own | AWS_ERRORS, f"{name}: {error}"


@in_both
def test_every_task_is_tried_again_as_its_kind_of_work_needs(definition: Definition) -> None:
    """A retrier is written once, in the template; here a Task only says how patient it is."""
    name = next(name for name, each in DEFINITIONS.items() if each is definition)
    given = re.findall(r"^ +Retry: (.*)$", TEXTS[name], flags=re.MULTILINE)
    assert set(given) <= {
        "${RetryQuick}",
        "${RetryStep}",
        "${RetryWait}",
        "${RetryRollback}",
        "${RetryRollbackWait}",
        "${RetryCall}",
    }
    assert len(given) == sum(1 for _ in tasks(definition))
    for state, task in tasks(definition):
        errors = {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
        of_a_call = {error for error in errors if error.startswith(("DynamoDB", "SesV2"))}
        assert bool(of_a_call) != invokes(task), f"{state} has the retriers of another kind of Task"


def invokes(task: State) -> bool:
    """Whether a Task runs a function of the app."""
    return "FunctionArn}" in task["Resource"] or task["Resource"].endswith(":lambda:invoke")


def is_of_a_kind(task: State) -> bool:
    """Whether a Task runs one function for an instance and another for a cluster."""
    return "FunctionName.$" in task.get("Parameters", {})


# What a state in JSONata leaves of its input, and what it adds to it.
UNCHANGED = "{% $states.input %}"
ADDED = re.compile(r"\{% \$merge\(\[\$states\.input, \{'\w+': \$states\.errorOutput\}\]\) %\}")


@in_both
def test_every_task_keeps_the_input_and_owns_one_key_or_none(definition: Definition) -> None:
    """The last of a branch may end it with its answer alone."""
    for name, task in tasks(definition):
        if task.get("QueryLanguage") == "JSONata":
            assert task["Output"] == UNCHANGED, name
            continue
        if not (task.get("End") and "ResultPath" not in task):
            path = task["ResultPath"]
            assert path is None or re.fullmatch(r"\$\.\w+", path), name


@in_both
def test_every_catch_catches_everything_and_keeps_the_input(definition: Definition) -> None:
    for name, state in states(definition):
        catchers = state.get("Catch", [])
        if name == "Put the original back":
            # What is no delay is the rollback's own failure, which its Parallel catches.
            assert [catcher["ErrorEquals"] for catcher in catchers] == [["RollbackDelayed"]]
        else:
            assert not catchers or catchers[-1]["ErrorEquals"] == ["States.ALL"], name
        for catcher in catchers:
            if state.get("QueryLanguage") == "JSONata":
                assert ADDED.fullmatch(catcher["Output"]), name
            else:
                assert re.fullmatch(r"\$\.\w*[eE]rror", catcher["ResultPath"]), name


def test_only_the_phases_and_what_precedes_them_write_the_first_cause() -> None:
    writers = {
        name
        for name, state in states(RESTORE)
        for catcher in state.get("Catch", [])
        if catcher.get("ResultPath") == "$.error"
    }
    assert writers == {
        "Read the request", "Look at what is left", "Take the lock", "Note the recovery",
        "Prepare", "Restore the copy", "Replace the original", "Finish",
    }  # fmt: skip


def test_every_failure_passes_the_alert() -> None:
    """Whatever catches leads to the alert or to the rollback, and the rollback to the alert.

    What can fail after that, or after a success, is the alert itself and the lock's release.
    """
    top = RESTORE["States"]
    may_fail = {
        "Restore the copy": "Roll back",
        "Replace the original": "Roll back",
        "Tell the start": "Prepare",
        "Tell what failed": "Tell the bare facts",
        "Tell the bare facts": "Is the lock to be released?",
        "Tell the recovery": "Was only a recovery asked for?",
        "Leave the lock to a recovery": "How did it end?",
        "Release the lock": "How did it end?",
        "Tell the success": "Done",
    }
    for name, state in top.items():
        caught = {catcher["Next"] for catcher in state.get("Catch", [])}
        assert caught <= {may_fail.get(name, "Tell what failed")}, name
    assert set(targets(top["Roll back"])) == {"Tell what failed", "Was it a recovery?"}


@in_both
def test_a_task_waits_longer_than_its_function_may_run(definition: Definition) -> None:
    usual = template()["Globals"]["Function"]["Timeout"]
    longest = max(properties.get("Timeout", usual) for properties in functions().values())
    assert longest <= 900, "Lambda's own limit"
    for name, task in tasks(definition):
        assert task.get("TimeoutSeconds", 0) > longest, f"{name} needs TimeoutSeconds: 960"


@in_both
def test_an_instance_and_a_cluster_go_through_the_same_states_with_their_own_functions(
    definition: Definition,
) -> None:
    given = {
        kind: state["Result"]
        for name, state in states(definition)
        for kind in ("Instance", "Cluster")
        if name.endswith(kind.lower()) and "Result" in state
    }
    assert given["Cluster"] == {
        key: arn.replace("Instance", "Cluster") for key, arn in given["Instance"].items()
    }, "give a step one entry in InstanceFunctions and one in ClusterFunctions of the template"
    called = {
        task["Parameters"]["FunctionName.$"].removeprefix("$.functions.")
        for _, task in tasks(definition)
        if is_of_a_kind(task)
    }
    assert called == set(given["Instance"]), "a state calls what has no entry, or none calls one"


@pytest.mark.parametrize("machine", MACHINES)
def test_every_substitution_is_given_and_used(machine: str) -> None:
    assert set(re.findall(r"\$\{(\w+)\}", TEXTS[machine])) == set(substitutions(machine))


def test_the_machines_call_every_function_and_may_call_it() -> None:
    called = {}
    for machine, role in ROLES.items():
        called[machine] = set(re.findall(r"\w+Function\b", str(substitutions(machine))))
        policy = template()["Resources"][role]["Properties"]["Policies"][0]
        invoke = policy["PolicyDocument"]["Statement"][0]
        assert invoke["Action"] == "lambda:InvokeFunction"
        allowed = {arn.removesuffix(".Arn") for arn in invoke["Resource"]}
        assert allowed == called[machine], f"name what {machine} calls in {role}, and no other"
    # By its schedule, and by the hooks of a request, not by a machine's own states.
    assert set().union(*called.values()) == set(functions()) - {
        "LookAtLocksFunction",
        "SqlHookFunction",
    }


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("", True), ("cron(0 3 ? * SUN *)", True), ("at(2027-01-01T03:00:00)", True),
        ("rate(1 day)", False), ("cron()", False), ("daily", False),
    ],
)  # fmt: skip
def test_a_schedule_that_would_begin_when_it_is_deployed_is_refused(
    expression: str, *, taken: bool
) -> None:
    asked = template()["Parameters"]["ScheduleExpression"]
    assert bool(re.fullmatch(asked["AllowedPattern"], expression)) == taken
    assert "rate(...)" in asked["ConstraintDescription"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", True),
        ('{"identifier": "prod-db", "task": "db_restore", "isCluster": false}', True),
        ('{"task":"db_restore","overrides":{"DBName":"x"},"identifier":"A1"}', True),
        (f'{{"identifier": "{"a" * 63}"}}', True),
        (f'{{"identifier": "{"a" * 64}"}}', False),
        ('{"identifier": "prod db"}', False),
        ('{"identifier": ""}', False),
        ('{"identifier":\n"prod-db"}', False),
        ('{"identifier": "prod-db",\t"task": "db_restore"}', False),
        ('{"identifier": "prod-db", "requester": "me"}', False),
        ('{"requester": "identifier", "identifier": "prod-db"}', False),
        ('{"task": "db_restore"}', False),
    ],
)
def test_an_input_of_the_schedule_whose_executions_could_not_be_named_is_refused(
    given: str, *, taken: bool
) -> None:
    asked = template()["Parameters"]["ScheduleInput"]
    assert bool(re.fullmatch(asked["AllowedPattern"], given)) == taken


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
        if folder not in (
            "src/request/",
            "src/lock/",
            "src/inspect/",
            "src/notify/",
            "src/export/",
            "src/fleet/",
            "src/sql/",
        ):
            assert handlers == {"instance.handler", "cluster.handler"}, folder
    assert set(kinds) == {
        f"src/{path.name}/" for path in (ROOT / "src").iterdir() if list(path.glob("*.py"))
    }


@pytest.mark.parametrize("broken", [False, True])
def test_the_definitions_inlined_pass_cfn_lint(broken: bool) -> None:
    """cfn-lint does not look behind DefinitionUri; the broken ones show that it looks here."""
    # It takes seconds to import, in each worker.
    from cfnlint.api import lint_all

    resources = {name: inlined(machine, broken) for machine, name in MACHINES.items()}
    matches = lint_all(json.dumps({"Resources": resources}))
    found = {str(one.path[1]) for one in matches if one.rule.severity != "informational"}
    assert found == (set(resources) if broken else set()), matches


def inlined(machine: str, broken: bool) -> dict[str, Any]:
    """A state machine with its definition in the template, with a state of no type in a broken."""
    definition = re.sub(r"\$\{(\w+)\}", replaced, resolved(machine))
    # It may be an expression in JSONata (Developer Guide, "Task workflow state").
    definition = re.sub(r"TimeoutSeconds: >-\n +\{%.*%\}", "TimeoutSeconds: 60", definition)
    if broken:
        definition = definition.replace("Type: Choice", "Type: Choise")
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/states",
            "Definition": parse_yaml(definition),
        },
    }


def replaced(match: re.Match[str]) -> str:
    name = match.group(1)
    if name.endswith("FunctionArn"):
        return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    if name.endswith("StateMachineArn"):
        return f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}"
    if name == "DBRestoreExecutions":
        return "arn:aws:states:us-east-1:123456789012:execution:DBRestoreStateMachine"
    return {"Partition": "aws"}.get(name, "someone@example.com")
