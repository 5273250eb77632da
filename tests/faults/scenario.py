"""A scenario: one fault at one place of one flow, the endings that it allows, and its run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local.emulator.cloud import Fault, hung, killed, lost
from tests.faults import faults
from tests.faults.flows import Flow, Spot, Watch
from tests.faults.judge import Allowed, Ended, World, is_kept, look, wrongs
from tests.faults.pasting import wrong_blocks
from tests.faults.phases import ALL_STATES, phase
from tests.pipeline.observed import tagged

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Execution

Inject = Callable[["App", Watch], faults.Injected]


@dataclass(frozen=True)
class Scenario:
    """One fault in one flow; `inject` puts it in, `allowed` is what it may come to."""

    flow: Flow
    state: str
    place: str
    fault: str
    allowed: Allowed
    inject: Inject = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        return f"{self.flow}/{self.state}/{self.place}/{self.fault}".replace(" ", "_")

    @property
    def phase(self) -> str:
        return phase(self.state)


@dataclass(frozen=True)
class Verdict:
    """How a scenario has ended: its ending, what is wrong, and whether its fault fired."""

    id: str
    kind: str
    phase: str
    fault: str
    ending: str
    wrong: str
    fired: bool
    seconds: float = 0.0


def run(cloud: App, scenario: Scenario) -> tuple[str, str, bool]:
    """Run it from a fresh start: the ending, what is wrong ("" for nothing), whether it fired."""
    cloud.reset()
    cloud.use_timing("brisk")
    flow = scenario.flow
    flow.arrange(cloud)
    before = look(cloud)
    before.forget(flow.gone)
    watch = Watch(cloud)
    injected = scenario.inject(cloud, watch)
    # Days of looks may take a while on a busy machine.
    execution = cloud.run(cloud.machine, json.dumps(flow.request()), real_timeout=900)
    cloud.settle(real_timeout=900)
    injected.afterwards(cloud)
    # Whatever RDS has been asked for by then is over.
    cloud.clock.advance(1800)
    more = injected.wrong(cloud)
    recoveries = [cloud.describe(arn) for arn in cloud.executions(cloud.machine)[1:]]
    ended = Ended(cloud, flow, before, execution, recoveries)
    ending, wrong = wrongs(ended, scenario.allowed)
    wrong = wrong or wrong_blocks(ended)
    if not wrong and ending != "restored" and scenario.allowed.recovers:
        wrong = recover(cloud, flow, before)
    return ending, wrong or more, bool(injected.fired)


def recover(cloud: App, flow: Flow, before: World) -> str:
    """What is wrong after the fault has gone and somebody has started a recovery."""
    cloud.faults.clear()
    cloud.listeners.clear()
    recovery: Execution = cloud.run(
        cloud.machine, json.dumps(flow.kind.request("recover")), "recovery"
    )
    if recovery.status != "SUCCEEDED":
        return f"the recovery {recovery.status} {recovery.error}: {recovery.cause}"
    wrong = is_kept(flow.kind, before, look(cloud))
    if wrong or tagged(cloud):
        return f"after the recovery {wrong or tagged(cloud)}"
    return ""


# The statuses of which RDS's own documentation says that nothing ends them by itself.
BAD = {
    "instance": (
        "failed", "restore-error", "incompatible-restore", "incompatible-network",
        "incompatible-option-group", "incompatible-parameters", "incompatible-create",
        "incompatible-credentials", "insufficient-capacity", "modify-failed", "upgrade-failed",
        "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
        "stopped",
    ),
    "cluster": (
        "failed", "cloning-failed", "migration-failed", "restore-failed", "incompatible-network",
        "incompatible-parameters", "incompatible-restore", "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable", "stopped",
    ),
}  # fmt: skip
# For at most so many seconds a new database does not show.
HIDDEN = 60
# Seconds for a whole execution whose wait ends badly: no patience is to be used up.
AT_ONCE = 3 * 3600.0
RESTORED, KEPT, TOLD = frozenset({"restored"}), frozenset({"kept"}), frozenset({"told"})


def after_passing(flow: Flow) -> Allowed:
    """A fault that passes: as if it had not been."""
    return Allowed(frozenset({flow.ending}))


def after_lasting(flow: Flow, spot: Spot) -> Allowed:
    """A call that fails for good, by the phase of its state alone."""
    where = phase(spot.state)
    mails = spot.service == "sesv2" or "SendEmail" in (spot.caller + spot.function)
    if where == "end":
        # A lock that is not released is recovered by the rule, with a mail of its own.
        released = spot.service != "dynamodb"
        return Allowed(
            frozenset({flow.ending}), unlocked=released, mails=0 if mails else 1 + (not released)
        )
    # A key that may not be looked at is a warning, and an export that cannot be started a mail;
    # nobody waits for the message about the start.
    if mails or (spot.service in ("kms", "stepfunctions") and where == "prepare"):
        return after_passing(flow)
    if where in ("lock", "prepare"):
        # A snapshot that was taken keeps its mark, and its recovery may be denied the same call.
        return Allowed(KEPT, tagged=True, mails=2)
    if where in ("copy", "replace"):
        # What a step could not do for a reader is done when the cluster is configured.
        of_member = spot.operation in ("CreateDBInstance", "ModifyDBInstance")
        late = flow.kind.is_cluster and of_member and spot.n > 0
        return Allowed(KEPT | {flow.ending} if late else KEPT)
    if where == "rollback":
        # The lock is asked for again by the looks that find all of it done.
        noted = spot.operation == "UpdateItem"
        # Its proxies come last: the original is whole by then, and what it lacks is told.
        proxied = "Proxy" in spot.operation
        endings = TOLD | KEPT if noted or proxied else TOLD
        return Allowed(endings, unlocked=False, recovers=True, proxied=not proxied)
    return Allowed(TOLD)


def after_stopping(flow: Flow, where: str) -> Allowed:
    """An end that runs no Catch, by the phase in which it comes."""
    if where == "lock":
        # A function may still take the lock; the next execution takes it over.
        return Allowed(KEPT, unlocked=False)
    if where in ("prepare", "copy", "replace", "rollback"):
        return Allowed(KEPT, tagged=where == "prepare")
    if where == "finish":
        return Allowed(TOLD)
    if flow.task == "create_snapshot_only":
        return Allowed(RESTORED | KEPT, mails=0)  # where the original is what is to stand
    # In "end" all is done; only the lock, its release, or a mail may be left to the recovery.
    return Allowed(frozenset({flow.ending, "told"}), mails=0)


def after_late(flow: Flow, spot: Spot) -> Allowed:
    """A call that arrives when the execution has failed of it, be it in its rollback or at the end.

    Of changes to RDS one that only repeats what RDS works on already is not needed.
    """
    if spot.operation == "UpdateItem":
        return after_lasting(flow, spot)
    return Allowed(KEPT | after_passing(flow).endings if spot.n else KEPT)


def at_spots(flow: Flow, spots: list[Spot]) -> Iterator[Scenario]:
    """Every fault of a call at every spot that it fits."""
    for spot in spots:
        place = f"{spot.caller}.{spot.operation}{spot.function and '.' + spot.function}#{spot.n}"

        def make(
            fault: str, allowed: Allowed, answer: Fault, times: int, *, spot=spot, place=place
        ) -> Scenario:
            return Scenario(
                flow, spot.state, place, fault, allowed,
                lambda cloud, watch: faults.AtSpot(cloud, watch, spot, answer, times),
            )  # fmt: skip

        passing = after_passing(flow)
        if spot.service in ("sesv2", "sns", "events"):
            # None has a token that would let it know a message which it has taken already; a
            # function that dies behind one way sends it all ways once more.
            passing = replace(passing, mails=9)
        # What RDS says of a failure is only told.
        told = spot.operation == "DescribeEvents"
        lasting = passing if told else after_lasting(flow, spot)
        changes = not spot.reads and spot.operation != "Invoke"
        if spot.state == "Run the hooks":
            # What may have run is not run again, and what has ended is not found by another start.
            passing = replace(passing, endings=passing.endings | KEPT)
        many = faults.LONG if spot.service == "sesv2" else faults.MANY
        yield make("throttled", passing, faults.THROTTLED[spot.service], many)
        if spot.n == 0 or changes:
            yield make("denied", lasting, faults.DENIED[spot.service], faults.FOREVER)
        if spot.operation == "Invoke" or changes:
            yield make("5xx", passing, faults.BROKEN[spot.service], faults.MANY)
        by_function = spot.caller.endswith("Function")
        if changes:
            yield make("lost", passing, lost(carried_out=True), 3)
        if by_function and changes:
            once = killed(carried_out=True)
            yield make("killed once", passing, once, 1)
            if spot.n == 0:
                # Tried again when RDS is done with it.
                yield make("hung", passing, hung(), 1)
            yield make("killed before", passing, killed(carried_out=False), 1)
            # It has taken effect: the next try may find nothing left to do.
            either = replace(lasting, endings=lasting.endings | passing.endings, recovers=False)
            yield make("killed always", either, once, faults.FOREVER)
            yield Scenario(
                flow, spot.state, place, "stopped behind",
                after_stopping(flow, spot.phase or phase(spot.state)),
                lambda cloud, watch, spot=spot: faults.Stopping(cloud, watch, spot),
            )  # fmt: skip
            if spot.operation == "UpdateItem" or phase(spot.state) in ("copy", "replace"):
                yield Scenario(
                    flow, spot.state, place, "late", after_late(flow, spot),
                    lambda cloud, watch, spot=spot: faults.Late(cloud, watch, spot),
                )  # fmt: skip
        elif by_function and spot.n == 0:
            yield make("killed once", passing, killed(carried_out=True), 1)
        if by_function and spot.operation.startswith("DescribeDB") and spot.n == 0:
            yield from blind(flow, spot, place)


def blind(flow: Flow, spot: Spot, place: str) -> Iterator[Scenario]:
    """NotFound for a minute, in the states that look for what must be there."""
    if phase(spot.state) in ("lock", "end") or spot.state.startswith("Check"):
        return
    if "Endpoint" in spot.operation or "ParameterGroup" in spot.operation:
        return
    yield Scenario(
        flow, spot.state, place, "not found", after_passing(flow),
        lambda cloud, watch: faults.Blind(cloud, watch, spot),
    )  # fmt: skip


# The flows that between them pass every state of a restore, a rollback and a recovery.
OF_EVERY_WAY = ("db_restore", "rollback", "restore_first", "restore_first_rollback", "swap_back")


AMONG_HOOKS = (
    "Are hooks to be run?", "Run the hooks", "Have the hooks passed?", "Note that they have passed",
)  # fmt: skip


def at_states(flow: Flow, states: list[str], spots: list[Spot]) -> Iterator[Scenario]:
    """The execution stopped, and timed out, on entering each state."""
    # Its last look notes that nothing is rolled back any more, which it may still do when stopped.
    noting = next((spot.state for spot in spots if spot.phase == "finish"), "")
    past = False
    # Verified once already, and not yet again.
    among_hooks = AMONG_HOOKS if "beforeSwap" in flow.request() else ()
    for state in states:
        where = phase(state)
        stays = past and where in ("copy", "replace") and state not in among_hooks
        allowed = after_stopping(flow, "finish" if stays else where)
        if state == noting:
            past, allowed = True, replace(allowed, endings=allowed.endings | TOLD)
        for name, act in (("stopped", faults.stop), ("timed out", faults.time_out)):
            yield Scenario(
                flow, state, "entered", name, allowed,
                lambda cloud, watch, state=state, act=act: faults.AtState(cloud, watch, state, act),
            )  # fmt: skip
        if flow.name in OF_EVERY_WAY:
            yield Scenario(
                flow, state, "entered", "the status event is lost", allowed,
                lambda cloud, watch, state=state: faults.EventLost(cloud, watch, state),
            )  # fmt: skip
            # A plan of the release before knows no proxies: it has warned of them.
            outdated = replace(after_passing(flow), proxied=False)
            yield Scenario(
                flow, state, "entered", "the stack is updated", outdated,
                lambda cloud, watch, state=state: faults.Updated(cloud, watch, state),
            )  # fmt: skip


def all_over(flow: Flow) -> Iterator[Scenario]:
    """Faults of RDS as a whole: stale looks, what is made hidden, a flap, hours of a status."""
    yield Scenario(flow, ALL_STATES, "rds", "stale", after_passing(flow), faults.Stale)

    def hide(cloud: App, watch: Watch) -> faults.Injected:
        cloud.rds.hides = True
        return faults.Injected(cloud, watch, 1)

    yield Scenario(flow, ALL_STATES, "rds", "hidden at first", after_passing(flow), hide)
    if flow.name not in ("create_snapshot", "db_restore"):
        return

    def flap(cloud: App, watch: Watch) -> faults.Injected:
        cloud.rds.flaps = True
        return faults.Injected(cloud, watch, 1)

    def last(cloud: App, watch: Watch, phase: str, hours: float) -> faults.Injected:
        cloud.rds.longer[f"restore {flow.kind.name}", phase] = hours * 3600.0
        return faults.Injected(cloud, watch, 1)

    yield Scenario(flow, ALL_STATES, "rds", "flap", after_passing(flow), flap)
    for name, hours in (("creating", 24.0), ("backing-up", 3.0)):
        yield Scenario(
            flow, ALL_STATES, "rds", f"{hours:.0f} h of {name}", after_passing(flow),
            lambda cloud, watch, name=name, hours=hours: last(cloud, watch, name, hours),
        )  # fmt: skip


def statuses(flow: Flow) -> Iterator[Scenario]:
    """Every bad status of what is waited for: of the restored one, before and past the point."""
    if flow.name == "restore_first":
        yield from statuses_of_the_copy(flow)
        yield from statuses_of_parts(flow, "Wait until the copy is made", "-copy")
    if flow.name != "db_restore":
        return
    yield from statuses_of_parts(flow, "Wait until the database is restored")
    for status in BAD[flow.kind.name]:

        def poison(cloud: App, watch: Watch, status: str = status) -> faults.Injected:
            cloud.rds.poison(flow.kind.name, flow.kind.identifier, restores_end_in=status)
            return faults.Injected(cloud, watch, 1)

        def spoil(cloud: App, _: str, status: str = status) -> None:
            cloud.rds.become(flow.kind.name, flow.kind.identifier, status)

        wait = "Wait until the database is restored"
        yield Scenario(flow, wait, "rds", status, Allowed(KEPT, within=AT_ONCE), poison)
        state = "Verify the database"
        yield Scenario(
            flow, state, "rds", status, Allowed(TOLD, serving=False, within=AT_ONCE),
            lambda cloud, watch, state=state, spoil=spoil: faults.AtState(
                cloud, watch, state, spoil
            ),
        )  # fmt: skip


def statuses_of_parts(flow: Flow, wait: str, suffix: str = "") -> Iterator[Scenario]:
    """Every bad status of a cluster, and of its writer, while its members are being made."""
    if not flow.kind.is_cluster:
        return
    for kind, name in (("cluster", flow.kind.identifier), ("instance", flow.kind.members[0])):
        for status in BAD[kind]:

            def spoil(cloud: App, _: str, kind: str = kind, name: str = name + suffix,
                      status: str = status) -> None:  # fmt: skip
                for _ in range(HIDDEN):
                    if cloud.rds.named(kind, name):
                        break
                    cloud.clock.sleep(1)
                cloud.rds.become(kind, name, status)

            yield Scenario(
                flow, wait, name + suffix, status, Allowed(KEPT, within=AT_ONCE),
                lambda cloud, watch, spoil=spoil: faults.AtState(cloud, watch, wait, spoil),
            )  # fmt: skip


def statuses_of_the_copy(flow: Flow) -> Iterator[Scenario]:
    """Every bad status of what is being made beside the original."""
    for status in BAD[flow.kind.name]:

        def poison(cloud: App, watch: Watch, status: str = status) -> faults.Injected:
            cloud.rds.poison(flow.kind.name, flow.kind.identifier, restores_end_in=status)
            return faults.Injected(cloud, watch, 1)

        yield Scenario(
            flow, "Wait until the copy is made", "rds", status,
            Allowed(KEPT, within=AT_ONCE), poison,
        )  # fmt: skip


# What a step gets over by itself, wherever it stands among the others.
PASSING = ("throttled", "5xx", "lost", "killed once", "hung", "killed before", "not found")


def is_of_its_way(scenario: Scenario) -> bool:
    """Whether a state that two ways of restoring share is another one in each of them.

    A rollback has something else to put back in each. The others differ only in what a fault
    leaves that does not pass, but for the configuration, which does another part each time.
    """
    if scenario.phase == "finish":
        return scenario.state.startswith("Configure the")
    if scenario.phase == "rollback" or scenario.fault == "the stack is updated":
        return True
    return scenario.phase in ("copy", "replace") and scenario.fault not in PASSING


def generate(recorded: dict[Flow, tuple[list[str], list[Spot]]]) -> list[Scenario]:
    """Every scenario, once; a state that two flows pass in the same phase is tried in the first."""
    found: dict[tuple[Any, ...], Scenario] = {}
    for flow, (states, spots) in recorded.items():
        for scenario in (
            *at_spots(flow, spots),
            *at_states(flow, states, spots),
            *all_over(flow),
            *statuses(flow),
        ):
            shared = (flow.kind, scenario.state, scenario.place, scenario.fault)
            if scenario.place == "rds":
                shared = (flow, *shared)
            elif is_of_its_way(scenario):
                shared = (flow.way, *shared)
            elif flow.name == "final_snapshot" and scenario.state.startswith("Delete the original"):
                shared = (flow.name, *shared)
            found.setdefault(shared, scenario)
    return list(found.values())
