"""Whenever a run is interrupted, all that it has made is found again, and removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.commands.app import SENDER, deployed
from local.commands.serve import paced
from local.emulator.cloudformation.deploy import package
from tests.acceptance.__main__ import clean_up
from tests.acceptance.account import PREFIX, STACK, Account
from tests.acceptance.databases import CLUSTER, INSTANCE, create
from tests.acceptance.leftovers import found
from tests.acceptance.promises import CHANGE_SET, Trial, promises

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.thorough

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
PACE = 4000


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with deployed() as cloud, paced(cloud, PACE):
        yield Account("us-east-1", endpoint=cloud.endpoint)


def upload(trial: Trial) -> None:
    """As `sam deploy` does it, without the seconds that it takes to start."""
    account = trial.account
    storage = account.client("s3")
    storage.create_bucket(Bucket=account.bucket)

    def put(key: str, content: bytes) -> str:
        storage.put_object(Bucket=account.bucket, Key=key, Body=content)
        return f"s3://{account.bucket}/{key}"

    given = {
        "UseVPCAndSubnets": "false", "ExportSnapshots": "false", "CreateExportBucket": "false",
        "AllowedIdentifiers": f"{PREFIX}-*", "SenderEmail": SENDER, "RecipientEmail": SENDER,
    }  # fmt: skip
    account.client("cloudformation").create_change_set(
        StackName=STACK,
        ChangeSetName=CHANGE_SET,
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(package(TEMPLATE, put)),
        Parameters=[{"ParameterKey": key, "ParameterValue": it} for key, it in given.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )


def everything(account: Account) -> set[str]:
    """All that the account holds of what such a run makes, found without leftovers.py."""
    rds = account.client("rds")
    listed: list[tuple[str, list[Any], str]] = [
        ("instance", rds.describe_db_instances()["DBInstances"], "DBInstanceIdentifier"),
        ("cluster", rds.describe_db_clusters()["DBClusters"], "DBClusterIdentifier"),
        ("snapshot", rds.describe_db_snapshots()["DBSnapshots"], "DBSnapshotIdentifier"),
        ("cluster snapshot", rds.describe_db_cluster_snapshots()["DBClusterSnapshots"],
         "DBClusterSnapshotIdentifier"),
        ("bucket", account.client("s3").list_buckets()["Buckets"], "Name"),
        ("stack", account.client("cloudformation").describe_stacks()["Stacks"], "StackName"),
        ("role", account.client("iam").list_roles()["Roles"], "RoleName"),
        ("state machine", account.client("stepfunctions").list_state_machines()["stateMachines"],
         "name"),
    ]  # fmt: skip
    return {f"the {kind} {one[name]}" for kind, ones, name in listed for one in ones}


KINDS = (INSTANCE, CLUSTER)
OF_THE_STACK = (
    f"the role {STACK}-",
    *(
        f"the state machine {STACK}-{one}State"
        for one in ("DBRestore", "DryRun", "Export", "Fleet", "Hooks")
    ),
)


def test_all_that_a_run_makes_is_found_after_every_step_and_removed(account: Account) -> None:
    before = everything(account)
    trial = Trial(account, SENDER, KINDS, upload)
    for sentence, keep in promises(trial):
        keep()
        unknown = everything(account) - before - set(found(account))
        # What the stack has made goes with it.
        assert not [one for one in unknown if not one.startswith(OF_THE_STACK)], sentence
    assert len(trial.answers) == 4
    assert clean_up(trial)
    assert everything(account) == before


@pytest.mark.parametrize("at", ["change set", "creating", "snapshot", "renamed", "restoring"])
def test_an_interruption_in_the_middle_leaves_nothing(account: Account, at: str) -> None:
    before = everything(account)
    trial = Trial(account, SENDER, KINDS, upload)
    steps = dict(promises(trial))
    steps["a change set can be made"]()
    if at != "change set":
        steps["the stack can be made from it"]()
        interrupt(trial, at, steps)
    assert clean_up(trial)
    assert everything(account) == before


def interrupt(trial: Trial, at: str, steps: dict[str, Any]) -> None:
    """Go on until RDS is in the middle of it, with both kinds."""
    account = trial.account
    for kind in KINDS:
        if at == "creating":
            create(account, kind)
        else:
            steps[f"a small {kind.name} is made"]()
    if at == "creating":
        return
    for kind in KINDS:
        trial.start(kind, "create_snapshot")
    for kind in KINDS:
        renamed = f"{kind.identifier}-temp"
        if at == "renamed":
            account.wait("the renaming", lambda kind=kind, it=renamed: kind.find(account, it))
        if at == "restoring":
            both = (renamed, kind.identifier)
            account.wait(
                "the restore",
                lambda kind=kind, both=both: all(kind.find(account, it) for it in both),
            )


def test_what_is_recorded_names_nothing_else_of_the_account(
    account: Account, tmp_path: Path
) -> None:
    account.client("rds").describe_db_instances()
    create(account, INSTANCE)
    account.client("rds").describe_db_instances()
    account.recording.write(tmp_path)
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert INSTANCE.identifier in written
    assert "prod-" not in written
    assert "Password" not in written.replace('"MasterUserPassword": "****"', "").replace(
        "ManageMasterUserPassword", ""
    )
    assert clean_up(Trial(account, SENDER, KINDS, upload))
