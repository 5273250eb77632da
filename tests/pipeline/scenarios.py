"""Executions that between them use every right of the app's roles; each says what must come of it.

They raise AssertionError with a sentence of their own, since they also run outside of pytest: see
tests/permissions.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.kms.models import kms_backends

from local.commands.account import KEY_ID
from local.commands.app import OTHER_ACCOUNT, SHARE_KEY_ID, sharing
from local.emulator.cloud import ACCOUNT, REGION, Fault
from local.emulator.rds.databases.settings import own_key
from tests import hooking, proxies, sources
from tests.mailed import flowing
from tests.pipeline.observed import (
    CLUSTER,
    INSTANCE,
    KINDS,
    Kind,
    On,
    OnceReplaced,
    databases,
    run,
    snapshots,
    tagged,
)

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Execution, Notice
    from local.emulator.rds import Rds

DENIED = Fault("AccessDenied", "User is not authorized", 403)
AUTOSCALED = "application-autoscaling-6c2e7c1f-3b6a-4a57-9d0e-0a1b2c3d4e5f"
CUSTOM = {
    "DBClusterEndpointIdentifier": "reports",
    "EndpointType": "READER",
    "StaticMembers": ["prod-cluster-reader"],
    "Tags": [{"Key": "team", "Value": "reports"}],
}


def same(what: str, found: object, wanted: object) -> None:
    """Compare, and say what differs."""
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


def ended(execution: Execution, status: str, error: str = "") -> None:
    """Compare how an execution ended."""
    if (execution.status, execution.error) != (status, error):
        raise AssertionError(
            f"{execution.status} {execution.error}, not {status} {error}: {execution.cause}".strip()
        )


def told(cloud: App, *words: str) -> None:
    """One mail was sent, which has these words."""
    same("the number of mails", len(cloud.alerts), 1)
    for word in words:
        same(f"{word!r} in the mail", word in flowing(cloud.alerts[0].text), True)
    same("a look that was refused", "RDS did not say" in flowing(cloud.alerts[0].text), False)


def resource_ids(cloud: App) -> dict[str, str]:
    """Every database by name."""
    return {name: found[0] for name, found in databases(cloud).items()}


def create_snapshot(kind: Kind, cloud: App) -> None:
    data = cloud.rds.data(kind.name, kind.identifier)
    before = databases(cloud)

    execution = run(cloud, kind.request("create_snapshot"))

    ended(execution, "SUCCEEDED")
    same("its data", cloud.rds.data(kind.name, kind.identifier), data)
    same("the snapshot's data", cloud.rds.data(kind.snapshot_kind, kind.snapshot), data)
    same("its snapshots", snapshots(cloud)[kind.snapshot], "available")
    same("the names", set(databases(cloud)), set(before))
    same("tags", tagged(cloud), [])
    same("mails", [mail.subject for mail in cloud.alerts], [])


def create_snapshot_only(kind: Kind, cloud: App) -> None:
    data, before = cloud.rds.data(kind.name, kind.identifier), databases(cloud)

    execution = run(cloud, kind.request("create_snapshot_only"))

    ended(execution, "SUCCEEDED")
    same("the snapshot's data", cloud.rds.data(kind.snapshot_kind, kind.snapshot), data)
    same("the databases", databases(cloud), before)
    same("tags", tagged(cloud), [])
    same("mails", [mail.subject for mail in cloud.alerts], [])
    # It goes every way, and is noted.
    refused = [call.operation for call in cloud.calls
               if call.caller == "SendEmailFunction" and call.error]  # fmt: skip
    same("what the message was refused", refused, [])
    locks = cloud.client("dynamodb").scan(TableName=cloud.physical_id("LockTable"))["Items"]
    same("locks", locks, [])


def dry_run_alone(kind: Kind, cloud: App) -> None:
    before = databases(cloud)

    planned = cloud.run("DryRunStateMachine", kind.request("db_restore", dryRun=False), "dry")

    ended(planned, "SUCCEEDED")
    same("findings", planned.output["findings"], [])
    same("the databases", databases(cloud), before)


def restore(kind: Kind, cloud: App) -> None:
    before = resource_ids(cloud)
    data = cloud.rds.data(kind.snapshot_kind, kind.snapshot)

    execution = run(cloud, kind.request("db_restore"))

    ended(execution, "SUCCEEDED")
    same("its data", cloud.rds.data(kind.name, kind.identifier), data)
    after = resource_ids(cloud)
    same("the names", set(after), set(before))
    names = {f"{kind.name} {kind.identifier}", *(f"instance {name}" for name in kind.members)}
    same("what is new", {name for name in after if after[name] != before[name]}, names)
    same("tags", tagged(cloud), [])
    same("mails", [mail.subject for mail in cloud.alerts], [])


def roll_back(kind: Kind, cloud: App) -> None:
    """Its restores end in a bad status."""
    broken = Kind(kind.name, kind.identifier.replace("prod", "broken"))
    before = resource_ids(cloud)

    execution = run(cloud, broken.request("db_restore"))

    ended(execution, "FAILED", "RestoreFailed")
    same("the databases", resource_ids(cloud), before)
    same("tags", tagged(cloud), [])
    words = "DB cluster because of incompatible" if kind.is_cluster else "put into incompatible-"
    told(cloud, f"The original was put back and serves as {broken.identifier}.", words)


def fail_at_the_end(kind: Kind, cloud: App) -> None:
    """The mail shows both databases."""
    before = resource_ids(cloud)[f"{kind.name} {kind.identifier}"]
    operation = kind.operation("DeleteDB*")
    cloud.faults.append(On(f"Delete{kind.name.capitalize()}Function", operation, DENIED))

    execution = run(cloud, kind.request("db_restore"))

    ended(execution, "FAILED", "DeleteFailed")
    after = resource_ids(cloud)
    same("the original", after[f"{kind.name} {kind.identifier}-temp"], before)
    told(cloud, before, after[f"{kind.name} {kind.identifier}"])


def fail_before(kind: Kind, cloud: App) -> None:
    """The mail shows the snapshot."""
    before = databases(cloud)
    operation = "CreateDBClusterSnapshot" if kind.is_cluster else "CreateDBSnapshot"
    cloud.faults.append(On("Snapshot", operation, DENIED))

    execution = run(cloud, kind.request("create_snapshot"))

    ended(execution, "FAILED", "SnapshotFailed")
    same("the databases", databases(cloud), before)
    told(cloud, f"{kind.snapshot}: snapshot, available")


def keep_the_original(kind: Kind, cloud: App) -> None:
    before = resource_ids(cloud)

    execution = run(cloud, kind.request("db_restore", keepOriginal=True))

    ended(execution, "SUCCEEDED")
    after = resource_ids(cloud)
    for name in (f"{kind.name} {kind.identifier}", *(f"instance {name}" for name in kind.members)):
        same(f"the original {name}", after[f"{name}-temp"], before[name])
    same("tags", tagged(cloud), [])
    same("where the writes are", f"{kind.identifier}-temp" in execution.output["writesSince"], True)


def take_a_final_snapshot(kind: Kind, cloud: App) -> None:
    data, before = cloud.rds.data(kind.name, kind.identifier), set(snapshots(cloud))

    execution = run(cloud, kind.request("db_restore", finalSnapshot=True))

    ended(execution, "SUCCEEDED")
    (final,) = set(snapshots(cloud)) - before
    same("its data", cloud.rds.data(kind.snapshot_kind, final), data)
    same("tags", tagged(cloud), [])
    same("where the writes are", final in execution.output["writesSince"], True)


def restore_first(kind: Kind, cloud: App) -> None:
    before = resource_ids(cloud)
    data = cloud.rds.data(kind.snapshot_kind, kind.snapshot)

    execution = run(cloud, kind.request("db_restore", strategy="restore-first"))

    ended(execution, "SUCCEEDED")
    same("its data", cloud.rds.data(kind.name, kind.identifier), data)
    same("the names", set(resource_ids(cloud)), set(before))
    same("tags", tagged(cloud), [])


def swap_back(kind: Kind, cloud: App) -> None:
    """The names have been swapped when the execution is not allowed to go on."""
    before = databases(cloud)
    cloud.faults.append(OnceReplaced(cloud, kind))

    execution = run(cloud, kind.request("db_restore", strategy="restore-first"))

    same("its status", execution.status, "FAILED")
    same("the databases", databases(cloud), before)
    told(cloud, f"The original serves as {kind.identifier}")


def refresh_from_another_account(kind: Kind, cloud: App) -> None:
    """Its key is lent, other copies leave no room at first, and a secret has the password."""
    from local.commands.app import OTHER_ACCOUNT, lend_key

    theirs, before = cloud.rds_in(REGION, OTHER_ACCOUNT), snapshots(cloud)
    sources.make_elsewhere(theirs, kind, [ACCOUNT], key=lend_key(OTHER_ACCOUNT, ACCOUNT))
    sources.manage_no_password(cloud, kind)
    key = sources.key(cloud.rds)
    secret = sources.make_secret(cloud, sources.MASTER, "a-password", KmsKeyId=key)
    copy = "CopyDBClusterSnapshot" if kind.is_cluster else "CopyDBSnapshot"
    cloud.faults.append(On("CopySource", copy, Fault("SnapshotQuotaExceeded"), 1))

    asked = {"sourceIdentifier": sources.name_of(kind), "sourceAccount": OTHER_ACCOUNT}
    execution = run(cloud, kind.request("db_restore", masterUserSecret=secret, **asked))

    ended(execution, "SUCCEEDED")
    same("its data", cloud.rds.data(kind.name, kind.identifier), "shared data")
    same("the snapshots", snapshots(cloud), before)
    same("tags", tagged(cloud), [])


def roll_back_what_was_copied(kind: Kind, cloud: App) -> None:
    """The restore of the copy is refused."""
    sources.make(cloud.rds, kind, key=sources.key(cloud.rds))
    before, held = resource_ids(cloud), snapshots(cloud)
    restore = kind.operation("RestoreDB*From") + ("Snapshot" if kind.is_cluster else "DBSnapshot")
    cloud.faults.append(On("Restore", restore, DENIED))

    execution = run(cloud, kind.request("db_restore", sourceIdentifier=sources.name_of(kind)))

    ended(execution, "FAILED", "RestoreFailed")
    same("the databases", resource_ids(cloud), before)
    same("the snapshots", snapshots(cloud), held)


def restore_copy(kind: Kind, cloud: App) -> None:
    """From whatever snapshot is the latest."""
    before = databases(cloud)
    target = kind.identifier.replace("prod", "drill")

    request = kind.request("db_restore", targetIdentifier=target, snapshotIdentifier="latest")
    execution = run(cloud, request)

    ended(execution, "SUCCEEDED")
    after = databases(cloud)
    same("what was there", {name: after[name] for name in before}, before)
    same("the target", f"{kind.name} {target}" in after, True)


def reboot_for_the_parameters(kind: Kind, cloud: App) -> None:
    """RDS says after the changes that a parameter group takes effect only with a reboot."""
    name = kind.members[-1] if kind.is_cluster else kind.identifier

    def wait(call: Any) -> Fault | None:
        if (call.caller.startswith("Configure"), call.operation) == (
            True, kind.operation("ModifyDB*"),
        ):  # fmt: skip
            cloud.faults.remove(wait)
            groups = cloud.rds.instances[name]["DBParameterGroups"]
            groups[0]["ParameterApplyStatus"] = "pending-reboot"
        return None

    cloud.faults.append(wait)

    execution = run(cloud, kind.request("db_restore"))

    ended(execution, "SUCCEEDED")
    (group,) = cloud.rds.instances[name]["DBParameterGroups"]
    same("the parameter group", group["ParameterApplyStatus"], "in-sync")


def recover(kind: Kind, cloud: App) -> None:
    """What a failed rollback has left, which an ordinary execution refuses to touch."""
    before = databases(cloud)
    restore = kind.operation("RestoreDB*From") + ("Snapshot" if kind.is_cluster else "DBSnapshot")
    cloud.faults.append(On("Restore", restore, DENIED))
    cloud.faults.append(On("RollBack", kind.operation("ModifyDB*"), DENIED))

    ended(run(cloud, kind.request("db_restore")), "FAILED", "RestoreFailed")
    ended(run(cloud, kind.request("db_restore"), "refused"), "FAILED", "NotRecovered")
    cloud.faults.clear()
    cloud.mails.clear()
    ended(run(cloud, kind.request("recover"), "recovery"), "SUCCEEDED")

    same("the databases", databases(cloud), before)
    same("tags", tagged(cloud), [])
    told(cloud, f"The original was put back and serves as {kind.identifier}.")


def interrupt(
    kind: Kind,
    cloud: App,
    state: str = "Restore the database",
    *,
    name: str = "run",
    settles: bool = True,
    **more: Any,
) -> str:
    """Let an execution run out of time in a state; its ARN."""
    stopped = []

    def stop(notice: Notice) -> None:
        if (notice.kind, notice.name) == ("state entered", state) and not stopped:
            stopped.append(notice.execution)
            cloud.clock.Thread(target=cloud.time_out, args=(notice.execution,)).start()

    cloud.listeners.append(stop)
    execution = run(cloud, kind.request("db_restore", **more), name)
    cloud.listeners.remove(stop)
    if settles:
        cloud.settle()
    ended(execution, "TIMED_OUT")
    return execution.arn


def recover_by_the_rule(kind: Kind, cloud: App) -> None:
    """What an execution has left that ended without any Catch."""
    before = databases(cloud)
    interrupt(kind, cloud)
    same("the databases", databases(cloud), before)
    told(cloud, f"The original was put back and serves as {kind.identifier}.")


def recover_by_the_look(kind: Kind, cloud: App) -> None:
    """The same, the event of the end lost."""
    before = databases(cloud)
    cloud.loses_events = True
    interrupt(kind, cloud)
    same("executions", len(cloud.executions(cloud.machine)), 1)
    cloud.clock.advance(3600)
    cloud.tick("HourlyLook")
    cloud.settle()
    same("the databases", databases(cloud), before)
    told(cloud, f"The original was put back and serves as {kind.identifier}.")


def tell_what_nobody_recovers(kind: Kind, cloud: App) -> None:
    """A rollback that has failed, a day later."""
    cloud.faults.append(On("RollBack", kind.operation("DescribeDB*s"), DENIED))
    cloud.rds.poison(kind.name, kind.identifier)
    ended(run(cloud, kind.request("db_restore")), "FAILED", "RestoreFailed")
    cloud.faults.clear()
    cloud.mails.clear()
    for hours in (1, 25):
        cloud.clock.advance(hours * 3600)
        cloud.tick("HourlyLook")
        cloud.settle()
    same("executions", len(cloud.executions(cloud.machine)), 1)
    told(cloud, f"An earlier execution could not put {kind.identifier} back.")


def tell_a_missed_schedule(kind: Kind, cloud: App) -> None:
    """The stack's schedule is of a database that has had no success for a day."""
    client, name = cloud.client("lambda"), cloud.physical_id("LookAtLocksFunction")
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    asked = json.dumps(kind.request("create_snapshot_only"))
    change = partial(client.update_function_configuration, FunctionName=name)
    watched = {**usual, "SUCCESS_WITHIN_HOURS": "24", "SCHEDULE_INPUT": asked}
    change(Environment={"Variables": watched})
    try:
        for hours in (0, 25):
            cloud.clock.advance(hours * 3600)
            cloud.tick("HourlyLook")
            cloud.settle()
    finally:
        change(Environment={"Variables": usual})
    told(cloud, f"No execution for {kind.identifier} has succeeded for 1 day")


def take_over(kind: Kind, cloud: App) -> None:
    """The lock of an execution whose release has failed."""
    cloud.faults.append(On("states", "DeleteItem", DENIED))
    ended(run(cloud, kind.request("create_snapshot_only")), "SUCCEEDED")
    cloud.faults.clear()
    cloud.settle()  # its export is over before the snapshot goes

    ended(run(cloud, kind.request("create_snapshot_only"), "next"), "SUCCEEDED")
    same("mails", [mail.subject for mail in cloud.alerts], [])


def inspect(kind: Kind, cloud: App) -> None:
    """The lock of an execution that has ended, and what it has left."""
    cloud.loses_events = True
    arn = interrupt(kind, cloud, settles=False)

    execution = run(cloud, kind.request("inspect"), "inspection")

    ended(execution, "SUCCEEDED")
    found = [*execution.output["locks"], *execution.output["leftovers"]]
    same("whose they are", {one["execution"] for one in found}, {arn})
    same("the original", f"{kind.identifier}-temp" in {one.get("name") for one in found}, True)


def refuse_a_withdrawn_version(kind: Kind, cloud: App) -> None:
    """AWS offers what the database is of no more: neither its class nor its version."""
    for versions in cloud.rds.available_versions.values():
        versions.clear()

    refused(kind, cloud, "VersionOrClassUnavailable", "does not offer")


def refuse_a_disabled_key(kind: Kind, cloud: App) -> None:
    """The key that the database is encrypted with."""
    kms_backends[cloud.rds.account][REGION].keys[KEY_ID].key_state = "Disabled"

    refused(kind, cloud, "KeyNotAccessible", f"{KEY_ID} is disabled")


def refused(kind: Kind, cloud: App, error: str, words: str, task: str = "db_restore") -> None:
    """Ask for what must be refused."""
    before = databases(cloud)

    execution = run(cloud, kind.request(task))

    ended(execution, "FAILED", error)
    same("the databases", databases(cloud), before)
    told(cloud, words)


ANOTHER = "999999999999"


def key_of_another(*principals: str) -> str:
    """The ARN of a KMS key of another account, which lets these use it."""
    statement = {"Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::{ANOTHER}:root"]},
                 "Action": "kms:*", "Resource": "*"}  # fmt: skip
    shared = {**statement, "Principal": {"AWS": list(principals)},
              "Action": ["kms:CreateGrant", "kms:DescribeKey"]}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement, shared]})
    backend = kms_backends[ANOTHER][REGION]
    key = backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Theirs", None)
    return str(key.arn)


def encrypt_with(rds: Rds, kind: Kind, key: str) -> None:
    """Show a database, its members and its snapshot as encrypted with this key."""
    rds.settle()
    for group in (rds.instances, rds.clusters, rds.snapshots, rds.cluster_snapshots):
        for name, shown in group.items():
            if name in (kind.identifier, *kind.members, kind.snapshot):
                shown["KmsKeyId"] = key


def use_the_key_of_another_account(kind: Kind, cloud: App) -> None:
    """It is shared with this one; a new snapshot, and a restore of it."""
    key = key_of_another(f"arn:aws:iam::{ACCOUNT}:root")
    encrypt_with(cloud.rds, kind, key)

    execution = run(cloud, kind.request("create_snapshot"))

    ended(execution, "SUCCEEDED")
    shown = cloud.rds.find(kind.name, kind.identifier).shown
    same("its key", shown["KmsKeyId"], key)
    same("warnings", [one for one in execution.output["warnings"] if key in one], [])


def share(kind: Kind, cloud: App) -> None:
    """The other account sees what was taken, and nothing else."""
    execution = run(cloud, kind.request("create_snapshot_only"))

    ended(execution, "SUCCEEDED")
    arn = cloud.rds.arn(kind.snapshot_kind, kind.snapshot)
    same("what is shared", seen_by_the_other(cloud, kind), [arn])


def share_a_copy(kind: Kind, cloud: App) -> None:
    """What is under the default key is copied, and the copy renewed the next time."""
    encrypt_with(cloud.rds, kind, own_key(cloud.rds, "rds"))
    for name in ("first", "second"):
        cloud.rds.write(kind.name, kind.identifier, name)
        ended(run(cloud, kind.request("create_snapshot_only"), name), "SUCCEEDED")

        shared = f"{kind.identifier}-shared"
        arn = cloud.rds.arn(kind.snapshot_kind, shared)
        same("what is shared", seen_by_the_other(cloud, kind), [arn])
        same("its data", cloud.rds.data(kind.snapshot_kind, shared), name)
        found = cloud.rds.find(kind.snapshot_kind, shared).shown
        same("its key", found["KmsKeyId"], sharing()["ShareKmsKey"])
        same("tags", tagged(cloud), [])
        same("the successor", f"{kind.identifier}-sharing" in snapshots(cloud), False)


def refuse_to_share(kind: Kind, cloud: App) -> None:
    """The key for the copy is disabled."""
    encrypt_with(cloud.rds, kind, own_key(cloud.rds, "rds"))
    kms_backends[ACCOUNT][REGION].keys[SHARE_KEY_ID].key_state = "Disabled"

    refused(kind, cloud, "KeyNotAccessible", f"{SHARE_KEY_ID} is disabled", "create_snapshot_only")


def seen_by_the_other(cloud: App, kind: Kind) -> list[str]:
    """The ARNs of what the other account may restore."""
    word = "DBClusterSnapshot" if kind.is_cluster else "DBSnapshot"
    theirs = cloud.rds_in(REGION, OTHER_ACCOUNT)
    found = theirs.call(f"Describe{word}s", {"SnapshotType": "shared"})[f"{word}s"]
    return [shown[f"{word}Identifier"] for shown in found]


def restore_behind_a_proxy(kind: Kind, cloud: App) -> None:
    """A dry run tells of it, and afterwards its clients reach what was restored."""
    proxies.point(cloud.rds, kind.name, kind.identifier)
    before = proxies.reached(cloud.rds)

    planned = run(cloud, kind.request("db_restore", dryRun=True))
    execution = run(cloud, kind.request("db_restore"), "restore")

    told_of = [one for one in planned.output["plan"]["warnings"] if "The proxy pool " in one]
    same("the warnings of the proxy", len(told_of), 1)
    ended(execution, "SUCCEEDED")
    same("the proxy", proxies.reached(cloud.rds), execution.output["resourceIdNow"])
    same("another one than before", proxies.reached(cloud.rds) != before, True)


def give_the_proxy_back(kind: Kind, cloud: App) -> None:
    """RDS has lost the target with the rename, and the rollback registers it again."""
    proxies.point(cloud.rds, kind.name, kind.identifier)
    before = proxies.reached(cloud.rds)
    restore = kind.operation("RestoreDB*From") + ("Snapshot" if kind.is_cluster else "DBSnapshot")

    def lose(call: Any) -> Fault | None:
        if not call.caller.startswith("Restore") or call.operation != restore:
            return None
        cloud.rds.proxy_targets["pool"].clear()
        return DENIED

    cloud.faults.append(lose)

    execution = run(cloud, kind.request("db_restore"))
    cloud.settle()
    # It is registered at once, and reached some time later.
    cloud.clock.advance(600)

    ended(execution, "FAILED", "RestoreFailed")
    same("the proxy", proxies.reached(cloud.rds), before)


def run_hooks(kind: Kind, cloud: App) -> None:
    """One of each sort, on the copy."""
    asked = [hooking.hook(), hooking.hook(hooking.MACHINE)]

    execution = run(cloud, kind.request("db_restore", strategy="restore-first", beforeSwap=asked))

    ended(execution, "SUCCEEDED")
    same("the hooks", [one["run"] for one in execution.output["hooks"]],
         [hooking.FUNCTION, hooking.MACHINE])  # fmt: skip


def end_a_hook_at_its_time(kind: Kind, cloud: App) -> None:
    """The state machine of a hook is stopped when its time is over."""
    before = resource_ids(cloud)
    asked = [hooking.hook(hooking.MACHINE, do="rest", seconds=7200, timeoutMinutes=5)]

    execution = run(cloud, kind.request("db_restore", strategy="restore-first", beforeSwap=asked))

    ended(execution, "FAILED", "HookFailed")
    same("the hook's execution", hooking.of_the_machine(cloud).status, "ABORTED")
    same("the databases", resource_ids(cloud), before)


def stop_among_the_hooks(kind: Kind, cloud: App) -> None:
    """Whoever stops a restore stops its hooks, and the copy is removed."""
    before = resource_ids(cloud)
    asked = [hooking.hook(hooking.MACHINE, do="rest", seconds=1800)]

    def stop(call: Any) -> None:
        if hooking.is_run(call):
            cloud.clock.Thread(target=stop_soon).start()

    def stop_soon() -> None:
        cloud.clock.sleep(60)
        arn = f"{cloud.machine.replace(':stateMachine:', ':execution:')}:run"
        cloud.client("stepfunctions").stop_execution(executionArn=arn)

    cloud.faults.append(stop)

    execution = run(cloud, kind.request("db_restore", strategy="restore-first", beforeSwap=asked))
    cloud.settle()

    ended(execution, "ABORTED")
    same("the hooks", hooking.history(cloud).status, "ABORTED")
    same("the hook's execution", hooking.of_the_machine(cloud).status, "ABORTED")
    same("the databases", resource_ids(cloud), before)


def mistake_the_kind(kind: Kind, cloud: App) -> None:
    """The check and the mail tell what the identifier really is."""
    other = CLUSTER if kind == INSTANCE else INSTANCE

    execution = run(cloud, {**other.request("db_restore"), "isCluster": kind.is_cluster})

    ended(execution, "FAILED", "WrongKind")
    told(cloud, f"{other.identifier}: {other.name}, available")


def lose_the_mail_function(cloud: App) -> None:
    """The state machine sends a mail itself when no way has taken the message."""

    def refuse(call: Any) -> Fault | None:
        by_function = call.caller == "SendEmailFunction"
        sends = call.operation in ("SendEmail", "Publish", "PutEvents")
        return DENIED if by_function and sends else None

    cloud.faults.append(refuse)

    execution = run(cloud, {**INSTANCE.request("db_restore"), "task": "restore"})

    ended(execution, "FAILED", "InvalidRequest")
    told(cloud, execution.arn)


def add_endpoints(cloud: App) -> list[dict[str, Any]]:
    """Give the cluster a custom endpoint with a tag, and the Data API."""
    with cloud.rds.instantly():
        cloud.rds.call(
            "CreateDBClusterEndpoint", {"DBClusterIdentifier": CLUSTER.identifier, **CUSTOM}
        )
        arn = cloud.rds.clusters[CLUSTER.identifier]["DBClusterArn"]
        cloud.rds.call("EnableHttpEndpoint", {"ResourceArn": arn})
    return endpoints(cloud)


def endpoints(cloud: App) -> list[dict[str, Any]]:
    """The custom endpoints, with their tags."""
    cloud.rds.settle()
    return [
        {
            **{name: shown[name] for name in ("DBClusterIdentifier", "CustomEndpointType")},
            "Tags": cloud.rds.call(
                "ListTagsForResource", {"ResourceName": shown["DBClusterEndpointArn"]}
            )["TagList"],
        }
        for shown in cloud.rds.custom_endpoints.values()
    ]


def restore_endpoints(cloud: App) -> None:
    before = add_endpoints(cloud)

    execution = run(cloud, CLUSTER.request("db_restore"))

    ended(execution, "SUCCEEDED")
    same("the endpoints", endpoints(cloud), before)
    same("the Data API", cloud.rds.clusters[CLUSTER.identifier]["HttpEndpointEnabled"], True)


def put_endpoints_back(cloud: App) -> None:
    before = add_endpoints(cloud)
    refused = Fault("InvalidSubnet")
    cloud.faults.append(On("RestoreCluster", "RestoreDBClusterFromSnapshot", refused))

    execution = run(cloud, CLUSTER.request("db_restore"))

    ended(execution, "FAILED", "RestoreFailed")
    same("the endpoints", endpoints(cloud), before)


def autoscale(cloud: App, cluster: str) -> None:
    """Make a reader as Application Auto Scaling does it."""
    with cloud.rds.instantly():
        cloud.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": AUTOSCALED, "DBClusterIdentifier": cluster,
            "Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large",
        })  # fmt: skip


def delete_autoscaled_readers(cloud: App) -> None:
    autoscale(cloud, CLUSTER.identifier)

    execution = run(cloud, CLUSTER.request("db_restore"))

    ended(execution, "SUCCEEDED")
    same("the reader", AUTOSCALED in cloud.rds.instances, False)


def remove_autoscaled_readers(cloud: App) -> None:
    """Auto scaling finds the half-made cluster before the rollback does."""
    before = resource_ids(cloud)

    def find(call: Any) -> Fault | None:
        if (call.caller, call.operation) == ("RollBackClusterFunction", "DescribeDBClusters"):
            cloud.faults.remove(find)
            autoscale(cloud, CLUSTER.identifier)
        return None

    refused = Fault("InvalidSubnet")
    cloud.faults += [find, On("RestoreClusterFunction", "CreateDBInstance", refused)]

    execution = run(cloud, CLUSTER.request("db_restore"))

    ended(execution, "FAILED", "RestoreFailed")
    same("the databases", resource_ids(cloud), before)


def rename_a_reader_late(cloud: App) -> None:
    """The swap may not rename every reader; the configure step does."""
    before = resource_ids(cloud)

    def refuse(call: Any) -> Fault | None:
        is_reader = call.parameters.get("DBInstanceIdentifier") == "prod-cluster-reader-copy"
        early = call.caller == "RenameClusterFunction" and call.operation == "ModifyDBInstance"
        return Fault("InvalidDBInstanceState") if is_reader and early else None

    cloud.faults.append(refuse)

    execution = run(cloud, CLUSTER.request("db_restore", strategy="restore-first"))

    ended(execution, "SUCCEEDED")
    same("the names", set(resource_ids(cloud)), set(before))


def make_a_reader_late(cloud: App) -> None:
    """The restore step may not get every reader; the configure step does."""
    before = resource_ids(cloud)

    def refuse(call: Any) -> Fault | None:
        is_reader = call.parameters.get("DBInstanceIdentifier") == "prod-cluster-reader"
        early = call.caller == "RestoreClusterFunction" and call.operation == "CreateDBInstance"
        return Fault("InvalidSubnet") if is_reader and early else None

    cloud.faults.append(refuse)

    execution = run(cloud, CLUSTER.request("db_restore"))

    ended(execution, "SUCCEEDED")
    same("the names", set(resource_ids(cloud)), set(before))


ZONES, COPY_OF_ZONES = "zones-cluster", "drill-cluster"


def make_multi_az(cloud: App) -> None:
    """A Multi-AZ DB cluster, and its snapshot."""
    with cloud.rds.instantly(at=cloud.rds.time - 86_400):
        cloud.rds.call("CreateDBCluster", {
            "DBClusterIdentifier": ZONES, "Engine": "postgres", "EngineVersion": "16.4",
            "DBClusterInstanceClass": "db.r6gd.large", "AllocatedStorage": 100, "Iops": 1000,
            "StorageType": "io1", "MasterUsername": "owner", "ManageMasterUserPassword": True,
            "DeletionProtection": True, "PreferredMaintenanceWindow": "tue:04:00-tue:05:00",
        })  # fmt: skip
        cloud.rds.call("CreateDBClusterSnapshot", {
            "DBClusterIdentifier": ZONES, "DBClusterSnapshotIdentifier": f"{ZONES}-snapshot",
        })  # fmt: skip
    cloud.rds.settle()


LEDGER = Kind("instance", "ledger-db")


def make_multi_tenant(cloud: App) -> None:
    """An Oracle database that holds tenant databases, and its snapshot."""
    with cloud.rds.instantly(at=cloud.rds.time - 86_400):
        cloud.rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": LEDGER.identifier, "Engine": "oracle-ee",
            "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 100, "MultiTenant": True,
            "DBName": "LEDGER", "MasterUsername": "owner", "MasterUserPassword": "something",
            "DeletionProtection": True,
        })  # fmt: skip
        cloud.rds.call("CreateDBSnapshot", {
            "DBInstanceIdentifier": LEDGER.identifier, "DBSnapshotIdentifier": LEDGER.snapshot,
        })  # fmt: skip
    cloud.rds.settle()


def restore_multi_tenant(cloud: App) -> None:
    make_multi_tenant(cloud)
    before = resource_ids(cloud)

    execution = run(cloud, LEDGER.request("create_snapshot", finalSnapshot=True))

    ended(execution, "SUCCEEDED")
    same("the names", set(resource_ids(cloud)), set(before))
    restored = cloud.rds.instances[LEDGER.identifier]
    same("several tenants", restored["MultiTenant"], True)
    same("the original is gone", before[f"instance {LEDGER.identifier}"],
         next(iter(set(before.values()) - set(resource_ids(cloud).values()))))  # fmt: skip


def put_multi_tenant_back(cloud: App) -> None:
    make_multi_tenant(cloud)
    cloud.rds.poison("instance", LEDGER.identifier, restores_end_in="incompatible-restore")
    before = resource_ids(cloud)

    execution = run(cloud, LEDGER.request("db_restore"))

    ended(execution, "FAILED", "RestoreFailed")
    same("the databases", resource_ids(cloud), before)
    told(cloud, f"The original was put back and serves as {LEDGER.identifier}.")


def restore_multi_az_copy(cloud: App) -> None:
    make_multi_az(cloud)
    asked = {"identifier": ZONES, "task": "db_restore", "isCluster": True}

    execution = run(cloud, {**asked, "targetIdentifier": COPY_OF_ZONES})

    ended(execution, "SUCCEEDED")
    members = {f"{COPY_OF_ZONES}-instance-{n}" for n in (1, 2, 3)}
    same("members", {name for name in cloud.rds.instances if COPY_OF_ZONES in name}, members)


def remove_multi_az(cloud: App) -> None:
    """Its copy fails before its members have the tag."""
    make_multi_az(cloud)
    cloud.faults.append(On("RestoreCluster", "AddTagsToResource", DENIED))
    before = resource_ids(cloud)
    asked = {"identifier": ZONES, "task": "db_restore", "isCluster": True}

    execution = run(cloud, {**asked, "targetIdentifier": COPY_OF_ZONES})

    ended(execution, "FAILED", "RestoreFailed")
    same("the databases", resource_ids(cloud), before)
    told(cloud, f"What was restored as {COPY_OF_ZONES} was removed")


# Exports


def export_of(cloud: App, execution: Execution) -> Execution:
    """The export that a restore has started, at its end."""
    ended(execution, "SUCCEEDED")
    machine = cloud.physical_id("ExportStateMachine").replace(":stateMachine:", ":execution:")
    same("mails", [mail.subject for mail in cloud.alerts], [])
    return cloud.wait(f"{machine}:{execution.arn.rpartition(':')[2]}")


def export_here(kind: Kind, cloud: App) -> None:
    export = export_of(cloud, run(cloud, kind.request("create_snapshot_only")))

    ended(export, "SUCCEEDED")
    same("exports", export_statuses(cloud, REGION), ["COMPLETE"])


def export_elsewhere(kind: Kind, cloud: App) -> None:
    """The snapshot is copied to the other region, and the copy removed."""
    from local.commands.app import OTHER_REGION

    cloud.rds.exports = False

    export = export_of(cloud, run(cloud, kind.request("create_snapshot_only")))

    ended(export, "SUCCEEDED")
    same("exports", export_statuses(cloud, OTHER_REGION), ["COMPLETE"])
    other = cloud.rds_in(OTHER_REGION)
    other.settle()
    same("copies", {*other.snapshots, *other.cluster_snapshots}, set())


def find_no_room_elsewhere(kind: Kind, cloud: App) -> None:
    """The other region holds all the snapshots that it may, as its quotas say."""
    from local.commands.app import OTHER_REGION

    cloud.rds.exports = False
    snapshots = "cluster-snapshot" if kind.is_cluster else "snapshot"
    cloud.rds_in(OTHER_REGION).quotas[snapshots] = 0

    export = export_of(cloud, run(cloud, kind.request("create_snapshot_only")))

    ended(export, "FAILED", "CopyFailed")
    told(cloud, f"{OTHER_REGION} has no room for another manual snapshot")


def tell_a_failed_export(cloud: App) -> None:
    cloud.rds.spoil_export(outcome="FAILED", cause="The disk of RDS was full")

    export = export_of(cloud, run(cloud, INSTANCE.request("create_snapshot_only")))

    ended(export, "FAILED", "ExportFailed")
    told(cloud, "The disk of RDS was full")


def run_a_fleet(cloud: App) -> None:
    """One of each kind; the list comes out of the bucket, and what became of them goes into it."""
    asked = [kind.request("create_snapshot_only") for kind in KINDS]
    put = partial(cloud.client("s3").put_object, Bucket=f"rds-snapshots-{ACCOUNT}-{REGION}")
    put(Key="fleets/list.json", Body=json.dumps(asked).encode())

    fleet = cloud.run("FleetStateMachine", {"source": {"key": "fleets/list.json"}}, "fleet")

    ended(fleet, "SUCCEEDED")
    same("restored", fleet.output["restored"], len(asked))


def export_statuses(cloud: App, region: str) -> list[str]:
    rds = cloud.rds_in(region)
    rds.settle()
    return [task["Status"] for task in rds.export_tasks.values()]


Scenario = Callable[["App"], None]

OF_EACH_KIND = (
    create_snapshot_only,
    create_snapshot,
    dry_run_alone,
    restore,
    roll_back,
    fail_before,
    fail_at_the_end,
    keep_the_original,
    take_a_final_snapshot,
    restore_first,
    swap_back,
    restore_copy,
    refresh_from_another_account,
    roll_back_what_was_copied,
    reboot_for_the_parameters,
    recover,
    recover_by_the_rule,
    recover_by_the_look,
    tell_what_nobody_recovers,
    tell_a_missed_schedule,
    take_over,
    inspect,
    run_hooks,
    end_a_hook_at_its_time,
    stop_among_the_hooks,
    mistake_the_kind,
    refuse_a_withdrawn_version,
    refuse_a_disabled_key,
    restore_behind_a_proxy,
    give_the_proxy_back,
    use_the_key_of_another_account,
    share,
    share_a_copy,
    refuse_to_share,
    export_here,
    export_elsewhere,
    find_no_room_elsewhere,
)
OF_ONE = (
    lose_the_mail_function,
    restore_endpoints,
    put_endpoints_back,
    delete_autoscaled_readers,
    remove_autoscaled_readers,
    make_a_reader_late,
    rename_a_reader_late,
    restore_multi_tenant,
    put_multi_tenant_back,
    restore_multi_az_copy,
    remove_multi_az,
    tell_a_failed_export,
    run_a_fleet,
)

SCENARIOS: dict[str, Scenario] = {
    f"{scenario.__name__.replace('_', ' ')} ({kind.name})": partial(scenario, kind)
    for scenario in OF_EACH_KIND
    for kind in KINDS
} | {scenario.__name__.replace("_", " "): scenario for scenario in OF_ONE}
