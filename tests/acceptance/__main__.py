"""`make acceptance`: says what it will make and cost, asks, tries each promise, removes it all."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tests.acceptance.account import PREFIX, STACK, Account, Failed
from tests.acceptance.databases import CLUSTER, INSTANCE
from tests.acceptance.leftovers import found, remove_all
from tests.acceptance.promises import Trial, promises

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

FOLDER = Path(__file__).parents[2] / "acceptance"
WORD = "restore"
KEPT, BROKEN, REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every promise was kept and nothing is left, 2 when nothing was begun."""
    given = read(arguments)
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), interrupted)
    # A shell's `&` has it ignored, and then nobody could interrupt what it has started.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        account = Account(given.region, given.profile, given.endpoint)
        kinds = (INSTANCE, CLUSTER) if given.aurora else (INSTANCE,)
        trial = Trial(account, given.sender, kinds)
        if given.clean_up:
            remove_all(account, say)
            return KEPT
        refuse_unfit(trial)
    except (Failed, BotoCoreError, ClientError) as error:
        say(f"Nothing was begun: {error}")
        return REFUSED
    say(*plan(trial))
    if not given.yes and input(f"Type {WORD} to go on: ").strip() != WORD:
        say("Nothing was begun.")
        return REFUSED
    return try_all(trial)


def read(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; an empty profile or region is none."""
    parser = argparse.ArgumentParser(prog="make acceptance", description=__doc__)
    parser.add_argument("--profile", default="", help="of the AWS configuration")
    parser.add_argument("--region", default="", help="where everything is made")
    parser.add_argument("--sender", default="", help="an address that SES has verified there")
    parser.add_argument("--endpoint", default="", help="of make serve, in place of a profile")
    parser.add_argument("--aurora", action="store_true", help="a serverless cluster as well")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--clean-up", action="store_true", help="only remove what a run has left")
    given = parser.parse_args(arguments)
    if given.endpoint:
        given.region = given.region or "us-east-1"
    elif not (given.profile and given.region):
        parser.error("a PROFILE and a REGION are needed, or the ENDPOINT that make serve prints")
    if not (given.sender or given.clean_up):
        parser.error("a SENDER is needed, an address that SES has verified")
    return given


def refuse_unfit(trial: Trial) -> None:
    """Refuse an account without the sender, or with something of these names."""
    account = trial.account
    asked = [trial.sender, trial.sender.partition("@")[2]]
    told = account.client("ses").get_identity_verification_attributes(Identities=asked)
    if "Success" not in [one["VerificationStatus"]
                         for one in told["VerificationAttributes"].values()]:  # fmt: skip
        raise Failed(f"SES has not verified {trial.sender} in {account.region}: verify it first.")
    if there := list(found(account)):
        raise Failed(
            f"There is {', '.join(there)}, and what begins with {PREFIX} is removed at the end:"
            " remove it yourself, or with CLEAN_UP=1."
        )


def plan(trial: Trial) -> list[str]:
    """What will be made, how long it takes and what it costs, before anybody says yes."""
    account = trial.account
    databases = [
        f"  - {kind.identifier}, {kind.what}, and its snapshots: about {kind.minutes} minutes and"
        f" {kind.dollars:.2f} US dollars"
        for kind in trial.kinds
    ]
    return [
        f"In the account {account.id}, region {account.region}, will be made and removed again:",
        f"  - the bucket {account.bucket} and the stack {STACK}; first its change set only",
        *databases,
        f"  - in the end a role and a state machine, {PREFIX}-question",
        "Each database is restored five times, once rolled back, and once stopped. Every name",
        f"begins with {PREFIX}, and nothing else is touched. Mails go to {trial.sender}.",
        "",
    ]


def try_all(trial: Trial) -> int:
    """Try each promise until one is broken; whatever happens, remove what was made."""
    rows: list[tuple[str, str, float]] = []
    sentence, began, kept = "", time.monotonic(), False
    try:
        for sentence, keep in promises(trial):
            began = time.monotonic()
            keep()
            rows.append((sentence, "kept", time.monotonic() - began))
            say(f"  ok  {rows[-1][2]:6.0f} s  {sentence}")
        kept = True
    except (Failed, BotoCoreError, ClientError) as error:
        rows.append((sentence, f"BROKEN: {error}", time.monotonic() - began))
        say(f"  BROKEN      {sentence}: {error}")
    except KeyboardInterrupt:
        rows.append((sentence, "interrupted", time.monotonic() - began))
        say(f"  interrupted {sentence}")
    finally:
        removed = clean_up(trial)
        write(trial, rows, removed=removed)
    return KEPT if kept and removed else BROKEN


def clean_up(trial: Trial) -> bool:
    """Remove everything; a second interruption is answered with how to go on."""
    try:
        remove_all(trial.account, say)
    except (Failed, BotoCoreError, ClientError, KeyboardInterrupt) as error:
        say(f"Not everything is removed ({error!r}): run the same command with CLEAN_UP=1.")
        return False
    say("Nothing is left.")
    return True


def write(trial: Trial, rows: list[tuple[str, str, float]], *, removed: bool) -> None:
    """The report, and what RDS has answered."""
    trial.account.recording.write(FOLDER)
    where = "the local AWS" if trial.account.endpoint else f"AWS, {trial.account.region}"
    lines = [
        "# Acceptance", "", f"On {where}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.", "",
        "| promise | result | seconds |", "|---|---|---|",
        *(f"| {sentence} | {result} | {seconds:.0f} |" for sentence, result, seconds in rows), "",
        "| question | answer |", "|---|---|",
        *(f"| {question} | {answer} |" for question, answer in trial.answers.items()), "",
        "Everything was removed." if removed else "NOT everything was removed.",
    ]  # fmt: skip
    (FOLDER / "report.md").write_text("\n".join(lines) + "\n")
    say(f"The report is acceptance/report.md, RDS's {len(trial.account.recording.answers)} answers"
        " are beside it, names and accounts replaced.")  # fmt: skip


def interrupted(number: int, frame: FrameType | None) -> None:
    """End as by Ctrl-C."""
    raise KeyboardInterrupt


def say(*lines: str) -> None:
    """Print at once: somebody watches, perhaps through a pipe."""
    for line in lines:
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
