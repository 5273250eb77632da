"""The first words of a message, and how it looks: times, wrapping, HTML, chat and event."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from src.notify import send
from tests.mailed import blocks, flowing
from tests.unit.conftest import CLUSTER, EXECUTION, INSTANCE, Aws, Post
from tests.unit.mails import a_state, error, tell
from trapheus.messages import facts, moments, outcome, rendering
from trapheus.messages.message import KINDS, Message, Section

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "message-event.schema.json").read_text())
SINCE, UNTIL = "2026-03-02T08:52:00.500Z", "2026-03-02T09:00:00+00:00"
each_kind = pytest.mark.parametrize("kind", [INSTANCE, CLUSTER], ids=lambda kind: kind.name)


def detail(post: Post) -> dict[str, Any]:
    """What the last event says, which fits the schema."""
    entry = post.events[-1]
    found = json.loads(entry["Detail"])
    jsonschema.validate(found, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert found.keys() == SCHEMA["properties"].keys(), "say it in the schema and docs/events.md"
    assert entry["Source"] == "trapheus"
    assert entry["DetailType"] == f"Trapheus {found['kind']}"
    return dict(found)


def notify(about: str, state: dict[str, Any]) -> None:
    send.handler(json.loads(json.dumps(event_of(about, state))), None)


def event_of(about: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"execution": EXECUTION, "about": about, "state": state}


# Moments


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than a minute"),
        (61, "1 minute"),
        (480, "8 minutes"),
        (3900, "1 hour and 5 minutes"),
        (90000, "1 day and 1 hour"),
        (8 * 86400 + 59, "8 days"),
    ],
)
def test_a_duration_is_said_in_words(seconds: float, said: str):
    assert moments.lasted(seconds) == said


def test_a_span_has_its_day_also_where_that_is_today():
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    later, before = (now + timedelta(minutes=8)), now - timedelta(days=1)

    assert moments.span(now.isoformat(), later.isoformat()) == (
        "8 minutes, 2026-03-02 09:00 to 09:08 UTC"
    )
    assert moments.span(before.isoformat(), now.isoformat()) == (
        "1 day, 2026-03-01 09:00 to 2026-03-02 09:00 UTC"
    )
    assert moments.span(before.isoformat(), (before + timedelta(hours=2)).isoformat()) == (
        "2 hours, 2026-03-01 09:00 to 11:00 UTC"
    )
    assert moments.span("then", "now") == "from then to now"


# The first words


@each_kind
def test_what_was_put_back_is_said_with_its_outage(aws: Aws, post: Post, kind: Any):
    aws.kind = kind
    name = kind.identifier
    state = a_state(aws.plan(), error(), replacing={"since": SINCE}, rolledBack={"at": UNTIL})
    tell(state)

    assert post.subject == f"[SERVING, put back] {name}: RestoreFailed"
    assert post.text.startswith(
        f"The original was put back and serves as {name}. {name} was unreachable for at most 7"
        " minutes, 2026-03-02 08:52 to 09:00 UTC."
    )
    assert detail(post)["facts"]["unreachableFrom"] == SINCE


@each_kind
def test_what_is_down_is_said_first_and_since_when(aws: Aws, post: Post, kind: Any):
    aws.kind = kind
    plan = aws.plan()
    aws.rename_original(plan)
    since = datetime.now(UTC) - timedelta(minutes=8)
    failed = {"replacing": {"since": since.isoformat()}, "rollbackError": error("RollbackFailed")}
    tell(a_state(plan, error(), **failed))

    assert post.subject == f"[DOWN] {kind.identifier}: RestoreFailed"
    first = f"Nothing has served as {kind.identifier} since {since:%H:%M} UTC, for 8 minutes now."
    assert post.text.startswith(first)
    assert detail(post)["kind"] == "down"


@each_kind
@pytest.mark.parametrize("about", ["delay", ""])
def test_a_delay_is_down_only_where_nothing_serves(aws: Aws, post: Post, kind: Any, about: str):
    aws.kind = kind
    plan = aws.plan()
    state = a_state(plan, error(), replacing={"since": SINCE}, delayError=error("RollbackDelayed"))
    notify("delay", state)
    serving = detail(post)["state"]
    aws.rename_original(plan)
    notify("delay", state)

    assert (serving, detail(post)["state"]) == ("SERVING, tidying up", "DOWN, being put back")


@each_kind
def test_both_that_stand_are_to_be_decided_and_one_that_is_gone_is_not(
    aws: Aws, post: Post, kind: Any
):
    aws.kind = kind
    plan = aws.plan()
    aws.rename_original(plan)
    aws.replace(plan)
    restored = {"restored": aws.restored(plan), "served": {"at": UNTIL}}
    state = a_state(plan, error("DeleteFailed"), replacing={"since": SINCE}, **restored)
    tell(state)
    assert detail(post)["state"] == "DECIDE"
    assert f"the original is kept as {kind.identifier}-temp" in post.text

    post.sent.clear()
    aws.finish(plan)
    aws.until_done("delete", plan=plan)
    aws.settle()
    tell(state)
    assert detail(post)["state"] == "SERVING, restored"
    assert "the original is gone" in post.text


@each_kind
def test_what_was_restored_and_does_not_serve_is_down(aws: Aws, post: Post, kind: Any):
    aws.kind = kind
    plan = aws.plan()
    aws.rename_original(plan)
    aws.replace(plan)
    aws.force("failed")
    if kind is CLUSTER:
        aws.force("available")
        for member in ("prod-cluster-writer", "prod-cluster-reader"):
            aws.force("failed", member, "instance")
    tell(a_state(plan, error("ConfigureFailed"), restored=aws.restored(plan), served={"at": UNTIL},
                 replacing={"since": SINCE}))  # fmt: skip

    assert post.subject == f"[DOWN] {kind.identifier}: ConfigureFailed"
    assert f"What was restored does not serve as {kind.identifier}" in post.text


@pytest.mark.parametrize("strategy", ["copy", "restore-first"])
def test_a_copy_that_never_took_the_names_has_touched_nothing(aws: Aws, post: Post, strategy: str):
    plan = aws.plan(strategy=strategy, targetIdentifier="prod-db-copy")
    tell(a_state(plan, error(), rolledBack={"at": UNTIL}))

    assert detail(post)["kind"] == "not-touched"


@each_kind
@pytest.mark.parametrize("strategy", ["rename-first", "restore-first"])
@pytest.mark.parametrize("begun", [True, False])
def test_one_that_somebody_has_stopped_before_its_turn_is_not_touched(
    aws: Aws, post: Post, kind: Any, strategy: str, *, begun: bool
):
    aws.kind, name = kind, kind.identifier
    plan = aws.plan(strategy=strategy)
    aws.force("stopped")
    failure = error("RenameFailed", f"{name} is stopped", status="stopped", unrenamed=name)
    replacing = {"replacing": {"since": SINCE}} if begun else {}
    tell(a_state(plan, failure if begun else error(), **replacing, rolledBack={"at": UNTIL}))

    assert post.subject.startswith(f"[NOT TOUCHED] {name}: ")
    assert post.text.startswith(f"{name} is stopped, which was left so")
    assert "unreachable" not in post.text.lower()
    assert "unreachableFrom" not in detail(post)["facts"]


@each_kind
def test_one_that_was_renamed_and_is_stopped_later_is_down(aws: Aws, post: Post, kind: Any):
    aws.kind = kind
    plan = aws.plan()
    aws.force("stopped")
    tell(a_state(plan, error(), replacing={"since": SINCE}, rolledBack={"at": UNTIL}))

    assert post.subject == f"[DOWN] {kind.identifier}: RestoreFailed"


def test_a_change_that_does_not_interrupt_is_no_outage(aws: Aws, post: Post, finished: dict):
    aws.force("modifying")
    tell(a_state(finished, error("ConfigureFailed"), restored={"snapshot": "x"}))

    assert detail(post)["state"] == "DECIDE"


# Successes, and what was missed


OUTPUT = {
    "identifier": "prod-db", "task": "db_restore", "restoredFrom": "prod-db-snapshot",
    "dataAsOf": "2026-03-01T03:00:00+00:00", "writesSince": "nowhere", "unreachableFrom": SINCE,
    "unreachableTo": UNTIL, "resourceIdBefore": "db-A", "resourceIdNow": "db-B", "warnings": [],
    "report": {
        "kept": 2, "cannotKeep": [{"attribute": "Id", "was": "a", "now": "b", "why": "New."}],
        "differs": [{"attribute": "Size", "was": 1, "now": 2, "member": "m", "done": "Asked."}],
    },
}  # fmt: skip
TARGET = {
    key: OUTPUT[key] for key in ("identifier", "task", "restoredFrom", "dataAsOf", "report")
} | {"target": "drill", "resourceId": "db-C", "warnings": ["Look at it."]}
TAKEN = {"snapshot": "prod-db-snapshot", "dataAsOf": "2026-03-01T03:00:00+00:00"}
FINDING = {"error": "NameTaken", "message": "It is taken."}


@pytest.mark.parametrize(
    ("output", "told", "words"),
    [
        (OUTPUT, "restored OK", "prod-db serves, restored with data as of 2026-03-01 03:00 UTC"),
        (TARGET, "restored OK", "drill is restored, with data as of 2026-03-01 03:00 UTC"),
        (TAKEN, "snapshot-taken OK", "prod-db-snapshot was taken of prod-db"),
        ({"plan": {}, "findings": []}, "dry-run OK", "Nothing speaks against db_restore"),
        ({"plan": {}, "findings": [FINDING]}, "dry-run REFUSED", "would be refused: 1 finding"),
        (None, "started STARTED", "db_restore of prod-db has begun"),
    ],
)
def test_a_success_is_told_in_its_first_words(
    post: Post, monkeypatch: pytest.MonkeyPatch, output: Any, told: str, words: str
):
    monkeypatch.setenv("NOTIFY_ON", "started,restored,snapshot-taken,dry-run")
    request = {"identifier": "prod-db", "task": "db_restore", "isCluster": False}
    given = {"input": request, "request": request} | ({"output": output} if output else {})
    notify("success" if output else "start", given)

    assert words in post.text.partition("\n\n")[0]
    assert "{kind} {state}".format(**detail(post)) == told
    for line in ("Id, was a, is b. New.", "m: Size, was 1, is 2. Asked."):
        assert (line in post.text) == (output in (OUTPUT, TARGET))


def test_what_was_shared_is_told_with_whom(post: Post, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOTIFY_ON", "snapshot-taken")
    request = {"identifier": "prod-db", "task": "create_snapshot_only", "isCluster": False}
    sharing = {"name": "prod-db-shared", "accounts": ["210987654321", "333333333333"], "key": "k"}
    plan = {"sharing": sharing}
    notify(
        "success", {"input": request, "request": request, "output": TAKEN, "check": {"plan": plan}}
    )

    assert "Shared: prod-db-shared, with 210987654321, 333333333333." in post.text


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_missed_schedule_is_told(aws: Aws, post: Post, succeeded: bool):
    given = '{"identifier": "prod-db", "task": "db_restore", "isCluster": false}'
    since = datetime(2026, 2, 22, 9, tzinfo=UTC)
    notify(
        "schedule",
        {
            "request": json.loads(given), "hours": 192.0, "since": since.timestamp(),
            "succeeded": succeeded, "machine": "arn:aws:states:machine", "given": given,
        },
    )  # fmt: skip

    assert post.subject == "[MISSED] prod-db: no success for 8 days"
    assert "2026-02-22 09:00 UTC" in post.text
    assert ("none since it was first seen" in post.text) != succeeded
    assert detail(post)["facts"] == {"hours": 192.0, "since": since.isoformat()}


def test_what_an_earlier_execution_has_left_without_a_database_is_down(
    aws: Aws, post: Post, kind: Any
):
    left = error("NotRecovered", "An earlier execution could not put it back.")
    state = a_state(None, left)
    state["request"]["isCluster"] = kind is CLUSTER
    state["request"]["identifier"] = kind.identifier
    tell(state)
    assert post.subject.startswith(f"[NOT TOUCHED] {kind.identifier}")
    post.sent.clear()
    state["request"]["identifier"] = f"{kind.identifier}-gone"

    tell(state)

    assert post.subject.startswith(f"[DOWN] {kind.identifier}-gone")


# How it looks


def a_message(**more: Any) -> Message:
    given = {
        "kind": "decide", "tag": "DECIDE", "identifier": "prod-db", "title": "prod-db: x",
        "outcome": "It serves.", "sections": [], "execution": EXECUTION,
    } | more  # fmt: skip
    return Message(**given)


LONG_ARN = f"arn:aws:rds:us-east-1:123456789012:cluster:{'a' * 63}"


def test_the_text_is_at_most_80_columns_wide_but_for_what_is_copied():
    told = Section(
        "What",
        ["some words " * 30, f"see {LONG_ARN}, then go on", "do `aws rds " + "x " * 50 + "y`"],
        ["aws rds " + "x" * 90, "aws rds wait"],
    )  # fmt: skip
    text = rendering.as_text(a_message(outcome="It is so. " * 20, sections=[told]))

    wide = [line for line in text.splitlines() if len(line) > 80]
    assert [line.strip().split(" ")[0][:6] for line in wide] == [
        "arn:aw", "`aws", "aws", "https:",
    ]  # fmt: skip
    assert told.lines[2] in flowing(text)
    assert [block.commands for block in blocks(text)] == [told.commands]
    assert "\n\n\n" not in text


@pytest.mark.parametrize("line", ["", "\n\n", "a\n\nb", "  indented", "\r\n  aws rds delete\r\n"])
def test_no_sentence_becomes_a_section_or_a_command(line: str):
    told = {"outcome": f"So it is.{line}", "sections": [Section("What", [line])]}
    text = rendering.as_text(a_message(**told))

    assert blocks(text) == []
    _, what, execution = text.split("\n\n")
    assert (what.splitlines()[0], execution.splitlines()[0]) == ("WHAT", "EXECUTION")


def test_the_html_wraps_its_blocks_by_style_and_knows_the_dark():
    html = rendering.as_html(a_message(sections=[Section("What", [], ["aws one", "aws two"])]))

    assert (
        '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">aws one &amp;&amp; \\\n' in html
    )
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme:dark)" in html
    assert 'name="viewport" content="width=device-width' in html


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("io2", "io2"),
        (["us-east-1a", "us-east-1b"], "us-east-1a, us-east-1b"),
        ([], "nothing"),
        (None, "nothing"),
        (False, "false"),
        (0, "0"),
        ({"Iops": 3000}, '{"Iops": 3000}'),
    ],
)
def test_a_value_is_said_in_words(value: Any, words: str):
    assert facts.said(value) == words


@pytest.mark.parametrize(
    ("partition", "region", "domain"),
    [
        ("aws", "eu-west-1", "console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_console_is_that_of_the_partition(partition: str, region: str, domain: str):
    arn = f"arn:{partition}:states:{region}:123456789012:execution:restore:one"

    link = f"https://{region}.{domain}/states/home?region={region}#/v2/executions/details/{arn}"
    assert rendering.console_of(arn) == link
    assert f'href="{link}"' in rendering.as_html(a_message(execution=arn))


@pytest.mark.parametrize("execution", ["", "one", "arn:aws-new:states:r:1:execution:m:n"])
def test_what_is_in_no_known_console_has_no_link(execution: str):
    assert rendering.console_of(execution) == ""
    assert "href" not in rendering.as_html(a_message(execution=execution))


# The other ways

EVIL = "<!channel> 'x' \"y\" & <b>\n\n  aws rds delete-db-instance\n" + "z" * 10_000


def test_a_cause_of_any_length_breaks_no_way(aws: Aws, post: Post, renamed: dict):
    tell(a_state(renamed, error("RestoreFailed", EVIL), replacing={"since": SINCE}))

    (published,) = post.published
    chat = json.loads(json.loads(published["Message"])["default"])
    assert "<!channel>" not in chat["content"]["description"]
    assert chat["content"]["title"] == post.subject
    assert chat["content"]["nextSteps"]
    assert detail(post)["cause"].startswith("<!channel> 'x' \"y\" & <b>")
    assert "delete-db-instance" not in str([block.commands for block in blocks(post.text)])
    assert "<b>" not in post.html


def test_every_kind_has_a_tag_a_place_in_the_schema_and_a_row_in_the_pages():
    """Kinds and tags are compared with the pages, which people and programs go by."""
    tags = {*outcome.TAGS.values(), outcome.RESTORED, "SERVING, tidying up", "REFUSED"}
    properties = SCHEMA["properties"]
    assert set(properties["kind"]["enum"]) == set(KINDS) == outcome.TAGS.keys()
    assert set(properties["state"]["enum"]) == tags
    events, operating = (DOCS / "events.md").read_text(), (DOCS / "operating.md").read_text()
    first_table = operating.partition("\n|")[2].partition("\n\n")[0]
    for tag in tags:
        assert f"`{tag}`" in events
        assert f"`[{tag}]`" in first_table
    assert all(f"`{kind}`" in events for kind in KINDS)
