"""The locks: who holds each, and the executions that it knows by their ARNs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trapheus.execution.executions import described
from trapheus.execution.lock import dynamodb, parts_of
from trapheus.rds.access import in_progress_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from trapheus.execution.lock import Item


@dataclass(frozen=True)
class Lock:
    """An item of the lock table; `holds` is what AWS shows of its holder."""

    item: Item
    holds: DescribeExecutionOutputTypeDef | None

    @property
    def identifier(self) -> str:
        """The database's."""
        return parts_of(self.item["database"])[0]

    @property
    def is_cluster(self) -> bool:
        """Whether it is a cluster's."""
        return parts_of(self.item["database"])[1]

    @property
    def holder(self) -> str:
        """The execution that holds it, empty for none."""
        return self.item.get("holder", "")

    @property
    def status(self) -> str:
        """Its holder's, as Step Functions has it."""
        return self.holds["status"] if self.holds else ""

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan that stands in it, empty for none."""
        return dict(json.loads(self.item.get("planned", "{}")))

    @property
    def since(self) -> str:
        """When its holder, or else the maker of its plan, began; empty where nobody knows."""
        if self.holds:
            return self.holds["startDate"].isoformat(timespec="seconds")
        return str(self.plan.get("started", ""))

    @property
    def is_running(self) -> bool:
        """Whether its holder is at work."""
        return self.status == "RUNNING"

    @property
    def is_to_be_recovered(self) -> bool:
        """Whether an ended execution has left work in it, as far as anybody knows."""
        return self.status not in ("RUNNING", "SUCCEEDED") and bool(self.holder or self.plan)

    @property
    def executions(self) -> set[str]:
        """The executions that it names."""
        named = (self.holder, self.item.get("interrupted"), self.plan.get("execution"))
        return {name for name in named if name}


def locks() -> list[Lock]:
    """Every lock, with what AWS shows of its holder."""
    pages = dynamodb().get_paginator("scan")
    found = []
    for page in pages.paginate(TableName=os.environ["LOCK_TABLE"], ConsistentRead=True):
        for values in page["Items"]:
            item = {name: value["S"] for name, value in values.items()}
            holder = item.get("holder")
            found.append(Lock(item, described(holder) if holder else None))
    return sorted(found, key=lambda lock: lock.item["database"])


def by_tag(found: list[Lock]) -> dict[str, tuple[str, Lock]]:
    """The executions that the locks know, each with its lock, by the value of their tag."""
    return {
        in_progress_tag(execution)["Value"]: (execution, lock)
        for lock in found
        for execution in lock.executions
    }
