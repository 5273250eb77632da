"""The data of another database: restored, or copied and restored, and what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.commands.account import KEY_ID, key
from tests import sources
from tests.pipeline.observed import KINDS, Kind, as_plain, run, snapshots, tagged

if TYPE_CHECKING:
    from local.commands.app import App

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_strategy = pytest.mark.parametrize("strategy", ["restore-first", "rename-first", "copy"])
KEYS = ["the same key", "another key", "no key"]


def target(kind: Kind) -> str:
    return kind.identifier.replace("prod", "staging")


def request(kind: Kind, strategy: str, **more: Any) -> dict[str, Any]:
    """A restore of another database's data."""
    asked = {"sourceIdentifier": sources.name_of(kind), **more}
    if strategy == "copy":
        return kind.request("db_restore", targetIdentifier=target(kind), **asked)
    return kind.request("db_restore", strategy=strategy, **asked)


def shown(cloud: App, kind: Kind, name: str) -> dict[str, Any]:
    """A database as RDS holds it."""
    cloud.rds.settle()
    return as_plain((cloud.rds.clusters if kind.is_cluster else cloud.rds.instances)[name])


def key_named(cloud: App, words: str) -> str:
    """The ARN of a key of the other database, by what it is to the target's."""
    others = {"the same key": key(cloud.rds, KEY_ID), "no key": ""}
    return others.get(words) or sources.key(cloud.rds) if words != "no key" else ""


@each_kind
@each_strategy
@pytest.mark.parametrize("words", KEYS)
def test_the_data_of_another_database_come_as_the_target_is_configured(
    cloud: App, kind: Kind, strategy: str, words: str
) -> None:
    taken = sources.make(cloud.rds, kind, key=key_named(cloud, words))
    source, before = shown(cloud, kind, sources.name_of(kind)), shown(cloud, kind, kind.identifier)
    held = snapshots(cloud)

    execution = run(cloud, request(kind, strategy))

    assert (execution.status, execution.cause) == ("SUCCEEDED", "")
    name = target(kind) if strategy == "copy" else kind.identifier
    assert cloud.rds.data(kind.name, name) == "live data"
    assert execution.output["restoredFrom"] == taken
    now = shown(cloud, kind, name)
    assert now["KmsKeyId"] == before["KmsKeyId"]
    assert now["MasterUsername"] == sources.MASTER
    # The source is as it was, and nothing is left of what was copied.
    assert shown(cloud, kind, sources.name_of(kind)) == source
    assert snapshots(cloud) == held
    assert tagged(cloud) == []
