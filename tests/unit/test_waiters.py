"""The waits: what ends each of them well, badly, or not yet."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.conftest import Aws, Fault
from trapheus.execution import exceptions
from trapheus.rds import waiters

# RDS User Guide, "Viewing DB instance status"; Aurora User Guide, "Viewing DB cluster status".
ONLINE_INSTANCE = ["available", "storage-optimization", "backing-up", "storage-initialization"]
ONLINE_CLUSTER = ["available", "storage-optimization", "backing-up"]
BUSY_INSTANCE = [
    "creating", "modifying", "rebooting", "renaming", "starting", "stopping", "upgrading",
    "maintenance", "configuring-enhanced-monitoring", "configuring-iam-database-auth",
    "configuring-log-exports", "resetting-master-credentials", "converting-to-vpc",
    "moving-to-vpc", "storage-config-upgrade", "backtracking",
]  # fmt: skip
BAD_INSTANCE = [
    "failed", "restore-error", "incompatible-restore", "incompatible-network",
    "incompatible-option-group", "incompatible-parameters", "incompatible-create",
    "incompatible-credentials", "insufficient-capacity", "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable", "modify-failed", "upgrade-failed",
    "stopped",
]  # fmt: skip
BUSY_CLUSTER = [
    "creating", "migrating", "modifying", "renaming", "backtracking", "failing-over", "promoting",
    "maintenance", "resetting-master-credentials", "starting", "stopping", "update-iam-db-auth",
    "upgrading", "rebooting", "preparing-data-migration", "scaling-compute", "scaling-storage",
    "configuring-iam-database-auth",
]  # fmt: skip
BAD_CLUSTER = [
    "failed", "cloning-failed", "migration-failed", "restore-failed",
    "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
    "incompatible-network", "incompatible-parameters", "incompatible-restore", "stopped",
]  # fmt: skip
GOING = ["deleting", "delete-precheck"]

Show = Callable[..., dict[str, Any]]


def an_instance(status: str, name: str = "db", resource_id: str = "db-NEW", **more: Any) -> dict:
    return {
        "DBInstances": [
            {
                "DBInstanceIdentifier": name,
                "DbiResourceId": resource_id,
                "DBInstanceStatus": status,
                **more,
            }
        ]
    }


def a_cluster(status: str, name: str = "db", resource_id: str = "db-NEW", **more: Any) -> dict:
    return {
        "DBClusters": [
            {
                "DBClusterIdentifier": name,
                "DbClusterResourceId": resource_id,
                "Status": status,
                **more,
            }
        ]
    }


def a_snapshot(status: str) -> dict:
    return {"DBSnapshots": [{"DBSnapshotIdentifier": "db-snapshot", "Status": status}]}


def a_cluster_snapshot(status: str) -> dict:
    return {
        "DBClusterSnapshots": [{"DBClusterSnapshotIdentifier": "db-snapshot", "Status": status}]
    }


@dataclass
class Case:
    """A wait, how its subject is shown, and which status means what to it."""

    name: str
    what: Callable[[], waiters.Wait]
    show: Show
    good: list[str]
    busy: list[str]
    bad: list[str]
    empty: dict[str, Any]
    missing: str
    gone_is_good: bool = False


NO_INSTANCE, NO_CLUSTER = {"DBInstances": []}, {"DBClusters": []}
NO_SNAPSHOT, NO_CLUSTER_SNAPSHOT = {"DBSnapshots": []}, {"DBClusterSnapshots": []}
CASES = [
    Case(
        "instance_renamed", lambda: waiters.instance_renamed("db-NEW", "db"), an_instance,
        [*ONLINE_INSTANCE, "rebooting"], [s for s in BUSY_INSTANCE if s != "rebooting"],
        BAD_INSTANCE + GOING, NO_INSTANCE, "DBInstanceNotFound",
    ),
    Case(
        "cluster_renamed", lambda: waiters.cluster_renamed("db-NEW", "db"), a_cluster,
        [*ONLINE_CLUSTER, "rebooting"], [s for s in BUSY_CLUSTER if s != "rebooting"],
        BAD_CLUSTER + GOING, NO_CLUSTER, "DBClusterNotFoundFault",
    ),
    Case(
        "instance_settled", lambda: waiters.instance_settled("db", "db-OLD"), an_instance,
        ONLINE_INSTANCE, BUSY_INSTANCE, BAD_INSTANCE + GOING, NO_INSTANCE, "DBInstanceNotFound",
    ),
    Case(
        "cluster_settled", lambda: waiters.cluster_settled("db", "db-OLD"), a_cluster,
        ONLINE_CLUSTER, BUSY_CLUSTER, BAD_CLUSTER + GOING, NO_CLUSTER, "DBClusterNotFoundFault",
    ),
    Case(
        "instance_deleted", lambda: waiters.instance_deleted("db-NEW"), an_instance, [],
        ["available", "modifying", *GOING],
        ["failed", *(status for status in BAD_INSTANCE if status.startswith("incompatible"))],
        NO_INSTANCE, "DBInstanceNotFound", gone_is_good=True,
    ),
    Case(
        "cluster_deleted", lambda: waiters.cluster_deleted("db-NEW"), a_cluster, [],
        ["available", "modifying", *GOING],
        ["failed", *(status for status in BAD_CLUSTER if status.startswith("incompatible"))],
        NO_CLUSTER, "DBClusterNotFoundFault", gone_is_good=True,
    ),
    Case(
        "snapshot_available", lambda: waiters.snapshot_available("db-snapshot"), a_snapshot,
        ["available"], ["creating", "copying"], ["failed", "deleting"], NO_SNAPSHOT,
        "DBSnapshotNotFound",
    ),
    Case(
        "cluster_snapshot_available", lambda: waiters.cluster_snapshot_available("db-snapshot"),
        a_cluster_snapshot, ["available"], ["creating", "copying"], ["failed", "deleting"],
        NO_CLUSTER_SNAPSHOT, "DBClusterSnapshotNotFoundFault",
    ),
    Case(
        "snapshot_deleted", lambda: waiters.snapshot_deleted("db-snapshot"), a_snapshot, [],
        ["available", "deleting"], ["failed"], NO_SNAPSHOT, "DBSnapshotNotFound",
        gone_is_good=True,
    ),
    Case(
        "cluster_snapshot_deleted", lambda: waiters.cluster_snapshot_deleted("db-snapshot"),
        a_cluster_snapshot, [], ["available", "deleting"], ["failed"], NO_CLUSTER_SNAPSHOT,
        "DBClusterSnapshotNotFoundFault", gone_is_good=True,
    ),
]  # fmt: skip
every_wait = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
waits_for_a_thing = pytest.mark.parametrize(
    "case", [case for case in CASES if not case.gone_is_good], ids=lambda case: case.name
)
waits_for_an_end = pytest.mark.parametrize(
    "case", [case for case in CASES if case.gone_is_good], ids=lambda case: case.name
)


def table(of: str) -> pytest.MarkDecorator:
    rows = [(case, status) for case in CASES for status in getattr(case, of)]
    return pytest.mark.parametrize(
        ("case", "status"), rows, ids=[f"{case.name}-{status}" for case, status in rows]
    )


def look(wire: Aws, what: waiters.Wait, hours: float = 0, **more: Any) -> None:
    waiters.wait(
        what,
        otherwise=exceptions.RestoreFailed,
        identifier="db",
        since=(datetime.now(UTC) - timedelta(hours=hours)).isoformat(),
        **more,
    )


def wait(wire: Aws, what: waiters.Wait, looks: int = 18, hours: float = 0) -> None:
    """Look again after a pause while it is too early, as the state machine does."""
    for _ in range(looks - 1):
        with suppress(exceptions.StillInProgress, exceptions.Throttled):
            return look(wire, what, hours)
        wire.clock.sleep(waiters.DELAY)
    return look(wire, what, hours)


def ended(
    wire: Aws,
    what: waiters.Wait,
    error: type[Exception],
    looks: int = 18,
    hours: float = 0,
) -> str:
    """The sentence with which a wait ends without success."""
    with pytest.raises(exceptions.TrapheusError) as raised:
        wait(wire, what, looks, hours)
    assert type(raised.value) is error
    fields = json.loads(str(raised.value))
    assert fields["identifier"] == "db"
    return fields["message"]


@table("good")
def test_a_good_status_ends_a_wait_well_at_the_first_look(wire: Aws, case: Case, status: str):
    wire.show(case.show(status))

    wait(wire, case.what())

    assert len(wire.calls) == 1


@table("busy")
def test_a_busy_status_keeps_a_wait_going(wire: Aws, case: Case, status: str):
    wire.show(case.show(status))

    assert ended(wire, case.what(), exceptions.StillInProgress, 4) == f"db is {status}"
    assert len(wire.calls) == 4


@table("bad")
def test_a_bad_status_ends_a_wait_at_once_and_is_named(wire: Aws, case: Case, status: str):
    wire.show(case.show(status))

    assert ended(wire, case.what(), exceptions.RestoreFailed) == f"db is {status}"
    assert len(wire.calls) == 1


@every_wait
def test_a_bad_status_ends_a_wait_that_has_begun(wire: Aws, case: Case):
    wire.show(case.show(case.busy[0]), case.show(case.busy[1]), case.show(case.bad[0]))

    assert ended(wire, case.what(), exceptions.RestoreFailed) == f"db is {case.bad[0]}"


@waits_for_a_thing
def test_a_wait_ends_well_once_the_work_is_done(wire: Aws, case: Case):
    busy = [case.show(status) for status in case.busy]
    wire.show(*busy, case.show("available"))

    wait(wire, case.what(), looks=36)

    assert len(wire.calls) == len(busy) + 1


@waits_for_a_thing
@pytest.mark.parametrize("absence", ["an error", "an empty list"])
def test_what_is_not_visible_yet_is_waited_for(wire: Aws, case: Case, absence: str):
    nothing = Fault("", case.missing, 404) if absence == "an error" else case.empty
    wire.show(nothing, nothing, case.show("creating"), case.show("available"))

    wait(wire, case.what())

    assert len(wire.calls) == 4


@waits_for_a_thing
@pytest.mark.parametrize("absence", ["an error", "an empty list"])
def test_what_never_becomes_visible_is_still_in_progress(wire: Aws, case: Case, absence: str):
    wire.show(Fault("", case.missing, 404) if absence == "an error" else case.empty)

    assert "not visible" in ended(wire, case.what(), exceptions.StillInProgress)


@waits_for_an_end
@pytest.mark.parametrize("absence", ["an error", "an empty list"])
def test_what_is_gone_ends_a_wait_for_its_end(wire: Aws, case: Case, absence: str):
    gone = Fault("", case.missing, 404) if absence == "an error" else case.empty
    wire.show(case.show("available"), case.show("deleting"), gone)

    wait(wire, case.what())

    assert len(wire.calls) == 3


@every_wait
def test_time_that_is_up_is_told_with_the_last_status(wire: Aws, case: Case):
    wire.show(*[case.show(case.busy[0])] * 5, case.show(case.busy[1]))

    assert ended(wire, case.what(), exceptions.StillInProgress) == f"db is {case.busy[1]}"


@every_wait
def test_a_wait_is_one_look_and_no_sleep(wire: Aws, case: Case):
    wire.show(case.show(case.busy[0]))
    begin = wire.clock.time

    with pytest.raises(exceptions.StillInProgress):
        look(wire, case.what())

    assert (len(wire.calls), wire.clock.time) == (1, begin)


@waits_for_a_thing
def test_what_has_been_seen_just_now_is_judged_instead_of_a_look(wire: Aws, case: Case):
    what = case.what()
    for status, error in ((case.busy[0], exceptions.StillInProgress),
                          (case.bad[0], exceptions.RestoreFailed)):  # fmt: skip
        (seen,) = case.show(status)[what.listed]
        with pytest.raises(error, match=f"db is {status}"):
            look(wire, what, seen=seen)
    (seen,) = case.show("available")[what.listed]
    look(wire, what, seen=seen)

    assert wire.calls == []


@waits_for_a_thing
def test_the_only_look_may_be_the_good_one(wire: Aws, case: Case):
    wire.show(case.show("available"))

    wait(wire, case.what(), looks=1)


@every_wait
@pytest.mark.parametrize(
    ("code", "status"),
    [("Throttling", 400), ("RequestLimitExceeded", 503), ("InternalFailure", 500)],
)
def test_a_burst_of_throttling_does_not_end_a_wait(wire: Aws, case: Case, code: str, status: int):
    # More than the client itself tries again.
    burst = [Fault("", code, status)] * 10
    wire.show(*burst, case.empty if case.gone_is_good else case.show("available"))

    wait(wire, case.what())


@every_wait
@pytest.mark.parametrize(
    ("code", "status", "looks"),
    [("Throttling", 400, 1), ("Throttling", 400, 18), ("SomethingNew", 500, 18)],
)
def test_throttling_that_goes_on_is_throttled(
    wire: Aws, case: Case, code: str, status: int, looks: int
):
    wire.show(Fault("", code, status))

    ended(wire, case.what(), exceptions.Throttled, looks)


@every_wait
@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("ExpiredToken", 403)])
def test_an_error_that_no_patience_cures_ends_a_wait_at_once(
    wire: Aws, case: Case, code: str, status: int
):
    wire.show(Fault("", code, status))

    assert "injected" in ended(wire, case.what(), exceptions.RestoreFailed)
    assert len(wire.calls) == 1


RENAMED = [case for case in CASES if case.name.endswith("_renamed")]
SETTLED = [case for case in CASES if case.name.endswith("_settled")]
renames = pytest.mark.parametrize("case", RENAMED, ids=lambda case: case.name)
settles = pytest.mark.parametrize("case", SETTLED, ids=lambda case: case.name)


@renames
def test_a_stale_available_under_the_old_name_is_no_rename(wire: Aws, case: Case):
    wire.show(case.show("available", name="old"))

    assert ended(wire, case.what(), exceptions.StillInProgress) == "db is available"


@renames
def test_a_rename_goes_through_all_that_rds_shows_meanwhile(wire: Aws, case: Case):
    wire.show(
        case.show("available", name="old"),
        case.show("renaming", name="old"),
        case.empty,
        case.show("renaming"),
        case.show("rebooting"),
        case.show("available"),
    )

    wait(wire, case.what())

    assert len(wire.calls) == 5, "while it still reboots, its old name is free already"


@renames
def test_a_rename_is_followed_by_the_resource_id(wire: Aws, case: Case):
    wait_for = case.what()

    assert [item["Values"] for item in wait_for.arguments["Filters"]] == [["db-NEW"]]


@settles
@pytest.mark.parametrize("status", ["available", "failed", "incompatible-restore", "stopped"])
def test_the_old_one_under_the_name_is_neither_success_nor_failure(
    wire: Aws, case: Case, status: str
):
    wire.show(case.show(status, resource_id="db-OLD"))

    ended(wire, case.what(), exceptions.StillInProgress)


@settles
@pytest.mark.parametrize(
    "unsettled",
    [
        {"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "adding"}]},
        {"PendingModifiedValues": {"IAMDatabaseAuthenticationEnabled": True}},
    ],
)
def test_what_is_available_but_unsettled_is_waited_for(
    wire: Aws, case: Case, unsettled: dict[str, Any]
):
    wire.show(case.show("available", **unsettled), case.show("available"))

    wait(wire, case.what())

    assert len(wire.calls) == 2


def test_an_instance_whose_parameter_group_is_being_applied_is_waited_for(wire: Aws):
    def with_group(status: str) -> dict[str, Any]:
        group = {"DBParameterGroupName": "tuned", "ParameterApplyStatus": status}
        return an_instance("available", DBParameterGroups=[group])

    wire.show(with_group("applying"), with_group("in-sync"))

    wait(wire, waiters.instance_settled("db", "db-OLD"))

    assert len(wire.calls) == 2


@settles
def test_settled_attributes_end_a_wait_well(wire: Aws, case: Case):
    wire.show(
        case.show(
            "available",
            VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
            PendingModifiedValues={},
            # Which is the verification's to judge: clients can work, and it may last for days.
            DomainMemberships=[{"Domain": "d-1", "Status": "pending-maintenance-join"}],
            OptionGroupMemberships=[{"OptionGroupName": "tde", "Status": "pending-apply"}],
        )
    )

    wait(wire, case.what())


@settles
def test_available_that_flaps_ends_a_wait_at_the_first_available(wire: Aws, case: Case):
    wire.show(case.show("creating"), case.show("available"), case.show("modifying"))

    wait(wire, case.what())

    assert len(wire.calls) == 2


@waits_for_a_thing
@pytest.mark.parametrize(
    ("hours", "error"),
    [(47, exceptions.StillInProgress), (49, exceptions.RestoreFailed)],
)
def test_a_wait_ends_after_two_days_with_the_last_status(
    wire: Aws, case: Case, hours: float, error: type[Exception]
):
    wire.show(case.show("creating"))

    sentence = ended(wire, case.what(), error, hours=hours)

    assert "db is creating" in sentence
    assert ("even after 48 hours" in sentence) is (hours > 48)
