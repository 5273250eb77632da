"""A whole restore in one process: the steps one after the other against the emulated RDS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local.emulator.rds import Rds
from tests.attributes import samples
from tests.unit import conftest
from tests.unit.conftest import Aws
from trapheus.configuration import attributes
from trapheus.configuration.attributes import Attribute
from trapheus.execution.exceptions import TrapheusError

if TYPE_CHECKING:
    from tests.attributes.samples import Database

# In the order of the state machine: a step, what it waits for, the phase if not its usual one.
STEPS = ("rename", "wait:renamed", "restore", "wait:restored", "configure", "verify", "untag")
COPY_STEPS = (
    "restore::copy", "wait:copied:copy", "configure::copy", "verify::copy",
    "configure", "verify", "untag",
)  # fmt: skip


@contextmanager
def aws() -> Iterator[Aws]:
    """The environment of the steps: RDS, lock and keys behind botocore's wire, and a clock."""
    with conftest.ticking() as clock, conftest.environment(clock) as environment:
        yield environment


def prepare(environment: Aws, database: Database) -> None:
    """Bring RDS to the moment before the restore of a database."""
    kind = conftest.CLUSTER if database.kind == "cluster" else conftest.INSTANCE
    environment.kind = replace(kind, identifier=database.name)
    environment.rds = Rds(environment.clock.now)
    environment.bring_to(
        f"attributes of {database.name}", lambda: samples.build(environment.rds, (database,))
    )


def restore(environment: Aws, database: Database) -> str:
    """Restore a database; "" or the error with which that ended."""
    prepare(environment, database)
    try:
        strategy = {"strategy": "copy"} if database.is_copied else {}
        plan = environment.check(**database.request, **strategy)["plan"]
        known: dict[str, Any] = {"plan": plan}
        for step in COPY_STEPS if database.is_copied else STEPS:
            name, until, phase = (*step.split(":"), "", "")[:3]
            more = {"phase": phase} if phase else {}
            answer = environment.until_done(name, **known, until=until, **more)
            if name == "restore":
                known["restored"] = answer
    # Whatever it is: without the call that was taken out, no restore.
    except (TrapheusError, AssertionError, Exception) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def failing(environment: Aws, database: Database) -> set[tuple[str, str]]:
    """Restore a database, and name what is not as it was: (table, attribute)."""
    error = restore(environment, database)
    failed = set()
    for name, expected in database.expects.items():
        now = samples.shown(environment.rds, database, name, database.restored(name))
        table = samples.of(database, name)
        failed |= {(table, key) for key in expected if error or now[key] != expected[key]}
    return failed


@contextmanager
def without(kind: str, name: str) -> Iterator[None]:
    """The app with one attribute taken out of its calls, and so out of its verification too."""
    table: Any = attributes.TABLES[kind]
    row: Attribute = table[name]
    table[name] = Attribute(attributes.DERIVED, plan=row.plan, reads="`[]`")
    try:
        yield
    finally:
        table[name] = row


def carried(table: Mapping[str, Attribute]) -> list[str]:
    """The attributes that a call carries."""
    classes = (attributes.RESTORE, attributes.MODIFY, attributes.OTHER)
    return [name for name, row in table.items() if row.how in classes]


def expected_to_fail(kind: str, name: str) -> set[tuple[str, str]]:
    """The tests that must fail without an attribute: its own, and those that need it."""
    return {(kind, name)} | {
        (kind, other) for other, needed in samples.NEEDS[kind].items() if name in needed
    }
