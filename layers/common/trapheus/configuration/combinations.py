"""What RDS would refuse of a copy's configuration: values that it does not have, and combinations.

Of each parameter its bounds stand in botocore's model; what is known from elsewhere says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from trapheus.configuration.comparison import Parameters

# Days for which Performance Insights keeps what it has seen: a week, months of 31 days, two years.
MONTHS = tuple(31 * number for number in range(1, 24))
# What the advanced mode of Database Insights needs at least.
# [fact: advanced-insights-keep-465-days]
ADVANCED = 465

VALUES: dict[str, tuple[Container[Any], str]] = {
    "DatabaseInsightsMode": (("standard", "advanced"), "standard or advanced"),
    "MonitoringInterval": ((0, 1, 5, 10, 15, 30, 60), "0, 1, 5, 10, 15, 30 or 60"),
    "NetworkType": (("IPV4", "DUAL"), "IPV4 or DUAL"),
    "PerformanceInsightsRetentionPeriod": (
        (7, *MONTHS, 731),
        "7, 731, or a multiple of 31 up to 713",
    ),
    "Port": (range(1150, 65536), "1150 to 65535"),
    "PromotionTier": (range(16), "0 to 15"),
}


def refused_values(asked: Parameters, *, is_cluster: bool) -> Iterator[tuple[str, str]]:
    """The parameters whose values RDS does not have, each with what it takes."""
    # A cluster always keeps backups [fact: cluster-retention].
    least = 1 if is_cluster else 0
    days = {"BackupRetentionPeriod": (range(least, 36), f"{least} to 35")}
    for name, (values, words) in (VALUES | days).items():
        if name in asked and asked[name] not in values:
            yield name, f"must be {words}"


def refused_together(asked: Parameters, engine: str) -> Iterator[tuple[str, str]]:
    """The parameters that RDS takes only together with others, or not with what is asked for."""
    for name, is_refused, why in COMBINATIONS:
        if asked.get(name) is not None and is_refused(asked, engine):
            yield name, why


def is_off(switch: str) -> Callable[[Parameters, str], bool]:
    """Whether it is switched off."""
    return lambda asked, _: not asked.get(switch)


def is_mirrored_without_backups(asked: Parameters, engine: str) -> bool:
    """Whether SQL Server is to be mirrored and not backed up [fact: mirroring-needs-backups]."""
    mirrored = engine.startswith("sqlserver") and asked.get("MultiAZ")
    return bool(mirrored and asked["BackupRetentionPeriod"] == 0)


def is_without_a_fitting_type(asked: Parameters, _: str) -> bool:
    """Whether the storage is of a type without IOPS."""
    return asked.get("StorageType") in ("gp2", "standard")


def is_not_gp3(asked: Parameters, _: str) -> bool:
    """Whether the storage is of a type whose throughput is not set."""
    return bool(asked.get("StorageType", "gp3") != "gp3")


def is_advanced_without_history(asked: Parameters, _: str) -> bool:
    """Whether the advanced mode is asked for without what it needs."""
    kept = asked.get("PerformanceInsightsRetentionPeriod", 7)
    lacks = not asked.get("EnablePerformanceInsights") or kept < ADVANCED
    return bool(asked["DatabaseInsightsMode"] == "advanced" and lacks)


INSIGHTS = "needs Performance Insights: override EnablePerformanceInsights too"
COMBINATIONS: tuple[tuple[str, Callable[[Parameters, str], bool], str], ...] = (
    (
        "BackupRetentionPeriod",
        is_mirrored_without_backups,
        "must be 1 or more, since RDS mirrors only a SQL Server that keeps backups: override it"
        " with that, or MultiAZ with false",
    ),
    (
        "DatabaseInsightsMode",
        is_advanced_without_history,
        f"needs Performance Insights with a retention of {ADVANCED} days or more: override"
        " PerformanceInsightsRetentionPeriod too, or this one with standard",
    ),
    (
        "Iops",
        is_without_a_fitting_type,
        "cannot be set for gp2 or standard: override StorageType too",
    ),
    (
        "MasterUserSecretKmsKeyId",
        is_off("ManageMasterUserPassword"),
        "needs a password in Secrets Manager: override ManageMasterUserPassword too",
    ),
    ("PerformanceInsightsKMSKeyId", is_off("EnablePerformanceInsights"), INSIGHTS),
    ("PerformanceInsightsRetentionPeriod", is_off("EnablePerformanceInsights"), INSIGHTS),
    ("StorageThroughput", is_not_gp3, "can be set for gp3 only: override StorageType too"),
)
