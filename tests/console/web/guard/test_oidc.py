"""Tokens of an identity provider, a real server with real keys: forged, expired, unsigned and foreign ones fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from console.settings import OidcSettings
from console.web.guard.oidc import (
    KEYS_S_MAX,
    KEYS_S_MIN,
    LEEWAY_S,
    TOKEN_CHARS_MAX,
    Provider,
    ProviderAwayError,
    TokenRefusedError,
    fetched,
)
from console.web.guard.roles import Role

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider:
    """A server with a configuration and keys, as every provider has them."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"rsa": RSA.public_key(), "ec": EC.public_key()}
        self.asked: list[str] = []
        self.broken = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                body = provider.answer(self.path)
                self.send_response(500 if provider.broken else 200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/realms/city"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, path: str) -> bytes:
        if path.endswith("/.well-known/openid-configuration"):
            return json.dumps({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}).encode()
        makers = {"rsa": jwt.algorithms.RSAAlgorithm, "ec": jwt.algorithms.ECAlgorithm}
        listed = [
            {**makers[name.partition("-")[0]].to_jwk(key, as_dict=True), "kid": name, "use": "sig"}
            for name, key in self.keys.items()
        ]
        return json.dumps({"keys": listed}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[IdentityProvider]:
    running = IdentityProvider()
    yield running
    running.close()


@pytest.fixture
def clock() -> list[float]:
    return [1_000.0]


@pytest.fixture
def settings(server: IdentityProvider) -> OidcSettings:
    return OidcSettings(issuer=server.issuer, audience="console", role_claim="realm_access.roles")


@pytest.fixture
def provider(settings: OidcSettings, clock: list[float]) -> Provider:
    return Provider(settings, lambda: clock[0])


@pytest.fixture
def claims(server: IdentityProvider) -> dict[str, Any]:
    return {
        "iss": server.issuer,
        "aud": ["console", "other"],
        "sub": "4711",
        "exp": int(time.time()) + 600,
        "preferred_username": "kim",
        "realm_access": {"roles": ["cityvitals-operator", "cityvitals-viewer", "admin", "cityvitals-king", 7]},
    }


def signed(claims: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", kid: str = "rsa") -> str:
    return jwt.encode(claims, key, algorithm, headers={"kid": kid})


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_genuine_token_names_who_and_the_roles_of_ours(provider: Provider, claims: dict[str, Any]) -> None:
    identity = provider.identity(signed(claims))
    assert identity.who == "kim"
    assert identity.roles == {Role.OPERATOR, Role.VIEWER}
    assert identity.until_s == claims["exp"]
    assert provider.identity(signed(claims, EC, "ES256", "ec")) == identity


@pytest.mark.parametrize(
    "roles", [None, "cityvitals-admin", ["cityvitals-admin"], {"cityvitals-admin": 1}, 7, ["admin"]]
)
def test_roles_are_a_text_or_a_list_of_texts_with_the_prefix(
    provider: Provider, claims: dict[str, Any], roles: object
) -> None:
    found = provider.identity(signed({**claims, "realm_access": {"roles": roles}})).roles
    assert found == ({Role.ADMIN} if roles in ("cityvitals-admin", ["cityvitals-admin"]) else frozenset())


def test_without_a_claim_of_roles_there_are_none(provider: Provider, claims: dict[str, Any]) -> None:
    assert provider.identity(signed({**claims, "realm_access": "cityvitals-admin"})).roles == frozenset()


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    return f"{part({'alg': algorithm, 'kid': 'rsa', 'typ': 'JWT'})}.{part(claims)}."


def sealed_with_the_public_key(claims: dict[str, Any]) -> str:
    """The old trick: HS256 with the public key, which everybody knows, as its secret."""
    secret = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = f"{part({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{part(claims)}"
    seal = base64.urlsafe_b64encode(hmac.digest(secret, body.encode(), hashlib.sha256)).decode().rstrip("=")
    return f"{body}.{seal}"


def changed_afterwards(claims: dict[str, Any]) -> str:
    header, _, signature = signed(claims).split(".")
    return f"{header}.{part({**claims, 'realm_access': {'roles': ['cityvitals-admin']}})}.{signature}"


FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    "alg none": unsigned,
    "alg none in other letters": lambda c: unsigned(c, "nOnE"),
    "alg missing": lambda c: f"{part({'kid': 'rsa'})}.{part(c)}.AAAA",
    "sealed with the public key": sealed_with_the_public_key,
    "changed after it was signed": changed_afterwards,
    "signed by a stranger": lambda c: signed(c, STRANGER),
    "signed by a stranger with a key nobody knows": lambda c: signed(c, STRANGER, kid="mine"),
    "signed with the other key": lambda c: signed(c, EC, "ES256", "rsa"),
    "expired": lambda c: signed({**c, "exp": int(time.time()) - LEEWAY_S - 5}),
    "not yet": lambda c: signed({**c, "nbf": int(time.time()) + LEEWAY_S + 60}),
    "without an end": lambda c: signed({k: v for k, v in c.items() if k != "exp"}),
    "without a subject": lambda c: signed({k: v for k, v in c.items() if k != "sub"}),
    "of another issuer": lambda c: signed({**c, "iss": c["iss"] + "x"}),
    "for somebody else": lambda c: signed({**c, "aud": "other"}),
    "without an audience": lambda c: signed({k: v for k, v in c.items() if k != "aud"}),
    "no token": lambda _: "let me in",
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "header of another kind": lambda c: f"{part([1])}.{part(c)}.AAAA",
    "too long": lambda c: signed({**c, "x": "x" * TOKEN_CHARS_MAX}),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_token_is_refused(provider: Provider, claims: dict[str, Any], how: str) -> None:
    with pytest.raises(TokenRefusedError):
        provider.identity(FORGED[how](claims))


def test_keys_are_asked_for_once_and_again_for_a_new_one(
    provider: Provider, server: IdentityProvider, claims: dict[str, Any], clock: list[float]
) -> None:
    for _ in range(3):
        provider.identity(signed(claims))
    assert len(server.asked) == 2
    server.keys["rsa-2"] = STRANGER.public_key()
    clock[0] += KEYS_S_MIN + 1
    assert provider.identity(signed(claims, STRANGER, kid="rsa-2")).who == "kim"
    assert len(server.asked) == 4


def test_a_flood_of_unknown_keys_makes_no_flood_of_questions(
    provider: Provider, server: IdentityProvider, claims: dict[str, Any]
) -> None:
    for number in range(50):
        with pytest.raises(TokenRefusedError):
            provider.identity(signed(claims, STRANGER, kid=f"rsa-{number}"))
    assert len(server.asked) == 2


def test_a_key_that_was_withdrawn_ends_and_a_provider_that_is_away_changes_nothing(
    provider: Provider, server: IdentityProvider, claims: dict[str, Any], clock: list[float]
) -> None:
    provider.identity(signed(claims))
    clock[0] += KEYS_S_MAX + 1
    server.broken = True
    provider.identity(signed(claims))
    clock[0] += KEYS_S_MIN + 1
    server.broken = False
    del server.keys["rsa"]
    with pytest.raises(TokenRefusedError):
        provider.identity(signed(claims))


def test_a_provider_that_was_never_reached_is_told_from_a_bad_token(
    settings: OidcSettings, claims: dict[str, Any]
) -> None:
    nowhere = replace(settings, keys_url="http://127.0.0.1:1/keys")
    with pytest.raises(ProviderAwayError):
        Provider(nowhere, time.monotonic).identity(signed(claims))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b"\xff"])
def test_keys_that_cannot_be_read_are_as_if_the_provider_were_away(
    settings: OidcSettings, claims: dict[str, Any], body: bytes
) -> None:
    provider = Provider(replace(settings, keys_url="https://id.example/keys"), time.monotonic, lambda _: body)
    with pytest.raises(ProviderAwayError):
        provider.identity(signed(claims))


def test_what_is_fetched_is_bounded(server: IdentityProvider) -> None:
    assert len(fetched(f"{server.issuer}/keys")) < 5_000
