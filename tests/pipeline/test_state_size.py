"""The data of an execution stays far below what Step Functions carries, whatever it passes."""

import json

import pytest

from local.commands.app import App
from local.emulator.cloud import Fault
from tests.hooking import hook
from tests.pipeline.observed import CLUSTER, On, run
from trapheus.checks.plan import LARGEST_PLAN

# Of the 262,144 bytes of Step Functions' quota: a state can be added without fear.
MOST = 180_000
# As long as an answer of AWS may make an error's cause.
LONG = Fault("AccessDenied", "not authorized, " * 2_000, 403)


def make_large(cloud: App) -> None:
    """Let the sample cluster have six members, and all as many tags as a plan can carry."""
    rds = cloud.rds
    with rds.instantly():
        for number in range(4):
            rds.call("CreateDBInstance", {
                "DBInstanceIdentifier": f"prod-cluster-{number:02}",
                "DBClusterIdentifier": "prod-cluster",
                "Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large",
            })  # fmt: skip
    for found in (rds.clusters["prod-cluster"], *rds.instances.values()):
        if found.get("DBClusterIdentifier") == "prod-cluster":
            found["TagList"] = [
                {"Key": f"key-of-{n:020}", "Value": "v" * 230} for n in range(49)
            ]  # fmt: skip


@pytest.mark.thorough
def test_no_state_of_a_restore_its_rollback_and_its_takeover_has_more_than_180_000_bytes(
    cloud: App,
) -> None:
    make_large(cloud)
    sizes: dict[str, int] = {}
    plans: list[int] = []

    def weigh(notice: object) -> None:
        if notice.kind != "state entered":
            return
        data = notice.detail
        sizes[notice.name] = max(
            sizes.get(notice.name, 0), len(json.dumps(data, ensure_ascii=False).encode())
        )
        if isinstance(data, dict) and (data.get("check") or {}).get("plan"):
            plans.append(len(json.dumps(data["check"]["plan"])))

    cloud.listeners.append(weigh)
    # A copy that cannot be verified, whose removal is denied, and then the task recover.
    denied = [On("Verify", "DescribeDBClusters", LONG), On("RollBack", "DeleteDBInstance", LONG)]
    cloud.faults += denied
    failed = run(cloud, CLUSTER.request("db_restore", strategy="restore-first"))
    cloud.faults.clear()
    recovered = run(cloud, CLUSTER.request("recover"), "recovery")
    whole = run(cloud, CLUSTER.request("db_restore"), "again")
    # As much of hooks as a request may hand them, and as they may answer.
    hooks = [hook(do="answer", length=8_100, text="x" * 3_900) for _ in range(2)]
    hooked = run(
        cloud, CLUSTER.request("db_restore", strategy="restore-first", beforeSwap=hooks), "hooked"
    )

    assert [failed.status, recovered.status, whole.status] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert (hooked.status, hooked.cause) == ("SUCCEEDED", "")
    assert max(plans) > 0.8 * LARGEST_PLAN, "the plan is no large one"
    largest = max(sizes, key=lambda name: sizes[name])
    assert sizes[largest] + LARGEST_PLAN - max(plans) <= MOST, f"{largest}: {sizes[largest]}"
    assert {"Leave the lock to a recovery", "Take over what it has left", "Finish"} <= set(sizes)
