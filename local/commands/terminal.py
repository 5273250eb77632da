"""What a person sees of a run while it goes on: the states, and what RDS says meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from local.commands.report import fitted, human, sentence

if TYPE_CHECKING:
    from local.emulator.cloud import Notice
    from local.emulator.rds import Change

TIME_WIDTH = 10
NAME_WIDTH = 28
BUSY = "StillInProgress"
WAITING = "waiting for RDS:"
GOOD = {"available", "storage-optimization", "COMPLETE"}
BAD = ("incompatible-", "inaccessible-", "failed", "restore-", "FAILED", "CANCELED")
# What a reader follows is the phases and their steps; the rest decides and takes notes.
STYLES = {
    "Parallel": "bold",
    "Map": "bold",
    "Succeed": "green",
    "Fail": "red",
    "Choice": "dim",
    "Pass": "dim",
    "Wait": "dim",
}


def of(execution: str) -> str:
    """What stands before the states of another execution than the first: what that one does."""
    machine, name = execution.split(":")[-2:]
    if "/" in machine:
        return "fleet │ "  # one of a Map's
    for word in ("Export", "Hooks"):
        if f"-{word}StateMachine-" in machine:
            return f"{word.lower()} │ "
    return f"{name.rpartition('-')[0]} │ "


class Screen(Console):
    """A console that falls silent when its reader has gone, as after `| head`.

    rich would end the thread that prints, which is one of the machine's, and the run would hang.
    """

    @property
    def columns(self) -> int | None:
        """How long a line may be; None where nobody has said it, as in a file."""
        return self.width if self.is_terminal or "COLUMNS" in os.environ else None

    def tell(self, *lines: Text | str, style: str = "") -> None:
        """Print lines, each in as many as it takes."""
        for line in lines:
            text = Text(line, style) if isinstance(line, str) else line
            for part in fitted(text, self.columns):
                self.print(part, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Print no more, and let the run go on to its exit code."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


@dataclass
class Entered:
    """A state that has been entered and not left yet."""

    name: str
    since: float
    retries: dict[str, int] = field(default_factory=dict)
    failure: dict[str, str] | None = None


class Terminal:
    """A listener for a Cloud's notices that prints them, each with the virtual time passed.

    States are nested in the order they were entered: a Parallel has one branch in this app.
    `settle` lets RDS tell what is due, so that its changes come in their place among the states.
    `styles` has a style for the names of states.
    """

    def __init__(
        self,
        console: Screen,
        now: Callable[[], float],
        settle: Callable[[], None],
        styles: Mapping[str, str] | None = None,
    ) -> None:
        self._console = console
        self._styles = styles or {}
        self._now = now
        self._settle = settle
        self._start = now()
        self._entered: dict[str, list[Entered]] = {}
        self._first = ""
        self._live = Live(
            console=console,
            get_renderable=self._status_line,
            refresh_per_second=10,
            transient=True,
        )
        self._tell: dict[str, Callable[[Notice], None]] = {
            "state entered": self._state_entered,
            "state exited": self._state_exited,
            "state failed": self._state_failed,
            "state retried": self._state_retried,
            "execution ended": self._execution_ended,
            "database": self._database_changed,
            "mail": self._mail_sent,
        }

    def __enter__(self) -> Terminal:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, notice: Notice) -> None:
        """Print the notice, if it is one for people."""
        tell = self._tell.get(notice.kind)
        if tell is None:
            return
        self._first = self._first or notice.execution
        if notice.kind != "database":
            self._settle()
        tell(notice)

    def _state_entered(self, notice: Notice) -> None:
        entered = self._give_up(notice)
        self._line(notice, len(entered), Text(notice.name, self._styles.get(notice.name, "")))
        entered.append(Entered(notice.name, notice.time))

    def _state_exited(self, notice: Notice) -> None:
        entered = self._give_up(notice)
        # A state that failed inside a Parallel is never told as left: the Parallel's end is its.
        while entered and (left := entered.pop()):
            self._sum_up_retries(notice, len(entered), left)
            if left.name == notice.name:
                break

    def _state_failed(self, notice: Notice) -> None:
        entered = self._entered.setdefault(notice.execution, [])
        # The failure of a state fails the Parallel around it as well: tell the first only.
        if any(state.failure for state in entered):
            return
        for state in entered:
            if state.name == notice.name:
                state.failure = dict(notice.detail or {})

    def _state_retried(self, notice: Notice) -> None:
        for state in self._entered.get(notice.execution, []):
            if state.name == notice.name:
                error = (state.failure or {}).get("error", "an error")
                state.failure = None
                state.retries[error] = state.retries.get(error, 0) + 1

    def _execution_ended(self, notice: Notice) -> None:
        self._give_up(notice)
        self._entered.pop(notice.execution, None)

    def _give_up(self, notice: Notice) -> list[Entered]:
        """Tell a failure that, as this notice shows, was not tried again."""
        entered = self._entered.setdefault(notice.execution, [])
        for depth, state in enumerate(entered):
            if state.failure is None:
                continue
            self._sum_up_retries(notice, depth, state)
            error = state.failure.get("error") or "an error"
            cause = sentence(state.failure.get("cause", ""))
            text = Text.assemble((f"failed with {error}: ", "bold red"), (cause, "red"))
            self._line(notice, depth + 1, text)
            del entered[depth:]
            break
        return entered

    def _sum_up_retries(self, notice: Notice, depth: int, state: Entered) -> None:
        said = [
            f"{WAITING} {human(notice.time - state.since)}"
            if error == BUSY
            else f"tried again after {error}" + (f", {times} times" if times > 1 else "")
            for error, times in state.retries.items()
        ]
        if said:
            self._line(notice, depth + 1, Text("; ".join(said), "dim"))
        state.retries = {}

    def _database_changed(self, notice: Notice) -> None:
        change: Change = notice.detail
        depth = len(self._entered.get(self._first, []))
        text = Text.assemble("  ", (change.name.ljust(NAME_WIDTH) + " ", "cyan"), _change(change))
        self._line(notice, depth, text)

    def _mail_sent(self, notice: Notice) -> None:
        depth = len(self._entered.get(self._first, []))
        recipients = ", ".join(notice.detail.recipients)
        self._line(notice, depth, Text(f"  mail to {recipients}: {notice.name}", "magenta"))

    def _line(self, notice: Notice, depth: int, text: Text) -> None:
        passed = f"+{human(notice.time - self._start)}".ljust(TIME_WIDTH)
        whose = of(notice.execution) if notice.execution not in ("", self._first) else ""
        lead = Text.assemble((passed, "dim"), " ", (whose, "blue"), "  " * depth)
        for line in fitted(Text.assemble(lead, text), self._console.columns, len(lead)):
            self._console.print(line, soft_wrap=True)

    def _status_line(self) -> Text:
        entered = list(self._entered.get(self._first, []))  # another thread changes it
        if not entered:
            return Text()
        state = entered[-1]
        passed = f"+{human(self._now() - self._start)}".ljust(TIME_WIDTH)
        waiting = f"{WAITING} " if BUSY in state.retries else ""
        since = human(self._now() - state.since)
        said = f"{passed} {state.name}, {waiting}{since} ..."
        return Text(said, "dim", no_wrap=True, overflow="ellipsis")


def styles(definitions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A style for the name of each state of some machines, by what it does."""
    return {
        name: "dim" if _takes_notes(state) else STYLES.get(state["Type"], "")
        for definition in definitions
        for name, state in _states(definition)
    }


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        inside = [*state.get("Branches", []), state.get("ItemProcessor"), state.get("Iterator")]
        for inner in filter(None, inside):
            yield from _states(inner)


def _takes_notes(state: Mapping[str, Any]) -> bool:
    return ":dynamodb:" in state.get("Resource", "")


def _change(change: Any) -> Text:
    if change.after.startswith("renamed"):
        return Text(change.after, "yellow")
    style = "yellow"
    if change.after in GOOD:
        style = "green"
    elif change.after.startswith(BAD):
        style = "bold red"
    return Text.assemble((f"{change.before or 'new'} -> ", "dim"), (change.after, style))
