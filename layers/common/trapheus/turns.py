"""The turns of executions: of many that are started together, each begins some time after another.

RDS takes only so many calls a second from an account. The item of the table holds the moment up to
which turns are taken; it is what telecommunications call a leaky bucket (the generic cell rate
algorithm, ITU-T I.371).
"""

import math
import os
import time

from botocore.exceptions import ClientError

from trapheus.errors import code_of
from trapheus.lock import dynamodb

# So many begin at once before the next ones wait: a few at the same hour are the usual case.
AT_ONCE = 10
# In the future the turns go on from the last one, otherwise from now.
AHEAD = ("SET taken = taken + :interval", "taken > :now")
ANEW = ("SET taken = :now + :interval", "attribute_not_exists(taken) OR taken <= :now")


def seconds_until_turn() -> int:
    """Take the next turn; returns the seconds until it comes. Without an interval nobody waits."""
    interval, now = int(os.environ["START_INTERVAL_SECONDS"]), math.ceil(time.time())
    if not interval:
        return 0
    # Who loses the race to take turns anew finds them ahead.
    for update, condition in (AHEAD, ANEW):
        try:
            taken = take(update, condition, interval, now)
            break
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
    else:
        taken = take(*AHEAD, interval, now)
    return max(taken - now - AT_ONCE * interval, 0)


def take(update: str, condition: str, interval: int, now: int) -> int:
    """Move the moment up to which turns are taken, epoch seconds; returns the new one."""
    updated = dynamodb().update_item(
        TableName=os.environ["TURN_TABLE"],
        Key={"turn": {"S": "start"}},
        UpdateExpression=update,
        ConditionExpression=condition,
        ExpressionAttributeValues={":interval": {"N": str(interval)}, ":now": {"N": str(now)}},
        ReturnValues="UPDATED_NEW",
    )
    return int(updated["Attributes"]["taken"]["N"])
