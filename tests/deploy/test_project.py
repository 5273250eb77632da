"""What the files of the project say of each other."""

import re

from tests.deploy.definition import ROOT
from tests.deploy.test_definition import template

# Actions that AWS knows no resource for (service authorization reference).
WITHOUT_RESOURCE = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "rds:DescribeAccountAttributes",
    "rds:DescribeDBEngineVersions",
    "rds:DescribeExportTasks",
    "rds:DescribeOrderableDBInstanceOptions",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


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
        properties = resource.get("Properties", {})
        is_policy = resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        attached = [properties] if is_policy else []
        own = [one for one in properties.get("Policies", []) if isinstance(one, dict)]
        for policy in [*own, *attached]:
            for statement in policy.get("PolicyDocument", policy)["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    # RDS asks the role of an export for these of S3, stars included.
                    assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+|s3:\w+Object\*", action), name
                resources = statement["Resource"]
                if not set(actions if isinstance(actions, list) else [actions]) <= WITHOUT_RESOURCE:
                    assert "*" not in ([resources] if isinstance(resources, str) else resources)


def test_functions_have_no_names_of_their_own() -> None:
    """Two stacks fit into one account."""
    for name, resource in template()["Resources"].items():
        assert "FunctionName" not in resource.get("Properties", {}), name


def test_every_test_that_the_table_of_promises_names_exists() -> None:
    """And every row names one, but for the row about running the tests themselves."""
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^ *def (test_\w+)", sources, re.MULTILINE))
    rows = re.findall(
        r"^\| (?!The seed promises)(.+) \|$", (ROOT / "docs/seed.md").read_text(), re.M
    )
    assert len(rows) > 30
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named or "pytest" in row, row
        assert named <= there, named - there


def test_the_readme_names_what_must_exist_first() -> None:
    readme = (ROOT / "README.md").read_text()
    deploying = readme.partition("## Deploying")[2].partition("\n## ")[0]
    for wanted in ("Amazon SES", "AWS SAM CLI", "`PythonRuntime`", "databases"):
        assert wanted in deploying.partition("```")[0], wanted
