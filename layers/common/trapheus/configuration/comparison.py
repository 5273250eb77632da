"""A database's configuration: read into the plan, and compared with what was made of it.

How each attribute is carried stands in `attributes`. The same expressions read the original and
the restored database.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jmespath

from trapheus.configuration import statuses
from trapheus.configuration.attributes import DERIVED, LOST, REFUSED, SNAPSHOT
from trapheus.execution.exceptions import ConfigurationDiffers, StillInProgress
from trapheus.rds.waiters import is_over

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from trapheus.configuration.attributes import Attribute, Table
    from trapheus.rds.access import Description

Parameters = dict[str, Any]

AS_THE_SNAPSHOT = "as the snapshot has it"
ADDED = "added by RDS or by the account, and left"
# For so many hours the parts of what was restored may go on: less than the state machine asks.
PATIENCE = 0.75
# A plan must fit twice into a state's input, of 262,144 bytes, when an execution takes it over.
LONGEST_VALUE = 300


def _read(expressions: Mapping[str, str], found: Description) -> Parameters:
    read = {name: jmespath.search(path, found) for name, path in expressions.items()}
    return dict(_without_gaps(read))


def _without_gaps(value: Any) -> Any:
    """A value without what Describe did not show; RDS takes no parameter that is null or empty."""
    if isinstance(value, list):
        return [_without_gaps(item) for item in value]
    if isinstance(value, dict):
        pruned = {name: _without_gaps(item) for name, item in value.items()}
        return {name: item for name, item in pruned.items() if item not in (None, [], {}, "")}
    return value


def parameters(table: Table, call: str) -> dict[str, str]:
    """Every parameter of a call with its expression; `call`: "restore" or "modify"."""
    return {name: path for row in table.values() for name, path in getattr(row, call).items()}


def configuration(table: Table, found: Description) -> dict[str, Any]:
    """What a copy of `found` needs, and what it will lack.

    `restore` and `modify`: parameters of the two calls; what is carried by other calls under the
    keys that the table names; `original`: what is in the snapshot; `cannotKeep`; `ailing`: which of
    its own parts have failed.
    """
    others = {row.plan: jmespath.search(row.reads, found) for row in table.values() if row.plan}
    in_the_snapshot = [
        name
        for name, row in table.items()
        if row.how == SNAPSHOT or (row.or_in_snapshot and not _read(row.restore, found))
    ]
    return {
        "restore": _read(parameters(table, "restore"), found),
        "modify": _read(parameters(table, "modify"), found),
        **{key: [] if value is None else value for key, value in others.items()},
        "original": _without_gaps({name: _plain(found.get(name)) for name in in_the_snapshot}),
        "cannotKeep": [
            {"attribute": name, "was": was, "why": row.why}
            for name, row in table.items()
            if (was := _lost(name, row, found)) not in (None, [], {}, "")
        ],
        "ailing": statuses.ailing(found),
    }


def _lost(name: str, row: Attribute, found: Description) -> Any:
    """What of an attribute cannot be kept."""
    path = row.lost or (name if row.how == LOST else "")
    return _plain(jmespath.search(path, found)) if path else None


def _plain(value: Any) -> Any:
    """A value as JSON has it, and short enough for a plan."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) or len(json.dumps(value, default=str)) <= LONGEST_VALUE:
        return value
    return json.dumps(value, default=str)[:LONGEST_VALUE] + "..."


def note_change(planned: dict[str, Any], name: str, was: Any, done: str) -> None:
    """Note an attribute that is to become another than it was, and by what."""
    planned["changed"] = {**planned.get("changed", {}), name: {"was": was, "done": done}}


def modifications(table: Table, planned: dict[str, Any], found: Description) -> Parameters:
    """The parameters of the Modify that `found` still needs; empty when it needs none.

    All or none: some are only taken together (an interval with its role), and a Modify with
    nothing to do is refused. Only what RDS would begin anew is left out where it is right.
    """
    wanted = dict(planned["modify"])
    version = str(wanted.get("EngineVersion", ""))
    if "EngineVersion" in planned.get("open", ()) and (
        numbers(found["EngineVersion"]) >= numbers(version)
    ):
        # RDS has upgraded what AWS does not offer any more, and takes no version before that.
        wanted.pop("EngineVersion", None)
    now = {
        name: v for name, v in _read(parameters(table, "modify"), found).items() if name in wanted
    }
    if _comparable(now) == _comparable(wanted):
        return {}
    right = {name for name, v in wanted.items() if now.get(name) == v}
    once = [{*row.modify, *row.together} & wanted.keys() for row in table.values() if row.once]
    settled = {name for names in once if names <= right for name in names}
    changes = {
        name: v
        for name, v in wanted.items()
        if name not in settled
        # Switched off already: not every engine takes even a false, a password that Secrets Manager
        # is not to hold has to be given, and a cluster without takes insights from its members.
        and not (v in (False, 0) and name not in now)
    }
    return changes | _that_goes_with(changes, wanted, found)


def _that_goes_with(sent: Collection[str], wanted: Parameters, found: Description) -> Parameters:
    """The size and the IOPS as they are, where only one of them is to be sent, or the type.

    RDS takes both or none where there are IOPS, and 0 of those that are given up
    [fact: storage-and-iops-together].
    """
    size = {"AllocatedStorage": found.get("AllocatedStorage")}
    if "Iops" in sent:
        return size if "AllocatedStorage" not in sent else {}
    if not found.get("Iops") or not {"AllocatedStorage", "StorageType"} & set(sent):
        return {}
    if wanted.get("StorageType") in ("gp2", "standard"):
        return {**size, "Iops": 0, **{name: wanted[name] for name in size if name in sent}}
    same_type = wanted.get("StorageType", found.get("StorageType")) == found.get("StorageType")
    return {"Iops": found["Iops"]} if "AllocatedStorage" in sent and same_type else {}


def numbers(version: str) -> list[int]:
    """The numbers in an engine's version, in order."""
    return [int(number) for number in re.findall(r"\d+", version)]


def can_become(engine: str, old: str, new: str) -> bool:
    """Whether a restore brings one version to another: a later one of the same major version."""
    before, after = numbers(old), numbers(new)
    # PostgreSQL counts major versions by the first number since 10, the others by two.
    # [fact: major-of-old-versions]
    major = 1 if "postgres" in engine and before[0] >= 10 else 2
    return before[:major] == after[:major] and before <= after


def missing_roles(planned: dict[str, Any], found: Description) -> list[dict[str, str]]:
    """The IAM roles that `found` still lacks."""
    present = [
        (role["RoleArn"], role.get("FeatureName", "")) for role in found.get("AssociatedRoles", [])
    ]
    return [
        role for role in planned["roles"] if (role["RoleArn"], role["FeatureName"]) not in present
    ]


def awaits_reboot(found: Description) -> bool:
    """Whether a parameter group of an instance takes effect only with its next reboot."""
    groups = found.get("DBParameterGroups", [])
    return any(group.get("ParameterApplyStatus") == "pending-reboot" for group in groups)


def members_awaiting_reboot(found: Description) -> set[str]:
    """The members of a cluster that take up its parameter group only with their next reboot."""
    return {
        member["DBInstanceIdentifier"]
        for member in found.get("DBClusterMembers", [])
        if member.get("DBClusterParameterGroupStatus") == "pending-reboot"
    }


# The comparison


@dataclass
class Comparison:
    """Old and new, attribute by attribute.

    `wrong`: one line for each that is not as planned; nothing may be deleted then. `failed` and
    `going_on`: a line for each part that stays otherwise, or may yet become right. `warnings`:
    sentences on what is beside the attributes, and refuses nothing.
    """

    kept: list[str] = field(default_factory=list)
    cannot_keep: list[Parameters] = field(default_factory=list)
    differs: list[Parameters] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    going_on: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, other: Comparison, member: str) -> None:
        """Take over the comparison of a member."""
        self.kept += [f"{member}: {name}" for name in other.kept]
        self.cannot_keep += [{"member": member, **entry} for entry in other.cannot_keep]
        self.differs += [{"member": member, **entry} for entry in other.differs]
        for of_all, own in (
            (self.wrong, other.wrong),
            (self.failed, other.failed),
            (self.going_on, other.going_on),
            (self.warnings, other.warnings),
        ):
            of_all += [f"{member}: {line}" for line in own]

    def report(self) -> Parameters:
        """What the execution's output tells of it."""
        return {
            "kept": len(self.kept),
            "cannotKeep": self.cannot_keep,
            "differs": self.differs,
            "warnings": self.warnings,
        }


def compared(table: Table, planned: dict[str, Any], found: Description) -> Comparison:
    """Compare the plan of the original with what was restored."""
    comparison = Comparison(going_on=statuses.going_on(found))
    for line in statuses.lines(found, "wrong", "waiting"):
        if line in planned.get("ailing", ()):
            comparison.warnings.append(f"{line[0].upper()}{line[1:]}, as it was before.")
        else:
            comparison.failed.append(line)
    original = planned["original"]
    for name, row in table.items():
        if name in original or row.how == SNAPSHOT:
            # A cluster without a first database shows DatabaseName "", or none at all.
            was, now = original.get(name), _without_gaps({name: _plain(found.get(name))}).get(name)
            if now == was and was is not None:
                comparison.kept.append(name)
            elif now != was:
                entry = {"attribute": name, "was": was, "now": now, "done": AS_THE_SNAPSHOT}
                comparison.differs.append(entry)
        elif row.how not in (DERIVED, LOST, REFUSED):
            _compare(comparison, name, row, planned, found)
    for entry in planned["cannotKeep"]:
        name = entry["attribute"]
        now = _lost(name, table[name], found)
        if now == entry["was"]:
            comparison.kept.append(name)
        else:
            comparison.cannot_keep.append({**entry, "now": now})
    return comparison


def _compare(
    comparison: Comparison, name: str, row: Attribute, planned: dict[str, Any], found: Description
) -> None:
    """Compare an attribute that a call carries: what was planned with what is shown now."""
    if row.plan in BY_STEPS:
        return
    left_open = planned.get("open", ())
    wanted, now = wanted_of(row, planned, left_open), shown(row, found, left_open)
    change = planned.get("changed", {}).get(name)
    unshown = wanted in (None, [], {}) and not change
    if unshown and now is not None and is_given(name, now, planned):
        entry = {"attribute": name, "was": None, "now": _plain(now), "done": GIVEN}
        comparison.differs.append(entry)
        return
    if row.lost and wanted is None and not change:
        # Nothing was asked for: RDS has chosen.
        return
    if row.plan == "tags" and (added := _tags_added(wanted, now)):
        entry = {"attribute": name, "was": None, "now": _plain(added), "done": ADDED}
        comparison.differs.append(entry)
        now = [tag for tag in now if tag not in added]
    # Both ways: what the copy has and the original had not is a difference too.
    if _comparable(now) != _comparable(wanted):
        was = "was to become" if change else "was"
        comparison.wrong.append(f"{name} is {now!r}, {was} {wanted!r}")
        return
    now = shown(row, found)
    if change and _comparable(now) != _comparable(change["was"]):
        comparison.differs.append({"attribute": name, **change, "now": now})
    elif (change["was"] if change else wanted) not in (None, [], {}):
        comparison.kept.append(name)
    elif not change and now is not None and now in (False, 0):
        # It was not shown, and means the same.
        comparison.differs.append({"attribute": name, "was": None, "now": now, "done": ADDED})


def _tags_added(wanted: list[dict[str, str]], now: list[dict[str, str]]) -> list[dict[str, str]]:
    """The tags that somebody else has put on, since an account may tag all that is made in it.

    [fact: additions-by-others]
    """
    keys = [tag["Key"] for tag in wanted]
    return [tag for tag in now if tag["Key"] not in keys]


def require_as_planned(
    comparison: Comparison, lines: list[str], *, identifier: str, since: str
) -> None:
    """Raise ConfigurationDiffers unless all is as planned; StillInProgress while a part goes on.

    lines: what else is not as planned. since: when the state that verifies was entered.
    """
    going_on = comparison.going_on
    if going_on and not comparison.failed:
        if not is_over(since, PATIENCE):
            raise StillInProgress(f"{identifier}: {going_on[0]}", identifier=identifier)
        going_on = [f"{line}, even after {round(PATIENCE * 60)} minutes" for line in going_on]
    lines = [*comparison.wrong, *comparison.failed, *going_on, *lines]
    if lines:
        kept = f"{len(comparison.kept)} attributes"
        raise ConfigurationDiffers("; ".join(lines), identifier=identifier, kept=kept)


GIVEN = "RDS gives it to every new database"
# What RDS gives every new database for which nothing is asked, and what older descriptions do not
# show (botocore's model). [fact: older-descriptions-show-less]
GIVEN_TO_ALL: dict[str, Any] = {
    "AutoMinorVersionUpgrade": True,
    "BackupTarget": "region",
    "DatabaseInsightsMode": "standard",
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "NetworkType": "IPV4",
}
# What a database of EC2-Classic lacks: RDS chooses them for the copy, in the default VPC.
OF_A_VPC = ("DBSubnetGroup", "VpcSecurityGroups")


def is_given(name: str, now: Any, planned: dict[str, Any]) -> bool:
    """Whether RDS has given the copy what the original does not show, whatever was asked for.

    One in a VPC may lose all of its groups; who reaches the copy is then not RDS's to say.
    """
    is_classic = "DBSubnetGroupName" not in planned["restore"]
    return (name in OF_A_VPC and is_classic) or GIVEN_TO_ALL.get(name) == now


# What the verification compares itself, since Describe of the database alone does not show it.
BY_STEPS = ("endpoints", "members")


def wanted_of(row: Attribute, planned: dict[str, Any], without: Collection[str] = ()) -> Any:
    """What is planned for an attribute, but for some parameters."""
    if row.plan:
        return planned[row.plan]
    asked = {**planned.get("inherited", {}), **planned["restore"], **planned["modify"]}
    values = {
        parameter: asked[parameter]
        for parameter in (*row.restore, *row.modify)
        if parameter in asked and parameter not in without
    }
    return _one(row, values)


def shown(row: Attribute, found: Description, without: Collection[str] = ()) -> Any:
    """What Describe shows of an attribute, but for some parameters."""
    if row.plan:
        read = jmespath.search(row.reads, found)
        return [] if read is None else read
    values = {**_read(row.restore, found), **_read(row.modify, found)}
    return _one(row, {name: value for name, value in values.items() if name not in without})


def _one(row: Attribute, values: Parameters) -> Any:
    """The value of the only parameter, or the values of several."""
    if len({*row.restore, *row.modify}) > 1:
        return values
    return next(iter(values.values()), None)


def _comparable(value: Any) -> Any:
    if value in (False, 0):
        # Which the tables do not read for every feature.
        return None
    if isinstance(value, dict):
        comparable = {name: _comparable(item) for name, item in value.items()}
        return {name: item for name, item in comparable.items() if item is not None}
    if isinstance(value, list):
        # However RDS orders them, and the keys of each.
        return sorted((_comparable(item) for item in value), key=_as_text)
    return value


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def lines_on(cluster: Description) -> list[str]:
    """What the verification finds wrong with the members, of which the plan has none."""
    if any(member["IsClusterWriter"] for member in cluster["DBClusterMembers"]):
        return []
    return ["the restored cluster has no writer"]
