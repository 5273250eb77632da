"""What the files of the project say of each other."""

import re

from tests.deploy.definition import ROOT
from tests.deploy.test_definition import template


def pins(path: str) -> dict[str, str]:
    """The exact versions of a requirements file."""
    return dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / path).read_text(), re.MULTILINE))


def test_the_layer_is_tested_with_the_versions_that_it_ships() -> None:
    layer = pins("layers/common/requirements.txt")
    assert set(layer) >= {"boto3"}
    assert layer.items() <= pins("requirements/dev.txt").items()


def test_the_readme_explains_every_parameter_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert set(rows) >= set(template()["Parameters"])


def test_every_top_level_entry_earns_a_line_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name != "README.md":
            assert path.name in readme, path.name


def test_no_policy_grants_more_than_named_actions() -> None:
    for name, resource in template()["Resources"].items():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy.get("PolicyDocument", policy)["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    assert re.fullmatch(r"[a-z]+:[A-Za-z]+", action), name
                resources = statement["Resource"]
                assert "*" not in ([resources] if isinstance(resources, str) else resources), name


def test_functions_have_no_names_of_their_own() -> None:
    """Two stacks fit into one account."""
    for name, resource in template()["Resources"].items():
        assert "FunctionName" not in resource.get("Properties", {}), name
