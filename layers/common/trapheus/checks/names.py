"""The names: possible and free for the copy, and for the original once it is renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.checks.look import INSTANCE
from trapheus.checks.restorable import deletion_command
from trapheus.execution import exceptions
from trapheus.execution.constants import (
    IN_PROGRESS_TAG,
    MAX_CLUSTER_IDENTIFIER,
    MAX_IDENTIFIER,
    MAX_INSTANCE_IDENTIFIER,
    RENAMED_SUFFIX,
    RESTORE_FIRST,
    SHARED_SUFFIX,
    SHARING_SUFFIX,
)
from trapheus.rds.access import rds

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look
    from trapheus.rds.access import Description


def room_for_the_snapshot(look: Look, findings: Findings) -> None:
    """The identifier leaves room for `-snapshot`."""
    if len(look.identifier) > MAX_CLUSTER_IDENTIFIER:
        findings.add(
            exceptions.InvalidRequest,
            f"The identifier is {len(look.identifier)} characters long; with the suffix -snapshot"
            f" it may have {MAX_CLUSTER_IDENTIFIER}.",
        )


def of_the_copy(look: Look, findings: Findings) -> None:
    """The names of the copy and of its members are possible, and free.

    They end with `-copy` where the strategy is `restore-first`.
    """
    for kind, names in look.all_restored_as.items():
        for name in names.values():
            if len(name) > MAX_IDENTIFIER:
                findings.add(
                    exceptions.DatabaseNotSupported,
                    f"{name} would be restored, and has {len(name)} characters, of which RDS takes"
                    f" {MAX_IDENTIFIER}: use a shorter targetIdentifier.",
                )
            elif look.request["strategy"] == RESTORE_FIRST:
                refuse_taken(look, findings, kind, name)
            elif name in look.holders[kind]:
                findings.add(
                    exceptions.NameTaken,
                    f"The name {name} is taken: choose another targetIdentifier, or delete that"
                    f" {kind}.",
                )


def of_the_renamed_original(look: Look, findings: Findings) -> None:
    """`<identifier>-temp` and each member's are free, and their names leave room for `-temp`.

    The sentence says whether an execution has left what has the name; its mail tells what it is.
    """
    for kind, names in look.all_restored_as.items():
        for name in names:
            if kind == "instance" and len(name) > MAX_INSTANCE_IDENTIFIER:
                refuse_long(look, findings, name)
            else:
                refuse_taken(look, findings, kind, name + RENAMED_SUFFIX)


def of_the_shared_copy(look: Look, findings: Findings) -> None:
    """`<identifier>-shared` can be made anew: it is available, of this engine; its successor free.

    The successor is `<identifier>-sharing`.
    """
    name, spare = look.identifier + SHARED_SUFFIX, look.identifier + SHARING_SUFFIX
    found, engine = look.shared_copy, look.found["Engine"]
    if found and found["Status"] != "available":
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {name} is {found['Status']}: wait until it is available, or delete it if"
            " it has failed.",
        )
    elif found and found["Engine"] != engine:
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {name} is of {found['Engine']}, the database of {engine}: copy it under"
            " another name if anything needs it, and delete it.",
        )
    if look.kind.find_snapshot(spare):
        until = "" if found else ", until which other accounts may find it and no other"
        findings.add(
            exceptions.NameTaken,
            f"The snapshot {spare} exists, probably left over from an earlier run: delete it if"
            f" nothing needs it ({deletion_command(look, spare)}). The next run makes another one"
            f" to be shared{until}.",
        )


def refuse_long(look: Look, findings: Findings, name: str) -> None:
    """Note an instance or a member whose name has no room for a suffix."""
    if look.kind is INSTANCE:
        findings.add(
            exceptions.InvalidRequest,
            f"The identifier is {len(name)} characters long; with the suffix -temp it may"
            f" have {MAX_INSTANCE_IDENTIFIER}.",
        )
    else:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"The member {name} has {len(name)} characters; with the suffix -temp it may have"
            f" {MAX_INSTANCE_IDENTIFIER}: rename it first.",
        )


def refuse_taken(look: Look, findings: Findings, kind: str, name: str) -> None:
    """Note a name that is to be free for what this execution renames or restores, if it is not."""
    if name in look.holders[kind]:
        findings.add(
            exceptions.NameTaken,
            f"The name {name} is taken {left_over(name, kind, look.holders[kind][name])}.",
        )


def left_over(name: str, kind: str, found: Description) -> str:
    """What holds a name, and how it is cleared.

    There is nothing to recover any more: whoever takes the lock is told of that first.
    """
    tagged = any(tag["Key"] == IN_PROGRESS_TAG for tag in found.get("TagList", []))
    whose = (
        f"what an earlier execution has left, as its mail says (tag {IN_PROGRESS_TAG})"
        if tagged
        else "a database without the tag of an execution"
    )
    call = f"aws rds modify-db-{kind} --region {rds().meta.region_name}"
    return (
        f"by {whose}: rename that {kind} (`{call} --db-{kind}-identifier {name}"
        f" --new-db-{kind}-identifier NAME --apply-immediately`), or delete it if nothing needs it"
    )
