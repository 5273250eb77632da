"""The look at a database: the request, and what AWS shows of all that the checks judge."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from trapheus.configuration import attributes
from trapheus.configuration.comparison import can_become
from trapheus.configuration.overrides import KMS_KEYS, as_overridden
from trapheus.execution.clients import PATIENT
from trapheus.execution.constants import (
    AUTOSCALED,
    COPY,
    COPY_SUFFIX,
    CREATE_SNAPSHOT_ONLY,
    DB_RESTORE,
    LATEST,
    MAX_IDENTIFIER,
    RENAME_FIRST,
    RENAMED_SUFFIX,
    RESTORE_FIRST,
    SHARED_SUFFIX,
    SNAPSHOT_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from trapheus.execution.errors import code_of
from trapheus.rds import access as rds
from trapheus.rds.endpoints import custom_endpoints
from trapheus.rds.multi_az import is_multi_az, names_of_members
from trapheus.rds.source import candidates
from trapheus.snapshot_names import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trapheus.configuration.attributes import Table
    from trapheus.rds.access import Description
    from trapheus.rds.endpoints import Endpoint


@dataclass(frozen=True)
class Kind:
    """How a kind of database is asked for, and the names of what its description has."""

    name: str
    table: Table
    identifier: str
    arn: str
    created: str
    resource_id: str
    status: str
    snapshot: str
    snapshot_arn: str
    find: Callable[[str], Description | None]
    find_snapshot: Callable[[str], Description | None]
    find_snapshots: Callable[..., list[Description]]


INSTANCE = Kind(
    name="instance",
    table=attributes.INSTANCE,
    identifier="DBInstanceIdentifier",
    arn="DBInstanceArn",
    created="InstanceCreateTime",
    resource_id="DbiResourceId",
    status="DBInstanceStatus",
    snapshot="DBSnapshotIdentifier",
    snapshot_arn="DBSnapshotArn",
    find=rds.instance,
    find_snapshot=rds.snapshot,
    find_snapshots=rds.snapshots,
)
CLUSTER = Kind(
    name="cluster",
    table=attributes.CLUSTER,
    identifier="DBClusterIdentifier",
    arn="DBClusterArn",
    created="ClusterCreateTime",
    resource_id="DbClusterResourceId",
    status="Status",
    snapshot="DBClusterSnapshotIdentifier",
    snapshot_arn="DBClusterSnapshotArn",
    find=rds.cluster,
    find_snapshot=rds.cluster_snapshot,
    find_snapshots=rds.cluster_snapshots,
)


# What RDS calls snapshots of this account.
OWN_TYPES = ("manual", "automated", "awsbackup")


@dataclass(frozen=True)
class Key:
    """A key of KMS: its state and whose it is, or the error with which a look at it ended.

    manager: CUSTOMER, or AWS of one such as aws/rds.
    """

    name: str
    state: str = ""
    manager: str = ""
    error: str = ""


@dataclass(frozen=True)
class Look:
    """A request and its database. What AWS shows is asked for when a check needs it, and once."""

    request: dict[str, Any]
    kind: Kind
    # The proxies that point at it, for the plan.
    proxies: list[dict[str, Any]] = field(default_factory=list)

    # What is asked for

    @property
    def identifier(self) -> str:
        """The identifier in the request."""
        return str(self.request["identifier"])

    @property
    def overrides(self) -> dict[str, Any]:
        """What the request asks for instead of the original's."""
        return dict(self.request["overrides"])

    @property
    def takes_snapshot(self) -> bool:
        """Whether this task takes a snapshot, not only restores one."""
        return bool(self.request["task"] != DB_RESTORE)

    @property
    def restores(self) -> bool:
        """Whether this task restores the database, not only takes its snapshot."""
        return bool(self.request["task"] != CREATE_SNAPSHOT_ONLY)

    @property
    def replaces(self) -> bool:
        """Whether the database is replaced by what is restored, not left as it is."""
        return self.restores and self.request["strategy"] != COPY

    @property
    def is_beside(self) -> bool:
        """Whether a copy is made of a snapshot that exists: only its description is needed."""
        return bool(self.request["strategy"] == COPY and not self.takes_snapshot)

    @property
    def deletes(self) -> bool:
        """Whether the original is deleted at the end."""
        return bool(self.replaces and not self.request.get("keepOriginal"))

    # The database

    @cached_property
    def found(self) -> Description:
        """What has the identifier; empty where nothing of this kind has it."""
        return self.kind.find(self.identifier) or {}

    @property
    def is_multi_az(self) -> bool:
        """Whether it is a Multi-AZ DB cluster."""
        return self.kind is CLUSTER and is_multi_az(self.found)

    @property
    def is_aurora(self) -> bool:
        """Whether it is a cluster of Aurora."""
        return self.kind is CLUSTER and not is_multi_az(self.found)

    @cached_property
    def members(self) -> list[Description]:
        """The members to restore: none that auto scaling makes, or RDS of a Multi-AZ DB cluster."""
        if not self.is_aurora:
            return []
        return [
            member
            for member in rds.members(self.found)
            if not member["DBInstanceIdentifier"].startswith(AUTOSCALED)
        ]

    @property
    def instances(self) -> list[Description]:
        """The instance, or the members of the cluster that are restored with it."""
        return [self.found] if self.kind is INSTANCE else self.members

    @property
    def parts(self) -> list[tuple[str, Description]]:
        """The database and those members, each with its name; a member may be called as it is."""
        own = [(member["DBInstanceIdentifier"], member) for member in self.members]
        return [(self.identifier, self.found), *own]

    @property
    def wanted(self) -> Description:
        """The database with the version, class, size and groups that it is to have."""
        return as_overridden(self.found, self.kept_version | self.overrides)

    @property
    def is_password_managed(self) -> bool:
        """Whether RDS is to manage the master password of what is restored."""
        is_managed = "MasterUserSecret" in self.found
        return bool(self.overrides.get("ManageMasterUserPassword", is_managed))

    @property
    def kept_version(self) -> dict[str, str]:
        """The version of a source's snapshot, where it is the newer one: no restore goes back."""
        if not self.has_source or self.restored is None:
            return {}
        own, of_source = self.found["EngineVersion"], self.restored["EngineVersion"]
        is_newer = own != of_source and can_become(self.found["Engine"], own, of_source)
        return {"EngineVersion": of_source} if is_newer else {}

    @property
    def wanted_instances(self) -> list[Description]:
        """The same of each instance."""
        return [as_overridden(each, self.overrides) for each in self.instances]

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """The custom endpoints of a cluster, of which Describe shows only the addresses."""
        return custom_endpoints(self.identifier) if self.found.get("CustomEndpoints") else []

    # Its snapshots

    @property
    def source(self) -> str:
        """The database whose data it is to have, as the request names it; empty for its own."""
        return str(self.request.get("sourceIdentifier", ""))

    @property
    def has_source(self) -> bool:
        """Whether the request says where the data comes from: by a database, or by an ARN."""
        return bool(self.source or parts_of(self.request["snapshotIdentifier"]))

    @property
    def is_chosen(self) -> bool:
        """Whether the request says which snapshot is restored."""
        return bool(self.source or self.request["snapshotIdentifier"])

    @property
    def account(self) -> str:
        """The account of the database, and of this stack."""
        return str(self.found[self.kind.arn].split(":")[4])

    @property
    def region(self) -> str:
        """The region of the database, and of this stack."""
        return str(self.found[self.kind.arn].split(":")[3])

    @property
    def source_account(self) -> str:
        """The account whose snapshots count where none is named."""
        return str(self.request.get("sourceAccount", "")) or self.account

    @cached_property
    def snapshot(self) -> Description | None:
        """The snapshot to restore from, or which a new one is to follow."""
        wanted = self.request["snapshotIdentifier"]
        if wanted not in ("", LATEST):
            return self.kind.find_snapshot(wanted)
        if not self.is_chosen:
            return self.kind.find_snapshot(self.identifier + SNAPSHOT_SUFFIX)
        if self.source_account != self.account:
            # The other account shares what is to be restored, `-shared` too; what that was copied
            # from is seldom shown here.
            shared = self.shared_snapshots
            usable = [one for one in shared if one["Status"] == "available"]
            return candidates.newest(usable, candidates.by_arn(shared), trusts_copies=True)
        counted = [one for one in self.usable_snapshots if self.counts(one)]
        shown = candidates.by_arn(self.all_snapshots)
        return candidates.newest(counted, shown, trusts_copies=False)

    @property
    def usable_snapshots(self) -> list[Description]:
        """Those of this account that show the database, and that are available."""
        return [
            one
            for one in self.all_snapshots
            if one["SnapshotType"] in OWN_TYPES and one["Status"] == "available"
        ]

    def counts(self, snapshot: Description) -> bool:
        """Whether it may be chosen where the request names the database alone."""
        home, shown = (self.region, self.account), candidates.by_arn(self.all_snapshots)
        return candidates.counts(snapshot, self.source or self.identifier, home, shown)

    @property
    def uncounted_snapshots(self) -> list[str]:
        """The names of those that only a request which names one of them gets."""
        return [one[self.kind.snapshot] for one in self.usable_snapshots if not self.counts(one)]

    @property
    def shared_snapshots(self) -> list[Description]:
        """What the source's account has shared of it, and of nothing else."""
        whose = (self.source_account, self.source)
        return [
            one
            for one in self.kind.find_snapshots(SnapshotType="shared")
            if (one[self.kind.snapshot_arn].split(":")[4], one[self.kind.identifier]) == whose
        ]

    @cached_property
    def all_snapshots(self) -> list[Description]:
        """Those that show the name or resource id, and those of what had the name before.

        They are the source's, or without one the database's own. A predecessor's may show the name
        that it had at its end, `-temp` [fact: snapshots-of-a-rename]: the one that the tasks take
        is known by its name, the others by its resource id. Where the predecessor has been kept, it
        goes on being backed up.
        """
        name, key = self.source or self.identifier, self.kind.resource_id
        database = (self.kind.find(name) or {}) if self.source else self.found
        own = database.get(key)
        # Those of AWS Backup stand in every list [fact: snapshots-of-aws-backup].
        found = self.kind.find_snapshots(**{self.kind.identifier: name})
        found += self.kind.find_snapshots(**{key: own}) if own else []
        last = self.kind.find_snapshot(name + SNAPSHOT_SUFFIX)
        if last is not None and last[key] != own:
            # One that has failed, or is gone, may not show it.
            since = database.get(self.kind.created)
            if since is None:
                return [*found, last]
            of_before = [last, *self.kind.find_snapshots(**{key: last[key]})]
            found += [one for one in of_before if rds.is_taken_by(one, since)]
        return found

    @property
    def restored(self) -> Description | None:
        """The snapshot that is restored; None where it is yet to be taken."""
        return None if self.takes_snapshot else self.snapshot

    @cached_property
    def successor(self) -> Description | None:
        """What has the name of a successor; not asked for where a snapshot is only restored."""
        if not self.takes_snapshot and (self.snapshot or self.is_chosen):
            return None
        return self.kind.find_snapshot(self.identifier + SUCCESSOR_SUFFIX)

    # With whom what is taken is shared

    @property
    def shared_with(self) -> list[str]:
        """The accounts that the stack names, but for the database's own."""
        own = self.found[self.kind.arn].split(":")[4]
        named = os.environ["SHARE_WITH"].split(",")
        return [account for account in named if account not in ("", own)]

    @property
    def shares(self) -> bool:
        """Whether a snapshot is taken and shared."""
        return self.takes_snapshot and bool(self.shared_with)

    @property
    def shares_copy(self) -> bool:
        """Whether a copy of it is shared, since RDS shares nothing under its own key.

        So too where nobody can tell, if the stack has another key [fact:
        sharing-an-encrypted-snapshot].
        """
        name, other = self.found.get("KmsKeyId"), os.environ["SHARE_KEY"]
        if not (self.shares and name) or name == other:
            return False
        key = self.key(name)
        return key.manager == "AWS" or bool(key.error and other)

    @cached_property
    def option_groups(self) -> dict[str, Description | None]:
        """Those that a check has asked for, by their names."""
        return {}

    @cached_property
    def shared_copy(self) -> Description | None:
        """What has the name of that copy; not asked for where none is made."""
        return (
            self.kind.find_snapshot(self.identifier + SHARED_SUFFIX) if self.shares_copy else None
        )

    # The names

    def restored_as(self, name: str) -> str:
        """The name under which the database, or with RESTORE_FIRST a member, is restored."""
        if self.request["strategy"] == COPY:
            return str(self.request["targetIdentifier"])
        return name + COPY_SUFFIX if self.request["strategy"] == RESTORE_FIRST else name

    @property
    def members_restored_as(self) -> dict[str, str]:
        """The name under which each member is restored, by its own.

        With a target the target takes the identifier's place in it, or else it is numbered.
        """
        members = [member["DBInstanceIdentifier"] for member in self.members]
        if self.request["strategy"] != COPY:
            return {member: self.restored_as(member) for member in members}
        target = self.request["targetIdentifier"]
        named = {
            member: target + member.removeprefix(self.identifier)
            for member in members
            if member == self.identifier or member.startswith(f"{self.identifier}-")
        }
        free = (f"{target}-{n}" for n in range(1, 2 * len(members) + 1))
        numbered = (name for name in free if name not in named.values())
        return {member: named.get(member) or next(numbered) for member in members}

    @property
    def all_restored_as(self) -> dict[str, dict[str, str]]:
        """The name under which each is restored, by its kind and its own name."""
        copy = self.restored_as(self.identifier)
        names = {self.kind.name: {self.identifier: copy}}
        if self.is_multi_az:
            # RDS makes other members, and names them.
            names["instance"] = {name: name for name in names_of_members(copy)}
        elif self.kind is CLUSTER:
            names["instance"] = self.members_restored_as
        return names

    @cached_property
    def holders(self) -> dict[str, dict[str, Description]]:
        """What has the names that must be free, by kind and by name."""
        find = {"cluster": rds.clusters, "instance": rds.instances}
        return {
            kind: find[kind](self._must_be_free(names))
            for kind, names in self.all_restored_as.items()
        }

    def _must_be_free(self, restored_as: Mapping[str, str]) -> list[str]:
        """The names that are to be free; those that RDS would not take are left out."""
        names = list(restored_as.values()) if self.request["strategy"] != RENAME_FIRST else []
        if self.replaces:
            names += [name + RENAMED_SUFFIX for name in restored_as]
        return [name for name in names if len(name) <= MAX_IDENTIFIER]

    # What belongs to the account

    def once(self, question: tuple[str, ...], ask: Callable[[], bool]) -> bool:
        """The answer to a question that several checks ask."""
        if question not in self._answers:
            self._answers[question] = ask()
        return self._answers[question]

    @cached_property
    def _answers(self) -> dict[tuple[str, ...], bool]:
        return {}

    @cached_property
    def quotas(self) -> dict[str, Any]:
        """The quotas by their names. Not every region counts everything."""
        counted = rds.rds().describe_account_attributes()["AccountQuotas"]
        return {quota["AccountQuotaName"]: quota for quota in counted}

    @cached_property
    def certificates(self) -> frozenset[str]:
        """The CAs that RDS has now; none where it does not tell."""
        return rds.certificates()

    @cached_property
    def keys(self) -> list[Key]:
        """The keys that are needed: of the data; of a restore also others, asked for or not.

        They are that of the snapshot, those of Performance Insights and of the master secret. What
        is shared may want one too.
        """
        names: list[str | None] = [(self.restored or {}).get("KmsKeyId")]
        for _, part in self.parts:
            names.append(part.get("KmsKeyId"))
            if self.restores:
                names.append(part.get("PerformanceInsightsKMSKeyId"))
                names.append(part.get("MasterUserSecret", {}).get("KmsKeyId"))
                names += [key for name, key in self.overrides.items() if name in KMS_KEYS]
        if self.shares_copy:
            names.append(os.environ["SHARE_KEY"])
        return [self.key(name) for name in dict.fromkeys(names) if name]

    def key(self, name: str) -> Key:
        """A key as it is now, looked at once."""
        if name not in self._keys:
            self._keys[name] = key_of(name)
        return self._keys[name]

    @cached_property
    def _keys(self) -> dict[str, Key]:
        return {}


def kms(region: str | None = None) -> Any:
    """The KMS client of this execution environment. `region`: another one than the app's own."""
    return client(region)


@cache
def client(region: str | None) -> Any:
    """Make the client; `kms()` and `kms(None)` would be two in a cache."""
    return boto3.client("kms", region_name=region, config=PATIENT)


def key_of(name: str) -> Key:
    """A key as it is now, in its own region."""
    try:
        home = rds.own_or(name.split(":")[3]) if name.startswith("arn:") else None
        shown = kms(home).describe_key(KeyId=name)["KeyMetadata"]
        return Key(name, state=shown["KeyState"], manager=shown.get("KeyManager", ""))
    except ClientError as error:
        if code_of(error) in ("AccessDeniedException", "NotFoundException"):
            return Key(name, error=code_of(error))
        raise
    except (HTTPClientError, NoConnection) as error:
        # In a VPC without a way to KMS; RDS has its own.
        return Key(name, error=type(error).__name__)
