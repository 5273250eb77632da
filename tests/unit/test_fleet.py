"""The fleet's steps: what a list may be, and how what became of it is counted."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from src.fleet import read, summarize
from trapheus.execution import fleet
from trapheus.execution.exceptions import FleetFailed

BUCKET = "rds-snapshots-123456789012-us-east-1"
FLEET = "arn:aws:states:us-east-1:123456789012:execution:fleet:weekly"
ONE = {"identifier": "prod-db", "task": "db_restore", "isCluster": False}


class Bucket:
    """The stack's bucket, as the two calls to it see it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuses = ""

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if self.refuses or Bucket != BUCKET or Key not in self.objects:
            # Without the right to list the bucket there is no other answer to a missing key.
            raise self.error(self.refuses or "AccessDenied", "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        if self.refuses or Bucket != BUCKET:
            raise self.error(self.refuses or "AccessDenied", "PutObject")
        self.objects[Key] = Body

    def error(self, code: str, operation: str) -> ClientError:
        told: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {}}
        return ClientError(told, operation)

    def content(self, key: str) -> Any:
        return json.loads(self.objects[key])


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()
    monkeypatch.setenv("BUCKET", BUCKET)
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "*-db,*-cluster")
    monkeypatch.setenv("ALLOWED_OVERRIDES", "Port")
    monkeypatch.setattr(fleet, "s3", lambda: made)
    return made


def planned(asked: Any, execution: str = FLEET) -> dict[str, Any]:
    event = {"execution": execution, "name": execution.rpartition(":")[2], "input": asked}
    return read.handler(event, None)


def listed(bucket: Bucket) -> list[dict[str, Any]]:
    return list(bucket.content("fleets/weekly/requests.json"))


def test_a_list_comes_back_checked_with_its_defaults(bucket: Bucket):
    assert planned({"requests": [ONE]}) == {
        "bucket": BUCKET,
        "folder": "fleets/weekly",
        "list": "fleets/weekly/requests.json",
        "maxConcurrency": 5,
        "tolerated": 0,
    }
    (one,) = listed(bucket)
    assert one["request"] == ONE
    assert one["name"].startswith("prod-db-")


@pytest.mark.parametrize(
    ("percentage", "count", "tolerated"), [(0, 10, 0), (50, 10, 5), (19, 10, 1), (100, 3, 3)]
)
def test_a_percentage_is_of_the_whole_list_and_never_rounded_up(
    bucket: Bucket, percentage: int, count: int, tolerated: int
):
    requests = [{**ONE, "identifier": f"many{number}-db"} for number in range(count)]
    asked = {"requests": requests, "toleratedFailurePercentage": percentage}
    assert planned(asked)["tolerated"] == tolerated


def test_a_name_is_the_same_for_the_same_fleet_and_another_for_each_other(bucket: Bucket):
    both = [ONE, {**ONE, "isCluster": True}]
    planned({"requests": both})
    first = [one["name"] for one in listed(bucket)]
    planned({"requests": both})
    assert [one["name"] for one in listed(bucket)] == first
    planned({"requests": both}, FLEET.replace("fleet:", "other:"))
    names = {*first, *(one["name"] for one in listed(bucket))}
    assert len(names) == 4


def test_the_longest_identifier_still_has_a_name_that_step_functions_takes(bucket: Bucket):
    longest = "a" * 60 + "-db"
    planned({"requests": [{**ONE, "identifier": longest}]})
    (one,) = listed(bucket)
    assert len(one["name"]) == 80


def refusal(asked: Any) -> str:
    """The one sentence with which an input is refused, and nothing has been written."""
    answer = planned(asked)
    assert set(answer) == {"refused"}
    assert answer["refused"]["error"] == "InvalidRequest"
    sentence = answer["refused"]["cause"]
    assert sentence.endswith((".", ".'"))
    assert "\n" not in sentence
    return str(sentence)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("prod-db", "The input must be a JSON object"),
        ({"request": [ONE]}, "The key 'request' is unknown"),
        ({}, "Give either requests"),
        ({"requests": [ONE], "source": {"key": "fleets/a.csv"}}, "and not both"),
        ({"requests": ONE}, "The requests must be a list"),
        ({"requests": []}, "1 to 10000 requests, not 0"),
        ({"requests": [ONE] * 10_001}, "1 to 10000 requests, not 10001"),
        ({"requests": [ONE, None]}, "Request 2 must be an object, not None"),
        ({"requests": [{**ONE, "task": "drop"}]}, "Request 1 of 1: The task 'drop' is unknown"),
        ({"requests": [{"task": "inspect"}]}, "The task inspect is for no fleet"),
        ({"requests": [{**ONE, "task": "inspect"}]}, "The task inspect is for no fleet"),
        ({"requests": [{**ONE, "identifier": "other"}]}, "This stack may not touch other"),
        ({"requests": [{**ONE, "ended": {}}]}, "The key 'ended' is unknown"),
        ({"requests": [ONE], "maxConcurrency": 0}, "from 1 to 1000, not 0"),
        ({"requests": [ONE], "maxConcurrency": 1001}, "from 1 to 1000, not 1001"),
        ({"requests": [ONE], "maxConcurrency": True}, "from 1 to 1000, not True"),
        ({"requests": [ONE], "maxConcurrency": "5"}, "from 1 to 1000, not '5'"),
        ({"requests": [ONE], "toleratedFailurePercentage": 101}, "from 0 to 100, not 101"),
        ({"source": "fleets/a.csv"}, "The source must be such as"),
        ({"source": {"key": "secrets/a.csv"}}, f"must be in s3://{BUCKET}/fleets/"),
        ({"source": {"bucket": "b", "key": "fleets/a.csv"}}, f"must be in s3://{BUCKET}/fleets/"),
        ({"source": {"key": "fleets/none.csv"}}, "is not there, or may not be read"),
    ],
)
def test_what_cannot_be_a_fleet_is_refused_before_anything_starts(
    bucket: Bucket, asked: Any, sentence: str
):
    assert sentence in refusal(asked)
    assert bucket.objects == {}


@pytest.mark.parametrize(
    "again",
    [
        {**ONE, "identifier": "PROD-db"},
        {**ONE, "identifier": "other-db", "targetIdentifier": "prod-db"},
    ],
)
def test_a_database_that_is_named_twice_is_refused(bucket: Bucket, again: dict[str, Any]):
    sentence = refusal({"requests": [ONE, again]})
    assert "Request 2 is about the instance prod-db again, as request 1" in sentence


def test_an_instance_and_a_cluster_may_have_the_same_identifier(bucket: Bucket):
    assert "refused" not in planned({"requests": [ONE, {**ONE, "isCluster": True}]})


def test_a_csv_s_cells_become_what_their_keys_are(bucket: Bucket):
    bucket.objects["fleets/a.csv"] = (
        b"\xef\xbb\xbfidentifier,task,isCluster,dryRun,strategy,overrides\r\n"
        b"prod-db,db_restore,False,TRUE,restore-first,\r\n"
        b'prod-cluster,db_restore,true,,,"{""Port"": 5433}"\r\n'
    )
    assert "refused" not in planned({"source": {"bucket": BUCKET, "key": "fleets/a.csv"}})
    assert [one["request"] for one in listed(bucket)] == [
        {**ONE, "dryRun": True, "strategy": "restore-first"},
        {"identifier": "prod-cluster", "task": "db_restore", "isCluster": True,
         "overrides": {"Port": 5433}},
    ]  # fmt: skip


def test_an_override_that_the_stack_does_not_allow_is_refused_before_anything_is_started(
    bucket: Bucket,
):
    request = {**ONE, "overrides": {"PubliclyAccessible": True}}
    told = planned({"requests": [ONE, request]})["refused"]
    assert told["error"] == "InvalidRequest"
    assert "Request 2 of 2: This stack may not override PubliclyAccessible" in told["cause"]
    assert bucket.objects == {}


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("fleets/a.json", b"[{", "cannot be read"),
        ("fleets/a.json", b'{"requests": []}', "The requests must be a list"),
        ("fleets/a.json", b"\xff", "cannot be read"),
        ("fleets/a.csv", b"identifier,task,isCluster\nprod-db,db_restore,maybe\n", "true or false"),
        ("fleets/a.csv", b"identifier,task\nprod-db,db_restore,false\n", "is unknown"),
        ("fleets/a.csv", b"", "1 to 10000 requests, not 0"),
        ("fleets/a.csv", b'identifier\n"prod-db\n', "cannot be read"),
        ("fleets/a.csv", b"identifier\nprod-db,more\n", "The key None is unknown"),
    ],
)
def test_an_object_that_is_no_list_of_requests_is_refused(
    bucket: Bucket, key: str, text: bytes, sentence: str
):
    bucket.objects[key] = text
    assert sentence in refusal({"source": {"key": key}})


def test_a_bucket_that_cannot_be_written_is_an_error_and_no_refusal(bucket: Bucket):
    bucket.refuses = "AccessDenied"
    with pytest.raises(FleetFailed):
        planned({"requests": [ONE]})


def result(number: int, outcome: str, cause: str = "") -> dict[str, Any]:
    """A child's result, as Step Functions writes it."""
    request = {**ONE, "identifier": f"many{number}-db"}
    told = {
        "Input": json.dumps({"name": f"many{number}-db-0", "request": request}),
        "StartDate": f"2026-03-02T09:{number % 60:02}:00.000Z",
    }
    if outcome in ("restored", "notStarted"):
        return told | {"Status": "SUCCEEDED", "Output": json.dumps({"outcome": outcome})}
    return told | {"Status": outcome, "Error": "RestoreFailed", "Cause": cause}


def summarized(bucket: Bucket, results: list[dict[str, Any]], tolerated: int) -> dict[str, Any]:
    files: dict[str, list[Any]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for one in results:
        kind = "SUCCEEDED" if one["Status"] == "SUCCEEDED" else "FAILED"
        key = f"{kind}_{len(files[kind])}.json"
        bucket.objects[key] = json.dumps([one]).encode()
        files[kind].append({"Key": key, "Size": 1})
    bucket.objects["manifest.json"] = json.dumps({"ResultFiles": files}).encode()
    plan = {"bucket": BUCKET, "folder": "fleets/weekly", "tolerated": tolerated}
    return summarize.handler({"execution": FLEET, "manifest": "manifest.json", "fleet": plan}, None)


@pytest.mark.parametrize(("tolerated", "within"), [(0, False), (1, False), (2, True)])
def test_what_became_of_each_is_counted_and_written(bucket: Bucket, tolerated: int, within: bool):
    cause = json.dumps({"message": "RDS refused it.", "code": "Broken"})
    results = [result(0, "restored"), result(1, "FAILED", cause), result(2, "ABORTED")]
    answer = summarized(bucket, results, tolerated)
    told = answer["told"]
    assert answer["isWithinTolerance"] is within
    assert (told["requests"], told["restored"], told["failed"], told["notStarted"]) == (3, 1, 2, 0)
    assert told["failures"][0] == {
        "identifier": "many1-db",
        "isCluster": False,
        "execution": "many1-db-0",
        "error": "RestoreFailed",
        "cause": "RDS refused it.",
    }
    assert len(bucket.content("fleets/weekly/summary.json")["all"]) == 3
    assert [one["identifier"] for one in bucket.content("fleets/weekly/remaining.json")] == [
        "many1-db", "many2-db",
    ]  # fmt: skip


def test_what_was_not_started_is_never_within_the_tolerance(bucket: Bucket):
    answer = summarized(bucket, [result(0, "restored"), result(1, "notStarted")], 2)
    assert answer["isWithinTolerance"] is False
    assert answer["told"]["notStartedFirst"] == ["many1-db"]


def test_the_output_of_the_largest_fleet_fits_into_a_cause(bucket: Bucket):
    long = json.dumps({"message": "\N{EURO SIGN}" * 30_000})
    results = [result(number, "FAILED", long) for number in range(40)]
    results += [result(number, "notStarted") for number in range(40, 5000)]
    told = summarized(bucket, results, 0)["told"]
    assert told["failed"] == 40
    assert len(json.dumps(told, ensure_ascii=False)) < 32_768


def test_a_fleet_that_is_restored_leaves_no_list_for_another(bucket: Bucket):
    assert summarized(bucket, [result(0, "restored")], 0)["told"]["remaining"] == ""
    assert "fleets/weekly/remaining.json" not in bucket.objects
