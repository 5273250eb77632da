"""IAM in the local AWS: whether the role that makes a call may make it.

From top to bottom: `authorizer` judges a call; `needs` is the table of what each operation
needs; `trust` tells who may assume a role; `policies` reads the documents.
"""

from local.emulator.authorization.authorizer import Authorization, Grant, Refusal, account_of
from local.emulator.authorization.trust import refuses, trusts

__all__ = ["Authorization", "Grant", "Refusal", "account_of", "refuses", "trusts"]
