"""Reads templates, and other YAML, as CloudFormation understands it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader
else:
    # It is in C, and ten times as fast.
    from yaml import CSafeLoader as SafeLoader

if TYPE_CHECKING:
    from pathlib import Path


class TemplateLoader(SafeLoader):
    """A YAML loader that knows CloudFormation's short forms, such as !Ref."""


def _long_form(loader: TemplateLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}


TemplateLoader.add_multi_constructor("!", _long_form)
# A date such as 2010-09-09 is a string to CloudFormation.
TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str) -> Any:
    """Parse YAML that has no short forms, such as a state machine's definition."""
    return yaml.load(text, SafeLoader)


def parse_template(text: str) -> Any:
    """Parse a template of JSON or YAML, short forms written out."""
    # JSON is YAML too, but is read in a hundredth of the time as what it is.
    with suppress(ValueError):
        return json.loads(text)
    return yaml.load(text, TemplateLoader)


def read_template(path: Path) -> dict[str, Any]:
    """Read a template file, short forms written out."""
    loaded = parse_template(path.read_text())
    if not isinstance(loaded, dict):
        raise ValueError(f"{path} is no template")
    return loaded
