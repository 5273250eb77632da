"""`make serve`: what it prints, how its time goes on, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).parents[2]


class Served:
    """A server in a process of its own, and what it has printed until it was ready."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "serve"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.text = ""
        for line in self.process.stdout:
            self.text += line
            if line.startswith("What happens"):
                break
        self.endpoint = re.search(r"AWS_ENDPOINT_URL=(\S+)", self.text)[1]

    def client(self, service):
        assert re.fullmatch(r"http://localhost:\d+", self.endpoint)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def end(self, signal_):
        self.process.send_signal(signal_)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture(scope="module")
def server():
    served = Served()
    yield served
    if served.process.poll() is None:
        served.end(signal.SIGTERM)


def of_folder(folder):
    """The processes whose command names the folder."""
    listed = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGTERM, marks=pytest.mark.thorough), signal.SIGKILL]
)
def test_no_database_outlives_a_server_that_is_ended_or_killed(how):
    served = Served()
    folder = Path(re.search(r"sslrootcert=(\S+)'", served.text)[1]).parent
    try:
        assert len(of_folder(folder)) >= 4
    finally:
        served.end(how)
    until(lambda: of_folder(folder) == [] and not folder.exists())


def until(question, real_seconds=20):
    """Ask until the answer is yes."""
    limit = time.monotonic() + real_seconds
    while not question():
        assert time.monotonic() < limit, "it does not come to that"
        time.sleep(0.1)


def test_what_is_asked_of_rds_by_hand_comes_to_its_end(server):
    rds = server.client("rds")

    databases = rds.describe_db_instances()["DBInstances"]
    # Not the one of the next test.
    database = next(
        one["DBInstanceIdentifier"]
        for one in databases
        if "DBClusterIdentifier" not in one
        and one["DBInstanceIdentifier"] != "prod-db"
        and one["DBInstanceStatus"] == "available"
    )
    asked = rds.create_db_snapshot(DBInstanceIdentifier=database, DBSnapshotIdentifier="by-hand")[
        "DBSnapshot"
    ]

    def is_available():
        found = rds.describe_db_snapshots(DBInstanceIdentifier=database)["DBSnapshots"]
        states = {one["DBSnapshotIdentifier"]: one["Status"] for one in found}
        return states.get("by-hand") == "available"  # a listing may lag behind

    assert asked["Status"] == "creating"
    until(is_available)


def test_an_execution_without_a_name_runs_to_its_end(server):
    states = server.client("stepfunctions")
    machine = re.search(r"DBRestoreStateMachineArn: (\S+)", server.text)[1]
    event = (ROOT / "events" / "create_snapshot_only.json").read_text()
    arn = states.start_execution(stateMachineArn=machine, input=event)["executionArn"]
    until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING", 60)
    assert states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_every_line_for_the_aws_cli_names_the_endpoint(server):
    """Version 1 of it does not follow AWS_ENDPOINT_URL for RDS, and would call the real one."""
    calls = re.findall(r"(?:^|\()(aws .*)$", server.text, re.M)
    assert len(calls) >= 7
    assert [call for call in calls if f"aws --endpoint-url {server.endpoint} " not in call] == []


def test_the_executions_to_try_do_not_meet_at_one_database(server):
    events = re.findall(r"--input 'file://([^']+)'", server.text)
    asked = [json.loads(Path(event).read_text()) for event in events]
    assert len(asked) == len({(one["identifier"], one["isCluster"]) for one in asked}) == 2


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_the_line_for_psql_works_as_it_stands(server, kind):
    line = next(
        line
        for line in server.text.splitlines()
        if line.startswith("PGPASSWORD=") and f"describe-db-{kind}s" in line
    )
    before = server.text.partition("Then, for example:")[0].splitlines()
    typed = [one for one in before if one.startswith(("unset ", "export "))]
    done = subprocess.run(
        ["sh", "-c", "\n".join([*typed, line])], capture_output=True, text=True, check=False
    )
    assert "tester.1@example.com" in done.stdout, done.stderr
    assert "customer." not in done.stdout


def test_it_ends_at_an_interrupt_and_leaves_no_process(server):
    """The last of this module, since it ends the server."""
    group = os.getpgid(server.process.pid)
    folder = Path(re.search(r"sslrootcert=(\S+)'", server.text)[1]).parent
    assert server.end(signal.SIGINT) == 130
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert not folder.exists()
    assert of_folder(folder) == []


@pytest.mark.parametrize("endpoint", ["", "https://rds.amazonaws.com", "http://localhost:1@a.b:80"])
def test_nothing_is_deployed_without_an_endpoint_of_this_machine(endpoint):
    done = subprocess.run(
        ["make", "--question", "--silent", ".venv/ready", ".venv-sam/ready"], cwd=ROOT, check=False
    )
    assert done.returncode == 0, "`make test` sets the environments up"
    done = subprocess.run(
        ["make", "--silent", "deploy-local", f"ENDPOINT={endpoint}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "make deploy-local needs ENDPOINT=http://localhost:PORT" in done.stderr
    assert "sam build" not in done.stdout
