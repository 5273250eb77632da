"""The mail about a restore, a snapshot or a recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trapheus.execution.constants import (
    DB_RESTORE,
    RECOVER,
    SHARED_SUFFIX,
    SHARING_SUFFIX,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.messages.facts import (
    configuration,
    effects,
    events_of,
    failure,
    is_finishing,
    is_unrenamed,
    is_unserved,
    name_of,
    outage,
    plan_of,
    request_of,
    requester_of,
    sentence_of,
)
from trapheus.messages.message import DOWN, Message, Section
from trapheus.messages.moments import on
from trapheus.messages.outcome import is_gone, kind_of, outcome_of, tag_of
from trapheus.messages.ways_out import databases, ways
from trapheus.messages.ways_out.advice import advised
from trapheus.messages.ways_out.databases import look
from trapheus.messages.ways_out.snapshot_copy import line, source_copy, with_removal
from trapheus.rds.access import (
    cluster,
    cluster_snapshot,
    instance,
    is_tagged,
    moment_of,
    snapshot,
)
from trapheus.rds.deletion import final_snapshot

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan, State
    from trapheus.messages.ways_out.databases import Look


def compose(event: dict[str, Any]) -> Message:
    """The message, from the facts in the state machine's data and from RDS itself."""
    about, state = event.get("about", "failure"), event["state"]
    plan = plan_of(state)
    found, unknown = look_at(plan, state)
    kind, outcome = kind_of(about, state, found), outcome_of(state, found)
    what_to_do, *ways_there_are = advice(event, state, found)
    if is_left_down(state):
        name = name_of(state)
        kind, outcome = DOWN, f"Nothing is called {name}: an earlier execution has left it so."
    sections = [
        Section("What failed", failure(state)),
        Section("What RDS says", said_by_rds(state)),
        what_to_do,
        Section("What stands now", [*unknown, *standing_now(state, found, about)]),
        *ways_there_are,
        Section("Facts", effects(state, plan, is_gone=bool(found and is_gone(found.original)))),
        Section("Configuration", configuration(state, plan)),
        Section("Request", request_of(state)),
    ]
    return Message(
        kind=kind,
        tag=tag_of(kind, state, found),
        identifier=name_of(state),
        title=f"{name_of(state) or 'a request'}: {said(about, state)}",
        outcome=outcome,
        sections=[section for section in sections if section.lines or section.commands],
        execution=event["execution"],
        requester=requester_of(state),
        error=state["error"]["Error"],
        cause=sentence_of(state["error"]),
        facts=event_facts(state, plan),
    )


def is_left_down(state: State) -> bool:
    """Whether it was refused since an earlier execution has left nothing under the identifier."""
    if state["error"]["Error"] != "NotRecovered" or plan_of(state):
        return False
    request = state["request"]
    find = cluster if request["isCluster"] else instance
    try:
        return find(request["identifier"]) is None
    except (ClientError, BotoCoreError):
        return False


def said_by_rds(state: State) -> list[str]:
    """The events of what has failed, and of a rollback that has failed too."""
    errors = [state[key] for key in ("error", "rollbackError") if key in state]
    return list(dict.fromkeys(line for error in errors for line in events_of(error)))


def event_facts(state: State, plan: Plan) -> dict[str, Any]:
    """What a program may want to know, as docs/events.md has it."""
    request, restored = state.get("request") or {}, state.get("restored", {})
    times = outage(state)
    since = None if is_unrenamed(state) else state.get("replacing", {}).get("since")
    known = {
        "task": request.get("task"),
        "isCluster": request.get("isCluster"),
        "dataAsOf": restored.get("dataAsOf"),
        "resourceIdBefore": plan.get("resourceId"),
        "resourceIdNow": restored.get("resourceId") if is_finishing(state) else None,
        "unreachableFrom": times[0] if times else since,
        "unreachableTo": times[1] if times else None,
    }
    return {key: value for key, value in known.items() if value not in (None, "")}


def said(about: str, state: State) -> str:
    """What a subject says of it."""
    error = str(state["error"]["Error"])
    return {
        "delay": f"{error}, and the rollback takes long",
        "recovery": "recovered after an interruption",
        "lock": f"{error}: left to be recovered by you",
    }.get(about, error)


def look_at(plan: Plan, state: State) -> tuple[Look | None, list[str]]:
    """What stands of a plan; a sentence when RDS does not say."""
    if not plan:
        return None, []
    try:
        return look(plan, restored_id(state)), []
    except (ClientError, BotoCoreError) as error:
        return None, [silence(error)]


def restored_id(state: State) -> str:
    """The resource id of what was restored, as far as the execution knows it."""
    return str(state.get("restored", {}).get("resourceId", ""))


def silence(error: Exception) -> str:
    """What is said where RDS does not."""
    return f"RDS did not say ({error}): look in the console."


def standing_now(state: State, found: Look | None, about: str) -> list[str]:
    """A line for each database and snapshot that the execution knows, as RDS shows it now."""
    request = state.get("request")
    if not request:
        return ["The request was refused before anything was looked up."]
    lines, plan = found.lines() if found else [], plan_of(state)
    try:
        if not plan:
            lines += named(request)
        if copied := source_copy(plan):
            lines.append(line(plan, copied))
        # What is recovered may have taken a snapshot, whatever the task of this execution is.
        if request["task"] != DB_RESTORE or about == "recovery":
            lines += snapshots(request, plan)
        return lines
    except (ClientError, BotoCoreError) as error:
        return [*lines, silence(error)]


def named(request: dict[str, Any]) -> list[str]:
    """What has the identifier, when no plan was made."""
    name = request["identifier"]
    lines = []
    if found := instance(name):
        lines.append(f"{name}: instance, {found['DBInstanceStatus']} ({found['DbiResourceId']})")
    if found := cluster(name):
        lines.append(f"{name}: cluster, {found['Status']} ({found['DbClusterResourceId']})")
    return lines or [f"Nothing is called {name}."]


def snapshots(request: dict[str, Any], plan: Plan) -> list[str]:
    """The snapshot of the database and its copy that is shared, and the successors that were left.

    A line says so where the copy is to be there, and is not: other accounts may find nothing.
    """
    find = cluster_snapshot if request["isCluster"] else snapshot
    suffixes = (SNAPSHOT_SUFFIX, SUCCESSOR_SUFFIX, SHARED_SUFFIX, SHARING_SUFFIX)
    names = [request["identifier"] + suffix for suffix in suffixes]
    found = {name: item for name in names if (item := find(name))}
    lines = [
        f"{name}: snapshot, {item['Status']}, data as of {on(moment_of(item) or 'unknown')}"
        for name, item in found.items()
    ]
    *_, shared, sharing = names
    if shared not in found and (sharing in found or plan.get("sharing", {}).get("key")):
        seen = f"{sharing} at most" if sharing in found else "none"
        lines.append(f"There is no {shared}: of what is to be shared other accounts find {seen}.")
    return lines


def tagged_snapshots(plan: Plan) -> list[str]:
    """The ARNs of the snapshots that carry the execution's tag."""
    found = databases.snapshots(plan, plan["snapshot"], final_snapshot(plan))
    return [arn for arn, one in found.items() if is_tagged(one, plan["execution"])]


def advice(event: dict[str, Any], state: State, found: Look | None) -> list[Section]:
    """What to do, and a section for each way out."""
    plan, about = plan_of(state), event.get("about")
    if about == "delay":
        return to_do("Nothing yet: the execution goes on by itself. Do not stop it.")
    if about == "recovery":
        asked = state["request"]["task"] == RECOVER
        return to_do(
            "Start the interrupted execution again, with its input, if it is wanted."
            if asked
            else "Nothing: this execution goes on with its own task."
        )
    if not plan or not (is_finishing(state) or "rollbackError" in state):
        return advised(state, event["execution"])
    ways_there_are = ways_out(state, plan, found)
    lines = introduction(state, plan, found)
    if found and any(one.commands for one in ways_there_are):
        lines.append(ways.pasting(ways_there_are))
    return [*to_do(*lines), *ways_there_are]


def to_do(*lines: str) -> list[Section]:
    """The section with the advice."""
    return [Section("What to do", list(lines))]


def introduction(state: State, plan: Plan, found: Look | None) -> list[str]:
    """What to do, or to look at, before one of the ways out is gone."""
    if not is_finishing(state) and found is None:
        return ["Let the rollback be finished, or look at what stands first."]
    if not is_finishing(state):
        return ["Let the rollback be finished, or do it by hand, as far as it is told below."]
    if is_untagging(state):
        return ["All is done but the tag."]
    if is_unserved(state):
        return [
            "Look at what stands.",
            f"To keep what was restored, see that it serves as {plan['identifier']} before you"
            f" delete {plan['renamedTo']}.",
        ]
    if found is None:
        return ["Look at what stands before you change anything."]
    return ["Look at what stands, then go one of the ways below."]


def is_untagging(state: State) -> bool:
    """Whether everything but taking the tag off is done."""
    return bool(state["error"]["Error"] == "UntagFailed")


def ways_out(state: State, plan: Plan, found: Look | None) -> list[Section]:
    """A section for each way out, as far as RDS shows what there is."""
    if found is None:
        finishing = [] if is_finishing(state) else [ways.finished(plan)]
        return [*finishing, ways.to_look_at(plan, restored_id(state))]
    if not is_untagging(state):
        return with_copy_removed(state, plan, ways.ways_out(state, found))
    tagged = databases.told(lambda: tagged_snapshots(plan)) or []
    return with_copy_removed(state, plan, [ways.untagged(found, tagged)])


def with_copy_removed(state: State, plan: Plan, there_are: list[Section]) -> list[Section]:
    """The same ways, which also delete the snapshot's copy; a rollback sees to that by itself."""
    copied = databases.told(lambda: source_copy(plan)) if is_finishing(state) else None
    if copied is None:
        return there_are
    return [
        with_removal(one, plan, copied) if one.commands or is_untagging(state) else one
        for one in there_are
    ]
