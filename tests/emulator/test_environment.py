"""What an execution environment does otherwise than Lambda's must not show."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import parse_timestamp

from local.emulator.awslambda.environment import name_caller, read_time, taken_apart
from local.emulator.calls import Credential, credential


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-26T03:04:05.678Z",
        "2026-11-26T03:04:05Z",
        "2026-11-26T03:04:05.678000+00:00",
        "Thu, 26 Nov 2026 03:04:05 GMT",
        "1790000000.5",
        "17120112001",
        1_790_000_000,
    ],
)
def test_a_time_is_read_as_botocore_reads_it(written: str | float) -> None:
    assert read_time(written) == parse_timestamp(written)


def test_a_time_that_is_none_is_refused_as_botocore_refuses_it() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        read_time("yesterday")


@pytest.mark.parametrize("sign", [SigV4Auth.add_auth, name_caller])
def test_a_caller_is_known_by_its_signature_with_or_without_the_hash(sign) -> None:
    request = AWSRequest("POST", "http://localhost/", data=b"Action=DescribeDBInstances")
    request.context["timestamp"] = datetime(2026, 11, 26, tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ")

    sign(SigV4Auth(Credentials("ASIA7", "secret", "token"), "rds", "eu-west-1"), request)

    assert request.headers["X-Amz-Security-Token"] == "token"
    signed = credential({"HTTP_AUTHORIZATION": request.headers["Authorization"]})
    assert signed == Credential("ASIA7", "eu-west-1", "rds")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://localhost:1", "/"),
        ("http://localhost:1/bucket/a%20key?prefix=a%2Fb", "/bucket/a%20key?prefix=a%2Fb"),
    ],
)
def test_a_request_is_taken_apart_without_a_loss(url: str, path: str) -> None:
    prepared = AWSRequest("PUT", url, headers={"X-Amz-Target": "a"}, data="text").prepare()

    method, found, headers, body = taken_apart(prepared)

    assert (method, found, body, headers["X-Amz-Target"]) == ("PUT", path, b"text", "a")
