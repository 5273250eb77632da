"""Runs peers against a local AWS of its own, a line for each thing they do: `make peers`.

Four that nobody here wrote: boto3's waiters, Ansible's amazon.aws, Cloud Custodian, and the SAM CLI
with an application that has a connector and one of AWS's own managed policies. Each operation is
ok, or ended otherwise than it would on AWS; what AWS refuses too is not asked for, and the lists
say why. Time goes sixty times as fast as real time, and the peers sleep a tenth of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import time_machine
import yaml

from local.commands.app import App, deployed
from local.commands.serve import going_on

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[1] / ".venv-peers" / "bin"
SAM = HERE.parents[1] / ".venv-sam" / "bin" / "sam"
CONNECTED = HERE.parent / "emulator" / "connected"
LONGEST = 1800  # seconds of a peer's program
DAY = 86400.0
# A name, and what is wrong; "" for nothing.
Line = tuple[str, str]
BUSY = {"available", "stopped", "failed"}


def environment(endpoint: str, folder: Path) -> dict[str, str]:
    """All that a peer is told: nothing of the user's settings, and no way to the real AWS."""
    assert endpoint.startswith("http://localhost:")
    return {
        "PATH": f"{PROGRAMS}:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(HERE / "hurry"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "dummy",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_HOME": str(folder / "ansible"),
    }


def run(*command: str, cloud: App, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the environment's programs."""
    return subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=HERE, env=environment(cloud.endpoint, folder), capture_output=True, text=True,
        timeout=LONGEST, check=False,
    )  # fmt: skip


def waiters(cloud: App, folder: Path) -> Iterator[Line]:
    """boto3's waiters."""
    with subprocess.Popen(
        [str(PROGRAMS / "python"), "waiters.py"],
        cwd=HERE, env=environment(cloud.endpoint, folder), stdout=subprocess.PIPE, text=True,
    ) as going:  # fmt: skip
        assert going.stdout
        for line in going.stdout:
            told = json.loads(line)
            yield told["name"], told["wrong"]
    if going.returncode:
        yield "waiters.py", f"it ended with {going.returncode}"


def ansible(cloud: App, folder: Path) -> Iterator[Line]:
    """Ansible's modules; the name of a task says whether it has to change anything."""
    python = f"ansible_python_interpreter={PROGRAMS / 'python'}"
    for book in ("instances.yml", "clusters.yml"):
        command = ("ansible-playbook", "--inventory", "localhost,", "--connection", "local",
                   "--extra-vars", python, book)  # fmt: skip
        done = run(*command, cloud=cloud, folder=folder)
        begins = done.stdout.find("{")
        if begins < 0:
            yield book, (done.stderr or done.stdout)[-400:]
            continue
        for play in json.loads(done.stdout[begins:])["plays"]:
            for task in play["tasks"]:
                yield task["task"]["name"], judged(task)


def judged(task: dict[str, Any]) -> str:
    """What is wrong with how a task has ended."""
    name, result = task["task"]["name"], task["hosts"].get("localhost", {})
    if result.get("failed"):
        return str(result.get("msg", "failed"))
    changes = not (name.startswith("look") or name.endswith("again"))
    if bool(result.get("changed")) != changes:
        return "it changed nothing" if changes else "it changed something"
    return ""


def custodian(cloud: App, folder: Path) -> Iterator[Line]:
    """Cloud Custodian's policies, one after the other, each when RDS is done with the last."""
    prepare(cloud)
    policies = yaml.safe_load((HERE / "custodian.yml").read_text())
    for policy in policies["policies"]:
        for one in policy["filters"]:
            if isinstance(one, dict) and one.get("type") == "age":
                # It looks at the machine's clock, which this process does not see.
                real = time_machine.escape_hatch.time.time()
                one["days"] = 30 + (real - cloud.clock.now()) / DAY
    own = folder / "custodian.yml"
    own.write_text(json.dumps(policies))
    for policy in policies["policies"]:
        name = policy["name"]
        command = ("custodian", "run", "--output-dir", str(folder), "--region", "us-east-1",
                   "--cache-period", "0", "--policies", name, str(own))  # fmt: skip
        done = run(*command, cloud=cloud, folder=folder)
        yield name, found_wrong(policy, done, folder / name / "resources.json")
        settle(cloud)


def found_wrong(policy: dict[str, Any], done: subprocess.CompletedProcess[str], found: Path) -> str:
    """What is wrong with how a policy has ended."""
    errors = [line for line in done.stderr.splitlines() if ":ERROR" in line or "Error:" in line]
    if done.returncode or errors:
        return "; ".join(errors) or done.stderr[-400:]
    count = len(json.loads(found.read_text())) if found.exists() else 0
    wanted = policy["metadata"]["finds"]
    return "" if count == wanted else f"it found {count}, not {wanted}"


def prepare(cloud: App) -> None:
    """What the policies work on: an instance, a cluster with a member, old snapshots."""
    call = cloud.rds.call
    with cloud.rds.instantly(cloud.clock.now() - 40 * DAY):
        call("CreateDBInstance", {
            "DBInstanceIdentifier": "custodian-db", "Engine": "postgres", "EngineVersion": "16.4",
            "DBInstanceClass": "db.t4g.medium", "AllocatedStorage": 20, "StorageEncrypted": True,
        })  # fmt: skip
        call("CreateDBSnapshot", {"DBInstanceIdentifier": "custodian-db",
                                  "DBSnapshotIdentifier": "custodian-old"})  # fmt: skip
        call("CreateDBInstance", {"DBInstanceIdentifier": "custodian-plain", "Engine": "mysql",
                                  "DBInstanceClass": "db.t4g.medium"})  # fmt: skip
        call("CreateDBSnapshot", {"DBInstanceIdentifier": "custodian-plain",
                                  "DBSnapshotIdentifier": "custodian-plain"})  # fmt: skip
        call("CreateDBCluster", {"DBClusterIdentifier": "custodian-cluster",
                                 "Engine": "aurora-postgresql"})  # fmt: skip
        call("CreateDBInstance", {
            "DBInstanceIdentifier": "custodian-writer", "DBClusterIdentifier": "custodian-cluster",
            "Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large",
        })  # fmt: skip
        call("CreateDBClusterSnapshot", {
            "DBClusterIdentifier": "custodian-cluster",
            "DBClusterSnapshotIdentifier": "custodian-cluster-old",
        })  # fmt: skip


def sam(cloud: App, folder: Path) -> Iterator[Line]:
    """The SAM CLI deploys an application, whose function then does what its policies allow."""
    own = environment(cloud.endpoint, folder) | {
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
    }
    cloud.client("s3").create_bucket(Bucket="packages")
    named = ("--stack-name", "connected", "--region", "us-east-1")
    for command in (
        ("deploy", *named, "--s3-bucket", "packages", "--capabilities", "CAPABILITY_IAM"),
        ("delete", *named, "--no-prompts"),
    ):
        done = subprocess.run(
            [str(SAM), *command], cwd=CONNECTED, env=own, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        yield f"sam {command[0]}", (done.stderr or done.stdout)[-400:] if done.returncode else ""
        if command[0] == "deploy" and not done.returncode:
            cloud.use_stack("connected")
            function = cloud.physical_id("NoteFunction")
            told = cloud.client("lambda").invoke(FunctionName=function, Payload=b"{}")
            found = json.loads(told["Payload"].read())
            for name, wanted in ALLOWED.items():
                wrong = (
                    "" if found.get(name) == wanted else f"{found.get(name, found)}, not {wanted}"
                )
                yield f"{name}, which {'is' if wanted == 'done' else 'is not'} allowed", wrong


def settle(cloud: App) -> None:
    """Wait until RDS is done with what is going on."""
    while True:
        time.sleep(0.5)
        cloud.rds.settle()
        if all(thing.status in BUSY and not thing.doing for thing in cloud.rds.things.values()):
            return


# By the connector, by neither, by the managed policy, by neither.
ALLOWED = {
    "put": "done", "get": "AccessDeniedException", "describe": "done", "delete": "AccessDenied",
}  # fmt: skip
PEERS = {"waiters": waiters, "ansible": ansible, "custodian": custodian, "sam": sam}


def main() -> int:
    """Run the peers that are asked for; 1 when anything is not ok."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("peers", nargs="*", choices=[*PEERS, []], help="all when none is named")
    asked = parser.parse_args().peers or list(PEERS)
    wrongs = 0
    for name in asked:
        say(f"{name}: {PEERS[name].__doc__}")
        count = 0
        with tempfile.TemporaryDirectory() as folder, deployed() as cloud, going_on(cloud):
            for what, wrong in PEERS[name](cloud, Path(folder)):
                say(f"  {'WRONG' if wrong else 'ok   '} {what}{': ' if wrong else ''}{wrong}")
                count, wrongs = count + 1, wrongs + bool(wrong)
        if not count:
            say("  WRONG it did nothing")
            wrongs += 1
    say(f"{wrongs} wrong" if wrongs else "All of them agree.")
    return 1 if wrongs else 0


def say(line: str) -> None:
    """Print a line at once: it may take minutes until the next."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
