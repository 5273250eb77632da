"""The rows of the sample databases that really have data: customers, none of whom exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.emulator.rds import Rds
    from local.emulator.rds.resources import Resource
    from local.emulator.volumes.real_volumes import RealVolumes

REAL = ("prod-db", "staging-db", "prod-cluster", "staging-cluster")
HEADINGS = ("id", "email", "phone", "ordered")
TABLE = """
create table customers
    (id integer primary key, email text not null, phone text, ordered numeric(9, 2) not null)
"""
INSERT = "insert into customers values (%s, %s, %s, %s)"
LOOK = f"select {', '.join(HEADINGS)} from customers order by id"

Row = tuple[object, ...]

# Which a snapshot of seven days ago has, and which came since.
EARLIER: dict[str, tuple[Row, ...]] = {
    "prod": (
        (1001, "customer.1001@example.com", "+1 555 0101", "129.00"),
        (1002, "customer.1002@example.com", "+1 555 0102", "59.90"),
        (1003, "customer.1003@example.org", "+1 555 0103", "1742.50"),
        (1004, "customer.1004@example.org", None, "0.00"),
    ),
    "staging": (
        (1, "tester.1@example.com", "+1 555 0001", "1.00"),
        (2, "tester.2@example.com", "+1 555 0002", "2.00"),
    ),
}
NEWER: dict[str, Row] = {
    "prod": (1005, "customer.1005@example.com", "+1 555 0105", "18.75"),
    "staging": (3, "tester.3@example.com", "+1 555 0003", "3.00"),
}


def kind_of(name: str) -> str:
    """The kind of a database of the sample account."""
    return "cluster" if name.endswith("-cluster") else "instance"


def fill(rds: Rds, volumes: RealVolumes, name: str) -> None:
    """Put the customers into a sample database, and the earlier of them into its snapshot."""
    kind, (nature, _, _) = kind_of(name), name.rpartition("-")
    volumes.give(rds, kind, name)
    database = rds.find(kind, name)
    write(volumes, database, EARLIER[nature])
    of = "snapshot" if kind == "instance" else "cluster-snapshot"
    volumes.begin(rds.find(of, f"{name}-snapshot"), database)
    with volumes.connected(database) as connection:
        connection.execute(INSERT, NEWER[nature])


def write(volumes: RealVolumes, database: Resource, rows: Sequence[Row]) -> None:
    """Make the table of customers, with these in it."""
    with volumes.connected(database) as connection:
        connection.execute(TABLE)
        for row in rows:
            connection.execute(INSERT, row)


def look(rds: Rds, volumes: RealVolumes, name: str) -> Sequence[Row]:
    """The customers of a database; none where it does not serve."""
    kind = kind_of(name)
    if not rds.reachable(kind, name):
        return ()
    with volumes.connected(rds.find(kind, name)) as connection:
        return connection.execute(LOOK).fetchall()


def needed(request: Any) -> list[str]:
    """The databases whose data a run needs: those of a request with hooks, the source first."""
    if not isinstance(request, dict) or not request.get("beforeSwap"):
        return []
    asked = [str(request.get(key, "")).lower() for key in ("sourceIdentifier", "identifier")]
    return [name for name in asked if name in REAL]


def compared(
    before: Mapping[str, Sequence[Row]], after: Mapping[str, Sequence[Row]]
) -> Iterator[tuple[str, list[str]]]:
    """The rows before (-) and after (+), once where they are the same; headings first."""
    yield " ", ["database", *HEADINGS]
    for name, rows in before.items():
        same = rows == after[name]
        for mark, held in ((" ", rows),) if same else (("-", rows), ("+", after[name])):
            for row in held:
                yield mark, [name, *("" if cell is None else str(cell) for cell in row)]
