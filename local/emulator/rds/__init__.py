"""A local RDS: model-driven, asynchronous, strict about states, forgetful where RDS is.

In the order of reading: `service` is the RDS of a region: what exists, what is under way at which
moment, and the dispatch of calls by the table in `registry`. The rooms are `operations`, a module
for what a group of calls does; `databases`, what instances and clusters are made of; and
`protocol`, how a call comes in and goes out. `resources` is one database or snapshot;
`other_services` is what RDS asks of S3, KMS and IAM. `timing` and `defaults` are data, with their
sources.
"""

from local.emulator.rds.protocol.rds_error import RdsError
from local.emulator.rds.service import Change, Rds

__all__ = ["Change", "Rds", "RdsError"]
