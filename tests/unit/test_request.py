"""The request step: what is read, and what is refused with one sentence."""

import json
import re
from typing import Any

import pytest

from src.request.read import handler
from trapheus.execution import exceptions

GOOD = {"identifier": "prod-db", "task": "db_restore", "isCluster": False}


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "*")
    monkeypatch.setenv("ALLOWED_OVERRIDES", "*")
    monkeypatch.setenv("EXPORT_SNAPSHOTS", "true")


def read(request: Any) -> dict[str, Any]:
    return handler({"execution": "arn", "input": request}, None)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def refusal(request: Any, error: type[Exception]) -> str:
    """The one sentence with which a request is refused."""
    with pytest.raises(error) as raised:
        read(request)
    assert type(raised.value) is error
    fields = json.loads(str(raised.value))
    assert fields["step"] == "request"
    sentence = fields["message"]
    assert sentence.endswith(".")
    # One sentence: nothing begins anew after a full stop.
    assert not re.search(r"\.\s+[A-Z]", sentence)
    return sentence


@pytest.mark.parametrize("task", ["create_snapshot", "db_restore", "create_snapshot_only"])
@pytest.mark.parametrize("is_cluster", [True, False])
def test_a_request_comes_back_with_its_defaults(task: str, is_cluster: bool):
    request = {"identifier": "prod-db", "task": task, "isCluster": is_cluster}

    assert read(request) == {
        **request,
        "dryRun": False,
        "urgent": False,
        "keepOriginal": False,
        "finalSnapshot": False,
        "deleteAutomatedBackups": False,
        "strategy": "rename-first",
        "acceptWriteLoss": False,
        "snapshotIdentifier": "",
        "targetIdentifier": "",
        "overrides": {},
        "sourceIdentifier": "",
        "sourceAccount": "",
        "masterUserSecret": "",
        "keepSourcePassword": False,
        "beforeSwap": [],
        "requester": "",
        "interrupted": "",
        "export": True,
        "lock": f"{'cluster' if is_cluster else 'instance'}#prod-db",
    }


def test_a_dry_run_takes_no_lock():
    assert read({**GOOD, "dryRun": True})["lock"] == ""


# As the machine for dry runs alone calls it.


@pytest.mark.parametrize("said", [{}, {"dryRun": False}, {"dryRun": True}, {"dryRun": "false"}])
@pytest.mark.parametrize("task", ["create_snapshot_only", "db_restore"])
def test_a_request_for_a_dry_run_alone_is_one_whatever_it_says(said: dict[str, Any], task: str):
    answer = handler(
        {"execution": "arn", "dryRun": True, "input": {**GOOD, "task": task, **said}}, None
    )
    assert (answer["dryRun"], answer["lock"]) == (True, "")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({**GOOD, "task": "recover"}, "The task recover takes no dryRun"),
        ({"task": "recover", "ended": {"executionArn": "arn:aws:states"}}, "not for people"),
        ([GOOD], "must be a JSON object"),
        ("{}", "must be a JSON object"),
        (None, "must be a JSON object"),
    ],
)
def test_what_has_no_dry_run_is_refused_as_a_dry_run_alone(request_: Any, words: str):
    with pytest.raises(exceptions.InvalidRequest, match=words):
        handler({"execution": "arn", "dryRun": True, "input": request_}, None)


@pytest.mark.parametrize(
    "requester", ["", "a", "J\u00f6rg M., ticket #12 <j@example.com>", "x" * 256]
)
@pytest.mark.parametrize("task", ["db_restore", "recover"])
def test_who_has_asked_is_kept_as_it_is_written(requester: str, task: str):
    assert read({**GOOD, "task": task, "requester": requester})["requester"] == requester


@pytest.mark.parametrize(
    "requester", ["x" * 257, "a\nb", "a\tb", "a\x00", "a\u2028b", "a\u202eb", 7, None, ["a"]]
)
def test_a_requester_that_breaks_a_line_is_refused(requester: Any):
    said = refusal({**GOOD, "requester": requester}, exceptions.InvalidRequest)
    assert "requester" in said


@pytest.mark.parametrize(
    "option", ["urgent", "keepOriginal", "finalSnapshot", "deleteAutomatedBackups"]
)
def test_an_option_is_kept(option: str):
    assert read({**GOOD, option: True})[option] is True


@pytest.mark.parametrize("option", ["finalSnapshot", "deleteAutomatedBackups"])
def test_what_only_a_deletion_can_do_is_refused_for_an_original_that_is_kept(option: str):
    said = refusal({**GOOD, "keepOriginal": True, option: True}, exceptions.InvalidRequest)
    assert "keepOriginal" in said


@pytest.mark.parametrize("option", ["dryRun", "urgent", "keepOriginal", "finalSnapshot"])
def test_a_recovery_takes_no_options(option: str):
    request = {**GOOD, "task": "recover", option: True}
    assert option in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("asked", "identifier", "kinds"),
    [
        ({}, "*", ["instance", "cluster"]),
        ({"identifier": "*"}, "*", ["instance", "cluster"]),
        ({"isCluster": True}, "*", ["cluster"]),
        ({"identifier": "Prod-DB", "isCluster": False}, "prod-db", ["instance"]),
        ({"identifier": "prod-db", "isCluster": True}, "prod-db", ["cluster"]),
    ],
)
def test_an_inspection_is_of_one_database_or_of_all(
    asked: dict[str, Any], identifier: str, kinds: list[str]
):
    found = read({"task": "inspect", **asked})
    assert (found["identifier"], found["kinds"], found["lock"]) == (identifier, kinds, "")


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"dryRun": True}, "dryRun"),
        (
            {"identifier": "prod-db", "isCluster": False, "targetIdentifier": "a"},
            "targetIdentifier",
        ),
        ({"identifier": "prod-db"}, "isCluster"),
        ({"identifier": "prod--db", "isCluster": False}, "prod--db"),
        ({"identifier": None}, "identifier"),
        ({"isCluster": "yes"}, "isCluster"),
        ({"every": True}, "every"),
    ],
)
def test_an_inspection_takes_nothing_else(asked: dict[str, Any], word: str):
    assert word in refusal({"task": "inspect", **asked}, exceptions.InvalidRequest)


def test_all_databases_are_for_an_inspection_only():
    for task in ("db_restore", "recover"):
        refusal({**GOOD, "task": task, "identifier": "*"}, exceptions.InvalidRequest)


def test_an_inspection_of_what_the_stack_may_not_touch_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "staging-*")
    assert read({"task": "inspect"})["identifier"] == "*"
    refusal({**GOOD, "task": "inspect"}, exceptions.IdentifierNotAllowed)


ENDED = {"executionArn": "arn:ended", "status": "ABORTED"}
NOTHING = {"task": "recover", "isCluster": False, "lock": ""}
CLUSTER = {"identifier": "prod-cluster", "task": "db_restore", "isCluster": True}


@pytest.fixture
def inputs(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The inputs of the executions that Step Functions knows."""
    known = {"arn:ended": json.dumps(GOOD)}
    monkeypatch.setattr(
        "src.request.read.described", lambda arn: {"input": known[arn]} if arn in known else None
    )
    return known


def rule(**ended: Any) -> dict[str, Any]:
    """What the rule for executions that have ended hands over."""
    return {"task": "recover", "ended": {**ENDED, **ended}}


@pytest.mark.parametrize("asked", [GOOD, CLUSTER], ids=["instance", "cluster"])
@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT"])
def test_an_ended_execution_is_recovered_by_its_own_input(
    inputs: dict[str, str], status: str, asked: dict[str, Any]
):
    inputs["arn:ended"] = json.dumps(asked)
    found = read(rule(status=status))
    assert {name: found[name] for name in asked} == {**asked, "task": "recover"}
    kind = "cluster" if asked["isCluster"] else "instance"
    assert (found["interrupted"], found["lock"]) == ("arn:ended", f"{kind}#{asked['identifier']}")


def test_what_the_hourly_look_has_found_needs_no_input(inputs: dict[str, str]):
    """AWS forgets executions after 90 days."""
    inputs.clear()
    ended = {"executionArn": "arn:ended", "identifier": "prod-cluster", "isCluster": True}
    found = read({"task": "recover", "ended": ended})
    assert (found["interrupted"], found["lock"]) == ("arn:ended", "cluster#prod-cluster")


def test_what_the_rule_of_an_earlier_release_hands_over_is_understood(inputs: dict[str, str]):
    """The whole detail of the event: an execution that it has started outlives an update."""
    assert read(rule(input=json.dumps(GOOD), name="run"))["lock"] == "instance#prod-db"


def test_an_ended_execution_is_recovered_though_it_would_not_be_allowed_any_more(
    inputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "staging-*")

    assert read(rule())["lock"] == "instance#prod-db"
    # People have no execution to name.
    asked = {**GOOD, "task": "recover"}
    assert "prod-db" in refusal(asked, exceptions.IdentifierNotAllowed)
    for nobody in ("", "run", 3, None):
        assert "rule" in refusal(rule(executionArn=nobody), exceptions.InvalidRequest)


def test_the_options_of_an_ended_execution_do_not_matter_to_its_recovery(inputs: dict[str, str]):
    inputs["arn:ended"] = json.dumps({**GOOD, "finalSnapshot": True})
    found = read(rule())
    assert found["lock"] == "instance#prod-db"
    assert found["finalSnapshot"] is False


@pytest.mark.parametrize(
    "text",
    [
        "[]", "{}", "null", "3",
        json.dumps({**GOOD, "task": "drop"}),
        json.dumps({**GOOD, "extra": 1}),
        json.dumps({**GOOD, "dryRun": True}),
        json.dumps({"task": "recover", "ended": "arn"}),
        # Whose end it is itself: it must not be followed for ever.
        json.dumps({"task": "recover", "ended": {"executionArn": "arn:ended"}}),
    ],
)  # fmt: skip
def test_an_ended_execution_that_touched_nothing_needs_no_recovery(
    inputs: dict[str, str], text: str
):
    inputs["arn:ended"] = text
    assert read(rule()) == NOTHING


def test_an_ended_execution_that_aws_does_not_know_is_told(inputs: dict[str, str]):
    with pytest.raises(exceptions.LockFailed, match="arn:other"):
        read(rule(executionArn="arn:other"))


INNER = [
    {**GOOD, "task": "recover"},
    {"task": "recover", "ended": ENDED},
    {"task": "recover", "ended": {**ENDED, "identifier": "prod-db", "isCluster": False}},
]


@pytest.mark.parametrize("inner", INNER)
def test_a_recovery_that_failed_is_not_tried_again_and_again(
    inputs: dict[str, str], inner: dict[str, Any]
):
    inputs["arn:recovery"] = json.dumps(inner)
    assert read(rule(executionArn="arn:recovery", status="FAILED")) == NOTHING


@pytest.mark.parametrize("inner", INNER)
def test_a_recovery_that_was_stopped_is_recovered(inputs: dict[str, str], inner: dict[str, Any]):
    inputs["arn:recovery"] = json.dumps(inner)
    found = read(rule(executionArn="arn:recovery"))
    assert (found["interrupted"], found["lock"]) == ("arn:recovery", "instance#prod-db")


def test_recoveries_of_recoveries_are_followed_to_the_first(inputs: dict[str, str]):
    for number in range(20):
        before = f"arn:{number - 1}" if number else "arn:ended"
        inputs[f"arn:{number}"] = json.dumps(rule(executionArn=before))
    assert read(rule(executionArn="arn:19"))["lock"] == "instance#prod-db"


@pytest.mark.parametrize(
    "request_", [{**GOOD, "ended": ENDED}, {"task": "recover", "ended": "arn"}]
)
def test_the_rule_s_key_is_not_for_people(request_: dict[str, Any]):
    assert "rule" in refusal(request_, exceptions.InvalidRequest)


@pytest.mark.parametrize("dry", [True, False])
def test_a_dry_run_is_kept(dry: bool):
    assert read({**GOOD, "dryRun": dry})["dryRun"] is dry


@pytest.mark.parametrize("typed", ["Prod-DB", "PROD-DB", "prod-db"])
def test_an_identifier_is_lower_cased(typed: str):
    assert read({**GOOD, "identifier": typed})["identifier"] == "prod-db"


@pytest.mark.parametrize("identifier", ["a", "a1", "a-1", "a" * 63, "my-template-db", "A-B-C-9"])
def test_every_possible_identifier_is_taken(identifier: str):
    assert read({**GOOD, "identifier": identifier})["identifier"] == identifier.lower()


@pytest.mark.parametrize("request_", [None, [], [GOOD], "prod-db", "", 3, 1.5, True, "{}"])
def test_an_input_that_is_no_object_is_refused(request_: Any):
    assert "JSON object" in refusal(request_, exceptions.InvalidRequest)


@pytest.mark.parametrize("key", ["identifier", "task", "isCluster"])
def test_a_missing_key_is_refused_by_name(key: str):
    assert f"'{key}' is missing" in refusal(without(key), exceptions.InvalidRequest)


def test_an_empty_object_is_refused():
    refusal({}, exceptions.InvalidRequest)


@pytest.mark.parametrize("key", ["Identifier", "iscluster", "dry_run", "force", "", " task", "☃"])
def test_an_unknown_key_is_refused_by_name(key: str):
    sentence = refusal({**GOOD, key: "x"}, exceptions.InvalidRequest)

    assert repr(key) in sentence
    assert "unknown" in sentence


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("identifier", value) for value in (None, 1, True, ["prod-db"], {})),
        *(("task", value) for value in (None, 0, False, ["db_restore"], {})),
        *(("isCluster", value) for value in (None, 0, 1, "true", "false", [], {})),
        *(("dryRun", value) for value in (None, 0, 1, "true", [], {})),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_key(key: str, value: Any):
    sentence = refusal({**GOOD, key: value}, exceptions.InvalidRequest)

    assert f"'{key}' must be" in sentence


@pytest.mark.parametrize("task", ["", "restore", "DB_RESTORE", "db_restore ", "delete"])
def test_an_unknown_task_is_refused_and_the_known_are_named(task: str):
    sentence = refusal({**GOOD, "task": task}, exceptions.InvalidRequest)

    assert repr(task) in sentence
    for known in ("create_snapshot", "db_restore", "create_snapshot_only"):
        assert known in sentence


@pytest.mark.parametrize(
    "identifier",
    [
        "", " ", "1db", "-db", "db-", "my--db", "my_db", "my db", "db.", "db\n", "dß", "ﬁ-db",
        "db/../x", "prod-d\u212a", "a" * 64, "*", "<script>", "arn:aws:rds:us-east-1:1:db:x",
    ],
)  # fmt: skip
def test_an_impossible_identifier_is_refused(identifier: str):
    assert "identifier" in refusal({**GOOD, "identifier": identifier}, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("patterns", "identifier"),
    [
        ("*", "anything"),
        ("prod-*", "prod-db"),
        ("test-*,prod-db", "prod-db"),
        ("test-*, prod-db", "prod-db"),
        ("PROD-*", "prod-db"),
        ("prod-?b", "prod-db"),
        ("prod-*", "PROD-DB"),
    ],
)
def test_an_allowed_identifier_is_read(
    patterns: str, identifier: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", patterns)

    assert read({**GOOD, "identifier": identifier})["identifier"] == identifier.lower()


@pytest.mark.parametrize("patterns", ["test-*", "prod", "prod-d", "rod-db", "test-*,dev-*", ""])
def test_an_identifier_outside_the_patterns_is_refused_and_they_are_named(
    patterns: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", patterns)

    sentence = refusal(GOOD, exceptions.IdentifierNotAllowed)

    assert "prod-db" in sentence
    for pattern in patterns.split(","):
        assert pattern in sentence


@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
def test_a_strategy_is_kept(strategy: str):
    assert read({**GOOD, "strategy": strategy})["strategy"] == strategy


@pytest.mark.parametrize("strategy", ["", "beside", "Restore-First", "swap", "x" * 900])
def test_an_unknown_strategy_is_refused_and_the_known_are_named(strategy: str):
    said = refusal({**GOOD, "strategy": strategy}, exceptions.InvalidRequest)
    assert "rename-first, restore-first" in said


FIRST = {**GOOD, "strategy": "restore-first"}


@pytest.mark.parametrize("accepted", [{}, {"acceptWriteLoss": False}])
def test_a_new_snapshot_restored_first_loses_writes_only_when_that_is_accepted(
    accepted: dict[str, bool],
):
    request = {**FIRST, "task": "create_snapshot"}
    assert "acceptWriteLoss" in refusal({**request, **accepted}, exceptions.InvalidRequest)
    assert read({**request, "acceptWriteLoss": True})["strategy"] == "restore-first"


def test_an_existing_snapshot_restored_first_needs_no_acceptance():
    assert read(FIRST)["task"] == "db_restore"


@pytest.mark.parametrize("more", [{}, {"strategy": "rename-first"}])
def test_write_loss_is_accepted_only_where_there_may_be_one(more: dict[str, str]):
    request = {**GOOD, **more, "acceptWriteLoss": True}
    assert "restore-first" in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("latest", "latest"),
        ("Before-The-Release", "before-the-release"),
        ("rds:prod-db-2026-03-01-02-03", "rds:prod-db-2026-03-01-02-03"),
        ("a" * 255, "a" * 255),
    ],
)
def test_a_snapshot_may_be_named(typed: str, read_as: str):
    assert read({**GOOD, "snapshotIdentifier": typed})["snapshotIdentifier"] == read_as


@pytest.mark.parametrize(
    "name", ["", "-a", "a b", "rds:", "awsbackup:", "arn:aws:rds:us-east-1:1:snapshot:a",
             "a" * 256]
)  # fmt: skip
def test_an_impossible_snapshot_is_refused(name: str):
    said = refusal({**GOOD, "snapshotIdentifier": name}, exceptions.InvalidRequest)
    assert "cannot be a snapshot" in said


def test_a_task_that_takes_a_snapshot_restores_no_other():
    request = {**GOOD, "task": "create_snapshot", "snapshotIdentifier": "latest"}
    assert "snapshotIdentifier" in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize("task", ["create_snapshot", "db_restore"])
def test_a_target_is_lower_cased_and_restored_as_a_copy(task: str):
    found = read({**GOOD, "task": task, "targetIdentifier": "Staging-DB"})
    assert (found["targetIdentifier"], found["strategy"]) == ("staging-db", "copy")


@pytest.mark.parametrize("target", ["prod-db", "PROD-DB"])
def test_a_target_is_another_database(target: str):
    request = {**GOOD, "targetIdentifier": target}
    assert "another name" in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize("target", ["", "1db", "a--b", "a" * 64])
def test_an_impossible_target_is_refused(target: str):
    request = {**GOOD, "targetIdentifier": target}
    assert "cannot be an identifier" in refusal(request, exceptions.InvalidRequest)


def test_a_target_outside_the_patterns_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLOWED_IDENTIFIERS", "prod-*")
    request = {**GOOD, "targetIdentifier": "staging-db"}
    assert "staging-db" in refusal(request, exceptions.IdentifierNotAllowed)


@pytest.mark.parametrize(
    "more",
    [
        {"strategy": "restore-first"}, {"strategy": "rename-first"}, {"keepOriginal": True},
        {"finalSnapshot": False}, {"deleteAutomatedBackups": True}, {"acceptWriteLoss": True},
    ],
)  # fmt: skip
def test_nothing_is_asked_of_an_original_that_stays(more: dict[str, Any]):
    request = {**GOOD, "targetIdentifier": "staging-db", **more}
    assert next(iter(more)) in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize("key", ["keepOriginal", "finalSnapshot", "deleteAutomatedBackups"])
def test_a_snapshot_alone_leaves_no_original_to_keep_or_delete(key: str):
    request = {**GOOD, "task": "create_snapshot_only"}
    assert key in refusal({**request, key: True}, exceptions.InvalidRequest)
    assert read({**request, key: False})[key] is False


@pytest.mark.parametrize("task", ["create_snapshot_only", "recover"])
@pytest.mark.parametrize(
    "more",
    [
        {"strategy": "rename-first"}, {"acceptWriteLoss": True}, {"snapshotIdentifier": "latest"},
        {"targetIdentifier": "staging-db"}, {"overrides": {}},
    ],
)  # fmt: skip
def test_what_restores_nothing_takes_no_key_of_a_restore(task: str, more: dict[str, Any]):
    assert next(iter(more)) in refusal({**GOOD, "task": task, **more}, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("is_cluster", "overrides"),
    [
        (False, {"DBInstanceClass": "db.t4g.micro", "MultiAZ": False}),
        (False, {"VpcSecurityGroupIds": ["sg-1"], "MaxAllocatedStorage": 500}),
        (False, {"ProcessorFeatures": [{"Name": "coreCount", "Value": "2"}]}),
        (True, {"DBInstanceClass": "db.t4g.medium", "BackupRetentionPeriod": 1}),
        (True, {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 2}}),
        (True, {}),
    ],
)
def test_parameters_of_the_restore_may_be_overridden(is_cluster: bool, overrides: dict[str, Any]):
    found = read({**GOOD, "isCluster": is_cluster, "overrides": overrides})
    assert found["overrides"] == overrides


@pytest.mark.parametrize("is_cluster", [False, True])
@pytest.mark.parametrize(
    ("patterns", "name", "taken"),
    [
        ("Port,MultiAZ", "Port", True), ("Multi*, port ", "Port", True), ("*", "Port", True),
        ("MultiAZ", "Port", False), ("Por", "Port", False), ("ort", "Port", False),
        ("", "Port", False),
    ],
)  # fmt: skip
def test_an_override_is_used_as_far_as_the_stack_allows_it(
    patterns: str, name: str, monkeypatch: pytest.MonkeyPatch, *, is_cluster: bool, taken: bool
):
    monkeypatch.setenv("ALLOWED_OVERRIDES", patterns)
    request = {**GOOD, "isCluster": is_cluster, "overrides": {name: 5433}}
    if taken:
        assert read(request)["overrides"] == {name: 5433}
    else:
        sentence = refusal(request, exceptions.OverrideNotAllowed)
        assert f"override {name}" in sentence
        assert "AllowedOverrides" in sentence
    # Not even to leave it out, which may be as much of a change.
    monkeypatch.setenv("ALLOWED_OVERRIDES", "Port")
    request["overrides"] = {"Port": 1, "VpcSecurityGroupIds": []}
    assert "VpcSecurityGroupIds" in refusal(request, exceptions.OverrideNotAllowed)


def test_an_ended_execution_is_recovered_though_its_overrides_are_not_allowed_any_more(
    inputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALLOWED_OVERRIDES", "Port")
    inputs["arn:ended"] = json.dumps({**GOOD, "overrides": {"PubliclyAccessible": True}})
    assert read(rule())["lock"] == "instance#prod-db"


@pytest.mark.parametrize("is_cluster", [False, True])
def test_what_rds_shows_in_small_letters_is_asked_for_so(is_cluster: bool):
    overrides = {
        "DBParameterGroupName": "Mine", "DBSubnetGroupName": "Default",
        "PreferredBackupWindow": "02:00-03:00",
        "PreferredMaintenanceWindow": "Sun:05:00-Sun:06:00", "LicenseModel": "BYOL",
    }  # fmt: skip
    if is_cluster:
        overrides["DBClusterParameterGroupName"] = overrides.pop("LicenseModel")

    found = read({**GOOD, "isCluster": is_cluster, "overrides": overrides})["overrides"]

    assert found["PreferredMaintenanceWindow"] == "sun:05:00-sun:06:00"
    assert (found["DBParameterGroupName"], found["DBSubnetGroupName"]) == ("mine", "default")
    assert found.get("LicenseModel", "BYOL") == "BYOL"
    assert found.get("DBClusterParameterGroupName", "byol") == "byol"


@pytest.mark.parametrize("is_cluster", [False, True])
@pytest.mark.parametrize("name", ["PerformanceInsightsKMSKeyId", "MasterUserSecretKmsKeyId"])
@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("arn:aws:kms:us-east-1:123456789012:key/1", True), ("", True), ("alias/mine", False),
        ("arn:aws:kms:us-east-1:123456789012:alias/mine", False), ("5f0c1b9a-2d3e", False),
    ],
)  # fmt: skip
def test_a_key_is_named_as_rds_shows_it(name: str, value: str, *, is_cluster: bool, taken: bool):
    request = {**GOOD, "isCluster": is_cluster, "overrides": {name: value}}
    if taken:
        assert read(request)["overrides"] == {name: value}
    else:
        assert "must be the ARN of a key" in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize("is_cluster", [False, True])
@pytest.mark.parametrize(
    "name", ["dbInstanceClass", "Engine", "EngineMode", "Tags", "DBInstanceIdentifier",
             "DBClusterIdentifier", "DBSnapshotIdentifier", "", "x" * 900]
)  # fmt: skip
def test_an_override_of_no_restore_is_refused(name: str, is_cluster: bool):
    request = {**GOOD, "isCluster": is_cluster, "overrides": {name: "x"}}
    assert "is unknown" in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DBInstanceClass", None), ("DBInstanceClass", 3), ("DBInstanceClass", ["db.t4g.micro"]),
        ("CopyTagsToSnapshot", "true"), ("CopyTagsToSnapshot", 1),
        ("BackupRetentionPeriod", "7"), ("BackupRetentionPeriod", True),
        ("BackupRetentionPeriod", 1.5), ("BackupRetentionPeriod", 10**30),
        ("VpcSecurityGroupIds", "sg-1"), ("VpcSecurityGroupIds", [1]),
        ("PreferredBackupWindow", {"a": "x" * 900}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_cluster", [False, True])
def test_an_override_of_another_type_is_refused(name: str, value: Any, is_cluster: bool):
    request = {**GOOD, "isCluster": is_cluster, "overrides": {name: value}}
    assert name in refusal(request, exceptions.InvalidRequest)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("strategy", None), ("strategy", 1), ("acceptWriteLoss", "true"),
        ("snapshotIdentifier", None), ("snapshotIdentifier", {}), ("targetIdentifier", []),
        ("targetIdentifier", False), ("overrides", None), ("overrides", []), ("overrides", "x"),
    ],
)  # fmt: skip
def test_a_key_of_a_restore_of_the_wrong_type_is_refused(key: str, value: Any):
    assert f"'{key}' must be" in refusal({**GOOD, key: value}, exceptions.InvalidRequest)


def test_the_recovery_of_a_copy_is_of_its_original(inputs: dict[str, str]):
    asked = {**GOOD, "targetIdentifier": "staging-db", "overrides": {"MultiAZ": True}}
    inputs["arn:ended"] = json.dumps(asked)
    found = read(rule())
    assert (found["identifier"], found["lock"]) == ("prod-db", "instance#prod-db")


def test_a_stack_without_exports_asks_for_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPORT_SNAPSHOTS", "false")

    assert (
        read({"identifier": "prod-db", "task": "create_snapshot", "isCluster": False})["export"]
        is False
    )


def test_an_inspection_that_has_ended_needs_no_recovery(inputs: dict[str, str]):
    inputs["arn:ended"] = json.dumps({"task": "inspect"})
    assert read(rule(status="TIMED_OUT")) == NOTHING
