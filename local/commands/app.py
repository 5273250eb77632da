"""The app as it runs on one machine: the sample account with the stack deployed in it."""

from __future__ import annotations

import gc
import json
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
# Who else has the app: production's account, say, to this one of staging.
OTHER_ACCOUNT = "210987654321"
# Those that AWS makes for its services, by the names that they have here, and their aliases.
AWS_KEYS = {"aws-rds": "alias/aws/rds", "aws-secrets": "alias/aws/secretsmanager"}
# A key that the sample accounts lend each other.
SHARE_KEY_ID = "7b2e3d9c-4f50-4b78-8cad-1e2f3a4b5c6d"
# What another account needs of a key to copy what is under it [fact: source-key-of-a-copy].
USES = ["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
# How the subjects begin of what NotifyOn chooses.
CHOSEN = ("[OK]", "[REFUSED]", "[STARTED]")
# Whose scripts the hook `sql` runs: those of events/sql.
SCRIPTS = f"trapheus-sql-{ACCOUNT}"
PARAMETERS = {
    "MasterUserSecrets": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:master-*",
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
    make_keys(rds)


def make_keys(rds: Rds) -> None:
    """Make the keys of an account, those of AWS's services too."""
    backend = kms_backends[rds.account][rds.region]
    others = sorted({ACCOUNT, OTHER_ACCOUNT} - {rds.account})
    lent = {SHARE_KEY_ID: lending(rds.account, *others)}
    for key_id in (KEY_ID, INSIGHTS_KEY_ID, STAGING_KEY_ID, SHARE_KEY_ID, *AWS_KEYS):
        policy = lent.get(key_id)
        key = backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Databases", None)
        del backend.keys[key.id]
        key.arn = key.arn.replace(key.id, key_id)
        key.id = key_id
        key.key_manager = "AWS" if key_id in AWS_KEYS else "CUSTOMER"
        backend.keys[key_id] = key
    for key_id, alias in AWS_KEYS.items():
        backend.create_alias(key_id, alias)


def build_with_data(rds: Rds, cloud: Cloud, data: Iterable[str]) -> None:
    """Make the sample account, with rows in these databases."""
    build_with_keys(rds)
    if cloud.volumes:
        for name in data:
            fill(rds, cloud.volumes, name)


def deploy_elsewhere(
    cloud: App, account: str = OTHER_ACCOUNT, parameters: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Put the sample account and the app into another account too; its state machine's ARN.

    The databases are gone with the next reset: `build_with_keys` makes them anew.
    """
    build_with_keys(cloud.rds_in(REGION, account))
    cloud.verify(SENDER, account=account)
    here = {name: value for name, value in PARAMETERS.items() if not name.startswith("Export")}
    outputs = cloud.deploy(ROOT / "template.yaml", {**here, **parameters}, account=account)
    cloud.use_stack("trapheus")
    return outputs["DBRestoreStateMachineArn"]


def sharing(owner: str = ACCOUNT, *others: str) -> dict[str, str]:
    """The parameters of a stack that shares what it takes with other accounts, or the other."""
    return {
        "ShareSnapshotsWith": ",".join(others) or OTHER_ACCOUNT,
        "ShareKmsKey": f"arn:aws:kms:{REGION}:{owner}:key/{SHARE_KEY_ID}",
    }


def lend_key(owner: str, *borrowers: str) -> str:
    """Make a key of an account that others may use through RDS; its ARN."""
    backend, policy = kms_backends[owner][REGION], lending(owner, *borrowers)
    key = backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Shared", None)
    return str(key.arn)


def lending(owner: str, *borrowers: str) -> str:
    """The policy of such a key, as docs/sharing.md has it."""
    mine = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{owner}:root"},
            "Action": "kms:*", "Resource": "*"}  # fmt: skip
    others = {"AWS": [f"arn:aws:iam::{account}:root" for account in borrowers]}
    via = {"StringEquals": {"kms:ViaService": f"rds.{REGION}.amazonaws.com"}}
    used = {"Effect": "Allow", "Principal": others, "Action": USES, "Resource": "*",
            "Condition": via}  # fmt: skip
    looked_at = {"Effect": "Allow", "Principal": others, "Action": "kms:DescribeKey",
                 "Resource": "*"}  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [mine, used, looked_at]})


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
            gc.freeze()
            gc.enable()
            yield cloud
    finally:
        gc.enable()
        gc.unfreeze()
