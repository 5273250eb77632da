"""All that an acceptance run has made, found by its name, and removed however the run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.acceptance.account import PREFIX, STACK, Account
from tests.acceptance.databases import CLUSTER, INSTANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A change that is under way, and a database whose members or snapshots still go.
LATER = {
    "InvalidDBInstanceState", "InvalidDBClusterStateFault", "InvalidDBSnapshotState",
    "InvalidDBClusterSnapshotStateFault", "DBClusterSnapshotInUse",
}  # fmt: skip
Remove = "Callable[[], Any]"


def found(account: Account) -> dict[str, Callable[[], Any]]:
    """What there is, in words, and how each is removed; databases last, since others need them."""
    return dict(
        [
            *running(account),
            *databases(account),
            *snapshots(account),
            *asked_by_questions(account),
            *stack(account),
            *bucket(account),
        ]
    )


def remove_all(account: Account, tell: Callable[[str], None]) -> None:
    """Remove what there is, until there is nothing."""
    told: set[str] = set()

    def nothing_left() -> bool:
        left = found(account)
        for words, remove in left.items():
            if words not in told:
                tell(f"removing {words}")
                told.add(words)
            try:
                remove()
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in LATER and "NotFound" not in code:
                    raise
        return not left

    account.wait("what was made to be removed", nothing_left)


def running(account: Account) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Executions first: they would go on with what is removed."""
    machines = account.client("stepfunctions")
    for machine in machines.list_state_machines()["stateMachines"]:
        if not machine["name"].startswith(PREFIX):
            continue
        listed = machines.list_executions(
            stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
        )
        for one in listed["executions"]:
            arn = one["executionArn"]
            yield (
                f"the execution {one['name']}",
                lambda arn=arn: machines.stop_execution(executionArn=arn),
            )


def databases(account: Account) -> Iterator[tuple[str, Callable[[], Any]]]:
    rds = account.client("rds")
    for shown in rds.describe_db_instances()["DBInstances"]:
        name = shown["DBInstanceIdentifier"]
        if name.startswith(PREFIX):
            yield f"the instance {name}", lambda shown=shown: delete_instance(account, shown)
    for shown in rds.describe_db_clusters()["DBClusters"]:
        name = shown["DBClusterIdentifier"]
        if name.startswith(PREFIX):
            yield f"the cluster {name}", lambda shown=shown: delete_cluster(account, shown)


def delete_instance(account: Account, shown: dict[str, Any]) -> None:
    if shown[INSTANCE.status] == "deleting":
        return
    name, rds = {"DBInstanceIdentifier": shown["DBInstanceIdentifier"]}, account.client("rds")
    if shown.get("DeletionProtection") and "DBClusterIdentifier" not in shown:
        rds.modify_db_instance(**name, DeletionProtection=False, ApplyImmediately=True)
    rds.delete_db_instance(**name, SkipFinalSnapshot=True)


def delete_cluster(account: Account, shown: dict[str, Any]) -> None:
    if shown[CLUSTER.status] == "deleting" or shown.get("DBClusterMembers"):
        return
    name, rds = {"DBClusterIdentifier": shown["DBClusterIdentifier"]}, account.client("rds")
    if shown.get("DeletionProtection"):
        rds.modify_db_cluster(**name, DeletionProtection=False, ApplyImmediately=True)
    rds.delete_db_cluster(**name, SkipFinalSnapshot=True)


def snapshots(account: Account) -> Iterator[tuple[str, Callable[[], Any]]]:
    rds = account.client("rds")
    for shown in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]:
        name = shown["DBSnapshotIdentifier"]
        if name.startswith(PREFIX):
            yield (
                f"the snapshot {name}",
                lambda name=name: rds.delete_db_snapshot(DBSnapshotIdentifier=name),
            )
    listed = rds.describe_db_cluster_snapshots(SnapshotType="manual")
    for shown in listed["DBClusterSnapshots"]:
        name = shown["DBClusterSnapshotIdentifier"]
        if name.startswith(PREFIX):
            yield (
                f"the cluster snapshot {name}",
                lambda name=name: rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name),
            )


def asked_by_questions(account: Account) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What questions.py makes beside the stack."""
    machines = account.client("stepfunctions")
    for machine in machines.list_state_machines()["stateMachines"]:
        arn, name = machine["stateMachineArn"], machine["name"]
        if name.startswith(f"{PREFIX}-question"):
            yield (
                f"the state machine {name}",
                lambda arn=arn: machines.delete_state_machine(stateMachineArn=arn),
            )
    iam = account.client("iam")
    name = f"{PREFIX}-question"
    try:
        iam.get_role(RoleName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
    else:
        yield f"the role {name}", lambda: iam.delete_role(RoleName=name)


def stack(account: Account) -> Iterator[tuple[str, Callable[[], Any]]]:
    formation = account.client("cloudformation")
    try:
        (shown,) = formation.describe_stacks(StackName=STACK)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":  # its word for "not there"
            raise
        return
    if shown["StackStatus"] != "DELETE_COMPLETE":
        yield f"the stack {STACK}", lambda: delete_stack(account, shown["StackStatus"])


def delete_stack(account: Account, status: str) -> None:
    """Delete the stack, and the key that it keeps for whoever has exports."""
    formation = account.client("cloudformation")
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return
    listed = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    keys = [one["PhysicalResourceId"] for one in listed if one["LogicalResourceId"] == "ExportKey"]
    formation.delete_stack(StackName=STACK)
    for key in keys:
        account.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def bucket(account: Account) -> Iterator[tuple[str, Callable[[], Any]]]:
    storage, name = account.client("s3"), account.bucket
    if name in [one["Name"] for one in storage.list_buckets()["Buckets"]]:
        yield f"the bucket {name}", lambda: delete_bucket(storage, name)


def delete_bucket(storage: Any, name: str) -> None:
    for page in storage.get_paginator("list_objects_v2").paginate(Bucket=name):
        for one in page.get("Contents", []):
            storage.delete_object(Bucket=name, Key=one["Key"])
    storage.delete_bucket(Bucket=name)
