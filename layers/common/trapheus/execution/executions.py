"""Executions of the state machine, as Step Functions shows them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from trapheus.execution.clients import PATIENT
from trapheus.execution.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef


@cache
def stepfunctions() -> SFNClient:
    """The Step Functions client of this execution environment."""
    return boto3.client("stepfunctions", config=PATIENT)


def described(execution: str) -> DescribeExecutionOutputTypeDef | None:
    """What Step Functions shows of an execution; None for one that it does not know.

    It forgets one after 90 days [fact: executions-are-kept-90-days], and may not know one yet that
    has just begun [fact: describe-execution-lags].
    """
    try:
        return stepfunctions().describe_execution(executionArn=execution)
    except ClientError as error:
        if code_of(error) != "ExecutionDoesNotExist":
            raise
        return None
