"""The app as it runs on one machine: the sample account with the stack deployed in it."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from local.commands.account import INSIGHTS_KEY_ID, KEY_ID, STAGING_KEY_ID, build
from local.commands.customers import Row, fill, look
from local.emulator.cloud import ACCOUNT, REGION, Cloud, Execution, Mail
from local.emulator.rds import Rds
from local.emulator.rds.defaults import VPC

ROOT = Path(__file__).parents[2]
SENDER = "trapheus@example.com"
# Where snapshots are exported when the stack's own region does not.
OTHER_REGION = "eu-west-1"
# Those that AWS makes for its services, by the names that they have here, and their aliases.
AWS_KEYS = {"aws-rds": "alias/aws/rds", "aws-secrets": "alias/aws/secretsmanager"}
# How the subjects begin of what NotifyOn chooses.
CHOSEN = ("[OK]", "[REFUSED]", "[STARTED]")
# Whose scripts the hook `sql` runs: those of events/sql.
SCRIPTS = f"trapheus-sql-{ACCOUNT}"
PARAMETERS = {
    "SenderEmail": SENDER,
    "RecipientEmail": "dba@example.com, oncall@example.com",
    "UseVPCAndSubnets": "false",
    "AllowedIdentifiers": "*-db,*-cluster",
    "ExportSnapshotSupportedRegion": OTHER_REGION,
}


WITH_DATA = {
    "SqlHook": "true",
    "SqlBucket": SCRIPTS,
    "vpcId": VPC,
    "Subnets": "subnet-0prod000a,subnet-0prod000b",
}


class App(Cloud):
    """The embedded AWS with the app in it; `machine` is the state machine's ARN."""

    machine: str

    @property
    def alerts(self) -> list[Mail]:
        """The mails about what went wrong."""
        return [mail for mail in self.mails if not mail.subject.startswith(CHOSEN)]

    def rows(self, names: Iterable[str]) -> dict[str, Sequence[Row]]:
        """The customers in databases that have real data, by name."""
        return {name: look(self.rds, self.volumes, name) for name in names if self.volumes}

    def export_of(self, restore: Execution) -> str:
        """The ARN of the execution that a restore has started for its export."""
        machine = self.physical_id("ExportStateMachine").replace(":stateMachine:", ":execution:")
        return f"{machine}:{restore.arn.rpartition(':')[2]}"


def prepare_other_region() -> str:
    """Make the bucket and the key that docs/export.md asks for there; return the key's id."""
    # Not through the API: the models of S3 and KMS take a while to load.
    s3_backends[ACCOUNT]["aws"].create_bucket(export_bucket(OTHER_REGION), OTHER_REGION)
    key = kms_backends[ACCOUNT][OTHER_REGION].create_key(
        None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Exports of copied snapshots", None
    )
    return str(key.id)


def prepare_scripts() -> None:
    """Make the bucket of the scripts, with those of events/sql."""
    backend = s3_backends[ACCOUNT]["aws"]
    backend.create_bucket(SCRIPTS, REGION)
    for path in (ROOT / "events" / "sql").iterdir():
        backend.put_object(SCRIPTS, path.name, path.read_bytes())


def trust(cloud: App, authority: Path) -> None:
    """Let the hook `sql` verify the servers of this machine, as it does RDS's."""
    client, name = cloud.client("lambda"), cloud.physical_id("SqlHookFunction")
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables = {**usual, "CA_BUNDLE": str(authority)}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@cache
def sample_account(account: str, region: str, now: float) -> bytes:
    """What the sample account holds at a moment; to make it takes longer than to copy it."""
    rds = Rds(lambda: now, account=account, region=region)
    build(rds)
    return rds.kept()


def build_with_keys(rds: Rds) -> None:
    """Make the sample account with the keys that its databases are encrypted with, as new."""
    rds.hold(sample_account(rds.account, rds.region, rds.time))
    backend = kms_backends[ACCOUNT][REGION]
    for key_id in (KEY_ID, INSIGHTS_KEY_ID, STAGING_KEY_ID, *AWS_KEYS):
        key = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Databases", None)
        del backend.keys[key.id]
        key.arn = key.arn.replace(key.id, key_id)
        key.id = key_id
        backend.keys[key_id] = key
    for key_id, alias in AWS_KEYS.items():
        backend.create_alias(key_id, alias)


def build_with_data(rds: Rds, cloud: Cloud, data: Iterable[str]) -> None:
    """Make the sample account, with rows in these databases."""
    build_with_keys(rds)
    if cloud.volumes:
        for name in data:
            fill(rds, cloud.volumes, name)


def export_bucket(region: str) -> str:
    """The name of a region's bucket for exports."""
    return f"rds-snapshots-{ACCOUNT}-{region}"


@contextmanager
def deployed(
    port: int = 0,
    template: Path = ROOT / "template.yaml",
    parameters: Mapping[str, str] = MappingProxyType({}),
    data: Collection[str] = (),
) -> Iterator[App]:
    """An AWS on this machine, with the sample account and the app in it.

    parameters: of the stack, where they are to be others than the usual.
    data: the databases that have real data; what is restored from theirs has too.
    """
    # Nearly all that is made here stays: a fifth of the time would go into looking through it.
    gc.disable()
    try:
        with App(port=port, account=partial(build_with_data, data=data), data=bool(data)) as cloud:
            cloud.verify(SENDER)
            key = prepare_other_region()
            given = {**PARAMETERS, "SnapshotCopyExportKmsKey": key, **parameters}
            if cloud.volumes:
                prepare_scripts()
                given |= WITH_DATA
            outputs = cloud.deploy(template, given)
            if cloud.volumes:
                trust(cloud, cloud.volumes.authority_file)
            cloud.machine = outputs["DBRestoreStateMachineArn"]
            gc.collect()
            gc.freeze()
            gc.enable()
            yield cloud
    finally:
        gc.enable()
        gc.unfreeze()
