"""The overrides that a stack allows by default: each that there is was thought through."""

import json
import re

import pytest

from tests.deploy.definition import ROOT
from tests.deploy.test_definition import template
from trapheus.configuration.overrides import shapes

SIZE = "size, speed and cost"
PLACE = "where it runs, behind the same networks and groups"
CARE = "when and how it is looked after"
SEEN = "seen by whoever may call its API already"

# Allowed by default: what each decides.
HARMLESS = {
    "AdditionalStorageVolumes": SIZE,
    "AllocatedStorage": SIZE,
    "AutoMinorVersionUpgrade": CARE,
    "AvailabilityZone": PLACE,
    "BacktrackWindow": CARE,
    "BackupRetentionPeriod": CARE,
    "BackupTarget": CARE,
    "CACertificateIdentifier": "which of Amazon's authorities signs its certificate",
    "CopyTagsToSnapshot": CARE,
    "DBCapacityReservationIdentifier": SIZE,
    "DBClusterInstanceClass": SIZE,
    "DBInstanceClass": SIZE,
    "DBName": "a name",
    "DatabaseInsightsMode": SEEN,
    "DedicatedLogVolume": SIZE,
    "EnableLocalWriteForwarding": "readers hand writes on, by the same users' rights",
    "EnablePerformanceInsights": SEEN,
    "EngineLifecycleSupport": SIZE,
    "EngineVersion": CARE,
    "Iops": SIZE,
    "LicenseModel": SIZE,
    "MaxAllocatedStorage": SIZE,
    "MonitoringInterval": CARE,
    "MultiAZ": PLACE,
    "MultiTenant": "how an Oracle database is laid out, for the same users",
    "PerformanceInsightsRetentionPeriod": SEEN,
    "Port": "a number; the same security groups decide who reaches it",
    "PreferredBackupWindow": CARE,
    "PreferredMaintenanceWindow": CARE,
    "ProcessorFeatures": SIZE,
    "PromotionTier": PLACE,
    "ServerlessV2ScalingConfiguration": SIZE,
    "StorageThroughput": SIZE,
    "StorageType": SIZE,
}
REACHED = "who reaches it over the network"
LOGS_IN = "who logs in, and how"
GIVES_A_ROLE = "hands a role, or the rights of one, to the database"
KEY = "whose key it depends on"
RULES = "what is asked of clients, such as TLS, and what is recorded of them"
# Not allowed by default: what each opens.
NOT_BY_DEFAULT = {
    "DBClusterParameterGroupName": RULES,
    "DBParameterGroupName": RULES,
    "DBSubnetGroupName": REACHED,
    "DeletionProtection": "takes a protection away",
    "Domain": LOGS_IN,
    "DomainAuthSecretArn": LOGS_IN,
    "DomainDnsIps": LOGS_IN,
    "DomainFqdn": LOGS_IN,
    "DomainIAMRoleName": GIVES_A_ROLE,
    "DomainOu": LOGS_IN,
    "EnableCloudwatchLogsExports": RULES,
    "EnableCustomerOwnedIp": REACHED,
    "EnableIAMDatabaseAuthentication": LOGS_IN,
    "EnableInternetAccessGateway": REACHED,
    "EnableVPCNetworking": REACHED,
    "ManageMasterUserPassword": LOGS_IN,
    "MasterUserSecretKmsKeyId": KEY,
    "MonitoringRoleArn": GIVES_A_ROLE,
    "NetworkType": REACHED,
    "OptionGroupName": GIVES_A_ROLE,
    "PerformanceInsightsKMSKeyId": KEY,
    "PubliclyAccessible": REACHED,
    "VpcSecurityGroupIds": REACHED,
}  # fmt: skip


def by_default() -> set[str]:
    """What the template allows by default."""
    text = template()["Parameters"]["AllowedOverrides"]["Default"]
    return set(re.split(r",\s*", text))


def test_every_override_is_either_harmless_or_not_allowed_by_default() -> None:
    known = set(shapes(is_cluster=False)) | set(shapes(is_cluster=True))
    assert HARMLESS.keys() & NOT_BY_DEFAULT.keys() == set()
    assert HARMLESS.keys() | NOT_BY_DEFAULT.keys() == known
    assert by_default() == set(HARMLESS)


def test_the_page_of_parameters_says_what_the_others_open() -> None:
    page = (ROOT / "docs" / "parameters.md").read_text()
    (section,) = re.findall(r"^## Overrides\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^\| (.+) \| (`.+`) \|$", section, re.MULTILINE)
    said = {name: what for what, names in listed for name in re.findall(r"`(\w+)`", names)}
    assert said == NOT_BY_DEFAULT


@pytest.mark.parametrize("name", ["overrides", "cluster_overrides"])
def test_the_example_of_overrides_uses_what_is_allowed_by_default(name: str) -> None:
    request = json.loads((ROOT / "events" / f"{name}.json").read_text())
    assert set(request["overrides"]) <= by_default()
