"""The mail about a failure: whom it reaches, and what it says of every ending."""

import json
import shlex
from html.parser import HTMLParser
from typing import Any

import pytest

from src.notify import send
from tests.mailed import blocks
from tests.unit.conftest import ANOTHER, CLUSTER, EXECUTION, INSTANCE, RECIPIENTS, Aws, Post
from tests.unit.mails import a_state, error, tell
from trapheus.execution import exceptions

EVIL = "<script>alert('1')</script>"


class Reader(HTMLParser):
    """What a person reads in an HTML mail, and the tags that make it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words = ""
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, _attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data + "\n"


def both(post: Post) -> list[str]:
    """The plain text, and the HTML as it is read."""
    return [post.text, Reader(post.html).words]


def commands(post: Post) -> list[str]:
    """The commands of the mail, the same in both of its forms."""
    found = [command for block in blocks(post.text) for command in block.commands]
    for command in found:
        assert command in Reader(post.html).words
    return found


def test_the_mail_reaches_every_recipient_from_the_sender(aws: Aws, post: Post):
    tell(a_state(None, error()))

    assert post.sent[0]["FromEmailAddress"] == "trapheus@example.com"
    assert post.sent[0]["Destination"] == {"ToAddresses": RECIPIENTS}


def test_the_subject_names_database_and_error_on_one_line(aws: Aws, post: Post, plan: dict):
    state = a_state(plan, error("RestoreFailed"))
    state["request"]["identifier"] = "prod-db\r\nBcc: evil@example.com"
    tell(state)

    assert "prod-db" in post.subject
    assert "RestoreFailed" in post.subject
    assert "\n" not in post.subject
    assert "\r" not in post.subject


def test_the_mail_says_what_failed_and_why_and_in_which_execution(aws: Aws, post: Post, plan: dict):
    failure = error(
        "ConfigureFailed",
        "The group is gone.",
        operation="ModifyDBInstance",
        code="DBParameterGroupNotFound",
        step="configure",
    )
    gist = tell(a_state(plan, failure))

    for mail in both(post):
        for fact in (
            "ConfigureFailed", "The group is gone", "ModifyDBInstance", "DBParameterGroupNotFound",
            "configure", EXECUTION,
        ):  # fmt: skip
            assert fact in mail
    assert gist.startswith("[NOT TOUCHED] The group is gone.")


# The endings


def starts_again(found: list[str]) -> bool:
    """Whether all that is offered is to start the execution again."""
    return [one.partition(" --region")[0] for one in found] == ["aws stepfunctions start-execution"]


def test_a_failure_before_anything_was_touched_says_so(aws: Aws, post: Post, plan: dict):
    gist = tell(a_state(plan, error("SnapshotFailed")))

    assert gist.endswith("The database was not touched.")
    for mail in both(post):
        assert "The database was not touched." in mail
        assert f"{aws.kind.identifier}: {aws.kind.name}, available, the original" in mail
    assert starts_again(commands(post))


def test_a_refusal_without_a_plan_says_that_nothing_was_changed(aws: Aws, post: Post):
    gist = tell(a_state(None, error("DatabaseNotFound", "There is no instance prod-db.")))

    assert "not touched" in gist
    assert all(call.startswith("Describe") for call in aws.calls)
    for mail in both(post):
        assert "There is no instance prod-db" in mail


def test_an_original_that_was_put_back_is_said_to_serve(aws: Aws, post: Post, plan: dict):
    gist = tell(a_state(plan, error(), rolledBack={"at": "now"}))

    assert "put back" in gist
    for mail in both(post):
        assert f"was put back and serves as {aws.kind.identifier}" in mail
    assert starts_again(commands(post))


def test_a_failed_rollback_is_told_with_both_causes(aws: Aws, post: Post, renamed: dict):
    rollback = error("RollbackFailed", "No right to rename.", code="AccessDenied")
    gist = tell(a_state(renamed, error("RestoreFailed", "No capacity."), rollbackError=rollback))

    assert gist.startswith(f"[DOWN] No capacity. Nothing serves as {aws.kind.identifier}.")
    assert "RollbackFailed" in gist
    for mail in both(post):
        assert "RollbackFailed: No right to rename." in mail
        assert "code: AccessDenied" in mail
        assert f"{renamed['renamedTo']}: {aws.kind.name}, available, the original" in mail


def test_two_databases_that_stay_are_both_told(aws: Aws, post: Post, finished: dict):
    gist = tell(a_state(finished, error("ConfigurationDiffers"), restored={"snapshot": "x"}))

    assert aws.kind.identifier in gist
    assert finished["renamedTo"] in gist
    for mail in both(post):
        for name, part in (
            (aws.kind.identifier, "the restored one"),
            (finished["renamedTo"], "the original"),
        ):
            assert f"{name}: {aws.kind.name}, available, {part}" in mail


def test_a_difference_is_told_with_what_is_kept_and_what_cannot_be(
    aws: Aws, post: Post, finished: dict
):
    wrong = "NetworkType is 'IPV4', was 'DUAL'; tags are different"
    differs = error("ConfigurationDiffers", wrong, kept="38 attributes")

    tell(a_state(finished, differs, restored={"snapshot": "x"}))

    for text in both(post):
        assert "Differs: NetworkType is 'IPV4', was 'DUAL'." in text
        assert "Differs: tags are different." in text
        assert "Kept: 38 attributes." in text
        assert f"ResourceId, was {finished['resourceId']}." in text
        assert "rds-db:connect" in text


def test_every_member_of_both_clusters_is_told(aws: Aws, post: Post):
    aws.kind = CLUSTER
    plan = aws.plan()
    aws.rename_original(plan)
    aws.replace(plan)
    tell(a_state(plan, error("ConfigurationDiffers"), restored={"snapshot": "x"}))

    for member in ("prod-cluster-writer", "prod-cluster-reader"):
        for mail in both(post):
            assert f"{member}: instance, available, the restored one" in mail
            assert f"{member}-temp: instance, available, the original" in mail


def test_another_s_database_under_the_identifier_is_not_called_the_restored_one(
    aws: Aws, post: Post, renamed: dict
):
    aws.foreign(aws.kind.identifier)
    aws.stamp(execution=ANOTHER)

    tell(a_state(renamed, error("NameTaken"), rollbackError=error("RollbackFailed")))

    for mail in both(post):
        line = next(x for x in mail.splitlines() if x.startswith(f"{aws.kind.identifier}: "))
        assert "restored" not in line
        assert "original" not in line


# What does not come as expected


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ("", "no reason was given"),
        ("The task timed out after 960 seconds", "timed out after 960 seconds"),
        ("{not json", "{not json"),
        ('{"errorMessage": "Task timed out after 3.00 seconds"}', "timed out after 3.00"),
        ('{"errorMessage": "\'identifier\'", "errorType": "KeyError"}', "'identifier'"),
        ('"a string"', "a string"),
        ("[1, 2]", "1, 2"),
        ("null", ""),
        ("{}", ""),
        ('{"reason": "other"}', "other"),
        ('{"errorMessage": "{\\"reason\\": \\"deep\\"}"}', "deep"),
        ('{"errorMessage": null}', ""),
        ('{"errorMessage": {"a": 1}}', ""),
        ('{"errorMessage": "3"}', "3"),
    ],
)
def test_a_cause_of_any_shape_is_told(aws: Aws, post: Post, cause: str, shown: str):
    gist = tell(a_state(None, {"Error": "States.TaskFailed", "Cause": cause}))

    assert isinstance(gist, str)
    for mail in both(post):
        assert "States.TaskFailed" in mail
        assert shown in mail


def test_an_error_without_a_cause_is_told(aws: Aws, post: Post):
    gist = tell(a_state(None, {"Error": "States.Timeout"}))

    assert "no reason was given" in gist
    assert "States.Timeout" in post.subject


@pytest.mark.parametrize("input_", [None, [], "prod-db", 3, {}, {"identifier": 3}])
def test_a_request_that_could_not_be_read_is_told(aws: Aws, post: Post, input_: Any):
    tell({"input": input_, "error": error("InvalidRequest", "The input must be an object.")})

    for mail in both(post):
        assert "The input must be an object" in mail
        assert "Correct the input" in mail


def test_what_looks_like_html_is_shown_and_not_run(aws: Aws, post: Post, plan: dict):
    plan["identifier"] = EVIL
    state = a_state(
        plan, error(EVIL, f"cause {EVIL}", code=f"code {EVIL}"), restored={"snapshot": "x"}
    )
    tell(state)

    html = Reader(post.html)
    assert "script" not in html.tags
    assert "<script" not in post.html.lower()
    for part in (
        EVIL,
        f"cause {EVIL}",
        f"code {EVIL}",
        f"What was restored does not show as {EVIL}",
    ):
        assert part in html.words
        assert part in post.text


def test_the_text_is_plain(aws: Aws, post: Post, plan: dict):
    tell(a_state(plan, error()))

    assert "<" not in post.text
    assert "&" not in post.text
    assert post.html.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("Throttling", 400), ("InternalFailure", 500)]
)
def test_the_mail_is_sent_even_when_rds_does_not_answer(
    aws: Aws, post: Post, renamed: dict, *, code: str, status: int
):
    for operation in ("DescribeDBInstances", "DescribeDBClusters"):
        aws.fail(operation, code, status=status)

    tell(a_state(renamed, error(), rollbackError=error("RollbackFailed")))

    for mail in both(post):
        assert "RDS did not say" in mail
        assert f"The resource id of the original is {renamed['resourceId']}" in mail


def test_an_original_that_is_gone_is_not_named(aws: Aws, post: Post, finished: dict):
    aws.until_done("delete", plan=finished)
    aws.settle()

    tell(a_state(finished, error("UntagFailed"), restored={"snapshot": "x"}))

    for mail in both(post):
        assert f"{aws.kind.identifier}: {aws.kind.name}, available, the restored one" in mail
        assert f"{finished['renamedTo']}: " not in mail


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("InvalidRequest", "Correct the input"),
        ("IdentifierNotAllowed", "AllowedIdentifiers"),
        ("OverrideNotAllowed", "AllowedOverrides"),
        ("InsufficientCapacity", "capacity"),
        ("Throttled", "another time"),
        ("RestoreFailed", "start the execution again"),
    ],
)
def test_every_mail_says_what_to_do(aws: Aws, post: Post, name: str, advice: str):
    tell(a_state(None, error(name)))

    for mail in both(post):
        assert advice in mail


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("MessageRejected", 400, exceptions.AlertFailed),
        ("AccessDeniedException", 403, exceptions.AlertFailed),
        ("MailFromDomainNotVerifiedException", 400, exceptions.AlertFailed),
        ("TooManyRequestsException", 429, exceptions.Throttled),
        ("InternalServiceErrorException", 500, exceptions.Throttled),
    ],
)
def test_a_message_that_goes_no_way_becomes_the_right_error(
    aws: Aws, post: Post, code: str, status: int, expected: type[Exception]
):
    post.refusals = {
        "sesv2": (code, status), "sns": ("AuthorizationError", 403),
        "events": ("AccessDeniedException", 400),
    }  # fmt: skip

    with pytest.raises(exceptions.TrapheusError) as raised:
        tell(a_state(None, error()))

    assert type(raised.value) is expected
    assert (post.sent, post.published, post.events) == ([], [], [])
    assert "event: AccessDeniedException was injected" in str(raised.value)


WAYS = ("sesv2", "sns", "events")


@pytest.mark.parametrize("retried", [0, 1, send.PATIENCE])
def test_a_busy_mail_is_insisted_on_and_the_others_go_in_the_first_try_and_the_last(
    aws: Aws, post: Post, retried: int
):
    post.refusals = {"sesv2": ("TooManyRequestsException", 429)}
    event = {"execution": EXECUTION, "state": a_state(None, error()), "retried": retried}

    if retried < send.PATIENCE:
        with pytest.raises(exceptions.Throttled):
            send.handler(event, None)
    else:
        send.handler(event, None)

    assert len(post.published) == len(post.events) == int(retried != 1)
    post.refusals.clear()
    send.handler(event | {"retried": 1}, None)
    assert len(post.sent) == 1
    assert len(post.published) == int(retried != 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("Throttling", 400)])
def test_what_does_not_go_one_way_goes_the_others(
    aws: Aws, post: Post, way: str, code: str, status: int
):
    post.refusals = {way: (code, status)}

    assert tell(a_state(None, error())).startswith("[NOT TOUCHED] ")

    went = dict(zip(WAYS, (post.sent, post.published, post.events), strict=True))
    assert {name: len(sent) for name, sent in went.items()} == {
        name: int(name != way) for name in WAYS
    }


# Exports


EXPORTED = {
    "isPossible": True,
    "isCopied": True,
    "identifier": "prod-db",
    "region": "eu-west-1",
    "task": "prod-db-0123",
    "bucket": "rds-snapshots-123456789012-eu-west-1",
}
EXPORT = EXECUTION.replace(":restore:", ":export:")
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:export"


def tell_of_export(failure: dict[str, str], machine: str = MACHINE, **more: Any) -> str:
    """Send the mail about an export; its gist."""
    request = {"identifier": "prod-db", "task": "create_snapshot", "isCluster": False}
    state = {
        "input": {**request, "note": "it's; $(rm)"},
        "request": request,
        "snapshot": "prod-db-snapshot",
        "error": failure,
        **more,
    }
    event = {"execution": EXPORT, "about": "export", "state": state}
    event |= {"machine": machine} if machine else {}
    return send.handler(json.loads(json.dumps(event)), None)["cause"]


def test_a_failed_export_is_told_without_alarm_for_the_database(aws: Aws, post: Post):
    gist = tell_of_export(error("ExportFailed", "The disk was full."), export=EXPORTED)

    assert post.subject == "[NOT EXPORTED] prod-db-snapshot: ExportFailed"
    assert gist.startswith("[NOT EXPORTED] The disk was full. prod-db-snapshot was not exported;")
    for mail in both(post):
        assert "no restore depends on its export" in mail
        assert "s3://rds-snapshots-123456789012-eu-west-1/prod-db/prod-db-0123" in mail
        assert "copy in eu-west-1" in mail
    assert aws.calls == []


def test_the_command_of_a_failed_export_starts_it_again_as_it_was(aws: Aws, post: Post):
    tell_of_export(error("ExportFailed"), export=EXPORTED)

    (command,) = commands(post)
    *options, text = shlex.split(command)
    assert options[-3:] == ["--state-machine-arn", MACHINE, "--input"]
    again = json.loads(text)
    assert again["snapshot"] == "prod-db-snapshot"
    assert again["input"]["note"] == "it's; $(rm)"


def test_an_export_without_its_bucket_has_the_command_that_makes_it(aws: Aws, post: Post):
    tell_of_export(error("BucketMissing"), export=EXPORTED)

    assert commands(post)[0] == (
        "aws s3 mb s3://rds-snapshots-123456789012-eu-west-1 --region eu-west-1"
    )


def test_an_export_that_was_never_started_names_the_output_that_has_its_machine(
    aws: Aws, post: Post
):
    tell_of_export(error("StepFunctions.ExecutionLimitExceededException", "Too many."), machine="")

    assert "ExportStateMachineArn" in commands(post)[0]


# Restored beside the original


def first(aws: Aws) -> dict[str, Any]:
    return aws.plan(strategy="restore-first")


def test_a_copy_that_was_removed_is_told_with_an_original_that_serves(aws: Aws, post: Post):
    gist = tell(a_state(first(aws), error(), rolledBack={"at": "now"}))

    assert gist.endswith(
        f"The original serves as {aws.kind.identifier} under all of its names, and what was"
        f" restored as {aws.kind.identifier}-copy was removed."
    )
    assert starts_again(commands(post))


def test_a_copy_that_does_not_serve_yet_is_no_restored_database(aws: Aws, post: Post):
    """Its resource id is known all the time of the swap."""
    state = a_state(
        first(aws), error("RenameFailed"),
        restored={"resourceId": "db-NEW", "dataAsOf": "then"},
        replacing={"since": "2026-03-02T09:00:00+00:00"},
        rolledBack={"at": "2026-03-02T09:30:00+00:00"},
    )  # fmt: skip

    gist = tell(state)

    assert "The original serves as" in gist
    for mail in both(post):
        assert "Unreachable: at most 30 minutes, 2026-03-02 09:00 to 09:30 UTC." in mail
        assert "db-NEW now" not in mail


@pytest.mark.parametrize("a_kind", [INSTANCE, CLUSTER], ids=lambda kind: kind.name)
def test_a_copy_is_told_with_its_members(aws: Aws, post: Post, a_kind: Any):
    aws.kind = a_kind
    plan = first(aws)
    aws.make_copy(plan)

    tell(a_state(plan, error("ConfigurationDiffers"), rollbackError=error("RollbackFailed")))

    for of, name in aws.parts():
        for mail in both(post):
            assert f"{name}: {of}, available, the original" in mail
            assert f"{name}-copy: {of}, available, the restored one" in mail


# Restored at a target


def at_target(aws: Aws) -> dict[str, Any]:
    plan = aws.plan(strategy="copy", targetIdentifier="drill")
    aws.make_copy(plan)
    return plan


def test_a_target_that_was_removed_is_told_with_an_original_that_was_not_touched(
    aws: Aws, post: Post
):
    plan = aws.plan(strategy="copy", targetIdentifier="drill")

    gist = tell(a_state(plan, error(), rolledBack={"at": "now"}))

    assert gist.endswith("What was restored as drill was removed; prod-db was not touched.")


@pytest.mark.parametrize("strategy", ["restore-first", "copy"])
def test_a_removal_that_takes_long_is_told(aws: Aws, post: Post, strategy: str):
    plan = aws.plan(strategy=strategy, targetIdentifier="prod-db-copy")
    state = a_state(plan, error(), delayError=error("RollbackDelayed"))

    send.handler({"execution": EXECUTION, "about": "delay", "state": state}, None)

    assert post.text.startswith("prod-db serves. What was restored as prod-db-copy is being")
