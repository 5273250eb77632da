"""Staging refreshed from production: masked and checked before anybody can see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from local.commands.app import ROOT, SCRIPTS
from tests.pipeline.observed import Kind, as_plain, databases, run, snapshots, tagged
from tests.refresh.client import MINUTE, Client

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Execution

KINDS = (
    Kind("instance", "staging-db"),
    Kind("cluster", "staging-cluster", ("staging-cluster-writer", "staging-cluster-reader")),
)
Row = tuple[Any, ...]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)

FAILING = {
    "a check that does not hold": ("", {"name": "many", "query": "select 4", "atLeast": 1000}),
    "an error in the third statement": (
        "update customers set email = 'masked';\n"
        "update customers set phone = null;\n"
        "update customers set mail = '';\n",
        None,
    ),
}


def event(kind: Kind) -> dict[str, Any]:
    """The event of the sample refresh."""
    name = "cluster_refresh.json" if kind.is_cluster else "refresh.json"
    return dict(json.loads((ROOT / "events" / name).read_text()))


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
    """What the account holds at one moment, and staging's own configuration."""

    databases: dict[str, tuple[str, str]]
    snapshots: dict[str, str]
    shown: dict[str, Any]
    staging: list[Row]
    production: list[Row]


def look(cloud: App, kind: Kind) -> Account:
    held = cloud.rds.clusters if kind.is_cluster else cloud.rds.instances
    return Account(
        databases(cloud),
        snapshots(cloud),
        as_plain(held[kind.identifier]),
        rows(cloud, kind.identifier),
        rows(cloud, source(kind)),
    )


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


@each_kind
@pytest.mark.parametrize("how", FAILING)
def test_a_hook_that_fails_leaves_staging_as_it_was(cloud: App, kind: Kind, how: str) -> None:
    script, check = FAILING[how]
    request = event(kind)
    if script:
        client = cloud.client("s3")
        client.put_object(Bucket=SCRIPTS, Key="failing.sql", Body=script.encode())
        request["beforeSwap"][0]["with"] = {"script": f"s3://{SCRIPTS}/failing.sql"}
    else:
        request["beforeSwap"][0]["with"]["checks"].append(check)

    done = refresh(cloud, kind, request)

    assert (done.execution.status, done.execution.error) == ("FAILED", "HookFailed")
    assert done.after == done.before
    assert all(map(is_staging_s, done.client.rows))
    assert cloud.rds.outages(kind.name, kind.identifier) == []
    says_nothing(done)
