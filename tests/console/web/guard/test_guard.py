"""The guard before the whole application: who gets in, who may change what, and what is noted of it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Message

from console.settings import AccessSettings, Settings, WebSettings
from console.web.app import create_app
from console.web.guard.gate import Clocks
from console.web.guard.grants import change_of, grant_of
from console.web.guard.roles import Role
from console.web.guard.start import open_gate
from console.web.guard.tokens import make
from console.web.site import Site
from devices import load_registry
from engine.store import AccessBook, AuditEntry, AuditRow, alerts
from engine.store.access import note
from engine.store.alerts import Alert
from engine.store.session import Session
from tests.console.web.conftest import site_on
from tests.databases import Databases
from tests.engine.store.conftest import empty
from tests.system.pipeline import DEMO

BEYOND = "192.0.2.7"
"""An address that other machines reach (RFC 5737: of nobody). Nothing listens on it here."""
SOMEBODY = AuditEntry("", "admin", "command", "test", "tokens new", 200)
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        return str(json.loads(self.body)["type"]).rpartition(":")[2]


@dataclass
class House:
    """An application behind its guard, and the database with its tokens."""

    app: FastAPI
    site: Site
    database_url: str
    now_s: list[float]

    def __call__(self, method: str, path: str, **headers: str) -> Answer:
        """Ask as a client of another machine would, without any help of a browser."""
        return self.ask(method, path, headers)

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b"", client: str = "198.51.100.9"
    ) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        named = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope: dict[str, Any] = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "root_path": "", "scheme": "http", "query_string": b"", "client": (client, 1), "server": ("console", 80),
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        }  # fmt: skip
        asyncio.run(self.app(scope, receive, send))
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))

    def token(self, name: str, role: str = "viewer", days: int | None = None) -> str:
        token, row = make(name, role, int(self.now_s[0] * 1e6), days)
        with AccessBook.connect(self.database_url) as book:
            assert book.add_token(row, SOMEBODY)
        self.now_s[0] += 3  # by then everybody has heard of it
        return token

    def sign_in(self, token: str) -> str:
        """Sign a page in and return its cookie."""
        answer = self.ask("POST", "/api/v1/session", JSON, json.dumps({"token": token}).encode())
        assert answer.status == 200, answer.body
        return answer.headers["set-cookie"].partition(";")[0]

    def audit(self) -> list[AuditRow]:
        with AccessBook.connect(self.database_url) as book:
            return [row for row in book.audit() if row.entry != SOMEBODY]


JSON = {"content-type": "application/json"}


def with_token(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@cache
def site_of(url: str) -> Site:
    return site_on(url, load_registry(DEMO))


def house(url: str, host: str, access: AccessSettings | None = None) -> House:
    settings = Settings(web=WebSettings(host=host), access=access or AccessSettings())
    now_s = [time.time()]
    clocks = Clocks(lambda: now_s[0], lambda: now_s[0])
    site = replace(site_of(url), settings=settings, gate=open_gate(settings, url, clocks))
    app = create_app(site)

    # Endpoints of ours, so that there is something to change whatever the API can.
    @app.post("/api/v1/alerts/{number}/acknowledge")
    def acknowledge(request: Request, number: int) -> Response:
        assert grant_of(request).roles
        return Response(status_code=204 if number else 409)

    @app.post("/api/v1/alerts/{number}/comment")
    def comment(request: Request, number: int) -> Response:
        """Notes its change in the transaction in which it makes it."""
        session = Session(url, "test", 10_000)
        change = change_of(request)
        with session.transaction(keep=number > 0):
            note(session, change.entry(201, "said hello"))
        change.noted = number > 0
        session.close()
        return Response(status_code=201 if number else 409)

    @app.put("/api/v1/anything")
    def anything() -> Response:
        return Response(status_code=200)

    # Before the page, which takes what no other route has.
    app.router.routes[:] = [*app.router.routes[-3:], *app.router.routes[:-3]]
    return House(app, site, url, now_s)


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as made:
        yield made
        site_of(made).stores.close()


@pytest.fixture
def url(database: str) -> str:
    empty(database)
    return database


@pytest.fixture
def beyond(url: str) -> Iterator[House]:
    made = house(url, BEYOND)
    yield made
    made.site.gate.keeper.close()


@pytest.fixture
def local(url: str) -> Iterator[House]:
    made = house(url, "127.0.0.1")
    yield made
    made.site.gate.keeper.close()


def operations(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the application says it has, with something for each part of a path."""
    return [
        (method.upper(), re.sub(r"{\w+(:path)?}", "7", path))
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    ]


def test_beyond_this_machine_nobody_unknown_gets_anything_but_the_sign_in_page(beyond: House) -> None:
    beyond.token("somebody")
    asked = [*operations(beyond.app), ("GET", "/"), ("GET", "/index.html"), ("GET", "/js/app.js"), ("GET", "/nothing")]
    asked += [("GET", "/api/v1/openapi.json"), ("HEAD", "/"), ("OPTIONS", "/"), ("POST", "/"), ("BREW", "/")]
    assert len(asked) > 20
    for number, (method, path) in enumerate(asked):
        if (method, path) == ("POST", "/api/v1/session"):
            continue
        beyond.now_s[0] += 5
        answer = beyond.ask(method, path, {}, client=f"198.51.100.{number}")
        assert answer.status == 401, (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in ("/sign-in", "/sign-in.js", "/sign-in.css"):
        answer = beyond("GET", path)
        assert answer.status == 200
        assert answer.headers["content-security-policy"]


def test_a_person_who_opens_the_page_is_shown_the_sign_in(beyond: House) -> None:
    beyond.token("somebody")
    answer = beyond("GET", "/", accept="text/html,*/*;q=0.8")
    assert answer.status == 401
    assert b"/sign-in.js" in answer.body
    assert beyond("GET", "/", accept="*/*").problem == "sign-in-needed"


def test_a_viewer_can_change_nothing(beyond: House) -> None:
    viewer = with_token(beyond.token("wall"))
    changed = [(method, path) for method, path in operations(beyond.app) if method in UNSAFE]
    assert {path for _, path in changed} >= {"/api/v1/alerts/7/acknowledge", "/api/v1/anything"}
    for method, path in changed:
        beyond.now_s[0] += 1
        if path == "/api/v1/session":
            continue
        answer = beyond.ask(method, path, {**viewer, **JSON})
        assert (answer.status, answer.problem) == (403, "not-allowed"), (method, path)
    for _, path in operations(beyond.app):
        for method in UNSAFE:
            beyond.now_s[0] += 1
            if path != "/api/v1/session":
                assert beyond.ask(method, path, {**viewer, **JSON}).status in (403, 404, 405), (method, path)
    assert {row.entry.result for row in beyond.audit()} == {403}
    assert beyond.ask("GET", "/api/v1/zones", viewer).status == 200


def test_who_tries_what_he_may_not_again_and_again_is_told_to_wait_and_noted_no_more(beyond: House) -> None:
    viewer = {**with_token(beyond.token("wall")), **JSON}
    statuses = [beyond.ask("POST", "/api/v1/alerts/7/acknowledge", viewer).status for _ in range(40)]
    noted = len(beyond.audit())
    assert statuses == [403] * noted + [429] * (40 - noted)
    assert noted <= 11
    assert beyond.ask("GET", "/api/v1/zones", viewer).status == 200, "what he may he may all the while"


@pytest.mark.parametrize(
    ("role", "acknowledges", "anything"),
    [("viewer", 403, 403), ("operator", 204, 403), ("assessor", 403, 403), ("admin", 204, 200)],
)
def test_a_role_changes_what_it_may_and_all_of_it_is_noted(
    beyond: House, role: str, acknowledges: int, anything: int
) -> None:
    token = with_token(beyond.token("ana", role))
    assert beyond.ask("POST", "/api/v1/alerts/7/acknowledge", token).status == acknowledges
    assert beyond.ask("PUT", "/api/v1/anything", token).status == anything
    assert [row.entry for row in beyond.audit()] == [
        AuditEntry("ana", role, "token", "198.51.100.9", "PUT /api/v1/anything", anything),
        AuditEntry("ana", role, "token", "198.51.100.9", "POST /api/v1/alerts/7/acknowledge", acknowledges),
    ]


def test_who_notes_a_change_in_its_transaction_is_not_noted_twice_and_a_failure_is_noted_all_the_same(
    beyond: House,
) -> None:
    token = with_token(beyond.token("ana", "operator"))
    assert beyond.ask("POST", "/api/v1/alerts/7/comment", token).status == 201
    assert beyond.ask("POST", "/api/v1/alerts/0/comment", token).status == 409
    assert [(row.entry.result, row.entry.detail) for row in beyond.audit()] == [(409, ""), (201, "said hello")]


def test_who_handles_an_alert_is_who_signed_in_whatever_is_said(beyond: House) -> None:
    raised = Alert("silent", "silent_device", "station:a", "info", "Device silent", "silent", 1, 1)
    with alerts.connected(beyond.database_url, "test") as session, session.transaction():
        number = alerts.open_alert(session, raised).alert_id
    token = with_token(beyond.token("ana", "operator"))
    body = json.dumps({"minutes": 5, "who": "the mayor"}).encode()
    answer = beyond.ask("POST", f"/api/v1/alerts/{number}/shelve", {**token, **JSON}, body)
    assert json.loads(answer.body)["shelved_by"] == "ana"
    assert beyond.ask("POST", "/api/v1/alerts/99/shelve", {**token, **JSON}, body).status == 404
    actions = [(row.entry.who, row.entry.action, row.entry.result) for row in beyond.audit()]
    assert actions == [
        ("ana", "POST /api/v1/alerts/99/shelve", 404),
        ("ana", f"POST /api/v1/alerts/{number}/shelve", 200),
    ]


def test_only_an_admin_reads_the_audit(beyond: House) -> None:
    for role in Role:
        token = with_token(beyond.token(role, role))
        answer = beyond.ask("GET", "/api/v1/audit", token)
        assert answer.status == (200 if role is Role.ADMIN else 403)
    assert json.loads(answer.body)["items"][-1]["action"] == "tokens new"


@pytest.mark.parametrize(
    "shown", ["Bearer nonsense", "Bearer ", "Basic YTpi", "cvt_", "Bearer cvt_00000000_" + "A" * 43]
)
def test_a_token_that_does_not_count_is_no_way_in_and_no_other_way_is_tried(beyond: House, shown: str) -> None:
    cookie = beyond.sign_in(beyond.token("wall"))
    assert beyond("GET", "/api/v1/zones", cookie=cookie).status == 200
    assert beyond("GET", "/api/v1/zones", cookie=cookie, authorization=shown).status == 401


def test_a_revoked_or_expired_token_ends_and_its_pages_with_it(beyond: House) -> None:
    token, short = beyond.token("wall"), beyond.token("short", days=1)
    cookie = beyond.sign_in(token)
    assert beyond.ask("GET", "/api/v1/zones", with_token(short)).status == 200
    with AccessBook.connect(beyond.database_url) as book:
        book.revoke_token("wall", SOMEBODY)
    beyond.now_s[0] += 3
    assert beyond.ask("GET", "/api/v1/zones", with_token(token)).status == 401
    assert beyond("GET", "/api/v1/zones", cookie=cookie).status == 401
    beyond.now_s[0] += 86_400
    assert beyond.ask("GET", "/api/v1/zones", with_token(short)).status == 401


def test_a_page_signs_in_is_known_by_its_cookie_and_signs_out(beyond: House) -> None:
    answer = beyond.ask(
        "POST", "/api/v1/session", JSON, json.dumps({"token": beyond.token("ana", "operator")}).encode()
    )
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert {one.lower() for one in attributes} >= {"httponly", "samesite=strict", "path=/"}
    session = json.loads(beyond("GET", "/api/v1/session", cookie=cookie).body)
    assert (session["who"], session["roles"], session["how"]) == ("ana", ["operator"], "session")
    assert session["rights"] == ["read", "handle alerts"]
    out = beyond("DELETE", "/api/v1/session", cookie=cookie, x_cityvitals="1")
    assert out.status == 204
    assert 'cityvitals_session=""' in out.headers["set-cookie"]
    assert [row.entry.action for row in beyond.audit()] == ["DELETE /api/v1/session", "sign in"]


def test_signing_in_needs_a_token_that_counts(beyond: House) -> None:
    beyond.token("ana")
    for body, status in ((b'{"token": "nonsense"}', 401), (b"{}", 422), (b'{"token": ""}', 422), (b"x", 422)):
        assert beyond.ask("POST", "/api/v1/session", JSON, body).status == status
    assert beyond.audit() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 204),
        ({"content-type": "application/json; charset=utf-8", "origin": "http://localhost"}, 204),
        ({"x-cityvitals": "1", "sec-fetch-site": "same-origin"}, 204),
        ({}, 403),
        ({"content-type": "application/x-www-form-urlencoded"}, 403),
        ({"content-type": "text/plain"}, 403),
        ({"content-type": "application/json", "origin": "https://elsewhere.example"}, 403),
        ({"content-type": "application/json", "origin": "null"}, 403),
        ({"content-type": "application/json", "origin": "http://localhost.elsewhere.example"}, 403),
        ({"x-cityvitals": "1", "sec-fetch-site": "cross-site"}, 403),
        ({"x-cityvitals": "1", "sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_foreign_page_cannot_change_anything_in_the_name_of_ours(
    url: str, local: House, headers: dict[str, str], status: int
) -> None:
    """Neither with a cookie nor where nobody signs in."""
    assert local.ask("POST", "/api/v1/alerts/7/acknowledge", headers).status == status
    cookie = local.sign_in(local.token("ana", "operator"))
    assert local.ask("POST", "/api/v1/alerts/7/acknowledge", {**headers, "cookie": cookie}).status == status


def test_a_program_with_a_token_needs_no_such_header(beyond: House) -> None:
    token = with_token(beyond.token("ci", "operator"))
    assert beyond.ask("POST", "/api/v1/alerts/7/acknowledge", token).status == 204


def test_on_this_machine_everybody_is_operator_until_there_is_a_token(local: House) -> None:
    assert json.loads(local("GET", "/api/v1/session").body)["roles"] == ["operator"]
    assert local.ask("POST", "/api/v1/alerts/7/acknowledge", JSON).status == 204
    assert local.ask("PUT", "/api/v1/anything", JSON).status == 403
    assert [row.entry.how for row in local.audit()] == ["open", "open"]
    local.token("ana")
    assert local("GET", "/api/v1/zones").status == 401


def test_another_role_than_operator_may_be_set_for_everybody_on_this_machine(url: str) -> None:
    made = house(url, "127.0.0.1", AccessSettings(open_role="viewer"))
    assert made.ask("POST", "/api/v1/alerts/7/acknowledge", JSON).status == 403
    made.site.gate.keeper.close()


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "[", "192.0.2.7"])
def test_where_nobody_signs_in_no_other_name_is_answered(local: House, host: str) -> None:
    """A page from elsewhere may have its name point at this machine, and a proxy may stand before it."""
    assert local("GET", "/api/v1/zones", host=host).status == 401
    assert local("GET", "/api/v1/zones", host="127.0.0.1:8080").status == 200


def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(url: str) -> None:
    made = house(url, BEYOND, AccessSettings(requests_per_s=1, requests_burst=3))
    one, other = with_token(made.token("one")), with_token(made.token("other"))
    assert [made.ask("GET", "/api/v1/zones", one).status for _ in range(5)] == [200, 200, 200, 429, 429]
    answer = made.ask("GET", "/api/v1/zones", one)
    assert (answer.problem, answer.headers["retry-after"]) == ("too-many", "1")
    assert made.ask("GET", "/api/v1/zones", other).status == 200
    made.now_s[0] += 1
    assert made.ask("GET", "/api/v1/zones", one).status == 200
    made.site.gate.keeper.close()


def test_guessing_ends_in_429_for_the_address_that_guesses(beyond: House) -> None:
    token = with_token(beyond.token("ana"))
    statuses = [beyond.ask("GET", "/api/v1/zones", with_token("cvt_guess")).status for _ in range(15)]
    assert statuses == [401] * 10 + [429] * 5
    assert beyond.ask("GET", "/api/v1/zones", token).status == 200, "whoever is known is not kept out by it"
    assert beyond.ask("GET", "/api/v1/zones", {}, client="198.51.100.77").status == 401


def test_while_the_database_is_away_who_was_known_stays_so_and_nobody_else_gets_in(
    databases: Databases, beyond: House
) -> None:
    token, other = with_token(beyond.token("wall")), with_token("cvt_0_unknown")
    assert beyond.ask("GET", "/api/v1/session", token).status == 200
    keeper = beyond.site.gate.keeper
    with psycopg.connect(beyond.database_url, autocommit=True) as connection:
        name = connection.info.dbname
    admin = beyond.database_url.rpartition("/")[0] + "/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[call-overload]
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # type: ignore[call-overload]
        beyond.now_s[0] += 10
        assert beyond.ask("GET", "/api/v1/session", token).status == 200
        assert keeper.is_fresh
        assert beyond.ask("GET", "/api/v1/session", other).status == 401
        fresh = house(beyond.database_url, BEYOND)
        assert fresh.ask("GET", "/api/v1/session", token).problem == "database-away"
        onlooker = house(beyond.database_url, "127.0.0.1")
        assert json.loads(onlooker("GET", "/api/v1/session").body)["roles"] == ["viewer"]
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[call-overload]


def test_when_a_token_was_used_last_is_written_in_the_end(beyond: House) -> None:
    token = with_token(beyond.token("wall"))
    beyond.ask("GET", "/api/v1/session", token)
    used_s = beyond.now_s[0]
    beyond.site.gate.keeper.close()
    with AccessBook.connect(beyond.database_url) as book:
        assert book.tokens()[0].used_us == int(used_s * 1e6)
