"""What a person sees of a local run, and the exit codes of `python -m local run`."""

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from local.commands import report
from local.commands.terminal import Screen, Terminal, styles
from local.emulator.cloud import Execution, Mail, Notice
from local.emulator.rds import Change

ROOT = Path(__file__).parents[2]
SHOWN = {
    "DBInstanceIdentifier": "shop",
    "DBInstanceStatus": "available",
    "DbiResourceId": "db-OLD",
    "InstanceCreateTime": "then",
    "Port": 5433,
    "Endpoint": {"Address": "shop.here", "Port": 5433, "HostedZoneId": "Z1"},
    "TagList": [{"Key": "team", "Value": "a"}, {"Key": "env", "Value": "b"}],
    "EnabledCloudwatchLogsExports": [],
}


def local(*arguments, columns=None):
    forgotten = ("FORCE_COLOR", "COLUMNS")
    environment = {key: text for key, text in os.environ.items() if key not in forgotten}
    environment |= {"COLUMNS": str(columns)} if columns else {}
    return subprocess.run(
        [sys.executable, "-m", "local", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def thing(
    kind="instance", name="shop", resource_id="db-OLD", data="old", status="available", **more
):
    return report.Thing(kind, name, status, resource_id, data, {**SHOWN, **more})


def account(*things):
    return {(one.kind, one.name): one for one in things}


def plain(lines):
    return [line.plain.rstrip() for line in lines]


class Watch:
    """A Terminal over a made-up run, and what it has printed."""

    def __init__(self, terminal=False, width=100):
        self.time = 1000.0
        self.file = io.StringIO()
        console = Screen(
            file=self.file, force_terminal=terminal, highlight=False, width=width, _environ={}
        )
        self.terminal = Terminal(console, lambda: self.time, self.settle, {"Choose": "dim"})
        self.due = []

    def settle(self):
        due, self.due = self.due, []
        for change in due:
            self.terminal(Notice(change.time, "database", change.name, detail=change))

    def tell(self, after, kind, name, detail=None, execution="arn"):
        self.time = 1000.0 + after
        self.terminal(Notice(self.time, kind, name, execution, detail))

    @property
    def lines(self):
        return [line.rstrip() for line in self.file.getvalue().splitlines()]


@pytest.fixture
def watch(monkeypatch):
    # A shell may have it, and pytest's workers do.
    monkeypatch.delenv("COLUMNS", raising=False)
    return Watch()


@pytest.fixture
def no_file(tmp_path):
    return tmp_path / "nowhere.json"


def test_without_a_command_it_shows_its_help():
    shown = local()
    assert shown.returncode == 0
    assert "run" in shown.stdout
    assert "Traceback" not in shown.stderr


def test_a_missing_event_ends_in_2_and_one_sentence(no_file):
    ended = local("run", no_file)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert str(no_file) in ended.stderr


def test_a_folder_is_no_event(tmp_path):
    ended = local("run", tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"{", b"identifier: prod-db", b"\xff\xfe{}"])
def test_an_event_that_is_no_json_ends_in_2_and_one_sentence(tmp_path, content):
    event = tmp_path / "event.json"
    event.write_bytes(content)
    ended = local("run", event)
    assert ended.returncode == 2
    assert (ended.stdout, ended.stderr.count("\n")) == ("", 1)
    assert "no JSON" in ended.stderr


def test_a_piped_run_that_fails_ends_in_1_and_is_plain_text():
    ended = local("run", "events/failing/instance_protected.json")
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr == ""
    assert "\x1b" not in ended.stdout
    assert "FAILED protected-db: DatabaseProtected" in ended.stdout
    assert "No database or snapshot was touched" in ended.stdout
    assert "To:      dba@example.com" in ended.stdout


def test_a_run_says_that_it_starts_before_it_imports_what_takes_seconds():
    code = """
import sys
from local.commands import command_line as command
command.import_moto = lambda: sys.exit(str(sorted({"boto3", "moto", "yaml"} & set(sys.modules))))
command.main(["run", "events/dry_run.json"])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "Starting an AWS on this machine for events/dry_run.json ...\n"
    assert ended.stderr == "[]\n"


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        pytest.param(
            {"identifier": "prod-db", "task": "db_restore"},
            0,
            "WOULD GO AHEAD",
            marks=pytest.mark.thorough,
        ),
        ({"identifier": "protected-db", "task": "db_restore"}, 1, "WOULD BE REFUSED: 1 finding"),
    ],
)
def test_a_dry_run_with_findings_does_not_look_like_a_success(tmp_path, request_, code, said):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({**request_, "isCluster": False, "dryRun": True}))
    ended = local("run", event, columns=80)
    assert ended.returncode == code, ended.stderr
    assert f"\n{said}" in ended.stdout
    assert "No database or snapshot was touched" in ended.stdout
    assert "SUCCEEDED" not in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80


def test_states_inside_a_parallel_are_indented_and_all_have_the_time_passed(watch):
    watch.tell(0, "state entered", "Prepare")
    watch.tell(1, "state entered", "Check")
    watch.tell(2, "state exited", "Check")
    watch.tell(2, "state exited", "Prepare")
    watch.tell(725, "state entered", "Done")
    assert watch.lines == ["+0s        Prepare", "+1s          Check", "+12m 05s   Done"]


@pytest.mark.parametrize("machine", ["Export", "Hooks"])
def test_an_export_and_the_hooks_are_told_apart_and_the_restore_keeps_its_depth(watch, machine):
    watch.tell(0, "state entered", "Prepare")
    beside = f"arn:aws:states:us-east-1:1:execution:trapheus-{machine}StateMachine-1:run"
    watch.tell(1, "state entered", "Begin", execution=beside)
    watch.tell(2, "state entered", "Check")
    assert watch.lines == [
        "+0s        Prepare",
        f"+1s        {machine.lower()} │ Begin",
        "+2s          Check",
    ]


def test_the_restores_of_a_fleet_are_told_apart_by_their_databases(watch):
    watch.tell(0, "state entered", "Restore each")
    machines = "arn:aws:states:us-east-1:1:execution:trapheus-"
    watch.tell(1, "state entered", "Find", execution=f"{machines}FleetStateMachine-1/Restore:a")
    one = f"{machines}DBRestoreStateMachine-1:prod-db-5f3c"
    watch.tell(2, "state entered", "Prepare", execution=one)
    assert watch.lines[1:] == ["+1s        fleet │ Find", "+2s        prod-db │ Prepare"]


def test_retries_while_rds_is_busy_are_one_line_with_the_time_waited(watch):
    watch.tell(0, "state entered", "Wait")
    for number, after in enumerate((60, 120, 180), 1):
        watch.tell(after, "state failed", "Wait", {"error": "StillInProgress", "cause": "{}"})
        watch.tell(after + 15, "state retried", "Wait", number)
    watch.tell(200, "state exited", "Wait")
    assert watch.lines == ["+0s        Wait", "+3m 20s      waiting for RDS: 3m 20s"]


def test_other_retries_name_their_error(watch):
    watch.tell(0, "state entered", "Ask")
    for number in (1, 2):
        watch.tell(number, "state failed", "Ask", {"error": "Throttled", "cause": ""})
        watch.tell(number, "state retried", "Ask", number)
    watch.tell(5, "state exited", "Ask")
    assert watch.lines[1:] == ["+5s          tried again after Throttled, 2 times"]


def test_a_failure_is_told_once_and_where_it_happened(watch):
    failure = {
        "error": "RestoreFailed",
        "cause": json.dumps({"errorMessage": json.dumps({"message": "it is broken"})}),
    }
    watch.tell(0, "state entered", "Replace")
    watch.tell(1, "state entered", "Restore")
    watch.tell(2, "state failed", "Restore", failure)
    watch.tell(2, "state failed", "Replace", failure)
    watch.tell(2, "state exited", "Replace")
    watch.tell(3, "state entered", "Roll back")
    assert watch.lines[2:] == [
        "+2s            failed with RestoreFailed: it is broken",
        "+3s        Roll back",
    ]


def test_a_failure_that_ends_the_execution_is_told(watch):
    watch.tell(0, "state entered", "Choose")
    watch.tell(0, "state failed", "Choose", {"error": "States.Runtime", "cause": "no such path"})
    watch.tell(0, "execution ended", "machine", "FAILED")
    assert watch.lines[1:] == ["+0s          failed with States.Runtime: no such path"]


def test_what_rds_did_meanwhile_comes_before_the_next_state(watch):
    watch.tell(0, "state entered", "Wait")
    watch.due = [
        Change(1010.0, "instance", "shop", "db-OLD", "available", "renaming"),
        Change(1020.0, "instance", "shop-temp", "db-OLD", "renaming", "renamed from shop"),
        Change(1030.0, "instance", "shop", "db-NEW", "", "creating"),
        Change(1040.0, "instance", "shop-temp", "db-OLD", "deleting", "gone"),
    ]
    watch.tell(60, "state entered", "Next")
    words = [" ".join(line.split()) for line in watch.lines]
    assert words == [
        "+0s Wait",
        "+10s shop available -> renaming",
        "+20s shop-temp renamed from shop",
        "+30s shop new -> creating",
        "+40s shop-temp deleting -> gone",
        "+1m 00s Next",
    ]


def test_a_terminal_says_that_a_step_waits_for_rds():
    watch = Watch(terminal=True)
    watch.tell(0, "state entered", "Wait until it is restored")
    watch.tell(60, "state failed", "Wait until it is restored", {"error": "StillInProgress"})
    watch.tell(75, "state retried", "Wait until it is restored", 1)
    assert watch.terminal._status_line().plain == (
        "+1m 15s    Wait until it is restored, waiting for RDS: 1m 15s ..."
    )


def test_what_only_decides_or_takes_notes_is_dimmed():
    inside = {"States": {"Restore": {"Type": "Task", "Resource": "${Restore}"}}}
    definition = {
        "States": {
            "Replace": {"Type": "Parallel", "Branches": [inside]},
            "Each": {"Type": "Map", "ItemProcessor": {"States": {"One": {"Type": "Task"}}}},
            "Which?": {"Type": "Choice"},
            "Keep it": {"Type": "Pass"},
            "Release": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem"},
        }
    }
    assert styles([definition]) == {
        "Replace": "bold",
        "Restore": "",
        "Each": "bold",
        "One": "",
        "Which?": "dim",
        "Keep it": "dim",
        "Release": "dim",
    }
    shown = Watch(terminal=True)
    shown.tell(0, "state entered", "Choose")
    shown.tell(0, "state entered", "Restore")
    first, second = shown.file.getvalue().splitlines()
    assert "\x1b[2mChoose" in first
    assert "Restore" in second.rpartition("m")[2]


@pytest.mark.parametrize("width", [80, 60])
def test_no_line_is_longer_than_the_terminal_is_wide(width):
    watch = Watch(terminal=True, width=width)
    arn = "arn:aws:states:us-east-1:123456789012:execution:" + "x" * 70
    watch.tell(0, "state entered", "Check")
    watch.tell(0, "state failed", "Check", {"error": "Wrong", "cause": f"{arn} is {'so ' * 40}"})
    watch.tell(0, "execution ended", "machine", "FAILED")
    screen = watch.terminal._console
    screen.tell(*report.listed({"plan": {"execution": arn, "restore": {"Parameter": arn}}}))
    rows = [(" ", report.HEADINGS), ("-", thing(name="n" * 50, data="written " * 9).cells)]
    screen.tell(*report.aligned(rows, screen.columns))
    lines = [Text.from_ansi(line).plain for line in watch.lines]
    assert max(map(len, lines)) <= width
    assert arn in "".join(line.strip() for line in lines)
    # What is continued stands under what it continues.
    assert all(line.startswith(" " * 13) for line in lines[2:4])


def test_a_long_line_is_neither_cut_nor_wrapped_in_a_file(watch):
    cause = "word " * 60
    watch.tell(0, "state entered", "Check")
    watch.tell(0, "state failed", "Check", {"error": "Wrong", "cause": cause})
    watch.tell(0, "execution ended", "machine", "FAILED")
    assert watch.lines[-1].endswith(cause.strip())


def test_colours_are_for_terminals_only(watch):
    shown = Watch(terminal=True)
    for one in (watch, shown):
        one.tell(0, "state entered", "Check")
    assert "\x1b" in shown.file.getvalue()
    assert "\x1b" not in watch.file.getvalue()


def test_a_reader_that_has_gone_does_not_end_the_run():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        screen = Screen(file=file)
        screen.print("nobody reads this")
        screen.print("nor this")
    assert screen.quiet


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (45.2, "45s"), (59.7, "1m 00s"), (725, "12m 05s"), (3720, "1h 02m")],
)
def test_times_are_told_as_people_tell_them(seconds, said):
    assert report.human(seconds) == said


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("RestoreFailed: plain words", "RestoreFailed: plain words"),
        ('{"errorMessage": "{\\"message\\": \\"deep\\"}", "errorType": "X"}', "deep"),
        ('{"other": 1}', '{"other": 1}'),
        ("", ""),
    ],
)
def test_a_cause_is_told_as_a_sentence(cause, said):
    assert report.sentence(cause) == said


def run(output=None, *, status="SUCCEEDED", error="", cause="", after=None, kind="instance"):
    """A Run about shop that took 725 seconds."""
    execution = Execution("arn", status, error, cause, output, 0.0, 725.0, [])
    request = {"identifier": "shop", "isCluster": kind == "cluster"}
    before = account(thing(kind))
    return report.Run(request, execution, before, before if after is None else after)


def test_a_failure_begins_with_its_error_and_what_stands():
    failed = run(
        status="FAILED",
        error="RenameFailed",
        cause="It stayed.",
        after=account(thing(data="new")),
    )
    assert plain(report.outcome(failed, Text("  shop was unreachable for 9s"), 3.21)) == [
        "FAILED shop: RenameFailed",
        "  It stayed.",
        "  shop was unreachable for 9s",
        "  It took 12m 05s of virtual time, 3.2 s on this machine",
    ]
    assert not failed.is_good


DATA = "2026-03-02T09:05:36.533000+00:00"
SAID = "data as of 2026-03-02 09:05:36 UTC"


@pytest.mark.parametrize("kind", ["instance", "cluster"])
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"identifier": "shop", "restoredFrom": "shop-snapshot", "dataAsOf": DATA},
         f"RESTORED shop from shop-snapshot, {SAID}"),
        ({"identifier": "shop", "target": "drill", "restoredFrom": "s", "dataAsOf": DATA},
         f"RESTORED shop as drill from s, {SAID}"),
        ({"identifier": "shop", "snapshot": "shop-snapshot", "dataAsOf": DATA},
         f"SNAPSHOT TAKEN of shop: shop-snapshot, {SAID}"),
        ({"plan": {}, "findings": []}, "WOULD GO AHEAD: nothing speaks against it"),
        ({}, "SUCCEEDED"),
    ],
)  # fmt: skip
def test_a_success_begins_with_what_has_become_of_the_database(kind, output, said):
    good = run(output, kind=kind)
    assert report.headline(good).plain == said
    assert good.is_good


def test_the_readme_shows_how_a_restore_begins_its_end():
    output = {"identifier": "prod-db", "restoredFrom": "prod-db-snapshot", "dataAsOf": DATA}
    readme = (ROOT / "README.md").read_text()
    assert f"\n{report.headline(run(output)).plain}\n  prod-db was unreachable for" in readme
    row = thing("snapshot", "prod-db-snapshot", "cluster-ABCDEFGH").cells
    headings, *_ = plain(report.aligned([(" ", report.HEADINGS), ("+", row)], None))
    assert f"\n{headings}\n" in readme


def test_a_dry_run_with_findings_begins_with_them():
    found = [{"error": "LockHeld", "message": "busy"}, {"error": "NameTaken", "message": "taken"}]
    refused = run({"plan": {}, "findings": found})
    assert plain(report.outcome(refused, None, 1.0))[:4] == [
        "WOULD BE REFUSED: 2 findings",
        "  LockHeld: busy",
        "  NameTaken: taken",
        "  No database or snapshot was touched",
    ]
    assert not refused.is_good


def test_that_nothing_was_touched_is_only_said_when_it_is_so():
    for after in (account(thing(resource_id="x")), {}, account(thing(), thing(name="more"))):
        lines = plain(report.outcome(run({}, after=after), None, 1.0))
        assert "  No database or snapshot was touched" not in lines


def test_the_figures_about_the_configuration_do_not_contradict_each_other():
    lost = {"attribute": "DbiResourceId", "was": "a", "now": "b", "why": "RDS gives its own."}
    other = {"attribute": "Class", "was": "x", "now": "y", "done": "overridden by the request"}
    output = {"restoredFrom": "s", "report": {"kept": 3, "cannotKeep": [lost], "differs": [other]}}
    told = run(output, after=account(thing(resource_id="db-NEW")))
    lines = plain(report.details(told, [], None))
    begin = lines.index("Configuration")
    assert lines[begin + 1 : begin + 5] == [
        "  instance shop (restored): all 4 attributes that can be kept are as they were",
        "  The app's own count of the settings that it carries over: 3 kept, 1 different,"
        " 1 that no restore can keep",
        "    DbiResourceId: RDS gives its own.",
        "    Class: x -> y, overridden by the request",
    ]
    assert "report" not in " ".join(lines[begin + 5 :])


def test_an_output_is_listed_key_by_key():
    output = {"identifier": "shop", "plan": {"tags": SHOWN["TagList"], "roles": [], "Port": 1}}
    assert plain(report.listed(output)) == [
        "  identifier  shop",
        "  plan",
        "    tags   team=a, env=b",
        "    roles  none",
        "    Port   1",
    ]


def test_only_what_changed_or_belongs_to_the_identifier_is_shown():
    before = account(thing(), thing(name="other"), thing("snapshot", "shop-snapshot"))
    after = before | account(thing(resource_id="db-NEW", data="new"))
    shown = [line.split() for line in plain(report.things(before, after, "shop"))]
    assert shown == [
        ["kind", "name", "status", "id", "data"],
        ["-", "instance", "shop", "available", "OLD…", "old"],
        ["+", "instance", "shop", "available", "NEW…", "new"],
        ["snapshot", "shop-snapshot", "available", "OLD…", "old"],
        ["1", "more,", "unchanged"],
    ]


def test_a_snapshot_taken_anew_counts_as_changed():
    old, new = (thing("snapshot", "s", SnapshotCreateTime=time) for time in (1, 2))
    assert report.changed(old, new)
    assert not report.changed(old, old)


def test_a_kept_leftover_is_shown_as_new():
    before = account(thing())
    after = before | account(thing(name="shop-temp"))
    assert any(line.split()[:3] == ["+", "instance", "shop-temp"] for line in plain(
        report.things(before, after, "shop")))  # fmt: skip


def test_derived_attributes_order_and_emptiness_make_no_difference():
    new = {
        **SHOWN,
        "DbiResourceId": "db-NEW",
        "InstanceCreateTime": "now",
        "Endpoint": {**SHOWN["Endpoint"], "HostedZoneId": "Z2"},
        "TagList": SHOWN["TagList"][::-1],
    }
    del new["EnabledCloudwatchLogsExports"]
    assert report.differences("instance", SHOWN, new) == (4, [])


def test_each_lost_or_changed_attribute_is_listed():
    new = {**SHOWN, "Port": 5432, "TagList": [], "MultiAZ": False}
    assert report.differences("instance", SHOWN, new) == (
        5,
        ["MultiAZ: none -> false", "Port: 5433 -> 5432", "TagList: env=b, team=a -> none"],
    )


def test_the_configuration_of_a_cluster_covers_its_members():
    cluster = thing("cluster", "shop", "cluster-OLD")
    member = thing("instance", "first", "db-OLD", DBClusterIdentifier="shop")
    before = account(cluster, member, thing(name="other"))
    after = account(
        thing("cluster", "shop", "cluster-NEW"),
        thing("instance", "first", "db-NEW", DBClusterIdentifier="shop", Port=1),
    )
    said = plain(report.configuration(before, after, "shop"))
    assert said[0].startswith("  cluster shop (restored): all")
    assert said[1].startswith("  instance first (restored): 4 of the 5")
    assert said[2:] == ["    Port: 5433 -> 1"]


@pytest.mark.parametrize(
    ("outages", "reachable", "said"),
    [
        ([], True, "shop was reachable all the time"),
        ([(10.0, 90.0)], True, "shop was reachable all the time"),
        ([(160.0, 285.0)], True, "shop was unreachable for 2m 05s (+1m 00s to +3m 05s)"),
        ([(160.0, 170.0), (180.0, 200.0)], False,
         "shop was unreachable for 30s, and still is (+1m 00s to +1m 10s, +1m 20s to +1m 40s)"),
        ([], False, "shop was not reachable before, and is not now"),
        ([(10.0, 200.0)], False, "shop was not reachable before, and is not now"),
    ],
)  # fmt: skip
def test_outages_are_told_since_the_start(outages, reachable, said):
    assert report.reachability("shop", outages, reachable, 100.0).plain.strip() == said


def test_a_mail_is_shown_as_its_reader_sees_it():
    body = "It failed.\n\n  aws rds describe-db-instances --db-instance-identifier shop\n"
    mail = Mail(0.0, "from@x", ["a@x", "b@x"], "Failed", body, "<p>It failed.</p>")
    assert plain(report.letter(mail, None)) == [
        "  From:    from@x",
        "  To:      a@x, b@x",
        "  Subject: Failed",
        "",
        "  It failed.",
        "",
        "    aws rds describe-db-instances --db-instance-identifier shop",
    ]


def test_a_long_command_of_a_mail_stays_one_command():
    """As a shell reads the lines: each but the last ends in a backslash, no word is broken."""
    words = ["aws", "rds", "modify", "--tags", "Key=a b,Value=c", *(["--option", "value"] * 12)]
    quoted = " ".join(f"'{word}'" if " " in word else word for word in words)
    mail = Mail(0.0, "from@x", ["a@x"], "Failed", f"Do this:\n\n  {quoted}\n", "")
    lines = plain(report.letter(mail, 60))[6:]
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert shlex.split("\n".join(lines).replace("\\\n", " ")) == words
