"""Databases as real accounts show them: odd ones, each restored in every way to its right end.

`cases/instance.json` and `cluster.json` are what an account shows of an ordinary one that is some
years old; `oddities.json` has what is otherwise, null for what is not shown at all. `copy` is what
the restored one shows, whatever was asked for, and `endings` how parts of it end.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.commands.app import App
from local.emulator.cloud import Call, Fault
from local.emulator.rds import plant
from tests.pipeline.observed import Kind, databases, run, tagged

if TYPE_CHECKING:
    from local.emulator.cloud import Execution

FOLDER = Path(__file__).parent / "cases"
ODDITIES = json.loads((FOLDER / "oddities.json").read_text(encoding="utf-8"))
WAYS: dict[str, dict[str, Any]] = {
    "dry run": {"dryRun": True},
    "rename-first": {},
    "restore-first": {"strategy": "restore-first"},
    "target": {},
}
IN_PLACE = ("rename-first", "restore-first")


@dataclass(frozen=True)
class Ending:
    """How a case has to end in every way, or in some of them, and why.

    error: "" of what succeeds; or what refuses it, or fails. told: words that somebody is told,
    in the warnings or the report of a success, or in the mail about a failure.
    """

    why: str
    error: tuple[str, ...] = ()
    only: tuple[str, ...] = tuple(WAYS)
    told: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


# A dry run tells what would speak against it, and succeeds.
REFUSED = ("dry run", *IN_PLACE)
MADE = (*IN_PLACE, "target")
NOT_READY = ("RestoreFailed", "ConfigureFailed", "ConfigurationDiffers")
EXPECTED: dict[str, Ending] = {
    "cluster-parameters-wait-for-a-reboot": Ending(
        "the copy begins with the parameters for which the original waits: that is told",
        told=("reboot",),
    ),
    "cluster-without-a-first-database": Ending(
        "an empty name is none, so nothing differs", unsaid=("DatabaseName",)
    ),
    "ec2-classic": Ending(
        "RDS puts the copy into the default VPC: an addition, which is told",
    ),
    "failed-original-beside": Ending(
        "a failed original cannot be renamed, but a copy beside it needs only its snapshot",
        error=("DatabaseNotAvailable",),
        only=REFUSED,
        told=("failed",),
    ),
    "monitoring-interval-of-the-copy": Ending(
        "an interval of 0 is none, so nothing differs", unsaid=("MonitoringInterval",)
    ),
    "no-deletion-protection-shown": Ending("what is not shown is off"),
    "option-group-of-the-copy-failed": Ending(
        "the copy lacks what its options give it", error=NOT_READY, only=MADE
    ),
    "option-group-of-the-copy-pending": Ending(
        "the copy lacks what its options give it, and never gets it", error=NOT_READY, only=MADE
    ),
    "parameter-group-of-the-copy-failed": Ending(
        "the copy has not the parameters of its group", error=NOT_READY, only=MADE
    ),
    "parameters-wait-for-a-reboot": Ending(
        "the copy begins with the parameters for which the original waits: that is told",
        told=("reboot",),
    ),
    "replica-of-a-cluster": Ending(
        "a replica would lose its source; a copy beside it hurts nobody",
        error=("DatabaseNotSupported",),
        only=REFUSED,
        told=("depot-away",),
    ),
    "retired-ca-instance": Ending(
        "RDS gives nobody this CA any more: the copy has the default one, which is told",
        told=("rds-ca-2019",),
    ),
    "retired-ca-member": Ending(
        "RDS gives nobody this CA any more: the copy has the default one, which is told",
        told=("rds-ca-2019",),
    ),
    "security-group-on-its-way-out": Ending(
        "the copy begins without what the original is about to lose: that is told",
        told=("sg-0depot1",),
    ),
    "tags-in-another-order": Ending("order is no difference", unsaid=("TagList", "Hall")),
    "two-option-groups": Ending(
        "the copy begins with the option group that the original is to have: that is told",
        told=("depot-old",),
    ),
}


def described(name: str) -> tuple[Kind, dict[str, Any], list[dict[str, Any]]]:
    """A case's kind, and what Describe shows of the database and of its members."""
    odd = ODDITIES[name]
    base = json.loads((FOLDER / f"{odd['of']}.json").read_text(encoding="utf-8"))
    shown = with_changes(base["shown"], odd.get("shown", {}))
    members = [with_changes(one, odd.get("members", {})) for one in base["members"]]
    return (
        Kind(odd["of"], f"depot-{'db' if odd['of'] == 'instance' else 'cluster'}"),
        shown,
        members,
    )


def with_changes(shown: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A description with other values; without those that are null."""
    return {key: value for key, value in {**shown, **changes}.items() if value is not None}


def planted(cloud: App, name: str) -> Kind:
    """Put a case into the account, with a snapshot that is older than what it holds."""
    rds, odd = cloud.rds, ODDITIES[name]
    kind, shown, members = described(name)
    plant(rds, kind.name, shown, members)
    rds.write(kind.name, kind.identifier, "of the snapshot")
    word = kind.operation("DB*").replace("Instance", "") + "Snapshot"
    with rds.instantly():
        own = {f"{word}Identifier": kind.snapshot, kind.operation("DB*Identifier"): kind.identifier}
        rds.call(f"Create{word}", own)
    rds.write(kind.name, kind.identifier, "written since")
    if "status" in odd:
        rds.become(kind.name, kind.identifier, odd["status"])
    rds.copies_show[kind.name] = odd.get("copy", {})
    if "endings" in odd:
        rds.part_endings |= odd["endings"]
    return kind


def words_of(cloud: App, execution: Execution) -> str:
    """What people are told: findings, warnings and report, or the Cause, and every mail."""
    said = execution.output or {}
    told = [said.get(key) for key in ("findings", "warnings", "report")]
    told += [said.get("plan", {}).get(key) for key in ("warnings", "changed", "cannotKeep")]
    told += [one.get("changed") for one in said.get("plan", {}).get("members", [])]
    return f"{told} {execution.error} {execution.cause} {[str(mail) for mail in cloud.alerts]}"


@pytest.mark.parametrize(
    ("name", "way"),
    [
        # The ways take turns, and `make thorough` has the other three.
        pytest.param(name, way, id=f"{name}-{way}",
                     marks=[pytest.mark.thorough] if (number + place) % len(WAYS) else [])
        for number, name in enumerate(EXPECTED)
        for place, way in enumerate(WAYS)
    ],
)  # fmt: skip
def test_a_case_comes_to_its_right_end(cloud: App, name: str, way: str) -> None:
    kind, ending = planted(cloud, name), EXPECTED[name]
    target = kind.identifier.replace("depot", "spare")
    wish = {"targetIdentifier": target} if way == "target" else WAYS[way]
    before = databases(cloud)
    original, status = before[f"{kind.name} {kind.identifier}"]

    execution = run(cloud, kind.request("db_restore", **wish))

    words, after = words_of(cloud, execution), databases(cloud)
    against = bool(ending.error) and way in ending.only
    said = f"{execution.status} {execution.error} {execution.cause}: {ending.why}"
    assert (execution.status == "FAILED") == (against and way != "dry run"), said
    if way == "dry run":
        assert after == before
        findings = [one["error"] for one in execution.output["findings"]]
        assert bool(findings) == against
        assert set(findings) <= set(ending.error)
    elif against:
        assert execution.error in ending.error, said
        # Whole, under one of its two names.
        whole = {after.get(f"{kind.name} {kind.identifier}{end}") for end in ("", "-temp")}
        assert (original, status) in whole, said
    else:
        made = kind.identifier if way in IN_PLACE else target
        assert after[f"{kind.name} {made}"][0] != original
        assert cloud.rds.data(kind.name, made) == "of the snapshot"
        assert (original in [held for held, _ in after.values()]) == (way == "target")
        assert tagged(cloud) == []
    if against or not ending.error:
        assert [word for word in ending.told if word not in words] == [], words
    assert [word for word in ending.unsaid if word in words] == [], words


def test_an_export_waits_while_other_copies_are_under_way(cloud: App) -> None:
    kind, odd = planted(cloud, "copies-under-way"), ODDITIES["copies-under-way"]["fault"]
    left = [odd["times"]]

    def full(call: Call) -> Fault | None:
        if call.operation != odd["operation"] or not left[0]:
            return None
        left[0] -= 1
        return Fault(odd["code"], odd["message"], odd["status"])

    cloud.faults.append(full)
    # Only then is a copy made, in a region that exports.
    cloud.rds.exports = False

    execution = run(cloud, kind.request("create_snapshot_only"))

    assert execution.status == "SUCCEEDED", execution.cause
    export = cloud.wait(cloud.export_of(execution))
    assert (export.status, left) == ("SUCCEEDED", [0]), export.cause


@pytest.mark.parametrize("name", ODDITIES)
def test_a_case_is_shown_as_it_was_described(cloud: App, name: str) -> None:
    kind, shown, members = described(name)

    plant(cloud.rds, kind.name, copy.deepcopy(shown), members)

    held = {**cloud.rds.instances, **cloud.rds.clusters}
    assert held[kind.identifier] == shown
    for one in members:
        assert held[one["DBInstanceIdentifier"]] == one


# Those that the sample account has not: engine, version, and what an instance of it shows besides.
ENGINES: dict[str, tuple[str, dict[str, Any]]] = {
    "postgres": ("9.6.24", {"LicenseModel": "postgresql-license"}),
    "oracle-se2": (
        "19.0.0.0.ru-2024-10.rur-2024-10.r1",
        {"DBName": "DEPOT", "CharacterSetName": "WE8ISO8859P1", "LicenseModel": "license-included"},
    ),
    "oracle-ee-cdb": (
        "19.0.0.0.ru-2024-10.rur-2024-10.r1",
        {"DBName": "DEPOT", "MultiTenant": True, "LicenseModel": "bring-your-own-license"},
    ),
    "sqlserver-ex": ("15.00.4410.1.v1", {"LicenseModel": "license-included"}),
    "sqlserver-web": ("15.00.4410.1.v1", {"LicenseModel": "license-included"}),
    "sqlserver-ee": ("15.00.4410.1.v1", {"LicenseModel": "license-included"}),
    "db2-se": ("11.5.9.0.sb00046748.r1", {"LicenseModel": "bring-your-own-license"}),
    "mariadb": ("10.11.10", {"LicenseModel": "general-public-license"}),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_instance_of_another_engine_is_restored_as_it_was(cloud: App, engine: str) -> None:
    rds, (version, more) = cloud.rds, ENGINES[engine]
    given = {"DBInstanceIdentifier": "depot-db", "Engine": engine, "EngineVersion": version,
             "DBInstanceClass": "db.r6g.large", "StorageType": "gp2", **more}  # fmt: skip
    rds.available_versions.setdefault(engine, []).append(version)
    with rds.instantly():
        rds.call("CreateDBInstance", given)
        rds.call("CreateDBSnapshot", {"DBInstanceIdentifier": "depot-db",
                                      "DBSnapshotIdentifier": "depot-db-snapshot"})  # fmt: skip
    before = copy.deepcopy(rds.instances["depot-db"])

    execution = run(cloud, {"identifier": "depot-db", "task": "db_restore", "isCluster": False})

    assert execution.status == "SUCCEEDED", f"{execution.error} {execution.cause}"
    after = rds.instances["depot-db"]
    differing = {name for name in before | after if before.get(name) != after.get(name)}
    assert differing == {"DbiResourceId", "InstanceCreateTime"}
