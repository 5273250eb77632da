"""Filters, markers and page sizes of the Describe operations."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from local.emulator.rds.protocol.rds_error import RdsError

T = TypeVar("T")


def page(found: list[Any], parameters: Mapping[str, Any], list_key: str) -> dict[str, Any]:
    """The page that Marker and MaxRecords ask for.

    [fact: pages-of-a-description]
    """
    size = parameters.get("MaxRecords", 100)
    if not 20 <= size <= 100:
        raise RdsError(
            "InvalidParameterValue",
            f"Invalid value {size} for MaxRecords. Must be between 20 and 100",
        )
    marker = parameters.get("Marker", "0")
    if not marker.isdigit():
        raise RdsError("InvalidParameterValue", f"Invalid marker: {marker}")
    start = int(marker)
    answer: dict[str, Any] = {list_key: found[start : start + size]}
    if start + size < len(found):
        answer["Marker"] = str(start + size)
    return answer


def filtered(
    things: Iterable[T],
    filters: Iterable[Mapping[str, Any]],
    known: Mapping[str, Callable[[T], str]],
    *,
    exactly: bool = False,
) -> list[T]:
    """Those that fit every filter; an identifier may be given as an ARN, unless `exactly`.

    [fact: filter-names]
    """
    left = list(things)
    for one in filters:
        if one["Name"] not in known:
            raise RdsError("InvalidParameterValue", f"Unrecognized filter name: {one['Name']}")
        read = known[one["Name"]]
        if exactly:
            left = [thing for thing in left if read(thing) in one["Values"]]
            continue
        # A name may have a colon: rds:db-2026-03-02-04-05.
        values = {
            value.lower().split(":", 6)[-1] if value.startswith("arn:") else value.lower()
            for value in one["Values"]
        }
        left = [thing for thing in left if read(thing).lower() in values]
    return left
