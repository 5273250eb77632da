"""What really holds the data of databases and snapshots, if anything does: usually nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.emulator.rds.resources import Resource


class Volumes(Protocol):
    """The volumes of an account's databases and snapshots, each that of a Resource."""

    def begin(self, thing: Resource, source: Resource | None) -> None:
        """A database or snapshot is made, with the data of another one or without any."""

    def end(self, thing: Resource) -> None:
        """It is gone, and its data with it."""

    def address(self, database: Resource, part: str) -> str:
        """Where a database can be reached by its present name, "" for nowhere."""

    def serve(self, account: str, region: str, serving: Sequence[Resource]) -> None:
        """Let those be reached that serve at this moment there, and no others."""

    def set_password(self, database: Resource, password: str | None) -> None:
        """Give the master user another password; None leaves it as it is."""

    def secret(self, arn: str) -> str:
        """The password that stands in a secret which RDS manages, "" for none."""


class NoVolumes:
    """There is no data: an address leads nowhere, and no password opens anything."""

    def begin(self, thing: Resource, source: Resource | None) -> None:
        """Nothing holds it."""

    def end(self, thing: Resource) -> None:
        """Nothing held it."""

    def address(self, database: Resource, part: str) -> str:  # noqa: ARG002
        """Nowhere."""
        return ""

    def serve(self, account: str, region: str, serving: Sequence[Resource]) -> None:
        """Nothing can be reached."""

    def set_password(self, database: Resource, password: str | None) -> None:
        """Nothing has one."""

    def secret(self, arn: str) -> str:  # noqa: ARG002
        """None."""
        return ""
