"""The embedded metric format: metrics that CloudWatch takes out of a line of a log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

# [fact: embedded-metric-format]
MOST_DIMENSIONS, MOST_METRICS, MOST_VALUES, LONGEST = 30, 100, 100, 1024
UNITS = {"Seconds", "Milliseconds", "Bytes", "Percent", "Count", "None"}  # among others


class Point(NamedTuple):
    """One value of a metric."""

    time: float
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float
    unit: str = "None"


def points(line: str) -> list[Point]:
    """The points of a line; none of one that is no document of this format.

    A document that is against the specification is left out as a whole, which CloudWatch tells
    nobody: here it is a ValueError. [fact: embedded-metric-format]
    """
    if '"_aws"' not in line:
        return []
    document = json.loads(line)
    at = document["_aws"]["Timestamp"] / 1000
    return [
        Point(at, directive["Namespace"], definition["Name"], dimensions, value,
              definition.get("Unit", "None"))
        for directive in document["_aws"]["CloudWatchMetrics"]
        for dimensions in dimension_sets(document, directive)
        for definition in definitions(directive)
        for value in values(document, definition["Name"])
    ]  # fmt: skip


def dimension_sets(
    document: dict[str, Any], directive: dict[str, Any]
) -> Iterator[frozenset[tuple[str, str]]]:
    """Each of a directive's sets of dimensions, with their values."""
    for names in directive["Dimensions"]:
        found = {name: document.get(name) for name in names}
        require(len(found) <= MOST_DIMENSIONS, f"{len(found)} dimensions")
        for name, value in found.items():
            # API reference of Dimension, for both.
            fits = isinstance(value, str) and value.strip() and value.isascii()
            require(bool(fits) and len(str(value)) <= LONGEST, f"the dimension {name}: {value!r}")
        yield frozenset((name, str(value)) for name, value in found.items())


def definitions(directive: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that a directive names."""
    found: list[dict[str, Any]] = directive["Metrics"]
    require(len(found) <= MOST_METRICS, f"{len(found)} metrics")
    for one in found:
        require(one.get("Unit", "None") in UNITS, f"the unit of {one}")
    return found


def values(document: dict[str, Any], name: str) -> list[float]:
    """The values of a metric."""
    given = document.get(name)
    found: list[Any] = given if isinstance(given, list) else [given]
    require(len(found) <= MOST_VALUES, f"{len(found)} values of {name}")
    for one in found:
        is_number = isinstance(one, int | float) and not isinstance(one, bool)
        require(is_number, f"{name}: {one!r}")
    return [float(one) for one in found]


def require(holds: bool, what: str) -> None:
    """Refuse a document that is against the specification."""
    if not holds:
        raise ValueError(f"not in the embedded metric format: {what}")
