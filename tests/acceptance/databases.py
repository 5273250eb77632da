"""The smallest instance and the smallest cluster: how they are made, looked at and named."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.acceptance.account import PREFIX

if TYPE_CHECKING:
    from tests.acceptance.account import Account

TAGS = [{"Key": "purpose", "Value": "trapheus acceptance"}, {"Key": "empty", "Value": ""}]
# What must be the same before and after, chosen here and not by the app.
SAME = {
    "instance": (
        "DBInstanceClass", "Engine", "EngineVersion", "AllocatedStorage", "StorageType",
        "MasterUsername", "DBName", "BackupRetentionPeriod", "PreferredBackupWindow",
        "PreferredMaintenanceWindow", "MultiAZ", "PubliclyAccessible", "StorageEncrypted",
        "IAMDatabaseAuthenticationEnabled", "CopyTagsToSnapshot", "DeletionProtection",
        "AutoMinorVersionUpgrade", "CACertificateIdentifier",
    ),
    "cluster": (
        "Engine", "EngineVersion", "MasterUsername", "DatabaseName", "BackupRetentionPeriod",
        "PreferredBackupWindow", "PreferredMaintenanceWindow", "StorageEncrypted",
        "IAMDatabaseAuthenticationEnabled", "CopyTagsToSnapshot", "DeletionProtection",
        "ServerlessV2ScalingConfiguration", "DBClusterParameterGroup", "EngineMode",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of database: its names in the API, and the identifier that is used here."""

    name: str
    word: str  # DBInstance or DBCluster
    status: str
    resource_id: str
    snapshot: str
    what: str
    minutes: int
    dollars: float

    @property
    def identifier(self) -> str:
        return f"{PREFIX}-{'db' if self.name == 'instance' else 'cl'}"

    @property
    def key(self) -> str:
        return f"{self.word}Identifier"

    def find(self, account: Account, identifier: str = "") -> dict[str, Any]:
        """What RDS shows of the database; empty when there is none."""
        asked = {self.key: identifier or self.identifier}
        describe = getattr(account.client("rds"), f"describe_db_{self.name}s")
        try:
            return dict(describe(**asked)[f"{self.word}s"][0])
        except ClientError as error:
            if "NotFound" in error.response["Error"]["Code"]:
                return {}
            raise

    def configuration(self, account: Account) -> dict[str, Any]:
        """All of the database that must stay as it is."""
        shown = self.find(account)
        tags = {tag["Key"]: tag["Value"] for tag in shown.get("TagList", [])}
        groups = [group["VpcSecurityGroupId"] for group in shown.get("VpcSecurityGroups", [])]
        same = {name: shown.get(name) for name in SAME[self.name]}
        return {**same, "tags": tags, "groups": sorted(groups), "endpoint": shown["Endpoint"]}

    def is_available(self, account: Account, identifier: str = "") -> bool:
        """Whether it serves, a cluster's members as well."""
        shown = self.find(account, identifier)
        members = [INSTANCE.find(account, one["DBInstanceIdentifier"])
                   for one in shown.get("DBClusterMembers", [])]  # fmt: skip
        every = [shown.get(self.status), *(one.get("DBInstanceStatus") for one in members)]
        return all(status == "available" for status in every) and (
            self.name == "instance" or bool(members)
        )


INSTANCE = Kind(
    "instance", "DBInstance", "DBInstanceStatus", "DbiResourceId", "DBSnapshot",
    "a db.t4g.micro with PostgreSQL", 150, 0.5,
)  # fmt: skip
CLUSTER = Kind(
    "cluster", "DBCluster", "Status", "DbClusterResourceId", "DBClusterSnapshot",
    "a serverless cluster of Aurora PostgreSQL", 180, 1.0,
)  # fmt: skip


def create(account: Account, kind: Kind) -> None:
    """Ask for the smallest database that shows what a restore could lose."""
    rds, common = account.client("rds"), {"Tags": TAGS, "CopyTagsToSnapshot": True}
    common |= {
        "MasterUsername": "acceptance",
        "MasterUserPassword": secrets.token_urlsafe(24),
        "BackupRetentionPeriod": 2,
        "EnableIAMDatabaseAuthentication": True,
        "DeletionProtection": True,
    }
    if kind is INSTANCE:
        rds.create_db_instance(
            DBInstanceIdentifier=kind.identifier,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            StorageType="gp3",
            StorageEncrypted=True,
            PubliclyAccessible=False,
            DBName="acceptance",
            **common,
        )
        return
    rds.create_db_cluster(
        DBClusterIdentifier=kind.identifier,
        Engine="aurora-postgresql",
        StorageEncrypted=True,
        ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 1},
        **common,
    )
    rds.create_db_instance(
        DBInstanceIdentifier=f"{kind.identifier}-1",
        DBClusterIdentifier=kind.identifier,
        DBInstanceClass="db.serverless",
        Engine="aurora-postgresql",
        Tags=TAGS,
    )
