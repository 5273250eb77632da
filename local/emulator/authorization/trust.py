"""Whether a role's trust policy lets a service assume it, for one of the service's resources."""

from __future__ import annotations

import json
from weakref import WeakValueDictionary

from moto.iam.models import Role, iam_backends

from local.emulator.authorization.policies import admitting, compiled

# Every call asks for its role, of which moto's IAM makes the ARN anew for each that it has.
KNOWN: WeakValueDictionary[tuple[str, str], Role] = WeakValueDictionary()


def known_role(account: str, arn: str) -> Role | None:
    """The role of this ARN, None when IAM has none."""
    roles = iam_backends[account]["aws"].roles
    known = KNOWN.get((account, arn))
    if known and roles.get(known.id) is known:
        return known
    found = next((role for role in roles.values() if role.arn == arn), None)
    if found:
        KNOWN[account, arn] = found
    return found


def trusts(account: str, arn: str, service: str, source: str = "") -> bool:
    """Whether the service may assume the role on behalf of `source`, the ARN of its resource.

    What a service says of itself by aws:SourceArn: Step Functions the state machine
    [fact: trust-of-step-functions], EventBridge the rule [fact: trust-of-a-rule], Scheduler the
    schedule's group [fact: trust-of-a-schedule], an export of RDS the snapshot
    [fact: trust-of-an-export]. Of Lambda nobody says it, so here it says nothing
    [fact: trust-of-lambda], and a condition fails.
    """
    role = known_role(account, arn)
    if role is None:
        return False
    said: dict[str, tuple[str, ...]] = {}
    if source:
        said = {"aws:sourcearn": (source,), "aws:sourceaccount": (source.split(":")[4],)}
    document = role.assume_role_policy_document or '{"Statement": []}'
    parts = compiled(json.loads(document))
    fit = [part for part in parts if admitting(part, service, "sts:AssumeRole", said.get)]
    return bool(fit) and all(part.allows for part in fit)


def refuses(account: str, arn: str, service: str, source: str = "") -> bool:
    """Whether there is such a role, and it does not let the service assume it.

    One that IAM does not know is let through: tests make machines with roles that do not exist.
    """
    known = known_role(account, arn) is not None
    return known and not trusts(account, arn, service, source)
