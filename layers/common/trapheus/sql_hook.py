"""What a request may hand the SQL hook, and which databases the hook can work on."""

from __future__ import annotations

import re
from typing import Any

from trapheus.execution.exceptions import InvalidRequest, TrapheusError, shown

POSTGRESQL = ("postgres", "aurora-postgresql")
MYSQL = ("mysql", "mariadb", "aurora-mysql")

SCRIPT = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)")
# What a check compares the value of its query with, and what that must be.
COMPARED = {
    "equals": "a string, a number, true or false",
    "atLeast": "a number",
    "atMost": "a number",
    "isEmpty": "true",
}
LONGEST_NAME = 64
EXAMPLE = (
    '{"script": "s3://bucket/mask.sql", "checks": [{"name": "customers", "query":'
    ' "select count(*) from customers", "atLeast": 1}]}'
)


def check_with(given: dict[str, Any], bucket: str) -> None:
    """Refuse what the SQL hook could not run; `bucket` is the stack's SqlBucket, "" for none."""
    for key in given:
        if key not in ("script", "checks"):
            raise refused(f"takes no {shown(key)}: hand it a script, checks, or both.")
    if not given.get("script") and not given.get("checks"):
        raise refused(f"has nothing to do: hand it a script, checks, or both, such as {EXAMPLE}.")
    if "script" in given:
        check_script(given["script"], bucket)
    checks = given.get("checks", [])
    if not isinstance(checks, list):
        raise refused(f"takes a list of checks, not {shown(checks)}, such as {EXAMPLE}.")
    for check in checks:
        check_one(check)
    names = [check["name"] for check in checks]
    for name in names:
        if names.count(name) > 1:
            raise refused(f"has two checks called {shown(name)}: give each a name of its own.")


def check_script(script: object, bucket: str) -> None:
    """Refuse a script that is not in the stack's bucket."""
    parts = SCRIPT.fullmatch(script) if isinstance(script, str) else None
    if not parts:
        raise refused(f"takes a script such as s3://bucket/mask.sql, not {shown(script)}.")
    if not bucket:
        raise refused("may read no script: name its bucket in the stack's parameter SqlBucket.")
    if parts[1] != bucket:
        raise refused(
            f"may not read {shown(script)}: put it into {bucket}, which is the stack's SqlBucket."
        )


def check_one(check: object) -> None:
    """Refuse a check that has no name or no query, or does not say what it compares with."""
    if not isinstance(check, dict):
        raise refused(f"takes checks such as those of {EXAMPLE}, not {shown(check)}.")
    name, query = check.get("name"), check.get("query")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise refused(
            f"wants a name of 1 to {LONGEST_NAME} printable characters for each check, not"
            f" {shown(name)}."
        )
    if not isinstance(query, str) or not query.strip():
        raise refused(f"wants a query for its check {shown(name)}.")
    compared = [key for key in check if key not in ("name", "query")]
    if len(compared) != 1 or compared[0] not in COMPARED:
        raise refused(
            f"wants exactly one of {', '.join(COMPARED)} for its check {shown(name)}, not"
            f" {', '.join(shown(key) for key in compared) or 'none'}."
        )
    key = compared[0]
    if not is_comparable(key, check[key]):
        raise refused(
            f"wants {COMPARED[key]} for {key} of its check {shown(name)}, not {shown(check[key])}."
        )


def is_comparable(key: str, value: object) -> bool:
    """Whether a value is what the key compares with."""
    if key == "isEmpty":
        return value is True
    if key == "equals":
        return isinstance(value, str | bool | int | float)
    return isinstance(value, int | float) and not isinstance(value, bool)


def why_not(engine: str, *, secret: bool) -> str:
    """Why the hook cannot work on a database of this engine, in a sentence; "" if it can."""
    if engine not in POSTGRESQL + MYSQL:
        return (
            f"The hook 'sql' speaks to {', '.join(POSTGRESQL + MYSQL)}, not to {engine}: use a hook"
            " of your own (HookFunctions)."
        )
    if not secret:
        return (
            "The hook 'sql' has nothing to log in with: let RDS manage the database's master"
            " password, or name a masterUserSecret in the request."
        )
    return ""


def refused(sentence: str) -> TrapheusError:
    """The error for a request that the hook could not run."""
    return InvalidRequest(f"The hook 'sql' {sentence}", step="request")
