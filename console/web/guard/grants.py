"""What a request may do, and for whom: a grant; and what is noted of a change.

Knows records; knows neither how somebody is recognised nor where notes are kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from console.web.guard.roles import Right, Role, may
from engine.store import AuditEntry


@dataclass(frozen=True, slots=True)
class Grant:
    """Who asks, and in which roles.

    Attributes:
        who: name of the token, or subject; empty where nobody signs in.
        roles: what they allow.
        how: `open` (nobody signs in), `token`, `oidc`, or `session` (the cookie of a page).
        token_id: the token behind it; empty where there is none.
        until_s: it ends then, in seconds since 1970; None where it does not by itself.
    """

    who: str
    roles: frozenset[Role]
    how: str
    token_id: str = ""
    until_s: int | None = None

    @property
    def role_names(self) -> str:
        """The roles in one word."""
        return "+".join(sorted(self.roles))

    def may(self, right: Right) -> bool:
        """Say whether it allows something."""
        return may(self.roles, right)


class Change:
    """One request that changes something, and whether it was noted already.

    Who makes the change in a transaction notes it there: `access.note(session, change.entry(200, "what"))`, and says so
    with `noted = True`. What nobody noted the guard notes when it was answered.
    """

    def __init__(self, grant: Grant, origin: str, action: str) -> None:
        self.grant, self._origin, self._action = grant, origin, action
        self.noted = False

    def entry(self, result: int, detail: str = "") -> AuditEntry:
        """Return what is noted of it."""
        grant = self.grant
        return AuditEntry(grant.who, grant.role_names, grant.how, self._origin, self._action, result, detail)


def grant_of(connection: HTTPConnection) -> Grant:
    """Return what a request may do."""
    found: Grant = connection.state.grant
    return found


def change_of(connection: HTTPConnection) -> Change:
    """Return the change that a request makes."""
    found: Change = connection.state.change
    return found


Stands = Callable[[], Awaitable[bool]]
"""Says whether the grant behind a long answer still holds."""


def stands_of(connection: HTTPConnection) -> Stands:
    """Return what a long answer asks now and then; without a guard every grant holds."""
    found: Stands = getattr(connection.state, "stands", _always)
    return found


async def _always() -> bool:
    return True
