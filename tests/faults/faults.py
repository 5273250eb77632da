"""The kinds of fault: what each does to a run, and which endings it allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.cloudformation.models import cloudformation_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.emulator.awslambda.functions import Functions
from local.emulator.cloud import ACCOUNT, REGION, Fault, killed
from local.emulator.rds import Rds, RdsError
from local.emulator.rds.protocol.wire import read_request
from tests import releases
from tests.faults.flows import Spot, Watch, is_own

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call

# More answers than the client's three tries take, so that the state machine's retries are used.
MANY = 7
# Of a mail: longer than one invocation insists on it, so that the state machine has to.
LONG = 30
FOREVER = 10**6
A_MINUTE = 60.0
THROTTLED = {
    "rds": Fault("Throttling", "Rate exceeded"),
    "dynamodb": Fault("ProvisionedThroughputExceededException", "Rate exceeded"),
    "kms": Fault("ThrottlingException", "Rate exceeded"),
    "lambda": Fault("TooManyRequestsException", "Rate exceeded", 429),
    "sesv2": Fault("TooManyRequestsException", "Rate exceeded", 429),
    "sns": Fault("Throttled", "Rate exceeded", 429),
    "events": Fault("ThrottlingException", "Rate exceeded"),
    "stepfunctions": Fault("ThrottlingException", "Rate exceeded"),
}
BROKEN = {
    "rds": Fault("InternalFailure", "A fault of AWS", 500),
    "dynamodb": Fault("InternalServerError", "A fault of AWS", 500),
    "kms": Fault("KMSInternalException", "A fault of AWS", 500),
    "lambda": Fault("ServiceException", "A fault of AWS", 500),
    "sesv2": Fault("InternalFailure", "A fault of AWS", 500),
    "sns": Fault("InternalError", "A fault of AWS", 500),
    "events": Fault("InternalException", "A fault of AWS", 500),
    "stepfunctions": Fault("InternalFailure", "A fault of AWS", 500),
}
DENIED = {
    service: Fault(
        "AccessDenied" if service in ("rds", "sns") else "AccessDeniedException",
        "User is not authorized",
        403,
    )
    for service in THROTTLED
}


@dataclass
class Injected:
    """A fault in a run; `fired` counts."""

    cloud: App
    watch: Watch
    fired: int = 0

    def afterwards(self, cloud: App) -> None:
        """What happens once the execution and its recoveries have ended."""

    def wrong(self, cloud: App) -> str:  # noqa: ARG002 - of those that judge more
        """What is wrong besides the ending; "" for nothing."""
        return ""


class AtSpot(Injected):
    """What is answered to the calls of a spot's kind, from the n-th one in its state on."""

    def __init__(
        self, cloud: App, watch: Watch, spot: Spot, answer: Fault | None, times: int
    ) -> None:
        super().__init__(cloud, watch)
        self.spot, self.answer, self.times, self.passed = spot, answer, times, 0
        cloud.faults.append(self)

    def __call__(self, call: Call) -> Fault | None:
        if not self.spot.is_of(call) or self.fired >= self.times:
            return None
        if not self.fired:
            if self.watch.state != self.spot.state:
                return None
            self.passed += 1
            if self.passed <= self.spot.n:
                return None
        self.fired += 1
        return self.answer


class Late(AtSpot):
    """The function dies at its call in every try; the first call arrives in the rollback.

    An update of the lock also arrives after the end, where nothing is rolled back.
    """

    def __init__(self, cloud: App, watch: Watch, spot: Spot) -> None:
        super().__init__(cloud, watch, spot, killed(carried_out=False), FOREVER)
        self.kept: Call | None = None
        self.looks = 0
        self.set_back = ""
        if not spot.caller.startswith("RollBack"):
            cloud.faults.append(self.arrive)

    def __call__(self, call: Call) -> Fault | None:
        answer = super().__call__(call)
        if answer and self.kept is None:
            self.kept = call
        return answer

    def arrive(self, call: Call) -> None:
        """Carry it out half a minute after the rollback's first look."""
        if call.caller.startswith("RollBack") and self.kept and not self.looks:
            self.looks += 1
            self.cloud.clock.Thread(target=self.follow, name="late").start()

    def follow(self) -> None:
        """Carry it out between two looks."""
        self.cloud.clock.sleep(A_MINUTE / 2)
        self.carry_out()

    def carry_out(self) -> None:
        """Let AWS have the call; by then it may refuse it, which is as good."""
        assert self.kept
        if self.kept.service == "dynamodb":
            if self.kept.parameters["TableName"] == self.cloud.physical_id("LockTable"):
                self.update_lock(self.kept.parameters)
            else:
                # When a success was is as true later.
                self.cloud.client("dynamodb").update_item(**self.kept.parameters)
            return
        with suppress(RdsError):
            self.cloud.rds.call(self.kept.operation, self.kept.parameters)

    def update_lock(self, parameters: dict[str, Any]) -> None:
        """Let DynamoDB have it, which must find that the execution is past that phase."""
        table = {name: parameters[name] for name in ("TableName", "Key")}
        client = self.cloud.client("dynamodb")
        before = client.get_item(**table).get("Item")
        with suppress(ClientError):
            client.update_item(**parameters)
        after = client.get_item(**table).get("Item")
        if after != before:
            self.set_back = f"a late update makes the lock {after}, it was {before}"

    def afterwards(self, cloud: App) -> None:  # noqa: ARG002 - it has it
        """Let an update of the lock arrive now if there was no rollback for it.

        A call of RDS is not under way for so long: it is done, or its client has given it up.
        """
        if self.kept and self.kept.service == "dynamodb" and not self.looks:
            self.carry_out()

    def wrong(self, cloud: App) -> str:  # noqa: ARG002 - it has it
        """What it has done to the lock."""
        return self.set_back


class AtState(Injected):
    """Something that happens to the execution or to RDS when a state is entered."""

    def __init__(
        self, cloud: App, watch: Watch, state: str, act: Callable[[App, str], None]
    ) -> None:
        super().__init__(cloud, watch)
        self.state, self.act, self.begun = state, act, False
        cloud.listeners.append(self)

    def __call__(self, notice: Any) -> None:
        if (
            notice.kind == "state entered"
            and notice.name == self.state
            and notice.execution == self.watch.execution
            and not self.begun
        ):
            self.begun = True
            # As soon as whoever runs now waits for something.
            self.cloud.clock.Thread(target=self.fire, args=(notice.execution,)).start()

    def fire(self, execution: str) -> None:
        """Let it happen; what RDS refuses has not happened."""
        with suppress(RdsError):
            self.act(self.cloud, execution)
            self.fired += 1


def _execution(arn: str) -> Any:
    return stepfunctions_parser_backends[ACCOUNT][REGION].describe_execution(arn)


def stop(cloud: App, arn: str) -> None:
    """StopExecution, by somebody outside."""
    _execution(arn).stop(stop_date=datetime.now(UTC), error="Stopped", cause="by somebody")


def time_out(cloud: App, arn: str) -> None:
    """The machine's own limit is reached."""
    cloud.time_out(arn)


class EventLost(AtState):
    """The execution is stopped, and no event tells it: the hourly look has to find it."""

    def __init__(self, cloud: App, watch: Watch, state: str) -> None:
        super().__init__(cloud, watch, state, self.end)

    def end(self, cloud: App, execution: str) -> None:
        """Stop it while events are lost, and only while it is stopped."""
        cloud.loses_events = True
        stop(cloud, execution)

    def afterwards(self, cloud: App) -> None:
        """Let the next two looks come."""
        cloud.loses_events = False
        for _ in range(2):
            cloud.clock.advance(3600)
            cloud.tick("HourlyLook")
            cloud.settle(real_timeout=900)


class Updated(AtState):
    """The stack is updated when a state is entered; the plan is one of the release before.

    The functions are others from then on, and whoever begins with the new definition fails. Once
    the execution has ended the stack is as it was.
    """

    def __init__(self, cloud: App, watch: Watch, state: str) -> None:
        super().__init__(cloud, watch, state, self.update)
        self.stack = cloudformation_backends[ACCOUNT][REGION].get_stack(cloud.stack)
        self.before, self.failed = self.stack.template, ""
        cloud.functions.invoke = self.invoke  # type: ignore[method-assign]

    def invoke(self, function: Any, layers: list[bytes], event: bytes) -> tuple[bytes, bool]:
        """Invoke a function; the check answers as that of the release before."""
        answer, failed = Functions.invoke(self.cloud.functions, function, layers, event)
        is_check = str(function.logical_resource_id).startswith("Check")
        if not is_check or failed or self not in self.cloud.listeners:
            return answer, failed
        checked = json.loads(answer)
        checked["plan"] = releases.as_made_in(0, checked["plan"])
        return json.dumps(checked).encode(), False

    def update(self, *_: Any) -> None:
        """Give all functions another variable, and the machine a definition that only fails."""
        template = json.loads(self.before)
        template["Globals"]["Function"]["Environment"]["Variables"]["UPDATED"] = "yes"
        machine = template["Resources"]["DBRestoreStateMachine"]["Properties"]
        del machine["DefinitionUri"], machine["DefinitionSubstitutions"]
        fails = {"Type": "Fail", "Error": "Updated", "Cause": "It has the new definition"}
        machine["Definition"] = {"StartAt": "Updated", "States": {"Updated": fails}}
        self.change(json.dumps(template))

    def change(self, template: str) -> None:
        """UpdateStack."""
        self.stack.update(template, parameters=dict(self.stack.parameters))
        if self.stack.status != "UPDATE_COMPLETE":
            self.failed = f"{self.stack.status}: {self.stack.status_reason}"

    def afterwards(self, cloud: App) -> None:
        """Update it back."""
        del cloud.functions.invoke
        self.change(self.before)

    def wrong(self, cloud: App) -> str:  # noqa: ARG002 - it has it
        """What of the updates themselves has failed."""
        return self.failed


class Stopping(AtSpot):
    """The execution is stopped right behind a call, which goes through."""

    def __init__(self, cloud: App, watch: Watch, spot: Spot) -> None:
        super().__init__(cloud, watch, spot, None, 1)

    def __call__(self, call: Call) -> Fault | None:
        before = self.fired
        super().__call__(call)
        if self.fired > before:
            act = self.cloud.clock.Thread(target=stop, args=(self.cloud, self.watch.execution))
            act.start()
        return None


class Blind(Injected):
    """Describe of one caller's state finds nothing for a minute from its first look on."""

    def __init__(self, cloud: App, watch: Watch, spot: Spot) -> None:
        super().__init__(cloud, watch)
        self.spot, self.until = spot, 0.0
        cloud.faults.append(self)

    def __call__(self, call: Call) -> Fault | None:
        if not self.spot.is_of(call) or self.watch.state != self.spot.state:
            return None
        now = self.cloud.clock.now()
        self.until = self.until or now + A_MINUTE
        if now >= self.until:
            return None
        self.fired += 1
        if "Filters" in call.parameters:
            return Fault("nothing", nothing=True)
        code = {
            "DescribeDBInstances": "DBInstanceNotFound",
            "DescribeDBClusters": "DBClusterNotFoundFault",
            "DescribeDBSnapshots": "DBSnapshotNotFound",
            "DescribeDBClusterSnapshots": "DBClusterSnapshotNotFoundFault",
            "DescribeDBProxyTargets": "DBProxyNotFoundFault",
        }[call.operation]
        return Fault(code, "It is not shown", 404)


class Stale(Injected):
    """For a minute after each of the app's changes RDS shows what it showed before it."""

    def __init__(self, cloud: App, watch: Watch) -> None:
        super().__init__(cloud, watch)
        self.old: Rds | None = None
        self.until = 0.0
        rds, answer = cloud.rds, cloud.rds.answer

        def stale_answer(body: bytes, *write: Any) -> tuple[int, dict[str, str], bytes]:
            if self.old and cloud.clock.now() < self.until and is_look(body):
                self.fired += 1
                return self.old.answer(body, *write)
            return answer(body, *write)

        rds.answer = stale_answer  # type: ignore[method-assign]
        cloud.faults.append(self)

    def __call__(self, call: Call) -> None:
        if call.service == "rds" and is_own(call) and not call.operation.startswith("Describe"):
            now = self.cloud.clock.now()
            self.old, self.until = copied(self.cloud.rds, now), now + A_MINUTE


def is_look(body: bytes) -> bool:
    """Whether a request looks at databases or snapshots."""
    operation, _ = read_request(body)
    return operation in (
        "DescribeDBInstances",
        "DescribeDBClusters",
        "DescribeDBSnapshots",
        "DescribeDBClusterSnapshots",
        "DescribeDBClusterEndpoints",
    )


def copied(rds: Rds, now: float) -> Rds:
    """An RDS that shows for ever what this one shows now."""
    copy = Rds(lambda: now)
    copy.hold(rds.kept())
    return copy
