"""What a request may say of where its data comes from."""

from __future__ import annotations

import re
from typing import Any

from trapheus.execution.constants import DB_RESTORE, LATEST
from trapheus.snapshot_names import parts_of

ACCOUNT = re.compile(r"\d{12}")
SECRET = re.compile(r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@!-]+")
# What only a restore of another database's data takes.
OF_ANOTHER = ("sourceIdentifier", "sourceAccount", "keepSourcePassword")
OF_A_SOURCE = (*OF_ANOTHER, "masterUserSecret")


def wrong_source(request: dict[str, Any]) -> str:
    """Why a request cannot say so where its data comes from; empty where it can."""
    given = [key for key in OF_ANOTHER if request.get(key)]
    if not given:
        return wrong_password(request)
    source, named = request.get("sourceIdentifier", ""), request.get("snapshotIdentifier", "")
    account = request.get("sourceAccount", "")
    is_named = named != "" and named.lower() != LATEST
    arn = parts_of(named)
    sentences = (
        request["task"] != DB_RESTORE
        and f"The task {request['task']} restores a database's own data: use {DB_RESTORE}, or"
        f" leave {', '.join(given)} out.",
        source.lower() == request["identifier"].lower()
        and not account
        and "The sourceIdentifier must be another database than the identifier: leave it out to"
        " restore the database's own data.",
        account
        and not ACCOUNT.fullmatch(account)
        and f"The sourceAccount must be the 12 digits of an account, not {account!r:.80}.",
        account
        and not (source or arn)
        and "sourceAccount says whose shared snapshots count: name their database with"
        " sourceIdentifier, or one of them by its ARN.",
        account
        and arn
        and arn.account != account
        and f"The ARN in snapshotIdentifier is of the account {arn and arn.account}, and"
        f" sourceAccount is {account}: leave one of them out.",
        account
        and is_named
        and not arn
        and "A snapshot of another account is named by its ARN: give snapshotIdentifier as an"
        " ARN, or leave it out for the newest one.",
        wrong_password(request),
        not (source or is_named)
        and f"{', '.join(given)} is about the data of another database: name it with"
        " sourceIdentifier, or its snapshot with snapshotIdentifier.",
    )
    return next((sentence for sentence in sentences if sentence), "")


def wrong_password(request: dict[str, Any]) -> str:
    """Why a request cannot say so which password is set; empty where it can, or says nothing."""
    secret = request.get("masterUserSecret", "")
    if secret and request.get("keepSourcePassword"):
        return (
            "masterUserSecret sets another password, and keepSourcePassword keeps the source's:"
            " leave one of them out."
        )
    if secret and not SECRET.fullmatch(secret):
        return (
            "The masterUserSecret must be the ARN of a secret of Secrets Manager, not"
            f" {secret!r:.80}."
        )
    return ""
