"""Plans of earlier releases, which executions that outlive an update give to these functions."""

import json
from typing import Any

import pytest

from tests import releases
from tests.unit.conftest import EXECUTION, Aws, Kind
from trapheus.execution import exceptions, formats

NUMBERS = sorted({int(path.parent.name) for path in releases.EVENTS})
HOW = """\
the plan has other keys than tests/releases/keys.json says of format {number}. Has no release made
plans of format {number} yet, note them there:
{keys}
Else raise FORMAT in formats.py, keep what the last release hands to its functions
(`git archive <release> events/functions`, into tests/releases/{number}/), note the new keys under
the new number, and let the functions read a plan that lacks them."""


def plan_of(aws: Aws, number: int) -> dict[str, Any]:
    """The plan that a release has made for the sample database."""
    function = f"Rename{aws.kind.name.capitalize()}Function"
    plan: dict[str, Any] = releases.event(number, function)["plan"]
    return plan | {"execution": EXECUTION}


def test_the_keys_of_a_plan_are_those_of_its_format(aws: Aws, kind: Kind, plan: dict[str, Any]):
    found, number = releases.keys_of(plan), str(formats.FORMAT)
    noted = releases.KEYS.get(number, {})
    assert found == {name: noted.get(name) for name in found}, HOW.format(
        number=number, keys=json.dumps(noted | found, indent=1)
    )
    assert plan["format"] == formats.FORMAT


@pytest.mark.parametrize("number", NUMBERS)
def test_the_keys_of_a_kept_release_are_those_of_its_events(aws: Aws, kind: Kind, number: int):
    found = releases.keys_of(plan_of(aws, number))
    assert found == {name: releases.KEYS[str(number)][name] for name in found}


@pytest.mark.parametrize("number", range(formats.OLDEST, formats.FORMAT))
def test_a_plan_of_the_release_before_is_carried_to_its_end(aws: Aws, kind: Kind, number: int):
    plan = plan_of(aws, number)
    original = aws.id_of()
    aws.rename_original(plan)
    aws.run("wait", plan=plan, until="renamed")
    aws.replace(plan)
    aws.run("wait", plan=plan, until="restored", phase="finish")
    aws.finish(plan)
    assert aws.run("verify", plan=plan)["resourceId"] == aws.id_of()
    request = {"task": "db_restore", "keepOriginal": False, "finalSnapshot": False}
    request |= {"deleteAutomatedBackups": False, "strategy": "rename-first"}
    aws.until_done("delete", plan=plan, request=request)
    aws.settle()
    aws.run("wait", plan=plan, until="deleted")
    aws.run("untag", plan=plan)

    assert aws.id_of() not in ("", original)
    assert not aws.is_tagged()


@pytest.mark.parametrize("number", range(formats.FORMAT))
@pytest.mark.parametrize("until", ["renamed", "replaced"])
def test_a_rollback_takes_a_plan_of_every_release(aws: Aws, kind: Kind, number: int, until: str):
    plan, before = plan_of(aws, number), aws.names()
    aws.rename_original(plan)
    if until == "replaced":
        aws.replace(plan)
    aws.until_done("roll_back", plan=plan)
    aws.settle()

    assert {name: aws.names()[name] for name in before} == before
    assert not aws.is_tagged()


@pytest.mark.parametrize("number", range(formats.FORMAT))
@pytest.mark.parametrize("swaps", [False, True], ids=["copied", "swapped"])
def test_so_does_that_of_a_copy(aws: Aws, kind: Kind, number: int, swaps: bool):
    plan = releases.as_made_in(number, aws.plan(strategy="restore-first"))
    before = aws.names()
    aws.make_copy(plan)
    if swaps:
        aws.rename_original(plan)
        aws.give_names(plan)
    aws.until_done("roll_back", plan=plan)
    aws.settle()

    assert aws.names() == before


STEPS = ["snapshot", "rename", "restore", "wait", "configure", "verify", "delete", "untag"]


@pytest.mark.parametrize("step", [*STEPS, "roll_back"])
@pytest.mark.parametrize("number", [formats.FORMAT + 1, formats.OLDEST - 1])
def test_a_plan_of_a_release_that_is_too_new_or_too_old_is_refused_before_anything_is_asked(
    aws: Aws, kind: Kind, plan: dict[str, Any], step: str, number: int
):
    if number < 0 and step == "roll_back":
        pytest.skip("it takes every release's, and there is none so old")
    with pytest.raises(exceptions.FormatNotKnown) as raised:
        aws.run(step, plan=plan | {"format": number}, until="restored")

    said = json.loads(str(raised.value))
    assert f"format {number}" in said["message"]
    assert said["identifier"] == kind.identifier
    assert aws.calls == []
