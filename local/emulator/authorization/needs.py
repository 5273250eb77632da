"""Which permissions an operation needs, on which resources: a table of AWS's authorization.

Sources: SAR is the Service Authorization Reference of the service, "required" resource types and
dependent actions; UG the RDS User Guide; "memory" is unchecked. A resource that a request does not
name is authorised as `*` of its type: "rds:DescribeDBInstances on resource: ...:db:*" is what RDS
says of a Describe with filters only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from local.emulator.rds import Rds
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.resources import Resource, arn_parts

FINAL_SNAPSHOT = "FinalDBSnapshotIdentifier"


@dataclass(frozen=True)
class Need:
    """An action on a resource, with the condition keys that belong to it."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A call, and the RDS that it is made to; `rds` gives that of a region and account."""

    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    rds: Callable[[str, str], Rds]

    def get(self, parameter: str) -> str:
        """What the request says for a parameter, "" for nothing."""
        return str(self.parameters.get(parameter) or "")

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something of this account and of the request's region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def of(self, part: str, parameter: str) -> str:
        """The ARN of the RDS resource that a parameter names, of all when it names none."""
        name = self.get(parameter) or "*"
        return name if name.startswith("arn:") else self.arn("rds", f"{part}:{name}")

    def found(self, kind: str, parameter: str) -> dict[str, Any]:
        """What RDS shows of the thing that a parameter names; nothing when there is none."""
        name, place = self.get(parameter), (self.region, self.account)
        if name.startswith("arn:"):
            place = arn_parts(name)[:2]
        try:
            thing: Resource = self.rds(*place).find(kind, name)
        except RdsError:
            return {}
        return thing.shown


Row = Callable[[Asked], list[Need]]


def region_of(arn: str) -> str:
    """The region of an ARN."""
    return arn.split(":")[3]


def request_tags(asked: Asked) -> dict[str, tuple[str, ...]]:
    """The condition keys that the tags of a request make."""
    tags = asked.parameters.get("Tags") or []
    keys = [tag["Key"] for tag in tags] or list(asked.parameters.get("TagKeys") or [])
    found = {f"aws:requesttag/{tag['Key']}".lower(): (str(tag.get("Value", "")),) for tag in tags}
    return found | ({"aws:tagkeys": tuple(keys)} if keys else {})


def on(part: str, parameter: str) -> Row:
    """The operation's own action, on what the parameter names or on all of the type."""

    def needs(asked: Asked) -> list[Need]:
        own = f"rds:{asked.operation}"
        return [Need(own, asked.of(part, parameter), request_tags(asked))]

    return needs


def named(part: str, parameter: str) -> Row:
    """The same, only when the request names one."""
    always = on(part, parameter)
    return lambda asked: always(asked) if asked.get(parameter) else []


def either(part: str, parameter: str, whole: str, of: str) -> Row:
    """The same on a part when the request names one, else on what it is a part of."""
    by_part, by_whole = on(part, parameter), on(whole, of)
    return lambda asked: by_part(asked) if asked.get(parameter) else by_whole(asked)


def tagged(part: str, parameter: str) -> Row:
    """AddTagsToResource on what is made, when it is made with tags (SAR, dependent action)."""

    def needs(asked: Asked) -> list[Need]:
        if not asked.parameters.get("Tags"):
            return []
        made = asked.of(part, parameter)
        return [Need("rds:AddTagsToResource", made, request_tags(asked))]

    return needs


def also(action: str, part: str, parameter: str) -> Row:
    """Another action of RDS (SAR, dependent action)."""
    return lambda asked: [Need(action, asked.of(part, parameter))]


def of_its_members(action: str) -> Row:
    """An action on the members that RDS makes, of a Multi-AZ DB cluster (SAR, dependent action).

    That it is asked for on these, and of such a cluster only, is memory.
    [fact: members-want-rights]
    """

    def needs(asked: Asked) -> list[Need]:
        shown = asked.found("cluster", CLUSTER)
        listed = shown.get("DBClusterMembers", []) if "DBClusterInstanceClass" in shown else []
        names = [member["DBInstanceIdentifier"] for member in listed]
        return [Need(action, asked.arn("rds", f"db:{name}")) for name in names]

    return needs


def final_snapshot(action: str, kind: str, parameter: str, whole: str, made: str) -> Row:
    """The snapshot's own action on the database and on it, and AddTagsToResource on it.

    The last where the database's tags are copied. AWS's notice of August 2024, in GH convox #856
    and aws-solutions/instance-scheduler-on-aws #572; the database is asked for first (GH
    aws-samples/eks-workshop-v2 #1201), the snapshot then (GH gigascience/gigadb-website #2053)
    [fact: final-snapshot-wants-its-own-rights].
    """

    def needs(asked: Asked) -> list[Need]:
        if not asked.get(FINAL_SNAPSHOT):
            return []
        snapshot = asked.of(made, FINAL_SNAPSHOT)
        own = [Need(action, asked.of(whole, parameter)), Need(action, snapshot)]
        copies = asked.found(kind, parameter).get("CopyTagsToSnapshot")
        return [*own, *([Need("rds:AddTagsToResource", snapshot)] if copies else [])]

    return needs


def with_tenants(action: str, kind: str, parameter: str) -> Row:
    """An action on the tenant databases of a multi-tenant Oracle, and on their database.

    SAR: rds:CreateTenantDatabase of a create, a restore and a modify, rds:DeleteTenantDatabase of a
    delete [fact: tenants-of-oracle-want-rights]. On which resources, and that it is asked for where
    the database is multi-tenant or becomes it: cdklabs/cdk-proserve-lib.
    """

    def needs(asked: Asked) -> list[Need]:
        becomes = asked.parameters.get("MultiTenant")
        if not becomes and not asked.found(kind, parameter).get("MultiTenant"):
            return []
        resources = (asked.of("db", INSTANCE), asked.arn("rds", "tenant-database:*"))
        return [Need(action, resource) for resource in resources]

    return needs


def of_tenants(kind: str, parameter: str, name: str) -> Row:
    """The snapshot's own action on the snapshots of a multi-tenant Oracle's tenants.

    name: the parameter that names the snapshot, if one is taken. SAR has the type; that it is asked
    for of such databases only is likely [fact: tenants-of-oracle-want-rights].
    """

    def needs(asked: Asked) -> list[Need]:
        if not asked.get(name) or not asked.found(kind, parameter).get("MultiTenant"):
            return []
        made = f"snapshot-tenant-database:{asked.get(name)}:1"
        return [Need("rds:CreateDBSnapshot", asked.arn("rds", made))]

    return needs


def everywhere(asked: Asked) -> list[Need]:
    """The operation's own action, which takes no resource."""
    return [Need(f"rds:{asked.operation}", "*")]


def passes(parameter: str, service: str) -> Row:
    """PassRole on the role that the request names (SAR; UG on monitoring, domains, exports)."""

    def needs(asked: Asked) -> list[Need]:
        role = asked.get(parameter)
        if not role:
            return []
        if not role.startswith("arn:"):
            role = f"arn:aws:iam::{asked.account}:role/{role}"
        return [Need("iam:PassRole", role, {"iam:passedtoservice": (service,)})]

    return needs


def with_key(
    key: str, asked: Asked, actions: tuple[str, ...], service: str = "rds", region: str = ""
) -> list[Need]:
    """Actions on a KMS key, which the service asks for in the caller's name."""
    if not key:
        return []
    if not key.startswith("arn:"):
        key = asked.arn("kms", f"key/{key}")
    via = {
        "kms:viaservice": (f"{service}.{region or region_of(key)}.amazonaws.com",),
        "kms:calleraccount": (asked.account,),
        "kms:grantisforawsresource": ("true",),
    }
    return [Need(action, key, via) for action in actions]


# UG, "AWS KMS key management": RDS makes itself a grant on the key, in the caller's name
# [fact: keys-are-used-via-rds].
GRANT = ("kms:CreateGrant", "kms:DescribeKey")


def encrypted_as(kind: str, parameter: str) -> Row:
    """The grant on the key of what the parameter names, when that is encrypted (memory)."""
    return lambda asked: with_key(asked.found(kind, parameter).get("KmsKeyId", ""), asked, GRANT)


def key(parameter: str) -> Row:
    """The grant on the key that the request names."""
    return lambda asked: with_key(asked.get(parameter), asked, GRANT)


def restored_key(kind: str, parameter: str) -> Row:
    """The grant on the key that a restore names, else on its snapshot's."""
    own, of_snapshot = key("KmsKeyId"), encrypted_as(kind, parameter)
    return lambda asked: own(asked) or of_snapshot(asked)


def managed_password(prefix: str) -> Row:
    """The secret that RDS makes for a password, in the caller's name.

    [fact: passwords-want-a-secret]
    """

    def needs(asked: Asked) -> list[Need]:
        if not asked.parameters.get("ManageMasterUserPassword"):
            return []
        # RDS chooses the name: rds!db-<uuid>, rds!cluster-<uuid>.
        secret = asked.arn("secretsmanager", f"secret:rds!{prefix}-new")
        chosen = asked.get("MasterUserSecretKmsKeyId")
        reading = ("kms:Decrypt", "kms:GenerateDataKey")
        return [
            Need("secretsmanager:CreateSecret", secret),
            Need("secretsmanager:TagResource", secret),
            *with_key(chosen, asked, GRANT),
            *with_key(chosen, asked, reading, "secretsmanager"),
        ]

    return needs


def anything(asked: Asked) -> list[Need]:
    """The operation's own action on everything of RDS here: SAR lists several types (memory)."""
    return [Need(f"rds:{asked.operation}", asked.arn("rds", "*"))]


def looks_at_key(asked: Asked) -> list[Need]:
    """SAR of KMS: the key, by its ARN or its id."""
    given = asked.get("KeyId")
    return [Need("kms:DescribeKey", given if ":" in given else asked.arn("kms", f"key/{given}"))]


def sends_mail(asked: Asked) -> list[Need]:
    """SAR of SES, both APIs: identity, and the configuration set when one is used.

    [fact: mail-wants-the-configuration-set]
    """
    address = asked.get("FromEmailAddress") or asked.get("Source")
    sender = {"ses:fromaddress": (address,)}
    used = asked.get("ConfigurationSetName")
    resources = [f"identity/{address}", *([f"configuration-set/{used}"] if used else [])]
    return [Need("ses:SendEmail", asked.arn("ses", one), sender) for one in resources]


def publishes(asked: Asked) -> list[Need]:
    """SAR of SNS; and the topic's key, if it has one.

    [fact: key-of-a-topic]
    """
    arn = asked.get("TopicArn")
    topic = sns_backends[asked.account][asked.region].topics.get(arn)
    key = topic.kms_master_key_id if topic else ""
    by = {"kms:viaservice": (f"sns.{asked.region}.amazonaws.com",)}
    used = ("kms:GenerateDataKey", "kms:Decrypt") if key else ()
    return [Need("sns:Publish", arn), *(Need(action, key, by) for action in used)]


def puts_events(asked: Asked) -> list[Need]:
    """SAR of EventBridge."""
    buses = {one.get("EventBusName", "default") for one in asked.parameters["Entries"]}
    return [Need("events:PutEvents", asked.arn("events", f"event-bus/{bus}")) for bus in buses]


def invokes(asked: Asked) -> list[Need]:
    """SAR of Lambda."""
    name = asked.get("FunctionName")
    function = name if name.startswith("arn:") else asked.arn("lambda", f"function:{name}")
    return [Need("lambda:InvokeFunction", function)]


def starts(asked: Asked) -> list[Need]:
    """SAR of Step Functions."""
    return [Need("states:StartExecution", asked.get("stateMachineArn"))]


def on_execution(asked: Asked) -> list[Need]:
    """SAR of Step Functions: execution*."""
    return [Need(f"states:{asked.operation}", asked.get("executionArn"))]


def describes_map_run(asked: Asked) -> list[Need]:
    """SAR of Step Functions: maprun*."""
    return [Need("states:DescribeMapRun", asked.get("mapRunArn"))]


def on_object(*key_actions: str) -> Row:
    """SAR of S3: object*; and actions on the bucket's own key (user guide, "SSE-KMS")."""

    def needs(asked: Asked) -> list[Need]:
        bucket = asked.get("Bucket")
        own = Need(f"s3:{asked.operation}", f"arn:aws:s3:::{bucket}/{asked.get('Key')}")
        found = s3_backends[asked.account]["aws"].buckets.get(bucket)
        if asked.operation == "GetObject" and found and asked.get("Key") not in found.keys:
            # S3 tells only who may list the bucket that there is no such object.
            # [fact: missing-objects-are-denied]
            return [own, Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")]
        rule = ((found.encryption if found else None) or {}).get("Rule", {})
        by = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")
        return [own, *with_key(by, asked, key_actions, "s3")]

    return needs


def reads_secret(asked: Asked) -> list[Need]:
    """SAR of Secrets Manager: Secret*; and with a key of one's own kms:Decrypt (user guide)."""
    from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415 - takes long to import

    arn = asked.get("SecretId")
    backend = secretsmanager_backends[asked.account][asked.region]
    secret = next((one for one in backend.secrets.values() if one.arn == arn), None)
    key = str((secret.kms_key_id if secret else None) or "")
    return [
        Need("secretsmanager:GetSecretValue", arn),
        *with_key(key, asked, ("kms:Decrypt",), "secretsmanager"),
    ]


def on_table(asked: Asked) -> list[Need]:
    """The operation's own action, on the table."""
    table = asked.get("TableName")
    return [Need(f"dynamodb:{asked.operation}", asked.arn("dynamodb", f"table/{table}"))]


MONITORING = passes("MonitoringRoleArn", "monitoring.rds.amazonaws.com")
DOMAIN = passes("DomainIAMRoleName", "directoryservice.rds.amazonaws.com")
INSIGHTS = key("PerformanceInsightsKMSKeyId")  # memory
INSTANCE, CLUSTER = "DBInstanceIdentifier", "DBClusterIdentifier"
SNAPSHOT, CLUSTER_SNAPSHOT = "DBSnapshotIdentifier", "DBClusterSnapshotIdentifier"
ENDPOINT = "DBClusterEndpointIdentifier"
# SAR: not required, so those that a request names.
INSTANCE_GROUPS = (
    named("og", "OptionGroupName"),
    named("pg", "DBParameterGroupName"),
    named("subgrp", "DBSubnetGroupName"),
)

NEEDS: dict[tuple[str, str], tuple[Row, ...]] = {
    # SAR: db*
    ("rds", "DescribeDBInstances"): (on("db", INSTANCE),),
    # SAR: cluster
    ("rds", "DescribeDBClusters"): (on("cluster", CLUSTER),),
    # SAR: db or snapshot
    ("rds", "DescribeDBSnapshots"): (either("snapshot", SNAPSHOT, "db", INSTANCE),),
    # SAR: cluster or cluster-snapshot
    ("rds", "DescribeDBClusterSnapshots"): (
        either("cluster-snapshot", CLUSTER_SNAPSHOT, "cluster", CLUSTER),
    ),
    # SAR: cluster or cluster-endpoint
    ("rds", "DescribeDBClusterEndpoints"): (
        either("cluster-endpoint", ENDPOINT, "cluster", CLUSTER),
    ),
    # SAR: no resource
    ("rds", "DescribeExportTasks"): (everywhere,),
    # SAR: no resource
    ("rds", "DescribeAccountAttributes"): (everywhere,),
    ("rds", "DescribeCertificates"): (everywhere,),
    ("rds", "DescribeDBEngineVersions"): (everywhere,),
    ("rds", "DescribeEvents"): (everywhere,),
    ("rds", "DescribeOrderableDBInstanceOptions"): (everywhere,),
    # SAR: og*, pg*, cluster-pg*, subgrp*
    ("rds", "DescribeOptionGroups"): (on("og", "OptionGroupName"),),
    ("rds", "DescribeDBParameterGroups"): (on("pg", "DBParameterGroupName"),),
    ("rds", "DescribeDBClusterParameterGroups"): (on("cluster-pg", "DBClusterParameterGroupName"),),
    ("rds", "DescribeDBSubnetGroups"): (on("subgrp", "DBSubnetGroupName"),),
    # SAR: global-cluster, which is of no region
    ("rds", "DescribeGlobalClusters"): (
        lambda asked: [
            Need("rds:DescribeGlobalClusters", f"arn:aws:rds::{asked.account}:global-cluster:*")
        ],
    ),
    ("rds", "DescribeBlueGreenDeployments"): (anything,),
    ("rds", "DescribeDBClusterAutomatedBackups"): (anything,),
    ("rds", "DescribeDBInstanceAutomatedBackups"): (anything,),
    # SAR: proxy*, target-group*, and where a target leaves cluster* and db*. The ARNs have ids that
    # no request names, so all of the type. [fact: proxy-rights]
    ("rds", "DescribeDBProxies"): (on("db-proxy", ""),),
    ("rds", "DescribeDBProxyTargets"): (on("db-proxy", ""), on("target-group", "")),
    ("rds", "RegisterDBProxyTargets"): (on("target-group", ""),),
    ("rds", "DeregisterDBProxyTargets"): (
        on("cluster", ""),
        on("db", ""),
        on("db-proxy", ""),
        on("target-group", ""),
    ),
    ("rds", "DescribeIntegrations"): (anything,),
    ("kms", "DescribeKey"): (looks_at_key,),
    # SAR: each type of resource that has tags
    ("rds", "ListTagsForResource"): (on("", "ResourceName"),),
    ("rds", "AddTagsToResource"): (on("", "ResourceName"),),
    ("rds", "RemoveTagsFromResource"): (on("", "ResourceName"),),
    # SAR: db*, snapshot*, snapshot-tenant-database*, AddTagsToResource
    ("rds", "CreateDBSnapshot"): (
        on("db", INSTANCE),
        of_tenants("instance", INSTANCE, SNAPSHOT),
        on("snapshot", SNAPSHOT),
        tagged("snapshot", SNAPSHOT),
        encrypted_as("instance", INSTANCE),
    ),
    ("rds", "CreateDBClusterSnapshot"): (
        on("cluster", CLUSTER),
        on("cluster-snapshot", CLUSTER_SNAPSHOT),
        tagged("cluster-snapshot", CLUSTER_SNAPSHOT),
        encrypted_as("cluster", CLUSTER),
    ),
    # SAR: snapshot*, and no og, though the call may name one; UG: a copy to another region is
    # authorised in both. CrossRegionCommunication has RDS's own service-linked role (its policy
    # AmazonRDSServiceRolePolicy).
    ("rds", "CopyDBSnapshot"): (
        on("snapshot", "SourceDBSnapshotIdentifier"),
        on("snapshot", "TargetDBSnapshotIdentifier"),
        tagged("snapshot", "TargetDBSnapshotIdentifier"),
        encrypted_as("snapshot", "SourceDBSnapshotIdentifier"),
        key("KmsKeyId"),
    ),
    ("rds", "CopyDBClusterSnapshot"): (
        on("cluster-snapshot", "SourceDBClusterSnapshotIdentifier"),
        on("cluster-snapshot", "TargetDBClusterSnapshotIdentifier"),
        tagged("cluster-snapshot", "TargetDBClusterSnapshotIdentifier"),
        encrypted_as("cluster-snapshot", "SourceDBClusterSnapshotIdentifier"),
        key("KmsKeyId"),
    ),
    # SAR: snapshot*, cluster-snapshot*
    ("rds", "DescribeDBSnapshotAttributes"): (on("snapshot", SNAPSHOT),),
    ("rds", "DescribeDBClusterSnapshotAttributes"): (on("cluster-snapshot", CLUSTER_SNAPSHOT),),
    ("rds", "ModifyDBSnapshotAttribute"): (on("snapshot", SNAPSHOT),),
    ("rds", "ModifyDBClusterSnapshotAttribute"): (on("cluster-snapshot", CLUSTER_SNAPSHOT),),
    # SAR: snapshot*
    ("rds", "DeleteDBSnapshot"): (on("snapshot", SNAPSHOT),),
    ("rds", "DeleteDBClusterSnapshot"): (on("cluster-snapshot", CLUSTER_SNAPSHOT),),
    # SAR: snapshot or cluster-snapshot, PassRole; UG: a grant on the key.
    ("rds", "StartExportTask"): (
        on("snapshot", "SourceArn"),
        passes("IamRoleArn", "export.rds.amazonaws.com"),
        key("KmsKeyId"),
    ),
    # SAR: db*, og*, pg*, subgrp*, snapshot, AddTagsToResource, PassRole. A group that the request
    # does not name is one that RDS chooses.
    # And CreateTenantDatabase.
    ("rds", "RestoreDBInstanceFromDBSnapshot"): (
        on("db", INSTANCE),
        on("snapshot", SNAPSHOT),
        on("og", "OptionGroupName"),
        on("pg", "DBParameterGroupName"),
        on("subgrp", "DBSubnetGroupName"),
        tagged("db", INSTANCE),
        with_tenants("rds:CreateTenantDatabase", "snapshot", SNAPSHOT),
        DOMAIN,
        restored_key("snapshot", SNAPSHOT),
    ),
    # SAR: cluster*, cluster-pg*, og*, subgrp*, cluster-snapshot, AddTagsToResource,
    # CreateDBInstance, PassRole
    ("rds", "RestoreDBClusterFromSnapshot"): (
        on("cluster", CLUSTER),
        on("cluster-snapshot", "SnapshotIdentifier"),
        on("cluster-pg", "DBClusterParameterGroupName"),
        on("og", "OptionGroupName"),
        on("subgrp", "DBSubnetGroupName"),
        also("rds:CreateDBInstance", "cluster", CLUSTER),  # on which resource: memory
        tagged("cluster", CLUSTER),
        DOMAIN,
        MONITORING,
        INSIGHTS,
        restored_key("cluster-snapshot", "SnapshotIdentifier"),
    ),
    # SAR: db*, cluster, og, pg, subgrp, AddTagsToResource, PassRole
    ("rds", "CreateDBInstance"): (
        on("db", INSTANCE),
        named("cluster", CLUSTER),
        *INSTANCE_GROUPS,
        tagged("db", INSTANCE),
        with_tenants("rds:CreateTenantDatabase", "instance", INSTANCE),
        DOMAIN,
        MONITORING,
        INSIGHTS,
        encrypted_as("cluster", CLUSTER),
        managed_password("db"),
    ),
    # SAR: db*, og, pg, subgrp, CreateTenantDatabase, PassRole
    ("rds", "ModifyDBInstance"): (
        on("db", INSTANCE),
        *INSTANCE_GROUPS,
        with_tenants("rds:CreateTenantDatabase", "instance", INSTANCE),
        DOMAIN,
        MONITORING,
        INSIGHTS,
        managed_password("db"),
    ),
    # SAR: cluster*, cluster-pg, og, PassRole, ModifyDBInstance
    ("rds", "ModifyDBCluster"): (
        on("cluster", CLUSTER),
        named("cluster-pg", "DBClusterParameterGroupName"),
        named("og", "OptionGroupName"),
        DOMAIN,
        MONITORING,
        INSIGHTS,
        managed_password("cluster"),
        of_its_members("rds:ModifyDBInstance"),
    ),
    # SAR: db*, CreateDBSnapshot, DeleteTenantDatabase
    ("rds", "DeleteDBInstance"): (
        on("db", INSTANCE),
        with_tenants("rds:DeleteTenantDatabase", "instance", INSTANCE),
        of_tenants("instance", INSTANCE, FINAL_SNAPSHOT),
        final_snapshot("rds:CreateDBSnapshot", "instance", INSTANCE, "db", "snapshot"),
    ),
    # SAR: cluster*, cluster-snapshot*, DeleteDBInstance; the snapshot is the final one (memory)
    ("rds", "DeleteDBCluster"): (
        on("cluster", CLUSTER),
        named("cluster-snapshot", FINAL_SNAPSHOT),
        final_snapshot(
            "rds:CreateDBClusterSnapshot", "cluster", CLUSTER, "cluster", "cluster-snapshot"
        ),
        of_its_members("rds:DeleteDBInstance"),
    ),
    # SAR: db*, PassRole
    ("rds", "RebootDBInstance"): (on("db", INSTANCE),),
    ("rds", "AddRoleToDBInstance"): (on("db", INSTANCE), passes("RoleArn", "rds.amazonaws.com")),
    ("rds", "AddRoleToDBCluster"): (
        on("cluster", CLUSTER),
        passes("RoleArn", "rds.amazonaws.com"),
    ),
    # SAR: cluster*, cluster-endpoint*, AddTagsToResource
    ("rds", "CreateDBClusterEndpoint"): (
        on("cluster", CLUSTER),
        on("cluster-endpoint", ENDPOINT),
        tagged("cluster-endpoint", ENDPOINT),
    ),
    # SAR: cluster-endpoint*
    ("rds", "DeleteDBClusterEndpoint"): (on("cluster-endpoint", ENDPOINT),),
    # SAR: cluster*
    ("rds", "EnableHttpEndpoint"): (on("cluster", "ResourceArn"),),
    ("ses", "SendEmail"): (sends_mail,),
    ("sesv2", "SendEmail"): (sends_mail,),
    ("sns", "Publish"): (publishes,),
    ("events", "PutEvents"): (puts_events,),
    ("lambda", "Invoke"): (invokes,),
    ("stepfunctions", "StartExecution"): (starts,),
    ("stepfunctions", "DescribeExecution"): (on_execution,),
    ("stepfunctions", "ListMapRuns"): (on_execution,),
    ("stepfunctions", "StopExecution"): (on_execution,),
    ("stepfunctions", "DescribeMapRun"): (describes_map_run,),
    ("s3", "GetObject"): (on_object("kms:Decrypt"),),
    ("s3", "PutObject"): (on_object("kms:GenerateDataKey"),),
    ("secretsmanager", "GetSecretValue"): (reads_secret,),
    # SAR of DynamoDB: table*
    ("dynamodb", "DeleteItem"): (on_table,),
    ("dynamodb", "GetItem"): (on_table,),
    ("dynamodb", "PutItem"): (on_table,),
    ("dynamodb", "Scan"): (on_table,),
    ("dynamodb", "UpdateItem"): (on_table,),
}


def needs(service: str, asked: Asked) -> list[Need]:
    """Everything that a call needs; KeyError for an operation that the table does not have."""
    rows = NEEDS[service, asked.operation]
    return [need for row in rows for need in row(asked)]
