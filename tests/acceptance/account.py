"""The account that is tried on: its clients, the wait for what takes time, and the names used."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.acceptance.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "trapheus-acceptance"
STACK = PREFIX
# Longer than any wait of a small database.
HOURS = 3 * 3600
LOCAL = re.compile(r"http://localhost:\d+")


class Failed(Exception):
    """A promise that was not kept, or something that stands in the way."""


@dataclass
class Account:
    """An account and region of AWS, or of the local AWS at `endpoint`."""

    region: str
    profile: str = ""
    endpoint: str = ""
    # Real seconds between two looks.
    pause: float = 15
    recording: Recording = field(default_factory=lambda: Recording(PREFIX))

    def __post_init__(self) -> None:
        if self.endpoint:
            if not LOCAL.fullmatch(self.endpoint):
                raise Failed(f"{self.endpoint} is no endpoint such as make serve prints.")
            keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            self.session = boto3.Session(region_name=self.region, **keys)
            self.pause = 0.1
        else:
            self.session = boto3.Session(profile_name=self.profile, region_name=self.region)
        self._clients: dict[str, Any] = {}
        self.id = str(self.client("sts").get_caller_identity()["Account"])
        self.recording.replace(self.id, "123456789012")

    @property
    def bucket(self) -> str:
        """The bucket that the stack's files are uploaded to."""
        return f"{PREFIX}-{self.id}-{self.region}"

    def client(self, service: str) -> Any:
        """The client of a service; what RDS answers is recorded."""
        if service not in self._clients:
            settings: dict[str, Any] = {"config": Config(retries={"mode": "standard"})}
            if self.endpoint:
                settings["endpoint_url"] = self.endpoint
                settings["config"] = settings["config"].merge(
                    Config(s3={"addressing_style": "path"})
                )
            make: Callable[..., Any] = self.session.client
            self._clients[service] = make(service, **settings)
            if service == "rds":
                self.recording.listen(self._clients[service].meta.events)
        return self._clients[service]

    def wait(self, for_what: str, look: Callable[[], Any], seconds: float = HOURS) -> Any:
        """Look until there is an answer; Failed when that takes too long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := look():
                return found
            time.sleep(self.pause)
        raise Failed(f"Waited {seconds / 60:.0f} minutes for {for_what}.")

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource of the stack."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])
