"""Notify step: tells people and programs what happened, every way that there is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trapheus.execution.errors import failing_as
from trapheus.execution.exceptions import AlertFailed, Throttled, TrapheusError
from trapheus.execution.logs import facts, logged, logger
from trapheus.execution.metrics import emit
from trapheus.messages import failed_export, failed_restore, missed, success
from trapheus.messages.channels import CHANNELS, is_wanted
from trapheus.monitoring import successes
from trapheus.monitoring.figures import figures

if TYPE_CHECKING:
    from trapheus.messages.message import Message

ABOUT = {"export": failed_export, "schedule": missed, "start": success, "success": success}
# A busy way is tried again here: the state machine would send the message once more all ways. Three
# tries of three ways without an answer, as in a VPC that has no way to them, fit into a Timeout.
PAUSES = (2, 8)
# A busy mail has the state machine try again so often, a quarter of an hour: the topic and the bus
# take a message that nobody may hear. The first try sends it the other ways, the last ones again.
PATIENCE = 10


@logged
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Send the message; return its gist for the execution's Cause.

    It fails where no way has taken it, so that it is sent again by the state machine, and while the
    mail is busy. retried: how often that has tried it; none of what nobody insists on.
    """
    message = ABOUT.get(event.get("about", ""), failed_restore).compose(event)
    logger.info("message", kind=message.kind, subject=message.subject)
    note_success(event, message)
    ways = [name for name in CHANNELS if name == "event" or is_wanted(message)]
    retried = event.get("retried")
    failed = {}
    for name in ways:
        if error := refusal(name, message):
            failed[name] = error
        if name == "mail" and retried and (error is None or is_to_wait(error, retried)):
            break
    for name, error in failed.items():
        logger.warning("not sent", way=name, error=facts(error))
        emit({"NotSent": 1}, {"way": name}, **searched(message))
    if (busy_mail := failed.get("mail")) and is_to_wait(busy_mail, retried):
        raise busy_mail
    if len(failed) == len(ways):
        said = "; ".join(f"{name}: {facts(error)['message']}" for name, error in failed.items())
        busy = any(isinstance(error, Throttled) for error in failed.values())
        kind = Throttled if busy else AlertFailed
        if not busy:
            measure(event, message)
        raise kind(f"The message was not sent. {said}", identifier=message.identifier)
    measure(event, message)
    # A Fail's Cause ends at 32,768 characters. [fact: length-of-a-cause]
    return {"cause": message.gist[:8000]}


def is_to_wait(refused: TrapheusError, retried: int | None) -> bool:
    """Whether a mail that was refused is worth another try of the state machine."""
    return retried is not None and retried < PATIENCE and isinstance(refused, Throttled)


def note_success(event: dict[str, Any], message: Message) -> None:
    """Note when the database had its last success; the message goes out all the same."""
    if message.kind not in successes.KINDS:
        return
    try:
        with failing_as(AlertFailed, message.identifier):
            successes.note(event["state"]["request"], message.kind, time.time())
    except TrapheusError as error:
        logger.warning("success not noted", error=facts(error))


def measure(event: dict[str, Any], message: Message) -> None:
    """Write the metrics of a message, once it is sent or lost for good."""
    try:
        found = figures(event, message, time.time())
    except Exception:
        # Whatever the state's data is: the message is sent, and must not be sent again for this.
        logger.exception("not measured")
        found = {}
    emit(
        {"Messages": 1, **found},
        {"kind": message.kind},
        **searched(message),
        tag=message.tag,
        error=message.error,
    )


def searched(message: Message) -> dict[str, str]:
    """What the lines of a message are found by."""
    return {"identifier": message.identifier, "execution": message.execution}


def refusal(name: str, message: Message) -> TrapheusError | None:
    """Send it one way; why that could not be done, None when it was."""
    for pause in (*PAUSES, 0):
        try:
            with failing_as(AlertFailed, message.identifier):
                CHANNELS[name](message)
        except Throttled as error:
            refused: TrapheusError = error
            time.sleep(pause)
        except TrapheusError as error:
            return error
        else:
            return None
    return refused
