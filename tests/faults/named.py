"""Scenarios that no single call makes: other people's databases, two at once, alerts, limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.awslambda_simple import models as simple_lambda
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.emulator.cloud import ACCOUNT, REGION, Fault, killed, lost
from local.emulator.rds import RdsError
from tests import hooking
from tests.faults import faults
from tests.faults.flows import FLOWS, Flow, Watch
from tests.faults.judge import Allowed, look, serves
from tests.faults.phases import ALL_STATES
from tests.faults.scenario import KEPT, RESTORED, TOLD, Scenario
from tests.pipeline.observed import Kind, On, OnceReplaced
from tests.pipeline.scenarios import AUTOSCALED, autoscale

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call

SOMEBODY = "somebody-else"


def of(kind: str, name: str) -> Flow:
    """The flow of a kind and a task."""
    return next(flow for flow in FLOWS if (flow.kind.name, flow.name) == (kind, name))


def all_named() -> Iterator[Scenario]:
    """Every one of them, for both kinds."""
    for kind in ("instance", "cluster"):
        yield from foreign(kind)
        yield from once_more(kind)
        yield from another_copy(kind)
        yield from in_another_phase(kind)
        yield from after_its_recovery(kind)
        yield from said_to_have_ended(kind)
        yield from behind_untagging(kind)
        yield from unexpected(kind)
        yield from stopped_meanwhile(kind)
        yield from without_snapshot(kind)
        yield from limits(kind)
        yield from with_a_wrong_part(kind)
        yield from other_answers(kind)
        yield from with_hooks(kind)
    yield from scaled()


def with_hooks(kind: str) -> Iterator[Scenario]:
    """What leaves open whether a hook has run."""
    state = "Run the hooks"
    for flow in (of(kind, "hooks"), of(kind, "copy_hooks")):

        def lose(cloud: App, watch: Watch) -> faults.Injected:
            injected = faults.Injected(cloud, watch)

            def answer(call: Call) -> Fault | None:
                if call.operation != "Invoke" or not hooking.is_run(call) or injected.fired:
                    return None
                injected.fired += 1
                return lost(carried_out=True)

            cloud.faults.append(answer)
            return injected

        yield Scenario(flow, state, hooking.FUNCTION, "its answer is lost", Allowed(KEPT), lose)


def nothing(cloud: App, watch: Watch) -> faults.Injected:
    """No fault: the request or the account is what matters."""
    return faults.Injected(cloud, watch, 1)


def make_foreign(cloud: App, kind: Kind, name: str) -> None:
    """Let somebody else have a database of this name."""
    group = "DBCluster" if kind.is_cluster else "DBInstance"
    with cloud.rds.instantly():
        cloud.rds.call(
            f"Create{group}",
            {
                f"{group}Identifier": name,
                "Engine": "aurora-postgresql" if kind.is_cluster else "postgres",
                "MasterUsername": SOMEBODY,
                "ManageMasterUserPassword": True,
                **(
                    {}
                    if kind.is_cluster
                    else {"DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20}
                ),
            },
        )


def make_member(cloud: App, cluster: str) -> None:
    """Give a cluster a writer."""
    with cloud.rds.instantly():
        cloud.rds.call(
            "CreateDBInstance",
            {
                "DBInstanceIdentifier": member_of(cluster),
                "DBClusterIdentifier": cluster,
                "Engine": "aurora-postgresql",
                "DBInstanceClass": "db.r6g.large",
            },
        )


def member_of(cluster: str) -> str:
    """The name of the writer that `make_member` makes."""
    return f"{cluster}-temp-1"


def make_snapshot(cloud: App, kind: Kind) -> None:
    """Let a database have the snapshot that a restore looks for."""
    group = "DBCluster" if kind.is_cluster else "DBInstance"
    taken = "DBClusterSnapshot" if kind.is_cluster else "DBSnapshot"
    with cloud.rds.instantly():
        cloud.rds.call(
            f"Create{taken}",
            {f"{group}Identifier": kind.identifier, f"{taken}Identifier": kind.snapshot},
        )


def rename(cloud: App, kind: Kind, name: str, new: str) -> None:
    """Let somebody rename a database."""
    group = "DBCluster" if kind.is_cluster else "DBInstance"
    with cloud.rds.instantly():
        cloud.rds.call(
            f"Modify{group}",
            {
                f"{group}Identifier": name,
                f"New{group}Identifier": new,
                "ApplyImmediately": True,
            },
        )


def start(cloud: App, name: str, request: Any) -> str:
    """Start another execution; its ARN."""
    backend = stepfunctions_parser_backends[ACCOUNT][REGION]
    return str(backend.start_execution(cloud.machine, name, json.dumps(request)).exec_arn)


class Foreign(faults.AtState):
    """Somebody takes the name that a step is about to act on; what is his must stay as it is."""

    def __init__(self, cloud: App, watch: Watch, state: str, kind: Kind, name: str) -> None:
        self.kind, self.name, self.his = kind, name, None
        super().__init__(cloud, watch, state, self.take)

    def take(self, cloud: App, _: str) -> None:
        if (self.kind.name, self.name) in look(cloud).databases:
            try:
                rename(cloud, self.kind, self.name, "moved-away")
                # So that nothing but the app keeps what has the name now from a deletion.
                cloud.rds.find(self.kind.name, "moved-away").shown["DeletionProtection"] = False
            except RdsError:  # a half-made one
                cloud.rds.things.pop(cloud.rds.find(self.kind.name, self.name).key)
        make_foreign(cloud, self.kind, self.name)
        self.his = look(cloud).databases[self.kind.name, self.name]

    def wrong(self, cloud: App) -> str:
        """What has happened to his database."""
        if self.his is None:  # the other of two faults was faster
            return ""
        now = look(cloud).databases.get((self.kind.name, self.name))
        if now is None or now.resource_id != self.his.resource_id or now.shown != self.his.shown:
            return f"somebody's {self.name} is {now and now.shown}, was {self.his.shown}"
        return ""


def foreign(kind: str) -> Iterator[Scenario]:
    """At each step that changes something under a name, the name is another database."""
    restore, take = of(kind, "db_restore"), of(kind, "create_snapshot_only")
    first = of(kind, "restore_first")
    name = restore.kind.identifier
    for flow, state, taken in (
        (take, "Take the snapshot", name),
        (restore, "Rename the original", name),
        (restore, "Restore the database", name),
        (restore, "Configure the database", name),
        (restore, "Delete the original", f"{name}-temp"),
        (of(kind, "rollback"), "Put the original back", name),
        (first, "Configure the copy", f"{name}-copy"),
        (first, "Verify the copy", f"{name}-copy"),
        (first, "Rename the copy", f"{name}-copy"),
        (of(kind, "swap_back"), "Put the original back", name),
        (of(kind, "copy"), "Configure the copy", name.replace("prod", "drill")),
    ):
        yield Scenario(
            flow, state, taken, "another database",
            Allowed(KEPT | TOLD, unlocked=False, mails=0, tagged=True, serving=False),
            lambda cloud, watch, state=state, taken=taken, flow=flow: Foreign(
                cloud, watch, state, flow.kind, taken
            ),
        )  # fmt: skip


class OnceMore(faults.Injected):
    """After the end every function that had changed something gets its last event once more."""

    def __init__(self, cloud: App, watch: Watch, function: str) -> None:
        super().__init__(cloud, watch)
        self.function, self.event = function, None
        cloud.listeners.append(self)

    def __call__(self, notice: Any) -> None:
        if notice.kind == "function invoked" and notice.name == self.function:
            self.event = notice.detail.event

    def afterwards(self, cloud: App) -> None:
        """Invoke it; whatever it answers, RDS must be left as it is."""
        if self.event is None:
            return
        self.fired += 1
        cloud.client("lambda").invoke(
            FunctionName=cloud.physical_id(self.function), Payload=json.dumps(self.event)
        )

    def invoke(self) -> None:
        """Invoke it in the midst of the execution."""
        self.fired += 1
        simple_lambda.lambda_simple_backends[ACCOUNT][REGION].invoke(
            self.cloud.physical_id(self.function), None, json.dumps(self.event), {}, {}
        )


class AnotherCopy(OnceMore):
    """The same while another execution holds the lock, in the phase of the event."""

    def afterwards(self, cloud: App) -> None:
        """Put the other's lock there for as long as the function works."""
        if self.event is None:
            return
        table, kind = cloud.physical_id("LockTable"), "instance"
        if "members" in self.event["plan"]:
            kind = "cluster"
        key = {"database": {"S": f"{kind}#{self.event['plan']['identifier']}"}}
        others = {"holder": {"S": "another"}, "phase": {"S": self.event["phase"]}}
        client = cloud.client("dynamodb")
        if client.get_item(TableName=table, Key=key).get("Item"):
            return  # nobody else gets a lock that is held, or that has a plan in it
        client.put_item(TableName=table, Item=key | others)
        super().afterwards(cloud)
        client.delete_item(TableName=table, Key=key)


class InAnotherPhase(OnceMore):
    """The same when the rollback is over, while the execution still has the lock."""

    def __call__(self, notice: Any) -> None:
        super().__call__(notice)
        if (notice.kind, notice.name) == ("state entered", "Tell what failed") and self.event:
            # At once, while the execution waits: it must not let go of the lock before.
            self.invoke()

    def afterwards(self, cloud: App) -> None:
        """Nothing is left to be done."""


class AfterItsRecovery(OnceMore):
    """An execution is interrupted; the next one rolls it back, and goes on with its own work.

    Then the rollback with the plan of the first comes once more.
    """

    def __init__(self, cloud: App, watch: Watch, flow: Flow, state: str) -> None:
        super().__init__(cloud, watch, f"RollBack{flow.kind.name.capitalize()}Function")
        self.flow, self.state, self.next = flow, state, ""

    def __call__(self, notice: Any) -> None:
        super().__call__(notice)
        if (notice.kind, notice.name) != ("state entered", self.state) or self.fired:
            return
        if not self.next:
            self.next = "begins"
            self.cloud.clock.Thread(target=self.interrupt).start()
        elif notice.execution == self.next:
            self.cloud.clock.Thread(target=self.invoke).start()

    def interrupt(self) -> None:
        """Stop the first one, and start the next before the stack's rule recovers it."""
        faults.stop(self.cloud, self.watch.execution)
        self.next = start(self.cloud, "next", self.flow.request())

    def afterwards(self, cloud: App) -> None:
        """Nothing is left to be done."""

    def wrong(self, cloud: App) -> str:
        """What the next one has come to, which must be a success."""
        ended = cloud.describe(self.next)
        if ended.status == "SUCCEEDED":
            return ""
        return f"the next one is {ended.status} {ended.error}: {ended.cause}"


def after_its_recovery(kind: str) -> Iterator[Scenario]:
    """A rollback that comes late: the execution that has taken it over works on by then."""
    flow, state = of(kind, "db_restore"), "Wait until the database is restored"
    # The first one is judged, whose original the next one has replaced as it was asked to.
    yield Scenario(
        flow, state, f"RollBack{kind.capitalize()}Function", "invoked after its recovery",
        Allowed(TOLD, mails=0),
        lambda cloud, watch: AfterItsRecovery(cloud, watch, flow, state),
    )  # fmt: skip


class SaidToHaveEnded(faults.AtState):
    """Somebody asks to recover the execution that is running, in the words of the stack's rule."""

    def __init__(self, cloud: App, watch: Watch, state: str, flow: Flow) -> None:
        self.flow, self.recovery = flow, ""
        super().__init__(cloud, watch, state, self.recover)

    def recover(self, cloud: App, execution: str) -> None:
        given = {"executionArn": execution, "status": "TIMED_OUT"}
        given["input"] = json.dumps(self.flow.request())
        self.recovery = start(cloud, "recovery", {"task": "recover", "ended": given})

    def wrong(self, cloud: App) -> str:
        """What the recovery has come to, which must be nothing."""
        ended = cloud.describe(self.recovery)
        # It asks until the execution has ended. What it recovers would be named in its output.
        if ended.status == "SUCCEEDED" and "interrupted" not in ended.output:
            return ""
        return f"the recovery is {ended.status} {ended.error}: {ended.cause or ended.output}"


def said_to_have_ended(kind: str) -> Iterator[Scenario]:
    """Somebody says that the execution has ended, and it has not."""
    flow, state = of(kind, "db_restore"), "Restore the database"
    yield Scenario(
        flow, state, "recover", "said to have ended", Allowed(RESTORED),
        lambda cloud, watch: SaidToHaveEnded(cloud, watch, state, flow),
    )  # fmt: skip


class BehindUntagging(faults.Injected):
    """The snapshot step is killed when it has untagged what it has taken."""

    def __init__(self, cloud: App, watch: Watch) -> None:
        super().__init__(cloud, watch)
        cloud.faults.append(self)

    def __call__(self, call: Call) -> Fault | None:
        untags = call.operation == "RemoveTagsFromResource" and call.caller.startswith("Snapshot")
        if not untags or self.fired:
            return None
        self.fired += 1
        return killed(carried_out=True)

    def wrong(self, cloud: App) -> str:
        """Whether any snapshot was taken twice."""
        taken = [
            call.parameters.get("DBSnapshotIdentifier")
            or call.parameters["DBClusterSnapshotIdentifier"]
            for call in cloud.calls
            if call.operation in ("CreateDBSnapshot", "CreateDBClusterSnapshot") and not call.error
        ]
        return "" if len(set(taken)) == len(taken) else f"the snapshots taken are {taken}"


def behind_untagging(kind: str) -> Iterator[Scenario]:
    """A repeat finds a snapshot that no tag says is its own any more."""
    flow = of(kind, "create_snapshot_only")
    yield Scenario(
        flow, "Take the snapshot", flow.kind.snapshot, "killed behind its untagging",
        Allowed(RESTORED), BehindUntagging,
    )  # fmt: skip


def in_another_phase(kind: str) -> Iterator[Scenario]:
    """A Lambda of the phase before comes late, and finds the original under its own name."""
    for step in ("Rename", "Restore"):
        function = f"{step}{kind.capitalize()}Function"
        yield Scenario(
            of(kind, "rollback"), ALL_STATES, function, "invoked after the rollback",
            Allowed(KEPT),
            lambda cloud, watch, function=function: InAnotherPhase(cloud, watch, function),
        )  # fmt: skip


def once_more(kind: str) -> Iterator[Scenario]:
    """A Lambda that comes late: its whole work begins when the execution is over."""
    for name, steps in (
        ("create_snapshot_only", ("Snapshot",)),
        ("db_restore", ("Rename", "Restore", "Configure", "Delete", "Untag")),
        ("rollback", ("Rename", "Restore", "RollBack")),
    ):
        flow = of(kind, name)
        for step in steps:
            function = f"{step}{kind.capitalize()}Function"
            yield Scenario(
                flow, ALL_STATES, function, "invoked after the end",
                Allowed(frozenset({flow.ending})),
                lambda cloud, watch, function=function: OnceMore(cloud, watch, function),
            )  # fmt: skip


def another_copy(kind: str) -> Iterator[Scenario]:
    """The original stands under its own name, as the old plan has it, and another works on it."""
    flow, function = of(kind, "rollback"), f"Rename{kind.capitalize()}Function"
    yield Scenario(
        flow, ALL_STATES, function, "invoked while another works", Allowed(KEPT),
        lambda cloud, watch: AnotherCopy(cloud, watch, function),
    )  # fmt: skip


def unexpected(kind: str) -> Iterator[Scenario]:
    """What somebody or something does in the midst of it."""
    flow = of(kind, "db_restore")
    name = flow.kind.identifier

    def tamper(cloud: App, _: str) -> None:
        cloud.rds.find(kind, name).shown["BackupRetentionPeriod"] = 1

    yield Scenario(
        flow, "Verify the database", name, "changed by somebody", Allowed(TOLD),
        lambda cloud, watch: faults.AtState(
            cloud, watch, "Verify the database", tamper
        ),
    )  # fmt: skip

    def rename_original(cloud: App, _: str) -> None:
        rename(cloud, flow.kind, f"{name}-temp", "moved-away")

    def rename_as_the_app(cloud: App, _: str) -> None:
        rename(cloud, flow.kind, name, f"{name}-temp")

    for of_what in ("db_restore", "restore_first"):
        yield Scenario(
            of(kind, of_what), "Rename the original", name, "somebody renames it as the app would",
            Allowed(KEPT),
            lambda cloud, watch: faults.AtState(
                cloud, watch, "Rename the original", rename_as_the_app
            ),
        )  # fmt: skip

    def replace_snapshot(cloud: App, _: str) -> None:
        shown = cloud.rds.find(flow.kind.snapshot_kind, flow.kind.snapshot).shown
        for moment in {"SnapshotCreateTime", "OriginalSnapshotCreateTime"} & shown.keys():
            shown[moment] += timedelta(hours=1)

    for what, act, allowed in (
        ("the original is renamed", rename_original, Allowed(TOLD, mails=0)),
        ("the snapshot is another", replace_snapshot, Allowed(TOLD)),
    ):
        yield Scenario(
            flow, "Verify the database", name, what, allowed,
            lambda cloud, watch, act=act: faults.AtState(
                cloud, watch, "Verify the database", act
            ),
        )  # fmt: skip

    def rename_restored(cloud: App, _: str) -> None:
        rename(cloud, flow.kind, name, "moved-away")

    def protect(cloud: App, _: str) -> None:
        cloud.rds.find(kind, f"{name}-temp").shown["TagList"].append(
            {"Key": "trapheus:protect", "Value": "by somebody"}
        )

    deletion = "Delete the original"
    for what, act, allowed in (
        ("what was restored is renamed", rename_restored, Allowed(TOLD, serving=False)),
        ("the original is protected", protect, Allowed(TOLD)),
    ):
        yield Scenario(
            flow, deletion, name, what, allowed,
            lambda cloud, watch, act=act: faults.AtState(cloud, watch, deletion, act),
        )  # fmt: skip

    yield Scenario(
        replace(flow, before=lambda cloud: cloud.faults.append(OnceReplaced(cloud, flow.kind))),
        "Put the original back", name, "the original is lost", Allowed(TOLD),
        lambda cloud, watch: Lost(cloud, watch, flow.kind),
    )  # fmt: skip

    def silence(cloud: App, watch: Watch) -> faults.Injected:
        cloud.rds.poison(kind, name)
        for caller in ("SendEmail", "states"):
            cloud.faults.append(On(caller, "SendEmail", faults.DENIED["sesv2"]))
        return faults.Injected(cloud, watch, 1)

    yield Scenario(
        flow, "Tell what failed", "ses", "no mail at all", Allowed(KEPT, mails=0), silence
    )

    yield Scenario(
        replace(flow, typed=name.upper()), "Read the request", name, "upper case",
        Allowed(RESTORED), nothing,
    )  # fmt: skip
    yield Scenario(
        flow, "Take the lock", name, "two at once", Allowed(RESTORED), TwoAtOnce,
    )  # fmt: skip


def stopped_meanwhile(kind: str) -> Iterator[Scenario]:
    """A scheduler stops the database for the night, before its turn to be renamed has come."""
    for of_what, state in (
        ("source", "Copy the snapshot"),
        ("source_first", "Wait until the copy is made"),
        ("restore_first", "Verify the copy"),
    ):
        flow = of(kind, of_what)

        def stop(cloud: App, _: str, own: Kind = flow.kind) -> None:
            names = {own.operation("DB*Identifier"): own.identifier}
            cloud.rds.call(own.operation("StopDB*"), names)

        yield Scenario(
            flow, state, flow.kind.identifier, "somebody stops it",
            # It is to stay so, whatever else fails beside it.
            Allowed(KEPT, statuses=frozenset({"stopped"}), serving=False),
            lambda cloud, watch, state=state, stop=stop: faults.AtState(cloud, watch, state, stop),
        )  # fmt: skip


# How a part of what is restored can end otherwise than well, by attribute; the last goes on and on.
WRONG_PARTS = {
    "DomainMemberships": ("failed", "enable-kerberos-failed", "removed"),
    "AssociatedRoles": ("INVALID",),
    "MasterUserSecret": ("impaired",),
    "DBParameterGroups": ("failed-to-apply",),
}
OF_A_KIND = {
    "instance": {"OptionGroupMemberships": ("failed", "pending-apply")},
    "cluster": {"DBClusterMembers": ("failed-to-apply", "applying")},
}


def with_a_wrong_part(kind: str) -> Iterator[Scenario]:
    """RDS calls what is restored available, and a part of it has failed, or never ends."""
    for task, state, allowed in (
        ("db_restore", "Verify the database", Allowed(TOLD)),
        ("restore_first", "Verify the copy", Allowed(KEPT)),
    ):
        flow = of(kind, task)
        for attribute, endings in (WRONG_PARTS | OF_A_KIND[kind]).items():
            for ending in endings:

                def spoil(cloud: App, attribute: str = attribute, ending: str = ending) -> None:
                    cloud.rds.part_endings[attribute] = ending

                yield Scenario(
                    replace(flow, before=spoil), state, attribute, f"a part that is {ending}",
                    allowed, nothing,
                )  # fmt: skip


def without_snapshot(kind: str) -> Iterator[Scenario]:
    """Somebody deletes the snapshot once its restore has been asked for."""
    for task in ("db_restore", "create_snapshot"):
        flow = of(kind, task)
        own, name = (flow.kind.snapshot_kind, flow.kind.snapshot), flow.kind.snapshot
        verification = "Verify the database"

        def delete(cloud: App, _: str, own: tuple[str, str] = own) -> None:
            cloud.rds.things.pop(cloud.rds.find(*own).key)

        for state, what, inject in (
            ("Restore the database", "the snapshot vanishes behind the call", BehindTheRestore),
            (verification, "the snapshot vanishes later", faults.AtState),
        ):
            yield Scenario(
                replace(flow, gone=frozenset({own})), state, name, what, Allowed(RESTORED),
                lambda cloud, watch, inject=inject, state=state, delete=delete: inject(
                    cloud, watch, state, delete
                ),
            )  # fmt: skip


class BehindTheRestore(faults.Injected):
    """Something that happens before the first call that follows a restore's."""

    def __init__(
        self, cloud: App, watch: Watch, state: str, act: Callable[[App, str], None]
    ) -> None:
        super().__init__(cloud, watch)
        self.state, self.act, self.asked = state, act, False
        cloud.faults.append(self)

    def __call__(self, call: Call) -> None:
        if self.asked and not self.fired:
            self.fired += 1
            self.act(self.cloud, self.watch.execution)
        if self.watch.state == self.state and call.operation.startswith("RestoreDB"):
            self.asked = True


class Lost(faults.AtState):
    """The original cannot be put back any more when that begins: what was restored must stay."""

    def __init__(self, cloud: App, watch: Watch, kind: Kind) -> None:
        self.kind = kind
        super().__init__(cloud, watch, "Put the original back", self.lose)

    def lose(self, cloud: App, _: str) -> None:
        """Let it be in a status that no call ends."""
        cloud.rds.become(self.kind.name, f"{self.kind.identifier}-temp", "failed")

    def wrong(self, cloud: App) -> str:
        """Whether anything serves in its place."""
        return "" if not self.fired or serves(self.kind, look(cloud)) else "nothing serves"


class TwoAtOnce(faults.Injected):
    """A second execution for the same database, started as soon as the first has begun."""

    def __init__(self, cloud: App, watch: Watch) -> None:
        super().__init__(cloud, watch)
        self.second = ""
        cloud.listeners.append(self)

    def __call__(self, notice: Any) -> None:
        if notice.kind == "state entered" and notice.name == "Read the request" and not self.fired:
            self.fired += 1
            self.cloud.clock.Thread(target=self.start_second, args=(notice.detail,)).start()

    def start_second(self, given: Any) -> None:
        """Start it with the same input, in the same second."""
        self.second = start(self.cloud, "second", given["input"])

    def wrong(self, cloud: App) -> str:
        """What the second one has come to, which must be a refusal."""
        second = cloud.describe(self.second)
        own = [mail for mail in cloud.alerts if "LockHeld" in mail.subject]
        # They are told here; the others are of the first one, which another fault may have failed.
        cloud.mails[:] = [mail for mail in cloud.mails if mail not in own]
        denied = any(call.error.startswith("AccessDenied") for call in cloud.calls if call.error)
        if denied and second.status == "FAILED" and "was not touched" in second.cause:
            return ""  # another fault has met the second one too
        if (second.status, second.error) != ("FAILED", "LockHeld"):
            return f"the second is {second.status} {second.error}: {second.cause}"
        silenced = any(call.caller == "SendEmailFunction" and call.error for call in cloud.calls)
        return "" if len(own) == 1 or (silenced and not own) else f"mails of the second: {own}"


def limits(kind: str) -> Iterator[Scenario]:
    """What the preflight must refuse before anything is touched."""
    flow = of(kind, "db_restore")
    name = flow.kind.identifier
    refusals: dict[str, Callable[[App], None]] = {
        "leftover": lambda cloud: make_foreign(cloud, flow.kind, f"{name}-temp"),
        "quota": lambda cloud: cloud.rds.quotas.update({kind: 1}),
        "replica": lambda cloud: cloud.rds.find(kind, name).shown.update(
            {"ReadReplicaIdentifiers": ["copy"]}
            if flow.kind.is_cluster
            else {"ReadReplicaDBInstanceIdentifiers": ["copy"]}
        ),
        "pending change": lambda cloud: cloud.rds.find(kind, name).shown.update(
            {"PendingModifiedValues": {"EngineVersion": "99"}}
        ),
    }
    if flow.kind.is_cluster:
        refusals["global cluster"] = lambda cloud: cloud.rds.find(kind, name).shown.update(
            {"GlobalClusterIdentifier": "world"}
        )
    untouched = Allowed(KEPT, untouched=True)
    secret = replace(flow.kind, identifier=f"{kind}-of-others")  # none that the local stack allows

    def have_secret(cloud: App) -> None:
        make_foreign(cloud, secret, secret.identifier)
        if secret.is_cluster:
            make_member(cloud, secret.identifier)
        make_snapshot(cloud, secret)

    yield Scenario(
        replace(flow, typed=secret.identifier, before=have_secret),
        "Read the request", secret.identifier, "not allowed", untouched, nothing,
    )  # fmt: skip
    for what, arrange in refusals.items():
        yield Scenario(
            replace(flow, before=arrange), "Check the database", name, what, untouched, nothing
        )
    for inside in ("my-temp-late", "temp-temp"):
        own = Kind(kind, f"{inside}-{'cluster' if flow.kind.is_cluster else 'db'}")

        def arranged(cloud: App, own: Kind = own) -> None:
            make_foreign(cloud, own, own.identifier)
            cloud.rds.find(own.name, own.identifier).data = "written today"
            if own.is_cluster:
                make_member(cloud, own.identifier)

        kind_inside = replace(own, members=(member_of(own.identifier),) if own.is_cluster else ())
        yield Scenario(
            replace(of(kind, "create_snapshot"), kind=kind_inside, before=arranged),
            ALL_STATES, own.identifier, "-temp inside the name", Allowed(RESTORED), nothing,
        )  # fmt: skip


CERTIFICATE = frozenset({"CACertificateIdentifier", "CertificateDetails"})


def other_answers(kind: str) -> Iterator[Scenario]:
    """What nobody knows of RDS, or it does in one region and not in another: each ends well."""
    lacking = {
        "DescribeBlueGreenDeployments", "DescribeCertificates", "DescribeDBProxies",
        "DescribeGlobalClusters", "DescribeIntegrations",
    }  # fmt: skip

    def initialize(cloud: App, *, takes_changes: bool) -> None:
        cloud.rds.initializes = True
        cloud.rds.changes_while_initializing = takes_changes

    answers: dict[str, Callable[[App], None]] = {
        "operations that the region lacks": lambda cloud: cloud.rds.unsupported.update(lacking),
        "snapshots stay with the old name": lambda cloud: setattr(
            cloud.rds, "snapshots_follow", False
        ),
        "a retired CA": lambda cloud: cloud.rds.certificates.remove("rds-ca-ecc384-g1"),
    }
    if kind == "instance":
        answers |= {
            "changes while storage is loaded": lambda cloud: initialize(cloud, takes_changes=True),
            "no changes until storage is loaded": lambda cloud: initialize(
                cloud, takes_changes=False
            ),
        }
    for flow in (of(kind, "db_restore"), of(kind, "restore_first")):
        for what, arrange in answers.items():
            retired = CERTIFICATE if what == "a retired CA" else frozenset()
            yield Scenario(
                replace(flow, before=arrange, lost=retired), ALL_STATES, flow.kind.identifier,
                # A region that lacks RDS Proxy has none to lead anywhere.
                what, Allowed(RESTORED, proxied="lacks" not in what), nothing,
            )  # fmt: skip


def scaled() -> Iterator[Scenario]:
    """Readers that auto scaling makes and takes away between two steps."""
    flow = of("cluster", "db_restore")
    name = flow.kind.identifier

    def come(to: str) -> Callable[[App, str], None]:
        return lambda cloud, _: autoscale(cloud, to)

    def go(cloud: App, _: str) -> None:
        with cloud.rds.instantly():
            cloud.rds.call("DeleteDBInstance", {"DBInstanceIdentifier": AUTOSCALED})

    for state, act, before in (
        ("Rename the original", come(name), None),
        ("Delete the original", come(f"{name}-temp"), None),
        ("Rename the original", go, lambda cloud: autoscale(cloud, name)),
        ("Delete the original", go, lambda cloud: autoscale(cloud, name)),
    ):
        what = "a reader goes" if before else "a reader comes"
        yield Scenario(
            replace(flow, before=before, gone=frozenset({("instance", AUTOSCALED)})),
            state, name, what, Allowed(RESTORED),
            lambda cloud, watch, state=state, act=act: faults.AtState(cloud, watch, state, act),
        )  # fmt: skip
