"""Whatever a cause says, every way takes the message, and no cause looks like a command."""

from __future__ import annotations

import json
import string
from typing import Any

import hypothesis
from hypothesis import strategies

from tests.mailed import blocks, flowing
from tests.unit.conftest import Aws, Kind, Post
from tests.unit.mails import a_state, error, tell
from tests.unit.test_email import Reader

# What has a meaning somewhere on the way of a text.
HOSTILE = (
    '"', "'", "\\", "\n", "\r\n", "\n\n", "\t", "\0", "\x1b[31m", "\u2028", "\u202e", "\ud800", "<",
    "</p><script>", "<!--", "&amp;", "]]>", "{", '{"message": ', "[", "$(", "`", "%s", "\U0001f525",
    "\n\nTO GO BACK\n", "\n  aws rds delete-db-instance --db-instance-identifier prod-db && \\\n",
    "RDS says: ", "x" * 500,
)  # fmt: skip
WORDS = strategies.sampled_from(HOSTILE) | strategies.text(max_size=50)
# Up to 10 KB: few words as they are, or again and again.
TEXTS = strategies.builds(
    lambda words, times: ("".join(words) * times)[:10_000],
    strategies.lists(WORDS, min_size=1, max_size=20),
    strategies.sampled_from([1, 3, 10_000]),
)


def raw(text: str) -> dict[str, str]:
    """An error of AWS's own, which is no JSON."""
    return {"Error": "States.TaskFailed", "Cause": text}


def of_a_function(text: str) -> dict[str, str]:
    """An error that a function has raised without the app."""
    return {"Error": "Unhandled", "Cause": json.dumps({"errorMessage": text})}


def of_the_app(text: str) -> dict[str, str]:
    """An error of the app, with what RDS has said."""
    return error("RestoreFailed", text, events=text, code=text)


ERRORS = strategies.builds(
    lambda make, text: make(text), strategies.sampled_from([raw, of_a_function, of_the_app]), TEXTS
)
SUBJECT = set(string.ascii_letters + string.digits + string.punctuation + " ")
PUT = {"rolledBack": {"at": "2026-03-02T10:00:00+00:00"}}
SERVES = {"served": {"at": "2026-03-02T10:00:00+00:00"}}


def bytes_of(text: str) -> int:
    """The length of a text on the wire; it fails where that cannot be written."""
    return len(text.encode())


def shape_of(post: Post) -> tuple[Any, ...]:
    """What a person takes for the app's own words in the mail: headings, tags and blocks."""
    # Behind the outcome, which may tell the cause of a failed rollback.
    headings = [section.splitlines()[0] for section in post.text.split("\n\n")[1:]]
    commands = [(block.heading, block.commands) for block in blocks(post.text)]
    return headings, Reader(post.html).tags, commands


def sent(post: Post, state: dict[str, Any]) -> tuple[Any, ...]:
    """Send a message every way; the shape of its mail."""
    for one in (post.sent, post.published, post.events):
        one.clear()
    cause = tell(state)

    assert 0 < len(cause) <= 32_768
    bytes_of(cause)
    assert cause.isprintable()
    assert 0 < len(post.subject) <= 200
    assert post.subject.isprintable()
    bytes_of(post.text + post.html)
    (published,), (event,) = post.published, post.events
    assert set(published["Subject"]) <= SUBJECT
    assert 0 < len(published["Subject"]) <= 100
    assert bytes_of(published["Message"]) <= 256 * 1024
    forms = json.loads(published["Message"])
    assert post.text.startswith(flowing(forms["email"]))
    assert json.loads(forms["default"])["content"]["title"] == post.subject
    assert bytes_of(json.dumps(event)) < 256 * 1024
    assert json.loads(event["Detail"])["error"] == state["error"]["Error"]
    return shape_of(post)


def test_no_cause_breaks_a_way_or_looks_like_the_app_s_own_words(
    aws: Aws, post: Post, kind: Kind, replaced: dict[str, Any]
):
    """Of a failure that was put back, of one with a failed rollback, and of one with both ways."""
    replacing = {"replacing": {"since": replaced["started"]}}
    served = {**replacing, "restored": aws.restored(replaced), **SERVES}

    def states(failure: dict[str, str]) -> list[dict[str, Any]]:
        return [
            a_state(None, failure),
            a_state(replaced, failure, **replacing, **PUT),
            a_state(replaced, failure, rollbackError=failure),
            a_state(replaced, failure, **served),
        ]

    usual = [sent(post, state) for state in states(of_the_app("It went wrong."))]
    silent = [sent(post, state) for state in states(raw("It went wrong."))]
    assert any(commands for _, _, commands in usual)

    @hypothesis.settings(
        database=None, deadline=None, max_examples=15,
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )  # fmt: skip
    @hypothesis.given(ERRORS)
    @hypothesis.example(raw("[" * 10_000))
    @hypothesis.example(of_a_function('{"message": ["'))
    @hypothesis.example(of_the_app("\ud800" * 10_000))
    def takes(failure: dict[str, str]) -> None:
        for state, with_events, without in zip(states(failure), usual, silent, strict=True):
            assert sent(post, state) in (with_events, without)

    takes()


def test_a_request_of_a_quarter_of_a_megabyte_breaks_no_way(aws: Aws, post: Post, kind: Kind):
    state = a_state(None, raw("x" * 10_000))
    state["input"] = state["request"] = {
        **state["request"], "identifier": "\u202e\n<" * 30_000, "note": "\U0001f525" * 30_000,
    }  # fmt: skip

    sent(post, state)
