"""docs/state-machine.md shows what the definitions say, in graphs that can be read."""

import re

import pytest

from local.commands.writing import picture
from local.emulator.cloudformation.templates import parse_yaml
from tests.deploy.definition import DEFINITIONS, ROOT, TEXTS, states

PAGE = ROOT / "docs" / "state-machine.md"
GRAPHS = [
    pytest.param(graph, id=f"{name}: {graph.title}")
    for name, definition in DEFINITIONS.items()
    for graph in picture.graphs(definition)
]
# Mermaid lays out about so many side by side and one below the other before GitHub has to shrink
# the text below 11 pixels (rendered and looked at, 838 pixels wide).
READABLE = 34


def task(following, **more):
    return {"Type": "Task", "Next": following, **more}


def catching(target, *errors):
    return {"ErrorEquals": [*errors] or ["States.ALL"], "Next": target}


def drawn(states, start=None):
    """The lines of each graph of a made-up machine, by its title."""
    definition = {"StartAt": start or next(iter(states)), "States": states}
    return {
        graph.title: picture.mermaid(graph).splitlines() for graph in picture.graphs(definition)
    }


def test_the_page_shows_what_the_definitions_say() -> None:
    definitions = {name: parse_yaml(text) for name, text in TEXTS.items()}
    assert picture.section(definitions) in PAGE.read_text(), "`make picture` draws the page anew"


@pytest.mark.parametrize("machine", sorted(DEFINITIONS))
def test_every_state_is_in_exactly_one_graph(machine) -> None:
    shown = [name for graph in picture.graphs(DEFINITIONS[machine]) for name in graph.states]
    assert sorted(shown) == sorted(name for name, _ in states(DEFINITIONS[machine]))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_has_no_more_states_than_can_be_read(graph) -> None:
    assert len(graph.states) <= READABLE, (
        "put the states that belong together into a phase (a Parallel), which is drawn by itself"
    )


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_arrow_begins_and_ends_at_a_box_of_its_graph(graph) -> None:
    lines = picture.mermaid(graph).splitlines()
    known = {
        re.match(r"\w*", line)[0] for line in lines if "-->" not in line and "-.->" not in line
    }
    arrows = [line for line in lines if "-->" in line or "-.->" in line]
    assert arrows
    for line in arrows:
        source, target = line.split()[0], line.rpartition("> ")[2].rpartition("| ")[2]
        assert source.startswith("start(") or source in known, line
        assert target in known or target.endswith("]]"), line


def test_a_phase_is_a_box_and_has_a_graph_of_its_own() -> None:
    inside = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "End": True}}}
    graphs = drawn(
        {
            "Prepare": {"Type": "Parallel", "Branches": [inside], "Next": "Each one"},
            "Each one": {"Type": "Map", "ItemProcessor": {"StartAt": "One", "States": {
                "One": {"Type": "Pass", "End": True}}}, "Next": "Done"},
            "Done": {"Type": "Succeed"},
        }
    )  # fmt: skip
    assert list(graphs) == ["Overview", "Prepare", "Each one"]
    assert 'prepare[["Prepare"]]:::phase' in graphs["Overview"]
    assert "prepare --> each_one" in graphs["Overview"]
    assert 'start(("start")) --> ask' in graphs["Prepare"]
    assert 'one["One"]' in graphs["Each one"]


def phase(following, **more):
    inside = {"StartAt": "Work", "States": {"Work": {"Type": "Pass", "End": True}}}
    return {"Type": "Parallel", "Branches": [inside], "Next": following, **more}


def test_what_comes_after_all_phases_is_a_graph_of_its_own() -> None:
    graphs = drawn(
        {
            "Try": phase("Is it good?", Catch=[catching("Alert", "Throttled")]),
            "Is it good?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.bad", "IsPresent": True, "Next": "Alert"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
            "Alert": task("Lost"),
            "Lost": {"Type": "Fail"},
        }
    )
    assert list(graphs) == ["Overview", "Try", "How it ends"]
    overview, ends = graphs["Overview"], graphs["How it ends"]
    assert 'try --> is_it_good_after_try[["Is it good?"]]' in overview
    assert 'try -.->|"Throttled"| alert_after_try[["Alert"]]' in overview
    assert {'start(("start")) --> is_it_good', 'start(("start")) --> alert'} <= set(ends)
    assert 'lost(["Lost"]):::fail' in ends


def test_the_edge_of_a_box_tells_that_any_error_ends_the_machine() -> None:
    states = {
        "Try": phase("Done", Catch=[catching("Alert")]),
        "Done": {"Type": "Succeed"},
        "Alert": task("Lost"),
        "Lost": {"Type": "Fail"},
    }
    assert "class try alarmed" in drawn(states)["Overview"]
    states["Try"].pop("Catch")
    states["Done"] = task("Alert")
    assert "class try alarmed" not in drawn(states)["Overview"]


def test_a_catch_is_dashed_and_red_and_says_what_it_catches() -> None:
    lines = drawn(
        {
            "Try": task("Done", Catch=[catching("Try", "Throttled"), catching("Mend")]),
            "Mend": task("Done"),
            "Done": {"Type": "Succeed"},
        }
    )["Overview"]
    assert 'try -.->|"Throttled"| try' in lines
    assert 'try -.->|"any error"| mend' in lines
    # The arrows are: from the start, to Done, and the two catches.
    assert any(line.startswith("linkStyle 2,3 stroke") for line in lines)


def test_a_step_after_which_it_goes_on_in_any_case_has_one_arrow() -> None:
    states = {"Tell": task("Done", Catch=[catching("Done")]), "Done": {"Type": "Succeed"}}
    assert [line for line in drawn(states)["Overview"] if line.startswith("tell ")] == [
        'tell -->|"even after an error"| done'
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"Variable": "$.request.task", "StringEquals": "db_restore"}, "db_restore"),
        ({"Variable": "$.lock.phase", "StringEquals": ""}, "no lock.phase"),
        ({"Variable": "$.request.dryRun", "BooleanEquals": True}, "dryRun"),
        ({"Variable": "$.request.dryRun", "BooleanEquals": False}, "not dryRun"),
        ({"Variable": "$.error.Cause", "IsPresent": True}, "error.Cause"),
        ({"Variable": "$.error.Cause", "IsPresent": False}, "no error.Cause"),
        ({"Variable": "$.count", "NumericGreaterThanEquals": 3}, "count >= 3"),
        ({"Condition": "{% $task = 'recover' %}"}, "$task = 'recover'"),
        ({"Not": {"Variable": "$.a", "IsPresent": True}}, "not a"),
        ({"Or": [{"Variable": "$.a", "IsPresent": True},
                 {"Variable": "$.b", "StringEquals": "x"}]}, "a or x"),
        ({"And": [{"Variable": "$.a", "IsPresent": True},
                  {"Variable": "$.a", "StringEquals": "x"},
                  {"Variable": "$.b", "IsPresent": True}]}, "x and b"),
    ],
)  # fmt: skip
def test_an_arrow_of_a_choice_says_when_it_is_taken(rule, said) -> None:
    states = {
        "What now?": {"Type": "Choice", "Choices": [{**rule, "Next": "A"}], "Default": "B"},
        "A": {"Type": "Succeed"},
        "B": {"Type": "Succeed"},
    }
    lines = drawn(states)["Overview"]
    assert 'what_now{{"What now?"}}' in lines
    assert f'what_now -->|"{said}"| a' in lines
    assert 'what_now -->|"otherwise"| b' in lines


def test_a_long_label_of_an_arrow_has_several_lines() -> None:
    states = {
        "Try": task("Done", Catch=[catching("Mend", "A.NotThere", "A.NotYetThere", "A.Gone")]),
        "Mend": task("Done"),
        "Done": {"Type": "Succeed"},
    }
    assert 'try -.->|"NotThere,<br>NotYetThere, Gone"| mend' in drawn(states)["Overview"]


def test_the_ends_of_a_machine_stand_out_and_the_end_of_a_phase_does_not() -> None:
    inside = {"StartAt": "Prepared", "States": {"Prepared": {"Type": "Succeed"}}}
    graphs = drawn(
        {
            "Prepare": {"Type": "Parallel", "Branches": [inside], "Next": "Restored",
                        "Catch": [catching("Not restored")]},
            "Restored": {"Type": "Succeed"},
            "Not restored": {"Type": "Fail"},
        }
    )  # fmt: skip
    assert 'restored(["Restored"]):::succeed' in graphs["Overview"]
    assert 'not_restored(["Not restored"]):::fail' in graphs["Overview"]
    assert 'prepared(["Prepared"])' in graphs["Prepare"]


def test_drawing_leaves_the_rest_of_the_page_alone(tmp_path, monkeypatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{picture.BEGIN}\nstale\n{picture.END}\nAfter.\n")
    monkeypatch.setattr(picture, "PAGE", page)
    picture.main()
    text = page.read_text()
    assert text.startswith(f"Before.\n{picture.BEGIN}\n")
    assert text.endswith(f"{picture.END}\nAfter.\n")
    assert "stale" not in text


def test_a_page_without_the_markers_is_refused(tmp_path, monkeypatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("Nothing here.\n")
    monkeypatch.setattr(picture, "PAGE", page)
    with pytest.raises(SystemExit, match="markers"):
        picture.main()
