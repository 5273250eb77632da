"""Whether an event fits the pattern of a rule, strictly: what is not known here is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPatternParser

Pattern = dict[str, Any]
MISSING = object()


def repair(repairs: ExitStack) -> None:
    """Refuse a rule with a filter that is not known here, when it is made and not when it counts.

    [fact: left-out-of-the-local-aws]
    """
    validate = EventPatternParser._validate_event_pattern

    def validate_filters_too(self: Any, pattern: Pattern) -> None:
        validate(self, pattern)
        if unknown := sorted(set(filters(pattern)) - FILTERS.keys()):
            raise InvalidEventPatternException(
                reason=f"The local EventBridge does not know the filters {', '.join(unknown)}."
            )

    repairs.enter_context(
        patch.object(EventPatternParser, "_validate_event_pattern", validate_filters_too)
    )


def filters(pattern: Pattern) -> Iterator[str]:
    """The names of all filters in a pattern."""
    for name, asked in pattern.items():
        if name == "$or":
            for one in asked:
                yield from filters(one)
        elif isinstance(asked, dict):
            yield from filters(asked)
        else:
            yield from (found for one in asked for found in filters_of(one))


def filters_of(asked: Any) -> Iterator[str]:
    """The name of the filter that is asked for in place of a value, and of one in it."""
    for name, given in asked.items() if isinstance(asked, dict) else ():
        yield name
        yield from filters_of(given)


def fits(pattern: Pattern, event: dict[str, Any]) -> bool:
    """Whether all that the pattern names is in the event as it asks; of `$or` one is enough.

    EventBridge User Guide, "Creating event patterns": a field that the event does not have fits
    nothing but `exists: false`, null is a value like others. [fact: eventbridge-null-is-a-value]
    """
    return all(
        any(fits(one, event) for one in asked)
        if name == "$or"
        else fits_field(asked, event.get(name, MISSING))
        for name, asked in pattern.items()
    )


def fits_field(asked: Any, value: Any) -> bool:
    """Whether a field is as the pattern asks: an object inside, or one value of a list."""
    if isinstance(asked, dict):
        return isinstance(value, dict) and fits(asked, value)
    if not isinstance(asked, list) or not asked:
        raise ValueError(f"an event pattern has lists of values, not {asked!r}")
    return any(fits_value(one, value) for one in asked)


def fits_value(asked: Any, value: Any) -> bool:
    """Whether a value is the one that is asked for, or one that a filter lets through."""
    if not isinstance(asked, dict):
        return value is not MISSING and asked == value
    ((name, given),) = asked.items()
    return FILTERS[name](given, value)


def anything_but(given: Any, value: Any) -> bool:
    """Whether a value is there and none of those given, nor let through by a filter that is."""
    excluded = given if isinstance(given, list) else [given]
    return value is not MISSING and not any(fits_value(one, value) for one in excluded)


FILTERS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": lambda given, value: isinstance(value, str) and value.startswith(given),
    "exists": lambda given, value: given == (value is not MISSING),
    "anything-but": anything_but,
}
