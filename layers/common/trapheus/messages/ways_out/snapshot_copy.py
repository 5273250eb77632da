"""The copy of a snapshot that an execution has made for its restore, and the command for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.constants import IN_PROGRESS_TAG
from trapheus.messages.message import Section
from trapheus.messages.ways_out.commands import WITHOUT_PAGER, aws
from trapheus.rds.access import cluster_snapshot, in_progress_tag, snapshot
from trapheus.rds.source.copies import own_copy
from trapheus.rds.waiters import DELETING

if TYPE_CHECKING:
    from trapheus.messages.facts import Plan
    from trapheus.rds.access import Description


def source_copy(plan: Plan) -> Description | None:
    """The copy, if RDS shows it still."""
    return own_copy(cluster_snapshot if "members" in plan else snapshot, plan)


def line(plan: Plan, found: Description) -> str:
    """How it stands."""
    return f"{plan['copiedTo']}: snapshot, {found['Status']}, a copy made for the restore"


def with_removal(section: Section, plan: Plan, found: Description) -> Section:
    """A way out that also deletes the copy, if it still carries the tag when this is pasted."""
    if found["Status"] in DELETING:
        return section
    name, noun, listed = plan["copiedTo"], "db-snapshot", "DBSnapshots"
    if "members" in plan:
        noun, listed = "db-cluster-snapshot", "DBClusterSnapshots"
    tag = in_progress_tag(plan["execution"])["Value"]
    # Literals in backticks: the whole is in quotes of both sorts.
    own = f"TagList[?Key==`{IN_PROGRESS_TAG}`&&Value==`{tag}`]"
    query = f"--query '{listed}[?{own}].{listed[:-1]}Identifier' --output text"
    asked = aws(f"rds describe-{noun}s", f"--{noun}-identifier {name} {query}")
    deleted = aws(f"rds delete-{noun}", f"--{noun}-identifier {name}")
    return Section(
        section.heading,
        [
            *(section.lines if section.commands else []),
            f"It deletes {name}, the copy of the snapshot that was made for the restore.",
        ],
        # Whoever has pasted another block before has deleted it by that.
        [
            *(section.commands or [WITHOUT_PAGER]),
            f'{{ test "$({asked})" != {name} || {deleted}; }}',
        ],
    )
