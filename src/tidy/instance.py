"""Tidy step: takes this execution's mark off what stays."""

from typing import Any

from trapheus.constants import IN_PROGRESS_TAG
from trapheus.errors import failing_as
from trapheus.exceptions import TidyFailed
from trapheus.logs import logged
from trapheus.rds import instance, is_marked, rds, snapshot


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Unmark the instance and its snapshot, if they are this execution's."""
    plan = event["plan"]
    with failing_as(TidyFailed, plan["identifier"]):
        kept = {
            "DBInstanceArn": instance(plan["identifier"]),
            "DBSnapshotArn": snapshot(plan["snapshot"]),
        }
        for arn, found in kept.items():
            if found and is_marked(found, event["execution"]):
                rds().remove_tags_from_resource(ResourceName=found[arn], TagKeys=[IN_PROGRESS_TAG])
    return {"name": plan["identifier"]}
