"""A message goes every way that there is, and by the others where one is denied, busy or gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.sns.models import sns_backends

from local.commands.app import SENDER
from local.emulator.calls import lost
from local.emulator.cloud import ACCOUNT, REGION, Call, Fault
from tests.pipeline.observed import KINDS, Kind, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.commands.app import App

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
WAYS = {
    "mail": ("sesv2", "SendEmail"),
    "topic": ("sns", "Publish"),
    "event": ("events", "PutEvents"),
}
BUSY = {"mail": "TooManyRequestsException", "topic": "Throttled", "event": "ThrottlingException"}


def topic(cloud: App) -> Any:
    return sns_backends[ACCOUNT][REGION].topics[cloud.physical_id("NotificationTopic")]


def events(cloud: App) -> list[dict[str, Any]]:
    """The details of the events about an end that have arrived."""
    asked = [call for call in cloud.calls if (call.service, call.operation) == WAYS["event"]]
    taken = [entry for call in asked if not call.error for entry in call.parameters["Entries"]]
    details = [json.loads(entry["Detail"]) for entry in taken]
    return [one for one in details if one["kind"] != "started"]


def sent(cloud: App) -> dict[str, list[Any]]:
    """What has arrived, by way."""
    return {
        "mail": [mail.subject for mail in cloud.mails],
        "topic": [subject for _, _, subject, *_ in topic(cloud).sent_notifications],
        "event": events(cloud),
    }


def failing(cloud: App, kind: Kind) -> None:
    cloud.rds.poison(kind.name, kind.identifier)


@each_kind
def test_a_failure_goes_every_way(cloud: App, kind: Kind) -> None:
    failing(cloud, kind)

    execution = run(cloud, kind.request("db_restore"))

    arrived = sent(cloud)
    assert [len(one) for one in arrived.values()] == [1, 1, 1]
    (subject,) = arrived["mail"]
    assert subject.startswith(f"[SERVING, put back] {kind.identifier}")
    assert arrived["topic"] == [subject]
    (detail,) = arrived["event"]
    assert detail["kind"] == "put-back"
    assert detail["execution"] == execution.arn
    assert execution.cause.startswith("[SERVING, put back] ")


@each_kind
def test_a_success_goes_every_way_that_wants_it(cloud: App, kind: Kind) -> None:
    execution = run(cloud, kind.request("db_restore"))

    arrived = sent(cloud)
    assert [len(one) for one in arrived.values()] == [1, 1, 1]
    assert arrived["mail"][0].startswith(f"[OK] {kind.identifier}")
    (detail,) = arrived["event"]
    assert detail["facts"]["resourceIdNow"] == execution.output["resourceIdNow"]


def lose(cloud: App, way: str, how: str) -> None:
    """Deny a way, keep it busy, or let no answer come, as in a VPC that does not lead there."""
    faults = {
        "denied": Fault("AccessDeniedException", "It was denied.", 403),
        "busy": Fault(BUSY[way], "It is busy.", 429),
        "without an answer": lost(carried_out=False),
    }

    def refuse(call: Call) -> Fault | None:
        return faults[how] if (call.service, call.operation) == WAYS[way] else None

    cloud.faults.append(refuse)


@pytest.fixture
def put_back(cloud: App) -> Iterator[None]:
    """The topic and the identity of the mail's sender are there again afterwards."""
    topics = sns_backends[ACCOUNT][REGION].topics
    kept = dict(topics)
    yield
    topics.update(kept)
    cloud.verify(SENDER)


@each_kind
@pytest.mark.parametrize("how", ["denied", "busy", "without an answer"])
@pytest.mark.parametrize("way", WAYS)
def test_what_does_not_go_one_way_goes_the_others(
    cloud: App, kind: Kind, way: str, how: str
) -> None:
    failing(cloud, kind)
    lose(cloud, way, how)

    execution = run(cloud, kind.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert execution.cause.startswith("[SERVING, put back] ")
    # A mail that may come yet is waited for; then the others go once more.
    times = 2 if way == "mail" and how != "denied" else 1
    arrived = {name: len(one) for name, one in sent(cloud).items()}
    assert arrived == {name: times * (name != way) for name in WAYS}


@each_kind
def test_a_mail_that_is_busy_for_minutes_comes_once_and_the_others_at_once(
    cloud: App, kind: Kind
) -> None:
    failing(cloud, kind)
    began: list[float] = []

    def refuse(call: Call) -> Fault | None:
        if call.operation != "SendEmail":
            return None
        began.append(call.time)
        busy = call.time - began[0] < 300
        return Fault(BUSY["mail"], "It is busy.", 429) if busy else None

    cloud.faults.append(refuse)

    execution = run(cloud, kind.request("db_restore"))

    assert len(began) > 10
    assert execution.stopped - began[0] > 300
    assert {name: len(one) for name, one in sent(cloud).items()} == dict.fromkeys(WAYS, 1)


@each_kind
def test_without_the_topic_and_the_sender_the_event_is_left(
    cloud: App, kind: Kind, put_back: None
) -> None:
    failing(cloud, kind)
    kept = topic(cloud)
    cloud.client("ses").delete_identity(Identity=SENDER)
    cloud.client("sns").delete_topic(TopicArn=kept.arn)

    run(cloud, kind.request("db_restore"))

    assert cloud.mails == []
    assert kept.sent_notifications == []
    assert [entry["kind"] for entry in events(cloud)] == ["put-back"]


@each_kind
def test_what_goes_no_way_is_in_the_cause(cloud: App, kind: Kind) -> None:
    failing(cloud, kind)
    for way in WAYS:
        lose(cloud, way, "denied")

    execution = run(cloud, kind.request("db_restore"))

    assert (execution.status, execution.error) == ("FAILED", "RestoreFailed")
    assert [len(one) for one in sent(cloud).values()] == [0, 0, 0]
    assert execution.cause.startswith("Nobody was told, by no way (SesV2.")
    assert "RestoreFailed" in execution.cause
