"""RDS Proxy: what a proxy leads to, and the database that takes the place of another there.

A proxy has one target group, `default`, with one instance or cluster, so the old target leaves
before the new one comes [fact: proxy-target-group-holds-one]. Nobody says whether a target follows
its database through a rename or stays with the name [fact: proxy-target-follows]: so one of the
original's name, however well it is, is registered anew.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from trapheus.execution import lock
from trapheus.execution.errors import code_of, failing_as
from trapheus.execution.exceptions import (
    ConfigurationDiffers,
    ProxyFailed,
    RollbackFailed,
    StillInProgress,
)
from trapheus.rds.access import rds
from trapheus.rds.rollback import BETWEEN_LOOKS
from trapheus.rds.waiters import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from trapheus.rds.access import Description

Plan = dict[str, Any]
# A kind and a name.
Target = tuple[str, str]

# A region without RDS Proxy [fact: unsupported-operations], and a proxy that was deleted.
GONE = frozenset({"DBProxyNotFoundFault", "DBProxyTargetGroupNotFoundFault", "InvalidAction"})
# After which another look says more: somebody, or an earlier try, was faster, or it is to be waited
# for. A busy proxy has the last of them.
LOOK_AGAIN = dict.fromkeys(
    (
        *sorted(GONE),
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "DBProxyTargetAlreadyRegisteredFault",
        "DBProxyTargetNotFoundFault",
        "InvalidDBProxyStateFault",
    ),
    (StillInProgress, "RDS does not take the change of the proxy's target yet"),
)
# Seconds after which a proxy will not take it: soon before the state machine gives up by itself.
UNTAKEN = 55 * 60
# A target is unavailable for a while after it was registered. [fact: proxy-target-lifecycle]
COMING = ("REGISTERING", "PENDING_PROXY_CAPACITY")


def targets(proxy: str) -> list[Description] | None:
    """What a proxy leads to, as RDS describes it; None where there is no such proxy any more."""
    client: Any = rds()
    try:
        pages = client.get_paginator("describe_db_proxy_targets").paginate(DBProxyName=proxy)
        return [cast("Description", target) for page in pages for target in page["Targets"]]
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise


def targets_or_gone(proxy: str) -> list[Description] | None:
    """The same; the proxy is gone only if a minute later there is still none."""
    found = targets(proxy)
    if found is None:
        time.sleep(BETWEEN_LOOKS)
        found = targets(proxy)
    return found


def registered(found: Iterable[Description]) -> list[Target]:
    """The instances and clusters that were registered themselves.

    Of a cluster RDS shows the members as well. [fact: proxy-target-shown]
    """
    both = {
        ("cluster", target.get("TrackedClusterId") or target["RdsResourceId"])
        if target.get("TrackedClusterId") or target["Type"] == "TRACKED_CLUSTER"
        else ("instance", target["RdsResourceId"])
        for target in found
    }
    return sorted(both)


def of_the_plan(plan: Plan) -> dict[str, list[Target]]:
    """What each proxy of the plan leads to now; without those that are gone."""
    # A plan of an older version has no proxies.
    names = [proxy["name"] for proxy in plan.get("proxies", [])]
    found = {name: targets(name) for name in names}
    return {name: registered(shown) for name, shown in found.items() if shown is not None}


def kind_of(plan: Plan) -> str:
    """What RDS calls the plan's kind."""
    return "cluster" if "members" in plan else "instance"


def of_original(plan: Plan) -> set[Target]:
    """What a target of the original may show."""
    names = (plan["identifier"], plan["renamedTo"], plan["resourceId"])
    return {(kind_of(plan), name) for name in names}


def replace(
    event: dict[str, Any], context: LambdaContext, resource_id: Callable[[], str | None]
) -> dict[str, list[str]]:
    """Let the proxies of the plan lead to what was restored; what leads elsewhere is left alone.

    resource_id: of what has the identifier now. Returns the proxies.
    """
    plan = event["plan"]
    names = [proxy["name"] for proxy in plan.get("proxies", [])]
    with looking_again(event):
        done = done_before(event) if names else []
        for proxy in names:
            found = targets_or_gone(proxy)
            held = registered(found or [])
            if found is None or not of_original(plan).issuperset(held):
                continue
            if is_renewed(plan, found) or (held and proxy in done):
                continue
            for _, name in held:
                require_restored(event, resource_id())
                rds().deregister_db_proxy_targets(DBProxyName=proxy, **named(plan, name))
            if held:
                wait_for(partial(is_empty, proxy), context, plan["identifier"])
            require_restored(event, resource_id())
            register(proxy, plan)
            done.append(proxy)
            lock.require(event, registered=json.dumps([event["execution"], *done]))
    return {"proxies": names}


def require_restored(event: dict[str, Any], resource_id: str | None) -> None:
    """Pass only while what was restored has the identifier; it may not show for a moment."""
    if resource_id is None:
        identifier = event["plan"]["identifier"]
        raise StillInProgress("What was restored does not show", identifier=identifier)
    lock.require_restored(event, resource_id)


def done_before(event: dict[str, Any]) -> list[str]:
    """The proxies that earlier tries have given what was restored: their targets do not tell.

    Each time is an outage for a proxy's clients, and another proxy may be tried for an hour.
    """
    execution, *names = json.loads(lock.require(event).get("registered", '[""]'))
    return names if execution == event["execution"] else []


def is_renewed(plan: Plan, found: list[Description]) -> bool:
    """Whether a target of this name has come only now: the answer to an earlier try was lost.

    That of the original has come long ago, or the execution would not wait for it.
    """
    if registered(found) != [(kind_of(plan), plan["identifier"])]:
        return False
    shown = [target["TargetHealth"].get("State") for target in found if "TargetHealth" in target]
    return "REGISTERING" in shown


def is_empty(proxy: str) -> bool:
    """Whether a proxy leads to nothing."""
    return not targets(proxy)


def register(proxy: str, plan: Plan) -> None:
    """Let a proxy lead to what has the identifier."""
    rds().register_db_proxy_targets(DBProxyName=proxy, **named(plan, plan["identifier"]))


def named(plan: Plan, name: str) -> dict[str, Any]:
    """The parameter that names a database of the plan's kind."""
    return {f"DB{kind_of(plan).capitalize()}Identifiers": [name]}


def register_missing(event: dict[str, Any]) -> None:
    """Let the proxies lead to the original again that lead to nothing; the others are left alone.

    Nothing is deregistered: what was rolled back has never been in a proxy.
    """
    plan = event["plan"]
    # A proxy that is busy, or does not know the original's name yet, is asked again.
    with failing_as(
        RollbackFailed, plan["identifier"], conflict=StillInProgress, refusals=LOOK_AGAIN
    ):
        for proxy, held in of_the_plan(plan).items():
            if held:
                continue
            lock.require(event)
            try:
                register(proxy, plan)
            except ClientError as error:
                # It does not show yet, or somebody was faster; or the proxy is gone by now.
                if code_of(error) not in (*GONE, "DBProxyTargetAlreadyRegisteredFault"):
                    raise


def unreached(plan: Plan) -> list[str]:
    """A line for each proxy that reached the original and does not reach what was restored.

    And for one that leads to the original still, as one does that has followed it where the
    execution's definition has no step to register it [fact: executions-keep-their-definition].
    Raises StillInProgress while one of them is only coming to it.
    """
    lines = []
    for proxy in plan.get("proxies", []):
        with failing_as(ConfigurationDiffers, plan["identifier"], refusals=LOOK_AGAIN):
            found = targets(proxy["name"])
        held = registered(found or [])
        is_own = (kind_of(plan), plan["identifier"]) in held
        if held and not is_own and of_original(plan).issuperset(held):
            lines.append(f"the proxy {proxy['name']} leads to the original still")
        elif found is None or not proxy["awaited"]:
            continue
        elif not held:
            lines.append(f"it is not registered with the proxy {proxy['name']}")
        elif is_own and (told := condition(found)) != "AVAILABLE":
            if told.split()[-1] in COMING:
                raise StillInProgress(
                    f"The proxy {proxy['name']} is coming to it: {told}",
                    identifier=plan["identifier"],
                )
            lines.append(f"the proxy {proxy['name']} does not reach it: {told}")
    return lines


def condition(found: Iterable[Description]) -> str:
    """How a proxy gets on with its targets: AVAILABLE where it reaches one, or the state and why.

    Of a cluster it is told of the members, of which the writer counts.
    """
    shown = [
        target["TargetHealth"]
        for target in found
        if target.get("TargetHealth") and target.get("Role") != "READ_ONLY"
    ]
    told = [" ".join(filter(None, (one.get("State"), one.get("Reason")))) for one in shown]
    return min(told, key=lambda one: (one != "AVAILABLE", one), default="REGISTERING")


@contextmanager
def looking_again(event: dict[str, Any]) -> Iterator[None]:
    """Let what another look may cure be asked again, for less than an hour."""
    identifier = event["plan"]["identifier"]
    try:
        # RDS takes no instance that is being made, of a cluster too. [fact: proxy-target-states]
        with failing_as(ProxyFailed, identifier, conflict=StillInProgress, refusals=LOOK_AGAIN):
            yield
    except StillInProgress as error:
        lasted = time.time() - datetime.fromisoformat(event["entered"]).timestamp()
        if lasted < UNTAKEN:
            raise
        raise ProxyFailed(
            f"A proxy has not taken the restored database for {UNTAKEN // 60} minutes",
            identifier=identifier,
        ) from error
