"""An AWS in this process, behind one loopback port: one account and region, others on demand."""

from __future__ import annotations

import copy
import io
import json
import logging
import math
import os
import random
import re
import socket
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast
from unittest.mock import patch
from urllib.parse import unquote

import boto3
import time_machine
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda_simple import models as simple_lambda
from moto.core.base_backend import BackendDict
from moto.core.exceptions import AWSError
from moto.core.request import Request as MotoRequest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from moto.iam.models import get_account_id_from
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request

from local.emulator import deliveries, moto_repairs, rds_elsewhere, status_events
from local.emulator.authorization import Authorization, account_of, trusts
from local.emulator.awslambda import functions
from local.emulator.awslambda.environment import Raw, spare_repeated_work, taken_apart
from local.emulator.awslambda.functions import Environment, Functions
from local.emulator.calls import (
    Call,
    Credential,
    Fault,
    credential,
    error_answer,
    error_code,
    hung,
    killed,
    lost,
    read,
)
from local.emulator.clock import START, Cancelled, Clock
from local.emulator.cloudformation import deploy
from local.emulator.cloudwatch.watch import Watch
from local.emulator.deliveries import Delivery
from local.emulator.moto_services import MotoServices
from local.emulator.rds import Change, Rds
from local.emulator.rds.protocol.wire import pickle_answer, write_answer
from local.emulator.stepfunctions import interpreter, map_runs

if TYPE_CHECKING:
    from botocore.awsrequest import HTTPHeaders

    from local.emulator.volumes.real_volumes import RealVolumes

__all__ = ["Call", "Cloud", "Execution", "Fault", "Mail", "Notice", "hung", "killed", "lost"]

ACCOUNT = "123456789012"
REGION = "us-east-1"
COSTS = tomllib.loads((Path(__file__).parent / "costs.toml").read_text())
INTERPRETER_KEY = "ak"  # moto's interpreter signs all its calls with this access key
OUTSIDE_KEY = "outside"
UNSEEN_KEY = "unseen"
# Whoever is of another account says so in the access key: its number is enough for anybody.
KEY_OF_AN_ACCOUNT = re.compile(r"(?:[a-z]+-)?([0-9]{12})")
LENGTH = "content-length"
AROUND_RDS = {"iam", "kms", "s3"}  # what exports use
OF_FUNCTION = "trapheus.of_function"  # in a request's environ: it comes from a function
ROLE = "HTTP_" + interpreter.ROLE.upper().replace("-", "_")
MOTO_ACCOUNT = "HTTP_X_MOTO_ACCOUNT_ID"
# When Lambda tries an asynchronous invocation again whose function has failed (Lambda Developer
# Guide, "Error handling for asynchronous invocation"). [fact: lambda-asynchronous-retries]
ASYNCHRONOUS = (0, 60, 120)
NOBODY = "nobody"
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Mail:
    """An email that SES has taken."""

    time: float
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Notice:
    """Something that happened.

    kind: "execution started", "execution ended", "state entered", "state exited", "state failed",
    "state retried", "function invoked", "function answered", "database" or "mail".
    detail: respectively None, the status, the input, the output, {"error", "cause"}, how many
    retries so far, two Invocations, the RDS Change, the Mail.
    """

    time: float
    kind: str
    name: str
    execution: str = ""
    detail: Any = None


@dataclass(frozen=True)
class Execution:
    """How an execution stands, with its whole history as GetExecutionHistory tells it."""

    arn: str
    status: str
    error: str
    cause: str
    output: Any
    started: float
    stopped: float
    _tell: Callable[[], list[dict[str, Any]]] = field(repr=False, compare=False)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """What has happened until it is first asked for, which takes a while in a long one."""
        return self._tell()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; None for its body cuts the connection instead."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = b""


CUT = Answer(body=None)


class Cloud:
    """See the module. There can be one at a time in a process, since moto's state is global."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        warm: bool = True,
        account: Callable[[Rds, Cloud], object] | None = None,
        data: bool = False,
    ) -> None:
        self.calls: list[Call] = []
        self.mails: list[Mail] = []
        self.faults: list[Callable[[Call], Fault | None]] = []
        self.listeners: list[Callable[[Notice], None]] = []
        # Step Functions delivers its events at best effort. [fact: status-event-best-effort]
        self.loses_events = False
        # Whether Scheduler tries again under another execution-id. [fact: keywords-of-a-schedule]
        self.renews_ids = False
        self._port, self._seed, self._warm, self._account = port, seed, warm, account
        # What really holds the databases' data; None where nothing does.
        self.volumes: RealVolumes | None = None
        self._has_data = data
        self._random = random.Random(seed)
        self._authorizations: dict[str, Authorization] = {}
        self._other_services: dict[str, MotoServices] = {}
        self.authorization = self.authorization_of(ACCOUNT)
        self._closing = ExitStack()
        self._awaited: dict[str, threading.Event] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._waited_for = ""
        self.stack, self._stacks_account = "", ACCOUNT

    def __enter__(self) -> Self:
        if not ONE_AT_A_TIME.acquire(blocking=False):
            raise RuntimeError("another Cloud is open in this process, and moto's state is global")
        with ExitStack() as closing:
            closing.callback(ONE_AT_A_TIME.release)
            self._open(closing)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # Up and down

    def _open(self, closing: ExitStack) -> None:
        listening = socket.create_server(("127.0.0.1", self._port))
        port = listening.getsockname()[1]
        self.host = f"localhost:{port}"
        self.endpoint = f"http://{self.host}"
        # moto's interpreter wants the port, samtranslator the region, and neither a user's profile.
        own = {"MOTO_PORT": str(port), "AWS_DEFAULT_REGION": REGION, **functions.NOWHERE}
        closing.enter_context(patch.dict(os.environ, own))
        os.environ.pop("AWS_PROFILE", None)
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        traveller = closing.enter_context(time_machine.travel(START, tick=False))
        self.clock = Clock(on_move=traveller.move_to)
        spare_repeated_work(closing)
        if self._has_data:
            self._make_volumes(closing)
        self._make_functions(closing, folder)
        self._repair_moto(closing)
        self._serve(closing, listening)
        closing.callback(self._end_everything)
        self._make_rds()

    def _make_volumes(self, closing: ExitStack) -> None:
        # It takes a while to import, and most runs do without.
        from local.emulator.volumes.real_volumes import RealVolumes  # noqa: PLC0415

        self.volumes = RealVolumes()
        closing.callback(self.volumes.close)

    def _make_functions(self, closing: ExitStack, folder: Path) -> None:

        self.functions = Functions(
            self.clock,
            COSTS,
            self._answer_function,
            self.host,
            folder,
            seed=self._seed,
            warm=self._warm,
            notify=lambda kind, name, detail: self._notify(kind, name, "", detail),
        )
        closing.callback(self.functions.close)
        self.logs = self.functions.logs
        self.watch = Watch(self.clock.now, self.functions, ACCOUNT, REGION)

    def _repair_moto(self, closing: ExitStack) -> None:

        logging.getLogger("moto").setLevel(logging.CRITICAL)  # it logs each failing state
        logging.getLogger("samtranslator.metrics").setLevel(logging.CRITICAL)  # it has no agent
        BackendDict.reset()
        mock_random.seed(self._seed)
        self._lambdas = BackendDict(functions.backend(self.functions, self.clock), "lambda")
        closing.enter_context(patch.object(simple_lambda, "lambda_simple_backends", self._lambdas))
        interpreter.run_virtually(closing, self.clock, self._random)
        interpreter.repair_semantics(closing)
        interpreter.spare_repeated_work(closing, self._answer_inside)
        map_runs.repair(closing, self._random, self._judge_states, self._may_states)
        interpreter.tell(closing, self._notify, self._on_status_change)
        moto_repairs.repair(closing, self._random)

    def _judge_states(self, role: str, operation: str, parameters: dict[str, Any]) -> str:
        """What IAM says against a call that Step Functions makes to itself; "" for nothing."""
        judge = self.authorization_of(account_of(role))
        asked = judge.asked(operation, parameters, REGION)
        _, refused = judge.judge("stepfunctions", asked, role, "states")
        return refused.message if refused else ""

    def _may_states(self, role: str, action: str, resource: str) -> bool:
        """Whether a role that IAM knows may do something, for Step Functions itself."""
        judge = self.authorization_of(account_of(role))
        return judge.role(role) is None or judge.allows(role, action, resource)

    def _serve(self, closing: ExitStack, listening: socket.socket) -> None:

        cloud = self

        class Handler(MotoRequestHandler):  # type: ignore[misc]
            protocol_version = "HTTP/1.1"  # keeps connections
            disable_nagle_algorithm = True  # else an answer in two parts takes 40 ms

            def run_wsgi(self) -> None:
                """Answer; werkzeug's own closes every connection, lest a body be left unread."""
                answer = cloud._answer_port(self.make_environ())
                if answer.body is None:
                    self.close_connection = True
                    with suppress(OSError):  # the caller may be gone
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                lines = [f"HTTP/1.1 {answer.status} ."]
                lines += [f"{name}: {value}" for name, value in answer.headers]
                head = "\r\n".join(lines) + "\r\n\r\n"
                self.wfile.write(head.encode("latin-1") + answer.body)

            def log_request(self, *_: object) -> None:
                """Say nothing: the calls are recorded."""

        self._moto = DomainDispatcherApplication(create_backend_app)
        server: BaseWSGIServer = make_server(
            "127.0.0.1",
            0,
            self._moto,
            threaded=True,
            request_handler=Handler,
            fd=listening.fileno(),
        )
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()

        def stop() -> None:
            server.shutdown()
            serving.join()
            server.server_close()
            listening.close()

        closing.callback(stop)

    def _make_rds(self) -> None:

        for services in self._other_services.values():
            services.forget()
        if self.volumes:
            self.volumes.clear()
        self._places: dict[tuple[str, str], Rds] = {}
        self._timing = "typical"
        self.rds = self.rds_in(REGION)
        if self._account:
            self._account(self.rds, self)

    def rds_in(self, region: str = REGION, account: str = ACCOUNT) -> Rds:
        """The RDS of a region and account; that of the app's own is `rds`."""
        if (account, region) not in self._places:
            Rds(
                self.clock.now,
                account=account,
                region=region,
                timing=self._timing,
                on_change=self._on_change,
                neighbours=self._places,
                other_services=self._services_of(account),
                volumes=self.volumes,
            )
        return self._places[account, region]

    def authorization_of(self, account: str) -> Authorization:
        """The judge of an account's calls; that of the app's own is `authorization`."""
        if account not in self._authorizations:
            self._authorizations[account] = Authorization(account, self.rds_in)
        return self._authorizations[account]

    def _services_of(self, account: str) -> MotoServices:
        if account not in self._other_services:
            made = MotoServices(account, self.authorization_of(account).allows)
            self._other_services[account] = made
        return self._other_services[account]

    def use_timing(self, timing: str) -> None:
        """Let RDS, wherever it is, take this long: least, typical, most, drawn or brisk."""
        self._timing = timing
        for rds in self._places.values():
            rds.timing = timing

    def reset(self) -> None:
        """Go back to the start, with the stack deployed: no executions, mails, calls or time."""
        self._end_everything()
        self._random.seed(self._seed)
        self._awaited.clear()
        for record in (self.calls, self.mails, self.faults, self.listeners):
            record.clear()
        self.loses_events = self.renews_ids = False
        self._forget_executions()
        self.watch.reset()
        self._make_rds()

    def _end_everything(self) -> None:
        self.clock.cancel()
        self.functions.reset()
        self.clock.reset()

    def _forget_executions(self) -> None:

        TMP_THREADS.clear()  # moto keeps every thread, and with it what the thread has worked on
        for account in self._authorizations:
            for machine in stepfunctions_parser_backends[account][REGION].state_machines:
                machine.executions.clear()
            for table in dynamodb_backends[account][REGION].tables.values():
                table.items.clear()
            deliveries.empty(account, REGION)
            for topic in sns_backends[account][REGION].topics.values():
                topic.sent_notifications.clear()
        # Not as at the start: what is made now must not get the ids of what is deployed.
        mock_random.seed(f"{self._seed} again")

    # Use

    def client(self, service: str, region: str = REGION, account: str = ACCOUNT) -> Any:
        """Make a boto3 client of an outside caller; its calls cost no virtual time."""
        return self._client(service, OUTSIDE_KEY if account == ACCOUNT else account, region)

    def _unseen(self, service: str, account: str = ACCOUNT) -> Any:
        """Make a client for this class's own looks, which are not recorded as calls."""
        return self._client(service, f"{UNSEEN_KEY}-{account}")

    def _client(self, service: str, access_key: str, region: str = REGION) -> Any:
        asked = (service, access_key, region)
        if asked not in self._clients:
            self._clients[asked] = self._make_client(*asked)
        return self._clients[asked]

    def _make_client(self, service: str, access_key: str, region: str) -> Any:
        make_client: Callable[..., Any] = boto3.client
        client = make_client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=access_key,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        client.meta.events.register("before-send", self._answer_inside)
        return client

    def deploy(
        self,
        template: Path,
        parameters: Mapping[str, str],
        stack: str = "trapheus",
        account: str = ACCOUNT,
    ) -> dict[str, str]:
        """Deploy a SAM template with its local files; return the stack's outputs by name."""
        self.use_stack(stack, account)
        self.authorization_of(account)  # from now on the account is known
        bucket = deploy.BUCKET if account == ACCOUNT else f"{deploy.BUCKET}-{account}"
        make_client = partial(self._unseen, account=account)
        return deploy.deploy(make_client, template, parameters, stack, bucket)

    def use_stack(self, stack: str, account: str = ACCOUNT) -> None:
        """Look logical ids up in this stack from now on."""
        self.stack, self._stacks_account = stack, account

    def run(
        self, machine: str, request: Any, name: str = "run", real_timeout: float = 120
    ) -> Execution:
        """Start a state machine, by ARN or logical id, and wait for its end."""
        return self.wait(self.start(machine, request, name), real_timeout)

    def start(self, machine: str, request: Any, name: str = "run") -> str:
        """Start a state machine, by ARN or logical id; return the execution's ARN."""
        if not machine.startswith("arn:"):
            machine = self.physical_id(machine)
        text = request if isinstance(request, str) else json.dumps(request)
        with self.clock.held():
            started = self.client("stepfunctions", account=account_of(machine)).start_execution(
                stateMachineArn=machine, name=name, input=text
            )
            arn = str(started["executionArn"])
            self._awaited.setdefault(arn, threading.Event())
        return arn

    def physical_id(self, logical_id: str) -> str:
        """Tell what the deployed stack's resource of this logical id is really called."""
        formation = self._unseen("cloudformation", self._stacks_account)
        found = formation.describe_stack_resource(
            StackName=self.stack, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def wait(self, arn: str, real_timeout: float = 120) -> Execution:
        """Wait for an execution's end; the clock stands still from then until the next use."""
        ended = self._awaited.setdefault(arn, threading.Event())
        if self._status(arn) != "RUNNING":
            return self.describe(arn)
        with self.clock.lock:
            self._waited_for = arn
            # It may have ended just now, and time must not go on then.
            if not ended.is_set():
                self.clock.thaw()
        try:
            for _ in range(int(real_timeout / 0.1)):
                if ended.wait(0.1):
                    return self.describe(arn)
                if self.clock.stuck() and not ended.is_set():
                    raise self.clock.deadlock()
            raise TimeoutError(f"{arn} did not end within {real_timeout:g} s of real time")
        finally:
            self._waited_for = ""

    def settle(self, real_timeout: float = 120) -> None:
        """Let time go on until no execution runs and no event is under way any more."""
        self._waited_for = NOBODY  # or an end would stop the clock
        try:
            self.clock.settle(real_timeout)
        finally:
            self._waited_for = ""

    def time_out(self, arn: str) -> None:
        """Let an execution reach its machine's time limit now, whatever that is."""
        interpreter.time_out(self._execution(arn))

    def executions(self, machine: str = "") -> list[str]:
        """The ARNs of all executions, or of one machine's (its ARN or logical id), in order."""
        if machine and not machine.startswith("arn:"):
            machine = self.physical_id(machine)
        found = [
            execution
            for account in self._authorizations
            for one in stepfunctions_parser_backends[account][REGION].state_machines
            for execution in one.executions
            if machine in ("", one.arn)
        ]
        return [one.exec_arn for one in sorted(found, key=lambda one: one.start_date)]

    def _execution(self, arn: str) -> Any:
        return stepfunctions_parser_backends[account_of(arn)][REGION].describe_execution(arn)

    def _status(self, arn: str) -> str:
        return str(self._execution(arn).status)

    def describe(self, arn: str) -> Execution:
        """Tell how an execution stands."""
        judges = self._authorizations.values()
        if unknown := [name for judge in judges for name in judge.unknown]:
            raise NotImplementedError(
                f"local/emulator/authorization/needs.py lacks {', '.join(unknown)}"
            )
        client = self._unseen("stepfunctions", account_of(arn))
        facts = self._execution(arn)
        return Execution(
            arn=arn,
            status=facts.status,
            error=facts.error or "",
            cause=facts.cause or "",
            output=copy.deepcopy(facts.output),
            started=round(facts.start_date.timestamp(), 3),
            stopped=round(facts.stop_date.timestamp(), 3) if facts.stop_date else 0.0,
            _tell=lambda: [
                event
                for page in client.get_paginator("get_execution_history").paginate(
                    executionArn=arn, PaginationConfig={"PageSize": 1000}
                )
                for event in page["events"]
            ],
        )

    def verify(self, *addresses: str, account: str = ACCOUNT) -> None:
        """Let SES send from these addresses, as their owner does by a click in a mail."""
        for address in addresses:
            # Not through the API: its model alone takes half a second to load.
            ses_backends[account][REGION].verify_email_identity(address)

    # Telling

    def _notify(self, kind: str, name: str, execution: str = "", detail: Any = None) -> None:
        if not self.listeners:
            return
        told = detail() if callable(detail) else detail
        notice = Notice(self.clock.now(), kind, name, execution, told)
        for listener in list(self.listeners):
            listener(notice)

    def _on_change(self, change: Change) -> None:
        notice = Notice(change.time, "database", change.name, detail=change)
        for listener in list(self.listeners):
            listener(notice)

    def _on_status_change(self, execution: Any) -> None:
        event = status_events.status_change(execution, account_of(execution.exec_arn), REGION)
        for delivery in status_events.deliveries(event) if not self.loses_events else ():
            self.clock.Thread(target=self._deliver_to, args=(delivery,), name="events").start()
        ended = self._awaited.get(execution.exec_arn)
        if ended and execution.status != "RUNNING":
            # What the one who waits then sees must not change while it looks.
            with self.clock.lock:
                if self._waited_for in ("", execution.exec_arn):
                    self.clock.freeze()
                ended.set()

    def _deliver_to(self, delivery: Delivery) -> None:
        """Call a target, again and again while it has a fault; then it is a dead letter."""
        began, error, source = self.clock.now(), "", delivery
        for tries in range(delivery.tries):
            self.clock.sleep(COSTS["event"] * 2**tries)
            if tries and self.clock.now() - began > delivery.longest:
                break
            delivery = source.in_attempt(tries + 1, renews_id=self.renews_ids)
            error, is_final = self._tried(delivery)
            if not error or is_final:
                break
        # One that is there under the name was started by an answer that was lost.
        if error and error != "ExecutionAlreadyExists":
            account = account_of(delivery.source)
            allows = self.authorization_of(account).allows
            deliveries.give_up(delivery, error, account, allows)

    def _tried(self, delivery: Delivery) -> tuple[str, bool]:
        """Make the call; its error, "" for none, and whether it is not tried again."""
        service, operation, parameters = delivery.call
        who = "events" if delivery.service == deliveries.RULES else "scheduler"
        account = account_of(delivery.source)
        call = Call(
            self.clock.now(), who, service, operation, parameters, region=REGION, account=account
        )
        self.calls.append(call)
        if not trusts(account, delivery.role, delivery.service, delivery.source):
            call.error = "AccessDeniedException"
            return call.error, True
        judge = self.authorization_of(account)
        asked = judge.asked(operation, parameters, REGION)
        call.grants, refused = judge.judge(service, asked, delivery.role, who)
        if refused:
            call.error = refused.code
            return call.error, True
        fault = next((found for ask in list(self.faults) if (found := ask(call))), None)
        if fault is None or fault.carried_out:
            try:
                self._hand_over(delivery)
            except (AWSError, UnknownFunctionException) as error:
                call.error = getattr(error, "TYPE", "") or type(error).__name__
                return call.error, True
        if fault:
            call.error = fault.code or fault.end
        return call.error, call.error.startswith("AccessDenied")

    def _hand_over(self, delivery: Delivery) -> None:
        """Start the execution, or let the function be invoked."""
        service, _, given = delivery.call
        account = account_of(delivery.source)
        if service == "stepfunctions":
            stepfunctions_parser_backends[account][REGION].start_execution(
                given["stateMachineArn"], given.get("name"), given.get("input", "{}")
            )
            return
        function = self._lambdas[account][REGION].get_function(delivery.target)
        called = (account, function.function_name, delivery.input)
        self.clock.Thread(target=self._invoke_later, args=called, name="lambda").start()

    def _invoke_later(self, account: str, function: str, payload: str) -> None:
        """Invoke a function until it succeeds, as often as Lambda does it by itself."""
        for pause in ASYNCHRONOUS:
            self.clock.sleep(pause)
            headers: dict[str, str] = {}
            self._lambdas[account][REGION].invoke(function, None, payload, {}, headers)
            if "x-amz-function-error" not in headers:
                return

    def tick(self, schedule: str) -> None:
        """Let a schedule of the stack be due now, by its logical id.

        Nobody else does: virtual time would go on for ever for an hourly one.
        """
        name = self.physical_id(schedule)
        delivery = status_events.due(self._stacks_account, REGION, name, self.clock.now())
        if delivery:
            with self.clock.held():
                self.clock.Thread(target=self._deliver_to, args=(delivery,), name="tick").start()

    def dead_letters(self) -> list[dict[str, Any]]:
        """What stands in the queues, account by account."""
        return [
            letter
            for account in self._authorizations
            for letter in deliveries.letters(account, REGION)
        ]

    # Answering

    def _answer_port(self, environ: dict[str, Any]) -> Answer:
        """Answer a caller from outside this process, such as a CLI."""
        try:
            body = Request(environ).get_data()
        except ClientDisconnected:
            return CUT
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        try:
            answer = self._route(environ, body)
        except Cancelled:
            return CUT
        if answer.body is None:
            return CUT
        headers = [(name, value) for name, value in answer.headers if name.lower() != LENGTH]
        length = str(len(answer.body))
        if environ["REQUEST_METHOD"] == "HEAD":
            length = dict(answer.headers).get("Content-Length", length)
        return Answer(answer.status, [*headers, ("Content-Length", length)], answer.body)

    def _answer_inside(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer a client of this process, the interpreter's included, without the port."""
        method, path, headers, body = taken_apart(request)
        answer = self._route(self._environ(method, path, headers, body), body)
        if answer.body is None:
            raise ConnectionClosedError(endpoint_url=request.url)
        told = cast("HTTPHeaders", dict(answer.headers))  # any mapping will do
        return AWSResponse(request.url, answer.status, told, Raw(answer.body))

    def _answer_function(
        self, environment: Environment, request: functions.Request
    ) -> functions.Answer | None:
        """Answer a call of a function."""
        body = request[-1]
        environ = self._environ(*request) | {OF_FUNCTION: True}
        answer = self._call(environ, body, credential(environ), environment)
        return None if answer.body is None else (answer.status, dict(answer.headers), answer.body)

    def _environ(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any]:
        """A request as WSGI has it."""
        place, _, query = path.partition("?")
        name, _, port = self.host.partition(":")
        told = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in headers.items()}
        return {
            **told,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": told.get("HTTP_CONTENT_TYPE", ""),
            "HTTP_HOST": self.host,
            "PATH_INFO": unquote(place, "latin-1"),
            "QUERY_STRING": query,
            "REQUEST_METHOD": method,
            "REQUEST_URI": path,
            "SCRIPT_NAME": "",
            "SERVER_NAME": name,
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.errors": sys.stderr,
            "wsgi.input": io.BytesIO(body),
            "wsgi.multiprocess": False,
            "wsgi.multithread": True,
            "wsgi.run_once": False,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
        }

    def _route(self, environ: dict[str, Any], body: bytes) -> Answer:
        """Answer whoever is no function."""
        signed = credential(environ)
        inside = signed.access_key == INTERPRETER_KEY
        with self.clock.on_behalf(self.clock.holder() if inside else None):
            return self._call(environ, body, signed, None)

    def _call(
        self,
        environ: dict[str, Any],
        body: bytes,
        signed: Credential,
        environment: Environment | None,
    ) -> Answer:
        service = signed.service
        operation, parameters = read(environ, service, body)
        invokes = (service, operation) == ("lambda", "Invoke")  # its start is charged instead
        if environment:
            caller = environment.function
            self.functions.spend(environment, COSTS["api_call"])
        elif self.clock.is_acting():
            caller = "states"
            self.clock.sleep(0 if invokes else COSTS["api_call"])
        else:
            caller = "outside"
        if caller == "outside" and operation == "StartExecution":
            self.clock.thaw()
        account = self._account_of(signed, environ, environment)
        if account != ACCOUNT:
            environ[MOTO_ACCOUNT] = account
        call = Call(
            self.clock.now(),
            caller,
            service,
            operation,
            parameters,
            region=signed.region,
            account=account,
        )
        if signed.access_key.startswith(UNSEEN_KEY):
            return self._carry_out(call, environ, body)
        self.calls.append(call)
        refusal = self._refusal(call, signed, environ, environment)
        if refusal:
            return self._fail(call, refusal, environ, body, environment)
        fault = next((found for ask in list(self.faults) if (found := ask(call))), None)
        if not fault and invokes:
            fault = self._not_ready(str(parameters["FunctionName"]))
        if fault:
            return self._fail(call, fault, environ, body, environment)
        answer = self._carry_out(call, environ, body)
        call.error = error_code(answer.status, dict(answer.headers), answer.body or b"")
        if call.operation == "PutObject" and call.caller != "outside":
            services = self._services_of(account)
            services.note_object(call.parameters["Bucket"], call.parameters["Key"])
        return answer

    def _account_of(
        self, signed: Credential, environ: Mapping[str, Any], environment: Environment | None
    ) -> str:
        """Whose account a call is made in: its role's, or the one that the access key tells."""
        role = environment.role if environment else environ.get(ROLE, "")
        if role:
            return account_of(role)
        if told := KEY_OF_AN_ACCOUNT.fullmatch(signed.access_key):
            return told[1]
        return str(get_account_id_from(signed.access_key))

    def _not_ready(self, function: str) -> Fault | None:
        """Lambda's own error for a function that is inactive.

        [fact: functions-become-inactive]
        """
        error = self.functions.not_ready(function.rpartition(":")[2])
        return Fault(*error, 502) if error else None

    def _refusal(
        self,
        call: Call,
        signed: Credential,
        environ: dict[str, Any],
        environment: Environment | None,
    ) -> Fault | None:
        """What IAM says against a call of a function or of a state machine."""
        if call.caller == "outside":
            return None
        role = environment.role if environment else environ.get(ROLE, "")
        judge = self.authorization_of(call.account)
        asked = judge.asked(call.operation, call.parameters, signed.region)
        session = environment.function if environment else "states"
        call.grants, refused = judge.judge(call.service, asked, role, session)
        return Fault(refused.code, refused.message, refused.status) if refused else None

    def _fail(
        self,
        call: Call,
        fault: Fault,
        environ: dict[str, Any],
        body: bytes,
        environment: Environment | None,
    ) -> Answer:
        call.error = fault.code or fault.end
        if fault.carried_out:
            self._carry_out(call, environ, body)
        if fault.end == "killed" and environment:
            self.functions.crash(environment)
        if fault.end == "hung" and environment:
            self.functions.spend(environment, math.inf)
        if fault.end != "answered":
            return CUT
        status, headers, text = error_answer(call, fault)
        return Answer(status, list(headers.items()), text)

    def _carry_out(self, call: Call, environ: dict[str, Any], body: bytes) -> Answer:
        if call.service == "rds":
            write = pickle_answer if environ.get(OF_FUNCTION) else write_answer
            status, headers, text = self.rds_in(call.region, call.account).answer(body, write)
            return Answer(status, list(headers.items()), text)
        if call.service in rds_elsewhere.SHOWN:
            rds_elsewhere.show(call.service, self.rds_in(call.region, call.account))
        if call.service == "cloudwatch":
            self.watch.look()
        if call.service in AROUND_RDS:
            for rds in list(self._places.values()):
                rds.settle()  # an export that is over by now has left its objects
        if (call.service, call.operation) == ("lambda", "Invoke"):
            answer = self._invoke(call, environ, body)
            if answer:
                return answer
        answer = self._ask_moto(call, environ)
        if (call.service, call.operation) == ("sesv2", "SendEmail") and answer.status == 200:
            self._deliver(call)
        return answer

    def _ask_moto(self, call: Call, environ: dict[str, Any]) -> Answer:
        """Moto's answer; where it has none, one sentence, never a cut connection."""
        started: list[Any] = []
        try:
            if call.service == "dynamodb":
                # Asked by every step, so without the web server's way around it.
                request = MotoRequest(environ)
                status, headers, text = DynamoHandler.dispatch(request, request.raw_url)
                return Answer(int(status), list(headers.items()), text.encode())
            parts = self._moto(environ, lambda *given: started.extend(given[:2]))
            return Answer(int(started[0].split()[0]), started[1], b"".join(parts))
        except Exception as error:
            what = f"{call.service}:{call.operation}"
            if not isinstance(error, NotImplementedError):
                logging.getLogger(__name__).exception("moto failed with %s", what)
            text = f"The local AWS cannot do {what} as it is asked ({type(error).__name__})."
            code, told, answer = error_answer(call, Fault("NotImplemented", text, 501))
            return Answer(code, list(told.items()), answer)

    def _invoke(self, call: Call, environ: Mapping[str, Any], body: bytes) -> Answer | None:
        """Invoke a function and wait for it, without moto's detours; None leaves it to moto."""
        backend, name = self._lambdas[call.account][call.region], call.parameters["FunctionName"]
        waits = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse") == "RequestResponse"
        if not waits or environ.get("QUERY_STRING") or not backend.has_function(name):
            return None
        headers = {"content-type": "application/json"}
        payload = backend.invoke(name, None, body, {}, headers)
        return Answer(200, list(headers.items()), payload)

    def _deliver(self, call: Call) -> None:
        asked = call.parameters
        content = asked.get("Content", {}).get("Simple", {})
        parts = content.get("Body", {})
        mail = Mail(
            time=call.time,
            sender=asked.get("FromEmailAddress", ""),
            recipients=list(asked.get("Destination", {}).get("ToAddresses", [])),
            subject=content.get("Subject", {}).get("Data", ""),
            text=parts.get("Text", {}).get("Data", ""),
            html=parts.get("Html", {}).get("Data", ""),
        )
        self.mails.append(mail)
        self._notify("mail", mail.subject, detail=mail)
