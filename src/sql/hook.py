"""SQL hook: masks and checks a restored copy by SQL, before anybody can reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trapheus.execution.exceptions import StillInProgress, TrapheusError
from trapheus.execution.logs import logged, logger
from trapheus.sql.run import run

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run the `script` and the `checks` of the event's `with`; the answer is a hook's.

    StillInProgress says that there is more to do than one invocation has time for.
    """
    try:
        return run(event, context.get_remaining_time_in_millis() / 1000)
    except StillInProgress:
        raise
    except TrapheusError as error:
        logger.error("the copy is not fit", error=error.fields)
        return {"passed": False, "reason": error.fields["message"]}
