"""What a person or a tool asks of RDS besides: points in time, failovers, sharing, parameters."""

import pytest

from local.emulator.rds import RdsError
from local.emulator.rds.registry import OPERATIONS
from tests.emulator.rds_world import NAMES, World

KINDS = pytest.mark.parametrize("kind", ["instance", "cluster"])


def refused(code, call, *given):
    with pytest.raises(RdsError) as caught:
        call(*given)
    assert caught.value.code == code


def to_point(world, kind, name="new", **more):
    word = {"instance": "DBInstance", "cluster": "DBCluster"}[kind]
    names = {
        "instance": {"SourceDBInstanceIdentifier": "db", "TargetDBInstanceIdentifier": name},
        "cluster": {"SourceDBClusterIdentifier": "cl", "DBClusterIdentifier": name},
    }[kind]
    return world.rds.call(f"Restore{word}ToPointInTime", names | more)[word]


@KINDS
def test_a_restore_to_the_latest_moment_has_the_data_and_the_settings(kind):
    world, words = World(), NAMES[kind]
    world.modify(kind, words["name"], BackupRetentionPeriod=9)
    world.wait()
    world.rds.write(kind, words["name"], "written later")
    to_point(world, kind, UseLatestRestorableTime=True)
    assert world.status(kind, "new") == "creating"
    world.wait()
    shown, source = world.shown(kind, "new"), world.shown(kind, words["name"])
    assert shown[words["status"]] == "available"
    same = ("Engine", "EngineVersion", "BackupRetentionPeriod", "MasterUsername")
    assert {name: shown[name] for name in same} == {name: source[name] for name in same}
    assert world.rds.data(kind, "new") == "written later"


@KINDS
def test_a_restore_to_a_point_in_time_wants_one_moment_that_there_was(kind):
    world = World()
    world.wait()
    key = {"instance": "RestoreTime", "cluster": "RestoreToTime"}[kind]
    refused("InvalidParameterCombination", lambda: to_point(world, kind))
    both = {"UseLatestRestorableTime": True, key: world.rds.when(600)}
    refused("InvalidParameterCombination", lambda: to_point(world, kind, **both))
    refused("InvalidRestoreFault", lambda: to_point(world, kind, **{key: world.rds.when(7200)}))
    refused("InvalidRestoreFault", lambda: to_point(world, kind, **{key: world.rds.when()}))
    to_point(world, kind, **{key: world.rds.when(600)})


def test_without_automated_backups_there_is_no_point_in_time():
    world = World()
    world.modify("instance", "db", BackupRetentionPeriod=0)
    world.wait()
    refused("PointInTimeRestoreNotEnabled",
            lambda: to_point(world, "instance", UseLatestRestorableTime=True))  # fmt: skip


def test_a_failover_makes_the_reader_the_writer():
    world = World()
    world.add_member("cl", "cl-third", PromotionTier=0)
    world.wait()
    call = world.rds.call
    for asked, writer in (
        ({}, "cl-third"),
        ({"TargetDBInstanceIdentifier": "cl-writer"}, "cl-writer"),
    ):
        call("FailoverDBCluster", {"DBClusterIdentifier": "cl", **asked})
        world.wait(0.2)
        assert world.status("cluster", "cl") == "failing-over"
        world.wait()
        members = world.shown("cluster", "cl")["DBClusterMembers"]
        assert [one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]] == [
            writer
        ]
    asked = {"DBClusterIdentifier": "cl", "TargetDBInstanceIdentifier": "cl-writer"}
    refused("InvalidDBInstanceState", call, "FailoverDBCluster", asked)


@KINDS
def test_a_snapshot_is_shared_and_shared_no_longer_and_its_copy_is_not(kind):
    world, words = World(), NAMES[kind]
    name, word = f"{words['name']}-snapshot", words["snapshot_word"]

    def change(**values):
        asked = {words["snapshot_id"]: name, "AttributeName": "restore", **values}
        return world.rds.call(f"Modify{word}Attribute", asked)

    def accounts(of):
        found = world.rds.call(f"Describe{word}Attributes", {words["snapshot_id"]: of})
        (restore,) = found[f"{word}AttributesResult"][f"{word}Attributes"]
        return restore["AttributeValues"]

    assert accounts(name) == []
    change(ValuesToAdd=["111122223333", "444455556666"])
    assert accounts(name) == ["111122223333", "444455556666"]
    change(ValuesToRemove=["111122223333"])
    assert accounts(name) == ["444455556666"]
    world.rds.call(words["copy"], {f"Source{words['snapshot_id']}": name,
                                   f"Target{words['snapshot_id']}": "copy"})  # fmt: skip
    assert accounts("copy") == []


def test_parameters_are_described_set_and_reset():
    world = World()
    call = world.rds.call
    call("CreateDBParameterGroup", {"DBParameterGroupName": "own", "Description": "x",
                                    "DBParameterGroupFamily": "postgres16"})  # fmt: skip

    def value(group):
        found = call("DescribeDBParameters", {"DBParameterGroupName": group})["Parameters"]
        return next(one for one in found if one["ParameterName"] == "rds.force_ssl")

    def setting(group, name="rds.force_ssl", method="immediate"):
        one = {"ParameterName": name, "ParameterValue": "0", "ApplyMethod": method}
        return {"DBParameterGroupName": group, "Parameters": [one]}

    assert (value("own")["ParameterValue"], value("own")["Source"]) == ("1", "engine-default")
    call("ModifyDBParameterGroup", setting("own"))
    assert (value("own")["ParameterValue"], value("own")["Source"]) == ("0", "user")
    assert value("default.postgres16")["ParameterValue"] == "1"
    modify = "ModifyDBParameterGroup"
    refused("InvalidParameterValue", call, modify, setting("default.postgres16"))
    refused("InvalidParameterValue", call, modify, setting("own", "nonsense"))
    static = setting("own", "rds.logical_replication")
    refused("InvalidParameterCombination", call, modify, static)
    call("ResetDBParameterGroup", {"DBParameterGroupName": "own", "ResetAllParameters": True})
    assert value("own")["ParameterValue"] == "1"


def test_an_instance_has_a_log_file():
    call = World().rds.call
    asked = {"DBInstanceIdentifier": "db"}
    (found,) = call("DescribeDBLogFiles", asked)["DescribeDBLogFiles"]
    text = call("DownloadDBLogFilePortion", asked | {"LogFileName": found["LogFileName"]})
    assert len(text["LogFileData"]) == found["Size"]
    refused("DBLogFileNotFoundFault", call, "DownloadDBLogFilePortion",
            asked | {"LogFileName": "nonsense"})  # fmt: skip


def test_default_versions_and_filters_of_versions():
    call = World().rds.call

    def versions(**asked):
        found = call("DescribeDBEngineVersions", asked)["DBEngineVersions"]
        return [one["EngineVersion"] for one in found]

    assert versions(Engine="postgres", DefaultOnly=True) == ["16.6"]
    assert versions(DBParameterGroupFamily="postgres15") == ["15.8", "15.10"]
    family = {"Name": "db-parameter-group-family", "Values": ["postgres14"]}
    assert versions(Filters=[family]) == ["14.15"]
    assert versions(Filters=[{"Name": "engine-version", "Values": ["17.2"]}]) == ["17.2"]


def test_a_version_says_what_it_can_be_upgraded_to():
    asked = {"Engine": "postgres", "EngineVersion": "16.9"}
    (shown,) = World().rds.call("DescribeDBEngineVersions", asked)["DBEngineVersions"]
    found = {one["EngineVersion"]: one["IsMajorVersionUpgrade"]
             for one in shown["ValidUpgradeTarget"]}  # fmt: skip
    assert found == {"16.10": False, "17.2": True}


def test_global_clusters_and_deployments_are_found_by_their_names():
    world = World()
    world.rds.global_clusters = [{"GlobalClusterIdentifier": name, "GlobalClusterMembers": []}
                                 for name in ("one", "two")]  # fmt: skip
    key = "BlueGreenDeploymentIdentifier"
    world.rds.blue_green_deployments = [{key: name, "Source": "a", "Target": "b"}
                                        for name in ("bgd-1", "bgd-2")]  # fmt: skip
    call = world.rds.call
    found = call("DescribeGlobalClusters", {"GlobalClusterIdentifier": "two"})["GlobalClusters"]
    assert [one["GlobalClusterIdentifier"] for one in found] == ["two"]
    found = call("DescribeBlueGreenDeployments", {key: "bgd-1"})["BlueGreenDeployments"]
    assert [one[key] for one in found] == ["bgd-1"]
    by_name = [{"Name": "blue-green-deployment-identifier", "Values": ["bgd-2"]}]
    found = call("DescribeBlueGreenDeployments", {"Filters": by_name})["BlueGreenDeployments"]
    assert [one[key] for one in found] == ["bgd-2"]
    none = {"GlobalClusterIdentifier": "three"}
    refused("GlobalClusterNotFoundFault", call, "DescribeGlobalClusters", none)
    none = {key: "bgd-3"}
    refused("BlueGreenDeploymentNotFoundFault", call, "DescribeBlueGreenDeployments", none)


@KINDS
def test_databases_are_found_by_their_directory(kind):
    world, words = World(), NAMES[kind]
    world.modify(kind, words["name"], Domain="d-1234567890", DomainIAMRoleName="role")
    world.wait()
    for domain, count in (("d-1234567890", 1), ("d-0000000000", 0)):
        asked = {"Filters": [{"Name": "domain", "Values": [domain]}]}
        assert len(world.rds.call(words["describe"], asked)[words["list"]]) == count


def test_what_is_not_known_here_is_refused_in_one_sentence():
    refused("NotImplemented", World().rds.call, "DescribeReservedDBInstances", {})


def test_a_bug_of_the_local_rds_is_an_answer_with_a_traceback_in_the_log(monkeypatch, caplog):
    def broken(rds, parameters):
        raise ZeroDivisionError("a bug")

    monkeypatch.setitem(OPERATIONS, "DescribeDBClusters", broken)
    status, _, text = World().rds.answer(b"Action=DescribeDBClusters&Version=2014-10-31")
    assert (status, b"<Code>InternalFailure</Code>" in text) == (500, True)
    assert "ZeroDivisionError: a bug" in caplog.text
