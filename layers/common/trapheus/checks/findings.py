"""What a preflight has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trapheus.execution.exceptions import TrapheusError


class Findings:
    """Everything that speaks against an execution; the first names its error.

    `warnings` refuse nothing: they tell what a restore cannot keep. `waits` are what ends by itself
    and is waited for.
    """

    def __init__(self) -> None:
        self.all: list[tuple[type[TrapheusError], str]] = []
        self.warnings: list[str] = []
        self.waits: list[str] = []

    def add(self, error: type[TrapheusError], sentence: str) -> None:
        """Note one finding: its error, and one sentence with what to do about it."""
        self.all.append((error, sentence))

    def warn(self, sentence: str) -> None:
        """Note what a restore cannot keep: one sentence with what to do about it."""
        self.warnings.append(sentence)

    def wait(self, sentence: str) -> None:
        """Note what ends by itself: one sentence that says what to do if it does not."""
        self.waits.append(sentence)

    def report(self) -> list[dict[str, str]]:
        """The findings as a dry run shows them."""
        return [{"error": error.__name__, "message": sentence} for error, sentence in self.all]

    def raise_first(self, identifier: str) -> None:
        """Refuse with the first finding's error and every finding's sentence, if there is one."""
        if self.all:
            sentences = " ".join(sentence for _, sentence in self.all)
            raise self.all[0][0](sentences, identifier=identifier, step="check")
