"""The hook `sql` as it is deployed: its code, its rights and its way to a real database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.commands.app import App
from local.servers import postgresql
from local.servers.authority import make_authority
from local.servers.processes import Server, free_port, make_folder
from tests.pipeline.test_stack import second_stack

ADDRESS, BUCKET = "127.18.7.9", "scripts-of-staging"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder, authority = make_folder(), make_authority()
    authority.write(folder / "ca.pem")
    postgresql.make(folder / "data", "master", "so secret")
    server = postgresql.start_postgresql(folder / "data", ADDRESS, free_port(ADDRESS), authority)
    yield server
    server.stop()
    shutil.rmtree(folder)


def make_secret(cloud: App, name: str) -> str:
    content = json.dumps({"username": "master", "password": "so secret"})
    made = cloud.client("secretsmanager").create_secret(Name=name, SecretString=content)
    return str(made["ARN"])


def call(cloud: App, server: Server, secret: str, script: str) -> dict[str, Any]:
    database = {
        "identifier": "staging-db-copy",
        "engine": "postgres",
        "endpoint": server.address,
        "port": server.port,
        "databaseName": None,
        "masterUserSecret": secret,
    }
    event = {"execution": "arn:one", "database": database, "with": {"script": script}}
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.physical_id("SqlHookFunction"), Payload=json.dumps(event)
    )
    return dict(json.loads(answer["Payload"].read()))


def trust(cloud: App, bundle: Path) -> None:
    """Point the function to the authority of the local servers."""
    client, name = cloud.client("lambda"), cloud.physical_id("SqlHookFunction")
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables = {**usual, "CA_BUNDLE": str(bundle)}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_the_deployed_hook_runs_its_script_and_may_read_nothing_else(cloud, server):
    mine, another = make_secret(cloud, "mine"), make_secret(cloud, "another")
    managed = make_secret(cloud, "rds!db-9")
    storage = cloud.client("s3")
    for bucket in (BUCKET, "others"):
        storage.create_bucket(Bucket=bucket)
        storage.put_object(Bucket=bucket, Key="mask.sql", Body=b"create table masked (n int)")
    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    net = cloud.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"][
        "SubnetId"
    ]
    given = {"SqlHook": "true", "vpcId": vpc, "Subnets": net, "SqlBucket": BUCKET}
    script = f"s3://{BUCKET}/mask.sql"
    with second_stack(cloud, **given, MasterUserSecrets=mine) as outputs:
        assert outputs["SqlHookSecurityGroupId"].startswith("sg-")
        cloud.use_stack("second")
        trust(cloud, server.folder.parent / "ca.pem")
        assert call(cloud, server, managed, script)["passed"]
        # It is there already; and that is told by a script that is run with the other secret.
        assert "DuplicateTable" in call(cloud, server, mine, script)["reason"]
        assert "not authorized" in call(cloud, server, another, script)["reason"]
        assert "SqlBucket" in call(cloud, server, managed, "s3://others/mask.sql")["reason"]


def test_without_its_network_the_hook_is_not_deployed(cloud):
    with (
        pytest.raises(Exception, match="vpcId is needed with SqlHook=true"),
        second_stack(cloud, SqlHook="true"),
    ):
        pass
