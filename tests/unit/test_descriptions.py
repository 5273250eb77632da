"""What Describe may lack: the steps do not mind an attribute that a database does not show."""

import copy

import pytest

from tests.unit.conftest import Aws, Kind, of_clusters
from trapheus.checks.availability import Version
from trapheus.checks.restorable import can_become
from trapheus.configuration.attributes import CLUSTER, INSTANCE, Table
from trapheus.configuration.comparison import compared
from trapheus.execution.exceptions import TrapheusError

# What every database shows (RDS User Guide, and every recording).
ALWAYS = {
    "DBInstanceIdentifier", "DBClusterIdentifier", "DbiResourceId", "DbClusterResourceId",
    "DBInstanceArn", "DBClusterArn", "DBInstanceStatus", "Status", "Engine", "EngineVersion",
    "AllocatedStorage", "DBInstanceClass", "DBClusterMembers",
}  # fmt: skip
REQUESTS = (
    {},
    {"strategy": "restore-first"},
    {"strategy": "copy", "targetIdentifier": "spare-one"},
    {"overrides": {"DBSubnetGroupName": "prod-subnets", "VpcSecurityGroupIds": ["sg-1"]}},
)


def check_all(aws: Aws, *requests: dict) -> None:
    for request in requests or ({},):
        try:
            aws.check(**request)
        except TrapheusError:
            # It may well be refused, but not fail.
            continue


def test_the_check_does_not_mind_what_the_database_does_not_show(aws: Aws, kind: Kind):
    shown = aws.found()
    whole = copy.deepcopy(shown)
    for name in whole.keys() - ALWAYS:
        del shown[name]
        check_all(aws)
        shown[name] = whole[name]
    for name in whole.keys() - ALWAYS:
        del shown[name]
    check_all(aws, *REQUESTS)


@of_clusters
def test_the_check_does_not_mind_what_a_member_does_not_show(aws: Aws, kind: Kind):
    shown = aws.found("prod-cluster-writer", "instance")
    for name in [*(shown.keys() - ALWAYS - {"DBClusterIdentifier"})]:
        held = shown.pop(name)
        check_all(aws)
        shown[name] = held


def test_the_check_does_not_mind_what_a_snapshot_does_not_show(aws: Aws, kind: Kind):
    shown = aws.found(f"{kind.identifier}-snapshot", aws.snapshot_kind)
    own = {"DBSnapshotIdentifier", "DBClusterSnapshotIdentifier", "SnapshotType"}
    for name in [*(shown.keys() - ALWAYS - own)]:
        held = shown.pop(name)
        check_all(aws)
        shown[name] = held


def test_an_original_that_shows_no_protection_is_deleted(aws: Aws, kind: Kind, finished: dict):
    finished["modify"].pop("DeletionProtection", None)
    del aws.found(f"{kind.identifier}-temp")["DeletionProtection"]

    aws.until_done("delete", plan=finished)
    aws.settle()

    assert aws.found(f"{kind.identifier}-temp") is None


@pytest.mark.parametrize(
    ("engine", "old", "new", "can"),
    [
        ("postgres", "9.5.25", "9.6.24", False),
        ("postgres", "9.6.1", "9.6.24", True),
        ("postgres", "14.9", "14.12", True),
        ("postgres", "9.6.24", "10.1", False),
        ("aurora-postgresql", "9.6.8", "9.6.19", True),
        ("mysql", "5.7.44", "8.0.41", False),
    ],
)
def test_the_major_version_of_old_postgresql_has_two_numbers(
    engine: str, old: str, new: str, can: bool
):
    assert can_become(engine, old, new) is can


@pytest.mark.parametrize(
    ("engine", "number", "family"),
    [
        ("postgres", "9.6.24", "postgres9.6"),
        ("oracle-se2", "12.1.0.2.v28", "oracle-se2-12.1"),
        ("oracle-ee-cdb", "19.0.0.0.ru-2024-10.rur-2024-10.r1", "oracle-ee-cdb-19"),
        ("sqlserver-ex", "15.00.4410.1.v1", "sqlserver-ex-15.0"),
        ("db2-se", "11.5.9.0.sb00046748.r1", "db2-se-11.5"),
    ],
)
def test_the_family_of_a_version_fits_and_its_neighbour_does_not(
    engine: str, number: str, family: str
):
    version = Version(engine, number, "the database")
    assert version.fits(family)
    assert not version.fits(f"{family}1")


GIVEN = {
    "BackupTarget": "region",
    "DatabaseInsightsMode": "standard",
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "NetworkType": "IPV4",
}
ASKED = {
    "BackupTarget": "outposts",
    "DatabaseInsightsMode": "advanced",
    "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
    "NetworkType": "DUAL",
    "EnabledCloudwatchLogsExports": ["error"],
    "MaxAllocatedStorage": 100,
    "PubliclyAccessible": True,
}


def comparison_with(now: dict):
    bare = {"Engine": "mysql"}
    planned = {"restore": {}, "modify": {}, "original": {}, "cannotKeep": [], "roles": [],
               "tags": []}  # fmt: skip
    return compared(INSTANCE, planned, bare | now)


def test_what_rds_gives_every_new_database_is_told_where_the_original_did_not_show_it():
    found = comparison_with(GIVEN)
    assert found.wrong == []
    told = {entry["attribute"]: entry["now"] for entry in found.differs if entry["was"] is None}
    assert GIVEN.items() <= told.items()


@pytest.mark.parametrize("name", ASKED)
def test_what_nobody_asked_for_and_rds_does_not_give_is_wrong(name: str):
    (line,) = comparison_with({name: ASKED[name]}).wrong
    assert line.startswith(f"{name} is ")


GROUPS = {"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-default", "Status": "active"}]}


@pytest.mark.parametrize("table", [INSTANCE, CLUSTER], ids=["instance", "cluster"])
def test_a_group_that_rds_has_chosen_is_wrong_where_the_original_was_in_a_vpc(table: Table):
    """All of its own were on their way out: who reaches the copy is somebody's to say."""
    planned = {"restore": {"DBSubnetGroupName": "default"}, "modify": {}, "original": {},
               "cannotKeep": [], "roles": [], "tags": [], "httpEndpoint": None}  # fmt: skip
    found = {"Engine": "mysql", **GROUPS}
    in_a_vpc = compared(table, planned, found).wrong
    assert [line for line in in_a_vpc if line.startswith("VpcSecurityGroups")]
    classic = compared(table, planned | {"restore": {}}, found).wrong
    assert not [line for line in classic if line.startswith("VpcSecurityGroups")]
