"""Notes what it may do: by a connector, by a policy of AWS's own, and by neither."""

import os

import boto3
from botocore.exceptions import ClientError


def handler(event, context):
    table, rds = boto3.client("dynamodb"), boto3.client("rds")
    tried = {
        "put": lambda: table.put_item(TableName=os.environ["TABLE"], Item={"id": {"S": "a"}}),
        "get": lambda: table.get_item(TableName=os.environ["TABLE"], Key={"id": {"S": "a"}}),
        "describe": rds.describe_db_instances,
        "delete": lambda: rds.delete_db_instance(DBInstanceIdentifier="a", SkipFinalSnapshot=True),
    }
    return {name: ended(call) for name, call in tried.items()}


def ended(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
