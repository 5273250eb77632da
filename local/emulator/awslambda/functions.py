"""Lambda functions: the deployed handlers, run in processes that speak the Lambda Runtime API."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import queue
import random
import socket
import subprocess
import sys
import threading
import uuid
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaBackend

from local.emulator.awslambda.environment import RUNTIME
from local.emulator.clock import Cancelled, Clock, Participant

# Past this a handler that computes without end, asking AWS nothing, is taken for timed out.
REAL_LIMIT = 60.0
# Taken over from this process; everything else an environment gets is Lambda's own.
INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
NOWHERE = {
    # No profile of whoever runs this may reach a function.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


# Method, path with its query, headers, body; status, headers, body.
Request = tuple[str, str, dict[str, str], bytes]
Answer = tuple[int, dict[str, str], bytes]


# Until an inactive function can be invoked again, seconds. [fact: functions-become-inactive]
SETTING_UP = 106.0


class CallerKilled(Exception):
    """The function that made a call is dead; there is nobody to answer."""


class Gone(Exception):
    """An environment that waits for work gets none any more."""


@dataclass(frozen=True)
class Log:
    """What an invocation wrote to its standard output and error."""

    time: float
    function: str
    request_id: str
    text: str


@dataclass(frozen=True)
class Invocation:
    """An invocation as listeners see it: `error` is the error's type, "" when there is none."""

    function: str
    request_id: str
    event: Any
    cold: bool
    answer: Any = None
    error: str = ""


@dataclass
class Work:
    """An invocation under way."""

    request_id: str
    event: bytes
    arn: str
    deadline: float
    timeout: float
    participant: Participant
    done: threading.Event = field(default_factory=threading.Event)
    answer: bytes = b""
    failed: bool = False

    def finish(self, answer: bytes, *, failed: bool) -> None:
        """Take the first answer; what comes later is too late."""
        if not self.done.is_set():
            self.answer, self.failed = answer, failed
            self.done.set()

    def fail(self, error_type: str, message: str) -> None:
        """End as Lambda itself ends an invocation whose runtime gave no answer."""
        text = f"RequestId: {self.request_id} {message}"
        answer = {"errorType": error_type, "errorMessage": text}
        self.finish(json.dumps(answer).encode(), failed=True)


class Environment:
    """One execution environment: a process, and what it works on."""

    def __init__(self, number: int, function: str, role: str, plan: str, log: Path) -> None:
        self.number = number
        self.function = function
        self.role = role
        self.plan = plan
        self.log = log
        self.fresh = True  # not yet started, in virtual time
        self.init_error = b""  # with which it has ended, maybe before it has any work
        self.alive = True
        self.work: Work | None = None
        self.waiting: queue.Queue[Work | None] = queue.Queue()
        self._read = 0

    def written(self) -> str:
        """Return what it has written since the last look."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        self._read += len(text)
        return text.decode("utf-8", "replace")


class Functions:
    """All execution environments of one emulated AWS.

    answer: what AWS says to a call of an environment.
    """

    def __init__(
        self,
        clock: Clock,
        costs: Mapping[str, float],
        answer: Callable[[Environment, Request], Answer | None],
        host: str,
        folder: Path,
        *,
        seed: int,
        warm: bool,
        notify: Callable[[str, str, Any], None],
    ) -> None:
        self.logs: list[Log] = []
        # Of each invocation when it began, the function's name, and whether it failed.
        self.ends: list[tuple[float, str, bool]] = []
        # What the names of the functions have in common that nobody has called for weeks, in a VPC:
        # they are inactive when they are invoked. "" stands for all, None for none.
        self.idle: str | None = None
        self._set_up: dict[str, float] = {}  # when each is active again
        self._clock, self._costs, self._host, self._folder = clock, costs, host, folder
        self._answer = answer
        self._seed, self._warm, self._notify = seed, warm, notify
        self._random = random.Random(seed)
        self._environments: dict[int, Environment] = {}
        self._folders: dict[bytes, Path] = {}
        self._lock = threading.Lock()
        self._orders, theirs = socket.socketpair()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "local.emulator.awslambda.environment", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[3],
            env=os.environ | NOWHERE,
            start_new_session=True,  # Ctrl-C is for the emulator, which ends it in order
        )
        theirs.close()
        self._reader = threading.Thread(target=self._hear_of_deaths, daemon=True)
        self._reader.start()

    def close(self) -> None:
        """End every process."""
        for environment in list(self._environments.values()):
            environment.waiting.put(None)
        self._orders.shutdown(socket.SHUT_WR)
        self._parent.wait(REAL_LIMIT)
        self._reader.join()
        self._orders.close()

    def reset(self) -> None:
        """End what runs and make all environments cold, between the clock's cancel and reset."""
        for environment in list(self._environments.values()):
            if work := environment.work:
                self.kill(environment)
                work.fail("Runtime.ExitError", "Error: the emulator was reset")
            environment.fresh = True
        self._random = random.Random(self._seed)
        self.logs.clear()
        self.ends.clear()
        self.idle = None
        self._set_up.clear()

    # Invoking

    def not_ready(self, name: str) -> tuple[str, str] | None:
        """The error of an invocation while the function is no longer, or not yet again, active."""
        if self.idle is None or self.idle not in name:
            return None
        now = self._clock.now()
        if name not in self._set_up:
            self._set_up[name] = now + SETTING_UP
            return "ResourceNotReadyException", (
                "The function is inactive and its VPC connection is no longer available. Wait for"
                " the VPC connection to reestablish and try again."
            )
        if now < self._set_up[name]:
            return "ENINotReadyException", (
                "Lambda couldn't invoke the Lambda function because the elastic network interface"
                " (ENI) configured for its VPC connection isn't ready yet. Wait a few moments and"
                " try the request again."
            )
        return None

    def invoke(self, function: Any, layers: list[bytes], event: bytes) -> tuple[bytes, bool]:
        """Run the handler of moto's `function`; return its answer, and whether that is an error."""
        began = self._clock.now()
        environment = self._take(function, layers)
        cold, environment.fresh = environment.fresh, False
        name = environment.function
        work = Work(
            request_id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            event=event,
            arn=function.function_arn,
            deadline=0.0,
            timeout=float(function.timeout),
            participant=self._clock.acting(),
        )
        environment.work = work
        if environment.init_error:
            work.finish(environment.init_error, failed=True)
        elif not environment.alive:
            work.fail("Runtime.ExitError", "Error: Runtime exited before its first invocation")
        seen = Invocation(name, work.request_id, _parsed(event), cold)
        self._notify("function invoked", name, seen)
        self._clock.sleep(self._costs["cold_start" if cold else "warm_start"])
        work.deadline = round(self._clock.now() + work.timeout, 6)
        environment.waiting.put(work)
        if not work.done.wait(REAL_LIMIT):
            self._time_out(environment, work)
        self._log(environment, work)
        self.ends.append((began, str(function.function_name), work.failed))
        environment.work = None
        if not self._warm:
            self.kill(environment)
        answer = _parsed(work.answer)
        error = str(answer.get("errorType", "")) if work.failed and isinstance(answer, dict) else ""
        outcome = Invocation(name, work.request_id, seen.event, cold, answer, error)
        self._notify("function answered", name, outcome)
        return work.answer, work.failed

    def _log(self, environment: Environment, work: Work) -> None:
        if text := environment.written():
            now = self._clock.now()
            self.logs.append(Log(now, environment.function, work.request_id, text))

    def _take(self, function: Any, layers: list[bytes]) -> Environment:
        """Find an idle environment of this function, a warm one first, or order a new one."""
        name = getattr(function, "logical_resource_id", None) or function.function_name
        paths = [str(self._unpacked(function.code_bytes))]
        paths += [str(self._unpacked(layer) / "python") for layer in layers]
        variables = self._variables(function, paths[0])
        role = str(function.role)
        plan = json.dumps([function.function_arn, role, function.handler, paths, variables])
        with self._lock:
            idle = [
                environment
                for environment in self._environments.values()
                if environment.plan == plan and environment.alive and not environment.work
            ]
            if idle:
                return min(idle, key=lambda environment: (environment.fresh, environment.number))
            number = len(self._environments) + 1
            log = self._folder / f"environment-{number}.log"
            environment = self._environments[number] = Environment(number, name, role, plan, log)
        ours, theirs = socket.socketpair()
        self._order(
            theirs,
            number=number,
            handler=function.handler,
            paths=paths,
            log=str(log),
            now=self._clock.now(),
            variables=variables,
        )
        theirs.close()
        threading.Thread(
            target=self._converse, args=(environment, Connection(ours.detach())), daemon=True
        ).start()
        return environment

    def _variables(self, function: Any, folder: str) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {str(name): str(value) for name, value in function.environment_vars.items()}
        given = {
            "AWS_ACCESS_KEY_ID": "local",  # its channel tells who calls
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ENDPOINT_URL": f"http://{self._host}",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": folder,
            "TZ": ":UTC",
            "_HANDLER": function.handler,
        }
        return inherited | own | NOWHERE | given

    def _unpacked(self, archive: bytes) -> Path:
        if archive in self._folders:
            return self._folders[archive]
        folder = self._folder / hashlib.sha256(archive).hexdigest()[:16]
        with self._lock:
            if not folder.exists():
                with zipfile.ZipFile(io.BytesIO(archive)) as contents:
                    contents.extractall(folder)
        self._folders[archive] = folder
        return folder

    # Time, and death

    def spend(self, environment: Environment, seconds: float) -> None:
        """Let a function's time pass; at its deadline it is killed, as Lambda does it."""
        work = environment.work
        if work is None or not environment.alive:
            raise CallerKilled
        left = round(work.deadline - self._clock.now(), 6)
        self._clock.sleep(min(seconds, left))
        if seconds >= left:
            self._time_out(environment, work)
            raise CallerKilled

    def _time_out(self, environment: Environment, work: Work) -> None:
        self.kill(environment)
        work.fail("Sandbox.Timedout", f"Error: Task timed out after {work.timeout:.2f} seconds")

    def crash(self, environment: Environment) -> None:
        """Kill a function in the midst of its work, as a fault does."""
        self.kill(environment)
        if environment.work:
            environment.work.fail(
                "Runtime.ExitError", "Error: Runtime exited with error: signal: killed"
            )

    def kill(self, environment: Environment) -> None:
        """Kill an environment's process."""
        if environment.alive:
            environment.alive = False
            environment.waiting.put(None)
            self._order(kill=environment.number)

    def _order(self, *ends: socket.socket, **order: Any) -> None:
        with self._lock:
            line = json.dumps(order).encode() + b"\n"
            sent = socket.send_fds(self._orders, [line], [end.fileno() for end in ends])
            self._orders.sendall(line[sent:])

    def _hear_of_deaths(self) -> None:
        with self._orders.makefile("rb") as news:
            for line in news:
                death = json.loads(line)
                environment = self._environments[death["died"]]
                if not environment.alive:
                    continue  # whoever killed it says why
                environment.alive = False
                environment.waiting.put(None)
                if environment.work:
                    ending = _ending(death["status"])
                    environment.work.fail(
                        "Runtime.ExitError", f"Error: Runtime exited with error: {ending}"
                    )

    # What an environment says

    def _converse(self, environment: Environment, connection: Connection) -> None:
        """Answer an environment until it is gone, or given up."""
        with connection, suppress(EOFError, OSError, Gone):
            while True:
                answer = self._hear(environment, pickle.loads(connection.recv_bytes()))
                told = None if answer is None else (self._clock.now(), *answer)
                connection.send_bytes(pickle.dumps(told))

    def _hear(self, environment: Environment, request: Request) -> Answer | None:
        method, path, _, body = request
        try:
            if method == RUNTIME:
                return self._answer_runtime(environment, path, body)
            if environment.work is None:
                return None
            with self._clock.on_behalf(environment.work.participant):
                return self._answer(environment, request)
        except (Cancelled, CallerKilled):
            return None

    def _answer_runtime(self, environment: Environment, path: str, body: bytes) -> Answer:
        """The Lambda Runtime API, and sleep."""
        work = environment.work
        if path.endswith("/invocation/next"):
            return self._next(environment)
        if path == "/sleep":
            with self._clock.on_behalf(work.participant if work else None):
                self.spend(environment, float(body))
            return 200, {}, b""
        if path.endswith("/init/error"):
            environment.init_error = body
            if work is None:
                return 202, {}, b""
        if work is None or not environment.alive:
            raise CallerKilled
        work.finish(body, failed=path.endswith("/error"))
        return 202, {}, b""

    def _next(self, environment: Environment) -> Answer:
        work = environment.waiting.get()
        if work is None:
            raise Gone
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": work.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(work.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": work.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(work.deadline):08x}-{'0' * 24};Sampled=0",
        }
        return 200, headers, work.event


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text or b"null")
    except ValueError:
        return text.decode("utf-8", "replace")


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal: {-code}" if code < 0 else f"exit status {code}"


def backend(functions: Functions, clock: Clock) -> type:
    """Make the Lambda backend that moto looks up, with functions that really run."""

    class RunningLambdaBackend(LambdaBackend):  # type: ignore[misc]
        def has_function(self, name: str) -> bool:
            """Tell whether there is a function of this name or ARN."""
            try:
                return bool(self.get_function(name, None))
            except UnknownFunctionException:
                return False

        def invoke(
            self,
            function_name: str,
            qualifier: str | None,
            body: bytes | str,
            headers: Mapping[str, str],
            response_headers: dict[str, str],
        ) -> bytes:
            function = self.get_function(function_name, qualifier)
            layers = [self.layers_versions_by_arn(one["Arn"]).code_bytes for one in function.layers]
            event = body.encode() if isinstance(body, str) else body

            def invoke() -> tuple[bytes, bool]:
                return functions.invoke(function, layers, event or b"{}")

            if headers.get("X-Amz-Invocation-Type") == "Event":
                clock.Thread(target=invoke, name=function_name).start()
                return b""
            if headers.get("X-Amz-Invocation-Type") == "DryRun":
                return b""
            answer, failed = clock.as_participant(invoke)
            if failed:
                response_headers["x-amz-function-error"] = "Unhandled"
            return answer

    return RunningLambdaBackend
