"""The rights of the app's roles: what the deployed policies grant, and what needs no use."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.commands.app import App
    from local.emulator.authorization import Grant

CALLERS = ("lambda.amazonaws.com", "states.amazonaws.com")


class Right(NamedTuple):
    """An action on a resource, and whose it is: a function's, a role's or a managed policy's."""

    who: str
    action: str
    resource: str


class Excuse(NamedTuple):
    """Rights that no call here uses, by patterns, and why they are granted."""

    who: str
    action: str
    resource: str
    reason: str

    def covers(self, right: Right) -> bool:
        return all(fnmatchcase(has, pattern) for has, pattern in zip(right, self[:3], strict=True))


EXCUSES = (
    Excuse("DeliverLogsAndTraces", "logs:*", "[*]",
           "Step Functions delivers its logs with it; the local AWS delivers none."),
    Excuse("DeliverLogsAndTraces", "xray:*", "[*]",
           "Step Functions sends its traces with it; the local AWS sends none."),
    *(
        Excuse(policy, "states:*", "*",
               "It is for people, and attached to no role of the stack:"
               " tests/pipeline/test_starting.py judges it.")
        for policy in ("StartDryRuns", "StartRestores")
    ),
    Excuse("*StatesExecutionRole", "events:*", "rule/StepFunctionsGetEvents*",
           "Step Functions wants it for a Task that waits for an execution, or makes no such"
           " machine; the local AWS needs no events for it."),
    Excuse("FleetStatesExecutionRole", "s3:*Multipart*", "*/fleets/[*]",
           "Step Functions writes large results in parts; the local AWS writes them whole."),
    *(
        Excuse("CopyUnderKeys", f"kms:{action}", "key/*",
               "What RDS needs to read what another account has encrypted is open; the local AWS"
               " wants a grant alone.")
        for action in ("Decrypt", "GenerateDataKey*", "ReEncrypt*")
    ),
    Excuse("RegisterWithProxies", "rds:RegisterDBProxyTargets", "[cd]*:[*] *",
           "AWS asks for the target group alone, but to deregister for the database and the proxy"
           " too; a registration that is denied would leave the proxy with nothing."),
    Excuse("*", "ses:SendEmail", "configuration-set/[*] *",
           "SES asks for it where the sender's identity has a default set, as none here has."),
    *(
        Excuse("*", action, f"{group}:[*] *",
               "RDS may judge the groups that a database is in though the call names none: its user"
               " guide grants them for CreateDBInstance, with the names of their defaults.")
        for action, groups in (
            ("rds:CreateDBInstance", ("og", "subgrp")),
            ("rds:ModifyDBCluster", ("cluster-pg", "og")),
            ("rds:ModifyDBInstance", ("og", "pg", "subgrp")),
        )
        for group in groups
    ),
)  # fmt: skip

# Who has a managed policy of which nothing is used but what is excused above.
EXCUSED_ATTACHMENTS = {
    ("DryRunStatesExecutionRole", "DeliverLogsAndTraces"),
    ("ExportStatesExecutionRole", "DeliverLogsAndTraces"),
    ("FleetStatesExecutionRole", "DeliverLogsAndTraces"),
    ("HooksStatesExecutionRole", "DeliverLogsAndTraces"),
    ("StatesExecutionRole", "DeliverLogsAndTraces"),
    *((f"{step}{kind}Function", "UseGroups") for step in ("Rename", "RollBack")
      for kind in ("Instance", "Cluster")),
    ("ConfigureInstanceFunction", "UseGroups"),
}  # fmt: skip


def excuse(right: Right) -> str:
    """Why a right may stand unused; "" when it may not."""
    return next((one.reason for one in EXCUSES if one.covers(right)), "")


def owners(cloud: App) -> dict[str, str]:
    """Who has policies of the stack: what IAM calls them -> who they are.

    The roles of functions and state machines, and the managed policies that these share.
    """
    resources = cloud.client("cloudformation").get_paginator("list_stack_resources")
    iam = cloud.client("iam")
    found = {}
    for page in resources.paginate(StackName="trapheus"):
        for resource in page["StackResourceSummaries"]:
            name, logical = resource["PhysicalResourceId"], resource["LogicalResourceId"]
            if resource["ResourceType"] == "AWS::IAM::ManagedPolicy":
                found[name] = logical
            if resource["ResourceType"] != "AWS::IAM::Role":
                continue
            (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
            if set(CALLERS) & set(_listed(trust["Principal"]["Service"])):
                is_function_s = logical.endswith("FunctionRole")  # made by SAM
                found[name] = logical.removesuffix("Role") if is_function_s else logical
    return found


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def granted(cloud: App) -> set[Right]:
    """Every right that the deployed policies grant."""
    known = owners(cloud)
    grants = (grant for name in known for grant in cloud.authorization.granted(name))
    return set(rights(known, grants))


def used(cloud: App) -> set[Right]:
    """Every right that the calls since the last `forget` have used."""
    return set(rights(owners(cloud), cloud.authorization.used))


def unused_attachments(cloud: App) -> set[tuple[str, str]]:
    """Roles, and the managed policies of the stack attached to them of which they use nothing."""
    known, iam = owners(cloud), cloud.client("iam")
    attached = {
        (who, known[policy["PolicyArn"]])
        for role, who in known.items()
        if not role.startswith("arn:")
        for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        if policy["PolicyArn"] in known
    }
    users = {
        (known[role], known[owner])
        for role, owner in cloud.authorization.users
        if {role, owner} <= set(known)
    }
    return attached - users


def rights(known: dict[str, str], grants: Iterable[Grant]) -> Iterable[Right]:
    """Grants with the names that the template gives to their owners."""
    for grant in grants:
        if grant.owner in known:
            resource = grant.resource.split(":", 5)[-1]
            region = grant.resource.split(":")[3] if grant.resource.startswith("arn:") else ""
            yield Right(known[grant.owner], grant.action, f"{resource} {region}".strip())
