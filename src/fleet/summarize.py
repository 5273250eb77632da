"""Fleet step: counts what became of each request, from the results that the Map has written."""

from __future__ import annotations

import json
import os
from typing import Any

from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import FleetFailed
from trapheus.execution.fleet import read, write
from trapheus.execution.logs import logged

# The whole is in the bucket; an execution's Cause ends at 32,768 characters.
# [fact: length-of-a-cause]
MOST_FAILURES = 20
MOST_NAMES = 100
LONGEST_CAUSE = 500


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the counts and the first failures; write all of it beside the results.

    `summary` is the object with all, `remaining` the one that lists the requests which have not
    been restored, as the source of the next fleet; "" when there is none.
    """
    fleet = event["fleet"]
    with failing_as(FleetFailed, fleet["folder"]):
        ended = [of(one) for one in results(event["manifest"])]
        by_outcome = {
            outcome: [one for one in ended if one["outcome"] == outcome]
            for outcome in ("restored", "failed", "notStarted")
        }
        counts = {outcome: len(found) for outcome, found in by_outcome.items()}
        remaining = [one["request"] for one in ended if one["outcome"] != "restored"]
        if remaining:
            write(f"{fleet['folder']}/remaining.json", remaining)
        write(f"{fleet['folder']}/summary.json", {"requests": len(ended), **counts, "all": ended})
    place = f"s3://{os.environ['BUCKET']}/{fleet['folder']}"
    return {
        "isWithinTolerance": counts["failed"] <= fleet["tolerated"] and not counts["notStarted"],
        "told": {
            "requests": len(ended),
            **counts,
            "tolerated": fleet["tolerated"],
            "failures": [brief(one) for one in by_outcome["failed"][:MOST_FAILURES]],
            "notStartedFirst": [
                one["request"]["identifier"] for one in by_outcome["notStarted"][:MOST_NAMES]
            ],
            "summary": f"{place}/summary.json",
            "remaining": f"{place}/remaining.json" if remaining else "",
        },
    }


def results(manifest: str) -> list[dict[str, Any]]:
    """Every child's result, in the order in which they began."""
    files = json.loads(read(manifest))["ResultFiles"]
    found = [
        one for kind in files.values() for file in kind for one in json.loads(read(file["Key"]))
    ]
    return sorted(found, key=lambda one: str(one.get("StartDate", "")))


def of(result: dict[str, Any]) -> dict[str, Any]:
    """What became of a request: only a child that succeeded can tell."""
    given = json.loads(result["Input"])
    ended: dict[str, Any] = {"request": given["request"], "execution": given["name"]}
    if result["Status"] == "SUCCEEDED":
        return {"outcome": json.loads(result["Output"])["outcome"], **ended}
    error = result.get("Error", result["Status"])
    return {"outcome": "failed", **ended, "error": error, "cause": result.get("Cause", "")}


def brief(failed: dict[str, Any]) -> dict[str, Any]:
    """A failure as the output has it."""
    request = failed["request"]
    return {
        "identifier": request["identifier"],
        "isCluster": request["isCluster"],
        "execution": failed["execution"],
        "error": failed["error"],
        "cause": sentence(failed["cause"])[:LONGEST_CAUSE],
    }


def sentence(cause: str) -> str:
    """The sentence of a Cause that is the app's own, else the Cause as it is."""
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    return str(told.get("message", cause)) if isinstance(told, dict) else cause
