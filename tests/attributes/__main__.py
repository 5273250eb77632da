"""Takes each attribute out of the app's calls, sees its tests fail, writes docs/attributes.md."""

from __future__ import annotations

import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.attributes import restores, samples
from trapheus.configuration.attributes import (
    LOST,
    MODIFY,
    REFUSED,
    TABLES,
    Attribute,
)
from trapheus.configuration.comparison import configuration

PAGE = Path(__file__).parents[2] / "docs" / "attributes.md"
COMMAND = "make attributes"
HEAD = """\
# Attributes

Every attribute that `DescribeDBInstances` and `DescribeDBClusters` return, and how it gets onto the
restored database: {counts}. The tables are read from
[`attributes.py`](../layers/common/trapheus/configuration/attributes.py), from which the calls are
built, by which the preflight refuses and the verification compares; a test fails on an attribute
that it has not.

What a call carries was set to something not the default, restored and compared, in the databases of
[`samples.py`](../tests/attributes/samples.py). Then each was taken out of the calls, one at a
time, and the last column has the tests that failed: its own and no other, except where RDS takes
one attribute only together with another, which then fails too. Written by `{command}` on {day}, for
botocore {botocore}: {count} attributes taken out, {runs} restores, {seconds:.0f} s.
"""
TITLES = {
    "instance": "Instances",
    "cluster": "Clusters",
    "member": "Members of a cluster",
}


def differs_without(aws: restores.Aws, database: samples.Database, kind: str, name: str) -> bool:
    """Whether the plan of a database is another one without an attribute."""
    restores.prepare(aws, database)
    names = database.members if kind == "member" else [database.name]
    word = "DBCluster" if kind == "cluster" else "DBInstance"
    parts = [
        aws.rds.call(f"Describe{word}s", {f"{word}Identifier": part})[f"{word}s"][0]
        for part in names
    ]
    before = [planned(kind, part) for part in parts]
    with restores.without(kind, name):
        return [planned(kind, part) for part in parts] != before


def planned(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    """What the plan of a database asks for."""
    return {key: value for key, value in configuration(TABLES[kind], found).items() if value}


def take_out(entry: tuple[str, str]) -> tuple[set[tuple[str, str]], int]:
    """Restore every database without an attribute; the tests that fail, and how many restores.

    A database whose plan is the same without it is left out: so are its calls then.
    """
    logging.disable(logging.CRITICAL)
    kind, name = entry
    failed, runs = set(), 0
    every = samples.INSTANCES if kind == "instance" else samples.CLUSTERS
    with restores.aws() as aws:
        for database in every:
            if differs_without(aws, database, kind, name):
                with restores.without(kind, name):
                    failed |= restores.failing(aws, database)
                runs += 1
    return failed, runs


def entries() -> list[tuple[str, str]]:
    """Everything that a call carries: (table, attribute)."""
    return [(kind, name) for kind, table in TABLES.items() for name in restores.carried(table)]


def how(row: Attribute) -> str:
    """In words, how an attribute is carried or why it is not."""
    parts = [
        f"`{name}`{' by Modify' if call == 'modify' and row.restore else ''}"
        for call in ("restore", "modify")
        for name in getattr(row, call)
        if call == "restore" or name not in row.restore or row.how == MODIFY
    ]
    parts += [f"`{row.call}`"] if row.call else []
    if row.how == REFUSED:
        where = row.refusal.error.__name__ if row.refusal else f"with `{row.by}`"
        parts = [where]
    if row.why:
        parts.append(row.why)
    return "; ".join(parts)


def tests_of(kind: str, name: str) -> str:
    """The databases in which an attribute is tested."""
    found = [
        part
        for database in samples.DATABASES.values()
        for part, expected in database.expects.items()
        if samples.of(database, part) == kind and name in expected
    ]
    return ", ".join(f"`{part}`" for part in found)


def said(entry: tuple[str, str], failed: set[tuple[str, str]]) -> str:
    """The tests that failed, in words."""
    if entry in samples.REQUIRED:
        return "all: there is no restore without it"
    kind = entry[0]
    return ", ".join(f"`{n}`" if k == kind else f"`{n}` of a {k}" for k, n in sorted(failed))


def page(results: dict[tuple[str, str], set[tuple[str, str]]], **facts: object) -> str:
    """The page."""
    lines = [HEAD.format(command=COMMAND, **facts)]
    for kind, table in TABLES.items():
        lines += [
            f"\n## {TITLES[kind]}\n",
            "| attribute | class | how, or why not | tested in | fails without it |",
            "|---|---|---|---|---|",
        ]
        for name, row in table.items():
            entry = (kind, name)
            fails = said(entry, results[entry]) if entry in results else ""
            cells = (f"`{name}`", row.how, how(row), tests_of(kind, name), fails)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def is_right(entry: tuple[str, str], failed: set[tuple[str, str]]) -> bool:
    """Whether exactly the tests failed that must."""
    if entry in samples.REQUIRED:
        return failed == {
            (samples.of(database, part), name)
            for database in samples.CLUSTERS
            # RDS makes the members of a Multi-AZ DB cluster.
            if entry == ("cluster", "Engine") or not database.is_copied
            for part, expected in database.expects.items()
            for name in expected
        }
    return failed == restores.expected_to_fail(*entry)


def main() -> int:
    """Take each out; 1 when the tests that fail are not those that must."""
    import botocore

    started = time.monotonic()
    every = entries()
    with ProcessPoolExecutor(2) as pool:
        answers = []
        for entry, answer in zip(every, pool.map(take_out, every), strict=True):
            answers.append(answer)
            sys.stdout.write(f"{entry[0]} {entry[1]}: {len(answer[0])}\n")
    results = dict(zip(every, (failed for failed, _ in answers), strict=True))
    wrong = {entry: failed for entry, failed in results.items() if not is_right(entry, failed)}
    for entry, failed in wrong.items():
        sys.stdout.write(f"{entry} fails {sorted(failed)}\n")
    losses = sum(row.how == LOST for table in TABLES.values() for row in table.values())
    counts = ", ".join(f"{len(table)} of {kind}s" for kind, table in TABLES.items())
    if not wrong:
        PAGE.write_text(
            page(
                results,
                counts=f"{counts}; {losses} of them cannot be kept",
                day=time.strftime("%d %B %Y"),
                botocore=botocore.__version__,
                count=len(every),
                runs=sum(runs for _, runs in answers),
                seconds=time.monotonic() - started,
            )
        )
    sys.stdout.write(f"{len(every)} attributes taken out, {len(wrong)} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
