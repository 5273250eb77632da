"""The preflight: look, run the checks, plan, conclude; the same for an instance and a cluster."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trapheus.checks.checklist import CHECKS, OF_THE_PLAN, PRECONDITION, WARNINGS
from trapheus.checks.findings import Findings
from trapheus.checks.look import Look
from trapheus.checks.plan import planned
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import (
    CheckFailed,
    DatabaseNotAvailable,
    FormatNotKnown,
    StillInProgress,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trapheus.checks.checklist import Check
    from trapheus.checks.look import Kind

# Seconds for which what ends by itself is waited for: less than the state machine asks again.
PATIENCE = 3600


def preflight(event: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Return the plan and the findings; refuse when there are findings, unless it is a dry run.

    There is no plan where nothing of this kind has the identifier. Raises StillInProgress, for an
    hour since the state was `entered`, while all that speaks against it ends by itself.
    """
    look, findings, plan = Look(event["request"], kind), Findings(), None
    with failing_as(CheckFailed, look.identifier):
        PRECONDITION.run(look, findings)
        if not findings.all:
            plan = examined(event, look, findings)
    if look.request["dryRun"]:
        tell_waits(findings)
    else:
        wait_or_refuse(event, look, findings)
    return {"plan": plan, "findings": findings.report()}


def tell_waits(findings: Findings) -> None:
    """A dry run does not wait."""
    for sentence in findings.waits:
        findings.warn(f"{sentence} An execution waits for that by itself, for up to an hour.")


def wait_or_refuse(event: dict[str, Any], look: Look, findings: Findings) -> None:
    """Refuse what does not end by itself at once, and what does after an hour."""
    if not findings.all and findings.waits and is_patient(event):
        waits = " ".join(findings.waits)
        raise StillInProgress(f"Waiting for up to an hour: {waits}", identifier=look.identifier)
    for sentence in findings.waits:
        findings.add(DatabaseNotAvailable, sentence)
    findings.raise_first(look.identifier)


def is_patient(event: dict[str, Any]) -> bool:
    """Whether an hour has not passed; a definition from before this wait says nothing of it."""
    entered = event.get("entered", "")
    return bool(entered) and time.time() - datetime.fromisoformat(entered).timestamp() < PATIENCE


def examined(event: dict[str, Any], look: Look, findings: Findings) -> dict[str, Any]:
    """Note everything that speaks against the task; return the plan for it."""
    for check in applying((*CHECKS, *WARNINGS), look):
        check.run(look, findings)
    plan = planned(event, look, findings)
    if "copiedTo" in plan and not event.get("canCopy"):
        findings.add(
            FormatNotKnown,
            "The stack has been updated since this execution began, whose definition cannot copy"
            " the snapshot: start it again.",
        )
    for check in applying(OF_THE_PLAN, look):
        check.run(look, plan, findings)
    return plan


def applying(checks: Iterable[Check], look: Look) -> list[Check]:
    """Those checks that are for this request and this database."""
    return [check for check in checks if check.when.holds(look) and check.of.holds(look)]
