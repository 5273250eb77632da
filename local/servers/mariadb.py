"""A real MariaDB, if this machine has one: Debian's package mariadb-server, or a like one."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from local.servers.authority import Authority
from local.servers.processes import Server, own, run, start

SETTINGS = (
    *("--no-defaults", "--skip-networking=0", "--innodb-buffer-pool-size=16M"),
    *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-name-resolve"),
    *("--innodb-log-file-size=8M", "--aria-log-file-size=8388608", "--key-buffer-size=1M"),
    *("--require-secure-transport=ON", "--default-time-zone=+00:00"),
)


def program() -> str | None:
    """The server's program; None where it is not installed."""
    return shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/bin")


def make(folder: Path, user: str, password: str) -> None:
    """Make the files of a new server; `user` may do everything, as from any host."""
    folder.mkdir(exist_ok=True)
    own(folder)
    install = shutil.which("mariadb-install-db") or "mariadb-install-db"
    options = (
        "--no-defaults",
        f"--datadir={folder}",
        "--skip-test-db",
        "--auth-root-socket-user=root",
    )
    run([install, *options, "--innodb-log-file-size=8M"], folder)
    first = folder / "first.sql"
    first.touch(mode=0o600)
    name, secret = (text.replace("\\", "\\\\").replace("'", "''") for text in (user, password))
    first.write_text(
        f"create user '{name}'@'%' identified by '{secret}';\n"
        f"grant all on *.* to '{name}'@'%' with grant option;\n",
        encoding="utf-8",
    )


def start_mariadb(folder: Path, address: str, port: int, authority: Authority) -> Server:
    """Start the server whose files are in a folder, with a certificate for its address."""
    certificate, key = authority.issue(address)
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.key").touch(mode=0o600)
    (folder / "server.key").write_bytes(key)
    own(folder)
    first = folder / "first.sql"
    options = (
        *(f"--datadir={folder}", f"--bind-address={address}", f"--port={port}"),
        *(f"--socket={folder / 'server.sock'}", f"--pid-file={folder / 'server.pid'}"),
        *(f"--ssl-cert={folder / 'server.crt'}", f"--ssl-key={folder / 'server.key'}"),
        *((f"--init-file={first}",) if first.exists() else ()),
    )
    server = start(
        [program() or "mariadbd", *SETTINGS, *options],
        folder,
        address,
        port,
        ends_by=signal.SIGTERM,
        says=b"ready for connections",
    )
    first.unlink(missing_ok=True)
    return server
