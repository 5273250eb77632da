"""What is carried from an original to its copy: the tables, and how they are read."""

import json
from typing import Any

import jmespath
import pytest

from tests.unit.conftest import Aws
from trapheus.configuration.attributes import CLUSTER, INSTANCE, MEMBER, Table
from trapheus.configuration.comparison import (
    compared,
    configuration,
    missing_roles,
    modifications,
    parameters,
)
from trapheus.rds.access import rds

CALLS = {
    "instance": (INSTANCE, "RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance"),
    "cluster": (CLUSTER, "RestoreDBClusterFromSnapshot", "ModifyDBCluster"),
    "member": (MEMBER, "CreateDBInstance", "ModifyDBInstance"),
}
tables = pytest.mark.parametrize("of", CALLS)


# What every Describe answer holds, and what none of these calls needs it for.
BARE = {"Engine": "postgres"}


def planned_of(table: Table, found: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a description, without its engine."""
    planned = configuration(table, {**BARE, **found})
    planned["restore"].pop("Engine", None)
    planned["original"].pop("Engine", None)
    return planned


def restored(found: dict[str, Any]) -> dict[str, Any]:
    return planned_of(INSTANCE, found)["restore"]


@tables
def test_every_parameter_is_one_of_its_call(wire: Aws, of: str):
    table, restore, modify = CALLS[of]
    model = rds().meta.service_model

    for call, operation in (("restore", restore), ("modify", modify)):
        known = set(model.operation_model(operation).input_shape.members)
        assert set(parameters(table, call)) - known == set()


def test_a_parameter_is_in_both_calls_only_with_a_reason():
    # SQL Server takes these with a Modify only.
    sql_server = {"AllocatedStorage", "Iops", "MultiAZ", "StorageThroughput", "StorageType"}
    # A Multi-AZ DB cluster's are modified with its storage, and wanted with its storage type.
    of_clusters = {"Iops"}
    both = {
        of: {*parameters(CALLS[of][0], "restore")} & {*parameters(CALLS[of][0], "modify")}
        for of in CALLS
    }

    assert both == {"instance": sql_server, "cluster": of_clusters, "member": set()}


@tables
def test_no_two_attributes_have_the_same_parameter(of: str):
    table = CALLS[of][0]
    for call in ("restore", "modify"):
        names = [name for row in table.values() for name in getattr(row, call)]
        assert len(names) == len(set(names))


@tables
def test_a_description_with_nothing_set_asks_for_nothing(of: str):
    table = CALLS[of][0]

    others = {"roles": []} if of != "member" else {}
    others |= {"endpoints": [], "members": [], "httpEndpoint": False} if of == "cluster" else {}
    assert planned_of(table, {}) == {
        "restore": {}, "modify": {}, "tags": [], "original": {}, "cannotKeep": [], "ailing": [],
        **others,
    }  # fmt: skip


@tables
def test_what_was_off_is_asked_to_be_off(of: str):
    table = CALLS[of][0]

    name = "PubliclyAccessible" if of == "member" else "CopyTagsToSnapshot"
    assert planned_of(table, {name: False})["restore"] == {name: False}


def test_a_retention_of_zero_days_is_kept():
    assert restored({"BackupRetentionPeriod": 0})["BackupRetentionPeriod"] == 0


@pytest.mark.parametrize("multi", [True, False])
def test_a_zone_is_asked_for_only_outside_multi_az(multi: bool):
    found = restored({"MultiAZ": multi, "AvailabilityZone": "us-east-1a"})

    assert found.get("AvailabilityZone") == (None if multi else "us-east-1a")


@pytest.mark.parametrize(
    ("engine", "named"),
    [
        ("oracle-ee", True), ("oracle-se2-cdb", True), ("postgres", False), ("mysql", False),
        ("mariadb", False), ("db2-se", False),
    ],
)  # fmt: skip
def test_a_database_name_is_asked_for_only_where_rds_takes_one(engine: str, named: bool):
    found = configuration(INSTANCE, {"Engine": engine, "DBName": "ORCL"})["restore"]

    assert found.get("DBName") == ("ORCL" if named else None)


@pytest.mark.parametrize(("engine", "call"), [("sqlserver-se", "modify"), ("postgres", "restore")])
def test_sql_server_gets_its_storage_settings_by_a_modify(engine: str, call: str):
    storage = {"Iops": 12000, "StorageThroughput": 500, "StorageType": "gp3"}
    found = configuration(INSTANCE, {"Engine": engine, "AllocatedStorage": 400, **storage})
    other = {"modify": "restore", "restore": "modify"}[call]

    assert found[call] == {**storage, "AllocatedStorage": 400}
    assert found[other] == {}


@pytest.mark.parametrize(
    ("engine", "kind", "size", "taken"),
    [
        ("postgres", "gp3", 399, []),
        ("postgres", "gp3", 400, ["Iops", "StorageThroughput"]),
        ("oracle-ee", "gp3", 199, []),
        ("oracle-ee", "gp3", 200, ["Iops", "StorageThroughput"]),
        ("postgres", "io2", 100, ["Iops"]),
        ("postgres", "gp2", 1000, []),
    ],
)
def test_iops_and_throughput_are_asked_for_only_where_rds_takes_them(
    engine: str, kind: str, size: int, taken: list[str]
):
    shown = {"StorageType": kind, "AllocatedStorage": size, "Iops": 3000, "StorageThroughput": 125}
    found = configuration(INSTANCE, {"Engine": engine, **shown})["restore"]

    taken = ["AllocatedStorage", *taken]
    assert found == {"StorageType": kind, **{name: shown[name] for name in taken}}


def test_a_feature_that_is_off_is_not_asked_for():
    off = {
        "CustomerOwnedIpEnabled": False, "DedicatedLogVolume": False,
        "IAMDatabaseAuthenticationEnabled": False,
    }  # fmt: skip
    found = configuration(INSTANCE, {"Engine": "sqlserver-se", **off})

    assert (found["restore"], found["modify"]) == ({}, {})


def test_what_the_copy_has_and_the_original_had_not_is_a_difference():
    planned = configuration(INSTANCE, {"Engine": "postgres"})
    found = {"Engine": "postgres", "EnabledCloudwatchLogsExports": ["upgrade"]}

    (line,) = compared(INSTANCE, planned, found).wrong

    assert line == "EnabledCloudwatchLogsExports is ['upgrade'], was None"


def test_the_version_is_changed_only_where_it_differs():
    now, old = ({"Engine": "postgres", "EngineVersion": version} for version in ("16.4", "16.1"))
    planned = configuration(INSTANCE, {**now, "MaxAllocatedStorage": 100})

    assert modifications(INSTANCE, planned, now) == {"MaxAllocatedStorage": 100}
    assert modifications(INSTANCE, planned, old) == {
        "EngineVersion": "16.4",
        "MaxAllocatedStorage": 100,
    }


@pytest.mark.parametrize(
    ("membership", "expected"),
    [
        (
            {"Domain": "d-1", "FQDN": "corp.example.com", "IAMRoleName": "directory"},
            {"Domain": "d-1", "DomainIAMRoleName": "directory"},
        ),
        (
            {"FQDN": "a.example", "OU": "OU=x", "AuthSecretArn": "arn", "DnsIps": ["10.0.0.1"]},
            {
                "DomainFqdn": "a.example", "DomainOu": "OU=x", "DomainAuthSecretArn": "arn",
                "DomainDnsIps": ["10.0.0.1"],
            },
        ),
    ],
)  # fmt: skip
def test_a_domain_is_asked_for_as_the_kind_that_it_is(membership: dict, expected: dict):
    assert restored({"DomainMemberships": [membership]}) == expected


def test_additional_volumes_are_asked_for_without_what_only_describe_shows():
    volume = {"VolumeName": "rdsdbdata2", "AllocatedStorage": 100, "StorageType": "gp3"}
    found = restored({"AdditionalStorageVolumes": [{**volume, "StorageVolumeStatus": "active"}]})

    asked = found["AdditionalStorageVolumes"][0]
    assert "StorageVolumeStatus" not in asked
    assert {key: asked[key] for key in volume} == volume


def test_what_a_volume_has_not_is_not_asked_for():
    # botocore refuses a parameter that is None.
    found = restored({"AdditionalStorageVolumes": [{"VolumeName": "rdsdbdata2"}]})

    assert found["AdditionalStorageVolumes"] == [{"VolumeName": "rdsdbdata2"}]


@pytest.mark.parametrize(("window", "asked"), [(0, None), (3600, 3600), (None, None)])
def test_backtracking_is_asked_for_only_where_it_was_on(window: int | None, asked: int | None):
    found = {} if window is None else {"BacktrackWindow": window}

    assert configuration(CLUSTER, found)["restore"].get("BacktrackWindow") == asked


def test_a_managed_password_is_asked_for_with_its_key():
    found = {"MasterUserSecret": {"SecretArn": "arn:secret", "KmsKeyId": "arn:key"}}

    for table in (INSTANCE, CLUSTER):
        assert planned_of(table, found)["modify"] == {
            "ManageMasterUserPassword": True,
            "MasterUserSecretKmsKeyId": "arn:key",
        }


def test_a_password_of_one_s_own_is_not_made_a_managed_one():
    assert planned_of(INSTANCE, {"DeletionProtection": True})["modify"] == {
        "DeletionProtection": True
    }


@pytest.mark.parametrize(
    ("status", "asked"), [("enabled", True), ("disabled", None), ("requested", None)]
)
def test_write_forwarding_is_asked_for_where_it_was_on(status: str, asked: bool | None):
    found = configuration(CLUSTER, {"LocalWriteForwardingStatus": status})["modify"]

    assert found.get("EnableLocalWriteForwarding") == asked


def test_a_modify_is_asked_for_with_all_of_its_parameters_or_not_at_all():
    same = {"MonitoringInterval": 15, "MonitoringRoleArn": "arn", "DeletionProtection": True}
    planned = planned_of(INSTANCE, same)

    half = {**BARE, "MonitoringInterval": 15}
    assert modifications(INSTANCE, planned, half) == planned["modify"]
    assert modifications(INSTANCE, planned, {**BARE, **same}) == {}


def test_a_database_without_modifications_needs_no_modify():
    planned = planned_of(INSTANCE, {"MultiAZ": True})

    assert modifications(INSTANCE, planned, {**BARE, "MultiAZ": True}) == {}


def test_only_roles_that_are_missing_are_asked_for():
    roles = [{"RoleArn": f"arn:{n}", "FeatureName": "s3Import"} for n in range(3)]
    planned = planned_of(INSTANCE, {"AssociatedRoles": roles})

    assert missing_roles(planned, {"AssociatedRoles": roles[1:2]}) == [roles[0], roles[2]]
    assert missing_roles(planned, {"AssociatedRoles": roles}) == []
    assert missing_roles(planned, {}) == roles


def test_a_role_without_a_feature_is_carried():
    planned = configuration(CLUSTER, {"AssociatedRoles": [{"RoleArn": "arn:1"}]})

    assert planned["roles"] == [{"RoleArn": "arn:1", "FeatureName": ""}]


@tables
def test_the_same_description_does_not_differ(aws: Aws, of: str):
    name = {"instance": "prod-db", "cluster": "prod-cluster", "member": "prod-cluster-writer"}[of]
    shelf = aws.rds.clusters if of == "cluster" else aws.rds.instances
    planned = json.loads(json.dumps(configuration(CALLS[of][0], shelf[name])))

    comparison = compared(CALLS[of][0], planned, shelf[name])
    assert (comparison.wrong, comparison.differs, comparison.cannot_keep) == ([], [], [])


@tables
def test_every_expression_reads_an_attribute_that_describe_has(wire: Aws, of: str):
    shape = "DBCluster" if of == "cluster" else "DBInstance"
    attributes = set(rds().meta.service_model.shape_for(shape).members)
    table = CALLS[of][0]

    paths = [*parameters(table, "restore").values(), *parameters(table, "modify").values()]
    paths += [row.reads for row in table.values() if row.reads]
    paths += [row.lost for row in table.values() if row.lost]
    for path in paths:
        tree = json.dumps(jmespath.compile(path).parsed)
        words = {part.split('"')[0] for part in tree.split('"type": "field"')}
        assert words
        assert any(f'"value": "{name}"' in tree for name in attributes), path


# The report


def test_the_report_tells_what_is_kept_what_cannot_be_and_what_differs():
    was = {
        **BARE, "MultiAZ": True, "AvailabilityZone": "us-east-1a", "DbiResourceId": "db-OLD",
        "MasterUserSecret": {"SecretArn": "arn:old", "KmsKeyId": "arn:key"}, "Timezone": "UTC",
    }  # fmt: skip
    now = {
        **was, "AvailabilityZone": "us-east-1b", "DbiResourceId": "db-NEW", "Timezone": "CET",
        "MasterUserSecret": {"SecretArn": "arn:new", "KmsKeyId": "arn:key"},
    }  # fmt: skip

    comparison = compared(INSTANCE, configuration(INSTANCE, was), now)

    assert comparison.wrong == []
    lost = {entry["attribute"]: (entry["was"], entry["now"]) for entry in comparison.cannot_keep}
    assert lost == {
        "AvailabilityZone": ("us-east-1a", "us-east-1b"),
        "DbiResourceId": ("db-OLD", "db-NEW"),
        "MasterUserSecret": ("arn:old", "arn:new"),
    }
    assert all(entry["why"].endswith(".") for entry in comparison.cannot_keep)
    assert comparison.differs == [
        {"attribute": "Timezone", "was": "UTC", "now": "CET", "done": "as the snapshot has it"}
    ]
    assert set(comparison.kept) == {"Engine", "MultiAZ", "MasterUserSecret"}


@pytest.mark.parametrize(("was", "now"), [("", ""), ("", None), (None, "")])
def test_a_cluster_without_a_first_database_differs_in_nothing(was: str | None, now: str | None):
    known = configuration(CLUSTER, {"Engine": "aurora-mysql", "DatabaseName": was})

    comparison = compared(CLUSTER, known, {"Engine": "aurora-mysql", "DatabaseName": now})

    assert (comparison.wrong, comparison.differs) == ([], [])


def test_what_is_the_same_again_is_kept():
    was = {**BARE, "MultiAZ": True, "AvailabilityZone": "us-east-1a"}

    comparison = compared(INSTANCE, configuration(INSTANCE, was), was)

    assert "AvailabilityZone" in comparison.kept
    assert comparison.cannot_keep == []


def test_a_long_value_is_cut_in_the_plan():
    arns = [{"DBInstanceAutomatedBackupsArn": f"arn:{n:050}"} for n in range(20)]

    (entry,) = configuration(INSTANCE, {**BARE, "DBInstanceAutomatedBackupsReplications": arns})[
        "cannotKeep"
    ]

    assert len(entry["was"]) < 320
