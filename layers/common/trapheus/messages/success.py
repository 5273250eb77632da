"""The message about an execution that has started, or has done what it was asked for."""

from __future__ import annotations

import json
from typing import Any

from trapheus.messages.facts import name_of, request_of, requester_of, said
from trapheus.messages.message import DRY_RUN, RESTORED, SNAPSHOT_TAKEN, STARTED, Message, Section
from trapheus.messages.moments import age, on
from trapheus.messages.outcome import TAGS, unreachable

# Of the output, what a program may want to know; the sentences are for people.
FACTS = (
    "task", "target", "source", "restoredFrom", "snapshot", "dataAsOf", "writesSince",
    "unreachableFrom", "unreachableTo", "resourceId", "resourceIdBefore", "resourceIdNow",
)  # fmt: skip
# Of a hook's answer, which the execution's output has whole.
LONGEST_ANSWER = 1_000


def compose(event: dict[str, Any]) -> Message:
    """The message. `output` of the state is the execution's own; none has only started."""
    state = event["state"]
    output = state.get("output")
    kind, title, outcome = of(state, output or {})
    name = name_of(state)
    sections = [
        Section("What was found", found(output or {})),
        Section("Hooks", hooks(output or {})),
        Section("Facts", effects(state, output or {})),
        Section("Configuration", configuration((output or {}).get("report", {}))),
        Section("To know", (output or {}).get("warnings", [])),
        Section("Request", request_of(state)),
    ]
    known = {"isCluster": state["request"].get("isCluster"), "task": state["request"]["task"]}
    if kind == DRY_RUN:
        known["findings"] = [one["error"] for one in (output or {})["findings"]]
    return Message(
        kind=kind,
        tag="REFUSED" if known.get("findings") else TAGS[kind],
        identifier=name,
        title=f"{name}: {title}",
        outcome=outcome,
        sections=[section for section in sections if section.lines],
        execution=event["execution"],
        requester=requester_of(state),
        facts=known | {key: output[key] for key in FACTS if output and key in output},
    )


def of(state: dict[str, Any], output: dict[str, Any]) -> tuple[str, str, str]:
    """The kind, the title, and what was done in sentences."""
    name, task = name_of(state), state["request"]["task"]
    if not output:
        return STARTED, f"{task} has begun", f"{task} of {name} has begun."
    if "findings" in output:
        return DRY_RUN, *dry_run(name, task, len(output["findings"]))
    data = on(output["dataAsOf"])
    if "snapshot" in output:
        taken = f"{output['snapshot']} was taken"
        return SNAPSHOT_TAKEN, taken, f"{taken} of {name}, with its data as of {data}."
    if "target" in output:
        stands = f"{output['target']} is restored"
        whole = f"{stands}, with data as of {data}; {name} was not touched."
        return RESTORED, stands, f"{whole}{passed(output)}"
    serves = f"{name} serves, restored with data as of {data}."
    times = unreachable(name, output["unreachableFrom"], output["unreachableTo"])
    return RESTORED, "restored", f"{serves}{passed(output)} {times}"


def passed(output: dict[str, Any]) -> str:
    """That hooks have passed, and how old the data is by now; nothing where there were none."""
    if "hooks" not in output:
        return ""
    names = ", ".join(one["run"] for one in output["hooks"])
    return f" Its data is {age(output['dataAsOf'])}; what has passed on it: {names}."


def hooks(output: dict[str, Any]) -> list[str]:
    """What each hook has answered, as far as a line carries it."""
    return [
        f"{one['run']}: {json.dumps(one['answer'], ensure_ascii=False):.{LONGEST_ANSWER}}"
        for one in output.get("hooks", [])
    ]


def dry_run(name: str, task: str, count: int) -> tuple[str, str]:
    """The title and the outcome of a dry run."""
    if not count:
        return "the dry run has no finding", f"Nothing speaks against {task} of {name}."
    findings = f"{count} finding{'s' if count > 1 else ''}"
    return f"the dry run has {findings}", f"{task} of {name} would be refused: {findings}."


def found(output: dict[str, Any]) -> list[str]:
    """What speaks against the task."""
    return [f"{one['error']}: {one['message']}" for one in output.get("findings", [])]


def effects(state: dict[str, Any], output: dict[str, Any]) -> list[str]:
    """What was done, and what it means for the data and for the database's clients."""
    known = {
        "Data of": source_of(output["source"]) if "source" in output else None,
        "Restored from": output.get("restoredFrom"),
        "Data as of": on(output["dataAsOf"]) if "dataAsOf" in output else None,
        "Writes since then": output.get("writesSince"),
        "Shared": shared(state) if "dataAsOf" in output else None,
        "Resource id": output.get("resourceId"),
        "Resource id before": output.get("resourceIdBefore"),
        "Resource id now": output.get("resourceIdNow"),
    }
    return [f"{what}: {value}." for what, value in known.items() if value]


def shared(state: dict[str, Any]) -> str | None:
    """Which snapshot other accounts may restore now, and which accounts; None where none may."""
    sharing = state.get("check", {}).get("plan", {}).get("sharing")
    return sharing and f"{sharing['name']}, with {', '.join(sharing['accounts'])}"


def source_of(source: dict[str, str]) -> str:
    """Whose data they are."""
    return f"{source['identifier']}, of the account {source['account']} in {source['region']}"


def configuration(report: dict[str, Any]) -> list[str]:
    """What of the configuration is kept, differs, and cannot be kept."""
    if not report:
        return []
    return [
        f"Kept: {report['kept']} attributes.",
        *(f"{what}: {entry_of(one)}" for key, what in LISTS.items() for one in report[key]),
    ]


LISTS = {"differs": "Differs", "cannotKeep": "Cannot be kept"}


def entry_of(entry: dict[str, Any]) -> str:
    """An attribute with its old and its new value, and why, or what was done."""
    member = f"{entry['member']}: " if "member" in entry else ""
    why = entry.get("why") or entry.get("done") or ""
    values = f"was {said(entry.get('was'))}, is {said(entry.get('now'))}"
    sentence = f" {why[0].upper()}{why[1:].removesuffix('.')}." if why else ""
    return f"{member}{entry['attribute']}, {values}.{sentence}"
