"""The policies grant what the app needs, and nothing that it does not."""

import pytest

from local.commands.app import App
from tests.pipeline.observed import INSTANCE, KINDS, Kind, databases, run
from tests.pipeline.rights import (
    EXCUSED_ATTACHMENTS,
    EXCUSES,
    excuse,
    granted,
    owners,
    unused_attachments,
    used,
)
from tests.pipeline.scenarios import SCENARIOS, restore


@pytest.mark.thorough
def test_every_right_that_is_granted_is_used_or_excused(cloud: App) -> None:
    """All of the scenarios, since only together do they use every right."""
    cloud.authorization.used.clear()
    cloud.authorization.users.clear()
    for name, scenario in SCENARIOS.items():
        cloud.reset()
        cloud.use_timing("brisk")
        try:
            scenario(cloud)
        except AssertionError as error:
            pytest.fail(f"{name}: {error}")

    unused = granted(cloud) - used(cloud)
    assert sorted(right for right in unused if not excuse(right)) == []
    assert [one for one in EXCUSES if any(one.covers(right) for right in used(cloud))] == []
    assert [one for one in EXCUSES if not any(one.covers(right) for right in unused)] == []
    assert unused_attachments(cloud) == EXCUSED_ATTACHMENTS


def test_the_roles_of_the_app_are_found_in_iam(cloud: App) -> None:
    """A role that IAM does not know would not be judged at all."""
    run(cloud, INSTANCE.request("create_snapshot_only"))

    judged = {call.caller for call in cloud.calls if call.grants}
    assert {call.caller for call in cloud.calls} - judged == {"outside"}
    assert {"states", "CheckInstanceFunction", "SnapshotInstanceFunction"} <= judged


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_run_without_one_of_its_rights_is_denied_it(cloud: App, kind: Kind) -> None:
    before = databases(cloud)
    function = f"Restore{kind.name.capitalize()}Function"
    role = next(name for name, who in owners(cloud).items() if who == function)
    cloud.authorization.withheld.add((role, "rds:AddTagsToResource"))
    try:
        execution = run(cloud, kind.request("db_restore"))
    finally:
        cloud.authorization.withheld.clear()

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert "is not authorized to perform: rds:AddTagsToResource" in execution.cause
    assert f"assumed-role/{role}/{function}" in execution.cause
    assert databases(cloud) == before


def test_a_scenario_fails_when_it_should(cloud: App) -> None:
    """The control of the scenarios, which the table of docs/permissions.md rests on."""
    cloud.rds.poison("instance", INSTANCE.identifier)

    with pytest.raises(AssertionError, match="FAILED RestoreFailed, not SUCCEEDED"):
        restore(INSTANCE, cloud)
