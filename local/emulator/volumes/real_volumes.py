"""The volumes of all databases and snapshots of a run, as the local RDS tells of them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from local.emulator.rds.databases import lifecycle
from local.emulator.rds.protocol.model import KINDS
from local.emulator.rds.resources import arn_parts
from local.emulator.volumes.addresses import Addresses
from local.emulator.volumes.volume import ADMIN, Engine, Volume
from local.servers import postgresql
from local.servers.authority import make_authority
from local.servers.keeper import keeper
from local.servers.processes import make_folder

if TYPE_CHECKING:
    from local.emulator.rds import Rds
    from local.emulator.rds.resources import Resource

# Account, region and resource id, which a rename does not change.
Key = tuple[str, str, str]


class RealVolumes:
    """PostgreSQL behind each database that is made or restored, and behind those that are `given`.

    `authority_file` is what a client verifies the servers with. Who is in `listeners` is called
    whenever another name can be reached, or one no longer.
    """

    def __init__(self) -> None:
        self._addresses = Addresses()
        self._root = make_folder(in_memory=True)
        keeper().holds(self._root)
        authority = make_authority()
        self.authority_file = authority.write(self._root / "authority.pem")
        password = secrets.token_urlsafe(24)
        template = self._root / "template"
        # It takes most of a second, in which other things can be done.
        self._making = ThreadPoolExecutor(1)
        made = self._making.submit(postgresql.make, template, ADMIN, password)

        def ready() -> Path:
            made.result()
            return template

        self._engine = Engine(ready, password, authority)
        self._numbers = count(1)
        self._volumes: dict[Key, Volume] = {}
        # By the ARN of the secret that has it; Secrets Manager may have it longer than a database.
        self._passwords: dict[str, str] = {}
        self.listeners: list[Callable[[], None]] = []

    def close(self) -> None:
        """Stop all servers, and remove all files."""
        self.clear()
        self._making.shutdown()
        self._addresses.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def clear(self) -> None:
        """Forget all databases and snapshots."""
        self.listeners.clear()
        while self._volumes:
            self._volumes.popitem()[1].remove()

    # What the local RDS tells

    def begin(self, thing: Resource, source: Resource | None) -> None:
        """Give it a copy of what `source` holds now; without one an empty PostgreSQL."""
        folder = self._root / f"{thing.key}-{next(self._numbers)}"
        if source:
            held = self._volumes.get(key_of(source))
            if held:
                self._volumes[key_of(thing)] = held.copy(folder)
        elif "postgres" in thing.shown["Engine"] and not is_member(thing):
            database = thing.shown.get("DBName") or thing.shown.get("DatabaseName") or "postgres"
            self._volumes[key_of(thing)] = Volume(
                self._engine, folder, thing.shown["MasterUsername"], database
            )

    def end(self, thing: Resource) -> None:
        """Remove its files."""
        volume = self._volumes.pop(key_of(thing), None)
        if volume:
            volume.remove()

    def address(self, database: Resource, part: str) -> str:
        """The address of a name in an account and region, which stays the name's."""
        if self._of(database) is None:
            return ""
        account, region, _ = key_of(database)
        return self._addresses.of(f"{account} {region} {part}{database.name}")

    def serve(self, account: str, region: str, serving: Sequence[Resource]) -> None:
        """Run a server for each volume of which something serves, at the addresses of that."""
        wanted: dict[Key, tuple[list[str], int]] = {}
        for thing in serving:
            key = self._key_of_volume(thing)
            if key in self._volumes:
                addresses, port = places(thing)
                wanted.setdefault(key, ([], port))[0].extend(addresses)
        mine = {
            key: volume for key, volume in self._volumes.items() if key[:2] == (account, region)
        }
        changed = [
            key
            for key, volume in mine.items()
            if (not volume.serves(*wanted[key]) if key in wanted else volume.server is not None)
        ]
        for key in changed:
            mine[key].stop()
        for key in changed:
            if key in wanted:
                mine[key].start(*wanted[key])
        for thing in serving:
            volume = mine.get(key_of(thing))
            password = self._password(thing, volume) if volume else ""
            if volume and password != volume.password:
                volume.set_password(password)
        if changed:
            for listener in self.listeners:
                listener()

    def set_password(self, database: Resource, password: str | None) -> None:
        """Set it as soon as the server runs."""
        volume = self._volumes.get(key_of(database))
        if volume and password:
            volume.wanted = password

    def secret(self, arn: str) -> str:
        """The password that RDS has made for a secret."""
        return self._passwords.setdefault(arn, secrets.token_urlsafe(24))

    # What a sample account is filled by

    def give(self, rds: Rds, kind: str, name: str) -> None:
        """Put an empty PostgreSQL behind a database that has been made without."""
        database = rds.find(kind, name)
        self.begin(database, None)
        for one in (database, *(rds.members(database) if kind == "cluster" else ())):
            lifecycle.give_addresses(rds, one)
        rds.observe()

    @contextmanager
    def connected(self, database: Resource) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the first database of one that serves, as its master user."""
        volume = self._volumes[key_of(database)]
        with volume.connected(volume.database) as connection:
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(volume.master)))
            yield connection

    def folders(self) -> list[Path]:
        """Where there are files of databases and snapshots."""
        return [volume.folder for volume in self._volumes.values() if volume.folder.exists()]

    # Within

    def _of(self, database: Resource) -> Volume | None:
        return self._volumes.get(self._key_of_volume(database))

    @staticmethod
    def _key_of_volume(database: Resource) -> Key:
        """A member's is its cluster's."""
        account, region, own = key_of(database)
        return account, region, database.source.get("cluster", own)

    def _password(self, database: Resource, volume: Volume) -> str:
        """What the master user's should be."""
        if "MasterUserSecret" in database.shown:
            volume.wanted = ""
            return self.secret(database.shown["MasterUserSecret"]["SecretArn"])
        return volume.wanted or volume.password


def key_of(thing: Resource) -> Key:
    """The key of a thing's own volume."""
    region, account, _, _ = arn_parts(thing.shown[KINDS[thing.kind].arn_key])
    return account, region, thing.key


def is_member(database: Resource) -> bool:
    """Whether the data is a cluster's."""
    return database.kind == "instance" and "DBClusterIdentifier" in database.shown


def places(database: Resource) -> tuple[list[str], int]:
    """The addresses at which Describe shows a database, and its port."""
    shown = database.shown
    if database.kind == "instance":
        return [shown["Endpoint"]["Address"]], shown["Endpoint"]["Port"]
    return [shown["Endpoint"], shown["ReaderEndpoint"]], shown["Port"]
