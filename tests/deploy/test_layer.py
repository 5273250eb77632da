"""The layer: what is in it is pinned, and its build says what it needs."""

import os
import re
import subprocess
from importlib.metadata import requires
from pathlib import Path

import pytest

from tests.deploy.definition import ROOT
from tests.deploy.test_definition import template
from tests.deploy.test_project import pins

LAYER = ROOT / "layers" / "common"


def needed_by(name: str) -> set[str]:
    """A package and all that it needs, without its extras, as what is installed here says."""
    found, left = set(), [name]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            lines = [line for line in requires(one) or [] if "extra ==" not in line]
            left += [re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in lines]
    return found


def test_all_that_the_layer_holds_is_pinned_and_nothing_else() -> None:
    """What it needs is installed without looking for more, so what is missing would be missing."""
    wanted = pins("layers/common/requirements.in")
    locked = pins("layers/common/requirements.txt")
    assert set(locked) == set().union(*map(needed_by, wanted))
    assert wanted.items() <= locked.items() <= pins("requirements/dev.txt").items()
    assert "--no-deps" in (LAYER / "Makefile").read_text()


def build(folder: Path, python: str, layer: str = "CommonLayer") -> subprocess.CompletedProcess:
    """Call make as `sam build` does, with a script in the place of the interpreter."""
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\n{python}\n")
    program.chmod(0o755)
    return subprocess.run(
        ["make", f"build-{layer}", f"PYTHON={program}", f"ARTIFACTS_DIR={folder}"],
        cwd=LAYER,
        # Nothing of the make that runs the tests.
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (
            '[ "$1" = --version ] && echo "Python 3.9.18" && exit; exit 1',
            r"sam build needs Python 3\.11 or newer as \S+ on the PATH, and finds Python 3\.9\.18",
        ),
        ('[ "$1" = -c ] && exit 0; exit 1', r"sam build needs pip for \S+: "),
    ],
    ids=["older", "without pip"],
)
def test_a_build_that_cannot_be_says_what_it_needs(tmp_path: Path, python: str, said: str) -> None:
    done = build(tmp_path, python)
    first, *rest = done.stderr.splitlines()
    assert done.returncode != 0
    assert re.match(said, first)
    assert [line for line in rest if not line.startswith("make")] == []
    assert not (tmp_path / "python").exists()


def test_the_template_names_a_folder_that_only_the_build_makes(tmp_path: Path) -> None:
    """So that packaging without it fails: tests/deploy/test_real_clients.py sees it."""
    guard = template()["Resources"]["SamBuildComesFirst"]
    assert not (ROOT / guard["Properties"]["ContentUri"]).exists()
    assert (ROOT / guard["Metadata"]["ProjectRootDirectory"]).samefile(LAYER)
    assert build(tmp_path, "exit 1", "SamBuildComesFirst").returncode == 0
    assert (tmp_path / "built").exists()
