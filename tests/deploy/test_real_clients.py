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
PLACE = ("vpcId=vpc-0a1b2c3d", "Subnets=subnet-0a1b2c3d,subnet-1a2b3c4d")
# What lists a stack's own, and under which name.
LISTS = {
    "lambda list-functions": "Functions",
    "stepfunctions list-state-machines": "stateMachines",
    "iam list-roles": "Roles",
    "logs describe-log-groups": "logGroups",
}
NOTHING: dict[str, Any] = {words: [] for words in LISTS}
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

    def deploy(self, stack: str, *parameters: str) -> None:
        """Deploy what was packaged."""
        self.sam(
            f"deploy --template-file deploy.yaml --region {REGION}"
            f" --capabilities CAPABILITY_NAMED_IAM --stack-name {stack} --parameter-overrides",
            *parameters,
            "SenderEmail=trapheus@example.com",
            "RecipientEmail=dba@example.com",
        )

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


def run_each_task_on_each_kind(clients: Clients, machine: str) -> None:
    """The two executions of a task at the same time, those of instances without a name."""
    aws = clients.aws
    before = resource_ids(clients)
    for task in TASKS:
        with ThreadPoolExecutor() as together:
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


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    """In a folder with what a clone has after `sam build`, the app packaged and none deployed."""
    project(tmp_path)
    with served(tmp_path) as endpoint:
        made = Clients(endpoint, tmp_path)
        # The app that the server came with makes room: the export's bucket is the account's.
        made.aws("cloudformation delete-stack --stack-name trapheus")
        made.aws("cloudformation wait stack-delete-complete --stack-name trapheus")
        made.aws("s3 mb s3://packages")
        made.sam("package --output-template-file deploy.yaml --s3-bucket packages")
        yield made


def test_the_real_clients_deploy_run_and_remove(clients: Clients) -> None:
    clients.deploy("mine", *PLACE)
    made = clients.outputs("mine")
    assert made["ExportBucketName"] == BUCKET
    versioning = clients.aws(f"s3api get-bucket-versioning --bucket {BUCKET}")
    assert versioning == {"Status": "Enabled"}

    run_each_task_on_each_kind(clients, made["DBRestoreStateMachineArn"])

    empty(clients, BUCKET)
    clients.aws("cloudformation delete-stack --stack-name mine")
    clients.aws("cloudformation wait stack-delete-complete --stack-name mine")
    assert left(clients) == NOTHING


@pytest.mark.thorough
def test_the_real_clients_deploy_two_stacks_update_one_and_keep_what_is_to_be_retained(
    clients: Clients,
) -> None:
    aws = clients.aws
    task = event("create_snapshot_only", "instance")
    clients.deploy("mine", *PLACE)
    machine = clients.outputs("mine")["DBRestoreStateMachineArn"]
    # The second stack comes while the first one works.
    with ThreadPoolExecutor() as together:
        apart = ("CreateExportBucket=false", "UseVPCAndSubnets=false")
        beside = together.submit(clients.deploy, "beside", *apart)
        run_each_task_on_each_kind(clients, machine)
        beside.result()

    # The update is of one parameter, and the stack beside keeps its own.
    clients.deploy("mine", "AllowedIdentifiers=staging-*", *PLACE)
    second = clients.outputs("beside")["DBRestoreStateMachineArn"]
    refused = clients.end(clients.start(machine, task))
    allowed = clients.end(clients.start(second, task))
    assert (refused["status"], allowed["status"]) == ("FAILED", "SUCCEEDED")
    sent = aws("ses get-send-quota")["SentLast24Hours"]
    assert sent >= 1, "nobody has been told of the refused request"

    # Both go, each with what it had, but for what is to be retained: no bucket goes that
    # holds something, be it a deleted version.
    clients.sam(f"delete --stack-name beside --no-prompts --region {REGION}")
    aws(f"s3 cp --quiet deploy.yaml s3://{BUCKET}/an-export")
    aws("cloudformation delete-stack --stack-name mine")
    (mine,) = aws("cloudformation describe-stacks --stack-name mine")["Stacks"]
    assert mine["StackStatus"] == "DELETE_FAILED"
    assert "ExportBucket" in mine["StackStatusReason"]
    empty(clients, BUCKET)
    aws("cloudformation delete-stack --stack-name mine")
    aws("cloudformation wait stack-delete-complete --stack-name mine")
    assert left(clients) == NOTHING


def left(clients: Clients) -> dict[str, Any]:
    """What is there of a stack's own, as the CLI lists it."""
    return {words: clients.aws(words)[key] for words, key in LISTS.items()}
