"""S3, IAM and KMS as the local RDS sees them: moto's, of the same account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from local.emulator.authorization import trusts


class MotoServices:
    """See the module; `allows(role, action, resource)` judges by the role's policies."""

    def __init__(self, account: str, allows: Callable[[str, str, str], bool]) -> None:
        self._account = account
        self._allows = allows
        self._written: list[tuple[str, str]] = []

    def bucket_is_in(self, bucket: str, region: str) -> bool:
        """Whether there is a bucket of this name in the region."""
        found = s3_backends[self._account]["aws"].buckets.get(bucket)
        return found is not None and found.region_name == region

    def put_object(self, bucket: str, key: str, body: bytes, kms_key: str) -> None:
        """Write an object, encrypted with the key."""
        backend = s3_backends[self._account]["aws"]
        backend.put_object(bucket, key, body, encryption="aws:kms", kms_key_id=kms_key)
        self.note_object(bucket, key)

    def note_object(self, bucket: str, key: str) -> None:
        """Remember an object that RDS or the app has written."""
        self._written.append((bucket, key))

    def forget(self) -> None:
        """Take away what has been written, in all its versions."""
        buckets = s3_backends[self._account]["aws"].buckets
        for bucket, key in self._written:
            if bucket in buckets and key in buckets[bucket].keys:
                buckets[bucket].keys.pop(key)
        self._written.clear()

    def role_exists(self, arn: str) -> bool:
        """Whether there is a role of this ARN."""
        return self._role(arn) is not None

    def role_trusts(self, arn: str, service: str, source: str) -> bool:
        """Whether the role's trust policy lets the service assume it for this resource."""
        return trusts(self._account, arn, service, source)

    def role_allows(self, arn: str, action: str, resource: str) -> bool:
        """Whether the role's policies grant the action."""
        return self._allows(arn, action, resource)

    def usable_key(self, given: str, region: str) -> str:
        """The ARN of an enabled symmetric key of the region, "" for any other."""
        if given.startswith("arn:") and given.split(":")[3] != region:
            return ""
        backend = kms_backends[self._account][region]
        name = backend.get_alias_name(given)
        if name.startswith("alias/"):
            name = backend.get_key_id_from_alias(name) or ""
        key = backend.keys.get(backend.get_key_id(name))
        if key is None or key.key_state != "Enabled" or key.key_spec != "SYMMETRIC_DEFAULT":
            return ""
        return str(key.arn)

    def _role(self, arn: str) -> Any:
        roles = iam_backends[self._account]["aws"].get_roles()
        return next((role for role in roles if role.arn == arn), None)
