"""events/functions/ holds what the state machines really send."""

import pytest

from local.commands.app import App
from local.commands.writing.events import COMMAND, FOLDER, ROOT, record
from local.emulator.cloudformation.templates import read_template


@pytest.mark.thorough
def test_every_function_has_its_event(cloud: App) -> None:
    resources = read_template(ROOT / "template.yaml")["Resources"]
    functions = {
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        # What is not in every stack is not in this one.
        and "Condition" not in resource
    }
    written = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    sent = record(cloud)

    assert set(sent) == functions
    assert written == sent, f"write them anew with {COMMAND}"
