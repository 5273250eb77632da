"""What stands: the original and what was restored, by their resource ids, as RDS shows them now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from trapheus.execution.constants import AWAY_SUFFIX, COPY, PROTECT_TAG
from trapheus.rds.access import (
    cluster,
    cluster_snapshot,
    cluster_with,
    instance_with,
    instances,
    is_tagged,
    members,
    snapshot,
)
from trapheus.rds.endpoints import find
from trapheus.rds.multi_az import is_multi_az
from trapheus.rds.proxies import of_the_plan
from trapheus.rds.rollback import is_own
from trapheus.rds.waiters import (
    AVAILABLE,
    BAD_CLUSTER,
    BAD_INSTANCE,
    DELETING,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from trapheus.messages.facts import Plan
    from trapheus.rds.access import Description
    from trapheus.rds.proxies import Target

T = TypeVar("T")


@dataclass(frozen=True)
class Words:
    """How RDS calls the same thing of an instance and of a cluster."""

    kind: str
    name: str
    status: str
    resource_id: str
    arn: str
    created: str
    bad: tuple[str, ...]


INSTANCE = Words(
    "instance", "DBInstanceIdentifier", "DBInstanceStatus", "DbiResourceId", "DBInstanceArn",
    "InstanceCreateTime", BAD_INSTANCE,
)  # fmt: skip
CLUSTER = Words(
    "cluster", "DBClusterIdentifier", "Status", "DbClusterResourceId", "DBClusterArn",
    "ClusterCreateTime", BAD_CLUSTER,
)  # fmt: skip


@dataclass(frozen=True)
class Database:
    """An instance, a cluster with its members, or a member."""

    words: Words
    shown: Description
    members: list[Database] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name now."""
        return str(self.shown[self.words.name])

    @property
    def resource_id(self) -> str:
        """What no rename changes."""
        return str(self.shown[self.words.resource_id])

    @property
    def status(self) -> str:
        """Its status now."""
        return str(self.shown[self.words.status])

    @property
    def parts(self) -> list[Database]:
        """Its members and itself, in the order in which RDS renames and deletes them."""
        return [*self.members, self]

    @property
    def own_members(self) -> list[Database]:
        """Those that are renamed and deleted by themselves; RDS does it of a Multi-AZ cluster's."""
        return [] if is_multi_az(self.shown) else self.members

    @property
    def is_going(self) -> bool:
        """Whether it is being deleted."""
        return self.status in DELETING

    @property
    def is_bad(self) -> bool:
        """Whether RDS renames it neither now nor after a while."""
        return self.status in (*self.words.bad, *DELETING) and not self.is_stopped

    @property
    def is_stopped(self) -> bool:
        """Whether it has to be started before a change."""
        return self.status == "stopped"

    @property
    def is_busy(self) -> bool:
        """Whether it has to be waited for before a change."""
        return self.status not in (*AVAILABLE, *self.words.bad, *DELETING)

    @property
    def is_deletion_protected(self) -> bool:
        """Whether RDS refuses its deletion."""
        return bool(self.shown.get("DeletionProtection"))

    @property
    def is_untouchable(self) -> bool:
        """Whether somebody has tagged it, or a member of it, as not to be touched."""
        return any(
            tag["Key"] == PROTECT_TAG for one in self.parts for tag in one.shown.get("TagList", [])
        )


@dataclass(frozen=True)
class Look:
    """What RDS shows of a plan's two databases, and what has which name."""

    plan: Plan
    original: Database | None
    restored: Database | None
    # Those of the plan's kind and, of a cluster, the instances with its members' names; by name.
    named: dict[str, Database]
    instances: dict[str, Database]
    # What each proxy of the plan leads to; None where RDS does not say.
    proxies: dict[str, list[Target]] | None = field(default_factory=dict)
    # The cluster that each of the plan's custom endpoints belongs to, and whether it is leaving it;
    # None where RDS does not say.
    endpoints: dict[str, tuple[str, bool]] | None = field(default_factory=dict)

    def who(self, found: Database) -> str:
        """What a database is to the plan's execution."""
        for what, one in (("the original", self.original), ("the restored one", self.restored)):
            if one and found.resource_id in {part.resource_id for part in one.parts}:
                return what
        return "another one"

    def is_restored(self, found: Database) -> bool:
        """Whether it, or the cluster that it is a member of, was restored by the execution."""
        return self.who(found) == "the restored one"

    def holder(self, part: Plan) -> Database | None:
        """What has the name of the plan's database, or of a member."""
        held = self.named if part is self.plan else self.instances
        return held.get(part["identifier"])

    def is_taken(self, words: Words, name: str) -> bool:
        """Whether something has a name."""
        return any(
            one.words is words and one.name == name
            for one in (*self.named.values(), *self.instances.values())
        )

    def lines(self) -> list[str]:
        """A line for each database, the plan's own kind first."""
        all_found = [*self.named.values(), *self.instances.values()]
        for one in (self.original, self.restored):
            all_found += one.parts if one else []
        found = {one.resource_id: one for one in all_found}
        ordered = sorted(found.values(), key=lambda one: (one.words.kind, self.who(one), one.name))
        return [
            f"{one.name}: {one.words.kind}, {one.status}, {self.who(one)} ({one.resource_id})"
            for one in ordered
        ]


def look(plan: Plan, restored_id: str) -> Look:
    """Ask RDS what stands. restored_id: of what was restored; empty when that is not known."""
    is_cluster = "members" in plan
    parts = [plan, *plan.get("members", [])]
    own = parts[1:] if is_cluster else parts
    names = sorted({name for part in own for name in names_of(part, plan)})
    by_name = {name: Database(INSTANCE, found) for name, found in instances(names).items()}
    original = with_id(CLUSTER if is_cluster else INSTANCE, plan["resourceId"])
    if not is_cluster:
        return judged(plan, restored_id, original, by_name, {})
    named = {name: whole(found) for name in names_of(plan, plan) if (found := cluster(name))}
    if original:
        # Those of the plan by their ids: the cluster's own list may lag behind a rename.
        planned = [with_id(INSTANCE, member["resourceId"]) for member in plan["members"]]
        own_now = {one.resource_id: one for one in (*planned, *original.members) if one}
        original = Database(CLUSTER, original.shown, list(own_now.values()))
    return judged(plan, restored_id, original, named, by_name)


def judged(
    plan: Plan,
    restored_id: str,
    original: Database | None,
    named: dict[str, Database],
    members_named: dict[str, Database],
) -> Look:
    """Find what was restored: by its id or, where that is not known, by its tag and its age."""
    words = CLUSTER if "members" in plan else INSTANCE
    if restored_id:
        restored = with_id(words, restored_id)
    else:
        restored = next(
            (one for one in named.values() if is_own(plan, one.shown, words.created)), None
        )
    proxies, endpoints = told(lambda: of_the_plan(plan)), told(lambda: endpoints_of(plan))
    return Look(plan, original, restored, named, members_named, proxies, endpoints)


def told(look: Callable[[], T]) -> T | None:
    """What RDS shows beside the databases, which is not to keep those from being told."""
    try:
        return look()
    except (ClientError, BotoCoreError):
        return None


def endpoints_of(plan: Plan) -> dict[str, tuple[str, bool]]:
    """Who has those of the plan's custom endpoints that there are."""
    names = [endpoint["identifier"] for endpoint in plan.get("endpoints", [])]
    found = {name: one for name in names if (one := find(name))}
    return {
        name: (one["DBClusterIdentifier"], one["Status"] == "deleting")
        for name, one in found.items()
    }


def names_of(part: Plan, plan: Plan) -> list[str]:
    """The names that a database of the plan, or a member, may have and may leave to another."""
    name = part["identifier"]
    names = [name, part["restoredAs"]]
    if plan["strategy"] != COPY:
        # With a target these may be longer than a name can be.
        names += [part["renamedTo"], away(name)]
    return list(dict.fromkeys(names))


def snapshots(plan: Plan, *names: str) -> dict[str, Description]:
    """Those of the plan's kind that have these names, by their ARNs."""
    is_cluster = "members" in plan
    find, arn = (
        (cluster_snapshot, "DBClusterSnapshotArn") if is_cluster else (snapshot, "DBSnapshotArn")
    )
    return {str(found[arn]): found for name in names if (found := find(name))}


def away(identifier: str) -> str:
    """The name that what was restored gets when the original comes back."""
    return identifier + AWAY_SUFFIX


def with_id(words: Words, resource_id: str) -> Database | None:
    """The database with this resource id, whatever it is called now."""
    if words is INSTANCE:
        found = instance_with(resource_id)
        return Database(INSTANCE, found) if found else None
    found = cluster_with(resource_id)
    return whole(found) if found else None


def whole(found: Description) -> Database:
    """A cluster with those members that say themselves that they are its own.

    Its own list may lag behind a rename.
    """
    name = found["DBClusterIdentifier"]
    own = [one for one in members(found) if one.get("DBClusterIdentifier") == name]
    return Database(CLUSTER, found, [Database(INSTANCE, one) for one in own])


def carries_tag(found: Database, plan: Plan) -> bool:
    """Whether it carries the tag of the plan's execution."""
    return is_tagged(found.shown, plan["execution"])
