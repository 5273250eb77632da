"""`make mails` has a message of every state that a database may be left in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.commands.writing.mails import made
from trapheus.messages.outcome import RESTORED, TAGS

if TYPE_CHECKING:
    from local.commands.app import App


@pytest.mark.thorough
def test_there_is_a_mail_of_every_tag(stack: App) -> None:
    mails = made(stack)

    tags = {mail.subject.partition("]")[0].removeprefix("[") for mail in mails.values()}
    # The stack of the tests does not tell the start.
    others = {RESTORED, "REFUSED", "SERVING, tidying up", "UNKNOWN"}
    assert tags == {*TAGS.values(), *others} - {"STARTED"}
