"""A step's environment: RDS behind botocore's wire, a clock, a Lambda context."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlencode

import pytest
import time_machine
from botocore.awsrequest import AWSResponse
from botocore.retries import quota
from botocore.retries.quota import RetryQuota

from local.commands.account import build
from local.emulator.awslambda.environment import Raw, spare_repeated_work
from local.emulator.rds import Rds, RdsError
from local.emulator.rds.protocol.wire import as_read, read_request, write_answer, write_error
from tests import proxies
from tests.mailed import flowing
from trapheus.checks import look
from trapheus.execution import lock
from trapheus.execution.exceptions import (
    StateConflict,
    StillInProgress,
    TrapheusError,
)
from trapheus.messages import channels
from trapheus.rds import access as layer

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:restore:one"
ANOTHER = "arn:aws:states:us-east-1:123456789012:execution:restore:another"
RECIPIENTS = ["ops@example.com", "dba@example.com", "oncall@example.com"]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
# The phases in which the steps that change something hold the lock.
PHASES = {
    "snapshot": "prepare",
    "copy_source": "copy",
    "rename": "replace",
    "restore": "replace",
    "roll_back": "rollback",
    "register": "finish",
    "configure": "finish",
    "delete": "finish",
    "untag": "finish",
    "verify": "finish",
}
OPTIONS = {
    "keepOriginal": False,
    "finalSnapshot": False,
    "deleteAutomatedBackups": False,
    "strategy": "rename-first",
    "acceptWriteLoss": False,
    "snapshotIdentifier": "",
    "targetIdentifier": "",
    "overrides": {},
}

OK = SimpleNamespace(status_code=200)


class Clock:
    """Virtual seconds, which the steps' own looks at the time see; whoever sleeps moves it."""

    def __init__(self, show: Callable[[float], None]) -> None:
        self._show = show
        self.time = START
        self.watchers: list[Callable[[], None]] = []

    @property
    def time(self) -> float:
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        self._time = time
        self._show(time)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        for watch in self.watchers:
            watch()


@dataclass
class Fault:
    """What RDS answers to an operation instead of its own answer, `times` times.

    `after`: so many calls are let through first; `about`: a word that the request must hold;
    `lost`: RDS does what it was asked for, only its answer is lost.
    """

    operation: str
    code: str
    status: int = 400
    times: float = float("inf")
    after: int = 0
    lost: bool = False
    about: str = ""


class Context:
    """As much of a Lambda's context as the steps read."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.time + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._end - self._clock.time) * 1000))


@dataclass(frozen=True)
class Kind:
    """The words for an instance or a cluster, so that one test reads both."""

    name: str
    identifier: str
    operation: str
    status_key: str
    id_key: str
    missing: str
    conflict: str

    def step(self, name: str) -> Callable[..., Any]:
        return importlib.import_module(f"src.{name}.{self.name}").handler


INSTANCE = Kind(
    "instance", "prod-db", "DBInstance", "DBInstanceStatus", "DbiResourceId",
    "DBInstanceNotFound", "InvalidDBInstanceState",
)  # fmt: skip
CLUSTER = Kind(
    "cluster", "prod-cluster", "DBCluster", "Status", "DbClusterResourceId",
    "DBClusterNotFoundFault", "InvalidDBClusterStateFault",
)  # fmt: skip


@dataclass
class Aws:
    """The sample account's RDS, and what a test wants to see or to spoil of it."""

    rds: Rds
    clock: Clock
    kind: Kind = INSTANCE
    faults: list[Fault] = field(default_factory=list)
    script: list[dict[str, Any] | Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # The item of the lock; that which the step needs, as long as it is None.
    lock: dict[str, str] | None = None
    needed: dict[str, str] = field(default_factory=dict)
    # What KMS says of a key, by ARN: its state, or the code of an error; else Enabled.
    keys: dict[str, str] = field(default_factory=dict)

    # What the test arranges

    def fail(self, operation: str, code: str, **how: Any) -> None:
        """Let RDS answer this operation with an error, for ever or `times` times."""
        self.faults.append(Fault(operation, code, **how))

    def show(self, *answers: dict[str, Any] | Fault) -> None:
        """Let every call be answered from this list; its last entry answers for ever."""
        self.script = list(answers)

    def stamp(self, name: str = "", kind: str = "", execution: str = EXECUTION) -> None:
        """Give a database or snapshot an execution's tag."""
        arn = self.rds.arn(kind or self.kind.name, name or self.kind.identifier)
        self.rds.call(
            "AddTagsToResource", {"ResourceName": arn, "Tags": [layer.in_progress_tag(execution)]}
        )

    def force(self, status: str, name: str = "", kind: str = "") -> None:
        """Let a database be in a status, whatever brought it there."""
        kind = kind or self.kind.name
        self.rds.settle()
        self.rds.find(kind, name or self.kind.identifier).shown[
            "DBInstanceStatus" if kind == "instance" else "Status"
        ] = status

    def settle(self) -> None:
        """Let RDS finish everything that it was asked for."""
        self.clock.sleep(4 * 3600)

    def foreign(self, name: str, kind: str = "") -> str:
        """Let somebody else have a database of this name; its resource id."""
        kind = kind or self.kind.name
        with self.rds.instantly():
            if kind == "instance":
                self.rds.call(
                    "CreateDBInstance",
                    {
                        "DBInstanceIdentifier": name, "DBInstanceClass": "db.t4g.micro",
                        "Engine": "postgres", "AllocatedStorage": 20, "MasterUsername": "someone",
                        "ManageMasterUserPassword": True,
                    },
                )  # fmt: skip
            else:
                self.rds.call(
                    "CreateDBCluster",
                    {
                        "DBClusterIdentifier": name, "Engine": "aurora-postgresql",
                        "MasterUsername": "someone", "ManageMasterUserPassword": True,
                    },
                )  # fmt: skip
        return self.id_of(name, kind)

    # What the test does

    def run(self, step: str, seconds: float = 900, **event: Any) -> Any:
        """Invoke a step of this test's kind once, its event as JSON would carry it."""
        now = datetime.now(UTC).isoformat()
        phase = PHASES.get(step, "")
        given = {
            "execution": EXECUTION,
            "entered": now,
            "started": now,
            **({"phase": phase} if phase else {}),
            "isTold": False,
            "request": {"task": "db_restore", **OPTIONS},
            "renames": "original",
            "restored": self.restored(event.get("plan", {})),
            "snapshot": self.snapshot_of(event.get("plan", {})),
            **event,
        }
        if step == "untag":
            verified = {"resourceId": given["restored"]["resourceId"], "report": {}}
            given["state"] = {
                "check": {"plan": event["plan"]}, "request": given["request"],
                "restored": given["restored"], "verified": verified,
                "replacing": {"since": now}, "served": {"at": now},
            }  # fmt: skip
        event = json.loads(json.dumps(given))
        self.needed = {"holder": EXECUTION, "phase": event.get("phase", "")}
        return self.kind.step(step)(event, Context(self.clock, seconds))

    def run_once(self, step: str, **event: Any) -> None:
        """Invoke a step once, whether it is done or still in progress after that."""
        with suppress(StillInProgress):
            self.run(step, **event)

    def plan(self, task: str = "db_restore", **request: Any) -> dict[str, Any]:
        """The plan that the check makes."""
        return self.check(task=task, **request)["plan"]

    def check(self, **request: Any) -> dict[str, Any]:
        """The answer of the check to a request."""
        request = {
            "identifier": self.kind.identifier,
            "task": "db_restore",
            "isCluster": self.kind is CLUSTER,
            "dryRun": False,
            **OPTIONS,
            **request,
        }
        return self.run("check", request=request, canCopy=True)

    def until_done(self, step: str, **event: Any) -> Any:
        """Invoke a step as the state machine does: again as long as it says so."""
        for _ in range(400):
            try:
                return self.run(step, **event)
            except TrapheusError as error:
                if not isinstance(error, StillInProgress | StateConflict):
                    raise
                self.clock.sleep(15)
        raise AssertionError(f"{step} comes to no end")

    def bring_to(self, name: str, make: Callable[[], None]) -> None:
        """Bring RDS to a state that many tests begin with; each worker makes it only once."""
        if name not in STATES:
            make()
            self.settle()
            STATES[name] = (packed(self.rds), self.clock.time)
        content, self.clock.time = STATES[name]
        self.rds = unpacked(content, self.clock.now)
        self.calls.clear()

    def rename_original(self, plan: dict[str, Any]) -> None:
        """Let the original leave its names."""
        self.until_done("rename", plan=plan)
        self.settle()

    def replace(self, plan: dict[str, Any]) -> None:
        """Let the restored database come up, its original being renamed."""
        self.until_done("restore", plan=plan)
        self.settle()

    def make_copy(self, plan: dict[str, Any]) -> None:
        """Let what is restored beside the original come up, and be configured."""
        for step in ("restore", "configure"):
            self.until_done(step, plan=plan, phase="copy")
            self.settle()

    def give_names(self, plan: dict[str, Any]) -> None:
        """Let what was restored beside the original take its names, the original being renamed."""
        restored = self.restored(plan)
        self.until_done("rename", plan=plan, phase="replace", renames="copy", restored=restored)
        self.settle()

    def finish(self, plan: dict[str, Any]) -> None:
        """Let the restored database be configured."""
        self.until_done("configure", plan=plan)
        self.settle()

    # What the test looks at

    def found(self, name: str = "", kind: str = "") -> dict[str, Any] | None:
        """The database or snapshot of this name as RDS holds it."""
        kind = kind or self.kind.name
        shelves = {
            "instance": self.rds.instances,
            "cluster": self.rds.clusters,
            "snapshot": self.rds.snapshots,
            "cluster-snapshot": self.rds.cluster_snapshots,
        }
        return shelves[kind].get(name or self.kind.identifier)

    def id_of(self, name: str = "", kind: str = "") -> str:
        """The resource id that has this name now; empty when none has."""
        found = self.found(name, kind) or {}
        return found.get("DbiResourceId") or found.get("DbClusterResourceId") or ""

    def is_tagged(self, name: str = "", kind: str = "", execution: str = EXECUTION) -> bool:
        """Whether a database or snapshot carries an execution's tag."""
        found = self.found(name, kind)
        assert found, f"there is no {name}"
        return layer.in_progress_tag(execution) in found["TagList"]

    def tags(self, name: str = "", kind: str = "") -> dict[str, str]:
        """The tags of a database or snapshot."""
        return {tag["Key"]: tag["Value"] for tag in self.found(name, kind)["TagList"]}

    def parts(self) -> list[tuple[str, str]]:
        """Kind and name of the database and, of a cluster, its members."""
        if self.kind is INSTANCE:
            return [("instance", "prod-db")]
        return [
            ("cluster", "prod-cluster"),
            ("instance", "prod-cluster-writer"),
            ("instance", "prod-cluster-reader"),
        ]

    @property
    def snapshot_kind(self) -> str:
        return "snapshot" if self.kind is INSTANCE else "cluster-snapshot"

    def restored(self, plan: dict[str, Any]) -> dict[str, str]:
        """What the restore step says when it has made the database that stands now."""
        name = plan.get("identifier", self.kind.identifier)
        source = self.found(plan.get("snapshot", f"{name}-snapshot"), self.snapshot_kind)
        resource_id = self.id_of(plan.get("restoredAs", name)) or self.id_of(name)
        snapshot = plan.get("snapshot", f"{name}-snapshot")
        return {
            "resourceId": resource_id, "dataAsOf": layer.moment_of(source), "snapshot": snapshot,
        }  # fmt: skip

    def snapshot_of(self, plan: dict[str, Any]) -> dict[str, str]:
        """What the state machine knows of the snapshot when it restores."""
        name = plan.get("snapshot", "")
        taken = layer.moment_of(self.found(name or "none", self.snapshot_kind))
        return {"name": name, "dataAsOf": plan.get("dataAsOf") or taken}

    def names(self) -> dict[str, str]:
        """Every database's name by its resource id."""
        instances, clusters = self.rds.instances, self.rds.clusters
        return {
            **{item["DbiResourceId"]: name for name, item in instances.items()},
            **{item["DbClusterResourceId"]: name for name, item in clusters.items()},
        }

    # The wire

    def send(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a signed request without a network."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        operation, _ = read_request(body)
        self.calls.append(operation)
        status, headers, content = self._answer(operation, body)
        return AWSResponse(request.url, status, headers, Raw(content))

    def shortcut(self, model: Any, params: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        """Answer a call before it is signed and written, as botocore's own stubber does it.

        Only when all goes well: every error, and what a test has written down, goes over the wire.
        """
        if self.script or any(fault.operation == model.name for fault in self.faults):
            return None
        _, parameters = read_request(urlencode(params["body"]).encode())
        try:
            answer = self.rds._do(model.name, parameters)
        except RdsError:
            return None
        self.calls.append(model.name)
        read = as_read(model.output_shape, answer) if model.output_shape else {}
        read["ResponseMetadata"] = {"HTTPStatusCode": 200, "RetryAttempts": 0}
        return OK, read

    def answer_lock(self, model: Any, params: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        """Answer a look at the lock or a write as DynamoDB does, before it is signed."""
        if model.name == "PutItem":
            return OK, {"ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}}
        if model.name == "Scan":
            return OK, {"Items": [], "ResponseMetadata": {"HTTPStatusCode": 200}}
        asked = json.loads(params["body"])
        item = self.needed if self.lock is None else self.lock
        if "ConditionExpression" not in asked:
            found = {"Item": {name: {"S": value} for name, value in item.items()}} if item else {}
            return OK, {**found, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}}
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        holder, taken_over, phases = asked["ConditionExpression"].split(" AND ")
        assert holder == "holder = :execution"
        passes = (
            item.get("holder") == values[":execution"]
            and taken_over
            == f"attribute_{'' if 'interrupted' in item else 'not_'}exists(interrupted)"
            and item.get("phase") in [values[name] for name in re.findall(r":\w+", phases)]
        )
        if passes:
            item["phase"] = values[":phase"]
            notes = ("registered", "password")
            item.update({name: values[f":{name}"] for name in notes if f":{name}" in values})
            shown = {"Attributes": {name: {"S": value} for name, value in item.items()}}
            return OK, {**shown, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}}
        error = {"Code": "ConditionalCheckFailedException", "Message": "The conditional failed"}
        return SimpleNamespace(status_code=400), {
            "Error": error, "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
        }  # fmt: skip

    def show_key(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a DescribeKey."""
        key = json.loads(request.body)["KeyId"]
        self.calls.append("DescribeKey")
        state = self.keys.get(key, "Enabled")
        if state.endswith("Exception"):
            body, status = {"__type": state, "message": f"{state} was injected"}, 400
        else:
            manager = "AWS" if key.endswith("/aws-rds") else "CUSTOMER"
            about = {"KeyId": key, "KeyState": state, "KeyManager": manager}
            body, status = {"KeyMetadata": about}, 200
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, status, headers, Raw(json.dumps(body).encode()))

    def _answer(self, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.script:
            answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if isinstance(answer, Fault):
                return _error(answer)
            return 200, {"Content-Type": "text/xml"}, write_answer(operation, answer, "1")
        for fault in self.faults:
            if fault.operation != operation or fault.about not in body.decode():
                continue
            if fault.after > 0:
                fault.after -= 1
            elif fault.times > 0:
                fault.times -= 1
                if fault.lost:
                    self.rds.answer(body)
                return _error(fault)
        return self.rds.answer(body)


def _error(fault: Fault) -> tuple[int, dict[str, str], bytes]:
    error = RdsError(fault.code, f"{fault.code} was injected")
    error.status = fault.status
    return fault.status, {"Content-Type": "text/xml"}, write_error(error, "1")


def take_snapshot(aws: Aws, name: str, execution: str = "") -> None:
    """Ask for a snapshot of the sample database, tagged by an execution or by none."""
    source, created = f"{aws.kind.operation}Identifier", f"{aws.kind.operation}Snapshot"
    created = created.replace("Instance", "")
    aws.rds.call(
        f"Create{created}",
        {
            source: aws.kind.identifier,
            f"{created}Identifier": name,
            "Tags": [layer.in_progress_tag(execution)] if execution else [],
        },
    )


def delete_snapshot(aws: Aws, name: str) -> None:
    """Let somebody delete a snapshot."""
    word = aws.kind.operation.replace("Instance", "")
    with aws.rds.instantly():
        aws.rds.call(f"Delete{word}Snapshot", {f"{word}SnapshotIdentifier": name})


@contextmanager
def ticking() -> Iterator[Clock]:
    """A clock that only sleepers move: botocore's retries and waiters use time.sleep."""
    with time_machine.travel(START, tick=False) as traveller:
        clock = Clock(traveller.move_to)
        with patch("time.sleep", clock.sleep):
            yield clock


@contextmanager
def environment(clock: Clock) -> Iterator[Aws]:
    """An empty RDS, the lock and the keys behind the layer's own clients."""
    given = {
        "AWS_ACCESS_KEY_ID": "dummy",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LOCK_TABLE": "locks",
        "STACK": "trapheus",
        "SUCCESS_TABLE": "successes",
        "SUCCESS_WITHIN_HOURS": "0",
        "SCHEDULE_INPUT": "",
        "SHARE_WITH": "",
        "SHARE_KEY": "",
    }
    with patch.dict(os.environ, given), patch.object(quota, "RetryQuota", KnownQuota):
        aws = Aws(Rds(clock.now), clock)
        with (
            hearing(layer.rds(), "before-call.rds", aws.shortcut),
            hearing(lock.dynamodb(), "before-call.dynamodb", aws.answer_lock),
            answering(layer.rds(), "rds", aws.send),
            answering(look.kms(), "kms", aws.show_key),
        ):
            yield aws


@pytest.fixture(scope="package", autouse=True)
def light_sdk() -> Iterator[None]:
    """What the SDK computes and nobody looks at is left out, as in a function's environment."""
    with ExitStack() as repairs:
        spare_repeated_work(repairs)
        yield


@pytest.fixture
def clock() -> Iterator[Clock]:
    with ticking() as clock:
        yield clock


@pytest.fixture
def wire(clock: Clock) -> Iterator[Aws]:
    """An empty RDS behind the layer's own client."""
    with environment(clock) as aws:
        yield aws


@contextmanager
def hearing(client: Any, event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """Let a handler hear an event of a client for a while."""
    client.meta.events.register(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)


@contextmanager
def answering(client: Any, service: str, answer: Callable[[Any], AWSResponse]) -> Iterator[None]:
    """Let a client have its answers from here, as patient as a new one."""
    for known in QUOTAS:
        known.release(known.INITIAL_CAPACITY)
    with hearing(client, f"before-send.{service}", lambda request, **_: answer(request)):
        yield


class KnownQuota(RetryQuota):
    """How much a client may still try again; clients live longer than a test here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        QUOTAS.append(self)


QUOTAS: list[RetryQuota] = []


@pytest.fixture
def aws(wire: Aws) -> Aws:
    """The sample account; the tests are of an instance unless `kind` says else."""
    wire.bring_to("account", lambda: build(wire.rds))
    return wire


@dataclass
class Post:
    """SES, SNS and EventBridge: what they were given, or the errors with which they refuse.

    refusals: code and HTTP status, by service.
    """

    sent: list[dict[str, Any]] = field(default_factory=list)
    published: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[str, tuple[str, int]] = field(default_factory=dict)

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """As SES."""
        return self._refused("sesv2", request) or self._taken(
            request, self.sent, json.loads(request.body), '{"MessageId": "1"}'
        )

    def publish(self, request: Any, **_: Any) -> AWSResponse:
        """As SNS."""
        text = request.body.decode() if isinstance(request.body, bytes) else request.body
        asked = dict(parse_qsl(text))
        answered = "<PublishResponse><PublishResult/></PublishResponse>"
        return self._refused("sns", request) or self._taken(
            request, self.published, asked, answered
        )

    def put(self, request: Any, **_: Any) -> AWSResponse:
        """As EventBridge."""
        (entry,) = json.loads(request.body)["Entries"]
        answered = '{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}'
        return self._refused("events", request) or self._taken(
            request, self.events, entry, answered
        )

    def _taken(self, request: Any, kept: list[Any], asked: Any, answered: str) -> AWSResponse:
        kept.append(asked)
        return AWSResponse(request.url, 200, {"Content-Type": "text/xml"}, Raw(answered.encode()))

    def _refused(self, service: str, request: Any) -> AWSResponse | None:
        if service not in self.refusals:
            return None
        code, status = self.refusals[service]
        said = json.dumps({"__type": code, "message": f"{code} was injected"})
        if service == "sns":
            said = (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
                    f"<Message>{code} was injected</Message></Error></ErrorResponse>")  # fmt: skip
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        return AWSResponse(request.url, status, headers, Raw(said.encode()))

    @property
    def subject(self) -> str:
        return self._content["Subject"]["Data"]

    @property
    def text(self) -> str:
        return flowing(self._content["Body"]["Text"]["Data"])

    @property
    def html(self) -> str:
        return self._content["Body"]["Html"]["Data"]

    @property
    def _content(self) -> dict[str, Any]:
        assert len(self.sent) == 1
        return self.sent[0]["Content"]["Simple"]


@pytest.fixture
def post(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setenv("SENDER", "trapheus@example.com")
    monkeypatch.setenv("RECIPIENTS", ",".join(RECIPIENTS))
    monkeypatch.setenv("TOPIC", "arn:aws:sns:us-east-1:123456789012:messages")
    monkeypatch.setenv("NOTIFY_ON", "restored,snapshot-taken,dry-run")
    post = Post()
    with (
        answering(channels.ses(), "sesv2", post.answer),
        answering(channels.sns(), "sns", post.publish),
        answering(channels.eventbridge(), "events", post.put),
    ):
        yield post


@pytest.fixture(params=[INSTANCE, CLUSTER], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest, aws: Aws) -> Kind:
    """Runs a test for an instance and for a cluster."""
    aws.kind = request.param
    return request.param


PLANS: dict[str, str] = {}
STATES: dict[str, tuple[bytes, float]] = {}
# What an Rds has of its own place and time; the rest is what it holds.
OWN = ("_now", "_lock", "_on_change", "_agenda", "_neighbours")


def packed(service: Rds) -> bytes:
    """What RDS holds, while nothing is under way in it."""
    service.settle()
    assert not service._agenda
    return pickle.dumps({name: value for name, value in vars(service).items() if name not in OWN})


def unpacked(content: bytes, now: Callable[[], float]) -> Rds:
    """An RDS that holds this, on another clock."""
    service = Rds(now)
    vars(service).update(pickle.loads(content))
    return service


@pytest.fixture
def plan(kind: Kind, aws: Aws) -> dict[str, Any]:
    """The plan to restore the sample database; made once, since the account is always the same."""
    if kind.name not in PLANS:
        PLANS[kind.name] = json.dumps(aws.plan())
        aws.calls.clear()
    return json.loads(PLANS[kind.name])


@pytest.fixture(params=proxies.FOLLOWS)
def proxied(request: pytest.FixtureRequest, aws: Aws, kind: Kind) -> dict[str, Any]:
    """The plan of a database that a proxy leads to, what was restored serving."""

    def make() -> None:
        aws.rds.proxy_targets_follow = request.param
        proxies.point(aws.rds, kind.name, kind.identifier)
        aws.rename_original(plan)
        aws.replace(plan)

    plan = aws.plan() | {"proxies": [{"name": "pool", "awaited": True}]}
    aws.bring_to(f"{kind.name} proxied {request.param}", make)
    return plan


@pytest.fixture
def copied(kind: Kind, aws: Aws) -> dict[str, Any]:
    """The plan to restore first, what was restored standing beside the original."""
    plan = aws.plan(strategy="restore-first")
    aws.bring_to(f"{kind.name} copied", lambda: aws.make_copy(plan))
    return plan


@pytest.fixture
def swapped(kind: Kind, aws: Aws, copied: dict[str, Any]) -> dict[str, Any]:
    """The same, the names swapped."""

    def swap() -> None:
        aws.rename_original(copied)
        aws.give_names(copied)

    aws.bring_to(f"{kind.name} swapped", swap)
    return copied


@pytest.fixture
def target(kind: Kind, aws: Aws) -> dict[str, Any]:
    """The plan to restore under another name, what was restored standing there."""
    plan = aws.plan(strategy="copy", targetIdentifier=kind.identifier.replace("prod", "drill"))
    aws.bring_to(f"{kind.name} at its target", lambda: aws.make_copy(plan))
    return plan


@pytest.fixture
def renamed(kind: Kind, aws: Aws, plan: dict[str, Any]) -> dict[str, Any]:
    """The plan, its original renamed."""
    aws.bring_to(f"{kind.name} renamed", lambda: aws.rename_original(plan))
    return plan


@pytest.fixture
def replaced(kind: Kind, aws: Aws, renamed: dict[str, Any]) -> dict[str, Any]:
    """The plan, the restored database serving."""
    aws.bring_to(f"{kind.name} replaced", lambda: aws.replace(renamed))
    return renamed


@pytest.fixture
def finished(kind: Kind, aws: Aws, replaced: dict[str, Any]) -> dict[str, Any]:
    """The plan, the restored database configured."""
    aws.bring_to(f"{kind.name} finished", lambda: aws.finish(replaced))
    return replaced


of_instances = pytest.mark.parametrize("kind", [INSTANCE], indirect=True, ids=["instance"])
of_clusters = pytest.mark.parametrize("kind", [CLUSTER], indirect=True, ids=["cluster"])
