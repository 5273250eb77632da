"""A hook of each sort in the local AWS, which do what `with` says, and what has become of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.commands import sample_hooks
from local.emulator.cloud import ACCOUNT, REGION

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Execution

FUNCTION, MACHINE = "mask", "inspect-data"
# What the stack lists, and a function that it does not.
PARAMETERS = {
    **sample_hooks.listed([FUNCTION]),
    "HookStateMachines": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{MACHINE}",
}
CODE = '''
import os
import time


class StillInProgress(Exception):
    pass


def handler(event, context):
    """Do what `with` says; `until` is the moment from which on it passes."""
    given = event["with"]
    do = given.get("do", "pass") if time.time() < given.get("until", 1e12) else "pass"
    if do == "raise":
        raise ValueError('the table "customers" is not there')
    if do == "go on":
        raise StillInProgress("3 of 10 statements")
    if do == "hang":
        time.sleep(10**6)
    if do == "die":
        os._exit(1)
    if do == "refuse":
        return {"passed": False, "reason": "customers has 0 rows"}
    if do == "answer":
        return "x" * given["length"]
    if do == "give":
        return given["answer"]
    return {"passed": True, "saw": event}
'''
STATES = {
    "StartAt": "What?",
    "States": {
        "What?": {"Type": "Choice", "Default": "Rest", "Choices": [
            {"Variable": "$.with.do", "IsPresent": False, "Next": "Pass"},
            {"Variable": "$.with.do", "StringEquals": "refuse", "Next": "Refuse"},
            {"Variable": "$.with.do", "StringEquals": "raise", "Next": "Fail"},
        ]},
        "Rest": {"Type": "Wait", "SecondsPath": "$.with.seconds", "Next": "Pass"},
        "Pass": {"Type": "Pass", "End": True, "Parameters": {"passed": True, "saw.$": "$"}},
        "Refuse": {"Type": "Pass", "End": True,
                   "Result": {"passed": False, "reason": "customers has 0 rows"}},
        "Fail": {"Type": "Fail", "Error": "Rejected", "Cause": "the audit is against it"},
    },
}  # fmt: skip


def make(cloud: App) -> None:
    """Let the account have both hooks."""
    role = sample_hooks.make_role(cloud, "hooks")
    sample_hooks.make_function(cloud, role, FUNCTION, CODE)
    cloud.client("stepfunctions").create_state_machine(
        name=MACHINE, definition=json.dumps(STATES), roleArn=role
    )


def hook(run: str = FUNCTION, **given: Any) -> dict[str, Any]:
    """A hook of a request; its own keys, and all else in `with`."""
    own = {key: given.pop(key) for key in ("timeoutMinutes", "repeatable") if key in given}
    return {"run": run, "with": given, **own}


def runs(cloud: App) -> list[Call]:
    """The calls that have run a hook."""
    return [call for call in cloud.calls if is_run(call)]


def is_run(call: Call) -> bool:
    """Whether a call runs a hook."""
    if call.operation == "Invoke":
        return str(call.parameters["FunctionName"]).endswith(f":{FUNCTION}")
    started = str(call.parameters.get("stateMachineArn"))
    return call.operation == "StartExecution" and started.endswith(f":{MACHINE}")


def ended(cloud: App) -> list[str]:
    """The names of the hooks that have run, as often as each has."""
    functions = [name for _, name, _ in cloud.functions.ends if name == FUNCTION]
    return functions + [MACHINE for _ in cloud.executions(PARAMETERS["HookStateMachines"])]


def history(cloud: App, name: str = "run") -> Execution:
    """The execution of the hooks of a restore, by the restore's name."""
    machine = cloud.physical_id("HooksStateMachine").replace(":stateMachine:", ":execution:")
    return cloud.wait(f"{machine}:{name}")


def of_the_machine(cloud: App, name: str = "1-run") -> Execution:
    """The execution of the hook that is a state machine."""
    assert cloud.executions(PARAMETERS["HookStateMachines"]), "the machine was not started"
    machine = PARAMETERS["HookStateMachines"].replace(":stateMachine:", ":execution:")
    return cloud.wait(f"{machine}:{name}")
