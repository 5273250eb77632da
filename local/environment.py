"""Execution environments: Lambda's Python runtime in processes forked from one warm parent."""

from __future__ import annotations

import functools
import gc
import http.client
import json
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

NOW = "x-virtual-time"
# Their models take longest to read; every function would read them again.
WARM_CLIENTS = ("dynamodb", "kms", "rds", "sesv2", "stepfunctions")


def parse_headers(
    file: Any, _class: type[http.client.HTTPMessage] = http.client.HTTPMessage
) -> http.client.HTTPMessage:
    """Read headers as http.client does, in a seventh of the time: none is more than a line."""
    message = _class()
    while (line := file.readline(1 << 16)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        message[name] = value.strip()
    return message


def read_time(value: Any) -> datetime:
    """Read a time as botocore does, the ISO 8601 of RDS in a tenth of the time."""
    from botocore.utils import parse_timestamp  # noqa: PLC0415

    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)


def name_caller(auth: Any, request: Any) -> None:
    """Sign as botocore does, but for the signature, which the emulator does not look at."""
    from botocore.auth import SIGV4_TIMESTAMP, get_current_datetime  # noqa: PLC0415

    request.context["timestamp"] = get_current_datetime().strftime(SIGV4_TIMESTAMP)
    auth._modify_request_before_signing(request)
    request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}"


def spare_repeated_work(repairs: ExitStack) -> None:
    """Take a quarter off what the SDK computes for a call to the emulator."""
    from botocore import auth, parsers, useragent  # noqa: PLC0415

    sanitized = functools.cache(useragent.sanitize_user_agent_string_component)
    for owner, name, replacement in (
        (auth.SigV4Auth, "add_auth", name_caller),
        (http.client, "parse_headers", parse_headers),
        (parsers, "DEFAULT_TIMESTAMP_PARSER", read_time),
        (useragent, "sanitize_user_agent_string_component", sanitized),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))


class Runtime:
    """The environment's side of the Lambda Runtime API, on one kept connection.

    It stands in for awslambdaric's own client, which has a C extension and leaves real time on.
    """

    def __init__(self, host: str, prefix: str) -> None:
        from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller  # noqa: PLC0415

        self.marshaller = LambdaMarshaller()
        self._connection = http.client.HTTPConnection(host)
        self._prefix = prefix

    def _ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, self._prefix + path, body, given)
        answer = self._connection.getresponse()
        return SimpleNamespace(headers=answer.headers, body=answer.read())

    def wait_next_invocation(self) -> Any:
        """Fetch the next event, once there is one."""
        answer = self._ask("GET", "/2018-06-01/runtime/invocation/next")
        headers = answer.headers
        random.seed(headers["Lambda-Runtime-Aws-Request-Id"])  # botocore's jitter, repeatable
        return SimpleNamespace(
            invoke_id=headers["Lambda-Runtime-Aws-Request-Id"],
            x_amzn_trace_id=headers["Lambda-Runtime-Trace-Id"],
            invoked_function_arn=headers["Lambda-Runtime-Invoked-Function-Arn"],
            deadline_time_in_ms=int(headers["Lambda-Runtime-Deadline-Ms"]),
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=answer.body,
            invocation_id=None,
        )

    def post_invocation_result(
        self, invoke_id: str, result_data: str | bytes, *_: Any, **__: Any
    ) -> None:
        """Hand the handler's result in."""
        body = result_data if isinstance(result_data, bytes) else result_data.encode()
        self._ask("POST", f"/2018-06-01/runtime/invocation/{invoke_id}/response", body)

    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, *_: Any, **__: Any
    ) -> None:
        """Hand the handler's exception in."""
        body = error_response_data.encode()
        self._ask("POST", f"/2018-06-01/runtime/invocation/{invoke_id}/error", body)

    def post_init_error(self, error_response_data: Any, *_: Any) -> None:
        """Tell that the handler could not be loaded."""
        self._ask(
            "POST", "/2018-06-01/runtime/init/error", json.dumps(error_response_data).encode()
        )

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time."""
        self._ask("POST", "/sleep", repr(float(seconds)).encode())


def _follow_virtual_time(now: float) -> None:
    """Show virtual time in this process, moved on by every answer that it gets."""
    import time_machine  # noqa: PLC0415 - the warm parent itself lives in real time

    traveller = time_machine.travel(now, tick=False).start()
    told = http.client.HTTPConnection.getresponse

    @functools.wraps(told)
    def getresponse(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        answer = told(connection)
        if moved := answer.getheader(NOW):
            traveller.move_to(float(moved))
        return answer

    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[assignment,method-assign]


def _become_environment(order: dict[str, Any]) -> None:
    """Turn the forked process into an execution environment, and serve until told to stop."""
    from awslambdaric import bootstrap  # noqa: PLC0415 - imported in the parent before the fork

    os.environ.clear()
    os.environ.update(order["variables"])
    output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(order["paths"][0])
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    elsewhere = [path for path in sys.path if os.path.abspath(path) != here]
    sys.path[:] = order["paths"] + elsewhere
    _follow_virtual_time(order["now"])
    runtime = Runtime(order["host"], order["prefix"])
    time.sleep = runtime.sleep  # type: ignore[assignment]
    bootstrap.run(order["handler"], runtime)


def _in_child(work: Callable[[], None]) -> None:
    """Do `work` and end the process, whatever it raises, without the parent's clean-up."""
    status = 1
    try:
        work()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    except (ConnectionError, http.client.HTTPException):
        status = 0  # the emulator is gone, or has given this environment up
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class Nursery:
    """The warm parent: forks an environment for each order that comes in, and reaps it."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._children: dict[int, int] = {}  # process id -> environment's number
        self._bell, bell = socket.socketpair()
        for end in (self._bell, bell):
            end.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        self._ringing = bell
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Take orders until the emulator hangs up, then end every child."""
        rest = b""
        while True:
            ready, _, _ = select.select([self._orders, self._bell], [], [])
            if self._bell in ready:
                self._bell.recv(4096)
                self._reap()
            if self._orders in ready:
                received = self._orders.recv(1 << 16)
                if not received:
                    break
                *lines, rest = (rest + received).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
        signal.set_wakeup_fd(-1)
        for process in self._children:
            os.kill(process, signal.SIGKILL)
        for process in self._children:
            os.waitpid(process, 0)
        self._bell.close()
        self._ringing.close()

    def _obey(self, order: dict[str, Any]) -> None:
        if "kill" in order:
            for process, number in self._children.items():
                if number == order["kill"]:
                    os.kill(process, signal.SIGKILL)
            return
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self._orders, self._bell, self._ringing):
                end.close()
            _in_child(lambda: _become_environment(order))
        self._children[process] = order["number"]

    def _reap(self) -> None:
        while self._children:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            death = {"died": self._children.pop(process), "status": status}
            self._orders.sendall(json.dumps(death).encode() + b"\n")


def main() -> None:
    """Import what the runtime has, then serve on the socket whose number is the argument."""
    import aws_lambda_powertools  # noqa: F401, PLC0415 - for the children
    import awslambdaric.bootstrap  # noqa: F401, PLC0415
    import boto3  # noqa: PLC0415
    import time_machine  # noqa: F401, PLC0415

    spare_repeated_work(ExitStack())  # for as long as this process lives
    make_client: Callable[..., Any] = boto3.client
    for service in WARM_CLIENTS:
        make_client(
            service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-"
        )
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        Nursery(orders).serve()


if __name__ == "__main__":
    main()
