"""The preflight: look, run the checks, plan, conclude; the same for an instance and a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.checks.checklist import CHECKS, OF_THE_PLAN, PRECONDITION, WARNINGS
from trapheus.checks.findings import Findings
from trapheus.checks.look import Look
from trapheus.checks.plan import planned
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trapheus.checks.checklist import Check
    from trapheus.checks.look import Kind


def preflight(event: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Return the plan and the findings; refuse when there are findings, unless it is a dry run.

    There is no plan where nothing of this kind has the identifier.
    """
    look, findings, plan = Look(event["request"], kind), Findings(), None
    with failing_as(CheckFailed, look.identifier):
        PRECONDITION.run(look, findings)
        if not findings.all:
            plan = examined(event, look, findings)
    if not look.request["dryRun"]:
        findings.raise_first(look.identifier)
    return {"plan": plan, "findings": findings.report()}


def examined(event: dict[str, Any], look: Look, findings: Findings) -> dict[str, Any]:
    """Note everything that speaks against the task; return the plan for it."""
    for check in applying((*CHECKS, *WARNINGS), look):
        check.run(look, findings)
    plan = planned(event, look, findings)
    for check in applying(OF_THE_PLAN, look):
        check.run(look, plan, findings)
    return plan


def applying(checks: Iterable[Check], look: Look) -> list[Check]:
    """Those checks that are for this request and this database."""
    return [check for check in checks if check.when.holds(look) and check.of.holds(look)]
