"""Hooks: what a request may say of them, what its names stand for, what they are told of a copy."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from trapheus.configuration.backup_window import require_no_backup_soon
from trapheus.execution import lock
from trapheus.execution.constants import COPY, FINISH, RESTORE_FIRST, SQL
from trapheus.execution.exceptions import HookNotAllowed, TrapheusError, refused, shown
from trapheus.sql_hook import check_with

if TYPE_CHECKING:
    from trapheus.rds.access import Description

Hook = dict[str, Any]

MOST_HOOKS = 5
# Of all `with` together, and of all that a request's hooks may last.
MOST_BYTES = 8 * 1024
MOST_MINUTES = 24 * 60
USUAL_MINUTES = 60
KEYS = ("run", "with", "timeoutMinutes", "repeatable")
FUNCTION, STATE_MACHINE = "function", "stateMachine"
EXAMPLE = '[{"run": "mask", "with": {"rules": "strict"}, "timeoutMinutes": 60}]'


def check_hooks(hooks: list[Any], strategy: str) -> None:
    """Refuse hooks that are none, too many or too large, and those that would come too late."""
    if not hooks:
        return
    if strategy not in (RESTORE_FIRST, COPY):
        raise refused(
            "beforeSwap works on a copy that nobody reaches yet, and what the strategy"
            f" {strategy} restores is reached at once: set the strategy to {RESTORE_FIRST}, or name"
            " a targetIdentifier."
        )
    if len(hooks) > MOST_HOOKS:
        raise refused(f"beforeSwap takes at most {MOST_HOOKS} hooks, not {len(hooks)}.")
    for hook in hooks:
        check_one(hook)
    size = sum(len(json.dumps(hook.get("with", {}), ensure_ascii=False).encode()) for hook in hooks)
    if size > MOST_BYTES:
        raise refused(
            f"The hooks' with may have {MOST_BYTES} bytes together, not {size}: put it into S3, and"
            " hand the hook its name."
        )
    minutes = sum(hook.get("timeoutMinutes", USUAL_MINUTES) for hook in hooks)
    if minutes > MOST_MINUTES:
        raise refused(
            f"The hooks' timeoutMinutes may be {MOST_MINUTES} together, a day, not {minutes}."
        )


def check_one(hook: Any) -> None:
    """Refuse a hook with a key or a value that it cannot have."""
    if not isinstance(hook, dict):
        raise refused(f"beforeSwap must be a list such as {EXAMPLE}, without {shown(hook)}.")
    for key in hook:
        if key not in KEYS:
            raise refused(f"A hook has no {shown(key)}: use {', '.join(KEYS)}.")
    run, minutes = hook.get("run"), hook.get("timeoutMinutes", USUAL_MINUTES)
    if not isinstance(run, str) or not run:
        raise refused(f"Each hook must say what to run, such as those of {EXAMPLE}.")
    if not isinstance(hook.get("with", {}), dict):
        raise refused(f"The with of the hook {shown(run)} must be an object.")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 1:
        raise refused(
            f"The timeoutMinutes of the hook {shown(run)} must be a whole number from 1 to"
            f" {MOST_MINUTES}, not {shown(minutes)}."
        )
    if not isinstance(hook.get("repeatable", False), bool):
        raise refused(f"The repeatable of the hook {shown(run)} must be true or false.")


def resolved(hooks: list[Hook]) -> list[Hook]:
    """The hooks with their defaults, each with the ARN that its name stands for in this stack.

    It has the key `function` or `stateMachine`, by which the state machine of the hooks runs it.
    """
    return [
        {
            "run": hook["run"],
            **dict([found(hook)]),
            "with": hook.get("with", {}),
            "timeoutMinutes": hook.get("timeoutMinutes", USUAL_MINUTES),
            "repeatable": hook.get("repeatable", False),
        }
        for hook in hooks
    ]


def found(hook: Hook) -> tuple[str, str]:
    """What a hook runs, and its ARN; refused where the stack has none, or several, of the name."""
    run, sql = hook["run"], os.environ["SQL_HOOK"]
    functions, machines = listed("HOOK_FUNCTIONS"), listed("HOOK_STATE_MACHINES")
    known = [(SQL, FUNCTION, sql)] if sql else []
    known += [(arn.partition(":function:")[2], FUNCTION, arn) for arn in functions]
    known += [(arn.partition(":stateMachine:")[2], STATE_MACHINE, arn) for arn in machines]
    matching = list(dict.fromkeys((kind, arn) for name, kind, arn in known if name == run))
    if not matching:
        raise not_allowed(run, [name for name, _, _ in known])
    if len(matching) > 1:
        raise refused(
            f"The hook {shown(run)} stands for {' and for '.join(arn for _, arn in matching)}: give"
            " one of them another name in the stack's HookFunctions or HookStateMachines."
        )
    kind, arn = matching[0]
    if kind == STATE_MACHINE and hook.get("repeatable"):
        raise refused(
            f"The hook {shown(run)} is a state machine, whose end is always known: leave repeatable"
            " out."
        )
    if arn == sql:
        check_with(hook.get("with", {}), os.environ["SQL_BUCKET"])
    return kind, arn


def listed(variable: str) -> list[str]:
    """The ARNs that a parameter of the stack has."""
    return re.findall(r"[^,\s]+", os.environ[variable])


def not_allowed(run: str, known: list[str]) -> TrapheusError:
    """The error for what the stack does not list."""
    if run == SQL:
        why = "set the stack's parameter SqlHook to true"
    else:
        those = f"use {', '.join(known)}, or " if known else ""
        why = f"{those}add its ARN to the stack's parameter HookFunctions or HookStateMachines"
    return HookNotAllowed(f"This stack may not run the hook {shown(run)}: {why}.", step="request")


def require_ready(event: dict[str, Any], found: Description) -> None:
    """Let the hooks work on a verified copy, or, where none are asked for, its swap begin.

    Behind the hooks no request is handed over. A copy under a target stays from then on: clients
    may write to it.
    """
    if event.get("request", {}).get("beforeSwap"):
        lock.require(event)
    elif event["plan"]["strategy"] == RESTORE_FIRST:
        require_no_backup_soon(found, event["plan"]["restoredAs"])
    else:
        lock.require({**event, "phase": FINISH})


def instance_connection(found: Description, request: dict[str, Any]) -> dict[str, Any]:
    """What a hook is told of an instance, with the request's secret where RDS manages none."""
    return {
        "identifier": found["DBInstanceIdentifier"],
        "kind": "instance",
        "endpoint": found.get("Endpoint", {}).get("Address"),
        "port": found.get("Endpoint", {}).get("Port"),
        "databaseName": found.get("DBName"),
        "resourceId": found["DbiResourceId"],
        **common(found, request),
    }


def cluster_connection(found: Description, request: dict[str, Any]) -> dict[str, Any]:
    """What a hook is told of a cluster, by its writer, with the secret likewise."""
    return {
        "identifier": found["DBClusterIdentifier"],
        "kind": "cluster",
        "endpoint": found.get("Endpoint"),
        "port": found.get("Port"),
        # Shown as "" where there is none.
        "databaseName": found.get("DatabaseName") or None,
        "resourceId": found["DbClusterResourceId"],
        **common(found, request),
    }


def common(found: Description, request: dict[str, Any]) -> dict[str, Any]:
    """What both kinds show alike."""
    managed = found.get("MasterUserSecret", {}).get("SecretArn")
    return {
        "engine": found["Engine"],
        "engineVersion": found["EngineVersion"],
        "masterUsername": found.get("MasterUsername"),
        "masterUserSecret": managed or request.get("masterUserSecret") or None,
    }
