"""How the hook gets to its script and into the database."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from trapheus.execution.clients import PATIENT
from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import SqlFailed
from trapheus.sql import by_psycopg, by_pymysql
from trapheus.sql.session import SqlError
from trapheus.sql_hook import MYSQL, SCRIPT

if TYPE_CHECKING:
    from trapheus.sql.session import Session

# More than anybody writes; each invocation reads it anew.
LARGEST = 20 * 1024 * 1024
# For so many seconds a new endpoint may not be known, or the server still be starting.
PATIENCE = 45


@cache
def s3() -> Any:
    """The client of S3, made once."""
    return boto3.client("s3", config=PATIENT)


@cache
def secrets() -> Any:
    """The client of Secrets Manager, made once."""
    return boto3.client("secretsmanager", config=PATIENT)


def read_script(uri: str) -> str:
    """The script's text; no line of it goes into an error."""
    parts = SCRIPT.fullmatch(uri)
    if not parts or parts[1] != os.environ["SQL_BUCKET"]:
        raise SqlFailed(f"The stack may not read {uri}: its SqlBucket is another one.")
    # S3 tells only who may list the bucket that there is no such object.
    # [fact: missing-objects-are-denied]
    why = f"{uri} cannot be read: it is not there, or the bucket's policy or its key's denies it."
    refusals = dict.fromkeys(("NoSuchKey", "AccessDenied"), (SqlFailed, why))
    with failing_as(SqlFailed, "", refusals=refusals):
        answer = s3().get_object(Bucket=parts[1], Key=parts[2])
        if answer["ContentLength"] > LARGEST:
            raise SqlFailed(f"{uri} is larger than {LARGEST >> 20} MB: load data another way.")
        content = answer["Body"].read()
    try:
        return str(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SqlFailed(f"{uri} is not in UTF-8.") from None


def log_in(database: dict[str, Any]) -> dict[str, Any]:
    """Where and as whom to log in; the password is the secret's, and stays in memory."""
    arn = database["masterUserSecret"]
    with failing_as(SqlFailed, database["identifier"]):
        answer = secrets().get_secret_value(SecretId=arn)
    try:
        secret = json.loads(answer["SecretString"])
        username, password = secret["username"], secret["password"]
    except (KeyError, TypeError, ValueError):
        raise SqlFailed(
            f"The secret {arn} is not as RDS writes one: JSON with a username and a password."
        ) from None
    return {
        "host": database["endpoint"],
        "port": database["port"],
        "database": database["databaseName"],
        "username": username,
        "password": password,
    }


def connect(
    database: dict[str, Any],
    login: dict[str, Any],
    *,
    read_only: bool = False,
    patience: float | None = None,
) -> Session:
    """A session with the database, once it can be had, within so many seconds."""
    log_in_to = by_pymysql.connect if database["engine"] in MYSQL else by_psycopg.connect
    bundle = os.environ.get("CA_BUNDLE") or str(
        Path(os.environ.get("LAMBDA_TASK_ROOT", ".")) / "rds-ca.pem"
    )
    if not Path(bundle).is_file():
        raise SqlFailed("The function has no CA bundle: deploy what sam build has built.")
    until = time.monotonic() + min(PATIENCE, PATIENCE if patience is None else patience)
    while True:
        try:
            return log_in_to(login, bundle, read_only=read_only)
        except SqlError as error:
            if time.monotonic() > until:
                raise SqlFailed(
                    f"The hook cannot log in to {login['host']}:{login['port']}: {error} (the"
                    " database's security groups have to let in the output"
                    " SqlHookSecurityGroupId).",
                    identifier=database["identifier"],
                ) from None
        time.sleep(3)
