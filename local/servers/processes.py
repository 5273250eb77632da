"""What the servers have in common: their user, their files, their beginning and their end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers.keeper import keeper

if TYPE_CHECKING:
    from collections.abc import Sequence

# Neither server runs as root; who is root runs it as this one, which every system has.
UNPRIVILEGED = "nobody"
# Seconds within which a server answers: a busy machine's.
PATIENCE = 60
# Files that are in memory only, on Linux, and the bytes that have to be free there.
MEMORY = Path("/dev/shm")
ROOM = 2 << 30


@dataclass
class Server:
    """A server that runs: where it answers, and its process."""

    address: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    # What ends it soon, without asking its clients to go first.
    ends_by: signal.Signals

    def stop(self) -> None:
        """End it, and wait until its files are whole."""
        if self.process.poll() is None:
            self.process.send_signal(self.ends_by)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        keeper().ends(self.process.pid)


def owner() -> str | None:
    """The user that a server has to run as; None for whoever asks."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def own(folder: Path) -> None:
    """Give a folder, with all that is in it, to the user of the servers."""
    user = owner()
    if user is None:
        return
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, user)


def make_folder(*, in_memory: bool = False) -> Path:
    """A new folder that the user of the servers reaches: pytest's and a home are closed to it.

    in_memory: where its files are copied ten times as fast, if the system has such a place.
    """
    parent = MEMORY if in_memory and has_room(MEMORY) else None
    folder = Path(tempfile.mkdtemp(prefix="servers-", dir=parent))
    folder.chmod(0o755)
    own(folder)
    return folder


def has_room(place: Path) -> bool:
    """Whether some dozens of small databases can be there."""
    return os.access(place, os.W_OK) and shutil.disk_usage(place).free >= ROOM


@cache
def reachable(programs: Path) -> Path:
    """The folder of a server's programs, or a copy of it where its user does not get to it."""
    if owner() is None or all(part.stat().st_mode & 0o001 for part in programs.resolve().parents):
        return programs
    return Path(shutil.copytree(programs, make_folder() / "programs"))


def run(command: Sequence[str | Path], folder: Path) -> None:
    """Run a program of a server to its end, and say what it said if it fails."""
    done = subprocess.run(
        command, cwd=folder, user=owner(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")


def start(
    command: Sequence[str | Path],
    folder: Path,
    address: str,
    port: int,
    *,
    ends_by: signal.Signals,
    says: bytes,
) -> Server:
    """Start a server, and wait until its log, which is in its folder, says that it is ready."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            user=owner(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # An interrupt in the terminal is for who started it, who then stops it.
            start_new_session=True,
        )
    keeper().begins(process.pid, ends_by)
    server = Server(address, port, folder, process, ends_by)
    try:
        wait_for(server, says)
    except BaseException:
        server.stop()
        raise
    return server


def wait_for(server: Server, says: bytes) -> None:
    """Wait until a server says that it is ready, or say why it does not."""
    until = time.monotonic() + PATIENCE
    log = server.folder / "server.log"
    while says not in log.read_bytes():
        if server.process.poll() is not None or time.monotonic() > until:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the server at {server.address}:{server.port} fails: {said}")
        time.sleep(0.02)


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody has, for who does not care which."""
    with socket.socket() as one:
        one.bind((address, 0))
        return int(one.getsockname()[1])
