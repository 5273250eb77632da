"""How each parameter of create, restore and modify shows in what Describe returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases import groups, parts, tags, windows
from local.emulator.rds.protocol.model import members
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.resources import short_hash

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

Shown = dict[str, Any]

# Parameters that show under another name. model.
RENAMED: dict[str, str] = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableCustomerOwnedIp": "CustomerOwnedIpEnabled",
    "EnableHttpEndpoint": "HttpEndpointEnabled",
    "ScalingConfiguration": "ScalingConfigurationInfo",
    "EnableVPCNetworking": "VPCNetworkingEnabled",
    "EnableInternetAccessGateway": "InternetAccessGatewayEnabled",
    "EnableGlobalWriteForwarding": "GlobalWriteForwardingRequested",
}

# Parameters that are names, orders or secrets, and show nowhere. model.
NOT_SHOWN = frozenset(
    {
        "DBInstanceIdentifier", "DBClusterIdentifier", "NewDBInstanceIdentifier",
        "NewDBClusterIdentifier", "DBSnapshotIdentifier", "SnapshotIdentifier",
        "DBClusterSnapshotIdentifier", "ApplyImmediately", "AllowMajorVersionUpgrade",
        "AllowEngineModeChange", "MasterUserPassword", "RotateMasterUserPassword",
        "TdeCredentialPassword", "CertificateRotationRestart", "MasterUserAuthenticationType",
        "DBInstanceParameterGroupName", "PreSignedUrl", "SourceRegion", "TagSpecifications",
        "WithExpressConfiguration", "ResumeFullAutomationModeMinutes", "EnableLimitlessDatabase",
        "MasterUserSecretKmsKeyId", "DomainIAMRoleName", "DomainOu", "DomainAuthSecretArn",
        "DomainDnsIps", "DBSecurityGroups",
    }
)  # fmt: skip

CERTIFICATES_END = datetime(2061, 5, 20, tzinfo=UTC)
SECRETS = frozenset({"MasterUserPassword", "RotateMasterUserPassword"})
# model; of an instance that of PostgreSQL, other engines take less
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = {"instance": 128, "cluster": 41}


def apply(
    rds: Rds, kind: str, shown: Shown, parameters: Mapping[str, Any], *, live: bool = False
) -> None:
    """Let parameters show. `live`: the database runs, so a parameter group waits for a reboot."""
    shapes = members("DBInstance" if kind == "instance" else "DBCluster")
    if "CACertificateIdentifier" in parameters:
        require_certificate(rds, parameters["CACertificateIdentifier"])
    leave_speed(kind, shown, parameters.get("StorageType", "gp3"))
    for name, value in parameters.items():
        if name in SHAPED[kind]:
            SHAPED[kind][name](rds, shown, value, parameters, live)
        elif name in RENAMED:
            shown[RENAMED[name]] = value
        elif name in shapes and name not in NOT_SHOWN:
            shown[name] = value
    if is_small_gp3(kind, shown):
        tune_small_gp3(shown, parameters)
    elif kind == "instance" and shown.get("StorageType") == "gp3":
        show_baseline(shown)
    elif kind == "instance":
        shown.setdefault("StorageThroughput", 0)  # [fact: throughput-zero]
    if "MaxAllocatedStorage" in parameters:
        check_ceiling(shown)
    derive(rds, kind, shown)


def leave_speed(kind: str, shown: Shown, becomes: str) -> None:
    """Show nothing of the speed that a volume has by its size and type, which may change."""
    if is_small_gp3(kind, shown):
        for name in SMALL_GP3:
            shown.pop(name, None)
    if shown.get("StorageThroughput") == 0 or becomes != "gp3":
        shown.pop("StorageThroughput", None)
    if becomes in ("gp2", "standard"):
        shown.pop("Iops", None)


# What Describe shows of a gp3 volume that nobody may tune. memory.
SMALL_GP3 = {"Iops": 3000, "StorageThroughput": 125}


def is_small_gp3(kind: str, shown: Shown) -> bool:
    """Whether it is an instance with a gp3 volume below the size from which RDS stripes it. UG."""
    if kind != "instance" or "DBClusterIdentifier" in shown or shown.get("StorageType") != "gp3":
        return False
    if shown["Engine"].startswith("sqlserver"):
        return False
    threshold = 200 if shown["Engine"].startswith("oracle") else 400
    return bool(shown.get("AllocatedStorage", 0) < threshold)


def tune_small_gp3(shown: Shown, parameters: Mapping[str, Any]) -> None:
    """Show the baseline; refuse to be told it.

    [fact: tuned-gp3]
    """
    if SMALL_GP3.keys() & parameters.keys():
        raise combination("You can't specify IOPS or storage throughput for engine "
                          f"{shown['Engine']} and a storage size less than 400.")  # fmt: skip
    shown |= SMALL_GP3


def show_baseline(shown: Shown) -> None:
    """What a gp3 volume has that nobody has tuned: striped ones have four times as much. UG."""
    if "DBClusterIdentifier" in shown:
        return
    striped = not shown["Engine"].startswith("sqlserver")
    for name, least in SMALL_GP3.items():
        shown.setdefault(name, 4 * least if striped else least)


def check_ceiling(shown: Shown) -> None:
    """A ceiling is a tenth above the storage, or more.

    [fact: ceiling-of-the-storage]
    """
    if 10 * shown["MaxAllocatedStorage"] < 11 * shown.get("AllocatedStorage", 0):
        raise combination("The maximum allocated storage must be increased by at least 10 percent.")


def derive(rds: Rds, kind: str, shown: Shown) -> None:
    """Let follow what follows: certificates, zones, monitoring, Performance Insights."""
    if not shown.get("MonitoringInterval"):
        shown.pop("MonitoringRoleArn", None)
    if shown.get("PerformanceInsightsEnabled"):
        shown.setdefault("PerformanceInsightsRetentionPeriod", 7)  # model
        shown.setdefault("PerformanceInsightsKMSKeyId", own_key(rds, "rds"))  # model
    else:
        shown.pop("PerformanceInsightsRetentionPeriod", None)
        shown.pop("PerformanceInsightsKMSKeyId", None)
    for name in ("EnabledCloudwatchLogsExports", "ProcessorFeatures", "AdditionalStorageVolumes"):
        if not shown.get(name, True):
            del shown[name]
    if shown.get("StorageEncrypted"):
        shown.setdefault("KmsKeyId", own_key(rds, "rds"))
    if kind == "instance":
        derive_instance(rds, shown)


def derive_instance(rds: Rds, shown: Shown) -> None:
    """What follows for an instance alone."""
    if "CACertificateIdentifier" in shown:
        shown["CertificateDetails"] = certificate(shown["CACertificateIdentifier"])
        if "InstanceCreateTime" in shown:
            # Every one ends on one day here. [fact: certificate-ends]
            shown["CertificateDetails"]["ValidTill"] = CERTIFICATES_END
    if shown.get("MultiAZ") and "AvailabilityZone" in shown:
        other = "b" if shown["AvailabilityZone"].endswith("a") else "a"
        shown["SecondaryAvailabilityZone"] = f"{rds.region}{other}"
    else:
        shown.pop("SecondaryAvailabilityZone", None)
    if shown.get("MonitoringInterval"):
        shown["EnhancedMonitoringResourceArn"] = (
            f"arn:aws:logs:{rds.region}:{rds.account}:log-group:RDSOSMetrics:log-stream:"
            f"{shown.get('DbiResourceId', '')}"
        )
    else:
        shown.pop("EnhancedMonitoringResourceArn", None)
    if shown.get("Iops") == 0:  # model: 0 makes it a non-PIOPS instance
        del shown["Iops"]


def check(rds: Rds, kind: str, shown: Shown) -> None:
    """Refuse a combination that RDS refuses.

    [fact: monitoring-wants-a-role] [fact: advanced-insights-keep-465-days]
    """
    windows.check_interval(shown)
    if shown.get("MonitoringInterval") and not shown.get("MonitoringRoleArn"):
        raise combination("A MonitoringRoleARN value is required if you specify a "
                          "MonitoringInterval value other than 0.")  # fmt: skip
    if "DBClusterIdentifier" in shown and kind == "instance":
        return
    windows.check(shown)
    check_retention(kind, shown)
    if shown.get("DatabaseInsightsMode") == "advanced" and (
        shown.get("PerformanceInsightsRetentionPeriod", 0) < 465
    ):
        raise combination(
            "To enable the Advanced mode of Database Insights, modify your "
            f"{kind} to enable Performance Insights and set the retention period for Performance "
            "Insights to at least 465 days."
        )
    if kind == "cluster":
        check_gateway(shown)
    if kind == "instance":
        check_storage(shown)
        check_network(rds, shown)


def check_network(rds: Rds, shown: Shown) -> None:
    """A dual-stack instance wants a subnet group with such subnets.

    [fact: dual-stack-subnets]
    """
    name = shown.get("DBSubnetGroup", {}).get("DBSubnetGroupName")
    wanted = shown.get("NetworkType", "IPV4")
    if name and wanted not in groups.group(rds, "subnet", name)["SupportedNetworkTypes"]:
        raise RdsError("NetworkTypeNotSupported", f"The subnet group does not take {wanted}.")


def check_retention(kind: str, shown: Shown) -> None:
    """A cluster keeps backups, and so does a SQL Server that is mirrored.

    [fact: cluster-retention] [fact: mirroring-needs-backups]
    """
    days, least = shown.get("BackupRetentionPeriod", 1), 1 if kind == "cluster" else 0
    if not least <= days <= 35:
        raise RdsError(
            "InvalidParameterValue",
            f"Invalid backup retention period: {days}. Retention period must be between {least}"
            " and 35.",
        )
    if not days and shown.get("MultiAZ") and shown["Engine"].startswith("sqlserver"):
        raise RdsError(
            "InvalidParameterValue",
            "Mirroring cannot be applied to instances with backup retention set to zero.",
        )


def check_gateway(shown: Shown) -> None:
    """A cluster that the internet reaches has no network of its own, and wants IAM.

    [fact: gateway-wants-iam]
    """
    asked = shown.get("InternetAccessGatewayEnabled", False)
    if asked == shown.get("VPCNetworkingEnabled", True):
        raise combination("EnableInternetAccessGateway and EnableVPCNetworking go together.")
    if asked and not shown.get("IAMDatabaseAuthenticationEnabled"):
        raise combination("An internet access gateway requires IAM database authentication.")


def check_storage(shown: Shown) -> None:
    """The rules of gp3 and provisioned storage.

    [fact: iops-of-provisioned-storage] [fact: throughput-of-gp3] [fact: least-speed-of-gp3]
    """
    kind, size = shown.get("StorageType"), shown.get("AllocatedStorage", 0)
    if kind in ("io1", "io2") and not shown.get("Iops"):
        raise combination(f"The storage type {kind} requires iops to be specified.")
    if kind not in ("gp3", None) and shown.get("StorageThroughput"):
        raise combination(f"Storage throughput can't be specified for {kind}.")
    striped = size >= 400 and not shown["Engine"].startswith("sqlserver")
    if kind == "gp3" and striped and shown.get("Iops", 12000) < 12000:
        raise combination("gp3 storage of 400 GiB and more has at least 12000 IOPS.")


# What of a Modify is about storage, and is refused while storage is being optimized.
STORAGE = frozenset({"AllocatedStorage", "Iops", "StorageThroughput", "StorageType"})


def check_storage_change(resource: Resource, parameters: Mapping[str, Any]) -> None:
    """The rules of a Modify of storage, whatever the values are.

    Size and IOPS go together where there are IOPS [fact: storage-and-iops-together]; nothing of
    storage is changed while an earlier change is being optimized [fact: storage-optimization].
    """
    asked = STORAGE & parameters.keys()
    if resource.true_status == "storage-optimization" and asked:
        raise combination(
            "You can't currently modify the storage of this DB instance because the previous"
            " storage change is being optimized."
        )
    # The IOPS of a small gp3 volume are nobody's, and cannot be given.
    has_iops = resource.shown.get("Iops") and not is_small_gp3(resource.kind, resource.shown)
    both = {"AllocatedStorage", "Iops"}
    if resource.kind == "instance" and has_iops and len(both & asked) == 1:
        raise combination(
            "You must specify both the storage size and iops when modifying the storage size or"
            " iops on a DB instance that has iops."
        )


def combination(message: str) -> RdsError:
    """InvalidParameterCombination."""
    return RdsError("InvalidParameterCombination", message)


def require_certificate(rds: Rds, name: str) -> None:
    """Refuse a CA that is unknown, or retired, whoever still shows it [fact: retired-ca]."""
    if name not in rds.certificates:
        raise RdsError("CertificateNotFound", f"Certificate not found: {name}")


def certificate(name: str) -> Shown:
    """The certificate of a CA; only its name says anything here."""
    return {"CAIdentifier": name}


def inaccessible(key: str) -> RdsError:
    """The refusal of a key [fact: key-of-a-copy]."""
    return RdsError(
        "KMSKeyNotAccessibleFault",
        f"The {key} does not exist, is not enabled or you do not have permissions to access it.",
    )


def own_key(rds: Rds, service: str) -> str:
    """The ARN of the account's default key for an AWS service."""
    return f"arn:aws:kms:{rds.region}:{rds.account}:key/aws-{service}"


def key_arn(rds: Rds, given: str) -> str:
    """A KMS key as Describe shows it: an ARN, whatever was given."""
    if given.startswith("arn:"):
        return given
    part = "" if given.startswith("alias/") else "key/"
    return f"arn:aws:kms:{rds.region}:{rds.account}:{part}{given}"


# The setters: rds, what is shown, the value, all parameters, whether the database runs.


def set_key(name: str) -> Setter:
    """A KMS key under its own name."""

    def setter(rds: Rds, shown: Shown, value: Any, _: Mapping[str, Any], live: bool) -> None:
        shown[name] = key_arn(rds, value)

    return setter


def set_security_groups(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """VPC security groups.

    [fact: security-group-ids]
    """
    for name in value:
        if not name.startswith("sg-"):
            raise RdsError("InvalidParameterValue", f"Invalid security group: {name}")
    wanted = [{"VpcSecurityGroupId": name} for name in value]
    # What a database is born with is active at once.
    shown["VpcSecurityGroups"] = (
        parts.begun(shown["VpcSecurityGroups"], "VpcSecurityGroups", wanted)
        if live
        else [{**one, "Status": "active"} for one in wanted]
    )


def set_parameter_group(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The parameter group of an instance."""
    group = groups.group(rds, "parameter", value)
    check_family(group, shown)
    held = shown.get("DBParameterGroups")
    name = group["DBParameterGroupName"]
    if held and held[0]["DBParameterGroupName"] == name:
        return
    status = "applying" if live or not name.startswith("default") else "in-sync"
    shown["DBParameterGroups"] = [{"DBParameterGroupName": name, "ParameterApplyStatus": status}]


def set_cluster_parameter_group(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The parameter group of a cluster; its members take it up when they reboot."""
    group = groups.group(rds, "cluster-parameter", value)
    check_family(group, shown)
    name = group["DBClusterParameterGroupName"]
    if live and shown["DBClusterParameterGroup"] != name:
        for member in shown["DBClusterMembers"]:
            member["DBClusterParameterGroupStatus"] = "pending-reboot"
    shown["DBClusterParameterGroup"] = name


def check_family(group: Shown, shown: Shown) -> None:
    """Refuse a parameter group of another engine or major version.

    [fact: family-of-a-group]
    """
    wanted = groups.family(shown["Engine"], shown["EngineVersion"])
    if group["DBParameterGroupFamily"] != wanted:
        raise combination(
            f"The Parameter Group with DBParameterGroupFamily {group['DBParameterGroupFamily']} "
            "cannot be used for this instance. Please use a Parameter Group with "
            f"DBParameterGroupFamily {wanted}"
        )


def set_option_group(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The option group of an instance."""
    name = groups.group(rds, "option", value)["OptionGroupName"]
    shown["OptionGroupMemberships"] = option_groups(
        shown, "OptionGroupMemberships", {"OptionGroupName": name}
    )


def set_cluster_option_group(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The option group of a cluster."""
    name = groups.group(rds, "option", value)["OptionGroupName"]
    shown["DBClusterOptionGroupMemberships"] = option_groups(
        shown, "DBClusterOptionGroupMemberships", {"DBClusterOptionGroupName": name}
    )


def option_groups(shown: Shown, attribute: str, wanted: Shown) -> list[Shown]:
    """The only option group; one without options, a default one, is in sync at once."""
    (name,) = wanted.values()
    if name.startswith("default:"):
        return [{**wanted, "Status": "in-sync"}]
    return parts.begun(shown[attribute], attribute, [wanted])


def set_subnet_group(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The subnet group of an instance, described in full."""
    shown["DBSubnetGroup"] = groups.nested(rds, value)


def set_cluster_subnet_group(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The subnet group of a cluster, which shows only its name."""
    shown["DBSubnetGroup"] = groups.group(rds, "subnet", value)["DBSubnetGroupName"]


def set_port(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The port of an instance.

    [fact: port-range]
    """
    if not 1150 <= value <= 65535:
        raise RdsError("InvalidParameterValue", f"Invalid port: {value}")
    shown["Endpoint"] = {**shown.get("Endpoint", {}), "Port": value}


def set_cluster_port(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The port of a cluster.

    [fact: port-range]
    """
    if not 1150 <= value <= 65535:
        raise RdsError("InvalidParameterValue", f"Invalid port: {value}")
    shown["Port"] = value


def set_tags(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """Tags, at once."""
    shown["TagList"] = tags.checked(value)


def set_log_exports(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """Log exports switched on and off."""
    now_off = set(value.get("DisableLogTypes", []))
    held = [log for log in shown.get("EnabledCloudwatchLogsExports", []) if log not in now_off]
    added = [log for log in value.get("EnableLogTypes", []) if log not in held]
    shown["EnabledCloudwatchLogsExports"] = held + added


def set_certificate(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The certificate of a cluster."""
    shown["CertificateDetails"] = certificate(value)


def set_secret(rds: Rds, shown: Shown, value: Any, parameters: Any, live: bool) -> None:
    """The master password in Secrets Manager; the secret's name holds the resource id."""
    if not value:
        shown.pop("MasterUserSecret", None)
        return
    held = shown.get("MasterUserSecret", {})
    key = parameters.get("MasterUserSecretKmsKeyId")
    of = shown.get("DbiResourceId") or shown.get("DbClusterResourceId", "")
    of += f"-{short_hash(of)[:6]}"  # [fact: secret-has-a-suffix]
    shown["MasterUserSecret"] = {
        "SecretArn": f"arn:aws:secretsmanager:{rds.region}:{rds.account}:secret:rds!{of.lower()}",
        "SecretStatus": held.get("SecretStatus", "creating"),
        "KmsKeyId": key_arn(rds, key) if key else held.get("KmsKeyId") or own_key(rds, "secrets"),
    }


def check_password(kind: str, held: Shown, parameters: Mapping[str, Any]) -> None:
    """Refuse a password that RDS would not take, and one beside that which RDS manages.

    [fact: password-or-managed] [fact: characters-of-a-password]
    """
    password = parameters.get("MasterUserPassword")
    asked = parameters.get("ManageMasterUserPassword")
    if password is None:
        if asked is False:
            raise combination(
                "MasterUserPassword must be provided when ManageMasterUserPassword is set to false."
            )
        return
    if asked or (asked is None and "MasterUserSecret" in held):
        raise combination(
            "MasterUserPassword can't be specified if ManageMasterUserPassword is turned on."
        )
    fits = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD[kind]
    if not fits or any(not "!" <= one <= "~" or one in '/@"' for one in password):
        raise RdsError(
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII "
            "characters besides '/', '@', '\"', ' ' may be used.",
        )


def set_default_processor(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """The processor features of the class."""
    if value:
        shown.pop("ProcessorFeatures", None)


def set_domain(rds: Rds, shown: Shown, value: Any, parameters: Any, live: bool) -> None:
    """A directory, AWS's own or the user's; AWS's shows an FQDN too, not to be passed on.

    [fact: directory-of-one-kind]
    """
    if "Domain" in parameters and "DomainFqdn" in parameters:
        raise combination("Domain and DomainFqdn can't be specified together.")
    names = {
        "Domain": "Domain", "DomainFqdn": "FQDN", "DomainIAMRoleName": "IAMRoleName",
        "DomainOu": "OU", "DomainAuthSecretArn": "AuthSecretArn", "DomainDnsIps": "DnsIps",
    }  # fmt: skip
    wanted = {
        "FQDN": "corp.example.com",
        **{key: parameters[name] for name, key in names.items() if name in parameters},
    }
    shown["DomainMemberships"] = parts.begun(
        shown.get("DomainMemberships", []), "DomainMemberships", [wanted]
    )


def domain_of(shown: Mapping[str, Any]) -> str:
    """The directory that a database is in, "" for none."""
    return str(next((one.get("Domain", "") for one in shown["DomainMemberships"]), ""))


def set_volumes(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """More volumes of an instance, each with the status that only Describe has; model."""
    shown["AdditionalStorageVolumes"] = [
        {**volume, "StorageVolumeStatus": "available"} for volume in value
    ]


def set_no_domain(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """Out of the directory."""
    if value:
        shown["DomainMemberships"] = []


def set_local_writes(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """Writes forwarded by readers."""
    shown["LocalWriteForwardingStatus"] = "enabled" if value else "disabled"


def set_cluster_storage(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """Aurora's storage type, which is left out when it is the standard one."""
    if value == "aurora":
        shown.pop("StorageType", None)
    else:
        shown["StorageType"] = value


def set_roles(rds: Rds, shown: Shown, value: Any, _: Any, live: bool) -> None:
    """Roles given in the call itself."""
    shown["AssociatedRoles"] = parts.begun([], "AssociatedRoles", value)


Setter = Callable[[Any, Shown, Any, Any, bool], None]

SHARED: dict[str, Setter] = {
    "VpcSecurityGroupIds": set_security_groups,
    "Tags": set_tags,
    "CloudwatchLogsExportConfiguration": set_log_exports,
    "ManageMasterUserPassword": set_secret,
    "Domain": set_domain,
    "DomainFqdn": set_domain,
    "KmsKeyId": set_key("KmsKeyId"),
    "PerformanceInsightsKMSKeyId": set_key("PerformanceInsightsKMSKeyId"),
}
SHAPED: dict[str, dict[str, Setter]] = {
    "instance": {
        **SHARED,
        "AdditionalStorageVolumes": set_volumes,
        "DBParameterGroupName": set_parameter_group,
        "OptionGroupName": set_option_group,
        "DBSubnetGroupName": set_subnet_group,
        "Port": set_port,
        "DBPortNumber": set_port,
        "UseDefaultProcessorFeatures": set_default_processor,
        "DisableDomain": set_no_domain,
    },
    "cluster": {
        **SHARED,
        "DBClusterParameterGroupName": set_cluster_parameter_group,
        "OptionGroupName": set_cluster_option_group,
        "DBSubnetGroupName": set_cluster_subnet_group,
        "Port": set_cluster_port,
        "CACertificateIdentifier": set_certificate,
        "EnableLocalWriteForwarding": set_local_writes,
        "StorageType": set_cluster_storage,
        "AssociatedRoles": set_roles,
    },
}

# Pending shows some under other names than the parameter's; model.
PENDING_NAMES = {
    "NewDBInstanceIdentifier": "DBInstanceIdentifier",
    "NewDBClusterIdentifier": "DBClusterIdentifier",
    "DBPortNumber": "Port",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
}


def pending_view(kind: str, parameters: Mapping[str, Any]) -> Shown:
    """What PendingModifiedValues shows of these parameters."""
    shape = "PendingModifiedValues" if kind == "instance" else "ClusterPendingModifiedValues"
    known = members(shape)
    view = {}
    for name, value in parameters.items():
        shown_as = PENDING_NAMES.get(name, name)
        if shown_as in known and name not in ("DBInstanceIdentifier", "DBClusterIdentifier"):
            view[shown_as] = "****" if name == "MasterUserPassword" else value
    return view
