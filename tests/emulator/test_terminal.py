"""What a person sees of a local run, and the exit codes of `python -m local run`."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from local.commands import report
from local.commands.terminal import Screen, Terminal
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


def local(*arguments):
    environment = {key: text for key, text in os.environ.items() if key != "FORCE_COLOR"}
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

    def __init__(self, terminal=False):
        self.time = 1000.0
        self.file = io.StringIO()
        console = Console(
            file=self.file, force_terminal=terminal, highlight=False, width=100, _environ={}
        )
        self.terminal = Terminal(console, lambda: self.time, self.settle)
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
def watch():
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
    assert "FAILED: DatabaseProtected" in ended.stdout
    assert "the original was kept" in ended.stdout
    assert "To:      dba@example.com" in ended.stdout


def test_states_inside_a_parallel_are_indented_and_all_have_the_time_passed(watch):
    watch.tell(0, "state entered", "Prepare")
    watch.tell(1, "state entered", "Check")
    watch.tell(2, "state exited", "Check")
    watch.tell(2, "state exited", "Prepare")
    watch.tell(725, "state entered", "Done")
    assert watch.lines == ["+0s        Prepare", "+1s          Check", "+12m 05s   Done"]


def test_an_export_is_told_aside_and_the_restore_keeps_its_depth(watch):
    watch.tell(0, "state entered", "Prepare")
    watch.tell(1, "state entered", "Plan the export", execution="another arn")
    watch.tell(2, "state entered", "Check")
    assert watch.lines == [
        "+0s        Prepare",
        "+1s        export │ Plan the export",
        "+2s          Check",
    ]


def test_retries_while_rds_is_busy_are_one_line_with_the_time_waited(watch):
    watch.tell(0, "state entered", "Wait")
    for number, after in enumerate((60, 120, 180), 1):
        watch.tell(after, "state failed", "Wait", {"error": "StillInProgress", "cause": "{}"})
        watch.tell(after + 15, "state retried", "Wait", number)
    watch.tell(200, "state exited", "Wait")
    assert watch.lines == ["+0s        Wait", "+3m 20s      RDS was busy: waited 3m 20s"]


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


def test_a_long_line_is_neither_cut_nor_wrapped(watch):
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


def test_the_outcome_names_error_cause_and_both_times():
    execution = Execution("arn", "FAILED", "RenameFailed", "It stayed.", None, 0.0, 725.0, [])
    assert plain(report.outcome(execution, 3.21)) == [
        "FAILED: RenameFailed  in 12m 05s of virtual time, 3.2 s of real time",
        "  It stayed.",
    ]


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
        ["kind", "name", "status", "resource", "id", "data"],
        ["-", "instance", "shop", "available", "db-OLD", "old"],
        ["+", "instance", "shop", "available", "db-NEW", "new"],
        ["snapshot", "shop-snapshot", "available", "db-OLD", "old"],
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
    assert said[1].startswith("  instance first (restored): 4 of 5")
    assert said[2:] == ["    Port: 5433 -> 1"]


def test_the_original_is_told_by_its_resource_id():
    before = account(thing())
    assert report.original_kept(before, before, "instance", "shop")
    assert not report.original_kept(before, account(thing(resource_id="x")), "instance", "shop")
    assert not report.original_kept(before, {}, "instance", "shop")


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


def test_sentences_of_a_mail_wrap_and_commands_do_not():
    sentence_, command = "word " * 30, "  aws " + "x" * 90
    mail = Mail(0.0, "from@x", ["a@x"], "Failed", f"{sentence_}\n{command}", "")
    lines = plain(report.letter(mail, 60))[4:]
    assert max(map(len, lines[:-1])) <= 60
    assert lines[-1] == f"  {command}"
