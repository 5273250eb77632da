"""A block as real shells take it: in order, patiently, and no further than the first failure."""

import shutil
import subprocess
from pathlib import Path

import pytest

from trapheus.messages.message import block
from trapheus.messages.ways_out import commands

SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]
# An AWS CLI that notes how it is called. What a call is to fail for is in a file of its name.
FAKE = """#!/bin/sh
echo "$*" >> calls
if [ -f "fails-$2" ]; then
  left=$(cat "fails-$2")
  [ "$left" -gt 0 ] && echo $((left - 1)) > "fails-$2" && exit 255
fi
echo 0
"""
WAITING = commands.repeated(3, "aws rds wait db-instance-deleted")
LOOKING = commands.repeated(3, 'test "$(aws rds look)" = 0', "sleep 0; ")
# As a rename is written.
UNLESS = '{ test "$(aws rds name)" = new || aws rds second; }'
COMMANDS = [
    commands.WITHOUT_PAGER, "aws rds first", WAITING, LOOKING, UNLESS, "aws rds last",
]  # fmt: skip


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pasted(shell: str, folder: Path, **fails: int) -> tuple[int, list[str]]:
    """The status of a block, and how `aws` was called."""
    aws = folder / "aws"
    aws.write_text(FAKE)
    aws.chmod(0o755)
    for call, times in fails.items():
        (folder / f"fails-{call}").write_text(str(times))
    text = "\n".join(block(COMMANDS))
    path = f"{folder}:/usr/bin:/bin"
    ran = subprocess.run([shell], input=text, text=True, cwd=folder, env={"PATH": path},
                         capture_output=True, check=False)  # fmt: skip
    return ran.returncode, (folder / "calls").read_text().splitlines()


def test_a_block_runs_to_its_end(shell: str, tmp_path: Path):
    status, calls = pasted(shell, tmp_path)

    assert status == 0
    assert calls == [
        "rds first", "rds wait db-instance-deleted", "rds look", "rds name", "rds second",
        "rds last",
    ]  # fmt: skip


def test_a_wait_that_gives_up_is_repeated(shell: str, tmp_path: Path):
    status, calls = pasted(shell, tmp_path, wait=2, look=1)

    assert status == 0
    assert calls.count("rds wait db-instance-deleted") == 3
    assert calls.count("rds look") == 2
    assert calls[-1] == "rds last"


@pytest.mark.parametrize("failing", ["first", "wait", "look", "second"])
def test_nothing_follows_what_fails(shell: str, tmp_path: Path, failing: str):
    status, calls = pasted(shell, tmp_path, **{failing: 9})

    assert status != 0
    assert "rds last" not in calls
    assert calls[-1].startswith(f"rds {failing}")
