"""Functions that requests run as hooks: an event names those of events/hooks, a test its own."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from local.commands.app import ROOT
from local.emulator.cloud import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.commands.app import App

FOLDER = ROOT / "events" / "hooks"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole",
     "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}},
]}  # fmt: skip


def named(request: Any) -> list[str]:
    """Those of events/hooks that a request names."""
    given = request.get("beforeSwap", []) if isinstance(request, dict) else []
    asked = [one.get("run") for one in given if isinstance(one, dict)]
    return [path.stem for path in sorted(FOLDER.glob("*.py")) if path.stem in asked]


def listed(names: Iterable[str]) -> dict[str, str]:
    """The parameter of the stack that lets requests name these functions."""
    arns = [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" for name in names]
    return {"HookFunctions": ",".join(arns)}


def make(cloud: App, names: Iterable[str]) -> None:
    """Let the account have these of events/hooks."""
    for name in names:
        make_function(
            cloud, make_role(cloud, f"hook-{name}"), name, (FOLDER / f"{name}.py").read_text()
        )


def make_role(cloud: App, name: str) -> str:
    """A role for functions and state machines, which may do nothing; its ARN."""
    made = cloud.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    return str(made["Role"]["Arn"])


def make_function(cloud: App, role: str, name: str, code: str) -> None:
    """A function, whose handler is `handler`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hook.py", code)
    cloud.client("lambda").create_function(
        FunctionName=name, Runtime="python3.13", Role=role, Handler="hook.handler",
        Code={"ZipFile": archive.getvalue()}, Timeout=300,
    )  # fmt: skip
