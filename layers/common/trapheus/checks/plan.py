"""The plan: the names, and all the configuration that the copy is to have."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from trapheus.checks.availability import is_withdrawn
from trapheus.checks.look import CLUSTER, INSTANCE
from trapheus.checks.source.copying import add_source, name_of
from trapheus.configuration.attributes import MEMBER
from trapheus.configuration.certificates import leave_out_retired
from trapheus.configuration.comparison import configuration, note_change
from trapheus.configuration.inherited import leave_to_cluster
from trapheus.configuration.overrides import for_cluster, override
from trapheus.configuration.storage import fit_multi_az, fit_storage
from trapheus.execution import exceptions
from trapheus.execution.constants import (
    AUTOSCALED,
    COPY,
    RENAMED_SUFFIX,
    SHARED_SUFFIX,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.execution.formats import FORMAT
from trapheus.rds.access import moment_of

if TYPE_CHECKING:
    from trapheus.checks.findings import Findings
    from trapheus.checks.look import Look
    from trapheus.rds.access import Description


UPGRADED = "upgraded by RDS, since AWS does not offer its version any more"
NEWER = "as in the snapshot: no restore goes back to an older version"
# With what else an execution knows, of the 262,144 bytes that Step Functions carries.
LARGEST_PLAN = 120_000


def planned(event: dict[str, Any], look: Look, findings: Findings) -> dict[str, Any]:
    """The plan: names, resource ids and all the configuration to carry over."""
    plan = {
        "format": FORMAT,
        "execution": event["execution"],
        "started": event["started"],
        "warnings": findings.warnings,
        "strategy": look.request["strategy"],
        **names(look),
        "resourceId": look.found[look.kind.resource_id],
        "arn": look.found[look.kind.arn],
        "dataAsOf": moment_of(look.restored),
        "proxies": look.proxies,
        **sharing(look),
        **configuration(look.kind.table, look.found),
    }
    if look.kind is CLUSTER:
        add_cluster(plan, look)
    override_all(plan, look)
    add_source(plan, look)
    if look.kept_version and not look.overrides.get("EngineVersion"):
        keep_version(plan, look)
    if look.restores:
        leave_out_retired(plan, look.certificates)
    if look.restores and is_withdrawn(look) and not look.overrides.get("EngineVersion"):
        leave_version(plan, look)
    if look.request["strategy"] == COPY:
        # Beside an original that stays nothing is lost: it keeps what no copy of it can have.
        for part in (plan, *plan.get("members", [])):
            part["cannotKeep"] = []
    return plan


def names(look: Look) -> dict[str, str]:
    """The names that are derived from the identifier; it is restored under the name `made`."""
    chosen = look.snapshot if look.is_chosen else None
    return {
        "identifier": look.identifier,
        "restoredAs": look.restored_as(look.identifier),
        "renamedTo": look.identifier + RENAMED_SUFFIX,
        "snapshot": name_of(look, chosen) if chosen else look.identifier + SNAPSHOT_SUFFIX,
        "successor": look.identifier + SUCCESSOR_SUFFIX,
    }


def sharing(look: Look) -> dict[str, Any]:
    """With whom what is taken is shared, if with anybody, under which name, and with which key.

    The key is empty where the snapshot itself is shared, not a copy of it.
    """
    if not look.shares:
        return {}
    suffix = SHARED_SUFFIX if look.shares_copy else SNAPSHOT_SUFFIX
    return {
        "sharing": {
            "accounts": look.shared_with,
            "name": look.identifier + suffix,
            "key": os.environ["SHARE_KEY"] if look.shares_copy else "",
        }
    }


def add_cluster(plan: dict[str, Any], look: Look) -> None:
    """Add what the plan for a cluster has besides: its endpoints and members."""
    listed = (member["DBInstanceIdentifier"] for member in look.found["DBClusterMembers"])
    plan["autoscaled"] = [name for name in listed if name.startswith(AUTOSCALED)]
    # The names of endpoints are unique in a region, and an original that stays has them.
    stay = look.request["strategy"] == COPY
    plan["endpoints"] = look.endpoints if plan["endpoints"] and not stay else []
    plan["members"] = [member_plan(member, look) for member in look.members if plan["members"]]


def member_plan(member: Description, look: Look) -> dict[str, Any]:
    """What the plan has of a member."""
    name = member["DBInstanceIdentifier"]
    return {
        "identifier": name,
        "restoredAs": look.members_restored_as[name],
        "renamedTo": name + RENAMED_SUFFIX,
        "resourceId": member[INSTANCE.resource_id],
        "arn": member[INSTANCE.arn],
        **configuration(MEMBER, member),
    }


def override_all(plan: dict[str, Any], look: Look) -> None:
    """Change what is planned into what is asked for, and into what RDS takes with it."""
    engine = look.found["Engine"]
    if look.kind is INSTANCE:
        override(plan, look.kind.table, engine, look.overrides)
        fit_storage(plan, look.found, look.restored)
        return
    override(plan, look.kind.table, engine, for_cluster(look.found, look.overrides))
    if look.is_multi_az:
        fit_multi_az(plan, look.found, look.restored)
    for member in plan["members"]:
        override(member, MEMBER, engine, look.overrides)
    leave_to_cluster(plan)


def leave_version(plan: dict[str, Any], look: Look) -> None:
    """Let it be as planned at whatever version RDS makes of one that AWS does not offer."""
    plan["open"] = sorted({*plan.get("open", ()), "EngineVersion"})
    note_change(plan, "EngineVersion", look.found["EngineVersion"], UPGRADED)


def keep_version(plan: dict[str, Any], look: Look) -> None:
    """Let it have the version of a source's snapshot, which is newer than the database's."""
    for call in ("restore", "modify"):
        plan[call] |= {n: v for n, v in look.kept_version.items() if n in plan[call]}
    note_change(plan, "EngineVersion", look.found["EngineVersion"], NEWER)


def small_enough(look: Look, plan: dict[str, Any], findings: Findings) -> None:
    """The plan, mostly tags, has at most 120,000 characters.

    The data of an execution ends at 262,144 bytes.
    """
    size = len(json.dumps(plan))
    if size > LARGEST_PLAN:
        findings.add(
            exceptions.DatabaseNotSupported,
            f"The plan for {look.identifier} has {size} characters, mostly tags, of which"
            f" Step Functions can carry {LARGEST_PLAN}: shorten tags, or take some off.",
        )
