"""The parts of a database: what goes on is waited for, and what is wrong keeps the original.

The statuses are those of the API's model and of the user guides, written down once more.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.conftest import CLUSTER, INSTANCE, Aws, Kind, of_clusters, of_instances
from trapheus.configuration import attributes
from trapheus.configuration.comparison import compared, configuration
from trapheus.execution import exceptions

READER = "prod-cluster-reader"
OPTIONS = (
    "pending-apply", "pending-removal", "pending-maintenance-apply",
    "pending-maintenance-removal", "applying", "removing",
)  # fmt: skip
DOMAIN = (
    "joining", "pending-join", "pending-maintenance-join", "pending-removal", "removing",
    "pending-maintenance-removal", "enabling-kerberos", "pending-enable-kerberos",
    "pending-maintenance-enable-kerberos", "pending-disable-kerberos", "disabling-kerberos",
    "pending-maintenance-disable-kerberos",
)  # fmt: skip
# attribute, key of the status; what is right, what goes on, what is wrong.
ROWS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    ("DomainMemberships", "Status", ("joined", "kerberos-enabled"), DOMAIN,
     ("failed", "enable-kerberos-failed", "removed")),
    ("AssociatedRoles", "Status", ("ACTIVE",), ("PENDING",), ("INVALID",)),
    ("MasterUserSecret", "SecretStatus", ("active", "rotating"), ("creating",), ("impaired",)),
    ("VpcSecurityGroups", "Status", ("active",), ("adding", "removing"), ()),
)  # fmt: skip
OF_INSTANCES = (
    *ROWS,
    ("OptionGroupMemberships", "Status", ("in-sync",), OPTIONS, ("failed",)),
    ("DBParameterGroups", "ParameterApplyStatus", ("in-sync",), ("applying",),
     ("failed-to-apply", "pending-reboot", "pending-database-upgrade")),
)  # fmt: skip
OF_CLUSTERS = (
    *ROWS,
    ("DBClusterOptionGroupMemberships", "Status", ("in-sync",), OPTIONS, ("failed",)),
    ("DBClusterMembers", "DBClusterParameterGroupStatus", ("in-sync",), ("applying",),
     ("failed-to-apply", "pending-reboot", "pending-database-upgrade")),
)  # fmt: skip


def set_status(found: dict[str, Any], attribute: str, key: str, status: str) -> None:
    """Let the first part of an attribute show a status."""
    held = found[attribute]
    (held if isinstance(held, dict) else held[0])[key] = status


def statuses(kind: Kind, column: int) -> list[tuple[str, str, str]]:
    """Attribute, key and status, of those in a column."""
    rows = OF_INSTANCES if kind is INSTANCE else OF_CLUSTERS
    return [(row[0], row[1], status) for row in rows for status in row[column]]


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def judge(aws: Aws, plan: dict[str, Any], attribute: str, key: str, status: str, **how: Any) -> str:
    """What the verification makes of a status: the name of its error, "" for a success."""
    held = aws.found(how.pop("name", ""), how.pop("of", ""))
    if attribute == "DBClusterOptionGroupMemberships":
        # Aurora shows none; of a cluster that does, it is judged.
        held.setdefault(attribute, [{"DBClusterOptionGroupName": "any", key: "in-sync"}])
    part = held[attribute] if isinstance(held[attribute], dict) else held[attribute][0]
    before = part[key]
    part[key] = status
    try:
        aws.run("verify", plan=plan, **how)
    except exceptions.TrapheusError as error:
        # What it does not say is another error than that of the status.
        return type(error).__name__ if status in str(error) else str(error)
    finally:
        part[key] = before
    return ""


def judged(aws: Aws, plan: dict[str, Any], column: int, **how: Any) -> dict[tuple[str, str], str]:
    return {
        (attribute, status): judge(aws, plan, attribute, key, status, **how)
        for attribute, key, status in statuses(aws.kind, column)
    }


def test_a_part_that_is_right_passes(aws: Aws, kind: Kind, finished: dict):
    assert set(judged(aws, finished, 2).values()) == {""}


def test_a_part_that_goes_on_is_waited_for(aws: Aws, kind: Kind, finished: dict):
    found = judged(aws, finished, 3)

    assert {row: error for row, error in found.items() if error != "StillInProgress"} == {}


def test_a_part_that_goes_on_for_too_long_is_a_difference(aws: Aws, kind: Kind, finished: dict):
    for minutes, error in ((44, "StillInProgress"), (46, "ConfigurationDiffers")):
        found = judged(aws, finished, 3, entered=ago(minutes))
        assert {row: told for row, told in found.items() if told != error} == {}


def test_a_wrong_part_is_a_difference_at_once(aws: Aws, kind: Kind, finished: dict):
    found = judged(aws, finished, 4)

    assert {row: error for row, error in found.items() if error != "ConfigurationDiffers"} == {}


def test_the_parts_of_a_copy_are_judged_before_it_takes_the_name(
    aws: Aws, kind: Kind, copied: dict
):
    copy = copied["restoredAs"]
    aws.lock = {"holder": "", "phase": "copy"}
    # Its backup window is near, which the verification would wait for.
    aws.clock.sleep(3 * 3600)
    aws.settle()
    for column, error in ((2, ""), (3, "StillInProgress"), (4, "ConfigurationDiffers")):
        found = judged(aws, copied, column, name=copy, phase="copy")
        assert set(found.values()) == {error}


@of_clusters
def test_the_parts_of_a_member_are_judged(aws: Aws, finished: dict):
    key = ("DBParameterGroups", "ParameterApplyStatus")
    for status, error in (
        ("in-sync", ""), ("applying", "StillInProgress"),
        ("failed-to-apply", "ConfigurationDiffers"),
    ):  # fmt: skip
        told = judge(aws, finished, *key, status, name=READER, of="instance")
        assert told == error


@pytest.mark.parametrize(
    ("minutes", "error"), [(1, "StillInProgress"), (46, "ConfigurationDiffers")]
)
def test_a_status_that_nobody_knows_never_counts_as_right(
    aws: Aws, kind: Kind, finished: dict, minutes: int, error: str
):
    rows = OF_INSTANCES if kind is INSTANCE else OF_CLUSTERS
    for attribute, key, *_ in rows:
        told = judge(aws, finished, attribute, key, "brand-new", entered=ago(minutes))
        assert told == error, attribute


def test_a_wrong_part_is_told_while_another_goes_on(aws: Aws, kind: Kind, finished: dict):
    found = aws.found()
    set_status(found, "AssociatedRoles", "Status", "INVALID")
    set_status(found, "DomainMemberships", "Status", "joining")

    with pytest.raises(exceptions.ConfigurationDiffers) as raised:
        aws.run("verify", plan=finished)

    assert "the role arn:aws:iam::" in str(raised.value)
    assert "the membership in the domain d-9067001122 is joining" in str(raised.value)


def test_a_part_that_has_failed_in_the_original_too_is_told_and_passes(aws: Aws, kind: Kind):
    set_status(aws.found(), "AssociatedRoles", "Status", "INVALID")
    answer = aws.check()
    plan = answer["plan"]
    (warned,) = [told for told in plan["warnings"] if "INVALID" in told]
    assert warned.startswith(f"Of {kind.identifier}, the role arn:aws:iam::")
    aws.rename_original(plan)
    aws.replace(plan)
    aws.finish(plan)
    set_status(aws.found(), "AssociatedRoles", "Status", "INVALID")

    report = aws.run("verify", plan=plan)["report"]

    (told,) = report["warnings"]
    assert told.startswith("The role arn:aws:iam::")
    assert told.endswith(" is INVALID, as it was before.")


# What an original is about to lose or to get


def test_a_security_group_on_its_way_out_is_not_carried_over(aws: Aws, kind: Kind):
    found = aws.found()
    before = aws.plan()["restore"]["VpcSecurityGroupIds"]
    found["VpcSecurityGroups"].insert(0, {"VpcSecurityGroupId": "sg-old", "Status": "removing"})

    plan = aws.plan()

    assert plan["restore"]["VpcSecurityGroupIds"] == before
    told = f"Of {kind.identifier}, the security group sg-old is removing: it is not carried over."
    assert told in plan["warnings"]


@of_instances
@pytest.mark.parametrize("status", [s for s in OPTIONS if "remov" in s])
def test_of_two_option_groups_the_one_that_comes_is_carried_over(aws: Aws, kind: Kind, status: str):
    (own,) = aws.found()["OptionGroupMemberships"]
    leaving = {"OptionGroupName": "old-options", "Status": status}
    coming = {**own, "Status": "pending-apply"}
    aws.found()["OptionGroupMemberships"] = [leaving, coming]
    aws.rds.groups["option"]["old-options"] = {
        **aws.rds.groups["option"][own["OptionGroupName"]], "OptionGroupName": "old-options",
    }  # fmt: skip

    plan = aws.plan()

    assert plan["restore"]["OptionGroupName"] == own["OptionGroupName"]
    assert any(f"old-options is {status}" in told for told in plan["warnings"])


def test_a_domain_on_its_way_out_is_not_carried_over(aws: Aws, kind: Kind):
    for status in [*(s for s in DOMAIN if "remov" in s or "disabl" in s), "removed"]:
        set_status(aws.found(), "DomainMemberships", "Status", status)

        plan = aws.plan()

        assert not {name for name in plan["restore"] if name.startswith("Domain")}
        assert any(f" is {status}: it is not carried over" in told for told in plan["warnings"])


def test_a_domain_that_is_being_joined_is_carried_over(aws: Aws, kind: Kind):
    set_status(aws.found(), "DomainMemberships", "Status", "pending-join")

    assert aws.plan()["restore"]["Domain"] == "d-9067001122"


def test_parameters_that_wait_for_a_reboot_are_told(aws: Aws, kind: Kind):
    key = ("DBParameterGroups", "ParameterApplyStatus")
    if kind is CLUSTER:
        key = ("DBClusterMembers", "DBClusterParameterGroupStatus")
    set_status(aws.found(), *key, "pending-reboot")

    told = [one for one in aws.plan()["warnings"] if "pending-reboot" in one]

    assert len(told) == 1
    assert told[0].endswith(" only after a reboot: it is in effect in what is restored.")


# What is added to what was restored


def test_tags_that_an_account_adds_are_told_and_pass(aws: Aws, kind: Kind, finished: dict):
    added = {"Key": "custodian", "Value": "seen"}
    aws.found()["TagList"].append(added)

    (told,) = aws.run("verify", plan=finished)["report"]["differs"]

    assert (told["attribute"], told["was"], told["now"]) == ("TagList", None, [added])


@pytest.mark.parametrize("change", ["another value", "missing"])
def test_a_tag_that_is_not_as_it_was_does_not_pass(
    aws: Aws, kind: Kind, finished: dict, change: str
):
    tags = aws.found()["TagList"]
    if change == "missing":
        tags.remove(finished["tags"][0])
    else:
        tags[0]["Value"] += "-changed"
    tags.append({"Key": "custodian", "Value": "seen"})

    with pytest.raises(exceptions.ConfigurationDiffers, match="TagList is"):
        aws.run("verify", plan=finished)


@pytest.mark.parametrize(
    ("attribute", "added"),
    [
        ("VpcSecurityGroups", {"VpcSecurityGroupId": "sg-more", "Status": "active"}),
        ("AssociatedRoles", {"RoleArn": "arn:r", "FeatureName": "f", "Status": "ACTIVE"}),
    ],
)
def test_what_opens_it_to_others_does_not_pass(
    aws: Aws, kind: Kind, finished: dict, attribute: str, added: dict
):
    aws.found()[attribute].append(added)

    with pytest.raises(exceptions.ConfigurationDiffers, match=f"{attribute} is"):
        aws.run("verify", plan=finished)


def test_the_order_of_keys_within_a_tag_does_not_matter(aws: Aws, kind: Kind, finished: dict):
    # "Value" first, so that the order of the tags by their text is another one.
    finished["tags"] = [
        {"Value": tag["Value"], "Key": tag["Key"]} for tag in reversed(finished["tags"])
    ]

    assert aws.run("verify", plan=finished)["report"]["differs"] == []


TABLES = {
    "instance": attributes.INSTANCE, "cluster": attributes.CLUSTER, "member": attributes.MEMBER,
}  # fmt: skip


@pytest.mark.parametrize(
    ("of", "attribute", "neutral"),
    [
        ("instance", "MonitoringInterval", 0),
        ("cluster", "MonitoringInterval", 0),
        ("member", "MonitoringInterval", 0),
        ("instance", "DeletionProtection", False),
        ("cluster", "DeletionProtection", False),
        ("instance", "CopyTagsToSnapshot", False),
        ("instance", "PubliclyAccessible", False),
        ("member", "PubliclyAccessible", False),
        ("instance", "EnabledCloudwatchLogsExports", []),
        ("cluster", "EnabledCloudwatchLogsExports", []),
        ("instance", "ProcessorFeatures", []),
        ("instance", "DomainMemberships", []),
        ("instance", "NetworkType", ""),
        ("cluster", "DatabaseName", ""),
        ("cluster", "ServerlessV2ScalingConfiguration", {}),
        ("instance", "Iops", 0),
        ("instance", "StorageThroughput", 0),
    ],
)
def test_what_is_shown_only_afterwards_and_means_nothing_is_no_difference(
    of: str, attribute: str, neutral: Any
):
    shown = {
        "Engine": "aurora-postgresql" if of != "instance" else "postgres",
        "StorageType": "gp3",
    }
    for original, copy in (
        (shown, shown | {attribute: neutral}),
        (shown | {attribute: neutral}, shown),
    ):
        comparison = compared(TABLES[of], configuration(TABLES[of], original), copy)

        assert comparison.wrong == []
        # Told at most as what was added, and what is empty is the same as none.
        assert comparison.differs == [] or neutral in (0, False)
        assert all(
            (one["attribute"], one["was"]) == (attribute, None) for one in comparison.differs
        )


@pytest.mark.parametrize(
    ("of", "attribute", "value"),
    [
        ("instance", "MonitoringInterval", 60),
        ("instance", "DeletionProtection", True),
        ("instance", "PubliclyAccessible", True),
        ("cluster", "EnabledCloudwatchLogsExports", ["audit"]),
    ],
)
def test_what_is_shown_only_afterwards_and_means_something_is_a_difference(
    of: str, attribute: str, value: Any
):
    shown = {"Engine": "aurora-postgresql" if of != "instance" else "postgres"}
    comparison = compared(TABLES[of], configuration(TABLES[of], shown), shown | {attribute: value})

    assert [line.split()[0] for line in comparison.wrong] == [attribute]


def test_additional_volumes_that_show_a_zero_are_as_they_were():
    volume = {"VolumeName": "v2", "AllocatedStorage": 100, "StorageType": "gp3"}
    original = {"Engine": "postgres", "AdditionalStorageVolumes": [volume]}
    copy = {"Engine": "postgres", "AdditionalStorageVolumes": [{**volume, "StorageThroughput": 0}]}

    plan = configuration(attributes.INSTANCE, original)

    assert compared(attributes.INSTANCE, plan, copy).wrong == []
