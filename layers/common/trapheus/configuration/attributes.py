"""How every attribute of a database gets onto its restored copy: data, and nothing beside it.

A table for each kind has a row for each attribute that Describe returns in the botocore shipped,
and a test fails on an attribute without a row. The calls are built from the rows, the preflight
refuses by them, and the verification and the report compare by them. Expressions are JMESPath over
what Describe shows of one database. Which attribute needs which call is in the RDS API reference
and in botocore's model of it; what is known from elsewhere says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trapheus.configuration.statuses import staying
from trapheus.execution.constants import IN_PROGRESS_TAG
from trapheus.execution.exceptions import (
    DatabaseNotSupported,
    TrapheusError,
    WrongKind,
)

RESTORE = "parameter of the call that makes the copy"
MODIFY = "modify"
OTHER = "another call"
SNAPSHOT = "in the snapshot"
DERIVED = "derived"
LOST = "cannot be kept"
REFUSED = "refused"
CLASSES = (RESTORE, MODIFY, OTHER, SNAPSHOT, DERIVED, LOST, REFUSED)


@dataclass(frozen=True)
class Refusal:
    """What the preflight refuses; the sentence may speak of {name} and {value}."""

    when: str
    sentence: str
    error: type[TrapheusError] = DatabaseNotSupported
    # Whether it only rules out that the database is replaced, not a copy beside it.
    of_replacement: bool = False


@dataclass(frozen=True)
class Attribute:
    """How one attribute is carried, or why it is not."""

    how: str
    # Parameters of the call that makes the copy, and of a Modify after it.
    restore: Mapping[str, str] = field(default_factory=dict)
    modify: Mapping[str, str] = field(default_factory=dict)
    # Carried by a call of its own: which, under which key the plan keeps it, and what it reads.
    call: str = ""
    plan: str = ""
    reads: str = ""
    # In the snapshot of a database whose restore takes no parameter for it.
    or_in_snapshot: bool = False
    # Given to the restore, of SQL Server to the Modify; otherwise to every call that is named.
    either: bool = False
    # Left out of a Modify where it is right already, since RDS would begin it anew or refuse it.
    once: bool = False
    # Parameters of other attributes, with which it is left out or not, since RDS takes all or none.
    together: tuple[str, ...] = ()
    # What of it cannot be kept, and why, for people.
    lost: str = ""
    why: str = ""
    # What the preflight refuses of it, or where it does: another attribute, or a function.
    refusal: Refusal | None = None
    by: str = ""


Table = Mapping[str, Attribute]


def restored(**parameters: str) -> Attribute:
    """Given to the call that makes the copy."""
    return Attribute(RESTORE, restore=parameters)


def modified(**parameters: str) -> Attribute:
    """Set by a Modify, since no restore takes it."""
    return Attribute(MODIFY, modify=parameters)


def derived(why: str = "") -> Attribute:
    """A state, a time, or what follows from the rest."""
    return Attribute(DERIVED, why=why)


def lost(why: str, what: str = "") -> Attribute:
    """What no call gives the copy; `what`: an expression for the part of it, "" for all."""
    return Attribute(LOST, lost=what, why=why)


def refused(
    when: str,
    sentence: str,
    error: type[TrapheusError] = DatabaseNotSupported,
    *,
    of_replacement: bool = False,
) -> Attribute:
    """A database with it is refused before anything is touched."""
    return Attribute(REFUSED, refusal=Refusal(when, sentence, error, of_replacement))


def refused_by(where: str) -> Attribute:
    """Shown only by databases that are refused for another attribute, or by a function."""
    return Attribute(REFUSED, by=where)


# Expressions


def only(attribute: str, where: str) -> str:
    """An attribute, nothing where a condition does not hold."""
    return f"[@][?{where}].{attribute} | [0]"


def only_true(attribute: str) -> str:
    """Most engines refuse even a false for a feature that they do not have."""
    return only(attribute, attribute)


# What a Modify takes of storage. RDS wants the size and the IOPS both where there are IOPS, even
# those that it has [fact: storage-and-iops-together], and none of these while it optimizes the
# storage [fact: storage-optimization]: so all are sent, or none.
STORAGE = ("AllocatedStorage", "Iops", "StorageThroughput", "StorageType")
_SQL_SERVER = "starts_with(Engine, 'sqlserver')"


def except_sql_server(name: str, where: str = "Engine") -> Attribute:
    """SQL Server takes it with a Modify only, the others with the restore."""
    of_storage = name in STORAGE
    return Attribute(
        RESTORE,
        restore={name: only(name, f"!{_SQL_SERVER} && ({where})")},
        modify={name: only(name, f"{_SQL_SERVER} && ({where})")},
        either=True,
        once=of_storage,
        together=STORAGE if of_storage else (),
    )


# Describe shows IOPS and throughput of every gp3 volume, but RDS takes them only from a size on
# [fact: tuned-gp3]: 200 GiB for Oracle, any for SQL Server, 400 GiB for the others.
_TUNED_GP3 = (
    "StorageType == 'gp3' && (AllocatedStorage >= `400` || starts_with(Engine, 'sqlserver')"
    " || AllocatedStorage >= `200` && starts_with(Engine, 'oracle'))"
)
# RDS changes storage only by a tenth or more: what is restored otherwise is as it should be.
_SIZE = Attribute(
    RESTORE,
    restore={"AllocatedStorage": only("AllocatedStorage", f"!{_SQL_SERVER}")},
    modify={"AllocatedStorage": only("AllocatedStorage", _SQL_SERVER)},
    either=True,
    once=True,
    together=STORAGE,
)
# Of SQL Server, RDS refuses to mirror an instance until it keeps backups
# (hashicorp/terraform-provider-aws, resource aws_db_instance).
_MULTI_AZ = except_sql_server("MultiAZ")
_ZONE = Attribute(
    RESTORE,
    # RDS refuses a zone for a Multi-AZ instance.
    restore={"AvailabilityZone": only("AvailabilityZone", "!MultiAZ")},
    lost=only("AvailabilityZone", "MultiAZ"),
    why="RDS chooses the two zones of a Multi-AZ instance.",
)
# What is on its way out of the original is not carried over: groups and domains.
_DOMAINS = staying("DomainMemberships")
_DOMAIN = {
    # A domain is AWS's managed directory or a self-managed one, never both.
    "Domain": f"{_DOMAINS} | [0].Domain",
    "DomainIAMRoleName": f"{_DOMAINS} | [0].IAMRoleName",
}
_SELF_MANAGED_DOMAIN = {
    "DomainFqdn": f"{_DOMAINS} | [?!Domain] | [0].FQDN",
    "DomainOu": f"{_DOMAINS} | [?!Domain] | [0].OU",
    "DomainAuthSecretArn": f"{_DOMAINS} | [?!Domain] | [0].AuthSecretArn",
    "DomainDnsIps": f"{_DOMAINS} | [?!Domain] | [0].DnsIps",
}
_PARAMETER_GROUP = f"{staying('DBParameterGroups')} | [0].DBParameterGroupName"
_OPTION_GROUP = f"{staying('OptionGroupMemberships')} | [0].OptionGroupName"
_VOLUMES = (
    "AdditionalStorageVolumes[].{VolumeName: VolumeName, AllocatedStorage: AllocatedStorage,"
    " IOPS: IOPS, MaxAllocatedStorage: MaxAllocatedStorage,"
    " StorageThroughput: StorageThroughput, StorageType: StorageType}"
)
_GROUPS = f"{staying('VpcSecurityGroups')}.VpcSecurityGroupId"

# What the tables share

_TAGS = Attribute(
    RESTORE,
    call="Tags",
    plan="tags",
    # Neither AWS's own nor an execution's.
    reads=f"TagList[?!starts_with(Key, 'aws:') && Key != '{IN_PROGRESS_TAG}']",
    # [fact: aws-tags-reserved]
    lost="TagList[?starts_with(Key, 'aws:')]",
    why="Only AWS can give tags that begin with aws: it does not show any more to which stack of"
    " CloudFormation it belongs.",
)


def _roles(call: str) -> Attribute:
    """One role may serve several features; Aurora takes most without one."""
    return Attribute(
        OTHER,
        call=call,
        plan="roles",
        reads="AssociatedRoles[].{RoleArn: RoleArn, FeatureName: FeatureName || ''}",
    )


_MANAGED_PASSWORD = Attribute(
    MODIFY,
    modify={
        "ManageMasterUserPassword": "MasterUserSecret && `true`",
        "MasterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
    },
    lost="MasterUserSecret.SecretArn",
    why="RDS makes a new secret for the master password: what reads the old one must read the new.",
)
_RESOURCE_ID = lost(
    "RDS gives every database its own: IAM policies for rds-db:connect must name the new one, and"
    " Performance Insights, CloudTrail and log streams know the database by it."
)
_RECOVERY_POINT = lost("It is of the original: AWS Backup makes another of the restored database.")
_STREAM = "ActivityStreamStatus"
_STREAMING = refused(
    f"{_STREAM} && {_STREAM} != 'stopped'",
    "{name} has an activity stream, which a restore would lose: stop it first.",
    of_replacement=True,
)
_PENDING = refused_by("checks.database.available")
_ENGINE_OF_CUSTOM = refused_by("checks.database.right_kind")
# A Multi-AZ DB cluster, whose members RDS makes, and which has storage of its own (RDS User Guide).
_CLUSTER_CLASS = "DBClusterInstanceClass"


def of_multi_az(name: str) -> str:
    """An attribute that a call takes for Multi-AZ DB clusters only (botocore's model)."""
    return only(name, _CLUSTER_CLASS)


def of_aurora(name: str) -> str:
    """An attribute that a call takes for Aurora only (botocore's model)."""
    return only(name, f"!{_CLUSTER_CLASS}")


_MONITORED = "MonitoringInterval > `0`"
_LIMITLESS = "{name} is an Aurora Limitless Database, whose scale no restore can ask for."


def _replica(attribute: str) -> Attribute:
    return refused(
        attribute,
        "{name} is a read replica of {value}: promote it first.",
        of_replacement=True,
    )


_REPLICAS = refused_by("checks.dependencies.no_replicas")


INSTANCE: Table = {
    "ActivityStreamEngineNativeAuditFieldsIncluded": refused_by(_STREAM),
    "ActivityStreamKinesisStreamName": refused_by(_STREAM),
    "ActivityStreamKmsKeyId": refused_by(_STREAM),
    "ActivityStreamMode": refused_by(_STREAM),
    "ActivityStreamPolicyStatus": derived("of an activity stream"),
    "ActivityStreamStatus": _STREAMING,
    "AdditionalStorageVolumes": restored(AdditionalStorageVolumes=_VOLUMES),
    "AllocatedStorage": _SIZE,
    "AssociatedRoles": _roles("AddRoleToDBInstance"),
    "AutoMinorVersionUpgrade": restored(AutoMinorVersionUpgrade="AutoMinorVersionUpgrade"),
    "AutomaticRestartTime": derived("of a stopped instance"),
    "AutomationMode": _ENGINE_OF_CUSTOM,
    "AvailabilityZone": _ZONE,
    "AwsBackupRecoveryPointArn": _RECOVERY_POINT,
    "BackupRetentionPeriod": restored(BackupRetentionPeriod="BackupRetentionPeriod"),
    "BackupTarget": restored(BackupTarget="BackupTarget"),
    "CACertificateIdentifier": restored(CACertificateIdentifier="CACertificateIdentifier"),
    "CertificateDetails": derived("of the CA"),
    "CharacterSetName": Attribute(SNAPSHOT),
    "CopyTagsToSnapshot": restored(CopyTagsToSnapshot="CopyTagsToSnapshot"),
    "CustomIamInstanceProfile": _ENGINE_OF_CUSTOM,
    "CustomerOwnedIpEnabled": restored(EnableCustomerOwnedIp=only_true("CustomerOwnedIpEnabled")),
    "DBCapacityReservationIdentifier": restored(
        DBCapacityReservationIdentifier="DBCapacityReservationIdentifier"
    ),
    "DBClusterIdentifier": refused(
        "DBClusterIdentifier",
        "{name} is a member of cluster {value}: restore {value} with isCluster true.",
        WrongKind,
    ),
    "DBInstanceArn": derived("of the identifier"),
    "DBInstanceAutomatedBackupsReplications": lost(
        "RDS replicates the backups of the original: switch the replication on again in the other"
        " region."
    ),
    "DBInstanceClass": restored(DBInstanceClass="DBInstanceClass"),
    "DBInstanceIdentifier": derived("it is the request's"),
    "DBInstanceStatus": derived(),
    # Only Oracle and SQL Server take a name, and SQL Server has none; it is in the data of others.
    "DBName": Attribute(
        RESTORE,
        restore={"DBName": only("DBName", "starts_with(Engine, 'oracle')")},
        or_in_snapshot=True,
    ),
    "DBParameterGroups": restored(DBParameterGroupName=_PARAMETER_GROUP),
    "DBSecurityGroups": lost("They are of EC2-Classic, which AWS has retired."),
    "DBSubnetGroup": restored(DBSubnetGroupName="DBSubnetGroup.DBSubnetGroupName"),
    "DBSystemId": Attribute(SNAPSHOT),
    "DatabaseInsightsMode": modified(DatabaseInsightsMode="DatabaseInsightsMode"),
    "DbInstancePort": derived("0; the port is in Endpoint"),
    "DbiResourceId": _RESOURCE_ID,
    "DedicatedLogVolume": restored(DedicatedLogVolume=only_true("DedicatedLogVolume")),
    # The last of all: a failed restore must stay removable.
    "DeletionProtection": modified(DeletionProtection="DeletionProtection"),
    "DomainMemberships": restored(**_DOMAIN, **_SELF_MANAGED_DOMAIN),
    "EnabledCloudwatchLogsExports": restored(
        EnableCloudwatchLogsExports="EnabledCloudwatchLogsExports"
    ),
    "Endpoint": restored(Port="Endpoint.Port"),
    "Engine": Attribute(SNAPSHOT),
    "EngineLifecycleSupport": restored(
        EngineLifecycleSupport=only(
            "EngineLifecycleSupport", "Engine == 'mysql' || Engine == 'postgres'"
        )
    ),
    # An instance is restored at its snapshot's version; RDS takes a version for an upgrade.
    "EngineVersion": Attribute(MODIFY, modify={"EngineVersion": "EngineVersion"}, once=True),
    "EnhancedMonitoringResourceArn": derived("of the resource id"),
    "IAMDatabaseAuthenticationEnabled": restored(
        EnableIAMDatabaseAuthentication=only_true("IAMDatabaseAuthenticationEnabled")
    ),
    "InstanceCreateTime": derived(),
    "Iops": except_sql_server(
        "Iops", f"StorageType == 'io1' || StorageType == 'io2' || {_TUNED_GP3}"
    ),
    "IsStorageConfigUpgradeAvailable": derived(),
    "KmsKeyId": Attribute(SNAPSHOT),
    "LatestRestorableTime": derived(),
    "LicenseModel": restored(LicenseModel="LicenseModel"),
    "ListenerEndpoint": derived("of the identifier"),
    "MasterUserSecret": _MANAGED_PASSWORD,
    "MasterUsername": Attribute(SNAPSHOT),
    "MaxAllocatedStorage": modified(MaxAllocatedStorage="MaxAllocatedStorage"),
    "MonitoringInterval": modified(MonitoringInterval="MonitoringInterval"),
    "MonitoringRoleArn": modified(MonitoringRoleArn="MonitoringRoleArn"),
    "MultiAZ": _MULTI_AZ,
    # RDS converts to it, and never back; a snapshot of one that has it brings it.
    "MultiTenant": Attribute(MODIFY, modify={"MultiTenant": only_true("MultiTenant")}, once=True),
    "NcharCharacterSetName": Attribute(SNAPSHOT),
    "NetworkType": restored(NetworkType="NetworkType"),
    "OptionGroupMemberships": restored(OptionGroupName=_OPTION_GROUP),
    "PendingModifiedValues": _PENDING,
    "PercentProgress": derived(),
    "PerformanceInsightsEnabled": modified(EnablePerformanceInsights="PerformanceInsightsEnabled"),
    "PerformanceInsightsKMSKeyId": modified(
        PerformanceInsightsKMSKeyId="PerformanceInsightsKMSKeyId"
    ),
    "PerformanceInsightsRetentionPeriod": modified(
        PerformanceInsightsRetentionPeriod="PerformanceInsightsRetentionPeriod"
    ),
    "PreferredBackupWindow": restored(PreferredBackupWindow="PreferredBackupWindow"),
    "PreferredMaintenanceWindow": modified(PreferredMaintenanceWindow="PreferredMaintenanceWindow"),
    "ProcessorFeatures": restored(ProcessorFeatures="ProcessorFeatures"),
    "PromotionTier": derived("of a member of a cluster"),
    "PubliclyAccessible": restored(PubliclyAccessible="PubliclyAccessible"),
    "ReadReplicaDBClusterIdentifiers": _REPLICAS,
    "ReadReplicaDBInstanceIdentifiers": _REPLICAS,
    "ReadReplicaSourceDBClusterIdentifier": _replica("ReadReplicaSourceDBClusterIdentifier"),
    "ReadReplicaSourceDBInstanceIdentifier": _replica("ReadReplicaSourceDBInstanceIdentifier"),
    "ReplicaMode": refused_by("ReadReplicaSourceDBInstanceIdentifier"),
    "ResumeFullAutomationModeTime": _ENGINE_OF_CUSTOM,
    "SecondaryAvailabilityZone": lost("RDS chooses the two zones of a Multi-AZ instance."),
    "StatusInfos": derived(),
    "StorageEncrypted": Attribute(SNAPSHOT),
    "StorageEncryptionType": Attribute(SNAPSHOT),
    "StorageOperationPercentProgress": derived(),
    "StorageOperationStatus": derived(),
    "StorageThroughput": except_sql_server("StorageThroughput", _TUNED_GP3),
    "StorageType": except_sql_server("StorageType"),
    "StorageVolumeStatus": derived(),
    "TagList": _TAGS,
    "TdeCredentialArn": refused(
        "TdeCredentialArn",
        "{name} has its TDE key in {value}, and RDS does not show the password that a restore"
        " would have to give: restore it by hand.",
    ),
    "Timezone": Attribute(SNAPSHOT),
    "UpgradeRolloutOrder": derived("of the organization's policy"),
    "VpcSecurityGroups": restored(VpcSecurityGroupIds=_GROUPS),
}

CLUSTER: Table = {
    "ActivityStreamKinesisStreamName": refused_by(_STREAM),
    "ActivityStreamKmsKeyId": refused_by(_STREAM),
    "ActivityStreamMode": refused_by(_STREAM),
    "ActivityStreamStatus": _STREAMING,
    # RDS changes storage only by a tenth or more: what is restored otherwise is as it should be.
    "AllocatedStorage": Attribute(
        MODIFY,
        modify={"AllocatedStorage": of_multi_az("AllocatedStorage")},
        once=True,
        together=("Iops",),
        why="Aurora's grows and shrinks by itself.",
    ),
    "AssociatedRoles": _roles("AddRoleToDBCluster"),
    "AutoMinorVersionUpgrade": modified(AutoMinorVersionUpgrade="AutoMinorVersionUpgrade"),
    "AutomaticRestartTime": derived("of a stopped cluster"),
    # Aurora shows three whatever its subnet group covers, and a restore refuses those outside
    # [fact: three-zones]. Each member has its own zone again.
    "AvailabilityZones": lost(
        "RDS chooses the zones of a cluster's storage by its subnet group.",
        "AvailabilityZones && sort(AvailabilityZones)",
    ),
    "AwsBackupRecoveryPointArn": _RECOVERY_POINT,
    "BacktrackConsumedChangeRecords": derived(),
    "BacktrackWindow": restored(BacktrackWindow=only("BacktrackWindow", "BacktrackWindow > `0`")),
    "BackupRetentionPeriod": restored(BackupRetentionPeriod="BackupRetentionPeriod"),
    "Capacity": refused_by("EngineMode"),
    "CertificateDetails": Attribute(
        MODIFY,
        modify={"CACertificateIdentifier": of_multi_az("CertificateDetails.CAIdentifier")},
        once=True,
        why="Aurora has a CA for each member.",
    ),
    "CharacterSetName": Attribute(SNAPSHOT),
    "CloneGroupId": lost("The restored cluster shares its storage with no clone."),
    "ClusterCreateTime": derived(),
    "ClusterScalabilityType": refused("ClusterScalabilityType == 'limitless'", _LIMITLESS),
    "CopyTagsToSnapshot": restored(CopyTagsToSnapshot="CopyTagsToSnapshot"),
    "CrossAccountClone": lost(
        "The restored cluster is no clone of another account's.", only_true("CrossAccountClone")
    ),
    # Their names are unique in a region: the original lets go of them first.
    "CustomEndpoints": Attribute(
        OTHER, call="CreateDBClusterEndpoint", plan="endpoints", reads="CustomEndpoints"
    ),
    "DBClusterArn": derived("of the identifier"),
    "DBClusterIdentifier": derived("it is the request's"),
    "DBClusterInstanceClass": Attribute(
        RESTORE,
        restore={_CLUSTER_CLASS: _CLUSTER_CLASS},
        # No source says whether its members' names collide once the cluster is renamed.
        refusal=Refusal(
            _CLUSTER_CLASS,
            "{name} is a Multi-AZ DB cluster, which cannot be replaced in place: restore a"
            " copy of it, with a targetIdentifier.",
            WrongKind,
            of_replacement=True,
        ),
    ),
    "DBClusterMembers": Attribute(
        OTHER, call="CreateDBInstance", plan="members", reads="DBClusterMembers"
    ),
    "DBClusterOptionGroupMemberships": derived("Aurora has the default one only"),
    "DBClusterParameterGroup": restored(DBClusterParameterGroupName="DBClusterParameterGroup"),
    "DBSubnetGroup": restored(DBSubnetGroupName="DBSubnetGroup"),
    "DBSystemId": Attribute(SNAPSHOT),
    "DatabaseInsightsMode": modified(DatabaseInsightsMode="DatabaseInsightsMode"),
    "DatabaseName": Attribute(SNAPSHOT),
    "DbClusterResourceId": _RESOURCE_ID,
    "DeletionProtection": modified(DeletionProtection="DeletionProtection"),
    "DomainMemberships": restored(**_DOMAIN),
    "EarliestBacktrackTime": lost("The history that can be backtracked begins with the restore."),
    "EarliestRestorableTime": derived(),
    "EnabledCloudwatchLogsExports": restored(
        EnableCloudwatchLogsExports="EnabledCloudwatchLogsExports"
    ),
    "Endpoint": derived("of the identifier"),
    "Engine": restored(Engine="Engine"),
    "EngineLifecycleSupport": restored(EngineLifecycleSupport="EngineLifecycleSupport"),
    "EngineMode": refused(
        "EngineMode && EngineMode != 'provisioned'",
        "{name} has the engine mode {value}, which AWS has retired: convert it to provisioned"
        " first.",
        WrongKind,
    ),
    # Without it RDS takes the engine's default version.
    "EngineVersion": restored(EngineVersion="EngineVersion"),
    "GlobalClusterIdentifier": refused_by("checks.dependencies.no_global_cluster"),
    "GlobalWriteForwardingRequested": refused_by("checks.dependencies.no_global_cluster"),
    "GlobalWriteForwardingStatus": refused_by("checks.dependencies.no_global_cluster"),
    "HostedZoneId": derived(),
    "HttpEndpointEnabled": Attribute(
        OTHER,
        call="EnableHttpEndpoint",
        plan="httpEndpoint",
        reads="HttpEndpointEnabled || `false`",
    ),
    "IAMDatabaseAuthenticationEnabled": restored(
        EnableIAMDatabaseAuthentication="IAMDatabaseAuthenticationEnabled"
    ),
    "IOOptimizedNextAllowedModificationTime": lost(
        "The time until the storage type may be changed again begins with the restore."
    ),
    # RDS takes each only with the other, and with IAM authentication.
    "InternetAccessGatewayEnabled": restored(
        EnableInternetAccessGateway=only_true("InternetAccessGatewayEnabled")
    ),
    # Its storage and IOPS are modified together; RDS wants IOPS in a restore with a storage type.
    "Iops": Attribute(
        RESTORE,
        restore={"Iops": of_multi_az("Iops")},
        modify={"Iops": of_multi_az("Iops")},
        once=True,
        together=("AllocatedStorage",),
    ),
    "KmsKeyId": Attribute(SNAPSHOT),
    "LatestRestorableTime": derived(),
    "LimitlessDatabase": refused(
        "LimitlessDatabase.Status && LimitlessDatabase.Status != 'not-in-use'", _LIMITLESS
    ),
    "LocalWriteForwardingStatus": modified(
        EnableLocalWriteForwarding="([@][?LocalWriteForwardingStatus == 'enabled'] | [0]) && `true`"
    ),
    "MasterUserSecret": _MANAGED_PASSWORD,
    "MasterUsername": Attribute(SNAPSHOT),
    # No restore of a cluster takes monitoring or insights, whatever the values
    # [fact: no-monitoring-in-a-restore]. A cluster that is told to have none takes them from its
    # members: only what is on is asked for.
    "MonitoringInterval": modified(MonitoringInterval=only("MonitoringInterval", _MONITORED)),
    "MonitoringRoleArn": modified(MonitoringRoleArn=only("MonitoringRoleArn", _MONITORED)),
    "MultiAZ": derived("of the members' zones"),
    "NetworkType": restored(NetworkType=of_aurora("NetworkType")),
    "PendingModifiedValues": _PENDING,
    "PercentProgress": derived(),
    "PerformanceInsightsEnabled": modified(
        EnablePerformanceInsights=only_true("PerformanceInsightsEnabled")
    ),
    "PerformanceInsightsKMSKeyId": modified(
        PerformanceInsightsKMSKeyId=only(
            "PerformanceInsightsKMSKeyId", "PerformanceInsightsEnabled"
        )
    ),
    "PerformanceInsightsRetentionPeriod": modified(
        PerformanceInsightsRetentionPeriod=only(
            "PerformanceInsightsRetentionPeriod", "PerformanceInsightsEnabled"
        )
    ),
    "Port": restored(Port="Port"),
    "PreferredBackupWindow": restored(PreferredBackupWindow="PreferredBackupWindow"),
    "PreferredMaintenanceWindow": modified(PreferredMaintenanceWindow="PreferredMaintenanceWindow"),
    "PubliclyAccessible": restored(PubliclyAccessible=of_multi_az("PubliclyAccessible")),
    "RdsCustomClusterConfiguration": derived("reserved by AWS"),
    "ReadReplicaIdentifiers": _REPLICAS,
    "ReaderEndpoint": derived("of the identifier"),
    "ReplicationSourceIdentifier": _replica("ReplicationSourceIdentifier"),
    "ScalingConfigurationInfo": refused_by("EngineMode"),
    "ServerlessV2PlatformVersion": lost("RDS chooses the version of the platform."),
    "ServerlessV2ScalingConfiguration": restored(
        ServerlessV2ScalingConfiguration="ServerlessV2ScalingConfiguration"
    ),
    "Status": derived(),
    "StatusInfos": derived(),
    "StorageEncrypted": Attribute(SNAPSHOT),
    "StorageEncryptionType": Attribute(SNAPSHOT),
    "StorageThroughput": lost("RDS sets the throughput of a Multi-AZ DB cluster's storage."),
    "StorageType": restored(StorageType="StorageType"),
    "TagList": _TAGS,
    "UpgradeRolloutOrder": derived("of the organization's policy"),
    "VPCNetworkingEnabled": restored(
        EnableVPCNetworking=only("VPCNetworkingEnabled", "InternetAccessGatewayEnabled")
    ),
    "VpcSecurityGroups": restored(VpcSecurityGroupIds=_GROUPS),
}

_CLUSTERS = derived("of its cluster")
_STANDALONE = derived("of an instance that is no member")

MEMBER: Table = {
    **{
        name: row
        for name, row in INSTANCE.items()
        if row.how in (DERIVED, LOST) and name != "SecondaryAvailabilityZone"
    },
    "ActivityStreamEngineNativeAuditFieldsIncluded": _CLUSTERS,
    "ActivityStreamKinesisStreamName": _CLUSTERS,
    "ActivityStreamKmsKeyId": _CLUSTERS,
    "ActivityStreamMode": _CLUSTERS,
    "ActivityStreamStatus": _CLUSTERS,
    "AdditionalStorageVolumes": _STANDALONE,
    "AllocatedStorage": _CLUSTERS,
    "AssociatedRoles": _CLUSTERS,
    "AutoMinorVersionUpgrade": restored(AutoMinorVersionUpgrade="AutoMinorVersionUpgrade"),
    "AutomationMode": _STANDALONE,
    "AvailabilityZone": restored(AvailabilityZone="AvailabilityZone"),
    "AwsBackupRecoveryPointArn": _CLUSTERS,
    "BackupRetentionPeriod": _CLUSTERS,
    "BackupTarget": _STANDALONE,
    "CACertificateIdentifier": restored(CACertificateIdentifier="CACertificateIdentifier"),
    "CharacterSetName": _CLUSTERS,
    # To set it on a member has no effect. [fact: member-shows-no-stream]
    "CopyTagsToSnapshot": _CLUSTERS,
    "CustomIamInstanceProfile": _STANDALONE,
    "CustomerOwnedIpEnabled": _STANDALONE,
    "DBCapacityReservationIdentifier": restored(
        DBCapacityReservationIdentifier="DBCapacityReservationIdentifier"
    ),
    "DBClusterIdentifier": _CLUSTERS,
    "DBInstanceAutomatedBackupsReplications": _STANDALONE,
    "DBInstanceClass": restored(DBInstanceClass="DBInstanceClass"),
    "DBInstanceIdentifier": derived("it is the plan's"),
    "DBName": _CLUSTERS,
    "DBParameterGroups": restored(DBParameterGroupName=_PARAMETER_GROUP),
    "DBSubnetGroup": _CLUSTERS,
    "DBSystemId": _CLUSTERS,
    "DatabaseInsightsMode": _CLUSTERS,
    "DedicatedLogVolume": _STANDALONE,
    "DeletionProtection": _CLUSTERS,
    "DomainMemberships": _CLUSTERS,
    "EnabledCloudwatchLogsExports": _CLUSTERS,
    "Endpoint": derived("of its identifier, and of its cluster's port"),
    "Engine": restored(Engine="Engine"),
    "EngineLifecycleSupport": _CLUSTERS,
    "EngineVersion": _CLUSTERS,
    "IAMDatabaseAuthenticationEnabled": _CLUSTERS,
    "Iops": _CLUSTERS,
    "KmsKeyId": _CLUSTERS,
    "LicenseModel": _CLUSTERS,
    "MasterUserSecret": _CLUSTERS,
    "MasterUsername": _CLUSTERS,
    "MaxAllocatedStorage": _STANDALONE,
    "MonitoringInterval": restored(MonitoringInterval="MonitoringInterval"),
    "MonitoringRoleArn": restored(MonitoringRoleArn="MonitoringRoleArn"),
    "MultiAZ": _STANDALONE,
    "MultiTenant": _STANDALONE,
    "NcharCharacterSetName": _CLUSTERS,
    "NetworkType": _CLUSTERS,
    "OptionGroupMemberships": _CLUSTERS,
    "PendingModifiedValues": _PENDING,
    "PerformanceInsightsEnabled": restored(EnablePerformanceInsights="PerformanceInsightsEnabled"),
    "PerformanceInsightsKMSKeyId": restored(
        PerformanceInsightsKMSKeyId="PerformanceInsightsKMSKeyId"
    ),
    "PerformanceInsightsRetentionPeriod": restored(
        PerformanceInsightsRetentionPeriod="PerformanceInsightsRetentionPeriod"
    ),
    "PreferredBackupWindow": _CLUSTERS,
    "PreferredMaintenanceWindow": restored(PreferredMaintenanceWindow="PreferredMaintenanceWindow"),
    "ProcessorFeatures": _STANDALONE,
    "PromotionTier": restored(PromotionTier="PromotionTier"),
    "PubliclyAccessible": restored(PubliclyAccessible="PubliclyAccessible"),
    "ReadReplicaDBClusterIdentifiers": _CLUSTERS,
    "ReadReplicaDBInstanceIdentifiers": _CLUSTERS,
    "ReadReplicaSourceDBClusterIdentifier": _CLUSTERS,
    "ReadReplicaSourceDBInstanceIdentifier": _CLUSTERS,
    "ReplicaMode": _STANDALONE,
    "ResumeFullAutomationModeTime": _STANDALONE,
    "SecondaryAvailabilityZone": _STANDALONE,
    "StorageEncrypted": _CLUSTERS,
    "StorageEncryptionType": _CLUSTERS,
    "StorageThroughput": _CLUSTERS,
    "StorageType": _CLUSTERS,
    "TagList": _TAGS,
    "TdeCredentialArn": _STANDALONE,
    "Timezone": _CLUSTERS,
    "VpcSecurityGroups": _CLUSTERS,
}

TABLES: Mapping[str, Table] = {"instance": INSTANCE, "cluster": CLUSTER, "member": MEMBER}
