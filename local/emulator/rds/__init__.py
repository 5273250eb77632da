"""A local RDS: model-driven, asynchronous, strict about states, forgetful where RDS is.

From top to bottom: `beside`, what a person or a tool asks besides; `operations`, a module for what
a group of calls does; `databases`, what instances and clusters are made of; `service`, the RDS of a
region: what exists, what is under way at which moment, and the dispatch of calls by the table in
`registry`; `other_services`, what it asks of S3, KMS and IAM; `volumes`, what really holds data;
`resources`, one database, snapshot or export; `protocol`, how a call comes in and goes out.
`timing` and `defaults` are data, with their sources. Begin with `service`.
"""

from local.emulator.rds.beside import (
    database_events,
    failovers,
    group_parameters,
    logs_and_maintenance,
    points_in_time,
)
from local.emulator.rds.databases import groups, tags
from local.emulator.rds.databases.planting import plant
from local.emulator.rds.operations import (
    cluster_endpoints,
    db_clusters,
    db_instances,
    db_proxies,
    db_snapshots,
    engine_versions,
    export_tasks,
    related_resources,
    snapshot_copies,
    snapshot_sharing,
)
from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.service import Change, Rds

# Imported, each puts its functions into the table, in which the Rds looks for them.
MODULES = (
    cluster_endpoints, database_events, db_clusters, db_instances, db_proxies, db_snapshots,
    engine_versions, export_tasks, failovers, group_parameters, groups, logs_and_maintenance,
    points_in_time, related_resources, snapshot_copies, snapshot_sharing, tags,
)  # fmt: skip

__all__ = ["Change", "Rds", "RdsError", "plant"]
