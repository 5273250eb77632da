"""events/functions/ holds what the state machines really send."""

from local.app import App
from local.deploy import read_template
from local.events import COMMAND, FOLDER, ROOT, record


def test_every_function_has_its_event(cloud: App) -> None:
    resources = read_template(ROOT / "template.yaml")["Resources"]
    functions = {
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    written = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    sent = record(cloud)

    assert set(sent) == functions
    assert written == sent, f"write them anew with {COMMAND}"
