"""A client that connects to a database again and again while an execution runs, and notes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from local.commands.app import App

MINUTE = 60
LOOK = "select id, email, phone, ordered from customers order by id"
# Of the sample account.
LOGINS = {"instance": ("orders_admin", "orders"), "cluster": ("ledger_admin", "ledger")}


@dataclass(frozen=True)
class Sight:
    """What one attempt has seen: the rows, or why there were none."""

    time: float
    address: str
    rows: tuple[tuple[Any, ...], ...] = ()
    error: str = ""


class Client:
    """Whoever uses an identifier: of a cluster both endpoints, and those of its members.

    It is let in whatever the password is: it tries each that RDS has made for any database.
    """

    def __init__(self, cloud: App, kind: str, identifier: str) -> None:
        self.cloud, self.kind, self.identifier = cloud, kind, identifier
        self.sights: list[Sight] = []
        self.passwords: list[str] = []
        self._addresses: dict[str, None] = {}
        self._ports: dict[int, None] = {}
        self._ended = False

    @property
    def rows(self) -> set[tuple[Any, ...]]:
        """Every row that any attempt has seen."""
        return {row for sight in self.sights for row in sight.rows}

    @contextmanager
    def connecting(self) -> Iterator[Client]:
        """Connect meanwhile, at every change of what is reached and every virtual minute."""
        volumes = self.cloud.volumes
        assert volumes
        self.look()
        volumes.listeners.append(self.look)
        self.cloud.clock.Thread(target=self._every_minute, name="client").start()
        try:
            yield self
        finally:
            self._ended = True
            volumes.listeners.remove(self.look)
        self.look()

    def _every_minute(self) -> None:
        while not self._ended:
            self.cloud.clock.sleep(MINUTE)
            if not self._ended:
                self.cloud.rds.settle()
                self.look()

    def look(self) -> None:
        """Connect once to each address that the identifier has, or has had."""
        self._learn()
        for address in self._addresses:
            for port in self._ports:
                self.sights.append(self._seen(address, port))

    def _learn(self) -> None:
        """Note where the identifier is to be found now, and which passwords there are."""
        rds, volumes = self.cloud.rds, self.cloud.volumes
        assert volumes
        databases = {**rds.instances, **rds.clusters}
        for shown in databases.values():
            password = volumes.secret(shown["MasterUserSecret"]["SecretArn"]) if (
                "MasterUserSecret" in shown
            ) else ""  # fmt: skip
            if password and password not in self.passwords:
                self.passwords.insert(0, password)
            mine = self.identifier in (shown.get("DBInstanceIdentifier"),
                                       shown.get("DBClusterIdentifier"))  # fmt: skip
            endpoint = shown.get("Endpoint")
            if not mine or not endpoint:
                continue
            if isinstance(endpoint, dict):
                self._addresses[endpoint["Address"]] = None
                self._ports[endpoint["Port"]] = None
            else:
                self._addresses |= dict.fromkeys((endpoint, shown["ReaderEndpoint"]))
                self._ports[shown["Port"]] = None

    def _seen(self, address: str, port: int) -> Sight:
        now = self.cloud.clock.now()
        user, database = LOGINS[self.kind]
        assert self.cloud.volumes
        error = ""
        for password in self.passwords:
            try:
                with psycopg.connect(
                    host=address, port=port, user=user, password=password, dbname=database,
                    sslmode="verify-full", sslrootcert=str(self.cloud.volumes.authority_file),
                ) as connection:  # fmt: skip
                    return Sight(now, address, tuple(connection.execute(LOOK).fetchall()))
            except psycopg.Error as failure:
                error = str(failure)
                if "password authentication" not in error:
                    break
        return Sight(now, address, error=error)
