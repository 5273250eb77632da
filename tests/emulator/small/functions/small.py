"""Handlers that do what the emulator's tests need done."""

import os
import sys
import time

import boto3
from shared import SHARED


class Rejected(Exception):
    pass


def echo(event, context):
    sys.stdout.write("echo writes a line\n")
    return {
        "event": event,
        "greeting": os.environ["GREETING"],
        "shared": SHARED,
        "now": time.time(),
        "left": context.get_remaining_time_in_millis(),
        "process": os.getpid(),
    }


def fail(event, context):
    raise Rejected(event.get("why", "no reason"))


def sleep(event, context):
    time.sleep(event["seconds"])
    return {"now": time.time(), "left": context.get_remaining_time_in_millis()}


def die(event, context):
    sys.exit(3)


def look(event, context):
    rds = boto3.client("rds")
    for _ in range(event.get("times", 1)):
        rds.describe_db_instances()
    return {"now": time.time()}
