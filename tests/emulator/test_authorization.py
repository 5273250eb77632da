"""IAM in the emulator: policies as they stand in IAM, and the calls that they let through."""

import json

import pytest
from moto.kms.models import kms_backends

from local.emulator.authorization import Grant, refuses, trusts
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
        ({"ForAllValues:StringEquals": {"kms:ViaService": ["x", "y"]}}, ("x", "y"), True),
        ({"ForAllValues:StringEquals": {"kms:ViaService": ["x", "y"]}}, ("x", "z"), False),
        ({"ForAllValues:StringEquals": {"kms:ViaService": "x"}}, None, True),
        ({"ForAnyValue:StringLike": {"kms:ViaService": "x*"}}, ("a", "xy"), True),
        ({"ForAnyValue:StringLike": {"kms:ViaService": "x*"}}, ("a", "b"), False),
        ({"ForAnyValue:StringLike": {"kms:ViaService": "x*"}}, None, False),
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
        fitting(*compiled({"Statement": [document]}), "rds:Any", "*", lambda _: None)


# What operations need


@pytest.fixture
def rds():
    made = Rds(lambda: 1_700_000_000.0)
    with made.instantly():
        made.call("CreateDBInstance", {
            "DBInstanceIdentifier": "orders", "Engine": "postgres", "MasterUsername": "someone",
            "MasterUserPassword": "something", "DBInstanceClass": "db.t4g.medium",
            "AllocatedStorage": 20, "StorageEncrypted": True, "CopyTagsToSnapshot": True,
            "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/own",
        })  # fmt: skip
        made.call("CreateDBCluster", {
            "DBClusterIdentifier": "events", "Engine": "aurora-postgresql",
            "MasterUsername": "someone", "MasterUserPassword": "something",
            "CopyTagsToSnapshot": True,
        })  # fmt: skip
    return made


def needed(rds, operation, **parameters):
    asked = Asked(operation, parameters, "123456789012", "us-east-1", lambda *_: rds)
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


FINAL = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": "last"}


def test_a_final_snapshot_of_an_instance_needs_what_a_snapshot_does(rds):
    asked = {"DBInstanceIdentifier": "orders"}
    bare = needed(rds, "DeleteDBInstance", **asked, SkipFinalSnapshot=True)
    assert bare == {("rds:DeleteDBInstance", "db:orders")}
    final = {("rds:CreateDBSnapshot", "db:orders"), ("rds:CreateDBSnapshot", "snapshot:last")}
    tags = {("rds:AddTagsToResource", "snapshot:last")}
    assert needed(rds, "DeleteDBInstance", **asked, **FINAL) == bare | final | tags
    rds.find("instance", "orders").shown["CopyTagsToSnapshot"] = False
    assert needed(rds, "DeleteDBInstance", **asked, **FINAL) == bare | final


def test_a_final_snapshot_of_a_cluster_needs_what_a_snapshot_does(rds):
    asked = {"DBClusterIdentifier": "events"}
    bare = needed(rds, "DeleteDBCluster", **asked, SkipFinalSnapshot=True)
    assert bare == {("rds:DeleteDBCluster", "cluster:events")}
    final = {
        ("rds:DeleteDBCluster", "cluster-snapshot:last"),
        ("rds:CreateDBClusterSnapshot", "cluster:events"),
        ("rds:CreateDBClusterSnapshot", "cluster-snapshot:last"),
    }
    tags = {("rds:AddTagsToResource", "cluster-snapshot:last")}
    assert needed(rds, "DeleteDBCluster", **asked, **FINAL) == bare | final | tags
    rds.find("cluster", "events").shown["CopyTagsToSnapshot"] = False
    assert needed(rds, "DeleteDBCluster", **asked, **FINAL) == bare | final


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


TENANTS = {"db:orders", "tenant-database:*"}


def test_tenants_of_oracle_want_rights_of_their_own(rds):
    name = {"DBInstanceIdentifier": "orders"}
    restore = {**name, "DBSnapshotIdentifier": "orders-snapshot"}
    with rds.instantly():
        rds.call("CreateDBSnapshot", restore)
    snapshot, instance = rds.find("snapshot", "orders-snapshot"), rds.find("instance", "orders")

    def tenants(operation, **parameters):
        asked = needed(rds, operation, **parameters)
        return {one for one in asked if "Tenant" in one[0]}

    create = {("rds:CreateTenantDatabase", one) for one in TENANTS}
    calls = [("RestoreDBInstanceFromDBSnapshot", restore), ("ModifyDBInstance", name),
             ("DeleteDBInstance", name)]  # fmt: skip
    assert [tenants(operation, **given) for operation, given in calls] == [set()] * 3
    assert tenants("ModifyDBInstance", **name, MultiTenant=True) == create
    snapshot.shown["MultiTenant"] = instance.shown["MultiTenant"] = True
    delete = {("rds:DeleteTenantDatabase", one) for one in TENANTS}
    assert [tenants(operation, **given) for operation, given in calls] == [create, create, delete]
    of_snapshots = {one for operation, more in (
        ("CreateDBSnapshot", {"DBSnapshotIdentifier": "new"}),
        ("DeleteDBInstance", {"FinalDBSnapshotIdentifier": "last"}),
    ) for one in needed(rds, operation, **name, **more) if "snapshot-tenant" in one[1]}  # fmt: skip
    assert of_snapshots == {
        ("rds:CreateDBSnapshot", f"snapshot-tenant-database:{made}:1") for made in ("new", "last")
    }


# Who may assume a role


MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:mine"


@pytest.mark.parametrize(
    ("statement", "source", "may"),
    [
        ({}, MACHINE, True),
        ({}, "", True),
        ({"Principal": {"Service": ["lambda.amazonaws.com"]}}, MACHINE, False),
        ({"Principal": "*"}, MACHINE, True),
        ({"Action": "sts:TagSession"}, MACHINE, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}, MACHINE, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}}, MACHINE, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}, "", False),
        ({"Condition": {"ArnLike": {"aws:SourceArn": MACHINE[:-4] + "*"}}}, MACHINE, True),
        ({"Condition": {"ArnLike": {"aws:SourceArn": MACHINE + "-too"}}}, MACHINE, False),
        ({"Effect": "Deny"}, MACHINE, False),
    ],
    ids=str,
)
def test_a_role_is_assumed_as_its_trust_policy_says(cloud, statement, source, may):
    usual = {"Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {"Service": "states.amazonaws.com"}}  # fmt: skip
    document = {"Version": "2012-10-17", "Statement": [{**usual, **statement}]}
    iam = cloud.client("iam")
    made = iam.create_role(RoleName="trusted", AssumeRolePolicyDocument=json.dumps(document))
    arn = made["Role"]["Arn"]
    try:
        assert trusts("123456789012", arn, "states.amazonaws.com", source) is may
        assert refuses("123456789012", arn, "states.amazonaws.com", source) is not may
    finally:
        iam.delete_role(RoleName="trusted")


def test_a_role_that_there_is_not_trusts_nobody_and_refuses_nobody(cloud):
    arn = "arn:aws:iam::123456789012:role/none"
    assert not trusts("123456789012", arn, "states.amazonaws.com", MACHINE)
    assert not refuses("123456789012", arn, "states.amazonaws.com", MACHINE)


@pytest.mark.parametrize(
    ("service", "kind", "properties", "said"),
    [
        ("states.amazonaws.com", "AWS::StepFunctions::StateMachine",
         {"DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
          "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}},
         "is authorized to assume the provided role"),
        ("scheduler.amazonaws.com", "AWS::Scheduler::Schedule",
         {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"},
          "Target": {"Arn": MACHINE, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}},
         "must allow AWS EventBridge Scheduler to assume"),
    ],
    ids=["machine", "schedule"],
)  # fmt: skip
@pytest.mark.parametrize("account", ["123456789012", "210987654321"])
def test_a_stack_whose_role_trusts_another_account_is_not_made(
    cloud, service, kind, *, properties, said, account
):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"aws:SourceAccount": account}}}  # fmt: skip
    document = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    template = {"Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": document},
        "Made": {"Type": kind, "Properties": properties},
    }}  # fmt: skip
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="trusting", TemplateBody=json.dumps(template))
    (stack,) = formation.describe_stacks(StackName="trusting")["Stacks"]
    events = formation.describe_stack_events(StackName="trusting")["StackEvents"]
    formation.delete_stack(StackName="trusting")

    is_mine = account == "123456789012"
    reasons = " ".join(one.get("ResourceStatusReason") or "" for one in events)
    assert stack["StackStatus"] == ("CREATE_COMPLETE" if is_mine else "ROLLBACK_COMPLETE")
    assert (said in reasons) is not is_mine


# Another account's key


@pytest.mark.parametrize(
    ("principals", "may"),
    [(["arn:aws:iam::123456789012:root"], True), (["123456789012"], True), (["*"], True),
     (["arn:aws:iam::999999999999:root"], False)],
    ids=str,
)  # fmt: skip
def test_another_account_s_key_is_used_as_far_as_its_own_policy_allows(cloud, principals, may):
    formation = cloud.client("cloudformation")
    grants = with_policies(Look=look_policy("kms:CreateGrant"))
    formation.create_stack(StackName="managed", TemplateBody=grants)
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
                 "Principal": {"AWS": principals}}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    backend = kms_backends["999999999999"]["us-east-1"]
    key = backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
    name = physical_ids(cloud, "managed")["Role"]
    role = cloud.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    try:
        found = cloud.authorization.allows(role, "kms:CreateGrant", key.arn)
        # This account's side is asked for as well.
        other = cloud.authorization.allows(role, "kms:DescribeKey", key.arn)
    finally:
        formation.delete_stack(StackName="managed")
    assert (found, other) == (may, False)


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


# Managed policies


def look_policy(action="rds:DescribeDBInstances", count=1):
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement] * count}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}


def with_policies(**policies):
    """A template: a role with these managed policies and one of AWS's own."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    own = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    role = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "ManagedPolicyArns": [own, *({"Ref": name} for name in policies)],
    }
    resources = {"Role": {"Type": "AWS::IAM::Role", "Properties": role}, **policies}
    return json.dumps({"Resources": resources})


def physical_ids(cloud, stack):
    client = cloud.client("cloudformation")
    found = client.describe_stack_resources(StackName=stack)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def allowed(cloud, *actions):
    """Which of these actions the role of the stack `managed` may do now."""
    name = physical_ids(cloud, "managed")["Role"]
    role = cloud.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    return [cloud.authorization.allows(role, action, DB) for action in actions]


def test_the_managed_policies_of_a_stack_s_role_count_and_change_with_it(cloud):
    formation, iam = cloud.client("cloudformation"), cloud.client("iam")
    before = {one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]}

    look, delete, log = "rds:DescribeDBInstances", "rds:DeleteDBInstance", "logs:PutLogEvents"
    formation.create_stack(StackName="managed", TemplateBody=with_policies(Look=look_policy()))
    made = allowed(cloud, look, delete, log)
    changed = with_policies(Look=look_policy(delete))
    formation.update_stack(StackName="managed", TemplateBody=changed)
    after = allowed(cloud, look, delete, log)
    formation.update_stack(StackName="managed", TemplateBody=with_policies())
    without = allowed(cloud, look, delete, log)
    left = {one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]}
    formation.delete_stack(StackName="managed")

    assert made == [True, False, True]
    assert after == [False, True, True]
    assert (without, left) == ([False, False, True], before)
    present = [one["StackName"] for one in formation.describe_stacks()["Stacks"]]
    assert "managed" not in present


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ({f"Look{number}": look_policy() for number in range(10)}, "PoliciesPerRole: 10"),
        ({"Look": look_policy(count=100)}, "PolicySize: 6144"),
    ],
    ids=["too many", "too large"],
)
def test_the_quotas_of_managed_policies_fail_a_stack(cloud, policies, said):
    formation, iam = cloud.client("cloudformation"), cloud.client("iam")
    before = iam.list_roles()["Roles"]
    formation.create_stack(StackName="greedy", TemplateBody=with_policies(**policies))
    (stack,) = formation.describe_stacks(StackName="greedy")["Stacks"]
    events = formation.describe_stack_events(StackName="greedy")["StackEvents"]
    left = iam.list_roles()["Roles"]
    formation.delete_stack(StackName="greedy")
    reasons = [one.get("ResourceStatusReason") or "" for one in events]
    assert (stack["StackStatus"], left) == ("ROLLBACK_COMPLETE", before)
    assert any(f"Cannot exceed quota for {said}" in reason for reason in reasons)


def test_an_action_is_taken_out_of_the_managed_policy_that_grants_it(cloud):
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="managed", TemplateBody=with_policies(Look=look_policy()))
    ids = physical_ids(cloud, "managed")
    action = "rds:DescribeDBInstances"
    grants = cloud.authorization.granted(ids["Look"])
    cloud.authorization.withheld.add((ids["Look"], action))
    try:
        withheld = allowed(cloud, action)
    finally:
        cloud.authorization.withheld.clear()
        formation.delete_stack(StackName="managed")

    assert grants == {Grant(ids["Look"], action, "*")}
    assert withheld == [False]
