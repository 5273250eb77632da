"""What a person reads at the end of a run: pure functions from what was seen to lines of text."""

from __future__ import annotations

import copy
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from local.emulator.cloud import Execution, Mail
    from local.emulator.rds import Rds

# What Describe shows and no call sets: it is another one in every database, or another one later.
DERIVED = {
    "instance": frozenset(
        {
            "ActivityStreamKinesisStreamName",
            "AutomaticRestartTime",
            "DBInstanceStatus",
            "DbiResourceId",
            "CertificateDetails.ValidTill",
            "Endpoint.HostedZoneId",
            "EnhancedMonitoringResourceArn",
            "InstanceCreateTime",
            "LatestRestorableTime",
            "ListenerEndpoint.HostedZoneId",
            "MasterUserSecret.SecretArn",
            "MasterUserSecret.SecretStatus",
            "PercentProgress",
            "SecondaryAvailabilityZone",
            "StatusInfos",
            "StorageOperationPercentProgress",
            "StorageOperationStatus",
        }
    ),
    "cluster": frozenset(
        {
            "ActivityStreamKinesisStreamName",
            "AutomaticRestartTime",
            "BacktrackConsumedChangeRecords",
            "Capacity",
            "CertificateDetails.ValidTill",
            "CloneGroupId",
            "ClusterCreateTime",
            "DbClusterResourceId",
            "EarliestBacktrackTime",
            "EarliestRestorableTime",
            "HostedZoneId",
            "IOOptimizedNextAllowedModificationTime",
            "LatestRestorableTime",
            "MasterUserSecret.SecretArn",
            "MasterUserSecret.SecretStatus",
            "PercentProgress",
            "Status",
            "StatusInfos",
        }
    ),
}
NAMES = {"snapshot": "DBSnapshot", "cluster-snapshot": "DBClusterSnapshot"}
HEADINGS = ("kind", "name", "status", "resource id", "data")
INDENT = "  "


@dataclass(frozen=True)
class Thing:
    """A database or snapshot as it stood at one moment; `shown` is what Describe said."""

    kind: str
    name: str
    status: str
    resource_id: str
    data: str
    shown: Mapping[str, Any]

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table shows of it, in the order of HEADINGS."""
        return (self.kind, self.name, self.status, self.resource_id, self.data)


Account = Mapping[tuple[str, str], Thing]  # by kind and name


def look(rds: Rds) -> Account:
    """Every database and snapshot as RDS shows it now."""
    shown: dict[str, dict[str, dict[str, Any]]] = {
        "cluster": rds.clusters,
        "instance": rds.instances,
        "snapshot": rds.snapshots,
        "cluster-snapshot": rds.cluster_snapshots,
    }
    return {
        (kind, name): _thing(kind, name, facts, rds.data(kind, name))
        for kind, things in shown.items()
        for name, facts in sorted(things.items())
    }


def _thing(kind: str, name: str, facts: Mapping[str, Any], data: str) -> Thing:
    status = facts["DBInstanceStatus" if kind == "instance" else "Status"]
    # Of a snapshot these name the database it was taken of.
    resource_id = facts.get("DbiResourceId") or facts.get("DbClusterResourceId") or ""
    return Thing(kind, name, status, resource_id, data, copy.deepcopy(dict(facts)))


def human(seconds: float) -> str:
    """A duration as people say it: 45s, 12m 05s, 1h 02m."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if whole >= 3600:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def sentence(cause: str) -> str:
    """The message in an error's cause, however deep in JSON it lies."""
    try:
        parsed = json.loads(cause)
    except ValueError:
        return " ".join(cause.split())
    if isinstance(parsed, dict):
        for key in ("errorMessage", "message", "Message"):
            if isinstance(parsed.get(key), str):
                return sentence(parsed[key])
    return cause


def outcome(execution: Execution, real_seconds: float) -> Iterator[Text]:
    """How the execution ended, with its error or its output, and what it took."""
    succeeded = execution.status == "SUCCEEDED"
    took = f"in {human(execution.stopped - execution.started)} of virtual time"
    yield Text.assemble(
        (execution.status, "bold green" if succeeded else "bold red"),
        (f": {execution.error}" if execution.error else "", "bold red"),
        f"  {took}, {real_seconds:.1f} s of real time",
    )
    if execution.cause:
        yield Text(INDENT + sentence(execution.cause))
    if execution.output is not None:
        yield from listed(execution.output)


def listed(value: Any, depth: int = 1) -> Iterator[Text]:
    """A JSON value as indented lines, a key each."""
    if not isinstance(value, dict):
        yield Text(INDENT * depth + said(value))
        return
    width = max(map(len, value), default=0)
    for key, item in value.items():
        parts = _parts(item)
        if parts:
            for part in parts:
                yield Text(INDENT * depth + key, "dim")
                yield from listed(part, depth + 1)
        else:
            yield Text.assemble((INDENT * depth + key.ljust(width) + "  ", "dim"), said(item))


def _parts(item: Any) -> list[dict[str, Any]]:
    """The objects that a value consists of and that need lines of their own."""
    items = item if isinstance(item, list) else [item]
    return [] if _pairs(item) else [one for one in items if isinstance(one, dict) and one]


def _pairs(item: Any) -> dict[str, str]:
    """Tags, as RDS lists them, by key."""
    if isinstance(item, list) and all(isinstance(one, dict) and "Key" in one for one in item):
        return {one["Key"]: one.get("Value", "") for one in item}
    return {}


def said(value: Any) -> str:
    """A value of an attribute in words."""
    if isinstance(value, str):
        return value
    if value is None or value in ([], {}):
        return "none"
    if pairs := _pairs(value):
        return ", ".join(f"{key}={text}" for key, text in pairs.items())
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, default=str)


def things(before: Account, after: Account, identifier: str) -> Iterator[Text]:
    """The databases and snapshots before (-) and after (+), one line where nothing changed.

    What neither changed nor belongs to `identifier` is only counted.
    """
    rows: list[tuple[str, Sequence[str]]] = [(" ", HEADINGS)]
    others = 0
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if changed(old, new):
            rows += [("-", old.cells)] if old else []
            rows += [("+", new.cells)] if new else []
        elif old and _belongs(old, identifier):
            rows.append((" ", old.cells))
        else:
            others += 1
    if len(rows) > 1:
        yield from aligned(rows)
    if others:
        more = "more, unchanged" if len(rows) > 1 else "databases and snapshots, all unchanged"
        yield Text(f"{INDENT}  {others} {more}", "dim")


def changed(old: Thing | None, new: Thing | None) -> bool:
    """Whether a name stands for something else than before, or for the same in another state."""
    if old is None or new is None:
        return old is not new
    taken = "SnapshotCreateTime"  # tells one snapshot from another of the same name
    return (old.cells, old.shown.get(taken)) != (new.cells, new.shown.get(taken))


def _belongs(thing: Thing, identifier: str) -> bool:
    names = (thing.name, thing.shown.get("DBClusterIdentifier", ""))
    return bool(identifier) and any(
        name == identifier or name.startswith(f"{identifier}-") for name in names
    )


STYLES = {"-": "red", "+": "green", " ": ""}


def aligned(rows: Iterable[tuple[str, Sequence[str]]]) -> Iterator[Text]:
    """Rows in columns, each under its mark; the first row is the headings'."""
    rows = list(rows)
    columns = zip(*(cells for _, cells in rows), strict=True)
    widths = [max(len(cell) for cell in column) for column in columns]
    for number, (mark, cells) in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield Text(f"{INDENT}{mark} {line}".rstrip(), STYLES[mark] if number else "dim")


def differences(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many attributes were compared, and those that differ, in words."""
    left, right = _comparable(kind, old), _comparable(kind, new)
    names = sorted({*left, *right})
    return len(names), [
        f"{name}: {said(left.get(name))} -> {said(right.get(name))}"
        for name in names
        if left.get(name) != right.get(name)
    ]


def _comparable(kind: str, shown: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The attributes without the derived ones, lists sorted, since AWS gives them in any order."""
    kept = {
        name: _comparable(kind, value, f"{name}.") if isinstance(value, dict) else _sorted(value)
        for name, value in shown.items()
        if prefix + name not in DERIVED[kind]
    }
    # Describe leaves out what is empty, or shows it empty; it means the same.
    return {name: value for name, value in kept.items() if value not in (None, [], {}, "")}


def _sorted(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return sorted(value, key=lambda one: json.dumps(one, sort_keys=True, default=str))


def configuration(before: Account, after: Account, identifier: str) -> Iterator[Text]:
    """Whose configuration the identifier has now, and for a cluster each of its members."""
    found = [key for key in before if _is_part(before[key], identifier)]
    for key in found:
        kind, name = key
        old, new = before[key], after.get(key)
        if new is None:
            yield Text(f"{INDENT}{kind} {name} is gone", "bold red")
            continue
        whose = "the original itself" if new.resource_id == old.resource_id else "restored"
        count, differing = differences(kind, old.shown, new.shown)
        same = f"{count - len(differing)} of {count}" if differing else f"all {count}"
        yield Text(
            f"{INDENT}{kind} {name} ({whose}): {same} attributes are as they were",
            "yellow" if differing else "green",
        )
        yield from (Text(INDENT * 2 + line, "yellow") for line in differing)


def _is_part(thing: Thing, identifier: str) -> bool:
    """Whether this is the database of that name, or a member of it."""
    if thing.kind not in DERIVED:
        return False
    return identifier in (thing.name, thing.shown.get("DBClusterIdentifier"))


def original_kept(before: Account, after: Account, kind: str, identifier: str) -> bool:
    """Whether the identifier still is what it was before the run."""
    old, new = before.get((kind, identifier)), after.get((kind, identifier))
    return bool(old and new and old.resource_id == new.resource_id)


def reachability(
    identifier: str, outages: Sequence[tuple[float, float]], reachable: bool, start: float
) -> Text:
    """How long, and when, clients could not reach the identifier since `start`."""
    down = [(max(begin, start) - start, end - start) for begin, end in outages if end > start]
    if not down and reachable:
        return Text(f"{INDENT}{identifier} was reachable all the time", "green")
    if not reachable and all(begin == 0 for begin, _ in down):
        return Text(f"{INDENT}{identifier} was not reachable before, and is not now", "dim")
    total = human(sum(end - begin for begin, end in down))
    when = ", ".join(f"+{human(begin)} to +{human(end)}" for begin, end in down)
    still = "" if reachable else ", and still is"
    return Text(f"{INDENT}{identifier} was unreachable for {total}{still} ({when})", "yellow")


def letter(mail: Mail, width: int | None) -> Iterator[Text]:
    """A mail as its reader sees it; `width` is where its sentences wrap, None for nowhere."""
    for name, value in (
        ("From", mail.sender),
        ("To", ", ".join(mail.recipients)),
        ("Subject", mail.subject),
    ):
        yield Text.assemble((f"{INDENT}{name + ':':9}", "dim"), (value, "bold"))
    yield Text()
    for line in mail.text.rstrip().splitlines():
        # An indented line is a command, to be copied whole.
        wraps = width is not None and line and not line.startswith(" ")
        for part in textwrap.wrap(line, max((width or 0) - 4, 40)) if wraps else [line]:
            yield Text(f"{INDENT}{part}".rstrip())
