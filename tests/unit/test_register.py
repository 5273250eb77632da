"""The proxies' targets: the register step, and what verify and roll back do with a proxy."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import proxies
from tests.unit.conftest import EXECUTION, Aws, Kind
from trapheus.execution import exceptions

# RDS's "no such proxy", "no such target" and so on: another look says more.
LOOK_AGAIN = (
    "DBProxyTargetAlreadyRegisteredFault",
    "DBProxyTargetNotFoundFault",
    "InvalidDBProxyStateFault",
    "InvalidDBInstanceState",
    "InvalidDBClusterStateFault",
)


def registered(aws: Aws) -> list[str]:
    """The names of what the proxy leads to now."""
    found = aws.rds.call("DescribeDBProxyTargets", {"DBProxyName": "pool"})["Targets"]
    return [one["RdsResourceId"] for one in found if "TrackedClusterId" not in one]


def change(aws: Aws, plan: dict) -> None:
    """The step, and the time that the proxy needs."""
    aws.until_done("register", plan=plan)
    aws.settle()


def take_out(aws: Aws) -> None:
    """Let the proxy lead to nothing."""
    aws.rds.proxy_targets["pool"].clear()


def test_the_proxy_reaches_what_was_restored_whatever_its_target_has_followed(
    aws: Aws, proxied: dict
):
    change(aws, proxied)

    assert proxies.reached(aws.rds) == aws.id_of() != proxied["resourceId"]
    assert registered(aws) == [proxied["identifier"]]


def test_the_original_has_left_before_what_was_restored_comes(aws: Aws, proxied: dict):
    aws.fail("RegisterDBProxyTargets", "AccessDenied", status=403)

    with pytest.raises(exceptions.ProxyFailed):
        aws.until_done("register", plan=proxied)

    assert registered(aws) == []


def test_it_can_be_done_twice(aws: Aws, proxied: dict):
    for _ in range(2):
        aws.until_done("register", plan=proxied)

    assert aws.calls.count("DeregisterDBProxyTargets") == 1
    assert aws.calls.count("RegisterDBProxyTargets") == 1


def test_a_target_that_has_come_some_time_ago_is_registered_anew(aws: Aws, proxied: dict):
    """It may be the original's still, which nothing tells apart."""
    for _ in range(2):
        change(aws, proxied)

    assert aws.calls.count("RegisterDBProxyTargets") == 2
    assert proxies.reached(aws.rds) == aws.id_of()


@pytest.mark.parametrize("operation", ["DeregisterDBProxyTargets", "RegisterDBProxyTargets"])
def test_a_call_whose_answer_was_lost_is_no_failure(aws: Aws, proxied: dict, operation: str):
    aws.fail(operation, "InternalFailure", status=500, times=3, lost=True)

    with suppress(exceptions.Throttled):
        aws.until_done("register", plan=proxied)
    change(aws, proxied)

    assert proxies.reached(aws.rds) == aws.id_of()


@pytest.mark.parametrize("code", LOOK_AGAIN)
def test_what_another_look_may_cure_is_asked_again(aws: Aws, proxied: dict, code: str):
    take_out(aws)
    aws.fail("RegisterDBProxyTargets", code, times=3)

    change(aws, proxied)

    assert proxies.reached(aws.rds) == aws.id_of()


def test_after_an_hour_it_has_failed(aws: Aws, proxied: dict):
    aws.fail("RegisterDBProxyTargets", "InvalidDBProxyStateFault", times=10**6)
    began = datetime.fromtimestamp(aws.clock.time, UTC).isoformat()

    with pytest.raises(exceptions.ProxyFailed, match="55 minutes"):
        aws.until_done("register", plan=proxied, entered=began)


@pytest.mark.parametrize(
    "code", ["AccessDenied", "InsufficientAvailableIPsInSubnetFault", "InvalidParameterValue"]
)
def test_what_no_patience_cures_ends_it(aws: Aws, proxied: dict, code: str):
    take_out(aws)
    aws.fail("RegisterDBProxyTargets", code)

    with pytest.raises(exceptions.ProxyFailed) as raised:
        aws.run("register", plan=proxied)

    assert code in str(raised.value)


def test_a_proxy_that_was_deleted_meanwhile_is_no_matter(aws: Aws, proxied: dict):
    aws.rds.call("DeleteDBProxy", {"DBProxyName": "pool"})

    change(aws, proxied)

    assert "RegisterDBProxyTargets" not in aws.calls


def test_a_proxy_that_does_not_show_for_a_moment_is_not_forgotten(aws: Aws, proxied: dict):
    aws.fail("DescribeDBProxyTargets", "DBProxyNotFoundFault", times=1, status=404)

    change(aws, proxied)

    assert proxies.reached(aws.rds) == aws.id_of()


def test_what_somebody_has_registered_instead_is_left_alone(aws: Aws, kind: Kind, proxied: dict):
    (held,) = aws.rds.proxy_targets["pool"]
    other = ("cluster", "prod-cluster") if kind.name == "instance" else ("instance", "prod-db")
    aws.rds.call(
        "DeregisterDBProxyTargets",
        {"DBProxyName": "pool", **proxies.named(held["kind"], registered(aws)[0])},
    )
    aws.rds.call("RegisterDBProxyTargets", {"DBProxyName": "pool", **proxies.named(*other)})
    before = proxies.reached(aws.rds)

    change(aws, proxied)

    assert registered(aws) == [other[1]]
    assert proxies.reached(aws.rds) in (before, aws.id_of(other[1], other[0]))
    assert "DeregisterDBProxyTargets" not in aws.calls


def test_a_plan_of_an_older_version_has_no_proxies(aws: Aws, proxied: dict):
    del proxied["proxies"]
    aws.calls.clear()

    change(aws, proxied)

    assert aws.calls == []
    assert aws.run("register", plan=proxied) == {"proxies": []}


@pytest.mark.parametrize("is_empty", [True, False])
def test_only_the_lock_s_holder_changes_a_proxy(aws: Aws, proxied: dict, *, is_empty: bool):
    if is_empty:
        take_out(aws)
    aws.lock = {"holder": "somebody", "phase": "finish"}
    before = registered(aws)

    with pytest.raises(exceptions.LockLost):
        aws.run("register", plan=proxied)

    assert registered(aws) == before


@pytest.mark.parametrize("is_empty", [True, False])
def test_only_for_what_the_execution_has_restored(aws: Aws, proxied: dict, *, is_empty: bool):
    if is_empty:
        take_out(aws)
    before = registered(aws)

    with pytest.raises(exceptions.LockLost):
        aws.run("register", plan=proxied, restored={"resourceId": "db-OTHER"})

    assert registered(aws) == before


def test_what_was_restored_may_not_show_for_a_moment(aws: Aws, kind: Kind, proxied: dict):
    missing = "DBInstanceNotFound" if kind.name == "instance" else "DBClusterNotFoundFault"
    asked = "DescribeDBInstances" if kind.name == "instance" else "DescribeDBClusters"
    restored = aws.restored(proxied)
    aws.fail(asked, missing, times=2, status=404)

    aws.until_done("register", plan=proxied, restored=restored)
    aws.settle()

    assert proxies.reached(aws.rds) == restored["resourceId"]


# Verify


def verified(aws: Aws, plan: dict) -> dict[str, Any]:
    aws.finish(plan)
    return aws.run("verify", plan=plan)


def test_verify_passes_once_the_proxy_reaches_what_was_restored(aws: Aws, proxied: dict):
    change(aws, proxied)

    assert verified(aws, proxied)["resourceId"] == aws.id_of()


def test_verify_waits_for_a_proxy_that_is_only_coming(aws: Aws, proxied: dict):
    take_out(aws)
    aws.finish(proxied)
    aws.until_done("register", plan=proxied)

    with pytest.raises(exceptions.StillInProgress, match="pool is coming"):
        aws.run("verify", plan=proxied)


@pytest.mark.parametrize("awaited", [True, False])
def test_a_proxy_that_does_not_reach_it_is_a_difference(aws: Aws, proxied: dict, *, awaited: bool):
    change(aws, proxied)
    aws.rds.proxy_faults["pool"] = "AUTH_FAILURE"
    proxied["proxies"] = [{"name": "pool", "awaited": awaited}]
    aws.finish(proxied)

    if not awaited:
        assert aws.run("verify", plan=proxied)
        return
    with pytest.raises(exceptions.ConfigurationDiffers) as raised:
        aws.run("verify", plan=proxied)
    assert "the proxy pool does not reach it: UNAVAILABLE AUTH_FAILURE" in str(raised.value)


def test_a_proxy_without_any_target_is_a_difference(aws: Aws, proxied: dict):
    take_out(aws)

    with pytest.raises(exceptions.ConfigurationDiffers, match="not registered with the proxy pool"):
        verified(aws, proxied)


# Rollback


def rolled_back(aws: Aws, plan: dict) -> None:
    aws.until_done("roll_back", plan=plan)
    aws.settle()


def test_a_rollback_leaves_the_proxy_with_the_original(aws: Aws, proxied: dict):
    rolled_back(aws, proxied)

    assert proxies.reached(aws.rds) == proxied["resourceId"] == aws.id_of()
    assert "DeregisterDBProxyTargets" not in aws.calls


def test_a_rollback_registers_what_is_missing(aws: Aws, proxied: dict):
    aws.rds.proxy_targets["pool"].clear()

    rolled_back(aws, proxied)

    assert proxies.reached(aws.rds) == proxied["resourceId"]
    assert aws.calls.count("RegisterDBProxyTargets") == 1


@pytest.mark.parametrize("operation", ["DescribeDBProxyTargets", "RegisterDBProxyTargets"])
def test_a_rollback_that_may_not_ask_for_proxies_puts_the_original_back_first(
    aws: Aws, kind: Kind, proxied: dict, operation: str
):
    aws.rds.proxy_targets["pool"].clear()
    aws.fail(operation, "AccessDenied", times=10**6, status=403)

    with pytest.raises(exceptions.RollbackFailed, match="AccessDenied"):
        aws.until_done("roll_back", plan=proxied)

    aws.settle()
    assert aws.id_of() == proxied["resourceId"]
    assert not aws.is_tagged(execution=EXECUTION)
    assert aws.rds.reachable(kind.name, kind.identifier)


@pytest.mark.parametrize("code", ["DBProxyNotFoundFault", "InvalidAction"])
def test_a_rollback_needs_no_proxy(aws: Aws, proxied: dict, code: str):
    aws.fail("DescribeDBProxyTargets", code, times=10**6)

    rolled_back(aws, proxied)

    assert aws.id_of() == proxied["resourceId"]


def test_a_rollback_without_proxies_does_not_ask_for_any(aws: Aws, renamed: dict):
    aws.until_done("roll_back", plan=renamed)

    assert not [call for call in aws.calls if "Proxy" in call]


@pytest.mark.parametrize("awaited", [True, False])
def test_a_proxy_that_has_gone_along_with_the_original_is_a_difference(
    aws: Aws, proxied: dict, *, awaited: bool
):
    """As under a definition from before the register step: the original is deleted next."""
    if registered(aws) != [proxied["renamedTo"]]:
        pytest.skip("its target does not show that it follows")
    proxied["proxies"] = [{"name": "pool", "awaited": awaited}]

    with pytest.raises(exceptions.ConfigurationDiffers, match="pool leads to the original still"):
        verified(aws, proxied)


def test_the_original_leaves_even_where_a_proxy_is_only_coming_to_it(aws: Aws, proxied: dict):
    if registered(aws) != [proxied["renamedTo"]]:
        pytest.skip("nothing tells it apart from what this execution has registered")
    (held,) = aws.rds.proxy_targets["pool"]
    held["until"] = [("REGISTERING", aws.rds.time + 600)]

    change(aws, proxied)

    assert proxies.reached(aws.rds) == aws.id_of()


def test_while_one_proxy_is_busy_the_others_are_not_registered_again_and_again(
    aws: Aws, kind: Kind, proxied: dict
):
    proxies.point(aws.rds, kind.name, proxied["identifier"], "second")
    proxied["proxies"] += [{"name": "second", "awaited": True}]
    aws.lock = {"holder": EXECUTION, "phase": "finish"}
    aws.fail("DeregisterDBProxyTargets", "InvalidDBProxyStateFault", times=40, about="second")

    change(aws, proxied)

    assert aws.calls.count("RegisterDBProxyTargets") == 2
    assert proxies.reached(aws.rds) == proxies.reached(aws.rds, "second") == aws.id_of()


@pytest.mark.parametrize("operation", ["DescribeDBProxyTargets", "RegisterDBProxyTargets"])
def test_a_rollback_waits_for_a_busy_proxy(aws: Aws, proxied: dict, operation: str):
    aws.rds.proxy_targets["pool"].clear()
    aws.fail(operation, "InvalidDBProxyStateFault", times=3)

    rolled_back(aws, proxied)

    assert proxies.reached(aws.rds) == proxied["resourceId"]


def test_a_rollback_waits_until_a_proxy_sees_the_original_s_name(
    aws: Aws, kind: Kind, proxied: dict
):
    missing = "DBInstanceNotFound" if kind.name == "instance" else "DBClusterNotFoundFault"
    aws.rds.proxy_targets["pool"].clear()
    aws.fail("RegisterDBProxyTargets", missing, times=2, status=404)

    rolled_back(aws, proxied)

    assert proxies.reached(aws.rds) == proxied["resourceId"]


def test_verify_waits_for_a_busy_proxy(aws: Aws, proxied: dict):
    change(aws, proxied)
    aws.finish(proxied)
    aws.fail("DescribeDBProxyTargets", "InvalidDBProxyStateFault", times=1)

    with pytest.raises(exceptions.StillInProgress):
        aws.run("verify", plan=proxied)
