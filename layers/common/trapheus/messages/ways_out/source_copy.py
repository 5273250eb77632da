"""The copy of a snapshot that an execution has made for its restore, and the command for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trapheus.execution.constants import IN_PROGRESS_TAG
from trapheus.messages.message import Section
from trapheus.messages.ways_out.commands import WITHOUT_PAGER, aws
from trapheus.rds.access import cluster_snapshot, in_progress_tag, snapshot
from trapheus.rds.sources import own_copy
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


def removal(plan: Plan, found: Description) -> Section:
    """Its deletion, if it still carries the execution's tag when the command is pasted."""
    heading, name = f"To delete the snapshot {plan['copiedTo']}", plan["copiedTo"]
    if found["Status"] in DELETING:
        return Section(heading, ["It is being deleted."], [])
    noun, listed = ("db-snapshot", "DBSnapshots")
    if "members" in plan:
        noun, listed = "db-cluster-snapshot", "DBClusterSnapshots"
    tag = in_progress_tag(plan["execution"])["Value"]
    own = f"TagList[?Key==`{IN_PROGRESS_TAG}`&&Value==`{tag}`]"
    query = f"--query '{listed}[?{own}].{listed[:-1]}Identifier' --output text"
    asked = aws(f"rds describe-{noun}s", f"--{noun}-identifier {name} {query}")
    return Section(
        heading,
        ["It is a copy of the snapshot, made for the restore, and nothing needs it any more."],
        [
            WITHOUT_PAGER,
            f'test "$({asked})" = {name}',
            aws(f"rds delete-{noun}", f"--{noun}-identifier {name}"),
        ],
    )
