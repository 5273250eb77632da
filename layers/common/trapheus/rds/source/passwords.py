"""The master password of a restored database: read from a secret, and set.

It is only ever held in a variable: it stands in no state, answer, error or log.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3

from trapheus.execution import lock
from trapheus.execution.clients import PATIENT
from trapheus.execution.exceptions import ConfigureFailed, StillInProgress

if TYPE_CHECKING:
    from collections.abc import Callable


# What RDS takes as a master password: printable characters of ASCII but these, so many at least
# and, of a cluster or by an instance's engine, at most (botocore's model of ModifyDBInstance and
# ModifyDBCluster).
REFUSED = frozenset('/"@ ')
LEAST, MOST, MOST_OF_A_CLUSTER = 8, 128, 41
MOST_OF = {"mysql": 41, "mariadb": 41, "oracle": 30}


class Login(NamedTuple):
    """What a secret holds; the password must go nowhere but to RDS."""

    username: str
    password: str


@cache
def secretsmanager() -> Any:
    """The client of Secrets Manager of this execution environment."""
    return boto3.client("secretsmanager", config=PATIENT)


def login_in(secret: str) -> Login | None:
    """The user and password in a secret, as RDS writes them; None where it holds none."""
    try:
        held = json.loads(secretsmanager().get_secret_value(SecretId=secret)["SecretString"])
    except (ValueError, KeyError):
        return None
    if not isinstance(held, dict) or not isinstance(held.get("password"), str):
        return None
    return Login(str(held.get("username", "")), held["password"])


def is_taken(password: str, engine: str, *, is_cluster: bool) -> bool:
    """Whether RDS would take a password."""
    most = next((most for name, most in MOST_OF.items() if engine.startswith(name)), MOST)
    most = MOST_OF_A_CLUSTER if is_cluster else most
    return (
        LEAST <= len(password) <= most
        and password.isascii()
        and password.isprintable()
        and REFUSED.isdisjoint(password)
    )


def give_password(event: dict[str, Any], change: Callable[[str], object]) -> None:
    """Set the password of the plan's secret, once; StillInProgress until RDS has taken it up.

    `change(password)` asks for it. That it was asked for is noted in the lock, with the resource id
    for which, since RDS tells of no password whether it is set.
    """
    plan, resource_id = event["plan"], event["restored"]["resourceId"]
    secret = plan.get("masterUserSecret")
    if not secret or lock.require(event).get("password") == resource_id:
        return
    login = login_in(secret)
    if login is None:
        raise ConfigureFailed(
            f"The secret {secret} holds no password any more: give it back its JSON with username"
            " and password.",
            identifier=plan["identifier"],
        )
    change(login.password)
    lock.require(event, password=resource_id)
    raise StillInProgress("Its master password is being set", identifier=plan["identifier"])
