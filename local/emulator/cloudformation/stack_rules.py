"""The Rules of a template: which functions they may have, and what they say of the parameters.

They are looked at before anything is created or updated. [fact: rules-come-first]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudformation.exceptions import ValidationError

Template = dict[str, Any]
Ref = Callable[[str], Any]

# The guide lists Fn::If as well; the service refuses it. [fact: functions-of-rules]
FUNCTIONS = {
    "Ref",
    "Fn::And",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::Not",
    "Fn::Or",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
}


def check(template: Template, parameters: dict[str, str], place: dict[str, str]) -> None:
    """Refuse a template whose Rules do not hold; `place` are the pseudo parameters."""
    rules = template.get("Rules", {})
    # Whatever their conditions say. [fact: functions-of-rules]
    if strange := sorted(_functions(rules) - FUNCTIONS):
        raise ValidationError(
            message="Template format error: Following functions are not supported in the Rules"
            f" block of the template: [{', '.join(strange)}]"
        )

    def ref(name: str) -> Any:
        if name not in template.get("Parameters", {}):
            return place[name]
        slot = template["Parameters"][name]
        value = str(parameters.get(name, slot.get("Default", "")))
        # An empty list has one member, "". [fact: empty-list-parameter]
        return [one.strip() for one in value.split(",")] if "List" in slot["Type"] else value

    for name, rule in rules.items():
        if not _value(rule.get("RuleCondition", True), ref):
            continue
        for assertion in rule["Assertions"]:
            if not _value(assertion["Assert"], ref):
                # AWS's own words are not known. [fact: rules-come-first]
                said = assertion.get("AssertDescription", "its assertion is false")
                raise ValidationError(message=f"Template error: Rule {name}: {said}")


def _functions(node: Any) -> set[str]:
    if isinstance(node, list):
        return {name for one in node for name in _functions(one)}
    if not isinstance(node, dict):
        return set()
    own = {name for name in node if name == "Ref" or name.startswith("Fn::")}
    return own | _functions(list(node.values()))


def _value(node: Any, ref: Ref) -> Any:
    """What an expression comes to.

    [fact: left-out-of-the-local-aws]
    """
    if isinstance(node, list):
        return [_value(one, ref) for one in node]
    if not isinstance(node, dict):
        return node
    ((name, given),) = node.items()
    if name == "Ref":
        return ref(given)
    if name not in EVALUATED:
        raise ValidationError(message=f"The local AWS does not evaluate {name}")
    return EVALUATED[name](_value(given, ref))


# [fact: functions-of-rules]
EVALUATED: dict[str, Callable[[list[Any]], bool]] = {
    "Fn::And": all,
    "Fn::Or": any,
    "Fn::Not": lambda given: not given[0],
    "Fn::Equals": lambda given: bool(given[0] == given[1]),
    "Fn::Contains": lambda given: given[1] in given[0],
    "Fn::EachMemberEquals": lambda given: all(one == given[1] for one in given[0]),
    "Fn::EachMemberIn": lambda given: all(one in given[1] for one in given[0]),
}
