"""Moments and durations as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def moment_in(text: str) -> datetime | None:
    """The moment that a text is, in UTC; None for none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def lasted(seconds: float) -> str:
    """A duration in its two largest units: 8 minutes, 1 hour and 5 minutes."""
    if seconds < 60:
        return "less than a minute"
    said = []
    for unit, length in UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            said.append(f"{count:.0f} {unit}{'' if count == 1 else 's'}")
    return " and ".join(said[:2])


def span(since: str, until: str) -> str:
    """From when to when: 8 minutes, 2026-03-02 14:02 to 14:10 UTC.

    With the day always: it stands beside that of the data.
    """
    begin, end = moment_in(since), moment_in(until)
    if begin is None or end is None:
        return f"from {since} to {until}"
    duration = lasted((end - begin).total_seconds())
    last = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{duration}, {begin:%Y-%m-%d %H:%M} to {last} UTC"


def since_when(text: str) -> str:
    """Since when, and for how long now: since 14:02 UTC, for 8 minutes now."""
    begin, now = moment_in(text), datetime.now(UTC)
    if begin is None:
        return f"since {text}"
    form = "%H:%M" if begin.date() == now.date() else "%Y-%m-%d %H:%M"
    return f"since {begin:{form}} UTC, for {lasted((now - begin).total_seconds())} now"


def age(text: str) -> str:
    """How old it is by now: 3 hours and 5 minutes old."""
    found = moment_in(text)
    return f"{lasted((datetime.now(UTC) - found).total_seconds())} old" if found else f"of {text}"


def on(text: str) -> str:
    """A moment with its day: 2026-03-02 09:00 UTC."""
    found = moment_in(text)
    return f"{found:%Y-%m-%d %H:%M} UTC" if found else text
