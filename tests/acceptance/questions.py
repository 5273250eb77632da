"""What no source says of the real AWS: each is asked once, and the answer stands in the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.acceptance.account import PREFIX
from tests.acceptance.databases import CLUSTER, INSTANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.databases import Kind
    from tests.acceptance.promises import Trial

AT_CREATING = "Does RDS take a change of a database that is creating?"
QUESTIONS = {
    "snapshot-follows-rename": "Does a snapshot show the new name of its instance?",
    "data-limit-is-caught": "Does States.ALL catch States.DataLimitExceeded?",
}


def of_a_new_database(trial: Trial, kind: Kind) -> None:
    """Asked while the database is being created; the change is none."""
    rds = trial.account.client("rds")
    modify = getattr(rds, f"modify_db_{kind.name}")
    try:
        modify(**{kind.key: kind.identifier}, BackupRetentionPeriod=2, ApplyImmediately=True)
        answer = "yes"
    except ClientError as error:
        answer = f"no, {error.response['Error']['Code']}"
    trial.answers[f"{AT_CREATING} ({kind.name})"] = answer


def ask(trial: Trial, question: str) -> None:
    """Ask one; an error of AWS's is an answer too."""
    try:
        answer = ASKED[question](trial)
    except ClientError as error:
        answer = f"could not be asked: {error}"
    trial.answers[QUESTIONS[question]] = answer


def does_a_snapshot_follow(trial: Trial) -> str:
    """Rename the database away and back, and look at its snapshots in between."""
    return "; ".join(f"{kind.name}: {renamed(trial, kind)}" for kind in trial.kinds)


def renamed(trial: Trial, kind: Kind) -> str:
    away, taken = f"{kind.identifier}-q", f"{kind.identifier}-question"
    rds = trial.account.client("rds")
    middle = "cluster_" if kind is CLUSTER else ""
    snapshot = {f"{kind.snapshot}Identifier": taken}
    getattr(rds, f"create_db_{middle}snapshot")(**snapshot, **{kind.key: kind.identifier})

    def shown() -> dict[str, Any]:
        described = getattr(rds, f"describe_db_{middle}snapshots")(**snapshot)
        return dict(described[f"{kind.snapshot}s"][0])

    trial.account.wait(taken, lambda: shown()["Status"] == "available")
    trial.account.wait(kind.identifier, lambda: kind.is_available(trial.account))
    rename(trial, kind, kind.identifier, away)
    name = shown()[kind.key]
    rename(trial, kind, away, kind.identifier)
    return "yes" if name == away else f"no, it shows {name}"


def rename(trial: Trial, kind: Kind, old: str, new: str) -> None:
    modify = getattr(trial.account.client("rds"), f"modify_db_{kind.name}")
    modify(**{kind.key: old, f"New{kind.key}": new}, ApplyImmediately=True)
    trial.account.wait(new, lambda: kind.is_available(trial.account, new))


def is_the_data_limit_caught(trial: Trial) -> str:
    """By a state machine whose state grows beyond 262,144 bytes within a Parallel."""
    account, name = trial.account, f"{PREFIX}-question"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    much = {f"n{number}.$": "$.text" for number in range(40)}
    grow = {"Type": "Pass", "Parameters": much, "End": True}
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}]
    definition = {
        "StartAt": "Try",
        "States": {
            "Try": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "Grow", "States": {"Grow": grow}}],
                "Catch": catch,
                "End": True,
            },
            "Caught": {"Type": "Succeed"},
        },
    }
    machines = account.client("stepfunctions")

    def made() -> str:
        try:
            return str(
                machines.create_state_machine(
                    name=name, definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
                )["stateMachineArn"]
            )
        except ClientError:  # IAM takes some seconds to tell others of a new role
            return ""

    machine = account.wait("the role", made, 120)
    text = json.dumps({"text": "x" * 10_000})
    started = machines.start_execution(stateMachineArn=machine, input=text)
    ended = trial.end(started["executionArn"])
    return "yes" if ended["status"] == "SUCCEEDED" else f"no, {ended.get('error')}"


ASKED: dict[str, Callable[[Trial], str]] = {
    "snapshot-follows-rename": does_a_snapshot_follow,
    "data-limit-is-caught": is_the_data_limit_caught,
}
__all__ = ["INSTANCE", "QUESTIONS", "ask"]
