"""Production's stack in its account, and what this one can do with what it shares."""

from __future__ import annotations

from typing import Any

import pytest

from local.commands.account import KEY_ID
from local.commands.app import OTHER_ACCOUNT, App, build_with_keys, deploy_elsewhere, sharing
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.rds import Rds
from local.emulator.rds.databases.settings import own_key
from tests.pipeline.observed import KINDS, Kind, databases
from tests.pipeline.scenarios import encrypt_with

OWN_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}"


@pytest.fixture(scope="module")
def machine(stack: App) -> str:
    """The state machine of production's stack, which shares with this account."""
    return deploy_elsewhere(stack, parameters=sharing(OTHER_ACCOUNT, ACCOUNT))


@pytest.fixture
def production(cloud: App) -> Rds:
    """The databases of production's account, as new."""
    rds = cloud.rds_in(REGION, OTHER_ACCOUNT)
    build_with_keys(rds)
    return rds


def everything(rds: Rds) -> dict[str, Any]:
    """All that an account has, as it shows it."""
    rds.settle()
    return {f"{thing.kind} {thing.name}": dict(thing.shown) for thing in rds.things.values()}


@pytest.mark.parametrize("by_copy", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_production_has_shared_is_copied_and_restored_here(
    cloud: App, production: Rds, machine: str, kind: Kind, *, by_copy: bool
) -> None:
    key = own_key(production, "rds") if by_copy else sharing(OTHER_ACCOUNT)["ShareKmsKey"]
    encrypt_with(production, kind, key)
    here = databases(cloud)
    mark = "written in production"
    production.write(kind.name, kind.identifier, mark)

    execution = cloud.run(machine, kind.request("create_snapshot_only"))

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")
    assert databases(cloud) == here
    assert {call.account for call in cloud.calls} == {OTHER_ACCOUNT}
    there = everything(production)
    word = "DBClusterSnapshot" if kind.is_cluster else "DBSnapshot"
    (shown,) = cloud.rds.call(f"Describe{word}s", {"SnapshotType": "shared"})[f"{word}s"]
    name = f"{kind.identifier}-shared" if by_copy else kind.snapshot
    assert shown[f"{word}Arn"] == production.arn(kind.snapshot_kind, name)

    cloud.rds.call(f"Copy{word}", {
        f"Source{word}Identifier": shown[f"{word}Arn"], f"Target{word}Identifier": "theirs",
        "KmsKeyId": OWN_KEY,
    })  # fmt: skip
    cloud.clock.advance(3600)
    cloud.rds.settle()

    copied = cloud.rds.find(kind.snapshot_kind, "theirs")
    assert (copied.status, copied.shown["KmsKeyId"], copied.data) == ("available", OWN_KEY, mark)
    assert everything(production) == there
