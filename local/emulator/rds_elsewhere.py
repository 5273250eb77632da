"""What RDS has in other services, put into moto's when they are asked: they load slowly.

The secret behind a managed password, the network that databases show, and their tags.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from local.emulator.rds.databases.groups import group
from local.emulator.rds.defaults import VPC
from local.emulator.rds.protocol.model import KINDS

if TYPE_CHECKING:
    from local.emulator.rds import Rds

NETWORK = "172.16.0.0/16"


def show(service: str, rds: Rds) -> None:
    """Let a service of RDS's region know of RDS what it should, before it answers."""
    rds.settle()
    if service in SHOWN:
        SHOWN[service](rds)


def databases(rds: Rds) -> list[dict[str, Any]]:
    """All instances and clusters."""
    return [*rds.instances.values(), *rds.clusters.values()]


def networks(rds: Rds) -> None:
    """The VPC, and in it the subnets and security groups that RDS shows."""
    from moto.ec2.models import ec2_backends  # noqa: PLC0415 - takes long to import

    backend = ec2_backends[rds.account][rds.region]
    if VPC not in backend.vpcs:
        made = backend.create_vpc(NETWORK)
        del backend.vpcs[made.id]
        backend.groups[VPC] = backend.groups.pop(made.id)
        for one in (*backend.groups[VPC].values(), *backend.route_tables.values(),
                    *backend.network_acls.values()):  # fmt: skip
            if one.vpc_id == made.id:
                one.vpc_id = VPC
        made.id = VPC
        backend.vpcs[VPC] = made
    named = {one["VpcSecurityGroupId"] for shown in databases(rds)
             for one in shown.get("VpcSecurityGroups", [])}  # fmt: skip
    for name in sorted(named - {known for held in backend.groups.values() for known in held}):
        security_group = backend.create_security_group(name, "Of a database", VPC)
        del backend.groups[VPC][security_group.id]
        security_group.id = security_group.group_id = name
        backend.groups[VPC][name] = security_group
    group(rds, "subnet", "default")
    places = {
        subnet["SubnetIdentifier"]: subnet["SubnetAvailabilityZone"]["Name"]
        for held in rds.groups["subnet"].values()
        for subnet in held["Subnets"]
    }
    known = {name for zone in backend.subnets.values() for name in zone}
    room = ipaddress.ip_network(NETWORK).subnets(new_prefix=24)
    taken = {str(subnet.cidr) for zone in backend.subnets.values() for subnet in zone.values()}
    for name in sorted(places.keys() - known):
        block = next(str(one) for one in room if str(one) not in taken)
        subnet = backend.create_subnet(VPC, block, availability_zone=places[name])
        zone = backend.subnets[places[name]]
        del zone[subnet.id]
        subnet.id = name
        zone[name] = subnet


def secrets(rds: Rds) -> None:
    """The secret of each managed password, which goes with its database."""
    from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415

    backend = secretsmanager_backends[rds.account][rds.region]
    wanted = {
        shown["MasterUserSecret"]["SecretArn"]: shown
        for shown in databases(rds)
        if "MasterUserSecret" in shown
    }
    for secret in list(backend.secrets.values()):
        if secret.owning_service == "rds" and secret.arn not in wanted:
            backend.secrets.pop(secret.name)
    for arn, shown in wanted.items():
        if arn not in backend.secrets:
            password = rds.volumes.secret(arn) or "made-by-rds"
            value = {"username": shown["MasterUsername"], "password": password}
            secret = backend.create_managed_secret(
                "rds", arn.rpartition(":")[2], json.dumps(value),
                kms_key_id=shown["MasterUserSecret"]["KmsKeyId"],
            )  # fmt: skip
            secret.arn = arn


def tags(rds: Rds) -> None:
    """RDS's part of the tagging API: what has tags, and how they are put on and taken off."""
    from moto.core.resource_tagging import TaggedResource  # noqa: PLC0415
    from moto.rds.models import rds_backends  # noqa: PLC0415

    def every() -> Iterator[Any]:
        for thing in rds.things.values():
            arn = thing.shown[KINDS[thing.kind].arn_key]
            given = {tag["Key"]: tag["Value"] for tag in thing.shown.get("TagList", [])}
            yield TaggedResource(arn, given, f"rds:{KINDS[thing.kind].arn_part}")

    def put_on(arn: str, given: dict[str, str]) -> None:
        made = [{"Key": key, "Value": value} for key, value in given.items()]
        rds.call("AddTagsToResource", {"ResourceName": arn, "Tags": made})

    def take_off(arn: str, keys: list[str]) -> None:
        rds.call("RemoveTagsFromResource", {"ResourceName": arn, "TagKeys": keys})

    backend = rds_backends[rds.account][rds.region]
    backend.iter_tagged_resources = every
    backend.tag_resource, backend.untag_resource = put_on, take_off


SHOWN: dict[str, Callable[[Any], None]] = {
    "ec2": networks,
    "secretsmanager": secrets,
    "resourcegroupstaggingapi": tags,
}
