"""Who a request comes from: by bearer token, by an identity provider's token, by a page's cookie, or nobody at all.

Knows headers and what the keeper and the provider say; knows no path and answers nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from console.settings import LOOPBACK, AccessSettings
from console.web.guard.grants import Grant
from console.web.guard.keeper import Keeper, Known
from console.web.guard.oidc import Provider, ProviderAwayError, TokenRefusedError
from console.web.guard.pace import Pace
from console.web.guard.roles import Role
from console.web.guard.sessions import COOKIE, SECONDS_MAX, Ticket, opened, sealed
from console.web.guard.tokens import PREFIX, found, holds
from engine.store import TokenRow

BEARER = "bearer "
_NO_TOKENS = "the database is away, and with it the tokens"
_ONLOOKER = Grant("", frozenset({Role.VIEWER}), "open")
"""Where the database was away since the start, the page of this machine can be opened, and says so."""


class NobodyError(Exception):
    """It is not known who asks; says why."""


class AwayError(Exception):
    """Who asks cannot be looked up now; says why."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds since 1970, and seconds that only rise."""

    now_s: Callable[[], float] = field(default=time.time)
    rising_s: Callable[[], float] = field(default=time.monotonic)


class Gate:
    """Recognises who asks. Used from the event loop; what waits is done in threads."""

    def __init__(
        self,
        settings: AccessSettings,
        host: str,
        keeper: Keeper,
        provider: Provider | None,
        clocks: Clocks | None = None,
    ) -> None:
        """Prepare.

        Args:
            settings: what holds where nobody signs in, and how often one may ask.
            host: address that the console listens on.
            keeper: knows the tokens.
            provider: the identity provider; None where there is none.
            clocks: for tests.
        """
        self.settings, self.keeper = settings, keeper
        self.clocks = clocks or Clocks()
        self.pace = Pace(settings, self.clocks.rising_s)
        self._provider = provider
        self._is_local = host in LOOPBACK
        self._open = Grant("", frozenset({Role(settings.open_role)}), "open")

    async def grant(self, headers: Headers) -> Grant:
        """Return who asks.

        Raises:
            NobodyError: nobody who is known.
            AwayError: that cannot be looked up.
        """
        known = await self._known()
        authorization = headers.get("authorization")
        if authorization is not None:
            return await self._bearer(authorization, known)
        grant = self._session(headers, known)
        if grant is not None:
            return grant
        if not self._is_open(known):
            if known is None:
                raise AwayError(_NO_TOKENS)
            raise NobodyError("sign in, or send a token: `Authorization: Bearer TOKEN`")
        if not _is_for_us(headers):
            # A page from elsewhere whose name was made to point at this machine, or a proxy before an open console.
            raise NobodyError(
                f"nobody signs in here, so only {', '.join(LOOPBACK)} may be asked for; make a token with "
                "`cityvitals tokens new` to be reached under another name"
            )
        return self._open if known is not None else _ONLOOKER

    async def signed_in(self, token: str) -> Grant:
        """Return the grant of a token that somebody shows at the sign-in.

        Raises:
            NobodyError, AwayError
        """
        return await self._bearer(BEARER + token, await self._known())

    async def stands(self, grant: Grant) -> bool:
        """Say whether a grant still holds: an answer without an end asks now and then."""
        known = await self._known()
        if grant.how == "open":
            return self._is_open(known)
        if grant.until_s is not None and self.clocks.now_s() >= grant.until_s:
            return False
        return not grant.token_id or known is None or self._row(grant.token_id, known) is not None

    def cookie(self, grant: Grant) -> tuple[str, int]:
        """Return the text of a page's cookie and for how many seconds it holds.

        Raises:
            AwayError: the key is not known.
        """
        known = self.keeper.known
        if known is None:
            raise AwayError("the database is away, and with it the key of cookies")
        now_s = int(self.clocks.now_s())
        until_s = min(now_s + SECONDS_MAX, grant.until_s or now_s + SECONDS_MAX)
        ticket = Ticket(grant.who, tuple(sorted(grant.roles)), grant.how, grant.token_id, until_s)
        return sealed(ticket, known.key), until_s - now_s

    async def _known(self) -> Known | None:
        if not self.keeper.is_fresh:
            await run_in_threadpool(self.keeper.refresh)
        return self.keeper.known

    def _is_open(self, known: Known | None) -> bool:
        """Say whether nobody signs in: on this machine alone, and as long as no token is known."""
        return self._is_local and self._provider is None and (known is None or not known.tokens)

    async def _bearer(self, authorization: str, known: Known | None) -> Grant:
        if not authorization.lower().startswith(BEARER):
            raise NobodyError("expected `Authorization: Bearer TOKEN`")
        token = authorization[len(BEARER) :].strip()
        if self._provider is not None and not token.startswith(PREFIX):
            try:
                identity = await run_in_threadpool(self._provider.identity, token)
            except TokenRefusedError as error:
                raise NobodyError(str(error)) from None
            except ProviderAwayError as error:
                raise AwayError(str(error)) from None
            return Grant(identity.who, identity.roles, "oidc", until_s=identity.until_s)
        if known is None:
            raise AwayError(_NO_TOKENS)
        row = found(token, known.tokens, self._now_us())
        if row is None:
            raise NobodyError("no such token, or it holds no more")
        self.keeper.used(row.token_id, self._now_us())
        return _granted(row, "token")

    def _session(self, headers: Headers, known: Known | None) -> Grant | None:
        text = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if text is None or known is None:
            return None
        ticket = opened(text, known.key, self.clocks.now_s())
        if ticket is None:
            return None
        if ticket.token_id:
            row = self._row(ticket.token_id, known)
            if row is None:
                return None
            self.keeper.used(row.token_id, self._now_us())
            return _granted(row, "session", ticket.until_s)
        roles = frozenset(role for role in Role if role in ticket.roles)
        return Grant(ticket.who, roles, "session", until_s=ticket.until_s)

    def _row(self, token_id: str, known: Known) -> TokenRow | None:
        row = known.tokens.get(token_id)
        return row if row is not None and holds(row, self._now_us()) else None

    def _now_us(self) -> int:
        return int(self.clocks.now_s() * 1_000_000)


def _granted(row: TokenRow, how: str, until_s: int | None = None) -> Grant:
    return Grant(row.name, frozenset({Role(row.role)}), how, row.token_id, until_s)


def _is_for_us(headers: Mapping[str, str]) -> bool:
    """Say whether a request names this machine as nobody beyond it can."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname in LOOPBACK
    except ValueError:
        return False
