"""An address of this machine for each name: so databases have the ports that RDS shows."""

from __future__ import annotations

import socket
from hashlib import sha256

# Who listens here has the network, in which every name of an account finds room.
PORT = 5431
NETWORKS = range(1, 255)
LAST = 0xFFFE
# What to tell whoever has no such addresses.
NONE = (
    "This system lets nobody listen on 127.1.0.1, as the databases with real data do: on macOS,"
    " `sudo ifconfig lo0 alias` adds addresses one by one, and Linux has them all."
)


class Addresses:
    """The addresses of one run, in a network that no other run on this machine has."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._number, self._held = occupied()

    def close(self) -> None:
        """Leave the network to others."""
        self._held.close()

    def of(self, name: str) -> str:
        """The address of a name, the same as long as the run lasts."""
        if name not in self._given:
            taken = set(self._given.values())
            first = int.from_bytes(sha256(name.encode()).digest()[:2], "big")
            free = (
                address
                for step in range(LAST)
                if (address := self._address(1 + (first + step) % (LAST - 1))) not in taken
            )
            self._given[name] = next(free)
        return self._given[name]

    def _address(self, place: int) -> str:
        return address(self._number, place)


def are_there() -> bool:
    """Whether this system lets anybody listen on more than the first address of the device."""
    with socket.socket() as one:
        try:
            one.bind((address(NETWORKS[0], 1), 0))
        except OSError:
            return False
    return True


def address(network: int, place: int) -> str:
    """An address of the loopback device."""
    return f"127.{network}.{place >> 8}.{place & 0xFF}"


def occupied() -> tuple[int, socket.socket]:
    """The number of a network that was free until now, and what keeps it; OSError without one."""
    failure = OSError("no network of the loopback device is free")
    for network in NETWORKS:
        try:
            return network, socket.create_server((address(network, LAST), PORT))
        except OSError as error:
            failure = error
    raise failure
