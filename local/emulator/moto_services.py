"""S3, IAM and KMS as the local RDS of an account sees them: moto's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from local.emulator.authorization import trusts
from local.emulator.authorization.policies import compiled, fitting


def _key(arn: str) -> Any:
    """The key of this ARN, None for none that there is."""
    region, account, part = arn.split(":")[3:6]
    return kms_backends[account][region].keys.get(part.removeprefix("key/"))


def _is_of(principal: str, account: str) -> bool:
    """Whether a principal of a policy is of the account, or everybody."""
    return principal in (account, "*") or principal.startswith(f"arn:aws:iam::{account}:")


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
        account = self._account
        if given.startswith("arn:"):
            place, account = given.split(":")[3:5]
            if place != region or not self._is_lent(given):
                return ""
        backend = kms_backends[account][region]
        name = backend.get_alias_name(given)
        if name.startswith("alias/"):
            name = backend.get_key_id_from_alias(name) or ""
        key = backend.keys.get(backend.get_key_id(name))
        if key is None or key.key_state != "Enabled" or key.key_spec != "SYMMETRIC_DEFAULT":
            return ""
        return str(key.arn)

    def opens(self, key: str) -> bool:
        """Whether a key is enabled and, if it is another account's, lent to this one.

        One that the local AWS does not have is taken to be.
        """
        found = _key(key)
        return found is None or (found.key_state == "Enabled" and self._is_lent(key))

    def _is_lent(self, key: str) -> bool:
        """Whether a key is this account's, or its policy lets this one make grants on it.

        [fact: key-of-another-account] [fact: source-key-of-a-copy]
        """
        found, (region, account) = _key(key), key.split(":")[3:5]
        if found is None or account == self._account:
            return True
        said = {
            "kms:viaservice": (f"rds.{region}.amazonaws.com",),
            "kms:calleraccount": (self._account,),
            "kms:grantisforawsresource": ("true",),
        }
        mine = [
            part
            for part in compiled(found.policy or '{"Statement": []}')
            if any(_is_of(principal, self._account) for principal in part.principals)
        ]
        return all(
            (fit := [part for part in mine if fitting(part, action, "*", said.get)])
            and all(part.allows for part in fit)
            for action in ("kms:CreateGrant", "kms:DescribeKey")
        )

    def _role(self, arn: str) -> Any:
        roles = iam_backends[self._account]["aws"].get_roles()
        return next((role for role in roles if role.arn == arn), None)
