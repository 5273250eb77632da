"""The fleet's definition and role: it counts by itself, and nothing of it can stop a restore."""

import json

from tests.deploy.definition import FLEET, states, tasks
from tests.deploy.test_definition import template
from trapheus.execution.fleet import FOLDER

RESOURCES = template()["Resources"]
OWN = ("FleetStatesExecutionRole", "RunTheChildren", "ReadAndWriteFleets")


def actions() -> dict[str, list[str]]:
    """What the fleet's machine may do: action -> the resources, as they stand in the template."""
    found: dict[str, list[str]] = {}
    for name in OWN:
        properties = RESOURCES[name]["Properties"]
        for policy in properties.get("Policies", [properties]):
            for statement in policy["PolicyDocument"]["Statement"]:
                named, on = statement["Action"], statement["Resource"]
                for action in [named] if isinstance(named, str) else named:
                    found.setdefault(action, []).extend([on] if isinstance(on, str) else on)
    return found


def test_the_map_itself_tolerates_all_failures_since_it_would_abort_what_runs() -> None:
    (map_state,) = (state for _, state in states(FLEET) if state["Type"] == "Map")
    assert map_state["ToleratedFailurePercentage"] == 100
    assert "ToleratedFailureCount" not in map_state
    assert "Retry" not in map_state, "a second run would have counts of its own"
    assert map_state["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }


def test_the_fleet_may_not_stop_what_it_has_started() -> None:
    granted = actions()
    assert "states:StopExecution" not in granted
    assert granted["states:StartExecution"] == ["DBRestoreStateMachine", "FleetStateMachine"]
    assert all(f"/{FOLDER}/*" in on for on in granted["s3:PutObject"] + granted["s3:GetObject"])


def test_the_restore_is_the_last_that_a_child_begins() -> None:
    """What asks for the count comes before it, and what looks at its end after it."""
    (map_state,) = (state for _, state in states(FLEET) if state["Type"] == "Map")
    child = map_state["ItemProcessor"]
    path, name = [], child["StartAt"]
    while name != "Restore the database":
        path.append(name)
        state = child["States"][name]
        name = state.get("Default") or state["Next"]
    assert path == [
        "Find the run of the Map", "How many have failed so far?", "More than are tolerated?",
    ]  # fmt: skip


def test_every_task_but_the_restore_ends_in_time_and_every_one_tries_again() -> None:
    for name, task in tasks(FLEET):
        assert task["Retry"], name
        assert ("TimeoutSeconds" in task) == (name != "Restore the database"), name


def test_no_substitution_of_the_fleet_names_another_thing_than_its_machine_does() -> None:
    given = RESOURCES["FleetStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert given["DBRestoreStateMachineArn"] == "DBRestoreStateMachine"
    assert given["DBRestoreExecutions"].endswith(":execution:${DBRestoreStateMachine.Name}")
    assert "${DBRestoreExecutions}:{}" in json.dumps(FLEET)
