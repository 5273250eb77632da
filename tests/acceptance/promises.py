"""What is tried, in order: each promise of the README on databases that RDS has really made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.acceptance import questions
from tests.acceptance.account import PREFIX, STACK, Account, Failed
from tests.acceptance.databases import CLUSTER, INSTANCE, Kind, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
IN_PROGRESS = "trapheus:in-progress"
CHANGE_SET = f"{PREFIX}-first"


@dataclass
class Trial:
    """A run of it: the account, whom the stack tells, and what is known so far."""

    account: Account
    sender: str
    kinds: tuple[Kind, ...]
    # How a change set is made: by `sam deploy`, as people do it.
    upload: Callable[[Trial], None] | None = None
    answers: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    @property
    def machine(self) -> str:
        """The ARN of the state machine that is tried."""
        return self.account.resource("DBRestoreStateMachine")

    def start(self, kind: Kind, task: str, **more: Any) -> str:
        """Start an execution; return its ARN."""
        asked = {"identifier": kind.identifier, "task": task, "isCluster": kind is CLUSTER}
        self._count += 1
        return str(
            self.account.client("stepfunctions").start_execution(
                stateMachineArn=self.machine,
                name=f"{PREFIX}-{self._count}",
                input=json.dumps(asked | more),
            )["executionArn"]
        )

    def end(self, execution: str) -> dict[str, Any]:
        """How an execution has ended."""
        machines = self.account.client("stepfunctions")

        def ended() -> dict[str, Any]:
            told = dict(machines.describe_execution(executionArn=execution))
            return told if told["status"] != "RUNNING" else {}

        return dict(self.account.wait(f"{execution} to end", ended))

    def run(self, kind: Kind, task: str, **more: Any) -> dict[str, Any]:
        """Start an execution and wait for its end; Failed when it has not succeeded."""
        told = self.end(self.start(kind, task, **more))
        if told["status"] != "SUCCEEDED":
            raise Failed(f"{told['status']}: {told.get('error')}: {told.get('cause')}")
        return dict(json.loads(told["output"]))


Promise = tuple[str, "Callable[[], None]"]


def promises(trial: Trial) -> Iterator[Promise]:
    """All of them, each with the sentence that is printed."""
    yield "a change set can be made", lambda: make_change_set(trial)
    yield "the stack can be made from it", lambda: make_stack(trial)
    for kind in trial.kinds:
        yield from of_a_kind(trial, kind)
    for question, words in questions.QUESTIONS.items():
        yield f"asked: {words}", lambda question=question: questions.ask(trial, question)


def of_a_kind(trial: Trial, kind: Kind) -> Iterator[Promise]:
    """What is promised of an instance, and of a cluster."""
    name = kind.name
    restore = {"task": "db_restore"}
    first = {**restore, "strategy": "restore-first"}
    yield f"a small {name} is made", lambda: make_database(trial, kind)
    yield f"{name}: a dry run finds nothing and touches nothing", lambda: try_dry_run(trial, kind)
    yield (
        f"{name}: create_snapshot restores it from its new snapshot",
        lambda: restored(trial, kind, task="create_snapshot"),
    )
    yield f"{name}: db_restore restores it", lambda: restored(trial, kind, **restore)
    yield f"{name}: restore-first swaps it", lambda: restored(trial, kind, **first)
    yield f"{name}: a restore that fails is rolled back", lambda: try_rollback(trial, kind)
    yield f"{name}: a restore that is stopped is recovered", lambda: try_recovery(trial, kind)
    yield (
        f"{name}: finalSnapshot leaves a snapshot of the original",
        lambda: try_final_snapshot(trial, kind),
    )


# The stack


def make_change_set(trial: Trial) -> None:
    """By `sam package` and `sam deploy`, as the README says; the change set is not carried out."""
    (trial.upload or by_sam)(trial)
    formation = trial.account.client("cloudformation")
    made = formation.list_change_sets(StackName=STACK)["Summaries"]
    if [one["Status"] for one in made] != ["CREATE_COMPLETE"]:
        raise Failed(f"The change set is {made}.")


def by_sam(trial: Trial) -> None:
    """Build, upload and make the change set with the SAM CLI of this repository."""
    account = trial.account
    place = {} if account.region == "us-east-1" else {
        "CreateBucketConfiguration": {"LocationConstraint": account.region}}  # fmt: skip
    account.client("s3").create_bucket(Bucket=account.bucket, **place)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    parameters = (
        f"PythonRuntime={python}", "UseVPCAndSubnets=false", "ExportSnapshots=false",
        "CreateExportBucket=false", f"AllowedIdentifiers={PREFIX}-*",
        f"SenderEmail={trial.sender}", f"RecipientEmail={trial.sender}",
    )  # fmt: skip
    sam(account, "build", "--parameter-overrides", parameters[0])
    sam(
        account, "deploy", "--stack-name", STACK, "--s3-bucket", account.bucket,
        "--config-env", "acceptance",  # none: samconfig.toml is for people
        "--capabilities", "CAPABILITY_IAM", "--no-execute-changeset",
        "--region", account.region, "--parameter-overrides", *parameters,
    )  # fmt: skip


def sam(account: Account, *words: str) -> None:
    """Run the SAM CLI on this account and no other."""
    programs = ROOT / ".venv-sam" / "bin"
    environment = {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "SAM_CLI_TELEMETRY": "0",
    }
    if account.endpoint:
        environment |= {
            "AWS_ENDPOINT_URL": account.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "SAM_CLI_POLL_DELAY": "1",
        }
    else:
        environment["AWS_PROFILE"] = account.profile
    done = subprocess.run(
        [programs / "sam", *words],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"sam {words[0]} has failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def make_stack(trial: Trial) -> None:
    """Carry the change set out."""
    formation = trial.account.client("cloudformation")
    (made,) = formation.list_change_sets(StackName=STACK)["Summaries"]
    formation.execute_change_set(ChangeSetName=made["ChangeSetId"])

    def ended() -> str:
        status = str(formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
        return "" if status.endswith("_IN_PROGRESS") else status

    status = trial.account.wait("the stack", ended)
    if status != "CREATE_COMPLETE":
        told = formation.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [one.get("ResourceStatusReason", "") for one in told
                   if one["ResourceStatus"] == "CREATE_FAILED"]  # fmt: skip
        raise Failed(f"The stack is {status}: {'; '.join(reasons)}")


# A database


def make_database(trial: Trial, kind: Kind) -> None:
    """Make it and wait until it serves."""
    create(trial.account, kind)
    questions.of_a_new_database(trial, kind)
    trial.account.wait(kind.identifier, lambda: kind.is_available(trial.account))


def try_dry_run(trial: Trial, kind: Kind) -> None:
    """It has no snapshot yet, so create_snapshot is what can be planned."""
    before = kind.find(trial.account)
    found = trial.run(kind, "create_snapshot", dryRun=True)
    if found["findings"]:
        raise Failed(f"The dry run found {found['findings']}.")
    if kind.find(trial.account)[kind.resource_id] != before[kind.resource_id]:
        raise Failed("The dry run has touched the database.")


def restored(trial: Trial, kind: Kind, **request: Any) -> None:
    """Another resource, configured as before, under the same endpoint; nothing else is left."""
    account = trial.account
    before, configuration = kind.find(account), kind.configuration(account)
    trial.run(kind, request.pop("task"), **request)
    after = kind.find(account)
    if after[kind.resource_id] == before[kind.resource_id]:
        raise Failed("It is still the original.")
    require_same(trial, kind, configuration)


def require_same(trial: Trial, kind: Kind, configuration: dict[str, Any]) -> None:
    """It serves, is configured so, and neither a tag of the app nor another database is left."""
    account = trial.account
    if not kind.is_available(account):
        raise Failed(f"It is {kind.find(account).get(kind.status)}.")
    now = kind.configuration(account)
    if different := [name for name, value in configuration.items() if now[name] != value]:
        told = [f"{name}: {configuration[name]!r}, now {now[name]!r}" for name in different]
        raise Failed(f"It differs: {'; '.join(told)}")
    beside = [f"{kind.identifier}{suffix}" for suffix in ("-temp", "-copy")]
    if left := [name for name in beside if kind.find(account, name)]:
        raise Failed(f"{', '.join(left)} is left.")


def try_rollback(trial: Trial, kind: Kind) -> None:
    """The restoring function loses its right to restore; the original must be back."""
    account, iam = trial.account, trial.account.client("iam")
    before, configuration = kind.find(account), kind.configuration(account)
    role = account.resource(f"Restore{kind.name.capitalize()}FunctionRole")
    denied = {"Effect": "Deny", "Action": "rds:Restore*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [denied]}
    iam.put_role_policy(RoleName=role, PolicyName=PREFIX, PolicyDocument=json.dumps(document))
    try:
        told = trial.end(trial.start(kind, "db_restore"))
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=PREFIX)
    if told["status"] != "FAILED":
        raise Failed(f"It has {told['status']}.")
    if kind.find(account)[kind.resource_id] != before[kind.resource_id]:
        raise Failed("The original is not back.")
    require_same(trial, kind, configuration)


def try_recovery(trial: Trial, kind: Kind) -> None:
    """The execution is stopped while RDS restores; another one has to put the original back."""
    account, machines = trial.account, trial.account.client("stepfunctions")
    before, configuration = kind.find(account), kind.configuration(account)
    execution = trial.start(kind, "db_restore")

    def restores() -> bool:
        events = machines.get_execution_history(
            executionArn=execution, reverseOrder=True, maxResults=50
        )["events"]
        entered = [one["stateEnteredEventDetails"]["name"] for one in events
                   if "stateEnteredEventDetails" in one]  # fmt: skip
        return "Wait until the database is restored" in entered

    account.wait("the restore to begin", restores)
    machines.stop_execution(executionArn=execution, error="Stopped", cause="by make acceptance")

    def put_back() -> bool:
        running = machines.list_executions(stateMachineArn=trial.machine, statusFilter="RUNNING")
        now = kind.find(account)
        tags = {tag["Key"] for tag in now.get("TagList", [])}
        return (
            not running["executions"]
            and now.get(kind.resource_id) == before[kind.resource_id]
            and IN_PROGRESS not in tags
        )

    account.wait("the recovery", put_back)
    require_same(trial, kind, configuration)


def try_final_snapshot(trial: Trial, kind: Kind) -> None:
    """A snapshot more than before, which is of the original."""
    rds = trial.account.client("rds")
    listed = f"{kind.snapshot}s"
    describe = getattr(rds, f"describe_db_{'cluster_' if kind is CLUSTER else ''}snapshots")

    def names() -> set[str]:
        found = describe(SnapshotType="manual")[listed]
        mine = (str(one[f"{kind.snapshot}Identifier"]) for one in found)
        return {name for name in mine if name.startswith(kind.identifier)}

    before = names()
    restored(trial, kind, task="db_restore", finalSnapshot=True)
    if len(names() - before) != 1:
        raise Failed(f"There are {sorted(names())} after {sorted(before)}.")


__all__ = ["CLUSTER", "INSTANCE", "Trial", "promises"]
