"""A fleet's objects in the stack's bucket."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3

from trapheus.execution.clients import PATIENT

# What the fleet's roles may read and write begins so.
FOLDER = "fleets"


@cache
def s3() -> Any:
    """The S3 client of this execution environment."""
    return boto3.client("s3", config=PATIENT)


def read(key: str) -> str:
    """The text of an object."""
    found = s3().get_object(Bucket=os.environ["BUCKET"], Key=key)
    return str(found["Body"].read(), "utf-8")


def write(key: str, content: Any) -> None:
    """Write an object as JSON."""
    body = json.dumps(content, ensure_ascii=False).encode()
    s3().put_object(Bucket=os.environ["BUCKET"], Key=key, Body=body)
