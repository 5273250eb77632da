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


def work(event, context):
    """Look, rest and look again, so many times."""
    rds = boto3.client("rds")
    for turn in range(event["times"]):
        if turn:
            time.sleep(event["seconds"])
        rds.describe_db_instances()


def keep(event, context):
    """Write what nobody else has written, and tell what is there."""
    table = boto3.client("dynamodb")
    wanted = {"TableName": os.environ["NOTES"], "Key": {"name": {"S": event["name"]}}}
    try:
        table.update_item(
            **wanted,
            UpdateExpression="SET #said = :said",
            ConditionExpression="attribute_not_exists(#said)",
            ExpressionAttributeNames={"#said": "said"},
            ExpressionAttributeValues={":said": {"S": event["said"]}},
        )
        refused = ""
    except table.exceptions.ConditionalCheckFailedException as error:
        refused = error.response["Error"]["Code"]
    found = table.get_item(**wanted, ConsistentRead=True)["Item"]
    return {"refused": refused, "said": found["said"]["S"]}


def ask(event, context):
    told = boto3.client("stepfunctions").describe_execution(executionArn=event["execution"])
    return {"status": told["status"], "input": told["input"]}
