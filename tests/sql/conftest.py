"""A real PostgreSQL and a real MariaDB, and the SQL hook against them."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pymysql
import pytest
from moto import mock_aws

from local.servers import mariadb, postgresql
from local.servers.authority import Authority, make_authority
from local.servers.processes import Server, free_port, make_folder
from src.sql.hook import handler
from trapheus.sql import connecting

BUCKET, USER, PASSWORD = "scripts-of-staging", "master", "pass-MARKER-word"
ADDRESSES = {"postgres": "127.18.7.1", "mariadb": "127.18.7.2"}


@dataclass
class Context:
    """As much of Lambda's context as the hook looks at."""

    seconds: float = 900
    function_name: str = "SqlHookFunction"
    aws_request_id: str = "1"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Copy:
    """A restored copy: a database of its own on a real server."""

    engine: str
    server: Server
    name: str
    bundle: Path
    execution: str = "arn:aws:states:us-east-1:111111111111:execution:Restore:one"
    secret: str = field(default="")

    @property
    def is_mysql(self) -> bool:
        return self.engine == "mariadb"

    def connect(self) -> Any:
        if self.is_mysql:
            return pymysql.connect(
                host=self.server.address, port=self.server.port, user=USER, password=PASSWORD,
                database=self.name, ssl_ca=str(self.bundle), autocommit=True,
            )  # fmt: skip
        return psycopg.connect(
            host=self.server.address, port=self.server.port, user=USER, password=PASSWORD,
            dbname=self.name, sslmode="verify-full", sslrootcert=str(self.bundle), autocommit=True,
        )  # fmt: skip

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as somebody else; the rows of the last."""
        with self.connect() as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def has_notes(self) -> bool:
        return bool(
            self.sql(
                "select 1 from information_schema.schemata where schema_name = 'trapheus_sql_hook'"
            )
        )

    def event(self, **given: Any) -> dict[str, Any]:
        database = {
            "identifier": "staging-db-copy",
            "kind": "instance",
            "engine": self.engine,
            "engineVersion": "17.4",
            "endpoint": self.server.address,
            "port": self.server.port,
            "databaseName": self.name,
            "masterUsername": USER,
            "masterUserSecret": self.secret,
            "resourceId": "db-ABC",
        }
        return {
            "execution": self.execution,
            "database": database,
            "snapshot": "rds:prod-db-2026-11-27-03-00",
            "dataAsOf": "2026-11-27T03:00:00Z",
            "with": given,
        }

    def hook(self, script: str = "", *checks: dict[str, Any], seconds: float = 900) -> Any:
        """Run the hook once."""
        given: dict[str, Any] = {"checks": list(checks)} if checks else {}
        if script:
            given["script"] = put(script)
        return handler(self.event(**given), Context(seconds))  # type: ignore[arg-type]


def put(script: str) -> str:
    """Put a script where the hook reads it."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key="mask.sql", Body=script.encode())
    return f"s3://{BUCKET}/mask.sql"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    folder = make_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return make_authority()


@pytest.fixture(scope="session")
def bundle(folder: Path, authority: Authority) -> Path:
    return authority.write(folder / "ca.pem")


@pytest.fixture(scope="session")
def postgres_server(folder: Path, authority: Authority) -> Iterator[Server]:
    postgresql.make(folder / "postgres", USER, PASSWORD)
    address = ADDRESSES["postgres"]
    server = postgresql.start_postgresql(
        folder / "postgres", address, free_port(address), authority
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb_server(folder: Path, authority: Authority, needs_mariadb: None) -> Iterator[Server]:
    mariadb.make(folder / "mariadb", USER, PASSWORD)
    address = ADDRESSES["mariadb"]
    server = mariadb.start_mariadb(folder / "mariadb", address, free_port(address), authority)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def aws(bundle: Path) -> Iterator[str]:
    """S3 and Secrets Manager, with the secret that RDS has written: its ARN."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "local")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("SQL_BUCKET", BUCKET)
        patch.setenv("CA_BUNDLE", str(bundle))
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        secret = json.dumps({"username": USER, "password": PASSWORD})
        made = boto3.client("secretsmanager").create_secret(Name="rds!db-1", SecretString=secret)
        yield made["ARN"]
    connecting.s3.cache_clear()
    connecting.secrets.cache_clear()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function logs."""
    stream = io.StringIO()
    for one in logging.getLogger("trapheus").handlers:
        monkeypatch.setattr(one, "stream", stream)
    return stream


@pytest.fixture(params=["postgres", "mariadb"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def copy(request: pytest.FixtureRequest, aws: str, bundle: Path, engine: str) -> Iterator[Copy]:
    """A copy on the real server of an engine, with nothing in it."""
    server = request.getfixturevalue(f"{engine}_server")
    name = "postgres" if engine == "postgres" else "staging"
    copy = Copy(engine, server, name, bundle, secret=aws)
    if copy.is_mysql:
        copy.name = "mysql"
        copy.sql("create database staging")
        copy.name = name
    yield copy
    if copy.is_mysql:
        copy.sql("drop database if exists trapheus_sql_hook", "drop database staging")
    else:
        copy.sql(
            "drop schema if exists trapheus_sql_hook cascade",
            "drop schema public cascade",
            "create schema public",
            "grant usage on schema public to public",
        )
