"""Which query a check may have, and what its one value is compared with; only figures are told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trapheus.execution.exceptions import ScriptRefused
from trapheus.sql.script import split

# What a query begins with, in either family.
QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "SHOW")


def queries(checks: list[dict[str, Any]], *, mysql: bool) -> list[dict[str, Any]]:
    """The checks, each with its query alone; refused where one has no query, or more than that.

    What is no query has no rows, and would be taken for one that is empty.
    """
    return [check | {"query": query_of(check, mysql=mysql)} for check in checks]


def query_of(check: dict[str, Any], *, mysql: bool) -> str:
    """The one query of a check, without what stands around it."""
    statements = split(check["query"], mysql=mysql, of=f"the check {check['name']!r}")
    if len(statements) == 1:
        first = next((word for word in statements[0].words if word != "("), "")
        if first in QUERIES:
            return statements[0].text
    raise ScriptRefused(
        f"The check {check['name']!r} cannot be run: its query must be exactly one statement, which"
        f" begins with {', '.join(QUERIES[:-1])} or {QUERIES[-1]}."
    )


def failing(check: dict[str, Any], rows: int, first: list[Any]) -> str:
    """Why a check does not hold, as the rest of a sentence; "" if it does."""
    if "isEmpty" in check:
        return f"has {rows} rows, not none" if rows else ""
    if rows != 1 or len(first) != 1:
        return f"has {rows} rows of {len(first)} values, not one value"
    value = first[0]
    if "equals" in check:
        # What the request says is no secret; a text of the database may be one.
        differs = f"is {figure(value) or 'another value'}, not {check['equals']!r}"
        return "" if is_equal(value, check["equals"]) else differs
    return out_of_bounds(check, value)


def out_of_bounds(check: dict[str, Any], value: Any) -> str:
    """Why a value is not within the bound of a check."""
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        return f"is {'null' if value is None else 'no number'}"
    number = Decimal(str(value))
    if number.is_nan():
        return "is no number"
    if "atLeast" in check:
        least = Decimal(str(check["atLeast"]))
        return "" if number >= least else f"is {number}, not at least {least}"
    most = Decimal(str(check["atMost"]))
    return "" if number <= most else f"is {number}, not at most {most}"


def is_equal(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one; a MySQL has 1 and 0 for true and false."""
    if isinstance(wanted, bool):
        return value is wanted or (type(value) is int and value == int(wanted))
    if isinstance(wanted, str):
        return value is not None and str(value) == wanted
    return (
        isinstance(value, int | float | Decimal)
        and not isinstance(value, bool)
        and Decimal(str(value)) == Decimal(str(wanted))
    )


def figure(value: Any) -> str:
    """A number, a truth or nothing at all, as text; "" for what may be somebody's."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | Decimal) else ""
