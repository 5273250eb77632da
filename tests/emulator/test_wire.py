"""The answers of the local RDS are those that moto's serializer would write."""

from contextlib import ExitStack

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext

from local.commands.account import build
from local.emulator.awslambda.environment import spare_repeated_work
from local.emulator.rds import Rds
from local.emulator.rds.protocol.model import operation
from local.emulator.rds.protocol.wire import as_read, pickle_answer, write_answer
from local.emulator.rds.registry import OPERATIONS
from tests import proxies

MODEL = ServiceModel(Loader().load_service_model("rds", "service-2"), "rds")
ASKED = {
    "DescribeDBClusterParameters": {"DBClusterParameterGroupName": "default.aurora-postgresql16"},
    "DescribeDBClusterSnapshotAttributes": {"DBClusterSnapshotIdentifier": "prod-cluster-snapshot"},
    "DescribeDBLogFiles": {"DBInstanceIdentifier": "prod-db"},
    "DescribeDBParameters": {"DBParameterGroupName": "default.postgres16"},
    "DescribeDBSnapshotAttributes": {"DBSnapshotIdentifier": "prod-db-snapshot"},
    "DescribeDBProxyTargetGroups": {"DBProxyName": "pool"},
    "DescribeDBProxyTargets": {"DBProxyName": "pool"},
    "DescribeOrderableDBInstanceOptions": {"Engine": "postgres"},
}


@pytest.fixture(scope="module")
def rds() -> Rds:
    found = Rds(lambda: 1_780_000_000.25)
    build(found)
    proxies.point(found, "cluster", "prod-cluster", Auth=[{"Description": "a & <b>"}])
    return found


def read(name: str, body: bytes | str) -> dict[str, object]:
    """What botocore reads of an answer, but for its metadata."""
    given = {"status_code": 200, "headers": {}, "body": body}
    found = QueryParser().parse(given, MODEL.operation_model(name).output_shape)
    del found["ResponseMetadata"]
    return found


@pytest.mark.parametrize("name", sorted(name for name in OPERATIONS if name.startswith("Describe")))
def test_an_answer_is_read_as_that_of_moto_is(rds: Rds, name: str) -> None:
    answer = rds.call(name, ASKED.get(name, {}))
    context = SerializationContext("1")
    motos = QuerySerializer(operation(name), context).serialize(dict(answer))["body"]
    written = read(name, write_answer(name, answer, "1"))

    assert written
    assert written == read(name, motos)
    # The unit tests leave the writing and the reading out, functions the XML.
    assert written == as_read(operation(name).output_shape, answer)
    with ExitStack() as repairs:
        spare_repeated_work(repairs)
        assert written == read(name, pickle_answer(name, answer, "1"))
