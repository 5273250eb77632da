"""What RDS has answered, names and accounts replaced: answers.jsonl, and a case for each look."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Whose own an answer's ids are: each becomes one that is made of its hash.
IDS = re.compile(
    r"\b(?:(?:db|cluster)-[A-Z0-9]{26}|(?:vpc|subnet|sg|eni)-[0-9a-f]{8,17}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=\.)(?:cluster-(?:ro-)?)?c[a-z0-9]{11}(?=\.[a-z]{2}-)|Z[A-Z0-9]{12,21})"
)
KINDS = {"DBInstances": "instance", "DBClusters": "cluster",
         "DBSnapshots": "snapshot", "DBClusterSnapshots": "cluster-snapshot"}  # fmt: skip
STATUS = ("DBInstanceStatus", "Status")


@dataclass
class Recording:
    """All answers of RDS, in order."""

    # What is in the description of everything that a run makes.
    begins: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    _replaced: dict[str, str] = field(default_factory=dict)
    _asked: dict[str, Any] = field(default_factory=dict)

    def replace(self, text: str, by: str) -> None:
        """Let nobody read this text in what is written."""
        self._replaced[text] = by

    def listen(self, events: Any) -> None:
        """Record what a client's calls are answered from here on."""
        events.register("provide-client-params.rds", self._remember)
        events.register("after-call.rds", self._record)

    def _remember(self, params: dict[str, Any], **_: Any) -> None:
        self._asked = {name: value for name, value in params.items() if "Password" not in name}

    def _record(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        said = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        for listed in KINDS.keys() & said.keys():
            # Nothing of what the account holds besides.
            said[listed] = [one for one in said[listed] if self.begins in str(one)]
        self.answers.append({"operation": model.name, "asked": self._asked, **said})

    def write(self, folder: Path) -> None:
        """Write the answers, and of each look at a database a case as tests/cases has them."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [self._told(answer) for answer in self.answers]
        (folder / "answers.jsonl").write_text("".join(f"{line}\n" for line in lines))
        for answer in self.answers:
            for listed, kind in KINDS.items():
                for shown in answer.get(listed, []):
                    self._write_case(folder / "cases", kind, shown)

    def _write_case(self, folder: Path, kind: str, shown: dict[str, Any]) -> None:
        folder.mkdir(exist_ok=True)
        text = self._told({"kind": kind, "shown": shown}, indent=1)
        status = next((shown[name] for name in STATUS if name in shown), "unknown")
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        (folder / f"{kind}-{status}-{digest}.json").write_text(f"{text}\n")

    def _told(self, value: Any, indent: int | None = None) -> str:
        text = json.dumps(value, default=str, indent=indent, sort_keys=indent is not None)
        for own, by in self._replaced.items():
            text = text.replace(own, by)
        return IDS.sub(as_if, text)


def as_if(found: re.Match[str]) -> str:
    """Another id of the same form, always the same for the same one."""
    text = found[0]
    digest = hashlib.sha256(text.encode()).hexdigest() * 2
    drawn = iter(digest.upper() if text.upper() == text else digest)
    keep: Callable[[str], bool] = "-".__eq__
    head = re.match(r"(?:db|vpc|subnet|sg|eni|cluster(?:-ro)?)-|[cZ](?!.*-)", text)
    begin = head[0] if head else ""
    return begin + "".join(sign if keep(sign) else next(drawn) for sign in text[len(begin) :])
