"""The files of one database or snapshot, and the PostgreSQL that serves a database's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from local.servers.authority import Authority
from local.servers.postgresql import start_postgresql
from local.servers.processes import Server, own

# RDS's own user, which may do everything; the master user may not.
ADMIN = "rdsadmin"
# What the master user of RDS may do, by way of the role that RDS makes for it: the user guide,
# "Understanding the rds_superuser role". [fact: master-user-of-postgresql]
SUPERUSER = """
create role rds_superuser;
grant pg_monitor, pg_signal_backend to rds_superuser with admin option;
"""


@dataclass(frozen=True)
class Engine:
    """What all volumes of a run share: the files of a new one, and how RDS itself logs in."""

    template: Callable[[], Path]
    password: str
    authority: Authority


@dataclass
class Volume:
    """See the module; `password` is what the files know, `wanted` what is set as soon as can be."""

    engine: Engine
    folder: Path
    master: str
    database: str
    wanted: str = ""
    password: str = ""
    # Whether its files are still to be made.
    is_new: bool = True
    server: Server | None = None
    addresses: tuple[str, ...] = ()

    def start(self, addresses: Sequence[str], port: int) -> None:
        """Serve at these addresses."""
        if self.is_new:
            copy_files(self.engine.template(), self.folder)
        first, *others = self.addresses = tuple(addresses)
        self.server = start_postgresql(self.folder, first, port, self.engine.authority, others)
        if self.is_new:
            self._make_master()
            self.is_new = False

    def stop(self) -> None:
        """Serve no more; the files are whole."""
        if self.server:
            self.server.stop()
        self.server, self.addresses = None, ()

    def serves(self, addresses: Sequence[str], port: int) -> bool:
        """Whether it is reached there, and nowhere else."""
        return self.server is not None and (self.addresses, self.server.port) == (
            tuple(addresses),
            port,
        )

    def copy(self, folder: Path) -> Volume:
        """Another volume with what this one holds at this moment."""
        made = Volume(self.engine, folder, self.master, self.database, self.wanted, self.password)
        if self.is_new:
            return made
        made.is_new = False
        if self.server is None:
            copy_files(self.folder, folder)
            return made
        with self.connected() as connection:
            connection.execute("select pg_backup_start('snapshot', fast => true)")
            copy_files(self.folder, folder)
            ended = connection.execute("select labelfile from pg_backup_stop()").fetchone()
        # What was written meanwhile is in here, and is read when the copy starts.
        shutil.rmtree(folder / "pg_wal")
        copy_files(self.folder / "pg_wal", folder / "pg_wal")
        label = folder / "backup_label"
        label.write_text(ended[0] if ended else "", encoding="utf-8")
        own(label)
        return made

    def remove(self) -> None:
        """Stop it, and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def set_password(self, password: str) -> None:
        """Let the master user log in with this one from now on."""
        with self.connected() as connection:
            changed = sql.SQL("alter role {} password {}")
            connection.execute(changed.format(sql.Identifier(self.master), password))
        self.password = password

    def _make_master(self) -> None:
        with self.connected() as connection:
            connection.execute(SUPERUSER)
            for words in (
                "create role {master} login createdb createrole in role rds_superuser",
                "alter database postgres owner to {master}",
                *(() if self.database == "postgres" else ("create database {} owner {master}",)),
            ):
                connection.execute(
                    sql.SQL(words).format(
                        sql.Identifier(self.database), master=sql.Identifier(self.master)
                    )
                )

    @contextmanager
    def connected(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """RDS's own connection to the server."""
        if self.server is None:
            raise RuntimeError(f"no server runs on {self.folder}")
        with psycopg.connect(
            host=self.server.address,
            port=self.server.port,
            user=ADMIN,
            password=self.engine.password,
            dbname=database,
            sslmode="require",
            autocommit=True,
        ) as connection:
            yield connection


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder with the owners of its files, but for what has vanished meanwhile."""
    done = subprocess.run(["cp", "-a", source, target], capture_output=True, text=True, check=False)
    failed = [line for line in done.stderr.splitlines() if "No such file" not in line]
    if failed:
        raise OSError(f"{source} cannot be copied: {failed[0]}")
