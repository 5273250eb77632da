"""Requests of every kind: each is refused with one sentence and nothing touched, or right."""

from __future__ import annotations

import json
import random
import re
import string
from typing import TYPE_CHECKING, Any

from tests.faults.judge import look
from tests.pipeline.facts import CLUSTER, INSTANCE, marks

if TYPE_CHECKING:
    from local.app import App

TASKS = ("create_snapshot", "db_restore", "create_snapshot_only", "recover")
KEYS = ("identifier", "task", "isCluster")
OPTIONS = ("dryRun", "keepOriginal", "finalSnapshot", "deleteAutomatedBackups", "acceptWriteLoss")
# What a restore may be told, good and nearly good; each is also drawn from ODD.
TOLD: dict[str, tuple[Any, ...]] = {
    "strategy": ("rename-first", "restore-first", "beside", "Restore-First"),
    "snapshotIdentifier": (
        "latest", "prod-db-snapshot", "prod-cluster-snapshot", "rds:prod-db-2026", "Latest",
        "no-such-snapshot", "rds:", "a" * 256,
    ),
    "targetIdentifier": ("staging", "Staging-DB", "prod-db", "prod-cluster", "new-db", "a" * 63),
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


def drawn(chance: random.Random) -> Any:
    """A request: mostly one that is nearly good, with something odd in it."""
    good = {
        "identifier": chance.choice((INSTANCE, CLUSTER)).identifier,
        "task": chance.choice(TASKS),
        "isCluster": chance.choice((True, False)),
    }
    how = chance.random()
    if how < 0.05:
        return chance.choice(ODD)
    if how < 0.1:
        return [good]
    for _ in range(chance.randint(1, 3)):
        oddly(chance, good)
    return good


def oddly(chance: random.Random, request: dict[str, Any]) -> None:
    """Change one thing."""
    how = chance.randrange(6)
    if how == 0:
        request.pop(chance.choice(KEYS), None)
    elif how == 1:
        request[chance.choice(KEYS)] = chance.choice(ODD)
    elif how == 2:
        request[chance.choice(OPTIONS)] = chance.choice((True, False, *ODD))
    elif how == 3:
        name = "".join(chance.choices(string.printable, k=chance.randint(0, 12)))
        request[name] = chance.choice(ODD)
    elif how == 4:
        name = chance.choice(list(TOLD))
        request[name] = chance.choice((*TOLD[name], *TOLD[name], *ODD))
    else:
        text = "".join(chance.choices(string.ascii_letters + string.digits + "-", k=12))
        request["identifier"] = text


def wrong(cloud: App, request: Any, name: str) -> str:
    """Run one request; what is wrong with its end, "" for nothing."""
    before, mails, since = look(cloud), len(cloud.mails), len(cloud.calls)
    execution = cloud.run(cloud.machine, json.dumps(request), name)
    if execution.status == "SUCCEEDED":
        # It was good: a restore of the sample database, or a look at it.
        return "" if not marks(cloud) else f"marks are left on {marks(cloud)}"
    sent = len(cloud.mails) - mails
    changes = [
        call.operation
        for call in cloud.calls[since:]
        if call.service == "rds"
        and call.caller != "outside"
        and not call.operation.startswith(("Describe", "List"))
    ]
    if changes or look(cloud).databases.keys() != before.databases.keys():
        return f"{execution.error} after {changes}"
    if execution.error == "States.Runtime" or sent != 1:
        return f"{execution.error} with {sent} mails: {execution.cause}"
    sentence = execution.cause.removesuffix(" The database was not touched.")
    if execution.error == "InvalidRequest" and re.search(r"\.\s+[A-Z]", sentence):
        return f"more than one sentence: {sentence}"
    return ""


def run(cloud: App, seed: int, count: int) -> tuple[dict[str, int], list[str]]:
    """So many requests, the same for a seed: how many ended how, and what is wrong."""
    chance = random.Random(seed)
    ends: dict[str, int] = {}
    wrongs = []
    for number in range(count):
        if number % 25 == 0:
            cloud.reset()
            cloud.rds.timing = "brisk"
        request = drawn(chance)
        if found := wrong(cloud, request, f"request-{number}"):
            wrongs.append(f"{json.dumps(request)[:300]}: {found[:300]}")
        cloud.settle()
        status = cloud.describe(cloud.executions(cloud.machine)[-1])
        ends[status.error or "right"] = ends.get(status.error or "right", 0) + 1
    return ends, wrongs
