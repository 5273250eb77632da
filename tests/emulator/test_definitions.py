"""What moto makes of a long definition is kept for the next process."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from local.emulator.stepfunctions import definitions

PASSES = {f"Pass {number}": {"Type": "Pass", "End": True} for number in range(100)}
LONG = json.dumps({"StartAt": "Pass 0", "States": PASSES})
SHORT = json.dumps({"StartAt": "Pass 0", "States": {"Pass 0": PASSES["Pass 0"]}})


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The definitions that moto itself has read."""
    asked: list[str] = []

    def noting(definition: str) -> Any:
        asked.append(definition)
        return original(definition)

    original = definitions.READ
    monkeypatch.setattr(definitions, "READ", noting)
    monkeypatch.setattr(definitions, "KEPT", tmp_path / "kept")
    return asked


def in_a_new_process(definition: str) -> Any:
    return definitions.read_once.__wrapped__(definition)[0]


def test_a_long_one_is_read_once_for_all_processes(read: list[str]) -> None:
    first = in_a_new_process(LONG)
    second = in_a_new_process(LONG)

    assert read == [LONG]
    assert second is not first
    assert pickle.dumps(second) == pickle.dumps(first)
    assert set(second.states.states) == set(PASSES)


def test_a_short_one_is_not_worth_a_file(read: list[str]) -> None:
    in_a_new_process(SHORT)

    assert read == [SHORT]
    assert not definitions.KEPT.exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", b"cno.such_module\nThing\n."])
def test_what_is_damaged_is_read_anew_and_replaced(read: list[str], content: bytes) -> None:
    in_a_new_process(LONG)
    (kept,) = definitions.KEPT.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(content)

    in_a_new_process(LONG)

    assert read == [LONG, LONG]
    assert kept.read_bytes() == whole


def test_where_nothing_can_be_written_it_is_read_each_time(read: list[str]) -> None:
    definitions.KEPT.write_text("a file where the folder would be")

    in_a_new_process(LONG)
    in_a_new_process(LONG)

    assert read == [LONG, LONG]


def test_a_wrong_one_is_refused_each_time(read: list[str]) -> None:
    wrong = LONG.replace('"End": true', '"Ende": true')
    for _ in range(2):
        with pytest.raises(Exception, match="Ende"):
            in_a_new_process(wrong)
    assert read == [wrong, wrong]
