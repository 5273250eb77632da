"""What is restored beside a running original: its names by phase, and what it gets only later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.configuration.attributes import STORAGE
from trapheus.configuration.comparison import modifications
from trapheus.execution.constants import COPY, FINISH, RENAME_FIRST
from trapheus.execution.exceptions import StillInProgress

if TYPE_CHECKING:
    from trapheus.configuration.attributes import Table
    from trapheus.configuration.comparison import Parameters
    from trapheus.rds.access import Description

Plan = dict[str, Any]


def plan_in_phase(plan: Plan, phase: str) -> Plan:
    """The plan with the names that the restored database has in a phase, and what it has by then.

    Beside its original it is not protected, so that a failure can remove it, and has no custom
    endpoints, whose names the original still holds.
    """
    if phase == COPY:
        later: Plan = {"endpoints": []} if "endpoints" in plan else {}
        return unprotected(named(plan, "restoredAs")) | later
    stays = phase == FINISH and plan["strategy"] == COPY
    return named(plan, "restoredAs" if stays else "identifier")


def named(plan: Plan, key: str) -> Plan:
    """The plan, and each member's, under the names that stand in `key`."""
    seen = plan | {"identifier": plan[key], "restoredAs": plan[key]}
    if "members" in plan:
        seen["members"] = [named(member, key) for member in plan["members"]]
    return seen


def unprotected(plan: Plan) -> Plan:
    """The plan without its deletion protection, if it says anything of one."""
    modify = plan["modify"]
    return plan | {"modify": modify | dict.fromkeys({"DeletionProtection"} & modify.keys(), False)}


def may_reboot(plan: Plan, phase: str) -> bool:
    """Whether a reboot is due in a phase: beside the original, or as soon as the copy is in place.

    What was made beside has had it by then, and its clients are not to be cut off again.
    """
    return bool(phase == COPY or plan["strategy"] == RENAME_FIRST)


def possible(table: Table, planned: Plan, found: Description, status: str) -> Parameters:
    """Those of them that RDS takes now, in this status; StillInProgress where it takes none.

    While storage is being optimized nothing else of it is changed [fact: storage-optimization].
    """
    if status != "storage-optimization":
        return remaining(table, planned, found)
    modify = {name: v for name, v in planned["modify"].items() if name not in STORAGE}
    changes = remaining(table, planned | {"modify": modify}, found)
    if not changes:
        name = planned["identifier"]
        raise StillInProgress("Its storage is being optimized", identifier=name)
    return changes


def remaining(table: Table, planned: Plan, found: Description) -> Parameters:
    """The parameters of the Modify that `found` still needs.

    Only its protection, where all the rest was set beside the original: RDS does nothing else then.
    """
    open_to_deletion = {**found, "DeletionProtection": False}
    wants = planned["modify"].get("DeletionProtection")
    if wants and not modifications(table, unprotected(planned), open_to_deletion):
        return {} if found.get("DeletionProtection") else {"DeletionProtection": True}
    return modifications(table, planned, found)
