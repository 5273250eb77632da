"""The README's picture of the state machine is what the definition gives."""

from pathlib import Path

import pytest
import yaml

from local.commands import picture

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = yaml.safe_load((ROOT / "statemachine" / "restore.asl.yaml").read_text())


def names(states):
    for name, state in states.items():
        yield name
        for branch in state.get("Branches", []):
            yield from names(branch["States"])


def lines_of(states, start):
    return picture.picture({"StartAt": start, "States": states}).splitlines()


def test_the_readme_holds_the_picture_that_the_definition_gives() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.count(picture.section()) == 1
    assert readme.count("```mermaid") == 1


@pytest.mark.parametrize("name", sorted(names(DEFINITION["States"])))
def test_every_state_is_drawn_once_for_both_branches(name) -> None:
    shown = name
    if name != "Instance or cluster?":
        shown = name.replace("instance", "database").replace("cluster", "database")
    assert picture.picture(DEFINITION).count(f'"{shown}"') == 1


def test_a_state_that_only_one_branch_has_is_drawn_too() -> None:
    states = {
        "Check the instance": {"Type": "Pass", "Next": "Done"},
        "Check the cluster": {"Type": "Pass", "Next": "Warm the cluster up"},
        "Warm the cluster up": {"Type": "Pass", "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    lines = lines_of(states, "Check the instance")
    assert "check_the_database --> done" in lines
    assert "check_the_database --> warm_the_database_up" in lines


def test_a_catch_is_dashed_and_red_and_says_what_it_catches() -> None:
    states = {
        "Try": {
            "Type": "Task",
            "Next": "Done",
            "Catch": [
                {"ErrorEquals": ["Throttled"], "Next": "Try"},
                {"ErrorEquals": ["States.ALL"], "Next": "Lost"},
            ],
        },
        "Done": {"Type": "Succeed"},
        "Lost": {"Type": "Fail"},
    }
    lines = lines_of(states, "Try")
    assert 'try -.->|"Throttled"| try' in lines
    assert 'try -.->|"any error"| lost' in lines
    # The arrows are: from the start, to Done, and the two catches.
    assert any(line.startswith("linkStyle 2,3 stroke") for line in lines)


def test_a_choice_is_a_diamond_whose_arrows_say_when_they_are_taken() -> None:
    states = {
        "What now?": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.request.dryRun", "IsPresent": True},
                        {"Variable": "$.request.dryRun", "BooleanEquals": True},
                    ],
                    "Next": "Plan",
                },
                {"Variable": "$.request.task", "StringEquals": "db_restore", "Next": "Plan"},
                {"Variable": "$.error.Cause", "IsPresent": True, "Next": "Lost"},
            ],
            "Default": "Done",
        },
        "Plan": {"Type": "Succeed"},
        "Lost": {"Type": "Fail"},
        "Done": {"Type": "Succeed"},
    }
    lines = lines_of(states, "What now?")
    assert 'what_now{"What now?"}' in lines
    assert 'what_now -->|"dryRun or db_restore"| plan' in lines
    assert 'what_now -->|"error.Cause"| lost' in lines
    assert 'what_now -->|"otherwise"| done' in lines


def test_a_parallel_is_a_subgraph_with_its_states_inside() -> None:
    inner = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "End": True}}}
    states = {
        "Prepare": {"Type": "Parallel", "Branches": [inner], "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    lines = lines_of(states, "Prepare")
    start, end = lines.index('subgraph prepare["Prepare"]'), lines.index("end")
    assert '  ask["Ask"]' in lines[start:end]
    assert "prepare --> done" in lines[end:]


def test_the_ends_of_an_execution_stand_out_and_the_end_of_a_phase_does_not() -> None:
    inner = {"StartAt": "Prepared", "States": {"Prepared": {"Type": "Succeed"}}}
    states = {
        "Prepare": {"Type": "Parallel", "Branches": [inner], "Next": "Restored"},
        "Restored": {"Type": "Succeed"},
        "Not restored": {"Type": "Fail"},
    }
    lines = lines_of(states, "Prepare")
    assert 'restored(["Restored"]):::succeed' in lines
    assert 'not_restored(["Not restored"]):::fail' in lines
    assert '  prepared(["Prepared"])' in lines


def test_writing_the_picture_leaves_the_rest_of_the_readme_alone(tmp_path, monkeypatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"Before.\n{picture.BEGIN}\nstale\n{picture.END}\nAfter.\n")
    monkeypatch.setattr(picture, "README", readme)
    picture.main()
    assert readme.read_text() == f"Before.\n{picture.section()}\nAfter.\n"


def test_a_readme_without_the_markers_is_refused(tmp_path, monkeypatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("Nothing here.\n")
    monkeypatch.setattr(picture, "README", readme)
    with pytest.raises(SystemExit, match="markers"):
        picture.main()
