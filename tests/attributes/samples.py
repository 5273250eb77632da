"""Databases that between them set every attribute that can be carried to something not the default.

What is expected stands here, as Describe has to show it, and comes from nothing of the app. Each
database is made, its snapshot taken, and then changed: so the snapshot knows none of the changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.commands.account import INSIGHTS_KEY_ID, KEY_ID, make_groups, role, tags

if TYPE_CHECKING:
    from local.emulator.rds import Rds

Shown = dict[str, Any]
Expected = dict[str, Any]
PASSWORD = {"MasterUsername": "owner", "MasterUserPassword": "not-managed-1"}


@dataclass(frozen=True)
class Database:
    """A database to be restored; `expects`: attribute -> value, by name of what shows it.

    made, changed: parameters of its Create, and of the Modify after the snapshot.
    """

    name: str
    made: Shown
    expects: dict[str, Expected]
    changed: Shown = field(default_factory=dict)
    members: dict[str, Shown] = field(default_factory=dict)
    roles: tuple[tuple[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    extras: bool = False

    @property
    def kind(self) -> str:
        of_aurora = self.made["Engine"].startswith("aurora")
        return "cluster" if of_aurora or self.is_copied else "instance"

    @property
    def is_copied(self) -> bool:
        """Whether it is a Multi-AZ DB cluster, which is restored under another name only."""
        return "DBClusterInstanceClass" in self.made

    @property
    def request(self) -> Shown:
        """What asks the app to restore it."""
        asked = {"identifier": self.name, "isCluster": self.kind == "cluster"}
        return asked | ({"targetIdentifier": self.restored(self.name)} if self.is_copied else {})

    def restored(self, part: str) -> str:
        """The name under which a part of it is restored."""
        return f"copy-of-{part}" if self.is_copied else part

    @property
    def snapshot(self) -> str:
        return f"{self.name}-snapshot"


ACCOUNT, REGION = "123456789012", "us-east-1"
THE_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}"
INSIGHTS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{INSIGHTS_KEY_ID}"
WATCHER = f"arn:aws:iam::{ACCOUNT}:role/watcher"
DISABLED = "open-source-rds-extended-support-disabled"
VOLUMES = [
    {"VolumeName": "rdsdbdata2", "AllocatedStorage": 300, "StorageType": "gp3", "IOPS": 12000,
     "StorageThroughput": 500, "MaxAllocatedStorage": 900},
]  # fmt: skip
INSIGHTS = {
    "EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 93,
    "PerformanceInsightsKMSKeyId": INSIGHTS_KEY,
}  # fmt: skip
INSIGHTS_SHOWN = {
    "PerformanceInsightsEnabled": True, "PerformanceInsightsRetentionPeriod": 93,
    "PerformanceInsightsKMSKeyId": INSIGHTS_KEY,
}  # fmt: skip
MANAGED = {"ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": THE_KEY}
DIRECTORY = {"Domain": "d-9067001122", "DomainIAMRoleName": "directory"}
OWN_DOMAIN = {
    "DomainFqdn": "corp.example.org", "DomainOu": "OU=db", "DomainDnsIps": ["10.0.0.1", "10.0.0.2"],
    "DomainAuthSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:joiner",
}  # fmt: skip

INSTANCES = (
    Database(
        "orders-db",
        {"Engine": "postgres", "EngineVersion": "16.4", "DBInstanceClass": "db.t4g.medium",
         "AllocatedStorage": 50, "Tags": tags(team="orders")},
        {"orders-db": {
            "AllocatedStorage": 120, "AutoMinorVersionUpgrade": False,
            "BackupRetentionPeriod": 9, "CACertificateIdentifier": "rds-ca-ecc384-g1",
            "CopyTagsToSnapshot": True, "DBInstanceClass": "db.r6g.xlarge",
            "DBParameterGroups": [("orders-postgres16", "in-sync")],
            "DBSubnetGroup": "prod-subnets", "DedicatedLogVolume": True,
            "DeletionProtection": True,
            "DomainMemberships": {"Domain": "d-9067001122", "IAMRoleName": "directory"},
            "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"], "Endpoint": 6543,
            "EngineLifecycleSupport": DISABLED, "EngineVersion": "16.6",
            "IAMDatabaseAuthenticationEnabled": True, "MasterUserSecret": THE_KEY,
            "MaxAllocatedStorage": 900, "MultiAZ": True, "NetworkType": "DUAL",
            "OptionGroupMemberships": ["prod-options"],
            "PreferredBackupWindow": "01:15-02:00",
            "PreferredMaintenanceWindow": "tue:04:00-tue:05:00",
            "PubliclyAccessible": True, "TagList": {"team": "sales", "cost:center": "4711"},
            "VpcSecurityGroups": ["sg-0orders1", "sg-0orders2"],
        }},
        changed={
            "EngineVersion": "16.6", "AllocatedStorage": 120, "AutoMinorVersionUpgrade": False,
            "BackupRetentionPeriod": 9, "CACertificateIdentifier": "rds-ca-ecc384-g1",
            "CopyTagsToSnapshot": True, "DBInstanceClass": "db.r6g.xlarge",
            "DBParameterGroupName": "orders-postgres16", "DBSubnetGroupName": "prod-subnets",
            "DedicatedLogVolume": True, "DeletionProtection": True, **DIRECTORY, **MANAGED,
            "CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql", "upgrade"]},
            "DBPortNumber": 6543, "EngineLifecycleSupport": DISABLED,
            "EnableIAMDatabaseAuthentication": True, "MaxAllocatedStorage": 900, "MultiAZ": True,
            "NetworkType": "DUAL", "OptionGroupName": "prod-options",
            "PreferredBackupWindow": "01:15-02:00",
            "PreferredMaintenanceWindow": "tue:04:00-tue:05:00", "PubliclyAccessible": True,
            "VpcSecurityGroupIds": ["sg-0orders1", "sg-0orders2"],
        },
        tags={"team": "sales", "cost:center": "4711"},
    ),
    Database(
        "shop-db",
        {"Engine": "mysql", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 100,
         "AvailabilityZone": f"{REGION}c", "BackupTarget": "outposts",
         "StorageType": "io2", "Iops": 3000,
         "EnableCustomerOwnedIp": True, "DBCapacityReservationIdentifier": "dbcr-0a1b2c"},
        {"shop-db": {
            "AvailabilityZone": f"{REGION}c", "BackupTarget": "outposts",
            "CustomerOwnedIpEnabled": True, "DBCapacityReservationIdentifier": "dbcr-0a1b2c",
            "DomainMemberships": {
                "FQDN": "corp.example.org", "OU": "OU=db", "DnsIps": ["10.0.0.1", "10.0.0.2"],
                "AuthSecretArn": OWN_DOMAIN["DomainAuthSecretArn"],
            },
            "EngineLifecycleSupport": DISABLED, "Iops": 5000, "StorageType": "io2",
        }},
        changed={"AllocatedStorage": 100, "Iops": 5000, "EngineLifecycleSupport": DISABLED,
                 **OWN_DOMAIN},
    ),
    Database(
        "ledger-db",
        {"Engine": "oracle-ee", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 100,
         "DBName": "LEDGER", "AdditionalStorageVolumes": VOLUMES},
        {"ledger-db": {
            "AdditionalStorageVolumes": VOLUMES,
            "AssociatedRoles": [("importer", "S3_INTEGRATION"), ("mover", "EFS_INTEGRATION")],
            "DBName": "LEDGER", "LicenseModel": "bring-your-own-license", "MultiTenant": True,
            "ProcessorFeatures": {"coreCount": "2", "threadsPerCore": "1"},
        }},
        changed={
            "LicenseModel": "bring-your-own-license", "MultiTenant": True,
            "ProcessorFeatures": [{"Name": "coreCount", "Value": "2"},
                                  {"Name": "threadsPerCore", "Value": "1"}],
        },
        roles=(("importer", "S3_INTEGRATION"), ("mover", "EFS_INTEGRATION")),
    ),
    Database(
        "crm-db",
        {"Engine": "sqlserver-se", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 200},
        {"crm-db": {"AllocatedStorage": 400, "MultiAZ": True, "StorageThroughput": 700,
                    "Iops": 16000}},
        changed={"AllocatedStorage": 400, "MultiAZ": True, "StorageThroughput": 700, "Iops": 16000},
    ),
    Database(
        "tuned-db",
        {"Engine": "postgres", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 500,
         "StorageType": "gp3", "Iops": 14000, "StorageThroughput": 500},
        {"tuned-db": {"StorageThroughput": 750}},
        changed={"StorageThroughput": 750},
    ),
    Database(
        "watched-db",
        {"Engine": "mysql", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 50},
        {"watched-db": {"MonitoringInterval": 15, "MonitoringRoleArn": WATCHER}},
        changed={"MonitoringInterval": 15, "MonitoringRoleArn": WATCHER},
    ),
    Database(
        "profiled-db",
        {"Engine": "mysql", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 50},
        {"profiled-db": INSIGHTS_SHOWN},
        changed=INSIGHTS,
    ),
    Database(
        "insight-db",
        {"Engine": "postgres", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 50},
        {"insight-db": {"DatabaseInsightsMode": "advanced"}},
        changed={"DatabaseInsightsMode": "advanced", **INSIGHTS,
                 "PerformanceInsightsRetentionPeriod": 465},
    ),
)  # fmt: skip

POSTGRES = {"Engine": "aurora-postgresql"}
SMALL = {"DBInstanceClass": "db.r6g.large"}

CLUSTERS = (
    Database(
        "bank-cluster",
        {**POSTGRES, "EngineVersion": "16.4", "Tags": tags(team="bank")},
        {"bank-cluster": {
            "AssociatedRoles": [("importer", "s3Import"), ("mover", "")],
            "AutoMinorVersionUpgrade": False,
            "BackupRetentionPeriod": 9, "CopyTagsToSnapshot": True,
            "CustomEndpoints": [("reports", "READER", ("bank-cluster-a",))],
            "DBClusterMembers": [("bank-cluster-a", False), ("bank-cluster-b", True)],
            "DBClusterParameterGroup": "prod-aurora16", "DBSubnetGroup": "prod-subnets",
            "DeletionProtection": True,
            "DomainMemberships": {"Domain": "d-9067001122", "IAMRoleName": "directory"},
            "EnabledCloudwatchLogsExports": ["instance", "postgresql"],
            "EngineLifecycleSupport": DISABLED, "EngineVersion": "16.4",
            "HttpEndpointEnabled": True, "IAMDatabaseAuthenticationEnabled": True,
            "LocalWriteForwardingStatus": "enabled", "MasterUserSecret": THE_KEY,
            "NetworkType": "DUAL", "Port": 6543, "PreferredBackupWindow": "01:15-02:00",
            "PreferredMaintenanceWindow": "tue:04:00-tue:05:00",
            "StorageType": "aurora-iopt1", "TagList": {"team": "loans", "cost:center": "4711"},
            "VpcSecurityGroups": ["sg-0bank1", "sg-0bank2"],
         },
         "bank-cluster-a": {
            "AutoMinorVersionUpgrade": False, "AvailabilityZone": f"{REGION}d",
            "CACertificateIdentifier": "rds-ca-ecc384-g1", "DBInstanceClass": "db.r6g.xlarge",
            "DBParameterGroups": [("prod-reader", "in-sync")], "Engine": "aurora-postgresql",
            "PreferredMaintenanceWindow": "fri:04:00-fri:05:00", "PromotionTier": 0,
            "PubliclyAccessible": True, "TagList": {"part": "reader"},
         },
         "bank-cluster-b": {
            "AvailabilityZone": f"{REGION}b", "DBParameterGroups": [("prod-writer", "in-sync")],
            "DBCapacityReservationIdentifier": "dbcr-0a1b2c", "PromotionTier": 5,
            "TagList": {"part": "writer"},
        }},
        changed={
            "AutoMinorVersionUpgrade": False, "BackupRetentionPeriod": 9,
            "CopyTagsToSnapshot": True, "DBClusterParameterGroupName": "prod-aurora16",
            "DeletionProtection": True, **DIRECTORY, **MANAGED,
            "CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql", "instance"]},
            "EngineLifecycleSupport": DISABLED, "EnableIAMDatabaseAuthentication": True,
            "EnableLocalWriteForwarding": True, "NetworkType": "DUAL", "Port": 6543,
            "PreferredBackupWindow": "01:15-02:00",
            "PreferredMaintenanceWindow": "tue:04:00-tue:05:00", "StorageType": "aurora-iopt1",
            "VpcSecurityGroupIds": ["sg-0bank1", "sg-0bank2"],
        },
        members={
            "bank-cluster-b": {
                **SMALL, "PromotionTier": 5, "AvailabilityZone": f"{REGION}b",
                "DBParameterGroupName": "prod-writer", "Tags": tags(part="writer"),
                "DBCapacityReservationIdentifier": "dbcr-0a1b2c",
            },
            "bank-cluster-a": {
                "DBInstanceClass": "db.r6g.xlarge", "PromotionTier": 0,
                "AvailabilityZone": f"{REGION}d", "DBParameterGroupName": "prod-reader",
                "AutoMinorVersionUpgrade": False, "CACertificateIdentifier": "rds-ca-ecc384-g1",
                "PreferredMaintenanceWindow": "fri:04:00-fri:05:00", "PubliclyAccessible": True,
                "Tags": tags(part="reader"),
            },
        },
        roles=(("importer", "s3Import"), ("mover", "")),
        tags={"team": "loans", "cost:center": "4711"},
        extras=True,
    ),
    Database(
        "stock-cluster",
        {"Engine": "aurora-mysql", "EngineVersion": "8.0.mysql_aurora.3.04.3"},
        {"stock-cluster": {
            "BacktrackWindow": 7200, "Engine": "aurora-mysql",
            "EngineVersion": "8.0.mysql_aurora.3.04.3",
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 24.0,
                                                 "SecondsUntilAutoPause": 600},
         },
         "stock-cluster-one": {"DBInstanceClass": "db.serverless", "Engine": "aurora-mysql"}},
        changed={
            "BacktrackWindow": 7200,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 24.0,
                                                 "SecondsUntilAutoPause": 600},
        },
        members={"stock-cluster-one": {"DBInstanceClass": "db.serverless"}},
    ),
    Database(
        "web-cluster",
        {**POSTGRES, "WithExpressConfiguration": True},
        {"web-cluster": {"InternetAccessGatewayEnabled": True, "VPCNetworkingEnabled": False}},
        members={"web-cluster-one": SMALL},
    ),
    Database(
        "watched-cluster",
        POSTGRES,
        {"watched-cluster": {"MonitoringInterval": 15, "MonitoringRoleArn": WATCHER}},
        changed={"MonitoringInterval": 15, "MonitoringRoleArn": WATCHER},
        members={"watched-cluster-one": SMALL},
    ),
    Database(
        "zones-cluster",
        {"Engine": "postgres", "EngineVersion": "16.4", "DBClusterInstanceClass": "db.r6gd.large",
         "AllocatedStorage": 100, "StorageType": "io1", "Iops": 1000, "PubliclyAccessible": True},
        {"zones-cluster": {
            "CertificateDetails": "rds-ca-ecc384-g1", "DBClusterInstanceClass": "db.r6gd.xlarge",
            "PubliclyAccessible": True,
        }},
        changed={
            "CACertificateIdentifier": "rds-ca-ecc384-g1",
            "DBClusterInstanceClass": "db.r6gd.xlarge",
        },
    ),
    Database(
        "grown-cluster",
        {"Engine": "postgres", "EngineVersion": "16.4", "DBClusterInstanceClass": "db.r6gd.large",
         "AllocatedStorage": 100, "StorageType": "io1", "Iops": 1000},
        {"grown-cluster": {"AllocatedStorage": 200, "Iops": 3000}},
        changed={"AllocatedStorage": 200, "Iops": 3000},
    ),
    Database(
        "gauge-cluster",
        POSTGRES,
        {"gauge-cluster-one": {"MonitoringInterval": 15, "MonitoringRoleArn": WATCHER}},
        members={"gauge-cluster-one": {**SMALL, "MonitoringInterval": 15,
                                       "MonitoringRoleArn": WATCHER}},
    ),
    Database(
        "profiled-cluster",
        POSTGRES,
        {"profiled-cluster": INSIGHTS_SHOWN},
        changed=INSIGHTS,
        members={"profiled-cluster-one": SMALL},
    ),
    Database(
        "sampled-cluster",
        POSTGRES,
        {"sampled-cluster-one": INSIGHTS_SHOWN},
        members={"sampled-cluster-one": {**SMALL, **INSIGHTS}},
    ),
    Database(
        "insight-cluster",
        POSTGRES,
        {"insight-cluster": {"DatabaseInsightsMode": "advanced"}},
        changed={"DatabaseInsightsMode": "advanced", **INSIGHTS,
                 "PerformanceInsightsRetentionPeriod": 465},
        members={"insight-cluster-one": SMALL},
    ),
)  # fmt: skip

DATABASES = {database.name: database for database in (*INSTANCES, *CLUSTERS)}

# What RDS takes only together with others: without those, this one cannot be there either.
MONITORING = ("MonitoringInterval", "MonitoringRoleArn")
ENABLED, RETENTION = "PerformanceInsightsEnabled", "PerformanceInsightsRetentionPeriod"
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "instance": {
        "MonitoringInterval": MONITORING,
        "MonitoringRoleArn": MONITORING,
        "PerformanceInsightsKMSKeyId": (ENABLED,),
        RETENTION: (ENABLED,),
        "DatabaseInsightsMode": (ENABLED, RETENTION),
        # RDS takes provisioned IOPS for io1 when it is told no type.
        "StorageThroughput": ("StorageType",),
    },
    "cluster": {
        "MonitoringInterval": MONITORING,
        "MonitoringRoleArn": MONITORING,
        "PerformanceInsightsKMSKeyId": (ENABLED,),
        RETENTION: (ENABLED,),
        "DatabaseInsightsMode": (ENABLED, RETENTION),
        "InternetAccessGatewayEnabled": (
            "VPCNetworkingEnabled", "IAMDatabaseAuthenticationEnabled",
        ),
        "VPCNetworkingEnabled": (
            "InternetAccessGatewayEnabled", "IAMDatabaseAuthenticationEnabled",
        ),
        # There is no Multi-AZ DB cluster without its class.
        **dict.fromkeys(
            ("CertificateDetails", "Iops", "PubliclyAccessible"), ("DBClusterInstanceClass",)
        ),
        "AllocatedStorage": ("DBClusterInstanceClass", "Iops"),
    },
    "member": {
        "MonitoringInterval": MONITORING,
        "MonitoringRoleArn": MONITORING,
        "PerformanceInsightsKMSKeyId": (ENABLED,),
        RETENTION: (ENABLED,),
    },
}  # fmt: skip
# Without these there is no restore of a cluster at all: every test of one fails.
REQUIRED = {
    ("cluster", "Engine"), ("cluster", "DBClusterMembers"),
    ("member", "Engine"), ("member", "DBInstanceClass"),
}  # fmt: skip


def of(database: Database, name: str) -> str:
    """The table that an attribute of `name` belongs to: instance, cluster or member."""
    return database.kind if name == database.name else "member"


# How they are made


def build(rds: Rds, databases: tuple[Database, ...]) -> None:
    """Make databases, take their snapshots, change them."""
    now = rds.time
    with rds.instantly(at=now - 864_000):
        if "prod-subnets" not in rds.groups["subnet"]:
            make_groups(rds)
        rds.call("CreateDBParameterGroup", {
            "DBParameterGroupName": "orders-postgres16", "DBParameterGroupFamily": "postgres16",
            "Description": "Of orders-db",
        })  # fmt: skip
        for database in databases:
            make(rds, database)
        # Every subnet of the default VPC has IPv6.
        default = rds.groups["subnet"].get("default", {})
        default.setdefault("SupportedNetworkTypes", []).append("DUAL")
    with rds.instantly(at=now - 432_000):
        for database in databases:
            word = "DBCluster" if database.kind == "cluster" else "DB"
            source = f"DB{database.kind.capitalize()}Identifier"
            rds.call(f"Create{word}Snapshot", {
                source: database.name, f"{word}SnapshotIdentifier": database.snapshot,
            })  # fmt: skip
    with rds.instantly(at=now - 86_400):
        for database in databases:
            change(rds, database)
    rds.settle()


def make(rds: Rds, database: Database) -> None:
    """Make a database, and for a cluster its members, the writer first."""
    word = f"DB{database.kind.capitalize()}"
    given = {**PASSWORD, **database.made, f"{word}Identifier": database.name}
    rds.call(f"Create{word}", given)
    for name, member in database.members.items():
        rds.call("CreateDBInstance", {
            "DBInstanceIdentifier": name, "DBClusterIdentifier": database.name,
            "Engine": database.made["Engine"], **member,
        })  # fmt: skip


def change(rds: Rds, database: Database) -> None:
    """What is changed after the snapshot."""
    word = f"DB{database.kind.capitalize()}"
    name = {f"{word}Identifier": database.name}
    if database.extras:
        # A cluster's subnet group cannot be changed by a call.
        cluster = rds.clusters[database.name]
        cluster["DBSubnetGroup"] = "prod-subnets"
        rds.call("EnableHttpEndpoint", {"ResourceArn": cluster["DBClusterArn"]})
        rds.call("CreateDBClusterEndpoint", {
            **name, "DBClusterEndpointIdentifier": "reports", "EndpointType": "READER",
            "StaticMembers": ["bank-cluster-a"],
        })  # fmt: skip
    if database.changed:
        rds.call(f"Modify{word}", {**name, "ApplyImmediately": True, **database.changed})
        if database.kind == "instance":
            rds.call("RebootDBInstance", name)
        for member in database.members:
            rds.call("RebootDBInstance", {"DBInstanceIdentifier": member})
    for arn, feature in database.roles:
        more = {"FeatureName": feature} if feature else {}
        rds.call(f"AddRoleTo{word}", {**name, "RoleArn": role(rds, arn), **more})
    if database.tags:
        rds.call("AddTagsToResource", {
            "ResourceName": rds.arn(database.kind, database.name),
            "Tags": [{"Key": k, "Value": v} for k, v in database.tags.items()],
        })  # fmt: skip


# How they are read


def shown(rds: Rds, database: Database, name: str, now: str = "") -> Expected:
    """The expected attributes as they are now; nothing when there is no database of the name.

    now: what it is called now, if otherwise.
    """
    shelf = rds.clusters if name == database.name and database.kind == "cluster" else rds.instances
    found = shelf.get(now or name, {})
    return {attribute: plain(rds, found, attribute) for attribute in database.expects.get(name, {})}


def plain(rds: Rds, found: Shown, attribute: str) -> Any:
    """An attribute without what RDS chooses, in a fixed order."""
    if attribute == "CustomEndpoints":
        return endpoints(rds, found)
    value = found.get(attribute)
    return value if value is None else READ.get(attribute, lambda same: same)(value)


def domain(memberships: list[Shown]) -> Shown:
    """A domain as it was asked for; of AWS's directory, RDS shows an FQDN besides."""
    ours = {"Domain", "IAMRoleName"}
    asked = ours if "Domain" in memberships[0] else {"FQDN", "OU", "DnsIps", "AuthSecretArn"}
    return {name: value for name, value in memberships[0].items() if name in asked}


READ: dict[str, Callable[[Any], Any]] = {
    "AdditionalStorageVolumes": lambda volumes: [
        {name: value for name, value in volume.items() if name != "StorageVolumeStatus"}
        for volume in volumes
    ],
    "AssociatedRoles": lambda roles: sorted(
        (one["RoleArn"].rpartition("/")[2], one.get("FeatureName", "")) for one in roles
    ),
    "CertificateDetails": lambda details: details["CAIdentifier"],
    "DBClusterMembers": lambda members: sorted(
        (one["DBInstanceIdentifier"], one["IsClusterWriter"]) for one in members
    ),
    "DBParameterGroups": lambda groups: [
        (one["DBParameterGroupName"], one["ParameterApplyStatus"]) for one in groups
    ],
    "DBSubnetGroup": lambda group: group if isinstance(group, str) else group["DBSubnetGroupName"],
    "DomainMemberships": lambda memberships: domain(memberships) if memberships else {},
    "EnabledCloudwatchLogsExports": sorted,
    "Endpoint": lambda endpoint: endpoint["Port"],
    "MasterUserSecret": lambda secret: secret["KmsKeyId"],
    "OptionGroupMemberships": lambda groups: [one["OptionGroupName"] for one in groups],
    "ProcessorFeatures": lambda features: {one["Name"]: one["Value"] for one in features},
    "TagList": lambda given: {one["Key"]: one["Value"] for one in given},
    "VpcSecurityGroups": lambda groups: sorted(one["VpcSecurityGroupId"] for one in groups),
}


def endpoints(rds: Rds, found: Shown) -> list[Any]:
    """The custom endpoints of a cluster."""
    return [
        (one["DBClusterEndpointIdentifier"], one["CustomEndpointType"],
         tuple(one["StaticMembers"]))
        for one in rds.custom_endpoints.values()
        if one["DBClusterIdentifier"] == found.get("DBClusterIdentifier")
    ]  # fmt: skip


def bare(rds: Rds, database: Database) -> dict[str, Expected]:
    """What the expected attributes are after a restore, and creates, that say only what they must.

    `rds` is spoilt by it: the databases made are left behind.
    """
    name = f"bare-{database.name}"
    made = Database(
        name, database.made,
        {f"bare-{old}": values for old, values in database.expects.items()},
        members={f"bare-{old}": SMALL for old in database.members},
    )  # fmt: skip
    with rds.instantly():
        if database.kind == "instance":
            rds.call("RestoreDBInstanceFromDBSnapshot", {
                "DBInstanceIdentifier": name, "DBSnapshotIdentifier": database.snapshot,
            })  # fmt: skip
        else:
            rds.call("RestoreDBClusterFromSnapshot", {
                "DBClusterIdentifier": name, "SnapshotIdentifier": database.snapshot,
                "Engine": database.made["Engine"],
                **({"DBClusterInstanceClass": "db.r6gd.large"} if database.is_copied else {}),
            })  # fmt: skip
        for member in made.members:
            rds.call("CreateDBInstance", {
                "DBInstanceIdentifier": member, "DBClusterIdentifier": name,
                "Engine": database.made["Engine"], **SMALL,
            })  # fmt: skip
    rds.settle()
    return {old: shown(rds, made, f"bare-{old}") for old in database.expects}
