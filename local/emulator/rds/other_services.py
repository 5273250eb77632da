"""What RDS asks of S3, KMS and IAM."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class OtherServices(Protocol):
    """The other services of the account."""

    def bucket_is_in(self, bucket: str, region: str) -> bool:
        """Whether there is a bucket of this name in the region."""

    def put_object(self, bucket: str, key: str, body: bytes, kms_key: str) -> None:
        """Write an object, encrypted with the key."""

    def role_exists(self, arn: str) -> bool:
        """Whether there is a role of this ARN."""

    def role_trusts(self, arn: str, service: str, source: str) -> bool:
        """Whether the service may assume the role, for the resource with the ARN `source`."""

    def role_allows(self, arn: str, action: str, resource: str) -> bool:
        """Whether the role's policies grant the action."""

    def usable_key(self, given: str, region: str) -> str:
        """The ARN of a key that RDS can encrypt with in the region, "" when it cannot."""

    def opens(self, key: str) -> bool:
        """Whether this account can have a key used, by its ARN: to read what is under it."""


@dataclass
class Obliging:
    """Everything is there and allowed, but for what a test puts into these sets.

    `missing` holds names of buckets, ARNs of roles and ids of keys as they are asked for.
    """

    account: str
    missing: set[str] = field(default_factory=set)
    untrusting: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def bucket_is_in(self, bucket: str, region: str) -> bool:  # noqa: ARG002
        """Whether the bucket is not missing."""
        return bucket not in self.missing

    def put_object(self, bucket: str, key: str, body: bytes, kms_key: str) -> None:  # noqa: ARG002
        """Keep the object in `objects`."""
        self.objects[bucket, key] = body

    def role_exists(self, arn: str) -> bool:
        """Whether the role is not missing."""
        return arn not in self.missing

    def role_trusts(self, arn: str, service: str, source: str) -> bool:  # noqa: ARG002
        """Whether the role is not among the untrusting."""
        return arn not in self.untrusting

    def role_allows(self, arn: str, action: str, resource: str) -> bool:  # noqa: ARG002
        """Whether the action is not denied to every role."""
        return action not in self.denied

    def usable_key(self, given: str, region: str) -> str:
        """The ARN of the key, if it is not missing and of no other region."""
        prefix = f"arn:aws:kms:{region}:{self.account}:"
        if not given or given in self.missing:
            return ""
        if given.startswith("arn:"):
            return given if given.startswith(prefix) else ""
        return prefix + (given if given.startswith("alias/") else f"key/{given}")

    def opens(self, key: str) -> bool:
        """Whether the key is not missing."""
        return key not in self.missing
