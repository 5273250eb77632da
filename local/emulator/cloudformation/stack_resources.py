"""Resources of CloudFormation that moto does not make, or makes without what is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.awslambda.utils import get_backend
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.ec2.models.security_groups import SecurityGroup
from moto.events.models import Rule
from moto.iam import models as iam
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend, ManagedPolicy, Role, iam_backends
from moto.kms.models import Key
from moto.logs.models import LogGroup
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import scheduler_backends
from moto.sqs.models import sqs_backends

from local.emulator.authorization import refuses

Properties = dict[str, Any]

LARGEST_POLICY = 6144  # [fact: size-of-a-policy]
MOST_POLICIES = 10  # [fact: policies-of-a-role]
LARGEST_ENVIRONMENT = 4096  # bytes [fact: environment-of-a-function]
# [fact: descriptions-of-security-groups]
DESCRIPTION = re.compile(r"[A-Za-z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def repair(repairs: ExitStack) -> None:
    """Apply all of this module's repairs until `repairs` is closed."""
    updates: dict[type[Any], Callable[..., Any]] = {Table: _update_table, Rule: _update_rule}
    for owner, update in updates.items():
        repairs.enter_context(
            patch.object(owner, "update_from_cloudformation_json", classmethod(update))
        )
    for kind, settle in SETTLED.items():
        _settle_after_each_change(repairs, kind, settle)
    deletions: dict[type[Any], Callable[..., Any]] = {
        FakeBucket: _delete_bucket,
        ManagedPolicy: _delete_managed_policy,
        Role: _delete_role,
    }
    for owner, delete in deletions.items():
        repairs.enter_context(
            patch.object(owner, "delete_from_cloudformation_json", classmethod(delete))
        )
    _know_managed_policies(repairs)
    # Without it a Ref of the layer gives the object itself.
    repairs.enter_context(
        patch.object(LayerVersion, "physical_resource_id", LayerVersion.arn, create=True)
    )
    repairs.enter_context(patch.object(LayerVersion, "delete", _delete_layer, create=True))
    repairs.enter_context(patch.object(FakeBucket, "get_permission", _permission))
    _tell_where_functions_log(repairs)
    # AWS's ends so (Step Functions refuses one that does not), and moto's as the group's own.
    repairs.enter_context(
        patch.object(LogGroup, "get_cfn_attribute", lambda group, _: f"{group.arn}:*")
    )


class RoleNotAssumable(ServiceException):  # type: ignore[misc]
    """A role whose trust policy does not let a service assume it."""

    code = "ValidationException"


class BucketPolicy(CloudFormationModel):  # type: ignore[misc]
    """AWS::S3::BucketPolicy, of which moto knows nothing."""

    def __init__(self, bucket: str) -> None:
        self.physical_resource_id = bucket

    @staticmethod
    def cloudformation_type() -> str:
        """Tell the type in a template."""
        return "AWS::S3::BucketPolicy"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Tell the property that names it: none."""
        return ""

    @classmethod
    def create_from_cloudformation_json(
        cls, _: str, template: Any, account_id: str, *__: Any, **___: Any
    ) -> BucketPolicy:
        """Put the policy on its bucket."""
        properties = template["Properties"]
        # A text as S3's own API keeps it, and as moto's evaluation of policies reads it.
        document = json.dumps(properties["PolicyDocument"]).encode()
        s3_backends[account_id]["aws"].put_bucket_policy(properties["Bucket"], document)
        return cls(properties["Bucket"])

    @classmethod
    def update_from_cloudformation_json(
        cls, *, cloudformation_json: Any, account_id: str, **_: Any
    ) -> BucketPolicy:
        """Put the new policy in the old one's place."""
        return cls.create_from_cloudformation_json("", cloudformation_json, account_id)

    def delete(self, account_id: str, _: str) -> None:
        """Take the policy off its bucket."""
        s3_backends[account_id]["aws"].delete_bucket_policy(self.physical_resource_id)


class QueuePolicy(CloudFormationModel):  # type: ignore[misc]
    """AWS::SQS::QueuePolicy, of which moto knows nothing."""

    def __init__(self, name: str, queues: list[str]) -> None:
        self.physical_resource_id, self.queues = name, queues

    @staticmethod
    def cloudformation_type() -> str:
        """Tell the type in a template."""
        return "AWS::SQS::QueuePolicy"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Tell the property that names it: none."""
        return ""

    @classmethod
    def create_from_cloudformation_json(
        cls, name: str, template: Any, account_id: str, region_name: str, **_: Any
    ) -> QueuePolicy:
        """Put the policy on its queues, which it names by their URLs."""
        made = cls(name, template["Properties"]["Queues"])
        made.put(template["Properties"]["PolicyDocument"], account_id, region_name)
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, *, original_resource: QueuePolicy, cloudformation_json: Any, account_id: str,
        region_name: str, **_: Any,
    ) -> QueuePolicy:  # fmt: skip
        """Put the new policy in the old one's place."""
        original_resource.delete(account_id, region_name)
        name = original_resource.physical_resource_id
        return cls.create_from_cloudformation_json(
            name, cloudformation_json, account_id, region_name
        )

    def put(self, document: Any, account_id: str, region_name: str) -> None:
        """Set the policy of its queues."""
        backend = sqs_backends[account_id][region_name]
        for url in self.queues:
            # As moto takes a queue's policy: a text, "" for none.
            text = json.dumps(document) if document else ""
            backend.set_queue_attributes(url.rpartition("/")[2], {"Policy": text})

    def delete(self, account_id: str, region_name: str) -> None:
        """Take the policy off its queues, as far as they are there."""
        there = sqs_backends[account_id][region_name].queues
        self.queues = [url for url in self.queues if url.rpartition("/")[2] in there]
        self.put(None, account_id, region_name)


class Schedule(CloudFormationModel):  # type: ignore[misc]
    """AWS::Scheduler::Schedule: moto has the service, but not in templates."""

    def __init__(self, name: str, group: str, arn: str) -> None:
        self.physical_resource_id, self.group, self.arn = name, group, arn

    @staticmethod
    def cloudformation_type() -> str:
        """Tell the type in a template."""
        return "AWS::Scheduler::Schedule"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Tell the property that names it."""
        return "Name"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Tell whether Fn::GetAtt knows an attribute."""
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Answer Fn::GetAtt."""
        if attribute_name != "Arn":
            raise NotImplementedError(f"a schedule has no attribute {attribute_name}")
        return self.arn

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, template: Any, account_id: str, region_name: str, **_: Any
    ) -> Schedule:
        """Make the schedule in the service."""
        asked = template["Properties"]
        place = f"arn:aws:scheduler:{region_name}:{account_id}"
        group = f"{place}:schedule-group/{asked.get('GroupName', 'default')}"
        if refuses(account_id, asked["Target"]["RoleArn"], "scheduler.amazonaws.com", group):
            raise RoleNotAssumable(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the"
                " role."
            )
        made = scheduler_backends[account_id][region_name].create_schedule(
            description=asked.get("Description"),
            end_date=asked.get("EndDate"),
            flexible_time_window=asked["FlexibleTimeWindow"],
            group_name=asked.get("GroupName"),
            kms_key_arn=asked.get("KmsKeyArn"),
            name=resource_name,
            schedule_expression=asked["ScheduleExpression"],
            schedule_expression_timezone=asked.get("ScheduleExpressionTimezone"),
            start_date=asked.get("StartDate"),
            state=asked.get("State"),
            target=_numbers_as_numbers(asked["Target"]),
            action_after_completion=None,
        )
        return cls(made.name, made.group_name, made.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        *,
        original_resource: Schedule,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> Schedule:
        """Make the schedule anew under its old name."""
        original_resource.delete(account_id, region_name)
        name = cloudformation_json["Properties"].get("Name", original_resource.physical_resource_id)
        return cls.create_from_cloudformation_json(
            name, cloudformation_json, account_id, region_name
        )

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the schedule in the service."""
        backend = scheduler_backends[account_id][region_name]
        backend.delete_schedule(self.group, self.physical_resource_id)


def _numbers_as_numbers(target: Properties) -> Properties:
    """CloudFormation takes "3600" for 3600, the service's answer does not."""
    policy = {name: int(value) for name, value in target.get("RetryPolicy", {}).items()}
    return {**target, **({"RetryPolicy": policy} if policy else {})}


# What is set on a resource once moto has made or changed it.


def _settle_function(function: Any, properties: Properties, account: str) -> None:
    if refuses(account, properties["Role"], "lambda.amazonaws.com"):
        raise RoleNotAssumable("The role defined for the function cannot be assumed by Lambda.")
    function.layers = function._get_layers_data(properties.get("Layers", []))
    function.architectures = properties.get("Architectures", ["x86_64"])
    function.tracing_config = properties.get("TracingConfig", {"Mode": "PassThrough"})
    variables = properties.get("Environment", {}).get("Variables", {})
    function.environment_vars = {name: str(value) for name, value in variables.items()}
    _require_room(function.environment_vars)
    function.logging_config = {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{function.function_name}",
        **properties.get("LoggingConfig", {}),
    }


def _require_room(variables: dict[str, str]) -> None:
    """Refuse an environment that is too large."""
    if sum(len((name + value).encode()) for name, value in variables.items()) > LARGEST_ENVIRONMENT:
        raise ServiceException(
            "InvalidParameterValueException",
            "Lambda was unable to configure your environment variables because the environment"
            " variables you have provided exceeded the 4KB limit.",
        )


def _settle_role(role: Any, properties: Properties, account: str) -> None:
    role.assume_role_policy_document = json.dumps(properties["AssumeRolePolicyDocument"])
    asked = {
        policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])
    }
    # Not those of AWS::IAM::Policy, which are resources of their own.
    for name in set(getattr(role, "own_policies", ())) - set(asked):
        role.delete_policy(name)
    for name, document in asked.items():
        role.put_policy(name, json.dumps(document))
    role.own_policies = set(asked)
    _attach(role, properties.get("ManagedPolicyArns", []), account)


def _attach(role: Any, wanted: list[str], account: str) -> None:
    """Attach these managed policies and no others, as CloudFormation does; moto drops them."""
    backend = iam_backends[account]["aws"]
    for arn in set(role.managed_policies) - set(wanted):
        role.managed_policies[arn].detach_from(role)
    for arn in wanted:
        if arn not in role.managed_policies:
            backend.get_policy(arn).attach_to(role)


def _settle_managed_policy(policy: Any, properties: Properties, account: str) -> None:
    document = json.dumps(properties["PolicyDocument"])
    _require_size(document)
    # CloudFormation makes a new version the default one.
    policy.versions[-1].document = document


def _require_size(document: str) -> None:
    """Refuse a managed policy that is too long.

    [fact: size-of-a-policy]
    """
    if len("".join(document.split())) > LARGEST_POLICY:
        raise LimitExceededException(f"Cannot exceed quota for PolicySize: {LARGEST_POLICY}")


def _settle_key(key: Any, properties: Properties, account: str) -> None:
    key.policy = json.dumps(properties["KeyPolicy"])
    key.description = properties.get("Description", "")
    key.key_rotation_status = _is_true(properties.get("EnableKeyRotation", False))


def _settle_security_group(group: Any, properties: Properties, account: str) -> None:
    described = {"security group": [properties["GroupDescription"]]}
    rules = properties.get("SecurityGroupIngress", []) + properties.get("SecurityGroupEgress", [])
    described["rule"] = [rule.get("Description", "") for rule in rules]
    for what, texts in described.items():
        if not all(map(DESCRIPTION.fullmatch, texts)):
            raise ServiceException(
                "InvalidParameterValue",
                f"Invalid {what} description. Valid descriptions are strings less than 256"
                " characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
            )


def _settle_log_group(group: Any, properties: Properties, account: str) -> None:
    days = properties.get("RetentionInDays")
    group.retention_in_days = None if days is None else int(days)


def _settle_bucket(bucket: Any, properties: Properties, account: str) -> None:
    backend = s3_backends[account]["aws"]
    if status := properties.get("VersioningConfiguration", {}).get("Status"):
        backend.put_bucket_versioning(bucket.name, status)
    if block := properties.get("PublicAccessBlockConfiguration"):
        given = {name: str(_is_true(value)).lower() for name, value in block.items()}
        backend.put_public_access_block(bucket.name, given)
    if rules := properties.get("LifecycleConfiguration", {}).get("Rules"):
        backend.put_bucket_lifecycle_configuration(bucket.name, [_rule(rule) for rule in rules])
    for rule in properties.get("OwnershipControls", {}).get("Rules", []):
        backend.put_bucket_ownership_controls(bucket.name, rule["ObjectOwnership"])


def _rule(asked: Properties) -> Properties:
    """A lifecycle rule as S3's own API has it: what applies to it all stands in `Expiration`."""
    rule: Properties = {
        "ID": asked.get("Id"),
        "Status": asked["Status"],
        "Filter": {"Prefix": asked.get("Prefix", "")},
    }
    expiration = {}
    if "ExpirationInDays" in asked:
        expiration["Days"] = str(asked["ExpirationInDays"])
    if "ExpiredObjectDeleteMarker" in asked:
        expiration["ExpiredObjectDeleteMarker"] = str(
            _is_true(asked["ExpiredObjectDeleteMarker"])
        ).lower()
    if expiration:
        rule["Expiration"] = expiration
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in asked:
            rule[name] = {key: str(value) for key, value in asked[name].items()}
    return rule


def _settle_table(table: Any, properties: Properties, account: str) -> None:
    table.billing_mode = properties.get("BillingMode", "PROVISIONED")
    table.deletion_protection_enabled = _is_true(properties.get("DeletionProtectionEnabled", False))
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    dynamodb_backends[account][table.region_name].update_continuous_backups(
        table.name,
        {"PointInTimeRecoveryEnabled": _is_true(recovery.get("PointInTimeRecoveryEnabled", False))},
    )


def _update_table(
    cls: Any, original_resource: Any, new_resource_name: str, cloudformation_json: Any, **place: str
) -> Any:
    """Leave the table where it stands, with its items; only another key makes another table.

    CloudFormation's reference of AWS::DynamoDB::Table, "Update requires: Replacement".
    """
    if cloudformation_json["Properties"]["KeySchema"] == original_resource.schema:
        return original_resource
    made = cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, **place)
    backend = dynamodb_backends[place["account_id"]][place["region_name"]]
    backend.delete_table(original_resource.name)
    return made


def _update_rule(
    cls: Any, original_resource: Any, new_resource_name: str, cloudformation_json: Any, **place: str
) -> Any:
    """Make the rule anew under its old name, which CloudFormation changes only when it is told."""
    original_resource.delete(**place)
    return cls.create_from_cloudformation_json(original_resource.name, cloudformation_json, **place)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


SETTLED: dict[type[Any], Callable[[Any, Properties, str], None]] = {
    LambdaFunction: _settle_function,
    ManagedPolicy: _settle_managed_policy,
    Role: _settle_role,
    Key: _settle_key,
    LogGroup: _settle_log_group,
    FakeBucket: _settle_bucket,
    Table: _settle_table,
    SecurityGroup: _settle_security_group,
}


def _settle_after_each_change(
    repairs: ExitStack, kind: type[Any], settle: Callable[[Any, Properties, str], None]
) -> None:
    create = kind.create_from_cloudformation_json.__func__
    update = kind.update_from_cloudformation_json.__func__
    changes_itself = not hasattr(update, "__isabstractmethod__")

    def created(
        cls: Any, resource_name: str, template: Any, account_id: str, region_name: str, **more: Any
    ) -> Any:
        properties = template["Properties"]
        if kind is Key:
            # KMS's own API says TagKey and TagValue, CloudFormation Key and Value.
            properties["Tags"] = [
                {"TagKey": tag["Key"], "TagValue": tag["Value"]}
                for tag in properties.get("Tags", [])
            ]
        resource = create(cls, resource_name, template, account_id, region_name, **more)
        try:
            settle(resource, properties, account_id)
        except Exception:
            name = resource.physical_resource_id
            cls.delete_from_cloudformation_json(name, template, account_id, region_name)
            raise
        return resource

    def updated(cls: Any, original_resource: Any, new_resource_name: str, **more: Any) -> Any:
        properties = more["cloudformation_json"]["Properties"]
        resource = original_resource
        if changes_itself:
            resource = update(cls, original_resource, new_resource_name, **more)
        settle(resource, properties, more["account_id"])
        return resource

    for name, replacement in (
        ("create_from_cloudformation_json", created),
        ("update_from_cloudformation_json", updated),
    ):
        repairs.enter_context(patch.object(kind, name, classmethod(replacement)))


def _delete_bucket(
    cls: Any, resource_name: str, template: Any, account_id: str, region_name: str
) -> None:
    backend = s3_backends[account_id]["aws"]
    # moto gives no error, and the bucket stays. [fact: full-buckets-stay]
    if backend.get_bucket(resource_name).keys:
        raise RuntimeError("The bucket you tried to delete is not empty (BucketNotEmpty)")
    backend.delete_bucket(resource_name)


def _delete_managed_policy(
    cls: Any, resource_name: str, template: Any, account_id: str, region_name: str
) -> None:
    backend = iam_backends[account_id]["aws"]
    if backend.get_policy(resource_name).attachment_count:
        raise RuntimeError("Cannot delete a policy attached to entities.")
    backend.delete_policy(resource_name)


DELETE_ROLE = Role.delete_from_cloudformation_json.__func__


def _delete_role(
    cls: Any, resource_name: str, template: Any, account_id: str, region_name: str
) -> None:
    """Detach its managed policies first, as CloudFormation does."""
    _attach(iam_backends[account_id]["aws"].get_role(resource_name), [], account_id)
    DELETE_ROLE(cls, resource_name, template, account_id, region_name)


def _know_managed_policies(repairs: ExitStack) -> None:
    """Let IAM have AWS's own managed policies, and its quotas of a role's and of their size."""
    create, attach = IAMBackend.create_policy, ManagedPolicy.attach_to

    def create_within(self: Any, **asked: Any) -> Any:
        _require_size(asked["policy_document"])
        return create(self, **asked)

    # [fact: policies-of-a-role]
    def attach_within(self: Any, to: Any) -> None:
        if isinstance(to, Role) and len(set(to.managed_policies) | {self.arn}) > MOST_POLICIES:
            raise LimitExceededException(
                f"Cannot exceed quota for PoliciesPerRole: {MOST_POLICIES}"
            )
        attach(self, to)

    repairs.enter_context(patch.object(iam, "load_iam_aws_managed_policies", lambda: True))
    repairs.enter_context(patch.object(IAMBackend, "create_policy", create_within))
    repairs.enter_context(patch.object(ManagedPolicy, "attach_to", attach_within))


def _delete_layer(self: Any, account_id: str, region_name: str) -> None:
    get_backend(account_id, region_name).delete_layer_version(self.name, str(self.version))


def _permission(self: Any, action: str, resource: str) -> Any:
    """As moto's, but a statement with a condition says nothing: moto would take it as without.

    The condition is that of SAM's own bucket, among others: deny what comes without TLS. The
    loopback port stands for AWS's, which has it.
    """
    if self.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(self.policy)
    given = document["Statement"]
    statements = [
        one for one in (given if isinstance(given, list) else [given]) if "Condition" not in one
    ]
    policy = IAMPolicy(json.dumps({**document, "Statement": statements}))
    return policy.is_action_permitted(action, resource)


def _tell_where_functions_log(repairs: ExitStack) -> None:
    configuration = LambdaFunction.get_configuration

    def with_log_group(self: Any, *args: Any, **given: Any) -> Any:
        told = configuration(self, *args, **given)
        return told | {"LoggingConfig": getattr(self, "logging_config", {"LogFormat": "Text"})}

    repairs.enter_context(patch.object(LambdaFunction, "get_configuration", with_log_group))
