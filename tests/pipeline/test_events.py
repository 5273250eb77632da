"""Every file of events/ ends as its name says."""

import json
from pathlib import Path

import pytest

from local.commands.app import ROOT, App
from local.commands.others import arrange
from tests.mailed import flowing, sentence
from tests.pipeline.observed import databases, run, tagged


def of_the_app(folder: Path) -> list[Path]:
    """The events of a folder, but for those that have tests of their own.

    These are of the fleet's state machine, and of tests/refresh: with hooks they need real data.
    """
    return sorted(
        path
        for path in folder.glob("*.json")
        if path.stem != "fleet" and "beforeSwap" not in path.read_text()
    )


GOOD = of_the_app(ROOT / "events")
FAILING = of_the_app(ROOT / "events" / "failing")

# The error that each failing event must name: by the whole name, or by what follows the kind.
ERRORS = {
    "identifier_not_allowed": "IdentifierNotAllowed",
    "impossible_identifier": "InvalidRequest",
    "missing_key": "InvalidRequest",
    "not_an_object": "InvalidRequest",
    "unknown_key": "InvalidRequest",
    "unknown_task": "InvalidRequest",
    "wrong_type": "InvalidRequest",
    "in_a_deployment": "DatabaseNotSupported",
    "left_over": "NameTaken",
    "not_available": "DatabaseNotAvailable",
    "not_found": "DatabaseNotFound",
    "of_the_other_kind": "WrongKind",
    "protected": "DatabaseProtected",
    "restore_fails": "RestoreFailed",
    "without_snapshot": "SnapshotMissing",
}


def stem(path: Path) -> str:
    return path.stem


def expected_error(path: Path) -> str:
    name = path.stem
    return ERRORS[name] if name in ERRORS else ERRORS[name.partition("_")[2]]


# Whether nobody has called the functions for weeks.
IDLE = pytest.mark.parametrize(
    "idle",
    [
        pytest.param(None, id="active"),
        pytest.param("", id="inactive", marks=pytest.mark.thorough),
    ],
)


@IDLE
@pytest.mark.parametrize("path", GOOD, ids=stem)
def test_a_good_event_succeeds_without_a_mail_and_leaves_no_trace(
    cloud: App, path: Path, idle: str | None
) -> None:
    cloud.functions.idle = idle
    request = json.loads(path.read_text())
    arrange(cloud, request)
    before = databases(cloud)

    execution = run(cloud, request)

    assert (execution.status, execution.error) == ("SUCCEEDED", "")
    assert cloud.alerts == []
    assert tagged(cloud) == []
    after = databases(cloud)
    assert all(status == "available" for name, (_, status) in after.items() if name not in before)
    assert {name: after[name][1] for name in before} == {
        name: status for name, (_, status) in before.items()
    }
    target = request.get("targetIdentifier", "nothing")
    assert all(name.split()[1].startswith(target) for name in set(after) - set(before))


@IDLE
@pytest.mark.parametrize("path", FAILING, ids=stem)
def test_a_failing_event_names_its_cause_and_leaves_the_original_whole(
    cloud: App, path: Path, idle: str | None
) -> None:
    cloud.functions.idle = idle
    before = databases(cloud)

    execution = run(cloud, json.loads(path.read_text()))

    assert (execution.status, execution.error) == ("FAILED", expected_error(path))
    assert databases(cloud) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert mail.recipients == ["dba@example.com", "oncall@example.com"]
    assert execution.error in mail.subject
    assert execution.error in flowing(mail.text)
    assert execution.error in mail.html
    assert sentence(execution.cause) in flowing(mail.text)


def test_both_kinds_have_the_same_events() -> None:
    # An inspection looks at both at once, a fleet at many.
    names = {path.stem for path in (ROOT / "events").glob("*.json")} - {"inspect", "fleet"}
    assert {name for name in names if not name.startswith("cluster_")} == {
        name.removeprefix("cluster_") for name in names if name.startswith("cluster_")
    }
    failing = {path.stem for path in (ROOT / "events" / "failing").glob("*.json")}
    assert {name.removeprefix("instance_") for name in failing if "instance_" in name} == {
        name.removeprefix("cluster_") for name in failing if "cluster_" in name
    }
    assert len(failing) >= 8
