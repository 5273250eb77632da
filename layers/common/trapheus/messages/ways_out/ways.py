"""The ways out of a failure: a section each, with the block of commands that goes it.

A command renames or deletes only what RDS shows now as the sentence says. Going back comes first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trapheus.execution.constants import COPY, RESTORE_FIRST
from trapheus.execution.exceptions import DeleteFailed
from trapheus.messages.facts import is_finishing, is_unserved
from trapheus.messages.message import Section
from trapheus.messages.ways_out.commands import (
    WITHOUT_PAGER,
    deletion,
    look_again,
    modify,
    ready,
    ready_to_rename,
    recover,
    release_lock,
    rename,
    require,
    require_free,
    untag,
    untagging,
    until_available,
    until_free,
    until_gone,
)
from trapheus.messages.ways_out.custom_endpoints import made_again
from trapheus.messages.ways_out.databases import (
    CLUSTER,
    Database,
    Look,
    away,
    snapshots,
    told,
)
from trapheus.messages.ways_out.proxy_targets import given_again, given_anew
from trapheus.rds.deletion import (
    final_snapshot,
    original_value,
    require_known,
    require_unprotected,
)
from trapheus.rds.waiters import ONLINE

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan, State

PASTE = "Each block is one command that a shell takes whole; what fails in it stops the rest."
GUARDED = "What has another resource id by then than the mail says is left alone without a word."
WAITING = (
    "A wait gives up after four hours: then look, and paste the block again from that line on."
)
# Of the steps that come once what was restored has been registered with its proxies.
AFTER_THE_PROXIES = ("ConfigureFailed", "ConfigurationDiffers", "DeleteFailed", "UntagFailed")
TAGGED = ["It carries this execution's tag still: this takes that off."]
PROTECTED_AGAIN = "The original's protection from deletion, which was taken off, is put on again."
FREE = "A wait for 'deleted' by a name waits until nothing has that name."
RECOVERED = [
    "The last command starts an execution that sees to the rest, and releases the lock: without it"
    " no other one starts."
]


def pasting(sections: list[Section]) -> str:
    """How the blocks of these are pasted, as far as they have what is told of."""
    commands = "\n".join(command for one in sections for command in one.commands)
    told_of = ((PASTE, ""), (GUARDED, "test "), (WAITING, " rds wait "))
    return " ".join(sentence for sentence, part in told_of if part in commands)


def way(heading: str, lines: list[str], commands: list[str]) -> Section:
    """A way out."""
    return Section(heading, lines, [WITHOUT_PAGER, *commands] if commands else [])


def untagged(look: Look, snapshots: list[str]) -> Section:
    """Where only the tag was left to be taken off. snapshots: the ARNs of those that carry it."""
    plan = look.plan
    commands = [
        *untagging(look.restored, plan),
        *untagging(look.original, plan),
        *map(untag, snapshots),
    ]
    lines = [] if commands else ["Nothing that RDS shows carries the tag any more."]
    return way("To take the tag off what stays", lines, commands)


def to_look_at(plan: Plan, restored_id: str) -> Section:
    """Where RDS could not be asked."""
    restored = f", what was restored {restored_id}" if restored_id else ""
    return Section(
        "To see what stands",
        [
            "RDS did not say what stands, so no command that changes it is offered. The"
            f" resource id of the original is {plan['resourceId']}{restored}."
        ],
        look_again(plan, restored_id),
    )


def ways_out(state: State, look: Look) -> list[Section]:
    """The ways out where both databases stay, or the rollback has failed."""
    plan = look.plan
    if not is_finishing(state):
        return unfinished(look)
    if plan["strategy"] == COPY:
        return [removal(look, []), kept(look)]
    going_back = [*others_away(look), back(look, is_used=True)]
    if is_unserved(state):
        return going_back
    return [*going_back, forward(look, options_of(state), [], renewed=is_renewed(state))]


def is_renewed(state: State) -> bool:
    """Whether the proxies may still lead to the original."""
    return state["error"]["Error"] not in AFTER_THE_PROXIES


def finished(plan: Plan) -> Section:
    """The rollback, finished by an execution, so as not to do its work by hand."""
    if plan["strategy"] == COPY:
        what = f"removes what was restored as {plan['restoredAs']}"
    elif plan["strategy"] == RESTORE_FIRST:
        what = f"puts the original back, then removes {plan['restoredAs']}"
    else:
        what = "puts the original back"
    lines = [f"Once the cause is removed, this starts an execution that {what}."]
    return way("To let the rollback be finished", lines, [recover(plan)])


def unfinished(look: Look) -> list[Section]:
    """The ways out where the rollback has failed, in which nothing that was restored has served."""
    plan, last = look.plan, [recover(look.plan)]
    if plan["strategy"] == COPY:
        return [finished(plan), removal(look, last)]
    going_back = [*others_away(look), back(look, is_used=False)]
    if is_lost(look):
        return [*going_back, forward(look, None, [release_lock(plan)], renewed=True)]
    # What never served may be removed by itself once it stands beside.
    apart = look.restored and look.restored.name == plan["restoredAs"] != plan["identifier"]
    return [finished(plan), *going_back, *([removal(look, last)] if apart else [])]


def is_lost(look: Look) -> bool:
    """Whether no command brings the original back, so that its rollback cannot be finished."""
    original = look.original
    return original is None or original.is_bad or is_without_members(look.plan, original)


def removal(look: Look, last: list[str]) -> Section:
    """The deletion of what was restored beside the original. last: the commands after it."""
    restored = look.restored
    heading = f"To remove what was restored as {look.plan['restoredAs']}"
    if restored is None or restored.is_going:
        return way(heading, ["RDS shows nothing (any more) that was restored."], [])
    if restored.is_untouchable:
        return way(heading, [protected(restored)], [])
    lines = [f"This deletes {restored.name} ({restored.resource_id})."]
    return way(heading, lines, [*deletion(restored), *last])


def kept(look: Look) -> Section:
    """What was restored at a target stays: nothing but its tag is missing."""
    heading = f"To keep what was restored as {look.plan['restoredAs']}"
    if look.restored is None:
        return way(heading, ["RDS does not show it now."], [])
    lines = ["This takes the tag off it and its members."]
    return way(heading, lines, untagging(look.restored, look.plan))


@dataclass(frozen=True)
class Options:
    """What the request has said of the original once what was restored serves."""

    keeps: bool
    takes_snapshot: bool
    deletes_backups: bool


def options_of(state: State) -> Options | None:
    """The options of the request by which the plan was made; None where that one is not known."""
    request = state["request"]
    if state.get("lock", {}).get("interrupted") or "finalSnapshot" not in request:
        return None
    return Options(
        request["keepOriginal"], request["finalSnapshot"], request["deleteAutomatedBackups"]
    )


def forward(look: Look, options: Options | None, last: list[str], *, renewed: bool) -> Section:
    """What was restored stays, once it serves, and the original as the request has said.

    options: without them nothing of the original's data is lost. last: the commands after all.
    renewed: whether the proxies may still lead to the original.
    """
    plan, original, restored = look.plan, look.original, look.restored
    heading = f"To keep what was restored as {plan['identifier']}"
    stays = bool(options and options.keeps)
    refusal = unserved(look) or (protection(plan, original) if original and not stays else "")
    if refusal or restored is None:
        return way(heading, [refusal], [])
    proxied, leaving, coming = given_anew(look) if renewed else ([], [], [])
    said, freeing, making = made_again(look, restored)
    lines, commands = what_of_the_original(look, options)
    commands = [
        *freeing,
        *(leaving if coming else []),
        *coming,
        *making,
        *commands,
        *untagging(restored, plan),
        *last,
    ]
    guarded = [*ready([restored]), *commands] if commands else []
    return way(heading, [*lines, *proxied, *said], guarded)


def what_of_the_original(look: Look, options: Options | None) -> tuple[list[str], list[str]]:
    """Sentences and commands for the original, once what was restored stays."""
    plan, original = look.plan, look.original
    if original is None or original.is_going:
        gone = [until_gone(original)] if original else []
        commands = [*gone, *map(untag, told(lambda: snapshots(plan, final_snapshot(plan))) or [])]
        return ["The original does not show any more, or is being deleted."], commands
    if original.is_bad and original.is_deletion_protected:
        stuck = f"The original stays as {original.name}: it is protected from deletion, and RDS"
        return [f"{stuck} takes that off nothing that is {original.status}: ask AWS Support."], []
    if not (options and options.keeps):
        return original_deleted(look, original, options)
    stays = f"The original stays as {original.name}, as the request has it (keepOriginal)."
    untagged = untagging(original, plan)
    return [stays], [*ready([original]), *untagged] if untagged else []


def original_deleted(
    look: Look, original: Database, options: Options | None
) -> tuple[list[str], list[str]]:
    """Sentences and commands for the deletion of the original, as the request has it."""
    # RDS takes no final snapshot of one that has failed. [fact: no-final-snapshot-of-the-broken]
    takes = not original.is_bad and (options is None or options.takes_snapshot)
    drops = options is not None and options.deletes_backups
    final = final_snapshot(look.plan) if takes else ""
    lines = [
        f"This deletes the original, {original.name} ({original.resource_id}),"
        f" {f'with the final snapshot {final}' if final else 'without a final snapshot'}; its"
        f" automated backups {'go with it' if drops else 'stay'}."
    ]
    if options is None and takes:
        lines.append("What the request has said of a final snapshot is not known here.")
    if original.is_deletion_protected:
        lines.append("It is protected from deletion, as it was: this takes its protection off.")
    backups = f" --{'' if drops else 'no-'}delete-automated-backups"
    # A snapshot takes the tags of what it is taken from, where that is set so.
    untagged_first = untagging(original, look.plan) if final else []
    return lines, deletion(original, final, backups, untagged_first)


def unserved(look: Look) -> str:
    """Why the original is needed still; empty while what was restored serves in its place."""
    name, restored = look.plan["identifier"], look.restored
    if restored is None or restored.name != name:
        return (
            f"What was restored does not show as {name}: do without the original only once it does."
        )
    if restored.status not in ONLINE:
        return f"{name} is {restored.status}: see that it serves."
    if restored.words is CLUSTER and not any(one.status in ONLINE for one in restored.members):
        return f"No member of {name} serves: wait until one does."
    return ""


def protection(plan: Plan, original: Database) -> str:
    """Why the original is not to be deleted, if somebody has said so."""
    if original.is_untouchable:
        return protected(original)
    try:
        require_unprotected(plan, original.shown, [one.shown for one in original.members])
    except DeleteFailed:
        return (
            f"Somebody has protected {original.name} from deletion since it was renamed: ask, and"
            " take the protection off first."
        )
    return addition(plan, original)


def addition(plan: Plan, original: Database) -> str:
    """The member of the original's that this execution does not know, if there is one."""
    try:
        if plan.get("members"):
            require_known(plan, [one.shown for one in original.members])
    except DeleteFailed as error:
        added = json.loads(str(error))["added"]
        return (
            f"Somebody has added the member {added} to {original.name} since it was renamed: ask,"
            " and delete that member first."
        )
    return ""


def protected(found: Database) -> str:
    """Why something that is tagged so is not to be deleted."""
    return (
        f"{found.name}, or a member of it, carries the tag trapheus:protect: take that off first."
    )


def back(look: Look, *, is_used: bool) -> Section:
    """The original under its names again.

    is_used: whether clients may have written to what was restored, which is never deleted then.
    """
    plan, original, restored = look.plan, look.original, look.restored
    heading = f"To go back: the original as {plan['identifier']}"
    moves = moves_of(look, is_used=is_used)
    others = [one for one in moves if is_other(look, one)]
    moves = [one for one in moves if one not in others]
    refusal = against_back(look, moves)
    if refusal or original is None:
        return way(heading, [refusal], [])
    lines = [
        f"{one.found.name} ({one.found.resource_id}) gets the name {one.name}." for one in moves
    ]
    if others:
        lines.append("This goes once the other one is renamed, as above.")
    last = [] if is_used else [recover(plan)]
    proxied, leaving_proxies, coming_back = given_anew(look) if is_used and moves else ([], [], [])
    if not (is_used and moves):
        proxied, coming_back = given_again(look)
    said, freeing, making = made_again(look, original)
    guarding = protected_again(look)
    said = [*said, *([PROTECTED_AGAIN] if guarding else [])]
    if not moves:
        tagged = untagging(original, plan)
        lines = ["It has all its names.", *(TAGGED if tagged else []), *proxied, *said]
        rest = [*freeing, *making, *tagged, *coming_back, *guarding]
        # By the time that it is pasted, another database may have the name.
        return way(heading, lines, [*ready([original]), *rest, *last] if rest else [])
    leaving = [one for one in moves if one.vacates]
    stuck = [one.found for one in leaving if one.found.is_bad]
    if stuck and (is_used or restored is None):
        return way(heading, [unmovable(stuck[0])], [])
    away_first = moving(leaving)
    if stuck and restored:
        moves = [one for one in moves if not one.vacates]
        lines = [
            f"{unmovable(stuck[0])} It has never served: this deletes {restored.name}.",
            *lines,
        ]
        away_first = deletion(restored)
    coming = [one for one in moves if not one.vacates]
    left = {one.found.name for one in leaving}
    now = {one.found.resource_id: one.name for one in moves}
    commands = [
        *(require_free(one.found.words, one.found.name) for one in others),
        *ready_to_rename([(one.found, one.name) for one in moves]),
        *(free_to_come(one) for one in coming if one.name not in left),
        *freeing,
        *([require(restored)] if leaving_proxies and restored else []),
        *leaving_proxies,
        *away_first,
        *(rename(one.found, one.name) for one in coming),
        *(until_available(one.found, one.name) for one in coming),
        *making,
        *coming_back,
        *untagging(original, plan, now),
        *(untagging(restored, plan, now) if is_used else []),
        *guarding,
        *last,
    ]
    lines += [*proxied, *said, *([FREE] if leaving else []), *(RECOVERED if last else [])]
    return way(heading, lines, commands)


def protected_again(look: Look) -> list[str]:
    """The original's protection, which its deletion has taken off before it was interrupted."""
    plan, original = look.plan, look.original
    was = original_value(plan, "modify", "DeletionProtection")
    if original is None or original.is_deletion_protected or not was:
        return []
    named = replace(original, shown={**original.shown, original.words.name: plan["identifier"]})
    return [modify(named, "--deletion-protection")]


@dataclass(frozen=True)
class Move:
    """A new name for a database or a member; `vacates`: it leaves one of the original's names."""

    found: Database
    name: str
    vacates: bool


def moves_of(look: Look, *, is_used: bool) -> list[Move]:
    """Who leaves one of the original's names, then who comes back to it.

    A cluster's members come before it: RDS takes no change of theirs while it is being renamed.
    """
    plan, original = look.plan, look.original
    own = {one.resource_id: one for one in (original.parts if original else [])}
    leaving: list[Move] = []
    coming: list[Move] = []
    # The plan names the writer first; it leaves last, and comes first.
    for part in (*plan.get("members", []), plan):
        name, found = part["identifier"], own.get(part["resourceId"])
        if found is None or found.name == name:
            continue
        coming.append(Move(found, name, vacates=False))
        if holder := look.holder(part):
            # The name under which a recovery finds, and removes, what was restored.
            kept = is_used or part["restoredAs"] == name or not look.is_restored(holder)
            apart = away(name) if kept else part["restoredAs"]
            leaving.insert(0, Move(holder, apart, vacates=True))
    members_first = sorted(leaving, key=lambda one: one.found.words is CLUSTER)
    return [*members_first, *coming]


def free_to_come(move: Move) -> str:
    """Go on only if nothing has taken the name since the mail was written but who is to have it."""
    words = move.found.words
    return f"{{ {require_free(words, move.name)} || {require(move.found, move.name)}; }}"


def is_other(look: Look, move: Move) -> bool:
    """Whether it is another database, of nobody that is known here, that has to leave a name."""
    return move.vacates and not look.is_restored(move.found)


def others_away(look: Look) -> list[Section]:
    """Another name for the databases that somebody else has given the original's names."""
    moves = [one for one in moves_of(look, is_used=True) if is_other(look, one)]
    if not moves:
        return []
    heading = f"To rename what else is called {look.plan['identifier']}, so that the original can"
    if any(one.found.name != look.plan["identifier"] for one in moves):
        heading = "To rename what else has the original's names, so that it can"
    lines = [
        f"{one.found.name} is another database now ({one.found.resource_id}), which RDS does not"
        f" show as restored by this execution: if it may be renamed, this calls it {one.name}."
        for one in moves
    ]
    refused = [one for one in moves if one.found.is_bad]
    taken = [one.name for one in moves if look.is_taken(one.found.words, one.name)]
    if refused or taken:
        lines += [unmovable(one.found) for one in refused]
        lines += [f"{name} is taken: choose another name for it." for name in taken]
        return [way(f"{heading} come back", lines, [])]
    ready_now = ready([one.found for one in moves])
    return [way(f"{heading} come back", lines, [*ready_now, *moving(moves)])]


def moving(leaving: list[Move]) -> list[str]:
    """Let the names of the original be left, and wait until they are free."""
    return [
        *(rename(one.found, one.name) for one in leaving),
        *(until_free(one.found.words, one.found.name) for one in leaving),
    ]


def against_back(look: Look, moves: list[Move]) -> str:
    """Why the original cannot come back by commands; empty when nothing speaks against it."""
    plan, original = look.plan, look.original
    if original is None:
        return (
            f"The original ({plan['resourceId']}) does not show: look once more, it may be deleted."
        )
    if original.is_going or is_without_members(plan, original):
        return f"The original, {original.name}, is being deleted, or has no members any more."
    for one in moves:
        if one.vacates and look.is_taken(one.found.words, one.name):
            return f"{one.name} is taken: rename what has that name first."
        if not one.vacates and one.found.is_bad:
            return unmovable(one.found)
    return ""


def unmovable(found: Database) -> str:
    """Why something cannot be renamed."""
    return f"{found.name} is {found.status}, in which RDS renames nothing."


def is_without_members(plan: Plan, original: Database) -> bool:
    """Whether a cluster has lost all its members."""
    return bool(plan.get("members")) and not original.members
