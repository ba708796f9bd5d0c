"""Bearer tokens of an identity provider (OpenID Connect): whether one is genuine, for us, and what role it gives.

Knows JWT and the provider's keys; knows neither requests nor what a role allows. Only signatures by public keys are
taken: a token that says `none`, or that is sealed with a shared secret, is refused before anything else is looked at.
"""

from __future__ import annotations

import logging
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from console.settings import OidcSettings
from console.web.guard.roles import Role

log = logging.getLogger("console")

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
"""How a token may be signed, by kind of key. Shared secrets and no signature at all are not among them."""
TOKEN_CHARS_MAX = 8_192
LEEWAY_S = 30
"""How far the provider's clock may be off."""
KEYS_S_MAX = 3_600.0
"""Keys are asked for again after this time: one that the provider withdrew ends with it."""
KEYS_S_MIN = 30.0
"""At most this often, however many tokens name a key that nobody knows."""
FETCH_S_MAX = 5.0
FETCH_BYTES_MAX = 1_000_000


class TokenRefusedError(Exception):
    """A token that does not count; says why, in words that tell an attacker nothing new."""


class ProviderAwayError(Exception):
    """The provider's keys cannot be had now, and none are known."""


@dataclass(frozen=True, slots=True)
class Identity:
    """For whom the provider vouches.

    Attributes:
        who: the name by which they are known, else the subject.
        roles: those of ours that the token names.
        until_s: it holds before this time, in seconds since 1970.
    """

    who: str
    roles: frozenset[Role]
    until_s: int


def fetched(url: str) -> bytes:
    """Return what a provider serves.

    Raises:
        OSError: it does not.
    """
    with urllib.request.urlopen(url, timeout=FETCH_S_MAX) as answer:  # noqa: S310  (http or https, by the settings)
        body: bytes = answer.read(FETCH_BYTES_MAX)
    return body


class Provider:
    """One identity provider. For any number of threads."""

    def __init__(
        self, settings: OidcSettings, clock_s: Callable[[], float], fetch: Callable[[str], bytes] = fetched
    ) -> None:
        """Prepare; keys are asked for when the first token comes.

        Args:
            settings: which provider, and what must stand in its tokens.
            clock_s: seconds that only rise.
            fetch: reads a URL.
        """
        self._settings, self._clock_s, self._fetch = settings, clock_s, fetch
        self._lock = threading.Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_s: float | None = None
        self._tried_s: float | None = None

    def identity(self, token: str) -> Identity:
        """Return whom a token vouches for.

        Raises:
            TokenRefusedError: it does not count here.
            ProviderAwayError
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise TokenRefusedError("the token is too long")
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims = jwt.decode(
                token,
                key.key,
                # Of the key's own kind alone: what a token says of itself decides nothing.
                algorithms=list(ALGORITHMS.get(key.key_type or "", ())),
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefusedError(f"the token does not count: {error}") from None
        who = claims.get("preferred_username") or claims["sub"]
        return Identity(str(who), roles_of(claims, self._settings), int(claims["exp"]))

    def _key(self, key_id: str) -> jwt.PyJWK:
        with self._lock:
            now_s = self._clock_s()
            old = self._fetched_s is None or now_s - self._fetched_s > KEYS_S_MAX
            if (old or key_id not in self._keys) and (self._tried_s is None or now_s - self._tried_s > KEYS_S_MIN):
                self._tried_s = now_s
                self._renew(now_s)
            if self._fetched_s is None:
                raise ProviderAwayError("the identity provider's keys cannot be read")
            key = self._keys.get(key_id)
        if key is None:
            raise TokenRefusedError("the token is signed with a key that the identity provider does not name")
        return key

    def _renew(self, now_s: float) -> None:
        """Ask for the keys; those that are known stay where the provider is away."""
        try:
            url = self._settings.keys_url or self._discovered()
            listed = jwt.PyJWKSet.from_dict(msgspec.json.decode(self._fetch(url), type=dict[str, Any]))
        except (OSError, ValueError, msgspec.MsgspecError, jwt.PyJWTError) as error:
            log.warning("the identity provider's keys cannot be read: %s", error)
            return
        self._keys = {key.key_id or "": key for key in listed.keys}
        self._fetched_s = now_s

    def _discovered(self) -> str:
        issuer = (self._settings.issuer or "").rstrip("/")
        found = msgspec.json.decode(self._fetch(f"{issuer}/.well-known/openid-configuration"), type=dict[str, Any])
        url = str(found.get("jwks_uri", ""))
        if not url.startswith(("https://", "http://")):
            raise ValueError("its configuration names no jwks_uri")
        return url


def roles_of(claims: Mapping[str, Any], settings: OidcSettings) -> frozenset[Role]:
    """Return the roles that a token names: the claim is a text, or a list of texts, each with the prefix before it."""
    found: Any = claims
    for name in settings.role_claim.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return frozenset(role for role in Role if settings.role_prefix + role in listed)
