"""A fleet: many restores, so many at a time, and what became of each."""

import json
import re
from typing import Any

import pytest

from local.commands.account import make_plain
from local.commands.app import ROOT, App, export_bucket
from local.emulator.cloud import REGION, Call, Execution, Fault, Notice, lost
from src.fleet.read import name as name_of_restore
from tests.pipeline.observed import INSTANCE, KINDS, Kind, databases, tagged
from tests.pipeline.rights import owners

of_both = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
BUCKET = export_bucket(REGION)


def make(cloud: App, kind: Kind, count: int) -> list[str]:
    """So many databases of a kind, each with its snapshot."""
    rds = cloud.rds
    rds.quotas |= dict.fromkeys(("instance", "cluster", "snapshot", "cluster-snapshot"), 200)
    names = [f"many{number}" for number in range(count)]
    with rds.instantly(at=rds.time - 86_400):
        for name in names:
            make_plain(rds, name)
            database = f"{name}-{'cluster' if kind.is_cluster else 'db'}"
            what = kind.operation("DB*") if kind.is_cluster else "DB"
            rds.call(f"Create{what}Snapshot", {
                f"{kind.operation('DB*')}Identifier": database,
                f"{what}SnapshotIdentifier": f"{database}-snapshot",
            })  # fmt: skip
    rds.settle()
    return [f"{name}-{'cluster' if kind.is_cluster else 'db'}" for name in names]


def requests(kind: Kind, names: list[str], **more: Any) -> list[dict[str, Any]]:
    return [kind.request("db_restore", **more) | {"identifier": name} for name in names]


def run(cloud: App, asked: Any, name: str = "weekly") -> Execution:
    """One fleet, and all that it has started, to their ends."""
    arn = cloud.start("FleetStateMachine", asked, name)
    cloud.settle(real_timeout=60)
    return cloud.describe(arn)


def restores(cloud: App) -> list[Execution]:
    """Those that a fleet has started; what the rule starts behind a failure has other names."""
    arns = cloud.executions(cloud.machine)
    return [cloud.describe(arn) for arn in arns if re.search("-[0-9a-f]{16}$", arn)]


def read(cloud: App, place: str) -> Any:
    """An object of the bucket, by its address."""
    key = place.removeprefix(f"s3://{BUCKET}/")
    return json.loads(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def put(cloud: App, key: str, text: str) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def outcomes(told: dict[str, Any]) -> tuple[int, int, int]:
    return told["restored"], told["failed"], told["notStarted"]


def most_at_once(cloud: App) -> list[int]:
    """A list whose only member grows to the most restores that have run at a time."""
    executions = cloud.machine.replace(":stateMachine:", ":execution:")
    running: set[str] = set()
    most = [0]

    def count(notice: Notice) -> None:
        if notice.kind == "execution started" and notice.execution.startswith(executions):
            running.add(notice.execution)
        if notice.kind == "execution ended":
            running.discard(notice.execution)
        most[0] = max(most[0], len(running))

    cloud.listeners.append(count)
    return most


@pytest.mark.thorough
@of_both
def test_ten_are_restored_three_at_a_time(cloud: App, kind: Kind) -> None:
    names = make(cloud, kind, 10)
    before = databases(cloud)
    most = most_at_once(cloud)

    fleet = run(cloud, {"requests": requests(kind, names), "maxConcurrency": 3})

    assert (fleet.status, fleet.cause) == ("SUCCEEDED", "")
    assert most == [3]
    assert fleet.output["requests"] == 10
    assert outcomes(fleet.output) == (10, 0, 0)
    assert [one.status for one in restores(cloud)] == ["SUCCEEDED"] * 10
    after = databases(cloud)
    assert all(
        after[f"{kind.name} {name}"][0] != before[f"{kind.name} {name}"][0] for name in names
    )
    assert after.keys() == before.keys()
    assert tagged(cloud) == []
    summary = read(cloud, fleet.output["summary"])
    assert sorted(one["request"]["identifier"] for one in summary["all"]) == sorted(names)
    assert fleet.output["remaining"] == ""


def test_the_sample_event_restores_an_instance_and_a_cluster(cloud: App) -> None:
    fleet = run(cloud, json.loads((ROOT / "events" / "fleet.json").read_text()))

    assert (fleet.status, fleet.cause) == ("SUCCEEDED", "")
    assert outcomes(fleet.output) == (2, 0, 0)


@of_both
def test_past_the_tolerance_nothing_new_starts_and_what_runs_ends_by_itself(
    cloud: App, kind: Kind
) -> None:
    names = make(cloud, kind, 4)
    missing = f"missing-{kind.identifier}"
    before = databases(cloud)
    asked = {"requests": requests(kind, [missing, *names]), "maxConcurrency": 3}

    fleet = run(cloud, asked)

    assert (fleet.status, fleet.error) == ("FAILED", "FleetIncomplete")
    told = json.loads(fleet.cause)
    assert outcomes(told) == (2, 1, 2)
    (failure,) = told["failures"]
    assert (failure["identifier"], failure["isCluster"]) == (missing, kind.is_cluster)
    assert failure["error"] == "DatabaseNotFound"
    assert missing in failure["cause"]
    assert told["notStartedFirst"] == names[2:]
    assert [one.status for one in restores(cloud)] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    after = databases(cloud)
    replaced = [name for name in before if after[name][0] != before[name][0]]
    # A cluster's members are replaced with it.
    assert [name for name in replaced if name.startswith(kind.name + " ")] == [
        f"{kind.name} {name}" for name in names[:2]
    ]
    assert [call for call in cloud.calls if call.operation == "StopExecution"] == []

    # What is left is the list of the next fleet.
    key = told["remaining"].removeprefix(f"s3://{BUCKET}/")
    assert [one["identifier"] for one in read(cloud, key)] == [missing, *names[2:]]
    again = run(cloud, {"source": {"key": key}, "toleratedFailurePercentage": 40}, "again")
    assert again.status == "SUCCEEDED"
    assert outcomes(again.output) == (2, 1, 0)


@of_both
def test_within_the_tolerance_all_others_are_restored(cloud: App, kind: Kind) -> None:
    names = make(cloud, kind, 3)
    asked = {
        "requests": requests(kind, [f"missing-{kind.identifier}", *names]),
        "maxConcurrency": 1,
        "toleratedFailurePercentage": 50,
    }
    fleet = run(cloud, asked)

    assert fleet.status == "SUCCEEDED"
    assert outcomes(fleet.output) == (3, 1, 0)
    assert [one["error"] for one in fleet.output["failures"]] == ["DatabaseNotFound"]


@of_both
def test_a_fleet_that_is_started_again_starts_nothing_again(cloud: App, kind: Kind) -> None:
    names = make(cloud, kind, 2)
    asked = {"requests": requests(kind, names)}
    answers = [lost(carried_out=True)]

    def lose_the_first(call: Call) -> Fault | None:
        is_start = (call.caller, call.operation) == ("states", "StartExecution")
        return answers.pop() if answers and is_start else None

    cloud.faults.append(lose_the_first)
    with cloud.clock.held():
        arn = cloud.start("FleetStateMachine", asked, "weekly")
        assert cloud.start("FleetStateMachine", asked, "weekly") == arn
    cloud.settle(real_timeout=60)

    assert answers == []
    assert outcomes(cloud.describe(arn).output) == (2, 0, 0)
    assert len(restores(cloud)) == 2


@of_both
def test_a_restore_that_has_ended_already_under_its_name_counts_by_its_own_end(
    cloud: App, kind: Kind
) -> None:
    """So a delivery after the end starts nothing twice."""
    names = [*make(cloud, kind, 1), f"missing-{kind.identifier}"]
    asked = requests(kind, names)
    fleet = cloud.physical_id("FleetStateMachine").replace(":stateMachine:", ":execution:")
    for request in asked:
        cloud.run(cloud.machine, request, name_of_restore(f"{fleet}:weekly", request))
    cloud.settle()
    before = databases(cloud)

    ended = run(cloud, {"requests": asked, "toleratedFailurePercentage": 50})

    assert (ended.status, ended.cause) == ("SUCCEEDED", "")
    assert outcomes(ended.output) == (1, 1, 0)
    assert ended.output["failures"][0]["error"] == "DatabaseNotFound"
    assert len(restores(cloud)) == 2
    assert databases(cloud) == before


@of_both
def test_a_fleet_that_is_stopped_leaves_what_runs_to_its_own_end(cloud: App, kind: Kind) -> None:
    names = make(cloud, kind, 3)
    asked = {"requests": requests(kind, names), "maxConcurrency": 2}
    arn = cloud.clock.advance(100, lambda: cloud.start("FleetStateMachine", asked, "weekly"))
    assert arn
    cloud.client("stepfunctions").stop_execution(executionArn=arn)
    cloud.settle(real_timeout=60)

    assert cloud.describe(arn).status == "ABORTED"
    assert [one.status for one in restores(cloud)] == ["SUCCEEDED"] * 2
    # Step Functions tries; the role may not.
    tried = [call for call in cloud.calls if call.operation == "StopExecution"]
    assert {call.error for call in tried if call.caller == "states"} == {"AccessDeniedException"}
    assert tagged(cloud) == []


@pytest.mark.parametrize("ending", ["json", "csv"])
@of_both
def test_the_list_can_be_an_object_in_s3(cloud: App, kind: Kind, ending: str) -> None:
    names = make(cloud, kind, 2)
    asked = requests(kind, names, keepOriginal=False)
    text = json.dumps(asked)
    if ending == "csv":
        is_cluster = str(kind.is_cluster).lower()
        rows = [f"{name},db_restore,{is_cluster},FALSE," for name in names]
        text = "\r\n".join(["identifier,task,isCluster,keepOriginal,strategy", *rows, ""])
    put(cloud, f"fleets/staging.{ending}", text)

    fleet = run(cloud, {"source": {"key": f"fleets/staging.{ending}"}})

    assert (fleet.status, fleet.cause) == ("SUCCEEDED", "")
    assert outcomes(fleet.output) == (2, 0, 0)
    listed = read(cloud, "fleets/weekly/requests.json")
    assert [one["request"] for one in listed] == asked


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "Give either requests, such as"),
        ([], "The input must be a JSON object such as"),
        ({"requests": []}, "The list must have 1 to 10000 requests, not 0."),
        ({"requests": ["prod-db"]}, "Request 1 must be an object, not 'prod-db'."),
        ({"source": {"key": "fleets/none.json"}}, "is not there, or may not be read."),
    ],
)
def test_an_input_that_is_no_fleet_s_is_refused_in_one_sentence(
    cloud: App, asked: Any, sentence: str
) -> None:
    fleet = run(cloud, asked)

    assert (fleet.status, fleet.error) == ("FAILED", "InvalidRequest")
    assert sentence in fleet.cause
    assert "\n" not in fleet.cause
    assert restores(cloud) == []


def test_a_start_that_is_denied_is_told_with_its_reason(cloud: App) -> None:
    (name,) = make(cloud, INSTANCE, 1)
    role = next(name for name, who in owners(cloud).items() if who == "FleetStatesExecutionRole")
    cloud.faults.append(
        lambda call: (
            Fault("AccessDeniedException", f"{role} may not", 400)
            if call.operation == "StartExecution" and call.caller == "states"
            else None
        )
    )
    fleet = run(cloud, {"requests": requests(INSTANCE, [name])})

    assert (fleet.status, fleet.error) == ("FAILED", "FleetIncomplete")
    (failure,) = json.loads(fleet.cause)["failures"]
    assert failure["error"] == "StepFunctions.AccessDeniedException"
    assert "may not" in failure["cause"]


def test_without_the_right_to_start_its_children_a_fleet_fails_before_any_restore(
    cloud: App,
) -> None:
    (name,) = make(cloud, INSTANCE, 1)
    role = next(name for name, who in owners(cloud).items() if who == "FleetStatesExecutionRole")
    cloud.authorization.withheld.add((role, "states:StartExecution"))
    try:
        fleet = run(cloud, {"requests": requests(INSTANCE, [name])})
    finally:
        cloud.authorization.withheld.clear()

    assert (fleet.status, fleet.error) == ("FAILED", "States.Permissions")
    assert restores(cloud) == []
