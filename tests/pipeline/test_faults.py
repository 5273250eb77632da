"""A fixed slice of `make faults`, and that its judge notices what is wrong."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local.commands.app import ROOT, App
from local.emulator.cloudformation.templates import parse_yaml
from tests.deploy.definition import RESTORE, machines, states, targets
from tests.faults import odd_requests, pasting, worker
from tests.faults.faults import Injected
from tests.faults.flows import FLOWS, Flow, Watch, record
from tests.faults.judge import Allowed
from tests.faults.named import all_named, make_foreign
from tests.faults.phases import PHASES, phases
from tests.faults.sabotage import ONLY_TAGGED, SABOTAGES, TEMPLATE, Sabotage, changed
from tests.faults.scenario import KEPT, RESTORED, Scenario, generate, run
from tests.mailed import Block, blocks
from tests.pipeline.observed import KINDS
from trapheus.rds import access as layer

Cells = dict[tuple[str, str, str], list[Scenario]]

# Of every kind and phase, one scenario of each of these faults.
EVERYWHERE = ("throttled", "5xx", "denied", "lost", "killed always", "stopped", "timed out")
CELLS = [
    *((phase, fault) for phase in ("prepare", "replace", "rollback") for fault in EVERYWHERE),
    *(("finish", fault) for fault in (*EVERYWHERE, "killed once", "not found")),
    *(("lock", fault) for fault in ("denied", "lost", "stopped", "two at once")),
    *(("copy", fault) for fault in (*EVERYWHERE, "late", "another database")),
    ("replace", "late"),
    ("replace", "another database"),
    ("finish", "another database"),
    ("finish", "changed by somebody"),
    ("replace", "the snapshot vanishes behind the call"),
    ("finish", "the snapshot vanishes later"),
    ("all", "stale"),
    ("all", "invoked after the end"),
    ("replace", "invoked after its recovery"),
    ("replace", "said to have ended"),
    ("prepare", "killed behind its untagging"),
    ("end", "denied"),
]
# The flows that these cells are found in.
RECORDED = ("db_restore", "create_snapshot_only", "rollback", "restore_first")


@pytest.fixture(scope="package")
def cells(stack: App) -> Cells:
    """Every scenario of these flows, by kind, phase and fault."""
    found: Cells = {}
    recorded = {flow: record(stack, flow) for flow in FLOWS if flow.name in RECORDED}
    for scenario in (*generate(recorded), *all_named()):
        cell = (scenario.flow.kind.name, scenario.phase, scenario.fault)
        found.setdefault(cell, []).append(scenario)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("phase", "fault"), CELLS, ids=[" ".join(cell) for cell in CELLS])
def test_a_fault_ends_as_it_may(stack: App, cells: Cells, kind: Flow, phase: str, fault: str):
    among = cells[kind.name, phase, fault]
    # Not the first, which is a mere look more often than not.
    scenario = among[len(among) // 2]

    _, wrong, fired = run(stack, scenario)

    assert fired, scenario.id
    assert not wrong, f"{scenario.id}: {wrong}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_block_that_does_not_what_its_heading_says_is_noticed(
    stack: App, cells: Cells, kind: Flow, monkeypatch: pytest.MonkeyPatch
):
    among = cells[kind.name, "finish", "changed by somebody"]

    def exchanged(text: str) -> list[Block]:
        back, forward = blocks(text)
        return [Block(back.heading, back.lines, forward.commands), forward]

    monkeypatch.setattr(pasting, "blocks", exchanged)

    _, wrong, _ = run(stack, among[0])

    assert wrong.startswith("TO GO BACK")


def test_every_state_has_a_phase():
    assert PHASES.keys() == dict(states(RESTORE)).keys()
    assert set(PHASES.values()) == {
        "lock", "prepare", "copy", "replace", "finish", "rollback", "end"
    }  # fmt: skip
    # One of each that is told in another way: by what comes before it, after it, or both.
    for state, phase in {
        "Take the lock": "lock",
        "Take the snapshot": "prepare",
        "What is to be done?": "prepare",
        "Is the copy to be swapped?": "copy",
        "Begin to replace": "replace",
        "Untag what stays": "finish",
        "Was it a recovery?": "rollback",
        "Release the lock": "end",
    }.items():
        assert PHASES[state] == phase


def test_a_new_state_has_a_phase_by_where_it_stands():
    definition = copy.deepcopy(RESTORE)
    top, finish = definition["States"], definition["States"]["Finish"]["Branches"][0]
    top["Look around"] = {"Type": "Pass", "Next": top["Finish"]["Next"]}
    top["Finish"]["Next"] = "Look around"
    top["Look ahead"] = {"Type": "Pass", "Next": "Replace the original"}
    top["Begin to replace"]["Next"] = "Look ahead"
    finish["States"]["Look back"] = {"Type": "Pass", "Next": finish["StartAt"]}
    finish["StartAt"] = "Look back"

    found = phases(definition)

    assert found == PHASES | {
        "Look around": "end", "Look ahead": "replace", "Look back": "finish"
    }  # fmt: skip


def test_requests_are_refused_with_one_sentence_or_right(stack: App):
    ends, wrongs = odd_requests.run(stack, seed=1, count=50)

    assert wrongs == []
    assert {"InvalidRequest", "right"} <= set(ends)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_a_sabotage_fits_the_app(sabotage: Sabotage):
    text = changed(sabotage, (ROOT / sabotage.file).read_text())

    if sabotage.file.endswith(".py"):
        compile(text, sabotage.file, "exec")
    if sabotage.file.startswith("statemachine/"):
        for machine in machines(parse_yaml(text)):
            following = {name for state in machine["States"].values() for name in targets(state)}
            assert following <= set(machine["States"])
    if sabotage.of_any:
        assert ONLY_TAGGED in (ROOT / TEMPLATE).read_text()


def test_a_sabotaged_function_knows_every_name(tmp_path: Path):
    for number, sabotage in enumerate(SABOTAGES):
        if sabotage.file.endswith(".py"):
            text = changed(sabotage, (ROOT / sabotage.file).read_text())
            (tmp_path / f"{number}.py").write_text(text)

    check = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", str(tmp_path)]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_only_who_finds_something_wrong_notices_a_sabotage():
    verdicts = {
        "is right": ("kept", "", True),
        "did not fire": ("told", "FAILED", False),
        "cannot run": ("kept", "FAILED NameError name 'found' is not defined", True),
        "notices": ("told", "the lock is left", True),
    }

    def judged(name: str) -> tuple[str, str, bool]:
        if name == "breaks":
            raise RuntimeError("no time is left")
        return verdicts[name]

    found = worker.first_to_notice(["breaks", *verdicts], judged)
    nobody = worker.first_to_notice(["is right", "did not fire", "breaks"], judged)

    assert found == ("notices", "the lock is left", 5)
    assert nobody == ("", "breaks: RuntimeError: no time is left", 3)


def rename_it(cloud: App, flow: Flow) -> None:
    cloud.rds.find(flow.kind.name, flow.kind.identifier).shown["BackupRetentionPeriod"] = 1


def leave_a_database(cloud: App, flow: Flow) -> None:
    make_foreign(cloud, flow.kind, f"{flow.kind.identifier}-temp")


def leave_a_tag(cloud: App, flow: Flow) -> None:
    found = cloud.rds.find(flow.kind.name, flow.kind.identifier)
    found.shown["TagList"].append(layer.in_progress_tag("arn"))


def leave_the_lock(cloud: App, flow: Flow) -> None:
    cloud.client("dynamodb").put_item(
        TableName=cloud.physical_id("LockTable"),
        Item={"database": {"S": f"{flow.kind.name}#{flow.kind.identifier}"}},
    )


def lose_the_snapshot(cloud: App, flow: Flow) -> None:
    cloud.rds.things.pop(cloud.rds.find(flow.kind.snapshot_kind, flow.kind.snapshot).key)


def write_something_else(cloud: App, flow: Flow) -> None:
    cloud.rds.find(flow.kind.name, flow.kind.identifier).data = "something else"


def send_a_mail(cloud: App, _: Flow) -> None:
    cloud.mails.append(cloud.alerts[0] if cloud.alerts else MAIL)


RESTORES = [flow for flow in FLOWS if flow.name == "db_restore"]
ROLLBACKS = [flow for flow in FLOWS if flow.name == "rollback"]
MAIL = type("Mail", (), {"subject": "[DECIDE] prod-db", "text": "", "time": 0.0})()
SPOILS = {
    "configured otherwise": rename_it,
    "left: ": leave_a_database,
    "trapheus:in-progress": leave_a_tag,
    "the lock is left": leave_the_lock,
    "the snapshot is gone": lose_the_snapshot,
    "its data are": write_something_else,
    "mails after a success": send_a_mail,
}


def spoiled(flow: Flow, allowed: Allowed, spoil: Callable[[App, Flow], None]) -> Scenario:
    """A flow without any fault, after which something is made wrong."""

    class Spoiled(Injected):
        def afterwards(self, cloud: App) -> None:
            spoil(cloud, self.flow)

        flow: Flow

    def inject(cloud: App, watch: Watch) -> Injected:
        injected = Spoiled(cloud, watch, 1)
        injected.flow = flow
        return injected

    return Scenario(flow, "all states", "rds", "spoiled", allowed, inject)


@pytest.mark.thorough
@pytest.mark.parametrize("flow", RESTORES, ids=str)
@pytest.mark.parametrize("said", SPOILS)
def test_the_judge_notices_what_is_wrong(stack: App, flow: Flow, said: str):
    _, wrong, _ = run(stack, spoiled(flow, Allowed(RESTORED), SPOILS[said]))

    assert said in wrong


@pytest.mark.thorough
@pytest.mark.parametrize("flow", ROLLBACKS, ids=str)
@pytest.mark.parametrize("tag", ["DOWN", "DECIDE", "SERVING, being happy"])
def test_the_judge_notices_a_wrong_tag(stack: App, flow: Flow, tag: str):
    def say(cloud: App, _: Flow) -> None:
        said = replace(cloud.mails[-1], subject=f"[{tag}] prod-db: x", time=cloud.clock.now())
        cloud.mails[-1] = said

    _, wrong, _ = run(stack, spoiled(flow, Allowed(KEPT), say))

    assert f"the message says {tag}, and these stand" in wrong


@pytest.mark.thorough
@pytest.mark.parametrize("flow", [*RESTORES, *ROLLBACKS], ids=str)
def test_the_judge_notices_another_ending(stack: App, flow: Flow):
    other = KEPT if flow.ending == "restored" else RESTORED

    ending, wrong, _ = run(stack, spoiled(flow, Allowed(other), lambda *_: None))

    assert ending == flow.ending
    assert wrong
