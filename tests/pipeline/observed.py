"""What the pipeline tests ask: a request, and what AWS holds before and after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.emulator.cloud import Fault

if TYPE_CHECKING:
    from local.commands.app import App
    from local.emulator.cloud import Call, Execution, Notice

TAG = "trapheus:in-progress"


@dataclass(frozen=True)
class Kind:
    """One of the two kinds of database in the sample account."""

    name: str
    identifier: str
    members: tuple[str, ...] = ()

    @property
    def is_cluster(self) -> bool:
        return self.name == "cluster"

    @property
    def snapshot(self) -> str:
        return f"{self.identifier}-snapshot"

    @property
    def snapshot_kind(self) -> str:
        return "cluster-snapshot" if self.is_cluster else "snapshot"

    def request(self, task: str, **more: Any) -> dict[str, Any]:
        return {
            "identifier": self.identifier,
            "task": task,
            "isCluster": self.is_cluster,
            **more,
        }

    def operation(self, pattern: str) -> str:
        """The RDS operation of this kind: DB stands for DBInstance or DBCluster."""
        return pattern.replace("*", "Cluster" if self.is_cluster else "Instance")


INSTANCE = Kind("instance", "prod-db")
CLUSTER = Kind("cluster", "prod-cluster", ("prod-cluster-writer", "prod-cluster-reader"))
KINDS = (INSTANCE, CLUSTER)


def as_plain(shown: dict[str, Any], old: str = "", new: str = "") -> dict[str, Any]:
    """A description as plain values, one word in its names replaced by another."""
    text = json.dumps(shown, default=str)
    return dict(json.loads(text.replace(old, new) if old else text))


def run(cloud: App, request: Any, name: str = "run") -> Execution:
    """One execution of the state machine, to its end, on a busy machine too."""
    return cloud.run(cloud.machine, json.dumps(request), name, real_timeout=600)


def databases(cloud: App) -> dict[str, tuple[str, str]]:
    """Every database: name -> (resource id, status)."""
    cloud.rds.settle()
    found = {
        f"instance {name}": (item["DbiResourceId"], item["DBInstanceStatus"])
        for name, item in cloud.rds.instances.items()
    }
    found |= {
        f"cluster {name}": (item["DbClusterResourceId"], item["Status"])
        for name, item in cloud.rds.clusters.items()
    }
    return found


def snapshots(cloud: App) -> dict[str, str]:
    """Every snapshot: name -> status."""
    cloud.rds.settle()
    both = {**cloud.rds.snapshots, **cloud.rds.cluster_snapshots}
    return {name: item["Status"] for name, item in both.items()}


def tagged(cloud: App) -> list[str]:
    """The names of everything that carries an execution's tag."""
    rds = cloud.rds
    return [
        name
        for group in (rds.instances, rds.clusters, rds.snapshots, rds.cluster_snapshots)
        for name, item in group.items()
        if any(tag["Key"] == TAG for tag in item.get("TagList", []))
    ]


class On:
    """A fault for the calls of one function to one operation: the first `times`, or all."""

    def __init__(self, caller: str, operation: str, fault: Fault, times: int = 10**6) -> None:
        self.caller, self.operation, self.fault, self.times = caller, operation, fault, times
        self.fired = 0

    def __call__(self, call: Call) -> Fault | None:
        if self.caller not in call.caller or call.operation != self.operation:
            return None
        if self.fired >= self.times:
            return None
        self.fired += 1
        return self.fault


def stop_at(cloud: App, state: str) -> None:
    """Let somebody stop the execution that enters this state."""

    def stop(notice: Notice) -> None:
        if (notice.kind, notice.name) == ("state entered", state):
            client = cloud.client("stepfunctions")
            cloud.clock.Thread(
                target=lambda: client.stop_execution(executionArn=notice.execution)
            ).start()

    cloud.listeners.append(stop)


class OnceReplaced:
    """Deny the wait at the end of the phase replace its look once the restored database serves."""

    def __init__(self, cloud: App, kind: Kind) -> None:
        self.cloud, self.kind = cloud, kind
        self.original = self.resource_id()

    def resource_id(self) -> str:
        """Of what has the identifier now; empty for nothing."""
        return databases(self.cloud).get(f"{self.kind.name} {self.kind.identifier}", ("", ""))[0]

    def __call__(self, call: Call) -> Fault | None:
        if not call.caller.startswith("Wait") or self.resource_id() in ("", self.original):
            return None
        if not self.cloud.rds.reachable(self.kind.name, self.kind.identifier):
            return None
        return Fault("AccessDenied", "User is not authorized", 403)
