"""What RDS gives a database for which nothing was asked, and what a restore carries: data.

Sources: model = botocore's documentation of the parameter; UG = user guide; CFN = AWS's
CloudFormation handlers; memory = none, and then the reading that loses more was chosen,
so that an app which relies on it is found out.
"""

import re
from typing import Any

# attribute: (value, source)
INSTANCE: dict[str, tuple[Any, str]] = {
    "PreferredBackupWindow": ("03:00-03:30", "model: random; fixed here"),
    "PreferredMaintenanceWindow": ("sun:06:00-sun:06:30", "model: random; fixed here"),
    "BackupRetentionPeriod": (1, "model"),
    "MultiAZ": (False, "model"),
    "AutoMinorVersionUpgrade": (True, "model"),
    "PubliclyAccessible": (False, "model: a default VPC without internet gateway"),
    "StorageType": ("gp3", "model"),
    "StorageEncrypted": (False, "model"),
    "CACertificateIdentifier": ("rds-ca-rsa2048-g1", "UG"),
    "CopyTagsToSnapshot": (False, "model"),
    "MonitoringInterval": (0, "model"),
    "IAMDatabaseAuthenticationEnabled": (False, "model"),
    "DatabaseInsightsMode": ("standard", "UG"),
    "PerformanceInsightsEnabled": (False, "model"),
    "DeletionProtection": (False, "model"),
    "NetworkType": ("IPV4", "model"),
    "CustomerOwnedIpEnabled": (False, "memory"),
    "BackupTarget": ("region", "model"),
    "DedicatedLogVolume": (False, "memory"),
    "ActivityStreamStatus": ("stopped", "memory"),
    "IsStorageConfigUpgradeAvailable": (False, "memory"),
    "UpgradeRolloutOrder": ("second", "model"),
}

# [fact: member-shows-no-stream]
MEMBER: dict[str, tuple[Any, str]] = {
    **{
        name: held
        for name, held in INSTANCE.items()
        if name not in ("ActivityStreamStatus", "IsStorageConfigUpgradeAvailable")
    },
    "PromotionTier": (1, "model"),
}

CLUSTER: dict[str, tuple[Any, str]] = {
    "PreferredBackupWindow": ("03:00-03:30", "model: random; fixed here"),
    "PreferredMaintenanceWindow": ("sun:06:00-sun:06:30", "model: random; fixed here"),
    "BackupRetentionPeriod": (1, "model"),
    "AllocatedStorage": (1, "memory: Aurora shows 1"),
    "StorageEncrypted": (False, "model"),
    "IAMDatabaseAuthenticationEnabled": (False, "model"),
    "DeletionProtection": (False, "model"),
    "CopyTagsToSnapshot": (False, "model"),
    "HttpEndpointEnabled": (False, "model"),
    "EngineMode": ("provisioned", "model"),
    "NetworkType": ("IPV4", "model"),
    "AutoMinorVersionUpgrade": (True, "model"),
    "DatabaseInsightsMode": ("standard", "UG"),
    "PerformanceInsightsEnabled": (False, "model"),
    "CrossAccountClone": (False, "memory"),
    "ActivityStreamStatus": ("stopped", "memory"),
    "UpgradeRolloutOrder": ("second", "model"),
}

# What only some show, by the kind and the engines: first of the rows [fact: lifecycle-by-engine],
# [fact: write-forwarding-of-aurora], [fact: multi-tenant-of-cdb], [fact: character-set-defaults].
OPEN_SOURCE = {"EngineLifecycleSupport": "open-source-rds-extended-support"}
OF_ENGINES: dict[str, tuple[tuple[re.Pattern[str], dict[str, Any]], ...]] = {
    "instance": (
        (re.compile("mysql|postgres|aurora-.*"), OPEN_SOURCE),
        (re.compile("oracle-.*-cdb"), {"MultiTenant": False}),
        (re.compile("oracle-.*"),
         {"CharacterSetName": "AL32UTF8", "NcharCharacterSetName": "AL16UTF16"}),
        (re.compile("sqlserver-.*"), {"CharacterSetName": "SQL_Latin1_General_CP1_CI_AS"}),
    ),
    "cluster": (
        (re.compile("mysql|postgres|aurora-.*"), OPEN_SOURCE),
        (re.compile("aurora-.*"), {"LocalWriteForwardingStatus": "disabled"}),
        # [fact: aurora-shows-no-interval], [fact: aurora-shows-no-options]
        (re.compile("mysql|postgres"), {"MonitoringInterval": 0}),
    ),
}  # fmt: skip

ORACLE = {
    "EngineVersion": "19.0.0.0.ru-2024-10.rur-2024-10.r1", "Port": 1521,
    "LicenseModel": "license-included",
}  # fmt: skip
SQL_SERVER = {
    "EngineVersion": "15.00.4410.1.v1", "Port": 1433, "LicenseModel": "license-included",
}  # fmt: skip
DB2 = {
    "EngineVersion": "11.5.9.0.sb00046748.r1", "Port": 50000,
    "LicenseModel": "bring-your-own-license",
}  # fmt: skip
# engine: attributes of its own; versions: "default for the engine in the Region" (model)
ENGINES: dict[str, dict[str, Any]] = {
    "postgres": {"EngineVersion": "16.6", "Port": 5432, "LicenseModel": "postgresql-license"},
    "mysql": {"EngineVersion": "8.0.40", "Port": 3306, "LicenseModel": "general-public-license"},
    "mariadb": {
        "EngineVersion": "10.11.10", "Port": 3306, "LicenseModel": "general-public-license",
    },
    "oracle-ee": ORACLE,
    "oracle-ee-cdb": ORACLE,
    "oracle-se2": ORACLE,
    "oracle-se2-cdb": ORACLE,
    "sqlserver-ee": SQL_SERVER,
    "sqlserver-se": SQL_SERVER,
    "sqlserver-web": SQL_SERVER,
    "sqlserver-ex": SQL_SERVER,
    "db2-se": DB2,
    "db2-ae": DB2,
    "aurora-postgresql": {
        "EngineVersion": "16.6", "Port": 5432, "LicenseModel": "postgresql-license",
    },
    "aurora-mysql": {
        "EngineVersion": "8.0.mysql_aurora.3.08.0", "Port": 3306,
        "LicenseModel": "general-public-license",
    },
}  # fmt: skip

# What can be ordered: the versions and classes of an engine; a few of the many, from memory of
# DescribeDBEngineVersions and DescribeOrderableDBInstanceOptions in us-east-1. Databases of other
# versions and classes can be made here all the same: they are of older days.
AVAILABLE_VERSIONS: dict[str, tuple[str, ...]] = {
    "postgres": ("14.15", "15.8", "15.10", "16.1", "16.4", "16.5", "16.6", "16.9", "16.10", "17.2"),
    "mysql": ("8.0.35", "8.0.40", "8.4.3"),
    "mariadb": ("10.6.20", "10.11.10"),
    **{
        engine: (own["EngineVersion"],)
        for engine, own in ENGINES.items()
        if engine.startswith(("oracle", "sqlserver", "db2"))
    },
    "aurora-postgresql": ("15.8", "16.1", "16.4", "16.6"),
    "aurora-mysql": ("8.0.mysql_aurora.3.04.3", "8.0.mysql_aurora.3.08.0"),
}
# The CAs of today; rds-ca-2015 and rds-ca-2019 have ended [fact: retired-ca].
CERTIFICATES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
AVAILABLE_CLASSES: dict[str, tuple[str, ...]] = {
    "standalone": (
        "db.t4g.micro", "db.t4g.medium", "db.m6g.large", "db.r6g.large", "db.r6g.xlarge",
        "db.r6g.2xlarge", "db.r6gd.large", "db.r6gd.xlarge",
    ),
    "aurora": (
        "db.serverless", "db.t4g.medium", "db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge",
    ),
}  # fmt: skip

# What travels in a snapshot and comes back without being asked for: attribute -> source.
# Everything else takes the default.
CARRIED: dict[str, dict[str, str]] = {
    "instance": {
        "Engine": "model",
        "EngineVersion": "UG",
        "DBInstanceClass": "model",
        "Endpoint": "model: the same port as the original",
        "LicenseModel": "model",
        "Iops": "model: taken from the backup",
        "BackupRetentionPeriod": "model: uses existing setting",
        "AllocatedStorage": "UG",
        "MasterUsername": "UG",
        "DBName": "UG",
        "CharacterSetName": "UG",
        "NcharCharacterSetName": "UG",
        "Timezone": "UG",
        "StorageEncrypted": "UG",
        "StorageEncryptionType": "model",
        "KmsKeyId": "UG",
        "DBSystemId": "memory",
        "MultiTenant": "memory",
        "TagList": "model: the source's tags when none are given",
    },
    "cluster": {
        "Engine": "model",
        "AllocatedStorage": "UG: of a Multi-AZ DB cluster; Aurora shows 1",
        "Port": "model: the same port as the original",
        "BackupRetentionPeriod": "model: uses existing setting",
        "MasterUsername": "UG",
        "DatabaseName": "UG",
        "CharacterSetName": "UG",
        "StorageEncrypted": "model",
        "StorageEncryptionType": "model",
        "KmsKeyId": "model: the snapshot's key",
        "DBSystemId": "memory",
    },
}

# What a restore has to be told even if the snapshot knows it, and what it takes otherwise:
# engine's beginning -> attribute -> (value, source).
FORGOTTEN: dict[str, dict[str, tuple[Any, str]]] = {
    "oracle": {"DBName": ("ORCL", "model: of a create; memory that a restore does the same")},
}

# Parameters that a restore refuses: engine's beginning -> parameter -> source.
REFUSED_IN_A_RESTORE: dict[str, dict[str, str]] = {
    "sqlserver": {
        "AllocatedStorage": "model",
        "StorageType": "model",
        "Iops": "UG",
        "StorageThroughput": "UG",
        "MultiAZ": "GH hashicorp/terraform-provider-aws, resource aws_db_instance",
    },
}

# Parameters that a restore of a cluster refuses, whatever their values, unless it was an Aurora
# Limitless Database. GH boto/boto3#4634, of the same call to a point in time; AWS's CloudFormation
# handler gives them to no restore, of a Multi-AZ DB cluster neither.
REFUSED_IN_A_CLUSTER_RESTORE = frozenset(
    {
        "MonitoringInterval", "MonitoringRoleArn", "EnablePerformanceInsights",
        "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
    }
)  # fmt: skip

# What a cluster that has it has for all of its members: attribute that says so -> what a member
# shows then. GH hashicorp/terraform-provider-aws#43487 of the interval; memory of the others.
FOR_ALL_MEMBERS: dict[str, tuple[str, ...]] = {
    "MonitoringInterval": ("MonitoringInterval", "MonitoringRoleArn"),
    "PerformanceInsightsEnabled": (
        "PerformanceInsightsEnabled", "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
    ),
}  # fmt: skip

# Attributes of a member that are its cluster's: member attribute -> cluster attribute. AUG.
OF_THE_CLUSTER: dict[str, str] = {
    "Engine": "Engine",
    "EngineVersion": "EngineVersion",
    "MasterUsername": "MasterUsername",
    "DBName": "DatabaseName",
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "VpcSecurityGroups": "VpcSecurityGroups",
    "StorageEncrypted": "StorageEncrypted",
    "StorageEncryptionType": "StorageEncryptionType",
    "KmsKeyId": "KmsKeyId",
    "IAMDatabaseAuthenticationEnabled": "IAMDatabaseAuthenticationEnabled",
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "EnabledCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "NetworkType": "NetworkType",
    "DBClusterIdentifier": "DBClusterIdentifier",
    "AllocatedStorage": "AllocatedStorage",
    "EngineLifecycleSupport": "EngineLifecycleSupport",
}

# Parameters that RDS refuses for an instance of an Aurora cluster. model, AUG.
REFUSED_FOR_MEMBERS = frozenset(
    {
        "AllocatedStorage", "BackupRetentionPeriod", "PreferredBackupWindow", "DBName",
        "VpcSecurityGroupIds", "DBSubnetGroupName", "Port", "DBPortNumber", "MasterUsername",
        "MasterUserPassword", "ManageMasterUserPassword", "MasterUserSecretKmsKeyId",
        "StorageEncrypted", "KmsKeyId", "EnableIAMDatabaseAuthentication", "DeletionProtection",
        "MultiAZ", "Iops", "StorageThroughput", "StorageType", "MaxAllocatedStorage",
        "EnableCloudwatchLogsExports", "CloudwatchLogsExportConfiguration", "NetworkType",
        "OptionGroupName", "DatabaseInsightsMode", "EngineLifecycleSupport", "DedicatedLogVolume",
    }
)  # fmt: skip

# Changed at the call itself, without a change of status; memory.
AT_ONCE = frozenset({"DeletionProtection", "CopyTagsToSnapshot"})

# Most of a kind that an account may hold, and export at once, and GiB of storage; UG. Of deleted
# instances, and clusters, as many automated backups are kept as there may be of these (model).
QUOTAS = {
    "instance": 40, "cluster": 40, "snapshot": 100, "cluster-snapshot": 100, "export task": 5,
    "storage": 100_000, "cross-region copy": 5,
}  # fmt: skip
QUOTA_ERRORS = {
    "instance": "InstanceQuotaExceeded",
    "cluster": "DBClusterQuotaExceededFault",
    "snapshot": "SnapshotQuotaExceeded",
    "cluster-snapshot": "SnapshotQuotaExceeded",
}
BACKUP_QUOTA_ERRORS = {
    "instance": "DBInstanceAutomatedBackupQuotaExceeded",
    "cluster": "DBClusterAutomatedBackupQuotaExceededFault",
}

# Regions whose snapshots cannot be exported to S3; UG of 2023.
WITHOUT_EXPORTS = frozenset(
    {
        "ap-south-2", "ap-southeast-3", "ap-southeast-4", "eu-south-2", "eu-central-2",
        "me-central-1", "us-gov-east-1", "us-gov-west-1",
    }
)  # fmt: skip

VPC = "vpc-0a4b7c1d2e3f45678"
SECURITY_GROUP = "sg-0d1e2f3a4b5c6d7e8"
HOSTED_ZONE = "Z2R2ITUGPM61AM"
