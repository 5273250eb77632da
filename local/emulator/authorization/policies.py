"""IAM policies: what the statements of a document allow and deny, conditions included."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

# What a condition can ask of a call; None stands for a key that the call does not have.
Ask = Callable[[str], "tuple[str, ...] | None"]


class UnknownCondition(NotImplementedError):
    """A policy uses a condition operator or key that this evaluation does not know."""


@dataclass(frozen=True)
class Pattern:
    """A text of a policy with its wildcards, `*` and `?`."""

    text: str
    found: Callable[[str], object]


@dataclass(frozen=True)
class Condition:
    """One line of a Condition block."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement, compiled."""

    allows: bool
    actions: tuple[Pattern, ...]
    not_actions: tuple[Pattern, ...]
    resources: tuple[Pattern, ...]
    not_resources: tuple[Pattern, ...]
    conditions: tuple[Condition, ...]
    principals: frozenset[str] = frozenset()


def nothing(_: str) -> bool:
    """Leave no action out."""
    return False


@dataclass(frozen=True)
class Match:
    """What in a statement fits a call; "" stands for a NotAction or NotResource."""

    statement: Statement
    action: str
    resource: str


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@cache
def _pattern(text: str, flags: int = 0) -> Pattern:
    if not {"*", "?"} & set(text):
        if flags & re.IGNORECASE:
            lower = text.lower()
            return Pattern(text, lambda given: given.lower() == lower)
        return Pattern(text, text.__eq__)
    parts = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in text)
    return Pattern(text, re.compile("".join(parts), flags | re.DOTALL).fullmatch)


def _patterns(value: Any, flags: int = 0) -> tuple[Pattern, ...]:
    return tuple(_pattern(text, flags) for text in _listed(value))


def _conditions(block: dict[str, dict[str, Any]]) -> tuple[Condition, ...]:
    found = []
    for operator, keys in block.items():
        for key, value in keys.items():
            values = tuple(_text(one) for one in _listed(value))
            found.append(Condition(operator, key.lower(), values))
    return tuple(found)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _principals(given: Any) -> frozenset[str]:
    if isinstance(given, dict):
        return frozenset(name for names in given.values() for name in _listed(names))
    return frozenset(_listed(given))


def compiled(document: str | dict[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy document."""
    read = json.loads(document) if isinstance(document, str) else document
    return tuple(
        Statement(
            allows=statement["Effect"] == "Allow",
            # IAM user guide: actions are compared without regard to case, resources with it.
            actions=_patterns(statement.get("Action"), re.IGNORECASE),
            not_actions=_patterns(statement.get("NotAction"), re.IGNORECASE),
            resources=_patterns(statement.get("Resource")),
            not_resources=_patterns(statement.get("NotResource")),
            conditions=_conditions(statement.get("Condition", {})),
            principals=_principals(statement.get("Principal")),
        )
        for statement in _listed(read["Statement"])
    )


def fitting(
    statement: Statement,
    action: str,
    resource: str,
    ask: Ask,
    without: Callable[[str], bool] = nothing,
) -> Match | None:
    """What in this statement fits a call, None when it says nothing about it.

    An action `without` is true of is read as if the statement did not have it.
    """
    by_action = _chosen(statement.actions, statement.not_actions, action, without)
    if by_action is None:
        return None
    by_resource = _chosen(statement.resources, statement.not_resources, resource)
    if by_resource is None:
        return None
    if not all(_holds(condition, ask) for condition in statement.conditions):
        return None
    return Match(statement, by_action, by_resource)


def admitting(statement: Statement, principal: str, action: str, ask: Ask) -> bool:
    """Whether a statement of a trust policy, which names no resource, is about a principal."""
    return (
        bool({principal, "*"} & statement.principals)
        and _chosen(statement.actions, statement.not_actions, action) is not None
        and all(_holds(condition, ask) for condition in statement.conditions)
    )


def _chosen(
    wanted: Iterable[Pattern],
    unwanted: tuple[Pattern, ...],
    text: str,
    without: Callable[[str], bool] = nothing,
) -> str | None:
    for pattern in wanted:
        if pattern.found(text) and not without(pattern.text):
            return pattern.text
    if unwanted and not any(pattern.found(text) for pattern in unwanted):
        return ""
    return None


# Conditions. IAM user guide, "IAM JSON policy elements: Condition operators".


def _equals(value: str, wanted: str) -> bool:
    return value == wanted


def _is_like(value: str, wanted: str) -> bool:
    return bool(_pattern(wanted).found(value))


def _same_truth(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


COMPARE = {
    "StringEquals": _equals,
    "StringLike": _is_like,
    "ArnEquals": _is_like,
    "ArnLike": _is_like,
    "Bool": _same_truth,
}
NEGATED = {
    "StringNotEquals": _equals,
    "StringNotLike": _is_like,
    "ArnNotEquals": _is_like,
    "ArnNotLike": _is_like,
}
OPERATORS = {"Null"} | {
    name + ending for name in (*COMPARE, *NEGATED) for ending in ("", "IfExists")
}
# IAM user guide, "Multivalued context keys". [fact: iam-set-operators]
ALL, ANY = "ForAllValues:", "ForAnyValue:"


def _holds(condition: Condition, ask: Ask) -> bool:
    operator = condition.operator.removeprefix(ALL).removeprefix(ANY)
    if operator not in OPERATORS:
        raise UnknownCondition(f"the local AWS does not know the condition {condition.operator}")
    values = ask(condition.key)
    if operator == "Null":
        return (values is None) == (condition.values[0].lower() == "true")
    if condition.operator.startswith(ALL):
        alone = replace(condition, operator=operator)
        return all(_holds(alone, {alone.key: (one,)}.get) for one in values or ())
    if condition.operator.startswith(ANY) and values is None:
        return False
    name = operator.removesuffix("IfExists")
    if values is None:
        return name in NEGATED or name != operator
    compare = COMPARE.get(name) or NEGATED[name]
    fits = any(compare(value, wanted) for value in values for wanted in condition.values)
    return fits if name in COMPARE else not fits
