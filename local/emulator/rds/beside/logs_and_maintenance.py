"""Log files of instances, and pending maintenance: there is hardly any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.emulator.rds.protocol.paging import page
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.registry import operation

if TYPE_CHECKING:
    from local.emulator.rds.resources import Resource
    from local.emulator.rds.service import Rds

LINE = "LOG:  database system is ready to accept connections\n"


def log_name(instance: Resource) -> str:
    """The one log file that an instance of the engine has; UG."""
    engine = instance.shown["Engine"]
    if "postgres" in engine:
        return "error/postgres.log"
    return "log/ERROR" if engine.startswith("sqlserver") else "error/mysql-error.log"


@operation("DescribeDBLogFiles")
def describe(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """The log file of an instance, if it has the part of a name that is asked for."""
    instance = rds.seen("instance", parameters["DBInstanceIdentifier"])
    written = int(instance.shown["InstanceCreateTime"].timestamp() * 1000)
    name = log_name(instance)
    one = {"LogFileName": name, "LastWritten": written, "Size": len(LINE)}
    fits = parameters.get("FilenameContains", "") in name
    return page([one] if fits else [], parameters, "DescribeDBLogFiles")


@operation("DownloadDBLogFilePortion")
def download(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """What is in the log file.

    [fact: named-errors]
    """
    instance = rds.seen("instance", parameters["DBInstanceIdentifier"])
    name = parameters["LogFileName"]
    if name != log_name(instance):
        raise RdsError("DBLogFileNotFoundFault", f"DBLog File: {name}, is not found.")
    return {"LogFileData": LINE, "Marker": "0", "AdditionalDataPending": False}


@operation("DescribePendingMaintenanceActions")
def pending(rds: Rds, parameters: dict[str, Any]) -> dict[str, Any]:
    """Nothing is pending."""
    return page([], parameters, "PendingMaintenanceActions")
