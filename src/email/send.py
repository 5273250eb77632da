"""Email step: tells people what failed, what stands where now, and what to do."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from trapheus.constants import (
    BESIDE,
    DB_RESTORE,
    FINISH,
    IN_PROGRESS_TAG,
    RECOVER,
    RENAME_FIRST,
    RESTORE_FIRST,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.errors import failing_as
from trapheus.exceptions import AlertFailed
from trapheus.logs import logged
from trapheus.rds import (
    Description,
    cluster,
    cluster_snapshot,
    cluster_with,
    instance,
    instance_with,
    is_marked,
    moment_of,
    snapshot,
)

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

ADVICE = {
    "InvalidRequest": "Correct the input and start the execution again.",
    "IdentifierNotAllowed": (
        "Add the identifier to the stack's parameter AllowedIdentifiers, or use the stack that"
        " may touch it."
    ),
    "AccessDenied": "Compare the function's policy in the stack with the call that was denied.",
    "LockHeld": "Wait until the other execution has ended; it tells its own end.",
    "NotRecovered": "Start an execution with the task recover, then this one again.",
    "InsufficientCapacity": (
        "AWS has no capacity of this instance class in this zone now: try again later, or change"
        " the class of the original first."
    ),
    "BucketMissing": "Make the bucket, then export the snapshot:",
    "KeyNotAccessible": "Give RDS a key that it can use, then export the snapshot:",
    "ExportNotSupported": "Update the stack, then export the snapshot:",
    "Throttled": "RDS was too busy: start the execution again, at another time of the day.",
}
EXPORT_AGAIN = "Remove the cause, then export the snapshot:"
UNTOUCHED = "The snapshot itself is whole, and no restore depends on its export."
AGAIN = "Remove the cause, then start the execution again with the same input."


@dataclass(frozen=True)
class Section:
    """A heading with its lines; commands are shown as such."""

    heading: str
    lines: list[str]
    commands: list[str]


@cache
def ses() -> SESV2Client:
    """The SES client of this execution environment."""
    return boto3.client("sesv2")


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Send the mail to every recipient; return its gist for the execution's Cause."""
    execution, state = event["execution"], event["state"]
    about = event.get("about", "failure")
    subject, gist = (export_headline if about == "export" else headline)(about, state)
    sections = compose_export(event) if about == "export" else compose(execution, about, state)
    with failing_as(AlertFailed, name_of(state)):
        ses().send_email(
            FromEmailAddress=os.environ["SENDER"],
            Destination={"ToAddresses": os.environ["RECIPIENTS"].split(",")},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": as_text(sections), "Charset": "UTF-8"},
                        "Html": {"Data": as_html(subject, sections), "Charset": "UTF-8"},
                    },
                }
            },
        )
    # A Fail's Cause ends at 32,768 characters.
    return {"cause": gist[:8000]}


def cause_of(error: dict[str, str]) -> dict[str, Any]:
    """The fields of an error as a Catch hands it over; a time-out's Cause is no JSON."""
    cause = error.get("Cause") or "no reason was given"
    raised = json_object(cause).get("errorMessage") or cause
    fields = json_object(raised)
    return fields if "message" in fields else {"message": str(raised)}


def json_object(text: Any) -> dict[str, Any]:
    """The JSON object that a text is; empty when it is none."""
    try:
        parsed = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def name_of(state: dict[str, Any]) -> str:
    """The identifier of the request, or what stood in its place."""
    request = state.get("request") or state.get("input")
    return str(request.get("identifier", "")) if isinstance(request, dict) else ""


def plan_of(state: dict[str, Any]) -> dict[str, Any]:
    """The plan, empty when none was made."""
    plan: dict[str, Any] | None = state.get("check", {}).get("plan")
    return plan or {}


def headline(about: str, state: dict[str, Any]) -> tuple[str, str]:
    """The subject, and one sentence for the execution's Cause."""
    error, cause = state["error"], cause_of(state["error"])
    name = name_of(state) or "a request"
    subject = {
        "failure": f"Trapheus failed for {name}: {error['Error']}",
        "delay": f"Trapheus is still putting {name} back",
        "recovery": f"Trapheus recovered {name} after an interruption",
    }[about]
    return one_line(subject), f"{cause['message'].rstrip('.')}. {ending(state)}"


def export_headline(_: str, state: dict[str, Any]) -> tuple[str, str]:
    """The same for an export that failed."""
    subject = f"Trapheus did not export {state['snapshot']}: {state['error']['Error']}"
    return one_line(subject), f"{cause_of(state['error'])['message'].rstrip('.')}. {UNTOUCHED}"


def one_line(subject: str) -> str:
    """A subject as SES takes it."""
    return " ".join(subject.split())[:200]


def is_finishing(state: dict[str, Any]) -> bool:
    """Whether it failed, or was interrupted, past the point of no return."""
    # What is restored first does not serve yet.
    passed = "served" if plan_of(state).get("strategy") == RESTORE_FIRST else "restored"
    return passed in state or state.get("lock", {}).get("phase") == FINISH


def is_unserved(state: dict[str, Any]) -> bool:
    """Whether what was restored had lost the identifier, or did not serve, at the very end."""
    return is_finishing(state) and "unserved" in cause_of(state["error"])


def ending(state: dict[str, Any]) -> str:
    """What the failure has left: untouched, put back, half put back, or both databases."""
    plan = plan_of(state)
    if is_finishing(state):
        return both_stand(state, plan)
    if "rollbackError" in state:
        return (
            f"The rollback failed too ({state['rollbackError']['Error']}):"
            f" {cause_of(state['rollbackError'])['message'].rstrip('.')}."
        )
    if "rolledBack" in state:
        return rolled_back(plan)
    if "delayError" in state:
        what = (
            "The original is being put back"
            if plan["strategy"] == RENAME_FIRST
            else f"What was restored as {plan['made']} is being removed"
        )
        return f"{what}, which takes long; another mail tells the end."
    return "The database was not touched."


def both_stand(state: dict[str, Any], plan: dict[str, Any]) -> str:
    """What has been left of both past the point of no return."""
    if plan["strategy"] == BESIDE:
        return (
            f"The restored database stands as {plan['made']}; {plan['identifier']} was not touched."
        )
    if is_unserved(state):
        return (
            f"What was restored does not serve as {plan['identifier']}; the original is kept as"
            f" {plan['aside']}."
        )
    return (
        f"The restored database serves as {plan['identifier']}; the original is kept as"
        f" {plan['aside']}, unless its deletion had begun."
    )


def rolled_back(plan: dict[str, Any]) -> str:
    """What a rollback has done."""
    if plan["strategy"] == BESIDE:
        return (
            f"What was restored as {plan['made']} was removed; {plan['identifier']} was not"
            " touched."
        )
    if plan["strategy"] == RESTORE_FIRST:
        return (
            f"The original serves as {plan['identifier']} under all of its names, and what was"
            f" restored as {plan['made']} was removed."
        )
    return f"The original was put back and serves as {plan['identifier']}."


def compose(execution: str, about: str, state: dict[str, Any]) -> list[Section]:
    """The mail's sections, from the facts in the state machine's data and from RDS itself."""
    plan = plan_of(state)
    sections = [
        Section("What failed", failure(state), []),
        Section("What was rolled back", [ending(state)], []),
        Section("What stands now", standing(state), []),
        Section("What to do", *advice(about, state, plan)),
        Section("Facts", facts(state, plan), []),
        Section("Configuration", configuration(state, plan), []),
        Section("Request", [json.dumps(state.get("input"), default=str)], []),
        Section("Execution", [execution], []),
    ]
    return [section for section in sections if section.lines or section.commands]


def facts(state: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """What a restore that had begun means for the data and for the database's clients."""
    if plan and plan["strategy"] == BESIDE and "restored" in state:
        restored = state["restored"]
        return [f"Data as of: {restored['dataAsOf']}.", f"Resource id: {restored['resourceId']}."]
    if not plan or "replacing" not in state:
        return []
    since, restored = state["replacing"]["since"], state.get("restored")
    if not restored or not is_finishing(state):
        # The result of a Parallel is a list with one entry for each branch.
        until = state["rolledBack"][0]["at"] if "rolledBack" in state else "now"
        return [
            f"Unreachable: at most from {since} to {until}.",
            f"Resource id: {plan['resourceId']}, as before.",
            f"Writes to the original: all of them are in {plan['identifier']}."
            if "rolledBack" in state
            else "Writes to the original: all of them are in it.",
        ]
    return [
        f"Data as of: {restored['dataAsOf']}.",
        f"Unreachable: from {since} to {state['served']['at']}.",
        f"Resource id: {plan['resourceId']} before, {restored['resourceId']} now.",
        f"Writes after the moment of the data: in the original, {plan['aside']}.",
    ]


def configuration(state: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """Old and new of a restored database: what differs, is kept, cannot be kept and why."""
    if not plan or not is_finishing(state):
        return []
    cause = cause_of(state["error"])
    differing = state["error"]["Error"] == "ConfigurationDiffers"
    parts = [("", plan), *((f"{one['identifier']}: ", one) for one in plan.get("members", []))]
    return [
        *(f"Differs: {line}." for line in cause["message"].split("; ") if differing),
        *([f"Kept: {cause['kept']}."] if "kept" in cause else []),
        *(
            f"Cannot be kept: {prefix}{entry['attribute']}, was {said(entry['was'])}."
            f" {entry['why']}"
            for prefix, part in parts
            for entry in part.get("cannotKeep", [])
        ),
        *plan["warnings"],
    ]


def said(value: Any) -> str:
    """A value in words."""
    return value if isinstance(value, str) else json.dumps(value)


def compose_export(event: dict[str, Any]) -> list[Section]:
    """The sections of a mail about an export."""
    state = event["state"]
    return [
        Section("What failed", failure(state), []),
        Section("What stands now", [UNTOUCHED, *exported(state.get("export", {}))], []),
        Section("What to do", *export_advice(event)),
        Section("Request", [json.dumps(state.get("input"), default=str)], []),
        Section("Execution", [event["execution"]], []),
    ]


def failure(state: dict[str, Any]) -> list[str]:
    """The error with its message, and the facts that it carries."""
    cause = cause_of(state["error"])
    facts = [f"{name}: {cause[name]}" for name in ("operation", "code", "step") if name in cause]
    return [f"{state['error']['Error']}: {cause['message']}", *facts]


def exported(plan: dict[str, Any]) -> list[str]:
    """Where the objects of an export are or would be, and the copy that it needed."""
    if "task" not in plan:
        return []
    lines = [f"s3://{plan['bucket']}/{plan['identifier']}/{plan['task']}: what was exported"]
    if plan["isCopied"]:
        lines.append(f"{plan['task']}: the snapshot's copy in {plan['region']}, unless removed")
    return lines


def export_advice(event: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do about a failed export, in sentences and in commands."""
    state = event["state"]
    advice = ADVICE.get(state["error"]["Error"], EXPORT_AGAIN)
    plan = state.get("export", {})
    commands = []
    if state["error"]["Error"] == "BucketMissing":
        commands.append(f"aws s3 mb s3://{plan['bucket']} --region {plan['region']}")
    again = {name: state.get(name) for name in ("input", "request", "snapshot")}
    # An export that could not even be started is told by the restore, which is another machine.
    machine = event.get("machine", "<ExportStateMachineArn>")
    commands.append(
        f"aws stepfunctions start-execution --state-machine-arn {shlex.quote(machine)}"
        f" --input {shlex.quote(json.dumps(again))}"
    )
    return [advice], commands


def standing(state: dict[str, Any]) -> list[str]:
    """A line for each database and snapshot that the execution knows, as RDS shows it now."""
    request = state.get("request")
    if not request:
        return ["The request was refused before anything was looked up."]
    try:
        plan = plan_of(state)
        return [
            *(databases(plan) if plan else named(request)),
            *(snapshots(request) if request["task"] != DB_RESTORE else []),
        ]
    except (ClientError, BotoCoreError) as error:
        return [f"RDS did not say ({error}); look into the console."]


def named(request: dict[str, Any]) -> list[str]:
    """What has the identifier, when no plan was made."""
    name = request["identifier"]
    lines = []
    if found := instance(name):
        lines.append(f"{name}: instance, {found['DBInstanceStatus']} ({found['DbiResourceId']})")
    if found := cluster(name):
        lines.append(f"{name}: cluster, {found['Status']} ({found['DbClusterResourceId']})")
    return lines or [f"Nothing is called {name}."]


def snapshots(request: dict[str, Any]) -> list[str]:
    """The snapshot of the database, and its successor if one was left."""
    find = cluster_snapshot if request["isCluster"] else snapshot
    names = [request["identifier"] + suffix for suffix in (SNAPSHOT_SUFFIX, SUCCESSOR_SUFFIX)]
    found = {name: find(name) for name in names}
    return [
        f"{name}: snapshot, {item['Status']}, data as of {moment_of(item) or 'unknown'}"
        for name, item in found.items()
        if item
    ]


def databases(plan: dict[str, Any]) -> list[str]:
    """The original by its resource id, what else has its names, and the same of members."""
    if "members" not in plan:
        return instances(plan["execution"], plan)
    both = (
        cluster_with(plan["resourceId"]),
        cluster(plan["identifier"]),
        cluster(plan["made"]),
    )
    found = {item["DbClusterResourceId"]: item for item in both if item}
    lines = [
        f"{item['DBClusterIdentifier']}: cluster, {item['Status']},"
        f" {part(plan['execution'], item, key, plan)} ({key})"
        for key, item in found.items()
    ]
    for member in plan["members"]:
        lines += instances(plan["execution"], member)
    return lines


def instances(execution: str, plan: dict[str, Any]) -> list[str]:
    """The original instance by its resource id, and what else has its names."""
    both = (
        instance_with(plan["resourceId"]),
        instance(plan["identifier"]),
        instance(plan["made"]),
    )
    found = {item["DbiResourceId"]: item for item in both if item}
    return [
        f"{item['DBInstanceIdentifier']}: instance, {item['DBInstanceStatus']},"
        f" {part(execution, item, key, plan)} ({key})"
        for key, item in found.items()
    ]


def part(execution: str, found: Description, resource_id: str, plan: dict[str, Any]) -> str:
    """What a database is to this execution."""
    if resource_id == plan["resourceId"]:
        return "the original"
    return "the restored one" if is_marked(found, execution) else "another one"


def advice(about: str, state: dict[str, Any], plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do, in sentences and in commands."""
    if about == "delay":
        return ["Nothing yet: the execution goes on by itself. Do not stop it."], []
    if about == "recovery":
        if state["request"]["task"] == RECOVER:
            return ["Start the interrupted execution again, with its input, if it is wanted."], []
        return ["Nothing: this execution goes on with its own task."], []
    if not plan or not (is_finishing(state) or "rollbackError" in state):
        return [ADVICE.get(state["error"]["Error"], AGAIN)], []
    if is_unserved(state):
        return one_way(plan)
    return (both_ways if is_finishing(state) else by_hand)(plan)


def one_way(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do when only the original is left to be relied on."""
    _, back = ways(plan)
    return (
        [
            "Look at what stands. To go back, rename both: of these commands, those whose first"
            " name is still as 'What stands now' shows it. Wait after each.",
            f"To keep what was restored, see that it serves as {plan['identifier']} before you"
            f" delete {plan['aside']}.",
        ],
        back,
    )


def both_ways(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do when both databases stay."""
    if plan["strategy"] == BESIDE:
        return (
            [
                "Look at it. To keep it, take the mark off it and its members (the first"
                " commands); to give it up, delete it (the others)."
            ],
            [*unmarking(plan), *removal(plan)],
        )
    forward, back = ways(plan)
    return (
        [
            "Look at both. To keep the restored database, delete the original (the first"
            " commands); to go back, rename both (the others). Wait after each command."
        ],
        [*forward, *back],
    )


def by_hand(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do when the rollback has failed."""
    again = {
        "identifier": plan["identifier"],
        "task": RECOVER,
        "isCluster": "members" in plan,
    }
    cure = f"Remove the cause, then start an execution with the input {json.dumps(again)}: it"
    _, back = ways(plan)
    if plan["strategy"] == BESIDE:
        return (
            [f"{cure} removes what was restored as {plan['made']}.", "Or delete it by hand:"],
            removal(plan),
        )
    if plan["strategy"] == RESTORE_FIRST:
        return (
            [
                f"{cure} puts the original back, then removes {plan['made']}.",
                "Or do it by hand: of these commands, those whose first name is still as 'What"
                " stands now' shows it. Wait after each.",
            ],
            [*as_beside(plan, back), *removal(plan)],
        )
    return (
        [
            f"{cure} puts the original back.",
            f"Or do it by hand: remove what has been restored as {plan['identifier']}, if anything,"
            " and give the original its name back. Wait after each command.",
        ],
        back[-1 - len(plan.get("members", [])) :],
    )


def as_beside(plan: dict[str, Any], back: list[str]) -> list[str]:
    """The commands back, which give what was restored the names that it had beside the original."""
    for part in (plan, *plan.get("members", [])):
        back = [
            line.replace(f" {part['identifier']}-restored", f" {part['made']}") for line in back
        ]
    return back


def ways(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The commands that delete the original, and those that put it back."""
    return (cluster_ways if "members" in plan else instance_ways)(plan)


def unmarking(plan: dict[str, Any]) -> list[str]:
    """The commands that take the mark off what was restored beside the original."""
    untag = f"aws rds remove-tags-from-resource --tag-keys {IN_PROGRESS_TAG} --resource-name"
    return [
        f"{untag} {part['arn'].rpartition(':')[0]}:{part['made']}"
        for part in (plan, *plan.get("members", []))
    ]


def removal(plan: dict[str, Any]) -> list[str]:
    """The commands that delete what was restored beside the original."""
    if "members" not in plan:
        return [
            f"aws rds delete-db-instance --db-instance-identifier {plan['made']}"
            " --skip-final-snapshot"
        ]
    return [
        *(
            f"aws rds delete-db-instance --db-instance-identifier {member['made']}"
            for member in plan["members"]
        ),
        f"aws rds delete-db-cluster --db-cluster-identifier {plan['made']} --skip-final-snapshot",
    ]


def instance_ways(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The commands that delete the original, and those that put it back."""
    name, aside = plan["identifier"], plan["aside"]
    modify = "aws rds modify-db-instance --apply-immediately --db-instance-identifier"
    return (
        [
            f"{modify} {aside} --no-deletion-protection",
            f"aws rds delete-db-instance --db-instance-identifier {aside} --skip-final-snapshot"
            " --no-delete-automated-backups",
        ],
        [
            f"{modify} {name} --new-db-instance-identifier {name}-restored",
            f"{modify} {aside} --new-db-instance-identifier {name}",
        ],
    )


def cluster_ways(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The commands that delete the original cluster, and those that put it back."""
    name, aside = plan["identifier"], plan["aside"]
    modify = "aws rds modify-db-cluster --apply-immediately --db-cluster-identifier"
    instance = "aws rds modify-db-instance --apply-immediately --db-instance-identifier"
    members = plan["members"]
    return (
        [
            f"{modify} {aside} --no-deletion-protection",
            *(
                f"aws rds delete-db-instance --db-instance-identifier {member['aside']}"
                for member in members
            ),
            f"aws rds delete-db-cluster --db-cluster-identifier {aside} --skip-final-snapshot"
            " --no-delete-automated-backups",
        ],
        [
            f"{modify} {name} --new-db-cluster-identifier {name}-restored",
            *(
                f"{instance} {member['identifier']}"
                f" --new-db-instance-identifier {member['identifier']}-restored"
                for member in members
            ),
            f"{modify} {aside} --new-db-cluster-identifier {name}",
            *(
                f"{instance} {member['aside']} --new-db-instance-identifier {member['identifier']}"
                for member in members
            ),
        ],
    )


def as_text(sections: list[Section]) -> str:
    """The mail in plain text."""
    blocks = []
    for section in sections:
        lines = [section.heading.upper(), *section.lines]
        blocks.append("\n".join(lines + [f"  {command}" for command in section.commands]))
    return "\n\n".join(blocks) + "\n"


def as_html(subject: str, sections: list[Section]) -> str:
    """The mail in HTML, everything in it escaped."""
    parts = [f"<h2>{escape(subject)}</h2>"]
    for section in sections:
        parts.append(f"<h3>{escape(section.heading)}</h3>")
        parts += [f"<p>{escape(line)}</p>" for line in section.lines]
        if section.commands:
            parts.append(f"<pre>{escape(chr(10).join(section.commands))}</pre>")
    body = "".join(parts)
    return f'<!doctype html><html><body style="font-family: sans-serif">{body}</body></html>'
