"""What the files of the project say of each other."""

import os
import re
import subprocess
import textwrap
from typing import Any

import pytest

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
    "rds:DescribeCertificates",
    "rds:DescribeDBEngineVersions",
    "rds:DescribeEvents",
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


def test_the_page_of_parameters_explains_each_with_its_default_and_no_other() -> None:
    page = (ROOT / "docs" / "parameters.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE))
    parameters = template()["Parameters"]
    assert sorted(rows) == sorted(parameters)
    for name, parameter in parameters.items():
        default = parameter.get("Default")
        assert rows[name] == {None: "none, required", "": "empty"}.get(default, f"`{default}`"), (
            name
        )


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_is_a_door_and_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) <= 250
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", readme))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked


def test_the_readme_s_picture_has_so_few_boxes_that_it_can_be_read() -> None:
    readme = (ROOT / "README.md").read_text()
    (picture,) = re.findall(r"```mermaid\n(.*?)```", readme, re.DOTALL)
    boxes = set(re.findall(r"(\w+)\[", picture.partition("}}%%")[2]))
    assert 5 <= len(boxes) <= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page) -> None:
    for target in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text()), target


def anchors(text: str) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
            for statement in statements(policy.get("PolicyDocument", policy)):
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    # RDS asks the role of an export for these of S3, and a key's policy for those
                    # of KMS, stars included.
                    known = r"[a-z0-9]+:[A-Za-z]+|s3:\w+Object\*|kms:(GenerateDataKey|ReEncrypt)\*"
                    assert re.fullmatch(known, action), name
                resources = statement["Resource"]
                if not set(actions if isinstance(actions, list) else [actions]) <= WITHOUT_RESOURCE:
                    assert "*" not in ([resources] if isinstance(resources, str) else resources)


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, those under a condition too."""
    # !If is read as the list that it has.
    parts = [one[1] if isinstance(one, list) else one for one in document["Statement"]]
    return [part for part in parts if "Action" in part]


def test_every_role_is_assumed_for_this_account_only() -> None:
    """But those of Lambda, of which no page of AWS says that it names its account."""
    seen = set()
    for name, resource in template()["Resources"].items():
        trust = resource.get("Properties", {}).get("AssumeRolePolicyDocument", {"Statement": []})
        for statement in trust["Statement"]:
            (service,) = statement["Principal"].values()
            seen.add(service)
            conditions = statement.get("Condition", {}).get("StringEquals", {})
            wanted = {} if service == "lambda.amazonaws.com" else {"aws:SourceAccount"}
            assert set(conditions) == set(wanted), name
    assert len(seen) == 5


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


def make(*arguments):
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # As a person's: `make test` hands its own flags on.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
    )


def test_make_alone_lists_every_target_with_a_line() -> None:
    rules = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for arguments in ((), ("help",)):
        shown = make(*arguments)
        assert shown.returncode == 0
        lines = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown.stdout, re.MULTILINE))
        assert {"run", "test"} < set(lines)
        assert sorted(lines) == sorted(rules)
        assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", ["rnu", "tests", "docs", "README.md"])
def test_a_target_that_is_none_gets_a_sentence(name) -> None:
    """Also where a folder or file has the name, with which make has nothing to do."""
    refused = make("help", name)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert f"There is no target {name}; `make help` lists them." in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_no_run_of_more_than_twelve_equal_lines_stands_twice() -> None:
    """Outside tests and what is generated; blank lines do not count."""
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split()
    written = [
        name
        for name in listed
        if name.endswith((".py", ".yaml", ".toml", "Makefile")) and not name.startswith("tests/")
    ]
    seen: dict[tuple[str, ...], str] = {}
    for name in written:
        numbered = enumerate((ROOT / name).read_text().splitlines(), 1)
        lines = [(number, line.rstrip()) for number, line in numbered if line.strip()]
        for start in range(len(lines) - 12):
            run = tuple(line for _, line in lines[start : start + 13])
            place = f"{name}:{lines[start][0]}"
            assert seen.setdefault(run, place) == place, (
                f"{place} has thirteen lines that stand at {seen[run]} too: let one place serve"
            )


def test_the_smallest_handler_of_contributing_is_one() -> None:
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(textwrap.dedent(text), names)
    assert names["handler"]({}, None) == {}
