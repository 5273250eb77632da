"""Requests of every kind: each is refused with one sentence and nothing touched, or right."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from functools import reduce
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies

from tests.faults.drawing import DRAWING
from tests.faults.judge import look
from tests.pipeline.facts import CLUSTER, INSTANCE, marks

if TYPE_CHECKING:
    from local.app import App

TASKS = ("create_snapshot", "db_restore", "create_snapshot_only", "recover")
KEYS = ("identifier", "task", "isCluster")
OPTIONS = ("dryRun", "keepOriginal", "finalSnapshot", "deleteAutomatedBackups")
ODD = (
    None, True, False, 0, 1, -1, 1.5, 10**30, "", " ", "prod-db ", " prod-db", "prod--db", "-db",
    "1-db", "prod-db-", "prod_db", "prod.db", "Prod-DB", "prod-db\n", "prod-db;", "../prod-db",
    "arn:aws:rds:us-east-1:123456789012:db:prod-db", "*", "%", "\u0000", "\u00e9-db",
    "\U0001f600-db",
    "true", "false", "null", "a" * 64, "a" * 3000, [], ["prod-db"], {}, {"S": "prod-db"}, [[]],
    "DB_RESTORE", "db-restore", "drop", "${identifier}", "$.input", "'; DROP TABLE", "no-such-db",
)  # fmt: skip


def spoiled(request: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A request with one key that has another value, or none when that is MISSING."""
    kept = {name: given for name, given in request.items() if name != key}
    return kept if value is MISSING else {**kept, key: value}


MISSING = object()
IDENTIFIERS = strategies.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=70)
GOOD = strategies.fixed_dictionaries(
    {
        "identifier": strategies.sampled_from([INSTANCE.identifier, CLUSTER.identifier]),
        "task": strategies.sampled_from(TASKS),
        "isCluster": strategies.booleans(),
    },
    optional={name: strategies.booleans() for name in OPTIONS},
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
ODDLY = (
    strategies.tuples(strategies.sampled_from(KEYS), strategies.just(MISSING) | ANYTHING)
    | strategies.tuples(strategies.sampled_from(OPTIONS), ANYTHING)
    | strategies.tuples(strategies.text(string.printable, max_size=12), ANYTHING)
    | strategies.tuples(strategies.just("identifier"), IDENTIFIERS)
)
# Mostly one that is nearly good, with something odd in it.
REQUESTS = strategies.one_of(
    *[
        strategies.tuples(GOOD, strategies.lists(ODDLY, max_size=2)).map(
            lambda drawn: reduce(lambda request, odd: spoiled(request, *odd), drawn[1], drawn[0])
        )
    ]
    * 9,
    ANYTHING,
)


def judged(cloud: App, request: Any, name: str) -> tuple[str, str]:
    """Run one request: its error or "right", and what is wrong with its end, "" for nothing."""
    before, mails, since = look(cloud), len(cloud.mails), len(cloud.calls)
    execution = cloud.run(cloud.machine, json.dumps(request), name)
    if execution.status == "SUCCEEDED":
        # It was good: a restore of the sample database, or a look at it.
        return "right", f"marks are left on {marks(cloud)}" if marks(cloud) else ""
    sent = len(cloud.mails) - mails
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
            cloud.rds.timing = "brisk"
        end, wrong = judged(cloud, request, f"request-{ends.total()}")
        ends[end] += 1
        if wrong:
            wrongs.append(f"{json.dumps(request)[:300]}: {wrong[:300]}")
        cloud.settle()

    one_request()
    return dict(ends), wrongs
