"""Execution environments: Lambda's Python runtime in processes forked from one warm parent."""

from __future__ import annotations

import gc
import io
import json
import os
import pickle
import random
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
import time_machine
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from botocore import auth, parsers, useragent
from botocore.auth import SIGV4_TIMESTAMP
from botocore.awsrequest import AWSResponse
from botocore.compat import get_current_datetime
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from botocore.utils import parse_timestamp

RUNTIME = "RUNTIME"
READ_XML: Callable[..., Any] = vars(parsers.QueryParser)["_parse_body_as_xml"]

# Their models take longest to read; every function would read them again.
WARM_CLIENTS = ("dynamodb", "kms", "rds", "sesv2", "stepfunctions")


class Raw(io.BytesIO):
    """The body of an answer as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Give the body in one piece."""
        yield self.read()


class Channel:
    """The way to the emulator: requests and answers on a socket pair, one at a time.

    request: method, path with its query, headers, body; the method RUNTIME is the Runtime API's.
    answer: the virtual time, status, headers and body, or None for one that never arrives.
    """

    def __init__(self, connection: Connection, follow: Callable[[float], None]) -> None:
        self._connection, self._follow = connection, follow
        self._busy = threading.Lock()

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes] | None:
        """Ask, and move this process's time on; ConnectionError when the emulator is gone."""
        with self._busy:
            try:
                self._connection.send_bytes(pickle.dumps((method, path, headers, body)))
                answer = pickle.loads(self._connection.recv_bytes())
            except EOFError as error:
                raise ConnectionResetError("the emulator is gone") from error
        if answer is None:
            return None
        now, *rest = answer
        self._follow(now)
        return tuple(rest)

    def send(self, request: Any) -> Any:
        """Send what botocore has prepared, in place of its HTTP session: real AWS is out of reach.

        ConnectionClosedError for an answer that never arrives.
        """
        answer = self.ask(*taken_apart(request))
        if answer is None:
            raise ConnectionClosedError(endpoint_url=request.url)
        status, told, content = answer
        headers: Any = told  # any mapping will do
        return AWSResponse(request.url, status, headers, Raw(content))


def taken_apart(request: Any) -> tuple[str, str, dict[str, str], bytes]:
    """A request of botocore's as method, path with its query, headers and body."""
    headers = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    place = urlsplit(request.url)
    # S3's clients have the bucket in the host's name.
    bucket, is_bucket, _ = (place.hostname or "").rpartition(".localhost")
    inside = f"/{bucket}{place.path}" if is_bucket else place.path or "/"
    path = f"{inside}?{place.query}" if place.query else inside
    return request.method, path, headers, body.encode() if isinstance(body, str) else body


def read_time(value: Any) -> datetime:
    """Read a time as botocore does, the ISO 8601 of RDS in a fortieth of the time."""
    try:
        if "T" in value:  # or a number written as text could pass for ISO 8601
            return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    return parse_timestamp(value)


def read_answer(
    self: parsers.QueryParser, response: Any, shape: Any, inject_metadata: bool = True
) -> Any:
    """Take what the emulator has read already for botocore, or read XML as botocore does."""
    body = response["body"]
    # No XML begins as a pickle does.
    if body[:1] == pickle.PROTO:
        return pickle.loads(body)
    return READ_XML(self, response, shape, inject_metadata)


def name_caller(signer: Any, request: Any) -> None:
    """Sign as botocore does, but for the signature, which the emulator does not look at."""
    request.context["timestamp"] = get_current_datetime().strftime(SIGV4_TIMESTAMP)
    signer._modify_request_before_signing(request)
    request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"


def spare_repeated_work(repairs: ExitStack) -> None:
    """Leave out what the SDK computes for a call and the emulator does not look at."""
    for owner, name, replacement in (
        (auth.SigV4Auth, "add_auth", name_caller),
        (parsers, "DEFAULT_TIMESTAMP_PARSER", read_time),
        (parsers.QueryParser, "_parse_body_as_xml", read_answer),
        (useragent.UserAgentString, "to_string", lambda _: "local"),
    ):
        repairs.enter_context(patch.object(owner, name, replacement))


class Runtime:
    """The environment's side of the Lambda Runtime API, on its channel.

    It stands in for awslambdaric's own client, which has a C extension and leaves real time on.
    """

    def __init__(self, channel: Channel) -> None:
        self.marshaller = LambdaMarshaller()
        self._channel = channel

    def _ask(self, path: str, body: bytes = b"") -> tuple[dict[str, str], bytes]:
        answer = self._channel.ask(RUNTIME, path, {}, body)
        if answer is None:
            raise ConnectionAbortedError("this environment has been given up")
        return answer[1:]

    def wait_next_invocation(self) -> Any:
        """Fetch the next event, once there is one."""
        headers, event = self._ask("/2018-06-01/runtime/invocation/next")
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
            event_body=event,
            invocation_id=None,
        )

    def post_invocation_result(
        self, invoke_id: str, result_data: str | bytes, *_: Any, **__: Any
    ) -> None:
        """Hand the handler's result in."""
        body = result_data if isinstance(result_data, bytes) else result_data.encode()
        self._ask(f"/2018-06-01/runtime/invocation/{invoke_id}/response", body)

    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, *_: Any, **__: Any
    ) -> None:
        """Hand the handler's exception in."""
        body = error_response_data.encode()
        self._ask(f"/2018-06-01/runtime/invocation/{invoke_id}/error", body)

    def post_init_error(self, error_response_data: Any, *_: Any) -> None:
        """Tell that the handler could not be loaded."""
        self._ask("/2018-06-01/runtime/init/error", json.dumps(error_response_data).encode())

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time."""
        self._ask("/sleep", repr(float(seconds)).encode())


def _become_environment(order: dict[str, Any], connection: Connection) -> None:
    """Turn the forked process into an execution environment, and serve until told to stop."""
    os.environ.clear()
    os.environ.update(order["variables"])
    output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(order["paths"][0])
    here = Path(__file__).resolve().parents[3]
    elsewhere = [path for path in sys.path if Path(path).resolve() != here]
    sys.path[:] = order["paths"] + elsewhere
    traveller = time_machine.travel(order["now"], tick=False).start()
    channel = Channel(connection, traveller.move_to)
    patch.object(URLLib3Session, "send", channel.send).start()
    runtime = Runtime(channel)
    time.sleep = runtime.sleep  # type: ignore[assignment]
    bootstrap.run(order["handler"], runtime)


def _in_child(work: Callable[[], None]) -> None:
    """Do `work` and end the process, whatever it raises, without the parent's clean-up."""
    status = 1
    try:
        work()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    except ConnectionError:
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
        rest, waiting = b"", list[int]()
        while True:
            ready, _, _ = select.select([self._orders, self._bell], [], [])
            if self._bell in ready:
                self._bell.recv(4096)
                self._reap()
            if self._orders in ready:
                received, ends, _, _ = socket.recv_fds(self._orders, 1 << 16, 64)
                if not received:
                    break
                waiting += ends
                *lines, rest = (rest + received).split(b"\n")
                for line in lines:
                    order = json.loads(line)
                    if "kill" in order:
                        self._kill(order["kill"])
                    else:
                        self._fork(order, Connection(waiting.pop(0)))
        signal.set_wakeup_fd(-1)
        for process in self._children:
            os.kill(process, signal.SIGKILL)
        for process in self._children:
            os.waitpid(process, 0)
        self._bell.close()
        self._ringing.close()

    def _kill(self, number: int) -> None:
        for process, its_number in self._children.items():
            if its_number == number:
                os.kill(process, signal.SIGKILL)

    def _fork(self, order: dict[str, Any], connection: Connection) -> None:
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self._orders, self._bell, self._ringing):
                end.close()
            _in_child(lambda: _become_environment(order, connection))
        connection.close()
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
