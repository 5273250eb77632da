"""What a person reads at the end of a run: pure functions from what was seen to lines of text."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
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
HEADINGS = ("kind", "name", "status", "id", "data")
INDENT = "  "
# A last column narrower than this is no column any more.
NARROW = 12
# What a shell takes as one word, quotes and all.
SHELL_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\S)+""")
PLAIN = Console(color_system=None)


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
        begins = self.resource_id.rpartition("-")[2][:6]
        kind = self.kind.removeprefix("cluster-")
        return (kind, self.name, self.status, begins and f"{begins}…", self.data)


Account = Mapping[tuple[str, str], Thing]  # by kind and name


@dataclass(frozen=True)
class Run:
    """What was asked for, how it ended, and the account before and after."""

    request: Any
    execution: Execution
    before: Account
    after: Account
    # Of the databases that have real data, marked as `aligned` takes them.
    rows: Sequence[tuple[str, Sequence[str]]] = ()

    @property
    def asked(self) -> tuple[str, str]:
        """The kind and the name of the database that the request is about."""
        request = self.request if isinstance(self.request, dict) else {}
        kind = "cluster" if request.get("isCluster") is True else "instance"
        return kind, str(request.get("identifier", "")).lower()

    @property
    def output(self) -> dict[str, Any]:
        """What the execution has answered."""
        output = self.execution.output
        return output if isinstance(output, dict) else {}

    @property
    def findings(self) -> list[dict[str, str]]:
        """What a dry run has found that speaks against the task."""
        return list(self.output.get("findings") or ()) if "plan" in self.output else []

    @property
    def is_good(self) -> bool:
        """Whether the execution did what was asked, or a dry run would."""
        return self.execution.status == "SUCCEEDED" and not self.findings

    @property
    def has_changed(self) -> bool:
        """Whether any database or snapshot is another than before."""
        return any(
            changed(self.before.get(key), self.after.get(key))
            for key in {*self.before, *self.after}
        )


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


def fitted(line: Text, width: int | None, hang: int | None = None) -> Iterator[Text]:
    """The line in as many as it takes, None being endless; the rest hangs under its last column."""
    plain = line.plain.rstrip()
    if width is None or len(plain) <= width:
        yield line
        return
    if hang is None:
        gaps = [gap.end() for gap in re.finditer(" {2,}", plain) if gap.end() <= width // 2]
        hang = gaps[-1] if gaps else len(INDENT)
    lead, rest = line[:hang], line[hang:]
    for part in rest.wrap(PLAIN, max(width - hang, NARROW), overflow="fold"):
        part.rstrip()
        yield Text.assemble(lead, part)
        lead = Text(" " * hang)


def outcome(run: Run, reached: Text | None, real_seconds: float) -> Iterator[Text]:
    """How the execution ended in one line, then what stands, and what it took."""
    execution = run.execution
    yield headline(run)
    if execution.cause:
        yield Text(INDENT + sentence(execution.cause))
    for finding in run.findings:
        yield Text.assemble(INDENT, (f"{finding['error']}: ", "yellow"), finding["message"])
    if not run.has_changed:
        yield Text(f"{INDENT}No database or snapshot was touched", "green")
    elif reached:
        yield reached
    took = human(execution.stopped - execution.started)
    yield Text(
        f"{INDENT}It took {took} of virtual time, {real_seconds:.1f} s on this machine", "dim"
    )


def headline(run: Run) -> Text:
    """What has become of the database, in a line."""
    output, execution = run.output, run.execution
    name = output.get("identifier", run.asked[1])
    if execution.status != "SUCCEEDED":
        ended = " ".join(filter(None, (execution.status, name)))
        return Text(ended + (f": {execution.error}" if execution.error else ""), "bold red")
    if count := len(run.findings):
        return Text(f"WOULD BE REFUSED: {count} finding" + "s" * (count > 1), "bold yellow")
    data = f", data as of {moment(output['dataAsOf'])}" if output.get("dataAsOf") else ""
    ended = "SUCCEEDED"
    if "plan" in output:
        ended = "WOULD GO AHEAD: nothing speaks against it"
    elif "leftovers" in output:
        things_left = len(output["leftovers"]) + output["leftOut"]
        ended = f"INSPECTED: {things_left} left over, {len(output['locks'])} locked"
    elif "requests" in output:
        ended = f"RESTORED {output['restored']} of {output['requests']}"
    elif "restoredFrom" in output:
        target = f" as {output['target']}" if "target" in output else ""
        ended = f"RESTORED {name}{target} from {output['restoredFrom']}{data}"
    elif "snapshot" in output:
        ended = f"SNAPSHOT TAKEN of {name}: {output['snapshot']}{data}"
    return Text(ended, "bold green")


def moment(text: str) -> str:
    """A moment as the app writes it, for people."""
    return text[:19].replace("T", " ") + " UTC"


def details(run: Run, mails: Sequence[Mail], width: int | None) -> Iterator[Text]:
    """What the run has changed, what it has answered, and the mails it sent, under headings."""
    _, identifier = run.asked
    rest = {key: value for key, value in run.output.items() if key not in TOLD_ELSEWHERE}
    plan = run.output.get("plan")
    sections = {
        "Customers": aligned(run.rows, width) if run.rows else (),
        "Databases and snapshots": things(run.before, run.after, identifier, width),
        "Configuration": [
            *(configuration(run.before, run.after, identifier) if run.has_changed else ()),
            *own_report(run.output.get("report")),
        ],
        "What is left": left(run.output, width),
        "Output": listed(rest) if rest else [],
        "Plan": listed(plan) if plan else [],
    }
    for number, mail in enumerate(mails, 1):
        sections[f"Mail {number} of {len(mails)}"] = letter(mail, width)
    for heading, lines in sections.items():
        if told := list(lines):
            yield from (Text(), Text(heading, "bold"), *told)


TOLD_ELSEWHERE = {"plan", "findings", "report", "locks", "leftovers"}


def left(output: Mapping[str, Any], width: int | None) -> Iterator[Text]:
    """What an inspection has found: each lock, database and snapshot with its command."""
    for one in [*output.get("locks", ()), *output.get("leftovers", ())]:
        command = one["command"]
        said_of = {key: value for key, value in one.items() if value and key != "command"}
        name = said_of.pop("name", "") or f"lock of {said_of.pop('database')}"
        yield from (Text(), Text(INDENT + name, "bold"), *listed(said_of, 2))
        if command:
            yield from map(Text, continued(INDENT * 2 + command, width))


def own_report(report: Mapping[str, Any] | None) -> Iterator[Text]:
    """What the app itself says about the configuration, and why not all of it can be kept."""
    if not report:
        return
    lost, other = report["cannotKeep"], report["differs"]
    yield Text(
        f"{INDENT}The app's own count of the settings that it carries over: {report['kept']} kept,"
        f" {len(other)} different, {len(lost)} that no restore can keep"
    )
    yield from listed([*lost, *other], 2)


def listed(value: Any, depth: int = 1) -> Iterator[Text]:
    """A JSON value as indented lines, a key each."""
    if _is_table(value):
        for entry in value:
            yield from _entry(entry, INDENT * depth)
        return
    if not isinstance(value, dict):
        yield Text(INDENT * depth + said(value))
        return
    width = max(map(len, value), default=0)
    for key, item in value.items():
        parts = [item] if _is_table(item) else _parts(item)
        if parts:
            for part in parts:
                yield Text(INDENT * depth + key, "dim")
                yield from listed(part, depth + 1)
        else:
            yield Text.assemble((INDENT * depth + key.ljust(width) + "  ", "dim"), said(item))


def _is_entry(item: Any) -> bool:
    """Whether this is a row about an attribute, as plans and reports have them."""
    return isinstance(item, dict) and "attribute" in item


def _is_table(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and all(_is_entry(one) for one in item)


def _entry(entry: dict[str, Any], indent: str) -> Iterator[Text]:
    """What has become of an attribute, and why."""
    if "why" in entry:
        yield Text(f"{indent}{entry['attribute']}: {entry['why']}")
        return
    values = " -> ".join(said(entry[key]) for key in ("was", "now") if key in entry)
    yield Text(f"{indent}{entry['attribute']}: {values}, {entry.get('done', '')}".rstrip(", "))


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


def things(
    before: Account, after: Account, identifier: str, width: int | None = None
) -> Iterator[Text]:
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
        yield from aligned(rows, width)
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


def aligned(rows: Iterable[tuple[str, Sequence[str]]], width: int | None) -> Iterator[Text]:
    """Rows in columns, each under its mark; the first row is the headings', the last column wraps.

    width: of the lines, None for endless.
    """
    rows = list(rows)
    columns = zip(*(cells for _, cells in rows), strict=True)
    widths = [max(len(cell) for cell in column) for column in columns]
    last = len(INDENT) + sum(2 + each for each in widths[:-1]) + 2
    hang = last if width is not None and width - last >= NARROW else None
    for number, (mark, cells) in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        style = STYLES[mark] if number else "dim"
        yield from fitted(Text(f"{INDENT}{mark} {line}".rstrip(), style), width, hang)


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
        same = f"{count - len(differing)} of the {count}" if differing else f"all {count}"
        yield Text(
            f"{INDENT}{kind} {name} ({whose}): {same} attributes that can be kept are as they were",
            "yellow" if differing else "green",
        )
        yield from (Text(INDENT * 2 + line, "yellow") for line in differing)


def _is_part(thing: Thing, identifier: str) -> bool:
    """Whether this is the database of that name, or a member of it."""
    if thing.kind not in DERIVED:
        return False
    return identifier in (thing.name, thing.shown.get("DBClusterIdentifier"))


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
    """A mail as its reader sees it; `width` is where it wraps, None for nowhere."""
    for name, value in (
        ("From", mail.sender),
        ("To", ", ".join(mail.recipients)),
        ("Subject", mail.subject),
    ):
        yield Text.assemble((f"{INDENT}{name + ':':9}", "dim"), (value, "bold"))
    yield Text()
    for line in mail.text.rstrip().splitlines():
        # An indented line is a command, to be copied whole; what goes on begins with one blank.
        parts = continued(line, width) if line.startswith(INDENT) else [line]
        yield from (Text(f"{INDENT}{part}".rstrip()) for part in parts)


def continued(command: str, width: int | None) -> list[str]:
    """A command in lines that a shell joins again; what it takes as one word stays whole."""
    indent = command[: len(command) - len(command.lstrip())]
    room = None if width is None else width - len(INDENT) - len(" \\")
    lines = [""]
    for word in SHELL_WORD.findall(command):
        start = indent if len(lines) == 1 else indent + INDENT * 2
        longer = f"{lines[-1]} {word}" if lines[-1] else start + word
        if room is None or len(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(indent + INDENT * 2 + word)
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
