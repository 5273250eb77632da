"""Several accounts of one embedded AWS: who answers whom, and what one lends to another."""

import json

import pytest
from botocore.exceptions import ClientError

from local.commands.app import lend_key
from local.emulator.cloud import ACCOUNT, REGION
from local.emulator.rds.operations import snapshot_sharing
from tests.emulator.conftest import SMALL, arn

OTHER = "210987654321"


def make_database(rds):
    with rds.instantly():
        rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": "db", "Engine": "postgres", "DBInstanceClass": "db.t4g.micro",
        })  # fmt: skip


def code(work, **given):
    with pytest.raises(ClientError) as caught:
        work(**given)
    return caught.value.response["Error"]["Code"]


def test_each_account_has_its_own_databases_and_keys(cloud):
    make_database(cloud.rds_in(REGION, OTHER))
    mine, theirs = cloud.client("rds"), cloud.client("rds", account=OTHER)
    assert mine.describe_db_instances()["DBInstances"] == []
    (shown,) = theirs.describe_db_instances()["DBInstances"]
    assert shown["DBInstanceArn"] == f"arn:aws:rds:us-east-1:{OTHER}:db:db"
    assert [call.account for call in cloud.calls] == [ACCOUNT, OTHER]
    key = cloud.client("kms", account=OTHER).create_key()["KeyMetadata"]
    assert key["AWSAccountId"] == OTHER
    assert code(cloud.client("kms").describe_key, KeyId=key["KeyId"]) == "NotFoundException"


def test_an_assumed_role_is_of_its_account(cloud):
    role = cloud.client("iam", account=OTHER).create_role(
        RoleName="visited", AssumeRolePolicyDocument=json.dumps({"Statement": []})
    )["Role"]["Arn"]
    assumed = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="visit")["Credentials"]
    visitor = cloud._client("sts", assumed["AccessKeyId"])
    assert visitor.get_caller_identity()["Account"] == OTHER


def test_a_stack_in_another_account_runs_there(cloud):
    cloud.deploy(SMALL, {"Greeting": "hello"}, "small", OTHER)
    theirs = arn(cloud, "EchoFunction").replace(ACCOUNT, OTHER)
    definition = {"StartAt": "Ask", "States": {"Ask": {
        "Type": "Task", "Resource": theirs, "End": True,
    }}}  # fmt: skip
    machine = cloud.client("stepfunctions", account=OTHER).create_state_machine(
        name="theirs",
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{OTHER}:role/any",
    )["stateMachineArn"]
    assert f":{OTHER}:" in machine
    execution = cloud.run(machine, {"words": "there"})
    assert (execution.status, f":{OTHER}:" in execution.arn) == ("SUCCEEDED", True)
    assert cloud.executions() == [execution.arn]
    cloud.reset()
    assert cloud.executions() == []
    cloud.use_stack("small")
    assert f":{ACCOUNT}:" in arn(cloud, "EchoFunction")


@pytest.fixture
def lent(cloud):
    """Copy what the other account shares, under a key of this one, by the key that it is under."""
    make_database(cloud.rds_in(REGION, OTHER))
    rds, own = cloud.client("rds"), cloud.client("kms").create_key()["KeyMetadata"]["Arn"]

    def copy(key):
        their = cloud.rds_in(REGION, OTHER)
        shared = snapshot_sharing.plant(their, "instance", "db", "lent", [ACCOUNT], key=key)
        return rds.copy_db_snapshot(
            SourceDBSnapshotIdentifier=shared, TargetDBSnapshotIdentifier="copy", KmsKeyId=own
        )["DBSnapshot"]

    return copy


def test_a_key_that_is_lent_lets_its_snapshot_be_copied(lent):
    assert lent(lend_key(OTHER, ACCOUNT))["Status"] == "pending"


@pytest.mark.parametrize("missing", ["everything", "kms:CreateGrant", "kms:DescribeKey", "state"])
def test_what_a_key_has_to_allow_or_its_snapshot_is_not_copied(cloud, lent, missing):
    keys, key = cloud.client("kms", account=OTHER), lend_key(OTHER, ACCOUNT)
    if missing == "everything":
        key = keys.create_key()["KeyMetadata"]["Arn"]
    elif missing == "state":
        keys.disable_key(KeyId=key.rpartition("/")[2])
    else:
        policy = keys.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        lacking = policy.replace(missing, "kms:ListGrants")
        keys.put_key_policy(KeyId=key, PolicyName="default", Policy=lacking)
    assert code(lent, key=key) == "KMSKeyNotAccessibleFault"


def test_an_explicit_denial_in_a_keys_policy_wins(cloud, lent):
    keys, key = cloud.client("kms", account=OTHER), lend_key(OTHER, ACCOUNT)
    policy = json.loads(keys.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"].append({
        "Effect": "Deny", "Principal": "*", "Action": "kms:CreateGrant", "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": ACCOUNT}},
    })  # fmt: skip
    keys.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    assert code(lent, key=key) == "KMSKeyNotAccessibleFault"
