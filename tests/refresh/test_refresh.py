"""Staging refreshed from production: masked and checked before anybody can see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.commands.app import OTHER_ACCOUNT, ROOT
from local.commands.others import arrange
from local.emulator.cloud import REGION
from tests import sources
from tests.mailed import flowing
from tests.pipeline.observed import Kind, as_plain, run, snapshots, tagged
from tests.refresh.client import LOGINS, MINUTE, Client

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Execution
    from local.emulator.rds import Rds

KINDS = (
    Kind("instance", "staging-db"),
    Kind("cluster", "staging-cluster", ("staging-cluster-writer", "staging-cluster-reader")),
)
Row = tuple[Any, ...]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
PASSWORD = "a-password-to-look-for"

# How each failing event ends: its error, and what its mail says.
FAILING = {
    "check_does_not_hold": ("HookFailed", "The check 'no order is lost' does not hold"),
    "script_fails": ("HookFailed", "Statement 3 (UPDATE, line 4) failed: UndefinedColumn"),
    "hook_hangs": ("HookFailed", "The hook hangs has not passed"),
    "hook_not_listed": ("HookNotAllowed", "may not run the hook 'not-listed'"),
    "under_the_default_key": ("KeyNotAccessible", "copy under a key of its own, and share that"),
    "of_another_version": ("SnapshotMissing", "and take a snapshot of it, or name a newer one"),
}


def event(kind: Kind, name: str = "refresh") -> dict[str, Any]:
    """An event of a sample refresh."""
    path = ROOT / "events" / f"{'cluster_' if kind.is_cluster else ''}{name}.json"
    return dict(json.loads(path.read_text()))


def failing_event(kind: Kind, name: str) -> dict[str, Any]:
    """An event of a refresh that fails."""
    path = ROOT / "events" / "failing" / f"{kind.name}_{name}.json"
    return dict(json.loads(path.read_text()))


def source(kind: Kind) -> str:
    return kind.identifier.replace("staging", "prod")


def rows(cloud: App, name: str) -> list[Row]:
    """The customers of a database."""
    return list(cloud.rows([name])[name])


def is_masked(row: Row) -> bool:
    """Whether a row is production's, without what is a customer's own."""
    number, email, phone, _ = row
    return bool(email == f"masked.{number}@example.com" and phone is None)


def is_staging_s(row: Row) -> bool:
    return str(row[1]).startswith("tester.")


@dataclass(frozen=True)
class Account:
    """What there is at one moment: all that this account and the other show, rows and files."""

    snapshots: dict[str, str]
    here: dict[str, Any]
    elsewhere: dict[str, Any]
    staging: list[Row]
    production: list[Row]
    folders: list[Path]


def look(cloud: App, kind: Kind) -> Account:
    assert cloud.volumes
    return Account(
        snapshots(cloud),
        everything(cloud.rds),
        everything(cloud.rds_in(REGION, OTHER_ACCOUNT)),
        rows(cloud, kind.identifier),
        rows(cloud, source(kind)),
        cloud.volumes.folders(),
    )


def everything(rds: Rds) -> dict[str, Any]:
    """All that an account has, as it shows it."""
    rds.settle()
    return {f"{thing.kind} {thing.name}": as_plain(thing.shown) for thing in rds.things.values()}


@dataclass(frozen=True)
class Refresh:
    """An execution, the account before and after it, and what a client of staging has seen."""

    execution: Execution
    before: Account
    after: Account
    client: Client
    # Every state, log and mail, and the output.
    told: str


def refresh(cloud: App, kind: Kind, request: dict[str, Any]) -> Refresh:
    """Run it while a client connects."""
    client, before = Client(cloud, kind.name, kind.identifier), look(cloud, kind)
    with client.connecting():
        execution = run(cloud, request)
    states = [cloud.describe(arn).history for arn in cloud.executions()]
    parts = [
        json.dumps([execution.output, execution.cause, states], default=str, ensure_ascii=False),
        *(log.text for log in cloud.logs),
        *(f"{mail.subject}\n{mail.text}\n{mail.html}" for mail in cloud.mails),
    ]
    assert tagged(cloud) == []
    return Refresh(execution, before, look(cloud, kind), client, "\n".join(parts))


def says_nothing(done: Refresh) -> None:
    """Look for each password and each address in all that was told."""
    emails = {str(row[1]) for row in (*done.before.production, *done.client.rows)}
    assert len(emails) >= 5
    assert [email for email in emails if email in done.told] == []
    assert len(done.client.passwords) > 5
    assert sum(password in done.told for password in done.client.passwords) == 0


@pytest.fixture(scope="module")
def refreshed(stack: App) -> Callable[[Kind], Refresh]:
    """The sample refresh of a kind, which is run once."""
    runs: dict[Kind, Refresh] = {}

    def of(kind: Kind) -> Refresh:
        if kind not in runs:
            stack.reset()
            stack.use_timing("brisk")
            runs[kind] = refresh(stack, kind, event(kind))
        return runs[kind]

    return of


@each_kind
def test_a_refresh_brings_production_s_rows_masked(
    refreshed: Callable[[Kind], Refresh], kind: Kind
) -> None:
    done = refreshed(kind)

    assert (done.execution.status, done.execution.cause) == ("SUCCEEDED", "")
    assert [row[0] for row in done.after.staging] == [1001, 1002, 1003, 1004]
    assert all(map(is_masked, done.after.staging))
    # What is nobody's own is as in production, which is as it was.
    of_the_snapshot = [row for row in done.before.production if row[0] <= 1004]
    assert [row[3] for row in done.after.staging] == [row[3] for row in of_the_snapshot]
    assert done.after.production == done.before.production
    assert done.after.snapshots == done.before.snapshots


@each_kind
def test_no_connection_to_the_identifier_ever_sees_an_unmasked_row(
    refreshed: Callable[[Kind], Refresh], kind: Kind
) -> None:
    done = refreshed(kind)

    seen = done.client.rows
    assert [row for row in seen if not is_masked(row) and not is_staging_s(row)] == []
    # It is not blind: it has seen what was, and what is, at each endpoint.
    assert any(map(is_staging_s, seen))
    assert any(map(is_masked, seen))
    addresses = {sight.address for sight in done.client.sights if sight.rows}
    assert len(addresses) >= (4 if kind.is_cluster else 1)
    minutes = (done.execution.stopped - done.execution.started) / MINUTE
    assert len({sight.time for sight in done.client.sights}) >= minutes


@each_kind
def test_a_refresh_tells_no_password_and_no_row(
    refreshed: Callable[[Kind], Refresh], kind: Kind
) -> None:
    says_nothing(refreshed(kind))


@pytest.mark.thorough
@each_kind
def test_the_hook_logs_in_with_the_password_that_was_set_which_nothing_tells(
    cloud: App, kind: Kind
) -> None:
    sources.manage_no_password(cloud, kind)
    secret = sources.make_secret(cloud, LOGINS[kind.name][0], PASSWORD)

    done = refresh(cloud, kind, event(kind) | {"masterUserSecret": secret})

    assert (done.execution.status, done.execution.cause) == ("SUCCEEDED", "")
    assert len(done.after.staging) == 4
    assert all(map(is_masked, done.after.staging))
    assert PASSWORD not in done.told
    # It is the one that lets clients in.
    done.client.passwords[:] = [PASSWORD]
    done.client.sights.clear()
    done.client.look()
    assert done.client.rows == set(done.after.staging)


@pytest.mark.thorough
@each_kind
def test_another_account_s_rows_come_masked_and_nothing_is_left_of_the_copy(
    cloud: App, kind: Kind
) -> None:
    request = event(kind, "refresh_from_another_account")
    arrange(cloud, request)

    done = refresh(cloud, kind, request)

    assert (done.execution.status, done.execution.cause) == ("SUCCEEDED", "")
    assert [row[0] for row in done.after.staging] == [1001, 1002, 1003, 1004]
    assert all(map(is_masked, done.after.staging))
    assert all(is_masked(row) or is_staging_s(row) for row in done.client.rows)
    assert done.after.snapshots == done.before.snapshots
    assert done.after.elsewhere == done.before.elsewhere
    name = f"{kind.name} {kind.identifier}"
    assert done.after.here[name]["KmsKeyId"] == done.before.here[name]["KmsKeyId"]
    says_nothing(done)


@pytest.mark.thorough
@each_kind
@pytest.mark.parametrize("name", FAILING)
def test_a_refresh_that_fails_leaves_staging_as_it_was(cloud: App, kind: Kind, name: str) -> None:
    request, (error, words) = failing_event(kind, name), FAILING[name]
    arrange(cloud, request)

    done = refresh(cloud, kind, request)

    assert (done.execution.status, done.execution.error) == ("FAILED", error)
    assert done.after == done.before
    assert all(map(is_staging_s, done.client.rows))
    assert cloud.rds.outages(kind.name, kind.identifier) == []
    assert cloud.client("dynamodb").scan(TableName=cloud.physical_id("LockTable"))["Items"] == []
    (mail,) = cloud.alerts
    assert mail.subject == f"[NOT TOUCHED] {kind.identifier}: {error}"
    assert words in flowing(mail.text)
    says_nothing(done)


def test_every_event_of_a_refresh_that_fails_is_tried() -> None:
    paths = (ROOT / "events" / "failing").glob("*.json")
    there = {path.stem for path in paths if "beforeSwap" in path.read_text()}
    assert there == {f"{kind.name}_{name}" for kind in KINDS for name in FAILING}
