"""Requests of every kind: each is refused with one sentence and nothing touched, or right."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies

from tests.faults.drawing import DRAWING
from tests.faults.judge import look
from tests.pipeline.observed import CLUSTER, INSTANCE, tagged

if TYPE_CHECKING:
    from local.commands.app import App

TASKS = ("create_snapshot", "db_restore", "create_snapshot_only", "recover", "inspect")
KEYS = ("identifier", "task", "isCluster")
OPTIONS = (
    "dryRun", "urgent", "keepOriginal", "finalSnapshot", "deleteAutomatedBackups",
    "acceptWriteLoss",
)  # fmt: skip
# What a restore may be told, good and nearly good; each is also drawn from ODD.
TOLD: dict[str, tuple[Any, ...]] = {
    "strategy": ("rename-first", "restore-first", "copy", "Restore-First"),
    "snapshotIdentifier": (
        "latest", "prod-db-snapshot", "prod-cluster-snapshot", "rds:prod-db-2026", "Latest",
        "no-such-snapshot", "rds:", "a" * 256,
    ),
    "targetIdentifier": ("drill", "Drill-DB", "prod-db", "prod-cluster", "new-db", "a" * 63),
    "overrides": (
        {}, {"DBInstanceClass": "db.t4g.medium"}, {"DeletionProtection": False},
        {"BackupRetentionPeriod": 1}, {"BackupRetentionPeriod": "1"}, {"MultiAZ": False},
        {"Engine": "mysql"}, {"": ""}, {"dbInstanceClass": "db.t4g.medium"},
        {"VpcSecurityGroupIds": "sg-1"}, {"DBParameterGroupName": "no-such-group"},
    ),
}  # fmt: skip
ODD = (
    None, True, False, 0, 1, -1, 1.5, 10**30, "", " ", "prod-db ", " prod-db", "prod--db", "-db",
    "1-db", "prod-db-", "prod_db", "prod.db", "Prod-DB", "prod-db\n", "prod-db;", "../prod-db",
    "arn:aws:rds:us-east-1:123456789012:db:prod-db", "*", "%", "\u0000", "\u00e9-db",
    "\U0001f600-db",
    "true", "false", "null", "a" * 64, "a" * 3000, [], ["prod-db"], {}, {"S": "prod-db"}, [[]],
    "DB_RESTORE", "db-restore", "drop", "${identifier}", "$.input", "'; DROP TABLE", "no-such-db",
)  # fmt: skip


MISSING = object()


def changed(request: dict[str, Any], changes: list[tuple[str, Any]]) -> dict[str, Any]:
    """A request in which keys have other values, or are gone where that is MISSING."""
    given = request | dict(changes)
    return {name: value for name, value in given.items() if value is not MISSING}


IDENTIFIERS = strategies.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=70)
GOOD = strategies.fixed_dictionaries(
    {
        "identifier": strategies.sampled_from([INSTANCE.identifier, CLUSTER.identifier]),
        "task": strategies.sampled_from(TASKS),
        "isCluster": strategies.booleans(),
    }
)
ANYTHING = strategies.recursive(
    strategies.sampled_from(ODD)
    | strategies.text(max_size=100)
    | strategies.integers()
    | strategies.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=20), inner, max_size=3)
    ),
    max_leaves=5,
)
OPTION = strategies.tuples(strategies.sampled_from(OPTIONS), strategies.booleans())
INSTRUCTION = strategies.sampled_from(
    [(name, value) for name, values in TOLD.items() for value in values]
)
ODDLY = (
    strategies.tuples(strategies.sampled_from(KEYS), strategies.just(MISSING) | ANYTHING)
    | strategies.tuples(strategies.sampled_from((*OPTIONS, *TOLD)), ANYTHING)
    | strategies.tuples(strategies.text(string.printable, max_size=12), ANYTHING)
    | strategies.tuples(strategies.just("identifier"), IDENTIFIERS)
)
CHANGES = strategies.lists(OPTION | INSTRUCTION | OPTION | INSTRUCTION | ODDLY, max_size=3)
# Nearly all of them nearly good.
REQUESTS = strategies.one_of(
    *[strategies.tuples(GOOD, CHANGES).map(lambda drawn: changed(*drawn))] * 9, ANYTHING
)


def judged(cloud: App, request: Any, name: str) -> tuple[str, str]:
    """Run one request: its error or "right", and what is wrong with its end, "" for nothing."""
    before, mails, since = look(cloud), len(cloud.alerts), len(cloud.calls)
    execution = cloud.run(cloud.machine, json.dumps(request), name)
    if execution.status == "SUCCEEDED":
        # It was good: a restore of the sample database, or a look at it.
        return "right", f"tags are left on {tagged(cloud)}" if tagged(cloud) else ""
    sent = len(cloud.alerts) - mails
    changes = [
        call.operation
        for call in cloud.calls[since:]
        if call.service == "rds"
        and call.caller != "outside"
        and not call.operation.startswith(("Describe", "List"))
    ]
    sentence = execution.cause.removesuffix(" The database was not touched.")
    checks = (
        (changes or look(cloud).databases.keys() != before.databases.keys())
        and f"{execution.error} after {changes}",
        (execution.error == "States.Runtime" or sent != 1)
        and f"{execution.error} with {sent} mails: {execution.cause}",
        execution.error == "InvalidRequest"
        and re.search(r"\.\s+[A-Z]", sentence)
        and f"more than one sentence: {sentence}",
    )
    return execution.error, next((str(wrong) for wrong in checks if wrong), "")


def run(cloud: App, seed: int, count: int) -> tuple[dict[str, int], list[str]]:
    """So many requests, the same for a seed: how many ended how, and what is wrong."""
    ends: Counter[str] = Counter()
    wrongs = []

    @hypothesis.seed(seed)
    @hypothesis.settings(DRAWING, max_examples=count)
    @hypothesis.given(REQUESTS)
    def one_request(request: Any) -> None:
        if ends.total() % 25 == 0:
            cloud.reset()
            cloud.use_timing("brisk")
        end, wrong = judged(cloud, request, f"request-{ends.total()}")
        ends[end] += 1
        if wrong:
            wrongs.append(f"{json.dumps(request)[:300]}: {wrong[:300]}")
        cloud.settle()

    one_request()
    return dict(ends), wrongs
