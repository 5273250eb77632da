"""Ends the servers of a process that has ended before them: one that is killed cannot."""

from __future__ import annotations

import atexit
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

# Seconds in which it looks whether the process is still there.
LOOK = 0.5
# Seconds that servers have to end before their files are removed.
PATIENCE = 10


class Keeper:
    """A process beside this one, which is told of each server that begins or ends."""

    def __init__(self) -> None:
        # Only the standard library, which the interpreter finds by itself.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            # An interrupt in the terminal is for this process, whose end it sees.
            start_new_session=True,
        )
        # It ends with its input, and at once where every server has been stopped.
        atexit.register(self._process.communicate)

    def begins(self, process: int, ends_by: signal.Signals) -> None:
        """A server runs."""
        self._tell(f"{process} {ends_by.value}")

    def ends(self, process: int) -> None:
        """A server has been ended."""
        self._tell(f"{process} 0")

    def holds(self, folder: Path) -> None:
        """A folder is to be removed with the servers."""
        self._tell(f"0 {folder}")

    def _tell(self, line: str) -> None:
        if self._process.stdin:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


@cache
def keeper() -> Keeper:
    """That of this process, which ends with it."""
    return Keeper()


def main() -> None:
    """Note what the parent says until it is gone; then end what it has left."""
    parent, said = os.getppid(), b""
    while os.getppid() == parent:
        if select.select([0], [], [], LOOK)[0]:
            more = os.read(0, 4096)
            if not more:
                break
            said += more
    running: dict[int, int] = {}
    folders = []
    for line in said.decode().splitlines():
        number, _, rest = line.partition(" ")
        if number == "0":
            folders.append(rest)
        else:
            running[int(number)] = int(rest)
    left = [process for process, ends_by in running.items() if ends_by]
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process, running[process])
    until = time.monotonic() + PATIENCE
    while any(map(is_there, left)) and time.monotonic() < until:
        time.sleep(0.02)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def is_there(process: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
