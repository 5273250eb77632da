"""What a way out does with the proxies of the plan, which lead to one of its two databases."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from trapheus.messages.ways_out.commands import aws
from trapheus.rds.proxies import kind_of, of_original

if TYPE_CHECKING:
    from trapheus.messages.ways_out.databases import Look


def given_anew(look: Look) -> tuple[list[str], list[str], list[str]]:
    """Sentences, and the commands before and after the names change hands.

    Whatever has the identifier by then takes the place of what a proxy leads to now.
    """
    own = of_original(look.plan)
    # Somebody may have given what was restored another name, under which it is shown then.
    if look.restored:
        kind = kind_of(look.plan)
        own |= {(kind, look.restored.name), (kind, look.restored.resource_id)}
    found = {proxy: held for proxy, held in (look.proxies or {}).items() if own.issuperset(held)}
    leaving = [
        change(look, "deregister", proxy, name) for proxy, held in found.items() for _, name in held
    ]
    return lines(look, [*found]), leaving, coming(look, [*found])


def given_again(look: Look) -> tuple[list[str], list[str]]:
    """A sentence and the commands for those proxies that lead to nothing; the others are right."""
    empty = [proxy for proxy, held in (look.proxies or {}).items() if not held]
    return lines(look, empty), coming(look, empty)


def coming(look: Look, names: list[str]) -> list[str]:
    """The commands that register what has the identifier."""
    return [change(look, "register", proxy, look.plan["identifier"]) for proxy in names]


def lines(look: Look, names: list[str]) -> list[str]:
    """What becomes of the proxies."""
    identifier = look.plan["identifier"]
    if look.proxies is None:
        unknown = ", ".join(proxy["name"] for proxy in look.plan["proxies"])
        return [
            f"RDS did not say what its proxies lead to ({unknown}): see that it is {identifier}."
        ]
    return [f"The proxies that lead to it then: {', '.join(names)}."] if names else []


def change(look: Look, verb: str, proxy: str, name: str) -> str:
    """Register a database with a proxy, or deregister it."""
    kind = kind_of(look.plan)
    return aws(
        f"rds {verb}-db-proxy-targets",
        f"--db-proxy-name {shlex.quote(proxy)} --db-{kind}-identifiers {shlex.quote(name)}",
    )
