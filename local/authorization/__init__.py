"""IAM in the local AWS: whether the role that makes a call may make it."""

from local.authorization.service import Authorization, Grant, Refusal

__all__ = ["Authorization", "Grant", "Refusal"]
