"""A local RDS: model-driven, asynchronous, strict about states, forgetful where RDS is."""

from local.rds.errors import RdsError
from local.rds.service import Change, Rds

__all__ = ["Change", "Rds", "RdsError"]
