"""State machines' definitions as moto reads them, read once and kept for the next process.

moto's grammar works out its tables anew in every process, which for the app's definitions takes
longer than all else of its deployment: three seconds.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from moto.stepfunctions.parser.backend import execution_worker

KEPT = Path(__file__).parents[3] / ".read-definitions"
# Characters from which on it is worth a file.
LONG = 4_000
READERS = f"moto {version('moto')}, Python {sys.version_info[:2]}"
READ: Callable[[str], tuple[Any, Any]] = execution_worker.AmazonStateLanguageParser.parse


@functools.cache
def read_once(definition: str) -> tuple[Any, Any]:
    """What `AmazonStateLanguageParser.parse` gives, whose second value nobody asks for."""
    if len(definition) < LONG:
        return READ(definition)
    key = hashlib.sha256(f"{READERS}\n{definition}".encode()).hexdigest()
    with suppress(Exception):  # what is damaged can fail in any way
        return pickle.loads((KEPT / key).read_bytes()), None
    program = READ(definition)[0]
    with suppress(OSError):  # where nothing can be written, it is read each time
        keep(key, program)
    return program, None


def keep(key: str, program: Any) -> None:
    """Write it whole or not at all, whoever else writes it at the same time."""
    KEPT.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=KEPT, delete=False) as file:
        file.write(pickle.dumps(program))
    os.replace(file.name, KEPT / key)
