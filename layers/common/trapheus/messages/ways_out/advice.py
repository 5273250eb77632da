"""What to do about each error of a restore that has left the database as it was.

The ways out where two databases stay, or a rollback has failed, are in `ways`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution import exceptions
from trapheus.execution.constants import ENDED, RECOVER
from trapheus.messages.facts import cause_of, is_unrenameable, plan_of
from trapheus.messages.message import Section
from trapheus.messages.ways_out.commands import ready, start
from trapheus.messages.ways_out.databases import CLUSTER, INSTANCE, Database, told, whole
from trapheus.rds.access import cluster, instance, rds

if TYPE_CHECKING:
    from trapheus.messages.facts import State

AGAIN = "start the execution again with the same input"
REMOVED = f"Remove the cause, then {AGAIN}."
DENIED = f"Compare the function's policy in the stack with the call that was denied; then {AGAIN}."
# By the name of the error. Where another start can come to something with the input as it is, the
# sentence says so, and the command follows; ELSEWHERE are those that no such message tells.
ADVICE = {
    exceptions.InvalidRequest: "Correct the input, as the sentence above says, and start anew.",
    exceptions.IdentifierNotAllowed: (
        "Add the identifier to the stack's parameter AllowedIdentifiers, or use the stack that"
        f" may touch it; then {AGAIN}."
    ),
    exceptions.OverrideNotAllowed: (
        "Leave the override out, or add it to the stack's parameter AllowedOverrides"
        f" (docs/parameters.md says what each may open) and {AGAIN}."
    ),
    exceptions.SecretNotAllowed: (
        "Add the secret to the stack's parameter MasterUserSecrets, or name one that is among"
        f" them; then {AGAIN}."
    ),
    exceptions.HookNotAllowed: (
        "Use a hook that the stack lists, or add it to the stack's parameter HookFunctions or"
        f" HookStateMachines and {AGAIN}."
    ),
    exceptions.LockFailed: (
        f"See that the functions reach the table of the locks, and may use it; then {AGAIN}."
    ),
    exceptions.LockHeld: (
        "Wait until the other execution has ended, which tells its own end; then, if this one is"
        f" wanted still, {AGAIN}."
    ),
    exceptions.LockLost: (
        "Another execution has taken the database over, and tells its own end: look at that one"
        " before you start anything."
    ),
    exceptions.NotRecovered: (
        f"Start an execution with the task recover; once it has ended, {AGAIN}."
    ),
    exceptions.FormatNotKnown: (
        f"Deploy the release of the app that has begun the execution, or a newer one; then {AGAIN}."
    ),
    exceptions.Interrupted: f"Find out who or what has ended it; then {AGAIN}.",
    exceptions.DatabaseProtected: (
        f"Ask whoever has set the tag trapheus:protect; once it is taken off, {AGAIN}."
    ),
    exceptions.DatabaseNotFound: (
        "Correct the identifier or the region and start anew, or give the database its name back"
        f" and {AGAIN}."
    ),
    exceptions.WrongKind: (
        "It cannot be restored in place: restore it with a targetIdentifier, or by RDS itself."
    ),
    exceptions.DatabaseNotAvailable: f"Once it is available, {AGAIN}.",
    exceptions.DatabaseNotSupported: (
        f"Change what the sentence above names, and {AGAIN}; or restore beside it, with a"
        " targetIdentifier."
    ),
    exceptions.NameTaken: (
        f"Rename what has the name, or delete it if nothing needs it; then {AGAIN}."
    ),
    exceptions.SnapshotMissing: (
        "Name another snapshot in the input (snapshotIdentifier), or take one by the task"
        " create_snapshot_only; then start anew."
    ),
    exceptions.QuotaExceeded: (
        "Delete what nothing needs, or ask AWS for more: Service Quotas, AWS services, Amazon"
        f" Relational Database Service (Amazon RDS), {{quotas}}; then {AGAIN}."
    ),
    exceptions.GroupNotUsable: (
        f"Give the database a group that exists and fits, or override it; then {AGAIN}."
    ),
    exceptions.VersionOrClassUnavailable: (
        "Override the version or the class by one that AWS offers and start anew, or change the"
        f" original's and {AGAIN}."
    ),
    exceptions.CheckFailed: REMOVED,
    exceptions.SnapshotFailed: REMOVED,
    exceptions.RenameFailed: REMOVED,
    exceptions.RestoreFailed: REMOVED,
    exceptions.ProxyFailed: REMOVED,
    exceptions.ConfigureFailed: REMOVED,
    exceptions.ConfigurationDiffers: (
        f"Change what differs, on the original or by an override, and {AGAIN}."
    ),
    exceptions.HookFailed: (
        "Mend the hook, or what it has found in the data: the execution of HooksStateMachine with"
        f" the same name shows what it did (docs/hooks.md); then {AGAIN}."
    ),
    exceptions.DeleteFailed: REMOVED,
    exceptions.UntagFailed: REMOVED,
    exceptions.KeyNotAccessible: f"Let RDS use the key again, then {AGAIN}.",
    exceptions.CopyFailed: REMOVED,
    exceptions.StillInProgress: (
        f"RDS has not ended what it was asked for: see what it is busy with; then {AGAIN}."
    ),
    exceptions.StateConflict: (
        f"RDS has refused a call in the database's state: see what it is busy with; then {AGAIN}."
    ),
    exceptions.Throttled: f"AWS was too busy: at another time of the day, {AGAIN}.",
    exceptions.InsufficientCapacity: (
        "AWS has no capacity of this instance class in this zone now: try again later, or change"
        f" the class of the original first; then {AGAIN}."
    ),
}
# What a rollback, an alert, an export, a fleet or a hook ends with, told in other ways.
ELSEWHERE = (
    exceptions.RollbackFailed, exceptions.RollbackDelayed, exceptions.AlertFailed,
    exceptions.FleetFailed, exceptions.ExportNotSupported, exceptions.BucketMissing,
    exceptions.ExportFailed, exceptions.ExportIncomplete,
    # The hook answers with their sentences, and the execution ends as HookFailed.
    exceptions.ScriptRefused, exceptions.SqlFailed,
)  # fmt: skip
# What a database that is stopped fails with, before and after the plan is made.
STARTED_FIRST = (exceptions.DatabaseNotAvailable.__name__, exceptions.RenameFailed.__name__)
SENTENCES = {error.__name__: sentence for error, sentence in ADVICE.items()}


def advised(state: State, execution: str) -> list[Section]:
    """What to do, with the command where one does it. execution: whose machine is to start it."""
    error = state["error"]["Error"]
    if error == exceptions.NotRecovered.__name__:
        return [said(sentence_for(state), [start(execution, recovery(state))])]
    found = told(lambda: found_of(state))
    if error == exceptions.WrongKind.__name__ and found and found.words is not words_of(state):
        right = found.words is CLUSTER
        lines = f"{found.name} is of the other kind: start it with isCluster {str(right).lower()}."
        return [said(lines, [start(execution, state["input"] | {"isCluster": right})])]
    if error in STARTED_FIRST and found and found.is_stopped:
        again = [start(execution, state["input"])]
        return [said(f"This starts {found.name}, and then it again.", [*ready([found]), *again])]
    sentence = sentence_for(state)
    given = state.get("input")
    # The rule and the hourly look start recoveries with inputs that are not for people.
    if AGAIN in sentence and isinstance(given, dict) and ENDED not in given:
        return [said(sentence, [start(execution, given)])]
    return [said(sentence, [])]


def said(sentence: str, commands: list[str]) -> Section:
    """The section with the advice."""
    return Section("What to do", [sentence], commands)


def sentence_for(state: State) -> str:
    """The sentence for an error, which a call that was denied has another one of."""
    if str(cause_of(state["error"]).get("code", "")).startswith("AccessDenied"):
        return DENIED
    region = rds().meta.region_name
    quotas = f"https://{region}.console.aws.amazon.com/servicequotas/home/services/rds/quotas"
    return SENTENCES.get(state["error"]["Error"], REMOVED).format(quotas=quotas)


def recovery(state: State) -> dict[str, Any]:
    """The input that recovers the request's database."""
    request = state["request"]
    return {
        "identifier": request["identifier"], "task": RECOVER, "isCluster": request["isCluster"],
    }  # fmt: skip


def words_of(state: State) -> Any:
    """The kind that was asked for."""
    return CLUSTER if state["request"]["isCluster"] else INSTANCE


def found_of(state: State) -> Database | None:
    """The database of the request, of whichever kind it is; None where its plan was followed."""
    request = state.get("request")
    if not request or (plan_of(state) and not is_unrenameable(state)):
        return None
    name = request["identifier"]
    first, second = (cluster, instance) if request["isCluster"] else (instance, cluster)
    for find in (first, second):
        if shown := find(name):
            return whole(shown) if find is cluster else Database(INSTANCE, shown)
    return None
