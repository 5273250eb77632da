"""Every half-swapped state of docs/operating.md: the original is whole again, the copy is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.conftest import ANOTHER, CLUSTER, INSTANCE, Aws, Kind, of_clusters
from trapheus.execution import exceptions
from trapheus.rds.rollback import is_own

WRITER, READER = "prod-cluster-writer", "prod-cluster-reader"
# Who leaves which name for which, in the order of a swap: O is the original, C the copy.
INSTANCE_MOVES = {
    "O": ("instance", "prod-db", "prod-db-temp"),
    "C": ("instance", "prod-db-copy", "prod-db"),
}
CLUSTER_MOVES = {
    "O": ("cluster", "prod-cluster", "prod-cluster-temp"),
    "O writer": ("instance", WRITER, f"{WRITER}-temp"),
    "O reader": ("instance", READER, f"{READER}-temp"),
    "C": ("cluster", "prod-cluster-copy", "prod-cluster"),
    "C writer": ("instance", f"{WRITER}-copy", WRITER),
    "C reader": ("instance", f"{READER}-copy", READER),
}
RENAMED = ("O", "O writer", "O reader")
STATES = {
    "made": (),
    "original renamed": ("O",),
    "copy named": ("O", "C"),
}
CLUSTER_STATES = {
    "made": (),
    "cluster renamed": ("O",),
    "one member renamed": ("O", "O writer"),
    "original renamed": RENAMED,
    "copy named, original's members not renamed": ("O", "C"),
    "copy named": (*RENAMED, "C"),
    "copy named with its writer": (*RENAMED, "C", "C writer"),
    "copy named with its members": (*RENAMED, "C", "C writer", "C reader"),
    "copy back, its writer not": (*RENAMED, "C writer"),
    "copy back, its members not": (*RENAMED, "C writer", "C reader"),
    "original back, one member not": ("O reader",),
    "original back, the copy's writer has its name": ("O writer", "C writer"),
}
CASES = [
    *((INSTANCE, name, moves) for name, moves in STATES.items()),
    *((CLUSTER, name, moves) for name, moves in CLUSTER_STATES.items()),
]


def move(aws: Aws, name: str) -> None:
    """Let a part have its next name at once."""
    kind, old, new = (INSTANCE_MOVES if aws.kind is INSTANCE else CLUSTER_MOVES)[name]
    group = "DBInstance" if kind == "instance" else "DBCluster"
    if name.startswith("O"):
        aws.stamp(old, kind)
    with aws.rds.instantly():
        aws.rds.call(
            f"Modify{group}",
            {
                f"{group}Identifier": old,
                f"New{group}Identifier": new,
                "ApplyImmediately": True,
            },
        )


def is_whole(aws: Aws, before: dict[str, str], tags: dict[Any, Any]) -> None:
    """The account is as it was before anything was restored."""
    aws.settle()
    assert aws.names() == before
    assert {part: aws.tags(part[1], part[0]) for part in aws.parts()} == tags
    assert aws.rds.data(aws.kind.name, aws.kind.identifier).endswith("today")
    assert aws.rds.reachable(aws.kind.name, aws.kind.identifier)


def originals(aws: Aws, plan: dict) -> tuple[dict[str, str], dict[Any, Any]]:
    """The names and tags of before the copy was made."""
    names = {
        key: name
        for key, name in aws.names().items()
        if name not in {part["restoredAs"] for part in (plan, *plan.get("members", []))}
    }
    return names, {part: aws.tags(part[1], part[0]) for part in aws.parts()}


@pytest.mark.parametrize(
    ("kind", "moves"),
    [(kind, moves) for kind, _, moves in CASES],
    ids=[f"{kind.name}: {name}" for kind, name, _ in CASES],
    indirect=["kind"],
)
def test_a_half_swapped_state_is_undone_in_reverse(
    aws: Aws, kind: Kind, copied: dict, moves: tuple[str, ...]
):
    names, tags = originals(aws, copied)
    for name in moves:
        move(aws, name)
    aws.calls.clear()

    aws.until_done("roll_back", plan=copied)

    is_whole(aws, names, tags)
    # Nothing is removed before the original has all of its names.
    changes = [call[:6] for call in aws.calls if call.startswith(("Modify", "Delete"))]
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] == "Delete"


@pytest.mark.parametrize("status", ["incompatible-restore", "failed"])
@pytest.mark.parametrize("moves", [(), ("O", "C")], ids=["copied", "under the identifier"])
def test_a_copy_in_a_bad_status_is_removed_as_it_is(
    aws: Aws, kind: Kind, copied: dict, moves: tuple[str, ...], status: str
):
    names, tags = originals(aws, copied)
    for name in moves:
        move(aws, name)
    aws.force(status, kind.identifier if moves else copied["restoredAs"])

    aws.until_done("roll_back", plan=copied)

    is_whole(aws, names, tags)


@of_clusters
@pytest.mark.parametrize("status", ["failed", "incompatible-parameters"])
def test_a_copy_s_writer_in_a_bad_status_leaves_the_name_for_good(
    aws: Aws, copied: dict, status: str
):
    names, tags = originals(aws, copied)
    for name in (*RENAMED, "C", "C writer"):
        move(aws, name)
    aws.force(status, WRITER, "instance")

    aws.until_done("roll_back", plan=copied)

    is_whole(aws, names, tags)


@pytest.mark.parametrize("pause", [0, 20, 45, 100, 140, 200])
def test_an_original_that_is_being_renamed_comes_back(
    aws: Aws, kind: Kind, copied: dict, pause: float
):
    names, tags = originals(aws, copied)
    aws.run_once("rename", plan=copied)
    aws.clock.sleep(pause)

    aws.until_done("roll_back", plan=copied)

    is_whole(aws, names, tags)


@pytest.mark.parametrize("pause", [0, 20, 45, 100, 140, 200])
def test_a_copy_on_its_way_to_the_names_goes_back(aws: Aws, kind: Kind, copied: dict, pause: float):
    names, tags = originals(aws, copied)
    aws.rename_original(copied)
    restored = aws.restored(copied)
    aws.run_once(
        "rename", plan=copied, renames="copy", phase="replace", restored=restored, seconds=0
    )
    aws.clock.sleep(pause)

    aws.until_done("roll_back", plan=copied)

    is_whole(aws, names, tags)


@pytest.mark.parametrize("pause", [0, 20, 60, 300])
def test_a_copy_that_is_still_being_made_is_removed(aws: Aws, kind: Kind, pause: float):
    plan = aws.plan(strategy="restore-first")
    names, tags = originals(aws, plan)
    aws.run_once("restore", plan=plan, phase="copy")
    aws.clock.sleep(pause)

    aws.until_done("roll_back", plan=plan)

    is_whole(aws, names, tags)


@pytest.mark.parametrize("owner", ["", ANOTHER])
def test_another_s_database_beside_the_original_is_left_alone(aws: Aws, kind: Kind, owner: str):
    plan = aws.plan(strategy="restore-first")
    foreign = aws.foreign(plan["restoredAs"])
    if owner:
        aws.stamp(plan["restoredAs"], execution=owner)
    aws.calls.clear()

    aws.until_done("roll_back", plan=plan)

    assert aws.id_of(plan["restoredAs"]) == foreign
    assert all(call.startswith("Describe") for call in aws.calls)


def test_an_original_is_never_taken_for_what_was_restored(aws: Aws, kind: Kind, renamed: dict):
    """It carries the tag once it has been renamed, and its age may not be shown."""
    created = "InstanceCreateTime" if kind is INSTANCE else "ClusterCreateTime"
    original = {**aws.found(renamed["renamedTo"]), created: datetime.now(UTC)}

    assert aws.is_tagged(renamed["renamedTo"])
    assert not is_own(renamed, original, created)
    assert is_own({**renamed, "resourceId": "another"}, original, created)


def test_another_s_database_under_the_identifier_ends_the_rollback(
    aws: Aws, kind: Kind, copied: dict
):
    move(aws, "O")
    foreign = aws.foreign(kind.identifier)

    with pytest.raises(exceptions.RollbackFailed, match="left alone"):
        aws.until_done("roll_back", plan=copied)

    assert aws.id_of() == foreign
    assert aws.names()[copied["resourceId"]] == copied["renamedTo"]


def test_what_was_restored_under_a_target_is_removed_and_the_original_not_touched(
    aws: Aws, kind: Kind, target: dict
):
    names, tags = originals(aws, target)
    aws.calls.clear()

    aws.until_done("roll_back", plan=target)

    is_whole(aws, names, tags)
    assert not any(call.startswith(("Modify", "Remove")) for call in aws.calls)


def test_another_s_database_under_a_target_is_left_alone(aws: Aws, kind: Kind):
    plan = aws.plan(strategy="copy", targetIdentifier="drill-db")
    foreign = aws.foreign("drill-db")

    aws.until_done("roll_back", plan=plan)

    assert aws.id_of("drill-db") == foreign
