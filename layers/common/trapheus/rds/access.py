"""Access to RDS: one client, and looks at databases and snapshots as plain descriptions."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import boto3
from botocore.exceptions import ClientError

from trapheus.execution.clients import PATIENT
from trapheus.execution.constants import IN_PROGRESS_TAG
from trapheus.execution.errors import NOT_FOUND, code_of
from trapheus.execution.exceptions import StillInProgress
from trapheus.snapshot_names import parts_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import FilterTypeDef, TagTypeDef


Description = dict[str, Any]
# What a region answers to an operation that it does not have: so there is nothing of the kind
# [fact: unsupported-operations].
UNSUPPORTED = "InvalidAction"
Tags: TypeAlias = "list[TagTypeDef]"


def rds(region: str | None = None) -> RDSClient:
    """The RDS client of this execution environment. `region`: another one than the app's own."""
    return client(region)


@cache
def client(region: str | None) -> RDSClient:
    """Make the client; `rds()` and `rds(None)` would be two in a cache."""
    return boto3.client("rds", region_name=region, config=PATIENT)


def only(call: Callable[[], Iterable[object]]) -> Description | None:
    """The only description that `call` answers with; None when there is none."""
    try:
        found = list(call())
    except ClientError as error:
        if code_of(error) in NOT_FOUND:
            return None
        raise
    return cast("Description", found[0]) if found else None


def instance(name: str) -> Description | None:
    """The DB instance that has this name now."""
    return only(lambda: rds().describe_db_instances(DBInstanceIdentifier=name)["DBInstances"])


def instances(names: Sequence[str]) -> dict[str, Description]:
    """Those DB instances that have one of these names now, by name. At most 100 names: a page."""
    by_name: list[FilterTypeDef] = [{"Name": "db-instance-id", "Values": names}]
    # Without a value there is no filter.
    found = rds().describe_db_instances(Filters=by_name)["DBInstances"] if names else []
    return {each["DBInstanceIdentifier"]: cast("Description", each) for each in found}


def instance_with(resource_id: str) -> Description | None:
    """The DB instance with this resource id, whatever it is called now."""
    by_id: list[FilterTypeDef] = [{"Name": "dbi-resource-id", "Values": [resource_id]}]
    return only(lambda: rds().describe_db_instances(Filters=by_id)["DBInstances"])


def cluster(name: str) -> Description | None:
    """The DB cluster that has this name now."""
    return only(lambda: rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"])


def clusters(names: Sequence[str]) -> dict[str, Description]:
    """Those DB clusters that have one of these names now, by name. At most 100 names: a page."""
    by_name: list[FilterTypeDef] = [{"Name": "db-cluster-id", "Values": names}]
    found = rds().describe_db_clusters(Filters=by_name)["DBClusters"] if names else []
    return {each["DBClusterIdentifier"]: cast("Description", each) for each in found}


def cluster_with(resource_id: str) -> Description | None:
    """The DB cluster with this resource id, whatever it is called now."""
    by_id: list[FilterTypeDef] = [{"Name": "db-cluster-resource-id", "Values": [resource_id]}]
    return only(lambda: rds().describe_db_clusters(Filters=by_id)["DBClusters"])


def members(cluster_description: Description) -> list[Description]:
    """The members of a cluster, the writer first, then by promotion tier and name.

    They are asked for one by one, by the names that the cluster itself lists: a filter by cluster
    name may answer for the wrong cluster while a rename is under way.
    """
    listed = cluster_description["DBClusterMembers"]
    ordered = sorted(
        listed,
        key=lambda m: (
            not m["IsClusterWriter"],
            m.get("PromotionTier", 15),
            m["DBInstanceIdentifier"],
        ),
    )
    found = (instance(member["DBInstanceIdentifier"]) for member in ordered)
    return [description for description in found if description]


def snapshot(name: str, region: str | None = None) -> Description | None:
    """The DB snapshot of this name or ARN, in the app's own region, the ARN's or another."""
    home, how = asked(name, region)
    return only(
        lambda: rds(home).describe_db_snapshots(DBSnapshotIdentifier=name, **how)["DBSnapshots"]
    )


def cluster_snapshot(name: str, region: str | None = None) -> Description | None:
    """The DB cluster snapshot of this name or ARN, in the app's region, the ARN's or another."""
    home, how = asked(name, region)
    return only(
        lambda: rds(home).describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name, **how)[
            "DBClusterSnapshots"
        ]
    )


def asked(name: str, region: str | None) -> tuple[str | None, dict[str, Any]]:
    """In which region a snapshot is asked for, and what goes with its name or ARN.

    One of another account shows only so [fact: shared-only-when-asked-for].
    """
    arn, kind = parts_of(name), type_of(name)
    how: dict[str, Any] = {"SnapshotType": kind} if kind else {}
    if arn is None:
        return region, how
    return own_or(arn.region), how | ({} if kind else {"IncludeShared": True})


def own_or(region: str) -> str | None:
    """A region as `rds` takes it."""
    return None if region == rds().meta.region_name else region


def snapshots(**of: Any) -> list[Description]:
    """The DB snapshots of an instance; of: its name or resource id, or a type.

    Without a type they are the manual and the automated ones.
    """
    pages = rds().get_paginator("describe_db_snapshots")
    return [
        cast("Description", found) for page in pages.paginate(**of) for found in page["DBSnapshots"]
    ]


def cluster_snapshots(**of: Any) -> list[Description]:
    """The DB cluster snapshots of a cluster; of: its name or resource id, or a type.

    Without a type they are the manual and the automated ones.
    """
    pages = rds().get_paginator("describe_db_cluster_snapshots")
    return [
        cast("Description", found)
        for page in pages.paginate(**of)
        for found in page["DBClusterSnapshots"]
    ]


def certificates() -> frozenset[str]:
    """The CAs that RDS has in this region; none where it does not tell."""
    pages = rds().get_paginator("describe_certificates").paginate()
    try:
        return frozenset(
            one["CertificateIdentifier"] for page in pages for one in page["Certificates"]
        )
    except ClientError as error:
        if code_of(error) != UNSUPPORTED:
            raise
        return frozenset()


def moment_of(snapshot_description: Description | None) -> str:
    """The moment whose data a snapshot holds, ISO 8601; empty while RDS does not tell it.

    Even an available one may show none [fact: snapshot-without-a-moment].
    """
    return next(iter(moments_of(snapshot_description)), "")


def is_taken_by(snapshot_description: Description, moment: datetime) -> bool:
    """Whether a snapshot has the data of a moment or an older one; not where it does not tell."""
    taken = moment_of(snapshot_description)
    return bool(taken) and datetime.fromisoformat(taken) <= moment


def moments_of(snapshot_description: Description | None) -> list[str]:
    """The moments that a snapshot shows, ISO 8601, that of its data first.

    Of a copy SnapshotCreateTime is its own; a cluster's shows no other [fact: moment-of-a-copy].
    """
    found = snapshot_description or {}
    both = ("OriginalSnapshotCreateTime", "SnapshotCreateTime")
    return [str(found[name].isoformat()) for name in both if found.get(name)]


def in_progress_tag(execution: str) -> TagTypeDef:
    """The tag that says "made or renamed by this execution".

    The value is a hash: a tag value may not hold every character that an ARN does.
    """
    return {
        "Key": IN_PROGRESS_TAG,
        "Value": hashlib.sha256(execution.encode()).hexdigest()[:32],
    }


def is_tagged(description: Description, execution: str) -> bool:
    """Whether a database or snapshot carries this execution's tag."""
    return in_progress_tag(execution) in description.get("TagList", [])


def untag(stays: list[tuple[str, Description | None]], execution: str) -> None:
    """Take this execution's tag off; each with the attribute that holds its ARN.

    Raises StillInProgress while RDS does not show one of them.
    """
    for arn, found in stays:
        if found is None:
            raise StillInProgress("RDS does not show everything that stays")
        if is_tagged(found, execution):
            rds().remove_tags_from_resource(ResourceName=found[arn], TagKeys=[IN_PROGRESS_TAG])


def own_tags(description: Description) -> Tags:
    """The tags that a copy is to carry: neither AWS's own nor an execution's."""
    return [
        tag
        for tag in description.get("TagList", [])
        if not tag["Key"].startswith("aws:") and tag["Key"] != IN_PROGRESS_TAG
    ]
