"""The real AWS CLI and the real SAM CLI, unmodified, against `make serve`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / ".venv-sam" / "bin"
BUILD = ROOT / ".aws-sam" / "build"
REGION = "us-east-1"
BUCKET = "rds-snapshots-123456789012-us-east-1"
TASKS = ("create_snapshot_only", "create_snapshot", "db_restore")


class Clients:
    """The two CLIs, each call with the endpoint that the server has printed."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        # An empty one would mean the real AWS.
        assert re.fullmatch(r"http://localhost:\d+", endpoint), endpoint
        self.endpoint = endpoint
        self.folder = folder
        self.environment = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
        }
        self.boto = boto3.client(
            "stepfunctions",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def aws(self, command: str, *more: str) -> Any:
        """What a call of the AWS CLI answers."""
        words = [PROGRAMS / "aws", "--endpoint-url", self.endpoint, *command.split(), *more]
        text = self._run(words)
        return json.loads(text) if text.startswith(("{", "[", '"')) else text.strip()

    def sam(self, command: str, *more: str) -> str:
        return self._run([PROGRAMS / "sam", *command.split(), *more])

    def _run(self, words: list[Any]) -> str:
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def outputs(self, stack: str) -> dict[str, str]:
        (found,) = self.aws(f"cloudformation describe-stacks --stack-name {stack}")["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}

    def start(self, machine: str, event: Path | str, *name: str) -> str:
        command = f"stepfunctions start-execution --state-machine-arn {machine}"
        given = f"file://{event}" if isinstance(event, Path) else event
        return str(self.aws(command, "--input", given, *name)["executionArn"])

    def end(self, execution: str) -> dict[str, Any]:
        """The execution once it has ended; from boto3, since the CLI takes a second to start."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            found: dict[str, Any] = self.boto.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.5)
        raise AssertionError(f"{execution} does not end")

    def history(self, execution: str) -> list[dict[str, Any]]:
        """All that has happened in it, from boto3 too."""
        pages = self.boto.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The server, in a process as a user has it; gives the endpoint that it prints."""
    said = folder / "served.txt"
    with said.open("w") as file:  # and no pipe, which would be full one day
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "serve"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=file,
        )
    try:
        while "What happens" not in said.read_text():
            assert process.poll() is None, said.read_text()
            time.sleep(0.2)
        (endpoint,) = re.findall(r"export AWS_ENDPOINT_URL=(\S+)", said.read_text())
        yield endpoint
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert process.returncode == 0


def project(folder: Path) -> None:
    """A folder to type in: what a clone has after `sam build`."""
    assert (BUILD / "template.yaml").exists(), "There is no built app: `make test` makes it."
    shutil.copy(ROOT / "samconfig.toml", folder)
    shutil.copy(ROOT / "template.yaml", folder)
    (folder / ".aws-sam").symlink_to(BUILD.parent)
    (folder / "statemachine").symlink_to(ROOT / "statemachine")


def event(task: str, kind: str) -> Path:
    prefix = "cluster_" if kind == "cluster" else ""
    return ROOT / "events" / f"{prefix}{task}.json"


def run_each_task_on_each_kind(
    clients: Clients, machine: str, together: ThreadPoolExecutor
) -> None:
    """The executions of a task at the same time, those of instances without a name."""
    aws = clients.aws
    before = resource_ids(clients)
    for task in TASKS:
        started = [
            together.submit(clients.start, machine, event(task, "instance")),
            together.submit(clients.start, machine, event(task, "cluster"), "--name", task),
        ]
        executions = [one.result() for one in started]
        for execution in executions:
            ended = clients.end(execution)
            assert ended["status"] == "SUCCEEDED", ended
            events = clients.history(execution)
            assert events[0]["type"] == "ExecutionStarted"
            assert events[-1]["type"] == "ExecutionSucceeded"
            assert [one["id"] for one in events] == list(range(1, len(events) + 1))
    # As the CLI tells of the last of each kind.
    for execution in executions:
        told = aws(f"stepfunctions describe-execution --execution-arn {execution}")
        assert told["status"] == "SUCCEEDED", told
        listed = aws(f"stepfunctions get-execution-history --execution-arn {execution}")["events"]
        assert [one["id"] for one in listed] == [one["id"] for one in clients.history(execution)]
    after = resource_ids(clients)
    assert after.keys() == before.keys()
    assert after["prod-db"] != before["prod-db"]
    clusters = aws("rds describe-db-clusters --db-cluster-identifier prod-cluster")
    assert clusters["DBClusters"][0]["Status"] == "available"
    assert "trapheus@example.com" in aws("ses list-identities")["Identities"]


def empty(clients: Clients, bucket: str) -> None:
    """Delete every version of every object."""
    versions = clients.aws(f"s3api list-object-versions --bucket {bucket}")
    each = [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for one in versions.get("Versions", []) + versions.get("DeleteMarkers", [])
    ]
    listed = clients.folder / "versions.json"
    listed.write_text(json.dumps({"Objects": each, "Quiet": True}))
    clients.aws(f"s3api delete-objects --bucket {bucket} --delete file://{listed}")


def resource_ids(clients: Clients) -> dict[str, str]:
    databases = clients.aws("rds describe-db-instances")["DBInstances"]
    return {one["DBInstanceIdentifier"]: one["DbiResourceId"] for one in databases}


@pytest.mark.parametrize("program", ["sam package", "aws cloudformation package"])
def test_what_was_not_built_is_not_packaged(tmp_path: Path, program: str) -> None:
    """It ends before anything is uploaded: nobody listens at the endpoint."""
    clients = Clients("http://localhost:1", tmp_path)
    done = subprocess.run(
        [
            *program.split(), "--template-file", ROOT / "template.yaml", "--s3-bucket", "packages",
            "--output-template-file", tmp_path / "deploy.yaml",
        ],
        cwd=tmp_path, env=clients.environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "sam-build-comes-first" in done.stderr
    assert "does not exist" in done.stderr
    assert not (tmp_path / "deploy.yaml").exists()


def test_the_real_clients_deploy_run_update_and_remove(tmp_path: Path) -> None:
    project(tmp_path)
    with served(tmp_path) as endpoint, ThreadPoolExecutor(4) as together:
        clients = Clients(endpoint, tmp_path)
        aws, sam = clients.aws, clients.sam

        # The app that the server came with makes room: the export's bucket is the account's.
        aws("cloudformation delete-stack --stack-name trapheus")
        aws("cloudformation wait stack-delete-complete --stack-name trapheus")
        aws("s3 mb s3://packages")
        sam("package --output-template-file deploy.yaml --s3-bucket packages")
        deploy = (
            f"deploy --template-file deploy.yaml --region {REGION}"
            " --capabilities CAPABILITY_NAMED_IAM --stack-name"
        )
        people = ("SenderEmail=trapheus@example.com", "RecipientEmail=dba@example.com")
        place = ("vpcId=vpc-0a1b2c3d", "Subnets=subnet-0a1b2c3d,subnet-1a2b3c4d")
        sam(f"{deploy} mine --parameter-overrides", *place, *people)
        made = clients.outputs("mine")
        machine = made["DBRestoreStateMachineArn"]
        assert made["ExportBucketName"] == BUCKET
        assert aws(f"s3api get-bucket-versioning --bucket {BUCKET}") == {"Status": "Enabled"}

        # The second stack comes while the first one works.
        beside = together.submit(
            sam,
            f"{deploy} beside --parameter-overrides",
            "CreateExportBucket=false",
            "UseVPCAndSubnets=false",
            *people,
        )
        run_each_task_on_each_kind(clients, machine, together)
        beside.result()

        # The update is of one parameter, and the stack beside keeps its own.
        sam(f"{deploy} mine --parameter-overrides", "AllowedIdentifiers=staging-*", *place, *people)
        second = clients.outputs("beside")["DBRestoreStateMachineArn"]
        task = event("create_snapshot_only", "instance")
        refused = clients.end(clients.start(machine, task))
        allowed = clients.end(clients.start(second, task))
        assert (refused["status"], allowed["status"]) == ("FAILED", "SUCCEEDED")
        sent = aws("ses get-send-quota")["SentLast24Hours"]
        assert sent >= 1, "nobody has been told of the refused request"

        # Both go, each with what it had, but for what is to be retained: no bucket goes that
        # holds something, be it a deleted version.
        sam(f"delete --stack-name beside --no-prompts --region {REGION}")
        aws(f"s3 cp --quiet deploy.yaml s3://{BUCKET}/an-export")
        aws("cloudformation delete-stack --stack-name mine")
        (mine,) = aws("cloudformation describe-stacks --stack-name mine")["Stacks"]
        assert mine["StackStatus"] == "DELETE_FAILED"
        assert "ExportBucket" in mine["StackStatusReason"]
        empty(clients, BUCKET)
        aws("cloudformation delete-stack --stack-name mine")
        aws("cloudformation wait stack-delete-complete --stack-name mine")
        left = {
            "functions": aws("lambda list-functions")["Functions"],
            "machines": aws("stepfunctions list-state-machines")["stateMachines"],
            "roles": aws("iam list-roles")["Roles"],
            "groups": aws("logs describe-log-groups")["logGroups"],
        }
        assert left == {"functions": [], "machines": [], "roles": [], "groups": []}
