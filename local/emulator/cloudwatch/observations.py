"""What services measure of themselves: of the many metrics those that an alarm here may watch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.emulator.cloudwatch.embedded_format import Point

# [fact: metrics-of-step-functions]
ENDS = {
    "FAILED": "ExecutionsFailed",
    "SUCCEEDED": "ExecutionsSucceeded",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
A_MINUTE = 60


def of_executions(account: str, region: str) -> Iterator[tuple[str, Point]]:
    """How each execution has ended, with its ARN."""
    for machine in stepfunctions_parser_backends[account][region].state_machines:
        for one in machine.executions:
            if one.status in ENDS:
                dimensions = frozenset([("StateMachineArn", machine.arn)])
                at = one.stop_date.timestamp()
                yield one.exec_arn, Point(at, "AWS/States", ENDS[one.status], dimensions, 1.0)


def of_functions(ends: Iterable[tuple[float, str, bool]]) -> Iterator[Point]:
    """Of each invocation whether it was an error: when, which function, whether it failed.

    [fact: errors-of-a-function]
    """
    for at, name, failed in ends:
        dimensions = frozenset([("FunctionName", name)])
        yield Point(at, "AWS/Lambda", "Errors", dimensions, float(failed))


def of_queues(account: str, region: str, since: float, now: float) -> Iterator[Point]:
    """How many messages each queue has had, minute by minute; nothing of an empty one.

    An empty one that nobody calls is inactive, of which SQS tells nothing.
    [fact: metrics-of-a-queue]
    """
    for name, queue in sqs_backends[account][region].queues.items():
        sent = [one.sent_timestamp / 1000 for one in queue._messages]
        for at in multiples(A_MINUTE, since, now):
            there = sum(moment <= at for moment in sent)
            if there:
                dimensions = frozenset([("QueueName", name)])
                yield Point(
                    at, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, float(there)
                )


def multiples(period: int, since: float, now: float) -> Iterable[Any]:
    """The multiples of a period after one moment, up to another."""
    return range(int(since // period + 1) * period, int(now) + 1, period)
