"""IAM in the emulator: policies as they stand in IAM, and the calls that they let through."""

import json

import pytest

from local.emulator.authorization.needs import NEEDS, Asked, needs
from local.emulator.authorization.policies import UnknownCondition, compiled, fitting
from local.emulator.rds import Rds
from tests.emulator.conftest import arn

DB = "arn:aws:rds:us-east-1:123456789012:db:orders"


def allows(statement, action="rds:DeleteDBInstance", resource=DB, **context):
    """Whether one statement fits a call; the context's names have _ for : and /."""
    (part,) = compiled({"Statement": {"Effect": "Allow", **statement}})
    given = {name.replace("__", "/").replace("_", ":"): value for name, value in context.items()}
    return fitting(part, action, resource, given.get) is not None


def test_an_action_is_compared_without_regard_to_case_and_with_wildcards():
    assert allows({"Action": "RDS:deletedb*", "Resource": "*"})
    assert allows({"Action": ["s3:*", "rds:Delete?BInstance"], "Resource": "*"})
    assert not allows({"Action": "rds:DeleteDB", "Resource": "*"})
    assert not allows({"Action": "rds.DeleteDBInstance", "Resource": "*"})


def test_a_resource_is_compared_with_regard_to_case_and_with_wildcards():
    assert allows({"Action": "*", "Resource": "arn:aws:rds:*:*:db:ord*"})
    assert not allows({"Action": "*", "Resource": "arn:aws:rds:*:*:db:Ord*"})
    assert not allows({"Action": "*", "Resource": "arn:aws:rds:*:*:cluster:*"})


def test_a_resource_pattern_that_is_narrower_than_all_does_not_allow_all():
    everything = DB.replace("orders", "*")
    assert allows({"Action": "*", "Resource": everything}, resource=everything)
    assert not allows({"Action": "*", "Resource": DB}, resource=everything)


def test_not_action_and_not_resource_fit_everything_else():
    assert allows({"NotAction": "s3:*", "Resource": "*"})
    assert not allows({"NotAction": "rds:Delete*", "Resource": "*"})
    assert allows({"Action": "*", "NotResource": "arn:aws:rds:*:*:cluster:*"})
    assert not allows({"Action": "*", "NotResource": "arn:aws:rds:*:*:db:*"})


@pytest.mark.parametrize(
    ("condition", "value", "fits"),
    [
        ({"StringEquals": {"kms:ViaService": ["a", "b"]}}, ("b",), True),
        ({"StringEquals": {"kms:ViaService": "a*"}}, ("ab",), False),
        ({"StringEquals": {"kms:ViaService": "a"}}, None, False),
        ({"StringEqualsIfExists": {"kms:ViaService": "a"}}, None, True),
        ({"StringNotEquals": {"kms:ViaService": "a"}}, ("b",), True),
        ({"StringNotEquals": {"kms:ViaService": "a"}}, ("a",), False),
        ({"StringNotEquals": {"kms:ViaService": "a"}}, None, True),
        ({"StringLike": {"kms:ViaService": "rds.*.com"}}, ("rds.eu.com",), True),
        ({"ArnLike": {"kms:ViaService": "arn:*:x"}}, ("arn:aws:y",), False),
        ({"Bool": {"kms:ViaService": True}}, ("true",), True),
        ({"Null": {"kms:ViaService": "false"}}, ("x",), True),
        ({"Null": {"kms:ViaService": "false"}}, None, False),
        ({"Null": {"kms:ViaService": "true"}}, None, True),
        ({"Null": {"kms:ViaService": True}}, ("x",), False),
    ],
    ids=str,
)
def test_conditions_are_evaluated(condition, value, fits):
    statement = {"Action": "*", "Resource": "*", "Condition": condition}
    assert allows(statement, kms_viaservice=value) is fits


def test_a_condition_that_is_not_known_is_told_and_not_passed_over():
    document = {
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}},
    }  # fmt: skip
    with pytest.raises(UnknownCondition, match="DateLessThan"):
        compiled({"Statement": [document]})


# What operations need


@pytest.fixture
def rds():
    made = Rds(lambda: 1_700_000_000.0)
    with made.instantly():
        made.call("CreateDBInstance", {
            "DBInstanceIdentifier": "orders", "Engine": "postgres", "MasterUsername": "someone",
            "MasterUserPassword": "something", "DBInstanceClass": "db.t4g.medium",
            "AllocatedStorage": 20, "StorageEncrypted": True,
            "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/own",
        })  # fmt: skip
    return made


def needed(rds, operation, **parameters):
    asked = Asked(operation, parameters, "123456789012", "us-east-1", lambda _: rds)
    return {(need.action, need.resource.split(":", 5)[-1]) for need in needs("rds", asked)}


def test_a_look_with_a_filter_only_needs_all_of_the_type(rds):
    assert needed(rds, "DescribeDBInstances", Filters=[]) == {("rds:DescribeDBInstances", "db:*")}
    by_name = needed(rds, "DescribeDBInstances", DBInstanceIdentifier="orders")
    assert by_name == {("rds:DescribeDBInstances", "db:orders")}


def test_a_snapshot_of_an_encrypted_database_needs_its_key_and_its_tags_a_right_of_their_own(rds):
    asked = {"DBInstanceIdentifier": "orders", "DBSnapshotIdentifier": "orders-snapshot"}
    plain = {
        ("rds:CreateDBSnapshot", "db:orders"),
        ("rds:CreateDBSnapshot", "snapshot:orders-snapshot"),
        ("kms:CreateGrant", "key/own"),
        ("kms:DescribeKey", "key/own"),
    }
    assert needed(rds, "CreateDBSnapshot", **asked) == plain
    tagged = needed(rds, "CreateDBSnapshot", **asked, Tags=[{"Key": "a", "Value": "b"}])
    assert tagged == plain | {("rds:AddTagsToResource", "snapshot:orders-snapshot")}


def test_a_modify_needs_the_groups_and_roles_that_it_names_and_no_others(rds):
    bare = needed(rds, "ModifyDBInstance", DBInstanceIdentifier="orders")
    assert bare == {("rds:ModifyDBInstance", "db:orders")}
    more = needed(
        rds, "ModifyDBInstance", DBInstanceIdentifier="orders", OptionGroupName="options",
        MonitoringRoleArn="arn:aws:iam::123456789012:role/watch", ManageMasterUserPassword=True,
    )  # fmt: skip
    assert more - bare == {
        ("rds:ModifyDBInstance", "og:options"),
        ("iam:PassRole", "role/watch"),
        ("secretsmanager:CreateSecret", "secret:rds!db-new"),
        ("secretsmanager:TagResource", "secret:rds!db-new"),
    }


# Calls


def test_a_function_is_denied_what_its_policies_do_not_grant(cloud, machine, task):
    (role,) = [r for r in functions_roles(cloud) if "LookFunction" in r]
    cloud.authorization.withheld.add((role, "rds:DescribeDBInstances"))
    try:
        execution = cloud.run(machine({"Look": task("LookFunction")}), {})
    finally:
        cloud.authorization.withheld.clear()

    (call,) = [one for one in cloud.calls if one.service == "rds"]
    assert call.error == "AccessDenied"
    assert call.grants == []
    assert "(AccessDenied)" in execution.cause
    assert (
        f"User: arn:aws:sts::123456789012:assumed-role/{role}/LookFunction is not authorized to"
        " perform: rds:DescribeDBInstances on resource: arn:aws:rds:us-east-1:123456789012:db:*"
        " because no identity-based policy allows the rds:DescribeDBInstances action"
    ) in json.loads(execution.cause)["errorMessage"]


def test_a_call_that_is_allowed_says_what_it_used(cloud, machine, task):
    execution = cloud.run(machine({"Look": task("LookFunction")}), {})

    assert execution.status == "SUCCEEDED", execution.cause
    (call,) = [one for one in cloud.calls if one.service == "rds"]
    used = ("rds:DescribeDBInstances", "arn:aws:rds:us-east-1:123456789012:db:*")
    assert call.grants == [used]


def test_a_state_machine_may_invoke_only_what_its_role_may(cloud, task):
    machine = cloud.physical_id("SmallStateMachine")
    states = {"Look": {**task("LookFunction"), "End": True}}
    client = cloud.client("stepfunctions")
    before = client.describe_state_machine(stateMachineArn=machine)["definition"]
    assert cloud.run(machine, {}, "allowed").status == "SUCCEEDED"
    client.update_state_machine(
        stateMachineArn=machine, definition=json.dumps({"StartAt": "Look", "States": states})
    )
    try:
        execution = cloud.run(machine, {}, "denied")
    finally:
        client.update_state_machine(stateMachineArn=machine, definition=before)

    assert (execution.status, execution.error) == ("FAILED", "Lambda.AccessDeniedException")
    assert "lambda:InvokeFunction on resource: " + arn(cloud, "LookFunction") in execution.cause


def test_a_policy_that_changes_counts_from_the_next_call_on_and_a_deny_wins(cloud, machine, task):
    iam = cloud.client("iam")
    (role,) = [r for r in functions_roles(cloud) if "LookFunction" in r]
    look = machine({"Look": task("LookFunction")})
    deny = {"Effect": "Deny", "Action": "rds:Describe*", "Resource": "*"}
    assert cloud.run(look, {}, "before").status == "SUCCEEDED"
    iam.put_role_policy(
        RoleName=role,
        PolicyName="no",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    try:
        assert cloud.run(look, {}, "while").status == "FAILED"
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="no")
    assert cloud.run(look, {}, "after").status == "SUCCEEDED"


def test_an_operation_whose_needs_nobody_has_written_down_is_told(
    cloud, machine, task, monkeypatch
):
    monkeypatch.delitem(NEEDS, ("rds", "DescribeDBInstances"))
    look = machine({"Look": task("LookFunction")})
    try:
        with pytest.raises(NotImplementedError, match="rds:DescribeDBInstances"):
            cloud.run(look, {})
    finally:
        cloud.authorization.unknown.clear()


def functions_roles(cloud):
    """The names of the roles that the small application's functions have."""
    shown = cloud.client("lambda").list_functions()["Functions"]
    return {function["Role"].rpartition("/")[2] for function in shown}
