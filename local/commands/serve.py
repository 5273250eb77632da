"""Keeps the local AWS up on a port, with the app in it, for the AWS CLI and the SAM CLI."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from local.emulator.volumes.addresses import NONE, are_there
from local.servers.postgresql import programs

if TYPE_CHECKING:
    from local.emulator.cloud import Cloud, Notice

ROOT = Path(__file__).parents[2]
# Virtual seconds that pass in a real one while nothing runs: what is asked of RDS by hand, too,
# comes to its end.
PACE = 60
STEP = 0.25
# Virtual seconds after which a pace is kept.
SLICE = 20


def serve(port: int, pace: int = 0) -> int:
    """Serve on `port` of this machine alone, 0 for a free one, until a signal comes.

    pace: virtual seconds that pass at most in a real one, 0 for as many as can.
    """
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    # A shell's `&` has it ignored, and then nobody could interrupt what it has started.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    say("Starting the local AWS...")
    from local.commands.app import deployed  # noqa: PLC0415 - takes long to import
    from local.commands.customers import REAL  # noqa: PLC0415

    has_data = are_there()
    if not has_data:
        say(f"The databases have no data. {NONE}")
    try:
        with (
            deployed(port, data=REAL if has_data else ()) as cloud,
            paced(cloud, pace) if pace else going_on(cloud),
        ):
            for line in lines(cloud):
                say(line)
            cloud.listeners.append(tell)
            # In slices, so that a signal is seen at once on every system.
            while not stopping.wait(STEP):
                pass
    except OSError as error:
        say(f"Port {port} cannot be listened on: {error.strerror}.", sys.stderr)
        return 1
    return 0


def say(line: str, stream: TextIO | None = None) -> None:
    """Print a line at once: somebody may read it through a pipe."""
    print(line, file=stream or sys.stdout, flush=True)


@contextmanager
def going_on(cloud: Cloud) -> Iterator[None]:
    """Let virtual time go on while nothing runs; what runs has it jump by itself."""
    ending = threading.Event()

    def go_on() -> None:
        while not ending.wait(STEP):
            cloud.clock.take_part(lambda: cloud.clock.sleep(PACE * STEP))
            cloud.rds.settle()

    going = threading.Thread(target=go_on, name="idle time", daemon=True)
    going.start()
    try:
        yield
    finally:
        ending.set()
        going.join()


@contextmanager
def paced(cloud: Cloud, pace: int) -> Iterator[None]:
    """Let virtual time go at this pace, whatever runs: somebody wants to be in time for it."""
    ending = threading.Event()

    def hold_back() -> None:
        while not ending.is_set():
            cloud.clock.sleep(SLICE)
            cloud.rds.settle()
            # Whoever else takes part waits meanwhile, and none can come earlier than this.
            time.sleep(SLICE / pace)

    cloud.clock.thaw()
    holding = threading.Thread(
        target=lambda: cloud.clock.take_part(hold_back), name="pace", daemon=True
    )
    holding.start()
    try:
        yield
    finally:
        ending.set()
        holding.join()


def lines(cloud: Cloud) -> Iterator[str]:
    """What to type in another terminal."""
    formation = cloud.client("cloudformation")
    outputs = formation.describe_stacks(StackName="trapheus")["Stacks"][0]["Outputs"]
    machine = next(
        one["OutputValue"] for one in outputs if one["OutputKey"] == "DBRestoreStateMachineArn"
    )
    yield f"The local AWS is up at {cloud.endpoint}, with a sample account and the app in it."
    yield "It listens on this machine only, and forgets everything when it ends (Ctrl-C)."
    yield ""
    yield from (f"{one['OutputKey']}: {one['OutputValue']}" for one in outputs)
    yield ""
    yield "In another terminal, first:"
    yield ""
    yield "unset AWS_PROFILE AWS_SESSION_TOKEN"
    yield f"export AWS_ENDPOINT_URL={cloud.endpoint} AWS_DEFAULT_REGION=us-east-1"
    yield "export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_PAGER="
    yield "export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null"
    clients = ROOT / ".venv-sam" / "bin"
    if (clients / "aws").exists():
        yield f'export PATH="$PATH:{clients}"'
    yield ""
    yield "Then, for example:"
    yield ""
    # Version 1 of the AWS CLI knows no AWS_ENDPOINT_URL for RDS in some regions, us-east-1 among
    # them, and calls the real one (its customizations/overridesslcommonname.py).
    aws = f"aws --endpoint-url {cloud.endpoint}"
    # Of two databases: the lines may be typed one right after the other.
    cluster, instance = (
        f"--input 'file://{ROOT / 'events' / name}'"
        for name in ("cluster_db_restore.json", "db_restore.json")
    )
    start = f"{aws} stepfunctions start-execution --state-machine-arn {machine}"
    yield f"{start} --name first {cluster}"
    yield f"execution=$({start} {instance} --query executionArn --output text)"
    yield f'{aws} stepfunctions describe-execution --execution-arn "$execution"'
    yield f'{aws} stepfunctions get-execution-history --execution-arn "$execution"'
    for kind, name, status in (
        ("instance", "DBInstanceIdentifier", "DBInstanceStatus"),
        ("cluster", "DBClusterIdentifier", "Status"),
    ):
        listed = f"DB{kind.capitalize()}s[].[{name},{status}]"
        yield f"{aws} rds describe-db-{kind}s --query '{listed}' --output text"
    yield from (psql(cloud, aws, kind) for kind in ("instance", "cluster") if cloud.volumes)
    yield f"{aws} ses list-identities"
    yield f"{aws} ses get-send-quota"
    yield f"make -C '{ROOT}' deploy-local ENDPOINT={cloud.endpoint} STACK=mine"
    yield ""
    yield f"Time jumps while something runs, and goes {PACE} times as fast as real time otherwise."
    yield "What happens:"
    yield ""


def psql(cloud: Cloud, aws: str, kind: str) -> str:
    """How to look into a database of staging, with the password that Secrets Manager has now."""
    name = f"staging-{'db' if kind == 'instance' else 'cluster'}"
    shown = (cloud.rds.instances if kind == "instance" else cloud.rds.clusters)[name]
    at = shown["Endpoint"]
    place = {
        "host": at["Address"] if kind == "instance" else at,
        "port": at["Port"] if kind == "instance" else shown["Port"],
        "user": shown["MasterUsername"],
        "dbname": shown.get("DBName") or shown.get("DatabaseName"),
        "sslmode": "verify-full",
        "sslrootcert": cloud.volumes and cloud.volumes.authority_file,
    }
    secret = (
        f"$({aws} rds describe-db-{kind}s --db-{kind}-identifier {name}"
        f" --query 'DB{kind.capitalize()}s[0].MasterUserSecret.SecretArn' --output text)"
    )
    password = (
        f"$({aws} secretsmanager get-secret-value --secret-id {secret} --query SecretString"
        """ --output text | sed 's/.*"password": "//; s/".*//')"""
    )
    program = shutil.which("psql") or programs() / "psql"
    where = " ".join(f"{key}={value}" for key, value in place.items())
    return f"PGPASSWORD={password} {program} '{where}' --command 'select * from customers'"


def tell(notice: Notice) -> None:
    """Print what has happened, if it shows from outside."""
    text = {
        "execution started": "started",
        "execution ended": str(notice.detail),
        "mail": "mail",
    }.get(notice.kind, "")
    if notice.kind == "database":
        text = f"{notice.detail.before or 'new'} -> {notice.detail.after}"
    if text:
        moment = datetime.fromtimestamp(notice.time, UTC)
        say(f"{moment:%Y-%m-%d %H:%M:%S}  {notice.name}: {text}")
