"""The commands of an alert, pasted block by block, and what AWS holds after each of them.

Each block is pasted into what the execution has left, by a person, whom no fault of the app's
concerns; then all of them one after the other, as somebody does who reads nothing.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.faults.judge import (
    OF_NO_ENDING,
    ONLINE,
    Ended,
    World,
    is_restored,
    is_whole,
    lock,
    look,
    serves,
    wrong_proxies,
    wrong_remains,
)
from tests.mailed import Block, Shell, blocks
from tests.pipeline.observed import tagged

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.commands.app import App

WHAT_TO_DO, FINISH, BACK = "WHAT TO DO", "TO LET THE ROLLBACK BE FINISHED", "TO GO BACK"
AWAY, KEEP, REMOVE = "TO RENAME WHAT ELSE", "TO KEEP WHAT", "TO REMOVE WHAT"
UNTAG, LOOK = "TO TAKE THE TAG OFF", "TO SEE WHAT STANDS"
PROTECT = "trapheus:protect"
# Of the steps that come once all of what was restored is as it is to be.
CONFIGURED = ("DeleteFailed", "UntagFailed")


@dataclass
class Executions:
    """Step Functions for a person: a recovery is started, of another start only the input kept."""

    cloud: App
    inputs: list[Any] = field(default_factory=list)

    @property
    def meta(self) -> Any:
        """What a client tells of itself."""
        return self.cloud.client("stepfunctions").meta

    def start_execution(self, **given: str) -> Any:
        """Start it, and let a second pass, so that the outsider's next call has its own time."""
        assert given["stateMachineArn"] == self.cloud.machine
        asked = json.loads(given["input"])
        self.inputs.append(asked)
        if asked.get("task") == "recover":
            client = self.cloud.client("stepfunctions")
            self.cloud.clock.advance(1, lambda: client.start_execution(**given))
        return {}


@dataclass
class Left:
    """What an execution has left, to which the local AWS is brought back before each block."""

    ended: Ended
    world: World
    rds: bytes
    lock: dict[str, Any]
    calls: int
    mails: int
    tags: list[str]

    @property
    def cloud(self) -> App:
        return self.ended.cloud

    def put_back(self) -> None:
        """Bring it back."""
        cloud, kind = self.cloud, self.ended.flow.kind
        cloud.rds.hold(self.rds)
        table = cloud.physical_id("LockTable")
        client = cloud.client("dynamodb")
        if self.lock:
            client.put_item(TableName=table, Item=self.lock)
        else:
            key = {"database": {"S": f"{kind.name}#{kind.identifier}"}}
            client.delete_item(TableName=table, Key=key)
        del cloud.calls[self.calls :]
        del cloud.mails[self.mails :]

    def paste(self, block: Block) -> tuple[Exception | None, list[Any]]:
        """Paste a block: what has stopped it, and the inputs of what it has started."""
        cloud, executions = self.cloud, Executions(self.cloud)
        clients = {
            "rds": cloud.client("rds"), "dynamodb": cloud.client("dynamodb"),
            "stepfunctions": executions,
        }  # fmt: skip
        stopped = Shell(clients, cloud.clock.advance).paste(block)
        cloud.settle(real_timeout=900)
        # Whatever RDS has been asked for by then is over.
        cloud.clock.advance(1800)
        return stopped, executions.inputs


def left_by(ended: Ended) -> Left:
    """Note what it has left, once nothing is under way any more."""
    cloud = ended.cloud
    while cloud.rds.is_busy:
        cloud.clock.advance(3600)
    kept, world = cloud.rds.kept(), look(cloud)
    held = lock(cloud, ended.flow.kind)
    return Left(ended, world, kept, held, len(cloud.calls), len(cloud.mails), tagged(cloud))


def wrong_blocks(ended: Ended) -> str:
    """What is wrong after one of the blocks of the last mail, or after all; "" for nothing."""
    cloud = ended.cloud
    texts = [mail.text for mail in cloud.alerts if not mail.subject.startswith(OF_NO_ENDING)]
    found = blocks(texts[-1]) if texts else []
    if not found:
        return ""
    cloud.faults.clear()
    cloud.listeners.clear()
    left = left_by(ended)
    wrong = next((wrong for block in found if (wrong := wrong_block(left, found, block))), "")
    if not wrong and any(block.heading != WHAT_TO_DO for block in found):
        wrong = wrong_all(left, found)
    left.put_back()
    return wrong


def wrong_block(left: Left, found: list[Block], block: Block) -> str:
    """What is wrong after one block."""
    left.put_back()
    if not block.heading.startswith((AWAY, WHAT_TO_DO, LOOK)):
        for other in found:
            if other.heading.startswith(AWAY):
                left.paste(other)
    stopped, inputs = left.paste(block)
    judge = next(
        (judge for heading, judge in JUDGES.items() if block.heading.startswith(heading)), None
    )
    if judge is None:
        return f"nobody judges {block.heading}"
    now = look(left.cloud)
    if stopped and now == left.world and found[0].heading == FINISH:
        # Written in the midst of a change that RDS did not show yet: the first block is left.
        return ""
    wrong = f"it stops with {stopped!r}" if stopped else judge(left, inputs, now)
    return f"{block.heading}: {wrong}" if wrong else ""


def wrong_all(left: Left, found: list[Block]) -> str:
    """What is wrong after all blocks in one go, each of which may be stopped by the one before."""
    left.put_back()
    for block in found:
        left.paste(block)
    kind = left.ended.flow.kind
    if serves(kind, look(left.cloud)) or all(block.heading == LOOK for block in found):
        return ""
    return f"all blocks in one go leave nothing that serves as {kind.identifier}"


def wrong_advice(left: Left, inputs: list[Any], now: World) -> str:
    """What runs then has the execution's own input; no more is changed than what is stopped."""
    if [one for one in inputs if one != left.ended.flow.request()]:
        return f"it starts {inputs}"
    own = {(part.kind, part.name) for part in left.ended.before.of(left.ended.flow.kind)}
    started = {
        key: replace(part, status="available") if key in own and part.status == "stopped" else part
        for key, part in left.world.databases.items()
    }
    return "" if now == replace(left.world, databases=started) else wrong_look(left, inputs, now)


def wrong_look(left: Left, _: list[Any], now: World) -> str:
    """A look changes nothing."""
    return "" if now == left.world else "something has changed"


def wrong_back(left: Left, _: list[Any], now: World) -> str:
    """The original serves under all its names, and the next execution starts."""
    ended = left.ended
    return (
        is_whole(ended.flow.kind, as_protected(left, now), now)
        or wrong_names(left, now, "-away")
        or wrong_proxies(left.cloud, ended.flow.kind, now)
        or wrong_tags(left)
        or wrong_start(left, ended.flow.request())
    )


def as_protected(left: Left, now: World) -> World:
    """The world as it was before, with what somebody else has done to protect it, or not to."""
    before = copy.deepcopy(left.ended.before)
    tags = {
        part.resource_id: [tag for tag in part.shown["TagList"] if tag["Key"] == PROTECT]
        for part in left.world.databases.values()
    }
    for part in before.databases.values():
        part.shown["TagList"] += tags.get(part.resource_id, [])
        held = now.databases.get((part.kind, part.name))
        if foreign(left, now) and held:
            part.shown["DeletionProtection"] = held.shown["DeletionProtection"]
    return before


def is_untouchable(now: World) -> bool:
    """Whether somebody has protected a database from this app."""
    return any(tag["Key"] == PROTECT for part in now.databases.values()
               for tag in part.shown["TagList"])  # fmt: skip


def wrong_names(left: Left, now: World, *suffixes: str) -> str:
    """What stands that was neither there before nor beside."""
    more = now.databases.keys() - left.ended.before.databases.keys() - set(foreign(left, now))
    beside = sorted(name for _, name in more if not name.endswith(suffixes or ("none",)))
    return f"also there: {beside}" if beside else ""


def foreign(left: Left, now: World) -> list[tuple[str, str]]:
    """The databases of somebody else, who has come while the execution ran.

    What he has moved away is his to see to, with its members, whatever they are called.
    """
    return [
        key for key, part in now.databases.items()
        if part.shown.get("MasterUsername") == "somebody-else"
        or "moved-away" in (key[1], part.shown.get("DBClusterIdentifier"))
    ]  # fmt: skip


def wrong_finish(left: Left, inputs: list[Any], now: World) -> str:
    """The rollback is complete."""
    return wrong_names(left, now) or wrong_back(left, inputs, now)


def wrong_keep(left: Left, _: list[Any], now: World) -> str:
    """Only what was restored is left, as it was, and the original as the request has it."""
    ended, flow = left.ended, left.ended.flow
    if flow.target:
        return wrong_kept_target(left, now)
    data = ended.before.databases[flow.kind.name, flow.kind.identifier].data
    for part in ended.before.of(flow.kind):
        was, is_now = (world.databases.get((part.kind, part.name)) for world in (left.world, now))
        if was is None or is_now is None or is_now.resource_id != was.resource_id:
            return f"{part.name} is {is_now}, was {was}"
        if is_now.status not in ONLINE:
            return f"{part.name} is {is_now.status}"
    wanted = ended.before.snapshots[flow.kind.snapshot][1] if flow.task == "db_restore" else data
    if ended.execution.error in CONFIGURED and (
        missing := is_restored(flow, ended.before, now, wanted)
    ):
        return missing
    if now.endpoints != ended.before.endpoints:
        return f"the custom endpoints are {now.endpoints}"
    original = ended.before.databases[flow.kind.name, flow.kind.identifier]
    lost = [
        part for part in now.databases.values()
        if part.resource_id == original.resource_id and part.status not in ONLINE
    ]  # fmt: skip
    keeps = flow.request().get("keepOriginal") or lost
    # A recovery does not know the request of what it recovers.
    is_known = ended.execution.status == "FAILED"
    return (
        (wrong_remains(flow, ended.before, now, data) if is_known else "")
        or wrong_names(left, now, *(("-temp",) if keeps else ()))
        or wrong_proxies(left.cloud, flow.kind, now)
        # What has failed behind its protection from deletion is AWS Support's to delete.
        or wrong_tags(left, *(part.name for part in now.databases.values() if lost
                              and part.name.endswith("-temp")))
        or ("" if keeps else wrong_start(left, flow.request()))
    )  # fmt: skip


def wrong_kept_target(left: Left, now: World) -> str:
    """What was restored at a target stays, and the original was not touched."""
    ended, flow = left.ended, left.ended.flow
    target = now.databases.get((flow.kind.name, flow.target))
    was = left.world.databases[flow.kind.name, flow.target]
    if target is None or target.resource_id != was.resource_id:
        return f"{flow.target} is {target}, was {was}"
    return (
        is_whole(flow.kind, ended.before, now)
        or wrong_tags(left)
        or wrong_start(left, flow.kind.request("db_restore"))
    )


def wrong_untagging(left: Left, _: list[Any], now: World) -> str:
    """The mark is gone, and all the rest as it was."""
    if now.databases.keys() != left.world.databases.keys():
        return f"there are {sorted(now.databases)}"
    keeps = left.ended.flow.request().get("keepOriginal") or left.ended.flow.target
    request = left.ended.flow.request()
    return wrong_tags(left) or ("" if keeps else wrong_start(left, request))


def wrong_away(left: Left, _: list[Any], now: World) -> str:
    """Somebody's database has another name, and nothing else has changed."""
    ids = {part.resource_id for part in left.world.databases.values()}
    if {part.resource_id for part in now.databases.values()} != ids:
        return f"there are {sorted(now.databases)}"
    return ""


def wrong_tags(left: Left, *but: str) -> str:
    """The tags that are left, but on what somebody else has renamed, which no rollback knows."""
    others = {name for _, name in foreign(left, look(left.cloud))} | {*but}
    found = [name for name in tagged(left.cloud) if name not in others]
    return f"tags are left on {found}" if found else ""


def wrong_start(left: Left, request: dict[str, Any]) -> str:
    """Why the next execution would not start: its preflight, or the lock."""
    cloud = left.cloud
    # A part that has failed for good is no way's to mend, nor is what somebody else has taken, or
    # has protected from every restore.
    if cloud.rds.part_endings or foreign(left, look(cloud)) or is_untouchable(look(cloud)):
        return ""
    given = {name: value for name, value in request.items() if name != "acceptWriteLoss"}
    checked = cloud.run(
        cloud.machine, json.dumps({**given, "dryRun": True}), f"dry-{len(cloud.executions())}"
    )
    if checked.status != "SUCCEEDED":
        return f"the next execution would end with {checked.error}: {checked.cause}"
    if found := checked.output["findings"]:
        return f"the next execution would end with {found}"
    kind = left.ended.flow.kind
    asked = {
        "task": "db_restore", "identifier": kind.identifier, "isCluster": kind.is_cluster,
        "lock": f"{kind.name}#{kind.identifier}", "interrupted": "",
    }  # fmt: skip
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.physical_id("TakeLockFunction"),
        Payload=json.dumps({"execution": f"{checked.arn}-next", "request": asked}),
    )
    taken = json.loads(answer["Payload"].read())
    return "" if taken.get("phase") == "" else f"the next execution's lock is {taken}"


JUDGES: dict[str, Callable[[Left, list[Any], World], str]] = {
    WHAT_TO_DO: wrong_advice,
    LOOK: wrong_look,
    FINISH: wrong_finish,
    BACK: wrong_back,
    AWAY: wrong_away,
    KEEP: wrong_keep,
    REMOVE: wrong_finish,
    UNTAG: wrong_untagging,
}
