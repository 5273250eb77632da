"""Staging refreshed from production's own account, whose stack shares, and from another region."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from local.commands.app import (
    OTHER_ACCOUNT,
    OTHER_REGION,
    build_with_keys,
    deploy_elsewhere,
    sharing,
)
from local.commands.customers import fill
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.rds.databases.settings import own_key
from tests.pipeline.observed import Kind
from tests.pipeline.scenarios import encrypt_with
from tests.refresh.test_refresh import (
    Refresh,
    each_kind,
    event,
    is_masked,
    is_staging_s,
    refresh,
    says_nothing,
    source,
)

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.rds import Rds


# Of two accounts, which takes long.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def machine(stack: App) -> str:
    """The state machine of production's stack, which shares with this account."""
    return deploy_elsewhere(stack, parameters=sharing(OTHER_ACCOUNT, ACCOUNT))


def make_production(cloud: App, rds: Rds, kind: Kind) -> None:
    """Make the databases of an account and region, production's with its customers."""
    build_with_keys(rds)
    assert cloud.volumes
    fill(rds, cloud.volumes, source(kind))


def under_the_default_key(rds: Rds, kind: Kind) -> None:
    """No other account can use it, so a copy is shared."""
    encrypt_with(rds, production(kind), own_key(rds, "rds"))


def under_a_key_that_is_lent(rds: Rds, kind: Kind) -> None:
    encrypt_with(rds, production(kind), sharing(OTHER_ACCOUNT)["ShareKmsKey"])


def not_encrypted(rds: Rds, kind: Kind) -> None:
    rds.settle()
    for group in (rds.instances, rds.clusters):
        for name, shown in group.items():
            if name in (production(kind).identifier, *production(kind).members):
                shown["StorageEncrypted"] = False
                shown.pop("KmsKeyId")


def production(kind: Kind) -> Kind:
    members = tuple(member.replace("staging", "prod") for member in kind.members)
    return Kind(kind.name, source(kind), members)


def came_masked(done: Refresh, kind: Kind, numbers: range) -> None:
    """Staging has these customers, masked, under its own key, and nothing else has changed."""
    assert (done.execution.status, done.execution.cause) == ("SUCCEEDED", "")
    assert [row[0] for row in done.after.staging] == list(numbers)
    assert all(map(is_masked, done.after.staging))
    assert all(is_masked(row) or is_staging_s(row) for row in done.client.rows)
    now, before = (account.here[f"{kind.name} {kind.identifier}"] for account in
                   (done.after, done.before))  # fmt: skip
    assert (now["StorageEncrypted"], now["KmsKeyId"]) == (True, before["KmsKeyId"])
    assert done.after.snapshots == done.before.snapshots
    assert done.after.elsewhere == done.before.elsewhere
    says_nothing(done)


@pytest.mark.parametrize(
    "encrypted",
    [under_the_default_key, under_a_key_that_is_lent, not_encrypted],
    ids=lambda it: it.__name__,
)
@each_kind
def test_what_production_s_stack_has_shared_comes_masked_under_staging_s_key(
    cloud: App, machine: str, kind: Kind, encrypted: Callable[[Rds, Kind], None]
) -> None:
    theirs = cloud.rds_in(REGION, OTHER_ACCOUNT)
    make_production(cloud, theirs, kind)
    encrypted(theirs, kind)
    shared = cloud.run(machine, production(kind).request("create_snapshot_only"), "sharing")
    assert (shared.status, shared.cause) == ("SUCCEEDED", "")
    request = event(kind, "refresh_from_another_account") | {"sourceIdentifier": source(kind)}

    done = refresh(cloud, kind, request)

    came_masked(done, kind, range(1001, 1006))


@each_kind
def test_a_hook_that_fails_leaves_nothing_of_what_was_copied_from_another_account(
    cloud: App, machine: str, kind: Kind
) -> None:
    theirs = cloud.rds_in(REGION, OTHER_ACCOUNT)
    make_production(cloud, theirs, kind)
    under_a_key_that_is_lent(theirs, kind)
    shared = cloud.run(machine, production(kind).request("create_snapshot_only"), "sharing")
    assert (shared.status, shared.cause) == ("SUCCEEDED", "")
    request = event(kind, "refresh_from_another_account") | {"sourceIdentifier": source(kind)}
    request["beforeSwap"][0]["with"]["checks"][-1]["atLeast"] = 1000

    done = refresh(cloud, kind, request)

    assert (done.execution.status, done.execution.error) == ("FAILED", "HookFailed")
    assert done.after == done.before
    assert all(map(is_staging_s, done.client.rows))
    says_nothing(done)


@each_kind
def test_a_snapshot_of_another_region_comes_masked_under_staging_s_key(
    cloud: App, kind: Kind
) -> None:
    away = cloud.rds_in(OTHER_REGION)
    make_production(cloud, away, kind)
    arn = away.arn(kind.snapshot_kind, f"{source(kind)}-snapshot")

    done = refresh(cloud, kind, event(kind) | {"snapshotIdentifier": arn})

    came_masked(done, kind, range(1001, 1005))
    assert done.execution.output["restoredFrom"] == arn
