"""RDS Proxy: whom its clients reach after each end of an execution."""

import pytest

from local.commands.app import App
from local.emulator.cloud import Call, Fault
from tests import proxies
from tests.mailed import blocks, flowing
from tests.pipeline.observed import KINDS, Kind, On, databases, run, stop_at, tagged

DENIED = Fault("AccessDenied", "User is not authorized", 403)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_strategy = pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
each_way = pytest.mark.parametrize("follows", proxies.FOLLOWS)


def pooled(cloud: App, kind: Kind, follows: str = "resource") -> str:
    """Let a proxy lead to the sample database; the resource id that its clients reach."""
    cloud.rds.proxy_targets_follow = follows
    proxies.point(cloud.rds, kind.name, kind.identifier)
    return proxies.reached(cloud.rds)


def named(cloud: App, kind: Kind) -> str:
    """The resource id of what has the identifier."""
    return databases(cloud)[f"{kind.name} {kind.identifier}"][0]


@each_kind
@each_strategy
@each_way
def test_after_a_restore_the_proxy_reaches_what_was_restored(
    cloud: App, kind: Kind, strategy: str, follows: str
) -> None:
    before = pooled(cloud, kind, follows)

    execution = run(cloud, kind.request("db_restore", strategy=strategy))

    assert execution.status == "SUCCEEDED", execution.cause
    assert proxies.reached(cloud.rds) == named(cloud, kind) != before


@each_kind
@each_strategy
@each_way
def test_after_a_rollback_the_proxy_reaches_the_original(
    cloud: App, kind: Kind, strategy: str, follows: str
) -> None:
    before = pooled(cloud, kind, follows)
    cloud.rds.poison(kind.name, kind.identifier)

    execution = run(cloud, kind.request("db_restore", strategy=strategy))
    cloud.settle()

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert proxies.reached(cloud.rds) == before == named(cloud, kind)


@each_kind
def test_the_first_of_the_finish_is_the_proxies_place(cloud: App, kind: Kind) -> None:
    pooled(cloud, kind)
    calls: list[str] = []

    def note(call: Call) -> None:
        if call.service == "rds" and not call.operation.startswith(("Describe", "List")):
            calls.append(call.operation)

    cloud.faults.append(note)
    run(cloud, kind.request("db_restore"))

    first = calls.index("DeregisterDBProxyTargets")
    assert calls[first - 1] not in ("AddRoleToDBInstance", "AddRoleToDBCluster")
    assert calls[first + 1] == "RegisterDBProxyTargets"
    assert all("AddRole" not in call for call in calls[:first])


@each_kind
@each_strategy
@pytest.mark.parametrize(
    "operation",
    ["DescribeDBProxyTargets", "DeregisterDBProxyTargets", "RegisterDBProxyTargets"],
)
def test_a_failure_keeps_both_and_tells_the_commands(
    cloud: App, kind: Kind, strategy: str, operation: str
) -> None:
    before = pooled(cloud, kind)
    cloud.faults.append(On("Register", operation, DENIED))

    execution = run(cloud, kind.request("db_restore", strategy=strategy))

    assert (execution.status, execution.error) == ("FAILED", "ProxyFailed")
    found = databases(cloud)
    assert found[f"{kind.name} {kind.identifier}-temp"][0] == before
    assert named(cloud, kind) != before
    (mail,) = cloud.alerts
    # The way forward has no commands as long as what was restored is at something.
    for block in blocks(mail.text):
        assert "register-db-proxy-targets --region us-east-1 --db-proxy-name pool" in " ".join(
            block.commands
        )
    assert blocks(mail.text)


@each_kind
def test_a_proxy_that_does_not_reach_it_keeps_both(cloud: App, kind: Kind) -> None:
    pooled(cloud, kind)

    def spoil(call: Call) -> None:
        if call.operation == "RegisterDBProxyTargets":
            cloud.rds.proxy_faults["pool"] = "AUTH_FAILURE"

    cloud.faults.append(spoil)

    execution = run(cloud, kind.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "ConfigurationDiffers")
    assert f"{kind.name} {kind.identifier}-temp" in databases(cloud)
    (mail,) = cloud.alerts
    assert "the proxy pool does not reach it: UNAVAILABLE AUTH_FAILURE" in flowing(mail.text)


@each_kind
@pytest.mark.parametrize("operation", ["DescribeDBProxyTargets", "RegisterDBProxyTargets"])
def test_a_rollback_that_may_not_touch_the_proxy_has_put_the_original_back(
    cloud: App, kind: Kind, operation: str
) -> None:
    before = pooled(cloud, kind)
    cloud.rds.poison(kind.name, kind.identifier)

    def lose(call: Call) -> None:
        if call.caller.startswith("RollBack"):
            cloud.rds.proxy_targets["pool"].clear()

    cloud.faults += [lose, On("RollBack", operation, DENIED)]

    execution = run(cloud, kind.request("db_restore"))
    cloud.settle()

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert named(cloud, kind) == before
    assert tagged(cloud) == []
    (mail,) = cloud.alerts
    assert "The rollback failed too (RollbackFailed)" in flowing(mail.text)
    cloud.faults.clear()
    recovery = run(cloud, kind.request("recover"), "recovery")
    assert recovery.status == "SUCCEEDED"
    cloud.clock.advance(600)
    assert proxies.reached(cloud.rds) == before


@each_kind
def test_what_was_stopped_there_is_told_by_the_recovery(cloud: App, kind: Kind) -> None:
    before = pooled(cloud, kind)

    stop_at(cloud, "Register it with the proxies")
    execution = run(cloud, kind.request("db_restore"))
    cloud.settle()

    assert execution.status == "ABORTED"
    assert databases(cloud)[f"{kind.name} {kind.identifier}-temp"][0] == before
    for block in blocks(cloud.alerts[-1].text):
        assert "register-db-proxy-targets" in " ".join(block.commands)
    assert "The restored database serves" in flowing(cloud.alerts[-1].text)


@each_kind
def test_a_copy_beside_leaves_the_proxy_alone(cloud: App, kind: Kind) -> None:
    before = pooled(cloud, kind)

    execution = run(
        cloud, kind.request("db_restore", targetIdentifier=f"staging-{kind.identifier}")
    )

    assert execution.status == "SUCCEEDED", execution.cause
    assert proxies.reached(cloud.rds) == before


@each_kind
def test_a_region_without_proxies_restores_all_the_same(cloud: App, kind: Kind) -> None:
    cloud.rds.offers_proxies = False

    execution = run(cloud, kind.request("db_restore"))

    assert execution.status == "SUCCEEDED", execution.cause
