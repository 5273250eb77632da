"""Judges calls by the policies that the caller's role has in moto's IAM at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import ManagedPolicy, Role, iam_backends
from moto.kms.models import kms_backends

from local.emulator.authorization.needs import Asked, Need, needs, region_of
from local.emulator.authorization.policies import (
    Ask,
    Statement,
    UnknownCondition,
    compiled,
    fitting,
)
from local.emulator.authorization.trust import known_role
from local.emulator.rds import Rds

# Services whose protocol answers a refusal with 400; REST ones answer 403.
JSON = {"kms", "secretsmanager", "stepfunctions"}
TAGS_OF_RESOURCE = "aws:resourcetag/"
# Keys that a call may have or not; one that stands in a policy and not here is not evaluated yet.
KNOWN_KEYS = {
    "aws:securetransport",
    "aws:tagkeys",
    "iam:passedtoservice",
    "kms:viaservice",
    "ses:fromaddress",
}


# A statement, and whose it is: a role's by its name, a managed policy's by its ARN.
Owned = tuple[str, Statement]


@dataclass(frozen=True)
class Grant:
    """What a role or a managed policy grants: an action and a resource as they stand there."""

    owner: str
    action: str
    resource: str


@dataclass(frozen=True)
class Refusal:
    """How AWS answers a call that is not allowed."""

    code: str
    message: str
    status: int


def account_of(arn: str) -> str:
    """The account of an ARN."""
    return arn.split(":")[4]


def key_of(need: Need) -> Any:
    """The KMS key that an action is on, in whatever account; None for none that there is."""
    if not need.action.startswith("kms:"):
        return None
    keys = kms_backends[account_of(need.resource)][region_of(need.resource)].keys
    return keys.get(need.resource.rpartition("/")[2])


def _in_force(policy: ManagedPolicy) -> str:
    """The document of a managed policy's default version."""
    return next(str(version.document) for version in policy.versions if version.is_default)


class Authorization:
    """The judge. `withheld` are (owner, action) pairs to be taken out of the policies."""

    def __init__(self, account: str, rds: Callable[[str], Rds]) -> None:
        self.account = account
        self.used: set[Grant] = set()
        # Roles, and the owners of what they have used.
        self.users: set[tuple[str, str]] = set()
        self.withheld: set[tuple[str, str]] = set()
        # Operations whose needs nobody has written down yet.
        self.unknown: list[str] = []
        self._rds = rds
        self._compiled: dict[str, tuple[list[tuple[str, Any]], tuple[Owned, ...]]] = {}

    def judge(
        self, service: str, asked: Asked, role_arn: str, session: str
    ) -> tuple[list[tuple[str, str]], Refusal | None]:
        """What a call of this role used, action and resource each; and why it is refused if it is.

        A role that IAM does not know is not judged: tests of the emulator make state machines
        with roles that do not exist.
        """
        role = self.role(role_arn)
        if role is None:
            return [], None
        try:
            needed = needs(service, asked)
        except KeyError:
            self.unknown.append(f"{service}:{asked.operation}")
            text = f"The local AWS does not know yet what {service}:{asked.operation} needs"
            return [], Refusal("UnknownToTheLocalAWS", text, 400)
        statements = self.statements(role)
        used: list[tuple[str, str]] = []
        for need in needed:
            if not self._allows(role, statements, need):
                return used, self._refusal(service, need, role.name, session)
            used.append((need.action, need.resource))
        return used, None

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether a role's policies allow an action, for a service that asks on its own behalf."""
        role = self.role(role_arn)
        return bool(role and self._allows(role, self.statements(role), Need(action, resource)))

    def asked(self, operation: str, parameters: Mapping[str, Any], region: str) -> Asked:
        """A call to be judged."""
        return Asked(operation, parameters, self.account, region, self._rds)

    def role(self, arn: str) -> Role | None:
        """The role of this ARN, None when IAM has none."""
        return known_role(self.account, arn)

    def statements(self, role: Role) -> tuple[Owned, ...]:
        """The statements of a role's inline policies and of the managed ones attached to it."""
        documents = [(role.name, document) for document in role.policies.values()]
        documents += [(arn, _in_force(policy)) for arn, policy in role.managed_policies.items()]
        known = self._compiled.get(role.arn)
        if known is None or known[0] != documents:
            owned = [(owner, part) for owner, text in documents for part in compiled(text)]
            known = (documents, tuple(owned))
            self._compiled[role.arn] = known
        return known[1]

    def granted(self, owner: str) -> set[Grant]:
        """Every action on every resource that the owner's policies allow, as they stand there."""
        iam = iam_backends[self.account]["aws"]
        documents = (
            [_in_force(iam.get_policy(owner))]
            if owner.startswith("arn:")
            else iam.get_role(owner).policies.values()
        )
        return {
            Grant(owner, action.text, resource.text)
            for document in documents
            for statement in compiled(document)
            if statement.allows
            for action in statement.actions
            for resource in statement.resources
        }

    def _allows(self, role: Role, statements: tuple[Owned, ...], need: Need) -> bool:
        ask = self._asker(need)
        by_key = self._key_policy(need, role)
        if self._is_kept_by_another_account(need, by_key):
            return False
        if any(not part.allows and fitting(part, need.action, need.resource, ask)
               for part in (*(part for _, part in statements), *by_key)):  # fmt: skip
            return False
        # In the same account a key policy that names the role grants by itself (KMS developer
        # guide); every other one here leaves it to the role's policies.
        if any(
            part.allows and role.arn in part.principals and fitting(part, need.action, "*", ask)
            for part in by_key
            if account_of(need.resource) == self.account
        ):
            return True
        for owner, part in statements:
            if part.allows and (
                match := fitting(part, need.action, need.resource, ask, self._without(owner))
            ):
                self.used.add(Grant(owner, match.action, match.resource))
                self.users.add((role.name, owner))
                return True
        return False

    def _without(self, owner: str) -> Callable[[str], bool]:
        return lambda action: (owner, action) in self.withheld

    def _asker(self, need: Need) -> Ask:
        def ask(key: str) -> tuple[str, ...] | None:
            if key.startswith(TAGS_OF_RESOURCE):
                return self._resource_tags(need.resource).get(key.removeprefix(TAGS_OF_RESOURCE))
            if key not in KNOWN_KEYS and not key.startswith("aws:requesttag/"):
                raise UnknownCondition(f"the local AWS does not know the condition key {key}")
            if key == "aws:securetransport":
                return ("true",)  # as on AWS; the loopback has no TLS
            return need.context.get(key)

        return ask

    def _resource_tags(self, arn: str) -> dict[str, tuple[str, ...]]:
        """The tags that an RDS resource has now, by key in lower case."""
        kinds = {
            "db": "instance",
            "cluster": "cluster",
            "snapshot": "snapshot",
            "cluster-snapshot": "cluster-snapshot",
        }
        parts = arn.split(":")
        if parts[2] != "rds":
            return {}
        rds = self._rds(parts[3])
        rds.settle()
        found = rds.named(kinds[parts[5]], parts[6]) if parts[5] in kinds else None
        tags = found.shown.get("TagList", []) if found else rds.group_tags.get(arn, [])
        return {tag["Key"].lower(): (tag["Value"],) for tag in tags}

    def _key_policy(self, need: Need, role: Role) -> tuple[Statement, ...]:
        """The statements of a key's own policy that name this role; another account's, or mine."""
        if (key := key_of(need)) is None or not key.policy:
            return ()
        account = account_of(need.resource)
        mine = {self.account, f"arn:aws:iam::{self.account}:root", "*"}
        names = {role.arn} | (mine if account != self.account else set())
        return tuple(part for part in compiled(key.policy) if names & part.principals)

    def _is_kept_by_another_account(self, need: Need, by_key: tuple[Statement, ...]) -> bool:
        """Whether the policy of another account's key does not let this one use it.

        Across accounts both have to allow it [fact: key-of-another-account]. A key that the local
        AWS does not have is taken to be shared.
        """
        if key_of(need) is None or account_of(need.resource) == self.account:
            return False
        ask = self._asker(need)
        return not any(part.allows and fitting(part, need.action, "*", ask) for part in by_key)

    def _refusal(self, service: str, need: Need, role: str, session: str) -> Refusal:
        text = (
            f"User: arn:aws:sts::{self.account}:assumed-role/{role}/{session} is not authorized to"
            f" perform: {need.action} on resource: {need.resource} because no identity-based policy"
            f" allows the {need.action} action"
        )
        if service == "rds":
            if need.action.startswith("kms:"):  # model: for want of rights as well
                return Refusal("KMSKeyNotAccessibleFault", text, 400)
            return Refusal("AccessDenied", text, 403)
        if service == "s3":
            return Refusal("AccessDenied", text, 403)
        return Refusal("AccessDeniedException", text, 400 if service in JSON else 403)
