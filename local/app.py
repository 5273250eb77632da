"""The app as it runs on one machine: the sample account with the stack deployed in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.account import build
from local.cloud import Cloud

ROOT = Path(__file__).parents[1]
SENDER = "trapheus@example.com"
PARAMETERS = {
    "SenderEmail": SENDER,
    "RecipientEmail": "dba@example.com, oncall@example.com",
    "UseVPCAndSubnets": "false",
    "AllowedIdentifiers": "*-db,*-cluster",
}


class App(Cloud):
    """The embedded AWS with the app in it; `machine` is the state machine's ARN."""

    machine: str


@contextmanager
def deployed() -> Iterator[App]:
    """An AWS on this machine, with the sample account and the app in it."""
    with App(account=lambda rds, _: build(rds)) as cloud:
        cloud.verify(SENDER)
        outputs = cloud.deploy(ROOT / "template.yaml", PARAMETERS)
        cloud.machine = outputs["DBRestoreStateMachineArn"]
        yield cloud
