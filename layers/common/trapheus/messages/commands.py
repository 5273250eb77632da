"""The commands of a mail: aws rds, each for the one database that it names by its resource id."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from trapheus.execution.constants import IN_PROGRESS_TAG
from trapheus.messages.databases import CLUSTER, INSTANCE, Database, Words, carries_tag, names_of

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan

# Version 2 of the AWS CLI shows what is longer than the screen in a pager, which would wait for a
# key in the middle of a block (AWS CLI User Guide, "Client-side pager").
WITHOUT_PAGER = 'export AWS_PAGER=""'
LIST = {INSTANCE: "DBInstances", CLUSTER: "DBClusters"}
ID_FILTER = {INSTANCE: "dbi-resource-id", CLUSTER: "db-cluster-resource-id"}


def require(found: Database) -> str:
    """Go on only if the resource id has this name still, when the block is pasted.

    RDS renames and deletes by name only.
    """
    words = found.words
    names = f"{LIST[words]}[].{words.name}"
    asked = f"{describe(words, ids=[found.resource_id])} --query '{names}' --output text"
    return f'test "$({asked})" = {shlex.quote(found.name)}'


def require_free(words: Words, name: str) -> str:
    """Go on only if nothing has a name."""
    ids = f"{LIST[words]}[].{words.resource_id}"
    return f'test "$({describe(words, names=[name])} --query \'{ids}\' --output text)" = ""'


def describe(words: Words, *, ids: list[str] | None = None, names: list[str] | None = None) -> str:
    """Look at those with these resource ids, or these names; there may be none."""
    return f"aws rds describe-db-{words.kind}s --filters {filters(words, ids, names)}"


def filters(words: Words, ids: list[str] | None, names: list[str] | None = None) -> str:
    """Filters by resource id and by name. All of them must fit."""
    given = {ID_FILTER[words]: ids, f"db-{words.kind}-id": names}
    return " ".join(
        shlex.quote(f"Name={name},Values={','.join(values)}")
        for name, values in given.items()
        if values
    )


def until_available(found: Database, name: str = "") -> str:
    """Wait until it is available, under a new name if one is given."""
    chosen = filters(found.words, [found.resource_id], [name] if name else None)
    return f"aws rds wait db-{found.words.kind}-available --filters {chosen}"


def until_free(words: Words, name: str) -> str:
    """Wait until nothing has a name, whatever keeps what had it busy by then."""
    return f"aws rds wait db-{words.kind}-deleted --filters {filters(words, None, [name])}"


def until_gone(found: Database) -> str:
    """Wait until it is deleted."""
    chosen = filters(found.words, [found.resource_id])
    return f"aws rds wait db-{found.words.kind}-deleted --filters {chosen}"


def modify(found: Database, what: str) -> str:
    """Change it at once."""
    kind = found.words.kind
    return (
        f"aws rds modify-db-{kind} --db-{kind}-identifier {found.name} {what} --apply-immediately"
    )


def rename(found: Database, name: str) -> str:
    """Ask for a new name."""
    return modify(found, f"--new-db-{found.words.kind}-identifier {shlex.quote(name)}")


def ready(found: list[Database]) -> list[str]:
    """Wait for those that are busy now, then see that each has its name still."""
    return [*(until_available(one) for one in found if one.is_busy), *map(require, found)]


def deletion(found: Database, options: str = "") -> list[str]:
    """Delete it, with its members: RDS wants those deleted first."""
    members = [one for one in found.own_members if not one.is_going]
    commands = ready([*members, found])
    if found.is_deletion_protected:
        commands += [modify(found, "--no-deletion-protection"), until_available(found)]
    commands += [delete(one, "--skip-final-snapshot") for one in members]
    commands.append(delete(found, f"--skip-final-snapshot{options}"))
    return [*commands, until_gone(found)]


def delete(found: Database, options: str) -> str:
    """Ask for a deletion."""
    kind = found.words.kind
    return f"aws rds delete-db-{kind} --db-{kind}-identifier {found.name} {options}"


def untag(arn: str) -> str:
    """Take the tag off what stays."""
    return (
        f"aws rds remove-tags-from-resource --tag-keys {IN_PROGRESS_TAG}"
        f" --resource-name {shlex.quote(arn)}"
    )


def untagging(found: Database | None, plan: Plan, names: dict[str, str] | None = None) -> list[str]:
    """Take the execution's tag off a database and its members, where they carry it.

    names: those that they have by then, by resource id, where they are other ones than now.
    """
    return [
        untag(named(str(one.shown[one.words.arn]), (names or {}).get(one.resource_id, one.name)))
        for one in (found.parts if found else [])
        if carries_tag(one, plan)
    ]


def named(arn: str, name: str) -> str:
    """The ARN under another name, of which it is made."""
    return f"{arn.rpartition(':')[0]}:{name}"


def look_again(plan: Plan, restored_id: str) -> list[str]:
    """Show what has which name and which resource id; nothing is changed."""
    words = CLUSTER if "members" in plan else INSTANCE
    ids = [plan["resourceId"], *([restored_id] if restored_id else [])]
    commands = [WITHOUT_PAGER, *shown(words, ids, names_of(plan, plan))]
    members = plan.get("members", [])
    if members:
        names = [name for member in members for name in names_of(member, plan)]
        commands += shown(INSTANCE, [member["resourceId"] for member in members], names)
    return commands


def shown(words: Words, ids: list[str], names: list[str]) -> list[str]:
    """Show those with these resource ids, and those with these names."""
    keys = ",".join((words.name, words.status, words.resource_id))
    output = f"--query '{LIST[words]}[].[{keys}]' --output table"
    return [
        f"{asked} {output}" for asked in (describe(words, ids=ids), describe(words, names=names))
    ]
