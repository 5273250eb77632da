"""The app with all that a stack may have besides: it shares what it takes, and runs hooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.commands.app import ROOT, App, deployed, sharing
from tests import hooking


@contextmanager
def deployed_whole(template: Path = ROOT / "template.yaml") -> Iterator[App]:
    """Deploy it, and make the hooks that it lists."""
    parameters = {**sharing(), **hooking.PARAMETERS}
    with deployed(template=template, parameters=parameters) as cloud:
        hooking.make(cloud)
        yield cloud
